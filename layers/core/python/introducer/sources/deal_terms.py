"""The form of a deal's terms as people and programs send them: `docs/deal.schema.json` is made from these models.

They know what each field looks like, so that a form can say at which field something is wrong. What the terms mean,
and whether it can be, is for `domain.terms`: what these models refuse it refuses too, and it refuses more
(docs/deals.md, "What is refused").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from introducer.sources.shapes import CODES, bounds

SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"

AMOUNT = r"^[0-9]{1,12}(\.[0-9]{1,8})?$"
DECIMAL = r"^[0-9]{1,9}(\.[0-9]{1,8})?$"
SIGNED = r"^-?[0-9]{1,9}(\.[0-9]{1,8})?$"
NAME = r"^[a-z][a-z0-9_]{0,23}$"
COUNTRY = r"^[A-Z]{2}$"
CURRENCY = r"^[A-Z]{3}$"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

EXAMPLES = {
    AMOUNT: '"200.00"',
    DECIMAL: '"25"',
    SIGNED: '"-0.5"',
    NAME: '"rev"',
    COUNTRY: '"DE"',
    CURRENCY: '"EUR"',
    DAY: '"2026-11-30"',
}
"""How a text of each form is written."""

EXAMPLE_RULES: dict[str, tuple[dict[str, Any], ...]] = {
    "cpa": (
        {
            "type": "cpa",
            "id": "cpa",
            "amounts": [{"countries": ["DE", "AT"], "amount": "600.00"}, {"countries": [], "amount": "200.00"}],
            "qualification": {"kyc": True, "min_deposit": "200.00", "within_hours": 24},
            "caps": [{"per": "day", "clients": 10}, {"per": "month", "amount": "5000.00"}],
            "tiers": {"by": "qftd", "mode": "retroactive", "bands": [{"from": "11", "add_percent": "10"}]},
        },
    ),
    "cpl": (
        {
            "type": "cpl",
            "id": "leads",
            "amounts": [{"countries": [], "amount": "5.00"}],
            "qualification": {"kyc": True},
            "caps": [{"per": "month", "clients": 100}],
        },
    ),
    "revshare": (
        {"type": "revshare", "id": "rev", "percent": "25", "negative": "carry"},
        {
            "type": "revshare",
            "id": "pool",
            "percent": "25",
            "negative": "carry",
            "pooled": True,
            "tiers": {"by": "net_revenue", "mode": "marginal", "bands": [{"from": "10000.00", "percent": "30"}]},
        },
        {
            "type": "revshare",
            "id": "promoted",
            "percent": "25",
            "own": {"percent": "35"},
            "promotion": {"from": "2026-11-01", "until": "2026-11-30", "percent": "40"},
        },
    ),
    "lot": (
        {
            "type": "lot",
            "id": "lot",
            "groups": [{"symbols": ["XAUUSD", "XAGUSD"], "amount": "9.00"}, {"symbols": [], "amount": "7.00"}],
            "min_holding_seconds": 120,
            "tiers": {"by": "lots", "mode": "marginal", "bands": [{"from": "100", "add": "1.00"}]},
        },
    ),
    "bonus": (
        {"type": "bonus", "id": "volume", "by": "lots", "goal": "500", "amount": "500.00"},
        {
            "type": "bonus",
            "id": "nov",
            "by": "ftd",
            "goal": "5",
            "amount": "250.00",
            "window": {"from": "2026-11-10", "until": "2026-11-30"},
        },
    ),
    "override": (
        {
            "type": "override",
            "id": "net",
            "levels": [
                {"level": 1, "percent": "10", "of": ["cpa", "revshare", "lot"]},
                {"level": 2, "percent": "5", "of": "net_revenue"},
                {"level": 3, "amount": "20.00", "of": "qftd"},
            ],
        },
    ),
}
"""Rules to begin from, by kind."""

Amount = Annotated[
    str,
    StringConstraints(pattern=AMOUNT),
    Field(description="An amount in the deal's currency, with no more decimals than it has.", examples=["200.00"]),
]
Percent = Annotated[
    str,
    StringConstraints(pattern=DECIMAL),
    Field(description="A percentage: more than 0, at most 100.", examples=["25", "12.5"]),
]
Lots = Annotated[str, StringConstraints(pattern=DECIMAL), Field(description="A number of lots.", examples=["1.5"])]
Coefficient = Annotated[
    str,
    StringConstraints(pattern=SIGNED),
    Field(description="A factor, which may be negative.", examples=["1", "-0.5"]),
]
Threshold = Annotated[
    str,
    StringConstraints(pattern=AMOUNT),
    Field(description="More than 0: clients, lots, or an amount, as `by` says.", examples=["11", "10000.00"]),
]
Id = Annotated[
    str,
    StringConstraints(pattern=NAME),
    Field(description="What an amount is owed for. A later version that keeps it continues it.", examples=["rev"]),
]
Day = Annotated[
    str, StringConstraints(pattern=DAY), Field(json_schema_extra={"format": "date"}, examples=["2026-11-30"])
]
Country = Annotated[str, StringConstraints(pattern=COUNTRY)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=40)]
GroupName = Annotated[str, StringConstraints(pattern=NAME)]
Countries = Annotated[list[Country], Field(description="ISO 3166 codes; none for all others.", examples=[["DE", "AT"]])]
Activity = Literal["qftd", "lots", "net_revenue"]


def _left_out(**about: Any) -> Any:
    """A field that may be left out. Null is not the same: it is refused."""
    return Field(default=None, **about)


def _either(*names: str) -> dict[str, Any]:
    return {"oneOf": [{"required": [name]} for name in names]}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Hold(_Part):
    """How long an earning is pending."""

    days: Annotated[int, Field(ge=0, le=365)]
    from_: Literal["qualification", "month_end", "event_day"] = Field(
        default="month_end", alias="from", description="What the days count from."
    )


class NetRevenue(_Part):
    """The coefficient of each field that counts. Without it, spread and commission count once."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    spread: Coefficient = _left_out()
    commission: Coefficient = _left_out()
    swap: Coefficient = _left_out()
    pnl: Coefficient = _left_out(description="The client's result of a trade.")
    deposits: Coefficient = _left_out()
    withdrawals: Coefficient = _left_out()
    credits: Coefficient = _left_out()
    chargebacks: Coefficient = _left_out()


