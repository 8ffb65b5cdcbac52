"""`/desk/messages`: the inbox of the brand's staff: who waits for an answer first. `…/{partner}/{thread}`: one
conversation: answering, noting, giving it to a colleague, closing it. `/desk/partners/{partner}/messages`: those of one
partner, and beginning one. `/desk/answers`: what is answered often.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Annotated, Any, Literal

from advice import Advice, advised
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import STAFF_HOME, Done, Who, page
from texts import Texts, as_typed, told
from visit import N_, Visit

from introducer.domain.announcement import ANNOUNCERS, FILLED
from introducer.domain.configuration import Member, Partner, Role
from introducer.domain.conversation import Side, Thread, ThreadStatus
from introducer.domain.errors import Malformed, NotFound
from introducer.domain.mail_text import LANGUAGES
from introducer.domain.saved_answer import SavedAnswer, in_message
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.people import Names
from introducer.services.save_answer import change_answer, remove_answer, save_answer, values_for
from introducer.services.work_thread import assign_thread, close_thread, reopen_thread
from pages.messages import ADVICE, NewMessage, NewThread, begun, mark_read, reader_of, written

PATH = "/desk/messages"
ANSWERS = "/desk/answers"
ANSWER = ANSWERS + "/{answer}"
ONE = PATH + "/{partner}/{thread}"
OF_PARTNER = STAFF_HOME + "/{partner}/messages"
MINE, ALL = "mine", "all"

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]


class MessageOrNote(NewMessage):
    """What is said to the partner, or noted for colleagues."""

    kind: Literal["message", "note"] = "message"


class Assignment(BaseModel):
    """Who answers; empty: the partner's manager."""

    model_config = ConfigDict(extra="forbid")

    to: Short = ""


class Closing(BaseModel):
    """Which message of the partner was read last; nothing where nobody looked."""

    model_config = ConfigDict(extra="forbid")

    seen: Annotated[int, Field(ge=0, le=9_999_999)] | None = None


class Nothing(BaseModel):
    """Nothing needs to be said."""

    model_config = ConfigDict(extra="forbid")


class ChangedAnswer(Texts):
    """The text anew; `version` is the one that was read."""

    version: Annotated[int, Field(ge=0, le=9_999_999)]


_ADVICE: Advice = {
    **ADVICE,
    "not_of_staff": ("to", N_("Choose somebody of your own staff.")),
    "partner_wrote": ("", N_("The partner wrote meanwhile: read it first.")),
}
_SAVING: Advice = {
    "placeholder_not_here": ("", N_("A word in braces is for mails alone: use those that are named below.")),
    "too_many_answers": ("", N_("Very many answers are saved already: remove one first.")),
    "answer_changed": ("", N_("This answer was changed meanwhile: look at it again.")),
}

COLUMNS = (
    ("thread", lambda row: row.thread),
    ("partner", lambda row: row.partner),
    ("name", lambda row: row.name),
    ("subject", lambda row: row.subject),
    ("status", lambda row: row.status),
    ("waits_since", lambda row: row.waits_since),
    ("last_at", lambda row: row.last_at),
    ("last_side", lambda row: row.last_side),
    ("unread", lambda row: str(row.unread).lower()),
    ("answers", lambda row: row.answers),
)


@page(PATH, "desk_messages.html", who=Who.STAFF, columns=COLUMNS)
def inbox(visit: Visit) -> dict[str, Any]:
    """The staff's conversations with partners, the longest waiting for an answer first. `whose` is `mine` (those that
    the member answers) or `all`, `state` is `open` or `closed`."""
    assert visit.member is not None
    usual = MINE if visit.member.role in (Role.MANAGER, Role.SALES) else ALL
    whose = _one_of(visit, "whose", usual, (MINE, ALL))
    state = ThreadStatus(_one_of(visit, "state", ThreadStatus.OPEN.value, list(ThreadStatus)))
    subject = f"threads of {visit.member.brand} {whose} {state.value}"
    found = reader_of(visit).inbox(mine=whose == MINE, state=state, cursor=visit.position(subject), limit=visit.limit())
    return {"whose": whose, "state": state, "items": found.items, "next": visit.next(subject, found.cursor)}


@page(OF_PARTNER, "desk_messages_of_partner.html", who=Who.STAFF, columns=COLUMNS)
def threads_of_partner(visit: Visit, partner: str) -> dict[str, Any]:
    """The conversations with one partner, open ones first."""
    assert visit.member is not None
    owner = partner_of_brand(visit.portal.configuration, visit.member, partner)
    return {"partner": owner.partner, "name": owner.name} | conversation_of_partner(visit, owner, visit.limit())


