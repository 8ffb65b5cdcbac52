"""`/desk/reports`: what the brand's partners bring, by any row, over any days, beside an earlier time. `?manager=` and
`?partner=` say whose. `…/value`: what clients are worth. `…/saved`: reports kept under a name, and those that
colleagues share.

Every member of staff may look, as at the partners themselves. A manager who has partners begins with
those, anybody else with all of the brand's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import report_saved
from report_saved import ChangedReport, GoneReport, NewReport
from report_shown import (
    ASKED,
    SCOPE,
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
from server import Done, Go, Who, page
from visit import Visit

from introducer.domain.client_value import COHORT, VALUES, value_query_of
from introducer.domain.configuration import Role
from introducer.domain.errors import Invalid, Malformed, NotFound
from introducer.domain.report_query import SOURCES, Dimension
from introducer.services.people import Names
from introducer.services.read_report import MOST_READ, Whose, read_report, read_value

PATH = "/desk/reports"
VALUE, SAVED = PATH + "/value", PATH + "/saved"
ONE = SAVED + "/{report}"
ALL, MINE, NOBODY = "all", "me", "nobody"
ROWS = tuple(Dimension)
VALUE_ROWS = (*SOURCES, Dimension.PARTNER, Dimension.MANAGER)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose a report is."""

    partners: list[Whose]
    asked: dict[str, str]
    """The parameters that say so."""
    name: str
    """Of the one partner; empty for more."""
    currency: str
    managers: list[dict[str, str]]
    """What can be chosen."""
    usual: str
    """What is meant where nothing is asked."""
    wrong: str

    def told(self) -> dict[str, Any]:
        return {
            "manager": self.asked.get("manager", self.usual),
            "usual": self.usual,
            "partner": self.asked.get("partner", ""),
            "name": self.name,
            "partners": len(self.partners),
            "managers": self.managers,
        }


@page(PATH, "report.html", who=Who.STAFF, columns=columns)
def desk_reports(visit: Visit) -> dict[str, Any] | Go:
    """What the brand's partners bring, by any row, over any days, beside an earlier time. The report is that of the
    address; `manager` and `partner` say whose."""
    assert visit.member is not None
    asked = asked_in(visit, (*ASKED, *SCOPE))
    query, wrong = report_asked(visit, asked, ROWS, Dimension.PARTNER)
    scope = _scope(visit, asked)
    if comes_from_form(visit) and not wrong and not scope.wrong:
        return Go(address(PATH, query.to_params(), scope.asked))
    found = frame(query, wrong or scope.wrong)
    try:
        report = read_report(
            visit.portal.report_books,
            brand=visit.member.brand,
            partners=scope.partners,
            query=query,
            currency=scope.currency,
        )
    except Invalid as error:
        if not is_browser(visit):
            raise
        found["wrong"] = error.code
    else:
        found |= shown(visit, report, f"report {visit.member.brand} {sorted(scope.asked.items())}")
    for row in found["items"]:
        row["more"] = _more(query, row, scope)
    campaigns = [
        {"value": each.campaign, "label": each.name}
        for each in visit.portal.configuration.campaigns(visit.member.brand)
    ]
    return found | {
        "home": PATH,
        "scope": scope.told(),
        "choices": choices(ROWS) | {"campaigns": campaigns},
        "filter_names": filters_named(visit, query, campaigns),
        "saved": report_saved.first(visit, PATH),
    }


@page(PATH, "report.html", method="POST", who=Who.STAFF, again=desk_reports, body=NewReport)
def keep_desk_report(visit: Visit) -> Done:
    """Saves what a report asks under a name, for the member or for colleagues too."""
    return report_saved.keep(visit, PATH)


@page(SAVED, "report_saved.html", who=Who.STAFF, columns=report_saved.COLUMNS)
def saved_desk_reports(visit: Visit) -> dict[str, Any]:
    """The member's own saved reports, and those that colleagues share."""
    return {"home": PATH, "may_share": True} | report_saved.kept(visit, PATH)


@page(ONE, who=Who.STAFF)
def saved_desk_report(visit: Visit, report: str) -> Go:
    """Leads to what a saved report asks."""
    return report_saved.opened(visit, report, PATH)


@page(
    ONE,
    "report_saved.html",
    method="POST",
    who=Who.STAFF,
    again=lambda visit, report: saved_desk_reports(visit),
    body=ChangedReport,
)
def rename_desk_report(visit: Visit, report: str) -> Done:
    """Renames a saved report, shares it with colleagues, or does so no more."""
    return report_saved.change(visit, report, PATH)


