"""Proposing, deciding and reversing on real tables: two people, one journal, and what is left when something dies."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.adjustment import Adjustment, targets
from introducer.domain.configuration import Change, Member, PartnerKind, Role
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound, Unavailable
from introducer.domain.ledger import HOUSE, Journal, Key, Line, Receipt, earning_legs, journal_id
from introducer.domain.money import Money
from introducer.services.creation import Author
from introducer.services.decide_adjustment import decide_adjustment
from introducer.services.open_brand import open_brand
from introducer.services.propose_adjustment import propose_adjustment
from introducer.services.read_adjustments import (
    AdjustmentToDecide,
    read_adjustment,
    read_adjustments_of_partner,
    read_adjustments_waiting,
)
from introducer.services.register_partner import register_partner
from introducer.services.reverse_adjustment import reverse_adjustment
from introducer.store import keys
from introducer.store.accruals import Accrual, Accruals
from introducer.store.adjustments import Adjustments
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.wire import to_wire
from tests.conftest import Tables

pytestmark = pytest.mark.in_memory

NOON = datetime(2026, 4, 17, 12, tzinfo=UTC)
AUTHOR = Author(by="system:test", why="set up")
WHY = "Agreed on the phone: a bonus for March"
BACK = "It was meant for another partner"


class Crash(BaseException):
    """The function's process ends here: nothing catches it."""


