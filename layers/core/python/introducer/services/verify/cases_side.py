"""What cases must say: each against its journals, the holds that it placed, its partner's scoring and balance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from introducer.domain.case import MACHINE, Case
from introducer.domain.case_money import Day, moved
from introducer.domain.fraud.scoring import Scoring
from introducer.domain.hold import Hold
from introducer.domain.ledger import HELD, Journal
from introducer.services.verify.amounts import money
from introducer.services.verify.report import Difference, Kind
from introducer.store import keys
from introducer.store.cases import case_from_item, case_journal_from_item
from introducer.store.holds import hold_from_item
from introducer.store.ledger import balance_attribute
from introducer.store.scans import Stored, place
from introducer.store.scorings import scoring_from_item

_Of = tuple[str, str]
"""A partner and a case."""


class CasesSide:
    """All that must be known of cases, taken in one item at a time. It grows with cases and their journals."""

    def __init__(self) -> None:
        self._cases: dict[_Of, Case] = {}
        self._journals: dict[_Of, list[Journal]] = defaultdict(list)
        self._holds: dict[tuple[str, str], Hold] = {}
        self._scorings: dict[str, Scoring] = {}
        self.takers = {"case": self._case, "scoring": self._scoring}

    # One method per kind of item.

    def _case(self, stored: Stored) -> None:
        case = case_from_item(stored.item)
        self._cases[case.partner, case.case] = case

    def _scoring(self, stored: Stored) -> None:
        scoring = scoring_from_item(stored.item)
        self._scorings[scoring.partner] = scoring

    def move(self, stored: Stored) -> Journal:
        """A case's journal."""
        journal = case_journal_from_item(stored.item)
        self._journals[journal.key.partner, journal.key.scope].append(journal)
        return journal

    def hold(self, stored: Stored) -> None:
        """A hold: of those that a case placed."""
        hold = hold_from_item(stored.item)
        if hold.placed_by == MACHINE:
            self._holds[hold.partner, hold.hold] = hold

    # ------------------------------------------------------------------------------------------------- differences

    def differences(self, balances: Mapping[str, Mapping[str, int]]) -> Iterator[Difference]:
        """Where cases and what belongs to them do not say the same. `balances` are what stands in each partner's, by
        attribute."""
        for of in sorted(self._cases.keys() | self._journals.keys()):
            yield from self._of_case(of)
        yield from self._of_stops()
        yield from self._of_scorings()
        yield from self._of_balances(balances)

    def _of_case(self, of: _Of) -> Iterator[Difference]:
        partner, name = of
        case, journals = self._cases.get(of), sorted(self._journals.get(of, ()), key=_number)
        if case is None:
            where = f"{keys.BOOKS} {keys.partition('case_journal', partner=partner)} / {name}"
            yield Difference(Kind.CASE, f"{name}: the case of its journals", "a case", "none", where)
            return
        where = place(keys.BOOKS, keys.key("case", partner=partner, case=name))
        numbers = [_number(journal) for journal in journals]
        if numbers != list(range(1, case.journals + 1)):
            found = f"{len(numbers)}, numbered {numbers[0]} to {numbers[-1]}" if numbers else "none"
            yield Difference(Kind.CASE, f"{name}: its journals", f"{case.journals}", found, where)
        held = moved(journals)
        for day in sorted(held.keys() | case.held.keys()):
            expected, found_here = held.get(day, 0), case.held.get(day, 0)
            if expected != found_here:
                what = f"{name}: held of {_shown(day)}"
                values = (money(expected, day[0]), money(found_here, day[0]))
                yield Difference(Kind.CASE, what, *values, where)
            elif found_here < 0:
                yield Difference(
                    Kind.CASE, f"{name}: held of {_shown(day)}", "nothing less", money(found_here, day[0]), where
                )
        if case.freed_at is not None and case.holds:
            what = f"{name}: held after its verdict was carried out"
            yield Difference(Kind.CASE, what, "nothing", _sums(case.holds), where)

    def _of_stops(self) -> Iterator[Difference]:
        named = {(case.partner, case.stop): case for case in self._cases.values() if case.stop}
        for (partner, hold), case in sorted(named.items()):
            found = self._holds.get((partner, hold))
            if found is None or not found.stands:
                where = place(keys.BOOKS, keys.key("case", partner=partner, case=case.case))
                said = "none" if found is None else "one that was released"
                yield Difference(Kind.CASE, f"{case.case}: its hold on payouts", "one that stands", said, where)
        for (partner, hold), found in sorted(self._holds.items()):
            if found.stands and (partner, hold) not in named:
                where = place(keys.BOOKS, keys.key("hold", partner=partner, hold=hold))
                yield Difference(Kind.HOLD, f"{hold}: the case that placed it", "one that names it", "none", where)

    def _of_scorings(self) -> Iterator[Difference]:
        """The case that takes findings in is the one that its partner's scoring names, and there is one."""
        takes: dict[str, list[str]] = defaultdict(list)
        for case in self._cases.values():
            if case.freed_at is None:
                takes[case.partner].append(case.case)
        for partner in sorted(takes.keys() | self._scorings.keys()):
            scoring = self._scorings.get(partner)
            named = [scoring.open_case] if scoring is not None and scoring.open_case else []
            if sorted(takes.get(partner, [])) != named:
                where = place(keys.BOOKS, keys.key("scoring", partner=partner))
                values = (", ".join(sorted(takes.get(partner, []))) or "none", ", ".join(named) or "none")
                yield Difference(Kind.CASE, f"{partner}: the case that is open", *values, where)

    def _of_balances(self, balances: Mapping[str, Mapping[str, int]]) -> Iterator[Difference]:
        """What stands held is what the partner's cases hold."""
        sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for case in self._cases.values():
            for currency, minor in case.holds.items():
                sums[case.partner][balance_attribute(currency, HELD)] += minor
        for partner in sorted(sums.keys() | balances.keys()):
            stands = {name: minor for name, minor in balances.get(partner, {}).items() if _is_held(name)}
            for name in sorted(sums[partner].keys() | stands.keys()):
                expected, found = sums[partner].get(name, 0), stands.get(name, 0)
                if expected != found:
                    currency = name.partition(".")[0]
                    where = place(keys.BOOKS, keys.key("balance", partner=partner))
                    what = f"{partner} {name}: what its cases hold"
                    yield Difference(Kind.CASE, what, money(expected, currency), money(found, currency), where)


def _is_held(attribute: str) -> bool:
    currency = attribute.partition(".")[0]
    return attribute == balance_attribute(currency, HELD)


def _number(journal: Journal) -> int:
    return int(journal.id.rpartition(".")[2])


def _shown(day: Day) -> str:
    currency, on = day
    return f"{currency} of {on}" if on else f"{currency} that was available"


def _sums(sums: Mapping[str, int]) -> str:
    return ", ".join(f"{money(minor, currency)}" for currency, minor in sorted(sums.items()))
