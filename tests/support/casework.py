"""A brand's casework, all in this process: a payday's partners, one of them with clients who earned, cases opened by
the product's own services, and the portal in front. Detectors are stand-ins, so that their real sentences may change.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from introducer.domain.case import Case, CaseStatus
from introducer.domain.client import ClientState, Mark, Ruling, Segment
from introducer.domain.configuration import Change, Member, Role
from introducer.domain.events import milliseconds
from introducer.domain.fraud import registry
from introducer.domain.fraud.finding import Cluster, Detector, Evidence, Finding, Moment, Point
from introducer.services.carry_out_verdict import ruling_id
from introducer.services.case_books import CaseBooks
from introducer.services.free_money import free_money
from introducer.services.open_case import open_case
from introducer.store.accruals import Accrual, Accruals
from introducer.store.configuration import Configuration
from tests.support.closing import POSTED_AT, a_journal
from tests.support.payday import HARBOUR, NOW, Payday, a_payday

COMPLIANCE, OTHER_COMPLIANCE, SALES, HELPER = "compliance@broker", "second@broker", "sales@broker", "helper@harbour"
"""Of staff; and a login of Harbour's that is not its owner."""
CLIENTS = tuple(f"{number:02d}c1ient{number * 7919:08x}" for number in range(1, 13))
"""Harbour's, as the books call them."""
EACH = 4_000
"""What each of them earned in April, minor units."""

DETECTORS = (
    Detector(
        name="registration_cluster", inputs=("traces",), parameters={"clients": 8}, meaning={"clients": "at least"},
        staff="{alike} of {of} clients registered from one network within {days} days.",
        partner="Some registrations between {first} and {through} resemble each other.", find=lambda seen, given: (),
    ),
    Detector(
        name="conversion_jump", inputs=("days",), parameters={"times": 3}, meaning={"times": "the expected rate"},
        staff="{rate} of clicks registered, where {expected} were expected.",
        partner="More of your visitors register than before.", find=lambda seen, given: (),
    ),
    Detector(
        name="shared_account", inputs=("account_partners",), parameters={}, meaning={},
        staff="{others} other partner is paid to the same account.", partner="An account is paid to more than once.",
        find=lambda seen, given: (),
    ),
)  # fmt: skip


class Casework(Payday):
    """The portal, and the cases behind it."""

    started: list[str]

    @property
    def harbour(self) -> str:
        return self.partners[HARBOUR]

    @property
    def case_books(self) -> CaseBooks:
        books: CaseBooks = self.wiring.case_books
        return books

    def finds(self, *findings: Finding, partner: str = HARBOUR, at: datetime = NOW) -> Case:
        """Scoring finds this, and opens a case or adds to it."""
        case = open_case(
            self.case_books, self.wiring.start_case, brand=self.brand, partner=self.partners[partner],
            findings=findings, why="9 of 12 clients registered from one network within 7 days.", now=at,
        )  # fmt: skip
        assert case is not None
        return case

    def case(self, case: Case) -> Case:
        """As it stands now."""
        return self.case_books.cases.case(case.partner, case.case)

    def carries_out(self, case: Case) -> Case:
        """What the engine and the state machine do after a verdict: the books follow it, and the money goes free."""
        found = self.case(case)
        states = self.case_books.clients.states((self.brand, client) for client in CLIENTS)
        for (_, client), state in sorted(states.items()):
            if found.verdict is None or client not in found.verdict.clients:
                continue
            event = ("desk", ruling_id(found.case, client, found.status))
            now = milliseconds(self.now)
            ruling = Ruling(now, 0, found.status is CaseStatus.DISALLOWED, found.case, str(found.verdict.code))
            entry = a_journal(
                -EACH if ruling.disallowed else EACH, "2026-04", partner=self.harbour, client=client,
                version=state.version + 1,
            )  # fmt: skip
            after = replace(
                state, rulings={**state.rulings, event: ruling},
                posted={} if ruling.disallowed else {entry.key: EACH},
            )  # fmt: skip
            Accruals("facts", self.table).write(Accrual((), (after,), (entry,)), now)
        return free_money(self.case_books, partner=case.partner, case=case.case, now=self.now)

    def opened(self, *, partner: str = HARBOUR) -> Case:
        """A case about nine of Harbour's clients, with all the evidence there is."""
        return self.finds(a_cluster(), a_jump(), partner=partner)


