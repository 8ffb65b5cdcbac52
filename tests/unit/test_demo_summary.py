"""The summary of a demo run: what stands in `build/run.json`, and what a person reads."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from introducer.domain.case import Case, CaseStatus
from introducer.domain.configuration import Brand, Partner, PartnerKind, Role, Status
from introducer.domain.ledger import Journal, Key, Receipt, earning_legs
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import PayoutStatus
from introducer.domain.statement import MonthClose
from introducer.gateways.workflows import SUCCEEDED, Execution
from introducer.services.verify.report import Difference, Kind, Report
from introducer_ops.demo.attacks import Attack
from introducer_ops.demo.building import Login, World, new_password
from introducer_ops.demo.cases import Caught, Suspicions
from introducer_ops.demo.contests import Contests, Ended
from introducer_ops.demo.month_end import LATE_EVENT, Closed, MonthEnd, Move
from introducer_ops.demo.payouts import PaidRun
from introducer_ops.demo.plan import MADE_UP, make_plan
from introducer_ops.demo.sending import Sent
from introducer_ops.demo.summary import Figures, Outcome, run_document, show, show_portal, write_run
from introducer_ops.demo.waiting import Standing
from tests.support.demo_week import a_week
from tests.support.payouts import a_payout, a_run

AT = datetime(2026, 3, 4, 21, tzinfo=UTC)
DAY = date(2026, 3, 4)


def a_late_journal(rule: str, amount: int) -> Journal:
    key = Key("par_1", rule, "c", "2026-02", "EUR", "2026-03-15")
    receipt = Receipt(
        rule_kind=rule, version=1, events=(), more_events=0, lines=(), rates=(), target=amount, before=0
    )  # fmt: skip
    return Journal(
        id=f"jrn_202603{rule}",
        key=key,
        kind="earning",
        amount=amount,
        post_month="2026-03",
        posted_at=1,
        legs=earning_legs(key, amount),
        receipt=receipt,
    )


def a_month_end() -> MonthEnd:
    close = MonthClose(
        brand="brd_1",
        month="2026-02",
        began_at=AT,
        began_by="mem_1",
        closed_at=AT,
        closed_by="mem_1",
        partners=1,
        entries=1_134,
        sums={"EUR": 79_952, "JPY": 68_979},
    )
    return MonthEnd(
        adjustment="jrn_202602adjustment",
        move=Move("690001", 0, 0, datetime(2026, 3, 1, tzinfo=UTC)),
        decision="mov_1",
        closed=Closed(Execution("2026-02-close-brd_1", SUCCEEDED), close, 1),
        late=(a_late_journal("lot", 1_200), a_late_journal("revshare", 57)),
    )


def a_paid_run() -> PaidRun:
    run = a_run(run="2026-w08-weekly", left_out={"nothing_available": 16, "on_hold": 1})
    euros = a_payout("par_1", 206_558, status=PayoutStatus.PAID)
    converted = replace(euros, rail=RailKind.PAYPAL, currency="PLN", pay_currency="JPY", pays=18_415)
    return PaidRun(run, Execution("2026-w08-weekly-brd_1", SUCCEEDED), (euros, converted), 0)


def a_caught(**changes: Any) -> Caught:
    case = Case(
        case="cas_1",
        brand="brd_1",
        partner="par_2",
        name="Glasswing Deals",
        status=CaseStatus.OPEN,
        opened_at=AT,
        opened_by="system:scoring",
        why="12 of 15 clients …",
        detectors=("registration_cluster", "deposit_and_withdraw"),
        clients=("c1", "c2"),
        decide_by=AT,
        escalate_by=AT,
        held={("EUR", "2026-02-27"): 150_000, ("EUR", "2026-02-28"): 30_000},
        execution="glasswing-deals-registration-cluster-20260224-000001",
    )
    return replace(Caught(case, Attack(0, MADE_UP, ("730007", "730014")), {"EUR": 180_000}, True), **changes)


def a_result(partner: str, rank: int, score: str, **changes: Any) -> dict[str, Any]:
    row = {"partner": partner, "name": "Amberfield Media", "shown_as": partner.upper(), "rank": rank, "score": score}
    return row | {"unranked": None, "aside": ""} | changes


def an_award(partner: str, kind: str, amount: str, journal: str = "", gift: str = "") -> dict[str, Any]:
    return {
        "partner": partner, "name": "Amberfield Media", "division": "", "place": 1, "score": "5", "kind": kind,
        "amount": {"amount": amount, "currency": "EUR"}, "gift": gift, "journal": journal,
        "status": "delivered" if gift else "paid",
    }  # fmt: skip


def an_ended(**changes: Any) -> Ended:
    ended = Ended(
        contest="ctt_1",
        name="March sprint",
        status="done",
        execution="march-sprint-20260219-000001",
        currency="EUR",
        archive="ab" * 32,
        pool=50_000,
        live={"par_1": "5", "par_2": "12", "par_3": "1"},
        results=(
            a_result("par_1", 1, "5"),
            a_result("par_3", 2, "1"),
            a_result("par_2", 0, "12", unranked="set_aside", aside="open_case"),
        ),
        awards=(
            an_award("par_1", "share", "300.00", "jrn_1"),
            an_award("par_3", "share", "200.00", "jrn_2"),
            an_award("par_1", "gift", "0.00", gift="A stand at the fair"),
        ),
        shown=((1, "PAR_1", "5"), (2, "PAR_3", "1")),
        receipts={
            "jrn_1": {"amount": "300.00", "currency": "EUR"},
            "jrn_2": {"amount": "200.00", "currency": "EUR"},
        },
        objections=1,
    )
    return replace(ended, **changes)


def some_contests(**changes: Any) -> Contests:
    goal = {
        "goal": "gol_1", "by": "ftd", "clients": 3, "counted": 5, "phase": "paid", "entries": [{"id": "jrn_3"}],
        "amount": {"amount": "300.00", "currency": "EUR"}, "paid": {"amount": "300.00", "currency": "EUR"},
    }  # fmt: skip
    return Contests((an_ended(**changes),), frozenset({"par_2", "par_9"}), goal)


@pytest.fixture(name="outcome")
def _outcome() -> Outcome:
    brand = Brand(
        brand="brd_1",
        name="Quillmark Markets",
        domain="quillmark.example",
        base_currency="EUR",
        fallback_url="https://www.quillmark.example/",
        created=AT,
    )
    partner = Partner(
        partner="par_1",
        brand="brd_1",
        name="Amberfield Media",
        kind=PartnerKind.IB,
        status=Status.ACTIVE,
        parent=None,
        manager=None,
        country="DE",
        language="en",
        currency="EUR",
        email_hash=None,
        created=AT,
    )
    logins = (Login(Role.OWNER, "owner@amberfield.example", "Secret-secret-secret12"),)
    figures = Figures(
        funnel=Counter(clicks=1_500, unique=1_200, registrations=30, kyc=20, ftd=12, qftd=5),
        earned=Counter(EUR=123_456, JPY=-987),
        pending=Counter(EUR=23_456),
        by_partner={"par_1": {"EUR": 123_456, "JPY": -987}},
        journals=7,
        clawbacks=2,
    )
    figures.by_kind["cpa"]["EUR"] = 123_456
    figures.by_kind["override"]["EUR"] = 30_005
    figures.by_kind["bonus"]["JPY"] = 7_500
    report = Report(
        at=AT,
        events=40,
        applied=40,
        quarantined=1,
        clicks=2_000,
        flagged=200,
        clients=31,
        journals=7,
        partners=1,
        months=60,
        adjustments=1,
        statements=1,
        sums={"EUR": 123_456, "JPY": -987},
        intake=(),
        waiting=(),
        unsettled=(),
        clicks_from="2026-01-01",
        moved=0,
        differences=(),
        state_hash="0123456789abcdef" * 4,
        books_hash="fedcba9876543210" * 4,
        seconds=0.5,
    )
    sent = Sent(clicks=2_000, crawlers=190, events=43, statuses=Counter(accepted=40, duplicate=2, quarantined=1))
    standing = Standing(2_000, 200, 2_000, 40, 40, (), ("unknown_type",))
    seconds = {"history": 4.0, "day": 6.0, "settle": 1.239, "total": 12.345}
    return Outcome(
        World(make_plan(1, DAY), brand, (partner,), {}, "secret", logins),
        DAY,
        sent,
        standing,
        figures,
        a_month_end(),
        Suspicions((a_caught(),), ()),
        a_paid_run(),
        some_contests(),
        a_week(),
        Login(Role.MEMBER, "colleague@northgate.example", "not-a-real-one"),
        report,
        seconds,
        "http://127.0.0.1:8080",
        "http://127.0.0.1:8025",
    )


def shown(outcome: Outcome) -> str:
    console = Console(file=io.StringIO(), width=80)
    show(outcome, console, {"JPY": "180"})
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_run_file_has_exactly_what_was_promised(outcome: Outcome, tmp_path: Path) -> None:
    write_run(outcome, tmp_path / "build" / "run.json")

    assert json.loads((tmp_path / "build" / "run.json").read_text()) == {
        "clicks_sent": 2_000,
        "clicks_recorded": 2_000,
        "clicks_flagged": 200,
        "events_sent": 43,
        "events_accepted": 40,
        "events_duplicate": 2,
        "events_applied": 40,
        "events_quarantined": 1,
        "partners": 1,
        "clients": 31,
        "ftd": 12,
        "earnings": {"EUR": "1234.56", "JPY": "-987"},
        "earnings_by_kind": {
            "cpa": {"EUR": "1234.56"},
            "cpl": {},
            "revshare": {},
            "lot": {},
            "bonus": {"JPY": "7500"},
            "override": {"EUR": "300.05"},
            "adjustment": {},
            "prize": {},
        },
        "months_settled": 60,
        "seconds_until_settled": 1.24,
        "adjustment": "jrn_202602adjustment",
        "move": {"decision": "mov_1", "from": "par_1", "to": "par_1", "starts_at": "2026-03-01T00:00:00+00:00"},
        "close": {
            "month": "2026-02",
            "execution": "2026-02-close-brd_1",
            "status": "SUCCEEDED",
            "partners": 1,
            "statements": 1,
            "sums": {"EUR": "799.52", "JPY": "68979"},
        },
        "late_event": {
            "event_id": LATE_EVENT,
            "journals": [
                {
                    "journal": f"jrn_202603{rule}",
                    "month": "2026-03",
                    "earned_for": "2026-02",
                    "rule": rule,
                    "amount": amount,
                    "currency": "EUR",
                }
                for rule, amount in (("lot", "12.00"), ("revshare", "0.57"))
            ],
        },
        "cases": {
            "opened": 1,
            "held": {"EUR": "1800.00"},
            "false": 0,
            "missed": 0,
            "list": [
                {
                    "case": "cas_1",
                    "partner": "par_2",
                    "name": "Glasswing Deals",
                    "attack": "made_up",
                    "detectors": ["registration_cluster", "deposit_and_withdraw"],
                    "clients": 2,
                    "held": {"EUR": "1800.00"},
                    "paid": {},
                    "status": "open",
                    "execution": "glasswing-deals-registration-cluster-20260224-000001",
                    "page": "/desk/cases/par_2/cas_1",
                }
            ],
        },
        "payouts": {
            "run": "2026-w08-weekly",
            "execution": "2026-w08-weekly-brd_1",
            "status": "SUCCEEDED",
            "count": 2,
            "paid": 2,
            "by_currency": {"EUR": "2065.58", "JPY": "18415"},
            "by_rail": {"paypal": 1, "sepa": 1},
            "converted": 1,
            "left_out": {"nothing_available": 16, "on_hold": 1},
        },
        "contests": {
            "count": 1,
            "participants": 3,
            "set_aside": 1,
            "prizes": 3,
            "gifts": 1,
            "sums": {"EUR": "500.00"},
            "pool": {"EUR": "500.00"},
            "receipts_verified": 2,
            "board_is_result": True,
            "list": [
                {
                    "contest": "ctt_1",
                    "name": "March sprint",
                    "status": "done",
                    "execution": "march-sprint-20260219-000001",
                    "participants": 3,
                    "ranked": 2,
                    "set_aside": [{"partner": "par_2", "name": "Amberfield Media", "why": "open_case"}],
                    "objections": 1,
                    "pool": "500.00",
                    "paid": "500.00",
                    "currency": "EUR",
                    "prizes": [
                        {
                            "partner": partner,
                            "name": "Amberfield Media",
                            "division": "",
                            "place": 1,
                            "score": "5",
                            "kind": kind,
                            "won": won,
                            "status": status,
                            "journal": journal,
                        }
                        for partner, kind, won, status, journal in (
                            ("par_1", "share", "300.00", "paid", "jrn_1"),
                            ("par_3", "share", "200.00", "paid", "jrn_2"),
                            ("par_1", "gift", "A stand at the fair", "delivered", None),
                        )
                    ],
                    "board_is_result": True,
                    "archive": "ab" * 32,
                    "page": "/desk/contests/ctt_1",
                }
            ],
            "goal": {
                "goal": "gol_1",
                "counts": "ftd",
                "clients": 3,
                "counted": 5,
                "phase": "paid",
                "paid": {"amount": "300.00", "currency": "EUR"},
                "entries": ["jrn_3"],
            },
        },
        "mails_sent": 8,
        "tasks_open": 2,
        "communication": {
            "mails_by_template": {"manager_digest": 1, "partner_report": 1, "written": 6},
            "mails_counted": 8,
            "mails_taken": 8,
            "became": {"bounced": 1, "complained": 1, "delivered": 7},
            "held_back": {"bounced": 1, "complained": 1, "unsubscribed": 1},
            "onboarding": {
                "joined": 3,
                "sent_by_step": {"welcome": 3, "terms": 0},
                "walks": {"New 1": "", "New 2": "", "New 3": "over"},
            },
            "broadcast": {
                "broadcast": "brc_1",
                "segment": "seg_1",
                "partners": 2,
                "approved_by": "Head of partnerships",
                "status": "done",
                "recipients": 3,
                "sent": 3,
                "suppressed": 0,
                "unsubscribed": 0,
                "failed": 0,
                "delivered": 2,
                "bounced": 1,
                "complained": 1,
                "page": "/desk/broadcasts/brc_1",
            },
            "conversation": {"thread": "thr_1", "page": "/desk/messages/par_1/thr_1"},
            "announcement": {"announcement": "ann_1", "partners": 45, "have_read": 2, "people": 2},
            "leads": {"won": "led_1", "lost": "led_2", "client_of": "par_1"},
            "tasks": {
                "open_by_kind": {"first_ftd": 1, "near_tier": 1},
                "done": 2,
                "put_off": 1,
                "page": "/desk?whose=all",
            },
        },
        "money_differences": 0,
        "verify_differences": 0,
        "state_hash": "0123456789abcdef" * 4,
        "seconds": {"history": 4.0, "day": 6.0, "settle": 1.24, "total": 12.35},
        "portal_url": "http://127.0.0.1:8080",
        "mails_url": "http://127.0.0.1:8025",
    }


def test_nothing_secret_stands_in_the_run_file(outcome: Outcome) -> None:
    assert "ecret" not in json.dumps(run_document(outcome))


def test_a_person_reads_funnel_money_names_and_speed_on_one_screen(outcome: Outcome) -> None:
    text = shown(outcome)

    for words in ("Wednesday 4 March 2026", "1,500", "1,234.56", "-987", "234.56", "Amberfield Media", "no difference"):
        assert words in text
    assert "204 clicks and events a second" in text
    assert "60 partners' months settled, 1.2 s after the last event" in text
    assert "2026-02: 1 partner, 1 statement, 1,134 entries" in text
    assert "a trade told too late: 12.57 EUR for 2026-02, posted in 2026-03" in text
    assert "from below 300.05" in text
    assert "2026-w08-weekly: 1 by SEPA, 1 by PayPal; 17 left out" in text
    assert "2,065.58 EUR, 18,415 JPY" in text
    assert "1 case, none about an honest partner; 1,800.00 EUR held" in text
    assert "Glasswing Deals: 1,800.00 EUR held, nothing paid; open" in text
    assert "registrations that resemble each other, and 1 more" in text
    assert "glasswing-deals-registration-cluster-20260224-000001" in text
    assert "/desk/cases/par_2" in text
    assert "1 contest, 3 participants, 1 set aside" in text
    assert "500.00 EUR in 2 prizes, 1 gift; 2 receipts read" in text
    assert "March sprint: PAR_1 first" in text
    assert "a goal of 3 first deposits: 5 counted, 300.00 EUR paid" in text
    assert "8 mails sent, 7 delivered, 1 bounced, 1 complained of" in text
    assert "3 more not sent: 1 bounced, 1 complained, 1 unsubscribed before" in text
    assert "a broadcast to 3: 3 sent, 1 bounced, 1 complained of" in text
    assert "1 letter and 1 digest on Monday; 3 first steps to 3 newcomers" in text
    assert "2 tasks open, 2 done, 1 put off: 1 near a tier, 1 first clients" in text
    assert "a lead was won, and its client is the demo partner's" in text
    assert "http://127.0.0.1:8025" in text
    assert len(text.splitlines()) <= 54
    assert max(map(len, text.splitlines())) <= 80


def test_differences_are_not_hidden(outcome: Outcome) -> None:
    difference = Difference(Kind.BALANCE, "par_1 EUR.pending", "1", "2", "BOOKS P#par_1 / balance")
    report = replace(outcome.report, differences=(difference,))

    text = shown(replace(outcome, report=report))

    assert "1 difference," in text
    assert "no difference" not in text


def test_what_a_run_pays_beside_a_case_stands_with_it(outcome: Outcome) -> None:
    whose = a_caught(case=replace(a_caught().case, partner="par_1"))

    document: Any = run_document(replace(outcome, suspicions=Suspicions((whose,), ())))

    assert document["cases"]["list"][0]["paid"] == {"EUR": "2065.58", "PLN": "2065.58"}


def test_a_case_about_somebody_honest_and_an_attacker_without_one_are_not_hidden(outcome: Outcome) -> None:
    honest = a_caught(attack=None, earned={})

    text = shown(replace(outcome, suspicions=Suspicions((a_caught(), honest), ("Tidewater Desk",))))

    assert "2 cases, 1 about honest partners; 3,600.00 EUR held" in text
    assert "Tidewater Desk: no case" in text


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"attack": None}, "honest"),
        ({"earned": {"EUR": 180_001}}, "what its attack earned is"),
        ({"waits": False}, "does not wait for a verdict"),
        ({"case": replace(a_caught().case, status=CaseStatus.ESCALATED)}, "it is escalated"),
        ({"case": replace(a_caught().case, detectors=("stuffing",))}, "found by stuffing"),
        ({"case": replace(a_caught().case, held={}), "earned": {}}, "is held"),
    ],
)
def test_what_is_wrong_with_a_case_is_said(changes: dict[str, Any], word: str) -> None:
    (sentence,) = a_caught(**changes).wrong

    assert word in sentence


def test_nothing_is_wrong_while_what_an_attack_earned_is_held_and_waits() -> None:
    assert Suspicions((a_caught(),), ()).wrong == []
    assert Suspicions((), ("Tidewater Desk",)).wrong == ["Tidewater Desk cheats, and has no case."]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"status": "paying"}, "is paying, and not over"),
        ({"archive": ""}, "not over"),
        ({"pool": 50_001}, "paid 50000 of its pools, and 50001 is in them"),
        ({"live": {"par_1": "5", "par_2": "12", "par_3": "2"}}, "another than its result"),
        ({"shown": ((1, "PAR_1", "5"),)}, "another than its result"),
        ({"receipts": {}}, "2 prizes, and 0 receipts"),
        ({"results": (a_result("par_1", 1, "5"), a_result("par_2", 2, "12"), a_result("par_3", 3, "1"))}, "nobody"),
        ({"awards": (*an_ended().awards[:2], an_award("par_1", "gift", "0.00") | {"status": "sent"})}, "not delivered"),
    ],
)
def test_what_is_wrong_with_a_contest_is_said(changes: dict[str, Any], word: str) -> None:
    assert some_contests().wrong == []
    assert any(word in sentence for sentence in some_contests(**changes).wrong)


def test_a_goal_that_is_reached_and_not_paid_is_said() -> None:
    unpaid = {"phase": "reached", "paid": {"amount": "0.00", "currency": "EUR"}}
    missed = unpaid | {"phase": "missed", "counted": 2}

    assert replace(some_contests(), goal=some_contests().goal | unpaid).wrong == [  # type: ignore[operator]
        "The goal counts 5 of 3, and is reached."
    ]
    assert replace(some_contests(), goal=some_contests().goal | missed).wrong == []  # type: ignore[operator]


def test_a_lead_whose_client_is_anothers_is_not_hidden(outcome: Outcome) -> None:
    lost = replace(a_week().story, lead_partner="par_2")

    text = shown(replace(outcome, communication=a_week(story=lost)))

    assert "its client is not the demo partner's" in text


def test_a_late_event_that_is_nowhere_is_not_hidden(outcome: Outcome) -> None:
    text = shown(replace(outcome, month_end=replace(outcome.month_end, late=())))

    assert "a trade told too late: nowhere" in text


def test_the_portal_is_shown_with_its_logins(outcome: Outcome) -> None:
    console = Console(file=io.StringIO(), width=80)

    show_portal(outcome, console)

    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "http://127.0.0.1:8080" in text
    assert "http://127.0.0.1:8025" in text
    assert "owner@amberfield.example" in text
    assert "Secret-secret-secret12" in text


def test_passwords_are_fresh_and_meet_the_policy() -> None:
    passwords = {new_password() for _ in range(50)}

    assert len(passwords) == 50
    for password in passwords:
        assert len(password) >= 12
        assert any(map(str.isupper, password))
        assert any(map(str.islower, password))
        assert any(map(str.isdigit, password))
        assert "-" in password
