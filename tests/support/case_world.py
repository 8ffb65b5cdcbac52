"""A partner whose clients are in question: engine, settling, payouts and cases over the tables of a test.

    world = CaseWorld(tables)
    world.client("c1", "2026-10-05")
    case = world.opens("c1")

It is 2 December 2026, as in `payouts`. A client who pays in earns its partner 100.00, available twenty days later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from introducer.domain.case import Case
from introducer.domain.configuration import Member, Role
from introducer.domain.events import Event
from introducer.domain.fraud.finding import Finding
from introducer.domain.ledger import HELD
from introducer.domain.payout import Run
from introducer.services.answer_case import answer_case
from introducer.services.appeal_case import appeal_case
from introducer.services.ask_for_verdict import ask_for_verdict, wait_for_appeal
from introducer.services.carry_out_verdict import carry_out_verdict, engine_is_done
from introducer.services.case_books import CaseBooks
from introducer.services.close_case import close_case
from introducer.services.decide_case import decide_appeal, decide_case
from introducer.services.free_money import free_money
from introducer.services.hold_money import hold_money
from introducer.services.open_case import open_case
from introducer.store.cases import Cases
from introducer.store.facts import Facts
from introducer.store.rulings import Rulings
from introducer.store.scorings import Scorings
from introducer.store.settlements import Settlements
from tests.conftest import Tables
from tests.support.builders import BRAND, World, a_click, an_event, at, cpa, terms
from tests.support.payouts import Paying, a_member
from tests.support.settling import Books

PARTNER = "par_p"
MANAGER = a_member(Role.MANAGER, "mem_manager", BRAND)
COMPLIANCE = a_member(Role.COMPLIANCE, "mem_compliance", BRAND)
FINANCE = a_member(Role.FINANCE, "mem_finance", BRAND)
ADMIN = a_member(Role.ADMIN, "mem_admin", BRAND)
OWNER = Member(member="mem_owner", partner=PARTNER, brand=BRAND, role=Role.OWNER, name="Olive", language="en")
DEAL = terms(cpa("100.00", min_deposit="10.00", within_hours=72), days=20)


def a_finding(*clients: str, detector: str = "registration_cluster", **fields: Any) -> Finding:
    """Something that a detector found."""
    given: dict[str, Any] = {
        "first": "2026-10-01", "through": "2026-11-30", "measured": 9, "threshold": 8,
        "values": {"seen": "9", "limit": "8"},
    }  # fmt: skip
    return Finding(detector=detector, clients=tuple(sorted(clients)), **given | fields)


class CaseWorld(Paying):
    """A brand that pays its partners, with an engine behind it, and cases."""

    def __init__(self, tables: Tables, deal: Mapping[str, Any] = DEAL) -> None:
        super().__init__(tables, BRAND)
        self.engine = Books(tables, World().partner(PARTNER, deal))
        self.partner(PARTNER)
        self.books = CaseBooks(
            configuration=self.configuration,
            cases=Cases(tables.books),
            scorings=Scorings(tables.books),
            ledger=self.ledger,
            clients=self.engine.clients,
            payouts=self.payouts,
            settlements=Settlements(tables.books),
            holds=self.holds,
            facts=Facts(tables.facts),
            contracts=self.engine,
        )
        self.rulings = Rulings(tables.facts, tables.books)
        self.started: list[str] = []

    # ------------------------------------------------------------------------------------------------------ clients

    def client(self, client: str, day: str, *, deposit: str = "50.00") -> str:
        """A client who registers on a day and pays in an hour later."""
        when = at(f"{day} 10:00")
        self.applies(
            an_event("registration", when, client=client, click_id=a_click(when - timedelta(hours=1))),
            an_event("deposit", when + timedelta(hours=1), client=client, amount=deposit, event_id=f"{client}-first"),
        )
        return client

    def applies(self, *events: Event) -> None:
        """The engine applies events, and months are settled."""
        self.engine.deliver(*events)
        self.engine.settle()

    def follows(self, *clients: str) -> None:
        """The engine applies what was decided about these clients, or those of the case, as the stream brings it."""
        new = [
            ruling
            for client in clients or self.case().clients
            for ruling in self.rulings.of_client(BRAND, client)
            if ruling.applied_at is None
        ]
        outcome = self.engine.engine().apply(new)
        assert (outcome.quarantined, outcome.failed) == (0, ())
        self.engine.settle()

    # ------------------------------------------------------------------------------------------------------ the case

    def opens(self, *clients: str, findings: Sequence[Finding] = (), why: str = "9 of 12 clients") -> Case:
        """Scoring finds something about these clients; about all of the partner's money without any."""
        case = open_case(
            self.books, self.start, brand=BRAND, partner=PARTNER, findings=findings or [a_finding(*clients)], why=why,
            now=self.now,
        )  # fmt: skip
        assert case is not None
        return case

    def start(self, name: str, given: Mapping[str, str]) -> str:
        """Stands for the gateway that starts executions."""
        self.started.append(name)
        return name

    def case(self) -> Case:
        """The partner's newest case, as it stands now."""
        return self.books.cases.of_partner(PARTNER)[0]

    @property
    def place(self) -> dict[str, str]:
        return {"partner": PARTNER, "case": self.case().case}

    def tops_up(self) -> Case:
        return hold_money(self.books, **self.place, now=self.now)

    def asks(self, token: str = "token") -> Case:
        return ask_for_verdict(self.books, self.wake, **self.place, token=token, now=self.now)

    def asks_for_appeal(self, token: str = "token") -> Case:
        return wait_for_appeal(self.books, self.wake, **self.place, token=token, now=self.now)

    def decides(self, *, member: Member = MANAGER, disallow: bool, **given: Any) -> Case:
        code = "fake_registrations" if disallow else ""
        given = dict[str, Any](code=code, why="Looked at it", now=self.now) | given
        version = given.pop("version") if "version" in given else self.case().version
        return decide_case(
            self.books, self.wake, member=member, **self.place, version=version, disallow=disallow, **given
        )

    def answers(self, text: str, *, member: Member = OWNER, note: bool = False) -> Case:
        return answer_case(self.books, member=member, **self.place, text=text, note=note, now=self.now)

    def appeals(self, why: str = "They are real people", *, member: Member = OWNER) -> Case:
        return appeal_case(self.books, self.wake, member=member, **self.place, why=why, now=self.now)

    def decides_appeal(self, *, member: Member = COMPLIANCE, uphold: bool, **given: Any) -> Case:
        given = dict[str, Any](version=self.case().version, why="Looked again", now=self.now) | given
        return decide_appeal(self.books, self.wake, member=member, **self.place, uphold=uphold, **given)

    def records(self) -> Case:
        return carry_out_verdict(self.books, self.rulings, **self.place, now=self.now)

    def carries_out(self, *clients: str) -> Case:
        """The verdict is recorded, the engine follows it, and the money goes free."""
        self.records()
        self.follows(*clients)
        return self.frees()

    def is_done(self) -> bool:
        return engine_is_done(self.books, **self.place)

    def frees(self) -> Case:
        return free_money(self.books, **self.place, now=self.now)

    def closes(self) -> Case:
        return close_case(self.books, **self.place, now=self.now)

    def later(self, **time: float) -> datetime:
        """Time passes."""
        self.now += timedelta(**time)
        return self.now

    def decide(self, approve: bool = True, *, member: Member = FINANCE, **given: Any) -> Run:
        return super().decide(approve, member=member, **given)

    def pays(self) -> None:
        """Each payout of the run is paid."""
        for payout in self.payouts.all_of_run(self.brand, self.run().run):
            self.reservations.pay(payout.partner, payout.payout, int(self.now.timestamp()) * 1000)

    # ----------------------------------------------------------------------------------------------- what came of it

    def money_of(self, partner: str = PARTNER) -> dict[str, int]:
        """What stands in each bucket that is not empty. Held is what cases hold, day by day."""
        balance = self.ledger.balance(partner)
        held = sum(sum(case.held.values()) for case in self.books.cases.of_partner(partner))
        assert held == sum(minor for (_, bucket, _), minor in balance.amounts.items() if bucket == HELD)
        return self.money(partner)
