"""The questions about adjustments, asked of real tables; and that each step is one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.adjustment import Act, Adjustment, AdjustmentStatus, approved, refused, reversal_proposed
from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import milliseconds
from introducer.domain.ids import new_id
from introducer.store import keys
from introducer.store.adjustments import Adjustments, adjustment_from_item, adjustment_to_item
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.wire import to_wire
from tests.conftest import Tables

NOW = datetime(2026, 4, 17, 9, 30, tzinfo=UTC)
PARTNER, BRAND = "par_p", "brd_1"
WHY = "Agreed on the phone: a bonus for March"


@pytest.fixture
def adjustments(tables: Tables) -> Adjustments:
    return Adjustments(tables.books)


def an_adjustment(number: int = 0, **other: Any) -> Adjustment:
    at = NOW + timedelta(minutes=number)
    return replace(
        Adjustment(
            adjustment=new_id("adj", milliseconds(at), bytes([number] * 10)),
            brand=BRAND,
            partner=PARTNER,
            amount=5_000,
            currency="EUR",
            earn_month="2026-03",
            available_day="2026-04-20",
            status=AdjustmentStatus.PROPOSED,
            version=1,
            proposed=Act("sub-manager", at, WHY),
        ),
        **other,
    )


def change(by: str = "sub-manager", number: int = 0, why: str = WHY) -> Change:
    return Change(by=by, at=NOW + timedelta(minutes=number), why=why)


def an_act(number: int, by: str = "sub-finance", why: str = "Fine") -> Act:
    return Act(by, NOW + timedelta(minutes=number), why)


@pytest.mark.pattern("adjustment_by_id")
def test_an_adjustment_comes_back_as_it_was_proposed_to_its_own_partner_only(adjustments: Adjustments) -> None:
    proposal = an_adjustment()
    adjustments.propose(proposal, change())

    assert adjustments.adjustment(PARTNER, proposal.adjustment) == proposal
    for partner, adjustment in (("par_other", proposal.adjustment), (PARTNER, "adj_none"), (PARTNER, "#")):
        with pytest.raises(NotFound):
            adjustments.adjustment(partner, adjustment)


@pytest.mark.pattern("adjustments_of_partner")
def test_a_partners_adjustments_come_newest_first_page_by_page(adjustments: Adjustments) -> None:
    proposals = [an_adjustment(number) for number in range(7)]
    for number, each in enumerate(proposals):
        adjustments.propose(each, change(number=number))
    adjustments.propose(an_adjustment(9, partner="par_other"), change(number=9), "req_1")

    seen: list[Adjustment] = []
    cursor = None
    while True:
        page = adjustments.of_partner(PARTNER, cursor, limit=3)
        assert len(page.items) <= 3
        seen += page.items
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == proposals[::-1]
    assert adjustments.of_partner("par_nobody").items == ()


@pytest.mark.pattern("adjustments_waiting")
def test_what_waits_in_a_brand_comes_longest_first_and_leaves_when_it_is_decided(adjustments: Adjustments) -> None:
    # given proposals for two partners, and one of another brand
    first, second = an_adjustment(1), an_adjustment(2, partner="par_other")
    foreign, third = an_adjustment(3, brand="brd_2"), an_adjustment(4)
    for number, each in enumerate((first, second, foreign, third), 1):
        adjustments.propose(each, change(number=number))

    page = adjustments.waiting(BRAND, limit=2)
    assert page.items == (first, second)
    assert adjustments.waiting(BRAND, page.cursor, limit=2).items == (third,)

    # when one is refused, and one is posted and then to be reversed
    adjustments.move("refuse_adjustment", second, refused(second, an_act(5)), change("sub-finance", 5))
    posted, journal = approved(first, an_act(6), None)
    adjustments.move("approve_adjustment", first, posted, change("sub-finance", 6), journal)
    assert adjustments.waiting(BRAND).items == (third,)
    back = reversal_proposed(posted, an_act(7, "sub-manager"))
    adjustments.move("propose_reversal", posted, back, change("sub-manager", 7))

    # then the reversal waits, since it was proposed
    assert adjustments.waiting(BRAND).items == (third, back)


@pytest.mark.pattern("adjustment_by_request")
def test_one_request_proposes_once(adjustments: Adjustments) -> None:
    first, second = an_adjustment(1), an_adjustment(2)
    adjustments.propose(first, change(number=1), "req_1")
    with pytest.raises(Conflict):
        adjustments.propose(second, change(number=2), "req_1")

    assert adjustments.of_request(PARTNER, "req_1") == first
    assert adjustments.of_partner(PARTNER).items == (first,)
    for partner, request in (("par_other", "req_1"), (PARTNER, "req_2")):
        with pytest.raises(NotFound):
            adjustments.of_request(partner, request)


def test_a_request_is_forgotten_after_a_day(tables: Tables, adjustments: Adjustments) -> None:
    adjustments.propose(an_adjustment(), change(), "req_1")
    [item] = [item for item in tables.items(tables.books) if item[keys.SK]["S"] == "req_1"]

    assert item[keys.TTL] == {"N": str(milliseconds(NOW + timedelta(days=1)) // 1000)}


def test_approving_writes_adjustment_journal_balance_and_audit_at_once(
    tables: Tables, adjustments: Adjustments
) -> None:
    proposal = an_adjustment()
    adjustments.propose(proposal, change())
    posted, journal = approved(proposal, an_act(1), None)
    adjustments.move("approve_adjustment", proposal, posted, change("sub-finance", 1, "Fine"), journal)

    ledger = Ledger(tables.books)
    assert adjustments.adjustment(PARTNER, proposal.adjustment) == posted
    assert ledger.journal(PARTNER, journal.id) == journal
    assert ledger.balance(PARTNER).amounts == {("EUR", "pending", "2026-04-20"): 5_000}
    assert ledger.balance(PARTNER).earned == {("EUR", "2026-03"): 5_000}
    newest, oldest = Configuration(tables.books).audit_of_subject(PARTNER).items
    assert (oldest.action, oldest.by, oldest.why, oldest.before) == ("propose_adjustment", "sub-manager", WHY, None)
    assert (newest.action, newest.by, newest.why) == ("approve_adjustment", "sub-finance", "Fine")
    assert '"status": "proposed"' in (newest.before or "")
    assert journal.id in (newest.after or "")


@pytest.mark.parametrize("wrong", ["overtaken", "journal_there", "closed"])
def test_when_one_part_cannot_be_nothing_is_written(tables: Tables, adjustments: Adjustments, wrong: str) -> None:
    # given an approval that was made from what was read before
    proposal = an_adjustment()
    adjustments.propose(proposal, change())
    posted, journal = approved(proposal, an_act(2), None)
    if wrong == "overtaken":
        adjustments.move("refuse_adjustment", proposal, refused(proposal, an_act(1)), change("sub-admin", 1))
    elif wrong == "journal_there":
        key = keys.key("journal", partner=PARTNER, month=journal.month, journal=journal.id)
        tables.client.put_item(TableName=tables.books, Item=to_wire(key.item()))
    else:
        key = keys.key("balance", partner=PARTNER)
        tables.client.put_item(TableName=tables.books, Item=to_wire({**key.item(), "frozen_through": "2026-03"}))
    before = tables.items(tables.books)

    # when
    with pytest.raises(Conflict):
        adjustments.move("approve_adjustment", proposal, posted, change("sub-finance", 2), journal)

    # then
    assert sorted(map(str, tables.items(tables.books))) == sorted(map(str, before))


def test_a_step_sent_twice_is_answered_and_not_written_twice(tables: Tables, adjustments: Adjustments) -> None:
    proposal = an_adjustment()
    for _ in range(2):
        adjustments.propose(proposal, change(), "req_1")
    posted, journal = approved(proposal, an_act(1), None)
    for _ in range(2):
        adjustments.move("approve_adjustment", proposal, posted, change("sub-finance", 1), journal)

    assert Ledger(tables.books).balance(PARTNER).earned == {("EUR", "2026-03"): 5_000}


def test_an_adjustment_with_its_whole_story_comes_back_from_its_item() -> None:
    proposal = an_adjustment(amount=-12, currency="JPY")
    posted, _ = approved(proposal, an_act(1), None)
    kept = refused(reversal_proposed(posted, an_act(2, "sub-manager")), an_act(3, why="No"))
    gone, _ = approved(reversal_proposed(kept, an_act(4, "sub-admin")), an_act(5), "2026-04")

    for each in (proposal, refused(proposal, an_act(1)), posted, kept, gone):
        assert adjustment_from_item(adjustment_to_item(each)) == each
