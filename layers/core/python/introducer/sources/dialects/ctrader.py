"""cTrader: the Open API's messages in JSON, with its enumerations as numbers or as names.

`ProtoOADealListRes` and `ProtoOACashFlowHistoryListRes` as they come, with or without their envelope (`payload`), and
events with one `deal` or `depositWithdraw`. Names and units are those of Open API 2 (`OpenApiModelMessages.proto`):

- A `ProtoOADeal` with a `closePositionDetail` closed a position or a part of it: a `trade`. Its profit, swap and
  commission are those that belong to the closed volume. Deals without one open a position and say nothing yet.
- Volumes are in cents of the symbol's units: 100,000 units of EUR are 10,000,000. How many units a lot has, and what
  the symbol is called, the settings say by `symbolId`.
- Money is in units of 10 to the minus `moneyDigits`; times are milliseconds UTC.
- A `ProtoOADepositWithdraw` is a deposit or a withdrawal by its `operationType`; other operations move money between
  strategies and partners, and are not counted.

A commission is negative where the client pays; ours is what the broker earns, so the sign is turned round. A deal does
not say when its position was opened; its `position` does, which events have beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from introducer.domain.errors import Invalid
from introducer.sources.dialects.model import Broken, Dialect, RawLine, Row, Signature
from introducer.sources.dialects.pulling import PullParameters
from introducer.sources.dialects.refusals import N_, Wrong, a_currency, code
from introducer.sources.dialects.rows import json_rows, no_object
from introducer.sources.dialects.table import (
    Case,
    Condition,
    Nothing,
    Take,
    after,
    constant,
    instant,
    number,
    one_of,
    parameter,
    plain,
    said,
    says,
    text,
    there,
    within,
)

_CENTS = Decimal(100)
_ACCOUNT = "ctidTraderAccountId"
_MEANINGS: Mapping[str, str] = {"0": "deposit", "1": "withdrawal"}
_OPERATIONS: Mapping[str, str] = {
    "BALANCE_DEPOSIT": "0",
    "BALANCE_WITHDRAW": "1",
    "BALANCE_DEPOSIT_STRATEGY_COMMISSION_INNER": "3",
    "BALANCE_WITHDRAW_STRATEGY_COMMISSION_INNER": "4",
    "BALANCE_DEPOSIT_IB_COMMISSIONS": "5",
    "BALANCE_WITHDRAW_IB_SHARED_PERCENTAGE": "6",
    "BALANCE_DEPOSIT_IB_SHARED_PERCENTAGE_FROM_SUB_IB": "7",
    "BALANCE_DEPOSIT_IB_SHARED_PERCENTAGE_FROM_BROKER": "8",
    "BALANCE_DEPOSIT_REBATE": "9",
    "BALANCE_WITHDRAW_REBATE": "10",
    "BALANCE_DEPOSIT_STRATEGY_COMMISSION_OUTER": "11",
    "BALANCE_WITHDRAW_STRATEGY_COMMISSION_OUTER": "12",
    "BALANCE_WITHDRAW_BONUS_COMPENSATION": "13",
    "BALANCE_WITHDRAW_IB_SHARED_PERCENTAGE_TO_BROKER": "14",
    "BALANCE_DEPOSIT_DIVIDENDS": "15",
    "BALANCE_WITHDRAW_DIVIDENDS": "16",
    "BALANCE_WITHDRAW_GSL_CHARGE": "17",
    "BALANCE_WITHDRAW_ROLLOVER": "18",
    "BALANCE_DEPOSIT_NONWITHDRAWABLE_BONUS": "19",
    "BALANCE_WITHDRAW_NONWITHDRAWABLE_BONUS": "20",
    "BALANCE_DEPOSIT_SWAP": "21",
    "BALANCE_WITHDRAW_SWAP": "22",
    "BALANCE_DEPOSIT_MANAGEMENT_FEE": "27",
    "BALANCE_WITHDRAW_MANAGEMENT_FEE": "28",
    "BALANCE_DEPOSIT_PERFORMANCE_FEE": "29",
    "BALANCE_WITHDRAW_FOR_SUBACCOUNT": "30",
    "BALANCE_DEPOSIT_TO_SUBACCOUNT": "31",
    "BALANCE_WITHDRAW_FROM_SUBACCOUNT": "32",
    "BALANCE_DEPOSIT_FROM_SUBACCOUNT": "33",
    "BALANCE_WITHDRAW_COPY_FEE": "34",
    "BALANCE_WITHDRAW_INACTIVITY_FEE": "35",
    "BALANCE_DEPOSIT_TRANSFER": "36",
    "BALANCE_WITHDRAW_TRANSFER": "37",
    "BALANCE_DEPOSIT_CONVERTED_BONUS": "38",
    "BALANCE_DEPOSIT_NEGATIVE_BALANCE_PROTECTION": "39",
}
"""Numbers of `ProtoOAChangeBalanceType`: settings and rows may each say the one or the other."""
_FILLED = ("2", "FILLED", "3", "PARTIALLY_FILLED")
_NOT_FILLED = ("4", "REJECTED", "5", "INTERNALLY_REJECTED", "6", "ERROR", "7", "MISSED")


class Symbol(BaseModel):
    """A symbol of the platform's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=64)
    lot_size: Decimal = Field(gt=0, description="Units in a lot, such as 100000")


