"""`/reports`: what the partner's traffic brought, by any row, over any days, beside an earlier time, as a chart, a
table and a file. `…/value`: what clients are worth, by source and by month of registration. `…/saved`: reports kept
under a name. All that a report asks stands in its address.
"""

from __future__ import annotations

from typing import Any

import report_saved
from report_saved import ChangedReport, GoneReport, NewReport
from report_shown import (
    ASKED,
    VALUE_ASKED,
    address,
    asked_in,
    choices,
    columns,
    comes_from_form,
    drill,
    filters_named,
    frame,
    is_browser,
    report_asked,
    shown,
    value_columns,
    value_shown,
)
from server import Done, Go, page
from visit import Visit

from introducer.domain.client_value import COHORT, VALUES, value_query_of
from introducer.domain.errors import Malformed
from introducer.domain.report_query import OF_PARTNERS, SOURCES, Dimension
from introducer.services.read_links_of_partner import read_campaigns_to_promote
from introducer.services.read_report import Whose, read_report, read_value

PATH = "/reports"
VALUE, SAVED = PATH + "/value", PATH + "/saved"
ONE = SAVED + "/{report}"


@page(PATH, "report.html", columns=columns)
def reports(visit: Visit) -> dict[str, Any] | Go:
    """What the partner's traffic brought, by any row, over any days, beside an earlier time. The report is that of the
    address. What once stood here, the last week, has a page of its own."""
    assert visit.partner is not None
    if visit.query("show"):
        return Go(address(f"{PATH}/summary", {"show": visit.query("show")}))
    asked = asked_in(visit, ASKED)
    query, wrong = report_asked(visit, asked, OF_PARTNERS, Dimension.DAY)
    if comes_from_form(visit) and not wrong:
        return Go(address(PATH, query.to_params()))
    partner = visit.partner
    report = read_report(
        visit.portal.report_books,
        brand=partner.brand,
        partners=[_whose(visit)],
        query=query,
        currency=partner.currency,
    )
    found = frame(query, wrong) | shown(visit, report, f"report {partner.partner}")
    for row in found["items"]:
        below = drill(query, row)
        row["more"] = address(PATH, below) if below else None
    campaigns = _campaigns(visit)
    return found | {
        "home": PATH,
        "scope": None,
        "choices": choices(OF_PARTNERS) | {"campaigns": campaigns},
        "filter_names": filters_named(visit, query, campaigns),
        "saved": report_saved.first(visit, PATH),
    }


@page(PATH, "report.html", method="POST", again=reports, body=NewReport)
def keep_report(visit: Visit) -> Done:
    """Saves what a report asks under a name."""
    return report_saved.keep(visit, PATH)


@page(SAVED, "report_saved.html", columns=report_saved.COLUMNS)
def saved_reports(visit: Visit) -> dict[str, Any]:
    """The member's own saved reports."""
    return {"home": PATH, "may_share": False} | report_saved.kept(visit, PATH)


@page(ONE)
def saved_report(visit: Visit, report: str) -> Go:
    """Leads to what a saved report asks."""
    return report_saved.opened(visit, report, PATH)


@page(ONE, "report_saved.html", method="POST", again=lambda visit, report: saved_reports(visit), body=ChangedReport)
def rename_report(visit: Visit, report: str) -> Done:
    """Renames a saved report."""
    return report_saved.change(visit, report, PATH)


@page(
    ONE + "/delete",
    "report_saved.html",
    method="POST",
    again=lambda visit, report: saved_reports(visit),
    body=GoneReport,
)
def drop_report(visit: Visit, report: str) -> Done:
    """Deletes a saved report."""
    return report_saved.delete(visit, report, PATH)


@page(VALUE, "report_value.html", columns=value_columns)
def value_of_clients(visit: Visit) -> dict[str, Any]:
    """What the clients who registered in some months are worth until now."""
    assert visit.partner is not None
    asked, wrong = asked_in(visit, VALUE_ASKED), ""
    try:
        query = value_query_of(asked, today=visit.today, allowed=SOURCES)
    except Malformed as error:
        if not is_browser(visit):
            raise
        query, wrong = value_query_of({}, today=visit.today, allowed=SOURCES), error.code
    partner = visit.partner
    report = read_value(
        visit.portal.report_books,
        brand=partner.brand,
        partners=[_whose(visit)],
        query=query,
        currency=partner.currency,
    )
    return value_shown(visit, report, f"value {partner.partner}") | {
        "home": PATH,
        "scope": None,
        "query": query.to_params(),
        "grows": query.grows,
        "wrong": wrong or None,
        "choices": {"rows": [COHORT, *SOURCES], "values": list(VALUES)},
    }


def _whose(visit: Visit) -> Whose:
    assert visit.partner is not None
    return Whose(visit.partner.partner, visit.partner.name, visit.partner.manager or "")


def _campaigns(visit: Visit) -> list[dict[str, str]]:
    """The campaigns that a report can be narrowed to."""
    assert visit.partner is not None
    found = read_campaigns_to_promote(visit.portal.configuration, visit.partner.brand, visit.now)
    return [{"value": each.campaign, "label": each.name} for each in found]
