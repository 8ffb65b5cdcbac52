"""The clocks of a brand's cases: read by whoever works on cases, set by an admin."""

from __future__ import annotations

from datetime import datetime

from introducer.domain.case import CasePolicy
from introducer.domain.case_rules import check_policy
from introducer.domain.configuration import Change, Member, Role
from introducer.domain.errors import Forbidden
from introducer.services.decisions import reason
from introducer.store.cases import Cases


def read_case_policy(cases: Cases, *, brand: str) -> CasePolicy:
    """The brand's policy; the one that the product comes with where none was set."""
    return cases.policy(brand)


def set_case_policy(cases: Cases, *, member: Member, policy: CasePolicy, why: str, now: datetime) -> CasePolicy:
    """The policy from now on: a case that is open keeps its deadlines; the time to appeal and the reminders are new.

    Raises `Forbidden` (`admin_only`), `Invalid` (`invalid_policy`, `reason_needed`), `Conflict` (`policy_changed`).
    """
    if member.role is not Role.ADMIN:
        raise Forbidden("Admins set the clocks of cases: ask one of them.", code="admin_only")
    check_policy(policy)
    word = reason(why)
    before = cases.policy(member.brand)
    if before != policy:
        cases.set_policy(member.brand, before, policy, Change(by=member.member, at=now, why=word, origin="portal"))
    return policy
