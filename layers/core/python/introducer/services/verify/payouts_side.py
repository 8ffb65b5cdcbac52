"""What payouts must say: each against its journals, its rates, its batch, its run, its invoice and the balance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from introducer.domain.calendar import plus_months
from introducer.domain.errors import IntroducerError
from introducer.domain.exchange import CLEARING, ExchangeLeg, pays, smallest, unbalanced, way_back, way_out
from introducer.domain.invoice import Invoice, InvoiceKind, due
from introducer.domain.ledger import PAID, RESERVED, Journal
from introducer.domain.money import decimals
from introducer.domain.payout import (
    RELEASED_IN,
    RESERVED_IN,
    UNSETTLED,
    Batch,
    BatchStatus,
    Part,
    Payout,
    PayoutStatus,
    Run,
)
from introducer.domain.rates import RATE_ONE, Publication, Rate, Rates
from introducer.domain.reservation import Move, moved
from introducer.services.reserve_run import TOO_LATE
from introducer.services.verify.amounts import money
from introducer.services.verify.report import Difference, Kind, PayoutTotals
from introducer.store import keys
from introducer.store.holds import hold_from_item
from introducer.store.invoices import invoice_from_item
from introducer.store.ledger import EARNED, HOLDS
from introducer.store.payout_items import batch_from_item, payout_from_item, run_from_item
from introducer.store.reservations import payout_journal_from_item, way_from_item
from introducer.store.scans import Stored, place

_HANDED_OVER = frozenset({*UNSETTLED, PayoutStatus.PAID, PayoutStatus.FAILED, PayoutStatus.RETURNED})
"""How a payout stands that was put into a batch."""
_LEFT_BEHIND = frozenset({PayoutStatus.CREATED, PayoutStatus.APPROVED, PayoutStatus.SENDING})
"""How no payout of a closed run stands: nobody takes it on from there."""

_NOTHING_MOVED = "nothing"


class _Moved(NamedTuple):
    """One journal of a payout, as far as it is compared."""

    kind: Move
    partner: str
    currency: str
    amount: int
    way: tuple[ExchangeLeg, ...]


@dataclass(slots=True)
class _Numbers:
    """The numbers of a brand's invoices of a year."""

    taken: set[int]
    twice: set[int]
    last: int | None = None


