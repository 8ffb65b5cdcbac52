"""A brand on its payday, all in this process: partners with money, runs taken as far as a test wants, and the portal's
own handler in front of it. Whoever asks is who a cookie or a bearer token says: signing in has tests of its own.

Payouts, journals, batches and mails are the ones that the product writes; rails and the executions are stand-ins.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from introducer.domain.configuration import Change, Member, PartnerKind, Role
from introducer.domain.errors import Unauthenticated
from introducer.domain.payment_profile import Destination, RailKind
from introducer.domain.payout import Batch, Payout, PayoutStatus, Run
from introducer.domain.payout_schedule import Cadence, PayoutSchedule, chosen, last_ended, run_name
from introducer.domain.verification import VerificationStatus
from introducer.gateways.rails.protocol import Handed, Outcome, Transfer
from introducer.gateways.vault import Vault
from introducer.gateways.workflows import RUNNING, Execution
from introducer.services.accept_deal import accept_deal
from introducer.services.change_payment_profile import change_payment_profile
from introducer.services.creation import Author
from introducer.services.decide_run import approve_group, ask_for_approval, decide_run
from introducer.services.load_rates import load_rates
from introducer.services.open_brand import open_brand
from introducer.services.open_run import groups, open_run, select_partners, take_rates
from introducer.services.place_hold import place_hold
from introducer.services.propose_deal import propose_deal
from introducer.services.read_contracts import ECB
from introducer.services.register_partner import register_partner
from introducer.services.reserve_run import Books, add_up, reserve_group
from introducer.services.send_run import Sending, plan_batches, send_batch
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.holds import Holds
from introducer.store.ledger import Ledger
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.payouts import Payouts
from introducer.store.rates import RateStore
from introducer.store.verifications import Verifications
from tests.browser.world import Portal, Visitor
from tests.conftest import create_table, in_memory
from tests.support import functions
from tests.support.builders import revshare, terms
from tests.support.closing import a_journal, post

NOW = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
BEFORE = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
"""When the last run was made."""
BEGAN = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
AUTHOR = Author(by="system:test", why="set up")
SCHEDULE, RUN, LAST_RUN = "monthly", "2026-03-monthly", "2026-02-monthly"
MAKER, CHECKER, ADMIN, MANAGER = "maker@broker", "checker@broker", "admin@broker", "manager@broker"
HARBOUR, PIPS, LANTERN, SMALL, HELD, NOWHERE, GULF = (
    "Harbour Trading Weekly", "Pips & Coffee", "Lantern Signals", "Small Beginnings", "Held Media", "Nowhere Yet",
    "مسابقة الربيع Gold",
)  # fmt: skip
IBANS = ("DE89370400440532013000", "NL91ABNA0417164300")
"""Published examples."""
MONEY: Mapping[str, tuple[str, Mapping[str, int]]] = {
    HARBOUR: ("EUR", {"2026-02": 42_050, "2026-03": 125_000}),
    PIPS: ("USD", {"2026-02": 90_000, "2026-03": 82_050}),
    LANTERN: ("EUR", {"2026-01": 10_001, "2026-02": 0, "2026-03": 23_456}),
    SMALL: ("EUR", {"2026-03": 320}),
    HELD: ("EUR", {"2026-03": 50_000}),
    NOWHERE: ("EUR", {"2026-03": 7_700}),
    GULF: ("USD", {"2026-03": 65_432}),
}
"""Minor units by month, in one currency for each."""
PAID_TO: Mapping[str, Destination] = {
    HARBOUR: Destination(rail=RailKind.SEPA, currency="EUR", holder="Robin Vale", country="DE", iban=IBANS[0]),
    PIPS: Destination(rail=RailKind.PAYPAL, currency="THB", holder="Kai Sun", country="TH", email="kai@pips.example"),
    LANTERN: Destination(
        rail=RailKind.MANUAL, currency="PLN", holder="Ola Nowak", country="PL", instructions="Account 1020 5558 1111"
    ),
    SMALL: Destination(rail=RailKind.SEPA, currency="EUR", holder="Sam Small", country="NL", iban=IBANS[1]),
    HELD: Destination(rail=RailKind.SEPA, currency="EUR", holder="Hal Held", country="NL", iban=IBANS[1]),
    GULF: Destination(
        rail=RailKind.MANUAL, currency="AED", holder="Amal Said", country="AE", instructions="Account 0331 2345 6789"
    ),
}
RATES = {"USD": "1.0850", "PLN": "4.2613", "THB": "37.4200", "AED": "3.9850"}


@dataclass
class Executions:
    """Step Functions, as far as the portal asks it."""

    started: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    woken: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def start(self, name: str, given: Mapping[str, Any]) -> Execution:
        self.started.setdefault(name, given)
        return Execution(name, RUNNING)

    def latest(self, name: str) -> Execution | None:
        if name in self.failed:
            return Execution(name, "FAILED", self.failed[name])
        return Execution(name, RUNNING) if name in self.started else None

    def wake(self, token: str, output: Mapping[str, str]) -> bool:
        self.woken.append((token, output))
        return True


@dataclass
class Clockwork:
    """EventBridge Scheduler, as far as the portal sets it."""

    set: list[PayoutSchedule] = field(default_factory=list)

    def put(self, schedule: PayoutSchedule) -> None:
        self.set.append(schedule)


class SentFiles:
    """The bucket, as far as the portal leads to it."""

    def link(self, key: str) -> str:
        return f"https://sent-files.example/{key}?signed"


@dataclass
class AnyRail:
    """A rail that takes what it gets; PayPal says at once that all was paid."""

    kind: RailKind
    most_per_batch: int = 100
    currencies: frozenset[str] | None = None
    remembers: timedelta | None = None
    ready: bool = True

    def check(self, transfer: Transfer) -> None:
        return None

    def send(self, batch: Batch, transfers: Sequence[Transfer], at: datetime) -> Handed:
        paypal = self.kind is RailKind.PAYPAL
        state = PayoutStatus.PAID if paypal else PayoutStatus.SENT
        return Handed(
            provider_id="5UXD2E8A7EBQJ" if paypal else "",
            file="" if paypal else f"{batch.brand}/{batch.run}/{batch.batch}.{'xml' if self.kind == 'sepa' else 'csv'}",
            outcomes=tuple(Outcome(payout=each.payout, state=state) for each in transfers),
        )

    def look_up(self, batch: Batch, at: datetime) -> Handed | None:
        return None


class Keys:
    """KMS, without its secrets."""

    def generate_data_key(self, **asked: Any) -> dict[str, bytes]:
        key = secrets.token_bytes(32)
        return {"Plaintext": key, "CiphertextBlob": key}

    def decrypt(self, **asked: Any) -> dict[str, bytes]:
        return {"Plaintext": asked["CiphertextBlob"]}


class Payday(Portal):
    """The portal, and how far its runs are."""

    executions: Executions
    clockwork: Clockwork
    people: dict[str, Member]
    now: datetime

    def machine(self, email: str = MAKER, accept: str = "application/json") -> Visitor:
        return Visitor(self, {"accept": accept, "authorization": f"Bearer {email.encode().hex()}"})

    def signed_in(self, email: str = MAKER, **headers: str) -> Visitor:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        token = email.encode().hex()
        return Visitor(self, names, {"__Host-access": token, "__Host-refresh": f"of-{token}"})

    @property
    def table(self) -> str:
        return str(self.wiring.settings.books_table)

    @property
    def payouts(self) -> Payouts:
        return Payouts(self.table)

    @property
    def books(self) -> Books:
        table = self.table
        return Books(
            configuration=self.configuration, ledger=Ledger(table), payouts=Payouts(table),
            schedules=PayoutSchedules(table), profiles=PaymentProfiles(table), verifications=Verifications(table),
            rates=RateStore(table),
        )  # fmt: skip

    @property
    def sending(self) -> Sending:
        books = self.books
        return Sending(
            configuration=books.configuration, ledger=books.ledger, payouts=books.payouts, profiles=books.profiles,
            vault=Vault(Keys(), "key", random=secrets.token_bytes), rails={kind: AnyRail(kind) for kind in RailKind},
        )  # fmt: skip

    def prepare(self, at: datetime = NOW, by: str = MAKER, **period: str) -> str:
        """Takes a run up to where it waits for a second person; its name."""
        books, brand = self.books, self.brand
        found = chosen(**period) if period else last_ended(Cadence.MONTHLY, at.date())
        run = run_name(found, SCHEDULE)
        author = Author(by=self.people[by].member if by in self.people else by, why="The month is over", origin="test")
        open_run(
            books.schedules, books.payouts, brand=brand, schedule=SCHEDULE, run=run, first=found.first.isoformat(),
            through=found.through.isoformat(), author=author, now=at,
        )  # fmt: skip
        take_rates(books.payouts, books.rates, brand=brand, run=run)
        for group in select_partners(self.configuration, brand=brand)[1]:
            reserve_group(books, brand=brand, run=run, group=group, now=at)
        add_up(books.payouts, brand=brand, run=run)
        self.executions.started[f"{run}-{brand}"] = {}
        ask_for_approval(
            books.schedules, books.payouts, self.executions.wake, brand=brand, run=run, token=f"token of {run}", now=at
        )
        return run

    def approve(self, run: str, at: datetime = NOW, by: str = CHECKER) -> None:
        found = self.payouts.run(self.brand, run)
        decide_run(
            self.payouts, self.books.profiles, self.executions.wake, member=self.people[by], run=run,
            version=found.version, approve=True, why="Looked at all of it", now=at,
        )  # fmt: skip

    def send(self, run: str, at: datetime = NOW) -> None:
        """Sends a run that was approved, as the state machine does."""
        payouts, sending = self.payouts, self.sending
        for group in groups([each.payout for each in payouts.all_of_run(self.brand, run)]):
            approve_group(payouts, brand=self.brand, run=run, after=group.after, through=group.through, now=at)
        for batch in plan_batches(payouts, sending.rails, brand=self.brand, run=run):
            send_batch(sending, brand=self.brand, run=run, batch=batch.batch, now=at)

    def run(self, run: str = RUN) -> Run:
        return self.payouts.run(self.brand, run)

    def of(self, name: str, run: str = RUN) -> Payout:
        """The payout of a partner in a run."""
        return next(each for each in self.payouts.all_of_run(self.brand, run) if each.name == name)

    def batch(self, rail: RailKind, run: str = RUN) -> Batch:
        return next(each for each in self.payouts.batches(self.brand, run) if each.rail is rail)

    def moves_details(self, name: str) -> None:
        """A partner is paid elsewhere from now on."""
        paid_to(self.table, self.configuration, self.people[name], replace(PAID_TO[name], holder="Somebody Else"), NOW)


@contextmanager
def a_payday(patch: pytest.MonkeyPatch) -> Iterator[Payday]:
    """The brand, with the portal in front of it; the run of February is made, and nothing else."""
    environment = {
        "STAGE": "local", "FACTS_TABLE": "facts", "BOOKS_TABLE": "books", "EDGE_SECRET": "edge",
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "IDENTITY_KEY_SECRET": "people",
        "POWERTOOLS_SERVICE_NAME": "portal", "POWERTOOLS_METRICS_NAMESPACE": "Introducer",
    }  # fmt: skip
    for name, value in environment.items():
        patch.setenv(name, value)
    patch.delenv("CLOCK_FILE", raising=False)
    with in_memory() as client:
        for table, index in (("facts", False), ("books", True)):
            create_table(client, table, index)
        configuration = Configuration("books")
        brand, partners, people = _configure(configuration)
        module = _loaded()
        wired, session = module.server.wiring, module.server.session
        before = wired.portal, session.authenticate
        wiring = wired.portal = wired.Portal(wired.settings, lambda: NOW, lambda: NOW, lambda: 0.0)
        portal = Payday(
            module, configuration, Facts("facts"), Ledger("books"), "facts", "", "", brand, {}, partners, client
        )  # fmt: skip
        portal.executions, portal.clockwork, portal.people, portal.now = Executions(), Clockwork(), people, NOW
        for name, stand_in in (
            ("runs", portal.executions), ("clockwork", portal.clockwork), ("sent_files", SentFiles()),
            ("cursors", module.server.wiring.Cursors(b"a secret of the edge")), ("now", lambda: portal.now),
            ("true_now", lambda: portal.now), ("wake", portal.executions.wake),
        ):  # fmt: skip
            setattr(wiring, name, stand_in)
        session.authenticate = _whoever_is_named(people, configuration)
        _schedule(portal)
        _money(portal)
        portal.prepare(BEFORE, by="system:payout_schedule")
        portal.approve(LAST_RUN, BEFORE + timedelta(hours=3))
        portal.send(LAST_RUN, BEFORE + timedelta(hours=4))
        yield portal
        wired.portal, session.authenticate = before


def paid_to(
    table: str, configuration: Configuration, owner: Member, destination: Destination, at: datetime, days: int = 0
) -> None:
    """A partner's owner says where it is paid."""
    assert owner.partner is not None
    profiles = PaymentProfiles(table)
    before = profiles.of_partner(owner.partner)
    change_payment_profile(
        profiles, Vault(Keys(), "key", random=secrets.token_bytes), member=owner,
        partner=configuration.partner(owner.partner), version=before.version if before else 0, destination=destination,
        cool_off_days=days, brand_key=b"a brand's key", clock=lambda: at,
    )  # fmt: skip


