"""Random small worlds: partners with deals, clients, what they do and when it arrives, what people decide meanwhile.

Everything comes from a seed. The configuration of all worlds is written once, by the product's own store; a world uses
a part of it.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from introducer.domain.attribution_decision import AttributionDecision
from introducer.domain.calendar import plus_days
from introducer.domain.configuration import (
    Attribution,
    Availability,
    Campaign,
    Change,
    DealRecord,
    Link,
    Partner,
    PartnerKind,
    Status,
)
from introducer.domain.contracts import LinkTerms
from introducer.domain.events import LOT, Event, day_of
from introducer.domain.promo_code import PromoCode
from introducer.domain.terms import begins_with_a_month, parse_terms
from introducer.services.read_contracts import ECB, attribution_rules, grants
from introducer.store import keys
from introducer.store.configuration import Configuration
from introducer.store.wire import to_wire
from tests.support.builders import BRAND, a_click, an_event, at, cpa, lot, revshare, terms

START = at("2026-01-05")
FIRST_RATES, LAST_RATES = "2025-12-20", "2026-04-30"
POISON = "AED"
"""A currency that the feed never publishes: such an event never gets into the books."""

_FORMULA = {"spread": "1", "commission": "1", "swap": "0.5", "pnl": "-0.3", "credits": "-1", "chargebacks": "-1"}
_BY_DAY = {"hold": {"days": 7, "from": "event_day"}}
_COUNTRIES = [{"countries": ["DE"], "amount": "600.00"}, {"countries": [], "amount": "200.00"}]
_BANDS = {"by": "net_revenue", "mode": "retroactive", "bands": [{"from": "100.00", "percent": "40"}]}
_OVERRIDE = {"type": "override", "id": "net"}
_LEVEL = {"level": 1, "percent": "10", "of": ["cpa", "revshare", "lot", "bonus"]}

DEALS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "par_cpa": [
        terms(
            cpa(kyc=True, min_deposit="200.00", within_hours=48) | {"amounts": _COUNTRIES},
            revshare("30"),
            days=30,
            ftd_minimum="50.00",
        ),
        terms(cpa("450.00"), revshare("35", "carry"), days=30),
    ],
    "par_share": [
        terms(revshare("33.3333", "carry"), cpa("75.000"), currency="KWD", net_revenue=_FORMULA),
        terms(revshare("40"), lot("1.500"), cpa("100.000", min_trades=2, within_days=20), currency="KWD"),
    ],
    "par_lot": [
        terms(lot("125", min_holding_seconds=120), cpa("5000", min_net_revenue="100", within_days=14), currency="JPY")
        | _BY_DAY,
        terms(lot("210"), currency="JPY") | _BY_DAY,
    ],
    "par_usd": [
        terms(revshare("25", "carry"), currency="USD", days=5, net_revenue=_FORMULA),
        terms(lot("2.25"), cpa("40.00", min_lots="1", within_days=30), currency="USD"),
    ],
    "par_tiers": [
        terms(
            revshare("25", "carry") | {"pooled": True, "tiers": _BANDS},
            cpa("60.00", kyc=True) | {"caps": [{"per": "month", "clients": 1}]},
            currency="USD",
        ),
        terms(
            lot("3.00") | {"tiers": {"by": "lots", "mode": "marginal", "bands": [{"from": "2", "add": "0.77"}]}},
            {"type": "bonus", "id": "goal", "by": "ftd", "goal": "1", "amount": "75.00"},
            cpa("50.00") | {"tiers": {"by": "lots", "mode": "retroactive", "bands": [{"from": "2", "add": "10.00"}]}},
            currency="USD",
        ),
    ],
    "par_above": [
        terms(_OVERRIDE | {"levels": [_LEVEL, {"level": 2, "percent": "5", "of": ["lot", "cpa"]}]}, days=10),
        terms(_OVERRIDE | {"levels": [{"level": 1, "amount": "2.50", "of": "qftd"}]}, days=10),
    ],
}
"""The terms of each partner's first version, and of a second one that is proposed and may be accepted."""

PARENTS = {"par_cpa": "par_above", "par_tiers": "par_above", "par_lot": "par_tiers"}
"""Who stands above whom."""

