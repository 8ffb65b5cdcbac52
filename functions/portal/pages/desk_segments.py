"""`/desk/segments`: choices among the partners, and whom one would mean, counted before anything is sent.
`…/{segment}`: one that is saved.

Every member of staff may look and count; managers and admins save. A segment is its owner's until it is shared.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, Any

from markupsafe import Markup, escape
from names_typed import NO_COUNTRY
from pydantic import ConfigDict, Field, StringConstraints
from segment_form import Conditions, Rows, Values, as_rows, asked_in, choices, misfit, of_rows, told, typed_of
from server import Done, Who, page
from visit import MOST_BYTES, N_, FormRefused, Visit
from words import word

from introducer.domain.broadcast import WRITERS
from introducer.domain.configuration import Role
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound
from introducer.domain.segment import Field as Asked
from introducer.domain.segment import Segment, segment_of
from introducer.services.count_segment import count_segment
from introducer.services.people import Names
from introducer.services.read_segments import read_segments, segment_for
from introducer.services.save_segment import change_segment, delete_segment, save_segment
from introducer.store.segments import SavedSegment

PATH = "/desk/segments"
ONE = PATH + "/{segment}"

USUAL = segment_of("all", [{"field": "status", "operator": "is", "value": "active"}])
"""What the form asks for before anything is chosen."""
LONGEST_ADDRESS = 4_000
"""A form that counts is sent in an address, beside which cookies must find room."""
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
    names, known = Names(visit.portal.configuration), Values(visit)
    rows = Rows(asked or as_rows(USUAL, known), known, LONGEST_ADDRESS)
    data = _frame(visit) | {
        "items": [_line(each, names, known) for each in _all(visit)],
        "rows": rows,
        "counted": None,
        "wrong": None,
    }
    if asked:
        try:
            data["counted"] = _counted(visit, of_rows(asked.get("match", "all"), asked, known))
        except Invalid as error:
            if visit.wants(("text/html", "application/json")) != "text/html":
                raise
            # Of a form that was refused for this it is said already.
            if visit.refused is None or "" not in visit.refused.errors:
                data["wrong"] = {"message": wrong(error, asked, known), "code": error.code}
    return data


@page(PATH, "desk_segments.html", method="POST", who=Who.STAFF, again=segments, body=NewSegment)
def save(visit: Visit) -> Done:
    """Managers and admins save a segment, for themselves or for colleagues too."""
    assert visit.member is not None
    wish, known = visit.read(NewSegment), Values(visit)
    try:
        saved = save_segment(
            visit.portal.broadcast_books.segments,
            member=visit.member,
            name=wish.name,
            shared=wish.shared,
            chosen=wish.chosen(known),
            now=visit.now,
            request=visit.idempotency_key or secrets.token_hex(16),
        )
    except (Invalid, Conflict) as error:
        raise refused(error, typed_of(wish), known) from error
    return Done(
        _line(saved, Names(visit.portal.configuration), known),
        f"{PATH}/{saved.segment}?done=saved",
        created=True,
    )


@page(ONE, "desk_segments.html", who=Who.STAFF)
def segment_of_brand(visit: Visit, segment: str) -> dict[str, Any]:
    """One segment, and whom it means now."""
    assert visit.member is not None
    saved = segment_for(visit.portal.broadcast_books.segments, member=visit.member, segment=segment)
    mine = saved.owner == visit.member.member or visit.member.role is Role.ADMIN
    known = Values(visit)
    return _frame(visit) | _line(saved, Names(visit.portal.configuration), known) | {
        "may_change": mine and visit.member.role in WRITERS,
        "rows": Rows(as_rows(saved.chosen, known), known, MOST_BYTES // 2),
        "counted": _counted(visit, saved.chosen),
        "wrong": None,
    }  # fmt: skip


@page(ONE, "desk_segments.html", method="POST", who=Who.STAFF, again=segment_of_brand, body=ChangedSegment)
def change(visit: Visit, segment: str) -> Done:
    """Changes a segment; its owner does, or an admin where it is shared."""
    assert visit.member is not None
    wish, known = visit.read(ChangedSegment), Values(visit, _kept(visit, segment))
    try:
        saved = change_segment(
            visit.portal.broadcast_books.segments,
            member=visit.member,
            segment=segment,
            version=wish.version,
            name=wish.name,
            shared=wish.shared,
            chosen=wish.chosen(known),
            now=visit.now,
        )
    except (Invalid, Conflict, Forbidden) as error:
        raise refused(error, typed_of(wish), known) from error
    return Done(_line(saved, Names(visit.portal.configuration), known), f"{PATH}/{segment}?done=saved")


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
        raise refused(error, {}, Values(visit)) from error
    return Done({"segment": segment, "deleted": True}, f"{PATH}?done=deleted")


def refused(error: IntroducerError, typed: dict[str, str], known: Values) -> IntroducerError | FormRefused:
    """The form again, with what to do; a wrong condition is told by its own sentence."""
    if error.code in ADVICE:
        field, message = ADVICE[error.code]
        return FormRefused({field: message}, typed, error)
    if error.code.startswith("segment_") or error.code == "too_many_conditions":
        return FormRefused({"": wrong(error, typed, known)}, typed, error)
    return error


def wrong(error: IntroducerError, sent: Mapping[str, str], known: Values) -> str:
    """What to do about a condition of a form's rows that cannot be read: a message id, or in the reader's language."""
    if error.code == "segment_operator":
        return COMPARED
    value = misfit(error, sent, known) if error.code == "segment_value" else None
    if value is None:
        return UNREADABLE
    field, spoken = Asked(str(error.facts["field"])), known.language
    # Marked up, for what was typed may run the other way than the sentence around it.
    return Markup(escape(spoken.text(WRONG.get(field, NUMBER) if value else EMPTY))) % {
        "typed": Markup("<bdi>{}</bdi>").format(value[:40]),
        "field": word(spoken, "segment_field", field.value),
        "names": known.examples(field),
    }


WRONG = {
    Asked.PARTNER: N_("“%(typed)s” is no partner of yours: write its number."),
    Asked.KIND: N_("“%(typed)s” is no kind of partner. There are: %(names)s."),
    Asked.STATUS: N_("“%(typed)s” is no status of a partner. There are: %(names)s."),
    Asked.COUNTRY: NO_COUNTRY,
    Asked.LANGUAGE: N_("“%(typed)s” is no language: write languages by their names, such as %(names)s."),
    Asked.MANAGER: N_(
        "“%(typed)s” is no manager here: write a name as it stands in the portal, or nothing where you mean nobody."
    ),
    Asked.CURRENCY: N_("“%(typed)s” is no currency: write its three letters, such as EUR, USD."),
    Asked.DEAL_KIND: N_("“%(typed)s” is no rule of a deal. There are: %(names)s."),
    Asked.NET_REVENUE_30: N_("“%(typed)s” is no amount: write one with its currency, such as 1000.00 EUR."),
}

NUMBER = N_("“%(typed)s” does not fit “%(field)s”: write one whole number, such as 10.")
EMPTY = N_("Nothing stands beside “%(field)s”: write what you mean.")
UNREADABLE = N_("A condition cannot be read: choose a field, how it is compared, and a value that fits.")
COMPARED = N_("Numbers and amounts are compared by at least or at most, all else by is one of or is none of.")


def _all(visit: Visit) -> list[SavedSegment]:
    assert visit.member is not None
    return read_segments(visit.portal.broadcast_books.segments, member=visit.member)


def _kept(visit: Visit, segment: str) -> Segment | None:
    """What the segment means now; None where the member sees none: whether it is changed is said elsewhere."""
    assert visit.member is not None
    try:
        return segment_for(visit.portal.broadcast_books.segments, member=visit.member, segment=segment).chosen
    except NotFound:
        return None


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


def _line(saved: SavedSegment, names: Names, known: Values) -> dict[str, Any]:
    return {
        "segment": saved.segment,
        "name": saved.name,
        "shared": saved.shared,
        "owner": names.of(saved.owner),
        "changed_at": saved.changed_at,
        "version": saved.version,
        "chosen": told(saved.chosen, known),
    }
