"""Reports that are kept under a name, on the pages of partners and of staff alike."""

from __future__ import annotations

import secrets
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from report_shown import ASKED, SCOPE, VALUE_ASKED, address, told
from server import Done, Go
from visit import FormRefused, Visit

from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid
from introducer.services.save_report import (
    change_report,
    delete_report,
    may_change,
    read_saved_reports,
    save_report,
    saved_report_for,
)
from introducer.store.saved_reports import SavedReport, SavedReports

MOST_ASKED = 2_000
"""Characters of a report's address."""
MOST_FIELDS = 30
MOST_ON_REPORT = 12
"""Saved reports that a report's own page shows; their own page has all."""
OF_THE_PAGE = ("as", "cursor", "limit")
"""What stands in an address and is no part of the report."""


class NewReport(BaseModel):
    """A report that is kept: what stands behind the question mark of its address."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    shared: bool = False
    asked: Annotated[str, StringConstraints(max_length=MOST_ASKED)] = ""


class ChangedReport(BaseModel):
    """Another name, over what was read."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    shared: bool = False
    version: Annotated[int, Field(ge=0, le=9_999_999)]


class GoneReport(BaseModel):
    """What was read is deleted."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=0, le=9_999_999)]


COLUMNS = (
    ("report", lambda row: row["report"]),
    ("name", lambda row: row["name"]),
    ("shared", lambda row: row["shared"]),
    ("address", lambda row: row["address"]),
)


def kept(visit: Visit, path: str) -> dict[str, Any]:
    """A page of what the member may open."""
    assert visit.member is not None
    subject = f"saved reports of {visit.member.member}"
    found = read_saved_reports(_reports(visit), member=visit.member, after=visit.position(subject), limit=visit.limit())
    return {
        "items": [_line(visit, each, path) for each in found.items],
        "next": visit.next(subject, found.cursor),
    }


def first(visit: Visit, path: str) -> list[dict[str, Any]]:
    """The first of them, for a report's own page."""
    assert visit.member is not None
    found = read_saved_reports(_reports(visit), member=visit.member, limit=MOST_ON_REPORT)
    return [_line(visit, each, path) for each in found.items]


def opened(visit: Visit, report: str, path: str) -> Go:
    """On to the report that was kept."""
    assert visit.member is not None
    found = saved_report_for(_reports(visit), member=visit.member, report=report)
    return Go(_address(path, found))


def keep(visit: Visit, path: str) -> Done:
    """A new one, of a checked address."""
    assert visit.member is not None
    wish = visit.read(NewReport)
    try:
        asked = _checked(wish.asked)
        made = save_report(
            _reports(visit),
            member=visit.member,
            name=wish.name,
            shared=wish.shared,
            asked=asked,
            now=visit.now,
            request=visit.idempotency_key or secrets.token_hex(16),
        )
    except (Invalid, Conflict) as error:
        raise refused(error, {"name": wish.name}) from error
    return Done(_line(visit, made, path), f"{path}/saved?done=saved", created=True)


def change(visit: Visit, report: str, path: str) -> Done:
    assert visit.member is not None
    wish = visit.read(ChangedReport)
    try:
        made = change_report(
            _reports(visit),
            member=visit.member,
            report=report,
            version=wish.version,
            name=wish.name,
            shared=wish.shared,
            now=visit.now,
        )
    except (Invalid, Conflict, Forbidden) as error:
        raise refused(error, {}) from error
    return Done(_line(visit, made, path), f"{path}/saved?done=saved")


def delete(visit: Visit, report: str, path: str) -> Done:
    assert visit.member is not None
    wish = visit.read(GoneReport)
    try:
        delete_report(_reports(visit), member=visit.member, report=report, version=wish.version, now=visit.now)
    except (Conflict, Forbidden) as error:
        raise refused(error, {}) from error
    return Done({"report": report, "deleted": True}, f"{path}/saved?done=deleted")


def refused(error: IntroducerError, typed: dict[str, str]) -> IntroducerError | FormRefused:
    """The form again, with what to do."""
    message = told(error)
    if message is None:
        return error
    return FormRefused({str(error.facts.get("field", "")): message}, typed, error)


def _checked(text: str) -> dict[str, str]:
    """An address's parameters. Whether their values make sense is said when the report is opened: that moves along with
    the calendar. Raises `Invalid` (`bad_address`)."""
    wrong = Invalid("asked is what stands behind the question mark of a report's address.", code="bad_address")
    try:
        pairs = parse_qsl(text, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise wrong from error
    found = {name: value for name, value in pairs if name not in OF_THE_PAGE}
    if found.keys() - {*ASKED, *VALUE_ASKED, *SCOPE}:
        raise wrong
    return found


def _line(visit: Visit, saved: SavedReport, path: str) -> dict[str, Any]:
    assert visit.member is not None
    return {
        "report": saved.report,
        "name": saved.name,
        "shared": saved.shared,
        "mine": saved.owner == visit.member.member,
        "may_change": may_change(saved, visit.member),
        "asked": dict(saved.asked),
        "address": _address(path, saved),
        "open": f"{path}/saved/{quote(saved.report)}",
        "changed_at": saved.changed_at,
        "version": saved.version,
    }


def _address(path: str, saved: SavedReport) -> str:
    """Where it stands: what clients are worth has a page of its own."""
    return address(f"{path}/value" if "by" in saved.asked else path, saved.asked)


def _reports(visit: Visit) -> SavedReports:
    return visit.portal.saved_reports
