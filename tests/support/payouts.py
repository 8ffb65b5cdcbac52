"""A brand that pays its partners, on the tables of a test: partners with money, accepted terms, documents, payment
profiles and holds, a schedule, exchange rates; and a run taken as far as a test wants it.

    paying = Paying(tables)
    paying.partner("par_a", earned=100_00)
    run = paying.reserved()

It is 2 December 2026; the run is that of November, in every currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from introducer.domain.calendar import month_end, plus_days
from introducer.domain.configuration import (
    Brand,
    Change,
    DealRecord,
    Member,
    Partner,
    PartnerKind,
    Role,
    Standing,
    Status,
)
from introducer.domain.events import day_of, milliseconds
from introducer.domain.hold import Hold, released
from introducer.domain.ids import derived_id
from introducer.domain.ledger import AVAILABLE, HELD, PAID, PENDING, RESERVED, Journal, Key, Receipt, earning_legs
from introducer.domain.payment_profile import PaymentProfile, RailKind
from introducer.domain.payout import Batch, BatchStatus, Part, Payout, PayoutStatus, Run, RunStatus, batch_id, payout_id
from introducer.domain.payout_schedule import Cadence, PayoutSchedule
from introducer.domain.verification import Verification, VerificationStatus
from introducer.services.creation import Author
from introducer.services.decide_run import approve_group, ask_for_approval, decide_run
from introducer.services.open_run import Group, open_run, take_rates
from introducer.services.propose_deal import hash_of, text_of
from introducer.services.read_contracts import ECB
from introducer.services.reserve_run import Books, add_up, reserve_group
from introducer.store.accruals import Accrual, Accruals
from introducer.store.configuration import Configuration
from introducer.store.holds import Holds
from introducer.store.ledger import Ledger
from introducer.store.mails import Mails
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.payouts import Payouts
from introducer.store.rates import RateStore
from introducer.store.reservations import Reservations
from introducer.store.verifications import Verifications
from tests.conftest import Tables
from tests.support.builders import revshare, terms

BRAND, SCHEDULE, RUN = "brd_pays", "monthly", "2026-11-monthly"
FIRST, THROUGH = "2026-11-01", "2026-11-30"
NOW = datetime(2026, 12, 2, 9, tzinfo=UTC)
TODAY, YESTERDAY = "2026-12-02", "2026-12-01"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
SET_UP = Change(by="system:test", at=LONG_AGO, why="set up")
PUBLISHED: Mapping[str, Mapping[str, str]] = {
    "2026-11-30": {"USD": "1.16", "GBP": "0.87", "JPY": "181.05", "PLN": "4.25"},
    YESTERDAY: {"USD": "1.165", "GBP": "0.88", "JPY": "181.5", "PLN": "4.24"},
}
"""Units for one euro. A dinar has no rate: the ECB publishes none."""

EVERYBODY = Group("", "par_~")
"""A group that every partner here is in."""
EVERY_PAYOUT = Group("", "pay_~")


def a_member(role: Role = Role.FINANCE, member: str = "mem_checker", brand: str = BRAND) -> Member:
    """A login of the brand's staff."""
    return Member(member=member, partner=None, brand=brand, role=role, name=member, language="en")


MAKER = Author(by="mem_maker", why="November is over", origin="portal")
CHECKER = a_member()


def a_schedule(**other: Any) -> PayoutSchedule:
    """Monthly, in UTC, without minimums."""
    given: dict[str, Any] = {
        "brand": BRAND, "schedule": SCHEDULE, "cadence": Cadence.MONTHLY, "time_zone": "UTC", "days_after": 2,
    }  # fmt: skip
    return PayoutSchedule(**given | other)


def a_profile(partner: str, version: int = 1, **other: Any) -> PaymentProfile:
    """A euro account of long ago. `other` are its fields; nothing here is ever unsealed."""
    given: dict[str, Any] = {
        "partner": partner, "version": version, "rail": RailKind.SEPA, "currency": "EUR", "country": "DE",
        "masked": "DE•• •••• 3000", "sealed": "c2VhbGVk", "data_key": "a2V5", "fingerprint": f"print of {partner}",
        "content": f"content {version}", "changed_at": LONG_AGO, "changed_by": "mem_owner",
        "usable_from": LONG_AGO + timedelta(days=3),
    }  # fmt: skip
    return PaymentProfile(**given | other)


