"""What comes of a contest, for staff: who takes part, who stands where and why somebody does not, what participants
object to, who won what and whether gifts were sent.

Every member of staff may look; who sets aside, answers and sends, and who does not, is settled in the services.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import words
from advice import Advice, advised
from contest_shown import unit
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Done, Who, page
from visit import N_, Visit

from introducer.domain.contest import PLANNERS, Contest, ContestStatus
from introducer.domain.contest_closing import OPEN_TO_ASIDES, SETTING_ASIDE
from introducer.domain.contest_prizes import AwardStatus
from introducer.domain.errors import Malformed, NotFound
from introducer.domain.events import from_milliseconds
from introducer.services.contest_steps import contest_of_brand
from introducer.services.decide_objection import decide_objection
from introducer.services.read_contest_desk import (
    read_awards_desk,
    read_objections,
    read_participants,
    read_result_desk,
    read_standings,
)
from introducer.services.send_gift import send_gift
from introducer.services.set_aside import set_aside, take_back_aside
from pages.desk_contests import AGAIN, ONE, PATH, SAY_WHY, Reason, Why, places, stands

_LIST = "desk_contest_participants.html"
PARTICIPANTS, RESULT, AWARDS = ONE + "/participants", ONE + "/result", ONE + "/awards"
ALL, GIFTS, PLACES = "all", "gifts", "places"
LONGEST_ID = 64
LAST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,64}$")]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]

words.WORDS |= {
    "aside": {"staff": N_("Set aside"), "clock": N_("Set aside by itself")},
    "desk_aside_cause": {
        "blocked": N_("The partner is blocked"),
        "suspended": N_("The partner is suspended"),
        "open_case": N_("A case about the partner is open"),
        "hold": N_("A hold stands on the partner's payouts"),
    },
    "unranked": {"below_minimum": N_("Below the minimum to rank"), "set_aside": N_("Set aside")},
    "award_status": {
        "due": N_("Being paid"),
        "paid": N_("Paid"),
        "to_send": N_("To be sent"),
        "sent": N_("Sent"),
        "delivered": N_("Delivered"),
    },
    "participants_shown": {"places": N_("By score"), "all": N_("Everybody, also who left")},
    "award_shown": {"all": N_("All prizes"), "gifts": N_("Gifts")},
}


class Answer(BaseModel):
    """What staff say to an objection: of which partner, made at which moment (milliseconds since 1970)."""

    model_config = ConfigDict(extra="forbid")

    partner: Id
    at: Annotated[int, Field(ge=0, le=LAST_MS)]
    verdict: Literal["uphold", "refuse"]
    why: Why


class Sent(BaseModel):
    """What became of a gift: which partner's, and the number of the prize."""

    model_config = ConfigDict(extra="forbid")

    partner: Id
    award: Annotated[int, Field(ge=1, le=999)]
    status: Literal["sent", "delivered"]
    note: Note = ""


_ADVICE: Advice = {
    "reason_needed": ("why", SAY_WHY),
    "note_too_long": ("note", N_("This is too long.")),
    "contest_changed": ("", AGAIN),
    "not_approved": ("", N_("This contest is a draft: nobody takes part in it yet.")),
    "result_final": ("", N_("The result is final: nobody is set aside any more, and nothing is taken back.")),
    "set_aside_already": ("", N_("This participant is set aside already.")),
    "not_set_aside": ("", N_("This participant is not set aside any more.")),
    "aside_has_a_cause": (
        "",
        N_("A case, a hold or the partner's standing sets it aside: decide that, and it ranks again."),
    ),
    "no_such_participant": ("", N_("This partner takes no part in the contest.")),
    "aside_role": ("", N_("Managers, compliance and admins set participants aside: ask one of them.")),
    "objection_role": ("", N_("Managers and admins answer objections: ask one of them.")),
    "decided_already": ("", N_("This was answered meanwhile: look at it again below.")),
    "not_provisional": ("", N_("The result is final: objections are not answered any more.")),
    "prize_changed": ("", AGAIN),
    "not_to_send": ("", AGAIN),
    "no_gift": ("", N_("This prize is money: it is paid by itself.")),
    "gift_role": ("", N_("Managers and admins send gifts: ask one of them.")),
}


# ------------------------------------------------------------------------------------------------------- who takes part


