"""A contest's settings as a form without scripts has them: flat fields, whose names say where in the settings they
stand (`divisions.0.prizes.2.first`). Of a prize one field holds what it is worth: an amount, a percentage or a gift.

Nothing is judged here: what is typed goes into settings as it is, and what is wrong with them comes back to the field.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

PLAIN = (
    "name", "description", "currency", "minimum", "first_day", "last_day", "time_zone", "grace_hours",
    "objection_hours", "prize_hold_days", "opt_in", "public", "shown", "tie", "size_by", "size_days",
)  # fmt: skip
"""Settings that are one field, by its own name."""
YES_NO = ("opt_in", "public")
METRICS = ("ftd", "qftd", "net_revenue", "lots", "deposits")
WEIGHTED = "weighted"
TICKED = ("kinds", "deals", "managers")
LINED = {"countries": r"[,;\s]+", "partners": r"[\r\n]+"}
"""Lists that are written in one field, and what parts their pieces: names of partners may have commas."""
OF_DIVISION = ("name", "from_size", "pool")
OF_PRIZE = ("kind", "first", "last", "worth")
WORTH = {"fixed": "amount", "share": "share", "threshold": "amount", "gift": "gift"}
"""Which setting the worth of a prize is, by its kind."""
ADD, REMOVE, DIVIDE = "add", "remove", "divide"
MOST_ROWS = 200
"""So many prizes and divisions a form has; a program may send more."""
_ROW = re.compile(
    r"divisions\.(\d{1,3})\.(?:prizes\.(\d{1,3})\.(kind|first|last|worth)|(name|from_size|pool))", re.ASCII
)
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,8})?", re.ASCII)
_DO = re.compile(r"(add|remove|divide)(?:-(\d{1,3}))?(?:-(\d{1,3}))?", re.ASCII)

_NAMED_OTHERWISE = {"starts": "first_day", "ends": "last_day"}
"""Settings that the rules of contests call otherwise than their form does."""

Fields = dict[str, Any]
"""What a form sent or shows: texts by name, and lists of what was ticked."""


class Division(NamedTuple):
    """What a form shows of a division, beside its fields."""

    prizes: int
    """Rows."""
    shares: str
    """What its percentages add up to, as decimal text; empty where no prize is one."""
    shares_fit: bool


class _Rows(NamedTuple):
    own: Fields
    prizes: list[Fields]


def settings_of_form(fields: Fields) -> Fields:
    """The settings, as a program would send them. Rows that nobody wrote anything into are left out."""
    made: Fields = {name: _text(fields, name) for name in PLAIN if name in fields}
    made |= {name: made[name] == "yes" for name in YES_NO if name in made}
    made |= {name: [each for each in listed(fields, name) if each] for name in TICKED if name in fields}
    made |= {name: _pieces(_text(fields, name), marks) for name, marks in LINED.items() if name in fields}
    if "metric" in fields:
        made["weights"] = _weights(fields)
    if "every" in fields:
        every = _text(fields, "every")
        made["series"] = None if every in ("", "once") else _filled({"every": every, "until": _text(fields, "until")})
    divisions = _divisions(fields)
    if divisions:
        made["divisions"] = [_division(each) for each in divisions]
    return {name: value for name, value in made.items() if value != ""}


def form_of_settings(settings: Mapping[str, Any]) -> Fields:
    """The fields that show these settings."""
    made: Fields = {name: _shown(settings.get(name)) for name in PLAIN}
    made |= {name: "yes" if settings.get(name) else "no" for name in YES_NO}
    made |= {name: list(settings.get(name, ())) for name in TICKED}
    made["countries"] = ", ".join(settings.get("countries", ()))
    made["partners"] = "\n".join(settings.get("partners", ()))
    weights = settings.get("weights", {})
    alone = next(iter(weights), "") if len(weights) == 1 and _is_one(next(iter(weights.values()))) else ""
    made["metric"] = alone or WEIGHTED
    made |= {f"weights.{name}": "" if alone else _shown(weights.get(name)) for name in METRICS}
    series = settings.get("series") or {}
    made |= {"every": series.get("every") or "once", "until": _shown(series.get("until") or "")}
    for place, division in enumerate(settings.get("divisions", ())):
        at = f"divisions.{place}"
        made |= {f"{at}.{name}": _shown(division.get(name)) for name in OF_DIVISION}
        for number, prize in enumerate(division.get("prizes", ())):
            made |= {f"{at}.prizes.{number}.{name}": value for name, value in _prize_fields(prize).items()}
    return made


def divisions_of(fields: Fields) -> list[Division]:
    """What a form shows of each division; one at least, with one prize at least."""
    return [Division(len(each.prizes), *_shares(each.prizes)) for each in _divisions(fields) or [_Rows({}, [{}])]]


def tidied(fields: Fields) -> Fields:
    """The same, its rows numbered without gaps and those left out that nobody wrote anything into: as
    `settings_of_form` numbers them, so that what is wrong comes back to its row."""
    return _written(
        fields, [_Rows(own, [each for each in prizes if _is_filled(each)]) for own, prizes in _divisions(fields)]
    )


def grown(fields: Fields, do: str) -> Fields:
    """The form with one row more or less, as its buttons say: `add-0` a prize in the first division, `remove-0-2` the
    third prize of it, `remove-1` the second division, `divide` a division more. Anything else changes nothing."""
    rows = [_Rows(dict(own), list(prizes)) for own, prizes in _divisions(fields)]
    match = _DO.fullmatch(do)
    what, division, prize = match.groups() if match else ("", None, None)
    at = int(division or 0)
    count = len(rows) + sum(len(each.prizes) for each in rows)
    if what == DIVIDE and count < MOST_ROWS:
        rows.append(_Rows({}, [{"kind": "fixed"}]))
    elif what and at < len(rows):
        here = rows[at].prizes
        if what == ADD and count < MOST_ROWS:
            here.append(_next_prize(here))
        elif what == REMOVE and prize is not None:
            del here[int(prize) : int(prize) + 1]
        elif what == REMOVE and len(rows) > 1:
            del rows[at]
    return _written(fields, rows)


def field_of(place: str, fields: Fields) -> str:
    """The field that a place in the settings is typed into; empty for what has none of its own."""
    place = _NAMED_OTHERWISE.get(place, re.sub(r"\[(\d+)\]", r".\1", place).removeprefix("conditions."))
    head, _, last = place.rpartition(".")
    if re.fullmatch(r"divisions\.\d+\.prizes\.\d+", head) and last not in OF_PRIZE:
        # What a prize by score starts from stands where other prizes have their first place.
        return f"{head}.{'first' if last == 'threshold' else 'worth'}"
    top = place.partition(".")[0]
    match top:
        case "weights":
            return place if place in fields and fields.get("metric") == WEIGHTED else "metric"
        case "series":
            return "until" if last == "until" else "every"
        case "divisions":
            return place if last != top else ""
        case _:
            return top


# ---------------------------------------------------------------------------------------------------------------- rows


def _divisions(fields: Fields) -> list[_Rows]:
    """What was typed, in order, whatever numbers its names have."""
    own: defaultdict[int, Fields] = defaultdict(dict)
    prizes: defaultdict[int, defaultdict[int, Fields]] = defaultdict(lambda: defaultdict(dict))
    for name in fields:
        match = _ROW.fullmatch(name)
        if match is None:
            continue
        division, prize, of_prize, of_division = match.groups()
        if prize is None:
            own[int(division)][of_division] = _text(fields, name)
        else:
            prizes[int(division)][int(prize)][of_prize] = _text(fields, name)
    return [_Rows(own[at], [row for _, row in sorted(prizes[at].items())]) for at in sorted(own.keys() | prizes.keys())]


def without_rows(fields: Fields) -> Fields:
    """The same, without divisions and prizes."""
    return {name: value for name, value in fields.items() if not name.startswith("divisions.")}


def _written(fields: Fields, rows: Iterable[_Rows]) -> Fields:
    made = without_rows(fields)
    for at, (own, prizes) in enumerate(rows):
        made |= {f"divisions.{at}.{name}": own.get(name, "") for name in OF_DIVISION}
        for number, row in enumerate(prizes):
            made |= {f"divisions.{at}.prizes.{number}.{name}": row.get(name, "") for name in OF_PRIZE}
    return made


def _next_prize(before: Sequence[Fields]) -> Fields:
    """The row for the place after the last one, of the same kind."""
    if not before:
        return {"kind": "fixed", "first": "1"}
    kind = before[-1].get("kind", "fixed")
    taken = [each.get("last") or each.get("first", "") for each in before if each.get("kind") == kind]
    places = [int(each) for each in taken if each.isascii() and each.isdigit()]
    return {"kind": kind, "first": str(max(places) + 1) if places and kind != "threshold" else ""}


def _division(rows: _Rows) -> Fields:
    made = _filled({name: rows.own.get(name, "") for name in OF_DIVISION})
    return made | {"prizes": [_prize(each) for each in rows.prizes if _is_filled(each)]}


def _prize(row: Fields) -> Fields:
    kind, first, last, worth = (row.get(name, "") for name in OF_PRIZE)
    places = {"threshold": first} if kind == "threshold" else {"first": first, "last": last or first}
    return {"kind": kind} | _filled(places | {WORTH.get(kind, "amount"): worth})


def _prize_fields(prize: Mapping[str, Any]) -> Fields:
    kind = str(prize.get("kind", "fixed"))
    first, last = (_shown(prize.get(name)) for name in ("first", "last"))
    return {
        "kind": kind,
        "first": _shown(prize.get("threshold")) if kind == "threshold" else first,
        "last": "" if kind == "threshold" or last == first else last,
        "worth": _shown(prize.get(WORTH.get(kind, "amount"))),
    }


def _is_filled(row: Fields) -> bool:
    return any(row.get(name) for name in ("first", "last", "worth"))


def _shares(prizes: Iterable[Fields]) -> tuple[str, bool]:
    """What the percentages of a division add up to, and whether that is all of its pool."""
    total, shared = Decimal(0), False
    for row in prizes:
        if row.get("kind") == "share":
            shared = True
            first, last, worth = (row.get(name, "").strip("% ") for name in OF_PRIZE[1:])
            if all(map(_NUMBER.fullmatch, (first or "1", last or first or "1", worth or "0"))):
                places = int(Decimal(last or first or 1)) - int(Decimal(first or 1)) + 1
                total += Decimal(worth or 0) * max(0, places)
    return (f"{total.normalize():f}", total == 100) if shared else ("", True)


# -------------------------------------------------------------------------------------------------------------- values


def _weights(fields: Fields) -> Fields:
    metric = _text(fields, "metric")
    if metric != WEIGHTED:
        return {metric: "1"}
    return _filled({name: _text(fields, f"weights.{name}") for name in METRICS})


def _is_one(weight: Any) -> bool:
    text = str(weight)
    return _NUMBER.fullmatch(text) is not None and Decimal(text) == 1


def _filled(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if value != ""}


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name, "")
    return value.strip() if isinstance(value, str) else _shown(value)


def listed(fields: Fields, name: str) -> list[str]:
    """What is ticked, where a form sends it as one text too."""
    value = fields.get(name, [])
    return list(map(str, value)) if isinstance(value, list) else [str(value)]


def _pieces(text: str, marks: str) -> list[str]:
    return [each.strip() for each in re.split(marks, text) if each.strip()]


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
