"""Whatever order the events of a client come in, and however they are split and repeated, the books end up the same.

One fold of everything is the measure (claims A and B of the engine's specification). What that fold posts is what an
independent, naive reading of the deals owes: an engine that is wrong in every order alike is found there.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from introducer.domain.calendar import day_at, plus_days
from introducer.domain.client import ClientState
from introducer.domain.contracts import AttributionRule, Contracts, Grant, LeadTerms, LinkTerms
from introducer.domain.counts import Counts, add_counts
from introducer.domain.deal import DealVersion
from introducer.domain.earnings import HistoryNeeded, Transition, accrue, first_part
from introducer.domain.events import LOT, Event, milliseconds
from introducer.domain.ledger import Key
from introducer.domain.rates import Publication, Rates
from introducer.domain.terms import parse_terms
from introducer.store.clients import fold_text, state_hash
from tests.support.builders import BRAND, CLICK_KEY, Recorded, a_click, an_event, at, cpa, lot, revshare, terms
from tests.support.reference import Reference

START, DAYS = at("2026-01-05"), 84

QUALIFIES = cpa(kyc=True, min_deposit="200.00", within_hours=24, min_lots="1", within_days=30)
FAST = cpa("40.00", min_deposit="200.00", within_hours=24) | {"id": "fast"}
QUALIFIES["amounts"] = [{"countries": ["DE"], "amount": "600.00"}, {"countries": [], "amount": "200.00"}]

FORMULA = {"spread": "1", "commission": "1", "swap": "0.5", "pnl": "-0.3", "credits": "-1", "chargebacks": "-1"}

VERSIONS: dict[str, Sequence[tuple[str, Mapping]]] = {
    "par_qualify": [("2025-01-01", terms(QUALIFIES, FAST, currency="EUR", days=30, ftd_minimum="50.00"))],
    "par_reset": [("2025-01-01", terms(revshare("30"), currency="USD", days=5, net_revenue=FORMULA))],
    "par_hybrid": [
        ("2025-01-01", terms(revshare("33.3333", "carry"), cpa("75.000"), currency="KWD", net_revenue=FORMULA)),
        ("2026-01-20", terms(revshare("40", "reset"), cpa("100.000", min_trades=2, within_days=20), currency="KWD")),
        ("2026-02-15", terms(revshare("25", "carry"), lot("1.500"), currency="KWD", net_revenue=FORMULA)),
    ],
    "par_lot": [
        (
            "2026-01-12",
            {
                "currency": "JPY",
                "hold": {"days": 7, "from": "event_day"},
                "rules": [
                    {
                        "type": "lot",
                        "id": "lot",
                        "groups": [
                            {"symbols": ["XAUUSD"], "amount": "333"},
                            {"symbols": [], "amount": "125"},
                        ],
                        "min_holding_seconds": 120,
                        "account_types": ["standard"],
                    },
                    cpa("5000", min_net_revenue="100", within_days=14),
                ],
            },
        )
    ],
}
"""Deal versions by partner and first day. `par_none` has a link and no deal."""

RULES = {
    "cmp_first": (AttributionRule(milliseconds(START + timedelta(days=12)), 3, first_click=False, promo_first=True),),
    "cmp_last": (
        AttributionRule(milliseconds(START + timedelta(days=9)), 4, first_click=True),
        AttributionRule(milliseconds(START + timedelta(days=20)), 30, promo_first=True),
    ),
}
"""What is decided about campaigns while clients register."""

LINKS = {
    f"LINK000{number}": LinkTerms(
        f"LINK000{number}", BRAND, partner, campaign, 30, campaign == "cmp_first", RULES[campaign]
    )
    for number, (partner, campaign) in enumerate(
        [
            ("par_qualify", "cmp_last"),
            ("par_reset", "cmp_first"),
            ("par_hybrid", "cmp_last"),
            ("par_lot", "cmp_first"),
            ("par_none", "cmp_last"),
            ("par_hybrid", "cmp_first"),
        ]
    )
}

EARNING = [link for link, terms_of in LINKS.items() if terms_of.partner in VERSIONS]

DEALS = {
    partner: tuple(
        DealVersion(partner, number, milliseconds(at(since)), parse_terms(deal))
        for number, (since, deal) in enumerate(versions, 1)
    )
    for partner, versions in VERSIONS.items()
}

PUBLISHED = {
    plus_days("2025-12-29", day): {
        "USD": f"1.{1500 + 7 * day}",
        "JPY": f"{180 + day % 9}.{day % 7}3",
        "KWD": f"0.36{day:02d}",
    }
    for day in range(100)
    if day % 7 < 5
}


LEADS = {
    f"lea_{number}": LeadTerms(
        "brd_other" if number == 4 else BRAND,
        link,
        milliseconds(START + timedelta(days=days)),
        milliseconds(START + timedelta(days=again)) if again else 0,
    )
    for number, (link, days, again) in enumerate(
        [("LINK0000", -85, 0), ("LINK0001", -3, 0), ("LINK0002", 4, 0), ("LINK0003", 11, 0), ("LINK0000", 2, 0),
         ("LINK9999", 1, 0), ("LINK0001", -88, -2), ("LINK0002", -1, 7)]
    )
}  # fmt: skip
"""Some of them too old, of another brand, by a link that is gone, or duplicates that came again."""


CODES = {
    (BRAND, "SPRING"): (
        Grant("par_reset", milliseconds(START - timedelta(days=9)), milliseconds(START + timedelta(days=10))),
        Grant("par_qualify", milliseconds(START + timedelta(days=16)), None),
    ),
    (BRAND, "LOTS-24"): (Grant("par_lot", milliseconds(START + timedelta(days=3)), None, "cmp_last"),),
    ("brd_other", "ABROAD"): (Grant("par_hybrid", 0, None),),
}
"""One that changes hands, one that begins while clients register, one of another brand."""
NAMED = ["SPRING", " spring ", "Lots-24", "lots-24", "ABROAD", "NOBODY", "not a code!"]


RECORDED = Recorded()


def snapshot(days: Iterable[str], seen: Mapping[str, int] | None = None) -> Contracts:
    """The contracts with the rates of these days only; `seen` says how many versions of a deal are known yet."""
    found = {}
    for day in days:
        published = max(each for each in PUBLISHED if each < day)
        found[day] = Publication("ECB", published, PUBLISHED[published])
    deals = {p: v if seen is None else v[: seen.get(p, len(v))] for p, v in DEALS.items()}
    return Contracts(LINKS, deals, Rates(found), {0: CLICK_KEY}, leads=LEADS, codes=CODES, clicks=RECORDED)


def days_of(events: Iterable[Event]) -> set[str]:
    return {day_at(milliseconds(each.occurred_at)) for each in events}


@dataclass
class Tables:
    """What the engine keeps of one client, fed as the engine feeds it: only the rates a batch asks for are read."""

    client: str = "client-1"
    state: ClientState | None = None
    applied: dict[tuple[str, str], Event] = field(default_factory=dict)
    journals: dict[Key, int] = field(default_factory=dict)
    counts: Counts = field(default_factory=dict)
    refolds: int = 0
    transactions: int = 0

    def deliver(self, batch: Iterable[Event], seen: Mapping[str, int] | None = None, room: int = 100) -> None:
        """Apply a batch, in as many transactions as it takes with `room` items of postings and counters in each."""
        new = [each for each in batch if each.key not in self.applied]
        if not new:
            return
        complete = False
        while not complete:
            whole = self._fold(new, seen)
            part = first_part(whole, room)
            self._write(part)
            self.transactions += 1
            complete, new = part.state == whole.state, []

    def _fold(self, new: list[Event], seen: Mapping[str, int] | None) -> Transition:
        state = self.state or ClientState(BRAND, self.client)
        kept = {day_at(each.at) for each in [*state.deposits.values(), *state.chargebacks.values()]}
        try:
            return accrue(state, new, snapshot(days_of(new) | kept, seen))
        except HistoryNeeded:
            self.refolds += 1
            history = list(self.applied.values())
            return accrue(state, new, snapshot(days_of([*history, *new]) | kept, seen), history)

    def _write(self, after: Transition) -> None:
        self.state = after.state
        self.applied |= {each.key: each for each in after.applied}
        for posting in after.postings:
            assert posting.before == self.journals.get(posting.key, 0)
            assert posting.amount
            self.journals[posting.key] = posting.before + posting.amount
        add_counts(self.counts, after.counts)

    def standing(self) -> tuple[str, dict[Key, int], Counts]:
        """What must not depend on delivery: the state, the sum of journals per key, the counters."""
        assert self.state is not None
        counts = {key: {name: n for name, n in values.items() if n} for key, values in self.counts.items()}
        return (
            fold_text(self.state),
            {key: amount for key, amount in self.journals.items() if amount},
            {key: values for key, values in counts.items() if values},
        )


def one_fold(events: Iterable[Event], client: str = "client-1") -> Tables:
    """The measure: everything at once, by a client that nothing is known of."""
    tables = Tables(client)
    distinct = list({each.key: each for each in events}.values())
    tables._write(accrue(ClientState(BRAND, client), distinct, snapshot(days_of(distinct))))
    return tables


# ---------------------------------------------------------------------------------------------------- random programs

ids = st.integers(0, 15)
hours = st.integers(0, DAYS * 24) | st.integers(10 * 24, 14 * 24)
cents = st.integers(1, 60_000)
halves = st.integers(6_000, 16_000)
"""Deposits of which it takes two to qualify."""
lots = st.integers(0, 300).map(lambda each: each * (LOT // 100))
signed = st.integers(-20_000, 20_000)


@st.composite
def clicks(draw: st.DrawFn) -> str:
    """A click shortly before the first events, some of them too late, flagged or forged."""
    hour = draw(st.integers(-20 * 24, 40 * 24))
    click = a_click(
        START + timedelta(hours=hour),
        draw(st.sampled_from([*LINKS, "LINK9999"])),
        flagged=draw(st.integers(0, 9)) == 0,
        number=draw(st.integers(0, 2)),
    )
    return click if draw(st.integers(0, 9)) else click[:-1] + ("A" if click[-1] != "A" else "B")


KINDS = (
    *("registration", "kyc", "kyc", "deposit", "deposit", "deposit", "trade", "trade", "trade", "trade"),
    *("withdrawal", "credit", "chargeback", "cancel", "cancel", "lead"),
)
"""The kinds of events, the more frequent ones several times."""


@st.composite
def events_of(draw: st.DrawFn, number: int, client: str = "client-1") -> Event:
    when = START + timedelta(hours=draw(hours))
    kind = draw(st.sampled_from(KINDS))
    fields: dict = {
        "client": client,
        "event_id": f"e{number}",
        "source": draw(st.sampled_from(["mt5", "mt5", "web"])),
        "click_id": draw(st.none() | clicks()),
        "lead_id": draw(st.none() | st.sampled_from([*LEADS, "lea_unknown"])),
        "promo_code": draw(st.none() | st.none() | st.sampled_from(NAMED)),
    }
    currency = draw(st.sampled_from(["EUR", "EUR", "USD", "JPY", "KWD"]))
    if kind == "registration":
        fields["country"] = draw(st.sampled_from(["DE", "TH", None]))
    elif kind == "kyc":
        fields["status"] = draw(st.sampled_from(["approved", "approved", "pending", "rejected"]))
    elif kind == "trade":
        fields |= {
            "currency": currency,
            "lots": draw(lots),
            "symbol": draw(st.sampled_from(["XAUUSD", "EURUSD", None])),
            "account_type": draw(st.sampled_from(["standard", "cent"])),
            "opened_at": when - timedelta(seconds=draw(st.integers(0, 600))),
            "closed_at": when,
            **{name: draw(signed) for name in ("spread", "commission", "swap", "pnl")},
        }
    elif kind == "cancel":
        fields["ref"] = f"e{draw(ids)}"
        fields |= {"click_id": None, "promo_code": None}
    elif kind == "lead":
        fields |= {"source": "desk", "click_id": None}
    else:
        fields |= {"currency": currency, "amount": draw(signed if kind == "credit" else cents)}
        if kind == "chargeback":
            fields["ref"] = draw(st.none() | ids.map(lambda each: f"e{each}"))
    return an_event(kind, when, **fields)


@st.composite
def programs(draw: st.DrawFn) -> list[Event]:
    """The events of one client. Most have a registration by a click and a first trade, so that somebody earns."""
    size = draw(st.integers(1, 12))
    events = [draw(events_of(number)) for number in range(size)]
    if draw(st.integers(0, 7)):
        when = START + timedelta(hours=draw(st.integers(0, 30 * 24)))
        click = a_click(when - timedelta(hours=draw(st.integers(1, 200))), draw(st.sampled_from([*EARNING, *LINKS])))
        life = {"client": "client-1", "source": "web", "currency": draw(st.sampled_from(["EUR", "USD", "KWD"]))}
        named = draw(st.none() | st.sampled_from([*LEADS]))
        code = draw(st.none() | st.sampled_from(NAMED))
        if (named or code) and draw(st.booleans()):
            click = None
        evidence = {"click_id": click, "lead_id": named, "promo_code": code}
        events += [
            an_event("registration", when, **life, event_id="e0", country="DE", **evidence),
            an_event("deposit", when + timedelta(hours=2), **life, event_id="e1", amount=draw(halves)),
            an_event("deposit", when + timedelta(hours=4), **life, event_id="e2", amount=draw(halves)),
        ]
        for number in range(draw(st.integers(1, 6))):
            then = when + timedelta(hours=draw(st.integers(1, 55 * 24)))
            trade = {"commission": draw(signed), "lots": draw(lots), "account_type": "standard"}
            times = {"opened_at": then - timedelta(minutes=9), "closed_at": then}
            events.append(an_event("trade", then, **life, **trade, **times, event_id=f"life-{number}"))
    # Two bodies under one id never get this far: the second is refused when it is sent.
    return list({each.key: each for each in events}.values())


@st.composite
def deliveries(draw: st.DrawFn, events: Sequence[Event]) -> list[list[Event]]:
    """The events in some order, some of them twice, in batches."""
    order = draw(st.permutations(events)) + draw(st.lists(st.sampled_from(list(events)), max_size=4))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=6)))
    ends = [0, *cuts, len(order)]
    return [list(order[a:b]) for a, b in pairwise(ends) if a < b]


THOROUGH = settings(max_examples=120, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])


@THOROUGH
@given(st.data(), programs())
def test_any_order_and_any_split_end_like_one_fold(data: st.DataObject, program: list[Event]):
    # given the events of a client, and some way in which they arrive
    batches = data.draw(deliveries(program))
    # when they are folded batch by batch
    tables = Tables()
    for batch in batches:
        tables.deliver(batch)
    # then state, journals and counters are those of one fold of everything
    measure = one_fold(program)
    assert tables.standing() == measure.standing()
    # and what is posted is the sum of the journals
    assert tables.state is not None
    assert dict(tables.state.posted) == tables.standing()[1]
    event("refolded" if tables.refolds else "never refolded")
    event("earned" if tables.journals else "nothing earned")


@THOROUGH
@given(programs())
def test_what_is_posted_is_what_a_naive_reading_of_the_deals_owes(program: list[Event]):
    # given the events of a client
    reference = Reference(VERSIONS, LINKS, PUBLISHED, {0: CLICK_KEY}, leads=LEADS, codes=CODES)
    # when all of them are folded
    posted = one_fold(program).standing()[1]
    # then each key has what the deals say, read as data, with all facts in sight
    assert posted == reference.owed(program)
    event(f"{len(posted)} keys")


@THOROUGH
@given(st.data(), programs())
def test_deal_versions_that_become_known_late_end_like_one_fold(data: st.DataObject, program: list[Event]):
    # given batches, and containers that know only the deal versions of their time, until the last one
    batches = data.draw(deliveries(program))
    last = {each.key: each for each in batches[-1]}
    seen = dict.fromkeys(DEALS, 1)
    tables = Tables()
    for batch in batches[:-1]:
        # The last batch must bring something: a version alone wakes nobody.
        tables.deliver([each for each in batch if each.key not in last], seen)
        seen = {partner: data.draw(st.integers(known, len(DEALS[partner]))) for partner, known in seen.items()}
    # when the last batch knows them all
    tables.deliver(batches[-1])
    # then everything is priced as if they had been known from the start
    assert tables.standing() == one_fold(program).standing()


@THOROUGH
@given(st.data(), programs(), st.integers(2, 5))
def test_transactions_that_hold_only_a_part_end_like_one_fold(data: st.DataObject, program: list[Event], room: int):
    # given transactions with room for a few postings and counters only
    batches = data.draw(deliveries(program))
    tables = Tables()
    for batch in batches:
        # when a batch is written in parts
        tables.deliver(batch, room=room)
    # then
    assert tables.standing() == one_fold(program).standing()
    assert tables.state is not None and not tables.state.uncounted
    event("in parts" if tables.transactions > len(batches) else "whole")


@THOROUGH
@given(st.data(), programs(), st.integers(2, 5))
def test_a_part_that_was_left_over_follows_with_the_next_event(data: st.DataObject, program: list[Event], room: int):
    # given a batch of which only a first part was written before the engine died
    *before, last = program
    tables = Tables()
    if before:
        tables._write(first_part(tables._fold(before, None), room))
    # when the next event comes
    tables.deliver([last])
    # then it brings the rest
    assert tables.standing() == one_fold(program).standing()


@pytest.mark.parametrize("seed", range(5))
def test_delivered_twice_and_in_twenty_orders_the_state_hash_is_one(seed: int):
    # given the events of twelve clients
    chance = random.Random(seed)
    clients = [f"client-{number}" for number in range(12)]
    events = [each for client in clients for each in a_life(chance, client)]
    hashes = set()
    for _ in range(20):
        # when they come twice, in an order of their own, in batches of any size
        order = events * 2
        chance.shuffle(order)
        tables = {client: Tables(client) for client in clients}
        while order:
            size = chance.randint(1, 40)
            batch, order = order[:size], order[size:]
            for client in clients:
                tables[client].deliver([each for each in batch if each.client == client])
        hashes.add(state_hash(each.state for each in tables.values() if each.state))
    # then all of them leave the same books
    measure = [one_fold([each for each in events if each.client == client], client) for client in clients]
    assert hashes == {state_hash(each.state for each in measure if each.state)}
    assert sum(bool(each.journals) for each in measure) > len(clients) // 3


def a_life(chance: random.Random, client: str) -> list[Event]:
    """What a client may do in two months: registered by a click, deposits, trades, some of it undone."""
    registered = START + timedelta(hours=chance.randint(0, 500))
    number = 0

    def an(kind: str, days: float, **fields: object) -> Event:
        nonlocal number
        number += 1
        fields.setdefault("event_id", f"e{number}")
        return an_event(kind, registered + timedelta(days=days), client=client, **fields)

    click = a_click(registered - timedelta(hours=2), chance.choice(list(LINKS)))
    other = a_click(registered - timedelta(hours=chance.randint(-5, 300)), chance.choice(list(LINKS)))
    currency = chance.choice(["EUR", "USD", "JPY", "KWD"])
    life = [
        an("registration", 0, country=chance.choice(["DE", "TH"]), click_id=click),
        an("kyc", chance.random() * 3),
        *(
            an("deposit", chance.random() * 20, amount=chance.randint(5_000, 90_000), currency=currency)
            for _ in range(3)
        ),
        *(
            an(
                "trade",
                chance.random() * 60,
                currency=currency,
                lots=chance.randint(1, 200) * (LOT // 100),
                symbol=chance.choice(["XAUUSD", "EURUSD"]),
                account_type="standard",
                commission=chance.randint(0, 900),
                pnl=chance.randint(-9_000, 9_000),
            )
            for _ in range(12)
        ),
    ]
    if chance.random() < 0.5:
        life.append(an("chargeback", 40, amount=4_000, currency=currency, ref=chance.choice(["e3", "e4", None])))
    if chance.random() < 0.5:
        life.append(an("cancel", 41, ref=chance.choice(["e2", "e5", "e7", "e99"])))
    if chance.random() < 0.5:
        life.append(an("withdrawal", 42, amount=3_000, currency=currency, click_id=other))
    code = random.Random(f"{client} {registered}").choice([None, *NAMED])
    life.append(an("kyc", -1, status="pending", promo_code=code))
    return life
