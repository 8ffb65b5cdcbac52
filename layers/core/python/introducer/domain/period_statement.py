"""What a closed month did to a partner's money: opened with, earned, adjusted, paid out, came back, closed with.

`domain/statement.py` says what was posted; here payouts stand beside it, so that a month closes with what the house
still owes. All of it is final when the month is closed: journals go by the month of the books they stand in, and into a
closed month nothing is posted. The same month therefore makes the same document for ever, and its canonical CSV the
same bytes; their SHA-256 is the content hash, which is printed on every rendering. Amounts are signed minor units.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from introducer.domain.adjustment import RULE, Adjustment
from introducer.domain.calendar import day_at
from introducer.domain.errors import Conflict
from introducer.domain.events import day_of
from introducer.domain.ledger import Journal, journal_month
from introducer.domain.money import decimal_string
from introducer.domain.payout import Part, Payout
from introducer.domain.reservation import Move, moved
from introducer.domain.statement import CurrencyTotals, Statement, Total

FORM = 1
"""Raised when the canonical CSV changes its form: a hash then is of another form, and says so."""


class LineKind(StrEnum):
    """What a line is. From `opening` on, all amounts of a currency add up to `closing`."""

    OPENING = "opening"
    EARNED = "earned"
    """For this month, by kind of rule."""
    EARLIER = "earlier"
    """For an earlier month, which was closed when it was posted."""
    ADJUSTED = "adjusted"
    """By hand, with its reason."""
    REVERSED = "reversed"
    """An adjustment that was taken back, with the reason."""
    PAID = "paid"
    RETURNED = "returned"
    """A payout that came back."""
    CLOSING = "closing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """How a payout left, or would have: in which currency, at which rates, where to."""

    currency: str
    amount: int
    """Minor units of the pay currency, above zero."""
    parts: tuple[Part, ...]
    masked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodLine:
    """One line of a month in one currency."""

    kind: LineKind
    amount: int
    of: str = ""
    """The kind of rule, or the month it is for."""
    entries: int = 0
    """How many journals were added up, where it is a sum of them."""
    day: str = ""
    """The UTC day on which it was posted, where it is one journal."""
    why: str = ""
    """The reason in a person's words; why a payout came back as a stable word."""
    reference: str = ""
    """The adjustment or the payout."""
    payment: Payment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodCurrency:
    """A month in one currency."""

    currency: str
    lines: tuple[PeriodLine, ...]

    @property
    def opening(self) -> int:
        return self.lines[0].amount

    @property
    def closing(self) -> int:
        """What the house owed the partner at the end: pending, available, held and reserved together."""
        return self.lines[-1].amount


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodStatement:
    """A partner's document of a closed month."""

    brand: str
    partner: str
    month: str
    currencies: tuple[PeriodCurrency, ...]
    """In the order of their codes; empty where there was never any money."""
    entries: int
    """How many journals of earnings the month has."""
    digest: str
    """Names those journals and amounts, as the month's statement does."""
    closed_at: datetime


def make_period_statement(
    brand: str,
    statement: Statement,
    adjustments: Iterable[Adjustment],
    moves: Iterable[Journal],
    payouts: Mapping[str, Payout],
) -> PeriodStatement:
    """The document of a statement's month.

    `adjustments` are all of the partner's, `moves` all journals of its payouts, `payouts` at least those that were paid
    or came back in this month. Raises `Conflict` (code `statement_differs`) when the books contradict themselves, which
    must never happen.
    """
    month = statement.month
    by_hand = _by_hand(month, adjustments)
    in_order = sorted(moves, key=lambda move: (move.posted_at, move.id))
    gone = [move for move in in_order if move.kind in (Move.PAY, Move.RETURN) and move.post_month <= month]
    totals = {each.currency: each for each in statement.totals}
    currencies = sorted({*totals, *(move.key.currency for move in gone), *(currency for currency, _ in by_hand)})
    return PeriodStatement(
        brand=brand,
        partner=statement.partner,
        month=month,
        currencies=tuple(
            _currency(
                month,
                totals.get(currency, CurrencyTotals(currency=currency, opening=0, rules=(), earlier=())),
                [line for of, line in by_hand if of == currency],
                [move for move in gone if move.key.currency == currency],
                payouts,
            )
            for currency in currencies
        ),
        entries=statement.entries,
        digest=statement.digest,
        closed_at=statement.closed_at,
    )


