"""What happens in the demo world, slot by slot: pure data from the plan, the trading day and a seed.

A slot is a moment to which the local clock is moved. Its clicks happen then; its postbacks are delivered then, and tell
of what happened before. Six weeks of history have a few slots a day, the trading day has one every quarter of an hour.

Everything that a real platform does to a receiver is in it: deliveries in batches and alone, twice, late, before the
event they build on, a type nobody knows. And two partners in it cheat (`attacks`).
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from introducer_ops.demo.attacks import Attack, attack
from introducer_ops.demo.people import person
from introducer_ops.demo.plan import CURRENCY_OF, QUOTED_COUNTRIES, STAR, UNQUOTED, Plan
from introducer_ops.demo.telling import Click, Message, Told, Writer, money, rfc3339, trade

HISTORY_DAYS = 42
_HISTORY_HOURS = ((8, 0), (13, 0), (19, 0), (23, 30))
_STEP = timedelta(minutes=15)
_BATCH = 60

_REFERERS = (
    "https://www.google.com/",
    "https://t.co/",
    "https://www.youtube.com/",
    "https://www.facebook.com/",
    "https://forum.pipwatch.example/thread/1182",
    "https://news.chartline.example/weekly",
    None,
    None,
)
_SUBS = ("newsletter", "banner-top", "video", "bio", "review", "pinned", "")
# Share of a day's clicks by UTC hour until the close: Asia's morning, Europe's day, an evening on phones.
_HOURS = (2, 2, 2, 3, 3, 3, 4, 6, 8, 9, 8, 8, 8, 9, 9, 8, 7, 7, 8, 9, 8)
CLOSE = time(21)
"""The end of the trading day: five in the afternoon in New York, by its summer time."""


@dataclass(frozen=True, slots=True)
class Volumes:
    """How much happens. The numbers of clicks are exact; events follow from what the clients do."""

    day_clicks: int = 1_300
    history_clicks: int = 560
    day_clients: int = 150
    history_clients: int = 140


@dataclass(frozen=True, slots=True)
class Post:
    """One request to the postback address: one event alone, or several as a batch."""

    messages: tuple[Message, ...]
    single: bool


@dataclass(frozen=True, slots=True)
class Slot:
    at: datetime
    busy: bool
    """Whether it belongs to the trading day, and not to the history before."""
    clicks: tuple[Click, ...]
    posts: tuple[Post, ...]


@dataclass(frozen=True, slots=True)
class Script:
    built_at: datetime
    """When the world is made: two midnights before the first slot's month, so that the deals are in force at that
    month's first instant, by which goals and overrides go."""
    slots: tuple[Slot, ...]
    clicks: int
    events: int
    """Deliveries, repeats among them."""
    distinct: int
    """Different events that the receiver must accept."""
    repeats: int
    unknown: int
    attacks: tuple[Attack, ...] = ()
    """Who cheats, and with which clients."""


def make_script(
    plan: Plan, day: date, people: tuple[str, ...], crawlers: tuple[str, ...], volumes: Volumes | None = None
) -> Script:
    """The script of this world and trading day: always the same for the same arguments.

    `people` and `crawlers` are user agents.
    """
    volumes = volumes or Volumes()
    chance = random.Random(f"{plan.seed}/script")
    times = _slot_times(day)
    clicks = _clicks(plan, day, times, people, crawlers, volumes, chance)
    writer = Writer(chance, day, times)
    _star_clients(plan, day, clicks, writer)
    _clients(plan, day, clicks, volumes, writer)
    _late_and_odd(day, writer)
    attacks = attack(plan, day, clicks, people, writer)
    repeats = _repeat_some(writer)
    unknown = sum(told.message.fields["type"] == "margin_call" for told in writer.told)
    events = len(writer.told)
    return Script(
        built_at=datetime.combine(
            (day - timedelta(days=HISTORY_DAYS)).replace(day=1) - timedelta(days=2), time(9), UTC
        ),
        slots=_arranged(day, times, clicks, writer),
        clicks=sum(len(some) for some in clicks.values()),
        events=events,
        distinct=events - repeats - unknown,
        repeats=repeats,
        unknown=unknown,
        attacks=attacks,
    )


