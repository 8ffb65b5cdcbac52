"""Client states in BOOKS: one item per client with the fold and what was posted.

The fold is one compact JSON text: it is read and written whole, and a client of a few months stays under a kilobyte,
which is what ten events of one client are priced on (engine.md, "Settling, cost and honesty").
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain import click_id
from introducer.domain.client import (
    Activity,
    Cell,
    Chargeback,
    ClientState,
    Deposit,
    Mark,
    Move,
    Ruling,
    Segment,
    Turnover,
    Visit,
)
from introducer.domain.contest_score import Seen
from introducer.domain.contracts import Known
from introducer.domain.counts import Came, CountKey, ScoreKey
from introducer.domain.events import day_of, from_milliseconds
from introducer.domain.ledger import Key
from introducer.store import keys
from introducer.store.paging import Page
from introducer.store.wire import batch_get, connect, from_wire, reading, to_wire

ClientKey = tuple[str, str]
"""Brand and client."""


def state_to_item(state: ClientState) -> dict[str, Any]:
    """The item of a state, its key and its place in the owner's list included. `version` is the state's own."""
    item: dict[str, Any] = {
        **keys.key("client", brand=state.brand, client=state.client).item(),
        "version": state.version,
        "fold": fold_text(state),
    }
    if state.known:
        item["known"] = _json(sorted(state.known.items()))
    if state.contests:
        item["contests"] = _json(sorted(state.contests.values()))
    if state.came is not None:
        # In the order of the clicks, whose ids stand in the fold.
        item["came"] = _json([state.came.get(click) for click in sorted(state.visits)])
    if state.first_holder:
        item["first_holder"] = state.first_holder
    if state.unfinished:
        item["unfinished"] = 1
    if state.due:
        item["due"] = _json(sorted(state.due))
    if state.uncounted:
        item["uncounted"] = _json([[*key, values] for key, values in sorted(state.uncounted.items())])
    if state.holder and state.anchor is not None:
        item |= keys.owner_key(
            "client",
            partner=state.holder.partner,
            registered=day_of(from_milliseconds(state.anchor)),
            client=state.client,
        )
    return item


def state_from_item(item: Mapping[str, Any]) -> ClientState:
    """The state of an item."""
    _, brand, client = keys.parts(item[keys.PK])
    fold = json.loads(item["fold"])
    partners, sources = fold.get("partners", []), fold.get("sources", [])

    def mark(values: list[Any] | None) -> Mark | None:
        return Mark(values[0], sources[values[1]], values[2]) if values else None

    visits = {text: _visit(text) for text in fold.get("visits", ())}
    registered = mark(fold.get("registered"))
    return ClientState(
        brand=brand,
        client=client,
        first=mark(fold.get("first")) or registered,
        registered=registered,
        country=fold.get("country"),
        kyc=mark(fold.get("kyc")),
        visits=visits,
        leads={lead: Visit(at, link) for lead, at, link in fold.get("leads", ())},
        codes=dict(fold.get("codes", ())),
        deposits={
            (sources[source], event): Deposit(at, minor, currency)
            for source, event, at, minor, currency in fold.get("deposits", ())
        },
        chargebacks={
            (sources[source], event): Chargeback(at, minor, currency, ref)
            for source, event, at, minor, currency, ref in fold.get("chargebacks", ())
        },
        moves={
            (sources[source], event): Move(decided, start, partners[partner])
            for source, event, decided, start, partner in fold.get("moves", ())
        },
        rulings={
            (sources[source], event): Ruling(decided, start, bool(disallowed), case, reason)
            for source, event, decided, start, disallowed, case, reason in fold.get("rulings", ())
        },
        withdrawals={
            (sources[source], event): Deposit(at, minor, currency)
            for source, event, at, minor, currency in fold.get("withdrawals", ())
        },
        cancelled=frozenset((sources[source], event) for source, event in fold.get("cancelled", ())),
        timeline=tuple(
            Segment(start, partners[partner], link or (visits[click].link if click else ""), campaign, click)
            for start, partner, link, campaign, click in fold.get("timeline", ())
        ),
        cells={
            Cell(partners[partner], rule, month, version, part): int(fine)
            for partner, rule, version, sums in fold.get("cells", ())
            for month, part, fine in sums
        },
        activity={day: Activity(lots, trades, int(net)) for day, lots, trades, net in fold.get("activity", ())},
        turnover={currency: Turnover(paid, drawn) for currency, paid, drawn in fold.get("turnover", ())},
        lots=fold.get("lots", 0),
        trades=fold.get("trades", 0),
        quick_lots=fold.get("quick_lots", 0),
        flat_lots=fold.get("flat_lots", 0),
        posted={
            Key(partners[partner], rule, client, month, currency, day): minor
            for partner, rule, currency, amounts in fold.get("posted", ())
            for month, day, minor in amounts
        },
        known={partner: Known(*seen) for partner, seen in json.loads(item.get("known", "[]"))},
        contests={each[0]: Seen(*each) for each in json.loads(item.get("contests", "[]"))},
        came=_came(fold.get("visits", ()), item.get("came")),
        last_at=fold["last_at"],
        events=fold["events"],
        uncounted={
            # A day's counter has a link besides, and mostly a source; an entry of a contest has neither.
            CountKey(*key) if len(key) > 2 else ScoreKey(*key): values
            for *key, values in json.loads(item.get("uncounted", "[]"))
        },
        due=frozenset((partner, month) for partner, month in json.loads(item.get("due", "[]"))),
        unfinished=bool(item.get("unfinished")),
        first_holder=item.get("first_holder", ""),
        version=item["version"],
    )


def fold_text(state: ClientState) -> str:
    """What the state says, as canonical JSON: equal states give equal texts. Versions (of the item, of the deals the
    fold happened to know) are not part of it.

    The item is written whole with every batch, so nothing stands in it twice: partners and sources are numbered, a
    click id names its own link and time, what repeats per month is grouped. Fine sums are texts: they pass 2 ** 53.
    """
    partners = sorted(
        {segment.partner for segment in state.timeline}
        | {cell.partner for cell in state.cells}
        | {key.partner for key in state.posted}
        | {move.partner for move in state.moves.values()}
    )
    marks = [mark for mark in (state.first, state.registered, state.kyc) if mark]
    sources = sorted(
        {mark.source for mark in marks}
        | {source for source, _ in (*state.deposits, *state.chargebacks, *state.moves, *state.cancelled)}
        | {source for source, _ in (*state.rulings, *state.withdrawals)}
    )
    partner_number = {partner: index for index, partner in enumerate(partners)}
    source_number = {source: index for index, source in enumerate(sources)}

    def marked(mark: Mark | None) -> tuple[int, int, str] | None:
        return (mark.at, source_number[mark.source], mark.event_id) if mark else None

    cells: dict[tuple[int, str, int], list[tuple[str, str, str]]] = defaultdict(list)
    for cell, fine in sorted(state.cells.items()):
        cells[partner_number[cell.partner], cell.rule, cell.version].append((cell.month, cell.part, str(fine)))
    posted: dict[tuple[int, str, str], list[tuple[str, str, int]]] = defaultdict(list)
    for key, minor in sorted(state.posted.items()):
        amounts = posted[partner_number[key.partner], key.rule, key.currency]
        amounts.append((key.earn_month, key.available_day, minor))
    fold = {
        "partners": partners,
        "sources": sources,
        "first": marked(state.first) if state.first != state.registered else None,
        "registered": marked(state.registered),
        "country": state.country,
        "kyc": marked(state.kyc),
        "visits": sorted(state.visits),
        "leads": sorted((lead, *visit) for lead, visit in state.leads.items()),
        "codes": sorted(state.codes.items()),
        "deposits": sorted((source_number[source], event, *each) for (source, event), each in state.deposits.items()),
        "chargebacks": sorted(
            (source_number[source], event, *each) for (source, event), each in state.chargebacks.items()
        ),
        "moves": sorted(
            (source_number[source], event, move.decided_at, move.start, partner_number[move.partner])
            for (source, event), move in state.moves.items()
        ),
        "rulings": sorted(
            (source_number[source], event, each.decided_at, each.start, int(each.disallowed), each.case, each.reason)
            for (source, event), each in state.rulings.items()
        ),
        "withdrawals": sorted(
            (source_number[source], event, *each) for (source, event), each in state.withdrawals.items()
        ),
        "cancelled": sorted((source_number[source], event) for source, event in state.cancelled),
        "timeline": [
            (
                segment.start,
                partner_number[segment.partner],
                "" if segment.click in state.visits else segment.link,
                segment.campaign,
                segment.click,
            )
            for segment in state.timeline
        ],
        "cells": sorted((*group, sums) for group, sums in cells.items()),
        "activity": sorted(
            (day, sums.lots, sums.trades, str(sums.net_revenue)) for day, sums in state.activity.items()
        ),
        "turnover": sorted((currency, *turnover) for currency, turnover in state.turnover.items()),
        "lots": state.lots,
        "trades": state.trades,
        "quick_lots": state.quick_lots,
        "flat_lots": state.flat_lots,
        "posted": sorted((*group, amounts) for group, amounts in posted.items()),
    }
    said = {name: value for name, value in fold.items() if value}
    return _json({**said, "last_at": state.last_at, "events": state.events})


def state_hash(states: Iterable[ClientState]) -> str:
    """One hash over all states and everything posted: the same for every order in which events were delivered."""
    digests = sorted(
        hashlib.sha256(f"{state.brand}\n{state.client}\n{fold_text(state)}".encode()).digest() for state in states
    )
    return hashlib.sha256(b"".join(digests)).hexdigest()


class Clients:
    """Reads of client states. They are written by `accruals` alone, in the transaction that posts."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def state(self, brand: str, client: str) -> ClientState | None:
        """Where a client stands."""
        return self.states([(brand, client)]).get((brand, client))

    def states(self, wanted: Iterable[ClientKey]) -> dict[ClientKey, ClientState]:
        """The states of these clients that have one, read consistently."""
        items = batch_get(
            self._connection,
            self._table,
            [keys.key("client", brand=brand, client=client) for brand, client in wanted],
        )
        states = (state_from_item(item) for item in items)
        return {(state.brand, state.client): state for state in states}

    def of_partner(
        self,
        partner: str,
        cursor: str | None = None,
        limit: int = 50,
        *,
        first: str = "",
        last: str = "",
        newest_first: bool = True,
    ) -> Page[ClientState]:
        """A partner's clients, the newest registration first; of those alone that were registered from UTC day `first`
        to `last`, each included, where these are given."""
        pk = keys.owner_partition("client", partner=partner)
        start = None
        if cursor is not None:
            base, _, owner_sk = cursor.partition("\n")
            start = to_wire({keys.PK: base, keys.SK: "state", keys.OWNER_PK: pk, keys.OWNER_SK: owner_sk})
        with reading():
            answer = self._connection.query(
                self._table,
                pk,
                range_key_condition=_registered(first, last),
                index_name=keys.BY_OWNER,
                exclusive_start_key=start,
                limit=limit,
                scan_index_forward=not newest_first,
            )
        found = [from_wire(item) for item in answer["Items"]]
        states = {
            keys.key("client", brand=state.brand, client=state.client).pk: state
            for state in map(
                state_from_item,
                batch_get(self._connection, self._table, [keys.Key(each[keys.PK], each[keys.SK]) for each in found]),
            )
        }
        end = answer.get("LastEvaluatedKey")
        return Page(
            tuple(states[each[keys.PK]] for each in found if each[keys.PK] in states),
            f"{end[keys.PK]['S']}\n{end[keys.OWNER_SK]['S']}" if end else None,
        )

    def relisted(self, partner: str) -> list[str]:
        """The clients that were listed under this partner first, and under another since; read consistently."""
        pk, found, start = keys.partition("relisted", partner=partner), [], None
        while True:
            with reading():
                answer = self._connection.query(self._table, pk, exclusive_start_key=start, consistent_read=True)
            found += [keys.unescape(item[keys.SK]["S"]) for item in answer["Items"]]
            start = answer.get("LastEvaluatedKey")
            if not start:
                return found


def _registered(first: str, last: str) -> Any:
    """The part of a partner's list from one UTC day to another; the whole of it where there are none."""
    if not first and not last:
        return None
    # What follows a day in the key is "#" and the client; "$" comes after that.
    return Path(keys.OWNER_SK).between(first or "0", f"{last or '9'}$")


def relisted_item(partner: str, client: str) -> dict[str, Any]:
    """What says that a client was a partner's first, and is another's now; written with its state."""
    return {**keys.key("relisted", partner=partner, client=client).item()}


def _came(visits: Iterable[str], text: str | None) -> dict[str, Came] | None:
    """What is known of the clicks; None for a state that was counted before sources were."""
    if text is None:
        return None
    return {click: Came(*known) for click, known in zip(visits, json.loads(text), strict=True) if known}


def _visit(text: str) -> Visit:
    click = click_id.read(text)
    assert click is not None, "only genuine click ids get into a state"
    return Visit(click.at_ms, click.link_id)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
