"""A broadcast in the portal: announced to the partners of its recipients and to nobody else, once, until a stop."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from introducer.domain.broadcast import Broadcast, BroadcastStatus, Channel, stop_name
from introducer.domain.configuration import Member
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.events import milliseconds
from introducer.domain.mail_text import MailText, Words
from introducer.domain.segment import segment_of
from introducer.services.announce import (
    announcements_for,
    note_announcement_read,
    read_announcement,
    spread_of,
    withdraw_announcement,
)
from introducer.services.decide_broadcast import stop_broadcast
from introducer.services.freeze_broadcast import freeze_broadcast
from introducer.services.read_broadcasts import read_report, shown_of
from introducer.services.take_back_mails import take_back_mails
from introducer.store.paces import Known
from tests.conftest import Tables
from tests.support.broadcasting import BRAND, CHECKER, MAKER, NOW, TEXT, Broadcasting

pytestmark = pytest.mark.in_memory

PLAIN = MailText({"en": Words("News for {partner}", ("Dear {name}, ask {manager}.",))})
POLISH = segment_of("all", [{"field": "country", "operator": "is", "value": "PL"}])


@pytest.fixture
def world(tables: Tables) -> Broadcasting:
    return Broadcasting(tables.books, 3)


def begun(world: Broadcasting, channel: Channel = Channel.BOTH, **other: Any) -> Broadcast:
    return world.begun(**{"text": PLAIN, "channel": channel, "path": "/links"} | other)


def sees(world: Broadcasting, partner: str, at: datetime | None = None) -> list[str]:
    """What this partner's owner has before them in the portal."""
    found = announcements_for(
        world.books.announcements, world.books.results, owner(world, partner),
        world.books.configuration.partner(partner), at or world.now,
    )  # fmt: skip
    return [each.announcement.announcement for each in found]


def owner(world: Broadcasting, partner: str) -> Member:
    return world.books.configuration.member(f"mem_{partner}_0")


def reads(world: Broadcasting, partner: str, announcement: str, member: str = "") -> None:
    who = world.books.configuration.member(member or f"mem_{partner}_0")
    of = world.books.configuration.partner(partner)
    assert note_announcement_read(world.books.announcements, who, of, announcement, lambda: world.now)


def stops(world: Broadcasting, broadcast: Broadcast) -> Broadcast:
    return stop_broadcast(
        world.books, world.start, member=CHECKER, broadcast=broadcast.broadcast, why="wrong link", now=world.now
    )


@pytest.mark.pattern("announcement_names_partner")
def test_it_is_shown_to_the_partners_of_the_frozen_recipients_and_to_no_other(world: Broadcasting) -> None:
    # given partners that do not fit, or have nobody who could get it
    world.partner("par_de", country="DE")
    world.partner("par_none", owners=0)
    broadcast = begun(world, segment=POLISH)
    # when it was sent; one comes to fit, and another leaves, only then
    done = world.sends(broadcast)
    world.partner("par_late")
    announcement = done.announcement
    assert (done.status, done.recipients, done.partners) == (BroadcastStatus.DONE, 3, 3)
    # then it is shown to those that were frozen
    shown = {each for each in ("par_000", "par_001", "par_002", "par_de", "par_late") if sees(world, each)}
    assert shown == {"par_000", "par_001", "par_002"}
    of = world.books.configuration.partner("par_late")
    with pytest.raises(NotFound):
        read_announcement(
            world.books.announcements, world.books.results, owner(world, "par_late"), of, announcement, world.now
        )
    # and it is an announcement as any other, of whoever submitted it, that leads where the mail leads
    found = world.books.announcements.announcement(BRAND, announcement)
    assert (found.text, found.path, found.published_by) == (PLAIN, "/links", MAKER.member)
    assert sees(world, "par_000", done.began_at + timedelta(days=32)) == []  # type: ignore[operator]
    # each owner has the mail too
    assert [len(world.mails(each)) for each in ("par_000", "par_001", "par_002", "par_de")] == [1, 1, 1, 0]