class PayoutsSide:
    """All that must be known of payouts, taken in one item at a time. It grows with payouts, runs, batches, holds and
    invoices: about two kilobytes for each payout."""

    def __init__(self) -> None:
        self._payouts: dict[str, Payout] = {}
        self._moves: dict[str, list[_Moved]] = defaultdict(list)
        self._places: dict[str, tuple[str, str]] = {}
        self._runs: dict[tuple[str, str], Run] = {}
        self._batches: dict[tuple[str, str, str], Batch] = {}
        self._holds: dict[str, int] = defaultdict(int)
        self._counted: dict[str, int] = {}
        self._invoices: dict[tuple[str, InvoiceKind], Invoice] = {}
        self._series: dict[tuple[str, str], _Numbers] = {}
        self.takers = {
            "payout": self._payout,
            "payout_place": self._place,
            "run": self._run,
            "batch": self._batch,
            "hold": self._hold,
            "invoice": self._invoice,
            "invoice_series": self._invoice_series,
        }

    # One method per kind of item.

    def _payout(self, stored: Stored) -> None:
        payout = payout_from_item(stored.item)
        self._payouts[payout.payout] = payout

    def move(self, stored: Stored) -> None:
        """A payout's journal."""
        journal = payout_journal_from_item(stored.item)
        way = way_from_item(stored.item)
        self._moves[journal.key.scope].append(
            _Moved(Move(journal.kind), journal.key.partner, journal.key.currency, _moved(journal), way)
        )

    def balance(self, partner: str, item: Mapping[str, Any]) -> None:
        """How many holds a balance counts."""
        self._counted[partner] = int(item.get(HOLDS, 0))

    def _place(self, stored: Stored) -> None:
        self._places[keys.parts(stored.key.pk)[1]] = (stored.item["brand"], stored.item["run"])

    def _run(self, stored: Stored) -> None:
        run = run_from_item(stored.item)
        self._runs[run.brand, run.run] = run

    def _batch(self, stored: Stored) -> None:
        batch = batch_from_item(stored.item)
        self._batches[batch.brand, batch.run, batch.batch] = batch

    def _hold(self, stored: Stored) -> None:
        hold = hold_from_item(stored.item)
        self._holds[hold.partner] += hold.stands

    def _invoice(self, stored: Stored) -> None:
        invoice = invoice_from_item(stored.item)
        self._invoices[invoice.payout, invoice.kind] = invoice
        year, _, number = invoice.number.partition("-")
        numbers = self._numbers(invoice.brand, year)
        (numbers.twice if int(number) in numbers.taken else numbers.taken).add(int(number))

    def _invoice_series(self, stored: Stored) -> None:
        _, brand, _ = keys.parts(stored.key.pk)
        self._numbers(brand, keys.unescape(stored.key.sk)).last = int(stored.item["last"])

    def _numbers(self, brand: str, year: str) -> _Numbers:
        return self._series.setdefault((brand, year), _Numbers(set(), set()))

    # ------------------------------------------------------------------------------------------------- differences

    def differences(self, published: Mapping[str, Mapping[str, str]]) -> Iterator[Difference]:
        """Where payouts and what belongs to them do not say the same. `published` are the days of the rates' feed."""
        rates = _RatesOfRuns(published)
        for _, payout in sorted(self._payouts.items()):
            yield from self._of_payout(payout)
            yield from _of_conversion(payout, self._runs.get((payout.brand, payout.run)), rates)
        yield from self._strangers()
        members: dict[tuple[str, str, str], list[Payout]] = defaultdict(list)
        those: dict[tuple[str, str], list[Payout]] = defaultdict(list)
        for payout in self._payouts.values():
            those[payout.brand, payout.run].append(payout)
            if payout.batch:
                members[payout.brand, payout.run, payout.batch].append(payout)
        for key, batch in sorted(self._batches.items()):
            yield from _of_batch(batch, members.get(key, []))
        for name, run in sorted(self._runs.items()):
            yield from _of_run(run, those.get(name, []))
        yield from self._of_holds()
        yield from self._of_invoices()

    def money_differences(
        self, earned: Mapping[str, Mapping[str, int]], stands: Mapping[str, Mapping[str, int]]
    ) -> int:
        """Partners and currencies in which what was earned, by the journals, is not what stands in the balance, paid
        and unpaid; or in which what is reserved or paid is not what the payouts say. `earned` and `stands` are
        attributes by partner. Each of them is behind a difference that says where."""
        said: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: {RESERVED: 0, PAID: 0})
        for payout in self._payouts.values():
            if payout.status in RESERVED_IN:
                said[payout.partner, payout.currency][RESERVED] += payout.amount
            elif payout.status is PayoutStatus.PAID:
                said[payout.partner, payout.currency][PAID] += payout.amount
        owed, there = _by_currency(earned), _by_currency(stands)
        count = 0
        for key in owed.keys() | there.keys() | said.keys():
            of = there.get(key, {})
            all_that_stands = sum(amount for bucket, amount in of.items() if bucket != EARNED)
            reserved_and_paid = {bucket: of.get(bucket, 0) for bucket in (RESERVED, PAID)}
            count += (all_that_stands, reserved_and_paid) != (owed.get(key, {}).get(EARNED, 0), said[key])
        return count

    def _of_payout(self, payout: Payout) -> Iterator[Difference]:
        """A payout by its journals, its place, its batch and its run."""
        where = _where(payout)
        moves = sorted(self._moves.get(payout.payout, ()), key=lambda each: list(Move).index(each.kind))
        should, says = _moves_of(payout.status), [each.kind for each in moves]
        if should != says:
            values = ", ".join(should), ", ".join(says) or _NOTHING_MOVED
            yield Difference(Kind.PAYOUT, f"{payout.payout}: its journals, when {payout.status}", *values, where)
        for each in moves:
            name = f"{payout.payout}.{each.kind}"
            if (each.partner, each.currency) != (payout.partner, payout.currency):
                values = f"{payout.partner} {payout.currency}", f"{each.partner} {each.currency}"
                yield Difference(Kind.PAYOUT, f"{name}: whose money it moves", *values, where)
            elif each.amount != payout.amount:
                values = money(payout.amount, payout.currency), money(each.amount, payout.currency)
                yield Difference(Kind.PAYOUT, f"{name}: what it moves", *values, where)
            for currency, left in sorted(unbalanced(each.way).items()):
                values = money(0, currency), money(left, currency)
                yield Difference(Kind.PAYOUT, f"{name}: sum of its way out of the house", *values, where)
            way = _way_of(each.kind, payout)
            if each.way != way:
                yield Difference(Kind.PAYOUT, f"{name}: its way", _way_shown(way), _way_shown(each.way), where)
        if self._places.get(payout.payout) != (payout.brand, payout.run):
            found = " ".join(self._places.get(payout.payout, ("nothing",)))
            yield Difference(
                Kind.PAYOUT,
                f"{payout.payout}: where it is found by its id",
                f"{payout.brand} {payout.run}",
                found,
                where,
            )
        run = self._runs.get((payout.brand, payout.run))
        if run is None:
            yield Difference(Kind.PAYOUT, f"{payout.payout}: its run", payout.run, "no such run", where)
        elif run.closed_at is not None and payout.status in _LEFT_BEHIND:
            yield Difference(
                Kind.PAYOUT, f"{payout.payout}: its status in a run that is closed", "settled, or open to people",
                payout.status.value, where,
            )  # fmt: skip
        in_batch = payout.status in _HANDED_OVER
        known = (payout.brand, payout.run, payout.batch) in self._batches
        if in_batch != bool(payout.batch) or (payout.batch and not known):
            expected = "a batch of its run" if in_batch else "none"
            yield Difference(
                Kind.PAYOUT,
                f"{payout.payout}: its batch, when {payout.status}",
                expected,
                payout.batch or "none",
                where,
            )

    def _strangers(self) -> Iterator[Difference]:
        for name in sorted(self._moves.keys() - self._payouts.keys()):
            first = self._moves[name][0]
            where = f"{keys.BOOKS} {keys.partition('payout_journal', partner=first.partner)} / {name}"
            said = ", ".join(each.kind for each in self._moves[name])
            yield Difference(Kind.PAYOUT, f"{name}: the payout of its journals", "a payout", f"none; {said}", where)
        for name in sorted(self._places.keys() - self._payouts.keys()):
            where = place(keys.BOOKS, keys.key("payout_place", payout=name))
            yield Difference(Kind.PAYOUT, f"{name}: the payout of this place", "a payout", "none", where)

    def _of_holds(self) -> Iterator[Difference]:
        for partner in sorted(self._holds.keys() | self._counted.keys()):
            stand, counted = self._holds.get(partner, 0), self._counted.get(partner, 0)
            if stand != counted:
                where = place(keys.BOOKS, keys.key("balance", partner=partner))
                yield Difference(Kind.HOLD, f"{partner}: holds that stand", str(stand), str(counted), where)

    def _of_invoices(self) -> Iterator[Difference]:
        for (brand, year), numbers in sorted(self._series.items()):
            where = place(keys.BOOKS, keys.key("invoice_series", brand=brand, year=year))
            last = numbers.last or 0
            gaps = sorted(set(range(1, last + 1)) ^ numbers.taken)
            if gaps or numbers.twice:
                found = f"{len(numbers.taken)}, odd are {', '.join(map(str, [*gaps, *sorted(numbers.twice)][:10]))}"
                what = f"{brand} invoices of {year}: numbers without a gap"
                yield Difference(Kind.INVOICE, what, f"1 to {last}", found, where)
        for (name, kind), invoice in sorted(self._invoices.items()):
            where = place(keys.BOOKS, keys.key("invoice", partner=invoice.partner, payout=name, kind=kind.value))
            payout = self._payouts.get(name)
            wanted = {status for status in PayoutStatus if kind in due(status)}
            if payout is None or payout.status not in wanted:
                found = "no such payout" if payout is None else payout.status.value
                expected = " or ".join(sorted(wanted))
                yield Difference(Kind.INVOICE, f"{invoice.number}: how its payout stands", expected, found, where)
                continue
            sign = 1 if kind is InvoiceKind.INVOICE else -1
            for what, should, says in (
                ("gross", (sign * payout.pays, payout.pay_currency), (invoice.gross, invoice.currency)),
                ("net and tax", (invoice.gross, invoice.currency), (invoice.net + invoice.vat, invoice.currency)),
                ("what it came from", (sign * payout.amount, payout.currency), (invoice.held, invoice.held_currency)),
            ):
                if should != says:
                    yield Difference(Kind.INVOICE, f"{invoice.number}: {what}", money(*should), money(*says), where)
        for name, payout in sorted(self._payouts.items()):
            run = self._runs.get((payout.brand, payout.run))
            if run is None or run.closed_at is None:
                # Its documents are written before it closes.
                continue
            for kind in due(payout.status):
                if (name, kind) not in self._invoices:
                    what = f"{name}: its {kind.value.replace('_', ' ')}, when {payout.status}"
                    yield Difference(Kind.INVOICE, what, "one", "none", _where(payout))

    # ------------------------------------------------------------------------------------------------------ totals

    def totals(self) -> PayoutTotals:
        """How many payouts there are and what they came to, for the certificate."""
        held: dict[str, int] = defaultdict(int)
        paid: dict[str, int] = defaultdict(int)
        clearing: dict[str, int] = defaultdict(int)
        left: dict[str, Fraction] = defaultdict(Fraction)
        counts: dict[str, int] = defaultdict(int)
        for payout in self._payouts.values():
            counts[payout.status.value] += 1
            if payout.status is not PayoutStatus.PAID:
                continue
            held[payout.currency] += payout.amount
            paid[payout.pay_currency] += payout.pays
            for leg in way_out(payout):
                if leg.account == CLEARING:
                    clearing[leg.currency] += leg.amount
            if payout.currency != payout.pay_currency:
                left[payout.pay_currency] += _exact(payout.parts, payout.currency, payout.pay_currency) - payout.pays
        return PayoutTotals(
            payouts=len(self._payouts),
            runs=len(self._runs),
            batches=len(self._batches),
            invoices=len(self._invoices),
            holds=sum(self._holds.values()),
            by_status=dict(sorted(counts.items())),
            paid_held={currency: minor for currency, minor in sorted(held.items()) if minor},
            paid={currency: minor for currency, minor in sorted(paid.items()) if minor},
            clearing={currency: minor for currency, minor in sorted(clearing.items()) if minor},
            rounding={currency: _decimals(minor, currency) for currency, minor in sorted(left.items()) if minor},
        )


