"""The terms of a deal as a form without scripts has them: flat fields, whose names say where in the terms they stand
(`terms.rules.0.amounts.1.amount`). What may stand where is read from the models of `sources.deal_terms`, so that the
form has a field for all that terms can say.

Nothing is judged here: what is typed goes into terms as it is, and what is wrong with them comes back to the field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum, auto
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin
from urllib.parse import urlencode

from pydantic import BaseModel

from introducer.sources.deal_terms import EXAMPLE_RULES, NAME, Terms

PREFIX = "terms."
MOST_FIELDS = 900
MOST_BYTES = 48 * 1024
"""So much a form of terms sends, with what is ticked; terms that are longer are written as JSON. What a visit takes is
more: names of countries are longer than their codes, and partners are named beside."""
AS_JSON, AS_FORM = "json", "form"
_DO = re.compile(r"(add|remove)-([a-z0-9_.]{1,80})", re.ASCII)
_EXAMPLE = re.compile(r"example-([a-z]{1,20})-(\d{1,2})", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,9}", re.ASCII)
_BETWEEN = re.compile(r"[,;،\r\n]+")
_ROW = re.compile(r"\d{1,3}", re.ASCII)

Fields = dict[str, Any]
"""What a form sent or shows: texts by name, and lists of what was ticked."""
Tree = dict[str, Any]
"""The same as it stands in the terms: rows by their numbers."""


class Sort(Enum):
    """What the field of a form, or a group of them, makes of terms."""

    TEXT = auto()
    WHOLE = auto()
    YES_NO = auto()
    LIST = auto()
    """Names in one field, with commas between."""
    TICKS = auto()
    """One or several of fixed names."""
    PART = auto()
    ROWS = auto()
    NAMED = auto()
    """Lists by name: rows of a name and its list."""


class _Spot(NamedTuple):
    sort: Sort
    models: tuple[type[BaseModel], ...] = ()
    """Of a part its model, of rows those that a row may be of; several are told apart by `type`."""


class NamedList(BaseModel):
    """A row for one of several lists that have names."""

    name: str
    symbols: list[str]


def is_form(fields: Mapping[str, Any]) -> bool:
    """Whether terms were sent field by field."""
    return any(name.startswith(PREFIX) for name in fields)


def terms_of_form(fields: Mapping[str, Any]) -> Fields:
    """The terms, as a program would send them. Rows and parts that nobody wrote anything into are left out."""
    return _data(Terms, _tree(fields))


def form_of_terms(terms: Mapping[str, Any]) -> Fields:
    """The fields that show these terms, which are of the right form."""
    return _flat(Terms, _shown(Terms, terms), PREFIX)


def tidied(fields: Mapping[str, Any]) -> Fields:
    """The fields of terms, their rows numbered as `terms_of_form` numbers them: what is wrong comes back to its row."""
    return _flat(Terms, _tidy(Terms, _tree(fields)), PREFIX)


def fits(fields: Mapping[str, Any]) -> bool:
    """Whether a form of these fields can be sent."""
    named = sum(len(value) + 1 if isinstance(value, list) else 1 for value in fields.values())
    return named <= MOST_FIELDS and len(urlencode(fields, doseq=True)) <= MOST_BYTES


def is_whole(terms: Mapping[str, Any]) -> bool:
    """Whether the form says all of these terms, which are of the right form. A name that has a comma or spaces around
    it would be read as others."""
    return terms_of_form(form_of_terms(terms)) == _filled(terms)


def named_twice(fields: Mapping[str, Any]) -> list[str]:
    """The fields with names that a list before has already: they would be one list."""
    found, seen = list[str](), set[str]()
    for number, row in enumerate(_rows(_tree(fields), "symbol_groups")):
        name = _text(row.get("name"))
        if name and name in seen:
            found.append(f"{PREFIX}symbol_groups.{number}.name")
        seen.add(name)
    return found


def rows_of(fields: Mapping[str, Any]) -> dict[str, int]:
    """How many rows there are, by where they stand (`rules`, `rules.0.amounts`)."""
    return dict(_count(Terms, _tree(fields), ""))


def opened(fields: Mapping[str, Any], wrong: Iterable[str] = ()) -> list[str]:
    """Which parts have something written in them, or wrong with them (`rules.0.tiers`)."""
    names = [name for name, value in fields.items() if value not in ("", [])] + [f"{name}." for name in wrong]
    found = set[str]()
    for name in names:
        if name.startswith(PREFIX):
            steps = name.removeprefix(PREFIX).split(".")[:-1]
            found |= {".".join(steps[:end]) for end in range(1, len(steps) + 1)}
    return sorted(found)


def grown(fields: Mapping[str, Any], do: str) -> Fields:
    """The fields of terms with one row more or less, as a form's buttons say: `add-rules.0.amounts`,
    `remove-rules.0.amounts.1`; `example-lot-0` adds a rule to begin from. Rows have the numbers that they were sent
    with, and nothing else about them changes. Anything else changes nothing."""
    tree = _tree(fields)
    if match := _EXAMPLE.fullmatch(do):
        kind, number = match.groups()
        rules = _rows_at(tree, "rules")
        assert rules is not None, "terms have rules"
        for example in EXAMPLE_RULES.get(kind, ())[int(number) : int(number) + 1]:
            taken = {_text(each.get("id")) for each in _rows(tree, "rules")}
            _put(rules, _shown(RULES[kind], example) | {"id": _free(str(example["id"]), taken)})
    elif match := _DO.fullmatch(do):
        what, path = match.groups()
        at, _, last = path.rpartition(".")
        if what == "add" and (rows := _rows_at(tree, path)) is not None:
            _put(rows, {})
        elif what == "remove" and (rows := _rows_at(tree, at)) is not None:
            rows.pop(last, None)
    return _flat(Terms, tree, PREFIX)


def field_of(place: str, fields: Mapping[str, Any]) -> str:
    """The field, or the group of fields, that a place in the terms (`rules[0].tiers.bands`) is typed into."""
    if place.startswith("symbol_groups."):
        return _field_of_group(place.removeprefix("symbol_groups."), fields)
    steps = re.sub(r"\[(\d+)\]", r".\1", place).split(".")
    spot = _Spot(Sort.PART, (Terms,))
    models, kept, rows = spot.models, list[str](), False
    for step in steps:
        if rows:
            row = PREFIX + ".".join([*kept, step])
            models, rows = (_of_row(spot, {"type": fields.get(f"{row}.type")}),), False
        else:
            found = _spots(models[0]).get(step) if models else None
            if found is None:
                break
            spot, models, rows = found, found.models, found.sort is Sort.ROWS
        kept.append(step)
    return PREFIX + ".".join(kept) if kept else PREFIX.rstrip(".")


def _field_of_group(place: str, fields: Mapping[str, Any]) -> str:
    """A list with a name stands in its row, whatever characters the name has."""
    at = f"{PREFIX}symbol_groups"
    for number, row in enumerate(_rows(_tree(fields), "symbol_groups")):
        name = _text(row.get("name"))
        if place == name or place.startswith((f"{name}[", f"{name}.")):
            return f"{at}.{number}.{'symbols' if re.fullmatch(NAME, name) else 'name'}"
    return at


# ------------------------------------------------------------------------------------------------------- of the models


@cache
def _spots(model: type[BaseModel]) -> Mapping[str, _Spot]:
    return {info.alias or name: _spot(info.annotation) for name, info in model.model_fields.items()}


def _spot(kind: Any) -> _Spot:
    kind = _bare(kind)
    if get_origin(kind) is list:
        models = tuple(each for each in _alternatives(get_args(kind)[0]) if _is_model(each))
        return _Spot(Sort.ROWS, models) if models else _Spot(Sort.LIST)
    if get_origin(kind) is dict:
        return _Spot(Sort.NAMED, (NamedList,))
    if get_origin(kind) in (Union, UnionType):
        return _Spot(Sort.TICKS)
    if _is_model(kind):
        return _Spot(Sort.PART, (kind,))
    return _Spot({int: Sort.WHOLE, bool: Sort.YES_NO}.get(kind, Sort.TEXT))


def _bare(kind: Any) -> Any:
    return _bare(get_args(kind)[0]) if get_origin(kind) is Annotated else kind


def _alternatives(kind: Any) -> Iterable[Any]:
    kind = _bare(kind)
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _kind(rule: type[BaseModel]) -> str:
    return str(get_args(rule.model_fields["type"].annotation)[0])


RULES: Mapping[str, type[BaseModel]] = {_kind(rule): rule for rule in _spots(Terms)["rules"].models}
"""By their `type`."""


def _of_row(spot: _Spot, row: Mapping[str, Any]) -> type[BaseModel]:
    """Of which model a row is. Rules of a kind that nobody knows have the first one's: their `type` is refused."""
    return RULES.get(_text(row.get("type")), spot.models[0]) if len(spot.models) > 1 else spot.models[0]


