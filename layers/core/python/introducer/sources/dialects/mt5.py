"""MetaTrader 5: deals, as the Web API answers them (`deal/get_page`, `deal/get_batch`) or as a report saved as CSV.

Field names, actions and entries are those of the Web API's deal structure (`IMTDeal`). A deal is one execution:

- `Action` 0 and 1 are trades. Those that close (`Entry` 1 out, 2 reverse, 3 closed by another position) are a `trade`
  with the volume they closed; those that open say nothing yet.
- `Action` 2 is a deposit or a withdrawal, by the sign of `Profit`. Credits, bonuses and compensations of a negative
  balance are `credit`. Charges, interest, dividends, taxes and agents' commissions are not counted.
- `Action` 13 and 14 are deals that the server cancelled under the ticket they had: a `cancel`.

`Volume` counts 1/10,000 of a lot, `VolumeExt` 1/100,000,000. `Storage` is swap. `Commission` and `Fee` are negative
where the client pays; a commission of ours is what the broker earns, so the sign is turned round. `Profit` and
`Storage` keep theirs: they are the client's. A deal does not say when its position was opened; a bridge or a report
may (`opened_field`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field, field_validator

from introducer.domain.errors import Invalid
from introducer.sources.dialects.model import Broken, Dialect, Parameters, RawLine, Row, Signature
from introducer.sources.dialects.pulling import PullParameters
from introducer.sources.dialects.refusals import N_, Wrong, a_currency, code
from introducer.sources.dialects.rows import csv_rows, json_rows, looks_like_json
from introducer.sources.dialects.table import (
    Case,
    Nothing,
    Take,
    after,
    amount,
    constant,
    in_parameter,
    moment,
    negative,
    number,
    one_of,
    parameter,
    plain,
    positive,
    says,
    size,
    text,
    within,
)

Meaning = Literal["money", "credit", "ignored"]

_MEANINGS: Mapping[str, str] = {
    "2": "money",
    "3": "credit",
    "6": "credit",
    "19": "credit",
    "20": "credit",
    **dict.fromkeys(("4", "5", "7", "8", "9", "10", "11", "12", "15", "16", "17", "18"), "ignored"),
}
"""What an action is, by itself. 2 balance; 3 credit, 6 bonus, 19 and 20 compensation after a stop-out; 4 charge,
5 correction, 7-9 commission, 10 11 18 agent, 12 interest, 15 16 dividend, 17 tax."""
_FIXED = frozenset({"0", "1", "13", "14"})
"""Trades, and trades that were cancelled: no setting makes anything else of them."""
_FINE, _COARSE = Decimal(10**8), Decimal(10**4)
_REPORTED = "Volume of the report"
"""The column Volume of a report: unlike the Web API's it may count lots."""


class Mt5Parameters(PullParameters):
    """What a source of deals is told."""

    currency: str = Field(description=N_("The accounts' currency: deals do not say it. One source for each currency"))
    time_zone: str = Field(description=N_("The trade server's clock: `Europe/Nicosia`, or `America/New_York+7`"))
    page_size: int = Field(100, ge=1, le=100, description=N_("Deals asked for at once: the server gives 100 at most"))
    groups: str = Field(
        "",
        max_length=400,
        description=N_("Groups to ask for, as the Web API writes them: `real*,!realtest`; else `accounts`"),
    )
    client_field: str = Field(
        "Login", max_length=40, pattern=r"^[A-Za-z_]+$", description=N_("The field that says whose deal it is")
    )
    client_prefix: str = Field(
        "", max_length=20, description=N_("Put before the client's id, where two servers give the same logins")
    )
    account_type: str = Field(
        "", max_length=64, description=N_("The accounts' type, where it decides what partners earn")
    )
    volume: Literal["units", "lots"] = Field(
        "units",
        description=N_(
            "What a report's `Volume` counts: units of 1/10,000 of a lot as the server does (`units`), or lots (`lots`)"
        ),
    )
    opened_field: str = Field(
        "",
        max_length=40,
        pattern=r"^[A-Za-z_ ]*$",
        description=N_(
            "The field in which your bridge or report says when the position was opened: deals do not say it"
        ),
    )
    commission_sides: Literal[1, 2] = Field(
        1, description=N_("`2` where opening and closing are charged alike: the closing deal then stands for both")
    )
    actions: dict[str, Meaning] = Field(
        {},
        max_length=30,
        description=N_('What further actions are: `{"5": "credit"}`; `money`, `credit` or `ignored`'),
    )

    @field_validator("actions")
    @classmethod
    def _by_number(cls, actions: dict[str, Meaning]) -> dict[str, Meaning]:
        for key in actions:
            if not (key.isascii() and key.isdigit()) or key in _FIXED:
                raise Wrong(N_("`{key}` is no action that may be told: say its number, such as `5`."), key=code(key))
        return actions

    @field_validator("currency")
    @classmethod
    def _a_currency(cls, iso: str) -> str:
        return a_currency(iso)


