"""`/contests`: what runs, what is to come, what has been, and what was won. `/contests/{contest}`: one of them: how
much time is left, what the places win, who stands where and how far the next place is; the rules, joining, another
name, leaving, and objecting to the result."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, TypeVar

import contest_shown as shown
from advice import Advice, advised
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, page
from visit import N_, Visit

from introducer.domain.contest import Contest, ContestStatus, Entry
from introducer.domain.contest_closing import Objection
from introducer.domain.contest_prizes import Award, show_score
from introducer.domain.contest_rules import default_name
from introducer.services.contest_books import ContestBooks
from introducer.services.join_contest import join_contest, leave_contest, rename_entry
from introducer.services.object_to_result import MOST_OBJECTIONS, object_to_result
from introducer.services.read_board import RESULTS, BoardPage, read_board
from introducer.services.read_contests import (
    ContestOfPartner,
    contest_on_board,
    read_contest_of_partner,
    read_contests_of_partner,
)
from introducer.wording.contests import rules

PATH = "/contests"
ONE = PATH + "/{contest}"
PUBLIC = "/public/contests/"
MOST_WON = 25
"""Prizes of so many contests stand above the list; those of older ones stand with the contest."""
_NOT_YET = datetime.max.replace(tzinfo=UTC)

M = TypeVar("M", bound=BaseModel)
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class Joining(BaseModel):
    """The hash of the rules that were read, and the name that others see; empty for a neutral one."""

    model_config = ConfigDict(extra="forbid")

    rules: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    shown_as: Name = ""


class Renaming(BaseModel):
    model_config = ConfigDict(extra="forbid")

    shown_as: Name = ""


class Leaving(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Objecting(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2000)]


_ADVICE: Advice = {
    "invalid_name": ("shown_as", N_("Choose 2 to 40 letters on one line. Some scripts have room for fewer.")),
    "name_taken": ("shown_as", N_("Somebody else has this name: choose another.")),
    "rules_changed": ("", N_("The rules changed while you read them: read them again below.")),
    "entered_at_start": ("", N_("Nobody joins this contest: its start enters everybody whom the rules name.")),
    "not_for_you": ("", N_("This contest is for others: the rules say for whom.")),
    "contest_ended": ("", N_("This contest has ended: who takes part stays as it is.")),
    "participants_frozen": ("", N_("This contest is counted: who takes part stays as it is.")),
    "contest_over": ("", N_("This contest is over.")),
    "contest_changed": ("", N_("The contest changed at the same moment: look at it again below.")),
    "not_taking_part": ("", N_("You do not take part in this contest.")),
    "not_provisional": ("", N_("There is no provisional result to object to.")),
    "objections_over": ("", N_("The time for objections is over.")),
    "not_a_participant": ("", N_("You do not take part in this contest.")),
    "objected_often": ("", N_("You have said a lot already, and we read all of it: wait for the answer.")),
    "objection_text": ("text", N_("Write something first.")),
}
"""What a refusal says, and at which field."""


@page(
    PATH,
    "contests.html",
    columns=(
        ("contest", lambda row: row["contest"]),
        ("name", lambda row: row["name"]),
        ("status", lambda row: row["status"]),
        ("starts_at", lambda row: row["starts_at"]),
        ("ends_at", lambda row: row["ends_at"]),
        ("takes_part", lambda row: "yes" if row["takes_part"] else ""),
        ("place", lambda row: row["place"]),
        ("score", lambda row: row["score"]),
        ("won", lambda row: row["won"]["amount"] if row["won"] else None),
        ("currency", lambda row: row["currency"]),
        ("gift", lambda row: row["won"]["gift"] if row["won"] else ""),
    ),
)
def contests(visit: Visit) -> dict[str, Any]:
    """The contests that the partner sees; on the first page also what it has won of late."""
    assert visit.member is not None and visit.partner is not None
    books, partner = visit.portal.contest_books, visit.partner.partner
    subject = f"contests of {partner}"
    position = visit.position(subject)
    found = read_contests_of_partner(
        books, member=visit.member, cursor=position, limit=visit.limit(25), now=visit.now, pause=visit.portal.sleep
    )
    won = _won_by_contest(books, partner)
    names = {each.contest.contest: each.contest.name for each in found.items}
    return {
        "items": [_row(each, won.get(each.contest.contest, []), visit.now) for each in found.items],
        "won": [] if position else _newest_won(books, won, names),
        "next": visit.next(subject, found.cursor),
    }


@page(
    ONE,
    "contest.html",
    columns=(
        ("place", lambda row: row["place"]),
        ("name", lambda row: row["shown_as"]),
        ("score", lambda row: row["score"]),
        ("own", lambda row: "yes" if row["own"] else ""),
    ),
)
def contest_of_partner(visit: Visit, contest: str) -> dict[str, Any]:
    """One contest with a page of its board, where the partner stands, and what it may do."""
    assert visit.member is not None and visit.partner is not None
    books, partner = visit.portal.contest_books, visit.partner.partner
    subject = f"board of {contest} for {partner}"
    number = shown.number(visit.position(subject))
    division = shown.division(visit.query("division"))

    def look(division: int | None, number: int) -> BoardPage:
        return read_board(
            books, member=visit.member, contest=contest, division=division, page=number, now=visit.now,
            pause=visit.portal.sleep,
        )  # fmt: skip

    # The board says of the contest, and of the partner in it, what the page needs: two reads are all it takes.
    board = look(division, number)
    seen = contest_on_board(books, member=visit.member, board=board, now=visit.now)
    settings, entry = seen.contest, seen.entry
    takes_part = entry is not None and entry.takes_part
    # The own place stands above whichever board is looked at.
    at_home = board if entry is None or not takes_part or entry.division == board.division else look(None, 1)
    own = at_home.own if takes_part else None
    aside, objections, won = "", list[Objection](), list[dict[str, Any]]()
    if settings.status in RESULTS and entry is not None and entry.joined_at is not None:
        if own is not None and not own.rank:
            stands = books.results.aside(contest, partner)
            aside = stands.why if stands is not None and stands.stands else ""
        objections = books.results.objections(contest, partner)
        if settings.status is not ContestStatus.PROVISIONAL:
            won = shown.awarded(books.results.awards_of_partner(partner, contest), settings.name)
    here = board if board is at_home else None
    return (
        shown.told(settings, visit.now)
        | shown.standings(board)
        | {
            "next": visit.next(subject, None if board.page >= board.pages else str(board.page + 1)),
            "own_page": visit.next(subject, shown.page_of(own, here)),
            "takes_part": takes_part,
            "shown_as": entry.shown_as if takes_part and entry is not None else "",
            "own": shown.own(own, at_home.participants, here),
            "aside": aside,
            "rules": rules(visit.language, settings),
            "rules_hash": seen.rules,
            "neutral_name": default_name(settings.contest, partner),
            "may_join": seen.may_join,
            "must_accept": seen.must_accept and settings.status is ContestStatus.PLANNED,
            "why_not": seen.why_not,
            "may_leave": seen.may_leave,
            "may_object": takes_part and _may_object(settings, objections, visit.now),
            "objections": [_objection(each) for each in objections],
            "won": won,
            "why_over": settings.why_over,
            "public": PUBLIC + settings.contest if settings.public else None,
        }
    )


@page(ONE + "/join", "contest.html", method="POST", again=contest_of_partner, body=Joining)
def join(visit: Visit, contest: str) -> Done:
    """Takes part in a contest, under its rules as they were read and a name that others see. Joining again accepts
    rules that changed."""
    wish = _read(visit, contest, Joining)
    assert visit.member is not None
    with advised(wish, _ADVICE):
        entry = join_contest(
            visit.portal.contest_books,
            member=visit.member,
            contest=contest,
            rules=wish.rules,
            shown_as=wish.shown_as,
            now=visit.now,
        )
    return Done(_stands(entry), f"{PATH}/{contest}?joined=1", created=True)


@page(ONE + "/name", "contest.html", method="POST", again=contest_of_partner, body=Renaming)
def rename(visit: Visit, contest: str) -> Done:
    """Changes the name under which others see the partner in a contest. An empty one is neutral."""
    wish = _read(visit, contest, Renaming)
    assert visit.member is not None
    with advised(wish, _ADVICE):
        entry = rename_entry(
            visit.portal.contest_books, member=visit.member, contest=contest, shown_as=wish.shown_as, now=visit.now
        )
    return Done(_stands(entry), f"{PATH}/{contest}?renamed=1")


@page(ONE + "/leave", "contest.html", method="POST", again=contest_of_partner, body=Leaving)
def leave(visit: Visit, contest: str) -> Done:
    """Leaves a contest; what was scored is kept, and counts again on coming back."""
    wish = _read(visit, contest, Leaving)
    assert visit.member is not None
    with advised(wish, _ADVICE):
        entry = leave_contest(visit.portal.contest_books, member=visit.member, contest=contest, now=visit.now)
    return Done(_stands(entry), f"{PATH}/{contest}?left=1")


@page(ONE + "/objections", "contest.html", method="POST", again=contest_of_partner, body=Objecting)
def object_(visit: Visit, contest: str) -> Done:
    """Objects to the provisional result of a contest; staff answer it."""
    wish = _read(visit, contest, Objecting)
    assert visit.member is not None
    with advised(wish, _ADVICE):
        after = object_to_result(
            visit.portal.contest_books, member=visit.member, contest=contest, text=wish.text, now=visit.now
        )
    done = {"contest": after.contest, "status": after.status}
    return Done(done, f"{PATH}/{contest}?objected=1#objection", created=True)


# --------------------------------------------------------------------------------------------------------------- parts


def _read(visit: Visit, contest: str, model: type[M]) -> M:
    """What was sent about a contest that the partner sees. Raises `NotFound` for any other, and `FormRefused`."""
    assert visit.member is not None
    read_contest_of_partner(visit.portal.contest_books, member=visit.member, contest=contest, now=visit.now)
    return visit.read(model)


def _won_by_contest(books: ContestBooks, partner: str) -> dict[str, list[Award]]:
    """What the partner has won, by contest: what it still waits for, then what was paid or sent last."""
    won: dict[str, list[Award]] = {}
    for award in books.results.awards_of_partner(partner):
        won.setdefault(award.contest, []).append(award)
    last = {contest: max(each.paid_at or _NOT_YET for each in awards) for contest, awards in won.items()}
    return {contest: won[contest] for contest in sorted(won, key=lambda each: (last[each], each), reverse=True)}


def _newest_won(books: ContestBooks, won: Mapping[str, list[Award]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The prizes of the newest contests that were won; `names` are those that are known already."""
    return [
        row
        for contest, awards in islice(won.items(), MOST_WON)
        for row in shown.awarded(awards, names.get(contest) or books.contests.contest(contest).name)
    ]


