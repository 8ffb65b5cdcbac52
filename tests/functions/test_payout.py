"""The payout function: a step by its name, and errors by the kinds that the state machine knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound, RateMissing, TooMany, Unavailable
from introducer.domain.invoice import InvoiceKind
from introducer.domain.payout import Payout, PayoutStatus
from introducer.gateways.rails.protocol import Outcome, Refused, Unsure
from introducer.gateways.vault import SealBroken
from introducer.services.confirm_run import close_run
from introducer.services.send_run import take_outcome
from introducer.store.invoices import Invoices
from tests.conftest import Tables, create_table, in_memory
from tests.support import functions
from tests.support.payouts import BRAND, RUN, Paying, a_batch

NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The handler, over empty books in this process."""
    monkeypatch.setenv("BOOKS_TABLE", "books")
    with in_memory() as client:
        create_table(client, "books", index=True)
        module = functions.load("payout")
        monkeypatch.setattr(module, "clock", type("Stopped", (), {"now": staticmethod(lambda: NOW)}))
        yield module


@pytest.fixture
def paying(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Paying, ModuleType]]:
    """A run with three payouts on their way, and the handler over the same books."""
    monkeypatch.setenv("BOOKS_TABLE", "books")
    with in_memory() as client:
        for table, index in (("facts", False), ("books", True)):
            create_table(client, table, index)
        made = Paying(Tables("facts", "books", client))
        made.schedule()
        made.rates()
        for partner in ("par_a", "par_b", "par_c"):
            made.partner(partner, earned=100_00)
        made.approved()
        batch = made.payouts.open_batch(a_batch())
        for payout in list(made.payouts.all_of_run(BRAND, RUN)):
            joined = made.payouts.begin_sending(payout, batch, made.now)
            assert joined is not None
            made.payouts.step(joined, PayoutStatus.SENT, made.now)
        module = functions.load("payout")
        monkeypatch.setattr(module, "clock", type("Stopped", (), {"now": staticmethod(lambda: made.now)}))
        yield made, module


def call(function: ModuleType, step: str, **given: Any) -> Any:
    return function.handler({"step": step, "given": given}, Context())


def test_what_is_not_there_is_told_in_a_sentence(function: ModuleType) -> None:
    with pytest.raises(NotFound, match=r"There is no such run\."):
        call(function, "close_run", brand="brd_1", run="2026-10-monthly")
    with pytest.raises(Invalid, match="first, through must be texts"):
        call(function, "open_run", brand="brd_1", schedule="monthly", run="2026-10-monthly")


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (SealBroken("It does not open."), Conflict),
        (Unsure("No answer."), Unavailable),
        (Conflict("Somebody was quicker.", code="books_changed"), Unavailable),
        (Conflict("Somebody was quicker.", code="run_changed"), Unavailable),
        (Conflict("Somebody was quicker.", code="batch_changed"), Unavailable),
        (Conflict("It is decided.", code="decided_already"), Conflict),
        (Forbidden("Not you."), Forbidden),
        (TooMany("Slow down."), TooMany),
    ],
)
def test_errors_are_raised_as_the_kinds_that_the_state_machine_knows(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch, raised: Exception, told: type[Exception]
) -> None:
    def step(tools: Any, given: Any) -> None:
        raise raised

    monkeypatch.setattr(function.steps, "STEPS", {"breaks": step})
    with pytest.raises(told) as found:
        call(function, "breaks")
    assert type(found.value) is told
    assert (found.value.detail, found.value.code) == (raised.detail, raised.code)  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [Refused("Not that."), RateMissing("None for that day.")])
def test_an_error_of_no_such_kind_stays_what_it_is(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def step(tools: Any, given: Any) -> None:
        raise error

    monkeypatch.setattr(function.steps, "STEPS", {"breaks": step})
    with pytest.raises(type(error)):
        call(function, "breaks")


def documents(paying: Paying) -> dict[tuple[str, InvoiceKind], str]:
    """The numbers of what is issued, by partner and kind."""
    page = Invoices("books").of_year(BRAND, str(paying.now.year))
    return {(each.partner, each.kind): each.number for each in page.items}


def heard(paying: Paying, partner: str, state: PayoutStatus) -> Payout:
    return take_outcome(paying.payouts, Outcome(payout=paying.payout(partner).payout, state=state), paying.now)


@pytest.mark.parametrize("closed_already", [False, True])
def test_what_is_heard_while_a_run_writes_its_invoices_has_them_when_it_is_closed(
    paying: tuple[Paying, ModuleType], closed_already: bool
) -> None:
    # given a run that has written the invoices of what was paid by then
    books, function = paying
    here = {"brand": BRAND, "run": RUN}
    heard(books, "par_a", PayoutStatus.PAID)
    assert call(function, "write_statements", **here, after="", through="pay_~") == {"statements": 1}
    # and hears more before it is closed, or stops between closing and writing
    heard(books, "par_b", PayoutStatus.PAID)
    heard(books, "par_b", PayoutStatus.RETURNED)
    if closed_already:
        close_run(books.payouts, brand=BRAND, run=RUN, now=books.now)

    # when it is closed, twice
    for _ in range(2):
        assert call(function, "close_run", **here)["told"]["stand"]["paid"]["payouts"] == 1

    # then each payout has its documents, once, and what nobody heard of has none
    year = books.now.year
    assert documents(books) == {
        ("par_a", InvoiceKind.INVOICE): f"{year}-000001",
        ("par_b", InvoiceKind.INVOICE): f"{year}-000002",
        ("par_b", InvoiceKind.CREDIT_NOTE): f"{year}-000003",
    }
    # and what a start of the closed run finds missing is made up for
    heard(books, "par_c", PayoutStatus.PAID)
    run = books.run()
    call(function, "open_run", **here, schedule=run.schedule, first=run.first, through=run.through)
    assert documents(books)["par_c", InvoiceKind.INVOICE] == f"{year}-000004"
