"""Outbound postbacks and webhooks: what is told, to which target, in which words, how often, and until when.

A **target** is a URL of a partner's tracker, or of the brand's own systems, with macros in it: `{click_id}`,
`{payout}` and so on. What happens (`News`) becomes one **delivery** per target that wants it. A delivery has an id that
follows from the target and from what happened: a receiver that gets one twice knows it. All pure; sending is
`services.send_postback`.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from introducer.domain import signatures
from introducer.domain.errors import Invalid
from introducer.domain.events import from_milliseconds
from introducer.domain.identity import HASH_LENGTH
from introducer.domain.ids import derived_id
from introducer.domain.money import decimal_string


class Told(StrEnum):
    """What a target may be told of."""

    REGISTRATION = "registration"
    KYC = "kyc"
    FTD = "ftd"
    QFTD = "qftd"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    CHARGEBACK = "chargeback"
    EARNING = "earning"
    """Any amount that is credited: `goal` is the rule."""
    CLAWBACK = "clawback"
    """Any amount that is taken back; `payout` is below zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something that happened and may be told. Written by the engine with the client's state, or read off a journal."""

    event: Told
    event_id: str
    """The same whenever the same thing is told again."""
    brand: str = ""
    partner: str = ""
    """Whose client it is; empty while it is nobody's: then only the brand's own targets are told."""
    client: str = ""
    """The client's keyed hash; empty where an amount is for no single client."""
    at: int = 0
    """When it happened, ms."""
    click: str = ""
    link: str = ""
    campaign: str = ""
    country: str = ""
    goal: str = ""
    """The rule, of an amount."""
    payout: int = 0
    """What the partner is credited by it, minor units, as far as it is known then; below zero: taken back."""
    currency: str = ""
    """Of the payout."""
    deposit: int = 0
    """What the client paid in or drew, minor units."""
    deposit_currency: str = ""


# -------------------------------------------------------------------------------------------------------------- macros

MACROS: tuple[str, ...] = (
    "click_id", "sub1", "sub2", "sub3", "sub4", "sub5", "event", "event_id", "delivery_id", "timestamp", "payout",
    "currency", "deposit_amount", "deposit_currency", "goal", "campaign", "link", "country", "client", "partner",
)  # fmt: skip
"""What may stand in braces in a target's URL; and the fields of a POST. Amounts are decimal strings, `timestamp` is
unix seconds of when it happened, `client` the pseudonym that the portal shows. What is not known is empty."""

SAMPLE: Mapping[str, str] = {
    "click_id": "AQAAAZTest0Click0Id0For0Preview0",
    "sub1": "summer & sun",
    "sub2": "banner/3",
    "sub3": "",
    "sub4": "",
    "sub5": "",
    "event": "ftd",
    "event_id": "evt_00000000000000000000000000",
    "delivery_id": "dlv_00000000000000000000000000",
    "timestamp": "1767225600",
    "payout": "250.00",
    "currency": "EUR",
    "deposit_amount": "500.00",
    "deposit_currency": "EUR",
    "goal": "cpa",
    "campaign": "cmp_sample",
    "link": "Ab12Cd34",
    "country": "DE",
    "client": "SAMPLE00",
    "partner": "par_sample",
}
"""What a preview and a test are filled with."""

_MACRO = re.compile(r"\{([A-Za-z0-9_]{1,40})\}")
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,2000}")
_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.IGNORECASE)
PORTS = (443, 8443)
LONGEST_URL = 8000
"""Characters of a URL with its macros filled in; longer ones are not sent."""


def check_url(template: str, *, loopback: bool = False) -> str:
    """The URL of a target as it is kept. Raises `Invalid` with what to change; `loopback` lets the local stage speak
    plain HTTP to this machine."""
    url = template.strip()
    if not _PRINTABLE.fullmatch(url):
        raise Invalid(
            "Write at most 2000 characters of plain ASCII, without spaces: encode others as %XX.", code="url_unreadable"
        )
    bare = _MACRO.sub("", url)
    if "{" in bare or "}" in bare:
        raise Invalid("A brace stands alone: a macro reads {click_id}.", code="macro_unreadable")
    unknown = sorted({name for name in _MACRO.findall(url) if name not in MACROS})
    if unknown:
        raise Invalid(
            f"There is no macro {{{unknown[0]}}}. There are: {', '.join(MACROS)}.",
            code="macro_unknown",
            macro=unknown[0],
        )
    try:
        parts = urlsplit(url)
        if _MACRO.search(parts.netloc):
            raise Invalid("Macros may stand in the path and the query, not in the host.", code="macro_in_host")
        port = parts.port
    except ValueError as error:
        raise Invalid("The URL cannot be read.", code="url_unreadable") from error
    if "@" in parts.netloc:
        raise Invalid("A URL with a user or a password is not taken.", code="url_with_user")
    if parts.fragment or url.endswith("#"):
        raise Invalid("What stands behind # is never sent: leave it out.", code="url_with_fragment")
    if loopback and parts.scheme == "http" and parts.hostname == "127.0.0.1":
        return url
    if parts.scheme != "https":
        raise Invalid("The URL must begin with https://.", code="url_not_https")
    if port not in (None, *PORTS):
        raise Invalid(f"The port must be {PORTS[0]} or {PORTS[1]}.", code="url_port")
    if not _HOST.fullmatch(parts.hostname or "") or parts.netloc.endswith(":"):
        raise Invalid(
            "The host must be a full name such as track.example.com: no address, and others than ASCII as xn--….",
            code="url_host",
        )
    return url


