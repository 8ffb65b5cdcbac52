"""Adjustments as rules: what may be proposed, who decides, which journal a decision posts, and what is owed then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.adjustment import (
    Act,
    Adjustment,
    AdjustmentStatus,
    approved,
    check_decider,
    check_proposer,
    check_reversible,
    outcome,
    proposed,
    reason,
    refused,
    reversal_proposed,
    targets,
)
from introducer.domain.configuration import Role
from introducer.domain.errors import Conflict, Forbidden, Invalid
from introducer.domain.ledger import HOUSE, Key, Leg, Line, journal_month

NOW = datetime(2026, 4, 17, 9, 30, tzinfo=UTC)
TODAY = "2026-04-17"
WHY = "Agreed on the phone: a bonus for March"
ASKED = Act("sub-manager", NOW, WHY)
SAID = Act("sub-finance", NOW, "Fine")
BACK = Act("sub-manager", NOW, "It was meant for another partner")


def a_proposal(**other: Any) -> Adjustment:
    given: dict[str, Any] = {
        "adjustment": "adj_1", "brand": "brd_1", "partner": "par_1", "amount": "50.00", "currency": "EUR",
        "earn_month": "2026-03", "available_day": None, "today": TODAY, "act": ASKED,
    }  # fmt: skip
    return proposed(**(given | other))


def a_posted(**other: Any) -> Adjustment:
    return approved(a_proposal(**other), SAID, None)[0]


def test_a_proposal_is_a_signed_amount_for_a_month_available_today() -> None:
    proposal = a_proposal(amount="-12.5")

    assert (proposal.amount, proposal.currency, proposal.earn_month) == (-1_250, "EUR", "2026-03")
    assert (proposal.available_day, proposal.status, proposal.version) == (TODAY, AdjustmentStatus.PROPOSED, 1)
    assert proposal.waiting == ASKED


@pytest.mark.parametrize(("wrong", "code"), [
    ({"amount": "0.00"}, "invalid_amount"), ({"amount": "1e3"}, "invalid_amount"), ({"amount": "1.001"},
    "too_many_decimals"), ({"amount": "1" * 13}, "invalid_amount"), ({"currency": "EURO"}, "unknown_currency"),
    ({"amount": "0.5", "currency": "JPY"}, "too_many_decimals"), ({"earn_month": "2026-05"}, "invalid_month"),
    ({"earn_month": "2026-13"}, "invalid_month"), ({"earn_month": "2026-3"}, "invalid_month"),
    ({"earn_month": "٢٠٢٦-03"}, "invalid_month"), ({"available_day": "2026-04-16"}, "invalid_day"),
    ({"available_day": "2027-04-18"}, "invalid_day"), ({"available_day": "2026-04-31"}, "invalid_day"),
    ({"available_day": "soon"}, "invalid_day"), ({"available_day": ""}, "invalid_day"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_a_sentence(wrong: dict[str, str], code: str) -> None:
    with pytest.raises(Invalid) as raised:
        a_proposal(**wrong)

    assert raised.value.code == code


@pytest.mark.parametrize("fits", [
    {"earn_month": "2026-04"}, {"available_day": TODAY}, {"available_day": "2027-04-17"}, {"amount": "1" * 12},
    {"amount": "0.37", "currency": "KWD"}, {"amount": "-0.01"},
])  # fmt: skip
def test_the_last_that_fits_is_taken(fits: dict[str, str]) -> None:
    a_proposal(**fits)


@pytest.mark.parametrize("text", ["too short", "x" * 501, " " * 30, "two lines\nare too many", "a\u2028separator in it",
                                  "a bell \x07 rings here", "half a pair \ud800 of it", ""])  # fmt: skip
def test_a_reason_is_a_line_of_ten_to_five_hundred_characters(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        reason(text)

    assert raised.value.code == "invalid_reason"


def test_a_reason_is_kept_as_it_is_in_any_script() -> None:
    assert reason("  مكافأة متفق عليها لشهر مارس ") == "مكافأة متفق عليها لشهر مارس"
    assert reason("x" * 500) == "x" * 500
    assert reason("ok", shortest=2) == "ok"


@pytest.mark.parametrize("role", list(Role))
def test_managers_finance_and_admins_propose_and_only_the_last_two_decide(role: Role) -> None:
    def may(check: Any, *arguments: Any) -> bool:
        try:
            check(*arguments)
        except Forbidden:
            return False
        return True

    assert may(check_proposer, role) == (role in {Role.MANAGER, Role.FINANCE, Role.ADMIN})
    assert may(check_decider, a_proposal(), "sub-else", role) == (role in {Role.FINANCE, Role.ADMIN})


def test_nobody_decides_what_they_proposed_themselves() -> None:
    back = reversal_proposed(a_posted(), Act("sub-admin", NOW, BACK.why))

    for waits, who in ((a_proposal(), "sub-manager"), (back, "sub-admin")):
        with pytest.raises(Forbidden) as raised:
            check_decider(waits, who, Role.ADMIN)
        assert raised.value.code == "same_person"
        for decide in (lambda it, act: approved(it, act, None), refused):
            with pytest.raises(Forbidden):
                decide(waits, Act(who, NOW, "Fine"))
    # who proposed the adjustment may decide a reversal that another proposed
    check_decider(back, "sub-manager", Role.ADMIN)


def test_approving_posts_one_journal_that_says_why_and_who() -> None:
    posted, journal = approved(a_proposal(available_day="2026-05-01"), SAID, None)

    assert (posted.status, posted.version, posted.decided, posted.journal) == ("posted", 2, SAID, journal.id)
    assert posted.waiting is None
    assert journal.key == Key("par_1", "adjustment", "adj_1", "2026-03", "EUR", "2026-05-01") == posted.key
    assert (journal.kind, journal.amount, journal.post_month) == ("adjustment", 5_000, "2026-03")
    assert journal.legs == (Leg("pending.2026-05-01", 5_000), Leg(HOUSE, -5_000))
    assert journal.receipt.lines == (Line("adjusted", "50.00", (WHY, "sub-manager", "sub-finance")),)
    assert (journal.receipt.target, journal.receipt.before, journal.receipt.version) == (5_000, 0, 0)
    assert journal_month(journal.id) == "202603"


def test_a_closed_month_is_posted_in_the_open_one_and_says_for_which_month() -> None:
    posted, journal = approved(a_proposal(earn_month="2026-01"), SAID, "2026-03")
    _, back = approved(reversal_proposed(posted, BACK), SAID, "2026-04")

    assert (journal.post_month, journal.key.earn_month) == ("2026-04", "2026-01")
    assert (back.post_month, back.key.earn_month) == ("2026-05", "2026-01")
    assert journal_month(back.id) == "202605"


def test_a_reversal_is_the_same_journal_with_its_legs_turned_round() -> None:
    posted, journal = approved(a_proposal(amount="-12.50"), SAID, None)
    gone, back = approved(reversal_proposed(posted, BACK), SAID, None)

    assert (gone.status, gone.version, gone.reversal, gone.journal) == ("reversed", 4, back.id, journal.id)
    assert (back.kind, back.key, back.amount) == ("reversal", journal.key, 1_250)
    assert back.legs == tuple(Leg(account, -amount) for account, amount in journal.legs)
    assert back.receipt.lines == (Line("reversed", "12.50", (journal.id, BACK.why)),)
    assert (back.receipt.target, back.receipt.before) == (0, -1_250)
    # and the same decision makes the same journal again
    assert approved(reversal_proposed(posted, BACK), SAID, None)[1] == back


def test_it_is_reversed_once_at_most() -> None:
    posted = a_posted()
    waits = reversal_proposed(posted, BACK)
    gone, _ = approved(waits, SAID, None)

    for there, code in (
        (a_proposal(), "not_posted"), (refused(a_proposal(), SAID), "not_posted"), (waits, "reversal_waits"),
        (gone, "reversed_already"),
    ):  # fmt: skip
        with pytest.raises(Conflict) as raised:
            reversal_proposed(there, BACK)
        assert raised.value.code == code


def test_a_refused_reversal_leaves_it_posted_and_another_may_be_proposed() -> None:
    posted = a_posted()
    kept = refused(reversal_proposed(posted, BACK), Act("sub-admin", NOW, "It was right"))

    assert (kept.status, kept.journal, kept.reversal) == ("posted", posted.journal, None)
    assert kept.reversal_decided and kept.reversal_decided.why == "It was right"
    again = reversal_proposed(kept, SAID)
    assert (again.waiting, again.reversal_decided, again.version) == (SAID, None, 5)


@pytest.mark.parametrize(("kind", "code"), [
    ("earning", "follows_facts"), ("clawback", "follows_facts"), ("override", "follows_facts"),
    ("reversal", "reversal_of_reversal"),
])  # fmt: skip
def test_what_the_engine_posted_and_what_is_a_reversal_is_not_reversed(kind: str, code: str) -> None:
    with pytest.raises(Invalid) as raised:
        check_reversible(kind)

    assert raised.value.code == code
    check_reversible("adjustment")


def test_what_is_decided_is_not_decided_again() -> None:
    for there in (a_posted(), refused(a_proposal(), SAID)):
        for decide in (lambda it: approved(it, SAID, None), lambda it: refused(it, SAID)):
            with pytest.raises(Conflict):
                decide(there)


def test_each_version_that_waited_has_one_outcome() -> None:
    proposal = a_proposal()
    posted = a_posted()
    waits = reversal_proposed(posted, BACK)
    kept, gone = refused(waits, SAID), approved(waits, SAID, None)[0]
    again = reversal_proposed(kept, BACK)

    assert [outcome(each, 1) for each in (proposal, refused(proposal, SAID), posted, waits, kept, gone)] == [
        None, False, True, True, True, True,
    ]  # fmt: skip
    assert [outcome(each, 3) for each in (posted, waits, kept, gone, again)] == [None, None, False, True, None]


def test_targets_are_what_the_journals_of_each_key_add_up_to() -> None:
    proposal, posted = a_proposal(), a_posted(adjustment="adj_2")
    waits = reversal_proposed(a_posted(adjustment="adj_3", amount="-1.00"), BACK)
    gone, _ = approved(reversal_proposed(a_posted(adjustment="adj_4"), BACK), SAID, None)

    owed = targets([proposal, refused(proposal, SAID), posted, waits, gone])

    assert owed == {posted.key: 5_000, waits.key: -100, gone.key: 0}


@given(
    amount=st.integers(-(10**15), 10**15).filter(bool),
    frozen=st.sampled_from([None, "2025-12", "2026-02", "2026-03", "2026-04"]),
    later=st.sampled_from(["2026-04", "2026-05"]),
)
def test_legs_sum_to_zero_and_an_adjustment_with_its_reversal_moves_nothing(
    amount: int, frozen: str | None, later: str
) -> None:
    text = f"{'-' if amount < 0 else ''}{abs(amount) // 1000}.{abs(amount) % 1000:03d}"
    if len(text.strip("-").partition(".")[0]) > 12:
        return
    posted, journal = approved(a_proposal(amount=text, currency="KWD"), SAID, frozen)
    gone, back = approved(reversal_proposed(posted, BACK), SAID, later)

    moved: dict[str, int] = {}
    for each in (journal, back):
        assert sum(leg.amount for leg in each.legs) == 0
        assert each.receipt.target - each.receipt.before == each.amount
        assert each.post_month >= each.key.earn_month
        for leg in each.legs:
            moved[leg.account] = moved.get(leg.account, 0) + leg.amount
    assert journal.amount == amount
    assert set(moved.values()) == {0}
    assert targets([posted]) == {journal.key: amount}
    assert targets([gone]) == {journal.key: 0}
    assert journal.id != back.id