# ------------------------------------------------------------------------------------------------ from fields to terms


def _tree(fields: Mapping[str, Any]) -> Tree:
    """Fields as they stand in one another; a name that contradicts one before it is left out."""
    root: Tree = {}
    for name, value in fields.items():
        if not name.startswith(PREFIX):
            continue
        at: Any = root
        *steps, last = name.removeprefix(PREFIX).split(".")
        for step in steps:
            at = at.setdefault(step, {}) if isinstance(at, dict) else None
        if isinstance(at, dict):
            at.setdefault(last, value)
    return root


def _part(tree: Tree, name: str) -> Tree:
    found = tree.get(name)
    return found if isinstance(found, dict) else {}


def _rows(tree: Tree, name: str) -> list[Tree]:
    """Rows in the order of their numbers."""
    found = {int(at): row for at, row in _part(tree, name).items() if _ROW.fullmatch(at) and isinstance(row, dict)}
    return [found[at] for at in sorted(found)]


def _data(model: type[BaseModel], tree: Tree) -> Fields:
    read = {name: _read(spot, tree, name) for name, spot in _spots(model).items()}
    return {name: value for name, value in read.items() if value not in ("", [], {})}


def _read(spot: _Spot, tree: Tree, name: str) -> Any:
    match spot.sort:
        case Sort.PART:
            return _data(spot.models[0], _part(tree, name))
        case Sort.ROWS:
            return [made for row in _rows(tree, name) if (made := _data(_of_row(spot, row), row))]
        case Sort.NAMED:
            lists: dict[str, list[str]] = {}
            for row in _rows(tree, name):
                if made := _data(NamedList, row):
                    # Lists of one name are one list: nothing that was typed is lost.
                    lists.setdefault(made.get("name", ""), []).extend(made.get("symbols", []))
            return lists
    value = tree.get(name, "")
    match spot.sort:
        case Sort.WHOLE:
            text = _text(value)
            return int(text) if _WHOLE.fullmatch(text) else text
        case Sort.YES_NO:
            return _text(value) == "yes" or ""
        case Sort.LIST:
            return _pieces(_text(value))
        case Sort.TICKS:
            # What is no kind of rule stands alone, and is no list.
            match _ticked(value):
                case [alone] if alone not in RULES:
                    return alone
                case ticked:
                    return ticked
        case _:
            return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = value[-1] if value else ""
    return "" if value is None or isinstance(value, dict) else str(value).strip()


