"""`/desk/broadcasts`: what was written to many partners at once, and is to be. `…/new`: writing one. `…/{broadcast}`:
one of them: what it says with a partner's own figures, to whom, who approved it, how far it is and what became of it.

Every member of staff may look. Managers and admins write; above so many people a second person approves.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import words
from advice import Advice, advised
from partners_asked import those_meant
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from segment_form import Values, of_data
from segment_form import told as segment_told
from server import Done, Who, page
from texts import Texts, as_typed
from texts import told as texts_told
from visit import N_, Visit

from introducer.domain.announcement import FILLED
from introducer.domain.broadcast import APPROVERS, WRITERS, Broadcast, BroadcastStatus, Channel, channel_of
from introducer.domain.configuration import Member, Role
from introducer.domain.errors import Forbidden, Invalid, Malformed, NotFound
from introducer.domain.mail_text import LANGUAGES, PLACEHOLDERS, text_to_data
from introducer.domain.segment import MOST_VALUES, Segment, segment_of
from introducer.services.broadcast_books import broadcast_of_brand
from introducer.services.count_segment import count_segment
from introducer.services.decide_broadcast import (
    approve_broadcast,
    set_broadcast_policy,
    stop_broadcast,
    submit_broadcast,
    take_back_broadcast,
)
from introducer.services.draft_broadcast import Draft, change_broadcast, draft_broadcast
from introducer.services.people import Names
from introducer.services.preview_broadcast import preview_broadcast
from introducer.services.read_broadcasts import read_report, shown_of
from introducer.services.read_segments import read_segments, segment_for

PATH = "/desk/broadcasts"
ONE = PATH + "/{broadcast}"
PLACES = ("/", "/links", "/campaigns", "/contests", "/deal", "/messages", "/settings")
"""Where a button may lead, on the form; a program may name any page."""
AS_IT_IS = "as_it_is"
"""In the place of a segment: the conditions stay what they are."""

words.WORDS |= {
    "broadcast_status": {
        "draft": N_("Draft"),
        "waiting": N_("Waits for a second person"),
        "scheduled": N_("Scheduled"),
        "sending": N_("Being sent"),
        "done": N_("Sent"),
        "stopped": N_("Stopped"),
    },
    "broadcast_stopped": {
        "more_people_than_approved": N_("It would have gone to more people than one person may write to, or than were "
                                        "approved: submit a new one."),
        "nobody_fits": N_("Nobody fitted its conditions any more."),
    },
    "broadcast_channel": {
        "mail": N_("By mail"),
        "portal": N_("In the portal"),
        "both": N_("By mail and in the portal"),
    },
    "broadcast_place": {
        "/": N_("Overview"), "/links": N_("Links"), "/campaigns": N_("Campaigns"), "/contests": N_("Contests"),
        "/deal": N_("Deal"), "/messages": N_("Messages"), "/settings": N_("Settings"),
    },
}  # fmt: skip

Version = Annotated[int, Field(ge=0, le=9_999_999)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class NewBroadcast(Texts):
    """A text by language and to whom: partners that were chosen one by one, a saved segment, conditions (for programs),
    or all who are active."""

    name: Line = ""
    segment: Line = ""
    partners: Annotated[list[Line], Field(max_length=MOST_VALUES, default_factory=list)]
    match: Line = "all"
    conditions: Annotated[list[dict[str, Any]], Field(max_length=50)] | None = None
    path: Line = "/"
    channel: Line = "mail"
    """`mail`, `portal` (announced to the recipients' partners), or `both`."""
    send_at: Line = ""
    """A moment in UTC, `2026-11-30T09:00`; empty: as soon as it may."""


class ChangedBroadcast(NewBroadcast):
    """The same, over what was read."""

    version: Version


class AsRead(BaseModel):
    """A step over what was read."""

    model_config = ConfigDict(extra="forbid")

    version: Version


class Stop(BaseModel):
    """Why it goes to nobody else."""

    model_config = ConfigDict(extra="forbid")

    why: Annotated[str, StringConstraints(strip_whitespace=True, max_length=600)] = ""


class Policy(BaseModel):
    """To how many people one person may write alone."""

    model_config = ConfigDict(extra="forbid")

    people: Annotated[int, Field(ge=-1, le=999_999_999)]


CHANGED = N_("This was changed meanwhile: look at it again below.")
_ADVICE: Advice = {
    "name_length": ("name", N_("Give it a name of 1 to 80 characters.")),
    "invalid_channel": ("channel", N_("Choose how it reaches them.")),
    "placeholder_not_here": (
        "channel",
        N_("The portal cannot show figures: leave them out of the text, or send it by mail alone."),
    ),
    "invalid_path": ("path", N_("Choose a page of the portal.")),
    "invalid_moment": ("send_at", N_("Choose a day and a time.")),
    "moment_over": ("send_at", N_("This moment is over: choose a later one, or none to send it at once.")),
    "moment_too_far": ("send_at", N_("Choose a moment within 90 days.")),
    "no_such_segment": ("segment", N_("Choose a segment.")),
    "segment_field": ("segment", N_("A condition cannot be read.")),
    "segment_operator": ("segment", N_("A condition cannot be read.")),
    "segment_value": ("segment", N_("A condition cannot be read.")),
    "segment_match": ("segment", N_("A condition cannot be read.")),
    "nobody_fits": ("", N_("Nobody fits these conditions now: change them first.")),
    "not_a_draft": ("", CHANGED),
    "broadcast_changed": ("", CHANGED),
    "not_waiting": ("", CHANGED),
    "policy_changed": ("", CHANGED),
    "already_sending": ("", N_("It is being sent, or over: stop it, or write another one.")),
    "broadcast_over": ("", N_("This broadcast is over already.")),
    "same_person": ("", N_("You wrote this broadcast: another person approves it.")),
    "reason_needed": ("why", N_("Say why, in 3 to 500 characters: it stays on record.")),
    "invalid_limit": ("people", N_("Write a whole number from 0 to 1000.")),
}


# ---------------------------------------------------------------------------------------------------------- all of them


@page(
    PATH,
    "desk_broadcasts.html",
    who=Who.STAFF,
    columns=(
        ("broadcast", lambda row: row["broadcast"]),
        ("name", lambda row: row["name"]),
        ("status", lambda row: row["status"]),
        ("channel", lambda row: row["channel"]),
        ("send_at", lambda row: row["send_at"]),
        ("recipients", lambda row: row["recipients"]),
        ("handed", lambda row: row["handed"]),
    ),
)
def broadcasts(visit: Visit) -> dict[str, Any]:
    """The brand's broadcasts, the newest first."""
    assert visit.member is not None
    subject, books = f"broadcasts of {visit.member.brand}", visit.portal.broadcast_books
    found = books.broadcasts.of_brand(visit.member.brand, visit.position(subject), visit.limit(25))
    names = Names(books.configuration)
    return {
        "items": [_line(each, names) for each in found.items],
        "next": visit.next(subject, found.cursor),
        "writes": visit.member.role in WRITERS,
        "sets_policy": visit.member.role is Role.ADMIN,
        "approve_above": books.broadcasts.approve_above(visit.member.brand),
    }


@page(PATH + "/policy", "desk_broadcasts.html", method="POST", who=Who.STAFF, again=broadcasts, body=Policy)
def policy(visit: Visit) -> Done:
    """An admin says to how many people one person may write without a second one."""
    assert visit.member is not None
    wish = visit.read(Policy)
    with advised(wish, _ADVICE):
        people = set_broadcast_policy(
            visit.portal.broadcast_books, member=visit.member, people=wish.people, now=visit.now
        )
    return Done({"approve_above": people}, f"{PATH}?done=policy")


@page(PATH + "/new", "desk_broadcast.html", who=Who.STAFF)
def new_broadcast(visit: Visit) -> dict[str, Any]:
    """An empty form of a broadcast. `segment` chooses one of the saved ones; each `partner`, or with `all` those that
    the filters of the list of partners have, are written to alone."""
    assert visit.member is not None
    if visit.member.role not in WRITERS:
        raise Forbidden("Managers and admins write to partners: ask one of them.", code="broadcast_role")
    if visit.refused:
        sent = visit.fields.get("partners")
        meant = [str(each) for each in sent] if isinstance(sent, list) else []
        later, following = 0, None
    else:
        meant, _, later, following = those_meant(visit, PATH + "/new", MOST_VALUES)
        if len(meant) > MOST_VALUES:
            raise Malformed(f"At most {MOST_VALUES} partners are chosen one by one.", code="too_many_partners")
    chosen = Values(visit).partners(meant)
    if not all(each["name"] for each in chosen):
        raise NotFound("There is no such partner.")
    return _form(visit) | {
        "broadcast": "",
        "values": {"segment": visit.query("segment") if not meant else "", "path": "/"},
        "partners": chosen,
        # Whoever asked for those that are ticked, and ticked none, does not mean everybody.
        "nobody": bool(visit.query("chosen")) and not meant,
        "later": later,
        "following": following,
    }


@page(PATH, "desk_broadcast.html", method="POST", who=Who.STAFF, again=new_broadcast, body=NewBroadcast)
def draft(visit: Visit) -> Done:
    """Managers and admins write a broadcast; as a draft it goes to nobody yet."""
    assert visit.member is not None
    wish, books = visit.read(NewBroadcast), visit.portal.broadcast_books
    with _told(wish):
        made = draft_broadcast(
            books,
            member=visit.member,
            draft=_draft(visit, wish, None),
            now=visit.now,
            request=visit.idempotency_key or secrets.token_hex(16),
        )
    return Done(_line(made, Names(books.configuration)), f"{PATH}/{made.broadcast}?done=draft", created=True)


def to_approve(visit: Visit) -> list[dict[str, str]]:
    """Broadcasts that wait for a second person, whoever looks being one: of the newest fifty."""
    assert visit.member is not None
    if visit.member.role not in APPROVERS:
        return []
    newest = visit.portal.broadcast_books.broadcasts.of_brand(visit.member.brand).items
    return [{"broadcast": each.broadcast, "name": each.name} for each in newest if _may_approve(visit.member, each)]


def _may_approve(member: Member, found: Broadcast) -> bool:
    wrote = member.member in (*found.writers, found.submitted_by)
    return member.role in APPROVERS and not wrote and found.status is BroadcastStatus.WAITING


# ------------------------------------------------------------------------------------------------------------------ one


@page(ONE, "desk_broadcast.html", who=Who.STAFF)
def broadcast_of(visit: Visit, broadcast: str) -> dict[str, Any]:
    """One broadcast, to whom it goes, how far it is, and what one partner would read. `partner` (and `language`) say
    which partner."""
    assert visit.member is not None
    books, member = visit.portal.broadcast_books, visit.member
    found = broadcast_of_brand(books, member, broadcast)
    names = Names(books.configuration)
    counted = None
    if not found.edition and not found.status.is_over:
        counted = count_segment(
            books.configuration, books.results, brand=member.brand, segment=found.segment, now=visit.now
        )
    some = [{"partner": card.partner, "name": card.name} for card in counted.some] if counted else []
    writes = member.role in WRITERS
    report = read_report(books, found) if found.edition else None
    unread = bool(report and (report.waiting or shown_of(books, found, visit.now)))
    may_stop = not found.status.is_over or (found.status is BroadcastStatus.DONE and unread)
    drafts = writes and found.status is BroadcastStatus.DRAFT
    data = _form(visit, found.path) if drafts else {"placeholders": sorted(PLACEHOLDERS)}
    return data | _line(found, names) | {
        "text": text_to_data(found.text),
        "languages_written": [each for each in LANGUAGES if each in found.text.by_language],
        "chosen": segment_told(found.segment, Values(visit)),
        "path": found.path,
        "values": as_typed(found.text) | {
            "name": found.name, "segment": AS_IT_IS, "path": found.path, "channel": found.channel.value,
            "send_at": found.send_at.strftime("%Y-%m-%dT%H:%M") if found.send_at else "",
        },
        "fits": {"partners": counted.partners, "of": counted.of} if counted else None,
        "some": some,
        "preview": _preview(visit, found),
        "approve_above": books.broadcasts.approve_above(member.brand),
        "may_change": drafts,
        "may_take_back": writes and found.status in (BroadcastStatus.WAITING, BroadcastStatus.SCHEDULED),
        "may_approve": _may_approve(member, found),
        "may_stop": writes and may_stop,
        "report": report,
    }  # fmt: skip


@page(ONE, "desk_broadcast.html", method="POST", who=Who.STAFF, again=broadcast_of, body=ChangedBroadcast)
def change(visit: Visit, broadcast: str) -> Done:
    """Changes the words, partners or moment of a broadcast that is a draft."""
    assert visit.member is not None
    wish, books = visit.read(ChangedBroadcast), visit.portal.broadcast_books
    with _told(wish):
        before = broadcast_of_brand(books, visit.member, broadcast)
        after = change_broadcast(
            books,
            member=visit.member,
            broadcast=broadcast,
            version=wish.version,
            draft=_draft(visit, wish, before.segment),
            now=visit.now,
        )
    return Done(_line(after, Names(books.configuration)), f"{PATH}/{broadcast}?done=draft")


@page(ONE + "/submission", "desk_broadcast.html", method="POST", who=Who.STAFF, again=broadcast_of, body=AsRead)
def submit(visit: Visit, broadcast: str) -> Done:
    """Submits a draft; above the brand's number of people it waits for a second person."""
    act = partial(submit_broadcast, visit.portal.broadcast_books, visit.portal.start_broadcast)
    return _step(visit, broadcast, AsRead, act, "submitted")


@page(ONE + "/approval", "desk_broadcast.html", method="POST", who=Who.STAFF, again=broadcast_of, body=AsRead)
def approve(visit: Visit, broadcast: str) -> Done:
    """A second person approves a broadcast that waits; whoever wrote it may not."""
    act = partial(approve_broadcast, visit.portal.broadcast_books, visit.portal.start_broadcast)
    return _step(visit, broadcast, AsRead, act, "approved")


@page(ONE + "/return", "desk_broadcast.html", method="POST", who=Who.STAFF, again=broadcast_of, body=AsRead)
def take_back(visit: Visit, broadcast: str) -> Done:
    """Makes a submitted broadcast a draft again, before anybody got it."""
    return _step(visit, broadcast, AsRead, partial(take_back_broadcast, visit.portal.broadcast_books), "draft")


@page(ONE + "/stop", "desk_broadcast.html", method="POST", who=Who.STAFF, again=broadcast_of, body=Stop)
def stop(visit: Visit, broadcast: str) -> Done:
    """Stops a broadcast; whoever has not got it never does. It takes effect within moments, and in the portal at
    once."""
    act = partial(stop_broadcast, visit.portal.broadcast_books, visit.portal.start_broadcast)
    return _step(visit, broadcast, Stop, act, "stopped")


# ---------------------------------------------------------------------------------------------------------------- parts


def _told(wish: NewBroadcast) -> Any:
    return texts_told(_WithoutConditions.of(wish), _ADVICE)


class _WithoutConditions(NewBroadcast):
    """What of a form can be shown in it again."""

    @classmethod
    def of(cls, wish: NewBroadcast) -> _WithoutConditions:
        return cls(**wish.model_dump(exclude={"conditions", "partners", "version"}))


def _draft(visit: Visit, wish: NewBroadcast, before: Segment | None) -> Draft:
    return Draft(
        name=wish.name,
        text=wish.text(),
        segment=_segment(visit, wish, before),
        path=wish.path,
        channel=channel_of(wish.channel),
        send_at=_moment(wish.send_at),
    )


def _segment(visit: Visit, wish: NewBroadcast, before: Segment | None) -> Segment:
    assert visit.member is not None
    if wish.conditions is not None:
        return of_data(wish.match, wish.conditions, Values(visit))
    if wish.partners:
        return of_data("all", [{"field": "partner", "operator": "is", "values": wish.partners}], Values(visit))
    if wish.segment == AS_IT_IS and before is not None:
        return before
    if not wish.segment:
        return segment_of("all", [{"field": "status", "operator": "is", "value": "active"}])
    try:
        return segment_for(visit.portal.broadcast_books.segments, member=visit.member, segment=wish.segment).chosen
    except NotFound as error:
        raise Invalid("There is no such segment: choose one.", code="no_such_segment") from error


def _moment(text: str) -> datetime | None:
    """Raises `Invalid` (`invalid_moment`)."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid("send_at is a moment in UTC, such as 2026-11-30T09:00.", code="invalid_moment") from error


def _form(visit: Visit, path: str = "/") -> dict[str, Any]:
    """What may be chosen; the page that a button leads to now may be another one than those."""
    assert visit.member is not None
    saved = read_segments(visit.portal.broadcast_books.segments, member=visit.member)
    return {
        "segments": [{"segment": each.segment, "name": each.name} for each in saved],
        "places": list(dict.fromkeys((*PLACES, path))),
        "channels": [each.value for each in Channel],
        "placeholders": sorted(PLACEHOLDERS),
        "placeholders_of_portal": sorted(FILLED),
    }


def _preview(visit: Visit, found: Broadcast) -> dict[str, Any] | None:
    assert visit.member is not None
    if not visit.query("partner"):
        return None
    shown = preview_broadcast(
        visit.portal.broadcast_books,
        member=visit.member,
        text=found.text,
        partner=visit.query("partner"),
        language=visit.query("language"),
    )
    return {
        "partner": shown.partner.partner,
        "name": shown.partner.name,
        "reader": shown.reader,
        "language": shown.language,
        "subject": shown.words.subject,
        "paragraphs": list(shown.words.paragraphs),
    }


def _line(found: Broadcast, names: Names) -> dict[str, Any]:
    return {
        "broadcast": found.broadcast,
        "name": found.name,
        "status": found.status,
        "channel": found.channel,
        "announcement": found.announcement,
        "version": found.version,
        "created": found.created,
        "send_at": found.send_at,
        "people": found.people,
        "recipients": found.recipients,
        "handed": found.handed,
        "skipped": found.skipped,
        "written_by": [names.of(each) for each in found.writers],
        "submitted_at": found.submitted_at,
        "approved_by": names.of(found.approved_by),
        "approved_at": found.approved_at,
        "began_at": found.began_at,
        "ended_at": found.ended_at,
        "ended_by": names.of(found.ended_by),
        "why_ended": found.why_ended,
    }


def _step(visit: Visit, broadcast: str, sent: type[BaseModel], act: Callable[..., Broadcast], what: str) -> Done:
    """One step of a broadcast, with what was sent for it; and its page again, which says what was done."""
    assert visit.member is not None
    wish = visit.read(sent)
    with advised(wish, _ADVICE):
        after = act(member=visit.member, broadcast=broadcast, now=visit.now, **wish.model_dump())
    names = Names(visit.portal.broadcast_books.configuration)
    return Done(_line(after, names), f"{PATH}/{after.broadcast}?done={what}")
