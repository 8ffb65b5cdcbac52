"""Random small worlds of a payout run: partners who are paid in several ways, what they have, what comes in between."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from introducer.domain.calendar import plus_days
from introducer.domain.configuration import (
    Brand,
    Change,
    DealRecord,
    Member,
    Partner,
    PartnerKind,
    Role,
    Status,
)
from introducer.domain.events import milliseconds
from introducer.domain.ledger import Journal, Key, Line, Receipt, earning_legs, journal_id, post_month
from introducer.domain.payment_profile import Destination, PaymentProfile, RailKind, masked
from introducer.domain.payout_schedule import Cadence, PayoutSchedule
from introducer.domain.verification import Verification, VerificationStatus
from introducer.gateways.vault import Vault
from introducer.services.read_contracts import ECB
from introducer.store import keys
from introducer.store.accruals import Accrual, Accruals
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.verifications import verification_to_item
from introducer.store.wire import to_wire
from tests.conftest import create_table
from tests.faults.payout_rails import FATES, Fate, Kms
from tests.support.builders import at, revshare, terms
from tests.support.memory import Memory, served_by

BRAND, RUN, SCHEDULE = "brd_1", "2026-02-monthly", "monthly"
FIRST, THROUGH, STARTS = "2026-02-01", "2026-02-28", at("2026-03-03 05:00")
SINCE = at("2025-06-01")
FACTS, BOOKS = "facts", "books"

MAKER = Member(member="mem_maker", partner=None, brand=BRAND, role=Role.FINANCE, name="Maker", language="en")
CHECKER = Member(member="mem_checker", partner=None, brand=BRAND, role=Role.FINANCE, name="Checker", language="en")

IBANS = ("DE89370400440532013000", "NL91ABNA0417164300", "GB29NWBK60161331926819")


class Payee(NamedTuple):
    """How a partner is paid, and what it may have."""

    rail: RailKind
    pays_in: str
    holds: tuple[str, ...]
    earn_date: bool = False


PAYEES: Mapping[str, Payee] = {
    "par_bank": Payee(RailKind.SEPA, "EUR", ("EUR", "USD")),
    "par_club": Payee(RailKind.PAYPAL, "USD", ("EUR", "USD", "KWD")),
    "par_desk": Payee(RailKind.MANUAL, "JPY", ("USD", "JPY"), earn_date=True),
    "par_echo": Payee(RailKind.PAYPAL, "USD", ("EUR", "JPY"), earn_date=True),
    "par_fund": Payee(RailKind.SEPA, "EUR", ("EUR", "KWD")),
}
"""All partners of the brand. Those who have nothing in a world are in its run as well, and are left out."""


def schedule(confirm_days: int = 10) -> PayoutSchedule:
    return PayoutSchedule(
        brand=BRAND, schedule=SCHEDULE, cadence=Cadence.MONTHLY, time_zone="Europe/Berlin", minimums={"EUR": 1_000},
        confirm_days=confirm_days,
    )  # fmt: skip


@cache
def configured() -> Memory:
    """Tables with the configuration of all worlds, written by the product's own stores; copied for each schedule."""
    memory = Memory()
    for table, index in ((FACTS, False), (BOOKS, True)):
        create_table(memory.client, table, index)
    with served_by(memory.client):
        configuration, profiles = Configuration(BOOKS), PaymentProfiles(BOOKS)
        change = Change(by="system:test", at=SINCE, why="a world for the schedules")
        configuration.open_brand(
            Brand(
                brand=BRAND, name="Northwind", domain="partners.example", base_currency="EUR",
                fallback_url="https://www.example/", created=SINCE,
            ),
            change,
        )  # fmt: skip
        PayoutSchedules(BOOKS).put(None, schedule(), change)
        for partner, payee in PAYEES.items():
            configuration.register_partner(
                Partner(
                    partner=partner, brand=BRAND, name=partner, kind=PartnerKind.AFFILIATE, status=Status.ACTIVE,
                    parent=None, manager=None, country="DE", language="en", currency="EUR", email_hash=None,
                    created=SINCE,
                ),
                change,
            )  # fmt: skip
            text = json.dumps(terms(revshare()) | ({"payout_rate": "earn_date"} if payee.earn_date else {}))
            configuration.propose_deal(
                DealRecord(
                    partner=partner, version=1, valid_from=SINCE, accepted_at=SINCE, terms=text,
                    terms_hash=hashlib.sha256(text.encode()).hexdigest(),
                ),
                change,
            )  # fmt: skip
            change_profile(profiles, a_vault(), partner, SINCE)
            verified = Verification(
                partner=partner, brand=BRAND, status=VerificationStatus.APPROVED, version=2, approved_at=SINCE
            )
            memory.client.put_item(TableName=BOOKS, Item=to_wire(verification_to_item(verified)))
    for day in PUBLISHED:
        memory.client.put_item(TableName=BOOKS, Item=_rates(day))
    return memory


