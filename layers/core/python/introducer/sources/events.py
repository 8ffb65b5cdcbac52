"""The event as a platform posts it in JSON, and how it becomes an `Event` of the domain.

`read_event` checks a message against the model of its type and answers one sentence per field that is wrong, each
with a stable code. `to_event` takes what names a person out of it (keyed hashes) and computes the digest that tells
a repeat from a contradiction.

Three decisions, documented for platforms in docs/postback.md:

- `occurred_at` orders events and chooses the deal version. Every type must say it; a trade may leave it out, because a
  trade happens when it is closed: it is `closed_at` then.
- Two messages say the same when they mean the same. The digest covers the meaning (minor units, moments, hashes), not
  the spelling: field order, `"10.0"` for `"10.00"`, `+01:00` for `Z`, a field left out for its null or default make
  no difference. What the server adds (brand, source, time of acceptance) is not part of it.
- A chargeback may come without `ref`; it then lowers no certain deposit but raises the minimum a client must reach.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, NoReturn, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from introducer.domain import identity
from introducer.domain.errors import Invalid
from introducer.domain.events import FUTURE, LOT, Event, EventType, in_full_ms, milliseconds
from introducer.domain.money import decimals, minor_units
from introducer.sources.disposable import is_disposable

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

MOST_FIELDS = 100
"""Fields one event may have, known or not. More is no event, and would not fit into quarantine."""
LONGEST_NAME = 64

_MOST_ERRORS = 20
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)  # RFC 3339, section 5.6
_LOTS = re.compile(r"\d{1,9}(\.\d{1,8})?", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


class FieldError(NamedTuple):
    """What is wrong with one field."""

    field: str
    code: str
    detail: str


class UnknownType(Invalid):
    """A well-formed message of a type we do not know (yet): to be kept for a person, not refused."""

    code = "unknown_type"


def _wrong(code: str, detail: str) -> PydanticCustomError:
    # The sentence travels as a value: pydantic would read braces in it as places to fill.
    return PydanticCustomError(code, "{detail}", {"detail": detail})


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong("not_a_string", "must be a string, in quotes.")
    return value


def _bounded(longest: int) -> BeforeValidator:
    """Printable characters, at least one, none of them space at the ends."""

    def check(value: Any) -> str:
        text = _text(value)
        if not text:
            raise _wrong("empty", "is empty: leave it out, or say something.")
        if len(text) > longest:
            raise _wrong("too_long", f"has {len(text)} characters; {longest} are accepted.")
        if not text.isprintable() or text != text.strip():
            raise _wrong("not_printable", "may hold printable characters only, and no space at its ends.")
        return text

    return BeforeValidator(check)


def _by(rule: Callable[[str], Any]) -> BeforeValidator:
    """A rule of the domain, whose `Invalid` becomes this field's error."""

    def check(value: Any) -> Any:
        try:
            return rule(_text(value))
        except Invalid as error:
            raise _wrong(error.code, error.detail) from None

    return BeforeValidator(check)


def _currency(text: str) -> str:
    if len(text) != 3:
        raise Invalid("must be an ISO 4217 code of three capital letters, such as EUR.", code="unknown_currency")
    decimals(text)
    return text


def _country(text: str) -> str:
    if not _COUNTRY.fullmatch(text):
        raise Invalid("must be an ISO 3166 code of two capital letters, such as DE.", code="invalid_country")
    return text


def _lots(text: str) -> int:
    if not _LOTS.fullmatch(text):
        raise Invalid(
            'must be a plain positive decimal string with at most 8 decimals, such as "0.10".',
            code="invalid_lots",
        )
    whole, _, part = text.partition(".")
    units = int(whole) * LOT + int(part.ljust(8, "0"))
    if not units:
        raise Invalid("must be more than zero.", code="not_positive")
    return units


def _moment(value: Any, info: ValidationInfo) -> datetime:
    if isinstance(value, datetime):  # the default of occurred_at: already a checked moment
        return value
    text = _text(value)
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        # Python keeps microseconds, we keep milliseconds: what we compare later is what we stored.
        moment = in_full_ms(datetime.fromisoformat(text.upper()).astimezone(UTC))
    except (ValueError, OverflowError):
        raise _wrong(
            "invalid_time", 'must be an RFC 3339 time with its zone, such as "2026-03-01T09:30:00Z".'
        ) from None
    if moment < EARLIEST:
        raise _wrong("too_early", "lies before the year 2000.")
    now: datetime = (info.context or {})["now"]
    if moment > now + FUTURE:
        raise _wrong("in_the_future", "lies in the future: 10 minutes are allowed.")
    return moment


