"""Reserves what a run pays: for each partner of a group a payout, or the reason why there is none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from introducer.domain.calendar import plus_months
from introducer.domain.configuration import PartnerCard, Status, status_at
from introducer.domain.deal import RateOf
from introducer.domain.errors import Conflict
from introducer.domain.events import day_of
from introducer.domain.ledger import PAID, Balance
from introducer.domain.payable import NOTHING_AVAILABLE, ON_HOLD, Payable, Payee, decide
from introducer.domain.payment_profile import PaymentProfile
from introducer.domain.payout import (
    NEW_DETAILS,
    NEW_PAYEE,
    LeftOut,
    Payout,
    PayoutStatus,
    Run,
    RunStatus,
    added_up,
    payout_id,
)
from introducer.domain.payout_schedule import PayoutSchedule
from introducer.domain.rates import Publication, Rate, Rates
from introducer.domain.terms import parse_terms
from introducer.services.open_run import Group, groups
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.paging import every
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.payouts import Payouts
from introducer.store.rates import RateStore
from introducer.store.verifications import Verifications

TOO_LATE = "too_late"
"""Why a payout is set aside that was made, or approved, after its run had gone on."""

TRIES = 4
"""So often a partner is looked at again when the books changed between looking and reserving."""


@dataclass(frozen=True)
class Books:
    """What reserving reads and writes."""

    configuration: Configuration
    ledger: Ledger
    payouts: Payouts
    schedules: PayoutSchedules
    profiles: PaymentProfiles
    verifications: Verifications
    rates: RateStore


def reserve_group(books: Books, *, brand: str, run: str, group: Group, now: datetime) -> int:
    """Makes the payouts of a group of partners; how many there are. Again makes no second one.

    Raises `Conflict` when the run is past reserving, or a partner's books do not come to rest.
    """
    found = books.payouts.run(brand, run)
    if found.status is not RunStatus.OPEN:
        if found.closed_at is not None:
            # An attempt before this one may have made a payout when the run was closed, and ended.
            set_aside(books.payouts, books.payouts.all_of_run(brand, run), now)
        raise Conflict("This run is past reserving.", code="wrong_status")
    schedule = books.schedules.get(brand, found.schedule)
    said = {
        (each.partner, each.currency): each
        for each in books.payouts.all_left_out(brand, run, group.after, group.through)
    }
    reserving = _Reserving(books, found, schedule, now, said)
    return sum(reserving.partners(cards) for cards in _cards(books.configuration, brand, group))


def add_up(payouts: Payouts, *, brand: str, run: str) -> tuple[Run, list[Group]]:
    """Counts and sums a run's payouts by status and writes them down; also groups of the payouts, by id."""
    for _ in range(TRIES):
        before = payouts.run(brand, run)
        everything = list(payouts.all_of_run(brand, run))
        left: dict[str, int] = {}
        for each in payouts.all_left_out(brand, run):
            left[each.reason] = left.get(each.reason, 0) + 1
        after = replace(before, sums=added_up(everything), left_out=dict(sorted(left.items())))
        if (after.sums, after.left_out) == (before.sums, dict(before.left_out)):
            return before, groups([payout.payout for payout in everything])
        try:
            return payouts.change_run(before, after), groups([payout.payout for payout in everything])
        except Conflict:
            continue
    raise Conflict("The run is being changed by somebody else: try again.", code="run_changed")


def set_aside(payouts: Payouts, those: Iterable[Payout], now: datetime) -> int:
    """Releases those of some payouts that came too late to be sent with their run; how many. Raises `Conflict`
    (`run_changed`) when one is taken on at this very moment."""
    count = 0
    for payout in those:
        if payout.status not in (PayoutStatus.CREATED, PayoutStatus.APPROVED):
            continue
        try:
            payouts.step(payout, PayoutStatus.SET_ASIDE, now, reason=TOO_LATE)
        except Conflict as error:
            if error.code != "wrong_status":
                raise
            raise Conflict("The run is being changed by somebody else: try again.", code="run_changed") from error
        count += 1
    return count