def a_run(**other: Any) -> Run:
    """The run of November, just opened."""
    given: dict[str, Any] = {
        "brand": BRAND, "run": RUN, "schedule": SCHEDULE, "first": FIRST, "through": THROUGH, "pay_day": TODAY,
        "status": RunStatus.OPEN, "started_at": NOW, "started_by": MAKER.by, "why": MAKER.why,
    }  # fmt: skip
    return Run(**given | other)


def a_payout(partner: str, amount: int = 100_00, **other: Any) -> Payout:
    """A payout of the run, by SEPA in its own currency. `other` are its fields."""
    currency, run, brand = (other.get(name, default) for name, default in PLACE)
    pay_currency = other.setdefault("pay_currency", currency)
    pays = other.setdefault("pays", amount)
    assert pays == amount or pay_currency != currency
    given: dict[str, Any] = {
        "payout": payout_id(brand, run, partner, currency), "brand": brand, "run": run, "partner": partner,
        "name": f"{partner} Ltd", "rail": RailKind.SEPA, "currency": currency, "amount": amount,
        "parts": (Part(amount, "", None),), "masked": "DE•• •••• 3000", "profile_version": 1,
        "status": PayoutStatus.CREATED, "status_since": NOW, "created_at": NOW,
    }  # fmt: skip
    return Payout(**given | other)


PLACE = (("currency", "EUR"), ("run", RUN), ("brand", BRAND))


def a_batch(number: int = 0, **other: Any) -> Batch:
    """An open batch of the run's euro payouts by SEPA. `other` are its fields."""
    given: dict[str, Any] = {
        "batch": batch_id(BRAND, RUN, RailKind.SEPA, "EUR", number), "brand": BRAND, "run": RUN,
        "rail": RailKind.SEPA, "currency": "EUR", "after": "", "through": EVERY_PAYOUT.through,
        "status": BatchStatus.OPEN,
    }  # fmt: skip
    return Batch(**given | other)


