"""What BOOKS says: one pass over the table, kept by client, partner and counter."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from introducer.domain.adjustment import Adjustment, AdjustmentStatus
from introducer.domain.adjustment import targets as adjustment_targets
from introducer.domain.clicks import REASONS
from introducer.domain.client import ClientState
from introducer.domain.configuration import DealRecord, Status
from introducer.domain.configuration import Parenting as ParentingRecord
from introducer.domain.configuration import Standing as StandingRecord
from introducer.domain.contracts import Contracts
from introducer.domain.counts import CountKey
from introducer.domain.deal import DealVersion
from introducer.domain.errors import Conflict, IntroducerError
from introducer.domain.events import from_milliseconds
from introducer.domain.fraud.seen import BUCKETS
from introducer.domain.ledger import HOUSE, Journal, Key, journal_month
from introducer.domain.money import decimal_string
from introducer.domain.rates import Publication, Rates
from introducer.domain.rows import MonthOf
from introducer.domain.statement import Statement, make_statement
from introducer.services.read_contracts import ECB, deal_versions, parents, standings
from introducer.services.verify.attribution_side import AttributionSide
from introducer.services.verify.caps_side import CapsSide
from introducer.services.verify.cases_side import CasesSide
from introducer.services.verify.contests_side import ContestsSide
from introducer.services.verify.payouts_side import PayoutsSide
from introducer.services.verify.report import Difference, Kind
from introducer.services.verify.sources_side import SourcesSide
from introducer.services.verify.traces_side import TracesSide
from introducer.store import keys
from introducer.store.adjustments import adjustment_from_item
from introducer.store.click_counts import SOURCED, bucket_attribute, is_dimension, reason_attribute
from introducer.store.clients import ClientKey, state_from_item
from introducer.store.event_counts import count_key_of
from introducer.store.ledger import FROZEN, balance_attribute, earned_attribute, journal_from_item
from introducer.store.reservations import payout_journal_from_item
from introducer.store.scans import Stored
from introducer.store.settlements import SettledMonth, month_of_part, row_of, settled_from_item
from introducer.store.statements import statement_from_item

MALFORMED = (IntroducerError, ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError)
"""What reading an item raises that has not the form of its kind."""

CLICK_METRICS = (
    *("clicks", "unique", "flagged", "stuffed"),
    *map(bucket_attribute, range(BUCKETS)),
    *map(reason_attribute, REASONS),
)
INTAKE_METRICS = ("accepted", "applied")


class ClosedMonth(NamedTuple):
    """What the statements of a brand's month come to."""

    partners: int
    entries: int
    sums: Mapping[str, int]
    """Per currency, minor units; no currency in which it all came to nothing."""


