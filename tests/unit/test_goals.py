"""Offering, accepting, declining and withdrawing personal goals, and how far they are; both tables in this process."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import DealRecord, Member, Partner, PartnerKind, Role, Status
from introducer.domain.errors import IntroducerError
from introducer.domain.events import milliseconds
from introducer.domain.goal import Goal, GoalStatus, Wish, latest_answer
from introducer.domain.rows import Row
from introducer.services.accept_deal import accept_deal
from introducer.services.answer_goal import accept_goal, decline_goal
from introducer.services.creation import Author
from introducer.services.offer_goal import offer_goal, withdraw_goal
from introducer.services.open_brand import open_brand
from introducer.services.propose_deal import propose_deal
from introducer.services.read_contracts import ContractReader
from introducer.services.read_deal_of_partner import read_deal_of_partner
from introducer.services.read_goals import GoalOfPartner, Phase, read_goals_of_partner
from introducer.services.register_partner import register_partner
from introducer.services.set_standing import set_standing
from introducer.services.settle_partner import Settler
from introducer.store.configuration import Configuration
from introducer.store.goals import Goals
from introducer.store.ledger import Ledger
from introducer.store.mails import Mails
from introducer.store.rates import RateStore
from introducer.store.settlements import Settlements, row_to_item
from introducer.store.wire import to_wire
from tests.conftest import create_table, in_memory
from tests.support.builders import cpa, lot, revshare, terms

TODAY = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
AUTHOR = Author(by="system:test", why="set up")
DEAL = terms(cpa("100.00"), revshare("30"), days=20)
WISH = Wish(by="qftd", clients="10", first="2026-11-06", last="2026-11-30", amount="500.00", currency="EUR")


class House:
    """A brand with one partner, its owner and a manager."""

    def __init__(self, dynamodb: Any) -> None:
        self.dynamodb = dynamodb
        self.now = TODAY
        self.random = random.Random(7)
        self.configuration, self.goals = Configuration("books"), Goals("books")
        self.settlements, self.ledger = Settlements("books"), Ledger("books")
        given: dict[str, Any] = {"author": AUTHOR, "clock": self.clock, "random": self.random.randbytes}
        self.brand = open_brand(
            self.configuration, name="Northgate", domain="go.northgate.example", base_currency="EUR",
            fallback_url="https://northgate.example/", **given,
        ).brand  # fmt: skip
        self.partner: Partner = register_partner(
            self.configuration, brand=self.brand, name="Amberfield Media", kind=PartnerKind.AFFILIATE, country="DE",
            language="en", currency="EUR", **given,
        )  # fmt: skip
        self.manager = self.a_member("sub-manager", Role.MANAGER, None)
        self.owner = self.a_member("sub-owner", Role.OWNER, self.partner.partner)

    def clock(self) -> datetime:
        return self.now

    def a_member(self, sub: str, role: Role, partner: str | None) -> Member:
        return Member(member=sub, partner=partner, brand=self.brand, role=role, name="Somebody", language="en")

    def with_deal(self, deal: dict[str, Any] = DEAL, since: timedelta = timedelta(days=60)) -> House:
        now, self.now = self.now, self.now - since
        self.accept(self.propose(deal))
        self.now = now
        return self

    def propose(self, deal: dict[str, Any], begins: str = "") -> DealRecord:
        return propose_deal(
            self.configuration, partner=self.partner.partner, terms=deal, author=AUTHOR, clock=self.clock,
            valid_from=datetime.fromisoformat(begins).replace(tzinfo=UTC) if begins else None,
        )  # fmt: skip

    def accept(self, deal: DealRecord) -> DealRecord:
        return accept_deal(
            self.configuration, partner=deal.partner, version=deal.version, terms_hash=deal.terms_hash, author=AUTHOR,
            clock=self.clock,
        )  # fmt: skip

    def deals(self) -> list[DealRecord]:
        return self.configuration.deals(self.partner.partner)

    def offers(self, member: Member | None = None, request: str | None = None, **other: str) -> Goal:
        wish = Wish(**{**{name: getattr(WISH, name) for name in WISH.__slots__}, **other})
        return offer_goal(
            self.configuration, self.goals, member=member or self.manager, partner=self.partner.partner, wish=wish,
            clock=self.clock, random=self.random.randbytes, request=request,
        )  # fmt: skip

    def accepts(self, goal: Goal, terms_hash: str = "", member: Member | None = None) -> tuple[Goal, DealRecord]:
        return accept_goal(
            self.configuration, self.goals, member=member or self.owner, partner=self.partner, goal=goal.goal,
            terms_hash=terms_hash or self.hash_of(goal), clock=self.clock,
        )  # fmt: skip

    def declines(self, goal: Goal, why: str = "", member: Member | None = None) -> Goal:
        return decline_goal(
            self.goals, member=member or self.owner, partner=self.partner, goal=goal.goal, why=why, clock=self.clock
        )

    def withdraws(self, goal: Goal, why: str = "A slip", member: Member | None = None) -> Goal:
        return withdraw_goal(
            self.configuration, self.goals, member=member or self.manager, partner=self.partner.partner,
            goal=goal.goal, why=why, clock=self.clock,
        )  # fmt: skip

    def hash_of(self, goal: Goal) -> str:
        """What the partner reads now."""
        shown = next(each for each in self.read() if each.goal == goal.goal)
        return shown.acceptance.terms_hash if shown.acceptance else "x"

    def read(self) -> tuple[GoalOfPartner, ...]:
        return read_goals_of_partner(
            self.configuration, self.goals, self.settlements, self.ledger, partner=self.partner.partner, at=self.now
        )

    def stands(self) -> GoalOfPartner:
        [found] = self.read()
        return found

    def client(self, name: str, day: str, qualified: bool = True) -> None:
        """The engine writes the row of a client that deposits on a day."""
        at_ms = milliseconds(datetime.fromisoformat(day).replace(tzinfo=UTC))
        row = Row(at_ms, at_ms if qualified else None)
        item = to_wire(row_to_item(self.partner.partner, day[:7], name, row))
        self.dynamodb.put_item(TableName="books", Item=item)

    def settle(self, month: str) -> None:
        contracts = ContractReader(
            self.configuration, RateStore("books"), dict, self.now.timestamp, lambda: f"{self.now:%Y-%m-%d}"
        )
        Settler(
            settlements=self.settlements, ledger=self.ledger, contracts=contracts,
            now_ms=lambda: milliseconds(self.now), pause=lambda attempt: None,
        ).settle(self.partner.partner, [month])  # fmt: skip

    def told(self, of: str) -> list[tuple[str, str]]:
        mails = Mails("books").mails(of)
        return [(mail.template.value, mail.member) for mail in reversed(mails)]


@pytest.fixture(name="house")
def _house() -> Iterator[House]:
    with in_memory() as dynamodb:
        create_table(dynamodb, "books", index=True)
        yield House(dynamodb)


def code_of(call: Any) -> str:
    with pytest.raises(IntroducerError) as refused:
        call()
    return refused.value.code


# ---------------------------------------------------------------------------------------------------------- offering


def test_an_offer_waits_until_the_goal_could_not_begin_in_time(house: House) -> None:
    goal = house.with_deal().offers(note=" Ten by the end of November? ")

    assert (goal.status, goal.note, goal.amount) == (GoalStatus.OFFERED, "Ten by the end of November?", 50_000)
    assert goal.answer_by == latest_answer("2026-11-06") == datetime(2026, 11, 5, 23, 48, tzinfo=UTC)
    assert house.told(house.partner.partner) == [("goal_offered", "")]
    assert len(house.deals()) == 1, "an offer is no deal"
    shown = house.stands()
    assert (shown.phase, shown.missing, shown.over) == (Phase.OFFERED, 10, False)
    assert shown.acceptance is not None
    assert (shown.acceptance.version, shown.acceptance.begins) == (2, datetime(2026, 11, 4, tzinfo=UTC))


def test_a_manager_may_give_less_time_to_answer(house: House) -> None:
    assert house.with_deal().offers(answer_by="2026-11-04").answer_by == datetime(2026, 11, 5, tzinfo=UTC)
    on_the_last = house.offers(answer_by="2026-11-05", clients="11")
    assert on_the_last.answer_by == latest_answer("2026-11-06")


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"by": "lots"}, "metric_by_month"),
        ({"by": "net_revenue"}, "metric_by_month"),
        ({"by": "smiles"}, "invalid_metric"),
        ({"clients": "0"}, "goal_zero"),
        ({"clients": "00"}, "goal_zero"),
        ({"clients": "-3"}, "invalid_goal"),
        ({"clients": "2.5"}, "invalid_goal"),
        ({"clients": "1000001"}, "invalid_goal"),
        ({"clients": "٣"}, "invalid_goal"),
        ({"first": "2026-11-03"}, "window_past"),
        ({"first": "2026-10-01", "last": "2026-10-31"}, "window_past"),
        ({"last": "2026-11-05"}, "ends_before_start"),
        ({"first": "30.11.2026"}, "invalid_days"),
        ({"last": "2026-11-31"}, "invalid_days"),
        ({"last": "2027-11-07"}, "window_too_long"),
        ({"first": "2027-11-05", "last": "2027-11-30"}, "window_too_far"),
        ({"currency": "USD"}, "wrong_currency"),
        ({"currency": "XXX"}, "wrong_currency"),
        ({"amount": "0.00"}, "invalid_amount"),
        ({"amount": "-5"}, "invalid_amount"),
        ({"amount": "5e3"}, "invalid_amount"),
        ({"amount": "1.005"}, "too_many_decimals"),
        ({"amount": "1000000.01"}, "amount_too_large"),
        ({"note": "x" * 501}, "invalid_note"),
        ({"note": "two\nlines"}, "invalid_note"),
        ({"answer_by": "2026-11-02"}, "invalid_answer_by"),
        ({"answer_by": "2026-11-06"}, "invalid_answer_by"),
        ({"answer_by": "soon"}, "invalid_answer_by"),
    ],
)
def test_what_cannot_be_is_refused_with_its_code(house: House, wish: dict[str, str], code: str) -> None:
    house.with_deal()
    assert code_of(lambda: house.offers(**wish)) == code
    assert house.goals.of_partner(house.partner.partner) == ()


def test_the_largest_amount_and_the_shortest_goal_are_offered(house: House) -> None:
    house.with_deal()
    goal = house.offers(amount="1000000", first="2026-11-04", last="2026-11-04", clients="1")
    assert (goal.amount, goal.answer_by) == (100_000_000, datetime(2026, 11, 3, 23, 48, tzinfo=UTC))


@pytest.mark.parametrize(
    ("deal", "wish", "code"),
    [
        (terms(revshare("30")), {}, "no_cpa"),
        (terms(lot("2.50")) | {"hold": {"days": 5, "from": "event_day"}}, {"by": "ftd"}, "hold_of_deal"),
        (terms(cpa(), currency="USD"), {}, "wrong_currency"),
    ],
)
def test_what_does_not_go_with_the_deal_is_refused(
    house: House, deal: dict[str, Any], wish: dict[str, str], code: str
) -> None:
    house.with_deal(deal)
    assert code_of(lambda: house.offers(**wish)) == code


def test_a_partner_without_a_deal_has_no_goals(house: House) -> None:
    assert code_of(house.offers) == "no_deal"
    house.propose(DEAL)
    assert code_of(house.offers) == "no_deal"


@pytest.mark.parametrize(("status", "code"), [(Status.BLOCKED, "partner_blocked"),
                                              (Status.SUSPENDED, "partner_suspended")])  # fmt: skip
def test_who_cannot_accept_is_offered_nothing(house: House, status: Status, code: str) -> None:
    house.with_deal()
    set_standing(
        house.configuration, member=house.a_member("sub-admin", Role.ADMIN, None), partner=house.partner.partner,
        status=status, since=None, why="They click themselves", clock=house.clock, random=house.random.randbytes,
    )  # fmt: skip
    house.now += timedelta(minutes=20)
    assert code_of(house.offers) == code


def test_managers_and_admins_offer_to_partners_of_their_brand(house: House) -> None:
    house.with_deal()
    for role in (Role.FINANCE, Role.COMPLIANCE, Role.SALES):
        assert code_of(lambda role=role: house.offers(house.a_member("sub-x", role, None))) == "not_your_role"
    stranger = Member(member="sub-y", partner=None, brand="brd_other", role=Role.ADMIN, name="", language="en")
    assert code_of(lambda: house.offers(stranger)) == "not_found"
    assert house.offers(house.a_member("sub-admin", Role.ADMIN, None)).status is GoalStatus.OFFERED


def test_one_request_offers_once(house: House) -> None:
    first = house.with_deal().offers(request="key 1")
    house.now += timedelta(minutes=5)
    assert house.offers(request="key 1") == first
    assert code_of(lambda: house.offers(request="key 1", clients="20")) == "idempotency_key_reused"
    assert house.goals.of_partner(house.partner.partner) == (first,)


def test_the_same_goal_is_not_offered_twice_for_the_same_days(house: House) -> None:
    house.with_deal().offers()
    assert code_of(lambda: house.offers(amount="600.00", first="2026-11-30", last="2026-12-05")) == "same_goal"
    house.offers(first="2026-12-01", last="2026-12-05")
    more = house.offers(clients="20", amount="1000.00")
    house.accepts(more)
    assert code_of(lambda: house.offers(clients="20")) == "same_goal"


def test_only_so_many_offers_wait_at_a_time(house: House) -> None:
    house.with_deal()
    for number in range(10):
        house.offers(clients=str(number + 1))
    assert code_of(lambda: house.offers(clients="11")) == "too_many_offers"
    house.now = latest_answer("2026-11-06")
    assert house.offers(clients="11", first="2026-11-07").status is GoalStatus.OFFERED


# --------------------------------------------------------------------------------------------------------- accepting


def test_accepting_makes_a_deal_version_with_one_rule_more(house: House) -> None:
    goal = house.with_deal().offers()

    accepted, deal = house.accepts(goal)

    assert (accepted.status, accepted.version, deal.version) == (GoalStatus.ACCEPTED, 2, 2)
    assert house.deals()[-1] == deal
    assert (deal.valid_from, deal.accepted_at) == (datetime(2026, 11, 4, tzinfo=UTC), TODAY)
    window = {"from": "2026-11-06", "until": "2026-11-30"}
    rule = {"type": "bonus", "id": goal.rule, "by": "qftd", "goal": "10", "amount": "500.00", "window": window}
    assert json.loads(deal.terms) == DEAL | {"rules": [*DEAL["rules"], rule]}
    assert house.told(house.brand) == [("goal_answered", "sub-manager")]
    assert (house.stands().phase, house.stands().version) == (Phase.TO_COME, 2)
    # on the deal's page it is a version like any other, with the goal marked as new
    [newest, _] = read_deal_of_partner(house.configuration, partner=house.partner.partner, at=house.now)
    assert [(clause.rule, clause.mark.value) for clause in newest.clauses if clause.mark.value != "same"] == [
        (goal.rule, "new")
    ]


def test_accepting_again_changes_nothing(house: House) -> None:
    goal = house.with_deal().offers()
    read = house.hash_of(goal)
    first = house.accepts(goal, read)
    house.now += timedelta(days=1)
    assert house.accepts(goal, read) == first
    assert code_of(lambda: house.accepts(goal, "0" * 64)) == "offer_closed"
    assert len(house.deals()) == 2


def test_of_two_presses_at_once_the_slower_finds_it_accepted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    goal = house.with_deal().offers()
    read, write = house.hash_of(goal), house.goals.answer

    def overtaken(*given: Any, **named: Any) -> None:
        monkeypatch.setattr(house.goals, "answer", write)
        house.accepts(goal, read)
        write(*given, **named)

    monkeypatch.setattr(house.goals, "answer", overtaken)
    assert house.accepts(goal, read)[0].status is GoalStatus.ACCEPTED
    assert len(house.deals()) == 2


def test_the_terms_that_were_read_are_the_ones_that_are_accepted(house: House) -> None:
    goal = house.with_deal().offers()
    read = house.hash_of(goal)
    house.accept(house.propose(terms(cpa("90.00"), days=20)))
    assert code_of(lambda: house.accepts(goal, read)) == "terms_changed"
    assert house.accepts(goal)[1].version == 3


def test_an_offer_ends_by_itself(house: House) -> None:
    goal = house.with_deal().offers(answer_by="2026-11-03")
    house.now = datetime(2026, 11, 3, 23, 59, tzinfo=UTC)
    assert house.stands().phase is Phase.OFFERED
    house.now = datetime(2026, 11, 4, tzinfo=UTC)
    assert (house.stands().phase, house.stands().over, house.stands().acceptance) == (Phase.EXPIRED, True, None)
    for answer in (lambda: house.accepts(goal, "x"), lambda: house.declines(goal), lambda: house.withdraws(goal)):
        assert code_of(answer) == "offer_expired"


def test_in_the_last_moment_to_answer_the_goal_still_begins_in_time(house: House) -> None:
    goal = house.with_deal().offers()
    house.now = goal.answer_by - timedelta(milliseconds=1)
    assert house.accepts(goal)[1].valid_from == datetime(2026, 11, 6, tzinfo=UTC)


def test_a_withdrawn_or_declined_offer_is_not_accepted(house: House) -> None:
    house.with_deal()
    for number, end in enumerate((house.withdraws, house.declines)):
        goal = house.offers(clients=str(number + 1))
        read = house.hash_of(goal)
        ended = end(goal)
        assert end(goal) == ended, "again changes nothing"
        assert code_of(lambda goal=goal, read=read: house.accepts(goal, read)) == "offer_closed"
    assert len(house.deals()) == 1
    assert {each.phase for each in house.read()} == {Phase.WITHDRAWN, Phase.DECLINED}


def test_a_declined_offer_tells_the_manager_why(house: House) -> None:
    goal = house.with_deal().offers()
    house.declines(goal, "November is our quietest month")
    [mail] = Mails("books").mails(house.brand)
    assert (mail.values["answer"], mail.values["said"]) == ("declined", "November is our quietest month")
    trail = house.configuration.audit_of_subject(house.partner.partner).items
    assert "decline_goal" in {record.action for record in trail} and "quietest" not in str(trail)
    assert code_of(lambda: house.withdraws(goal)) == "offer_closed"


def test_the_owner_answers(house: House) -> None:
    goal = house.with_deal().offers()
    colleague = house.a_member("sub-colleague", Role.MEMBER, house.partner.partner)
    assert code_of(lambda: house.accepts(goal, "x", colleague)) == "owner_only"
    assert code_of(lambda: house.declines(goal, member=colleague)) == "owner_only"
    assert code_of(lambda: house.withdraws(goal, member=house.a_member("f", Role.FINANCE, None))) == "not_your_role"
    assert code_of(lambda: house.withdraws(goal, "no")) == "reason_needed"


def test_while_other_terms_wait_no_goal_is_offered_or_accepted(house: House) -> None:
    goal = house.with_deal().offers()
    waiting = house.propose(terms(cpa("90.00"), days=20))

    assert code_of(lambda: house.offers(clients="5")) == "deal_waits"
    shown = house.stands()
    assert shown.acceptance is not None
    assert (shown.acceptance.refused, shown.acceptance.terms_hash) == ("deal_waits", "")
    assert code_of(lambda: house.accepts(goal, "x")) == "deal_waits"

    # once they are accepted, the goal goes on top of them
    house.accept(waiting)
    assert json.loads(house.accepts(goal)[1].terms)["rules"][0]["amounts"][0]["amount"] == "90.00"


def test_terms_that_can_no_longer_be_accepted_hold_up_nothing(house: House) -> None:
    # given a proposal with a goal whose days began meanwhile
    window = {"from": "2026-11-04", "until": "2026-11-30"}
    late = {"type": "bonus", "id": "late", "by": "ftd", "goal": "3", "amount": "5.00", "window": window}
    house.with_deal().propose(terms(cpa(), late))
    assert code_of(house.offers) == "deal_waits"
    house.now += timedelta(days=1)
    assert house.accepts(house.offers())[1].version == 3


def test_a_goal_before_terms_that_are_to_come_is_refused(house: House) -> None:
    goal = house.with_deal().offers()
    house.accept(house.propose(terms(cpa("90.00")), "2026-12-01"))
    assert code_of(lambda: house.offers(clients="5")) == "window_past"
    assert code_of(lambda: house.accepts(goal, "x")) == "deal_begins_later"
    later = house.offers(first="2026-12-01", last="2026-12-31")
    assert house.accepts(later)[1].valid_from == datetime(2026, 12, 1, tzinfo=UTC)


def test_a_deal_in_another_currency_ends_what_was_offered_before(house: House) -> None:
    goal = house.with_deal().offers()
    house.accept(house.propose(terms(cpa(), currency="USD")))
    assert code_of(lambda: house.accepts(goal, "x")) == "currency_changed"


def test_a_deal_that_holds_from_qualification_takes_a_goal_and_pays_clients_as_before(house: House) -> None:
    house.with_deal(terms(cpa()) | {"hold": {"days": 14, "from": "qualification"}})
    deal = json.loads(house.accepts(house.offers())[1].terms)
    assert deal["hold"] == {"days": 14, "from": "month_end"}


def test_goals_stand_beside_each_other_and_what_is_over_goes_out_of_the_terms(house: House) -> None:
    first = house.with_deal().offers(first="2026-11-04", last="2026-11-10")
    house.accepts(first)
    second = house.offers(clients="20")
    assert [rule["id"] for rule in json.loads(house.accepts(second)[1].terms)["rules"]][-2:] == [
        first.rule, second.rule,
    ]  # fmt: skip
    house.now = datetime(2026, 11, 12, 9, tzinfo=UTC)
    third = house.offers(clients="30", first="2026-11-20")
    assert [rule["id"] for rule in json.loads(house.accepts(third)[1].terms)["rules"]][-2:] == [
        second.rule, third.rule,
    ]  # fmt: skip


def test_a_proposal_after_a_goal_was_accepted_keeps_it_or_is_refused(house: House) -> None:
    goal = house.with_deal().offers()
    house.accepts(goal)

    # a manager who forgets the goal is told so
    assert code_of(lambda: house.propose(terms(cpa("90.00"), days=20))) == "goal_dropped"
    # one who begins with the newest terms keeps it, however late they are accepted
    newest = json.loads(house.deals()[-1].terms)
    kept = house.propose(newest | {"hold": {"days": 10, "from": "month_end"}})
    house.now = datetime(2026, 11, 12, 9, tzinfo=UTC)
    [shown, *_] = read_deal_of_partner(house.configuration, partner=house.partner.partner, at=house.now)
    assert not shown.too_late
    house.accept(kept)
    # once its days have begun, terms without it take nothing away
    house.accept(house.propose(terms(cpa("90.00"), days=20)))
    for number in range(10):
        house.client(f"c{number}", "2026-11-11")
    house.settle("2026-11")
    assert [(each.phase, each.paid.minor) for each in house.read()] == [(Phase.PAID, 50_000)]


def test_terms_proposed_before_a_goal_was_accepted_with_others_cannot_drop_it(house: House) -> None:
    # given two proposals, the first of them with a goal
    window = {"from": "2026-11-10", "until": "2026-11-30"}
    rule = {"type": "bonus", "id": "own", "by": "ftd", "goal": "3", "amount": "5.00", "window": window}
    house.with_deal()
    first, second = house.propose(terms(cpa(), rule)), house.propose(terms(cpa("90.00")))
    house.accept(first)
    assert code_of(lambda: house.accept(second)) == "goal_dropped"


# ------------------------------------------------------------------------------------------------------- how far it is


def test_a_goal_is_followed_from_its_first_day_to_its_last(house: House) -> None:
    house.accepts(house.with_deal().offers(clients="3", note="Three, and it is yours"))
    assert (house.stands().phase, house.stands().days_left) == (Phase.TO_COME, 0)
    house.client("early", "2026-11-05")

    house.now = datetime(2026, 11, 6, 0, 1, tzinfo=UTC)
    shown = house.stands()
    assert (shown.phase, shown.counted, shown.missing, shown.days_left) == (Phase.RUNNING, 0, 3, 25)

    house.client("one", "2026-11-06")
    house.client("no quality", "2026-11-07", qualified=False)
    house.client("two", "2026-11-30")
    house.now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    shown = house.stands()
    assert (shown.phase, shown.counted, shown.missing, shown.days_left) == (Phase.RUNNING, 2, 1, 1)

    house.now = datetime(2026, 12, 1, 12, tzinfo=UTC)
    shown = house.stands()
    assert (shown.phase, shown.missing, shown.days_left, shown.over) == (Phase.MISSED, 1, 0, True)
    assert (shown.note, shown.paid.minor, shown.entries) == ("Three, and it is yours", 0, ())


def test_a_reached_goal_is_settling_then_paid_and_taken_back_when_facts_undo_it(house: House) -> None:
    house.accepts(house.with_deal().offers(clients="2"))
    house.now = datetime(2026, 11, 20, 9, tzinfo=UTC)
    house.client("one", "2026-11-08")
    house.client("two", "2026-11-09")
    assert (house.stands().phase, house.stands().counted) == (Phase.REACHED, 2)

    house.settle("2026-11")
    shown = house.stands()
    assert (shown.phase, shown.paid.minor, shown.over) == (Phase.PAID, 50_000, False)
    [entry] = shown.entries
    journal = house.ledger.journal(house.partner.partner, entry.id)
    assert journal is not None
    assert (journal.receipt.rule_kind, journal.receipt.version, journal.amount) == ("bonus", 2, 50_000)
    assert [line.step for line in journal.receipt.lines] == ["goal", "goal_paid"]

    house.client("two", "2026-11-09", qualified=False)
    house.now = datetime(2026, 12, 2, 9, tzinfo=UTC)
    house.settle("2026-11")
    shown = house.stands()
    assert (shown.phase, shown.paid.minor, shown.counted) == (Phase.MISSED, 0, 1)
    assert [(each.kind, each.amount.minor) for each in shown.entries] == [("earning", 50_000), ("clawback", -50_000)]


def test_a_goal_over_two_months_adds_them_up(house: House) -> None:
    house.accepts(house.with_deal().offers(clients="3", last="2026-12-15", by="ftd"))
    for day in ("2026-11-10", "2026-12-01", "2026-12-15"):
        house.client(day, day, qualified=False)
    house.client("late", "2026-12-16")
    house.now = datetime(2026, 11, 30, 9, tzinfo=UTC)
    assert house.stands().counted == 1, "what December brings is not looked at yet"
    house.now = datetime(2026, 12, 20, 9, tzinfo=UTC)
    house.settle("2026-11")
    house.settle("2026-12")
    shown = house.stands()
    assert (shown.phase, shown.counted, shown.paid.minor) == (Phase.PAID, 3, 50_000)


def test_who_was_blocked_when_the_days_began_reads_that_nothing_counts(house: House) -> None:
    house.accepts(house.with_deal().offers(clients="1"))
    set_standing(
        house.configuration, member=house.a_member("sub-admin", Role.ADMIN, None), partner=house.partner.partner,
        status=Status.BLOCKED, since=None, why="They click themselves", clock=house.clock,
        random=house.random.randbytes,
    )  # fmt: skip
    house.client("one", "2026-11-08")
    house.now = datetime(2026, 11, 20, 9, tzinfo=UTC)
    house.settle("2026-11")
    assert (house.stands().phase, house.stands().counted, house.stands().blocked) == (Phase.RUNNING, 0, True)


def test_a_goal_that_was_proposed_in_a_deal_is_followed_as_well(house: House) -> None:
    window = {"from": "2026-11-06", "until": "2026-11-30"}
    rule = {"type": "bonus", "id": "own", "by": "ftd", "goal": "3", "amount": "5.00", "window": window}
    house.with_deal().accept(house.propose(terms(cpa(), rule)))
    house.now = datetime(2026, 11, 8, 9, tzinfo=UTC)
    shown = house.stands()
    assert (shown.goal, shown.rule, shown.phase, shown.version) == (None, "own", Phase.RUNNING, 2)


def test_a_goal_is_shown_for_a_year_and_what_waits_comes_first(house: House) -> None:
    house.accepts(house.with_deal().offers(first="2026-11-04", last="2026-11-05", clients="1"))
    house.accepts(house.offers(clients="2"))
    waiting = house.offers(clients="3", first="2026-11-20")
    house.now = datetime(2026, 11, 10, 9, tzinfo=UTC)
    assert [each.phase for each in house.read()] == [Phase.OFFERED, Phase.RUNNING, Phase.MISSED]
    assert house.read()[0].goal == waiting.goal
    house.now = datetime(2027, 12, 1, 9, tzinfo=UTC)
    assert house.read() == ()