def a_vault(wire: Any = None) -> Vault:
    """The product's vault, with a stand-in of KMS."""
    return Vault(Kms(wire), "key", random=lambda size: b"\7" * size)


def change_profile(profiles: PaymentProfiles, vault: Vault, partner: str, now: datetime) -> PaymentProfile:
    """The partner is paid elsewhere from now on: a new version, in the same way and currency."""
    payee, before = PAYEES[partner], profiles.of_partner(partner)
    version = 1 if before is None else before.version + 1
    bare = {"rail": payee.rail, "currency": payee.pays_in, "holder": partner, "country": "DE"}
    match payee.rail:
        case RailKind.SEPA:
            there = Destination(**bare, iban=IBANS[version % len(IBANS)])
        case RailKind.PAYPAL:
            there = Destination(**bare, email=f"{partner}.{version}@example.com")
        case RailKind.MANUAL:
            there = Destination(**bare, instructions=f"Account 1234 {version:04d}")
    sealed, data_key = vault.seal(partner, version, there)
    after = PaymentProfile(
        partner=partner, version=version, rail=there.rail, currency=there.currency, country="DE",
        masked=masked(there), sealed=sealed, data_key=data_key, fingerprint=f"fp_{partner}_{version}",
        changed_at=now, changed_by="mem_owner", usable_from=now + timedelta(days=3),
    )  # fmt: skip
    profiles.change(before, after, Change(by="mem_owner", at=now, why="changed in the portal"))
    return after


def post(ledger: Ledger, accruals: Accruals, amount: Amount, now: datetime, number: int) -> None:
    """What the engine writes of an amount: a journal, and the balance."""
    key = Key(amount.partner, "rev", f"client-{number}", amount.month, amount.currency, amount.available)
    month = post_month(key.earn_month, ledger.balance(amount.partner).frozen_through)
    receipt = Receipt("revshare", 1, (), 0, (Line("given", "1"),), (), amount.amount, 0)
    accruals.write(
        Accrual(
            events=(),
            states=(),
            journals=(
                Journal(
                    id=journal_id(key, month, milliseconds(now), number),
                    key=key,
                    kind="earning" if amount.amount > 0 else "clawback",
                    amount=amount.amount,
                    post_month=month,
                    posted_at=milliseconds(now),
                    legs=earning_legs(key, amount.amount),
                    receipt=receipt,
                ),
            ),
        ),
        milliseconds(now),
    )


class Amount(NamedTuple):
    """Something that was earned, or taken back."""

    partner: str
    currency: str
    month: str
    available: str
    amount: int


@dataclass
class World:
    """What stands before the run, and what comes in between: `disturbances` in the order in which they come."""

    amounts: list[Amount]
    disturbances: list[str]
    decision: str
    """What the approver does: `approve`, `reject`, `wait` (nobody decides)."""
    executions: int
    """How many executions of the run are at work: one, or two that know nothing of each other."""
    workers: int
    """How many functions and people are at work at once."""
    confirm_days: int
    remembers: timedelta
    """For how long the provider knows a key."""
    moods: Mapping[str, int]
    """How the providers behave, by weight."""
    partners: list[str] = field(default_factory=list)
    fates: Sequence[Fate] = FATES
    """What may become of a payment."""
    account_after: timedelta = timedelta(0)
    """How long after the run's beginning there is an account to pay from."""
    sleepy: bool = False
    """Functions that reserve lose their time to others, and wake up late."""
    dislikes: int = 97
    """Rails carry no amount that this number divides."""