def _lots(row: Row) -> str | None:
    """What was closed: for a position that is closed in part, that part."""
    for name, unit in (
        ("VolumeClosedExt", _FINE),
        ("VolumeClosed", _COARSE),
        ("VolumeExt", _FINE),
        ("Volume", _COARSE),
    ):
        value = number(row, name)
        if value:
            return plain(value / unit)
    return _reported_lots(row)


def _reported_lots(row: Row) -> str | None:
    """The volume of a report, in what the settings say it counts. Raises `Invalid` (`volume_in_lots`)."""
    value = number(row, _REPORTED)
    if not value:
        return None
    if getattr(row.source.parameters, "volume", "units") == "lots":
        return plain(value)
    if int(value.as_tuple().exponent) < 0:
        raise Invalid(
            "Volume has decimals, so it counts lots, and the settings say units: set `volume` to lots.",
            code="volume_in_lots",
        )
    return plain(value / _COARSE)


def _commission(row: Row) -> str | None:
    earned = amount("Commission", "Fee", sign=-1)(row)
    sides = getattr(row.source.parameters, "commission_sides", 1)
    return None if earned is None else plain(Decimal(earned) * sides)


def _client(row: Row) -> str | None:
    return after(parameter("client_prefix"), text(str(getattr(row.source.parameters, "client_field", "Login"))))(row)


def _account(row: Row) -> str | None:
    """The login, unless the client is known by it: then it says nothing more, and is kept as a hash alone."""
    by_login = getattr(row.source.parameters, "client_field", "Login") == "Login"
    return None if by_login else text("Login")(row)


def _currency(row: Row) -> str | None:
    """The settings' currency. Raises `Invalid` (`other_currency`) for a row that says another one."""
    own, said = parameter("currency")(row), text("Currency")(row)
    if said and said.upper() != own:
        raise Invalid(
            f"The row is in {said[:10]!a}, and this source in {own}: accounts in another currency are another source.",
            code="other_currency",
        )
    return own


def _opened(row: Row) -> str | None:
    name = str(getattr(row.source.parameters, "opened_field", ""))
    return moment(name)(row) if name else None


_WHEN = moment("Time")
_COMMON: Mapping[str, Take] = {
    "event_id": text("Deal"),
    "client_id": _client,
    "account": _account,
    "account_type": parameter("account_type"),
    "occurred_at": _WHEN,
    "currency": _currency,
}
_TRADE: Mapping[str, Take] = {
    "opened_at": _opened,
    "closed_at": _WHEN,
    "symbol": text("Symbol"),
    "lots": _lots,
    "pnl": amount("Profit"),
    "swap": amount("Storage"),
    "commission": _commission,
    "spread": constant("0"),
}
_IS_TRADE = one_of("Action", "0", "1")
_IS_MONEY = in_parameter("actions", "Action", "money", _MEANINGS)
_IS_CREDIT = in_parameter("actions", "Action", "credit", _MEANINGS)