class CountryAmount(_Part):
    """What is paid for a client, by its country."""

    countries: Countries = Field(default=[])
    amount: Amount


class Qualification(_Part):
    """What a client must do: all of it."""

    kyc: bool = Field(default=False, description="Whether the client's identity must be confirmed.")
    min_deposit: Amount = _left_out(description="Least sum of deposits; goes together with within_hours.")
    within_hours: Annotated[int, Field(ge=1, le=2160)] = _left_out(description="Hours from the first deposit.")
    min_lots: Lots = _left_out(description="Least volume; needs within_days.")
    min_trades: Annotated[int, Field(ge=1, le=1_000_000)] = _left_out(description="Needs within_days.")
    min_net_revenue: Amount = _left_out(description="Needs within_days.")
    countries: Countries = Field(default=[])
    within_days: Annotated[int, Field(ge=1, le=365)] = _left_out(description="Days from the registration.")


class Cap(_Part):
    """At most so many clients, or at most so much for a month."""

    model_config = ConfigDict(
        json_schema_extra=_either("clients", "amount")
        | {"if": {"required": ["amount"]}, "then": {"properties": {"per": {"const": "month"}}}}
    )

    per: Literal["day", "month", "total"]
    clients: Annotated[int, Field(ge=1, le=1_000_000)] = _left_out()
    amount: Amount = _left_out(description="What a month's sum is cut at; per month alone.")


class MoreBand(_Part):
    """What a band gives on top."""

    model_config = ConfigDict(json_schema_extra=_either("add", "add_percent"))

    from_: Threshold = Field(alias="from")
    add: Amount = _left_out(description="An amount on top, for each client or lot.")
    add_percent: Percent = _left_out(description="A percentage on top, of what each client or lot brings.")


class ShareBand(_Part):
    """The share that a band gives."""

    from_: Threshold = Field(alias="from")
    percent: Percent


class MoreTiers(_Part):
    """Bands, rising, by the partner's month."""

    by: Activity
    mode: Literal["marginal", "retroactive"] = Field(
        description="Whether a band prices what lies in it, or the whole month once it is reached."
    )
    bands: Annotated[list[MoreBand], Field(min_length=1)]


class ShareTiers(_Part):
    """Bands, rising, by the partner's month."""

    by: Activity
    mode: Literal["marginal", "retroactive"] = Field(
        description="Whether a band prices what lies in it, or the whole month once it is reached."
    )
    bands: Annotated[list[ShareBand], Field(min_length=1)]


class _Days(_Part):
    from_: Day = Field(alias="from", description="The first day (UTC).")
    until: Day = Field(description="The last day (UTC).")


class Window(_Days):
    """Days of a goal's own."""


CountryAmounts = Annotated[list[CountryAmount], Field(min_length=1)]


class OwnAmounts(_Part):
    """The partner's own price: it goes before the program's and before tiers."""

    amounts: CountryAmounts


class PromotedAmounts(_Days):
    """A price for clients who register on these days; it goes before all others."""

    amounts: CountryAmounts