def a_cluster(clients: Sequence[str] = CLIENTS[:9]) -> Finding:
    """Registrations from one network, some of which drew their deposit again."""
    began = milliseconds(NOW) - 6 * 86_400_000
    moments: list[Moment] = []
    for place, client in enumerate(clients):
        at = began + place * 31 * 60_000
        deposit = Moment(at + 3_600_000 * (place + 1), client, "deposit", 10_000, "EUR")
        moments += [Moment(at, client, "registration"), deposit]
        if place % 3 == 0:
            moments.append(Moment(at + 86_400_000 * (1 + place % 4), client, "withdrawal", 9_500, "EUR"))
    return Finding(
        detector="registration_cluster", clients=tuple(sorted(clients)), first="2026-03-26", through="2026-04-01",
        measured=9, threshold=8,
        values={"alike": "9", "of": "12", "days": "7", "first": "2026-03-26", "through": "2026-04-01"},
        evidence=Evidence(
            clusters=(
                Cluster("prefix", "network 1", tuple(clients[:7]), 12),
                Cluster("prefix", "network 2", tuple(clients[7:]), 12),
                Cluster("pattern", "pattern 1", tuple(clients[:5]), 12),
            ),
            timeline=tuple(sorted(moments)),
        ),
    )  # fmt: skip


def a_jump() -> Finding:
    """A rate that left its band for a week."""
    first = NOW - timedelta(days=20)
    points = []
    for place in range(20):
        clicks = 300 + 40 * (place % 4)
        seen = clicks * (3 if place < 14 else 11 + place % 3) // 100
        day = f"{first + timedelta(days=place):%Y-%m-%d}"
        points.append(Point(day, seen, clicks, seen * 10_000 // clicks, 120, 560))
    return Finding(
        detector="conversion_jump", clients=(), first="2026-03-27", through="2026-04-01", measured=3.7, threshold=3,
        values={"rate": "11.8 %", "expected": "3.2 %"}, evidence=Evidence(series=tuple(points)),
    )  # fmt: skip


@contextmanager
def a_casework(patch: pytest.MonkeyPatch) -> Iterator[Casework]:
    """Harbour has twelve clients; no case is open."""
    patch.setattr(registry, "DETECTORS", DETECTORS)
    patch.setattr(registry, "_BY_NAME", {each.name: each for each in DETECTORS})
    with a_payday(patch) as payday:
        payday.__class__ = Casework
        portal: Any = payday
        portal.started = []

        def start(name: str, given: object) -> str:
            portal.started.append(name)
            return name

        patch.setattr(portal.wiring, "start_case", start, raising=False)
        for name, shown, role, partner in (
            (COMPLIANCE, "Noor Haddad", Role.COMPLIANCE, None), (OTHER_COMPLIANCE, "Ines Prado", Role.COMPLIANCE, None),
            (SALES, "Sol Vidal", Role.SALES, None), (HELPER, "Hedy Helper", Role.MEMBER, portal.harbour),
        ):  # fmt: skip
            portal.people[name] = Member(
                member=f"mem_{secrets.token_hex(4)}", partner=partner, brand=portal.brand, role=role, name=shown,
                language="en",
            )  # fmt: skip
            change = Change(by="system:test", at=NOW, why="set up", origin="test")
            Configuration(portal.table).add_member(portal.people[name], change)
        for place, client in enumerate(CLIENTS):
            _earns(portal, client, place)
        yield portal


def _earns(portal: Casework, client: str, place: int) -> None:
    """A client of Harbour's, with what the engine posted for it."""
    registered = NOW - timedelta(days=6, minutes=-31 * place)
    entry = a_journal(EACH, "2026-04", partner=portal.harbour, client=client)
    state = ClientState(
        brand=portal.brand, client=client, registered=Mark(milliseconds(registered), "mt5", f"r{place}"), country="DE",
        timeline=(Segment(0, portal.harbour, "lnk_1", "cmp_1", f"click{place}"),), posted={entry.key: EACH},
    )  # fmt: skip
    state = replace(state, first=state.registered)
    Accruals("facts", portal.table).write(Accrual((), (state,), (entry,)), POSTED_AT)