def _money(*, positive: bool) -> BeforeValidator:
    """Minor units of the event's currency. Without a good currency only the currency is complained about."""

    def check(value: Any, info: ValidationInfo) -> int:
        text = _text(value)
        currency = info.data.get("currency")
        if currency is None:
            return 0
        try:
            minor = minor_units(text, currency)
        except Invalid as error:
            raise _wrong(error.code, error.detail) from None
        if positive and minor <= 0:
            raise _wrong("not_positive", "must be more than zero.")
        return minor

    return BeforeValidator(check)


Identifier = Annotated[str, _bounded(100)]
Word = Annotated[str, _bounded(64)]
Currency = Annotated[str, _by(_currency)]
Country = Annotated[str, _by(_country)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Amount = Annotated[int, _money(positive=True)]
SignedAmount = Annotated[int, _money(positive=False)]
Lots = Annotated[int, _by(_lots)]
Email = Annotated[str, _by(identity.normal_email)]
Phone = Annotated[str, _by(identity.normal_phone)]
Address = Annotated[str, _by(identity.normal_address)]
Device = Annotated[str, _by(identity.normal_device)]


class PostedEvent(BaseModel):
    """What every type has. Field order matters: `currency` comes before the amounts that are read in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    says: ClassVar[str] = "An event"
    """How a sentence about this type begins."""

    type: str
    event_id: Identifier
    client_id: Identifier
    occurred_at: Moment


class PostedFact(PostedEvent):
    """An event that happened; every one may bring evidence of who referred the client, and fraud features."""

    click_id: Word | None = None
    promo_code: Word | None = None
    lead_id: Word | None = None
    country: Country | None = None
    account: Word | None = None
    account_type: Word | None = None
    email: Email | None = None
    phone: Phone | None = None
    ip: Address | None = None
    device: Device | None = None


_R = TypeVar("_R", "PostedChargeback", "PostedCancel")


class PostedRegistration(PostedFact):
    says: ClassVar[str] = "A registration"
    type: Literal["registration"]


class PostedKyc(PostedFact):
    says: ClassVar[str] = "A kyc"
    type: Literal["kyc"]
    status: Literal["approved", "pending", "rejected"]


class PostedDeposit(PostedFact):
    says: ClassVar[str] = "A deposit"
    type: Literal["deposit"]
    currency: Currency
    amount: Amount


class PostedWithdrawal(PostedFact):
    says: ClassVar[str] = "A withdrawal"
    type: Literal["withdrawal"]
    currency: Currency
    amount: Amount


class PostedCredit(PostedFact):
    """A bonus or correction that the broker credits, or takes back: the one amount with a sign."""

    says: ClassVar[str] = "A credit"
    type: Literal["credit"]
    currency: Currency
    amount: SignedAmount


class PostedChargeback(PostedFact):
    says: ClassVar[str] = "A chargeback"
    type: Literal["chargeback"]
    currency: Currency
    amount: Amount
    ref: Identifier | None = None

    @model_validator(mode="after")
    def _not_itself(self) -> PostedChargeback:
        return _refers_to_another(self)


class PostedTrade(PostedFact):
    """A closed trade."""

    says: ClassVar[str] = "A trade"
    type: Literal["trade"]
    currency: Currency
    lots: Lots
    symbol: Word
    opened_at: Moment
    closed_at: Moment
    spread: SignedAmount = 0
    commission: SignedAmount = 0
    swap: SignedAmount = 0
    pnl: SignedAmount = 0

    @model_validator(mode="before")
    @classmethod
    def _happens_when_closed(cls, message: Any) -> Any:
        if message.get("occurred_at") is None and message.get("closed_at") is not None:
            return {**message, "occurred_at": message["closed_at"]}
        return message

    @model_validator(mode="after")
    def _opened_first(self) -> PostedTrade:
        if self.opened_at is not None and self.closed_at < self.opened_at:
            raise _wrong("closed_before_opened", "`closed_at` lies before `opened_at`.")
        return self


class PostedClosing(PostedTrade):
    """A closed trade of a platform that does not say when it was opened: rules that ask how long it was held do not
    count it."""

    opened_at: Moment | None = None  # type: ignore[assignment]


class PostedCancel(PostedEvent):
    """Another event never happened."""

    says: ClassVar[str] = "A cancel"
    type: Literal["cancel"]
    ref: Identifier

    @model_validator(mode="after")
    def _not_itself(self) -> PostedCancel:
        return _refers_to_another(self)


def _refers_to_another(posted: _R) -> _R:
    if posted.ref == posted.event_id:
        raise _wrong("ref_to_itself", "`ref` names this very event: it must be the `event_id` of another one.")
    return posted


MODELS: dict[str, type[PostedEvent]] = {
    EventType.REGISTRATION: PostedRegistration,
    EventType.KYC: PostedKyc,
    EventType.DEPOSIT: PostedDeposit,
    EventType.TRADE: PostedTrade,
    EventType.WITHDRAWAL: PostedWithdrawal,
    EventType.CREDIT: PostedCredit,
    EventType.CHARGEBACK: PostedChargeback,
    EventType.CANCEL: PostedCancel,
}


ROWS: dict[str, type[PostedEvent]] = MODELS | {EventType.TRADE: PostedClosing}
"""What rows of other dialects are checked against."""


class _Envelope(BaseModel):
    """What even an event of an unknown type must have, so that it can be answered for."""

    model_config = ConfigDict(extra="ignore")

    says: ClassVar[str] = "An event"
    type: Word
    event_id: Identifier
    client_id: Identifier | None = None


def read_event(
    message: Mapping[str, Any], now: datetime, models: Mapping[str, type[PostedEvent]] = MODELS
) -> PostedEvent:
    """The message as the model of its type. `now` is the receiver's clock.

    Raises `UnknownType` for a message that only its type keeps from being taken, else `Invalid`: its code is the first
    field's, its `errors` are all of them (20 at most).
    """
    if len(message) > MOST_FIELDS:
        raise Invalid(
            f"The event has {len(message)} fields; {MOST_FIELDS} are accepted.",
            code="too_many_fields",
        )
    kind = message.get("type")
    model = models.get(kind) if isinstance(kind, str) else None
    if model is None:
        _validate(_Envelope, message, now)
        raise UnknownType(
            f"{kind!a} is not a type we know ({', '.join(MODELS)}): the message is kept for a person to look at."
        )
    posted: PostedEvent = _validate(model, message, now)
    return posted


def _validate(model: Any, message: Mapping[str, Any], now: datetime) -> Any:
    try:
        # A field that is null says nothing, like one that is not there.
        said = {name: value for name, value in message.items() if value is not None or name not in model.model_fields}
        return model.model_validate(said, context={"now": now})
    except ValidationError as error:
        _refuse([_field_error(model, part) for part in error.errors(include_url=False, include_input=False)])


def _refuse(errors: list[FieldError]) -> NoReturn:
    shown = errors[:_MOST_ERRORS]
    raise Invalid(
        " ".join(error.detail for error in shown),
        code=shown[0].code,
        errors=[error._asdict() for error in shown],
    )


def _field_error(model: Any, part: Mapping[str, Any]) -> FieldError:
    """pydantic's finding in our words."""
    field = ".".join(str(step) for step in part["loc"])
    field = field if len(field) <= LONGEST_NAME else field[:LONGEST_NAME] + "…"
    kind, name = part["type"], f"`{field}`" if field.isprintable() else ascii(field)
    if kind == "missing":
        return FieldError(field, "missing", f"{model.says} needs {name}.")
    if kind == "extra_forbidden":
        return FieldError(field, "unknown_field", f"{model.says} has no field {name}.")
    if kind == "literal_error":
        return FieldError(field, "not_one_of", f"{name} must be one of {part['ctx']['expected']}.")
    # A finding about the whole event has no field, and names those it is about itself.
    return FieldError(field, kind, f"{name}: {part['msg']}" if field else part["msg"])


def to_event(posted: PostedEvent, *, brand: str, source: str, brand_key: bytes, accepted_at: datetime) -> Event:
    """The event of the domain, free of what names a person."""

    def hashed(kind: str, value: str | None) -> str | None:
        return None if value is None else identity.keyed_hash(brand_key, kind, value)

    said = posted.model_dump(exclude={"type", "event_id", "client_id", "email", "phone", "ip", "device"})
    if isinstance(posted, PostedFact):
        said |= {
            "email_hash": hashed(identity.EMAIL, posted.email),
            "phone_hash": hashed(identity.PHONE, posted.phone),
            "address_hash": hashed(identity.ADDRESS, posted.ip),
            "device_hash": hashed(identity.DEVICE, posted.device),
        }
    # What the server makes of what was sent is no part of what was sent: the digest is made before.
    digest = _digest({"type": posted.type, **said})
    if isinstance(posted, PostedRegistration):
        said |= {
            "prefix_hash": hashed(identity.PREFIX, posted.ip and identity.network(posted.ip)),
            "pattern_hash": hashed(identity.PATTERN, posted.email and identity.email_pattern(posted.email)),
            "disposable": 1 if posted.email and is_disposable(posted.email) else None,
        }
    elif isinstance(posted, PostedTrade) and "pnl" not in posted.model_fields_set:
        said["pnl"] = None
    return Event(
        brand=brand,
        source=source,
        client=identity.keyed_hash(brand_key, identity.CLIENT, posted.client_id),
        event_id=posted.event_id,
        type=EventType(posted.type),
        accepted_at=in_full_ms(accepted_at),
        digest=digest,
        **said,
    )


def _digest(said: Mapping[str, Any]) -> str:
    """SHA-256 over the meaning of what was sent, as canonical JSON: sorted keys, no spaces, nothing for None."""
    meaning = {
        name: milliseconds(value) if isinstance(value, datetime) else value
        for name, value in said.items()
        if value is not None
    }
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


_PLAIN = frozenset(
    {name for model in MODELS.values() for name in model.model_fields} - {"client_id", "email", "phone", "ip", "device"}
)
_KINDS: dict[str, tuple[str, Callable[[str], str]]] = {
    "client_id": (identity.CLIENT, str),
    "email": (identity.EMAIL, identity.normal_email),
    "phone": (identity.PHONE, identity.normal_phone),
    "ip": (identity.ADDRESS, identity.normal_address),
    "device": (identity.DEVICE, identity.normal_device),
}


def redacted(message: Mapping[str, Any], brand_key: bytes) -> dict[str, Any]:
    """The message as it may be kept: every value that is not known to be harmless is a keyed hash.

    Fields of our own model that name nobody stay as they were sent. The client, e-mail, phone, address and device are
    hashed as in an event, so that they can be matched; any other field may hold a name or worse, and is hashed whole.
    """
    kept: dict[str, Any] = {}
    for name, value in message.items():
        if value is None or (isinstance(value, bool | int | float) and name in _PLAIN):
            kept[name[:LONGEST_NAME]] = value
        elif name in _PLAIN and isinstance(value, str) and len(value) <= 200:
            kept[name] = value
        else:
            kept[name[:LONGEST_NAME]] = _hashed(name, value, brand_key)
    return kept


WITHHELD = "…"
"""Stands for a value that may say who somebody is."""


def cleared(row: Mapping[str, Any], plain: Set[str]) -> dict[str, Any]:
    """A row of a platform's as it may be kept of somebody we could not make out: the values of `plain` fields, and of
    the others that there was one."""
    kept: dict[str, Any] = {}
    for name, value in list(row.items())[:MOST_FIELDS]:
        if name in plain and (value is None or isinstance(value, bool | int)):
            kept[name] = value
        else:
            kept[name[:LONGEST_NAME]] = str(value)[:200] if name in plain and not _nested(value) else WITHHELD
    return kept


def _nested(value: Any) -> bool:
    return isinstance(value, Mapping | list)


def _hashed(name: str, value: Any, brand_key: bytes) -> str:
    kind, normal = _KINDS.get(name, (name, str))
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    with suppress(Invalid):  # Not what its name says: still nobody's business.
        text = normal(text)
    return "#" + identity.keyed_hash(brand_key, kind, text)