class BooksSide:
    """All that must be known of BOOKS, taken in one item at a time.

    It grows with clients, partners, their months, counters and configuration. Of journals only sums are kept, and no
    more of them is held at once than one partner's month has. `finish` after the last item.
    """

    def __init__(self, feed: str = ECB) -> None:
        self.differences: list[Difference] = []
        self.clients: dict[ClientKey, Mapping[str, Any]] = {}
        """Their items: one text each, read when it is needed."""
        self.posted: dict[str, dict[Key, int]] = defaultdict(lambda: defaultdict(int))
        """The sum of the journals of each key, by the key's scope."""
        self.rows: dict[MonthOf, dict[tuple[str, str], str]] = defaultdict(dict)
        """The text of each row of a partner's month, by what and whose it is."""
        self.settled: dict[MonthOf, Mapping[str, str]] = {}
        """Their items: texts, read when they are needed."""
        self._parts: dict[MonthOf, list[Mapping[str, Any]]] = defaultdict(list)
        """The further items of settled months; those that a month does not count among them."""
        self._unpacked: tuple[MonthOf, SettledMonth] | None = None
        """The settled month that was looked at last."""
        self.adjusted: dict[Key, int] = {}
        """What the journals of each adjustment must add up to."""
        self.statements: dict[MonthOf, Statement] = {}
        self.closes: dict[tuple[str, str], ClosedMonth] = {}
        """What each month came to that is closed, by brand and month."""
        self.brands: dict[str, str] = {}
        """Whose partner each one is."""
        self.frozen: dict[str, str] = {}
        """The month through which a partner's books are closed, by partner."""
        self.made: dict[MonthOf, Statement] = {}
        """What the journals of each partner's month of the books make, as if nothing had been posted before."""
        self.newest: dict[MonthOf, tuple[int, str]] = {}
        """When the newest journal of each of them was posted (ms), and its id."""
        self.balances: dict[str, Mapping[str, int]] = {}
        self.journal_balances: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        """What each partner's balance must be, attribute by attribute, going by the journals."""
        self.event_counts: dict[CountKey, Mapping[str, int]] = {}
        self.click_counts: dict[CountKey, Mapping[str, int]] = {}
        self.intake: dict[tuple[str, str], Mapping[str, int]] = {}
        """Accepted and applied events, by source and UTC day."""
        self.journals = 0
        self.sums: dict[str, int] = defaultdict(int)
        self.newest_posting = 0
        self.payouts = PayoutsSide()
        self.cases, self.contests = CasesSide(), ContestsSide()
        self.traces, self._attribution = TracesSide(), AttributionSide()
        self.caps, self.sources = CapsSide(), SourcesSide()
        self._feed = feed
        self._deals: dict[str, list[DealRecord]] = defaultdict(list)
        self._standings: dict[str, list[StandingRecord]] = defaultdict(list)
        self._parentings: dict[str, list[ParentingRecord]] = defaultdict(list)
        self._published: dict[str, Mapping[str, str]] = {}
        self._month: MonthOf | None = None
        self._run: list[Journal] = []
        self._takers = {
            "client": self._client,
            "journal": self._journal,
            "payout_journal": self._payout_journal,
            "case_journal": self._case_journal,
            "balance": self._balance,
            "event_count": self._event_count,
            "event_count_unsaid": self._event_count,
            "click_count": self._click_count,
            "intake_day": self._intake_day,
            "deal": self._deal,
            "standing": self._standing,
            "parenting": self._parenting,
            "row": self._row,
            "settled": self._settled_month,
            "settled_part": self._part_of_month,
            "settled_posted": self._part_of_month,
            "adjustment": self._adjustment,
            "statement": self._statement,
            "month_close": self._month_close,
            "partner": self._partner,
            "rates": self._rates,
            **self.payouts.takers,
            **self.cases.takers,
            **self.contests.takers,
            "hold": self._hold,
            **self.traces.takers,
            **self._attribution.takers,
            **self.caps.takers,
            **self.sources.takers,
        }

    def take(self, stored: Stored) -> None:
        """One more item. Raises `Conflict` when the journals of a month do not come together."""
        if not stored.kind:
            self.differences.append(unknown(stored))
        elif taker := self._takers.get(stored.kind):
            try:
                taker(stored)
            except Conflict:
                raise
            except MALFORMED as error:
                self.differences.append(unreadable(stored, error))

    def finish(self) -> None:
        """After the last item."""
        self._add_up()
        # Parts may come before their month or after it.
        for (partner, month), item in list(self.settled.items()):
            try:
                self.settled_month((partner, month))
            except MALFORMED as error:
                self.differences.append(unreadable(Stored("settled", item), error))
                del self.settled[partner, month]

    def settled_month(self, month_of: MonthOf) -> SettledMonth:
        """A settled month; one with nothing in it where there is none."""
        item = self.settled.get(month_of)
        if item is None:
            return SettledMonth()
        if self._unpacked is None or self._unpacked[0] != month_of:
            self._unpacked = (month_of, settled_from_item(item, self._parts.get(month_of, ())))
        return self._unpacked[1]

    def contracts(self, click_keys: Mapping[int, bytes]) -> Contracts:
        """The snapshot that prices everything: all links, accepted deal versions and publications.

        A deal whose terms cannot be read is among the differences, and prices nothing.
        """
        deals: dict[str, tuple[DealVersion, ...]] = {}
        for partner, records in self._deals.items():
            versions: list[DealVersion] = []
            for record in sorted(records, key=lambda each: each.version):
                try:
                    versions += deal_versions([record])
                except MALFORMED as error:
                    where = keys.key("deal", partner=partner, version=f"{record.version:06d}")
                    self.differences.append(unreadable(Stored("deal", where.item()), error))
            deals[partner] = tuple(versions)
        decided = {partner: standings(records) for partner, records in self._standings.items()}
        above = {
            partner: parents(sorted(records, key=lambda each: (each.month, each.decided_at, each.parenting)))
            for partner, records in self._parentings.items()
        }
        above = {partner: decisions for partner, decisions in above.items() if decisions}
        rates, scoring = Rates(dict(self._publications())), self.contests.running()
        whose = self._attribution
        return Contracts(whose.links(), deals, rates, click_keys, decided, above, scoring, whose.leads, whose.codes())

    def states(self) -> Iterator[ClientState]:
        """The states that can be read, one after the other."""
        for item in self.clients.values():
            try:
                yield state_from_item(item)
            except MALFORMED:
                continue

    def published(self) -> Mapping[str, Mapping[str, str]]:
        """What the feed published, by day."""
        return self._published

    def _publications(self) -> Iterator[tuple[str, Publication]]:
        """Of each day, the last publication strictly before it, as far as the feed is known."""
        if not self._published:
            return
        last: Publication | None = None
        day, end = date.fromisoformat(min(self._published)), max(self._published)
        while (today := day.isoformat()) <= end:
            if last is not None:
                yield today, last
            if per_euro := self._published.get(today):
                last = Publication(self._feed, today, per_euro)
            day += timedelta(days=1)
        if last is not None:
            yield day.isoformat(), last

    # One method per kind of item.

    def _client(self, stored: Stored) -> None:
        _, brand, client = keys.parts(stored.key.pk)
        self.clients[brand, client] = {
            name: stored.item[name]
            for name in (keys.PK, keys.SK, "version", "fold", "contests", "came", keys.OWNER_PK, keys.OWNER_SK)
            if name in stored.item
        }
        self.sources.client(stored.item)

    def _journal(self, stored: Stored) -> None:
        journal = journal_from_item(stored.item)
        key = journal.key
        self.journals += 1
        self.contests.journal(journal)
        self.newest_posting = max(self.newest_posting, journal.posted_at)
        self.sums[key.currency] += journal.amount
        self.posted[key.scope][key] += journal.amount
        self._moves(journal)
        self._stands_in((key.partner, journal.post_month), journal)
        self._differs(stored, journal, _contradictions(journal))

    def _payout_journal(self, stored: Stored) -> None:
        """It moves money between the partner's buckets, and earns nothing."""
        journal = payout_journal_from_item(stored.item)
        self.journals += 1
        self.newest_posting = max(self.newest_posting, journal.posted_at)
        self._moves(journal)
        self._differs(stored, journal, _contradicting_legs(journal))
        self.payouts.move(stored)

    def _case_journal(self, stored: Stored) -> None:
        """Likewise."""
        journal = self.cases.move(stored)
        self.journals += 1
        self.newest_posting = max(self.newest_posting, journal.posted_at)
        self._moves(journal)
        self._differs(stored, journal, _contradicting_legs(journal))

    def _hold(self, stored: Stored) -> None:
        self.payouts.takers["hold"](stored)
        self.cases.hold(stored)

    def _moves(self, journal: Journal) -> None:
        moved, key = self.journal_balances[journal.key.partner], journal.key
        for leg in journal.legs:
            if leg.account != HOUSE:
                bucket, _, day = leg.account.partition(".")
                moved[balance_attribute(key.currency, bucket, day)] += leg.amount
        moved[earned_attribute(key.currency, key.earn_month)] += journal.amount

    def _differs(self, stored: Stored, journal: Journal, contradictions: Iterable[tuple[str, str, str]]) -> None:
        self.differences += [
            Difference(Kind.JOURNAL, f"{journal.id} {what}", expected, found, str(stored))
            for what, expected, found in contradictions
        ]

    def _stands_in(self, month_of: MonthOf, journal: Journal) -> None:
        """The journals of a month come together, and are added up when the next month's begin."""
        if month_of != self._month:
            self._add_up()
            if month_of in self.made:
                raise Conflict(
                    "The journals of a month stand apart in the scan of BOOKS: they cannot be added up in one pass.",
                    code="scan_out_of_order",
                )
            self._month = month_of
        # No more of it is kept than a statement looks at.
        receipt = replace(journal.receipt, events=(), lines=(), rates=())
        self._run.append(replace(journal, legs=(), receipt=receipt))
        self.newest[month_of] = max(self.newest.get(month_of, (0, "")), (journal.posted_at, journal.id))

    def _add_up(self) -> None:
        if self._run and self._month:
            # A statement reads them newest first.
            self.made[self._month] = make_statement(*self._month, {}, reversed(self._run), from_milliseconds(0))
        self._run = []

    def _balance(self, stored: Stored) -> None:
        _, partner = keys.parts(stored.key.pk)
        # Amounts have the currency before a dot; what has no dot is about the balance.
        self.balances[partner] = {name: int(v) for name, v in stored.item.items() if "." in name}
        self.payouts.balance(partner, stored.item)
        if FROZEN in stored.item:
            self.frozen[partner] = stored.item[FROZEN]

    def _event_count(self, stored: Stored) -> None:
        key = count_key_of(stored.key)
        assert key is not None, "a counter of events"
        self.event_counts[key] = _numbers(stored, stored.item.keys() - {keys.PK, keys.SK})

    def _click_count(self, stored: Stored) -> None:
        _, partner, _, _ = keys.parts(stored.key.pk)
        day, _, link = keys.parts(stored.key.sk)
        by = filter(is_dimension, stored.item)
        self.click_counts[CountKey(partner, day, link)] = _numbers(stored, (*CLICK_METRICS, SOURCED, *by))

    def _intake_day(self, stored: Stored) -> None:
        _, source = keys.parts(stored.key.pk)
        _, day = keys.parts(stored.key.sk)
        self.intake[source, day] = _numbers(stored, INTAKE_METRICS)

    def _standing(self, stored: Stored) -> None:
        item = stored.item
        record = StandingRecord(
            partner=keys.parts(stored.key.pk)[1],
            standing=item["standing"],
            since=from_milliseconds(item["since"]),
            status=Status(item["status"]),
            reason=item["reason"],
            decided_at=from_milliseconds(item["decided_at"]),
        )
        self._standings[record.partner].append(record)

    def _parenting(self, stored: Stored) -> None:
        item = stored.item
        _, partner, _ = keys.parts(stored.key.pk)
        month, parenting = keys.parts(stored.key.sk)
        self._parentings[partner].append(
            ParentingRecord(
                partner=partner,
                parenting=parenting,
                month=month,
                parent=item.get("parent"),
                reason=item["reason"],
                decided_at=from_milliseconds(item["decided_at"]),
            )
        )

    def _row(self, stored: Stored) -> None:
        _, partner, _, month = keys.parts(stored.key.pk)
        of, name = row_of(stored.item)
        # A client's name stands in every month that it has a row in.
        self.rows[partner, month][sys.intern(of), sys.intern(name)] = stored.item["row"]

    def _settled_month(self, stored: Stored) -> None:
        _, partner, _ = keys.parts(stored.key.pk)
        self.settled[partner, keys.unescape(stored.key.sk)] = stored.item

    def _part_of_month(self, stored: Stored) -> None:
        self._parts[month_of_part(stored.item)].append(stored.item)

    def _adjustment(self, stored: Stored) -> None:
        adjustment = adjustment_from_item(stored.item)
        self.adjusted |= adjustment_targets([adjustment])
        self.differences += [
            Difference(Kind.ADJUSTMENT, f"{adjustment.adjustment}: {what}", expected, found, str(stored))
            for what, expected, found in _contradictions_by_hand(adjustment)
        ]

    def _statement(self, stored: Stored) -> None:
        statement = statement_from_item(stored.item)
        self.statements[statement.partner, statement.month] = statement

    def _month_close(self, stored: Stored) -> None:
        item = stored.item
        if "closed_at" in item:
            sums = {currency: int(minor) for currency, minor in json.loads(item["sums"]).items() if minor}
            _, brand, _ = keys.parts(stored.key.pk)
            self.closes[brand, stored.key.sk] = ClosedMonth(int(item["partners"]), int(item["entries"]), sums)

    def _partner(self, stored: Stored) -> None:
        self.brands[keys.parts(stored.key.pk)[1]] = stored.item["brand"]

    def _deal(self, stored: Stored) -> None:
        item = stored.item
        accepted = item.get("accepted_at")
        record = DealRecord(
            partner=keys.parts(stored.key.pk)[1],
            version=int(item["version"]),
            valid_from=from_milliseconds(item["valid_from"]),
            accepted_at=None if accepted is None else from_milliseconds(accepted),
            terms=item["terms"],
            terms_hash=item["terms_hash"],
        )
        self._deals[record.partner].append(record)
        digest = hashlib.sha256(record.terms.encode()).hexdigest()
        if digest != record.terms_hash:
            what = f"{record.partner} deal version {record.version}: hash of its terms"
            self.differences.append(Difference(Kind.DEAL, what, record.terms_hash, digest, str(stored)))

    def _rates(self, stored: Stored) -> None:
        _, feed = keys.parts(stored.key.pk)
        if feed == self._feed:
            self._published[stored.key.sk] = json.loads(stored.item["per_euro"])


