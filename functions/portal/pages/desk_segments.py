"""`/desk/segments`: choices among the partners, and whom one would mean, counted before anything is sent.
`…/{segment}`: one that is saved.

Every member of staff may look and count; managers and admins save. A segment is its owner's until it is shared.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints
from segment_form import Conditions, Staff, as_rows, asked_in, choices, of_rows, told, typed_of
from server import Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.broadcast import WRITERS
from introducer.domain.configuration import Role
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid
from introducer.domain.segment import Segment
from introducer.services.count_segment import count_segment
from introducer.services.people import Names
from introducer.services.read_segments import read_segments, segment_for
from introducer.services.save_segment import change_segment, delete_segment, save_segment
from introducer.store.segments import SavedSegment

PATH = "/desk/segments"
ONE = PATH + "/{segment}"

ADVICE = {
    "name_length": ("name", N_("Give it a name of 1 to 80 characters.")),
    "segment_changed": ("", N_("This was changed meanwhile: look at it again below.")),
    "too_many_segments": ("", N_("There are too many segments: delete one that nobody needs.")),
    "not_owner": ("", N_("A colleague saved this: save one of your own, or ask an admin.")),
}


class NewSegment(Conditions):
    """A choice that is kept."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    shared: bool = False


class ChangedSegment(NewSegment):
    """The same, over what was read."""

    version: Annotated[int, Field(ge=0, le=9_999_999)]


