"""Events: the immutable facts that trading platforms report.

An event is what was accepted, already free of personal data: the client is a keyed hash, amounts are minor units of
`currency`, lots are integers of `LOT` to one lot. Which fields a type needs is the business of `sources`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

LOT = 10**8
"""Integer units in one lot."""


FUTURE = timedelta(minutes=10)
"""How far ahead of our clock a platform's may be: events dated later are refused."""

NOTICE = FUTURE + timedelta(minutes=2)
"""The least time from a decision (terms, a standing, another parent) until it holds. No event that is applied already
can be dated later than that, and no container remembers for longer what was decided before."""


DISALLOWED, ALLOWED = "disallowed", "allowed"
"""What a verdict says of a client: it earns nothing, or it earns again."""


class EventType(StrEnum):
    REGISTRATION = "registration"
    KYC = "kyc"
    DEPOSIT = "deposit"
    TRADE = "trade"
    WITHDRAWAL = "withdrawal"
    CREDIT = "credit"
    CHARGEBACK = "chargeback"
    CANCEL = "cancel"
    MOVE = "move"
    """Staff decided whose client it is. Platforms cannot send it."""
    LEAD = "lead"
    """Staff said which lead the client came of. Platforms cannot send it: they name a lead in a registration."""
    VERDICT = "verdict"
    """A case was decided: from `starts_at` on the client earns nothing, or earns again. Platforms cannot send it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One accepted event. Its identity is (source, client, event_id), within a brand."""

    brand: str
    source: str
    client: str
    """HMAC of the platform's client id under the brand's key: never the id itself."""
    event_id: str
    type: EventType
    occurred_at: datetime
    accepted_at: datetime | None = None
    """When the server took it. Nothing that is owed may depend on it."""
    digest: str = ""
    """Hash of what the platform sent; tells a repeat from a contradiction."""
    click_id: str | None = None
    promo_code: str | None = None
    lead_id: str | None = None
    country: str | None = None
    account: str | None = None
    account_type: str | None = None
    currency: str | None = None
    amount: int | None = None
    """Minor units: deposit, withdrawal, credit, chargeback. Positive, save a credit."""
    lots: int | None = None
    symbol: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    spread: int | None = None
    commission: int | None = None
    swap: int | None = None
    pnl: int | None = None
    """The client's result of the trade, minor units; None where the platform does not say it. The four parts of a trade
    are signed as the platform sent them."""
    status: str | None = None
    """kyc: `approved`, `pending`, `rejected`; verdict: `disallowed`, `allowed`."""
    ref: str | None = None
    """The `event_id` a chargeback or cancel refers to (same source, same client)."""
    partner: str | None = None
    """move: whose client it is from `starts_at` on; without `starts_at`, from the beginning (a correction)."""
    starts_at: datetime | None = None
    """move and verdict: from when on it holds."""
    case: str | None = None
    """verdict: the case that was decided."""
    reason: str | None = None
    """verdict: the code of the reason, which receipts show."""
    email_hash: str | None = None
    phone_hash: str | None = None
    address_hash: str | None = None
    device_hash: str | None = None
    prefix_hash: str | None = None
    """Of the network that the address lies in: /24, or /48 of IPv6."""
    pattern_hash: str | None = None
    """Of what the e-mail address looks like."""
    disposable: int | None = None
    """1 when the e-mail address is of a provider of throw-away addresses."""
    applied_at: datetime | None = None
    """The engine's mark: this event is in the books."""

    @property
    def key(self) -> tuple[str, str]:
        """Identity within the client."""
        return (self.source, self.event_id)

    @property
    def order(self) -> tuple[datetime, str, str]:
        """The one order of a client's events: by time, ties by identity."""
        return (self.occurred_at, self.source, self.event_id)


def day_of(moment: datetime) -> str:
    """The UTC day, `2026-03-01`. Days, months and rates are all UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def month_of(moment: datetime) -> str:
    """The UTC month, `2026-03`."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970, exactly."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


def from_milliseconds(at_ms: int) -> datetime:
    """The aware UTC moment of these milliseconds."""
    seconds, rest = divmod(at_ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def in_full_ms(moment: datetime) -> datetime:
    """The moment in UTC, in whole milliseconds: as the books keep it."""
    return from_milliseconds(milliseconds(moment))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
