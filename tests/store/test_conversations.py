"""The questions about conversations and announcements, asked of real tables; and that each step is one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.adjustment import Act
from introducer.domain.announcement import Announcement, AnnouncementRead, Reach, withdrawn
from introducer.domain.configuration import Change, PartnerKind
from introducer.domain.conversation import Kind, Message, Side, Thread, assigned, closed, opened, written
from introducer.domain.conversation_mail import message_mail
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import milliseconds
from introducer.domain.ids import new_id
from introducer.domain.mail_text import text_of
from introducer.domain.saved_answer import SavedAnswer
from introducer.domain.segment import segment_of
from introducer.store.announcements import Announcements
from introducer.store.configuration import Configuration
from introducer.store.conversations import CLOSED, Conversations
from introducer.store.mails import Mails
from tests.conftest import Tables
from tests.support.builders import at

NOW = at("2026-10-05 09:00")
PARTNER, BRAND = "par_p", "brd_1"
SEGMENT = segment_of("any", [{"field": "ftd_30", "operator": "at_least", "values": ["3"]}])
CHANGE = Change(by="sub-manager", at=NOW, why="written", origin="portal")


@pytest.fixture
def conversations(tables: Tables) -> Conversations:
    return Conversations(tables.books)


@pytest.fixture
def announcements(tables: Tables) -> Announcements:
    return Announcements(tables.books)


def an_id(prefix: str, number: int) -> str:
    return new_id(prefix, milliseconds(NOW) + number, bytes([number] * 10))


def begun(
    conversations: Conversations, number: int = 0, *, kind: Kind = Kind.PARTNER, partner: str = PARTNER, **other: Any
) -> tuple[Thread, Message]:
    thread, message = opened(
        thread=an_id("thr", number), brand=BRAND, partner=partner, subject="Banners", kind=kind, text="May I?",
        message=an_id("msg", number), by="sub-owner", at=NOW + timedelta(minutes=number),
    )  # fmt: skip
    conversations.write(None, thread, action="open_thread", message=message, **other)
    return thread, message


def says(conversations: Conversations, thread: Thread, kind: Kind, number: int) -> Thread:
    after, message = written(
        thread, kind=kind, text=f"Number {number}", message=an_id("msg", number), by="sub", at=NOW,
    )  # fmt: skip
    conversations.write(thread, after, action="write_message", message=message)
    return after


@pytest.mark.pattern("thread_by_id")
def test_a_thread_comes_back_as_it_was_begun_to_its_own_partner_only(conversations: Conversations) -> None:
    thread, _ = begun(conversations)

    assert conversations.thread(PARTNER, thread.thread) == thread
    strange = [(PARTNER, name) for name in ("thr_none", "#", "thr_" + "0" * 3000)]
    for partner, name in (("par_other", thread.thread), *strange):
        with pytest.raises(NotFound):
            conversations.thread(partner, name)


@pytest.mark.pattern("threads_of_partner")
def test_a_partners_threads_come_by_what_was_written_last(conversations: Conversations) -> None:
    first, second = begun(conversations, 1)[0], begun(conversations, 2)[0]
    begun(conversations, 3, partner="par_other")
    later = NOW + timedelta(hours=1)
    after, _ = written(first, kind=Kind.STAFF, text="Yes", message=an_id("msg", 9), by="sub", at=later)
    conversations.write(first, after, action="write_message")

    assert conversations.of_partner(PARTNER) == (after, second)
    assert conversations.of_partner("par_nobody") == ()


@pytest.mark.pattern("threads_of_brand")
def test_a_brands_threads_that_wait_come_first_the_longest_wait_first(conversations: Conversations) -> None:
    # given threads that wait since then and later, an older and a newer answer, and a closed one
    waits, later = begun(conversations, 2)[0], begun(conversations, 5, partner="par_b")[0]
    old, new = (begun(conversations, number, kind=Kind.STAFF)[0] for number in (1, 4))
    done = begun(conversations, 3)[0]
    conversations.write(done, closed(done), action="close_thread", change=CHANGE)

    # when they are read in pages
    page = conversations.of_brand(BRAND, limit=2)
    rest = conversations.of_brand(BRAND, page.cursor)

    # then those that wait are first, and the closed one is last
    assert page.items == (waits, later)
    assert rest.items == (new, old, closed(done)) and rest.cursor is None
    assert conversations.of_brand(BRAND, CLOSED).items == (closed(done),)
    assert conversations.of_brand("brd_other").items == ()


@pytest.mark.pattern("messages_of_thread")
def test_the_newest_messages_of_a_thread_come_first_page_by_page(conversations: Conversations) -> None:
    thread, first = begun(conversations)
    begun(conversations, 50)
    for number in range(2, 13):
        thread = says(conversations, thread, Kind.NOTE if number % 2 else Kind.STAFF, number)

    page = conversations.messages(PARTNER, thread.thread, limit=5)
    assert [each.number for each in page.items] == [12, 11, 10, 9, 8] and page.cursor == "8"
    page = conversations.messages(PARTNER, thread.thread, int(page.cursor), limit=10)
    assert [each.number for each in page.items] == [7, 6, 5, 4, 3, 2, 1] and page.cursor is None
    assert page.items[-1] == first
    assert conversations.messages(PARTNER, thread.thread, 1).items == ()
    assert conversations.messages("par_other", thread.thread).items == ()


def test_a_message_thread_audit_and_mail_are_written_at_once_or_not_at_all(
    tables: Tables, conversations: Conversations
) -> None:
    thread, first = begun(conversations, change=CHANGE)
    after, message = written(thread, kind=Kind.STAFF, text="A secret answer", message=an_id("msg", 2), by="sub", at=NOW)
    mail = message_mail(after, Side.PARTNER, "Harbour", NOW, due=NOW)
    conversations.write(thread, after, action="write_message", change=CHANGE, message=message, mail=mail)
    # again, as a request whose answer was lost: the same token
    conversations.write(thread, after, action="write_message", change=CHANGE, message=message, mail=mail)

    other, late = written(thread, kind=Kind.PARTNER, text="Hello?", message=an_id("msg", 3), by="sub-owner", at=NOW)
    with pytest.raises(Conflict) as refused:
        conversations.write(thread, other, action="write_message", message=late,
                            mail=message_mail(other, Side.STAFF, "Harbour", NOW, due=NOW))  # fmt: skip
    assert refused.value.code == "thread_changed"

    assert conversations.thread(PARTNER, thread.thread) == after
    assert conversations.messages(PARTNER, thread.thread).items == (message, first)
    assert [each.values["said"] for each in Mails(tables.books).mails(PARTNER)] == ["Banners"]
    assert Mails(tables.books).mails(BRAND) == ()
    # and what was written stands nowhere in the trail
    trail = Configuration(tables.books).audit_of_subject(PARTNER).items
    assert sorted(record.action for record in trail) == ["open_thread", "write_message"]
    assert not any("secret" in str(record) or "Banners" in str(record) for record in trail)


def test_what_a_side_has_read_only_grows_and_is_not_lost_to_a_message(conversations: Conversations) -> None:
    thread = says(conversations, begun(conversations)[0], Kind.STAFF, 2)

    conversations.mark_read(thread, Side.PARTNER, 2)
    conversations.mark_read(thread, Side.PARTNER, 1)
    found = conversations.thread(PARTNER, thread.thread)
    assert (found.read_by_partner, found.read_by_staff, found.version) == (2, 0, thread.version + 1)
    # whoever read the thread before that cannot write over it
    with pytest.raises(Conflict):
        conversations.write(thread, assigned(thread, "sub-colleague"), action="assign_thread", change=CHANGE)


def an_answer(number: int = 0, **other: Any) -> SavedAnswer:
    return replace(
        SavedAnswer(answer=an_id("ans", number), brand=BRAND, text=text_of("Thanks", "Thank you, {name}."),
                    changed_by="sub-manager", changed_at=NOW),
        **other,
    )  # fmt: skip


@pytest.mark.pattern("saved_answer_by_id")
def test_a_saved_answer_comes_back_to_its_brand_until_it_is_removed(conversations: Conversations) -> None:
    answer = an_answer()
    conversations.save(None, answer, CHANGE, "save_answer")
    assert conversations.saved_answer(BRAND, answer.answer) == answer

    with pytest.raises(Conflict):
        conversations.save(None, an_answer(text=text_of("No", "No.")), CHANGE, "save_answer")
    gone = replace(answer, removed=True, version=2)
    conversations.save(answer, gone, CHANGE, "remove_answer")
    with pytest.raises(Conflict):
        conversations.save(answer, replace(answer, version=2), CHANGE, "change_answer")
    for brand, name in ((BRAND, answer.answer), ("brd_other", answer.answer), (BRAND, "#" * 3000)):
        with pytest.raises(NotFound):
            conversations.saved_answer(brand, name)


@pytest.mark.pattern("saved_answers_of_brand")
def test_saved_answers_come_by_their_titles(conversations: Conversations) -> None:
    answers = [an_answer(number, text=text_of(title, "Text.")) for number, title in enumerate(("B", "A", "C"))]
    for each in (*answers, an_answer(7, brand="brd_other")):
        conversations.save(None, each, CHANGE, "save_answer")
    conversations.save(answers[2], replace(answers[2], removed=True, version=2), CHANGE, "remove_answer")

    assert conversations.saved_answers(BRAND) == (answers[1], answers[0])


def an_announcement(number: int = 0, **other: Any) -> Announcement:
    return replace(
        Announcement(
            announcement=an_id("ann", number), brand=BRAND, text=text_of("New pages", "They are in {portal}."),
            reach=Reach(kinds=(PartnerKind.IB,), countries=("PL", "TH"), manager="sub-manager", segment=SEGMENT,
                        segment_name="Lively"),
            published_by="sub-manager", published_at=NOW + timedelta(minutes=number), through="2026-11-04",
        ),
        **other,
    )  # fmt: skip


@pytest.mark.pattern("announcement_by_id")
def test_an_announcement_comes_back_and_is_taken_back_once(announcements: Announcements) -> None:
    made = an_announcement()
    announcements.write(None, made, CHANGE, "announce")
    assert announcements.announcement(BRAND, made.announcement) == made

    gone = withdrawn(made, Act("sub-manager", NOW, "A slip"))
    announcements.write(made, gone, CHANGE, "withdraw_announcement")
    assert announcements.announcement(BRAND, made.announcement) == gone
    with pytest.raises(Conflict):
        announcements.write(made, withdrawn(made, Act("sub-other", NOW, "Me too")), CHANGE, "withdraw_announcement")
    with pytest.raises(Conflict):
        announcements.write(None, an_announcement(through="2026-12-01"), CHANGE, "announce")
    for brand, name in (("brd_other", made.announcement), (BRAND, "ann_"), (BRAND, "#")):
        with pytest.raises(NotFound):
            announcements.announcement(brand, name)


@pytest.mark.pattern("announcements_of_brand")
def test_announcements_come_newest_first_page_by_page(announcements: Announcements) -> None:
    made = [an_announcement(number) for number in range(3)]
    for each in (*made, an_announcement(9, brand="brd_other")):
        announcements.write(None, each, CHANGE, "announce")

    page = announcements.of_brand(BRAND, limit=2)
    assert page.items == (made[2], made[1])
    assert announcements.of_brand(BRAND, page.cursor).items == (made[0],)


def a_read(partner: str, member: str, minute: int = 0, announcement: str = "ann_1") -> AnnouncementRead:
    return AnnouncementRead(brand=BRAND, partner=partner, announcement=announcement, member=member,
                            at=NOW + timedelta(minutes=minute))  # fmt: skip


@pytest.mark.pattern("announcement_read_by")
def test_a_member_reads_an_announcement_once(announcements: Announcements) -> None:
    assert not announcements.has_read(PARTNER, "ann_1", "sub-1")
    assert announcements.note_read(a_read(PARTNER, "sub-1"))
    assert not announcements.note_read(a_read(PARTNER, "sub-1", 5))

    assert announcements.has_read(PARTNER, "ann_1", "sub-1")
    assert not announcements.has_read(PARTNER, "ann_1", "sub-2")
    assert not announcements.has_read(PARTNER, "ann_2", "sub-1")


@pytest.mark.pattern("announcements_read_of_partner")
def test_what_a_partner_has_read_is_its_own(announcements: Announcements) -> None:
    for each in (a_read(PARTNER, "sub-1"), a_read(PARTNER, "sub-1", announcement="ann_2"), a_read("par_b", "sub-2")):
        announcements.note_read(each)
    announcements.note_read(a_read(PARTNER, "sub-1", 9))

    assert announcements.read_of_partner(PARTNER) == (
        a_read(PARTNER, "sub-1"), a_read(PARTNER, "sub-1", announcement="ann_2")
    )  # fmt: skip


@pytest.mark.pattern("readers_of_announcement")
def test_who_has_read_an_announcement_is_listed_and_counted_by_partner(announcements: Announcements) -> None:
    reads = [a_read("par_a", "sub-1"), a_read("par_a", "sub-2", 3), a_read("par_b", "sub-3", 1)]
    for each in (*reads, a_read("par_c", "sub-4", announcement="ann_2")):
        announcements.note_read(each)

    page = announcements.readers(BRAND, "ann_1", limit=2)
    assert page.items == tuple(reads[:2])
    assert announcements.readers(BRAND, "ann_1", page.cursor).items == tuple(reads[2:])
    assert announcements.readers_by_partner(BRAND, "ann_1") == {"par_a": 2, "par_b": 1}
    assert announcements.readers_by_partner("brd_other", "ann_1") == {}