@cache
def _loaded() -> ModuleType:
    """A copy of the portal for worlds of this kind alone: they stand in for who signs in."""
    return functions.load("portal")


def _whoever_is_named(people: Mapping[str, Member], configuration: Configuration) -> Any:
    def authenticate(visit: Any) -> None:
        bearer = visit.header("authorization").removeprefix("Bearer ")
        try:
            name = bytes.fromhex(bearer or visit.cookies.get("__Host-access", "")).decode()
        except ValueError:
            raise Unauthenticated("Sign in to go on.", code="not_signed_in") from None
        if name not in people:
            raise Unauthenticated("Sign in to go on.", code="not_signed_in")
        visit.signed_in_by = "bearer" if bearer else "cookie"
        visit.member = people[name]
        visit.partner = configuration.partner(visit.member.partner) if visit.member.partner else None

    return authenticate


def _configure(configuration: Configuration) -> tuple[str, dict[str, str], dict[str, Member]]:
    def began() -> datetime:
        return BEGAN

    made: dict[str, Any] = {"author": AUTHOR, "clock": began, "random": secrets.token_bytes}
    brand = open_brand(
        configuration, name="Northgate FX", domain="go.northgate.example", base_currency="EUR",
        fallback_url="https://northgate.example/", **made,
    ).brand  # fmt: skip
    change = Change(by="system:test", at=BEGAN, why="set up", origin="test")
    partners: dict[str, str] = {}
    people: dict[str, Member] = {}

    def joins(name: str, shown: str, role: Role, partner: str | None = None) -> None:
        people[name] = Member(
            member=f"mem_{len(people)}", partner=partner, brand=brand, role=role, name=shown, language="en"
        )
        configuration.add_member(people[name], change)

    for email, shown, role in (
        (MAKER, "Mia Maker", Role.FINANCE), (CHECKER, "Chris Checker", Role.FINANCE), (ADMIN, "Ada Admin", Role.ADMIN),
        (MANAGER, "Sam Okoro", Role.MANAGER),
    ):  # fmt: skip
        joins(email, shown, role)
    for name, (currency, _) in MONEY.items():
        partner = register_partner(
            configuration, brand=brand, name=name, kind=PartnerKind.AFFILIATE, country="DE", language="en",
            currency=currency, **made,
        ).partner  # fmt: skip
        partners[name] = partner
        joins(name, f"Owner of {name}", Role.OWNER, partner)
        rate = {"payout_rate": "earn_date"} if name == LANTERN else {}
        deal = propose_deal(
            configuration, partner=partner, terms=terms(revshare("30"), currency=currency, **rate), author=AUTHOR,
            clock=began,
        )  # fmt: skip
        accept_deal(
            configuration, partner=partner, version=deal.version, terms_hash=deal.terms_hash, author=AUTHOR, clock=began
        )
    return brand, partners, people


