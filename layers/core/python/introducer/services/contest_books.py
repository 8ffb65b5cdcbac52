"""What the services of contests work with, and how they start and wake the execution that walks a contest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from introducer.domain.contest import Contest
from introducer.domain.errors import Conflict
from introducer.services.case_books import TRIES, Start, Wake
from introducer.services.read_contracts import ContractReader
from introducer.store.boards import Boards
from introducer.store.cases import Cases
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.contest_results import ContestResults
from introducer.store.contests import Contests
from introducer.store.event_counts import EventCounts
from introducer.store.facts import Facts
from introducer.store.holds import Holds
from introducer.store.intake_days import IntakeDays
from introducer.store.ledger import Ledger
from introducer.store.mails import Mails
from introducer.store.rates import RateStore

__all__ = ["TRIES", "ContestBooks", "Start", "Wake", "changed_meanwhile"]


@dataclass(frozen=True, kw_only=True)
class ContestBooks:
    """The stores that contests are kept in, those that say who may take part and how large they are, and those that a
    contest is counted from and paid into."""

    configuration: Configuration
    contests: Contests
    results: ContestResults
    boards: Boards
    counts: EventCounts
    cases: Cases
    holds: Holds
    clients: Clients
    ledger: Ledger
    facts: Facts
    intake: IntakeDays
    mails: Mails
    contracts: ContractReader

    @classmethod
    def of(
        cls,
        facts: str,
        books: str,
        *,
        elapsed: Callable[[], float],
        today: Callable[[], str],
        click_keys: Callable[[], Mapping[int, bytes]] = dict,
    ) -> ContestBooks:
        """The books of these two tables. `elapsed` counts seconds and never goes back; `today` is the UTC day;
        `click_keys` are needed where clients are folded anew."""
        configuration = Configuration(books)
        return cls(
            configuration=configuration,
            contests=Contests(books),
            results=ContestResults(books),
            boards=Boards(books),
            counts=EventCounts(books),
            cases=Cases(books),
            holds=Holds(books),
            clients=Clients(books),
            ledger=Ledger(books),
            facts=Facts(facts),
            intake=IntakeDays(books),
            mails=Mails(books),
            contracts=ContractReader(configuration, RateStore(books), click_keys, elapsed, today),
        )


def changed_meanwhile(contest: Contest) -> Conflict:
    """What to raise when a contest is not as it was read, again and again, or not as somebody looked at it."""
    return Conflict(
        "The contest was changed meanwhile: look at it again.", code="contest_changed", version=contest.version
    )
