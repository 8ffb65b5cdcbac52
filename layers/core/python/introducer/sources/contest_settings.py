"""The settings of a contest as a designer's form and programs send them, and as they are shown again.

Amounts, scores, weights and percentages are decimal strings; a window is given in days or moments of the contest's
time zone. What is wrong is said field by field (`divisions.0.prizes.2.first`), with what to do. Whether they can be a
contest is for `domain.contest_rules.check`: it refuses more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from introducer.domain.configuration import Brand, PartnerKind
from introducer.domain.contest import (
    SCORE_ONE,
    WEIGHT_ONE,
    Conditions,
    Contest,
    Division,
    Every,
    Metric,
    Prize,
    PrizeKind,
    Series,
    Tie,
)
from introducer.domain.contest_prizes import show_score
from introducer.domain.contest_rules import (
    LONGEST_DESCRIPTION,
    LONGEST_DIVISION,
    LONGEST_NAME,
    MOST_DIVISIONS,
    MOST_NAMED,
    MOST_PLACES,
    MOST_PRIZES,
    MOST_SIZE,
    local_start,
    zone,
)
from introducer.domain.deal import PERCENT_ONE, show_percent
from introducer.domain.errors import Invalid
from introducer.domain.money import DECIMALS, decimal_string, decimals, minor_units
from introducer.sources.shapes import CODES, bounds

AMOUNT = r"^[0-9]{1,12}(\.[0-9]{1,8})?$"
SCORE = r"^[0-9]{1,13}(\.[0-9]{1,8})?$"
PERCENT = r"^[0-9]{1,3}(\.[0-9]{1,8})?$"
CURRENCY = r"^[A-Z]{3}$"
COUNTRY = r"^[A-Z]{2}$"
WHEN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$"
EXAMPLES = {
    AMOUNT: "500.00",
    SCORE: "10",
    PERCENT: "12.5",
    CURRENCY: "EUR",
    COUNTRY: "DE",
    WHEN: "2026-11-30",
}
"""How a text of each form is written."""

_WRITTEN_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}
_FIRST_YEAR, _LAST_YEAR = 2000, 2200


def _whole(value: Any) -> Any:
    """Forms have texts alone; a yes or no is no number."""
    if isinstance(value, str) and _WRITTEN_WHOLE.fullmatch(value):
        return int(value)
    return "" if isinstance(value, bool) else value


def _yes_no(value: Any) -> Any:
    return _YES_NO.get(value, value) if isinstance(value, str) else value


def _one_line(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _paragraphs(value: Any) -> Any:
    """Forms end lines in their own way."""
    return value.replace("\r\n", "\n").replace("\t", " ").strip() if isinstance(value, str) else value


Whole = Annotated[int, BeforeValidator(_whole)]
Flag = Annotated[bool, BeforeValidator(_yes_no)]
Amount = Annotated[str, StringConstraints(pattern=AMOUNT)]
Score = Annotated[str, StringConstraints(pattern=SCORE)]
Place = Annotated[Whole, Field(ge=1, le=MOST_PLACES)]
Named = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=64)]], Field(max_length=MOST_NAMED)]
When = Annotated[str, StringConstraints(pattern=WHEN), BeforeValidator(_one_line)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Placed(_Part):
    first: Place
    last: Place | None = None
    """The same as the first one where it is left out."""


class FixedPrize(_Placed):
    """An amount for each of the places."""

    kind: Literal["fixed"]
    amount: Amount


class SharePrize(_Placed):
    """A percentage of the division's pool for each of the places."""

    kind: Literal["share"]
    share: Annotated[str, StringConstraints(pattern=PERCENT)]


class ThresholdPrize(_Part):
    """An amount for everybody who reaches a score."""

    kind: Literal["threshold"]
    threshold: Score
    amount: Amount


class GiftPrize(_Placed):
    """A thing for each of the places."""

    kind: Literal["gift"]
    gift: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME), BeforeValidator(_one_line)]


AnyPrize = Annotated[FixedPrize | SharePrize | ThresholdPrize | GiftPrize, Field(discriminator="kind")]


class DivisionSettings(_Part):
    """Partners of like size, and their prizes."""

    name: Annotated[str, StringConstraints(max_length=LONGEST_DIVISION), BeforeValidator(_one_line)] = ""
    from_size: Annotated[Whole, Field(ge=0, le=MOST_SIZE)] = 0
    pool: Amount = "0"
    prizes: Annotated[list[AnyPrize], Field(max_length=MOST_PRIZES)] = []


