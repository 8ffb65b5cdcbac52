"""What was posted for a partner in a month, and how did one entry come about?"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from introducer.domain.calendar import plus_months
from introducer.domain.describe import Clause, describe
from introducer.domain.errors import NotFound
from introducer.domain.events import from_milliseconds
from introducer.domain.ids import base32
from introducer.domain.ledger import Journal, Line, ReceiptRate
from introducer.domain.money import Money
from introducer.domain.terms import parse_terms
from introducer.services.read_clients_of_partner import pseudonym
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.paging import Page
from introducer.wording.receipts import CONTRIBUTION, NO_LONGER_OWED


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the books, as its partner reads it."""

    id: str
    kind: str
    """`earning`, `clawback` when it takes back, or what people decided: `adjustment`, `reversal`."""
    rule: str
    rule_kind: str
    earn_month: str
    """The month it is for; it may have been posted later."""
    post_month: str
    posted_at: datetime
    available_day: str
    client: str | None
    """A pseudonym; None where it is of no single client."""
    below: str | None
    """The partner below whose activity an override is of; None where it is of no such one."""
    below_name: str | None = None
    """What that partner is called, where it was asked for (`naming_those_below`) and is known."""
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOfEntry:
    """An event that moved the entry. `value` is what it brought, in the deal's currency, where it has one."""

    type: str
    event_id: str
    source: str
    occurred_at: datetime
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryWithReceipt:
    """An entry with its evidence: events, rule and version, arithmetic, rates. `amount = target - before`."""

    entry: Entry
    version: int
    """Of the deal."""
    events: tuple[EventOfEntry, ...]
    more_events: int
    lines: tuple[Line, ...]
    rates: tuple[ReceiptRate, ...]
    target: Money
    before: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class EarningsOfMonth:
    month: str
    earned: tuple[Money, ...]
    """What was earned for the month, whenever it was posted, per currency."""
    entries: Page[Entry]


def naming_those_below(configuration: Configuration, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries with the names of the partners below. Each of these is read once."""
    entries = tuple(entries)
    names: dict[str | None, str] = {}
    for below in {entry.below for entry in entries if entry.below}:
        with suppress(NotFound):
            names[below] = configuration.partner(below).name
    return tuple(replace(entry, below_name=names.get(entry.below)) for entry in entries)


def naming_below(journal: Journal, name: str | None) -> Journal:
    """The journal with the name of the partner below in the line that says whose activity it is of."""
    if name is None:
        return journal
    lines = tuple(replace(line, values=(name,)) if line.step == DESCENDANT else line for line in journal.receipt.lines)
    return replace(journal, receipt=replace(journal.receipt, lines=lines))


def read_earnings_of_month(
    ledger: Ledger, *, partner: str, month: str, cursor: str | None, limit: int
) -> EarningsOfMonth:
    """What was posted in `month` (`2026-03`), newest first, and what was earned for it."""
    page = ledger.journals(partner, month, cursor, limit)
    balance = ledger.balance(partner)
    return EarningsOfMonth(
        month=month,
        earned=tuple(
            Money(amount, currency)
            for (currency, earn_month), amount in sorted(balance.earned.items())
            if earn_month == month
        ),
        entries=Page(tuple(map(entry_of, page.items)), page.cursor),
    )


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose activity an entry is of: a client, a partner below, or (neither) the partner's clients together."""

    client: str | None = None
    """A pseudonym."""
    below: str | None = None
    """A partner's id."""


def read_journal(ledger: Ledger, *, partner: str, journal: str) -> Journal:
    """One journal of this partner. Raises `NotFound` when there is none, or it is another's."""
    found = ledger.journal(partner, journal)
    if found is None:
        raise NotFound("There is no such earning.")
    return as_read(found)


def as_read(journal: Journal) -> Journal:
    """The journal as people read it: clients that its lines name are named by their pseudonyms."""
    lines = tuple(_as_read(line) if line.step == CONTRIBUTION else line for line in journal.receipt.lines)
    return replace(journal, receipt=replace(journal.receipt, lines=lines))


def _as_read(line: Line) -> Line:
    who = line.values[0] if line.values else ""
    if not who or who.startswith(_PARTNER):
        return line
    return replace(line, values=(pseudonym(who), *line.values[1:]))


def clause_of(configuration: Configuration, journal: Journal) -> Clause | None:
    """What the deal's version says of the journal's rule; None where no version stands behind it, or not this rule."""
    for record in configuration.deals(journal.key.partner):
        if record.version == journal.receipt.version:
            clauses = describe(parse_terms(json.loads(record.terms)))
            return next((clause for clause in clauses if clause.rule == journal.key.rule), None)
    return None


def posted_instead(ledger: Ledger, journal: Journal) -> str | None:
    """The entry that a clawback made room for: of the same rule and client, earned for another month or day, posted at
    the same moment. None where there is none in the months around, or something is owed for this one still."""
    if journal.amount >= 0 or NO_LONGER_OWED not in {line.step for line in journal.receipt.lines}:
        return None
    # A month's entries go by time, so these are at the top of what is not later.
    later = base32(journal.posted_at + 1, 10)
    for distance in _AROUND:
        month = plus_months(journal.post_month, distance)
        for each in ledger.journals(
            journal.key.partner, month, f"jrn_{month.replace('-', '')}{later}", _AT_ONE_MOMENT
        ).items:
            same = (each.key.rule, each.key.scope, each.posted_at) == (
                journal.key.rule, journal.key.scope, journal.posted_at
            )  # fmt: skip
            if same and each.amount > 0:
                return each.id
    return None


def subject_of(journal: Journal) -> Subject:
    """Whose activity a journal is of."""
    scope, kind = journal.key.scope, journal.receipt.rule_kind
    if kind == "override":
        return Subject(below=scope)
    return Subject() if not scope or kind in _OF_NO_CLIENT else Subject(client=pseudonym(scope))


def entry_with_receipt(journal: Journal) -> EntryWithReceipt:
    """A journal as its partner reads it, with its evidence."""
    receipt, currency = journal.receipt, journal.key.currency
    return EntryWithReceipt(
        entry=entry_of(journal),
        version=receipt.version,
        events=tuple(
            EventOfEntry(
                type=event.type,
                event_id=event.event_id,
                source=event.source,
                occurred_at=from_milliseconds(event.occurred_at),
                value=event.value,
            )
            for event in receipt.events
        ),
        more_events=receipt.more_events,
        lines=receipt.lines,
        rates=receipt.rates,
        target=Money(receipt.target, currency),
        before=Money(receipt.before, currency),
    )


def entry_of(journal: Journal) -> Entry:
    """A journal as its partner reads it."""
    subject = subject_of(journal)
    return Entry(
        id=journal.id,
        kind=journal.kind,
        rule=journal.key.rule,
        rule_kind=journal.receipt.rule_kind,
        earn_month=journal.key.earn_month,
        post_month=journal.post_month,
        posted_at=from_milliseconds(journal.posted_at),
        available_day=journal.key.available_day,
        client=subject.client,
        below=subject.below,
        amount=Money(journal.amount, journal.key.currency),
    )


_AROUND = (0, 1, -1, 2, -2)
"""The months in which to look for another entry, the likeliest first."""
_AT_ONE_MOMENT = 50
"""How many of a partner's entries of one moment are looked at."""
_OF_NO_CLIENT = ("bonus", "adjustment", "prize")
DESCENDANT = "descendant"
_PARTNER = "par_"
"""How the id of a partner begins; a client's is a hash."""