_TABLE = says(
    (
        Case("trade", _TRADE, when=(_IS_TRADE, one_of("Entry", "1", "2", "3"))),
        Nothing("opens", "A position was opened: it counts when it is closed.", when=(_IS_TRADE, one_of("Entry", "0"))),
        Nothing("state", "A record of a position's state.", when=(_IS_TRADE, one_of("Entry", "255"))),
        Case(
            "cancel",
            {"event_id": within(text("Deal"), "{}-cancelled"), "ref": text("Deal")},
            when=(one_of("Action", "13", "14"),),
        ),
        Case("deposit", {"amount": size("Profit")}, when=(_IS_MONEY, positive("Profit"))),
        Case("withdrawal", {"amount": size("Profit")}, when=(_IS_MONEY, negative("Profit"))),
        Case("credit", {"amount": amount("Profit")}, when=(_IS_CREDIT, positive("Profit"))),
        Case("credit", {"amount": amount("Profit")}, when=(_IS_CREDIT, negative("Profit"))),
        Nothing("no_amount", "An operation of zero.", when=(_IS_MONEY,)),
        Nothing("no_amount", "An operation of zero.", when=(_IS_CREDIT,)),
        Nothing(
            "not_counted",
            "A charge, interest, tax or commission of its own: not counted unless the settings say what it is.",
            when=(in_parameter("actions", "Action", "ignored", _MEANINGS),),
        ),
    ),
    _COMMON,
)

# ---------------------------------------------------------------------------------------------------------------- rows

_COLUMNS = {
    **{name.lower(): name for name in ("Deal", "Login", "Action", "Entry", "Time", "Symbol", "Profit", "Storage")},
    **{name.lower(): name for name in ("Commission", "Fee", "VolumeExt", "VolumeClosed", "VolumeClosedExt")},
    **{"ticket": "Deal", "type": "Action", "direction": "Entry", "swap": "Storage", "account": "Login"},
    **{"currency": "Currency", "volume": _REPORTED},
}
"""Names of columns in reports, in small letters and without spaces, and the Web API's for the same."""
_ACTIONS = {"buy": "0", "sell": "1", "balance": "2", "credit": "3", "charge": "4", "correction": "5", "bonus": "6"}
_ENTRIES = {"in": "0", "out": "1", "in/out": "2", "inout": "2", "out by": "3", "outby": "3"}
_WORDS = {"Action": _ACTIONS, "Entry": _ENTRIES}


def _refused(reply: Any) -> str | None:
    code = str(reply.get("retcode", "0")) if isinstance(reply, Mapping) else "0"
    return None if code.split(" ")[0] == "0" else code


_json = json_rows("answer", refused=_refused)


def _rows(body: bytes) -> Iterator[RawLine]:
    return _json(body) if looks_like_json(body) else _report(csv_rows(body))


def _report(rows: Iterator[RawLine]) -> Iterator[RawLine]:
    for raw in rows:
        yield raw if isinstance(raw, Broken) else (raw[0], _translated(raw[1]))


def _translated(row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column, value in row.items():
        name = _COLUMNS.get(column.lower().replace(" ", ""), column)
        found[name] = _WORDS.get(name, {}).get(value.lower(), value)
    return found


def _address(parameters: Parameters) -> str:
    assert isinstance(parameters, Mt5Parameters)
    base = parameters.url.rstrip("/")
    if parameters.groups:
        groups = quote(parameters.groups, safe="*!,")
        return f"{base}/api/deal/get_batch?group={groups}&from={{from_unix}}&to={{to_unix}}"
    window = "from={from_unix}&to={to_unix}&offset={offset}&total={limit}"
    return f"{base}/api/deal/get_page?login={{account}}&{window}"


DIALECT = Dialect(
    name="mt5",
    title=N_("MetaTrader 5 deals"),
    signature=Signature.SIGNED,
    parameters=Mt5Parameters,
    rows=_rows,
    says=_TABLE,
    plain=frozenset(
        [
            "Deal",
            "Order",
            "Action",
            "Entry",
            "Reason",
            "Digits",
            "DigitsCurrency",
            "ContractSize",
            "Time",
            "TimeMsc",
            "Symbol",
            "Price",
            "Volume",
            _REPORTED,
            "Currency",
            "VolumeExt",
            "VolumeClosed",
            "VolumeClosedExt",
            "Profit",
            "ProfitRaw",
            "Storage",
            "Commission",
            "Fee",
            "PositionID",
            "RateProfit",
            "RateMargin",
        ]
    ),
    identity=frozenset(
        [
            "currency",
            "time_zone",
            "client_field",
            "client_prefix",
            "opened_field",
            "volume",
            "commission_sides",
            "actions",
            "account_type",
        ]
    ),
    address=_address,
)