def test_in_the_portal_alone_nobody_gets_a_mail_and_nothing_is_paced(world: Broadcasting) -> None:
    done = world.sends(begun(world, Channel.PORTAL))
    assert (done.status, done.handed, world.slept) == (BroadcastStatus.DONE, 3, [])
    assert world.mails("par_000", "par_001", "par_002") == []
    assert [len(sees(world, each)) for each in ("par_000", "par_002")] == [1, 1]
    report = read_report(world.books, done)
    assert (report.recipients, report.shown, report.left, report.sent) == (3, 3, 0, 0)


def test_by_mail_alone_nothing_is_announced(world: Broadcasting) -> None:
    done = world.sends(begun(world, Channel.MAIL, text=TEXT))
    assert done.announcement == "" and sees(world, "par_000") == []
    assert world.books.announcements.of_brand(BRAND).items == ()


def test_the_portal_shows_no_figures_so_a_text_that_names_them_is_refused(world: Broadcasting) -> None:
    for channel in (Channel.PORTAL, Channel.BOTH):
        with pytest.raises(Invalid) as refused:
            world.drafts(channel=channel)
        assert refused.value.code == "placeholder_not_here"


def test_who_has_seen_it_counts_into_the_report(world: Broadcasting) -> None:
    done = world.sends(begun(world))
    reads(world, "par_000", done.announcement)
    reads(world, "par_000", done.announcement, "mem_par_000_x")
    reads(world, "par_002", done.announcement)
    report = read_report(world.books, done)
    assert (report.seen, report.seen_partners, report.partners, report.shown) == (3, 2, 3, 3)
    books = world.books
    spread = spread_of(
        books.configuration, books.announcements, books.results,
        books.announcements.announcement(BRAND, done.announcement), world.now,
    )  # fmt: skip
    assert (spread.partners, spread.have_read, spread.people) == (3, 2, 3)


