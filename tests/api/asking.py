"""Every route asked by everybody: what `docs/access.md` says, and whether it is so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.browser.world import Answer
from tests.support.everything import ROLES, Everything, as_it_was
from tests.support.functions import ROOT
from tests.support.writes import WRITES, Write

DOCUMENT = ROOT / "docs" / "access.md"
INTERNAL = "/-/"
"""What routes begin with that nobody can ask for."""
NOBODYS = frozenset({"month", "name", "about", "sequence", "step", "place", "token", "material", "created", "area"})
"""What routes name that is nobody's: a month, a word, or an address that is itself the proof."""
OF_BRAND = frozenset({"campaign", "contest", "announcement"})
"""What routes of partners name that is their brand's."""
HEADS = ("Method", "Route", "Stranger", *(role.title() for role in ROLES))
_ROW = re.compile(r"^\| (GET|POST) \| `(/[^`]*)` \| (.*) \|$", re.MULTILINE)

Route = tuple[str, str]
"""Its method and path."""


@dataclass(frozen=True)
class Row:
    """What everybody is answered: a status; two where another's ids are asked for as well, own first."""

    method: str
    path: str
    cells: tuple[str, ...]

    def text(self) -> str:
        return f"| {self.method} | `{self.path}` | {' | '.join(self.cells)} |"


def routes(world: Everything) -> list[Any]:
    """All that can be asked for, as they are registered."""
    return [each for each in world.module.server.registered if not each.path.startswith(INTERNAL)]


def documented() -> dict[Route, Row]:
    """The table."""
    found = {}
    for method, path, cells in _ROW.findall(DOCUMENT.read_text("utf-8")):
        found[method, path] = Row(method, path, tuple(cell.strip() for cell in cells.split("|")))
    return found


def named(path: str) -> set[str]:
    """What a route names that belongs to a partner or a brand."""
    return set(re.findall(r"\{(\w+)\}", path)) - NOBODYS


def is_somebodys(page: Any) -> bool:
    """Whether there is another's of it: what anybody may see has none."""
    return page.spec.who.value != "anyone" and bool(named(page.path))


def asked(world: Everything, page: Any) -> Row:
    """What everybody is answered now. Whatever is written is undone. Raises `KeyError` where the world has no example
    of an id, or no body of a write."""
    write = WRITES[page.path] if page.method == "POST" else None
    cells = [str(status(world, page, "", write))]
    for role in ROLES:
        own = status(world, page, world.login(role, meant=write.login if write else ""), write)
        if is_somebodys(page):
            # A campaign is every partner's of its brand: to that, another brand's partner is the other.
            login = world.login(role, others=True, next_door=named(page.path) <= OF_BRAND)
            others = status(world, page, login, write)
            cells.append(f"{own} · {others}")
        else:
            cells.append(str(own))
    return Row(page.method, page.path, tuple(cells))


def status(world: Everything, page: Any, login: str, write: Write | None, **headers: str) -> int:
    """What somebody is answered."""
    return answered(world, page, login, write, **headers).status


def answered(world: Everything, page: Any, login: str, write: Write | None, **headers: str) -> Answer:
    """What somebody is answered, as a program unless `accept` says otherwise; then it is undone."""
    with as_it_was(world):
        body = write.sent(world) if write else None
        path = world.path(page.path) + (write.query if write else "")
        content = write.content if write else b""
        return world.asks(login, page.method, path, None if content else body, content, **headers)


def table(rows: Iterator[Row] | list[Row]) -> str:
    lines = [f"| {' | '.join(HEADS)} |", f"|{'---|' * len(HEADS)}", *(row.text() for row in rows)]
    return "\n".join(lines)


def cells_of(row: Row) -> Mapping[str, str]:
    return dict(zip(HEADS[2:], row.cells, strict=True))
