"""Segments and broadcasts from the draft to the report, on real tables: one mail per person, whatever happens."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.broadcast import (
    APPROVE_ABOVE,
    GREW,
    NOBODY,
    PAGE,
    Broadcast,
    BroadcastStatus,
    Channel,
    Recipient,
    stop_name,
)
from introducer.domain.configuration import Role
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.domain.events import milliseconds
from introducer.domain.mail import UNSUBSCRIBED, MailStatus, Seen
from introducer.domain.mail_pace import slow_rate
from introducer.domain.results import ResultLine
from introducer.domain.segment import segment_of
from introducer.locale import language
from introducer.services.count_segment import count_segment
from introducer.services.decide_broadcast import (
    approve_broadcast,
    set_broadcast_policy,
    stop_broadcast,
    take_back_broadcast,
)
from introducer.services.draft_broadcast import Draft, change_broadcast, draft_broadcast
from introducer.services.freeze_broadcast import freeze_broadcast
from introducer.services.preview_broadcast import preview_broadcast
from introducer.services.read_broadcasts import read_report
from introducer.services.read_segments import read_segments, segment_for
from introducer.services.save_segment import change_segment, delete_segment, save_segment
from introducer.services.send_broadcast import Sender
from introducer.services.send_mail import fill_in
from introducer.services.sweep_broadcasts import STOPPED, sweep_broadcasts
from introducer.services.take_back_mails import take_back_mails
from introducer.store.paces import Known
from introducer.wording.mails.telling import Reader
from tests.conftest import Tables
from tests.support.broadcasting import ADMIN, BRAND, CHECKER, MAKER, NOW, TEXT, Broadcasting, a_person

pytestmark = pytest.mark.in_memory

POLISH = segment_of("all", [{"field": "country", "operator": "is", "value": "PL"}])
BUSY = segment_of("all", [{"field": "ftd_30", "operator": "at_least", "value": 3}])


@pytest.fixture
def world(tables: Tables) -> Broadcasting:
    return Broadcasting(tables.books, 3)


# ------------------------------------------------------------------------------------------------------------ segments


@pytest.mark.pattern("segments_of_brand")
@pytest.mark.pattern("segment_by_id")
def test_a_segment_is_saved_shared_changed_and_deleted(world: Broadcasting) -> None:
    segments = world.books.segments
    # given one that its owner keeps for herself
    saved = save_segment(segments, member=MAKER, name=" Poland ", shared=False, chosen=POLISH, now=NOW, request="r1")
    again = save_segment(segments, member=MAKER, name="Poland", shared=False, chosen=POLISH, now=NOW, request="r1")
    assert saved == again and saved.name == "Poland"
    assert read_segments(segments, member=MAKER) == [saved]
    assert read_segments(segments, member=CHECKER) == []
    with pytest.raises(NotFound):
        segment_for(segments, member=CHECKER, segment=saved.segment)

    # when she shares it
    shared = change_segment(segments, member=MAKER, segment=saved.segment, version=0, name="Poland", shared=True,
                            chosen=BUSY, now=NOW)  # fmt: skip

    # then colleagues use it and leave it as it is, an admin may change it, and nobody of another brand knows it
    assert segment_for(segments, member=CHECKER, segment=saved.segment).chosen == BUSY
    with pytest.raises(Forbidden):
        delete_segment(segments, member=CHECKER, segment=saved.segment, version=1, now=NOW)
    with pytest.raises(Conflict):
        delete_segment(segments, member=MAKER, segment=saved.segment, version=0, now=NOW)
    with pytest.raises(NotFound):
        segment_for(segments, member=a_person(brand="brd_other"), segment=saved.segment)
    with pytest.raises(Forbidden):
        save_segment(segments, member=a_person(Role.FINANCE), name="x", shared=False, chosen=BUSY, now=NOW)
    delete_segment(segments, member=ADMIN, segment=saved.segment, version=shared.version, now=NOW)
    assert read_segments(segments, member=MAKER) == []
    trail = world.books.configuration.audit_of_subject(saved.segment).items
    assert {each.action for each in trail} == {"save_segment", "change_segment", "delete_segment"}


def test_a_segment_is_counted_by_two_queries(world: Broadcasting, tables: Tables) -> None:
    world.partner("par_de", country="DE")
    world.books.results.put(BRAND, ResultLine(partner="par_001", day="2026-11-28", ftd_30=5))
    counted = count_segment(world.books.configuration, world.books.results, brand=BRAND, segment=POLISH, now=NOW)
    assert (counted.partners, counted.of, counted.oldest) == (3, 4, "2026-11-28")
    busy = count_segment(world.books.configuration, world.books.results, brand=BRAND, segment=BUSY, now=NOW)
    assert [card.partner for card in busy.some] == ["par_001"]


# ------------------------------------------------------------------------------------------------------------ drafting


@pytest.mark.pattern("broadcast_by_id")
@pytest.mark.pattern("broadcasts_of_brand")
@pytest.mark.pattern("recipients_of_broadcast")
@pytest.mark.pattern("recipients_of_page")
def test_a_broadcast_goes_from_its_draft_to_every_owner_once(world: Broadcasting) -> None:
    # given partners of whom one has two owners, and one has none
    world.partner("par_two", owners=2)
    world.partner("par_none", owners=0)
    broadcast = world.begun(segment=POLISH, path="/links")
    assert (broadcast.status, broadcast.recipients, broadcast.skipped) == (BroadcastStatus.SENDING, 5, 1)
    assert len(world.books.broadcasts.page(broadcast, 0)) == 5
    assert list(world.books.broadcasts.recipients(broadcast)) == list(world.books.broadcasts.page(broadcast, 0))

    # when it is sent
    done = world.sends(broadcast)

    # then every owner has one mail, counted with the broadcast, with its permit and its partner's figures
    assert (done.status, done.handed, done.ended_by) == (BroadcastStatus.DONE, 5, "")
    mails = world.mails("par_000", "par_001", "par_002", "par_two", "par_none")
    assert Counter(mail.partner for mail in mails) == {"par_000": 1, "par_001": 1, "par_002": 1, "par_two": 2}
    assert {mail.series for mail in mails} == {f"brc:{broadcast.broadcast}"}
    assert all(mail.permitted and mail.status is MailStatus.WAITING for mail in mails)
    assert mails[0].values["fills"] == {"ftd_30": 0, "manager": "Northgate"}
    assert world.books.texts.text(BRAND, str(mails[0].values["text"])) == TEXT
    assert [each.broadcast for each in world.books.broadcasts.of_brand(BRAND).items] == [broadcast.broadcast]
    assert len(world.started) == 1 and world.started[0].startswith(broadcast.broadcast)
    # and who becomes an owner later is not among them
    world.member("par_000", "mem_late", Role.OWNER)
    assert world.sends(done) == done and len(world.mails("par_000")) == 1


def test_a_draft_is_made_once_and_changed_under_its_version(world: Broadcasting) -> None:
    draft = Draft(name="News", text=TEXT, segment=POLISH)
    one, again = (draft_broadcast(world.books, member=MAKER, draft=draft, now=NOW, request="r") for _ in range(2))
    assert one == again
    other = replace(draft, name="Other")
    changed = change_broadcast(world.books, member=CHECKER, broadcast=one.broadcast, version=0, draft=other, now=NOW)
    assert (changed.name, changed.writers) == ("Other", ("mem_maker", "mem_checker"))
    with pytest.raises(Conflict) as refused:
        change_broadcast(world.books, member=MAKER, broadcast=one.broadcast, version=0, draft=draft, now=NOW)
    assert refused.value.code == "broadcast_changed"


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"path": "//evil.example"}, "invalid_path"),
        ({"path": "https://evil.example"}, "invalid_path"),
        ({"name": " "}, "name_length"),
        ({"send_at": NOW - timedelta(hours=1)}, "moment_over"),
        ({"send_at": NOW + timedelta(days=91)}, "moment_too_far"),
    ],
)
def test_a_draft_that_cannot_be_sent_is_refused(world: Broadcasting, other: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        world.drafts(**other)
    assert refused.value.code == code


def test_only_managers_and_admins_write_and_only_in_their_brand(world: Broadcasting) -> None:
    broadcast = world.drafts()
    for role in (Role.FINANCE, Role.SALES, Role.COMPLIANCE):
        with pytest.raises(Forbidden):
            world.submits(broadcast, a_person(role, "mem_other"))
        with pytest.raises(Forbidden):
            stop_broadcast(
                world.books, world.start, member=a_person(role), broadcast=broadcast.broadcast, why="no", now=NOW
            )
    stranger = a_person(member="mem_stranger", brand="brd_other")
    for step in (world.submits, world.approves):
        with pytest.raises(NotFound):
            step(broadcast, stranger)


def test_a_repeated_request_gets_its_own_draft_and_no_other(world: Broadcasting) -> None:
    draft = Draft(name="One", text=TEXT, segment=POLISH)

    def drafts(draft: Draft, seconds: int = 0) -> Broadcast:
        at = NOW + timedelta(seconds=seconds)
        return draft_broadcast(world.books, member=MAKER, draft=draft, now=at, request="r1")

    first = drafts(draft)
    assert drafts(draft, 5) == first
    for other in (replace(draft, name="Two"), replace(draft, segment=BUSY), replace(draft, path="/deal")):
        with pytest.raises(Conflict) as refused:
            drafts(other, 9)
        assert refused.value.code == "idempotency_key_reused"


def test_a_request_that_comes_again_gets_its_draft_as_it_was_changed_since(world: Broadcasting) -> None:
    draft = Draft(name="One", text=TEXT, segment=POLISH)
    first = draft_broadcast(world.books, member=MAKER, draft=draft, now=NOW, request="r1")
    changed = change_broadcast(world.books, member=MAKER, broadcast=first.broadcast, version=0,
                               draft=replace(draft, name="Two"), now=NOW)  # fmt: skip
    assert draft_broadcast(world.books, member=MAKER, draft=draft, now=NOW, request="r1") == changed


# ------------------------------------------------------------------------------------------------------------ approval


@pytest.mark.pattern("broadcast_policy_of_brand")
def test_above_so_many_people_a_second_person_approves(world: Broadcasting) -> None:
    # given a brand where one person may write to two
    assert world.books.broadcasts.approve_above(BRAND) == APPROVE_ABOVE
    with pytest.raises(Forbidden):
        set_broadcast_policy(world.books, member=MAKER, people=2, now=NOW)
    assert set_broadcast_policy(world.books, member=ADMIN, people=2, now=NOW) == 2

    # when one to three is submitted
    waiting = world.submits(world.drafts())

    # then it waits, and nobody who wrote on it approves it
    assert (waiting.status, waiting.people, waiting.limit) == (BroadcastStatus.WAITING, 3, 2)
    assert world.started == []
    with pytest.raises(Forbidden) as refused:
        world.approves(waiting, MAKER)
    assert refused.value.code == "same_person"
    with pytest.raises(Conflict):
        freeze_broadcast(world.books, broadcast=waiting.broadcast, now=NOW)
    approved = world.approves(waiting)
    assert (approved.status, approved.approved_by) == (BroadcastStatus.SCHEDULED, "mem_checker")
    # and whoever repeats it sees that its execution runs
    assert world.approves(waiting) == approved and len(set(world.started)) == 1


def test_nobody_edits_what_was_approved_or_approves_what_they_edited(world: Broadcasting) -> None:
    # given one that a second person has approved
    set_broadcast_policy(world.books, member=ADMIN, people=2, now=NOW)
    approved = world.approves(world.submits(world.drafts(send_at=NOW + timedelta(hours=2))))
    given: dict[str, Any] = {"broadcast": approved.broadcast, "now": NOW}
    other = Draft(name="Other words", text=TEXT, segment=POLISH)
    # then its words are as they were approved, whoever tries
    for member in (MAKER, CHECKER, ADMIN):
        with pytest.raises(Conflict) as refused:
            change_broadcast(world.books, member=member, version=approved.version, draft=other, **given)
        assert refused.value.code == "not_a_draft"
    # when the second person takes it back and edits it
    draft = take_back_broadcast(world.books, member=CHECKER, version=approved.version, **given)
    edited = change_broadcast(world.books, member=CHECKER, version=draft.version, draft=other, **given)
    waiting = world.submits(edited)
    # then a third one is needed
    assert (waiting.status, waiting.approved_by) == (BroadcastStatus.WAITING, "")
    for member in (MAKER, CHECKER):
        with pytest.raises(Forbidden):
            world.approves(waiting, member)
    assert world.approves(waiting, ADMIN).status is BroadcastStatus.SCHEDULED
    # and of two who approve what was read before, none does
    with pytest.raises(Conflict):
        world.approves(waiting, a_person(member="mem_fourth"))


def test_whoever_is_frozen_gets_it_though_they_fit_no_more(world: Broadcasting) -> None:
    # given a broadcast to those that brought three
    world.books.results.put(BRAND, ResultLine(partner="par_000", day="2026-11-28", ftd_30=5))
    world.books.results.put(BRAND, ResultLine(partner="par_001", day="2026-11-28", ftd_30=4))
    broadcast = world.begun(segment=BUSY)
    # when one brings less by the time its turn comes, and another more
    world.books.results.put(BRAND, ResultLine(partner="par_000", day="2026-11-29", ftd_30=0))
    world.books.results.put(BRAND, ResultLine(partner="par_002", day="2026-11-29", ftd_30=9))
    done = world.sends(broadcast)
    # then it goes to whom it was frozen for, with the figures of now
    mails = world.mails("par_000", "par_001", "par_002")
    assert [(mail.partner, mail.values["fills"]) for mail in mails] == [
        ("par_000", {"ftd_30": 0, "manager": "Northgate"}), ("par_001", {"ftd_30": 4, "manager": "Northgate"}),
    ]  # fmt: skip
    assert (done.recipients, done.handed) == (2, 2)


def test_one_to_few_needs_no_second_person(world: Broadcasting) -> None:
    assert world.submits(world.drafts()).status is BroadcastStatus.SCHEDULED


def test_of_as_many_partners_as_one_person_may_write_to_the_people_are_counted(world: Broadcasting) -> None:
    # given three partners, of whom one has two owners, where one person may write to three
    set_broadcast_policy(world.books, member=ADMIN, people=3, now=NOW)
    world.member("par_000", "mem_second", Role.OWNER)
    waiting = world.submits(world.drafts())
    assert (waiting.status, waiting.people) == (BroadcastStatus.WAITING, 4)


def test_one_that_would_go_to_more_than_one_person_may_write_to_stops_by_itself(world: Broadcasting) -> None:
    set_broadcast_policy(world.books, member=ADMIN, people=3, now=NOW)
    scheduled = world.submits(world.drafts())
    world.partner("par_new")
    grown = freeze_broadcast(world.books, broadcast=scheduled.broadcast, now=NOW)
    assert (grown.status, grown.why_ended, grown.people) == (BroadcastStatus.STOPPED, GREW, 4)
    assert world.mails("par_new") == []


def test_what_was_approved_is_not_sent_to_many_more(world: Broadcasting) -> None:
    # given one to three that a second person has approved, where one person may write to two
    set_broadcast_policy(world.books, member=ADMIN, people=2, now=NOW)
    first, second = (world.approves(world.submits(world.drafts())) for _ in range(2))
    # when as many come as one person might have written to
    for number in range(2):
        world.partner(f"par_new_{number}")
    # then it goes out
    assert freeze_broadcast(world.books, broadcast=first.broadcast, now=NOW).status is BroadcastStatus.SENDING
    # and with one more it stops by itself
    world.partner("par_one_more")
    grown = freeze_broadcast(world.books, broadcast=second.broadcast, now=NOW)
    assert (grown.status, grown.why_ended, grown.people) == (BroadcastStatus.STOPPED, GREW, 6)
    assert world.mails("par_000") == []


def test_one_that_nobody_fits_is_not_submitted_and_stops_when_nobody_fits_any_more(world: Broadcasting) -> None:
    with pytest.raises(Invalid):
        world.submits(world.drafts(segment=BUSY))
    world.books.results.put(BRAND, ResultLine(partner="par_001", day="2026-11-28", ftd_30=5))
    scheduled = world.submits(world.drafts(segment=BUSY, name="Again"))
    world.books.results.put(BRAND, ResultLine(partner="par_001", day="2026-11-29", ftd_30=0))
    frozen = freeze_broadcast(world.books, broadcast=scheduled.broadcast, now=NOW)
    assert (frozen.status, frozen.why_ended) == (BroadcastStatus.STOPPED, NOBODY)


def test_what_was_taken_back_is_approved_anew(world: Broadcasting) -> None:
    scheduled = world.submits(world.drafts(send_at=NOW + timedelta(hours=2)))
    draft = take_back_broadcast(
        world.books, member=CHECKER, broadcast=scheduled.broadcast, version=scheduled.version, now=NOW
    )
    assert (draft.status, draft.submitted_at, draft.approved_by) == (BroadcastStatus.DRAFT, None, "")
    with pytest.raises(Conflict):
        approve_broadcast(world.books, world.start, member=CHECKER, broadcast=draft.broadcast, version=draft.version,
                          now=NOW)  # fmt: skip


# ------------------------------------------------------------------------------------------------- once, whatever comes


class Cut(Exception):
    """The process ended here."""


@pytest.mark.parametrize("lost", [False, True], ids=["before it is written", "when its answer is lost"])
def test_a_crash_at_any_write_leaves_one_mail_per_person(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    world = Broadcasting(tables.books, 6)
    world.books.paces.keep_rate(Known(3, milliseconds(NOW)))
    mails, broadcasts = world.books.mails, world.books.broadcasts
    put_all, advance = mails.put_all, broadcasts.advance
    writes = 0

    def cut(write: Any) -> Any:
        def written(*given: Any) -> Any:
            nonlocal writes
            writes += 1
            if writes == at and not lost:
                raise Cut
            answer = write(*given)
            if writes == at:
                raise Cut
            return answer

        return written

    monkeypatch.setattr(mails, "put_all", cut(put_all))
    monkeypatch.setattr(broadcasts, "advance", cut(advance))
    # given a broadcast of three batches, of which each writes twice, for each of those writes
    for at in range(1, 7):
        broadcast, writes = world.begun(name=f"Crash {at}"), 0
        world.now += timedelta(minutes=1)
        # when it ends there, and another goes on
        with pytest.raises(Cut):
            world.sends(broadcast)
        done = world.sends(broadcast)
        # then everybody has one mail
        assert (done.status, done.handed) == (BroadcastStatus.DONE, 6)
        told = [each for each in world.mails(*(f"par_{n:03d}" for n in range(6))) if each.series == broadcast.series]
        assert sorted(each.partner for each in told) == [f"par_{n:03d}" for n in range(6)]
    assert writes >= 6


def test_two_who_send_at_once_leave_one_mail_per_person(world: Broadcasting, monkeypatch: pytest.MonkeyPatch) -> None:
    broadcast = world.begun()
    put_all, advance, other = world.books.mails.put_all, world.books.broadcasts.advance, world.sender()

    def meets(mails: Any) -> None:
        put_all(mails)
        monkeypatch.setattr(world.books.mails, "put_all", put_all)
        # before it says how far it is, another does the same
        world.sleep(1)
        other.send(broadcast.broadcast, 2)

    monkeypatch.setattr(world.books.mails, "put_all", meets)
    done = world.sends(broadcast)
    assert (done.status, done.handed) == (BroadcastStatus.DONE, 3) and advance
    assert [len(world.mails(f"par_{n:03d}")) for n in range(3)] == [1, 1, 1]


def test_a_freezing_that_was_cut_off_counts_nobody_twice(world: Broadcasting, monkeypatch: pytest.MonkeyPatch) -> None:
    scheduled = world.submits(world.drafts())
    move = world.books.broadcasts.move
    with monkeypatch.context() as patch:
        patch.setattr(world.books.broadcasts, "move", lambda *given: (_ for _ in ()).throw(Cut))
        with pytest.raises(Cut):
            freeze_broadcast(world.books, broadcast=scheduled.broadcast, now=NOW)
    assert move
    world.partner("par_003")
    frozen = freeze_broadcast(world.books, broadcast=scheduled.broadcast, now=NOW + timedelta(seconds=5))
    assert frozen.recipients == len(list(world.books.broadcasts.recipients(frozen))) == 4
    # and frozen is frozen
    assert freeze_broadcast(world.books, broadcast=scheduled.broadcast, now=NOW + timedelta(days=1)) == frozen


def test_a_stop_takes_effect_within_a_batch(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Broadcasting(tables.books, 20)
    world.books.paces.keep_rate(Known(5, milliseconds(NOW)))
    broadcast = world.begun()
    batches: list[int] = []
    put_all = world.books.mails.put_all

    def stops_in_the_second(mails: Any) -> None:
        batches.append(len(mails))
        if len(batches) == 2:
            stop_broadcast(
                world.books, world.start, member=CHECKER, broadcast=broadcast.broadcast, why="wrong link", now=world.now
            )
        put_all(mails)

    monkeypatch.setattr(world.books.mails, "put_all", stops_in_the_second)
    after = world.sends(broadcast)
    assert (after.status, after.ended_by, after.why_ended) == (BroadcastStatus.STOPPED, "mem_checker", "wrong link")
    # then the batch that was under way is the last one, and the report counts what it put
    assert len(batches) == 2 and max(batches) <= slow_rate(5)
    report = read_report(world.books, after)
    assert (report.waiting, report.left, report.recipients) == (sum(batches), 20 - sum(batches), 20)
    with pytest.raises(Conflict):
        stop_broadcast(
            world.books, world.start, member=CHECKER, broadcast=broadcast.broadcast, why="again", now=world.now
        )


def test_what_waits_for_the_morning_is_taken_back_when_it_is_stopped(world: Broadcasting) -> None:
    # given a broadcast that was handed over at night: one is sent, the others wait for the morning
    done = world.sends(world.begun())
    mails = world.books.mails
    [sent] = world.mails("par_000")
    mails.sent(mails.mark(sent, MailStatus.SENDING, NOW), "m-1", NOW)
    [night] = world.mails("par_001")
    mails.postpone(night, NOW + timedelta(hours=9))

    # when somebody stops it, and its execution takes them back, twice
    given: dict[str, Any] = {"member": CHECKER, "broadcast": done.broadcast, "why": "wrong link", "now": world.now}
    stopped = stop_broadcast(world.books, world.start, **given)
    assert stop_broadcast(world.books, world.start, **given) == stopped
    assert world.started[-1].endswith("-stop")
    taken = [take_back_mails(world.books, broadcast=done.broadcast, now=world.now) for _ in range(2)]
    assert taken == [(2, True), (0, True)]

    # then nobody else gets it, and the report says so
    report = read_report(world.books, stopped)
    assert (report.sent, report.taken_back, report.suppressed, report.waiting) == (1, 2, 0, 0)
    assert mails.due(BRAND, NOW + timedelta(days=1)).items == ()


@pytest.mark.parametrize(
    ("change", "walked"),
    [
        ({}, True),
        ({"ended_at": NOW + timedelta(seconds=1) - STOPPED}, True),
        ({"ended_at": NOW - STOPPED}, False),
        ({"ended_at": None}, False),
        ({"edition": ""}, False),
        ({"channel": Channel.BOTH}, True),
        ({"channel": Channel.PORTAL}, False),
        ({"status": BroadcastStatus.DONE}, False),
        ({"status": BroadcastStatus.WAITING}, False),
        ({"status": BroadcastStatus.DRAFT}, False),
    ],
)
def test_the_sweep_takes_back_what_may_wait_of_those_that_were_stopped_lately(
    world: Broadcasting, change: dict[str, Any], walked: bool
) -> None:
    stopped = {"status": BroadcastStatus.STOPPED, "ended_at": NOW, "ended_by": "mem_checker", "why_ended": "wrong"}
    found = world.becomes(world.begun(), **stopped | change)
    world.started.clear()
    assert sweep_broadcasts(world.books, world.start, now=NOW) == walked
    assert world.started == ([stop_name(found)] if walked else [])


# -------------------------------------------------------------------------------------------------------------- report


def test_the_report_has_every_recipient_in_exactly_one_row(world: Broadcasting) -> None:
    # given six recipients whose mails went different ways
    for number in range(3, 6):
        world.partner(f"par_{number:03d}")
    done = world.sends(world.begun())
    mails = world.books.mails
    ways = [
        (MailStatus.SENT, ""), (MailStatus.SUPPRESSED, UNSUBSCRIBED), (MailStatus.SUPPRESSED, "bounced"),
        (MailStatus.FAILED, "no_such_login"), (MailStatus.UNCLEAR, "no_answer"),
    ]  # fmt: skip
    for number, (status, reason) in enumerate(ways):
        [mail] = world.mails(f"par_{number:03d}")
        if status in (MailStatus.SENT, MailStatus.UNCLEAR):
            mail = mails.mark(mail, MailStatus.SENDING, NOW)
        mail = mails.mark(mail, status, NOW, reason=reason)
        if status is MailStatus.SENT:
            for seen in (Seen.DELIVERED, Seen.OPENED, Seen.OPENED, Seen.CLICKED):
                mails.saw(mail, seen)
    # then each is counted once
    report = read_report(world.books, done)
    assert (report.sent, report.unsubscribed, report.suppressed) == (1, 1, 1)
    assert (report.failed, report.unclear, report.waiting, report.left) == (1, 1, 1, 0)
    assert (report.delivered, report.bounced, report.opened, report.clicked) == (1, 0, 1, 1)
    assert report.recipients == 6


def test_a_preview_has_the_partners_real_figures_and_stays_in_the_brand(world: Broadcasting) -> None:
    world.books.results.put(BRAND, ResultLine(partner="par_001", day="2026-11-28", ftd_30=5))
    shown = preview_broadcast(world.books, member=MAKER, text=TEXT, partner="par_001", language="en")
    assert shown.words.subject == "News for par_001 Ltd"
    assert shown.words.paragraphs == ("Dear Owner of par_001, you brought 5.", "Ask Northgate.")
    assert preview_broadcast(world.books, member=MAKER, text=TEXT, partner="par_001").language == "pl"
    with pytest.raises(NotFound):
        preview_broadcast(world.books, member=a_person(brand="brd_other"), text=TEXT, partner="par_001")


@pytest.mark.parametrize("code", ["en", "pl", "ar"])
def test_a_preview_is_what_the_mail_says_with_numbers_as_its_reader_writes_them(world: Broadcasting, code: str) -> None:
    # given a partner with more than a thousand clients, and its mail
    world.books.results.put(BRAND, ResultLine(partner="par_001", day="2026-11-28", ftd_30=12_345))
    world.sends(world.begun())
    [mail] = world.mails("par_001")
    reader = Reader(name="Owner of par_001", brand="Northgate", portal="https://northgate.example",
                    partner="par_001 Ltd")  # fmt: skip
    # then the preview has the outbox's words
    shown = preview_broadcast(world.books, member=MAKER, text=TEXT, partner="par_001", language=code)
    assert shown.words == fill_in(TEXT, mail.values["fills"], language(code), reader)
    assert "12345" not in " ".join(shown.words.paragraphs)
    assert shown.language == (code if code in TEXT.by_language else "en")


# ---------------------------------------------------------------------------------------------------------------- pace


class Counting:
    """Stands for the mails of a large broadcast: what is put, when."""

    def __init__(self, world: Broadcasting) -> None:
        self.world = world
        self.at: list[tuple[int, int]] = []
        self.ids: set[str] = set()

    def put_all(self, mails: Any) -> None:
        self.at.append((milliseconds(self.world.now), len(mails)))
        self.ids |= {mail.mail for mail in mails}


@pytest.mark.parametrize(("quota", "number"), [(14, 1_000), (200, 10_000), (5_000, 10_000)])
def test_thousands_get_it_at_the_accounts_rate_and_no_faster(
    tables: Tables, quota: int, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given so many recipients, and an account of so many mails a second
    world = Broadcasting(tables.books, 1)
    world.books.paces.keep_rate(Known(quota, milliseconds(NOW)))
    broadcast = world.begun()
    everybody = [Recipient("par_000", f"mem_{n:05d}") for n in range(number)]
    world.books.broadcasts.freeze(broadcast.broadcast, "large", everybody, NOW)
    broadcast = world.becomes(broadcast, edition="large", recipients=number)
    counting = Counting(world)
    monkeypatch.setattr(world.books.mails, "put_all", counting.put_all)

    # when it is sent, in rounds as its execution does it
    sender, rounds = world.sender(), 0
    while (found := sender.send(broadcast.broadcast, 45)).status is BroadcastStatus.SENDING:
        rounds += 1
    assert found.status is BroadcastStatus.DONE

    # then everybody is handed over once, never more than the rate allows, and hardly slower
    rate = slow_rate(quota)
    assert sum(batch for _, batch in counting.at) == len(counting.ids) == number
    assert max(batch for _, batch in counting.at) <= min(rate, PAGE)
    by_second: Counter[int] = Counter()
    for at, batch in counting.at:
        by_second[at // 1000] += batch
    assert max(by_second.values()) <= 2 * rate
    took = (counting.at[-1][0] - counting.at[0][0]) / 1000
    assert number / rate - 2 <= took <= number / rate * 1.1 + 2
    assert rounds <= took / 45 + 1


def test_the_mail_service_is_asked_for_its_rate_again_while_one_is_sent(tables: Tables) -> None:
    """A broadcast's mails have their permits: without it nobody would ask on its behalf."""
    # given an account whose rate nobody has asked for, and that is lowered meanwhile
    world = Broadcasting(tables.books, 60)
    asked: list[int] = []

    def per_second() -> int:
        asked.append(milliseconds(world.now))
        return 10 if len(asked) == 1 else 2

    broadcast = world.begun()
    world.now += timedelta(hours=1)
    sender = Sender(world.books, now=lambda: world.now, sleep=world.sleep, per_second=per_second)
    began, first = world.now, sender.send(broadcast.broadcast, 4)
    # then it goes at the account's rate at once
    assert 28 <= first.handed <= 34 and len(asked) == 1
    # and at the lower one a minute later
    world.now = began + timedelta(minutes=2)
    last = sender.send(broadcast.broadcast, 5)
    assert len(asked) == 2 and 0 < last.handed - first.handed <= 10


