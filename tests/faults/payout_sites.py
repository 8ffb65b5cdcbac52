"""The call sites that the schedules of a run crash at, as `sites` has those of the engine. The rare ones are aimed at
more often, in worlds that have what leads to them."""

from __future__ import annotations

import random
from collections.abc import Mapping

OFTEN: tuple[str, ...] = (
    "BatchGetItem Invoices.standing < _Desk.issued",
    "BatchGetItem Invoices.tax_records < issue_invoices",
    "BatchGetItem Ledger.balances < _Reserving.partners",
    "BatchGetItem PaymentProfiles.of_partners < _Reserving.partners",
    "BatchGetItem PaymentProfiles.of_versions < _transfers",
    "BatchGetItem Payouts.by_ids < _Reserving.partners",
    "BatchGetItem Payouts.by_ids < issue_invoices",
    "BatchGetItem Verifications.approved < _Reserving.partners",
    "GetItem Brands.brand < issue_invoices",
    "GetItem Partners.partner < _obstacle",
    "GetItem Invoices.last_place < _Desk.issued",
    "GetItem Ledger.balance < _obstacle",
    "GetItem PaymentProfiles.of_partner < _obstacle",
    "GetItem PayoutSchedules.get < _confirming",
    "GetItem PayoutSchedules.get < ask_for_approval",
    "GetItem PayoutSchedules.get < open_run",
    "GetItem PayoutSchedules.get < reserve_group",
    "GetItem Payouts.batch < record_outcome",
    "GetItem Payouts.batch < send_batch",
    "GetItem Payouts.by_id < take_outcome",
    "GetItem Payouts.create < _Reserving._make",
    "GetItem Payouts.open_batch < plan_batches",
    "GetItem Payouts.open_run < open_run",
    "GetItem Payouts.payout < record_outcome",
    "GetItem Payouts.run < _Reserving._look_back",
    "GetItem Payouts.run < _confirming",
    "GetItem Payouts.run < add_up",
    "GetItem Payouts.run < approve_group",
    "GetItem Payouts.run < ask_for_approval",
    "GetItem Payouts.run < close_run",
    "GetItem Payouts.run < decide_run",
    "GetItem Payouts.run < plan_batches",
    "GetItem Payouts.run < reserve_group",
    "GetItem Payouts.run < take_rates",
    "GetItem Payouts.step < _step_unless_further",
    "GetItem Payouts.step < record_outcome",
    "GetItem Payouts.step < take_outcome",
    "KMS decrypt  < _transfers",
    "PayPal get  < _ask",
    "PayPal post  < _try",
    "PutItem Payouts.change_batch < _seal",
    "PutItem Payouts.change_batch < _try",
    "PutItem Payouts.change_batch < look_up",
    "PutItem Payouts.change_batch < send_batch",
    "PutItem Payouts.change_batch < take_answer",
    "PutItem Payouts.leave_out < _Reserving.partners",
    "PutItem Payouts.open_batch < plan_batches",
    "Query Partners.cards < _cards",
    "Query every < select_partners",
    "Query Deals.deals < _Reserving._terms",
    "Query Payouts.all_left_out < add_up",
    "Query Payouts.all_left_out < reserve_group",
    "Query Payouts.all_of_run < add_up",
    "Query Payouts.all_of_run < approve_group",
    "Query Payouts.all_of_run < members_of",
    "Query Payouts.all_of_run < plan_batches",
    "Query Payouts.all_of_run < set_aside",
    "Query Payouts.batches < look_up",
    "Query Payouts.create < _Reserving._make",
    "Query Payouts.step < _step_unless_further",
    "Query Payouts.step < record_outcome",
    "Query Payouts.step < take_outcome",
    "Query RateStore.completed_through < take_rates",
    "Query RateStore.published_before < _Reserving._day_of",
    "Query RateStore.published_before < take_rates",
    "S3 get  < _ask",
    "S3 put  < _try",
    "SendTaskSuccess  < ask_for_approval",
    "SendTaskSuccess  < decide_run",
    "TransactWriteItems Invoices.issue < _Desk.issued",
    "TransactWriteItems Payouts.begin_sending < _join",
    "TransactWriteItems Payouts.change_run < _confirming",
    "TransactWriteItems Payouts.change_run < add_up",
    "TransactWriteItems Payouts.change_run < ask_for_approval",
    "TransactWriteItems Payouts.change_run < close_run",
    "TransactWriteItems Payouts.change_run < decide_run",
    "TransactWriteItems Payouts.change_run < take_rates",
    "TransactWriteItems Payouts.create < _Reserving._make",
    "TransactWriteItems Payouts.open_run < open_run",
    "TransactWriteItems Payouts.step < _step_unless_further",
    "TransactWriteItems Payouts.step < approve_group",
    "TransactWriteItems Payouts.step < record_outcome",
    "TransactWriteItems Payouts.step < take_outcome",
)
SELDOM: Mapping[str, tuple[str, ...]] = {
    "": (
        "GetItem Payouts.batch < _is_asked_about",
        "GetItem Payouts.payout < reject_payout",
        "GetItem Payouts.run < _is_asked_about",
    ),
    "account": (
        "GetItem Payouts.step < set_aside",
        "PutItem Payouts.change_batch < _let_go",
        "Query Payouts.step < set_aside",
        "TransactWriteItems Payouts.step < set_aside",
    ),
    "disturbed": ("GetItem Ledger.balance < _Reserving._make",),
    "profile": (
        "BatchGetItem PaymentProfiles.of_partners < _take_out_changed",
        "GetItem Payouts.payout < _take_out",
        "GetItem Payouts.run < _take_out",
        "GetItem Payouts.take_out < _take_out",
        "Query Payouts.all_of_run < _take_out_changed",
        "Query Payouts.take_out < _take_out",
        "TransactWriteItems Payouts.take_out < _take_out",
    ),
    "rejected": (
        "GetItem Payouts.run < release_group",
        "GetItem Payouts.step < release_group",
        "Query Payouts.all_of_run < release_group",
        "Query Payouts.step < release_group",
        "TransactWriteItems Payouts.step < release_group",
    ),
    "rivals": (
        "GetItem Payouts.batch < _join",
        "GetItem Payouts.payout < _join",
        "GetItem Payouts.step < approve_group",
    ),
    "silence": ("PutItem Payouts.change_batch < give_up", "TransactWriteItems Payouts.say_again < give_up"),
    "suspend": (
        "Query Partners.standings < _Reserving._status",
        "Query Partners.standings < _obstacle",
    ),
}
"""By what a world must have (`payout_worlds.a_world`); empty for nothing special."""

NEEDS: Mapping[str, str] = {site: need for need, those in SELDOM.items() for site in those}
SITES = {*OFTEN, *NEEDS}
_ALL = (*OFTEN, *NEEDS)
_TIMES = {"rivals": 12, "profile": 9, "rejected": 2}
_RAREST = {"GetItem Payouts.payout < _join": 40, "GetItem Payouts.payout < _take_out": 30}
_WEIGHTS = (*(1 for _ in OFTEN), *(_RAREST.get(site, _TIMES.get(need, 6)) for site, need in NEEDS.items()))


def aimed_at(chance: random.Random) -> str:
    """One of the call sites."""
    return chance.choices(_ALL, _WEIGHTS)[0]
