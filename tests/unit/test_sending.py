"""Sending batches and hearing of them: what comes between, what is missing, and what must not be said too soon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest

from introducer.domain.errors import Conflict, Unavailable
from introducer.domain.mail import Audience, MailTemplate
from introducer.domain.payment_profile import Destination, RailKind
from introducer.domain.payout import NEW_DETAILS, NEW_PAYEE, Batch, BatchStatus, PayoutStatus
from introducer.gateways.rails.protocol import Handed, NotReached, Transfer, sent
from introducer.gateways.vault import SealBroken
from introducer.services.confirm_run import close_run, look_up, record_outcome
from introducer.services.send_run import Sending, plan_batches, send_batch
from introducer.store.mails import Mails
from tests.conftest import Tables
from tests.support.payouts import BRAND, CHECKER, NOW, RUN, Paying

pytestmark = pytest.mark.in_memory

HOUR = timedelta(hours=1)


class ARail:
    """Takes what it is given, while it is ready and reached; writes down what that was."""

    kind = RailKind.SEPA
    currencies = None
    remembers = None

    def __init__(self, most_per_batch: int = 100) -> None:
        self.most_per_batch = most_per_batch
        self.ready, self.reached = True, True
        self.taken: list[str] = []

    def check(self, transfer: Transfer) -> None:
        return None

    def send(self, batch: Batch, transfers: Sequence[Transfer], at: datetime) -> Handed:
        if not self.reached:
            raise NotReached("Nobody answers.")
        self.taken += [each.payout for each in transfers]
        return Handed(provider_id="p-1", outcomes=sent(transfers))

    def look_up(self, batch: Batch, at: datetime) -> Handed | None:
        return Handed(provider_id="p-1") if batch.status is BatchStatus.SENT else None


class AVault:
    """Opens every profile, but for what a test says."""

    def __init__(self, refuses: Callable[[str], Exception | None] = lambda partner: None) -> None:
        self.refuses = refuses

    def open(self, partner: str, version: int, sealed: str, data_key: str) -> Destination:
        if (error := self.refuses(partner)) is not None:
            raise error
        return Destination(
            rail=RailKind.SEPA, currency="EUR", holder=partner, country="DE", iban="DE89370400440532013000"
        )


@pytest.fixture
def paying(tables: Tables) -> Paying:
    return Paying(tables)


def sending(paying: Paying, rail: ARail, vault: AVault | None = None) -> Sending:
    return Sending(
        configuration=paying.configuration,
        ledger=paying.ledger,
        payouts=paying.payouts,
        profiles=paying.profiles,
        vault=vault or AVault(),  # type: ignore[arg-type]
        rails=dict.fromkeys(RailKind, rail),  # type: ignore[arg-type]
    )


def planned(paying: Paying, with_: Sending) -> list[Batch]:
    return plan_batches(paying.payouts, with_.rails, brand=BRAND, run=RUN)


def tries(paying: Paying, with_: Sending, batch: Batch, later: timedelta = timedelta()) -> Batch:
    return send_batch(with_, brand=BRAND, run=RUN, batch=batch.batch, now=paying.now + later)


def test_a_profile_that_does_not_open_is_set_aside_and_the_others_go(paying: Paying) -> None:
    for name in ("par_a", "par_b"):
        paying.partner(name, 100_00)
    paying.approved()
    rail = ARail()
    broken = sending(paying, rail, AVault(lambda partner: SealBroken("x") if partner == "par_b" else None))

    [batch] = planned(paying, broken)
    tries(paying, broken, batch)

    assert paying.payout("par_a").status is PayoutStatus.SENT
    aside = paying.payout("par_b")
    assert (aside.status, aside.reason) == (PayoutStatus.SET_ASIDE, "profile_broken")
    assert paying.money("par_b") == {"available": 100_00}


def test_a_rail_without_an_account_seals_nothing_so_that_a_hold_still_counts(paying: Paying) -> None:
    # given a batch for a rail that has no account to pay from
    paying.partner("par_a", 100_00)
    paying.approved()
    rail = ARail()
    rail.ready = False
    with_ = sending(paying, rail)
    [batch] = planned(paying, with_)
    waits = tries(paying, with_, batch)
    assert (waits.status, waits.note) == (BatchStatus.OPEN, "no_account")
    assert tries(paying, with_, batch) == waits
    assert paying.payout("par_a").status is PayoutStatus.APPROVED

    # when a hold comes, and days later the account
    paying.hold("par_a")
    rail.ready = True
    tries(paying, with_, batch, timedelta(days=5))

    # then nothing leaves
    assert rail.taken == []
    assert paying.payout("par_a").reason == "on_hold"


def test_what_is_still_to_be_sent_is_still_to_be_heard_of(paying: Paying) -> None:
    # given a batch whose profiles cannot be opened just now
    paying.partner("par_a", 100_00)
    paying.approved()
    down = sending(paying, ARail(), AVault(lambda partner: Unavailable("KMS does not answer")))
    [batch] = planned(paying, down)
    with pytest.raises(Unavailable):
        tries(paying, down, batch)

    # when the run looks, with and without time to ask
    for enough in (False, True):
        heard = look_up(
            down, paying.schedules, brand=BRAND, run=RUN, now=paying.now, enough=lambda enough=enough: enough
        )
        # then it has not heard all
        assert (heard.open, heard.done) == (1, False)


def test_one_batch_that_cannot_be_opened_keeps_no_other_from_being_asked(paying: Paying) -> None:
    # given two batches, of which one cannot be opened
    for name in ("par_a", "par_b"):
        paying.partner(name, 100_00)
    paying.approved()
    rail = ARail(most_per_batch=1)
    half = sending(paying, rail, AVault(lambda partner: Unavailable("no") if partner == "par_a" else None))
    planned(paying, half)

    heard = look_up(half, paying.schedules, brand=BRAND, run=RUN, now=paying.now)

    assert rail.taken == [paying.payout("par_b").payout]
    assert heard.open == 2


def test_nobody_says_that_it_was_paid_while_it_may_still_leave(paying: Paying) -> None:
    # given a payout whose batch was sealed and could not be handed over
    paying.partner("par_a", 100_00)
    paying.approved()
    rail = ARail()
    rail.reached = False
    with_ = sending(paying, rail)
    [batch] = planned(paying, with_)
    tries(paying, with_, batch)
    payout = paying.payout("par_a")
    assert payout.status is PayoutStatus.SENDING

    # when somebody has paid it by hand and says so
    for outcome in (PayoutStatus.PAID, PayoutStatus.FAILED):
        with pytest.raises(Conflict) as refused:
            record_outcome(
                paying.payouts, member=CHECKER, run=RUN, payout=payout.payout, outcome=outcome, why="Paid by hand",
                now=paying.now,
            )  # fmt: skip
        # then they are told to wait
        assert refused.value.code == "still_trying"


def test_money_of_paypals_that_came_back_late_is_recorded_by_a_person(paying: Paying) -> None:
    # given a payout that was paid, in a batch that nobody asks PayPal about any more
    paying.partner("par_a", 100_00, profile={"rail": RailKind.PAYPAL})
    paying.approved()
    with_ = sending(paying, ARail())
    [batch] = planned(paying, with_)
    tries(paying, with_, batch)
    paying.payouts.step(paying.payout("par_a"), PayoutStatus.PAID, paying.now)
    look_up(with_, paying.schedules, brand=BRAND, run=RUN, now=paying.now)

    after = record_outcome(
        paying.payouts, member=CHECKER, run=RUN, payout=paying.payout("par_a").payout, outcome=PayoutStatus.RETURNED,
        why="PayPal's list says refunded", now=paying.now,
    )  # fmt: skip

    assert after.status is PayoutStatus.RETURNED
    assert paying.money("par_a") == {"available": 100_00}


def test_a_run_past_its_deadline_is_not_approved_any_more(paying: Paying) -> None:
    paying.partner("par_a", 100_00)
    paying.waiting()
    deadline = paying.run().deadline
    assert deadline is not None
    paying.now = deadline

    with pytest.raises(Conflict) as refused:
        paying.decide()

    assert refused.value.code == "deadline_passed"


def test_who_is_paid_elsewhere_than_the_last_time_is_looked_at_twice(paying: Paying) -> None:
    # given a partner who was paid, changed its details, and was left out of a run because of that
    first, second, third = "2026-10-monthly", "2026-10b-monthly", "2026-11-monthly"
    paying.partner("par_a", 100_00)
    paying.approved(run=first, first="2026-10-01", through="2026-11-01")
    assert paying.payout("par_a", run=first).notice == NEW_PAYEE
    for step in (PayoutStatus.SENDING, PayoutStatus.SENT, PayoutStatus.PAID):
        paying.payouts.step(paying.payout("par_a", run=first), step, paying.now)
    changed = NOW + timedelta(days=1)
    paying.profile("par_a", changed_at=changed, usable_from=changed + timedelta(days=3))
    paying.earns("par_a", 50_00)
    since = NOW.date().isoformat()
    for days, run, through in ((2, second, "2026-11-30"), (9, third, "2026-12-01")):
        paying.now = NOW + timedelta(days=days)
        paying.rates({since: {"USD": "1.1"}}, through=(paying.now - timedelta(days=1)).date().isoformat())
        paying.reserved(run=run, first="2026-10-01", through=through)

    # then the first run that pays the new account says so
    assert paying.left_out(second) == {("par_a", "EUR"): "profile_changed_lately"}
    assert paying.payout("par_a", run=third).notice == NEW_DETAILS


def test_paypal_pays_whole_forints_and_what_it_cannot_pay_stays(paying: Paying) -> None:
    # given money in euros and money in forints, both paid in forints
    paying.rates({"2026-11-30": {"HUF": "391.37"}, "2026-12-01": {"HUF": "391.37"}})
    hungarian = {"currency": "HUF", "rail": RailKind.PAYPAL}
    paying.partner("par_a", 100_01, profile=hungarian)
    paying.partner("par_b", 5_000_55, currency="HUF", profile=hungarian)

    paying.reserved()

    # then 100.01 × 391.37 = 39,140.9137 is 39,141, and 55 fillér stay
    assert paying.payout("par_a").pays == 39_141_00
    kept = paying.payout("par_b", currency="HUF")
    assert (kept.amount, kept.pays) == (5_000_00, 5_000_00)


def test_a_run_of_an_earlier_range_does_not_meet_what_matured_after_it(paying: Paying) -> None:
    # given money that matured after a range, on the day on which another run reserves
    paying.partner("par_a", 100_00)
    paying.earns("par_a", 30_00, month="2026-11", day="2026-12-01")
    paying.reserved()

    # then a run of the earlier range finds nothing of it
    paying.reserved(run="2026-11a-other", first="2026-11-01", through="2026-11-15")
    assert paying.made("2026-11a-other") == {}
    close_run(paying.payouts, brand=BRAND, run=RUN, now=paying.now)


def test_when_a_run_is_closed_its_approvers_are_told_once_what_it_came_to(paying: Paying, tables: Tables) -> None:
    paying.partner("par_a", 100_00)
    paying.reserved()
    for _ in range(3):
        close_run(paying.payouts, brand=BRAND, run=RUN, now=paying.now)
    told = [mail for mail in Mails(tables.books).mails(BRAND) if mail.template is MailTemplate.RUN_SUMMARY]
    assert [(mail.audience, mail.values["run"], mail.values["not_paid"]) for mail in told] == [
        (Audience.APPROVERS, RUN, 1)
    ]