@page(
    OF_PARTNER, "desk_messages_of_partner.html", method="POST", who=Who.STAFF, again=threads_of_partner, body=NewThread
)
def begin_with_partner(visit: Visit, partner: str) -> Done:
    """Begins a conversation with a partner."""
    assert visit.member is not None
    thread = begun(visit, partner)
    return Done(_stands(thread), f"{PATH}/{thread.partner}/{thread.thread}", created=True)


@page(ONE, "desk_message_thread.html", who=Who.STAFF)
def thread_of_partner(visit: Visit, partner: str, thread: str) -> dict[str, Any]:
    """One conversation with the staff's notes in it; looking at it marks it as read."""
    assert visit.member is not None
    owner = partner_of_brand(visit.portal.configuration, visit.member, partner)
    subject = f"messages of {owner.partner} {thread} for staff"
    found, shown = reader_of(visit).conversation(owner.partner, thread, visit.position(subject), visit.limit(30))
    mark_read(visit, found, Side.STAFF)
    return {
        **{name: getattr(shown.thread, name) for name in shown.thread.__slots__},
        "items": shown.messages,
        "next": visit.next(subject, shown.earlier),
        # Whoever looks at earlier messages does not see the newest: what staff had read is all that they know of.
        "seen": found.read_by_staff if visit.query("cursor") else found.from_partner,
        "saved": [
            {"answer": each.answer, "title": each.text.words(visit.language.code).subject}
            for each in visit.portal.conversations.saved_answers(owner.brand)
        ],
        "prefilled": _prefilled(visit, owner, found),
        "staff": [{"member": each.member, "name": each.name} for each in _staff(visit)],
        "manager": Names(visit.portal.configuration).of(owner.manager or ""),
    }


@page(ONE, "desk_message_thread.html", method="POST", who=Who.STAFF, again=thread_of_partner, body=MessageOrNote)
def answer(visit: Visit, partner: str, thread: str) -> Done:
    """Writes to the partner in a conversation, or a note that staff alone read."""
    assert visit.member is not None
    wish = visit.read(MessageOrNote)
    found, message = written(visit, wish, partner, thread, _ADVICE, note=wish.kind == "note")
    data = _stands(found) | {"message": message.message, "kind": message.kind, "text": message.text}
    return Done(data, f"{PATH}/{partner}/{thread}?written={message.kind.value}#write", created=True)


@page(
    ONE + "/assign", "desk_message_thread.html", method="POST", who=Who.STAFF, again=thread_of_partner, body=Assignment
)
def assign(visit: Visit, partner: str, thread: str) -> Done:
    """Gives a conversation to a colleague, or back to the partner's manager."""
    return _step(visit, partner, thread, Assignment, assign_thread, "?assigned=1")


@page(ONE + "/close", "desk_message_thread.html", method="POST", who=Who.STAFF, again=thread_of_partner, body=Closing)
def close(visit: Visit, partner: str, thread: str) -> Done:
    """Closes a conversation; refused where the partner wrote something that was not seen."""
    return _step(visit, partner, thread, Closing, close_thread)


@page(ONE + "/reopen", "desk_message_thread.html", method="POST", who=Who.STAFF, again=thread_of_partner, body=Nothing)
def reopen(visit: Visit, partner: str, thread: str) -> Done:
    """Opens a closed conversation again."""
    return _step(visit, partner, thread, Nothing, reopen_thread)


# -------------------------------------------------------------------------------------------------------------- answers


@page(
    ANSWERS,
    "desk_answers.html",
    who=Who.STAFF,
    columns=(
        ("answer", lambda row: row["answer"]),
        ("title", lambda row: row["title"]),
        ("changed_at", lambda row: row["changed_at"]),
    ),
)
def answers(visit: Visit, answer: str = "") -> dict[str, Any]:
    """The brand's saved answers, which staff put into what they write."""
    assert visit.member is not None
    found = visit.portal.conversations.saved_answers(visit.member.brand)
    return {"items": [_saved(visit, each) for each in found], **_writing(visit)}


@page(ANSWERS, "desk_answers.html", method="POST", who=Who.STAFF, again=answers, body=Texts)
def save(visit: Visit) -> Done:
    """Managers and admins save an answer that is given often."""
    assert visit.member is not None
    wish = visit.read(Texts)
    with told(wish, _SAVING):
        made = save_answer(
            visit.portal.conversations,
            member=visit.member,
            text=wish.text(),
            clock=visit.portal.now,
            random=secrets.token_bytes,
            request=visit.idempotency_key,
        )
    return Done(_saved(visit, made), f"{ANSWERS}?saved={made.answer}", created=True)