@page(
    ONE + "/delete",
    "report_saved.html",
    method="POST",
    who=Who.STAFF,
    again=lambda visit, report: saved_desk_reports(visit),
    body=GoneReport,
)
def drop_desk_report(visit: Visit, report: str) -> Done:
    """Deletes a saved report."""
    return report_saved.delete(visit, report, PATH)


@page(VALUE, "report_value.html", who=Who.STAFF, columns=value_columns)
def value_of_brands_clients(visit: Visit) -> dict[str, Any]:
    """What the clients who registered in some months are worth until now."""
    assert visit.member is not None
    asked, wrong = asked_in(visit, (*VALUE_ASKED, *SCOPE)), ""
    scope = _scope(visit, asked)
    usual = max(1, min(12, MOST_READ // max(1, len(scope.partners))))
    try:
        query = value_query_of(asked, today=visit.today, allowed=VALUE_ROWS, usual_months=usual)
    except Malformed as error:
        if not is_browser(visit):
            raise
        query = value_query_of({}, today=visit.today, allowed=VALUE_ROWS, usual_months=usual)
        wrong = error.code
    found: dict[str, Any] = {"items": [], "total": None, "currency": None, "currencies": [], "next": None}
    wrong = wrong or scope.wrong
    try:
        report = read_value(
            visit.portal.report_books,
            brand=visit.member.brand,
            partners=scope.partners,
            query=query,
            currency=scope.currency,
        )
        found = value_shown(visit, report, f"value {visit.member.brand} {sorted(scope.asked.items())}")
    except Invalid as error:
        if not is_browser(visit):
            raise
        wrong = error.code
    return found | {
        "home": PATH,
        "scope": scope.told(),
        "query": query.to_params(),
        "grows": query.grows,
        "wrong": wrong or None,
        "choices": {"rows": [COHORT, *VALUE_ROWS], "values": list(VALUES)},
    }


# --------------------------------------------------------------------------------------------------------------- parts


def _scope(visit: Visit, asked: dict[str, str]) -> Scope:
    """Whose the report is: one partner's, those of a manager, of nobody, or all. Raises `NotFound`."""
    assert visit.member is not None
    member = visit.member
    cards = list(visit.portal.configuration.every_card(member.brand))
    mine = member.role is Role.MANAGER and any(card.manager == member.member for card in cards)
    usual = MINE if mine else ALL
    wanted, partner = asked.get("manager") or usual, asked.get("partner", "")
    chosen = [card for card in cards if _is_of(card.manager, wanted, member.member)]
    said = {"manager": wanted} if wanted != usual else {}
    wrong, name, currency = "", "", visit.brand.base_currency
    if partner:
        # A partner that is named is meant, whoever looks after it.
        chosen = [card for card in cards if card.partner == partner]
        said = {"partner": partner}
        if not chosen:
            if not is_browser(visit):
                raise NotFound("There is no such partner.")
            wrong, said = "no_such_partner", {}
        else:
            name, currency = chosen[0].name, chosen[0].currency
    return Scope(
        partners=[Whose(card.partner, card.name, card.manager or "") for card in chosen],
        asked=said,
        name=name,
        currency=currency,
        managers=_managers(visit, {card.manager for card in cards if card.manager}),
        usual=usual,
        wrong=wrong,
    )


def _is_of(manager: str | None, wanted: str, me: str) -> bool:
    match wanted:
        case "all":
            return True
        case "me":
            return manager == me
        case "nobody":
            return not manager
        case _:
            return manager == wanted


def _managers(visit: Visit, found: set[str]) -> list[dict[str, str]]:
    names = Names(visit.portal.configuration)
    known = [{"value": each, "label": names.of(each) or each} for each in found]
    return sorted(known, key=lambda each: (each["label"].casefold(), each["value"]))


def _more(query: Any, row: dict[str, Any], scope: Scope) -> str | None:
    """Where a row leads: a partner's to that partner's days, a manager's to the manager's partners."""
    asked = query.to_params()
    if query.rows is Dimension.PARTNER:
        return address(PATH, asked | {"rows": "day", "sort": ""}, {"partner": row["key"]})
    if query.rows is Dimension.MANAGER:
        return address(PATH, asked | {"rows": "partner", "sort": ""}, {"manager": row["key"] or NOBODY})
    below = drill(query, row)
    return address(PATH, below, scope.asked) if below else None