def unreadable(stored: Stored, error: Exception) -> Difference:
    """An item without the form of its kind. The error's text may quote the item, so only its class is told."""
    return Difference(
        Kind.UNREADABLE, f"{stored.kind} item", f"the form of a {stored.kind}", type(error).__name__, str(stored)
    )


def unknown(stored: Stored) -> Difference:
    """An item of no kind."""
    return Difference(Kind.UNKNOWN_ITEM, "an item", "a key of a known kind", "another", str(stored))


def _contradictions(journal: Journal) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a journal by itself: what, expected, found."""
    yield from _contradicting_legs(journal)
    said = journal.receipt.target - journal.receipt.before
    if said != journal.amount:
        yield "amount by its receipt", *_shown(journal.key.currency, said, journal.amount)
    if journal_month(journal.id) != journal.month:
        yield "month it stands in", str(journal_month(journal.id)), journal.month


def _contradicting_legs(journal: Journal) -> Iterator[tuple[str, str, str]]:
    """What is wrong with its legs: they sum to zero, and those of the partner to the journal's amount."""
    currency = journal.key.currency
    total = sum(leg.amount for leg in journal.legs)
    if total:
        yield "sum of its legs", *_shown(currency, 0, total)
    moved = sum(leg.amount for leg in journal.legs if leg.account != HOUSE)
    if moved != journal.amount:
        yield "amount of its legs", *_shown(currency, journal.amount, moved)


