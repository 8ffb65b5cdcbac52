"""Honest partners and their clients, as different as they are.

Most partners bring a client now and then, a few bring dozens a week. They have campaigns in which twice as many of the
visitors register, quiet weekends, paydays; bought banners that hardly anybody acts on; seminars at a university. Their
clients sit behind one network of a carrier, share a device in the family, deposit the minimum and forget about it,
change their mind and draw all of it after a day, scalp, ask for a refund.
"""

from __future__ import annotations

from random import Random

from benchmarks.fraud.chance import around, pick, poisson
from benchmarks.fraud.facts import Client, Facts, Member, Partner, Terrain
from benchmarks.fraud.people import (
    COUNTRIES,
    Person,
    Place,
    a_device,
    a_place,
    an_email,
    bucket_of,
    keyed,
)
from introducer.domain.calendar import DAY_MS, HOUR_MS
from introducer.domain.fraud.seen import BUCKETS

DEALS = {"cpa": 35.0, "revshare": 25.0, "lot": 15.0, "cpl": 10.0, "mixed": 15.0}
CURRENCIES = {"EUR": 60.0, "USD": 30.0, "GBP": 10.0}
HOLD_DAYS = 30

FTD = 0.32
"""Of the clients who register, those who pay in sooner or later."""
MINIMUM = 0.22
"""Of the first deposits, those of just what is asked for."""
IDLE = 0.18
"""Of those who paid in, the ones who never trade."""
CHANGED_MIND = 0.015
"""… who draw it all within three days."""
CHARGED_BACK, REFUNDED = 0.007, 0.004
SCALPERS = 0.06
FAMILY = 0.03
"""Of a partner's clients, those who register from the device of a relative, who is its client too."""
AGAIN = 0.004
"""… who were a client before, of whichever partner, and register once more."""
SLOW_CLOCK = 0.002
"""… whose registration seems to come right after the click, or before it: clocks differ."""
PLATFORM_MINIMUM = 10_000


def a_deal(chance: Random, kind: str) -> Terrain:
    """A deal of a kind."""
    currency = pick(chance, CURRENCIES)
    least, lots, rules = None, 0, []
    if kind in ("cpa", "mixed"):
        least = chance.choice((100, 100, 200, 250)) * 100
        lots = chance.choice((0, 0, 20, 50))
        wanted: dict[str, object] = {"kyc": True, "min_deposit": f"{least // 100}.00", "within_hours": 168}
        if lots:
            wanted |= {"min_lots": f"0.{lots:02d}", "within_days": 45}
        amounts = [{"countries": [], "amount": f"{chance.choice((150, 200, 300, 400, 600))}.00"}]
        rules.append({"type": "cpa", "id": "cpa", "amounts": amounts, "qualification": wanted})
    if kind in ("revshare", "mixed"):
        percent = chance.choice((25, 30, 35, 40)) if kind == "revshare" else chance.choice((10, 15, 20))
        rules.append({"type": "revshare", "id": "rev", "percent": str(percent), "negative": "reset"})
    if kind == "lot":
        amount = f"{chance.choice((3, 4, 5, 6, 8))}.00"
        rules.append({"type": "lot", "id": "lot", "groups": [{"symbols": [], "amount": amount}]})
    if kind == "cpl":
        amounts = [{"countries": [], "amount": f"{chance.choice((5, 8, 10, 12))}.00"}]
        rules.append({"type": "cpl", "id": "cpl", "amounts": amounts, "qualification": {}})
    terms = {"currency": currency, "hold": {"days": HOLD_DAYS, "from": "month_end"}, "rules": rules}
    return Terrain(kind, currency, least, lots, terms)


def a_partner(facts: Facts, number: int) -> Partner:
    """A partner, as large as chance has it."""
    chance = facts.chance
    name = f"par_{number:04d}"
    main = pick(chance, COUNTRIES)
    countries = {main: 1.0} | {pick(chance, COUNTRIES): chance.uniform(0.05, 0.6) for _ in range(chance.randrange(3))}
    weekly = around(chance, 0.5, 1.3)
    if chance.random() < 0.007:
        weekly = chance.uniform(35, 75)
    conversion = min(0.12, max(0.008, around(chance, 0.035, 0.45)))
    style = chance.random()
    if style < 0.12:  # Introduces people whom it has met: few clicks.
        conversion = chance.uniform(0.12, 0.4)
    elif style < 0.15:  # Buys banners.
        conversion, weekly = chance.uniform(0.002, 0.005), min(weekly, 12.0)
    link = f"L{number:07d}"
    owner = facts.person(main)
    members = [_member(owner)] + [_member(facts.person(main)) for _ in range(chance.choice((0, 0, 0, 1, 2)))]
    late = 0 if chance.random() < 0.82 else chance.randrange(1, max(2, facts.days - 10))
    partner = Partner(
        name,
        link,
        a_deal(chance, pick(chance, DEALS)),
        tuple(members),
        countries,
        weekly,
        conversion,
        late,
        quality=around(chance, 1.0, 0.25),
        account=f"account of {name}",
    )
    facts.partners[name] = partner
    return partner