@page(
    PARTICIPANTS,
    _LIST,
    who=Who.STAFF,
    columns=(
        ("partner", lambda row: row.partner),
        ("name", lambda row: row.name),
        ("shown_as", lambda row: row.shown_as),
        ("division", lambda row: row.division),
        ("place", lambda row: row.rank or None),
        ("joined_at", lambda row: row.joined_at),
        ("left_at", lambda row: row.left_at),
        ("score", lambda row: row.score),
        ("set_aside", lambda row: row.aside),
        ("set_aside_by", lambda row: row.aside_by),
    ),
)
def contest_participants(visit: Visit, contest: str, partner: str = "") -> dict[str, Any]:
    """Who takes part in a contest, by score once it runs, division by division. `division` is counted from 1;
    `show=all`: everybody, also those who left, in no order."""
    assert visit.member is not None
    found = _contest(visit, contest)
    everybody = found.status in (ContestStatus.DRAFT, ContestStatus.PLANNED)
    show = visit.query("show", ALL if everybody else PLACES) or PLACES
    if show not in (ALL, PLACES):
        raise Malformed("show is places or all.", code="bad_filter")
    head = _head(visit, found, partner) | {
        "show": show,
        "ranks": not everybody,
        "may_set_aside": _may_set_aside(visit, found),
    }
    if show == ALL:
        subject = f"participants of {found.contest}"
        listed = read_participants(
            visit.portal.contest_books, contest=found, cursor=visit.position(subject), limit=visit.limit(25)
        )
        items, following = listed.items, listed.cursor
    else:
        division = _division(visit, found)
        subject = f"standings of {found.contest}, {division}"
        number = int(visit.position(subject) or "1")
        items, pages = read_standings(
            visit.portal.contest_books,
            member=visit.member,
            contest=found,
            division=division,
            page=number,
            now=visit.now,
            pause=visit.portal.sleep,
        )
        following = str(number + 1) if number < pages else None
        head["division"] = division
    return head | {"items": items, "next": visit.next(subject, following)}


@page(PARTICIPANTS + "/{partner}/aside", _LIST, method="POST", who=Who.STAFF, again=contest_participants, body=Reason)
def aside(visit: Visit, contest: str, partner: str) -> Done:
    """Sets a participant aside, who is not ranked any more, for a reason that the partner reads."""
    return _asides(visit, contest, partner, set_aside, "participants?done=aside")


@page(PARTICIPANTS + "/{partner}/back", _LIST, method="POST", who=Who.STAFF, again=contest_participants, body=Reason)
def back(visit: Visit, contest: str, partner: str) -> Done:
    """Takes a participant who was set aside back into the ranking."""
    return _asides(visit, contest, partner, take_back_aside, "participants?done=back")


def _asides(visit: Visit, contest: str, partner: str, step: Callable[..., Contest], done: str) -> Done:
    assert visit.member is not None
    wish = visit.read(Reason)
    found = _contest(visit, contest)
    if len(partner) > LONGEST_ID:
        raise NotFound("There is no such participant.", code="no_such_participant")
    with advised(wish, _ADVICE):
        after = step(
            visit.portal.contest_books,
            member=visit.member,
            contest=found.contest,
            partner=partner,
            why=wish.why,
            now=visit.now,
        )
    return Done(stands(after) | {"partner": partner}, f"{PATH}/{contest}/{done}&partner={partner}")


# ----------------------------------------------------------------------------------------------------------- the result


@page(
    RESULT,
    "desk_contest_result.html",
    who=Who.STAFF,
    columns=(
        ("partner", lambda row: row.partner),
        ("name", lambda row: row.name),
        ("shown_as", lambda row: row.shown_as),
        ("division", lambda row: row.division),
        ("place", lambda row: row.rank or None),
        ("score", lambda row: row.score),
        ("not_ranked", lambda row: row.unranked),
        ("why", lambda row: row.aside),
        ("amount", lambda row: row.amount),
        ("currency", lambda row: row.amount.currency),
        ("gifts", lambda row: ", ".join(row.gifts)),
    ),
)
def contest_result(visit: Visit, contest: str, partner: str = "") -> dict[str, Any]:
    """The result of a contest in one division, and what participants object to. `division` is the number of one, from
    1."""
    found = _contest(visit, contest)
    division = _division(visit, found)
    subject = f"result of {found.contest}, {found.edition}, {division}"
    ranked = read_result_desk(
        visit.portal.contest_books,
        contest=found,
        division=division,
        cursor=visit.position(subject),
        limit=visit.limit(25),
    )
    objections = read_objections(visit.portal.contest_books, contest=found)
    assert visit.member is not None
    return _head(visit, found, partner) | {
        "division": division,
        "divisions": [each.name for each in found.divisions],
        "objections_until": found.objections_until,
        "time_zone": found.time_zone,
        "objections": objections,
        "waiting": sum(1 for each in objections if each.decided_at is None),
        "may_decide": visit.member.role in PLANNERS and found.status is ContestStatus.PROVISIONAL,
        "may_set_aside": _may_set_aside(visit, found),
        "items": ranked.items,
        "next": visit.next(subject, ranked.cursor),
    }


@page(
    RESULT + "/{partner}/aside",
    "desk_contest_result.html",
    method="POST",
    who=Who.STAFF,
    again=contest_result,
    body=Reason,
)
def aside_in_result(visit: Visit, contest: str, partner: str) -> Done:
    """Sets somebody in the result aside, which is ranked anew, for a reason that the partner reads."""
    return _asides(visit, contest, partner, set_aside, "result?done=aside")


