"""What a verification found out, as plain data: figures, and each difference by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from introducer.domain.money import decimal_string


class Kind(StrEnum):
    """Which promise a difference breaks."""

    CLIENT_STATE = "client_state"
    """A field of a client's state is not what its applied events make."""
    CLIENT_MISSING = "client_missing"
    """A client has applied events and no state."""
    CLIENT_WITHOUT_EVENTS = "client_without_events"
    """A client has a state and no applied event."""
    CLIENT_LISTING = "client_listing"
    """A client stands in another partner's list, or in none, or in the wrong place."""
    TARGET = "target"
    """State and journals agree with each other, and not with what the deals say of the events."""
    POSTED = "posted"
    """What a state says was posted for a key is not what was owed."""
    JOURNAL_SUM = "journal_sum"
    """The journals of a key do not add up to what was owed."""
    JOURNAL = "journal"
    """A journal contradicts itself: its legs, its amount, its receipt or its month."""
    ROW = "row"
    """A client's row in a partner's month is not what the client is."""
    UNSETTLED = "unsettled"
    """A partner's month was settled from other rows than there are now."""
    SETTLED = "settled"
    """What was posted for a partner's month, or handed on, is not what its rows make."""
    ADJUSTMENT = "adjustment"
    """An adjustment contradicts itself: its status, its journals or who decided it."""
    STATEMENT = "statement"
    """A closed month's statement is not what the journals of that month make."""
    PAYOUT = "payout"
    """A payout is not what its journals, its rates, its batch and its run make of it."""
    BATCH = "batch"
    """A batch counts other payouts than are in it, or is done before they are."""
    RUN = "run"
    """A closed run came to something else than its payouts do."""
    CASE = "case"
    """A case is not what its journals and its hold make of it, or a balance holds something else than its cases do."""
    CONTEST = "contest"
    """A contest's window, result or archive is not what was decided and counted."""
    SCORE = "score"
    """What is counted of a partner in a contest that runs is not what the facts say."""
    RECOUNT = "recount"
    """What was counted of a contest for good is not what the facts say that were accepted in time."""
    PRIZE = "prize"
    """A prize is not what the result says, or not what its journal pays."""
    HOLD = "hold"
    """A balance counts another number of holds than stand."""
    INVOICE = "invoice"
    """An invoice is not its payout's, or the numbers of a year have a gap."""
    BALANCE = "balance"
    """An amount of a partner's balance is not the sum of the journals."""
    EVENT_COUNT = "event_count"
    """A counter of events is not what the events make."""
    CLICK_COUNT = "click_count"
    """A counter of clicks is not what the clicks make."""
    CAMPAIGN_COUNT = "campaign_count"
    """A campaign with caps counts another number of clicks than it had since."""
    TRACE = "trace"
    """What detectors see of a client is not what its events make."""
    PERSON = "person"
    """An e-mail, phone or device is counted for another number of clients than registered with it."""
    CLICK = "click"
    """A click is not the one that its id names."""
    NOT_APPLIED = "not_applied"
    """An event was accepted, is not in the books and does not stand in quarantine."""
    INTAKE = "intake"
    """A source's daily count of accepted or applied events is not the number of those events."""
    DEAL = "deal"
    """The terms of a deal version are not those that its hash names."""
    NOT_RECOMPUTABLE = "not_recomputable"
    """The applied events of a client cannot be folded."""
    UNREADABLE = "unreadable"
    """An item does not have the form of its kind."""
    UNKNOWN_ITEM = "unknown_item"
    """An item's key belongs to no kind of item."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the books are not what the facts make them. It names clients by their keyed hash only."""

    kind: Kind
    what: str
    """What differs: ids, the field or attribute."""
    expected: str
    """What the facts say."""
    found: str
    """What stands there."""
    where: str
    """The table and key to look at."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An accepted event that a person must look at: it stands in quarantine."""

    source: str
    event_id: str
    client: str
    reason: str


@dataclass(frozen=True, slots=True)
class Intake:
    """How complete a source's events are in the books."""

    source: str
    accepted: int
    applied: int
    quarantined: int
    """Messages in quarantine: events that could not be applied, and messages that never became events."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A partner's month that settling must take up again (`introducer settle`)."""

    partner: str
    month: str
    sound: bool
    """Whether the partner's settled months say of each amount what the journals say. Where they do not, settling would
    post the difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutTotals:
    """What payouts come to. Sums are minor units by currency; no currency in which it all came to nothing."""

    payouts: int = 0
    runs: int = 0
    batches: int = 0
    invoices: int = 0
    holds: int = 0
    """Those that stand."""
    by_status: Mapping[str, int] = field(default_factory=dict)
    paid_held: Mapping[str, int] = field(default_factory=dict)
    """What was paid and did not come back, in the currencies that it stood in."""
    paid: Mapping[str, int] = field(default_factory=dict)
    """The same in the currencies that it was paid in."""
    clearing: Mapping[str, int] = field(default_factory=dict)
    """What stands between two currencies: what was taken for exchange is above zero, what was paid for it below."""
    rounding: Mapping[str, str] = field(default_factory=dict)
    """What clearing is worth at the rates of the payouts, in the currencies that they were paid in: the fractions that
    rounding left, at most half a minor unit for each payout. Exact decimal amounts."""

    def document(self) -> dict[str, Any]:
        """As JSON. Amounts are decimal strings."""
        sums = {
            name: {currency: decimal_string(minor, currency) for currency, minor in getattr(self, name).items()}
            for name in ("paid_held", "paid", "clearing")
        }
        return asdict(self) | sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of one verification."""

    at: datetime
    """When reading began, by the clock of the installation."""
    events: int
    applied: int
    quarantined: int
    """Messages in quarantine."""
    clicks: int
    flagged: int
    clients: int
    """Client states in the books."""
    journals: int
    partners: int
    """Partners with a balance or a journal."""
    months: int
    """Partners' months that were settled over all clients."""
    adjustments: int
    """Amounts that people posted by hand."""
    statements: int
    """Closed months of partners."""
    sums: Mapping[str, int]
    """The sum of all journals per currency, minor units; no currency in which it all came to nothing."""
    intake: tuple[Intake, ...]
    waiting: tuple[Waiting, ...]
    unsettled: tuple[Unsettled, ...]
    """The earliest month first."""
    clicks_from: str
    """The first UTC day whose click counters were compared: raw clicks of earlier days may have expired."""
    moved: int
    """Facts that were accepted or applied while the tables were read. With any, a difference may be theirs alone."""
    differences: tuple[Difference, ...]
    state_hash: str
    """One hash over all client states and what was posted for them; the same for every order of delivery."""
    books_hash: str
    """One hash over the state hash and what was posted for settled months, likewise."""
    seconds: float
    payouts: PayoutTotals = PayoutTotals()
    money_differences: int = 0
    """Partners and currencies in which payouts and balances are not what was earned, to the minor unit."""

    @property
    def good(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    def document(self) -> dict[str, Any]:
        """As JSON. Amounts are decimal strings."""
        sums = {currency: decimal_string(minor, currency) for currency, minor in sorted(self.sums.items())}
        return asdict(self) | {
            "at": self.at.isoformat(),
            "sums": sums,
            "payouts": self.payouts.document(),
            "seconds": round(self.seconds, 3),
        }
