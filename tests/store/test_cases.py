"""Cases in the table: each reads as it was written, is found by the questions that are asked of it, and is written
under the version that was read, all or nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from introducer.domain.case import Answer, Case, CasePolicy, CaseStatus, ReasonCode, Verdict, case_id
from introducer.domain.case_money import journals_of, moved
from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.fraud.finding import Cluster, Evidence, Moment, Point
from introducer.domain.ledger import HELD, PENDING, Balance
from introducer.store.cases import Cases, Step, case_from_item, case_to_item, finding_from_item, finding_to_item
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.scorings import Scorings
from introducer.store.wire import from_wire, to_wire
from tests.conftest import Tables
from tests.store.test_reservations import NOW as NOW_MS
from tests.store.test_reservations import PARTNER, posts
from tests.support.builders import at
from tests.support.case_world import a_finding

pytestmark = pytest.mark.in_memory

BRAND, OTHER = "brd_1", "par_other"
NOW = at("2026-04-17 09:00")
CHANGE = Change(by="system:scoring", at=NOW, why="9 of 12 clients", origin="scoring")


def a_case(number: int = 1, partner: str = PARTNER, **fields: object) -> Case:
    given: dict[str, object] = {
        "case": case_id(partner, number), "brand": BRAND, "partner": partner, "name": "Amber Ltd",
        "status": CaseStatus.OPEN, "opened_at": NOW + timedelta(minutes=number), "opened_by": "system:scoring",
        "why": "9 of 12 clients", "detectors": ("registration_cluster",), "clients": ("c1", "c2"),
        "decide_by": NOW + timedelta(days=7), "escalate_by": NOW + timedelta(days=14),
    }  # fmt: skip
    return Case(**given | fields)  # type: ignore[arg-type]


EVERYTHING = a_case(
    status=CaseStatus.UPHELD, whole=True, held={("EUR", "2026-05-01"): 5, ("EUR", ""): 7}, journals=3, stop="hld_1",
    execution="amber", token="token", reminders=2, asked_at=NOW,
    answers=(Answer(at=NOW, by="mem_1", side="partner", text="Nein, «ich» nicht"),),
    verdict=Verdict(at=NOW, by="mem_2", disallowed=True, code=ReasonCode.CHARGEBACKS, why="w", clients=("c1",),
                    starts_at=NOW - timedelta(days=9)),
    appeal_by=NOW + timedelta(days=20), appealed_at=NOW + timedelta(days=1),
    second=Verdict(at=NOW, by="system:clock", disallowed=False, code=None, why="", clients=()),
    freed_at=NOW, second_at=NOW, closed_at=NOW + timedelta(days=30), version=9,
)  # fmt: skip


@pytest.fixture
def cases(tables: Tables) -> Cases:
    return Cases(tables.books)


def opens(cases: Cases, case: Case, **more: object) -> Case:
    written = cases.write(Step(before=None, after=case, change=CHANGE, action="open_case", **more))  # type: ignore[arg-type]
    assert written is not None
    return written


def test_a_case_is_in_its_item_whole() -> None:
    assert case_from_item(from_wire(to_wire(case_to_item(EVERYTHING)))) == EVERYTHING
    assert case_from_item(from_wire(to_wire(case_to_item(a_case())))) == a_case()


def test_a_finding_is_in_its_item_with_its_evidence() -> None:
    finding = a_finding(
        "c1", "c2", measured=18.25, threshold=3,
        evidence=Evidence(
            clusters=(Cluster("prefix", "network 1", ("c1", "c2"), 12),),
            series=(Point("2026-04-01", 3, 40, 750, 100, 500),),
            timeline=(Moment(1_772_700_000_000, "c1", "deposit", 5_000, "EUR"),),
        ),
    )  # fmt: skip
    assert finding_from_item(from_wire(to_wire(finding_to_item(a_case(), finding)))) == finding


@pytest.mark.pattern("case_by_id")
class TestCaseById:
    def test_it_reads_as_it_was_written_with_its_record(self, tables: Tables, cases: Cases) -> None:
        written = opens(cases, a_case())
        assert cases.case(PARTNER, written.case) == written == replace(a_case(), version=1)
        [record] = Configuration(tables.books).audit_of_subject(written.case).items
        assert (record.action, record.by, record.brand) == ("open_case", "system:scoring", BRAND)
        assert json.loads(record.after or "")["clients"] == ["c1", "c2"]

    def test_another_partners_is_none(self, cases: Cases) -> None:
        written = opens(cases, a_case())
        for partner, case in ((OTHER, written.case), (PARTNER, "cas_none")):
            with pytest.raises(NotFound):
                cases.case(partner, case)

    def test_a_step_is_taken_from_what_was_read_and_from_nothing_else(self, tables: Tables, cases: Cases) -> None:
        first = opens(cases, a_case())
        second = cases.write(Step(before=first, after=replace(first, token="t")))
        assert second is not None
        assert cases.write(Step(before=first, after=replace(first, token="other"))) is None
        assert cases.write(Step(before=None, after=a_case(why="w"), change=CHANGE, action="open_case")) is None
        assert cases.case(PARTNER, first.case) == second

    def test_opening_is_one_with_the_partners_scoring(self, tables: Tables, cases: Cases) -> None:
        scorings = Scorings(tables.books)
        before = scorings.get(BRAND, PARTNER)
        after = replace(before, cases=1, open_case=a_case().case)
        opens(cases, a_case(), scoring=(before, after))
        assert scorings.get(BRAND, PARTNER) == replace(after, version=1)
        # when another one had read the same
        step = Step(before=None, after=a_case(2), change=CHANGE, action="open_case", scoring=(before, after))
        # then nothing of it is written
        assert cases.write(step) is None
        assert len(cases.of_partner(PARTNER)) == 1


@pytest.mark.pattern("cases_of_partner")
def test_a_partners_cases_come_newest_first_without_what_was_found(tables: Tables, cases: Cases) -> None:
    old, new = opens(cases, a_case(1), findings=(a_finding("c1"),)), opens(cases, a_case(2))
    opens(cases, a_case(1, OTHER))
    assert cases.of_partner(PARTNER) == [new, old]


@pytest.mark.pattern("cases_of_brand")
def test_a_brands_cases_are_listed_by_whether_they_are_closed(tables: Tables, cases: Cases) -> None:
    old, new = opens(cases, a_case(1)), opens(cases, a_case(2, OTHER))
    opens(cases, a_case(3, "par_third", brand="brd_x"))
    assert cases.of_brand(BRAND).items == (old, new), "the oldest first"
    page = cases.of_brand(BRAND, limit=1)
    assert page.items == (old,)
    assert cases.of_brand(BRAND, cursor=page.cursor, limit=1).items == (new,)
    # when the first one is closed
    closed = cases.write(Step(before=old, after=replace(old, closed_at=NOW), change=CHANGE, action="close_case"))
    assert closed is not None
    assert cases.of_brand(BRAND).items == (new,)
    assert cases.of_brand(BRAND, closed=True).items == (closed,)
    assert list(cases.all_open(BRAND)) == [new]


@pytest.mark.pattern("findings_of_case")
def test_what_was_found_stands_with_its_case_alone(tables: Tables, cases: Cases) -> None:
    cluster, own = a_finding("c1"), a_finding("c2", detector="self_referral")
    case = opens(cases, a_case(1), findings=(own, cluster))
    opens(cases, a_case(2), findings=(a_finding("c3", detector="wash_trades"),))
    assert cases.findings(PARTNER, case.case) == (cluster, own)
    # a later one of the same detector stands in its place
    wider = a_finding("c1", "c4")
    assert cases.write(Step(before=case, after=case, findings=(wider,)))
    assert cases.findings(PARTNER, case.case) == (wider, own)


class TestJournals:
    @staticmethod
    def holds(tables: Tables, cases: Cases, case: Case, day: str, minor: int) -> Case | None:
        balance = Ledger(tables.books).balance(case.partner)
        journals = journals_of(balance, {("EUR", day): minor}, case=case.case, number=case.journals + 1, at_ms=NOW_MS)
        held = {("EUR", day): case.held.get(("EUR", day), 0) + minor}
        after = replace(case, held=held, journals=case.journals + len(journals))
        step = Step(before=case, after=after, change=CHANGE, action="hold_money", balance=balance, journals=journals)
        return cases.write(step)

    @pytest.mark.pattern("journals_of_case")
    def test_they_move_the_balance_and_come_in_order(self, tables: Tables, cases: Cases) -> None:
        posts(tables, 100_00, "2026-05-01")
        case = self.holds(tables, cases, opens(cases, a_case()), "2026-05-01", 60_00)
        assert case is not None
        case = self.holds(tables, cases, case, "2026-05-01", -10_00)
        assert case is not None
        journals = cases.journals(PARTNER, case.case)
        assert [(each.id, each.kind) for each in journals] == [
            (f"{case.case}.1", "hold"), (f"{case.case}.2", "free"),
        ]  # fmt: skip
        assert all(sum(leg.amount for leg in each.legs) == each.amount == 0 for each in journals)
        assert moved(journals) == case.held == {("EUR", "2026-05-01"): 50_00}
        balance = Ledger(tables.books).balance(PARTNER)
        assert balance.amounts["EUR", HELD, ""] == balance.amounts["EUR", PENDING, "2026-05-01"] == 50_00
        assert balance.earned == {("EUR", "2026-03"): 100_00}, "nothing is earned by it"

    @pytest.mark.pattern("case_journals_of_partner")
    def test_all_that_a_partners_cases_moved_is_one_query(self, tables: Tables, cases: Cases) -> None:
        posts(tables, 100_00, "2026-05-01")
        written = [self.holds(tables, cases, opens(cases, a_case(number)), "2026-05-01", 1_00) for number in (1, 2)]
        found = [each.key.scope for each in cases.journals_of_partner(PARTNER)]
        assert sorted(found) == sorted(case.case for case in written if case is not None)
        assert list(cases.journals_of_partner(OTHER)) == []

    def test_whatever_was_posted_since_the_balance_was_read_it_is_read_again(
        self, tables: Tables, cases: Cases, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        posts(tables, 100_00, "2026-05-01")
        case = opens(cases, a_case())
        stale = Ledger(tables.books).balance(PARTNER)
        posts(tables, -100_00, "2026-05-01", number=2)
        monkeypatch.setattr(Ledger, "balance", lambda self, partner: stale)
        assert self.holds(tables, cases, case, "2026-05-01", 60_00) is None
        assert cases.case(PARTNER, case.case) == case
        assert cases.journals(PARTNER, case.case) == ()

    def test_a_partner_without_a_balance_has_nothing_to_hold(self, tables: Tables, cases: Cases) -> None:
        assert journals_of(Balance(PARTNER), {}, case="cas_1", number=1, at_ms=NOW_MS) == ()


@pytest.mark.pattern("case_policy_of_brand")
def test_a_brands_clocks_are_the_products_own_until_they_are_set(tables: Tables, cases: Cases) -> None:
    assert cases.policy(BRAND) == CasePolicy()
    slow = CasePolicy(decide_days=10, escalated_days=10, appeal_days=30, remind_hours=72)
    change = replace(CHANGE, by="mem_admin", why="Summer")
    cases.set_policy(BRAND, CasePolicy(), slow, change)
    assert cases.policy(BRAND) == slow
    assert cases.policy("brd_x") == CasePolicy()
    with pytest.raises(Conflict) as refused:
        cases.set_policy(
            BRAND, CasePolicy(), replace(slow, decide_days=1), replace(change, at=NOW + timedelta(hours=1))
        )
    assert refused.value.code == "policy_changed"
    [record] = Configuration(tables.books).audit_of_subject(BRAND).items
    assert (record.action, json.loads(record.after or "")["appeal_days"]) == ("set_case_policy", 30)
