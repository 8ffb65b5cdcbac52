"""The demo's week of communication: what must hold of it is said where it does not, and its agenda fits any day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from introducer.domain.mail import MailStatus
from introducer_ops.demo.communication import APPROVE_ABOVE, BOUNCES, COMPLAINS, NEWCOMERS, READER, Week
from introducer_ops.demo.plan import PARTNERS, STAR, make_plan
from introducer_ops.demo.script import Slot
from tests.support.demo_week import BOUNCES as NO_ADDRESS
from tests.support.demo_week import COMPLAINS as CALLS_IT_SPAM
from tests.support.demo_week import a_mail, a_report, a_week, the_mails


def test_nothing_is_wrong_with_a_week_as_it_must_be() -> None:
    assert a_week().wrong == []
    assert (a_week().mails_sent, a_week().tasks_open) == (8, 2)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"mails": ()}, "0 mails are sent by the books"),
        (
            {"mails": (*the_mails(), a_mail("mail_13"))},
            "9 mails are sent by the books, 8 were taken",
        ),
        ({"handed_over": a_week().handed_over[:-1]}, "7 were taken"),
        ({"handed_over": (*a_week().handed_over[:-1], a_week().handed_over[0])}, "handed over twice"),
        ({"counted": {"brc:brc_1": 3}}, "3 are counted"),
        ({"mails": (*the_mails(), a_mail("mail_13", status=MailStatus.UNCLEAR, reason="no_answer"))}, "unclear"),
        ({"mails": (*the_mails(), a_mail("mail_13", status=MailStatus.FAILED, reason="nobody_to_tell"))}, "failed"),
        ({"mails": (*the_mails(), a_mail("mail_13", status=MailStatus.WAITING))}, "is waiting"),
        ({"barred": {NO_ADDRESS: 2, CALLS_IT_SPAM: 1}}, f"{NO_ADDRESS} got 2 mails"),
        ({"barred": {NO_ADDRESS: 1, CALLS_IT_SPAM: 0}}, f"{CALLS_IT_SPAM} got 0 mails"),
        ({"mails": the_mails()[:8]}, "nothing was held back"),
        ({"steps": {"welcome": 2}}, "3 partners joined, and 2 were welcomed"),
        ({"mails": (*the_mails(), a_mail("mail_13", "par_new3", series="seq:onboarding:terms"))}, "wants no mail"),
        ({"mails": tuple(each for each in the_mails() if each.mail != "mail_8")}, "no manager_digest"),
        ({"broadcast": {"status": "sending", "report": a_report()}}, "The broadcast is sending"),
        ({"broadcast": {"status": "done", "report": None}}, "0 of 3 people"),
        ({"broadcast": {"status": "done", "report": a_report(recipients=2)}}, "2 of 3 people"),
        ({"story": replace(a_week().story, fits=3)}, "means 3 partners, and 2 have its mail"),
        ({"broadcast": {"status": "done", "report": a_report(failed=1)}}, "does not add up"),
        ({"broadcast": {"status": "done", "report": a_report(delivered=3)}}, "says 3 delivered, its mails say 2"),
        ({"broadcast": {"status": "done", "report": a_report(bounced=0)}}, "One address of the broadcast is none"),
        ({"story": replace(a_week().story, approved_by="")}, "nobody was"),
        ({"thread": {"waits_since": "2026-03-02T09:00:00Z", "read_by_other": True}}, "The conversation waits"),
        ({"thread": {"waits_since": None, "read_by_other": False}}, "was not read"),
        ({"spread": {"have_read": 1}}, "and 1 have"),
        ({"story": replace(a_week().story, lead_partner="")}, "belongs to nobody"),
        ({"tasks": ()}, "0 tasks are open, and the queue tells of 2"),
        ({"queue": {"tasks": 1, "asleep": 0}}, "2 tasks are open, and the queue tells of 1"),
        ({"story": replace(a_week().story, done=["tsk_1"])}, "A task that was done is open"),
        ({"story": replace(a_week().story, snoozed=["tsk_7"])}, "A task that was put off is gone"),
    ],
)
def test_what_is_wrong_with_a_week_is_said(changes: dict[str, Any], word: str) -> None:
    assert any(word in sentence for sentence in a_week(**changes).wrong)


def test_people_of_the_week_are_partners_of_the_plan_and_newcomers_nobody_else() -> None:
    assert len({STAR, BOUNCES, COMPLAINS, READER}) == 4
    assert max(BOUNCES, COMPLAINS, READER) < PARTNERS
    known = {partner.name for partner in make_plan(2026, date(2026, 10, 30)).partners}
    assert not known & {name for name, _, _ in NEWCOMERS}
    assert APPROVE_ABOVE < PARTNERS


@pytest.mark.parametrize("day", [date(2026, 3, 4), date(2026, 10, 30), date(2027, 1, 4)])
def test_what_is_due_is_done_once_in_its_order_and_never_behind_the_clock(
    day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, datetime]] = []
    now = SimpleNamespace(at=datetime(2026, 1, 1, tzinfo=UTC))
    clock = SimpleNamespace(now=lambda: now.at, set_to=lambda at: setattr(now, "at", at))
    stack: Any = SimpleNamespace(clock=clock, set_mail_rate=lambda rate: None)
    names = (
        "_apply", "_open", "_ask", "_reply", "_write_to_many", "_announce", "_call_leads", "_sort_leads", "_score",
        "_look", "_hand_on",
    )  # fmt: skip
    for name in names:
        monkeypatch.setattr(Week, name, lambda _, name=name: done.append((name, now.at)))
    partner, brand = SimpleNamespace(partner="par_1"), SimpleNamespace(brand="brd_1")
    world: Any = SimpleNamespace(brand=brand, partners=[partner])
    week = Week(stack, world, day)
    start = datetime.combine(day - timedelta(days=42), datetime.min.time(), UTC)

    for hour in range(0, 43 * 24, 5):
        at = start + timedelta(hours=hour)
        week.before(Slot(at, False, (), ()))
        assert all(moment <= at for _, moment in done)
        clock.set_to(max(at, now.at))

    assert [at for _, at in done] == sorted(at for _, at in done)
    people = [name for name, _ in done if name not in ("_score", "_look", "_hand_on")]
    assert people == list(names[:8])
    looks = [at for name, at in done if name == "_look"]
    assert [at.date() for at in looks] == [day - timedelta(days=back) for back in range(6, -1, -1)]