def filled(template: str, values: Mapping[str, str]) -> str:
    """The URL with its macros filled in. Every value is encoded whole, so that none can add a parameter, a path or a
    line; what is not known is empty, and so is, in the path, what is dots alone: it would lead to another one however
    it is encoded. Raises `Invalid` (`url_too_long`)."""
    path, asks, query = template.partition("?")

    def encoded(found: re.Match[str]) -> str:
        return quote(values.get(found[1], ""), safe="")

    def in_path(found: re.Match[str]) -> str:
        return encoded(found).strip(".") and encoded(found)

    url = _MACRO.sub(in_path, path) + asks + _MACRO.sub(encoded, query)
    if len(url) > LONGEST_URL:
        raise Invalid("With its values the URL is too long to be sent.", code="url_too_long")
    return url


def uses_subs(template: str) -> bool:
    """Whether the click's own values are wanted."""
    return any(name.startswith("sub") for name in _MACRO.findall(template))


def values_of(news: News, delivery: str, subs: Sequence[str], client: str) -> dict[str, str]:
    """What the macros stand for. `client` is the pseudonym under which the portal shows the client."""
    values = dict.fromkeys(MACROS, "") | {
        "click_id": news.click,
        "event": news.event.value,
        "event_id": news.event_id,
        "delivery_id": delivery,
        "timestamp": str(news.at // 1000),
        "payout": decimal_string(news.payout, news.currency) if news.currency else "0",
        "currency": news.currency,
        "deposit_amount": decimal_string(news.deposit, news.deposit_currency) if news.deposit_currency else "",
        "deposit_currency": news.deposit_currency,
        "goal": news.goal,
        "campaign": news.campaign,
        "link": news.link,
        "country": news.country,
        "client": client,
        "partner": news.partner,
    }
    return values | {f"sub{number}": sub for number, sub in enumerate(subs, 1)}


# ------------------------------------------------------------------------------------------------------------- targets


class Method(StrEnum):
    GET = "GET"
    """Everything stands in the URL."""
    POST_JSON = "POST_JSON"
    """All macros' values as one JSON object besides."""
    POST_FORM = "POST_FORM"
    """The same as a form."""


class Standing(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    """By a person. What happens meanwhile is held."""
    FAILING = "failing"
    """Paused by itself: nothing arrived for too often in a row."""
    DELETED = "deleted"
    """It is no more; its id is never given again."""


MOST_TARGETS = 10
"""Of a partner, or of a brand itself."""
MOST_FAILURES = 25
"""In a row; then a target is paused by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where something is told, and what of."""

    target: str
    brand: str
    partner: str
    """Whose it is; empty where it is the brand's own, which is told of all partners' clients."""
    name: str
    url: str
    method: Method
    events: frozenset[Told]
    campaigns: frozenset[str]
    """Only of these; none: of all."""
    standing: Standing
    generation: int
    """Which secret it is signed with."""
    rotated_at: datetime | None
    """When that took the place of the one before, which is good for `OVERLAP` more."""
    shown: int
    """The last of its secrets that somebody has seen: each is shown once."""
    created: datetime
    created_by: str
    version: int

    @property
    def of(self) -> str:
        """The partner's id, or the brand's."""
        return self.partner or self.brand

    def wants(self, news: News) -> bool:
        """Whether it is to be told. A filter by campaign leaves out what belongs to none."""
        mine = news.partner == self.partner if self.partner else True
        return mine and news.event in self.events and (not self.campaigns or news.campaign in self.campaigns)


OVERLAP = timedelta(days=2)
"""How long messages carry both signatures after a secret was made anew."""


def secret_of(key: bytes, target: str, generation: int) -> str:
    """The secret that a target's messages are signed with. It follows from the brand's key and is kept nowhere: nothing
    of it can be read out of a table. `key` is `domain.identity.brand_key`."""
    digest = hmac.digest(key, f"postback target {target} {generation}".encode(), "sha256")
    return "whsec_" + urlsafe_b64encode(digest).decode().rstrip("=")


def secrets_now(key: bytes, target: Target, now: datetime) -> list[bytes]:
    """The secrets that messages are signed with at this moment, the newest first."""
    both = target.rotated_at is not None and now < target.rotated_at + OVERLAP
    generations = (target.generation, target.generation - 1) if both else (target.generation,)
    return [secret_of(key, target.target, each).encode() for each in generations]


# ---------------------------------------------------------------------------------------------------------- deliveries


class DeliveryStatus(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    """It was tried for a day."""
    HELD = "held"
    """Its target was paused when its turn came."""


KEPT = timedelta(days=30)
"""How long a delivery can be looked at and replayed."""
WAITS = (30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 36_000)
"""Seconds from one try to the next: ten tries in a day."""
LIFE = timedelta(hours=26)
"""After so long it is given up however often it was tried: its target may have been answering nobody."""
LISTED_TRIES = 12
LONGEST_SAID = 200
"""Characters of an answer that are kept."""

NOT_2XX = "not_2xx"
"""The target answered with another status. Other codes of errors are those of `gateways.outside_http`."""


class Attempt(NamedTuple):
    """One try."""

    at: int
    """ms."""
    took: int
    """ms."""
    status: int
    """What the target answered; 0: nothing."""
    error: str
    """Why it did not arrive; empty where it did."""
    said: str
    """The beginning of the answer, printable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Something that a target is told, and how far that is."""

    delivery: str
    of: str
    target: str
    brand: str
    about: str
    """The client's keyed hash, under which it is erased with the client; the target itself where there is none."""
    event: str
    test: bool
    values: Mapping[str, str]
    status: DeliveryStatus
    created: int
    """ms."""
    until: int
    """When it is given up, ms."""
    next_at: int
    """While it waits: not before this moment, ms."""
    tries: int = 0
    """All of them, since the beginning; the condition of the next write."""
    since: int = 0
    """How many of them lie before the last replay."""
    attempts: tuple[Attempt, ...] = ()
    """The last of them, oldest first."""


def delivery_id(target: str, event_id: str) -> str:
    """The same for the same target and the same news."""
    return derived_id("dlv", target, event_id)


def new_delivery(target: Target, news: News, values: Mapping[str, str], now_ms: int, *, test: bool = False) -> Delivery:
    """What is to be told to a target: `values_of` the news. While the target is paused it is held."""
    delivery = delivery_id(target.target, news.event_id)
    return Delivery(
        delivery=delivery,
        of=target.of,
        target=target.target,
        brand=target.brand,
        about=news.client or target.target,
        event=news.event.value,
        test=test,
        values=values,
        status=DeliveryStatus.WAITING if target.standing is Standing.ACTIVE or test else DeliveryStatus.HELD,
        created=now_ms,
        until=now_ms + _ms(LIFE),
        next_at=now_ms,
    )


def tried(delivery: Delivery, attempt: Attempt, now_ms: int, chance: float) -> Delivery:
    """The delivery after a try. `chance` (0 to 1) spreads the next ones, so that what failed together does not come
    back together. A test is tried once."""
    after = replace(delivery, tries=delivery.tries + 1, attempts=(*delivery.attempts, attempt)[-LISTED_TRIES:])
    if not attempt.error:
        return replace(after, status=DeliveryStatus.DELIVERED, next_at=0)
    number = after.tries - after.since
    if delivery.test or number > len(WAITS):
        return replace(after, status=DeliveryStatus.FAILED, next_at=0)
    wait = WAITS[number - 1] * 1000
    next_at = now_ms + wait * 3 // 4 + int(wait * chance / 2)
    if next_at >= delivery.until:
        return replace(after, status=DeliveryStatus.FAILED, next_at=0)
    return replace(after, next_at=next_at)


def replayed(delivery: Delivery, now_ms: int) -> Delivery:
    """The delivery as it is sent once more, with all its tries before it."""
    return replace(
        delivery,
        status=DeliveryStatus.WAITING,
        until=now_ms + _ms(LIFE),
        next_at=now_ms,
        since=delivery.tries,
    )


def printable(body: bytes) -> str:
    """The beginning of an answer as it may be shown: printable ASCII on one line."""
    text = body[: LONGEST_SAID * 4].decode("ascii", "replace")
    return "".join(each if "\x20" <= each <= "\x7e" else " " for each in text)[:LONGEST_SAID].strip()


class Message(NamedTuple):
    """A request, ready to be sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


def message(target: Target, delivery: Delivery, secrets: Sequence[bytes], now: datetime) -> Message:
    """The request of a delivery, signed at this moment. Of a POST its body is signed, of a GET what is asked for: path
    and query as they are sent. Raises `Invalid` (`url_too_long`)."""
    url = filled(target.url, delivery.values)
    headers = {
        "User-Agent": "introducer-postback/1",
        "Accept": "*/*",
        "Introducer-Delivery": delivery.delivery,
        "Introducer-Event": delivery.event,
        "Introducer-Attempt": str(delivery.tries + 1),
    }
    if delivery.test:
        headers["Introducer-Test"] = "1"
    body: bytes | None = None
    if target.method is Method.POST_JSON:
        body = json.dumps(delivery.values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        headers["Content-Type"] = "application/json"
    elif target.method is Method.POST_FORM:
        body = urlencode(sorted(delivery.values.items())).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    headers[signatures.HEADER] = signatures.sign(asked(url) if body is None else body, secrets, now)
    return Message("GET" if body is None else "POST", url, headers, body)


def asked(url: str) -> bytes:
    """What a GET signs: path and query, as they stand in its first line."""
    parts = urlsplit(url)
    return ((parts.path or "/") + (f"?{parts.query}" if parts.query else "")).encode()


# ---------------------------------------------------------------------------------------------------------------- gate

SLOW = 2_000
"""ms; a target that takes longer gets one message at a time."""
TURN = 15_000
"""ms that a turn lasts when whoever has it says nothing more: longer than any exchange."""
_PROBES = (15, 30, 60, 120, 300)
"""Seconds between tries of a target that does not answer, whatever waits for it."""


class Gate(NamedTuple):
    """Whether a target may be sent to now. One that answers quickly is open to all; one that fails, or is slow, is met
    by one at a time, so that it holds up nobody else's messages."""

    failures: int = 0
    """In a row."""
    slow: bool = False
    until: int = 0
    """Closed until then, ms."""
    version: int = 0

    @property
    def by_turns(self) -> bool:
        return self.failures > 0 or self.slow

    def wait(self, now_ms: int) -> int:
        """ms until it may be tried; 0: now."""
        return max(0, self.until - now_ms) if self.by_turns else 0

    def taken(self, now_ms: int) -> Gate:
        """The gate while somebody has the turn."""
        return self._replace(until=now_ms + TURN, version=self.version + 1)

    def passed(self, attempt: Attempt, now_ms: int, chance: float) -> Gate:
        """The gate after a try; the same when nothing changed."""
        slow = attempt.took >= SLOW
        if not attempt.error:
            if not self.by_turns and not slow:
                return self
            return Gate(0, slow, 0, self.version + 1)
        failures = self.failures + 1
        wait = _PROBES[min(failures, len(_PROBES)) - 1] * 1000
        return Gate(failures, slow, now_ms + wait * 3 // 4 + int(wait * chance / 2), self.version + 1)


# ---------------------------------------------------------------------------------------------------------- journals


def news_of_amount(journal: str, partner: str, scope: str, rule: str, amount: int, currency: str, at_ms: int) -> News:
    """What a journal tells: an amount that is credited, or taken back. `scope` is a client, a partner below,
    what else it is owed for (a prize, an adjustment) or nothing: of these the client alone is named."""
    return News(
        event=Told.EARNING if amount > 0 else Told.CLAWBACK,
        event_id=journal,
        partner=partner,
        client=scope if len(scope) == HASH_LENGTH else "",
        at=at_ms,
        goal=rule,
        payout=amount,
        currency=currency,
    )


def news_to_text(news: Sequence[News]) -> str:
    """As it stands beside a client's state."""
    return json.dumps(
        [{name: value for name in _FIELDS if (value := getattr(each, name))} for each in news], separators=(",", ":")
    )


def news_from_text(text: str, brand: str, client: str) -> tuple[News, ...]:
    """And back."""
    return tuple(
        News(**({**each, "event": Told(each["event"])}), brand=brand, client=client) for each in json.loads(text)
    )


_FIELDS = tuple(name for name in News.__dataclass_fields__ if name not in ("brand", "client"))


def moment(at_ms: int) -> datetime:
    """The aware moment of these milliseconds."""
    return from_milliseconds(at_ms)


def _ms(time: timedelta) -> int:
    return int(time.total_seconds() * 1000)