def _row(each: ContestOfPartner, awards: list[Award], now: datetime) -> dict[str, Any]:
    contest, entry, own = each.contest, each.entry, each.own
    division = entry.division if entry is not None and entry.takes_part else 0
    if division >= len(contest.divisions):
        # There are fewer than when it joined: the start settles in which one it is.
        division = 0
    return shown.told(contest, now) | {
        "group": shown.group(contest),
        "currency": contest.currency,
        "takes_part": entry is not None and entry.takes_part,
        "may_join": each.may_join,
        "place": own.rank or None if own else None,
        "score": show_score(own.score) if own else None,
        "first_prize": shown.first_prize(contest, division),
        "won": shown.in_all(shown.awarded(awards, contest.name)),
    }


def _may_object(contest: Contest, objections: list[Objection], now: datetime) -> bool:
    return (
        contest.status is ContestStatus.PROVISIONAL
        and contest.objections_until is not None
        and now < contest.objections_until
        and len(objections) < MOST_OBJECTIONS
    )


def _objection(each: Objection) -> dict[str, Any]:
    """What its own partner sees of an objection: not who of the staff decided."""
    return {
        "at": each.at,
        "text": each.text,
        "decided_at": each.decided_at,
        "upheld": each.upheld if each.decided_at else None,
        "answer": each.why,
    }


def _stands(entry: Entry) -> dict[str, Any]:
    """What a program is told of a step."""
    return {
        "contest": entry.contest,
        "takes_part": entry.takes_part,
        "shown_as": entry.shown_as,
        "division": entry.division,
    }