class CtraderParameters(PullParameters):
    """What a source of deals is told."""

    url: str = Field(
        "",
        max_length=1000,
        description=N_(
            "Where your bridge answers, with places to fill: `https://…/deals?from={from_ms}&to={to_ms}&page={page}`"
        ),
    )
    currency: str = Field(description=N_("The accounts' currency: deals do not say it. One source for each currency"))
    symbols: dict[str, Symbol] = Field(
        {},
        max_length=2000,
        description=N_('What symbols are, by `symbolId`: `{"1": {"name": "EURUSD", "lot_size": "100000"}}`'),
    )
    client_field: str = Field(
        "ctidTraderAccountId",
        max_length=40,
        pattern=r"^[A-Za-z_]+$",
        description=N_("The field that says whose row it is"),
    )
    client_prefix: str = Field(
        "", max_length=20, description=N_("Put before the client's id, where two servers give the same ids")
    )
    account_type: str = Field(
        "", max_length=64, description=N_("The accounts' type, where it decides what partners earn")
    )
    operations: dict[str, Literal["deposit", "withdrawal", "ignored"]] = Field(
        {},
        max_length=60,
        description=N_('What further operations are: `{"BALANCE_DEPOSIT_TRANSFER": "deposit"}`'),
    )

    @field_validator("operations")
    @classmethod
    def _by_number(cls, operations: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, meaning in operations.items():
            value = _OPERATIONS.get(key, key)
            if not (value.isascii() and value.isdigit()):
                raise Wrong(
                    N_("`{key}` is no operation: say its number, or a name such as `BALANCE_DEPOSIT`."), key=code(key)
                )
            if found.setdefault(value, meaning) != meaning:
                raise Wrong(N_("The operation `{operation}` has two meanings."), operation=value)
        return found

    @field_validator("currency")
    @classmethod
    def _a_currency(cls, iso: str) -> str:
        return a_currency(iso)


def _money(name: str, beside: str, sign: int = 1) -> Take:
    """An amount, by the `moneyDigits` that stand beside it or in the row."""

    def take(row: Row) -> str | None:
        value, digits = number(row, name), number(row, beside, "moneyDigits")
        if value is None:
            return None
        places = 2 if digits is None else int(digits)
        if not 0 <= places <= 18:
            raise Invalid("moneyDigits is not a number of digits.", code="invalid_number")
        return plain((sign * value).scaleb(-places))

    return take


def _size(row: Row) -> str | None:
    value = _money("delta", "moneyDigits")(row)
    return value and value.removeprefix("-")


def _symbol(row: Row) -> Symbol:
    parameters, known = row.source.parameters, str(number(row, "symbolId"))
    assert isinstance(parameters, CtraderParameters)
    if known not in parameters.symbols:
        raise Invalid(
            f"The settings do not say what the symbol {known} is: add its name and lot size to `symbols`.",
            code="unknown_symbol",
        )
    return parameters.symbols[known]


def _name(row: Row) -> str | None:
    return _symbol(row).name


def _lots(row: Row) -> str | None:
    volume = number(row, "closePositionDetail.closedVolume", "filledVolume", "volume")
    # To the 8 decimals that lots have: a lot's size need not be a power of ten.
    return None if volume is None else plain(round(volume / _CENTS / _symbol(row).lot_size, 8))


def _client(row: Row) -> str | None:
    return after(parameter("client_prefix"), text(str(getattr(row.source.parameters, "client_field", ""))))(row)


def _account(row: Row) -> str | None:
    """The account, unless the client is known by it: then it says nothing more, and is kept as a hash alone."""
    by_account = getattr(row.source.parameters, "client_field", _ACCOUNT) == _ACCOUNT
    return None if by_account else text(_ACCOUNT)(row)


def _operation(kind: str) -> Condition:
    """The row's operation is one of this kind."""

    def holds(row: Row) -> bool:
        parameters, name = row.source.parameters, str(said(row, "operationType"))
        assert isinstance(parameters, CtraderParameters)
        key = _OPERATIONS.get(name, name)
        return parameters.operations.get(key, _MEANINGS.get(key)) == kind

    return holds


_EXECUTED, _CHANGED = instant("executionTimestamp"), instant("changeBalanceTimestamp")
_DIGITS = "closePositionDetail.moneyDigits"
_TABLE = says(
    (
        Nothing("not_filled", "The deal was not executed.", when=(one_of("dealStatus", *_NOT_FILLED),)),
        Case(
            "trade",
            {
                "event_id": within(text("dealId"), "deal-{}"),
                "occurred_at": _EXECUTED,
                "opened_at": instant("position.tradeData.openTimestamp"),
                "closed_at": _EXECUTED,
                "symbol": _name,
                "lots": _lots,
                "pnl": _money("closePositionDetail.grossProfit", _DIGITS),
                "swap": _money("closePositionDetail.swap", _DIGITS),
                "commission": _money("closePositionDetail.commission", _DIGITS, -1),
                "spread": constant("0"),
            },
            when=(one_of("dealStatus", *_FILLED), there("closePositionDetail")),
        ),
        Nothing("opens", "A position was opened: it counts when it is closed.", when=(one_of("dealStatus", *_FILLED),)),
        *(
            Case(
                kind,
                {
                    "event_id": within(text("balanceHistoryId"), "balance-{}"),
                    "occurred_at": _CHANGED,
                    "amount": _size,
                },
                when=(there("operationType"), _operation(kind)),
            )
            for kind in ("deposit", "withdrawal")
        ),
        Nothing("not_counted", "An operation that is no deposit and no withdrawal.", when=(there("operationType"),)),
    ),
    {
        "client_id": _client,
        "account": _account,
        "account_type": parameter("account_type"),
        "currency": parameter("currency"),
    },
)


def _refused(reply: Any) -> str | None:
    payload = _payload(reply)
    code = payload.get("errorCode") if isinstance(payload, Mapping) else None
    return None if not code else f"{code} {payload.get('description') or ''}".strip()


def _payload(reply: Any) -> Any:
    return reply.get("payload", reply) if isinstance(reply, Mapping) else reply


_json = json_rows(refused=_refused)


def _rows(body: bytes) -> Iterator[RawLine]:
    """Rows by themselves keep their line; those within an answer are numbered by their place in it."""
    place = 0
    for raw in _json(body):
        message = {} if isinstance(raw, Broken) else _payload(raw[1])
        if isinstance(raw, Broken) or not isinstance(message, Mapping) or not _holds_rows(message):
            yield raw if isinstance(raw, Broken) else (raw[0], message if isinstance(message, Mapping) else raw[1])
            continue
        # An event has the deal's position beside it; the account and the position are the deal's where it has them.
        account = {name: message.get(name) for name in ("ctidTraderAccountId", "position")}
        for name in ("deal", "depositWithdraw"):
            found = message.get(name)
            for row in found if isinstance(found, list) else [] if found is None else [found]:
                place += 1
                yield (place, account | dict(row)) if isinstance(row, Mapping) else no_object(place, row)


def _holds_rows(message: Mapping[str, Any]) -> bool:
    return not {"dealId", "balanceHistoryId"} & set(message) and bool(
        {"deal", "depositWithdraw", "ctidTraderAccountId"} & set(message)
    )


DIALECT = Dialect(
    name="ctrader",
    title=N_("cTrader deals and cash flow"),
    signature=Signature.SIGNED,
    parameters=CtraderParameters,
    rows=_rows,
    says=_TABLE,
    plain=frozenset(
        [
            "dealId",
            "orderId",
            "positionId",
            "volume",
            "filledVolume",
            "symbolId",
            "createTimestamp",
            "executionTimestamp",
            "executionPrice",
            "tradeSide",
            "dealStatus",
            "marginRate",
            "commission",
            "moneyDigits",
            "operationType",
            "balanceHistoryId",
            "delta",
            "changeBalanceTimestamp",
            "balanceVersion",
            "utcLastUpdateTimestamp",
            "baseToUsdConversionRate",
        ]
    ),
    identity=frozenset(["currency", "symbols", "client_field", "client_prefix", "operations", "account_type"]),
    address=lambda parameters: str(getattr(parameters, "url", "")),
)