class Paying:
    """A brand and all that its payouts need, each in its store."""

    def __init__(self, tables: Tables, brand: str = BRAND) -> None:
        self.tables = tables
        self.brand = brand
        self.now = NOW
        """The clock of what is done here; a test moves it."""
        books = tables.books
        self.configuration = Configuration(books)
        self.ledger = Ledger(books)
        self.payouts = Payouts(books)
        self.reservations = Reservations(books)
        self.schedules = PayoutSchedules(books)
        self.profiles = PaymentProfiles(books)
        self.verifications = Verifications(books)
        self.holds = Holds(books)
        self.mails = Mails(books)
        self.rate_store = RateStore(books)
        self.woken: list[tuple[str, str]] = []
        """The executions that were woken: by which token, with which decision."""
        self._posted = 0
        self.configuration.open_brand(
            Brand(
                brand=brand, name=brand, domain=f"{brand.replace('_', '-')}.example", base_currency="EUR",
                fallback_url="https://brand.example/", created=LONG_AGO,
            ),
            SET_UP,
        )  # fmt: skip

    @property
    def reserving(self) -> Books:
        """What the service that reserves reads and writes."""
        return Books(
            configuration=self.configuration,
            ledger=self.ledger,
            payouts=self.payouts,
            schedules=self.schedules,
            profiles=self.profiles,
            verifications=self.verifications,
            rates=self.rate_store,
        )

    def change(self, why: str = "because", by: str = CHECKER.member) -> Change:
        """Somebody's change, now."""
        return Change(by=by, at=self.now, why=why, origin="test")

    # --------------------------------------------------------------------------------------------------- partners

    def partner(
        self,
        partner: str,
        earned: int | Mapping[str, int] = 0,
        *,
        currency: str = "EUR",
        accepted: bool = True,
        verified: bool = True,
        profile: Mapping[str, Any] | None = {},
        payout_rate: str = "pay_date",
    ) -> str:
        """A partner that can be paid, unless it is said what it lacks: `earned` is minor units of October, or by
        month; `profile` are fields of its payment profile, None for none. Returns its id."""
        self.configuration.register_partner(
            Partner(
                partner=partner, brand=self.brand, name=f"{partner} Ltd", kind=PartnerKind.IB, status=Status.ACTIVE,
                parent=None, manager=None, country="DE", language="en", currency=currency, email_hash=None,
                created=LONG_AGO,
            ),
            SET_UP,
        )  # fmt: skip
        if accepted:
            self.accepts(partner, terms(revshare(), currency=currency, payout_rate=payout_rate))
        if verified:
            self.verified(partner)
        if profile is not None:
            self.profile(partner, **profile)
        for month, amount in ({"2026-10": earned} if isinstance(earned, int) else earned).items():
            if amount:
                self.earns(partner, amount, currency=currency, month=month)
        return partner

    def earns(
        self, partner: str, amount: int, *, currency: str = "EUR", month: str = "2026-10", day: str | None = None
    ) -> None:
        """Something is earned for a month, or taken back when it is below zero; available from `day` on, by default
        the day after the month's last."""
        self._posted += 1
        available = day or plus_days(month_end(month), 1)
        key = Key(partner, "revshare", f"client {self._posted}", month, currency, available)
        journal = Journal(
            id=f"jrn_{month.replace('-', '')}{derived_id('t', self.brand, self._posted)[-26:]}", key=key,
            kind="earning" if amount > 0 else "clawback", amount=amount, post_month=month,
            posted_at=milliseconds(self.now), legs=earning_legs(key, amount),
            receipt=Receipt("revshare", 1, (), 0, (), (), amount, 0),
        )  # fmt: skip
        Accruals(self.tables.facts, self.tables.books).write(Accrual((), (), (journal,)), milliseconds(self.now))

    def accepts(self, partner: str, agreed: Mapping[str, Any], valid_from: datetime = LONG_AGO) -> None:
        """A further version of its deal, proposed and accepted."""
        text, version = text_of(agreed), len(self.configuration.deals(partner)) + 1
        record = DealRecord(
            partner=partner, version=version, valid_from=valid_from, accepted_at=None, terms=text,
            terms_hash=hash_of(text),
        )  # fmt: skip
        change = replace(SET_UP, at=LONG_AGO + timedelta(seconds=version))
        self.configuration.propose_deal(record, change)
        self.configuration.accept_deal(partner, version, record.terms_hash, LONG_AGO, valid_from, change)

    def verified(self, partner: str, expires_on: str = "") -> None:
        """Compliance has approved its documents."""
        before = Verification(partner=partner, brand=self.brand)
        after = replace(
            before, status=VerificationStatus.APPROVED, version=1, approved_at=LONG_AGO, expires_on=expires_on
        )
        self.verifications.move("decide_verification", before, after, SET_UP)

    def profile(self, partner: str, **fields: Any) -> PaymentProfile:
        """Where it is paid from now on: a next version of its payment profile."""
        before = self.profiles.of_partner(partner)
        after = a_profile(partner, before.version + 1 if before else 1, **fields)
        self.profiles.change(before, after, replace(SET_UP, at=self.now))
        return after

    def hold(self, partner: str, hold: str = "hld_1") -> Hold:
        """Its payouts are stopped."""
        placed = Hold(
            hold=hold, brand=self.brand, partner=partner, reason="It looks odd", placed_by="mem_one",
            placed_at=self.now,
        )  # fmt: skip
        self.holds.place(placed, self.change("It looks odd", "mem_one"))
        return placed

    def lift(self, hold: Hold) -> None:
        """A hold is released."""
        self.holds.release(hold, released(hold, "mem_two", self.now, "It is not"), self.change("It is not", "mem_two"))

    def stands(self, partner: str, status: Status, since: datetime = LONG_AGO) -> None:
        """It is suspended, blocked or active from a moment on."""
        current = self.configuration.partner(partner).status
        decided = Standing(
            partner=partner, standing=derived_id("std", partner, milliseconds(since), status.value), since=since,
            status=status, reason="agreed", decided_at=self.now,
        )  # fmt: skip
        self.configuration.set_standing(decided, current, self.change("agreed"))

    # ------------------------------------------------------------------------------------------- schedule and rates

    def schedule(self, **fields: Any) -> PayoutSchedule:
        """The brand's schedule, from now on with these fields."""
        found = {each.schedule: each for each in self.schedules.of_brand(self.brand)}
        after = a_schedule(brand=self.brand, **fields)
        before = found.get(after.schedule)
        if before != after:
            self.schedules.put(before, after, replace(SET_UP, at=LONG_AGO + timedelta(seconds=len(fields))))
        return after

    def rates(self, published: Mapping[str, Mapping[str, str]] = PUBLISHED, through: str = YESTERDAY) -> None:
        """What the ECB published, and nothing on the days between."""
        day = date.fromisoformat(min(published))
        while day.isoformat() <= through:
            self.rate_store.put_day(ECB, day.isoformat(), published.get(day.isoformat(), {}))
            day += timedelta(days=1)

    # ------------------------------------------------------------------------------------------------------- a run

    def opened(self, **fields: Any) -> Run:
        """The run of November with its rates locked; schedule and rates are those above, where a test has made none."""
        if not self.schedules.of_brand(self.brand):
            self.schedule()
        if self.rate_store.completed_through(ECB) is None:
            self.rates()
        given: dict[str, Any] = {"schedule": SCHEDULE, "run": RUN, "first": FIRST, "through": THROUGH} | fields
        run = open_run(self.schedules, self.payouts, brand=self.brand, author=MAKER, now=self.now, **given)
        return take_rates(self.payouts, self.rate_store, brand=self.brand, run=run.run)

    def reserved(self, **fields: Any) -> Run:
        """The run with its payouts reserved and added up."""
        run = self.opened(**fields)
        self.reserve(run.run)
        return add_up(self.payouts, brand=self.brand, run=run.run)[0]

    def reserve(self, run: str = RUN, group: Group = EVERYBODY) -> int:
        """Makes the payouts of a group; how many there are."""
        return reserve_group(self.reserving, brand=self.brand, run=run, group=group, now=self.now)

    def waiting(self, **fields: Any) -> Run:
        """The run as it waits for its decision, for the token `token 1`."""
        return self.ask("token 1", self.reserved(**fields).run)

    def ask(self, token: str = "token 1", run: str = RUN) -> Run:
        """The run's execution asks for approval, or again."""
        return ask_for_approval(
            self.schedules, self.payouts, self.wake, brand=self.brand, run=run, token=token, now=self.now
        )

    def decide(self, approve: bool = True, *, member: Member = CHECKER, **given: Any) -> Run:
        """A second person decides; `version` and `run` where the test says them."""
        run = given.get("run", RUN)
        version = given["version"] if "version" in given else self.run(run).version
        return decide_run(
            self.payouts, self.profiles, self.wake, member=member, run=run, version=version, approve=approve,
            why=given.get("why", "It is right"), now=self.now,
        )  # fmt: skip

    def approved(self, **fields: Any) -> Run:
        """The run approved, and each of its payouts."""
        run = self.waiting(**fields)
        self.decide(run=run.run)
        approve_group(self.payouts, brand=self.brand, run=run.run, after="", through=EVERY_PAYOUT.through, now=self.now)
        return self.run(run.run)

    def wake(self, token: str, answer: Mapping[str, str]) -> bool:
        """Stands for the gateway that wakes an execution."""
        self.woken.append((token, answer["decision"]))
        return True

    # ----------------------------------------------------------------------------------------------- what came of it

    def run(self, run: str = RUN) -> Run:
        return self.payouts.run(self.brand, run)

    def payout(self, partner: str, currency: str = "EUR", run: str = RUN) -> Payout:
        """The payout of a partner, as it stands now."""
        return self.payouts.payout(self.brand, run, payout_id(self.brand, run, partner, currency))

    def made(self, run: str = RUN) -> dict[tuple[str, str], int]:
        """What the run pays: minor units of what is held, by partner and currency."""
        return {(each.partner, each.currency): each.amount for each in self.payouts.all_of_run(self.brand, run)}

    def left_out(self, run: str = RUN) -> dict[tuple[str, str], str]:
        """Why the run does not pay: by partner and currency."""
        page = self.payouts.left_out(self.brand, run, limit=500)
        return {(each.partner, each.currency): each.reason for each in page.items}

    def money(self, partner: str, currency: str = "EUR") -> dict[str, int]:
        """What stands in each bucket that is not empty, now."""
        balance, today = self.ledger.balance(partner), day_of(self.now)
        names = (PENDING, AVAILABLE, HELD, RESERVED, PAID)
        return {name: amount for name in names if (amount := balance.bucket(currency, name, today))}

    def told(self, of: str = "") -> list[tuple[str, int]]:
        """The mails to a partner, or to the brand's staff: template, and which reminder it is."""
        found = self.mails.mails(of or self.brand)[::-1]
        return [(each.template.value, int(str(each.values.get("reminder", 0)))) for each in found]

    def audited(self, subject: str) -> list[str]:
        """What was done to something, in order."""
        return [each.action for each in reversed(self.configuration.audit_of_subject(subject).items)]