def payouts_of_month(month: str, moves: Iterable[Journal]) -> list[str]:
    """The payouts that were paid or came back in a month of the books."""
    return sorted(
        {move.key.scope for move in moves if move.kind in (Move.PAY, Move.RETURN) and move.post_month == month}
    )


# ---------------------------------------------------------------------------------------------------- the canonical CSV

COLUMNS = (
    "line", "brand", "partner", "month", "currency", "of", "day", "entries", "amount", "part", "pay_currency", "pays",
    "rate", "rate_day", "rate_feed", "reference", "words",
)  # fmt: skip
"""`amount` is what adds up. `part` is the share of a payout that one rate applied to, and `pays` what was sent."""


def canonical_csv(statement: PeriodStatement) -> bytes:
    """The document in the one form that is hashed: UTF-8 without a mark, lines end in LF, amounts are plain decimals,
    days ISO 8601. The first line names the form and the journals; a payout's rates follow it, a line each."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    always = {"brand": statement.brand, "partner": statement.partner, "month": statement.month}
    for row in _rows(statement):
        writer.writerow(always | {name: _cell(value) for name, value in row.items()})
    return text.getvalue().encode()


def content_hash(content: bytes) -> str:
    """What is printed: SHA-256 of the canonical CSV, hex."""
    return hashlib.sha256(content).hexdigest()


def _rows(statement: PeriodStatement) -> Iterator[dict[str, str]]:
    yield {
        "line": "closed",
        "of": f"form {FORM}",
        "day": day_of(statement.closed_at),
        "entries": str(statement.entries),
        "reference": statement.digest,
    }
    for each in statement.currencies:
        for line in each.lines:
            yield from _rows_of(line, each.currency)


def _rows_of(line: PeriodLine, currency: str) -> Iterator[dict[str, str]]:
    row = {
        "line": line.kind.value,
        "currency": currency,
        "of": line.of,
        "day": line.day,
        "entries": str(line.entries) if line.entries else "",
        "amount": decimal_string(line.amount, currency),
        "reference": line.reference,
        "words": line.why,
    }
    payment = line.payment
    if payment is None:
        yield row
        return
    pays = {"pay_currency": payment.currency, "pays": decimal_string(payment.amount, payment.currency)}
    yield row | pays | ({} if line.why else {"words": payment.masked})
    for part in payment.parts:
        if part.rate is not None:
            yield {
                "line": "rate",
                "currency": currency,
                "of": part.month,
                "part": decimal_string(part.amount, currency),
                "pay_currency": payment.currency,
                "rate": str(part.rate),
                "rate_day": part.rate.day,
                "rate_feed": part.rate.feed,
                "reference": line.reference,
            }


def _cell(text: str) -> str:
    """A text that a spreadsheet would take for a formula is kept a text; a negative amount is none."""
    begins = text[:1] in ("=", "+", "-", "@", "\t", "\r") and text != ""
    return f"'{text}" if begins and not text[1:].replace(".", "", 1).isdigit() else text


# ---------------------------------------------------------------------------------------------------------------- lines


def _by_hand(month: str, adjustments: Iterable[Adjustment]) -> list[tuple[str, PeriodLine]]:
    """What was adjusted and reversed in this month of the books, oldest first."""
    found: list[tuple[str, str, PeriodLine]] = []
    posted = month.replace("-", "")
    for each in adjustments:
        if each.journal is not None and journal_month(each.journal) == posted:
            assert each.decided is not None
            line = PeriodLine(
                kind=LineKind.ADJUSTED,
                amount=each.amount,
                of=each.earn_month,
                day=day_of(each.decided.at),
                why=each.proposed.why,
                reference=each.adjustment,
            )
            found.append((each.journal, each.currency, line))
        if each.reversal is not None and journal_month(each.reversal) == posted:
            assert each.reversal_decided is not None and each.reversal_proposed is not None
            line = PeriodLine(
                kind=LineKind.REVERSED,
                amount=-each.amount,
                of=each.earn_month,
                day=day_of(each.reversal_decided.at),
                why=each.reversal_proposed.why,
                reference=each.adjustment,
            )
            found.append((each.reversal, each.currency, line))
    # Ids of journals sort by time.
    return [(currency, line) for _, currency, line in sorted(found, key=lambda each: each[0])]


def _currency(
    month: str,
    totals: CurrencyTotals,
    by_hand: Sequence[PeriodLine],
    gone: Sequence[Journal],
    payouts: Mapping[str, Payout],
) -> PeriodCurrency:
    before = sum(_taken(move) for move in gone if move.post_month < month)
    opening = totals.opening - before
    lines = [PeriodLine(kind=LineKind.OPENING, amount=opening)]
    own = [line for line in by_hand if line.of == month]
    _agree(month, own, next((total for total in totals.rules if total.of == RULE), None))
    lines += [
        PeriodLine(kind=LineKind.EARNED, amount=total.amount, of=total.of, entries=total.entries)
        for total in totals.rules
        if total.of != RULE
    ]
    lines += _earlier(month, totals.earlier, [line for line in by_hand if line.of != month])
    lines += by_hand
    lines += [_payout(move, payouts) for move in gone if move.post_month == month]
    closing = totals.closing - sum(map(_taken, gone))
    if sum(line.amount for line in lines) != closing:
        raise _differs(month)
    lines.append(PeriodLine(kind=LineKind.CLOSING, amount=closing))
    return PeriodCurrency(currency=totals.currency, lines=tuple(lines))


def _earlier(month: str, earlier: Iterable[Total], by_hand: Sequence[PeriodLine]) -> Iterator[PeriodLine]:
    """What was posted for earlier months, but for what people adjusted: that has lines of its own."""
    adjusted: dict[str, list[PeriodLine]] = defaultdict(list)
    for line in by_hand:
        adjusted[line.of].append(line)
    for total in earlier:
        mine = adjusted.pop(total.of, [])
        amount, entries = total.amount - sum(line.amount for line in mine), total.entries - len(mine)
        if entries < 0 or (entries == 0 and amount):
            raise _differs(month)
        if entries:
            yield PeriodLine(kind=LineKind.EARLIER, amount=amount, of=total.of, entries=entries)
    if adjusted:
        raise _differs(month)


def _agree(month: str, lines: Sequence[PeriodLine], total: Total | None) -> None:
    """What people adjusted for the month is what was posted as such."""
    said = (sum(line.amount for line in lines), len(lines))
    if said != ((total.amount, total.entries) if total is not None else (0, 0)):
        raise _differs(month)


def _payout(move: Journal, payouts: Mapping[str, Payout]) -> PeriodLine:
    payout = payouts.get(move.key.scope)
    if payout is None or (payout.currency, payout.amount) != (move.key.currency, moved(move)):
        raise _differs(move.post_month)
    paid = move.kind == Move.PAY
    return PeriodLine(
        kind=LineKind.PAID if paid else LineKind.RETURNED,
        amount=-_taken(move),
        day=day_at(move.posted_at),
        # What a payout says of itself is of its last step: of one that came back, why.
        why="" if paid else payout.reason,
        reference=payout.payout,
        payment=Payment(currency=payout.pay_currency, amount=payout.pays, parts=payout.parts, masked=payout.masked),
    )


def _taken(move: Journal) -> int:
    """What a journal of a payout took from what is owed; less than zero for one that brought it back."""
    return moved(move) if move.kind == Move.PAY else -moved(move)


def _differs(month: str) -> Conflict:
    return Conflict(
        f"The books of {month} contradict themselves: have them verified before a statement is given out.",
        code="statement_differs",
    )