class SeriesSettings(_Part):
    """How often the contest comes again."""

    every: Literal["week", "month"]
    until: Annotated[Whole, Field(ge=0, le=10_000)] = 0
    """The last contest's number; 0 for no end."""


class Settings(_Part):
    """What people set of a contest. docs/contests.md says what each part means."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME), BeforeValidator(_one_line)]
    description: Annotated[str, StringConstraints(max_length=LONGEST_DESCRIPTION), BeforeValidator(_paragraphs)] = ""
    weights: Annotated[dict[Literal["ftd", "qftd", "net_revenue", "lots", "deposits"], Score], Field(min_length=1)]
    """Points per client, lot or unit of the currency; one metric alone has the weight 1."""
    currency: Annotated[str, StringConstraints(pattern=CURRENCY)]
    time_zone: str
    first_day: When
    """The first day; or a moment, `2026-11-01T08:00`, where it does not start at midnight."""
    last_day: When
    """The last day, which is part of the contest; or the moment when it ends."""
    grace_hours: Whole = 24
    objection_hours: Whole = 72
    kinds: list[Literal["affiliate", "ib"]] = []
    deals: list[Literal["cpa", "cpl", "revshare", "lot", "bonus", "override"]] = []
    countries: Annotated[list[Annotated[str, StringConstraints(pattern=COUNTRY)]], Field(max_length=300)] = []
    managers: Named = []
    partners: Named = []
    opt_in: Flag = True
    public: Flag = False
    shown: Whole = 0
    minimum: Score = "0"
    tie: Literal["split", "first"] = "split"
    size_by: Literal["ftd", "qftd"] = "ftd"
    size_days: Whole = 90
    divisions: Annotated[list[DivisionSettings], Field(min_length=1, max_length=MOST_DIVISIONS)] = [DivisionSettings()]
    prize_hold_days: Whole = 0
    series: SeriesSettings | None = None


class SettingsError(NamedTuple):
    """What is wrong with one field: `code` is `missing`, `unknown`, `choice`, `text`, `number`, `yes_or_no`, `list`,
    `object`, `written`, `range`, `too_many_decimals`, `unknown_currency`, `unknown_time_zone`, `no_such_day` or
    `no_such_time`; `wanted` is what would be right, where that can be said."""

    field: str
    code: str
    wanted: str = ""

    @property
    def advice(self) -> str:
        """What to do, in English."""
        return _ADVICE[self.code] % {"wanted": self.wanted}


def contest_of(
    settings: Mapping[str, Any], *, brand: Brand, contest: str, by: str, now: datetime, before: Contest | None = None
) -> Contest:
    """The contest with these settings: a new draft, or the one `before` with other settings. Where they say neither,
    the currency and time zone are the brand's.

    Raises `Invalid` with the code `invalid_contest`, and what to do by field in `errors`.
    """
    given = {"currency": brand.base_currency, "time_zone": brand.time_zone} | dict(settings)
    try:
        read = Settings.model_validate(given)
    except ValidationError as error:
        raise refused(_shape_errors(error)) from None
    reading = _Reading(read)
    draft = reading.contest(contest, brand.brand, by, now, before)
    if reading.wrong:
        raise refused(reading.wrong)
    return draft


def refused(wrong: list[SettingsError]) -> Invalid:
    """The error for these fields: of each, what is wrong first."""
    by_field: dict[str, SettingsError] = {}
    for each in wrong:
        by_field.setdefault(each.field, each)
    return Invalid(
        "Some settings cannot be taken: see errors.",
        code="invalid_contest",
        errors={field: each.advice for field, each in by_field.items()},
        codes={field: each.code for field, each in by_field.items()},
    )


# -------------------------------------------------------------------------------------------------------------- reading


class _Reading:
    """Settings of the right form, and what is wrong with them all the same."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.wrong: list[SettingsError] = []
        self._currency = settings.currency
        if self._currency not in DECIMALS:
            self._refuse("currency", "unknown_currency")
            self._currency = "EUR"
        try:
            self._zone = zone(settings.time_zone)
        except Invalid:
            self._refuse("time_zone", "unknown_time_zone")
            self._zone = ZoneInfo("UTC")

    def contest(self, contest: str, brand: str, by: str, now: datetime, before: Contest | None) -> Contest:
        settings = self.settings
        base = before or Contest(
            contest=contest,
            brand=brand,
            name=settings.name,
            weights=(),
            currency=settings.currency,
            time_zone=settings.time_zone,
            starts_at=now,
            ends_at=now,
            drafted_by=by,
            drafted_at=now,
        )
        return replace(
            base,
            name=settings.name,
            description=settings.description,
            weights=tuple(
                (Metric(name), self._scaled(f"weights.{name}", weight, WEIGHT_ONE))
                for name, weight in sorted(settings.weights.items())
            ),
            currency=settings.currency,
            time_zone=settings.time_zone,
            starts_at=self._moment("first_day", settings.first_day, days_later=0),
            ends_at=self._moment("last_day", settings.last_day, days_later=1),
            grace_hours=settings.grace_hours,
            objection_hours=settings.objection_hours,
            conditions=Conditions(
                kinds=frozenset(map(PartnerKind, settings.kinds)),
                deals=frozenset(settings.deals),
                countries=frozenset(settings.countries),
                managers=frozenset(settings.managers),
                partners=frozenset(settings.partners),
            ),
            opt_in=settings.opt_in,
            public=settings.public,
            shown=settings.shown,
            minimum=self._scaled("minimum", settings.minimum, SCORE_ONE),
            tie=Tie(settings.tie),
            size_by=Metric(settings.size_by),
            size_days=settings.size_days,
            divisions=tuple(self._division(each, f"divisions.{n}") for n, each in enumerate(settings.divisions)),
            prize_hold_days=settings.prize_hold_days,
            series=self._series(base),
        )

    def _series(self, base: Contest) -> Series | None:
        asked = self.settings.series
        if asked is None:
            return None
        known = base.series or Series(series=base.contest, number=1, every=Every(asked.every))
        return replace(known, every=Every(asked.every), until=asked.until)

    def _division(self, division: DivisionSettings, where: str) -> Division:
        return Division(
            name=division.name,
            from_size=division.from_size,
            pool=self._minor(f"{where}.pool", division.pool),
            prizes=tuple(self._prize(each, f"{where}.prizes.{n}") for n, each in enumerate(division.prizes)),
        )

    def _prize(self, prize: FixedPrize | SharePrize | ThresholdPrize | GiftPrize, where: str) -> Prize:
        kind = PrizeKind(prize.kind)
        if isinstance(prize, ThresholdPrize):
            return Prize(
                kind=kind,
                amount=self._minor(f"{where}.amount", prize.amount),
                threshold=self._scaled(f"{where}.threshold", prize.threshold, SCORE_ONE),
            )
        made = Prize(kind=kind, first=prize.first, last=prize.first if prize.last is None else prize.last)
        match prize:
            case FixedPrize():
                return replace(made, amount=self._minor(f"{where}.amount", prize.amount))
            case SharePrize():
                return replace(made, share=self._scaled(f"{where}.share", prize.share, PERCENT_ONE // 100))
            case GiftPrize():
                return replace(made, gift=prize.gift)

    def _minor(self, field: str, text: str) -> int:
        try:
            return minor_units(text, self._currency)
        except Invalid:
            self._refuse(field, "too_many_decimals", str(decimals(self._currency)))
            return 0

    def _scaled(self, field: str, text: str, one: int) -> int:
        value = Fraction(text) * one
        if value.denominator != 1:
            self._refuse(field, "too_many_decimals", str(len(str(one)) - 1))
        return int(value)

    def _moment(self, field: str, text: str, *, days_later: int) -> datetime:
        """A day of the contest's time zone begins or ends it; a moment is of that zone too, where it names none."""
        try:
            if len(text) == len("2026-11-30"):
                return local_start(_day(text) + timedelta(days=days_later), self._zone)
            moment = datetime.fromisoformat(text)
            _day(text[:10])
        except ValueError:
            self._refuse(field, "no_such_day", EXAMPLES[WHEN])
            return datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        there = moment.replace(tzinfo=self._zone)
        in_utc = there.astimezone(UTC)
        if in_utc.astimezone(self._zone).replace(tzinfo=None) != moment:
            self._refuse(field, "no_such_time")
        return in_utc

    def _refuse(self, field: str, code: str, wanted: str = "") -> None:
        self.wrong.append(SettingsError(field, code, wanted))


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError("no such year")
    return day


# -------------------------------------------------------------------------------------------------------- what is wrong


_ADVICE = {
    "missing": "Fill this in.",
    "unknown": "There is no such field here: take it out.",
    "choice": "Choose one of these: %(wanted)s.",
    "text": "Send it as a text, in quotation marks.",
    "number": "Write a whole number.",
    "yes_or_no": "Say yes or no.",
    "list": "Send a list.",
    "object": "Send an object with its fields.",
    "written": "Write it like %(wanted)s.",
    "range": "Out of range: %(wanted)s.",
    "too_many_decimals": "Write at most so many decimals: %(wanted)s.",
    "unknown_currency": "Write the currency's three capital letters, such as EUR.",
    "unknown_time_zone": "Write a time zone such as Europe/Berlin.",
    "no_such_day": "There is no such day: write one like %(wanted)s.",
    "no_such_time": "Clocks are put forward at that time, so it does not come: choose another.",
}

_CODES = CODES | {"int_parsing": "number", "too_long": "range"}
"""By pydantic's kind of error; what is not here needs an object."""


def _shape_errors(error: ValidationError) -> list[SettingsError]:
    return [_shape_error(dict(each)) for each in error.errors(include_url=False, include_input=False)]


def _shape_error(error: Mapping[str, Any]) -> SettingsError:
    kind, about = str(error["type"]), error.get("ctx", {})
    place = [str(step) for step in error["loc"] if step != "[key]"]
    if place[0] == "divisions" and place[2:3] == ["prizes"]:
        # Beside where it stands, the place says which kind of prize was tried.
        del place[4:5]
        if kind.startswith("union_tag"):
            place.append("kind")
    code = _CODES.get(kind, "object")
    if kind in ("string_pattern_mismatch", "string_too_short") or code == "choice":
        wanted = EXAMPLES.get(str(about.get("pattern")), "")
        wanted = wanted or str(about.get("expected_tags") or about.get("expected") or "").replace("'", "")
    else:
        wanted = ", ".join(bounds(about))
    return SettingsError(".".join(place), code, wanted)


# -------------------------------------------------------------------------------------------------------- shown again


def settings_of(contest: Contest) -> dict[str, Any]:
    """A contest's settings as they are sent: what is read from them is the same contest."""
    conditions, series = contest.conditions, contest.series
    there = zone(contest.time_zone)
    return {
        "name": contest.name,
        "description": contest.description,
        "weights": {str(metric): _plain(weight, WEIGHT_ONE) for metric, weight in contest.weights},
        "currency": contest.currency,
        "time_zone": contest.time_zone,
        "first_day": _when(contest.starts_at, there, days_later=0),
        "last_day": _when(contest.ends_at, there, days_later=1),
        "grace_hours": contest.grace_hours,
        "objection_hours": contest.objection_hours,
        "kinds": sorted(map(str, conditions.kinds)),
        "deals": sorted(conditions.deals),
        "countries": sorted(conditions.countries),
        "managers": sorted(conditions.managers),
        "partners": sorted(conditions.partners),
        "opt_in": contest.opt_in,
        "public": contest.public,
        "shown": contest.shown,
        "minimum": show_score(contest.minimum),
        "tie": str(contest.tie),
        "size_by": str(contest.size_by),
        "size_days": contest.size_days,
        "divisions": [
            {
                "name": division.name,
                "from_size": division.from_size,
                "pool": decimal_string(division.pool, contest.currency),
                "prizes": [_prize_settings(prize, contest.currency) for prize in division.prizes],
            }
            for division in contest.divisions
        ],
        "prize_hold_days": contest.prize_hold_days,
        "series": None if series is None else {"every": str(series.every), "until": series.until},
    }


def _prize_settings(prize: Prize, currency: str) -> dict[str, Any]:
    made: dict[str, Any] = {"kind": str(prize.kind)}
    if prize.kind.is_placed:
        made |= {"first": prize.first, "last": prize.last}
    match prize.kind:
        case PrizeKind.FIXED:
            made["amount"] = decimal_string(prize.amount, currency)
        case PrizeKind.SHARE:
            made["share"] = show_percent(prize.share)
        case PrizeKind.THRESHOLD:
            made |= {"threshold": show_score(prize.threshold), "amount": decimal_string(prize.amount, currency)}
        case PrizeKind.GIFT:
            made["gift"] = prize.gift
    return made


def _plain(value: int, one: int) -> str:
    """A decimal without zeros at its end."""
    return f"{(Decimal(value) / one).normalize():f}"


def _when(moment: datetime, there: ZoneInfo, *, days_later: int) -> str:
    """The day, where it begins or ends one; else the moment by that zone's clocks, with its offset where needed."""
    local = moment.astimezone(there)
    if moment == local_start(local.date(), there):
        return (local.date() - timedelta(days=days_later)).isoformat()
    plain = local.replace(tzinfo=None, fold=0)
    if plain.replace(tzinfo=there).astimezone(UTC) == moment:
        return plain.isoformat(timespec="auto" if local.second or local.microsecond else "minutes")
    return local.isoformat()
