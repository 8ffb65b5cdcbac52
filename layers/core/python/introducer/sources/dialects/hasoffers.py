"""HasOffers, now TUNE: conversions as the network API answers them (`Conversion::findAll`, `findById`).

A conversion is an event by its goal, which the settings name; goal 0 is the offer itself. Fields are those of the
network API's model `Conversion`:

- `status` `approved` is the event, `pending` waits, and `rejected` takes it back: a `cancel` of it.
- One below zero, as adjustments (`is_adjustment` 1) are that take money back, is a `chargeback` of no certain deposit.
- `datetime` is by the network's clock, which is New York's unless it was set otherwise.
- Money has five decimals; it is rounded to those of its currency. `sale_amount` is what the client paid; a network that
  does not fill it in has `revenue`.

Our click id has to travel through the network: as `affiliate_info1`, say, when the landing page is the network's link
with `aff_sub=` and our click id. The client is whoever the network knows: its transaction (`ad_id`), unless the
settings name a field that tells more, such as `advertiser_info`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from introducer.domain.errors import Invalid
from introducer.sources.dialects.model import Broken, Dialect, Line, Parameters, RawLine, Read, Row, Signature
from introducer.sources.dialects.pulling import PullParameters
from introducer.sources.dialects.refusals import N_
from introducer.sources.dialects.rows import json_rows, listed, within
from introducer.sources.dialects.table import (
    Case,
    Nothing,
    Take,
    moment,
    number,
    one_of,
    rounded,
    said,
    says,
    text,
)
from introducer.sources.dialects.table import within as formed

Goal = Literal["registration", "kyc", "deposit", "ignored"]


class HasoffersParameters(PullParameters):
    """What a source of conversions is told."""

    url: str = Field("", max_length=1000, description=N_("The network's API: `https://<network>.api.hasoffers.com`"))
    network_id: str = Field(
        "", max_length=64, pattern=r"^[A-Za-z0-9_-]*$", description=N_("The network's id, to fetch")
    )
    auth: Literal["none", "bearer", "header", "query"] = Field(
        "query", description=N_("How the secret goes along: TUNE takes it as the parameter `NetworkToken`")
    )
    auth_name: str = Field(
        "NetworkToken", max_length=64, pattern=r"^[A-Za-z0-9_-]*$", description=N_("What that parameter is called")
    )
    time_zone: str = Field("America/New_York", description=N_("The network's clock"))
    overlap_minutes: int = Field(
        7 * 1440,
        ge=0,
        le=44_640,
        description=N_("How long after a conversion its status may still change, in minutes"),
    )
    since: date | None = Field(None, description=N_("The first day to ask for; needed where there is a `url`"))
    goals: dict[str, Goal] = Field(
        {"0": "deposit"}, max_length=200, description=N_('What goals are: `{"0": "registration", "12": "deposit"}`')
    )
    click_field: str = Field(
        "affiliate_info1", max_length=40, pattern=r"^[a-z0-9_]+$", description=N_("The field with our click id")
    )
    client_field: str = Field(
        "ad_id", max_length=40, pattern=r"^[a-z0-9_]+$", description=N_("The field that says which client it is")
    )
    pending: Literal["wait", "take"] = Field(
        "wait",
        description=N_(
            "Whether a pending conversion waits for its approval (`wait`), or counts until it is rejected (`take`)"
        ),
    )


def _chosen(name: str) -> Take:
    """The field that the settings name."""
    return lambda row: text(str(getattr(row.source.parameters, name)))(row)


def _paid(row: Row) -> Decimal:
    """What the client paid, below zero for what went back."""
    return number(row, "sale_amount") or number(row, "revenue") or Decimal()


def _money(row: Row) -> str | None:
    return rounded(abs(_paid(row)), _currency(row) or "")


def _currency(row: Row) -> str | None:
    return text("currency")(row)


def _country(row: Row) -> str | None:
    code = str(said(row, "country_code") or "")
    return code if len(code) == 2 else None  # `INT` is nowhere


def _goal(*goals: str) -> Any:
    def holds(row: Row) -> bool:
        return _goal_of(row) in goals

    return holds


def _goal_of(row: Row) -> str:
    goals: Mapping[str, str] = getattr(row.source.parameters, "goals", {})
    goal = str(said(row, "goal_id") or "0")
    if goal not in goals:
        raise Invalid(f"The settings do not say what goal {goal[:40]} is: add it to `goals`.", code="unknown_goal")
    return goals[goal]


def _waits(row: Row) -> bool:
    return said(row, "status") == "pending" and getattr(row.source.parameters, "pending", "wait") == "wait"


_TAKEN = one_of("status", "approved", "pending")
_ID = text("id", "tune_event_id")
_REJECTED = formed(_ID, "{}-rejected")
_MONEY: Mapping[str, Take] = {"currency": _currency, "amount": _money}

_ROWS = says(
    (
        Nothing("not_counted", "This goal is not counted.", when=(_goal("ignored"),)),
        Nothing("pending", "The conversion waits for its approval.", when=(_waits,)),
        Case("cancel", {"event_id": _REJECTED, "ref": _ID}, when=(one_of("status", "rejected"),)),
        Case("chargeback", _MONEY, when=(_TAKEN, lambda row: _paid(row) < 0)),
        Case("registration", {}, when=(_TAKEN, _goal("registration"))),
        Case("kyc", {"status": lambda row: "approved"}, when=(_TAKEN, _goal("kyc"))),
        Nothing("no_amount", "A conversion of no money.", when=(_TAKEN, lambda row: not _paid(row))),
        Case("deposit", _MONEY, when=(_TAKEN,)),
    ),
    {
        "event_id": _ID,
        "client_id": _chosen("client_field"),
        "occurred_at": moment("datetime"),
        "click_id": _chosen("click_field"),
        "country": _country,
        "ip": text("ip", "session_ip"),
    },
)


def _says(row: Row) -> Line:
    line = _ROWS(row)
    if isinstance(line, Read) and line.event["type"] != "cancel":
        return replace(line, stands_unless=_REJECTED(row))
    return line


def _refused(reply: Any) -> str | None:
    answer = reply.get("response") if isinstance(reply, Mapping) else None
    if not isinstance(answer, Mapping) or str(answer.get("status")) == "1":
        return None
    return str(answer.get("errorMessage") or "no reason given")


_json = json_rows(refused=_refused)


def _rows(body: bytes) -> Iterator[RawLine]:
    for raw in _json(body):
        if isinstance(raw, Broken):
            yield raw
        elif "response" in raw[1]:
            yield from _answered(raw[1])
        else:
            yield raw[0], _conversion(raw[1])


def _answered(reply: Mapping[str, Any]) -> Iterator[RawLine]:
    """A page is an object by ids, empty ones are lists; one conversion is alone."""
    found = within(reply, ("response.data.data", "response.data"))
    if not found or found is reply:
        return
    if isinstance(found, Mapping) and "Conversion" not in found:
        found = list(found.values())
    for raw in listed(found):
        yield raw if isinstance(raw, Broken) else (raw[0], _conversion(raw[1]))


def _conversion(row: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = row.get("Conversion")
    return inner if isinstance(inner, Mapping) else row


def _address(parameters: Parameters) -> str:
    assert isinstance(parameters, HasoffersParameters)
    return (
        f"{parameters.url.rstrip('/')}/Apiv3/json?NetworkId={parameters.network_id}&Target=Conversion&Method=findAll"
        "&filters%5Bdatetime%5D%5BGREATER_THAN_OR_EQUAL_TO%5D={from}"
        "&filters%5Bdatetime%5D%5BLESS_THAN_OR_EQUAL_TO%5D={to}"
        "&sort%5Bid%5D=asc&limit={limit}&page={page}"
    )


DIALECT = Dialect(
    name="hasoffers",
    title=N_("HasOffers (TUNE) conversions"),
    signature=Signature.SIGNED,
    parameters=HasoffersParameters,
    rows=_rows,
    says=_says,
    plain=frozenset(
        [
            "id",
            "tune_event_id",
            "goal_id",
            "offer_id",
            "affiliate_id",
            "advertiser_id",
            "datetime",
            "session_datetime",
            "payout",
            "revenue",
            "sale_amount",
            "status",
            "status_code",
            "country_code",
            "is_adjustment",
            "payout_type",
            "revenue_type",
            "currency",
        ]
    ),
    identity=frozenset(["time_zone", "goals", "click_field", "client_field"]),
    address=_address,
)
