"""How a broadcast begins: with those it was meant for, and not with many more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from introducer.domain.broadcast import GREW, NOBODY, Broadcast, BroadcastStatus, Channel, begun
from introducer.domain.mail_text import text_of
from introducer.domain.segment import Segment

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)


def a_broadcast(**other: Any) -> Broadcast:
    given: dict[str, Any] = {"status": BroadcastStatus.SCHEDULED, "people": 30, "limit": 5, "submitted_at": NOW}
    return Broadcast(broadcast="brc_1", brand="brd_1", name="News", text=text_of("News", "There is news."),
                     segment=Segment(), created=NOW, writers=("mem_maker",), **given | other)  # fmt: skip


def begins(broadcast: Broadcast, recipients: int, partners: int) -> Broadcast:
    return begun(broadcast, edition="1", recipients=recipients, partners=partners, skipped=2, text_id="t", now=NOW,
                 by="system:broadcast")  # fmt: skip


@pytest.mark.parametrize(
    ("approved_by", "recipients", "partners", "status", "why"),
    [
        # thirty were approved, a tenth may have come since, and the five that one person may write to
        ("mem_checker", 38, 38, BroadcastStatus.SENDING, ""),
        ("mem_checker", 39, 39, BroadcastStatus.STOPPED, GREW),
        # it is partners that are counted there
        ("mem_checker", 90, 38, BroadcastStatus.SENDING, ""),
        # nobody approved it: people are counted, and one person may write to five
        ("", 5, 5, BroadcastStatus.SENDING, ""),
        ("", 6, 3, BroadcastStatus.STOPPED, GREW),
        ("", 0, 0, BroadcastStatus.STOPPED, NOBODY),
        ("mem_checker", 0, 0, BroadcastStatus.STOPPED, NOBODY),
    ],
)
def test_it_begins_unless_it_would_go_to_more_than_was_agreed(
    approved_by: str, recipients: int, partners: int, status: BroadcastStatus, why: str
) -> None:
    found = begins(a_broadcast(approved_by=approved_by), recipients, partners)
    assert (found.status, found.why_ended) == (status, why)


def test_what_stopped_because_it_grew_says_to_how_many_people_it_would_have_gone() -> None:
    assert begins(a_broadcast(), 9, 3).people == 9


@pytest.mark.parametrize(
    ("edition", "channel", "may_have_mails"),
    [
        ("1", Channel.MAIL, True),
        ("1", Channel.BOTH, True),
        ("1", Channel.PORTAL, False),
        ("", Channel.MAIL, False),
    ],
)
def test_mails_can_be_of_one_that_began_and_goes_by_mail(edition: str, channel: Channel, may_have_mails: bool) -> None:
    assert a_broadcast(edition=edition, channel=channel).may_have_mails is may_have_mails
