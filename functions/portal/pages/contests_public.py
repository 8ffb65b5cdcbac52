"""`/public/contests/{contest}`: the board of a contest that anybody may see, under the names that are shown.

It knows nobody: the answer depends on the address and the language alone. Every process asks the books for a page once
in some seconds, however many ask for it, and caches on the way may keep it as long; a board is made anew no oftener
than for its partners.
"""

from __future__ import annotations

from typing import Any

import contest_shown as shown
from kept import Kept
from server import Who, page
from visit import Visit

from introducer.locale import best, wishes
from introducer.services.read_board import BoardPage, read_board
from introducer.wording.contests import rules

PATH = "/public/contests"
SECONDS = 5
_MOST = 500

_boards = Kept(SECONDS, _MOST)
_brands = Kept(60, 50)
"""Names of brands."""


@page(
    PATH + "/{contest}",
    "contest_public.html",
    who=Who.ANYONE,
    kept_seconds=SECONDS,
    columns=(
        ("place", lambda row: row["place"]),
        ("name", lambda row: row["shown_as"]),
        ("score", lambda row: row["score"]),
    ),
)
def public_contest(visit: Visit, contest: str) -> dict[str, Any]:
    """A page of a public contest's board. Raises `NotFound` for a contest that is not public."""
    visit.language = best([visit.query("language"), *wishes(visit.header("accept-language"))])
    subject = f"public board of {contest}"
    number, wanted = shown.number(visit.position(subject)), shown.division(visit.query("division"))
    board = _boards.get((contest, wanted, number), visit.now, lambda: _board(visit, contest, wanted, number))
    settings = board.contest
    following = visit.next(subject, str(board.page + 1)) if board.page < board.pages else None
    return (
        shown.told(settings, visit.now)
        | shown.standings(board)
        | {
            "next": following,
            "brand": _brands.get(settings.brand, visit.now, lambda: _brand(visit, settings.brand)),
            "rules": rules(visit.language, settings),
        }
    )


def _board(visit: Visit, contest: str, division: int | None, number: int) -> BoardPage:
    portal = visit.portal
    return read_board(
        portal.contest_books, member=None, contest=contest, division=division, page=number, now=visit.now,
        pause=portal.sleep,
    )  # fmt: skip


def _brand(visit: Visit, brand: str) -> str:
    return visit.portal.configuration.brand(brand).name