LINKS = {f"LINK000{number}": (partner, "cmp_last") for number, partner in enumerate(DEALS)} | {
    "LINK0008": ("par_usd", "cmp_first"),
    "LINK0009": ("par_cpa", "cmp_first"),
}
"""Partner and campaign of each link."""

HANDED_ON = at("2026-01-20")
CODES = {
    code: [
        PromoCode(
            code=code, number=number, brand=BRAND, partner=partner, campaign=None, given_at=at("2025-12-01"),
            starts_at=HANDED_ON if number > 1 else at("2025-12-02"), given_by="mem_manager",
            ends_at=HANDED_ON if number < len(partners) else None,
        )
        for number, partner in enumerate(partners, 1)
    ]
    for code, partners in {"SPRING": ["par_cpa", "par_lot"], "LOTS-24": ["par_usd"]}.items()
}  # fmt: skip
"""Who has each promo code; one is handed on while clients register."""
GRANTS = {(BRAND, code): grants(given) for code, given in CODES.items()}
RULE = AttributionDecision(
    campaign="cmp_last", brand=BRAND, number=1, since=at("2026-01-25"), window_days=7, promo_first=True,
    attribution=Attribution.FIRST_CLICK, reason="agreed", decided_at=at("2026-01-10"), decided_by="mem_manager",
)  # fmt: skip
"""How one of the campaigns attributes whoever registers later."""

LINK_TERMS = {
    code: LinkTerms(
        code, BRAND, partner, campaign, 30, campaign == "cmp_first", attribution_rules([RULE][: campaign == "cmp_last"])
    )
    for code, (partner, campaign) in LINKS.items()
}
SINCE = "2025-06-01"


def published() -> dict[str, dict[str, str]]:
    """What the bank published, by day; nothing on weekends."""
    days = [plus_days(FIRST_RATES, n) for n in range(180)]
    return {
        day: {"USD": f"1.{1500 + 7 * n}", "JPY": f"{180 + n % 9}.{n % 7}3", "KWD": f"0.36{n % 100:02d}"}
        if datetime.fromisoformat(day).weekday() < 5
        else {}
        for n, day in enumerate(days)
        if day <= LAST_RATES
    }


PUBLISHED = published()


def configure(client: Any, books: str) -> None:
    """Write the configuration of all worlds, through the product's own store."""
    configuration = Configuration(books)
    change = Change(by="system:test", at=at(SINCE), why="a world for the schedules")
    for campaign in ("cmp_last", "cmp_first"):
        configuration.create_campaign(
            Campaign(
                campaign=campaign,
                brand=BRAND,
                name=campaign,
                landing_url="https://www.example/live",
                hosts=("www.example",),
                click_parameter="click_id",
                window_days=30,
                attribution=Attribution.FIRST_CLICK if campaign == "cmp_first" else Attribution.LAST_CLICK,
                countries=(),
                status=Availability.ACTIVE,
                created=at(SINCE),
            ),
            change,
        )
    for partner, versions in DEALS.items():
        configuration.register_partner(
            Partner(
                partner=partner,
                brand=BRAND,
                name=partner,
                kind=PartnerKind.AFFILIATE,
                status=Status.ACTIVE,
                parent=PARENTS.get(partner),
                manager=None,
                country="DE",
                language="en",
                currency=versions[0]["currency"],
                email_hash=None,
                created=at(SINCE),
            ),
            change,
        )
        for number, deal in enumerate(versions, 1):
            text = json.dumps(deal, sort_keys=True)
            digest = hashlib.sha256(text.encode()).hexdigest()
            record = DealRecord(
                partner=partner,
                version=number,
                valid_from=at(SINCE),
                accepted_at=at(SINCE) - timedelta(days=1) if number == 1 else None,
                terms=text,
                terms_hash=digest,
            )
            configuration.propose_deal(record, change)
    for code, (partner, campaign) in LINKS.items():
        configuration.create_link(
            Link(
                code=code,
                link_id=code,
                partner=partner,
                brand=BRAND,
                campaign=campaign,
                landing_url="https://www.example/live",
                hosts=("www.example",),
                click_parameter="click_id",
                fallback_url="https://www.example/",
                status=Availability.ACTIVE,
                shard_exponent=0,
                created=at(SINCE),
            ),
            change,
        )
    configuration.decide_attribution(RULE, change)
    for given in CODES.values():
        for before, new in pairwise([None, *given]):
            assert new is not None
            configuration.give_promo_code(new, before, change)
    for day in PUBLISHED:
        client.put_item(TableName=books, Item=rate_item(day))


