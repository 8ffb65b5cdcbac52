"""What partners' months must say: rows of the clients as they were recomputed, settled from nothing, month by month.

It grows with the rows: one per client and month of partners whose rules look at clients together. Rows are held as the
texts that stand in their items, and where both sides say the same, that text is held once.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator

from introducer.domain.client import ClientState
from introducer.domain.contracts import Contracts
from introducer.domain.errors import IntroducerError
from introducer.domain.ledger import Key
from introducer.domain.partner_month import Below
from introducer.domain.rows import MonthOf, Row, months_of, rows_of
from introducer.domain.settlement import Chain, Settlement, settle_month
from introducer.services.verify.amounts import Says, compare
from introducer.services.verify.books_side import BooksSide
from introducer.services.verify.report import Difference, Kind, Unsettled
from introducer.services.verify.shown import fields_apart
from introducer.store import keys
from introducer.store.scans import place
from introducer.store.settlements import (
    CLIENT,
    PARTNER,
    SettledMonth,
    below_to_item,
    chain_digest,
    row_from_item,
    row_to_item,
    rows_digest,
    settled_texts,
)

_NOTHING = "{}"


class PartnersSide:
    """Takes the recomputed clients one by one, and then settles everything from nothing."""

    def __init__(self, books: BooksSide, contracts: Contracts) -> None:
        self._books = books
        self._contracts = contracts
        self._rows: dict[MonthOf, dict[str, str]] = defaultdict(dict)
        self._below: dict[MonthOf, dict[str, Below]] = defaultdict(dict)
        self._unknown: set[str] = set()
        self._behind: list[MonthOf] = []
        self._unsound: set[str] = set()
        self._chains: dict[str, Chain] = {}
        """What each partner's last month so far hands on, as it must be."""
        self._found_chains: dict[str, Chain] = {}
        """And as the books have it."""

    def take(self, state: ClientState) -> None:
        """A client as its applied events make it."""
        client = sys.intern(state.client)
        for month_of, row in rows_of(state, self._contracts, months_of(state, self._contracts)).items():
            if row != Row():
                text = row_to_item(*month_of, client, row)["row"]
                found = self._books.rows.get(month_of, {}).get((CLIENT, client))
                self._rows[month_of][client] = found if found is not None and found == text else text

    def take_unknown(self, client: str) -> None:
        """A client that cannot be recomputed: its rows are taken as they stand, so that it alone is named."""
        self._unknown.add(client)

    @property
    def unsettled(self) -> tuple[Unsettled, ...]:
        """After `differences`: what settling must take up again."""
        return tuple(Unsettled(partner, month, partner not in self._unsound) for partner, month in self._behind)

    def differences(self) -> Iterator[Difference]:
        """Where rows, settled months and what was posted for them are not what they must be.

        The journals of settled keys are taken from the books' side; what is left there belongs to nobody.
        """
        for month_of, says in self._books.rows.items():
            for of, name in says:
                if of == CLIENT and name in self._unknown:
                    self._rows[month_of][name] = says[of, name]
        todo: dict[str, set[str]] = defaultdict(set)
        for partner, month in [*self._rows, *self._books.rows, *self._books.settled]:
            todo[month].add(partner)
        for month in sorted(todo):
            yield from self._of_month(month, todo[month])

    def _of_month(self, month: str, todo: set[str]) -> Iterator[Difference]:
        settled: dict[str, Settlement | IntroducerError] = {}
        while todo:
            # Those who stand lowest first: what they earn is seen above.
            partner = min(todo, key=lambda each: (-len(self._contracts.ancestors(each, month)), each))
            todo.remove(partner)
            outcome = settled[partner] = self._settle(partner, month)
            for ancestor, below in () if isinstance(outcome, IntroducerError) else outcome.above.items():
                if self._below[ancestor, month].get(partner) != below:
                    self._below[ancestor, month][partner] = below
                    todo.add(ancestor)
        for partner, outcome in sorted(settled.items()):
            yield from self._compare_rows((partner, month))
            yield from self._compare_month((partner, month), outcome)
            # Nobody looks at this month again.
            for rows in (self._rows, self._below, self._books.rows):
                rows.pop((partner, month), None)

    def _settle(self, partner: str, month: str) -> Settlement | IntroducerError:
        month_of = (partner, month)
        rows = {name: row_from_item({"row": text}) for name, text in self._rows.get(month_of, {}).items()}
        below = self._below.get(month_of, {})
        try:
            return settle_month(partner, month, rows, below, self._chains.get(partner, Chain()), self._contracts)
        except IntroducerError as error:
            return error

    def _compare_rows(self, month_of: MonthOf) -> Iterator[Difference]:
        should = {(CLIENT, name): text for name, text in self._rows.get(month_of, {}).items()}
        for name, below in self._below.get(month_of, {}).items():
            should[PARTNER, name] = below_to_item(*month_of, name, below)["row"]
        says = self._books.rows.get(month_of, {})
        partner, month = month_of
        for of, name in sorted(should.keys() | says.keys()):
            one, other = should.get((of, name), _NOTHING), says.get((of, name), _NOTHING)
            # They are compared as data: the order of fields says nothing.
            if one != other and json.loads(one) != json.loads(other):
                expected, found = fields_apart(json.loads(one), json.loads(other))
                key = keys.key("row", partner=partner, month=month, of=of, name=name)
                what = f"{partner} in {month}: row of {of} {name}"
                yield Difference(Kind.ROW, what, expected, found, place(keys.BOOKS, key))

    def _compare_month(self, month_of: MonthOf, outcome: Settlement | IntroducerError) -> Iterator[Difference]:
        partner, month = month_of
        is_there = month_of in self._books.settled
        found = self._books.settled_month(month_of)
        where = place(keys.BOOKS, keys.key("settled", partner=partner, month=month))
        says = self._books.rows.get(month_of, {})
        before = chain_digest(self._found_chains.get(partner, Chain()))
        behind = True
        if (is_there or says) and found.seen != rows_digest(says):
            what = f"{partner} in {month}: the rows it was settled from"
            yield Difference(Kind.UNSETTLED, what, rows_digest(says), found.seen or "none", where)
        elif is_there and found.follows != before:
            what = f"{partner} in {month}: what the month before handed on"
            yield Difference(Kind.UNSETTLED, what, before, found.follows, where)
        else:
            behind = False
        if is_there:
            self._found_chains[partner] = found.chain
        if isinstance(outcome, IntroducerError):
            what = f"{partner} in {month}: its settling"
            yield Difference(Kind.NOT_RECOMPUTABLE, what, "a settled month", outcome.detail, where)
            self._chains[partner] = found.chain
            targets = dict(found.posted)
        else:
            self._chains[partner] = outcome.chain
            targets = {key: target.minor for key, target in outcome.targets.items() if target.minor}
            # What waits for a rate stands as it was posted; that it waits is told by the month that is behind.
            targets |= {key: minor for key, minor in found.posted.items() if key in outcome.waiting}
        journals = {key: self._posted(key) for key in targets.keys() | found.posted.keys()}
        if behind:
            self._behind.append(month_of)
        if any(journals[key] != found.posted.get(key, 0) for key in journals):
            self._unsound.add(partner)
        yield from compare(targets, found.posted, journals, Says(where, Kind.SETTLED, Kind.SETTLED))
        if isinstance(outcome, IntroducerError):
            return
        handed = SettledMonth(chain=outcome.chain, above=outcome.above)
        expected, says_month = settled_texts(handed), settled_texts(found)
        # Settling goes by the digest alone where it need not know more.
        named = self._books.settled[month_of].get("hands_on", found.hands_on) if is_there else found.hands_on
        if named != found.hands_on:
            what = f"{partner} in {month}: the digest of what it hands on"
            yield Difference(Kind.SETTLED, what, found.hands_on, named, where)
        for name, whom in (("chain", "on"), ("above", "to those above")):
            if is_there and expected[name] != says_month[name]:
                what = f"{partner} in {month}: what it hands {whom}"
                values = (dict(json.loads(each[name])) for each in (expected, says_month))
                yield Difference(Kind.SETTLED, what, *fields_apart(*values), where)

    def _posted(self, key: Key) -> int:
        """The sum of a key's journals, which is then accounted for."""
        return self._books.posted.get(key.scope, {}).pop(key, 0)
