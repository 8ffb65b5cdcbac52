"""What an approver looks at before money leaves: a run against the one before it, and what in it is out of the
ordinary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from introducer.domain.money import decimals
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import NEW_DETAILS, NEW_PAYEE, RELEASED_IN, Batch, Payout, PayoutStatus

MOST_MOVERS = 5

STOPPED = RELEASED_IN | {PayoutStatus.RETURNED}
"""Nothing reaches the partner by a payout that stands so."""
EXCEPTIONS = frozenset({PayoutStatus.UNKNOWN, PayoutStatus.FAILED, PayoutStatus.RETURNED, PayoutStatus.SET_ASIDE})
"""What somebody has to look at."""
CONTRADICTED = frozenset({"contradiction"})
"""What a batch notes that somebody has to look at: which of its payouts it is, the provider's own list says."""

ALL, EXCEPTIONAL = "all", "exceptions"
SHOWN = (ALL, EXCEPTIONAL, NEW_PAYEE, NEW_DETAILS, *(status.value for status in PayoutStatus))
"""What a list of payouts can be narrowed to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What leaves by one rail in one pay currency, and what did in the run before."""

    rail: RailKind
    pay_currency: str
    count: int
    pays: int
    """Minor units of the pay currency."""
    count_before: int
    pays_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """A payout, and what the same partner was paid out of the same currency in the run before."""

    payout: Payout
    before: int
    """Minor units of the held currency; zero for a partner whom the run before did not pay out of it."""

    @property
    def change(self) -> int:
        """Minor units of the held currency."""
        return self.payout.amount - self.before


def paying(payouts: Iterable[Payout]) -> list[Payout]:
    """Those that reach a partner, or still may."""
    return [payout for payout in payouts if payout.status not in STOPPED]


def shows(payout: Payout, show: str) -> bool:
    """Whether a list that is narrowed to this (one of `SHOWN`) has the payout."""
    if show == ALL:
        return True
    if show == EXCEPTIONAL:
        return payout.status in EXCEPTIONS
    return show == payout.notice if show in (NEW_PAYEE, NEW_DETAILS) else show == payout.status.value


def contradicted(batches: Iterable[Batch]) -> tuple[str, ...]:
    """The batches of which a provider says what cannot follow from the books."""
    return tuple(batch.batch for batch in batches if batch.note in CONTRADICTED)


def compared(payouts: Iterable[Payout], before: Iterable[Payout]) -> tuple[Line, ...]:
    """What a run pays by rail and currency, beside what the run before did; what only one of them has is there too."""
    sums: dict[tuple[RailKind, str], list[int]] = {}
    for at, those in ((0, payouts), (2, before)):
        for payout in paying(those):
            of = sums.setdefault((payout.rail, payout.pay_currency), [0, 0, 0, 0])
            of[at] += 1
            of[at + 1] += payout.pays
    return tuple(
        Line(rail=rail, pay_currency=currency, count=now, pays=pays, count_before=then, pays_before=paid)
        for (rail, currency), (now, pays, then, paid) in sorted(sums.items())
    )


def movers(
    payouts: Iterable[Payout], before: Iterable[Payout], per_euro: Mapping[str, str], most: int = MOST_MOVERS
) -> list[Mover]:
    """The payouts that changed most against the run before, the largest change first. Changes in several currencies are
    put in order by what they are worth in euros, at the run's own rates (`per_euro`: units per euro)."""
    earlier: dict[tuple[str, str], int] = {}
    for payout in paying(before):
        key = (payout.partner, payout.currency)
        earlier[key] = earlier.get(key, 0) + payout.amount
    found = [Mover(payout=each, before=earlier.get((each.partner, each.currency), 0)) for each in paying(payouts)]
    moved = [each for each in found if each.change]
    moved.sort(key=lambda each: (-_in_euros(each.change, each.payout.currency, per_euro), each.payout.payout))
    return moved[:most]


def totals(payouts: Sequence[Payout], *, held: bool = False) -> dict[str, int]:
    """Minor units by pay currency, or by held currency."""
    sums: dict[str, int] = {}
    for payout in payouts:
        currency, minor = (payout.currency, payout.amount) if held else (payout.pay_currency, payout.pays)
        sums[currency] = sums.get(currency, 0) + minor
    return dict(sorted(sums.items()))


def _in_euros(minor: int, currency: str, per_euro: Mapping[str, str]) -> Fraction:
    """How much a change is worth, without its sign; nothing where there is no rate."""
    units = "1" if currency == "EUR" else per_euro.get(currency)
    return Fraction(abs(minor), 10 ** decimals(currency)) / Fraction(units) if units else Fraction(0)
