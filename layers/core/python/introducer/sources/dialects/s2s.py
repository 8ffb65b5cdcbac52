"""The postback that networks send: an address with places that the network fills in, and a token.

    GET /postback/{source}?token=…&click_id={click}&event=deposit&amount={sale}&currency=USD&txid={id}

There is no standard, only habits, so what a parameter is called is a table of aliases; a source may have its own. Each
parameter is used once: where `transaction_id` has already said the click, it does not say the conversion as well.

- Without a client's id the click id stands for it, without a time the receipt's, and without a conversion's id
  hash(source, click, event).
- An event's name is looked up in a table of words, which a source may add to; without a name it is the source's
  `default_event`.
- A `status` of a rejected conversion takes it back: a `cancel`. A pending one waits.

The same call twice is one event.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any, Literal
from urllib.parse import parse_qsl

from pydantic import Field, field_validator

from introducer.domain.errors import Invalid
from introducer.sources.dialects.model import Broken, Dialect, Ignored, Line, Parameters, RawLine, Read, Row, Signature
from introducer.sources.dialects.refusals import N_, Wrong, a_currency, a_zone, code, codes
from introducer.sources.dialects.table import Take, amount, event, moment, number, size, text
from introducer.sources.dialects.zones import UTC_ALONE
from introducer.sources.events import ROWS

_LONGEST_ID = 100
TOKEN = "token"
"""The parameter that proves who calls. No row ever holds it."""

ALIASES: Mapping[str, tuple[str, ...]] = {
    "click_id": ("click_id", "clickid", "cid", "subid", "transaction_id", "tid", "cxd", "btag"),
    "event": ("event", "goal", "goal_id", "et"),
    "status": ("status",),
    "event_id": ("txid", "transaction_id", "order_id"),
    "client_id": ("client_id", "customer_id", "player_id", "user_id"),
    "occurred_at": ("occurred_at", "timestamp", "time", "datetime"),
    "amount": ("amount", "sum", "sale_amount", "revenue", "payout"),
    "currency": ("currency",),
    "country": ("country", "country_code", "geo"),
    "promo_code": ("promo_code", "promo", "coupon"),
    "lead_id": ("lead_id",),
    "account": ("account", "login"),
    "account_type": ("account_type",),
    "email": ("email",),
    "phone": ("phone",),
    "ip": ("ip",),
    "device": ("device", "device_id"),
    "ref": ("ref",),
    "symbol": ("symbol",),
    "lots": ("lots", "volume"),
    "opened_at": ("opened_at",),
    "closed_at": ("closed_at",),
    "pnl": ("pnl",),
    "commission": ("commission",),
    "swap": ("swap",),
    "spread": ("spread",),
    "subs": (
        *(f"sub{n}" for n in range(1, 6)),
        *("aff_sub", *(f"aff_sub{n}" for n in range(2, 6))),
        *(f"s{n}" for n in range(1, 6)),
        *(f"afp{n}" for n in range(1, 11)),
    ),
}
"""Names of parameters by what they say, the likeliest first. `subs` came with the click, which has kept them; they are
known so that a source can call them something else."""

_WORDS: Mapping[str, tuple[str, ...]] = {
    "registration": ("registration", "register", "reg", "signup", "sign_up", "lead"),
    "kyc": ("kyc", "verified", "verification"),
    "deposit": ("deposit", "dep", "ftd", "first_deposit", "redeposit", "std", "sale", "purchase", "payment"),
    "withdrawal": ("withdrawal", "withdraw", "wd"),
    "credit": ("credit", "bonus"),
    "chargeback": ("chargeback", "cb", "refund"),
    "trade": ("trade",),
}
EVENTS: Mapping[str, str] = {word: kind for kind, words in _WORDS.items() for word in words}
"""What words for events mean, in small letters."""
REJECTED = frozenset(
    ("rejected", "reject", "declined", "cancelled", "canceled", "cancel", "trash", "fraud", "invalid", "reversed")
)
PENDING = frozenset(("pending", "hold", "on_hold", "waiting"))

Kind = Literal["registration", "kyc", "deposit", "withdrawal", "credit", "chargeback", "trade", "ignored"]


class S2sParameters(Parameters):
    """What a source of calls is told."""

    aliases: dict[str, tuple[str, ...]] = Field(
        {},
        max_length=40,
        description=N_('Names in place of the usual ones: `{"event_id": ["tid"], "click_id": ["clk"]}`'),
    )
    events: dict[str, Kind] = Field({}, max_length=200, description=N_('What events are: `{"goal 7": "deposit"}`'))
    default_event: Kind | None = Field(None, description=N_("What a call is that names no event"))
    currency: str = Field("", description=N_("The currency of amounts that come without one"))
    time_zone: str = Field(UTC_ALONE, description=N_("The clock of times that come without a zone of their own"))
    id_with_event: bool = Field(
        False, description=N_("Whether the event's name is part of its id: where one id is sent for several events")
    )

    @field_validator("aliases")
    @classmethod
    def _known(cls, aliases: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name, others in aliases.items():
            if name not in ALIASES:
                raise Wrong(
                    N_("`{name}` is nothing that a call says: there are {names}."),
                    name=code(name),
                    names=codes(ALIASES),
                )
            if any(not other or other == TOKEN or len(other) > 64 for other in others):
                raise Wrong(N_("`{name}` has a name that no parameter can have."), name=code(name))
        return {name: tuple(other.lower() for other in others) for name, others in aliases.items()}

    @field_validator("events")
    @classmethod
    def _small(cls, events: dict[str, Kind]) -> dict[str, Kind]:
        return {word.lower(): kind for word, kind in events.items()}

    @field_validator("currency")
    @classmethod
    def _a_currency(cls, iso: str) -> str:
        return iso and a_currency(iso)

    @field_validator("time_zone")
    @classmethod
    def _a_zone(cls, name: str) -> str:
        return a_zone(name)


def rows(body: bytes) -> Iterator[RawLine]:
    """A call per line: what stands behind the question mark of its address, the address, or a log's `GET /…`."""
    for at, line in enumerate(body.splitlines(), 1):
        query = line.strip()
        if not query:
            continue
        if query.startswith((b"GET ", b"POST ")):
            query = query.split()[1]
        if query.startswith((b"/", b"http://", b"https://")):
            query = query.partition(b"?")[2]
        try:
            said = parse_qsl(query.decode("utf-8"), max_num_fields=100, errors="strict")
        except UnicodeDecodeError:
            yield Broken(line=at, reason="not_utf8", detail="This call is not UTF-8.", raw=_unread(query))
            continue
        except ValueError:
            detail = "This call has more than 100 parameters."
            yield Broken(line=at, reason="too_many_fields", detail=detail, raw=_unread(query))
            continue
        row: dict[str, Any] = {}
        for name, value in said:
            row.setdefault(name.lower(), value.strip())
        row.pop(TOKEN, None)
        yield at, row


