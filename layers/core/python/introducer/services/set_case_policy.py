"""The clocks of a brand's cases: read by whoever works on cases, set by an admin."""

from __future__ import annotations

from datetime import datetime

from introducer.domain.case import CasePolicy
from introducer.domain.configuration import Member
from introducer.store.cases import Cases


def read_case_policy(cases: Cases, *, brand: str) -> CasePolicy:
    """The brand's policy; the one that the product comes with where none was set."""
    raise NotImplementedError


def set_case_policy(cases: Cases, *, member: Member, policy: CasePolicy, why: str, now: datetime) -> CasePolicy:
    """The policy from now on: cases that are open keep the clocks that they were opened with.

    Raises `Forbidden` (`admin_only`), `Invalid` (`invalid_policy`, `reason_needed`), `Conflict` (`policy_changed`).
    """
    raise NotImplementedError
