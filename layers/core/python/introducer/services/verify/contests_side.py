"""What contests must say: what scores by the facts, who stands where by what was counted, prizes by their journals.

While a contest runs, entries are what the engine counts of applied events. Once it is frozen, what counts is what was
accepted before: that is folded again here, client by client, and compared with the recount.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from introducer.domain.calendar import plus_days
from introducer.domain.client import Visit
from introducer.domain.contest import Contest, ContestStatus, Entry, Metric, PrizeKind
from introducer.domain.contest_closing import (
    RULE,
    EventName,
    Recount,
    SetAside,
    award_id,
    prize_key,
    prize_serial,
    standings,
    together,
)
from introducer.domain.contest_counting import counted_of_client
from introducer.domain.contest_prizes import Award, AwardStatus, Conclusion, Result, concluded
from introducer.domain.contest_score import Counted, Window
from introducer.domain.contracts import Contracts
from introducer.domain.counts import ScoreKey
from introducer.domain.errors import IntroducerError
from introducer.domain.events import Event, day_of
from introducer.domain.ledger import Journal, Key
from introducer.services.verify.amounts import money
from introducer.services.verify.report import Difference, Kind
from introducer.store import keys
from introducer.store.contest_results import (
    PLAN,
    aside_from_item,
    award_from_item,
    recount_from_item,
    result_from_item,
)
from introducer.store.contest_windows import window_from_item, window_of
from introducer.store.contests import contest_from_item, entry_from_item, entry_key
from introducer.store.scans import Stored, place

_FINAL = frozenset({ContestStatus.PAYING, ContestStatus.DONE})
_RANKED = _FINAL | {ContestStatus.PROVISIONAL}


class ContestsSide:
    """All that must be known of contests, taken in one item at a time. It grows with contests, entries, results and
    prizes."""

    def __init__(self) -> None:
        self._contests: dict[str, Contest] = {}
        self._windows: dict[str, Window] = {}
        self._entries: dict[str, list[Entry]] = defaultdict(list)
        self._plans: dict[str, frozenset[str]] = {}
        self._recounts: dict[str, list[Recount]] = defaultdict(list)
        self._asides: dict[str, list[SetAside]] = defaultdict(list)
        self._results: dict[tuple[str, str], list[Result]] = defaultdict(list)
        """By contest and edition."""
        self._awards: dict[str, list[Award]] = defaultdict(list)
        self._journals: dict[tuple[str, str], list[str]] = defaultdict(list)
        """The ids of the journals of each partner's prize."""
        self._frozen: list[Contest] | None = None
        self._left_out: dict[str, frozenset[EventName]] = {}
        self._counted: dict[str, dict[str, dict[Metric, int]]] = defaultdict(lambda: defaultdict(dict))
        """What the facts say, by frozen contest and partner."""
        self._unknown: set[str] = set()
        """Frozen contests of which a client could not be counted."""
        self.takers = {
            "contest": self._contest,
            "contest_window": self._window,
            "entry": self._entry,
            "recount": self._recount,
            "set_aside": self._set_aside,
            "result": self._result,
            "award": self._award,
        }

    # One method per kind of item.

    def _contest(self, stored: Stored) -> None:
        contest = contest_from_item(stored.item)
        self._contests[contest.contest] = contest

    def _window(self, stored: Stored) -> None:
        window = window_from_item(stored.item)
        self._windows[window.contest] = window

    def _entry(self, stored: Stored) -> None:
        entry = entry_from_item(stored.item)
        self._entries[entry.contest].append(entry)

    def _recount(self, stored: Stored) -> None:
        if stored.key.sk == PLAN:
            self._plans[keys.parts(stored.key.pk)[1]] = frozenset(
                each[0] for each in json.loads(stored.item["batches"])
            )
            return
        recount = recount_from_item(stored.item)
        self._recounts[recount.contest].append(recount)

    def _set_aside(self, stored: Stored) -> None:
        aside = aside_from_item(stored.item)
        self._asides[aside.contest].append(aside)

    def _result(self, stored: Stored) -> None:
        result = result_from_item(stored.item)
        self._results[result.contest, keys.parts(stored.key.pk)[3]].append(result)

    def _award(self, stored: Stored) -> None:
        award = award_from_item(stored.item)
        self._awards[award.contest].append(award)

    def journal(self, journal: Journal) -> None:
        """A journal of a partner's month: of those that pay a prize."""
        if journal.kind == RULE:
            self._journals[journal.key.partner, journal.key.scope].append(journal.id)

    # ------------------------------------------------------------------------------------------------------- facts

    def running(self) -> Mapping[str, tuple[Window, ...]]:
        """What scores now, by brand: the windows that the engine counts in."""
        found: dict[str, list[Window]] = defaultdict(list)
        for contest in self._contests.values():
            if contest.status in (ContestStatus.PLANNED, ContestStatus.RUNNING):
                found[contest.brand].append(window_of(contest))
        return {brand: tuple(windows) for brand, windows in found.items()}

    def take_client(
        self, brand: str, client: str, applied: Sequence[Event], contracts: Contracts, visits: Mapping[str, Visit]
    ) -> None:
        """A client with applied events: what it scores in the contests that were counted for good."""
        for contest in self._counted_contests():
            if contest.brand != brand:
                continue
            assert contest.frozen_at is not None
            events = [
                event
                for event in applied
                if (event.accepted_at or event.occurred_at) < contest.frozen_at
                and (client, event.source, event.event_id) not in self._left_out[contest.contest]
            ]
            # Who traded enough qualifies at the end of that UTC day: a day before the start is looked at too.
            if not any(event.occurred_at >= contest.starts_at - timedelta(days=1) for event in events):
                continue
            try:
                scored = counted_of_client(brand, client, events, contracts, window_of(contest), visits)
            except IntroducerError:
                # The fold of all its events says why.
                self._unknown.add(contest.contest)
                continue
            for partner, counted in scored.items():
                sums = self._counted[contest.contest][partner]
                for metric, value in counted.counted.items():
                    sums[metric] = sums.get(metric, 0) + value

    def _counted_contests(self) -> Sequence[Contest]:
        if self._frozen is None:
            self._frozen = [each for each in self._contests.values() if self._is_counted(each)]
            self._left_out = {
                each.contest: frozenset(name for recount in self._recounts[each.contest] for name in recount.left_out)
                for each in self._frozen
            }
        return self._frozen

    def _is_counted(self, contest: Contest) -> bool:
        """Whether all batches are counted, of a contest that is not cancelled."""
        if contest.frozen_at is None or contest.status is ContestStatus.CANCELLED:
            return False
        counted = frozenset(recount.batch for recount in self._recounts.get(contest.contest, ()))
        return contest.status in _RANKED or counted == self._plans.get(contest.contest)

    # ------------------------------------------------------------------------------------------------------- money

    def owed(self) -> dict[Key, int]:
        """What the journals of each prize must add up to, minor units: the amount once it is paid."""
        found: dict[Key, int] = {}
        for contest in self._contests.values():
            for award in self._awards.get(contest.contest, ()):
                if award.status is AwardStatus.PAID and award.paid_at is not None:
                    available = plus_days(day_of(award.paid_at), contest.prize_hold_days)
                    found[prize_key(contest, award, available)] = award.amount
        return found

    # ------------------------------------------------------------------------------------------------- differences

    def differences(self, scores: Mapping[ScoreKey, Mapping[str, int]]) -> Iterator[Difference]:
        """Where contests and what belongs to them do not say the same. `scores` are what applied events score in
        contests that run."""
        for name in sorted(self._contests):
            contest = self._contests[name]
            yield from self._of_window(contest)
            if contest.status in (ContestStatus.PLANNED, ContestStatus.RUNNING):
                yield from self._of_entries(contest, scores)
            if self._is_counted(contest):
                yield from self._of_recount(contest)
            if contest.status in _RANKED:
                yield from self._of_result(contest)
            yield from self._of_prizes(contest)
        for award in (
            each for name in sorted(self._awards.keys() - self._contests.keys()) for each in self._awards[name]
        ):
            yield _of_prize(award, "its contest", "a contest", "none")

    def _of_window(self, contest: Contest) -> Iterator[Difference]:
        """A contest that is approved has its window, until that is forgotten; a draft has none."""
        window = self._windows.get(contest.contest)
        should = window_of(contest)
        if window is None:
            if contest.status in (ContestStatus.PLANNED, ContestStatus.RUNNING):
                yield _of_contest(contest, "its window", "one", "none")
        elif window != should and contest.approved_at is not None and contest.status is not ContestStatus.DRAFT:
            yield _of_contest(contest, "its window", str(should), str(window))

    def _of_entries(self, contest: Contest, scores: Mapping[ScoreKey, Mapping[str, int]]) -> Iterator[Difference]:
        says = {entry.partner: entry.counted for entry in self._entries.get(contest.contest, ())}
        should = {key.partner: values for key, values in scores.items() if key.contest == contest.contest}
        for partner in sorted(says.keys() | should.keys()):
            for metric in sorted(contest.metrics):
                expected = should.get(partner, {}).get(metric.value, 0)
                found = says.get(partner, {}).get(metric, 0)
                if expected != found:
                    where = place(keys.BOOKS, entry_key(contest.contest, partner))
                    what = f"{contest.contest} {partner}: {metric.value}"
                    yield Difference(Kind.SCORE, what, str(expected), str(found), where)

    def _of_recount(self, contest: Contest) -> Iterator[Difference]:
        where = f"{keys.BOOKS} {keys.partition('recount', contest=contest.contest)}"
        counted = {recount.batch for recount in self._recounts.get(contest.contest, ())}
        planned = self._plans.get(contest.contest, frozenset())
        if counted != planned:
            values = (", ".join(sorted(planned)) or "none", ", ".join(sorted(counted)) or "none")
            yield Difference(Kind.RECOUNT, f"{contest.contest}: its batches", *values, where)
        if contest.contest in self._unknown:
            return
        says = self._together(contest)
        should = self._counted.get(contest.contest, {})
        for partner in sorted(says.keys() | should.keys()):
            for metric in sorted(contest.metrics):
                expected = should.get(partner, {}).get(metric, 0)
                found = says[partner].counted.get(metric, 0) if partner in says else 0
                if expected != found:
                    what = f"{contest.contest} {partner}: {metric.value}"
                    yield Difference(Kind.RECOUNT, what, str(expected), str(found), where)

    def _together(self, contest: Contest) -> Mapping[str, Counted]:
        return together(self._recounts.get(contest.contest, ()))

    def _concluded(self, contest: Contest) -> Conclusion:
        """What the recount and the set-asides come to."""
        asides = self._asides.get(contest.contest, ())
        return concluded(contest, standings(self._entries.get(contest.contest, ()), self._together(contest), asides))

    def _of_result(self, contest: Contest) -> Iterator[Difference]:
        should = {each.partner: _told(each) for each in self._concluded(contest).results}
        says = {each.partner: _told(each) for each in self._results.get((contest.contest, contest.edition), ())}
        for partner in sorted(should.keys() | says.keys()):
            expected, found = should.get(partner, "no participant"), says.get(partner, "none")
            if expected != found:
                yield _of_contest(contest, f"the result of {partner}", expected, found)

    def _of_prizes(self, contest: Contest) -> Iterator[Difference]:
        should: dict[tuple[str, int], Award] = {}
        if contest.status in _FINAL:
            should = {(each.partner, each.number): each for each in self._concluded(contest).awards}
        says = {(each.partner, each.number): each for each in self._awards.get(contest.contest, ())}
        for name in sorted(should.keys() | says.keys()):
            expected, award = should.get(name), says.get(name)
            if award is None:
                assert expected is not None
                # It is written when it is paid, at the latest.
                if contest.status is ContestStatus.DONE:
                    yield _of_prize(expected, "the prize", _won(expected), "none")
                continue
            if expected is None or _won(expected) != _won(award):
                yield _of_prize(award, "the prize", "none" if expected is None else _won(expected), _won(award))
            yield from self._of_payment(contest, award)
        if contest.status is ContestStatus.DONE:
            yield from self._of_pools(contest, list(says.values()))
            if not contest.archive:
                yield _of_contest(contest, "its archive", "a digest", "none")

    def _of_payment(self, contest: Contest, award: Award) -> Iterator[Difference]:
        journals = sorted(self._journals.get((award.partner, award_id(award)), ()))
        paid = award.status is AwardStatus.PAID
        if paid and award.gift:
            yield _of_prize(award, "its status", "sent or to be sent", award.status.value)
        if paid != bool(award.journal):
            yield _of_prize(
                award, "its status", "paid by a journal" if award.journal else "not paid", award.status.value
            )
        if journals != ([award.journal] if award.journal else []):
            yield _of_prize(award, "its journal", award.journal or "none", ", ".join(journals) or "none")
        if (
            award.journal
            and contest.finished_at is not None
            and not award.journal.endswith(prize_serial(contest, award))
        ):
            yield _of_prize(award, "the journal that it names", f"…{prize_serial(contest, award)}", award.journal)
        if contest.status is ContestStatus.DONE and award.status is AwardStatus.DUE:
            yield _of_prize(award, "its status", "paid", award.status.value)

    def _of_pools(self, contest: Contest, awards: Sequence[Award]) -> Iterator[Difference]:
        """A pool is paid in full where anybody ranks."""
        paid: Counter[int] = Counter()
        for award in awards:
            if award.kind is PrizeKind.SHARE:
                paid[award.division] += award.amount
        ranked = {each.division for each in self._results.get((contest.contest, contest.edition), ()) if each.rank}
        for number, division in enumerate(contest.divisions):
            shared = any(prize.kind is PrizeKind.SHARE for prize in division.prizes)
            expected = division.pool if shared and number in ranked else 0
            if paid[number] != expected:
                values = (money(expected, contest.currency), money(paid[number], contest.currency))
                yield _of_contest(contest, f"what is paid of the pool of division {number + 1}", *values)


def _told(result: Result) -> str:
    """What a result says, but for names, which may have been erased."""
    counted = " ".join(f"{metric.value} {value}" for metric, value in sorted(result.counted.items()) if value)
    unranked = result.unranked.value if result.unranked is not None else f"place {result.rank}"
    gifts = f", {len(result.gifts)} gifts" if result.gifts else ""
    return f"{unranked} of division {result.division + 1}, {result.score} ({counted}), wins {result.amount}{gifts}"


def _won(award: Award) -> str:
    what = award.gift or money(award.amount, award.currency)
    return f"{what} ({award.kind.value}) for place {award.place} of division {award.division + 1}"


def _of_contest(contest: Contest, what: str, expected: str, found: str) -> Difference:
    where = place(keys.BOOKS, keys.key("contest", contest=contest.contest))
    return Difference(Kind.CONTEST, f"{contest.contest}: {what}", expected, found, where)


def _of_prize(award: Award, what: str, expected: str, found: str) -> Difference:
    key = keys.key("award", partner=award.partner, contest=award.contest, number=f"{award.number:03d}")
    return Difference(Kind.PRIZE, f"{award.partner} {award_id(award)}: {what}", expected, found, place(keys.BOOKS, key))
