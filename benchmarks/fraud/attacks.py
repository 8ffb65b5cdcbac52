"""Attacks, each with its label: what a partner does who wants to be paid for nothing.

Written from what such attacks are, and from the numbers that were agreed for what passes for suspicious; nobody who
wrote this has seen how they are looked for. An attack has a size: how often what it does fits into the agreed number,
in the densest days. Whoever attacks hides: most go on with honest traffic beside it, spread it over days, bring clicks
as they are expected to, and take addresses, devices and names from the same stock as everybody else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.fraud import honest
from benchmarks.fraud.chance import around, pick, poisson
from benchmarks.fraud.facts import Client, Facts, Partner
from benchmarks.fraud.people import (
    FIRST,
    LAST,
    Person,
    Place,
    a_device,
    a_home,
    a_place,
    an_email,
    bucket_of,
    throw_away,
)
from introducer.domain.calendar import DAY_MS, HOUR_MS

SIZES = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
USUAL_CONVERSION = 0.035


@dataclass(slots=True, kw_only=True)
class Attack:
    """One attack and all that is to be known about it. Days count from the world's first."""

    kind: str
    variant: str = ""
    size: float
    partners: tuple[str, ...]
    pure: bool
    """Whether its partner brings next to nothing else."""
    first_day: int
    clients: set[str] = field(default_factory=set)
    """Those who should earn nobody anything."""
    clicks: int = 0
    """Clicks and loads that nobody made."""
    counted: list[tuple[int, float]] = field(default_factory=list)
    """What the agreed number counts: on which day how much."""
    threshold: float = 0
    within: int = 0
    """Days that the number is about."""

    @property
    def densest(self) -> float:
        """The most that is counted within so many days."""
        return max((self._until(day) for day, _ in self.counted), default=0)

    @property
    def ripe(self) -> int | None:
        """The first day on which what passes for suspicious was there; None when it never was."""
        return next(
            (day for day in sorted({day for day, _ in self.counted}) if self._until(day) >= self.threshold), None
        )

    def _until(self, day: int) -> float:
        return round(sum(much for when, much in self.counted if day - self.within < when <= day), 6)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of attack: how it is done, what the agreed number is, under which deals it pays."""

    threshold: float
    within: int
    deals: tuple[str, ...]
    natural: frozenset[str]
    """The detectors that are there for it."""
    act: Callable[[Facts, Partner, Attack], None]
    sizes: tuple[float, ...] = SIZES


def how_many(size: float, threshold: float) -> int:
    """So many clients: a size below one stays below the number, one above it does not come out smaller."""
    return math.ceil(size * threshold) if size >= 1 else math.floor(size * threshold)


def _spread(facts: Facts, attack: Attack, count: int, within: int) -> list[int]:
    """Days for so many, all within so many days: at once, or as spread as by somebody who does not want to be seen."""
    chance = facts.chance
    within = min(within, facts.days - attack.first_day)
    length = max(1, min(within, chance.choice((2, within // 2, within, within))))
    return sorted(attack.first_day + chance.randrange(length) for _ in range(count))


def _clicks_beside(facts: Facts, partner: Partner, day: int, person: Person) -> None:
    """The click that brought a client, and others as the partner always has them: its conversion stays as it was."""
    usual = min(partner.conversion, 0.3)
    visits = facts.visits[day, partner.partner]
    visits.add(bucket_of(person.place.prefix), 1, 1)
    for _ in range(poisson(facts.chance, (1 - usual) / usual)):
        country = pick(facts.chance, partner.countries)
        visits.add(bucket_of(a_place(facts.chance, country).prefix), 1, facts.chance.random() < 0.85)


def _joins(
    facts: Facts,
    partner: Partner,
    attack: Attack,
    day: int,
    person: Person | None = None,
    *,
    since_click: float | None = None,
    at: int | None = None,
    clicks: bool = True,
) -> Client:
    """A client of the attack registers."""
    who = person or facts.person(pick(facts.chance, partner.countries))
    if clicks:
        _clicks_beside(facts, partner, day, who)
    waited = max(14, honest.hesitation(facts.chance)) if since_click is None else since_click
    client = facts.register(
        partner, who, facts.moment(day) if at is None else at, max(waited, 14) if since_click is None else waited
    )
    attack.clients.add(client.client)
    return client


def _pays_in(facts: Facts, partner: Partner, client: Client, factor: float | None = None) -> tuple[int, int, str]:
    """KYC and a first deposit that a cpa is paid for: when, how much, and its id."""
    chance, deal = facts.chance, partner.deal
    facts.kyc(client, client.registered + int(chance.uniform(0.3, 5) * HOUR_MS))
    at = client.registered + int(chance.uniform(1, 30) * HOUR_MS)
    least = deal.least or honest.PLATFORM_MINIMUM
    amount = round(least * (chance.uniform(1, 1.8) if factor is None else factor) / 100) * 100
    return at, amount, facts.pays_in(client, at, amount, deal.currency)


def _lots_for_cpa(facts: Facts, partner: Partner, client: Client, after: int) -> None:
    """What a cpa asks for, where it asks for lots, and a little more."""
    if partner.deal.lots:
        hundredths = partner.deal.lots + facts.chance.randrange(0, 15)
        at = after + int(facts.chance.uniform(0.5, 12) * HOUR_MS)
        facts.trades(client, at, hundredths, partner.deal.currency, open_s=around(facts.chance, 2400, 0.8) + 180)


def cookie_stuffing(facts: Facts, partner: Partner, attack: Attack) -> None:
    """Pages of its own load the link as an image or a hidden frame, for everybody who passes by. Some browsers do not
    say what they load it for, so those loads look like clicks; and a few of the visitors register anyway, on their own,
    hours or days later."""
    chance = facts.chance
    attack.variant = chance.choice(("image", "iframe"))
    length = min(chance.randrange(6, 22), facts.days - attack.first_day)
    loads = _evenly(facts, attack.size * attack.threshold, length, 7)
    unsaid = chance.uniform(0.1, 0.3)
    for offset, count in enumerate(loads):
        day = attack.first_day + offset
        visits = facts.visits[day, partner.partner]
        visits.flagged += count
        visits.stuffed += count
        attack.counted.append((day, count))
        for _ in range(round(count * unsaid)):
            visits.add(bucket_of(a_place(chance, pick(chance, partner.countries)).prefix), 1, 1)
        attack.clicks += count + round(count * unsaid)
        for _ in range(poisson(chance, count * 0.015) or (offset == 0)):
            later = min(25 * 86400.0, around(chance, 90_000, 1.1))
            if day + later / 86400 < facts.days - 1:
                at = facts.moment(day) + int(later * 1000)
                client = _joins(facts, partner, attack, day, since_click=later, at=at, clicks=False)
                honest.live(facts, partner, client, keen=1.5)


def _evenly(facts: Facts, most: float, length: int, within: int) -> list[int]:
    """So much a day for a length of days, that the densest of so many days has just the most."""
    raw = [around(facts.chance, 1, 0.25) for _ in range(length)]
    densest = max(sum(raw[max(0, day - within + 1) : day + 1]) for day in range(length))
    found = [math.floor(each / densest * most) for each in raw]
    # What rounding took is given back on the first day of the densest ones.
    sums = [sum(found[max(0, day - within + 1) : day + 1]) for day in range(length)]
    end = max(range(length), key=lambda day: sum(raw[max(0, day - within + 1) : day + 1]))
    found[end] += max(0, round(most) - max(sums))
    return found


def click_flooding(facts: Facts, partner: Partner, attack: Attack) -> None:
    """A script opens the link thousands of times, so that whoever of them registers one day anyway is its client."""
    chance = facts.chance
    attack.variant = chance.choice(("one network", "a few networks", "everywhere"))
    length = min(chance.randrange(5, 19), facts.days - attack.first_day)
    networks = {"one network": 1, "a few networks": 4, "everywhere": 300}[attack.variant]
    country = pick(chance, partner.countries)
    places = [a_home(chance, country) for _ in range(networks)]
    fresh = chance.choice((0.05, 0.9, 1.0))
    for offset, count in enumerate(_evenly(facts, attack.size * attack.threshold, length, 7)):
        day = attack.first_day + offset
        attack.counted.append((day, count))
        attack.clicks += count
        for _ in range(count):
            place = chance.choice(places)
            facts.visits[day, partner.partner].add(bucket_of(place.prefix), 1, chance.random() < fresh)
        for _ in range(poisson(chance, count * USUAL_CONVERSION * chance.uniform(0.02, 0.06)) or (offset == 0)):
            later = min(25 * 86400.0, max(7200.0, around(chance, 80_000, 1.0)))
            if day + later / 86400 < facts.days - 1:
                at = facts.moment(day) + int(later * 1000)
                client = _joins(facts, partner, attack, day, since_click=later, at=at, clicks=False)
                honest.live(facts, partner, client, keen=1.5)


def fake_registrations(facts: Facts, partner: Partner, attack: Attack) -> None:
    """People who do not exist register from one network, on one device, with addresses made by a script, or with
    throw-away ones; everything else about them is different."""
    chance = facts.chance
    attack.variant = chance.choice(("network", "device", "pattern", "disposable"))
    country = pick(chance, partner.countries)
    network, device = a_home(chance, country).prefix, a_device(chance)
    made = an_email(chance, country, chance.choice(FIRST), chance.choice(LAST))
    name, _, domain = made.rstrip("0123456789").partition("@")
    name, digits = name.rstrip("0123456789"), chance.randrange(2, 5)
    for day in _spread(facts, attack, how_many(attack.size, attack.threshold), 7):
        person = facts.person(country, a_home(chance, country)).instead(disposable=False)
        if attack.variant == "network":
            person = person.instead(place=Place(network, f"{network}.{chance.randrange(250)}"))
        elif attack.variant == "device":
            person = person.instead(device=device)
        elif attack.variant == "pattern":
            email = f"{name}{chance.randrange(10**digits):0{digits}d}@{domain}"
            person = person.instead(email=email)
        else:
            person = person.instead(email=throw_away(chance), disposable=True)
        client = _joins(facts, partner, attack, day, person, since_click=max(25, around(chance, 120, 0.7)))
        attack.counted.append((day, 1))
        if chance.random() < 0.15:
            facts.kyc(client, client.registered + DAY_MS)


def incentivised(facts: Facts, partner: Partner, attack: Attack) -> None:
    """People are paid a little to register: real ones, each with a device and an address of their own, and of those who
    click far more register than of those who are interested. What counts is the rate of all of the partner's traffic on
    those days, beside what it is usually."""
    chance = facts.chance
    length = min(chance.randrange(3, 8), facts.days - attack.first_day)
    days = range(attack.first_day, attack.first_day + length)
    rate = attack.size * attack.threshold * partner.conversion
    clicks = sum(facts.visits[day, partner.partner].clicks for day in days)
    present = sum(facts.day(each.registered) in days for each in facts.of_partner[partner.partner])
    wanted = max(chance.randrange(42, 80), math.ceil(clicks * rate) + 20)
    more_clicks = max(wanted - present, math.floor(wanted / rate) - clicks)
    attack.variant = f"{length} days"
    for _ in range(wanted - present):
        day = chance.choice(days)
        person = facts.person(pick(chance, partner.countries))
        client = _joins(facts, partner, attack, day, person, clicks=False)
        facts.visits[day, partner.partner].add(bucket_of(person.place.prefix), 1, 1)
        if chance.random() < 0.3:
            facts.kyc(client, client.registered + int(chance.uniform(0.2, 40) * HOUR_MS))
        if chance.random() < (0.3 if partner.deal.kind == "cpa" else 0.05):
            at, _, _ = _pays_in(facts, partner, client, 1.0)
            _lots_for_cpa(facts, partner, client, at)
    for _ in range(more_clicks - (wanted - present)):
        place = a_place(chance, pick(chance, partner.countries))
        facts.visits[chance.choice(days), partner.partner].add(bucket_of(place.prefix), 1, chance.random() < 0.85)
    attack.clicks = wanted - present
    attack.counted.append((days[-1], wanted / max(1, clicks + more_clicks) / partner.conversion))


def self_referral(facts: Facts, partner: Partner, attack: Attack) -> None:
    """The partner's own people are its clients, under their own e-mail address or telephone, or from where they sign
    in; and trade, since a part of the costs comes back."""
    chance = facts.chance
    for day in _spread(facts, attack, how_many(attack.size, attack.threshold), 30):
        member = chance.choice(partner.members)
        person = facts.person(pick(chance, partner.countries))
        client = _joins(facts, partner, attack, day, person)
        by = chance.choice(("email", "phone", "address"))
        facts.known_by(client, by, getattr(member, by))
        attack.variant = by if attack.variant in ("", by) else "several"
        attack.counted.append((day, 1))
        at, amount, _ = _pays_in(facts, partner, client)
        for later in range(chance.randrange(3, 12)):
            moment = at + later * DAY_MS + int(chance.uniform(0.5, 9) * HOUR_MS)
            lots = max(5, round(around(chance, 40 + amount / 2500, 0.5)))
            facts.trades(client, moment, lots, partner.deal.currency, open_s=around(chance, 3600, 1) + 180)


def deposit_and_withdraw(facts: Facts, partner: Partner, attack: Attack) -> None:
    """Money goes in until the cpa is earned, and out again."""
    chance = facts.chance
    attack.variant = "with lots" if partner.deal.lots else "money only"
    for day in _spread(facts, attack, how_many(attack.size, attack.threshold), 26):
        client = _joins(facts, partner, attack, day)
        at, amount, _ = _pays_in(facts, partner, client)
        _lots_for_cpa(facts, partner, client, at)
        out = at + int(chance.uniform(14, 70) * HOUR_MS)
        facts.draws(client, out, round(amount * chance.uniform(0.82, 0.99)), partner.deal.currency)
        attack.counted.append((facts.day(out), 1))


def duplicate_persons(facts: Facts, partner: Partner, attack: Attack) -> None:
    """People who are clients already, of this partner or another, register again under another name, to be paid for
    once more."""
    chance = facts.chance
    earlier = [each for each in facts.clients.values() if facts.day(each.registered) < attack.first_day]
    for day in _spread(facts, attack, how_many(attack.size, attack.threshold), 30):
        was = chance.choice(earlier).person
        by = chance.choice(("phone", "device", "device", "email"))
        person = facts.person(was.country).instead(**{by: getattr(was, by)})
        client = _joins(facts, partner, attack, day, person)
        attack.variant = by if attack.variant in ("", by) else "several"
        attack.counted.append((day, 1))
        at, amount, _ = _pays_in(facts, partner, client)
        _lots_for_cpa(facts, partner, client, at)
        if chance.random() < 0.5:
            later = at + int(chance.uniform(5, 20) * DAY_MS)
            facts.draws(client, later, round(amount * chance.uniform(0.5, 0.95)), partner.deal.currency)


def minimal_deposit(facts: Facts, partner: Partner, attack: Attack) -> None:
    """Just what the cpa asks for, and never anything again."""
    attack.variant = "with lots" if partner.deal.lots else "money only"
    for day in _spread(facts, attack, how_many(attack.size, attack.threshold), 28):
        client = _joins(facts, partner, attack, day)
        at, _, _ = _pays_in(facts, partner, client, facts.chance.choice((1.0, 1.0, 1.0, 1.02)))
        _lots_for_cpa(facts, partner, client, at)
        attack.counted.append((facts.day(at), 1))


def wash_trades(facts: Facts, partner: Partner, attack: Attack) -> None:
    """Lots are opened and closed within minutes, for the rebate alone."""
    chance = facts.chance
    lots = round(attack.size * attack.threshold * 100)
    clients = []
    for _ in range(chance.randrange(1, 4)):
        client = _joins(facts, partner, attack, attack.first_day + chance.randrange(0, 3))
        at, _, _ = _pays_in(facts, partner, client, chance.uniform(2, 12))
        clients.append((client, at))
    attack.variant = f"{len(clients)} clients"
    room = min(24, facts.days - attack.first_day - 6)
    while lots > 0:
        client, since = chance.choice(clients)
        part = min(lots, chance.randrange(150, 500))
        at = since + int(chance.uniform(0.1, room) * DAY_MS)
        facts.trades(client, at, part, partner.deal.currency, open_s=chance.uniform(10, 170), flat=True)
        attack.counted.append((facts.day(at), part / 100))
        lots -= part
        if chance.random() < 0.25:
            normal = chance.randrange(20, 150)
            facts.trades(client, at + HOUR_MS, normal, partner.deal.currency, open_s=around(chance, 3600, 1) + 180)


def chargeback_fraud(facts: Facts, partner: Partner, attack: Attack) -> None:
    """Deposits by stolen cards: their owners find out weeks later."""
    chance = facts.chance
    attack.variant = "stolen cards"
    for day in _spread(facts, attack, how_many(attack.size, attack.threshold), 20):
        client = _joins(facts, partner, attack, day)
        at, amount, deposit = _pays_in(facts, partner, client, chance.uniform(1.2, 5))
        for later in range(chance.randrange(1, 5)):
            moment = at + later * DAY_MS + int(chance.uniform(0.5, 9) * HOUR_MS)
            facts.trades(
                client, moment, chance.randrange(20, 150), partner.deal.currency, open_s=around(chance, 3000, 1) + 180
            )
        back = at + int(chance.uniform(6, 24) * DAY_MS)
        facts.charged_back(client, back, amount, partner.deal.currency, deposit)
        attack.counted.append((facts.day(back), 1))


def timed_by_a_script(facts: Facts, partner: Partner, attack: Attack) -> None:
    """A script clicks and registers: at once, or always after the same time, or one after another like a clock."""
    chance = facts.chance
    attack.variant = chance.choice(("at once", "same wait", "ticking"))
    wait, tick = chance.uniform(25, 150), chance.uniform(6, 30) * 60_000
    at = 0
    for day in _spread(facts, attack, how_many(attack.size, attack.threshold), 7):
        country = pick(chance, partner.countries)
        since = {"at once": chance.uniform(1, 8.5), "same wait": wait + chance.uniform(-1, 1)}.get(attack.variant)
        if attack.variant == "ticking":
            # In sessions: so long as it goes on, each a little less exactly than a clock.
            at = at + int(tick + chance.uniform(-2000, 2000)) if at and facts.day(at) == day else facts.moment(day)
            since = max(14, around(chance, 90, 0.6))
        else:
            at = facts.moment(day)
        who = facts.person(country, a_home(chance, country))
        client = _joins(facts, partner, attack, facts.day(at), who, since_click=since, at=at)
        attack.counted.append((facts.day(at), 1))
        if chance.random() < 0.2:
            facts.kyc(client, client.registered + int(chance.uniform(2, 40) * HOUR_MS))


def shared_account(facts: Facts, partner: Partner, attack: Attack) -> None:
    """Somebody has several partners, all paid to one account: caps, tiers and a first blocked partner are no hindrance.
    The first one was there all the time; what the others bring from then on is what nobody may be paid for twice."""
    chance = facts.chance
    for name in attack.partners:
        each = facts.partners[name]
        each.account, each.account_since = f"account of {partner.partner}", attack.first_day
        for _ in range(chance.randrange(2, 6)):
            day = chance.randrange(attack.first_day, facts.days)
            client = _joins(facts, each, attack, day)
            honest.live(facts, each, client, keen=1.5)
        attack.clients |= {
            client.client for client in facts.of_partner[name] if facts.day(client.registered) >= attack.first_day
        }
    attack.variant = f"{len(attack.partners)} partners"
    attack.counted.append((attack.first_day, len(attack.partners) - 1))


KINDS: dict[str, Kind] = {
    "cookie_stuffing": Kind(200, 7, ("cpa", "revshare", "mixed"), frozenset({"stuffing"}), cookie_stuffing),
    "fake_registrations": Kind(8, 7, ("cpl",), frozenset({"registration_cluster"}), fake_registrations),
    "incentivised": Kind(3, 7, ("cpl", "cpa"), frozenset({"conversion_jump"}), incentivised),
    "click_flooding": Kind(2000, 7, ("cpa", "revshare", "mixed"), frozenset({"click_flooding"}), click_flooding),
    "self_referral": Kind(2, 30, ("revshare", "lot", "mixed"), frozenset({"self_referral"}), self_referral),
    "deposit_and_withdraw": Kind(4, 30, ("cpa", "mixed"), frozenset({"deposit_and_withdraw"}), deposit_and_withdraw),
    "duplicate_persons": Kind(3, 30, ("cpa", "mixed"), frozenset({"duplicate_person"}), duplicate_persons),
    "minimal_deposit": Kind(8, 30, ("cpa",), frozenset({"minimal_deposit"}), minimal_deposit),
    "wash_trades": Kind(50, 30, ("lot",), frozenset({"wash_trades"}), wash_trades),
    "chargeback_fraud": Kind(4, 60, ("cpa", "mixed"), frozenset({"chargebacks"}), chargeback_fraud),
    "timed_by_a_script": Kind(8, 7, ("cpl",), frozenset({"click_timing"}), timed_by_a_script),
    "shared_account": Kind(1, 60, (), frozenset({"shared_account"}), shared_account, (1.0, 2.0, 3.0)),
}
"""The ten kinds of attack, and two that are as often a part of others."""


def spare(partners: Sequence[Partner], facts: Facts, *, pure: bool, conversion: bool) -> list[Partner]:
    """Partners that an attack of a kind can stand with."""
    low, high = (0.0, 0.5) if pure else (0.7, 12.0)
    early = [each for each in partners if low <= each.weekly < high and each.joined < facts.days // 3]
    return [each for each in early if not conversion or 0.008 <= each.conversion <= 0.06]