def _member(person: Person) -> Member:
    return Member(keyed("email", person.email), keyed("phone", person.phone), keyed("address", person.place.address))


class Season:
    """A partner's days: how many come, and how many of them register."""

    def __init__(self, facts: Facts, partner: Partner) -> None:
        chance = facts.chance
        self._weekend = chance.uniform(0.55, 1.1)
        self._trend = chance.gauss(0, 0.006)
        self._restless = chance.uniform(0.15, 0.5)
        self._campaigns: list[tuple[int, int, float, float]] = []
        if chance.random() < 0.35:
            for _ in range(chance.randrange(1, 3)):
                begin = chance.randrange(facts.days)
                self._campaigns.append(
                    (begin, begin + chance.randrange(3, 9), chance.uniform(1.2, 4), chance.uniform(1, 2))
                )
        self._facts, self._partner = facts, partner

    def of(self, day: int) -> tuple[float, float]:
        """How many visitors are expected on a day, and which share of them registers."""
        facts, partner = self._facts, self._partner
        if day < partner.joined:
            return 0.0, 0.0
        visitors = partner.weekly / partner.conversion / 7
        name = facts.name(day)
        if (facts.begins // DAY_MS + day + 3) % 7 >= 5:
            visitors *= self._weekend
        if int(name[8:]) >= 26 or int(name[8:]) <= 3:
            visitors *= 1.2
        visitors *= max(0.3, 1 + self._trend * (day - facts.days / 2))
        visitors *= around(facts.chance, 1, self._restless)
        if partner.joined:
            visitors *= min(1.0, (day - partner.joined + 1) / 10)
        conversion = partner.conversion * around(facts.chance, 1, 0.12)
        for begin, end, more, better in self._campaigns:
            if begin <= day < end:
                visitors, conversion = visitors * more, conversion * better
        return visitors, min(conversion, 0.6)


def traffic(facts: Facts, partner: Partner) -> None:
    """What an honest partner brings, on all days of the world."""
    chance = facts.chance
    season = Season(facts, partner)
    weights = _buckets(chance, partner)
    again = chance.uniform(0.05, 0.3)
    robots = chance.uniform(0.01, 0.08)
    embeds = chance.uniform(0.2, 1.5) if chance.random() < 0.02 else 0.0
    for day in range(facts.days):
        visitors, conversion = season.of(day)
        clicks = poisson(chance, visitors)
        registrations = min(clicks, poisson(chance, clicks * conversion))
        if not clicks:
            continue
        visits = facts.visits[day, partner.partner]
        for bucket in chance.choices(range(BUCKETS), weights, k=clicks):
            visits.buckets[bucket] += 1
        visits.clicks += clicks
        visits.unique += sum(chance.random() > again for _ in range(clicks))
        stuffed = poisson(chance, embeds)
        visits.flagged += poisson(chance, clicks * robots) + stuffed
        visits.stuffed += stuffed
        for _ in range(registrations):
            live(facts, partner, comes(facts, partner, day))


def _buckets(chance: Random, partner: Partner) -> list[float]:
    """The networks that a partner's visitors come from: some of them carriers'."""
    weights = [0.0] * BUCKETS
    for country in chance.choices(list(partner.countries), list(partner.countries.values()), k=400):
        weights[bucket_of(a_place(chance, country).prefix)] += 1
    return weights


def seminar(facts: Facts, partner: Partner, day: int) -> None:
    """Somebody speaks at a university or a company: people register there, on the spot and the day after."""
    chance = facts.chance
    country = max(partner.countries, key=lambda each: partner.countries[each])
    prefix = f"{country}.u{chance.randrange(40)}"
    for _ in range(chance.choice((2, 3, 3, 4, 4, 5, 5, 6, 7, 9))):
        person = facts.person(country, Place(prefix, f"{prefix}.{chance.randrange(3)}"))
        if chance.random() < 0.3:
            person = person.instead(email=f"{person.email.partition('@')[0]}@uni{chance.randrange(40)}.example")
        on = day + (chance.random() < 0.3)
        client = facts.register(partner, person, facts.moment(on), around(chance, 240, 0.8))
        facts.visits[on, partner.partner].add(bucket_of(prefix), 1, 1)
        live(facts, partner, client)


def tries_its_own_link(facts: Facts, partner: Partner, day: int) -> None:
    """A partner registers once through its own link, to see that it works."""
    chance = facts.chance
    person = facts.person(max(partner.countries, key=lambda each: partner.countries[each]))
    client = facts.register(partner, person, facts.moment(day), around(chance, 60, 0.5) + 10)
    facts.visits[day, partner.partner].add(bucket_of(person.place.prefix), 1, 1)
    facts.known_by(client, "email", partner.members[0].email)
    facts.known_by(client, "address", partner.members[0].address)


def comes(facts: Facts, partner: Partner, day: int) -> Client:
    """Somebody registers with an honest partner on a day. Its click is among those counted."""
    chance = facts.chance
    country = pick(chance, partner.countries)
    person = facts.person(country)
    before = facts.of_partner[partner.partner]
    kin = chance.random()
    if before and kin < FAMILY:
        relative = chance.choice(before[-60:]).person
        device = relative.device if chance.random() < 0.6 else a_device(chance)
        phone = relative.phone if chance.random() < 0.1 else person.phone
        person = person.instead(country=relative.country, device=device, place=relative.place, phone=phone)
    elif facts.clients and kin > 1 - AGAIN:
        # By chance from anywhere in the brand: somebody who forgot that there is an account.
        was = facts.clients[chance.choice(list(facts.clients))].person
        email = was.email if chance.random() < 0.2 else an_email(chance, was.country, "my", "second")
        device = was.device if chance.random() < 0.5 else person.device
        person = was.instead(email=email, device=device)
    at = facts.moment(day)
    return facts.register(partner, person, at, hesitation(chance))


def hesitation(chance: Random) -> float:
    """Seconds from a click to the registration: most fill in the form at once, some come back after days."""
    kind = chance.random()
    if kind < SLOW_CLOCK:
        return chance.uniform(0, 9)
    if kind < 0.82:
        return max(14.0, around(chance, 300, 0.9))
    return min(25 * 86400.0, max(600.0, around(chance, 60_000, 1.4)))


def live(facts: Facts, partner: Partner, client: Client, *, keen: float = 1.0) -> None:
    """The rest of an honest client's life, until the world ends."""
    chance, deal = facts.chance, partner.deal
    if chance.random() < 0.6:
        facts.kyc(client, client.registered + int(around(chance, 8, 1.0) * HOUR_MS))
        known = True
    else:
        known = False
    if chance.random() > FTD * partner.quality * keen:
        return
    if not known:
        facts.kyc(client, client.registered + int(around(chance, 20, 1.0) * HOUR_MS))
    first = client.registered + int(around(chance, 16, 1.3) * HOUR_MS)
    least = deal.least or PLATFORM_MINIMUM
    if chance.random() < MINIMUM:
        amount = least
    else:
        amount = max(PLATFORM_MINIMUM // 2, round(around(chance, 28_000, 0.9) / 5_000) * 5_000)
    deposit = facts.pays_in(client, first, amount, deal.currency)
    fate = chance.random()
    if fate < CHARGED_BACK:
        facts.charged_back(client, first + int(chance.uniform(5, 50) * DAY_MS), amount, deal.currency, deposit)
    elif fate < CHARGED_BACK + REFUNDED:
        facts.charged_back(client, first + int(chance.uniform(0.2, 6) * DAY_MS), amount, deal.currency, deposit)
        return
    elif fate < CHARGED_BACK + REFUNDED + CHANGED_MIND:
        share = chance.choice((1.0, 1.0, 0.95, 0.85))
        facts.draws(client, first + int(chance.uniform(2, 71) * HOUR_MS), round(amount * share), deal.currency)
        return
    if chance.random() < IDLE:
        return
    _trades(facts, partner, client, first, amount)


def _trades(facts: Facts, partner: Partner, client: Client, first: int, amount: int) -> None:
    chance, currency = facts.chance, partner.deal.currency
    scalper = chance.random() < SCALPERS
    active = chance.uniform(0.15, 0.6)
    usual = max(2.0, around(chance, 20 if amount < 50_000 else 60, 0.8)) * (4 if scalper else 1)
    days = min(int(chance.expovariate(1 / 35)) + 1, (facts.ends - first) // DAY_MS + 1)
    for day in range(days):
        if day and chance.random() > active:
            continue
        at = first + day * DAY_MS + int(chance.uniform(0.3, 9) * HOUR_MS)
        lots = max(1, round(around(chance, usual, 0.5)))
        if scalper:
            facts.trades(client, at, lots, currency, open_s=chance.uniform(15, 170), flat=chance.random() < 0.22)
        else:
            quick = chance.random() < 0.06
            open_s = chance.uniform(20, 170) if quick else around(chance, 7200, 1.3) + 180
            facts.trades(client, at, lots, currency, open_s=open_s, flat=chance.random() < 0.1)
        if chance.random() < 0.05:
            facts.pays_in(
                client, at + HOUR_MS, max(5_000, round(amount * chance.uniform(0.3, 1.5) / 100) * 100), currency
            )
    if chance.random() < 0.4:
        end = first + days * DAY_MS + int(chance.uniform(1, 200) * HOUR_MS)
        facts.draws(client, end, max(2_000, round(amount * chance.uniform(0.1, 1.1))), currency)