def _ticked(value: Any) -> list[str]:
    """A form says of a list also that it is there: by a name of nothing."""
    return [text for each in (value if isinstance(value, list) else [value]) if (text := _text(each))]


def _pieces(text: str) -> list[str]:
    return [piece for each in _BETWEEN.split(text) if (piece := each.strip())]


# ------------------------------------------------------------------------------------------------ from terms to fields


def _shown(model: type[BaseModel], data: Mapping[str, Any]) -> Tree:
    spots = _spots(model)
    return {name: _show(spots[name], value) for name, value in data.items() if name in spots}


def _show(spot: _Spot, value: Any) -> Any:
    match spot.sort:
        case Sort.PART:
            return _shown(spot.models[0], value)
        case Sort.ROWS:
            return {str(number): _shown(_of_row(spot, row), row) for number, row in enumerate(value)}
        case Sort.NAMED:
            rows = ({"name": name, "symbols": symbols} for name, symbols in value.items())
            return {str(number): _shown(NamedList, row) for number, row in enumerate(rows)}
        case Sort.YES_NO:
            return "yes" if value else ""
        case Sort.LIST:
            return ", ".join(value)
        case Sort.TICKS:
            return list(value) if isinstance(value, list) else [value]
        case _:
            return str(value)


def _flat(model: type[BaseModel], tree: Tree, at: str) -> Fields:
    """Every field that a form has for these rows, also those that are empty; a list without any has one to write in."""
    made: Fields = {}
    for name, spot in _spots(model).items():
        if spot.sort is Sort.PART:
            made |= _flat(spot.models[0], _part(tree, name), f"{at}{name}.")
        elif spot.sort in (Sort.ROWS, Sort.NAMED):
            for number, row in enumerate(_rows(tree, name) or ([{}] if name != "rules" else [])):
                made |= _flat(_of_row(spot, row), row, f"{at}{name}.{number}.")
        elif spot.sort is Sort.TICKS:
            made[at + name] = _ticked(tree.get(name))
        else:
            made[at + name] = _text(tree.get(name))
    return made