@page(ANSWER, "desk_answer.html", who=Who.STAFF)
def saved_answer(visit: Visit, answer: str) -> dict[str, Any]:
    """One saved answer, with its text in each language."""
    assert visit.member is not None
    found = visit.portal.conversations.saved_answer(visit.member.brand, answer)
    return _saved(visit, found) | {"texts": as_typed(found.text), **_writing(visit)}


@page(ANSWER, "desk_answer.html", method="POST", who=Who.STAFF, again=saved_answer, body=ChangedAnswer)
def change(visit: Visit, answer: str) -> Done:
    """Managers and admins change the text of a saved answer."""
    assert visit.member is not None
    wish = visit.read(ChangedAnswer)
    with told(wish, _SAVING):
        found = change_answer(
            visit.portal.conversations,
            member=visit.member,
            answer=answer,
            text=wish.text(),
            version=wish.version,
            clock=visit.portal.now,
        )
    return Done(_saved(visit, found), f"{ANSWERS}?saved={found.answer}")


@page(ANSWER + "/remove", "desk_answers.html", method="POST", who=Who.STAFF, again=answers, body=Nothing)
def remove(visit: Visit, answer: str) -> Done:
    """Managers and admins remove a saved answer."""
    assert visit.member is not None
    wish = visit.read(Nothing)
    with told(wish, _SAVING):
        remove_answer(visit.portal.conversations, member=visit.member, answer=answer, clock=visit.portal.now)
    return Done({"answer": answer, "removed": True}, f"{ANSWERS}?removed=1")


# --------------------------------------------------------------------------------------------------------------- parts


def conversation_of_partner(visit: Visit, partner: Partner, limit: int) -> dict[str, Any]:
    """What `of_partner` in `message_parts.html` shows: for the partner's own page, and every page that has it as a
    part."""
    subject = f"threads of {partner.partner} for staff"
    position = visit.position(subject) if visit.path.endswith("/messages") else None
    found = reader_of(visit).threads(partner.partner, position, limit)
    return {"items": found.items, "next": visit.next(subject, found.cursor)}


def _step(
    visit: Visit, partner: str, thread: str, sent: type[BaseModel], act: Callable[..., Thread], said: str = ""
) -> Done:
    """One step of a conversation, with what was sent for it; and the conversation again."""
    assert visit.member is not None
    wish = visit.read(sent)
    with advised(wish, _ADVICE):
        found = act(
            visit.portal.configuration,
            visit.portal.conversations,
            member=visit.member,
            partner=partner,
            thread=thread,
            clock=visit.portal.now,
            **wish.model_dump(),
        )
    return Done(_stands(found), f"{PATH}/{partner}/{thread}{said}")


def _one_of(visit: Visit, name: str, usual: str, known: Any) -> str:
    found = visit.query(name, usual)
    if found not in known:
        raise Malformed(f"{name} is one of {', '.join(known)}.", code=f"bad_{name}")
    return found


def _stands(thread: Thread) -> dict[str, Any]:
    return {
        "thread": thread.thread,
        "partner": thread.partner,
        "subject": thread.subject,
        "status": thread.status,
        "assigned": thread.assigned,
        "waits_since": thread.waits_since,
    }


def _prefilled(visit: Visit, partner: Partner, thread: Thread) -> str:
    """The saved answer that was chosen, in the partner's language, filled in: for staff to change."""
    if not (wanted := visit.query("answer")):
        return ""
    try:
        found = visit.portal.conversations.saved_answer(partner.brand, wanted)
    except NotFound:
        return ""
    words = found.text.words(partner.language)
    name = reader_of(visit).asks(thread) or partner.name
    return in_message(words.filled(values_for(visit.portal.configuration, visit.brand, partner, name)))


def _staff(visit: Visit) -> list[Member]:
    assert visit.member is not None
    found = visit.portal.configuration.every_colleague(visit.member.brand)
    return sorted(found, key=lambda each: (each.name, each.member))


def _saved(visit: Visit, answer: SavedAnswer) -> dict[str, Any]:
    words = answer.text.words(visit.language.code)
    return {
        "answer": answer.answer,
        "title": words.subject,
        "paragraphs": words.paragraphs,
        "languages": [each for each in LANGUAGES if each in answer.text.by_language],
        "changed_at": answer.changed_at,
        "version": answer.version,
    }


def _writing(visit: Visit) -> dict[str, Any]:
    assert visit.member is not None
    return {"may_write": visit.member.role in ANNOUNCERS, "placeholders": sorted(FILLED)}