def rate_item(day: str) -> dict[str, Any]:
    """What the bank published on a day, as the store keeps it."""
    item = {**keys.key("rates", feed=ECB, day=day).item(), "feed": ECB, "day": day}
    return to_wire({**item, "per_euro": json.dumps(PUBLISHED[day])})


@dataclass(frozen=True)
class Step:
    """Something that happens at a moment, whatever the engine is doing: `what` and its values."""

    at: datetime
    what: str
    values: tuple[Any, ...] = ()


@dataclass
class World:
    """What happens, in the order in which it happens."""

    partners: list[str]
    steps: list[Step]
    rates_through: str = LAST_RATES
    """The last day whose rates are there when it begins."""
    events: list[Event] = field(default_factory=list)
    refused: Event | None = None
    """An event that the tables refuse for good, as they do what is too large for them."""

    @property
    def blocks(self) -> bool:
        """Whether a partner is blocked in it."""
        return any(step.what == "standing" for step in self.steps)

    @property
    def spoiled(self) -> set[str]:
        """Clients with an event that can never be priced. What is applied of them depends on what came first: such an
        event is harmless while the client is nobody's."""
        return {event.client for event in self.events if event.currency == POISON}


def a_world(chance: random.Random) -> World:
    """A world of its own for each state of the chance."""
    partners = chance.sample([partner for partner in DEALS if partner != "par_above"], chance.randint(1, 3))
    clients = [f"client-{number}" for number in range(chance.randint(1, 3))]
    size = chance.randint(5, 14)
    events = [
        event
        for number, client in enumerate(clients)
        for event in _life(chance, client, partners, size // len(clients) + (number < size % len(clients)))
    ]
    arrivals = [(event.occurred_at + _delay(chance), event) for event in events]
    steps = [Step(when, "accept", (event,)) for when, event in arrivals]
    moments = [when for when, _ in arrivals]
    steps += _decisions(chance, [*partners, "par_above"], moments)
    world = World(partners, steps, events=events)
    if chance.random() < 0.2:
        _late_rates(chance, world)
    if chance.random() < 0.04:
        world.refused = chance.choice(events)
    world.steps.sort(key=lambda step: (step.at, step.what))
    return world


def _life(chance: random.Random, client: str, partners: Sequence[str], size: int) -> list[Event]:
    """What a client does: mostly registered by a click, with deposits and trades, some of it undone."""
    links = [code for code, (partner, _) in LINKS.items() if partner in partners]
    registered = START + timedelta(hours=chance.randint(0, 40 * 24), seconds=chance.randint(0, 3599))
    currency = chance.choice(["EUR", "EUR", "USD", "JPY", "KWD"])
    source = chance.choice(["mt5", "web"])
    made: list[Event] = []

    def add(kind: str, days: float, **fields: Any) -> None:
        when = registered + timedelta(seconds=int(days * 86_400))
        given = {"client": client, "source": source, "event_id": f"e{len(made)}"} | fields
        made.append(an_event(kind, when, **given))

    def clicked(hours: float) -> str:
        number = chance.randint(0, 9)
        return a_click(registered - timedelta(hours=hours), chance.choice(links), chance.random() < 0.05, number)

    if chance.random() < 0.92:
        add("registration", 0, country=chance.choice(["DE", "TH", None]), click_id=clicked(chance.random() * 300))
        typed = random.Random(f"{client} {registered}").choice([None, None, None, "spring", "Lots-24", "NOBODYS"])
        if typed:
            # Half of them on another device than the one that followed the link.
            click = made[0].click_id if registered.second % 2 else None
            made[0] = replace(made[0], promo_code=typed, click_id=click)
    weights = {"kyc": 3, "deposit": 5, "trade": 8, "withdrawal": 1, "credit": 1, "chargeback": 2, "cancel": 2}
    while len(made) < size:
        days = chance.random() * chance.choice([2, 10, 38])
        refs = [event.event_id for event in made]
        more: dict[str, Any] = {"currency": chance.choice([currency, currency, "EUR", "USD"])}
        match kind := chance.choices(list(weights), list(weights.values()))[0]:
            case "kyc":
                more = {"status": chance.choice(["approved", "approved", "rejected"])}
            case "deposit":
                more |= {"amount": chance.randint(4_000, 60_000)}
                if chance.random() < 0.2:
                    more["click_id"] = clicked(chance.random() * 400 - 20)
            case "trade":
                when = registered + timedelta(seconds=int(days * 86_400))
                more |= {name: chance.randint(-9_000, 20_000) for name in ("spread", "commission", "swap", "pnl")}
                more |= {
                    "lots": chance.randint(0, 300) * (LOT // 100),
                    "symbol": chance.choice(["XAUUSD", "EURUSD"]),
                    "account_type": "standard",
                    "opened_at": when - timedelta(seconds=chance.randint(0, 600)),
                    "closed_at": when,
                }
                if chance.random() < 0.01:
                    more["currency"] = POISON
            case "chargeback":
                more |= {"amount": chance.randint(1_000, 40_000), "ref": chance.choice([None, *refs, "e2"])}
                days += 30 * chance.random()
            case "cancel":
                more = {"ref": chance.choice([*refs, f"e{len(made) + 1}"])}
            case _:
                more |= {"amount": chance.randint(1, 30_000)}
        add(kind, days, **more)
    return made


def _delay(chance: random.Random) -> timedelta:
    """From what happened to its arrival: mostly minutes, sometimes hours, sometimes in another month."""
    return chance.choice(
        [
            timedelta(seconds=chance.randint(0, 300)),
            timedelta(seconds=chance.randint(0, 300)),
            timedelta(hours=chance.randint(1, 60)),
            timedelta(days=chance.randint(10, 45)),
        ]
    )


def _decisions(chance: random.Random, partners: Sequence[str], moments: Sequence[datetime]) -> list[Step]:
    """What people decide meanwhile, often within seconds of an arrival."""
    steps: list[Step] = []

    def near() -> datetime:
        return chance.choice(moments) + timedelta(seconds=chance.randint(-60, 60))

    for partner in partners:
        if chance.random() < 0.4:
            steps.append(Step(near(), "accept deal", (partner,)))
        if chance.random() < 0.2:
            since = near()
            # A standing begins a little after its decision: by then no container keeps an older one.
            steps.append(Step(since, "standing", (partner, Status.BLOCKED, timedelta(minutes=2))))
            if chance.random() < 0.4:
                again = since + timedelta(days=chance.randint(1, 20))
                steps.append(Step(again, "standing", (partner, Status.ACTIVE, timedelta(minutes=2))))
        for month, least in (("2026-01", at("2026-02-01")), ("2026-02", at("2026-03-01"))):
            if chance.random() < 0.45:
                later = [moment for moment in moments if moment >= least]
                when = chance.choice(later) if later and chance.random() < 0.8 else least + timedelta(days=3)
                steps.append(Step(when + timedelta(seconds=chance.randint(0, 60)), "close", (partner, month)))
    return steps


def _late_rates(chance: random.Random, world: World) -> None:
    """The bank's feed stands still for a while; then all that is missing arrives."""
    money = [step for step in world.steps if step.what == "accept" and step.values[0].currency]
    step = chance.choice(money or world.steps)
    day = day_of(step.values[0].occurred_at if money else step.at)
    world.rates_through = plus_days(day, -chance.randint(2, 9))
    world.steps.append(Step(step.at + timedelta(days=chance.randint(1, 20)), "rates"))


def begins(partner: str, accepted: datetime) -> datetime:
    """When the second version of a partner's deal comes into force: the next UTC midnight, or the first of a month
    where its rules look at whole months and the first version did not (docs/deals.md, "When terms may begin")."""
    midnight = accepted.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    first, second = map(parse_terms, DEALS[partner])
    if begins_with_a_month(second, first) and midnight.day != 1:
        return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    return midnight


def days_missing(through: str) -> list[str]:
    """The days whose rates a world begins without."""
    return [day for day in PUBLISHED if day > through]


def rate_places(through: str) -> list[keys.Key]:
    """Where those would stand."""
    return [keys.key("rates", feed=ECB, day=day) for day in days_missing(through)]
