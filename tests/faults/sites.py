"""The call sites that the schedules crash at: which operation, by which line of the stores, for which service.

A run of thousands must have crashed at each of them, before sending and after the commit, and at every other call site
that it met: `python -m tests.faults` fails when one is left out. A new one is added here, so that it is aimed at.
"""

from __future__ import annotations

OFTEN: tuple[str, ...] = (
    "BatchGetItem Clients.states < Engine._prepare",
    "GetItem Campaigns.campaign < ContractReader._link",
    "GetItem Facts.event < Engine._still_waiting",
    "GetItem Ledger.balance < Engine._journals",
    "GetItem Ledger.balance < Settler._post",
    "GetItem Links.link < ContractReader._link",
    "GetItem Settlements.head < Settler._settle",
    "GetItem Settlements.version < Settler._settle",
    "PutItem Facts.put_event",
    "Query AttributionDecisions.attributions < ContractReader._later",
    "Query Deals.deals < ContractReader._decided",
    "Query Facts.events_of_client < Engine._fold",
    "Query Partners.parentings < ContractReader._decided",
    "Query Partners.standings < ContractReader._decided",
    "Query PromoCodes.promo_code < ContractReader._given",
    "Query RateStore.completed_through < ContractReader._publication",
    "Query RateStore.published_before < ContractReader._publication",
    "Query Settlements.heads < Settler._settle",
    "Query Settlements.rows < Settler._computed",
    "TransactWriteItems Accruals.write < Engine._apply_batch",
    "TransactWriteItems Settlements.write < Settler._post",
)
WRITES = tuple(each for each in OFTEN if each.startswith("TransactWriteItems"))
"""Aimed at more often than the others: what is half done is left by these alone."""
WITH_LATE_RATES: tuple[str, ...] = (
    "GetItem Facts.event < _replay",
    "PutItem Facts.quarantine < Engine._quarantine",
    "PutItem RateWaits.note < note_wait",
    "Query RateStore.completed_through < replay_what_waited",
    "Query RateStore.published_before < replay_what_waited",
    "Query RateWaits.open < replay_what_waited",
    "Query every < _lying",
    "UpdateItem Facts.mark_for_retry < _replay",
    "UpdateItem Facts.mark_replayed < _replay",
    "UpdateItem RateWaits.settle < replay_what_waited",
)
WITH_A_REFUSED_EVENT: tuple[str, ...] = (
    "PutItem Facts.quarantine < Engine._quarantine",
    "TransactWriteItems Accruals.write < Engine._apply_one_by_one",
)
WITH_LITTLE_ROOM: tuple[str, ...] = (
    "Query Settlements.whole < Settler._settle",
    "Query Settlements.whole < chain_before",
    "TransactWriteItems Accruals.write < Engine._finish",
)

SITES = {*OFTEN, *WITH_LATE_RATES, *WITH_A_REFUSED_EVENT, *WITH_LITTLE_ROOM}


def worth_aiming_at(*, late_rates: bool, refused_event: bool, little_room: bool) -> tuple[str, ...]:
    """Some of the call sites that a schedule may meet; those that few schedules meet come first."""
    if late_rates:
        return WITH_LATE_RATES
    if refused_event:
        return WITH_A_REFUSED_EVENT
    return OFTEN + WRITES * 3 + (WITH_LITTLE_ROOM * 3 if little_room else ())