class _Reserving:
    """One group's work: what is the same for all its partners."""

    def __init__(
        self,
        books: Books,
        run: Run,
        schedule: PayoutSchedule,
        now: datetime,
        said: Mapping[tuple[str, str], LeftOut],
    ) -> None:
        """`said`: who was left out by an attempt before this one, by partner and currency."""
        self._books = books
        self._run = run
        self._schedule = schedule
        self._now = now
        self._said = said
        self._rates = Rates({run.pay_day: Publication(run.rates_feed, run.rates_day, run.per_euro)})
        self._months: dict[str, str] = {}
        self._made: list[Payout] = []

    def partners(self, cards: Sequence[PartnerCard]) -> int:
        """Makes the payouts of these partners; how many there are."""
        ids = [card.partner for card in cards]
        balances = self._books.ledger.balances(ids)
        profiles = self._books.profiles.of_partners(ids)
        verified = self._books.verifications.approved(ids, day_of(self._now))
        there = self._books.payouts.by_ids(
            [self._id(each, currency) for each in ids for currency in balances[each].currencies()]
        )
        made, left = len(there), list[LeftOut]()
        for card in cards:
            balance = balances[card.partner]
            payee = self._payee(card, balance, profiles.get(card.partner), verified[card.partner])
            has = {currency for currency in balance.currencies() if self._id(card.partner, currency) in there}
            payables, left_out = self._decide(payee)
            left += [each for each in left_out if each.currency not in has and (each.currency or not has)]
            for payable in payables:
                if payable.currency in has:
                    continue
                refused = self._make(payee, payable)
                if refused is None:
                    made += 1
                else:
                    left.append(refused)
        still = {(each.partner, each.currency) for each in left}
        withdrawn = [
            replace(each, reason="") for key, each in self._said.items() if key[0] in balances and key not in still
        ]
        self._books.payouts.leave_out(self._run.brand, self._run.run, [*left, *withdrawn])
        self._look_back()
        return made

    def _look_back(self) -> None:
        """What was made when the run was decided is in no sum that anybody approved: it is released again."""
        if not self._made:
            return
        run = self._books.payouts.run(self._run.brand, self._run.run)
        if run.status not in (RunStatus.OPEN, RunStatus.WAITING):
            made = self._books.payouts.by_ids([each.payout for each in self._made])
            set_aside(self._books.payouts, made.values(), self._now)
        self._made.clear()

    def _make(self, payee: Payee, payable: Payable) -> LeftOut | None:
        """Reserves one payout; why not, when the books say so now."""
        for _ in range(TRIES):
            try:
                payout = self._payout(payee, payable)
                if self._books.payouts.create(payout, self._run.through) is payout:
                    self._made.append(payout)
                return None
            except Conflict as error:
                if error.code not in ("not_available", "on_hold", "books_changed"):
                    raise
            payee = replace(payee, balance=self._books.ledger.balance(payee.partner))
            payables, left = self._decide(payee)
            again = next((each for each in payables if each.currency == payable.currency), None)
            if again is None:
                why = next((each for each in left if each.currency in (payable.currency, "")), None)
                reason = why.reason if why else ON_HOLD if payee.balance.holds else NOTHING_AVAILABLE
                return LeftOut(
                    partner=payee.partner,
                    name=payee.name,
                    currency=payable.currency,
                    amount=why.amount if why else 0,
                    reason=reason,
                )
            payable = again
        raise Conflict("A partner's books move too fast: try again.", code="books_changed")

    def _decide(self, payee: Payee) -> tuple[list[Payable], list[LeftOut]]:
        return decide(
            payee,
            self._schedule,
            through=self._run.through,
            now=self._now,
            today=day_of(self._now),
            rate=self._rate,
        )

    def _payout(self, payee: Payee, payable: Payable) -> Payout:
        profile = payable.profile
        return Payout(
            payout=self._id(payee.partner, payable.currency),
            brand=self._run.brand,
            run=self._run.run,
            partner=payee.partner,
            name=payee.name,
            rail=profile.rail,
            currency=payable.currency,
            amount=payable.amount,
            pay_currency=payable.pay_currency,
            pays=payable.pays,
            parts=payable.parts,
            masked=profile.masked,
            profile_version=profile.version,
            status=PayoutStatus.CREATED,
            status_since=self._now,
            created_at=self._now,
            notice=self._notice(payee, profile),
        )

    def _payee(self, card: PartnerCard, balance: Balance, profile: PaymentProfile | None, verified: bool) -> Payee:
        accepted, rate_of = False, RateOf.PAY_DATE
        if any(balance.amounts.values()):
            # Only of those with money: most partners of a large program have none.
            accepted, rate_of = self._terms(card.partner)
        return Payee(
            partner=card.partner,
            name=card.name,
            status=self._status(card),
            balance=balance,
            accepted=accepted,
            verified=verified,
            profile=profile,
            rate_of=rate_of,
        )

    def _terms(self, partner: str) -> tuple[bool, RateOf]:
        """Whether a version of the deal is accepted, and which day's rate the one in force converts at."""
        accepted = [deal for deal in self._books.configuration.deals(partner) if deal.accepted_at is not None]
        in_force = [deal for deal in accepted if deal.valid_from <= self._now]
        if not in_force:
            return bool(accepted), RateOf.PAY_DATE
        return True, parse_terms(json.loads(in_force[-1].terms)).payout_rate

    def _status(self, card: PartnerCard) -> Status:
        """What the partner is now: what was decided last may be for a moment to come."""
        if card.status_since is None or card.status_since <= self._now:
            return card.status
        return status_at(self._now, self._books.configuration.standings(card.partner))

    def _rate(self, held: str, pay: str, month: str) -> Rate:
        """The locked rate of the pay day, or that of a month's end; of a month that has not ended, the pay day's."""
        day = self._day_of(month) if month else self._run.pay_day
        # Only now: what a month needs is read when it is first asked for.
        return self._rates.rate(held, pay, day)

    def _day_of(self, month: str) -> str:
        """The day whose rate is that of a month's end: the first of the next month."""
        if month not in self._months:
            day = f"{plus_months(month, 1)}-01"
            if day >= self._run.pay_day:
                day = self._run.pay_day
            else:
                before = self._books.rates.published_before(self._run.rates_feed, day)
                if before is not None:
                    publications = dict(self._rates.publications) | {day: Publication(self._run.rates_feed, *before)}
                    self._rates = Rates(publications)
            self._months[month] = day
        return self._months[month]

    def _notice(self, payee: Payee, profile: PaymentProfile) -> str:
        """What an approver looks at twice: who was never paid before, or is paid elsewhere than the last time."""
        if not any(bucket == PAID and amount for (_, bucket, _), amount in payee.balance.amounts.items()):
            return NEW_PAYEE
        if profile.version == 1:
            return ""
        for payout in every(lambda cursor: self._books.payouts.of_partner(payee.partner, cursor)):
            if payout.status in (PayoutStatus.PAID, PayoutStatus.RETURNED):
                return NEW_DETAILS if payout.profile_version != profile.version else ""
        return NEW_DETAILS

    def _id(self, partner: str, currency: str) -> str:
        return payout_id(self._run.brand, self._run.run, partner, currency)


def _cards(configuration: Configuration, brand: str, group: Group) -> Iterator[tuple[PartnerCard, ...]]:
    """The cards of a group, a batch of the table's size at a time."""
    cursor: str | None = group.after or None
    while True:
        page = configuration.cards(brand, cursor, limit=50)
        yield tuple(card for card in page.items if card.partner <= group.through)
        cursor = page.cursor
        if cursor is None or cursor >= group.through:
            return
