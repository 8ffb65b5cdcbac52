"""Closes at any point of any sequence of postings: each entry stands in one statement, and none ever changes."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from introducer.domain.events import from_milliseconds
from introducer.domain.ledger import post_month
from introducer.services.close_month import close_partner
from introducer.store.ledger import Ledger
from introducer.store.statements import Statements
from tests.conftest import Tables, create_table, in_memory
from tests.support.closing import PARTNER, a_journal, post

MONTHS = [f"2026-0{number}" for number in range(1, 6)]
NOW = from_milliseconds(1_780_000_000_000)

postings = st.tuples(
    st.sampled_from(MONTHS),
    st.integers(-(10**6), 10**6).filter(bool),
    st.sampled_from(["EUR", "JPY"]),
    st.sampled_from(["cpa", "revshare"]),
)
closings = st.sampled_from(MONTHS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(postings, closings), max_size=14), st.permutations(MONTHS))
def test_every_entry_stands_in_one_statement_and_no_statement_changes(
    happens: list[tuple[str, int, str, str] | str], at_last: list[str]
) -> None:
    with in_memory() as client:
        create_table(client, "facts", index=False)
        create_table(client, "books", index=True)
        tables, ledger, statements = Tables("facts", "books", client), Ledger("books"), Statements("books")
        written = {}
        for number, each in enumerate([*happens, *at_last]):
            if isinstance(each, str):
                found = close_partner(ledger, statements, partner=PARTNER, month=each, now=NOW)
                assert written.setdefault(each, found) == found
            else:
                month, amount, currency, rule = each
                stands_in = post_month(month, ledger.balance(PARTNER).frozen_through)
                post(
                    tables,
                    a_journal(amount, stands_in, earned=month, currency=currency, rule=rule, version=number + 1),
                )
        # Whatever order they were closed in, each is what its own entries make, and opens where the one before ended.
        running: dict[str, int] = defaultdict(int)
        for month in MONTHS:
            assert statements.get(PARTNER, month) == written[month]
            for totals in written[month].totals:
                own = [j for j in ledger.all_journals(PARTNER, month) if j.key.currency == totals.currency]
                assert totals.opening == running[totals.currency]
                running[totals.currency] += sum(journal.amount for journal in own)
                assert totals.closing == running[totals.currency]
                assert totals.earned == sum(j.amount for j in own if j.key.earn_month == month)
                assert totals.for_earlier == sum(j.amount for j in own if j.key.earn_month < month)
        # What was posted after every close stands in the open month; with it, nothing is missing from the balance.
        for journal in ledger.all_journals(PARTNER, "2026-06"):
            running[journal.key.currency] += journal.amount
        earned: dict[str, int] = defaultdict(int)
        for (currency, _), amount in ledger.balance(PARTNER).earned.items():
            earned[currency] += amount
        assert dict(running) == dict(earned)