MOODS = {"ok": 10, "refuses": 1, "not reached": 2, "fails before": 2, "commits and is silent": 3, "commits late": 1}
DISTURBANCES = ("hold", "hold", "hold", "lift", "profile", "profile", "clawback", "earning", "suspend", "close")


def a_world(chance: random.Random, need: str = "") -> World:
    """A world of its own for each state of the chance; with what leads to a call site that is seldom met (`need`)."""
    world = _a_world(chance)
    match need:
        case "rivals":
            world.executions, world.workers, world.sleepy = 2, 4, True
            # What becomes payable late is made by whoever wakes up late.
            world.disturbances = ["earning", "earning", "lift", "earning", "earning", "hold", "lift"]
        case "profile" | "suspend":
            world.disturbances = [need] * 4
        case "disturbed":
            world.disturbances = ["hold", "clawback", "clawback", "hold", "clawback"]
        case "silence":
            world.moods, world.remembers, world.confirm_days = {"fails before": 1}, timedelta(hours=2), 1
        case "account":
            world.account_after, world.confirm_days = timedelta(days=20), 1
        case "rejected":
            world.decision = "reject"
    return world


def _a_world(chance: random.Random) -> World:
    partners = chance.sample(sorted(PAYEES), chance.randint(1, 4))
    amounts = []
    for partner in partners:
        for currency in chance.sample(PAYEES[partner].holds, chance.randint(1, len(PAYEES[partner].holds))):
            for month in chance.sample(["2025-12", "2026-01", "2026-02"], chance.randint(1, 3)):
                available = chance.choice([f"{month}-28", "2026-02-28", "2026-02-20", "2026-03-02", "2026-03-25"])
                size = chance.choice([1, 37, 1_000, 12_345, 999_999])
                amounts.append(Amount(partner, currency, month, available, size * chance.choice([1, 1, 1, 3, -1])))
    mood = chance.random()
    moods = dict(MOODS)
    if mood < 0.4:
        moods["ok"] = 60
    elif mood < 0.55:
        # A provider that is away for long: keys grow old.
        moods |= {"ok": 1, "fails before": 6, "commits and is silent": 6, "not reached": 6}
    return World(
        amounts=amounts,
        disturbances=[chance.choice(DISTURBANCES) for _ in range(chance.choice([0, 1, 2, 3, 5]))],
        decision=chance.choices(["approve", "reject", "wait"], [20, 1, 1])[0],
        executions=chance.choice([1, 1, 1, 2]),
        workers=chance.choice([1, 2, 2, 2, 3]),
        confirm_days=chance.choice([1, 1, 2, 10]),
        remembers=chance.choice([timedelta(days=29), timedelta(hours=2), timedelta(days=1)]),
        moods=moods,
        partners=partners,
        account_after=chance.choice(
            [*[timedelta(0)] * 12, timedelta(minutes=30), timedelta(hours=9), timedelta(days=20)]
        ),
        dislikes=chance.choice([97, 97, 97, 97, 97, 2]),
    )


def _published(day: str) -> Mapping[str, str]:
    """What the bank published on a day; nothing on weekends."""
    number = int(day[5:7]) * 31 + int(day[8:])
    said = {"USD": f"1.{1500 + 7 * number}", "JPY": f"{180 + number % 9}.{number % 7}3"}
    said["KWD"] = f"0.36{number % 100:02d}"
    return said if datetime.fromisoformat(day).weekday() < 5 else {}


PUBLISHED = {day: _published(day) for day in (plus_days("2025-12-20", number) for number in range(112))}


def _rates(day: str) -> dict[str, Any]:
    """The same as the store keeps it."""
    item = {**keys.key("rates", feed=ECB, day=day).item(), "feed": ECB, "day": day}
    return to_wire({**item, "per_euro": json.dumps(PUBLISHED[day])})