def _shown(currency: str, expected: int, found: int) -> tuple[str, str]:
    return f"{decimal_string(expected, currency)} {currency}", f"{decimal_string(found, currency)} {currency}"


_POSTED = {AdjustmentStatus.POSTED, AdjustmentStatus.REVERSAL_PROPOSED, AdjustmentStatus.REVERSED}


def _contradictions_by_hand(adjustment: Adjustment) -> Iterator[tuple[str, str, str]]:
    """What is wrong with an adjustment by itself: what, expected, found."""
    status = adjustment.status
    for name, journal, posted in (
        ("its journal", adjustment.journal, status in _POSTED),
        ("the journal that reverses it", adjustment.reversal, status is AdjustmentStatus.REVERSED),
    ):
        if (journal is not None) is not posted:
            yield f"{name}, when {status}", "a journal" if posted else "none", journal or "none"
    for name, asked, decided in (
        ("who decided it", adjustment.proposed, adjustment.decided),
        ("who decided its reversal", adjustment.reversal_proposed, adjustment.reversal_decided),
    ):
        if asked is not None and decided is not None and asked.by == decided.by:
            yield name, f"another than {asked.by}, who proposed it", decided.by
    if status in _POSTED and adjustment.decided is None:
        yield f"who decided it, when {status}", "a person", "none"


def _numbers(stored: Stored, names: Iterable[str]) -> Mapping[str, int]:
    return {name: int(stored.item.get(name, 0)) for name in names}