def _slot_times(day: date) -> list[datetime]:
    times = [
        datetime.combine(day - timedelta(days=back), time(hour, minute), UTC)
        for back in range(HISTORY_DAYS, 0, -1)
        for hour, minute in _HISTORY_HOURS
    ]
    start = datetime.combine(day, time(), UTC)
    return [*times, *(start + _STEP * number for number in range(CLOSE.hour * 4 + 1))]


def _clicks(
    plan: Plan,
    day: date,
    times: list[datetime],
    people: tuple[str, ...],
    crawlers: tuple[str, ...],
    volumes: Volumes,
    chance: random.Random,
) -> dict[datetime, list[Click]]:
    """All clicks by their slot."""
    today = [at for at in times if at.date() == day][:-1]
    # Weekends are quiet, and traffic grows towards the present.
    before = [at for at in times if at.date() < day and at.hour < 22]
    growth = [
        (0.35 if at.weekday() >= 5 else 1.0) * (0.6 + 0.4 * number / len(before)) for number, at in enumerate(before)
    ]
    moments = sorted(
        chance.choices(before, growth, k=volumes.history_clicks)
        + chance.choices(today, [_HOURS[at.hour] for at in today], k=volumes.day_clicks)
    )
    weights = [partner.weight for partner in plan.partners]
    visitors: list[Click] = []
    clicks: dict[datetime, list[Click]] = defaultdict(list)
    for number, at in enumerate(moments):
        partner = chance.choices(range(len(plan.partners)), weights)[0]
        home = plan.partners[partner].country
        at_home = chance.random() < 0.7 or plan.partners[partner].currency == UNQUOTED
        country = home if at_home else chance.choice(QUOTED_COUNTRIES)
        # Addresses of the range that is set aside for tests of networks (RFC 2544).
        address = f"198.{chance.choice((18, 19))}.{chance.randrange(256)}.{chance.randrange(1, 255)}"
        crawler = chance.random() < 0.12
        sub = chance.choice(_SUBS)
        click = Click(
            number=number,
            visitor=number,
            partner=partner,
            campaign=chance.choice(plan.partners[partner].campaigns),
            address=address,
            country=country,
            agent=chance.choice(crawlers if crawler else people),
            referer=None if crawler else chance.choice(_REFERERS),
            subs={"sub1": sub} if sub else {},
            crawler=crawler,
        )
        known = [before for before in visitors[-60:] if before.partner == partner]
        if known and not crawler and chance.random() < 0.15:
            same = chance.choice(known)
            click = replace(
                click,
                visitor=same.visitor,
                campaign=same.campaign,
                address=same.address,
                country=same.country,
                agent=same.agent,
                referer=same.referer,
            )
        if not crawler:
            visitors.append(click)
        if not crawler and chance.random() < 0.02:
            click = replace(click, method="HEAD") if chance.random() < 0.5 else replace(click, prefetch=True)
        clicks[at].append(click)
    return clicks


def _payable(clicks: dict[datetime, list[Click]], keep: Any) -> list[tuple[datetime, Click]]:
    return [
        (at, click)
        for at, some in sorted(clicks.items())
        for click in some
        if not click.crawler and click.method == "GET" and not click.prefetch and keep(at, click)
    ]


def _clients(plan: Plan, day: date, clicks: dict[datetime, list[Click]], volumes: Volumes, writer: Writer) -> None:
    """Clients that come of clicks, each living its own short story."""
    chance = writer.chance
    before = _payable(clicks, lambda at, click: at.date() < day)
    today = _payable(clicks, lambda at, click: at.date() == day and at.hour < CLOSE.hour - 1)
    chosen = sorted(
        chance.sample(range(len(before)), min(volumes.history_clients, len(before))),
    )
    stories = [before[index] for index in chosen]
    stories += [
        today[index] for index in sorted(chance.sample(range(len(today)), min(volumes.day_clients, len(today))))
    ]
    for number, (at, click) in enumerate(stories):
        _story(plan, f"{710_000 + number * 7}", at, click, writer)
    # Some come by nobody's link: the platform reports them all the same.
    for number in range(6):
        at = datetime.combine(day, time(9 + number, 20), UTC)
        client, country = f"{690_000 + number * 13}", chance.choice(QUOTED_COUNTRIES)
        writer.tell(
            "registration", client, at, country=country, ip=f"198.18.200.{10 + number}", **person(client, country)
        )