def _filled(value: Any) -> Any:
    """The same without what nobody wrote anything into."""
    if isinstance(value, list):
        return [_filled(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    made = {name: _filled(each) for name, each in value.items()}
    return {name: each for name, each in made.items() if each is not False and each not in ("", [], {})}


# ---------------------------------------------------------------------------------------------------------------- rows


def _tidy(model: type[BaseModel], tree: Tree) -> Tree:
    made = dict(tree)
    for name, spot in _spots(model).items():
        if spot.sort is Sort.PART:
            made[name] = _tidy(spot.models[0], _part(tree, name))
        elif spot.sort in (Sort.ROWS, Sort.NAMED):
            rows = [(_of_row(spot, row), row) for row in _rows(tree, name)]
            filled = [_tidy(of, row) for of, row in rows if _data(of, row)]
            made[name] = {str(number): row for number, row in enumerate(filled)}
    return made


def _count(model: type[BaseModel], tree: Tree, at: str) -> Iterable[tuple[str, int]]:
    for name, spot in _spots(model).items():
        if spot.sort is Sort.PART:
            yield from _count(spot.models[0], _part(tree, name), f"{at}{name}.")
        elif spot.sort in (Sort.ROWS, Sort.NAMED):
            rows = _rows(tree, name)
            yield at + name, len(rows)
            for number, row in enumerate(rows):
                yield from _count(_of_row(spot, row), row, f"{at}{name}.{number}.")


def _rows_at(tree: Tree, path: str) -> Tree | None:
    """The rows that stand there; None where terms have none."""
    steps, spot, row = path.split("."), _Spot(Sort.PART, (Terms,)), tree
    at: Any = tree
    for step in steps:
        if spot.sort in (Sort.ROWS, Sort.NAMED):
            row = _part(at, step)
            if step not in at:
                return None
            spot, at = _Spot(Sort.PART, (_of_row(spot, row),)), row
        else:
            found = _spots(spot.models[0]).get(step)
            if found is None or not found.models:
                return None
            if not isinstance(at.get(step), dict):
                at[step] = {}
            spot, at = found, at[step]
    return at if spot.sort in (Sort.ROWS, Sort.NAMED) else None


def _put(rows: Tree, row: Tree) -> None:
    rows[str(max((int(at) for at in rows if _ROW.fullmatch(at)), default=-1) + 1)] = row


def _free(name: str, taken: set[str]) -> str:
    return next(each for each in (name, *(f"{name}_{number}" for number in range(2, 1_000))) if each not in taken)
