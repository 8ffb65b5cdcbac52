"""What the services of cases work with, and how they start and wake the execution that walks a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from introducer.services.read_contracts import ContractReader
from introducer.services.settle_partner import ReadsContractsOfMonth
from introducer.store.cases import Cases
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.holds import Holds
from introducer.store.ledger import Ledger
from introducer.store.payouts import Payouts
from introducer.store.rates import RateStore
from introducer.store.scorings import Scorings
from introducer.store.settlements import Settlements

Start = Callable[[str, Mapping[str, str]], str]
"""Starts the execution of `fraud_case` that has this name, with this input (`domain.case.execution_name`,
`execution_input`), unless it runs or has succeeded; the name that it really has. Raises `Unavailable`, `TooMany`,
`Conflict`."""

Wake = Callable[[str, Mapping[str, str]], bool]
"""Wakes the execution that waits with a token; whether it did."""

TRIES = 8
"""So often a step reads and writes again when the case, or the partner's books, changed meanwhile."""


@dataclass(frozen=True, kw_only=True)
class CaseBooks:
    """The stores that cases are kept in, and those that say what money is in question."""

    configuration: Configuration
    cases: Cases
    scorings: Scorings
    ledger: Ledger
    clients: Clients
    payouts: Payouts
    settlements: Settlements
    holds: Holds
    facts: Facts
    contracts: ReadsContractsOfMonth

    @classmethod
    def of(cls, facts: str, books: str, *, elapsed: Callable[[], float], today: Callable[[], str]) -> CaseBooks:
        """The books of these two tables. `elapsed` counts seconds and never goes back; `today` is the UTC day."""
        configuration = Configuration(books)
        return cls(
            configuration=configuration,
            cases=Cases(books),
            scorings=Scorings(books),
            ledger=Ledger(books),
            clients=Clients(books),
            payouts=Payouts(books),
            settlements=Settlements(books),
            holds=Holds(books),
            facts=Facts(facts),
            contracts=ContractReader(configuration, RateStore(books), dict, elapsed, today),
        )