def _schedule(portal: Payday) -> None:
    schedule = PayoutSchedule(
        brand=portal.brand, schedule=SCHEDULE, cadence=Cadence.MONTHLY, time_zone="Europe/Berlin",
        minimums={"EUR": 5_000}, days_after=2,
    )  # fmt: skip
    change = Change(by="system:test", at=BEGAN, why="set up", origin="test")
    PayoutSchedules(portal.table).put(None, schedule, change)
    days = [date(2026, 1, 5) + timedelta(days=n) for n in range(90)]
    published = {day.isoformat(): RATES | {"PLN": f"4.2{day.month}{day.day:02d}"} for day in days if day.weekday() < 5}
    load_rates(
        RateStore(portal.table), feed=ECB, published=published, first=days[0].isoformat(),
        through=days[-1].isoformat(),
    )  # fmt: skip


def _money(portal: Payday) -> None:
    """What was earned; who is verified, held, and paid where."""
    tables: Any = SimpleNamespace(facts="facts", books=portal.table)
    verifications = Verifications(portal.table)
    for name, (currency, months) in MONEY.items():
        partner = portal.partners[name]
        for month, amount in months.items():
            if amount:
                post(tables, a_journal(amount, month, partner=partner, currency=currency, client=name))
        before = verifications.of_partner(partner, portal.brand)
        approved = replace(before, status=VerificationStatus.APPROVED, version=1, approved_at=BEGAN)
        change = Change(by="mem_compliance", at=BEGAN, why="Looked at", origin="test")
        verifications.move("decide_verification", before, approved, change)
        if name in PAID_TO:
            paid_to(portal.table, portal.configuration, portal.people[name], PAID_TO[name], BEGAN)
    place_hold(
        portal.configuration, Holds(portal.table), member=portal.people[MAKER], partner=portal.partners[HELD],
        why="A case is open", clock=lambda: BEGAN, random=secrets.token_bytes, pause=lambda attempt: None,
        request="held",
    )  # fmt: skip