def test_a_stop_takes_it_out_of_the_portal_at_once_and_says_who_had_seen_it(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given one that is halfway
    world = Broadcasting(tables.books, 20)
    world.books.paces.keep_rate(Known(5, milliseconds(NOW)))
    broadcast = begun(world)
    half = world.sends(broadcast, 2.5)
    assert 0 < half.handed < 20 and sees(world, "par_000") == [half.announcement]
    reads(world, "par_000", half.announcement)
    # when it is stopped, even while the sender is about to put the next batch
    put_all = world.books.mails.put_all

    def stopped_meanwhile(mails: Any) -> None:
        stops(world, broadcast)
        put_all(mails)

    monkeypatch.setattr(world.books.mails, "put_all", stopped_meanwhile)
    after = world.sends(broadcast)
    # then nobody sees it, the batch that was under way neither
    assert after.status is BroadcastStatus.STOPPED
    assert [partner for partner in (f"par_{n:03d}" for n in range(20)) if sees(world, partner)] == []
    assert take_back_mails(world.books, broadcast=broadcast.broadcast, now=world.now).whole
    report = read_report(world.books, after)
    assert (report.taken_from_portal, report.seen, report.waiting) == (True, 1, 0)
    assert report.taken_back + report.left == report.recipients == 20
    trail = world.books.configuration.audit_of_subject(half.announcement).items
    assert {each.action for each in trail} == {"announce", "withdraw_announcement"}


def test_a_text_as_long_as_may_be_is_announced_and_taken_back(world: Broadcasting) -> None:
    # Of these letters each is two or three bytes, and six characters where JSON is kept to ASCII.
    long = {"ru": "я" * 1_990, "ar": "ي" * 1_990, "th": "ไ" * 1_300}
    text = MailText(
        {"en": Words("News", ("Short.",))} | {each: Words("?", (said,) * 10) for each, said in long.items()}
    )
    done = world.sends(begun(world, text=text))
    assert sees(world, "par_000") == [done.announcement]
    stops(world, done)
    assert sees(world, "par_000") == []


def test_one_that_everybody_has_can_be_stopped_while_the_portal_shows_it(world: Broadcasting) -> None:
    done = world.sends(begun(world, Channel.PORTAL))
    stopped = stops(world, done)
    assert stopped.status is BroadcastStatus.STOPPED and sees(world, "par_000") == []
    # once it is over there, it is over
    world.now += timedelta(seconds=1)
    other = world.sends(begun(world, Channel.PORTAL, name="Another"))
    world.now += timedelta(days=40)
    with pytest.raises(Conflict) as refused:
        stops(world, other)
    assert refused.value.code == "broadcast_over"


def test_of_one_that_goes_by_no_mail_nothing_is_taken_back(world: Broadcasting) -> None:
    broadcast = begun(world, Channel.PORTAL)
    world.started.clear()
    stops(world, broadcast)
    assert world.started == []
    # and by both ways it is
    world.now += timedelta(seconds=1)
    both = begun(world, Channel.BOTH, name="Another")
    stopped = stops(world, both)
    assert world.started[-1] == stop_name(stopped)


def test_the_portal_shows_it_through_its_last_day(world: Broadcasting) -> None:
    done = world.sends(begun(world, Channel.PORTAL))
    shown = shown_of(world.books, done, world.now)
    assert shown is not None
    last = datetime.fromisoformat(f"{shown.through}T23:59:59+00:00")
    assert shown_of(world.books, done, last) == shown
    assert shown_of(world.books, done, last + timedelta(seconds=1)) is None


def test_what_staff_withdrew_among_the_announcements_does_not_hinder_a_stop(world: Broadcasting) -> None:
    broadcast = begun(world)
    withdraw_announcement(
        world.books.announcements, member=CHECKER, announcement=broadcast.announcement, why="not here",
        clock=lambda: world.now,
    )  # fmt: skip
    assert stops(world, broadcast).status is BroadcastStatus.STOPPED
    assert read_report(world.books, world.stands(broadcast)).taken_from_portal


class Cut(Exception):
    """The process ended here."""


def test_a_crash_at_any_write_announces_it_once(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Broadcasting(tables.books, 4)
    books = world.books
    written: list[int] = []

    def cut(write: Any, before: bool) -> Any:
        def once(*given: Any) -> Any:
            written.append(1)
            if len(written) == at and before:
                raise Cut
            answer = write(*given)
            if len(written) == at:
                raise Cut
            return answer

        return once

    for at in range(1, 6):
        for before in (True, False):
            world.now += timedelta(seconds=1)
            scheduled = world.submits(world.drafts(text=PLAIN, channel=Channel.PORTAL, name=f"Crash {at} {before}"))
            written.clear()
            # when whoever freezes and sends it ends at this write, and another begins anew, a moment later
            with monkeypatch.context() as patch:
                for store, name in (
                    (books.broadcasts, "freeze"), (books.broadcasts, "move"), (books.announcements, "name"),
                    (books.broadcasts, "advance"),
                ):  # fmt: skip
                    patch.setattr(store, name, cut(getattr(store, name), before))
                for _ in range(2):
                    world.now += timedelta(seconds=1)
                    try:
                        if world.stands(scheduled).status is BroadcastStatus.SCHEDULED:
                            freeze_broadcast(books, broadcast=scheduled.broadcast, now=world.now)
                        world.sends(scheduled)
                    except Cut:
                        continue
            # then it is announced once, to each of them
            done = world.stands(scheduled)
            assert (done.status, done.handed) == (BroadcastStatus.DONE, 4), (at, before)
            mine = [
                each
                for each in books.announcements.of_brand(BRAND).items
                if each.reach.broadcast == scheduled.broadcast
            ]
            assert [each.announcement for each in mine] == [done.announcement]
            assert all(done.announcement in sees(world, f"par_{n:03d}") for n in range(4))


def test_a_broadcast_of_before_there_were_channels_goes_by_mail(world: Broadcasting) -> None:
    from introducer.store.broadcasts import broadcast_from_item, broadcast_to_item

    broadcast = begun(world, Channel.MAIL)
    item = broadcast_to_item(broadcast)
    del item["channel"], item["partners"]
    assert broadcast_from_item(item) == replace(broadcast, partners=0)