def test_while_what_is_left_of_the_day_is_for_what_cannot_wait_it_waits(world: Broadcasting) -> None:
    left = [0, 0, 50]
    sender = Sender(world.books, now=lambda: world.now, sleep=world.sleep, per_second=lambda: left.pop(0))
    broadcast = world.begun()
    done = sender.send(broadcast.broadcast, 240)
    assert done.status is BroadcastStatus.DONE and left == []
    assert 120 <= sum(world.slept) <= 123


def test_no_more_is_put_than_the_outbox_sends_in_moments(tables: Tables) -> None:
    # given an outbox that sends nothing just now
    world = Broadcasting(tables.books, 30)
    del world.books.broadcasts.on_their_way  # type: ignore[misc]
    world.books.paces.keep_rate(Known(14, milliseconds(NOW)))
    broadcast = world.begun()
    stuck = world.sends(broadcast, 30)
    # then other mails have few before them, and a stop has few to take back
    assert (stuck.status, stuck.handed) == (BroadcastStatus.SENDING, slow_rate(14))
    # when it sends again, and some readers are asleep
    mails = world.books.mails
    for number in range(stuck.handed):
        [mail] = world.mails(f"par_{number:03d}")
        if number % 2:
            mails.postpone(mail, world.now + timedelta(hours=9))
        else:
            mails.sent(mails.mark(mail, MailStatus.SENDING, world.now), f"m-{number}", world.now)
    # then it goes on
    assert world.sends(broadcast, 30).handed == 2 * slow_rate(14) < broadcast.recipients


def test_where_nobody_knows_the_rate_it_goes_at_that_of_a_new_account(world: Broadcasting) -> None:
    broadcast: Broadcast = world.sends(world.begun())
    assert broadcast.status is BroadcastStatus.DONE
    assert sum(world.slept) >= 2