class _RatesOfRuns:
    """Rates as runs must have taken them: those that they locked, and the feed's for months."""

    def __init__(self, published: Mapping[str, Mapping[str, str]]) -> None:
        self._published = {day: said for day, said in published.items() if said}
        self._days = sorted(self._published)

    def of(self, run: Run, part: Part, held: str, pay: str) -> Rate:
        """The rate of a part of a payout. Raises `RateMissing`."""
        day = f"{plus_months(part.month, 1)}-01" if part.month else run.pay_day
        publication = Publication(run.rates_feed, run.rates_day, run.per_euro)
        if day < run.pay_day:
            before = [each for each in self._days if each < day]
            if before:
                publication = Publication(run.rates_feed, before[-1], self._published[before[-1]])
        return Rates({day: publication}).rate(held, pay, day)


def _of_conversion(payout: Payout, run: Run | None, rates: _RatesOfRuns) -> Iterator[Difference]:
    """Whether a payout's parts are its amount, have their rates, and come to what it pays."""
    where = _where(payout)
    total = sum(part.amount for part in payout.parts)
    if payout.amount <= 0 or total != payout.amount:
        values = money(payout.amount, payout.currency), money(total, payout.currency)
        yield Difference(Kind.PAYOUT, f"{payout.payout}: sum of its parts", *values, where)
    converted = payout.currency != payout.pay_currency
    for part in payout.parts:
        if (part.rate is not None) is not converted:
            values = ("a rate", "none") if converted else ("no rate", str(part.rate))
            yield Difference(Kind.PAYOUT, f"{payout.payout}: the rate of a part", *values, where)
        elif part.rate is not None and run is not None:
            try:
                rate = rates.of(run, part, payout.currency, payout.pay_currency)
            except IntroducerError as error:
                values = "a rate that is published", error.detail
            else:
                values = _rate_shown(rate), _rate_shown(part.rate)
            if values[0] != values[1]:
                of = f"of {part.month}" if part.month else f"of {run.pay_day}"
                yield Difference(Kind.PAYOUT, f"{payout.payout}: its rate {of}", *values, where)
    unit = smallest(payout.rail, payout.pay_currency)
    should = pays(payout.parts, payout.currency, payout.pay_currency, unit)
    if payout.pays != should:
        values = money(should, payout.pay_currency), money(payout.pays, payout.pay_currency)
        yield Difference(Kind.PAYOUT, f"{payout.payout}: what its parts come to", *values, where)


