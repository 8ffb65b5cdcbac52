"""Partners about whom there is something on every part of their one page, all in this process: a day's queue, and
beside it results, a walk, conversations, a goal, a contest, leads, a suppressed address; and a brand next door.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Change, Member, PartnerKind, Role
from introducer.domain.contest import ContestStatus, Entry
from introducer.domain.deal import Basis
from introducer.domain.ids import derived_id
from introducer.domain.lead import Consent, Lead, Stage
from introducer.domain.lead_mail import came_mail
from introducer.domain.results import ResultLine, TierPlace
from introducer.domain.sequence import ONBOARDING
from introducer.domain.suppressing import Suppressed
from introducer.services.edit_sequence import edit_sequence
from introducer.services.open_brand import open_brand
from introducer.services.read_sequences import sequence_of
from introducer.services.register_partner import register_partner
from introducer.store.contests import Contests, Joining
from introducer.store.leads import Leads, Sealed
from introducer.store.results import Results
from introducer.store.suppressions import Suppressions
from tests.support.casework import Casework, a_cluster
from tests.support.contest_builders import a_contest, fixed
from tests.support.payday import AUTHOR, HARBOUR, MANAGER, NOW
from tests.support.queueing import CHANGE, Queueing, a_queue

FRESH = '<img src=x onerror="alert(1)"> {{x}} Media'
"""Registered today, by a manager, with a name that means no good."""
NEIGHBOUR = "Next Door Media"
FOREIGNER = "manager@next-door"


class AtOnce(Queueing):
    """The portal, with two partners to look at."""

    def page(self, name: str = HARBOUR) -> str:
        return f"/desk/partners/{self.partners[name]}"

    def data(self, name: str = HARBOUR, who: str = MANAGER) -> dict[str, Any]:
        answer = self.machine(who).get(self.page(name))
        assert answer.status == 200, answer.body
        return dict(answer.json)


@contextmanager
def at_once(patch: pytest.MonkeyPatch) -> Iterator[AtOnce]:
    """Harbour with all there is; one that is new; and a partner of another brand."""
    with a_queue(patch) as world:
        world.__class__ = AtOnce
        portal: AtOnce = world  # type: ignore[assignment]
        _brings(portal)
        _is_new(portal)
        _next_door(portal)
        Casework.finds(portal, a_cluster())
        yield portal


def _brings(portal: AtOnce) -> None:
    harbour, table = portal.harbour, portal.table
    line = ResultLine(
        partner=harbour, day="2026-04-02", ftd_7=2, ftd_30=21, ftd_prev_28=20, qftd_30=14,
        registrations_30=40, kyc_30=30, clicks_30=1_804,
        net_revenue_30={"EUR": 412_050, "USD": 9_900}, last_active_day="2026-03-31", joined="2026-01-05", language="en",
        deal_kinds=("revshare",), tier=TierPlace(Basis.QFTD, 1, 3, 14, 20),
    )  # fmt: skip
    Results(table).put(portal.brand, line)
    Suppressions(table).suppress(
        Suppressed(brand=portal.brand, hash="hash-of-an-address", reason="bounced", since=NOW - timedelta(days=2),
                   member=portal.people[HARBOUR].member, partner=harbour, mail="mai_1"),
        CHANGE,
    )  # fmt: skip
    contest = replace(
        a_contest(fixed(1, 50_000)), brand=portal.brand, name="Spring race", status=ContestStatus.PLANNED, version=1
    )
    contests = Contests(table)
    contests.move(None, contest, CHANGE, "draft_contest")
    contests.enter(
        contest, Joining(entry=Entry(contest=contest.contest, partner=harbour, joined_at=NOW)), CHANGE, "join"
    )
    leads = Leads(table)
    for number, stage in enumerate((Stage.NEW, Stage.NEW, Stage.WON)):
        lead = Lead(
            lead=derived_id("lea", number), brand=portal.brand, partner=harbour, link="LINK0001", campaign="cmp_1",
            at=NOW - timedelta(hours=number), consent=Consent(text="I agree", language="en", at=NOW), stage=stage,
            email_hash=f"e{number}", phone_hash=f"p{number}", since=NOW, salesperson="mem_sales",
        )  # fmt: skip
        leads.submit(lead, Sealed(text="c2VhbGVk", data_key="a2V5"), came_mail(lead, "Harbour"), None)
    staff = portal.machine(MANAGER)
    for subject in ("Banners for May", "Prices"):
        said = {"subject": subject, "text": "May I ask?"}
        assert portal.machine(HARBOUR).post("/messages", said, as_json=True).status == 201
    wish = {"by": "ftd", "clients": 10, "first": "2026-05-01", "last": "2026-05-31", "amount": "500.00",
            "currency": "EUR"}  # fmt: skip
    offered = staff.post(f"{portal.page()}/goals", wish, as_json=True)
    assert offered.status == 201, offered.body


def _is_new(portal: AtOnce) -> None:
    """A partner that walks the onboarding."""
    books: Any = portal.wiring.onboarding_books
    found = sequence_of(books, portal.brand, ONBOARDING)
    edit_sequence(books, replace(found, on=True), member=portal.people[MANAGER], why="as agreed", now=NOW)
    portal.partners[FRESH] = register_partner(
        portal.configuration, brand=portal.brand, name=FRESH, kind=PartnerKind.IB, country="AE", language="ar",
        currency="USD", parent=portal.harbour, manager=portal.people[MANAGER].member, author=AUTHOR, clock=lambda: NOW,
        random=secrets.token_bytes,
    ).partner  # fmt: skip


def _next_door(portal: AtOnce) -> None:
    made: dict[str, Any] = {"author": AUTHOR, "clock": lambda: NOW, "random": secrets.token_bytes}
    brand = open_brand(
        portal.configuration, name="Next Door", domain="next.example", base_currency="EUR",
        fallback_url="https://next.example/", **made,
    ).brand  # fmt: skip
    portal.partners[NEIGHBOUR] = register_partner(
        portal.configuration, brand=brand, name=NEIGHBOUR, kind=PartnerKind.IB, country="AE", language="en",
        currency="USD", **made,
    ).partner  # fmt: skip
    portal.people[FOREIGNER] = Member(
        member="mem_foreigner", partner=None, brand=brand, role=Role.MANAGER, name="Fay Foreigner", language="en"
    )
    portal.configuration.add_member(portal.people[FOREIGNER], Change(by="system:test", at=NOW, why="set up"))