def _unread(query: bytes) -> dict[str, str]:
    """What tells a call that cannot be read from others. The token may stand in it, so it is no part of it itself."""
    return {"text": hashlib.sha256(query).hexdigest()}


def _says(row: Row) -> Line:
    call = _Call(row)
    word, kind = call.event()
    status = call.status
    if kind == "ignored":
        return Ignored(line=row.line, reason="not_counted", detail="This event is not counted.")
    if kind != "kyc" and status in PENDING:
        return Ignored(line=row.line, reason="pending", detail="The conversion waits for its approval.")
    event_id = call.event_id(word)
    said = event(row, kind, {**call.fields(kind), "event_id": lambda row: event_id})
    if kind == "cancel" or (kind != "kyc" and status in REJECTED):
        said = {name: said[name] for name in ("client_id", "occurred_at") if name in said}
        said |= {"type": "cancel", "event_id": _cancelled(event_id), "ref": event_id}
    assumed = frozenset[str]()
    if "occurred_at" not in said and "closed_at" not in said:
        said["occurred_at"] = row.received_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        assumed = frozenset({"occurred_at"})
    # Without a status it may be a call from before that is sent again, and says nothing of how it stands now.
    stands = kind != "kyc" and said["type"] != "cancel" and status not in ("", word.lower())
    return Read(line=row.line, event=said, assumed=assumed, stands_unless=_cancelled(event_id) if stands else None)


def _cancelled(event_id: str) -> str:
    """The id of what takes an event back: no id is so long that its event cannot be taken back."""
    named = f"{event_id}-cancelled"
    return named if len(named) <= _LONGEST_ID else hashlib.sha256(named.encode()).hexdigest()[:32]


