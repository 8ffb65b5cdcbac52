"""A partner program step by step: clients act, news of it comes late and twice, staff decide, months are settled,
closed and paid, in any sequence that Hypothesis can think of. At the end, the claims of the engine hold.

Decisions never reach back: a version begins at a later midnight (or the first of a month), a standing after the least
notice, a parent with the next month. Only facts reach back: late events, cancels, chargebacks, moves and
verdicts.
A failure prints its steps, and how to see it again.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from introducer.domain.calendar import plus_months
from introducer.domain.events import NOTICE, Event
from introducer.domain.terms import begins_with_a_month, parse_terms
from introducer.store.clients import state_hash
from tests.property.test_programs import compare
from tests.support.builders import CLICK_KEY, World, a_click, an_event, at, cpa, lot, revshare, terms
from tests.support.keeping import Books
from tests.support.program import Program
from tests.support.programs import PUBLISHED
from tests.support.reference import Reference

BEGINNING = at("2026-01-03 09:00")
PARTNERS = {"par_1": "LINK0001", "par_2": "LINK0002", "par_3": "LINK0003"}
CLIENTS = ("anna", "ben", "cleo", "dora")
METALS: dict[str, Any] = {"groups": [{"symbols": ["XAUUSD"], "amount": "9.00"}, {"symbols": [], "amount": "7.77"}]}

PLACES = cpa("60.00", min_deposit="100.00", within_hours=24) | {"caps": [{"per": "month", "clients": 2}]}
MONEY = cpa("40.00") | {
    "caps": [{"per": "month", "amount": "70.00"}],
    "tiers": {"by": "qftd", "mode": "marginal", "bands": [{"from": "2", "add": "5.00"}]},
}
TRADED = cpa("50.00", min_lots="1.5", min_net_revenue="10.00", within_days=30)
POOL = revshare("33.3333", "carry") | {"pooled": True}
FENCED = POOL | {"negative": "capped", "cap": "1", "fence": "10.00"}
TIERED = POOL | {
    "tiers": {"by": "net_revenue", "mode": "retroactive", "bands": [{"from": "20.00", "percent": "45"}]},
}
MARGINAL = lot("7.77") | {"tiers": {"by": "lots", "mode": "marginal", "bands": [{"from": "2", "add": "1.00"}]}}
GOAL = {"type": "bonus", "id": "goal", "by": "qftd", "goal": "2", "amount": "50.00"}
ABOVE = {
    "type": "override",
    "id": "net",
    "levels": [
        {"level": 1, "percent": "12.5", "of": ["cpa", "revshare", "lot", "bonus", "override"]},
        {"level": 2, "percent": "5", "of": "net_revenue"},
    ],
}

DEALS: tuple[dict[str, Any], ...] = (
    terms(PLACES, POOL, GOAL, ABOVE, days=30, ftd_minimum="50.00"),
    terms(MONEY, TIERED, lot("7.77"), GOAL, days=5),
    terms(TRADED, POOL, GOAL, ABOVE, days=1),
    terms(cpa("33.33", kyc=True), FENCED, MARGINAL, ABOVE, days=0),
    terms(cpa("20.00"), revshare("50", "carry"), lot("5.00", **METALS), days=15),
    terms(cpa("80.00"), lot("5.00", **METALS)) | {"hold": {"days": 3, "from": "event_day"}},
    terms(TIERED | {"promotion": {"from": "2026-01-10", "until": "2026-02-10", "percent": "50"}}, ABOVE, PLACES),
)
"""Rules keep their ids from one to another, so that any may follow any."""

ages = st.sampled_from([0, 0, 0, 1, 5, 24, 24 * 9, 24 * 40])
"""How many hours ago something happened."""
money = st.sampled_from(["10.00", "100.00", "100.00", "99.99", "50.00"])
revenue = st.sampled_from(["10.00", "20.00", "0.01", "-10.00", "-10.01", "-30.00"])
partners = st.sampled_from(["par_1", "par_1", "par_1", "par_2", "par_3"])
clients = st.sampled_from(CLIENTS)
lots = st.sampled_from(["0.5", "1", "2"])


class PartnerProgram(RuleBasedStateMachine):
    """One brand, three partners, four clients."""

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGINNING
        self.world = World(rates=PUBLISHED)
        self.books = Books(self.world)
        self.deals: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        self.standings: dict[str, list[tuple[str, bool]]] = defaultdict(list)
        self.parents: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
        self.facts: list[Event] = []
        self.pending: list[Event] = []
        self.stated: dict[tuple[str, str], int] = {}

    @initialize(
        deals=st.tuples(*[st.sampled_from(DEALS)] * 3),
        chain=st.booleans(),
        whose=st.tuples(*[partners] * len(CLIENTS)),
        first=money,
        earned=revenue,
    )
    def partners_with_deals_and_clients(
        self, deals: tuple[dict[str, Any], ...], chain: bool, whose: tuple[str, ...], first: str, earned: str
    ) -> None:
        for (partner, link), deal in zip(sorted(PARTNERS.items()), deals, strict=True):
            self.world.partner(partner, deal, link)
            self.deals[partner] = [("2020-01-01", deal)]
        if chain:
            self._above("par_1", "par_2", "")
            self._above("par_2", "par_3", "")
        for number, (client, partner) in enumerate(zip(CLIENTS, whose, strict=True)):
            self.now = BEGINNING + timedelta(hours=number)
            click = a_click(self.now - timedelta(hours=1), PARTNERS[partner])
            self._happens("registration", client, 0, click_id=click, country="DE")
            self._happens("kyc", client, 0)
            self._happens("deposit", client, 0, amount=first)
            self._happens("trade", client, 0, commission=earned, lots="1", symbol="EURUSD")

    # ------------------------------------------------------------------------------------------------------- clients

    @rule(hours=st.sampled_from([7, 24, 24 * 6, 24 * 17]))
    def time_goes_by(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(client=clients, age=ages, amount=money, currency=st.sampled_from(["EUR", "USD"]))
    def a_deposit(self, client: str, age: int, amount: str, currency: str) -> None:
        self._happens("deposit", client, age, amount=amount, currency=currency)

    @rule(some=st.lists(st.tuples(clients, ages, revenue, lots, st.booleans()), min_size=1, max_size=4))
    def trades(self, some: list[tuple[str, int, str, str, bool]]) -> None:
        for client, age, amount, size, metal in some:
            symbol = "XAUUSD" if metal else "EURUSD"
            self._happens("trade", client, age, commission=amount, lots=size, symbol=symbol)

    @precondition(lambda self: self.facts)
    @rule(data=st.data(), back=st.booleans())
    def something_is_taken_back(self, data: st.DataObject, back: bool) -> None:
        fact = data.draw(st.sampled_from(self.facts), label="of")
        if fact.type == "deposit" and back:
            self._happens("chargeback", fact.client, 0, ref=fact.event_id, amount=fact.amount, currency=fact.currency)
        elif fact.type not in ("cancel", "move", "verdict"):
            self._happens("cancel", fact.client, 0, ref=fact.event_id)

    @rule(client=clients, partner=partners, age=st.none() | ages)
    def a_client_is_moved(self, client: str, partner: str, age: int | None) -> None:
        starts_at = None if age is None else self.now - timedelta(hours=age)
        self._happens("move", client, 0, source="staff", partner=partner, starts_at=starts_at)

    @rule(client=clients, disallowed=st.booleans(), age=st.none() | ages)
    def a_case_is_decided(self, client: str, disallowed: bool, age: int | None) -> None:
        starts_at = None if age is None else self.now - timedelta(hours=age)
        status = "disallowed" if disallowed else "allowed"
        self._happens("verdict", client, 0, source="staff", status=status, starts_at=starts_at)

    # ------------------------------------------------------------------------------------------------------ delivery

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), size=st.integers(1, 6))
    def news_arrives(self, data: st.DataObject, size: int) -> None:
        order = data.draw(st.permutations(self.pending), label="news")
        self.books.deliver(*order[:size])
        self.pending = order[size:]

    @precondition(lambda self: self.facts)
    @rule(data=st.data())
    def news_arrives_again(self, data: st.DataObject) -> None:
        fact = data.draw(st.sampled_from(self.facts), label="again")
        self.books.deliver(fact, fact)
        self.pending = [each for each in self.pending if each is not fact]

    # ----------------------------------------------------------------------------------------------------- decisions

    @rule(partner=partners, deal=st.sampled_from(DEALS))
    def a_version_is_accepted(self, partner: str, deal: dict[str, Any]) -> None:
        day, before = self.deals[partner][-1]
        begins = max(midnight_after(self.now + NOTICE), at(day))
        if begins_with_a_month(parse_terms(deal), parse_terms(before)) and begins.day != 1:
            begins = at(f"{plus_months(f'{begins:%Y-%m}', 1)}-01")
        self.deals[partner].append((f"{begins:%Y-%m-%d}", deal))
        self.world.version(partner, deal, f"{begins:%Y-%m-%d}")

    @rule(partner=partners, blocked=st.booleans())
    def a_standing_is_decided(self, partner: str, blocked: bool) -> None:
        since = f"{self.now + NOTICE:%Y-%m-%d %H:%M}"
        self.standings[partner].append((since, blocked))
        self.world.decides(partner, since, blocked=blocked)

    @rule(below=st.sampled_from(["par_1", "par_2"]), alone=st.booleans())
    def a_parent_is_decided(self, below: str, alone: bool) -> None:
        # Nobody ever stands below somebody with a lower number, so there are no circles.
        above = {"par_1": "par_3", "par_2": "par_3"}[below]
        self._above(below, None if alone else above, plus_months(f"{self.now + NOTICE:%Y-%m}", 1))

    # --------------------------------------------------------------------------------------------------------- books

    @precondition(lambda self: self.books.dirty)
    @rule(data=st.data())
    def a_month_is_settled(self, data: st.DataObject) -> None:
        self.books.settle_one(data.draw(st.sampled_from(sorted(self.books.dirty)), label="settled"))

    @rule(partner=partners)
    def a_month_ends_and_is_closed(self, partner: str) -> None:
        last = f"{self.now:%Y-%m}"
        self.now = at(f"{plus_months(last, 1)}-02")
        for number in range(24):
            month = plus_months(last, -number)
            self.stated.setdefault((partner, month), self.books.statement(partner, month))
        self.books.close(partner, last)

    @rule(partner=partners)
    def a_partner_is_paid(self, partner: str) -> None:
        today = f"{self.now:%Y-%m-%d}"
        available = self.books.available(partner, "EUR", today)
        assert self.books.pay(partner, "EUR", today) == max(0, available)
        assert self.books.available(partner, "EUR", today) == min(0, available)

    # ---------------------------------------------------------------------------------------------------- what holds

    @invariant()
    def entries_balance_and_closed_months_stay(self) -> None:
        for entry in self.books.entries:
            assert sum(leg.amount for leg in entry.legs) == 0
            assert entry.post_month >= entry.key.earn_month
        for (partner, month), stated in self.stated.items():
            assert self.books.statement(partner, month) == stated, (partner, month)

    def teardown(self) -> None:
        if not self.deals:
            return
        # given that all news has arrived, and every month is settled
        self.books.deliver(*self.pending).settle()
        self.entries_balance_and_closed_months_stay()
        # then the books are what a naive reading owes
        naive = Reference(self.deals, self.world.links, PUBLISHED, {0: CLICK_KEY}, self.standings, self.parents)
        owed = naive.owed(self.facts)
        assert compare(owed, self.books.owed()) == {}
        journals: dict[Any, int] = defaultdict(int)
        for entry in self.books.entries:
            journals[entry.key] += entry.amount
        assert compare(owed, journals) == {}
        for partner in PARTNERS:
            posted = sum(minor for key, minor in owed.items() if key.partner == partner)
            assert sum(self.books.balance(partner).amounts.values()) == posted
        # and the states are those of one fold of everything
        at_once = Program(self.world).deliver(*self.facts).settle()
        assert state_hash(self.books.states.values()) == state_hash(at_once.states.values())

    # ------------------------------------------------------------------------------------------------------- helpers

    def _happens(self, kind: str, client: str, age: int, **fields: Any) -> None:
        when = max(self.now - timedelta(hours=age), BEGINNING - timedelta(days=1))
        fact = an_event(kind, when, client=client, event_id=f"e{len(self.facts):03d}", **fields)
        self.facts.append(fact)
        self.pending.append(fact)

    def _above(self, below: str, above: str | None, month: str) -> None:
        self.parents[below].append((month, above))
        self.world.under(below, above, month)


def midnight_after(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


class TestPartnerProgram(PartnerProgram.TestCase):  # type: ignore[misc]
    """40 programs of 30 steps."""

    settings = settings(
        max_examples=40,
        stateful_step_count=30,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