@page(
    RESULT + "/{partner}/back",
    "desk_contest_result.html",
    method="POST",
    who=Who.STAFF,
    again=contest_result,
    body=Reason,
)
def back_in_result(visit: Visit, contest: str, partner: str) -> Done:
    """Takes somebody who was set aside back into the result, which is ranked anew."""
    return _asides(visit, contest, partner, take_back_aside, "result?done=back")


@page(ONE + "/objections", "desk_contest_result.html", method="POST", who=Who.STAFF, again=contest_result, body=Answer)
def answer_objection(visit: Visit, contest: str) -> Done:
    """Managers and admins answer an objection to a provisional result; the partner is told. That changes no count:
    where it was right, somebody is set aside, or is so no more."""
    assert visit.member is not None
    wish, portal = visit.read(Answer), visit.portal
    found = _contest(visit, contest)
    with advised(wish, _ADVICE):
        after = decide_objection(
            portal.contest_books,
            portal.wake,
            member=visit.member,
            contest=found.contest,
            partner=wish.partner,
            at=from_milliseconds(wish.at),
            upheld=wish.verdict == "uphold",
            why=wish.why,
            now=visit.now,
        )
    return Done(stands(after), f"{PATH}/{contest}/result?done=answered#objections")


# --------------------------------------------------------------------------------------------------------------- prizes


@page(
    AWARDS,
    "desk_contest_awards.html",
    who=Who.STAFF,
    columns=(
        ("partner", lambda row: row.partner),
        ("name", lambda row: row.name),
        ("number", lambda row: row.number),
        ("division", lambda row: row.division),
        ("place", lambda row: row.place),
        ("score", lambda row: row.score),
        ("kind", lambda row: row.kind),
        ("amount", lambda row: row.amount),
        ("currency", lambda row: row.amount.currency),
        ("gift", lambda row: row.gift),
        ("status", lambda row: row.status),
        ("at", lambda row: row.at),
        ("note", lambda row: row.note),
        ("entry", lambda row: row.journal),
    ),
)
def contest_awards(visit: Visit, contest: str) -> dict[str, Any]:
    """What was won in a contest, by division and place. `show` is `all` or `gifts`."""
    assert visit.member is not None
    found = _contest(visit, contest)
    show = visit.query("show", ALL) or ALL
    if show not in (ALL, GIFTS):
        raise Malformed("show is all or gifts.", code="bad_filter")
    subject = f"awards of {found.contest}, {show}"
    won = read_awards_desk(
        visit.portal.contest_books,
        contest=found,
        gifts=show == GIFTS,
        cursor=visit.position(subject),
        limit=visit.limit(25),
    )
    return _head(visit, found) | {
        "show": show,
        "may_send": visit.member.role in PLANNERS,
        "items": won.items,
        "next": visit.next(subject, won.cursor),
    }


@page(AWARDS, "desk_contest_awards.html", method="POST", who=Who.STAFF, again=contest_awards, body=Sent)
def gift(visit: Visit, contest: str) -> Done:
    """Notes that a gift was sent, or delivered."""
    assert visit.member is not None
    wish = visit.read(Sent)
    found = _contest(visit, contest)
    with advised(wish, _ADVICE, key=f"{wish.partner}.{wish.award}"):
        after = send_gift(
            visit.portal.contest_books,
            member=visit.member,
            partner=wish.partner,
            award=f"{found.contest}.{wish.award}",
            status=AwardStatus(wish.status),
            note=wish.note,
            now=visit.now,
        )
    data = {"partner": after.partner, "award": after.number, "status": after.status, "note": after.note}
    return Done(data, f"{PATH}/{contest}/awards?show=gifts&done={wish.partner}.{wish.award}")


# ---------------------------------------------------------------------------------------------------------------- parts


def _contest(visit: Visit, contest: str) -> Contest:
    assert visit.member is not None
    return contest_of_brand(visit.portal.contest_books, visit.member, contest)


def _head(visit: Visit, contest: Contest, partner: str = "") -> dict[str, Any]:
    """What each of these pages says of its contest; `partner` is the one that a form was about."""
    return {
        "about": partner or visit.query("partner"),
        "contest": contest.contest,
        "name": contest.name,
        "status": contest.status,
        "unit": unit(contest),
        "places": places(contest),
        "divisions": [each.name for each in contest.divisions],
        "division": -1,
    }


def _division(visit: Visit, contest: Contest) -> int:
    """The division that is asked for, by its place among the contest's. Raises `Malformed`."""
    number = visit.query("division", "1") or "1"
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:4]) <= len(contest.divisions)):
        raise Malformed(f"division is a number from 1 to {len(contest.divisions)}.", code="bad_filter")
    return int(number) - 1


def _may_set_aside(visit: Visit, contest: Contest) -> bool:
    assert visit.member is not None
    return visit.member.role in SETTING_ASIDE and contest.status in OPEN_TO_ASIDES
