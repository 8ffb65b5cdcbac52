"""Every action that the audit trail can name has words, and so has what acts on its own: the code is read for what it
writes. Words of the trail that nothing writes any more are found as well.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from introducer.domain.case import CaseStatus
from introducer.domain.payout import PayoutStatus
from tests.support import functions

ROOT = Path(__file__).parents[2]
CODE = ("layers/core/python/introducer", "functions")
MADE = {
    # What the clock makes of a case that waits; where it asks compliance, the action has a name of its own.
    "case_": (CaseStatus.RELEASED, CaseStatus.OVERTURNED),
    "payout_": tuple(PayoutStatus),
}
"""Actions that are made of a beginning and how something stands then."""

SHARED = ROOT / "layers/core/python/introducer/store/records.py"
"""Whose private functions other modules call, as those of a class that theirs inherit from."""


@dataclass
class Module:
    tree: ast.Module
    functions: dict[str, list[ast.FunctionDef]] = field(default_factory=lambda: defaultdict(list))
    calls: list[tuple[ast.Call, tuple[ast.FunctionDef, ...]]] = field(default_factory=list)
    constants: dict[str, ast.expr] = field(default_factory=dict)


def read(tree: ast.Module) -> Module:
    module = Module(tree)

    def walk(node: ast.AST, within: tuple[ast.FunctionDef, ...]) -> None:
        if isinstance(node, ast.FunctionDef):
            module.functions[node.name].append(node)
            within = (*within, node)
        if isinstance(node, ast.Call):
            module.calls.append((node, within))
        for child in ast.iter_child_nodes(node):
            walk(child, within)

    walk(tree, ())
    for node in tree.body:
        if isinstance(node, ast.Assign):
            module.constants.update(assigned(node))
    return module


def assigned(node: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    for target in node.targets:
        if isinstance(target, ast.Name):
            yield target.id, node.value
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield from ((a.id, b) for a, b in zip(target.elts, node.value.elts, strict=True) if isinstance(a, ast.Name))


def assignments(function: ast.FunctionDef, name: str) -> list[ast.expr]:
    nodes = (node for node in ast.walk(function) if isinstance(node, ast.Assign))
    return [value for node in nodes for target, value in assigned(node) if target == name]


def within_of(choice: ast.IfExp | ast.Dict | ast.Subscript) -> list[ast.expr]:
    """What it may come to."""
    match choice:
        case ast.IfExp(body=one, orelse=other):
            return [one, other]
        case ast.Dict(values=values):
            return values
        case _:
            return [choice.value]


def returned(function: ast.FunctionDef) -> list[ast.expr]:
    """What a function that gives a text returns."""
    if not isinstance(function.returns, ast.Name) or function.returns.id != "str":
        return []
    return [each.value for each in ast.walk(function) if isinstance(each, ast.Return) and each.value is not None]


class Written:
    """Which actions reach `audit_record`, through whichever functions hand one on as `action`."""

    def __init__(self, modules: dict[Path, Module]) -> None:
        self._modules = modules
        # Which functions take an action, at which place (`self` not counted; None: by name alone), and whose they are.
        self._sinks: set[tuple[str, int | None, Path | None]] = {("audit_record", 1, None), ("Step", None, None)}
        self.actions: dict[str, set[str]] = defaultdict(set)
        self.beginnings: dict[str, set[str]] = defaultdict(set)
        known = -1
        while known != len(self._sinks):
            known = len(self._sinks)
            for path, module in modules.items():
                for call, within in module.calls:
                    for given in self._given(path, call):
                        self._take(path, given, within)

    def _given(self, path: Path, call: ast.Call) -> Iterator[ast.expr]:
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        own = name in self._modules[path].functions
        places = [
            place
            for sink, place, home in self._sinks
            if sink == name and (home in (None, path) or (home == SHARED and not own))
        ]
        if places:
            yield from (each.value for each in call.keywords if each.arg == "action")
        yield from (call.args[place] for place in places if place is not None and place < len(call.args))

    def _take(self, path: Path, given: ast.expr, within: tuple[ast.FunctionDef, ...]) -> None:
        where = f"{path.name}:{given.lineno}"
        match given:
            case ast.Constant(value=str(action)):
                self.actions[action].add(where)
            case ast.JoinedStr(values=parts):
                for made in product(*(self._part(part, within) for part in parts)):
                    if made[-1] == "":
                        self.beginnings["".join(made)].add(where)
                    else:
                        self.actions["".join(made)].add(where)
            case ast.IfExp() | ast.Dict() | ast.Subscript():
                for each in within_of(given):
                    self._take(path, each, within)
            case ast.Call(func=ast.Name(id=name)):
                for function in self._modules[path].functions.get(name, []):
                    for each in returned(function):
                        self._take(path, each, (function,))
            case ast.Name(id=name):
                self._named(path, name, within)

    def _part(self, part: ast.expr, within: tuple[ast.FunctionDef, ...]) -> list[str]:
        """What a part of a text may be; empty for what is not known from reading it."""
        match part:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.FormattedValue(value=ast.Name(id=name)):
                found = (value for each in within for value in assignments(each, name))
                given = [each for value in found for each in (
                    (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,)
                )]  # fmt: skip
                if texts := [each.value for each in given if isinstance(each, ast.Constant)]:
                    return [str(text) for text in texts]
        return [""]

    def _named(self, path: Path, name: str, within: tuple[ast.FunctionDef, ...]) -> None:
        for function in reversed(within):
            taken = function.args
            plain = [each.arg for each in (*taken.posonlyargs, *taken.args)]
            if name == "action" and name in (*plain, *(each.arg for each in taken.kwonlyargs)):
                place = plain.index(name) - (plain[0] == "self") if name in plain else None
                self._sinks.add((function.name, place, path if function.name.startswith("_") else None))
                return
            if found := assignments(function, name):
                for value in found:
                    self._take(path, value, within)
                return
        if name in self._modules[path].constants:
            self._take(path, self._modules[path].constants[name], ())
        elif name.isupper():
            for module in self._modules.values():
                if name in module.constants:
                    self._take(path, module.constants[name], ())


@pytest.fixture(scope="module")
def sources() -> dict[Path, str]:
    return {path: path.read_text() for folder in CODE for path in (ROOT / folder).rglob("*.py")}


@pytest.fixture(scope="module")
def said() -> Any:
    return functions.load("portal").server.rendering.audit_words


def test_every_action_that_is_written_has_words_and_no_other(sources: dict[Path, str], said: Any) -> None:
    written = Written({path: read(ast.parse(text)) for path, text in sources.items()})
    assert len(written.actions) > 150, "the code is not read for what it writes any more"
    assert written.beginnings.keys() == MADE.keys(), "say what this action may become"
    made = {f"{beginning}{status.value}" for beginning, statuses in MADE.items() for status in statuses}
    actions = written.actions.keys() | made
    missing = {action: sorted(written.actions.get(action, ())) for action in sorted(actions - said.ACTIONS.keys())}
    assert missing == {}, "give these words in functions/portal/audit_words.py: ACTIONS"
    earlier = said.ACTIONS.keys() - actions
    assert earlier == said.EARLIER & said.ACTIONS.keys(), (
        "nothing writes these any more: their records stay, so do words"
    )
    assert {*said.BY_ITSELF, *said.FOR_PEOPLE, *said.AGAIN, *said.CODES, *said.FOUND} <= actions | said.EARLIER


def test_an_action_that_no_literal_says_is_found_where_it_comes_from() -> None:
    modules = {
        ROOT / "store.py": read(ast.parse("def put(action: str) -> None: audit_record(1, action)")),
        ROOT / "service.py": read(
            ast.parse(
                "WORD = 'from_a_constant'\n"
                "def one(way):\n    kind = 'grow' if way else 'shrink'\n    put(f'{kind}_thing')\n"
                "def two(way):\n    name = {1: 'from_a_dict'}[way]\n    put(name)\n    put(action=WORD)\n"
                "def three() -> str:\n    return 'from_a_function'\n"
                "def four(thing):\n    put(three())\n    put(f'thing_{thing.status}')\n    put('a' if thing else 'b')\n"
            )
        ),
    }
    written = Written(modules)
    assert written.actions.keys() == {
        "from_a_constant", "grow_thing", "shrink_thing", "from_a_dict", "from_a_function", "a", "b",
    }  # fmt: skip
    assert written.beginnings.keys() == {"thing_"}


def test_what_acts_on_its_own_has_words(sources: dict[Path, str], said: Any) -> None:
    own = ROOT / "functions/portal/audit_words.py"
    found = {name for path, text in sources.items() if path != own for name in re.findall(r'"(system:\w+)"', text)}
    assert found == {name for name in said.ACTORS if name.startswith("system:")}


def test_the_reasons_of_the_product_are_those_that_it_writes(sources: dict[Path, str], said: Any) -> None:
    own = ROOT / "functions/portal/audit_words.py"
    code = "\n".join(text for path, text in sources.items() if path != own)
    by_action = (*said.BY_ITSELF.values(), *said.FOR_PEOPLE.values())
    sentences = {*said.AGAIN.values(), *(each for some in by_action for each in some)}
    for sentence in sorted(sentences - said.EARLIER):
        for part in re.split(r"\{\w+\}", sentence):
            assert part.strip() in code, f"nothing writes this any more, so it is of EARLIER: {sentence}"
