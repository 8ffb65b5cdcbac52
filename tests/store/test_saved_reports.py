"""Saved reports: the questions about them, asked of real tables; who sees and changes which; each change on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from introducer.domain.configuration import Member, Role
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.services.save_report import (
    change_report,
    delete_report,
    read_saved_reports,
    save_report,
    saved_report_for,
)
from introducer.store.configuration import Configuration
from introducer.store.saved_reports import SavedReport, SavedReports
from tests.conftest import Tables

pytestmark = pytest.mark.in_memory

NOW = datetime(2026, 11, 30, 9, 12, 31, tzinfo=UTC)
ASKED = {"rows": "country", "period": "last_month"}


def a_member(name: str, role: Role = Role.OWNER, partner: str | None = "par_1") -> Member:
    return Member(
        member=f"mem_{name}", partner=partner, brand="brd_1", role=role, name=name, language="en",
        signed_out_at=None,
    )  # fmt: skip


OWNER, COLLEAGUE = a_member("owner"), a_member("colleague", Role.MEMBER)
STRANGER = a_member("stranger", partner="par_2")
MANAGER, ADMIN = a_member("manager", Role.MANAGER, None), a_member("admin", Role.ADMIN, None)


def saved(
    reports: SavedReports, member: Member, name: str = "Countries", *, shared: bool = False, request: str = "r1"
) -> SavedReport:
    return save_report(reports, member=member, name=name, shared=shared, asked=ASKED, now=NOW, request=request)


def seen(reports: SavedReports, member: Member) -> list[SavedReport]:
    page = read_saved_reports(reports, member=member)
    assert page.cursor is None
    return list(page.items)


@pytest.mark.pattern("saved_reports_of_partner")
@pytest.mark.pattern("saved_report_by_id")
def test_a_partners_report_is_its_members_own_and_saved_once(tables: Tables) -> None:
    reports = SavedReports(tables.books)
    made = saved(reports, OWNER, "  My   countries ")
    assert (made.name, made.asked, made.partner, made.version) == ("My countries", ASKED, "par_1", 0)
    assert saved(reports, OWNER, "My countries") == made
    other = saved(reports, OWNER, "a list", request="r2")
    assert seen(reports, OWNER) == [other, made]
    assert saved_report_for(reports, member=OWNER, report=made.report) == made
    for nobody in (COLLEAGUE, STRANGER, MANAGER):
        assert seen(reports, nobody) == []
        with pytest.raises(NotFound):
            saved_report_for(reports, member=nobody, report=made.report)
    with pytest.raises(NotFound):
        saved_report_for(reports, member=OWNER, report="rep_' OR 1")
    with pytest.raises(Invalid) as refused:
        saved(reports, OWNER, shared=True, request="r3")
    assert refused.value.code == "not_shared"


@pytest.mark.pattern("staff_reports_of_brand")
@pytest.mark.pattern("staff_report_by_id")
def test_staff_share_a_report_and_its_owner_or_an_admin_changes_it(tables: Tables) -> None:
    reports = SavedReports(tables.books)
    own = saved(reports, MANAGER, "Mine")
    shared = saved(reports, MANAGER, "Ours", shared=True, request="r2")
    finance = a_member("finance", Role.FINANCE, None)
    assert seen(reports, MANAGER) == [own, shared]
    assert seen(reports, finance) == [shared]
    with pytest.raises(Forbidden) as refused:
        delete_report(reports, member=finance, report=shared.report, version=0, now=NOW)
    assert refused.value.code == "not_owner"

    renamed = change_report(
        reports,
        member=ADMIN,
        report=shared.report,
        version=0,
        name="Everybody's",
        shared=True,
        now=NOW + timedelta(minutes=1),
    )
    assert (renamed.name, renamed.owner, renamed.asked, renamed.version) == ("Everybody's", "mem_manager", ASKED, 1)
    with pytest.raises(Conflict) as late:
        delete_report(reports, member=MANAGER, report=shared.report, version=0, now=NOW)
    assert late.value.code == "report_changed"
    delete_report(reports, member=MANAGER, report=shared.report, version=1, now=NOW + timedelta(hours=1))
    assert seen(reports, MANAGER) == [own]
    with pytest.raises(NotFound):
        saved_report_for(reports, member=MANAGER, report=shared.report)

    trail = Configuration(tables.books).audit_of_subject(shared.report).items
    assert [each.action for each in trail][::-1] == ["save_report", "change_report", "delete_report"]


def test_a_member_keeps_so_many_reports_and_each_has_a_name(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("introducer.services.save_report.MOST", 2)
    reports = SavedReports(tables.books)
    for name in ("", "   ", "x" * 81, "a\x00b"):
        with pytest.raises(Invalid) as refused:
            saved(reports, OWNER, name)
        assert refused.value.code == "name_length"
    for number in range(2):
        saved(reports, OWNER, f"Report {number}", request=f"r{number}")
    with pytest.raises(Conflict) as full:
        saved(reports, OWNER, "One more", request="more")
    assert full.value.code == "too_many_reports"
    saved(reports, COLLEAGUE, "The colleague's first")


def test_saved_reports_come_page_by_page_though_they_change_meanwhile(tables: Tables) -> None:
    reports = SavedReports(tables.books)
    names = ["Ärger", "as it was", "As it was", "b c", "Zebra"]
    made = {
        name: saved(reports, ADMIN if name == "Zebra" else MANAGER, name, shared=name == "Zebra", request=name)
        for name in names
    }
    saved(reports, ADMIN, "as nobody else sees")
    first = read_saved_reports(reports, member=MANAGER, limit=2)
    assert {each.name for each in first.items} == {"as it was", "As it was"} and first.cursor

    delete_report(reports, member=MANAGER, report=first.items[-1].report, version=0, now=NOW)
    rest = read_saved_reports(reports, member=MANAGER, after=first.cursor, limit=2)
    assert [each.name for each in rest.items] == ["b c", "Zebra"] and rest.cursor
    last = read_saved_reports(reports, member=MANAGER, after=rest.cursor, limit=2)
    assert (last.items, last.cursor) == ((made["Ärger"],), None)
