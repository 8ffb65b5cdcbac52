"""A partner says how often it wants its letter, and by which clocks."""

from __future__ import annotations

from dataclasses import replace

from introducer.domain.configuration import Change, Member, Partner, Role
from introducer.domain.errors import Forbidden
from introducer.domain.report import Cadence, ReportChoice
from introducer.services.creation import Clock, now
from introducer.services.set_payout_schedule import zone
from introducer.store.report_choices import ReportChoices


def choose_report(
    choices: ReportChoices, *, member: Member, partner: Partner, cadence: Cadence, time_zone: str, clock: Clock
) -> ReportChoice:
    """The choice as it stands now. The same again changes nothing.

    Raises `Forbidden` for whoever is no owner, `Invalid` (`unknown_time_zone`), `Conflict` when it changed meanwhile.
    """
    if member.role is not Role.OWNER:
        raise Forbidden("Letters go to the owners: ask one of them to choose.", code="owner_only_reports")
    if time_zone:
        zone(time_zone)
    before = choices.get(partner.partner)
    after = replace(before, cadence=cadence, time_zone=time_zone, version=before.version + 1)
    if replace(after, version=before.version) == before:
        return before
    change = Change(by=member.member, at=now(clock), why="Chosen by the partner", origin="portal")
    choices.put(partner.brand, before, after, change)
    return after