def _story(plan: Plan, client: str, clicked: datetime, click: Click, writer: Writer) -> None:
    chance, end = writer.chance, writer.slots[-1]
    currency = CURRENCY_OF[click.country]
    account = {"account": client + "1", "account_type": chance.choice(("standard", "standard", "ecn"))}
    registered = clicked + timedelta(minutes=chance.randint(16, 50), seconds=chance.randrange(60))
    late = timedelta(minutes=chance.choice((45, 90))) if chance.random() < 0.08 else timedelta()
    _register(client, registered, click, writer, late)
    if chance.random() < 0.2:
        return
    checked = registered + timedelta(minutes=chance.randint(10, 240))
    if chance.random() < 0.08:
        writer.tell("kyc", client, checked, status="rejected")
        return
    writer.tell("kyc", client, checked, status="approved")
    if chance.random() < 0.2:
        return
    paid = checked + timedelta(minutes=chance.randint(5, 200))
    euros = chance.choice((50, 100, 150, 200, 250, 300, 500, 800, 1_000, 2_500))
    first = writer.tell("deposit", client, paid, currency=currency, amount=money(euros, currency), **account)
    if first is None:
        return
    if chance.random() < 0.3:
        again = paid + timedelta(hours=chance.randint(20, 400))
        more = chance.choice((100, 200, 500))
        writer.tell("deposit", client, again, currency=currency, amount=money(more, currency), **account)
    if chance.random() < 0.06:
        writer.tell("credit", client, paid + timedelta(hours=2), currency=currency, amount=money(euros * 0.1, currency))
    _trades(client, paid, end, currency, account, chance.uniform(0.5, 5) * (1 if euros < 500 else 1.8), writer)
    if chance.random() < 0.22:
        out = paid + timedelta(hours=chance.randint(30, 500))
        share = chance.uniform(0.2, 0.7)
        writer.tell("withdrawal", client, out, currency=currency, amount=money(euros * share, currency), **account)
    if chance.random() < 0.012:
        writer.tell(
            "chargeback",
            client,
            paid + timedelta(days=chance.randint(3, 12)),
            currency=currency,
            amount=money(euros, currency),
            ref=first,
        )


def _register(client: str, at: datetime, click: Click, writer: Writer, delay: timedelta = timedelta()) -> None:
    writer.tell(
        "registration",
        client,
        at,
        click=click.number,
        delay=delay,
        country=click.country,
        ip=click.address,
        **person(client, click.country, click.visitor),
    )


def _trades(
    client: str,
    since: datetime,
    until: datetime,
    currency: str,
    account: Mapping[str, str],
    eager: float,
    writer: Writer,
    most: int = 14,
) -> None:
    """Trades with falling zest: most in the first days, then with ever longer pauses."""
    chance, at = writer.chance, since
    for number in range(chance.randint(0, 3) + round(eager * 3)):
        at += timedelta(hours=chance.expovariate(1) * (5 + 4 * number) / eager, minutes=5)
        if at.weekday() >= 5:  # markets are closed
            at += timedelta(days=7 - at.weekday())
        if at > until or most == 0:
            return
        most -= 1
        writer.tell(
            "trade",
            client,
            at,
            delay=timedelta(minutes=chance.randint(0, 50)),
            **trade(at, currency, chance),
            **account,
        )