def _of_batch(batch: Batch, members: list[Payout]) -> Iterator[Difference]:
    """A batch by the payouts that are in it."""
    key = keys.key("batch", brand=batch.brand, run=batch.run, batch=batch.batch)
    where = place(keys.BOOKS, key)
    others = [each for each in members if (each.rail, each.pay_currency) != (batch.rail, batch.currency)]
    if others:
        yield Difference(
            Kind.BATCH, f"{batch.batch}: payouts of another rail or currency", "none", others[0].payout, where
        )
    if batch.first_tried_at is not None:
        total = sum(each.pays for each in members)
        if (len(members), total) != (batch.count, batch.pays):
            values = (
                f"{len(members)} payouts, {money(total, batch.currency)}",
                f"{batch.count}, {money(batch.pays, batch.currency)}",
            )
            yield Difference(Kind.BATCH, f"{batch.batch}: what is in it", *values, where)
    left = [each for each in members if each.status in UNSETTLED]
    if batch.status is BatchStatus.DONE and left:
        yield Difference(Kind.BATCH, f"{batch.batch}: payouts that are open, when done", "none", left[0].payout, where)


def _of_run(run: Run, those: list[Payout]) -> Iterator[Difference]:
    """A closed run's sums by its payouts. Which status they are in may have moved on since it was added up; and one
    that was set aside because it came too late may have come after that."""
    if run.closed_at is None:
        return
    should, late, says = _Sums(), _Sums(), _Sums()
    for payout in those:
        of = payout.rail.value, payout.currency, payout.pay_currency
        (late if payout.reason == TOO_LATE else should).add(of, 1, payout.amount, payout.pays)
    for each in run.sums:
        says.add((each.rail.value, each.currency, each.pay_currency), each.count, each.amount, each.pays)
    where = place(keys.BOOKS, keys.key("run", brand=run.brand, run=run.run))
    for of in sorted({*should.by, *late.by, *says.by}):
        least, found, more = should.of(of), says.of(of), late.of(of)
        if not all(few <= said <= few + extra for few, said, extra in zip(least, found, more, strict=True)):
            rail, held, pay = of
            values = _sum_shown(least, held, pay), _sum_shown(found, held, pay)
            yield Difference(Kind.RUN, f"{run.run}: payouts by {rail} in {pay}", *values, where)