class _PerClient(_Part):
    id: Id
    amounts: CountryAmounts
    qualification: Qualification = _left_out()
    caps: list[Cap] = Field(default=[], description="At most so many clients; at most so much for a month.")
    own: OwnAmounts = _left_out()
    promotion: PromotedAmounts = _left_out()


class Cpa(_PerClient):
    """Paid once for a client who deposits."""

    model_config = ConfigDict(json_schema_extra={"examples": [*EXAMPLE_RULES["cpa"]]})

    type: Literal["cpa"]
    tiers: MoreTiers = _left_out()


class Cpl(_PerClient):
    """Paid once for a registration that passes."""

    model_config = ConfigDict(json_schema_extra={"examples": [*EXAMPLE_RULES["cpl"]]})

    type: Literal["cpl"]


class OwnPercent(_Part):
    """The partner's own price: it goes before the program's and before tiers."""

    percent: Percent


class PromotedPercent(_Days):
    """A price for trades of these days; it goes before all others."""

    percent: Percent


class Revshare(_Part):
    """A share of net revenue: per client, or of all clients together."""

    model_config = ConfigDict(json_schema_extra={"examples": [*EXAMPLE_RULES["revshare"]]})

    type: Literal["revshare"]
    id: Id
    percent: Percent
    negative: Literal["reset", "carry", "capped"] = Field(
        default="reset", description="What becomes of a negative month."
    )
    cap: Annotated[str, StringConstraints(pattern=DECIMAL)] = _left_out(
        description="With `capped`: average months that a carried loss may be at most, 0 to 100.", examples=["1.5"]
    )
    pooled: bool = Field(default=False, description="Whether all clients are taken together.")
    fence: Amount = _left_out(description="Pooled: a client further below zero is left out of the pool.")
    tiers: ShareTiers = _left_out()
    own: OwnPercent = _left_out()
    promotion: PromotedPercent = _left_out()


