"""docs/deals-by-example.md: every figure on the page is what the engine and the naive reading of the deals owe."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import zipfile
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from introducer.domain.calendar import plus_months
from introducer.domain.deal import RateOf
from introducer.domain.events import Event
from introducer.domain.exchange import parts_of
from introducer.domain.exchange import pays as converted
from introducer.domain.ledger import Key
from introducer.domain.money import Money, decimals
from introducer.domain.rates import Publication, Rate, Rates
from introducer.domain.terms import begins_with_a_month, check_successor, parse_terms
from introducer.sources.deal_terms import schema, shape_errors
from tests.support.keeping import Books
from tests.support.program import Program
from tests.support.worked import PAGE, Close, Example, Payout, examples

HISTORY = Path(__file__).parents[3] / "shared" / "data" / "eurofxref-hist.zip"
EXAMPLES = list(examples())


def each_example(*wanted: str) -> pytest.MarkDecorator:
    """Runs for every example, or for those that say one of these things."""
    chosen = [each for each in EXAMPLES if not wanted or any(getattr(each, name) for name in wanted)]
    return pytest.mark.parametrize("example", chosen, ids=lambda each: each.title)


def one_by_one(example: Example, order: list[Event]) -> Program:
    """Event by event, everything settled after each."""
    program = Program(example.world())
    for event in order:
        program.deliver(event).settle()
    return program


def in_page_order(example: Example) -> Books:
    """As the page tells it, with what is closed and paid in between."""
    books = Books(example.world())
    for step in example.steps:
        match step:
            case Close(month):
                books.close("P", month)
            case Payout(day, minor, currency, None):
                assert books.pay("P", currency, day) == minor, f"payout of {day}"
            case Payout(day, minor, currency, pays):
                assert paid_in(example, books, step) == pays, f"payout of {day}"
                assert books.pay("P", currency, day) == minor, f"payout of {day}"
            case Event():
                books.deliver(step).settle()
    return books


def paid_in(example: Example, books: Books, payout: Payout) -> Money:
    """What a payout comes to in its other currency, as a run would reckon it."""
    assert payout.pays is not None
    held, pay = payout.currency, payout.pays.currency
    by_month = parse_terms(example.deals["P"][-1][1]).payout_rate is RateOf.EARN_DATE

    def rate(month: str) -> Rate:
        day = f"{plus_months(month, 1)}-01" if month else payout.day
        published = max(each for each in example.rates if each < day)
        return Rates({day: Publication("ECB", published, example.rates[published])}).rate(held, pay, day)

    parts = parts_of(books.balance("P"), held, payout.minor, rate, by_month)
    return Money(converted(parts, held, pay), pay)


def check(example: Example, books: Mapping[Key, int]) -> None:
    """Each line of the page has its sum, each key of the books its line."""
    left = dict(books)
    for line in example.owed:
        covered = [key for key in left if line.covers(key)]
        assert sum(left.pop(key) for key in covered) == line.minor, line
    assert left == {}, "owed, and not on the page"
    for name in ("partner", "rule"):
        if any(getattr(line, name) is None for line in example.owed):
            assert len({getattr(key, name) for key in books}) <= 1, f"the page does not say which {name}"


@each_example()
def test_the_page_says_what_a_naive_reading_owes(example: Example) -> None:
    check(example, example.reference())


@each_example()
def test_the_page_says_what_the_books_hold_in_any_order(example: Example) -> None:
    # given what a naive reading owes, key by key
    owed = example.reference()
    # when everything comes at once
    at_once = Program(example.world()).deliver(*example.events).settle().owed()
    assert at_once == owed
    # or backwards, or in any other order, event by event or in two batches
    assert one_by_one(example, example.events[::-1]).owed() == owed
    for seed in range(3):
        order = random.Random(seed).sample(example.events, len(example.events))
        assert one_by_one(example, order).owed() == owed, f"seed {seed}"
        half = len(order) // 2
        halves = Program(example.world()).deliver(*order[:half]).settle().deliver(*order[half:]).settle()
        assert halves.owed() == owed, f"seed {seed}"
    # then the books hold what stands on the page
    check(example, at_once)


@each_example()
def test_the_page_tells_what_is_posted_paid_and_stated(example: Example) -> None:
    books = in_page_order(example)
    check(example, books.owed())
    # then what is posted on the way, and what statements show, is what the page says
    if example.posted is not None:
        currencies = {entry.key.currency for entry in books.entries}
        assert [shown(entry.amount, currencies) for entry in books.entries] == example.posted
    for month, text in example.statements.items():
        amount, currency = text.split()
        assert shown(books.statement("P", month), {currency}) == amount, month


def shown(minor: int, currencies: set[str]) -> str:
    [currency] = currencies
    places = decimals(currency)
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 10**places}.{abs(minor) % 10**places:0{places}d}"


@each_example()
def test_the_deals_of_the_page_would_be_accepted(example: Example) -> None:
    for versions in example.deals.values():
        earlier: list[Any] = []
        for number, (since, terms) in enumerate(versions, 1):
            assert shape_errors(terms) == []
            deal = parse_terms(terms)
            check_successor(deal, earlier)
            if earlier and begins_with_a_month(deal, earlier[-1][1]):
                assert since.endswith("-01"), since
            earlier.append((number, deal))


def test_every_part_of_the_deal_language_stands_in_an_example() -> None:
    # given the names and the words that the form of terms knows
    known = set(names_of(schema()))
    deals = [terms for each in EXAMPLES for versions in each.deals.values() for _, terms in versions]
    said = {name for terms in deals for name in in_(terms)}
    # then each is in some deal of the page
    assert known - said == set()


def names_of(part: Any) -> Iterator[str]:
    """The properties and the choices of a JSON schema."""
    if isinstance(part, Mapping):
        yield from part.get("properties", {})
        yield from (value for value in (*part.get("enum", ()), part.get("const")) if isinstance(value, str))
    for inner in part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ():
        yield from names_of(inner)


def in_(terms: Any) -> Iterator[str]:
    """Everything that terms say: names and texts."""
    if isinstance(terms, Mapping):
        yield from terms
    if isinstance(terms, str):
        yield terms
    for inner in terms.values() if isinstance(terms, Mapping) else terms if isinstance(terms, list) else ():
        yield from in_(inner)


# --------------------------------------------------------------------------------------------------------------- rates


DIVISIONS = re.findall(r"^([\d.]+) / ([\d.]+) = (\d+\.\d{12})$", PAGE.read_text(), re.MULTILINE)


@pytest.mark.parametrize(("over", "under", "quotient"), DIVISIONS, ids=[each[2] for each in DIVISIONS])
def test_the_divisions_on_the_page_are_the_rates_that_are_used(over: str, under: str, quotient: str) -> None:
    # given a division that the page does by hand, with the figures of an example for that Sunday
    [(day, published)] = [
        (day, figures)
        for each in EXAMPLES
        for day, figures in each.rates.items()
        if each.title.startswith("A cross rate") and {over, under} <= {*figures.values()}
    ]
    currency = {figure: name for name, figure in published.items()}
    # then it is right to twelve decimals, and the rate that is used
    assert round(Fraction(over) / Fraction(under) * 10**12) == int(quotient.replace(".", ""))
    rates = Rates({"2026-03-01": Publication("ECB", day, published)})
    assert str(rates.rate(currency[under], currency[over], "2026-03-01")) == quotient


def test_the_page_divides_two_times() -> None:
    assert len(DIVISIONS) == 2


@each_example("rates")
def test_the_rates_on_the_page_are_those_the_ecb_published(example: Example) -> None:
    if not HISTORY.exists():
        pytest.skip("../shared/data/eurofxref-hist.zip is not here")
    with zipfile.ZipFile(HISTORY) as archive, archive.open(archive.namelist()[0]) as file:
        published = {row["Date"]: row for row in csv.DictReader(io.TextIOWrapper(file))}
    for day, figures in example.rates.items():
        assert figures == {currency: published[day][currency] for currency in figures}


# --------------------------------------------------------------------------------------------------------- the reader


def test_what_the_page_does_not_say_in_its_own_words_is_refused() -> None:
    deal = "Deal of **P**:\n\n```json\n" + json.dumps({"rules": []}) + "\n```\n\n"
    happened = "| when | who | what |\n|---|---|---|\n| 2026-01-05 | anna | {} |\n\n"
    with pytest.raises(ValueError, match="'sings' is not something"):
        list(examples("### One\n\n" + deal + happened.format("sings")))
    with pytest.raises(ValueError, match="'red' is not something that a trade can have"):
        list(examples("### One\n\n" + deal + happened.format("trade, red")))
    with pytest.raises(ValueError, match="nothing is said about what is owed"):
        list(examples("### One\n\n" + deal + happened.format("kyc approved")))


def test_a_wrong_figure_a_missing_line_and_a_line_too_many_are_found() -> None:
    page = PAGE.read_text()
    start = page.index("### The amount goes by country")
    section = page[start : page.index("### ", start + 4)]
    for was, now in (
        ("| anna | 600.00 EUR |", "| anna | 600.01 EUR |"),
        ("| 2026-01 | ben | 200.00 EUR | all other countries |\n", ""),
        ("| 2026-01 | dora | 0.00 EUR |", "| 2026-02 | anna | 1.00 EUR |"),
    ):
        assert was in section
        [wrong] = examples(section.replace(was, now))
        with pytest.raises(AssertionError):
            check(wrong, wrong.reference())