class Deletion(Conditions):
    """What was read is deleted."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=0, le=9_999_999)]


@page(
    PATH,
    "desk_segments.html",
    who=Who.STAFF,
    columns=(
        ("segment", lambda row: row["segment"]),
        ("name", lambda row: row["name"]),
        ("shared", lambda row: row["shared"]),
        ("owner", lambda row: row["owner"]),
    ),
)
def segments(visit: Visit) -> dict[str, Any]:
    """All segments that the member may use; of a choice in the address, whom it would mean. With `field_0`,
    `operator_0`, `value_0` … those are counted. A choice whose saving was refused is counted again, so that it can be
    saved."""
    assert visit.member is not None
    asked = asked_in(visit)
    names, staff = Names(visit.portal.configuration), Staff(visit)
    data = _frame(visit) | {
        "items": [_line(each, names, staff) for each in _all(visit)],
        "rows": asked or {"match": "all", "field_0": "status", "operator_0": "is", "value_0": "active"},
        "counted": None,
        "wrong": None,
    }
    if asked:
        try:
            data["counted"] = _counted(visit, of_rows(asked.get("match", "all"), asked, staff))
        except Invalid as error:
            if visit.wants(("text/html", "application/json")) != "text/html":
                raise
            # Of a form that was refused for this it is said already.
            if visit.refused is None or "" not in visit.refused.errors:
                data["wrong"] = {"message": wrong(error), "code": error.code}
    return data


@page(PATH, "desk_segments.html", method="POST", who=Who.STAFF, again=segments, body=NewSegment)
def save(visit: Visit) -> Done:
    """Managers and admins save a segment, for themselves or for colleagues too."""
    assert visit.member is not None
    wish, staff = visit.read(NewSegment), Staff(visit)
    try:
        saved = save_segment(
            visit.portal.broadcast_books.segments,
            member=visit.member,
            name=wish.name,
            shared=wish.shared,
            chosen=wish.chosen(staff),
            now=visit.now,
            request=visit.idempotency_key or secrets.token_hex(16),
        )
    except (Invalid, Conflict) as error:
        raise refused(error, typed_of(wish)) from error
    return Done(
        _line(saved, Names(visit.portal.configuration), staff),
        f"{PATH}/{saved.segment}?done=saved",
        created=True,
    )


@page(ONE, "desk_segments.html", who=Who.STAFF)
def segment_of_brand(visit: Visit, segment: str) -> dict[str, Any]:
    """One segment, and whom it means now."""
    assert visit.member is not None
    saved = segment_for(visit.portal.broadcast_books.segments, member=visit.member, segment=segment)
    mine = saved.owner == visit.member.member or visit.member.role is Role.ADMIN
    staff = Staff(visit)
    return _frame(visit) | _line(saved, Names(visit.portal.configuration), staff) | {
        "may_change": mine and visit.member.role in WRITERS,
        "rows": as_rows(saved.chosen, staff),
        "counted": _counted(visit, saved.chosen),
        "wrong": None,
    }  # fmt: skip


@page(ONE, "desk_segments.html", method="POST", who=Who.STAFF, again=segment_of_brand, body=ChangedSegment)
def change(visit: Visit, segment: str) -> Done:
    """Changes a segment; its owner does, or an admin where it is shared."""
    assert visit.member is not None
    wish, staff = visit.read(ChangedSegment), Staff(visit)
    try:
        saved = change_segment(
            visit.portal.broadcast_books.segments,
            member=visit.member,
            segment=segment,
            version=wish.version,
            name=wish.name,
            shared=wish.shared,
            chosen=wish.chosen(staff),
            now=visit.now,
        )
    except (Invalid, Conflict, Forbidden) as error:
        raise refused(error, typed_of(wish)) from error
    return Done(_line(saved, Names(visit.portal.configuration), staff), f"{PATH}/{segment}?done=saved")


@page(ONE + "/delete", "desk_segments.html", method="POST", who=Who.STAFF, again=segment_of_brand, body=Deletion)
def delete(visit: Visit, segment: str) -> Done:
    """Deletes a segment; broadcasts to it keep their conditions."""
    assert visit.member is not None
    wish = visit.read(Deletion)
    try:
        delete_segment(
            visit.portal.broadcast_books.segments,
            member=visit.member,
            segment=segment,
            version=wish.version,
            now=visit.now,
        )
    except (Conflict, Forbidden) as error:
        raise refused(error, {}) from error
    return Done({"segment": segment, "deleted": True}, f"{PATH}?done=deleted")


def refused(error: IntroducerError, typed: dict[str, str]) -> IntroducerError | FormRefused:
    """The form again, with what to do; a wrong condition is told by its own sentence."""
    if error.code in ADVICE:
        field, message = ADVICE[error.code]
        return FormRefused({field: message}, typed, error)
    if error.code.startswith("segment_") or error.code == "too_many_conditions":
        return FormRefused({"": wrong(error)}, typed, error)
    return error


def wrong(error: IntroducerError) -> str:
    """What to do about a condition that cannot be read, as a message id."""
    if error.code == "segment_operator":
        return COMPARED
    return WRONG.get(str(error.facts.get("field", "")), WRONG[""])


WRONG = {
    "": N_("A condition cannot be read: choose a field, how it is compared, and a value that fits."),
    "country": N_("Write countries by their two letters, such as PL, TH."),
    "manager": N_("Write managers by their names as they stand in the portal, or leave the value empty: nobody."),
    "kind": N_("Kinds are affiliate or ib."),
    "status": N_("Statuses are active, suspended or blocked."),
    "deal_kind": N_("Rules are cpa, cpl, revshare, lot, bonus or override."),
    "currency": N_("Write currencies by their three letters, such as EUR, USD."),
    "language": N_("Write languages by their codes, such as en, pl."),
    "net_revenue_30": N_("Write an amount with its currency, such as 1000.00 EUR."),
}

COMPARED = N_("Numbers and amounts are compared by at least or at most, all else by is one of or is none of.")


def _all(visit: Visit) -> list[SavedSegment]:
    assert visit.member is not None
    return read_segments(visit.portal.broadcast_books.segments, member=visit.member)


def _frame(visit: Visit) -> dict[str, Any]:
    assert visit.member is not None
    return {"segment": "", "may_save": visit.member.role in WRITERS, **choices()}


def _counted(visit: Visit, chosen: Segment) -> dict[str, Any]:
    assert visit.member is not None
    books = visit.portal.broadcast_books
    found = count_segment(books.configuration, books.results, brand=visit.member.brand, segment=chosen, now=visit.now)
    return {
        "partners": found.partners,
        "of": found.of,
        "some": [{"partner": card.partner, "name": card.name, "country": card.country} for card in found.some],
        "oldest": found.oldest,
        "not_active": found.not_active,
    }


def _line(saved: SavedSegment, names: Names, staff: Staff) -> dict[str, Any]:
    return {
        "segment": saved.segment,
        "name": saved.name,
        "shared": saved.shared,
        "owner": names.of(saved.owner),
        "changed_at": saved.changed_at,
        "version": saved.version,
        "chosen": told(saved.chosen, staff),
    }