class House:
    """A brand with a partner and staff, and a clock that stands until it is moved."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.configuration = Configuration(tables.books)
        self.adjustments = Adjustments(tables.books)
        self.ledger = Ledger(tables.books)
        self.now = NOON - timedelta(days=120)
        self.random = random.Random(1).randbytes
        self.pauses: list[int] = []
        made: dict[str, Any] = {"author": AUTHOR, "clock": self.clock, "random": self.random}
        self.brand = open_brand(
            self.configuration, name="Quillmark", domain="quillmark.example", base_currency="EUR",
            fallback_url="https://www.quillmark.example/", **made,
        ).brand  # fmt: skip
        self.partner = register_partner(
            self.configuration, brand=self.brand, name="Amberfield Media", kind=PartnerKind.IB, country="DE",
            language="en", currency="EUR", **made,
        ).partner  # fmt: skip
        self.now = NOON
        self.manager = self.a_member("manager", Role.MANAGER)
        self.finance = self.a_member("finance", Role.FINANCE)
        self.admin = self.a_member("admin", Role.ADMIN)

    def clock(self) -> datetime:
        return self.now

    def later(self, **time: int) -> None:
        self.now += timedelta(**(time or {"minutes": 1}))

    def a_member(self, name: str, role: Role, brand: str | None = None) -> Member:
        member = Member(
            member=f"sub-{name}", partner=None, brand=brand or self.brand, role=role, name=name.title(), language="en"
        )
        self.configuration.add_member(member, Change(by="system:test", at=self.now, why="set up"))
        return member

    def proposes(self, member: Member | None = None, **other: Any) -> Adjustment:
        self.later()
        given: dict[str, Any] = {
            "partner": self.partner, "amount": "50.00", "currency": "EUR", "earn_month": "2026-03", "why": WHY,
        }  # fmt: skip
        return propose_adjustment(
            self.configuration, self.adjustments, member=member or self.manager, clock=self.clock, random=self.random,
            **(given | other),
        )  # fmt: skip

    def decides(
        self, found: Adjustment, member: Member | None = None, approve: bool = True, **other: Any
    ) -> Adjustment:
        self.later()
        given: dict[str, Any] = {"adjustments": self.adjustments, "version": found.version, "why": "Fine"} | other
        return decide_adjustment(
            self.configuration, given.pop("adjustments"), self.ledger, member=member or self.finance,
            partner=self.partner, adjustment=found.adjustment, approve=approve, clock=self.clock,
            pause=self.pauses.append, **given,
        )  # fmt: skip

    def reverses(self, entry: str, member: Member | None = None, why: str = BACK) -> Adjustment:
        self.later()
        return reverse_adjustment(
            self.configuration, self.adjustments, self.ledger, member=member or self.manager, partner=self.partner,
            entry=entry, why=why, clock=self.clock,
        )  # fmt: skip

    def reads(self, found: Adjustment, member: Member) -> AdjustmentToDecide:
        return read_adjustment(
            self.configuration, self.adjustments, self.ledger, partner=self.partner, adjustment=found.adjustment,
            member=member, today=self.now.date().isoformat(),
        )  # fmt: skip

    def freezes(self, month: str) -> None:
        key = keys.key("balance", partner=self.partner)
        self.tables.client.update_item(
            TableName=self.tables.books, Key=to_wire(key.item()), UpdateExpression="SET frozen_through = :month",
            ExpressionAttributeValues={":month": {"S": month}},
        )  # fmt: skip

    def an_engines_earning(self) -> Journal:
        """Something the engine posted from facts."""
        key = Key(self.partner, "rev", "client-hash", "2026-03", "EUR", "2026-04-30")
        earning = Journal(
            id=journal_id(key, "2026-03", 1_772_700_000_000, 1), key=key, kind="earning", amount=700,
            post_month="2026-03", posted_at=1_772_700_000_000, legs=earning_legs(key, 700),
            receipt=Receipt("revshare", 1, (), 0, (Line("rounded", "7.00"),), (), 700, 0),
        )  # fmt: skip
        Accruals(self.tables.facts, self.tables.books).write(Accrual((), (), (earning,)), 1_772_700_000_000)
        return earning

    def journals(self) -> list[Journal]:
        """All journals. At any time they balance, and add up to the balance and to what the adjustments owe."""
        found = [
            each
            for month in ("2026-01", "2026-02", "2026-03", "2026-04", "2026-05")
            for each in self.ledger.all_journals(self.partner, month)
        ]
        legs: dict[tuple[str, str, str], int] = {}
        earned: dict[tuple[str, str], int] = {}
        posted: dict[Key, int] = {}
        for each in found:
            assert sum(leg.amount for leg in each.legs) == 0
            for account, amount in each.legs:
                bucket, _, day = account.partition(".")
                if account != HOUSE:
                    legs[each.key.currency, bucket, day] = legs.get((each.key.currency, bucket, day), 0) + amount
            month = (each.key.currency, each.key.earn_month)
            earned[month] = earned.get(month, 0) + each.amount
            posted[each.key] = posted.get(each.key, 0) + each.amount
        balance = self.ledger.balance(self.partner)
        assert balance.amounts == legs
        assert balance.earned == earned
        by_hand = {key: amount for key, amount in posted.items() if key.rule == "adjustment"}
        assert targets(self.adjustments.of_partner(self.partner).items) == by_hand
        return found

    def audit(self) -> list[tuple[str, str]]:
        """What was done about the partner and by whom, oldest first."""
        records = self.configuration.audit_of_subject(self.partner).items[::-1]
        return [(each.action, each.by) for each in records if each.by != AUTHOR.by]


@pytest.fixture
def house(tables: Tables) -> House:
    return House(tables)


def refusal(act: Callable[[], object], kind: type[IntroducerError]) -> str:
    with pytest.raises(kind) as raised:
        act()
    return raised.value.code


# ------------------------------------------------------------------------------------------------------------ proposing


def test_a_proposal_moves_nothing_until_a_second_person_approves_it(house: House) -> None:
    proposal = house.proposes()
    assert house.journals() == []

    posted = house.decides(proposal)

    [journal] = house.journals()
    assert (posted.journal, journal.amount, journal.post_month) == (journal.id, 5_000, "2026-03")
    assert house.ledger.balance(house.partner).bucket("EUR", "available", "2026-04-17") == 5_000
    assert house.audit() == [("propose_adjustment", "sub-manager"), ("approve_adjustment", "sub-finance")]


def test_an_adjustment_is_for_a_month_in_which_the_partner_was_there(house: House) -> None:
    # given a partner registered four months ago: the months before may be closed, and it has no statement of them
    assert refusal(lambda: house.proposes(earn_month="2025-11"), Invalid) == "invalid_month"


def test_who_may_not_propose_and_what_is_another_brands(house: House) -> None:
    for role in (Role.COMPLIANCE, Role.SALES):
        member = house.a_member(role.value, role)
        assert refusal(lambda member=member: house.proposes(member), Forbidden) == "proposer_role"  # type: ignore[misc]
    stranger = house.a_member("stranger", Role.ADMIN, "brd_other")
    proposal = house.proposes()
    posted = house.decides(house.proposes())
    assert refusal(lambda: house.reverses(posted.adjustment, member), Forbidden) == "proposer_role"
    for act in (
        lambda: house.proposes(stranger),
        lambda: house.decides(proposal, stranger),
        lambda: house.reverses(posted.adjustment, stranger),
    ):
        assert refusal(act, NotFound) == "not_found"
    assert len(house.journals()) == 1


def test_a_repeated_request_meets_its_first_proposal(house: House) -> None:
    first = house.proposes(request="form-1")
    house.later(hours=20)
    again = house.proposes(request="form-1")

    assert again == first
    assert house.adjustments.of_partner(house.partner).items == (first,)
    assert refusal(lambda: house.proposes(request="form-1", amount="51.00"), Conflict) == "conflict"
    assert refusal(lambda: house.proposes(request="form-1", available_day="2026-06-01"), Conflict) == "conflict"
    # another person's request of that name is another request
    assert house.proposes(house.admin, request="form-1") != first


# ------------------------------------------------------------------------------------------------------------- deciding


def test_nobody_decides_their_own_proposal(house: House) -> None:
    for member in (house.finance, house.admin):
        proposal = house.proposes(member)
        for approve in (True, False):
            code = refusal(lambda p=proposal, m=member, a=approve: house.decides(p, m, a), Forbidden)  # type: ignore[misc]
            assert code == "same_person"
    assert refusal(lambda: house.decides(proposal, house.manager), Forbidden) == "decider_role"
    assert house.journals() == []


def test_a_refused_proposal_stays_refused(house: House) -> None:
    refused = house.decides(house.proposes(), approve=False, why="Not agreed")

    assert (refused.status, refused.decided and refused.decided.why, refused.journal) == ("refused", "Not agreed", None)
    assert house.decides(refused, approve=False, version=1) == refused
    assert refusal(lambda: house.decides(refused, version=1), Conflict) == "decided_already"
    assert refusal(lambda: house.reverses(refused.adjustment), Conflict) == "not_posted"
    assert house.journals() == []


def test_approving_twice_changes_nothing(house: House) -> None:
    proposal = house.proposes()
    posted = house.decides(proposal)

    assert house.decides(proposal) == posted
    assert house.decides(proposal, house.admin) == posted
    assert refusal(lambda: house.decides(proposal, house.admin, approve=False), Conflict) == "decided_already"
    assert len(house.journals()) == 1
    assert [action for action, _ in house.audit()].count("approve_adjustment") == 1


def test_of_two_who_approve_at_once_one_posts_one_journal(house: House) -> None:
    # given an approval that came in between another one's reading and writing
    proposal = house.proposes()

    class Overtaken(Adjustments):
        def move(self, *arguments: Any) -> None:
            if not faster:
                faster.append(house.decides(proposal, house.finance))
            super().move(*arguments)

    faster: list[Adjustment] = []

    # when
    slower = house.decides(proposal, house.admin, adjustments=Overtaken(house.tables.books))

    # then
    assert [slower] == faster
    assert slower.decided and slower.decided.by == "sub-finance"
    assert len(house.journals()) == 1


@pytest.mark.parametrize("written", [False, True])
def test_a_crash_around_the_write_is_healed_by_doing_it_again(house: House, written: bool) -> None:
    # given an approval whose process dies just before, or just after, the transaction
    proposal = house.proposes()

    class Dies(Adjustments):
        def move(self, *arguments: Any) -> None:
            if written:
                super().move(*arguments)
            raise Crash

    with pytest.raises(Crash):
        house.decides(proposal, adjustments=Dies(house.tables.books))
    assert len(house.journals()) == written

    # when the person presses again
    posted = house.decides(proposal)

    # then
    assert posted.status == "posted"
    assert len(house.journals()) == 1
    assert house.decides(proposal) == posted


def test_a_lost_answer_to_the_write_is_no_second_journal(house: House) -> None:
    proposal = house.proposes()

    class Deaf(Adjustments):
        def move(self, *arguments: Any) -> None:
            super().move(*arguments)
            raise Unavailable("The table did not answer: try again.")

    with pytest.raises(Unavailable):
        house.decides(proposal, adjustments=Deaf(house.tables.books))

    assert house.decides(proposal).status == "posted"
    assert len(house.journals()) == 1


def test_a_month_that_closes_meanwhile_moves_the_journal_into_the_open_one(house: House) -> None:
    # given February closed, and March closing between reading and writing
    house.freezes("2026-02")
    proposal = house.proposes(earn_month="2026-01")
    read = house.reads(proposal, house.finance)

    class Closing(Adjustments):
        def move(self, *arguments: Any) -> None:
            house.freezes("2026-03")
            super().move(*arguments)

    # when
    house.decides(proposal, adjustments=Closing(house.tables.books))

    # then it stands in April, and its key says for which month it is
    [journal] = house.journals()
    assert read.post_month == "2026-03"
    assert (journal.post_month, journal.key.earn_month) == ("2026-04", "2026-01")
    assert house.ledger.balance(house.partner).earned == {("EUR", "2026-01"): 5_000}


def test_books_that_never_come_to_rest_are_said_to_be_busy(house: House) -> None:
    class Busy(Adjustments):
        tries = 0

        def move(self, *arguments: Any) -> None:
            Busy.tries += 1
            raise Conflict("The books changed meanwhile: read again.")

    proposal = house.proposes()
    busy = Busy(house.tables.books)

    assert refusal(lambda: house.decides(proposal, adjustments=busy), Unavailable) == "store_busy"
    assert Busy.tries == 5
    # they may be busy for as long as a settle of many entries takes
    assert house.pauses == [1, 2, 3, 4]
    assert house.adjustments.adjustment(house.partner, proposal.adjustment) == proposal


# ------------------------------------------------------------------------------------------------------------ reversing


def test_a_reversal_waits_for_a_second_person_and_takes_it_all_back(house: House) -> None:
    posted = house.decides(house.proposes(amount="-12.50", available_day="2026-05-01"))
    waits = house.reverses(posted.adjustment)
    assert len(house.journals()) == 1

    gone = house.decides(waits, house.admin)

    journals = {each.kind: each for each in house.journals()}
    assert (gone.status, gone.reversal) == ("reversed", journals["reversal"].id)
    assert journals["reversal"].key == journals["adjustment"].key
    assert house.ledger.balance(house.partner).amounts == {("EUR", "pending", "2026-05-01"): 0}
    assert [action for action, _ in house.audit()] == [
        "propose_adjustment", "approve_adjustment", "propose_reversal", "approve_reversal",
    ]  # fmt: skip


def test_a_reversal_needs_another_person_than_the_one_who_proposed_it(house: House) -> None:
    waits = house.reverses(house.decides(house.proposes()).adjustment, house.admin)

    assert refusal(lambda: house.decides(waits, house.admin), Forbidden) == "same_person"
    # who approved the adjustment may approve its reversal: two people stand behind each of the two
    assert house.decides(waits, house.finance).status == "reversed"


def test_it_is_reversed_once(house: House) -> None:
    posted = house.decides(house.proposes())
    waits = house.reverses(posted.adjustment)
    assert house.reverses(posted.adjustment) == waits
    assert refusal(lambda: house.reverses(posted.adjustment, house.admin), Conflict) == "reversal_waits"
    gone = house.decides(waits)

    assert house.decides(waits, house.admin) == gone
    assert refusal(lambda: house.reverses(posted.adjustment), Conflict) == "reversed_already"
    assert posted.journal is not None
    assert refusal(lambda: house.reverses(posted.journal or ""), Conflict) == "reversed_already"
    assert len(house.journals()) == 2


def test_a_refused_reversal_leaves_the_money_where_it_is(house: House) -> None:
    waits = house.reverses(house.decides(house.proposes()).adjustment)

    kept = house.decides(waits, approve=False, why="It was right")

    assert (kept.status, len(house.journals())) == ("posted", 1)
    assert house.decides(waits, approve=False) == kept
    again = house.reverses(kept.adjustment, why="This time it is really wrong")
    # a decision about the earlier reversal is not one about this
    assert refusal(lambda: house.decides(waits), Conflict) == "decided_already"
    assert house.decides(again).status == "reversed"


def test_of_two_who_reverse_at_once_the_slower_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    posted = house.decides(house.proposes())
    move = house.adjustments.move

    def overtaken(*arguments: Any) -> None:
        monkeypatch.setattr(house.adjustments, "move", move)
        house.reverses(posted.adjustment, house.admin)
        move(*arguments)

    monkeypatch.setattr(house.adjustments, "move", overtaken)

    assert refusal(lambda: house.reverses(posted.adjustment), Conflict) == "reversal_waits"
    assert house.adjustments.adjustment(house.partner, posted.adjustment).version == 3


def test_an_entry_is_reversed_by_its_own_number_too_if_it_is_an_adjustment(house: House) -> None:
    posted = house.decides(house.proposes())
    gone = house.decides(house.reverses(posted.journal or ""))
    earning = house.an_engines_earning()

    assert gone.adjustment == posted.adjustment
    assert refusal(lambda: house.reverses(gone.reversal or ""), Invalid) == "reversal_of_reversal"
    assert refusal(lambda: house.reverses(earning.id), Invalid) == "follows_facts"
    for nothing in ("adj_none", earning.id[:-1] + ("0" if earning.id[-1] != "0" else "1")):
        assert refusal(lambda nothing=nothing: house.reverses(nothing), NotFound) == "not_found"  # type: ignore[misc]
    assert len(house.journals()) == 3


# -------------------------------------------------------------------------------------------------------------- reading


def test_staff_reads_who_why_and_what_it_would_do(house: House) -> None:
    house.decides(house.proposes(amount="20.00"))
    proposal = house.proposes(amount="-50.00")

    read = house.reads(proposal, house.finance)

    assert (read.may_decide, read.may_reverse, read.why_not) == (True, False, "")
    assert (read.bucket, read.posts, read.before, read.after) == (
        "available", Money(-5_000, "EUR"), Money(2_000, "EUR"), Money(-3_000, "EUR"),
    )  # fmt: skip
    assert (read.adjustment.proposed.name, read.adjustment.proposed.why) == ("Manager", WHY)
    assert house.reads(proposal, house.manager).why_not == "decider_role"
    assert house.reads(house.proposes(house.finance), house.finance).why_not == "same_person"
    coming = house.reads(house.proposes(available_day="2026-05-01"), house.finance)
    assert (coming.bucket, coming.before, coming.after) == ("pending", Money(0, "EUR"), Money(5_000, "EUR"))


def test_what_can_be_reversed_is_offered_to_who_may(house: House) -> None:
    posted = house.decides(house.proposes())
    watcher = house.a_member("compliance", Role.COMPLIANCE)

    assert house.reads(posted, house.manager).may_reverse
    assert (house.reads(posted, watcher).may_reverse, house.reads(posted, watcher).why_not) == (False, "proposer_role")
    waits = house.reverses(posted.adjustment)
    read = house.reads(waits, house.admin)
    assert (read.may_decide, read.may_reverse, read.posts) == (True, False, Money(-5_000, "EUR"))
    gone = house.reads(house.decides(waits), house.admin)
    assert (gone.may_decide, gone.may_reverse, gone.why_not, gone.posts) == (False, False, "", None)


def test_lists_are_newest_first_for_a_partner_and_longest_waiting_first_for_the_brand(house: House) -> None:
    first, second, third = (house.proposes(amount=amount) for amount in ("1.00", "2.00", "3.00"))
    house.decides(second)

    page = read_adjustments_of_partner(
        house.configuration, house.adjustments, partner=house.partner, cursor=None, limit=2
    )
    rest = read_adjustments_of_partner(
        house.configuration, house.adjustments, partner=house.partner, cursor=page.cursor, limit=2
    )
    waiting = read_adjustments_waiting(house.configuration, house.adjustments, brand=house.brand, cursor=None, limit=10)

    assert [each.amount.minor for each in (*page.items, *rest.items)] == [300, 200, 100]
    assert page.items[1].decided and page.items[1].decided.name == "Finance"
    assert [each.adjustment for each in waiting.items] == [first.adjustment, third.adjustment]
