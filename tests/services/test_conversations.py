"""Partners and staff write to each other: who is told and when, what each side sees, and that nothing happens twice."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from introducer.domain import conversation
from introducer.domain.announcement import MOST_DAYS
from introducer.domain.configuration import Member
from introducer.domain.conversation import (
    LONGEST_SUBJECT,
    LONGEST_TEXT,
    MOST_OPEN,
    TOLD_EVERY,
    Kind,
    Side,
    ThreadStatus,
    subject_of,
    text_of,
    told_when,
)
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound
from introducer.domain.mail import Audience
from introducer.domain.mail_text import MailText, Words
from introducer.domain.mail_text import text_of as a_text
from introducer.domain.results import ResultLine
from introducer.domain.segment import segment_of
from introducer.services import export_subject
from introducer.services.announce import (
    READ_AT_ONCE,
    announce,
    announcements_for,
    note_announcement_read,
    read_announcement,
    spread_of,
    withdraw_announcement,
)
from introducer.services.note_partner import note_partner
from introducer.services.save_answer import change_answer, remove_answer, save_answer, values_for
from introducer.services.work_thread import assign_thread, close_thread, note_read, reopen_thread
from introducer.store import owned as owned_module
from introducer.store.announcements import Announcements
from introducer.store.conversations import Conversations
from introducer.store.holdings import Holdings
from introducer.store.partner_notes import PartnerNotes
from introducer.store.segments import SavedSegment
from tests.conftest import Tables
from tests.support.builders import BRAND
from tests.support.talking import (
    COLLEAGUE,
    FOREIGNER,
    MANAGER,
    NOW,
    OTHER,
    OWNER,
    PARTNER,
    SALES,
    STRANGER,
    Talking,
)

pytestmark = pytest.mark.in_memory


@pytest.fixture
def talking(tables: Tables) -> Talking:
    return Talking(tables)


def refused(kind: type[IntroducerError], code: str) -> Any:
    return pytest.raises(kind, check=lambda error: error.code == code)


class TestTexts:
    @pytest.mark.parametrize("text", ["", "   ", "\n\t\r\n", "\u200b\u200f\u2060", "\N{NO-BREAK SPACE}", "\u0301"])
    def test_what_shows_nothing_is_no_text(self, text: str) -> None:
        with refused(Invalid, "text_needed"):
            text_of(text)
        with pytest.raises(Invalid):
            subject_of(text)

    @pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x7f", "\x85", "\ud800"])
    def test_control_characters_are_refused(self, character: str) -> None:
        for check in (text_of, subject_of):
            with refused(Invalid, "invalid_text"):
                check(f"An{character}swer")

    @pytest.mark.parametrize("text", ["A\u2028B", "A\u2029B", "invoice \u202efdp.exe", "\u202dA"])
    def test_nothing_breaks_or_turns_the_line_of_a_subject(self, text: str) -> None:
        with refused(Invalid, "invalid_text"):
            subject_of(text)
        assert subject_of("\u2067مدفوعات\u2069 April") == "\u2067مدفوعات\u2069 April"
        assert text_of(text) == text

    def test_lines_stay_and_a_subject_has_one(self) -> None:
        assert text_of(" One\r\n\ttwo\rthree \n") == "One\n\ttwo\nthree"
        assert text_of("مرحبا \u200fنص\u200e") == "مرحبا \u200fنص\u200e"
        for subject in ("One\ntwo", "One\r\nBcc: all@example.com", "One\ttwo"):
            with refused(Invalid, "invalid_text"):
                subject_of(subject)

    def test_long_texts_are_refused(self) -> None:
        assert len(text_of("x" * LONGEST_TEXT)) == LONGEST_TEXT
        with refused(Invalid, "text_too_long"):
            text_of("x" * (LONGEST_TEXT + 1))
        with refused(Invalid, "subject_too_long"):
            subject_of("x" * (LONGEST_SUBJECT + 1))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(min_value=0, max_value=40), max_size=40))
def test_every_message_is_followed_by_a_mail_and_no_two_mails_are_near(gaps: list[int]) -> None:
    last, mails, at = None, [], NOW
    for gap in gaps:
        at += timedelta(minutes=gap)
        if (due := told_when(last, at)) is not None:
            mails.append(due)
            last = due
        assert last is not None and at <= last <= at + TOLD_EVERY
    assert all(later - earlier >= TOLD_EVERY for earlier, later in pairwise(mails))


class TestTelling:
    def test_the_manager_is_told_once_and_of_what_follows_when_the_quarter_is_over(self, talking: Talking) -> None:
        # given a partner who writes five times within a quarter of an hour, and once more later
        thread = talking.opens()
        for _ in range(4):
            talking.later(minutes=2)
            talking.writes(thread)
        talking.later(minutes=30)
        talking.writes(thread)

        # then three mails tell it: at once, at the end of the quarter, and of the late one at once
        told = talking.told(BRAND)
        assert [(each.member, each.at, each.not_before) for each in told] == [
            (MANAGER.member, NOW, None),
            (MANAGER.member, NOW + timedelta(minutes=2), NOW + timedelta(minutes=15)),
            (MANAGER.member, NOW + timedelta(minutes=38), None),
        ]
        assert told[0].values == {
            "thread": thread.thread, "of": PARTNER, "name": "par_one Ltd", "said": "Banners"
        }  # fmt: skip
        assert talking.told(PARTNER) == []

    def test_the_owners_are_told_of_an_answer_and_each_side_has_a_quarter_of_its_own(self, talking: Talking) -> None:
        thread = talking.opens()
        talking.later(minutes=1)
        talking.writes(thread, MANAGER, "Yes, do.")
        talking.writes(thread, MANAGER, "All of them.")

        first, second = talking.told(PARTNER)
        assert (first.audience, first.not_before, first.values["name"]) == (Audience.OWNERS, None, "")
        assert second.not_before == NOW + timedelta(minutes=16)
        assert len(talking.told(BRAND)) == 1

    def test_of_a_partner_that_nobody_looks_after_all_managers_are_told(self, talking: Talking) -> None:
        talking.opens(STRANGER, OTHER)
        [mail] = talking.told(BRAND)
        assert (mail.member, mail.audience) == ("", Audience.PLANNERS)

    def test_whoever_it_is_assigned_to_is_told(self, talking: Talking) -> None:
        thread = talking.opens()
        assign_thread(talking.configuration, talking.conversations, member=MANAGER, partner=PARTNER,
                      thread=thread.thread, to=SALES.member, clock=talking.clock)  # fmt: skip
        talking.later(minutes=20)
        talking.writes(thread)
        assert [each.member for each in talking.told(BRAND)] == [MANAGER.member, SALES.member]

    def test_a_note_tells_nobody_and_shows_a_partner_nothing(self, talking: Talking) -> None:
        thread = talking.opens()
        talking.later(minutes=30)
        before = talking.reader(OWNER).conversation(PARTNER, thread.thread)[1]
        lines = talking.reader(OWNER).threads(PARTNER)
        talking.writes(thread, MANAGER, "Careful with them.", note=True)

        assert talking.reader(OWNER).conversation(PARTNER, thread.thread)[1] == before
        assert talking.reader(OWNER).threads(PARTNER) == lines
        assert talking.told(PARTNER) == [] and len(talking.told(BRAND)) == 1
        assert talking.stands(thread).waits_since == NOW, "a note is no answer"
        shown = talking.reader(COLLEAGUE).conversation(PARTNER, thread.thread)[1].messages
        assert [each.kind for each in shown] == [Kind.PARTNER, Kind.NOTE]
        assert talking.recorded(PARTNER)[0] == ("note_on_thread", MANAGER.member)


class TestRepeats:
    def test_a_repeated_request_begins_one_thread_and_writes_one_message(self, talking: Talking) -> None:
        first = talking.opens(request="key-1")
        talking.later(seconds=3)
        assert talking.opens(request="key-1") == first
        message = talking.writes(first, text="More", request="key-2")
        talking.later(seconds=3)
        assert talking.writes(first, text="More", request="key-2") == message

        assert [each.text for each in talking.conversations.messages(PARTNER, first.thread).items] == [
            "More", "May I use the old ones?"
        ]  # fmt: skip
        assert len(talking.told(BRAND)) == 2

    def test_a_key_is_not_used_for_something_else(self, talking: Talking) -> None:
        thread = talking.opens(request="key-1")
        talking.writes(thread, text="More", request="key-2")
        with refused(Conflict, "idempotency_key_reused"):
            talking.opens(request="key-1", text="Another")
        with refused(Conflict, "idempotency_key_reused"):
            talking.writes(thread, text="Else", request="key-2")

    @pytest.mark.parametrize("request_of_both", [None, "key-1"])
    def test_of_two_who_write_at_once_both_are_there_and_one_who_pressed_twice_once(
        self, talking: Talking, monkeypatch: pytest.MonkeyPatch, request_of_both: str | None
    ) -> None:
        # given somebody who writes between another's look and write
        thread, write = talking.opens(), Conversations.write
        talking.later(minutes=30)

        def meanwhile(self: Conversations, *step: Any, **more: Any) -> None:
            monkeypatch.setattr(Conversations, "write", write)
            talking.writes(thread, text="The same", request=request_of_both)
            write(self, *step, **more)

        monkeypatch.setattr(Conversations, "write", meanwhile)
        talking.writes(thread, text="The same", request=request_of_both)

        found = talking.conversations.messages(PARTNER, thread.thread).items
        assert [each.number for each in found] == ([2, 1] if request_of_both else [3, 2, 1])
        assert talking.stands(thread).messages == len(found)
        assert len(talking.told(BRAND)) == (2 if request_of_both else 3), "the second within the quarter waits"

    def test_of_two_presses_that_begin_a_thread_one_does(
        self, talking: Talking, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = Conversations.write

        def meanwhile(self: Conversations, *step: Any, **more: Any) -> None:
            monkeypatch.setattr(Conversations, "write", write)
            talking.later(seconds=1)
            talking.opens(request="key-1")
            write(self, *step, **more)

        monkeypatch.setattr(Conversations, "write", meanwhile)
        thread = talking.opens(request="key-1")
        assert talking.conversations.of_partner(PARTNER) == (thread,)
        assert len(talking.told(BRAND)) == 1

    def test_a_message_between_does_not_lose_what_was_read(
        self, talking: Talking, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        thread, write = talking.opens(), Conversations.write
        talking.writes(thread, MANAGER, "Yes")

        def meanwhile(self: Conversations, *step: Any, **more: Any) -> None:
            monkeypatch.setattr(Conversations, "write", write)
            note_read(talking.conversations, talking.stands(thread), Side.PARTNER)
            write(self, *step, **more)

        monkeypatch.setattr(Conversations, "write", meanwhile)
        talking.writes(thread)
        assert (talking.stands(thread).read_by_partner, talking.stands(thread).messages) == (2, 3)

    def test_the_last_message_that_a_thread_holds_may_come_again(
        self, talking: Talking, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(conversation, "MOST_MESSAGES", 2)
        thread = talking.opens()
        message = talking.writes(thread, request="key-1")
        assert talking.writes(thread, request="key-1") == message
        with refused(Conflict, "idempotency_key_reused"):
            talking.writes(thread, request="key-1", text="Another")
        with refused(Conflict, "thread_full"):
            talking.writes(thread, request="key-2")


class TestOthers:
    @pytest.mark.parametrize("member", [STRANGER, FOREIGNER])
    def test_nobody_reads_or_writes_in_anothers_thread(self, talking: Talking, member: Member) -> None:
        thread = talking.opens()
        with pytest.raises(NotFound):
            talking.writes(thread, member)
        with pytest.raises(NotFound):
            talking.opens(member)
        if member is FOREIGNER:
            with pytest.raises(NotFound):
                talking.reader(member).conversation(PARTNER, thread.thread)
            assert talking.reader(member).inbox(mine=False, state=ThreadStatus.OPEN).items == ()
        else:
            with pytest.raises(NotFound):
                talking.reader(member).conversation(OTHER, thread.thread)

    def test_a_partner_writes_no_notes(self, talking: Talking) -> None:
        thread = talking.opens()
        with refused(Forbidden, "notes_are_staffs"):
            talking.writes(thread, note=True)

    def test_what_staff_noted_is_in_no_export_of_the_partner_and_what_was_said_is(self, talking: Talking) -> None:
        thread = talking.opens(text="A question")
        talking.writes(thread, MANAGER, "An answer")
        talking.writes(thread, MANAGER, "A secret", note=True)
        note_partner(
            talking.configuration, PartnerNotes(talking.tables.books), member=MANAGER, partner=PARTNER,
            text="A secret beside it", clock=talking.clock, random=bytes,
        )  # fmt: skip
        held: Any = SimpleNamespace(
            configuration=talking.configuration,
            holdings=Holdings(talking.tables.facts, talking.tables.books),
            documents=SimpleNamespace(versions=lambda partner: []),
            logins=SimpleNamespace(login=lambda sub: SimpleNamespace(email="owner@example.com")),
        )
        said = export_subject.readable(export_subject.export_partner(held, partner=PARTNER, now=talking.now))
        assert "A question" in said and "An answer" in said
        assert "A secret" not in said

    def test_a_partner_has_only_so_many_open_threads(self, talking: Talking) -> None:
        threads = [talking.opens(subject=f"Number {number}") for number in range(MOST_OPEN)]
        with refused(Conflict, "too_many_threads"):
            talking.opens()
        close_thread(talking.configuration, talking.conversations, member=MANAGER, partner=PARTNER,
                     thread=threads[0].thread, clock=talking.clock)  # fmt: skip
        talking.opens()


class TestWorking:
    def test_a_thread_is_closed_and_whoever_writes_opens_it(self, talking: Talking) -> None:
        thread = talking.opens()
        work: dict[str, Any] = {"member": MANAGER, "partner": PARTNER, "thread": thread.thread, "clock": talking.clock}
        done = close_thread(talking.configuration, talking.conversations, **work)
        again = close_thread(talking.configuration, talking.conversations, **work)
        assert done == again and (done.status, done.waits_since) == (ThreadStatus.CLOSED, None)

        opened = reopen_thread(talking.configuration, talking.conversations, **work)
        assert (opened.status, opened.waits_since) == (ThreadStatus.OPEN, NOW), "the partner wrote last"
        close_thread(talking.configuration, talking.conversations, **work)
        talking.later(hours=1)
        talking.writes(thread)
        assert talking.stands(thread).waits_since == talking.now
        actions = [action for action, _ in talking.recorded(PARTNER)]
        assert sorted(actions[:3]) == ["close_thread", "close_thread", "reopen_thread"]
        assert len(actions) == 4, "what a partner writes is its own record"

    def test_what_the_partner_wrote_meanwhile_is_not_closed_away_unread(self, talking: Talking) -> None:
        thread = talking.opens()
        seen = talking.stands(thread).from_partner
        given: dict[str, Any] = {"member": MANAGER, "partner": PARTNER, "thread": thread.thread, "clock": talking.clock}
        talking.writes(thread, OWNER, "One thing more")
        with refused(Conflict, "partner_wrote"):
            close_thread(talking.configuration, talking.conversations, seen=seen, **given)
        assert talking.stands(thread).waits_since == NOW
        after = close_thread(talking.configuration, talking.conversations, seen=seen + 1, **given)
        assert after.status is ThreadStatus.CLOSED

    def test_whoever_it_is_handed_to_is_told_of_the_next_message_at_once(self, talking: Talking) -> None:
        # given a message that a mail to come tells the one who answered until now
        thread = talking.opens()
        talking.later(minutes=2)
        talking.writes(thread)
        # when it is handed to a colleague, and the partner writes again before that mail
        given: dict[str, Any] = {"member": MANAGER, "partner": PARTNER, "thread": thread.thread, "clock": talking.clock}
        for _ in range(2):
            assign_thread(talking.configuration, talking.conversations, to=COLLEAGUE.member, **given)
            talking.later(minutes=1)
            talking.writes(thread)
        # then the colleague is told, and in the quarter after it by the mail at its end
        assert [(each.member, each.not_before or each.at) for each in talking.told(BRAND)] == [
            (MANAGER.member, NOW),
            (COLLEAGUE.member, NOW + timedelta(minutes=3)),
            (MANAGER.member, NOW + timedelta(minutes=15)),
            (COLLEAGUE.member, NOW + timedelta(minutes=18)),
        ]

    def test_the_manager_who_answered_anyway_has_no_mail_more_for_being_named(self, talking: Talking) -> None:
        thread = talking.opens()
        given: dict[str, Any] = {"member": COLLEAGUE, "partner": PARTNER, "thread": thread.thread}
        for to in (MANAGER.member, ""):
            assign_thread(talking.configuration, talking.conversations, to=to, clock=talking.clock, **given)
            talking.later(minutes=1)
            talking.writes(thread)
        assert [each.not_before for each in talking.told(BRAND)] == [None, NOW + timedelta(minutes=15)]

    def test_a_thread_is_assigned_to_staff_alone(self, talking: Talking) -> None:
        thread = talking.opens()
        for strange in (OWNER.member, FOREIGNER.member, "mem_nobody", "x" * 3000):
            with refused(Invalid, "not_of_staff"):
                assign_thread(talking.configuration, talking.conversations, member=MANAGER, partner=PARTNER,
                              thread=thread.thread, to=strange, clock=talking.clock)  # fmt: skip

    def test_read_state_is_kept_per_side(self, talking: Talking) -> None:
        thread = talking.opens()
        owner, manager = talking.reader(OWNER), talking.reader(MANAGER)
        assert (owner.unread(PARTNER), manager.unread(PARTNER)) == (0, 1)
        note_read(talking.conversations, talking.stands(thread), Side.STAFF)
        talking.writes(thread, MANAGER, "Yes")
        assert (owner.unread(PARTNER), manager.unread(PARTNER)) == (1, 0)
        [line] = manager.threads(PARTNER).items
        assert not line.read_by_other
        note_read(talking.conversations, talking.stands(thread), Side.PARTNER)
        [line] = manager.threads(PARTNER).items
        assert line.read_by_other and owner.unread(PARTNER) == 0


class TestReading:
    def test_an_inbox_is_paged_and_mine_are_those_i_answer(self, talking: Talking) -> None:
        # given threads of a partner of mine, of nobody's, and one that was given to me
        mine = [talking.opens(subject=f"Mine {number}") for number in range(3)]
        talking.later(minutes=1)
        others = [talking.opens(STRANGER, OTHER, subject=f"Other {number}") for number in range(3)]
        assign_thread(talking.configuration, talking.conversations, member=MANAGER, partner=OTHER,
                      thread=others[1].thread, to=MANAGER.member, clock=talking.clock)  # fmt: skip
        talking.writes(mine[2], MANAGER, "Answered")
        close_thread(talking.configuration, talking.conversations, member=MANAGER, partner=PARTNER,
                     thread=mine[1].thread, clock=talking.clock)  # fmt: skip

        def read(**wanted: Any) -> list[str]:
            found, cursor = [], None
            while True:
                page = talking.reader(MANAGER).inbox(cursor=cursor, **wanted)
                found += [each.subject for each in page.items]
                cursor = page.cursor
                if cursor is None:
                    return found

        for limit in (1, 2, 50):
            assert read(mine=True, state=ThreadStatus.OPEN, limit=limit) == ["Mine 0", "Other 1", "Mine 2"]
            assert sorted(read(mine=False, state=ThreadStatus.OPEN, limit=limit)[:4]) == [
                "Mine 0", "Other 0", "Other 1", "Other 2"
            ]  # fmt: skip
            assert read(mine=False, state=ThreadStatus.CLOSED, limit=limit) == ["Mine 1"]

    def test_what_is_answered_while_an_inbox_is_looked_at_hides_nobody_who_waits(
        self, talking: Talking, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # given three that wait, of whom the first is answered after the index was read, and before it was read itself
        threads = []
        for number in range(3):
            threads.append(talking.opens(subject=f"Number {number}"))
            talking.later(minutes=1)
        read = owned_module.batch_get

        def late(*asked: Any) -> Any:
            monkeypatch.setattr(owned_module, "batch_get", read)
            talking.writes(threads[0], MANAGER, "Answered")
            return read(*asked)

        monkeypatch.setattr(owned_module, "batch_get", late)
        reader = talking.reader(MANAGER)
        first = reader.inbox(mine=True, state=ThreadStatus.OPEN, limit=1)
        # when the next page is asked for
        second = reader.inbox(mine=True, state=ThreadStatus.OPEN, cursor=first.cursor, limit=2)
        # then it goes on behind the place where the first stood
        assert [each.subject for each in (*first.items, *second.items)] == ["Number 0", "Number 1", "Number 2"]

    def test_threads_of_a_partner_are_paged_and_open_ones_come_first(self, talking: Talking) -> None:
        threads = []
        for number in range(4):
            threads.append(talking.opens(subject=f"Number {number}"))
            talking.later(minutes=1)
        close_thread(talking.configuration, talking.conversations, member=MANAGER, partner=PARTNER,
                     thread=threads[3].thread, clock=talking.clock)  # fmt: skip
        first = talking.reader(OWNER).threads(PARTNER, limit=3)
        rest = talking.reader(OWNER).threads(PARTNER, first.cursor, limit=3)
        assert [each.subject for each in (*first.items, *rest.items)] == [
            "Number 2", "Number 1", "Number 0", "Number 3"
        ]  # fmt: skip
        assert rest.cursor is None and first.items[0].answers == "Mem_Manager"

    @pytest.mark.parametrize("limit", [1, 2, 3, 50])
    def test_messages_are_paged_without_a_trace_of_notes(self, talking: Talking, limit: int) -> None:
        thread = talking.opens(text="Number 1")
        for number in range(2, 12):
            talking.writes(thread, MANAGER, f"Number {number}", note=number % 3 == 0)
        for member, expected in ((OWNER, 8), (MANAGER, 11)):
            found, before = [], None
            while True:
                _, page = talking.reader(member).conversation(PARTNER, thread.thread, before, limit)
                assert 0 < len(page.messages) <= limit, "no page is empty: it would say that notes are there"
                found = [*page.messages, *found]
                before = page.earlier
                if before is None:
                    break
            texts = [each.text for each in found]
            assert len(texts) == expected and texts == sorted(texts, key=lambda text: int(text.split()[1]))

    def test_no_place_to_go_on_from_is_longer_for_notes(self, talking: Talking) -> None:
        plain, noted = talking.opens(), talking.opens(subject="With notes")
        for _ in range(12):
            talking.writes(noted, MANAGER, "Noted", note=True)
        places = []
        for thread in (plain, noted):
            talking.writes(thread, OWNER)
            _, page = talking.reader(OWNER).conversation(PARTNER, thread.thread, limit=1)
            places.append(page.earlier or "")
        assert [len(each) for each in places] == [6, 6]

    def test_many_notes_between_two_messages_are_read_in_a_few_queries(
        self, talking: Talking, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        thread = talking.opens()
        for _ in range(40):
            talking.writes(thread, MANAGER, "Noted", note=True)
        asked: list[int] = []
        read = Conversations.messages

        def messages(self: Conversations, partner: str, thread: str, before: int | None = None, limit: int = 50) -> Any:
            asked.append(limit)
            return read(self, partner, thread, before, limit)

        monkeypatch.setattr(Conversations, "messages", messages)
        _, page = talking.reader(OWNER).conversation(PARTNER, thread.thread, limit=1)
        assert ([each.text for each in page.messages], page.earlier) == (["May I use the old ones?"], None)
        assert len(asked) == 2


class TestSavedAnswers:
    def test_it_greets_whoever_of_the_partner_asked_last_and_never_a_colleague(self, talking: Talking) -> None:
        thread = talking.opens(MANAGER)
        reader = talking.reader(MANAGER)
        assert reader.asks(talking.stands(thread)) == ""
        talking.writes(thread, OWNER, "I have a question")
        talking.writes(thread, MANAGER, "Which?")
        talking.writes(thread, MANAGER, "He never says", note=True)
        assert reader.asks(talking.stands(thread)) == "Mem_Owner"

    def test_one_that_fits_into_no_message_is_not_saved(self, talking: Talking) -> None:
        long = a_text("Long", *["x" * 1_900] * 3)
        with refused(Invalid, "text_too_long"):
            save_answer(talking.conversations, member=MANAGER, text=long, **talking.made)
        saved = save_answer(talking.conversations, member=MANAGER, text=a_text("A", "B"), **talking.made)
        with refused(Invalid, "text_too_long"):
            change_answer(talking.conversations, member=MANAGER, answer=saved.answer, text=long, version=1,
                          clock=talking.clock)  # fmt: skip

    def test_answers_are_saved_changed_and_removed_by_managers(self, talking: Talking) -> None:
        made: dict[str, Any] = {"clock": talking.clock}
        text = MailText({"en": Words("Thanks", ("Thank you, {name}.",)), "pl": Words("Dzięki", ("Dziękuję, {name}.",))})
        saved = save_answer(talking.conversations, member=MANAGER, text=text, request="k", **talking.made)
        assert save_answer(talking.conversations, member=MANAGER, text=text, request="k", **talking.made) == saved
        values = values_for(talking.configuration, talking.configuration.brand(BRAND), talking.partner, "Ann {brand}")
        assert saved.text.words("pl").filled(values).paragraphs == ("Dziękuję, Ann {brand}.",)
        assert (values["manager"], values["portal"]) == ("Mem_Manager", f"https://{BRAND.replace('_', '-')}.example")

        changed = change_answer(talking.conversations, member=MANAGER, answer=saved.answer, text=a_text("A", "B"),
                                version=1, **made)  # fmt: skip
        with refused(Conflict, "answer_changed"):
            change_answer(talking.conversations, member=MANAGER, answer=saved.answer, text=a_text("C", "D"), version=1,
                          **made)  # fmt: skip
        assert talking.conversations.saved_answers(BRAND) == (changed,)
        remove_answer(talking.conversations, member=MANAGER, answer=saved.answer, **made)
        with pytest.raises(NotFound):
            remove_answer(talking.conversations, member=MANAGER, answer=saved.answer, **made)
        actions = sorted(action for action, _ in talking.recorded(saved.answer))
        assert actions == ["change_answer", "remove_answer", "save_answer"]

    def test_whoever_may_not_save_is_told_so_and_so_is_a_text_that_cannot_be(self, talking: Talking) -> None:
        with refused(Forbidden, "not_your_role"):
            save_answer(talking.conversations, member=SALES, text=a_text("A", "B"), **talking.made)
        for paragraph, code in (
            ("{ftd_30}", "placeholder_not_here"), ("{{x}}", "unknown_placeholder"), ("{secret}", "unknown_placeholder"),
            ("", "paragraphs_missing"),
        ):  # fmt: skip
            with refused(Invalid, code):
                save_answer(talking.conversations, member=MANAGER, text=a_text("A", paragraph), **talking.made)


class TestAnnouncements:
    def announces(self, talking: Talking, **other: Any) -> Any:
        given: dict[str, Any] = {"member": MANAGER, "text": a_text("News", "To {partner}.")} | other
        return announce(talking.configuration, talking.announcements, talking.results, **given, **talking.made)

    def shown(self, talking: Talking, member: Member = OWNER) -> list[tuple[str, bool]]:
        partner = talking.configuration.partner(member.partner or "")
        found = announcements_for(talking.announcements, talking.results, member, partner, talking.now)
        return [(each.announcement.announcement, each.unread) for each in found]

    def test_an_announcement_is_for_those_whom_its_conditions_name(self, talking: Talking) -> None:
        everybody = self.announces(talking).announcement
        talking.later(minutes=1)
        thai = self.announces(talking, countries=["th"], kinds=["ib"]).announcement
        talking.later(minutes=1)
        mine = self.announces(talking, manager=MANAGER.member).announcement
        assert self.shown(talking) == [(mine, True), (everybody, True)]
        assert self.shown(talking, STRANGER) == [(thai, True), (everybody, True)]
        with pytest.raises(NotFound):
            read_announcement(talking.announcements, talking.results, OWNER, talking.partner, thai, talking.now)

    def test_a_segment_says_for_whom_as_it_was_when_it_was_chosen(self, talking: Talking) -> None:
        # given a segment of partners with three first deposits, and one partner who brought them
        chosen = segment_of("all", [{"field": "ftd_30", "operator": "at_least", "values": ["3"]}])
        saved = SavedSegment(segment="seg_1", brand=BRAND, name="Lively", owner=MANAGER.member, shared=True,
                             chosen=chosen, changed_at=NOW, changed_by=MANAGER.member)  # fmt: skip
        with refused(Invalid, "nobody_reached"):
            self.announces(talking, segment=saved)
        talking.results.put(BRAND, ResultLine(partner=PARTNER, day="2026-10-05", ftd_30=3))

        made = self.announces(talking, segment=saved)

        assert self.shown(talking) == [(made.announcement, True)] and self.shown(talking, STRANGER) == []
        assert talking.announcements.announcement(BRAND, made.announcement).reach.segment == chosen
        assert spread_of(talking.configuration, talking.announcements, talking.results, made, NOW).partners == 1

    def test_who_has_read_it_is_known_once_and_it_ends(self, talking: Talking) -> None:
        made = self.announces(talking, through="2026-10-07")
        assert note_announcement_read(talking.announcements, OWNER, talking.partner, made.announcement, talking.clock)
        assert not note_announcement_read(
            talking.announcements, OWNER, talking.partner, made.announcement, talking.clock
        )
        assert self.shown(talking) == [(made.announcement, False)]
        assert self.shown(talking, STRANGER) == [(made.announcement, True)]
        spread = spread_of(talking.configuration, talking.announcements, talking.results, made, talking.now)
        assert (spread.partners, spread.have_read, spread.people) == (2, 1, 1)
        talking.later(days=3)
        assert self.shown(talking) == []

    def test_what_is_shown_stays_shown_however_much_is_announced_after_it(self, talking: Talking) -> None:
        # given something for a year, and after it more than one page of a table holds
        first = self.announces(talking, through="2027-10-01").announcement
        long = MailText({code: Words("News", ("x" * 2_000,) * 16) for code in ("en", "ru", "ar", "pl", "es", "th")})
        for _ in range(6):
            talking.later(minutes=1)
            self.announces(talking, text=long)
        assert len(talking.announcements.of_brand(BRAND).items) < 7, "one page does not hold them"
        # then all of it is shown, and in half a year what was announced for so long
        assert len(self.shown(talking)) == 7 and self.shown(talking)[-1] == (first, True)
        talking.later(days=180)
        assert self.shown(talking) == [(first, True)]

    def test_more_than_a_hundred_newer_ones_hide_nothing(self, talking: Talking) -> None:
        first = self.announces(talking, through="2027-10-01").announcement
        for _ in range(100):
            talking.later(minutes=1)
            self.announces(talking)
        assert self.shown(talking)[-1] == (first, True)

    def test_what_has_ended_by_its_age_is_not_read_again(
        self, talking: Talking, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.announces(talking)
        talking.later(days=MOST_DAYS + 1)
        for _ in range(READ_AT_ONCE):
            self.announces(talking)
            talking.later(minutes=1)
        asked, read = [], Announcements.of_brand

        def of_brand(self: Announcements, brand: str, cursor: str | None = None, limit: int = 50) -> Any:
            asked.append(cursor)
            return read(self, brand, cursor, limit)

        monkeypatch.setattr(Announcements, "of_brand", of_brand)
        assert len(self.shown(talking)) == READ_AT_ONCE and len(asked) == 2
        talking.later(days=MOST_DAYS + 1)
        asked.clear()
        assert self.shown(talking) == [] and len(asked) == 1

    def test_it_is_announced_once_and_taken_back_once(self, talking: Talking) -> None:
        made = self.announces(talking, request="k")
        talking.later(minutes=5)
        assert self.announces(talking, request="k") == made
        with refused(Conflict, "idempotency_key_reused"):
            self.announces(talking, request="k", text=a_text("Other", "Text"))
        back: dict[str, Any] = {"member": COLLEAGUE, "announcement": made.announcement, "why": "A slip in it"}
        back["clock"] = talking.clock
        gone = withdraw_announcement(talking.announcements, **back)
        assert withdraw_announcement(talking.announcements, **back) == gone and gone.withdrawn is not None
        assert self.shown(talking) == []
        assert [action for action, _ in talking.recorded(made.announcement)] == ["withdraw_announcement", "announce"]

    @pytest.mark.parametrize(
        ("other", "code"),
        [
            ({"kinds": ["friend"]}, "invalid_kind"),
            ({"countries": ["Poland"]}, "invalid_country"),
            ({"countries": ["XX"]}, "nobody_reached"),
            ({"manager": OWNER.member}, "not_of_staff"),
            ({"through": "2026-10-04"}, "invalid_through"),
            ({"through": "2026-02-31"}, "invalid_through"),
            ({"through": "soon"}, "invalid_through"),
            ({"text": a_text("News", "")}, "paragraphs_missing"),
        ],
    )
    def test_what_cannot_be_announced_is_told_why(self, talking: Talking, other: dict[str, Any], code: str) -> None:
        with refused(Invalid, code):
            self.announces(talking, **other)

    def test_only_managers_and_admins_announce(self, talking: Talking) -> None:
        with refused(Forbidden, "not_your_role"):
            self.announces(talking, member=SALES)