class _Call:
    """A call's parameters by what they say."""

    def __init__(self, row: Row) -> None:
        assert isinstance(row.source.parameters, S2sParameters)
        self.row = row
        self.parameters = row.source.parameters
        self.names: dict[str, str] = {}
        """Which parameter says it."""
        used: set[str] = set()
        # What a source calls by a name of its own is not what that name usually is.
        claimed = {name: what for what, names in self.parameters.aliases.items() for name in names}
        for what, names in {**ALIASES, **self.parameters.aliases}.items():
            for name in names:
                free = name in row.said and name not in used and claimed.get(name, what) == what
                if free and _filled(name, what, row.said[name]):
                    self.names[what] = name
                    used.add(name)
                    break
        self.named: dict[str, str] = {what: row.said[name] for what, name in self.names.items()}
        self.status = self.named.get("status", "").lower()

    def event(self) -> tuple[str, str]:
        """The event's name as it was sent, and its type: money that goes back is a chargeback, whatever it is called.
        Raises `Invalid` (`no_event`, `invalid_number`)."""
        known: Mapping[str, str] = {**EVENTS, **self.parameters.events}
        word = (
            self.named.get("event")
            or (self.status if self.status in known else "")
            or self.parameters.default_event
            or ""
        )
        if not word and self.status not in REJECTED:
            raise Invalid("The call names no event, and the settings no `default_event`.", code="no_event")
        if not word or self._takes_back(word):
            return word, "cancel"
        kind = known.get(word.lower(), word)
        money = number(self.row, self.names["amount"]) if kind == "deposit" and "amount" in self.names else None
        return word, "chargeback" if money is not None and money < 0 else kind

    def _takes_back(self, word: str) -> bool:
        """Whether the event's name is none but says that it was rejected."""
        return word.lower() in REJECTED and word.lower() not in {**EVENTS, **self.parameters.events}

    def event_id(self, word: str) -> str:
        """The conversion's id, or one made of click and event. Raises `Invalid` (`no_id`)."""
        sent, click = self.named.get("event_id"), self.named.get("click_id")
        of_event = sent is None or self.parameters.id_with_event
        if of_event and (not word or self._takes_back(word)):
            raise Invalid(
                "The call takes a conversion back and does not say which one: send its id, and its event's name with "
                "`status` rejected.",
                code="no_id",
            )
        if sent is not None:
            return f"{word}-{sent}" if self.parameters.id_with_event else sent
        if click is None or not word:
            raise Invalid("The call has no id, and no click id and event to make one of.", code="no_id")
        text = f"{self.row.source.source}\n{click}\n{word}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def fields(self, kind: str) -> dict[str, Take]:
        """Where the event's fields come from."""
        found: dict[str, Take] = {
            what: _TAKES.get(what, text)(name)
            for what, name in self.names.items()
            if what not in ("event", "subs", "status", "event_id")
        }
        found.setdefault("client_id", found.get("click_id", lambda row: None))
        if kind == "kyc":
            status = self.named.get("status", "approved").lower()
            found["status"] = lambda row: status
        if "amount" in found and kind == "credit":
            found["amount"] = amount(self.names["amount"])
        currency = self.named.get("currency", "").upper() or self.parameters.currency
        found["currency"] = lambda row: currency or None
        if "country" in found:
            country = self.named["country"].upper()
            found["country"] = lambda row: country
        return found if kind in ROWS else {name: found[name] for name in ("client_id",)}


def _time(name: str) -> Take:
    # Seconds from 1970 are the world's, whatever the clock on the network's wall.
    return moment(name, counts_in=UTC_ALONE)


_TAKES: Mapping[str, Any] = {
    **dict.fromkeys(("occurred_at", "opened_at", "closed_at"), _time),
    **dict.fromkeys(("pnl", "commission", "swap", "spread", "lots"), amount),
    "amount": size,
}


_NEEDED = frozenset({"click_id", "event", "status", "event_id", "client_id", "amount", "currency"})
_PLACE = re.compile(r"[{\[<#%$].*[}\]>#%]", re.DOTALL)


def _filled(name: str, what: str, value: str) -> bool:
    """Whether the network put something in. Raises `Invalid` (`unfilled_place`) where it left its place in what we
    cannot do without: all its conversions would be one client's."""
    if not _PLACE.fullmatch(value):
        return True
    if what in _NEEDED:
        raise Invalid(
            f"{name} was sent as {value[:40]!a}: the network did not fill it in. Look at what it calls its places.",
            code="unfilled_place",
        )
    return False


DIALECT = Dialect(
    name="s2s",
    title=N_("Postbacks of networks (S2S)"),
    signature=Signature.TOKEN,
    parameters=S2sParameters,
    rows=rows,
    says=_says,
    plain=frozenset(
        name
        for what in ("event", "status", "event_id", "occurred_at", "amount", "currency", "click_id")
        for name in ALIASES[what]
    ),
    identity=frozenset(["aliases", "events", "default_event", "currency", "time_zone", "id_with_event"]),
)
