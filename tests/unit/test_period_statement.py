"""A month's document adds up to the minor unit, and its canonical CSV is one form for ever."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.adjustment import Adjustment
from introducer.domain.errors import Conflict
from introducer.domain.ledger import Journal
from introducer.domain.money import minor_units
from introducer.domain.payout import Payout
from introducer.domain.period_statement import (
    LineKind,
    PeriodStatement,
    canonical_csv,
    content_hash,
    make_period_statement,
    payouts_of_month,
)
from introducer.domain.reservation import Move
from introducer.domain.statement import CurrencyTotals, Statement, Total
from tests.support.documents import a_move, a_payout, an_adjustment

CLOSED = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)
MONTH = "2026-10"
TYPED = "=HYPERLINK() is what they typed"


def a_statement(*totals: CurrencyTotals) -> Statement:
    entries = sum(total.entries for each in totals for total in (*each.rules, *each.earlier))
    return Statement(
        partner="par_1", month=MONTH, totals=totals, entries=entries, digest="ab" * 32, closed_at=CLOSED
    )  # fmt: skip


def euros(opening: int = 0, rules: Iterable[Total] = (), earlier: Iterable[Total] = ()) -> CurrencyTotals:
    return CurrencyTotals(currency="EUR", opening=opening, rules=tuple(rules), earlier=tuple(earlier))


def total(of: str, amount: int, entries: int = 1) -> Total:
    return Total(of=of, amount=amount, entries=entries)


def made(
    statement: Statement,
    adjustments: Iterable[Adjustment] = (),
    moves: Iterable[Journal] = (),
    payouts: Iterable[Payout] = (),
) -> PeriodStatement:
    return make_period_statement("brd_1", statement, adjustments, moves, {each.payout: each for each in payouts})


def rows(statement: PeriodStatement) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(canonical_csv(statement).decode())))


def in_lines(statement: PeriodStatement, currency: str = "EUR") -> list[tuple[str, str, int]]:
    [each] = [each for each in statement.currencies if each.currency == currency]
    return [(line.kind.value, line.of, line.amount) for line in each.lines]


FULL: dict[str, Any] = {
    "statement": a_statement(
        euros(
            50_000,
            [total("adjustment", 700, 2), total("cpa", 40_000, 2), total("revshare", -333, 5)],
            [total("2026-08", -1_000), total("2026-09", 2_500, 3)],
        ),
        CurrencyTotals(currency="JPY", opening=0, rules=(total("lot", 12_345),), earlier=()),
    ),
    "adjustments": [
        an_adjustment("adj_1", 1_000, "2026-10", posted="2026-10", why=TYPED),
        an_adjustment("adj_2", -300, "2026-10", posted="2026-10", why="Fee of the bank, as agreed"),
        an_adjustment("adj_3", 500, "2026-09", posted="2026-10", why="Forgotten in September"),
        an_adjustment("adj_4", 1_000, "2026-08", posted="2026-09", reversed_in="2026-10", why="Paid twice by hand"),
        an_adjustment("adj_5", 9_999, "2026-10", posted="2026-11", why="Of another month of the books"),
    ],
    "moves": [
        a_move("pay_0", Move.PAY, 20_000, "2026-09-20"),
        a_move("pay_1", Move.PAY, 30_000, "2026-10-03"),
        a_move("pay_0", Move.RETURN, 20_000, "2026-10-09"),
        a_move("pay_2", Move.RESERVE, 5_000, "2026-10-30"),
        a_move("pay_2", Move.PAY, 5_000, "2026-11-02"),
    ],
    "payouts": [
        a_payout("pay_0", 20_000, reason="account_closed"),
        a_payout("pay_1", 30_000, pay_currency="USD", pays=32_502),
    ],
}


def test_opening_and_everything_in_between_is_closing() -> None:
    # given a month with earnings, late entries, adjustments, a payout, and one that came back
    statement = made(**FULL)

    # then each stands on a line of its own kind, and what is of another month of the books does not
    assert in_lines(statement) == [
        ("opening", "", 30_000),
        ("earned", "cpa", 40_000),
        ("earned", "revshare", -333),
        ("earlier", "2026-09", 2_000),
        ("adjusted", "2026-10", 1_000),
        ("adjusted", "2026-10", -300),
        ("adjusted", "2026-09", 500),
        ("reversed", "2026-08", -1_000),
        ("paid", "", -30_000),
        ("returned", "", 20_000),
        ("closing", "", 61_867),
    ]
    assert in_lines(statement, "JPY") == [("opening", "", 0), ("earned", "lot", 12_345), ("closing", "", 12_345)]


def test_every_line_says_what_it_was_for() -> None:
    [euro, _] = made(**FULL).currencies
    by_kind = {kind: [line for line in euro.lines if line.kind is kind] for kind in LineKind}
    assert [line.why for line in by_kind[LineKind.ADJUSTED]] == [
        TYPED, "Fee of the bank, as agreed", "Forgotten in September",
    ]  # fmt: skip
    assert [line.why for line in by_kind[LineKind.REVERSED]] == ["Taken back: Paid twice by hand"]
    [paid], [returned] = by_kind[LineKind.PAID], by_kind[LineKind.RETURNED]
    assert (paid.day, paid.reference, paid.why) == ("2026-10-03", "pay_1", "")
    assert paid.payment is not None
    assert (paid.payment.currency, paid.payment.amount, str(paid.payment.parts[0].rate)) == ("USD", 32_502, "1.0834")
    assert (returned.day, returned.reference, returned.why) == ("2026-10-09", "pay_0", "account_closed")


def test_a_month_opens_where_the_one_before_closed() -> None:
    before = made(
        replace(a_statement(euros(0, [total("cpa", 50_000)])), month="2026-09"),
        moves=FULL["moves"],
        payouts=FULL["payouts"],
    )
    assert before.currencies[0].closing == made(**FULL).currencies[0].opening


def test_the_csv_adds_up_with_nothing_but_its_own_columns() -> None:
    found = rows(made(**FULL))
    for currency in ("EUR", "JPY"):
        amounts = [
            minor_units(row["amount"], currency) for row in found if row["currency"] == currency and row["amount"]
        ]
        assert sum(amounts[:-1]) == amounts[-1]
    assert {(row["brand"], row["partner"], row["month"]) for row in found} == {("brd_1", "par_1", MONTH)}
    [rate] = [row for row in found if row["line"] == "rate"]
    assert (rate["part"], rate["pay_currency"], rate["rate"], rate["rate_day"], rate["rate_feed"]) == (
        "300.00", "USD", "1.0834", "2026-10-02", "ecb",
    )  # fmt: skip


def test_the_csv_is_one_fixed_form() -> None:
    content = canonical_csv(made(**FULL))
    assert content.startswith(b"line,brand,partner,month,currency,of,day,entries,amount,part,")
    assert b"\r" not in content and content.endswith(b"\n") and not content.startswith(b"\xef\xbb\xbf")
    assert content_hash(content) == hashlib.sha256(content).hexdigest()
    # Whoever changes the form raises FORM, and this.
    assert content_hash(content) == "692691bfbded8faa7aff8c0cc09258851bf76c439a8deffd032428ce65c5b9fe"


def test_a_text_that_a_spreadsheet_would_run_stays_a_text() -> None:
    words = {row["words"] for row in rows(made(**FULL))}
    assert f"'{TYPED}" in words
    assert any(row["amount"].startswith("-") for row in rows(made(**FULL)))


def test_the_order_in_which_things_are_read_does_not_matter() -> None:
    turned = {name: value[::-1] if isinstance(value, list) else value for name, value in FULL.items()}
    assert canonical_csv(made(**turned)) == canonical_csv(made(**FULL))


def test_what_happens_later_changes_nothing() -> None:
    later = FULL | {
        "adjustments": [
            *FULL["adjustments"][1:],
            an_adjustment(
                "adj_1", 1_000, MONTH, posted=MONTH, reversed_in="2026-12", why=FULL["adjustments"][0].proposed.why
            ),
        ],
        "moves": [*FULL["moves"], a_move("pay_1", Move.RETURN, 30_000, "2026-12-01")],
        "payouts": [FULL["payouts"][0], replace(FULL["payouts"][1], reason="late_return", note="it came back")],
    }
    assert canonical_csv(made(**later)) == canonical_csv(made(**FULL))


def test_a_partner_without_money_has_a_document_of_nothing() -> None:
    nothing = made(a_statement())
    assert nothing.currencies == ()
    assert [row["line"] for row in rows(nothing)] == ["closed"]


def test_a_currency_of_payouts_alone_is_there() -> None:
    statement = a_statement(euros(500))
    found = made(statement, moves=[a_move("pay_9", Move.PAY, 500, "2026-09-01")])
    assert in_lines(found) == [("opening", "", 0), ("closing", "", 0)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"adjustments": FULL["adjustments"][1:]},
        {"adjustments": [*FULL["adjustments"], an_adjustment("adj_6", 1, "2026-07", posted="2026-10", why="nowhere")]},
        {"payouts": FULL["payouts"][:1]},
        {"payouts": [FULL["payouts"][0], replace(FULL["payouts"][1], amount=1)]},
    ],
    ids=["an adjustment less", "an adjustment more", "a payout unknown", "a payout of another amount"],
)
def test_books_that_contradict_themselves_make_no_document(wrong: dict[str, Any]) -> None:
    with pytest.raises(Conflict) as raised:
        made(**FULL | wrong)
    assert raised.value.code == "statement_differs"


def test_a_payout_stands_in_the_month_of_the_books_and_not_of_the_day() -> None:
    # given a payout of October that was confirmed when October was closed already
    late = replace(a_move("pay_3", Move.PAY, 100, "2026-10-31"), post_month="2026-11")
    assert payouts_of_month(MONTH, [late]) == []
    assert payouts_of_month("2026-11", [late]) == ["pay_3"]
    assert in_lines(made(a_statement(euros(500)), moves=[late])) == [("opening", "", 500), ("closing", "", 500)]


@given(
    opening=st.integers(-(10**9), 10**9),
    earned=st.lists(st.integers(-(10**9), 10**9), max_size=4),
    adjusted=st.lists(st.integers(-(10**6), 10**6).filter(bool), max_size=4),
    paid=st.lists(st.tuples(st.integers(1, 10**9), st.booleans(), st.booleans()), max_size=5),
)
def test_whatever_happened_the_lines_add_up(
    opening: int, earned: list[int], adjusted: list[int], paid: list[tuple[int, bool, bool]]
) -> None:
    rules = [total(f"rule{place}", amount) for place, amount in enumerate(earned)]
    if adjusted:
        rules.append(total("adjustment", sum(adjusted), len(adjusted)))
    by_hand = [an_adjustment(f"adj_{place}", amount, MONTH, posted=MONTH) for place, amount in enumerate(adjusted)]
    moves, payouts = [], []
    for place, (amount, before, back) in enumerate(paid):
        payouts.append(a_payout(f"pay_{place}", amount))
        moves.append(a_move(f"pay_{place}", Move.PAY, amount, "2026-09-15" if before else "2026-10-15"))
        if back:
            moves.append(a_move(f"pay_{place}", Move.RETURN, amount, "2026-10-20"))
    found = made(a_statement(euros(opening, rules)), by_hand, moves, payouts)
    [euro] = found.currencies
    assert sum(line.amount for line in euro.lines[:-1]) == euro.closing
    kept = sum(amount for amount, _, back in paid if not back)
    assert euro.closing == opening + sum(earned) + sum(adjusted) - kept
    amounts = [minor_units(row["amount"], "EUR") for row in rows(found) if row["amount"]]
    assert sum(amounts[:-1]) == amounts[-1]