class SymbolAmount(_Part):
    """What is paid per lot, by symbol."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["symbols", "group"]}})

    symbols: list[Name] = Field(default=[], description="None for all others.", examples=[["EURUSD"]])
    group: GroupName = _left_out(description="A name in the deal's `symbol_groups`.")
    amount: Amount


SymbolAmounts = Annotated[list[SymbolAmount], Field(min_length=1)]


class OwnGroups(_Part):
    """The partner's own price: it goes before the program's and before tiers."""

    groups: SymbolAmounts


class PromotedGroups(_Days):
    """A price for trades of these days; it goes before all others."""

    groups: SymbolAmounts


class Lot(_Part):
    """Cash per lot."""

    model_config = ConfigDict(json_schema_extra={"examples": [*EXAMPLE_RULES["lot"]]})

    type: Literal["lot"]
    id: Id
    groups: SymbolAmounts
    min_holding_seconds: Annotated[int, Field(ge=0, le=2_592_000)] = Field(default=0)
    account_types: list[Name] = Field(default=[], description="None for all.", examples=[["standard"]])
    tiers: MoreTiers = _left_out()
    own: OwnGroups = _left_out()
    promotion: PromotedGroups = _left_out()


class Bonus(_Part):
    """An amount while a month, or a window of its own, has reached a goal."""

    model_config = ConfigDict(json_schema_extra={"examples": [*EXAMPLE_RULES["bonus"]]})

    type: Literal["bonus"]
    id: Id
    by: Literal["ftd", "qftd", "lots", "net_revenue"]
    goal: Threshold
    amount: Amount
    window: Window = _left_out(description="Counts ftd or qftd alone.")


class Level(_Part):
    """What the partners at a depth bring."""

    model_config = ConfigDict(json_schema_extra=_either("percent", "amount"))

    level: Annotated[int, Field(ge=1, le=5, description="1 is the partner's own child.")]
    percent: Percent = _left_out(description="Of earnings or of net revenue.")
    amount: Amount = _left_out(description="With `qftd`: for each qualified client.")
    of: (
        Literal["net_revenue", "qftd"]
        | Annotated[list[Literal["cpa", "cpl", "revshare", "lot", "bonus", "override"]], Field(min_length=1)]
    ) = Field(description="Kinds of earnings, or net revenue, or qualified clients.")


class Override(_Part):
    """A part of what the partners below bring, by depth."""

    model_config = ConfigDict(json_schema_extra={"examples": [*EXAMPLE_RULES["override"]]})

    type: Literal["override"]
    id: Id
    levels: Annotated[list[Level], Field(min_length=1)]


Rule = Annotated[Cpa | Cpl | Revshare | Lot | Bonus | Override, Field(discriminator="type")]


class Terms(_Part):
    """The terms of a deal. docs/deals.md says what each part means. Amounts are decimal strings in the deal's currency;
    days and months are UTC."""

    model_config = ConfigDict(
        title="Deal",
        json_schema_extra={
            "examples": [
                {
                    "currency": "EUR",
                    "hold": {"days": 30, "from": "month_end"},
                    "ftd_minimum": "50.00",
                    "net_revenue": {"spread": "1", "commission": "1", "chargebacks": "-1"},
                    "symbol_groups": {"metals": ["XAUUSD", "XAGUSD"]},
                    "rules": [
                        {"type": "revshare", "id": "rev", "percent": "25", "negative": "carry"},
                        {
                            "type": "lot",
                            "id": "lot",
                            "groups": [{"group": "metals", "amount": "9.00"}, {"symbols": [], "amount": "7.00"}],
                        },
                    ],
                }
            ]
        },
    )

    currency: Annotated[str, StringConstraints(pattern=CURRENCY), Field(description="ISO 4217 code.", examples=["EUR"])]
    hold: Hold
    ftd_minimum: Amount = _left_out(description="The least amount of a first deposit that counts as one.")
    net_revenue: NetRevenue = _left_out()
    symbol_groups: Annotated[
        dict[GroupName, Annotated[list[Name], Field(min_length=1)]],
        Field(json_schema_extra={"additionalProperties": False}),
    ] = _left_out(description="Names for lists of symbols that lot rules use.")
    rules: Annotated[list[Rule], Field(min_length=1)]
    payout_rate: Literal["pay_date", "earn_date"] = Field(
        default="pay_date",
        description="Whose rate converts what is paid out in another currency: that of the payout's day, or of the end"
        " of the month in which it was earned.",
    )


class ShapeError(NamedTuple):
    """What is wrong with one field: `code` is `missing`, `unknown`, `choice`, `text`, `number`, `yes_or_no`, `list`,
    `object`, `written` or `range`; `wanted` is what would be right, where that can be said."""

    field: str
    """Such as `rules[0].amounts[1].amount`; empty for the whole."""
    code: str
    wanted: str


def shape_errors(terms: Any) -> list[ShapeError]:
    """What is wrong with the form of these terms, field by field, in their order; empty when the form is right."""
    try:
        Terms.model_validate(terms)
    except ValidationError as error:
        found = [_shape_error(dict(each)) for each in error.errors(include_url=False, include_input=False)]
        # A list that none of several forms fits is said where it fails, and not once more as a whole.
        return [each for each in found if not any(other.field.startswith(f"{each.field}[") for other in found)]
    return []


def _shape_error(error: Mapping[str, Any]) -> ShapeError:
    kind, about, place = str(error["type"]), error.get("ctx", {}), _place(error["loc"])
    if kind.startswith("union_tag"):
        place += ".type"
    expected = str(about.get("expected_tags") or about.get("expected") or "").replace("'", '"')
    return ShapeError(
        place, CODES.get(kind, "object"), "".join(bounds(about)) or EXAMPLES.get(about.get("pattern"), expected)
    )


_TAGS = {"cpa", "cpl", "revshare", "lot", "bonus", "override"}


def _place(location: tuple[str | int, ...]) -> str:
    """`rules[0].amounts[1].amount`. What only says which of several models was tried is left out."""
    place, before = "", None
    for step in location:
        tag = step in _TAGS and isinstance(before, int) and place.startswith("rules[") and "." not in place
        if isinstance(step, int):
            place += f"[{step}]"
        elif not tag and "[" not in step:
            place += f".{step}" if place else step
        before = step
    return place


class _Schema(GenerateJsonSchema):
    """Draft 2020-12, without titles that only repeat names, and without the nulls of fields that are left out."""

    def generate(self, schema: Any, mode: Any = "validation") -> JsonSchemaValue:
        return {"$schema": SCHEMA_ID, **_plain(super().generate(schema, mode), top=True)}

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        """In the order in which the fields are written above."""
        return value


def schema() -> dict[str, Any]:
    """The JSON Schema of a deal's terms."""
    return Terms.model_json_schema(by_alias=True, schema_generator=_Schema)


def _plain(part: Any, *, top: bool = False, names: bool = False) -> Any:
    """`names`: the keys of this object are fields or definitions, and not words of the schema."""
    if isinstance(part, list):
        return [_plain(each) for each in part]
    if not isinstance(part, dict):
        return part
    kept = {}
    for name, value in part.items():
        if not names and ((name in ("title", "discriminator") and not top) or (name == "default" and value is None)):
            continue
        if not names and name in ("examples", "default"):
            kept[name] = value
        elif isinstance(value, str) and name == "description":
            kept[name] = " ".join(value.split())
        else:
            kept[name] = _plain(value, names=not names and name in ("properties", "$defs", "patternProperties"))
    return kept