class _Sums:
    """Counts, amounts held and amounts paid, by rail and both currencies."""

    def __init__(self) -> None:
        self.by: dict[tuple[str, str, str], list[int]] = {}

    def add(self, of: tuple[str, str, str], *values: int) -> None:
        self.by[of] = [one + other for one, other in zip(self.of(of), values, strict=True)]

    def of(self, of: tuple[str, str, str]) -> list[int]:
        return self.by.get(of, [0, 0, 0])


def _sum_shown(sums: list[int], held: str, pay: str) -> str:
    count, amount, total = sums
    return f"{count} of {money(amount, held)} for {money(total, pay)}"


def _moves_of(status: PayoutStatus) -> list[Move]:
    if status in RESERVED_IN:
        return [Move.RESERVE]
    if status in RELEASED_IN:
        return [Move.RESERVE, Move.RELEASE]
    return [Move.RESERVE, Move.PAY, *([Move.RETURN] if status is PayoutStatus.RETURNED else [])]


def _way_of(move: Move, payout: Payout) -> tuple[ExchangeLeg, ...]:
    if move is Move.PAY:
        return way_out(payout)
    return way_back(payout) if move is Move.RETURN else ()


def _way_shown(way: Iterable[ExchangeLeg]) -> str:
    return ", ".join(f"{leg.account} {money(leg.amount, leg.currency)}" for leg in way) or "none"


def _moved(journal: Journal) -> int:
    """What a journal moves; 0 where its legs say nothing that its kind could move."""
    try:
        return moved(journal)
    except StopIteration:
        return 0


def _by_currency(balances: Mapping[str, Mapping[str, int]]) -> dict[tuple[str, str], dict[str, int]]:
    """Balances' attributes as sums by partner and currency, and by bucket; days and months taken together."""
    sums: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for partner, attributes in balances.items():
        for name, amount in attributes.items():
            currency, bucket, *_ = name.split(".")
            sums[partner, currency][bucket] += amount
    return sums


def _exact(parts: Iterable[Part], held: str, pay: str) -> Fraction:
    """What parts come to before they are rounded, minor units of the pay currency."""
    whole = sum(part.amount * (part.rate.scaled if part.rate is not None else RATE_ONE) for part in parts)
    return Fraction(whole, RATE_ONE) * Fraction(10) ** (decimals(pay) - decimals(held))


def _decimals(minor: Fraction, currency: str) -> str:
    """A fraction of minor units as a decimal amount, exact: rates have twelve decimals."""
    digits = 12 + 6
    scaled = minor * 10**digits / 10 ** decimals(currency)
    sign, whole = ("-" if scaled < 0 else ""), abs(round(scaled))
    text = f"{whole // 10**digits}.{whole % 10**digits:0{digits}d}".rstrip("0")
    return sign + (f"{text}0" if text.endswith(".") else text)


def _rate_shown(rate: Rate) -> str:
    return f"{rate} {rate.target} for one {rate.source}, {rate.feed} of {rate.day}"


def _where(payout: Payout) -> str:
    return place(keys.BOOKS, keys.key("payout", brand=payout.brand, run=payout.run, payout=payout.payout))
