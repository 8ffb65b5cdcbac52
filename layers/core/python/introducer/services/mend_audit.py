"""Chains audit records that have no link: those of before there was a chain, and what the stream lost.

A person decides it, and looks first: a record that somebody slipped in has no link either. What is chained so says it
in its link for ever, and the decision is on record itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from introducer.domain.audit_chain import Recorded, Via
from introducer.domain.configuration import Change
from introducer.services.chain_audit import chain_audit
from introducer.store.audit_chain import AuditChain

ACTION = "mend_audit_chain"
"""The audit trail's word for it. Its subject is the brand."""


def mend_audit(
    chain: AuditChain, unchained: Sequence[Recorded], change: Change, *, pause: Callable[[int], None]
) -> int:
    """Gives these records a link behind all others, in their order; how many have one now that had none. On record
    before it is done, brand by brand. Raises `Unavailable` for the first that could not be chained."""
    for brand, count in Counter(record.brand for record in unchained).items():
        chain.record(brand, brand, ACTION, change, {"records": count})
    outcome = chain_audit(chain, unchained, now=change.at, pause=pause, via=Via.MENDED)
    for error in outcome.failed.values():
        raise error
    return outcome.links