def _star_clients(plan: Plan, day: date, clicks: dict[datetime, list[Click]], writer: Writer) -> None:
    """The demo partner's own stories, so that its pages show everything: money that has matured, money that is pending,
    and a payment taken back because the deposit behind it was."""
    chance = writer.chance
    own = _payable(clicks, lambda at, click: click.partner == STAR and at.date() < day)
    ages = (36, 30, 24, 17, 12, 9, 5)
    for number, age in enumerate(ages):
        clicked, click = min(
            own, key=lambda found: abs((found[0].date() - (day - timedelta(days=age))).days * 100 + found[0].hour - 8)
        )
        own.remove((clicked, click))
        client, currency = f"{680_000 + number * 11}", CURRENCY_OF[click.country]
        account = {"account": client + "1", "account_type": "standard"}
        registered = clicked + timedelta(minutes=22 + number)
        _register(client, registered, click, writer)
        writer.tell("kyc", client, registered + timedelta(hours=1), status="approved")
        paid = registered + timedelta(hours=2)
        euros = (500, 300, 1_000, 250, 450, 600, 200)[number]
        first = writer.tell("deposit", client, paid, currency=currency, amount=money(euros, currency), **account)
        for nth in range(3):
            at = paid + timedelta(hours=3 + 5 * nth)
            at += timedelta(days=7 - at.weekday() if at.weekday() >= 5 else 0)
            writer.tell("trade", client, at, **trade(at, currency, chance), **account)
        _trades(client, paid + timedelta(days=4), writer.slots[-1], currency, account, 0.3, writer, most=8)
        if age == 12:
            # Four fifths of the deposit come back on the trading day: what is left does not qualify any more.
            taken = datetime.combine(day, time(14, 5), UTC)
            writer.tell(
                "chargeback",
                client,
                taken,
                currency=currency,
                amount=money(euros * 0.8, currency),
                ref=first,
                alone=True,
            )


def _late_and_odd(day: date, writer: Writer) -> None:
    """What a receiver must bear on the trading day: old trades told only now, a trade that never was, a first deposit
    told before its registration, and a type that nobody knows."""
    chance = writer.chance
    told = list(writer.told)
    old = [one for one in told if one.message.fields["type"] == "trade" and one.deliver.date() < day]
    for one in chance.sample(old, min(12, len(old))):
        one.deliver = datetime.combine(day, time(chance.randint(5, 20), 40), UTC)
    traded = [one for one in old if one.deliver.date() < day]
    for one in chance.sample(traded, min(4, len(traded))):
        writer.tell(
            "cancel",
            one.message.fields["client_id"],
            datetime.combine(day, time(11, 10), UTC),
            ref=one.message.fields["event_id"],
        )
    # From their first deposit on, of some clients everything overtakes the registration.
    fresh = [
        one
        for one in told
        if one.message.fields["type"] == "registration" and one.message.click is not None and one.deliver.date() == day
    ]
    for one in chance.sample(fresh, min(10, len(fresh))):
        delayed = one.deliver + timedelta(hours=chance.randint(3, 6))
        one.deliver = min(delayed, writer.slots[-1])
    writer.told.append(
        Told(
            datetime.combine(day, time(16, 10), UTC),
            Message(
                {
                    "event_id": "mar-00001",
                    "type": "margin_call",
                    "client_id": "710007",
                    "occurred_at": rfc3339(datetime.combine(day, time(16, 4), UTC)),
                    "level": "0.42",
                }
            ),
            True,
        )
    )


def _repeat_some(writer: Writer) -> int:
    """Deliver some events a second time, later: platforms retry what they were not sure of. Returns how many."""
    repeatable = [one for one in writer.told if one.message.fields["type"] != "margin_call"]
    again = writer.chance.sample(repeatable, len(repeatable) // 25)
    for one in again:
        later = one.deliver + timedelta(hours=writer.chance.choice((1, 1, 2, 5)))
        writer.told.append(Told(min(later, writer.slots[-1]), one.message, writer.chance.random() < 0.5))
    return len(again)


def _arranged(
    day: date, times: list[datetime], clicks: dict[datetime, list[Click]], writer: Writer
) -> tuple[Slot, ...]:
    """Everything in its slot: an event goes out at the first one at or after its delivery."""
    alone: dict[datetime, list[Message]] = defaultdict(list)
    together: dict[datetime, list[Message]] = defaultdict(list)
    for told in writer.told:
        slot = times[bisect_left(times, told.deliver)]
        (alone if told.alone else together)[slot].append(told.message)
    slots = []
    for at in times:
        batch = together[at]
        # Within a batch order means nothing, and the receiver must not need it.
        writer.chance.shuffle(batch)
        posts = [Post((message,), True) for message in alone[at]]
        posts += [Post(tuple(batch[start : start + _BATCH]), False) for start in range(0, len(batch), _BATCH)]
        if posts or clicks.get(at):
            slots.append(Slot(at, at.date() == day, tuple(clicks.get(at, ())), tuple(posts)))
    return tuple(slots)
