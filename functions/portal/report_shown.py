"""A report as a page and as data, for partners and for staff alike: how its address is read, what its figures are
called and what counts in them, how a cell is written, and which lines a spreadsheet gets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlencode

import words
from visit import CSV, HTML, JSON, N_, Visit

from introducer.domain.calendar import month_end, plus_days
from introducer.domain.clicks import NOWHERE
from introducer.domain.client import code_of
from introducer.domain.client_value import COHORT, VALUES, by_age, per_client, tint
from introducer.domain.counts import OTHER_SUB
from introducer.domain.errors import IntroducerError, Malformed
from introducer.domain.report_query import (
    METRICS,
    SOURCES,
    TIME,
    Against,
    Dimension,
    Figure,
    Kind,
    Period,
    Preset,
    Query,
    Row,
    Sums,
    change_of,
    figure,
    number_of,
    query_of,
)
from introducer.services.read_report import Report, ValueReport
from introducer.store.figures import UNKNOWN

T = TypeVar("T")

MOST_ROWS = 500
"""Rows of one page; a spreadsheet gets all of them."""
ASKED = ("rows", "period", "from", "to", "against", "metrics", "chart", *SOURCES, "sort", "currency")
"""What the address of a report has."""
VALUE_ASKED = ("by", "first", "last", "value", "each", "currency")
"""What the address of clients' value has."""
SCOPE = ("manager", "partner")
"""What the address of a report of the staff's says of whose it is."""
STAYED = "stayed"
"""The days that a form was filled with: own days are meant where others came back."""

words.WORDS["report_rows"] = {
    "day": N_("Day"),
    "week": N_("Week"),
    "month": N_("Month"),
    "campaign": N_("Campaign"),
    "link": N_("Link or promo code"),
    "country": N_("Country"),
    "device": N_("Device"),
    "sub1": N_("Your sub1"),
    "deal": N_("Deal version"),
    "partner": N_("Partner"),
    "manager": N_("Manager"),
    "cohort": N_("Month of registration"),
}
words.WORDS["report_question"] = {
    "day": N_("What came, day by day"),
    "week": N_("What came, week by week"),
    "month": N_("What came, month by month"),
    "campaign": N_("Which campaigns bring something"),
    "link": N_("Which links bring something"),
    "country": N_("Which countries bring something"),
    "device": N_("Which devices visitors use"),
    "sub1": N_("What each sub1 brings"),
    "deal": N_("What came under each deal"),
    "partner": N_("Which partners bring something"),
    "manager": N_("What each manager's partners bring"),
}
words.WORDS["report_period"] = {
    "today": N_("Today"),
    "yesterday": N_("Yesterday"),
    "last_7": N_("Last 7 days"),
    "last_30": N_("Last 30 days"),
    "this_month": N_("This month"),
    "last_month": N_("Last month"),
    "last_3_months": N_("Last 3 months"),
    "this_year": N_("This year"),
    "last_12_months": N_("Last 12 months"),
    "own": N_("Own days"),
}
words.WORDS["report_against"] = {
    "none": N_("Nothing"),
    "before": N_("The time before"),
    "year": N_("The year before"),
}
words.WORDS["report_figure"] = {
    "clicks": N_("Clicks"),
    "unique": N_("Unique clicks"),
    "flagged": N_("Flagged clicks"),
    "registrations": N_("Registrations"),
    "kyc": N_("Identities confirmed"),
    "ftd": N_("First deposits"),
    "qftd": N_("Qualified clients"),
    "deposits": N_("Deposits"),
    "withdrawals": N_("Withdrawals"),
    "net_deposits": N_("Net deposits"),
    "lots": N_("Lots"),
    "net_revenue": N_("Net revenue"),
    "earnings": N_("Earnings"),
    "ecpa": N_("Earned per qualified client"),
    "epc": N_("Earned per click"),
    "click_to_registration": N_("Clicks that register"),
    "registration_to_kyc": N_("Registrations that confirm"),
    "registration_to_ftd": N_("Registrations that deposit"),
    "ftd_to_qftd": N_("First deposits that qualify"),
    "click_to_ftd": N_("Clicks that deposit"),
}
words.WORDS["report_about"] = {
    "clicks": N_("Visits of people through a link. Robots, previews and the like are not among them."),
    "unique": N_("Of the clicks, those that were the browser's first on this link that day."),
    "flagged": N_("Visits that do not count; each link's page says why."),
    "registrations": N_("Clients who opened an account, on the day on which they did."),
    "kyc": N_("Clients whose identity the broker confirmed, on that day."),
    "ftd": N_("Clients who paid in for the first time, as much as the deal asks for, on that day."),
    "qftd": N_("Clients who met all that the deal asks for, on the day on which they did."),
    "deposits": N_("What clients paid in, in the deal's currency at the rate of the day before."),
    "withdrawals": N_("What clients took out, likewise."),
    "net_deposits": N_("Deposits less withdrawals."),
    "lots": N_("What clients traded, in lots."),
    "net_revenue": N_("What the broker earned from the clients, as the deal reckons it; it can be below zero."),
    "earnings": N_(
        "Each event's share on its day, before the month's tiers, caps, losses and rounding: what is owed stands under"
        " Earnings."
    ),
    "ecpa": N_("Earnings of this time divided by the clients who qualified in it: the effective CPA."),
    "epc": N_("Earnings of this time divided by its clicks."),
    "click_to_registration": N_("Registrations of this time divided by its clicks, whenever their own click was."),
    "registration_to_kyc": N_("Identities confirmed in this time, divided by its registrations."),
    "registration_to_ftd": N_("First deposits of this time divided by its registrations."),
    "ftd_to_qftd": N_("Clients who qualified in this time, divided by its first deposits."),
    "click_to_ftd": N_("First deposits of this time divided by its clicks."),
}
words.WORDS["report_nothing"] = {
    "link": N_("By no link"),
    "campaign": N_("Of no campaign"),
    "country": N_("Country not known"),
    "device": N_("Device not known"),
    "sub1": N_("Without sub1"),
    "deal": N_("Before the first deal"),
    "manager": N_("Nobody looks after them"),
    "partner": N_("Nobody"),
    "cohort": N_("Month not known"),
    "day": N_("Days with no counterpart"),
    "week": N_("Weeks with no counterpart"),
    "month": N_("Months with no counterpart"),
}
words.WORDS["report_note"] = {
    "two_faces": N_(
        "Clicks are counted by country, by device and by sub1, each by itself: nobody knows how many there were of two"
        " of them at once, so clicks and what is divided by them are left out here."
    ),
    "link": N_("By no link came clients of a lead without a click, and those that somebody decided are yours."),
    "campaign": N_("Of no campaign are promo codes for whatever the brand has, and clients who came by no link."),
    "country": N_("A click's country is the visitor's; a client's is that of the registration, else the click's."),
    "device": N_(
        "The device is the click's: none is known of clients who came by a promo code or a lead, or were assigned by"
        " hand. They are no zeros of phones or computers."
    ),
    "sub1": N_(
        "The first hundred values of a link have figures of their own, if they look like names of places; all"
        " others stand together. Clients of promo codes have none."
    ),
    "deal": N_("A day belongs to the deal that was in force on it; clients keep the CPA of the day they registered."),
    "since": N_(
        "What was counted before the broker's system told visitors apart stands where nothing is known, and so may have"
        " clicks without clients, or clients without clicks."
    ),
    "not_over": N_("This time is not over: beside it stands as much of the earlier time as has passed of it."),
    "other_currencies": N_("Amounts are never added up across currencies: choose another one to see what is in it."),
}
words.WORDS["report_value"] = {
    "net_revenue": N_("Net revenue"),
    "deposits": N_("Deposits"),
    "earnings": N_("Earnings"),
}
words.WORDS["report_wrong"] = {
    "bad_rows": N_("These rows are not known: choose some below."),
    "bad_period": N_("These days cannot be read: choose two, the first one first."),
    "period_too_long": N_("A report has 13 months at most: choose fewer days."),
    "bad_against": N_("It is not known what to compare with: choose it below."),
    "bad_metrics": N_("One of these figures is not known: choose some below."),
    "bad_filter": N_("What it was narrowed to cannot be read: choose it anew."),
    "bad_sort": N_("This order is not known: press a column's heading."),
    "bad_currency": N_("A currency has three letters, such as EUR."),
    "bad_months": N_("Choose months of the last 13, the first one first."),
    "bad_value": N_("This value is not known: choose one below."),
    "report_too_wide": N_("That is too much for one report: choose a shorter time, one manager or one partner."),
    "no_such_partner": N_("There is no such partner."),
    "name_length": N_("Give it a name of 1 to 80 characters."),
    "too_many_reports": N_("You keep 50 reports: delete one that you no longer need."),
    "report_changed": N_("This was changed meanwhile: look at it again below."),
    "not_owner": N_("A colleague saved this: save one of your own, or ask an admin."),
    "bad_address": N_("This is no report: keep one from its own page."),
    "not_shared": N_("Only the broker's staff share reports."),
}
words.WORDS["problem"] |= {
    code: words.WORDS["report_wrong"][code] for code in ("bad_period", "period_too_long", "report_too_wide")
}


# -------------------------------------------------------------------------------------------------------- what is asked


def asked_in(visit: Visit, names: Sequence[str]) -> dict[str, str]:
    """The parameters of the address that have these names. A form sends each figure that is ticked by itself, and its
    days even where a period with a name is chosen: then they count only if they are others than it was filled with."""
    asked = {name: visit.query(name) for name in names}
    ticked = visit.queries("metric") if "metrics" in names else []
    if ticked:
        asked["metrics"] = ",".join(ticked)
    stayed = visit.query(STAYED) if "period" in names else ""
    if stayed:
        if f"{asked.get('from')}~{asked.get('to')}" != stayed or asked.get("period") == "own":
            asked.pop("period", None)
        else:
            asked.pop("from", None)
            asked.pop("to", None)
    elif asked.get("period") in list(Preset):
        # A period that was chosen where own days stood.
        asked.pop("from", None)
        asked.pop("to", None)
    return {name: value for name, value in asked.items() if value}


def report_asked(
    visit: Visit, asked: Mapping[str, str], allowed: Sequence[Dimension], rows: Dimension
) -> tuple[Query, str]:
    """The query, and the code of what is wrong with the address: a browser gets the usual report with a word about it,
    a program the error. Raises `Malformed`."""
    try:
        return query_of(asked, today=visit.today, allowed=allowed, rows=rows), ""
    except Malformed as error:
        if not is_browser(visit):
            raise
        return query_of({}, today=visit.today, allowed=allowed, rows=rows), error.code


def comes_from_form(visit: Visit) -> bool:
    """Whether a form was sent: its browser is sent on to the report's own address, which can be kept."""
    return bool(visit.query(STAYED)) and is_browser(visit)


def is_browser(visit: Visit) -> bool:
    return visit.wants((HTML, JSON, CSV)) == HTML


def address(path: str, *parts: Mapping[str, str]) -> str:
    """The address of a report."""
    said = {name: value for part in parts for name, value in part.items() if value}
    return f"{path}?{urlencode(said)}" if said else path


# ------------------------------------------------------------------------------------------------------------- the data


def frame(query: Query, wrong: str) -> dict[str, Any]:
    """What a page says of the question, with or without an answer."""
    before = query.earlier
    return {
        "query": query.to_params(),
        "rows": query.rows,
        "first": query.period.first,
        "last": query.period.last,
        "earlier": {"first": before.first, "last": before.last} if before else None,
        "metrics": [{"name": name, "kind": METRICS[name].kind} for name in query.metrics],
        "chart_of": query.chart,
        "sort": query.to_params().get("sort", ""),
        "wrong": wrong or None,
        "items": [],
        "total": None,
        "chart": None,
        "currency": None,
        "currencies": [],
        "notes": [],
        "counted_at": None,
        "next": None,
    }


def shown(visit: Visit, report: Report, subject: str) -> dict[str, Any]:
    """The answer: a page of rows (all of them for a spreadsheet), the total, and the chart."""
    query = report.query
    rows, following = _page(visit, f"{subject} {sorted(query.to_params().items())}", report.rows)
    chart = _chart(report)
    return {
        "items": [_row(visit, report, row) for row in rows],
        "count": len(report.rows),
        "total": _figures(query, report.total, report.currency),
        "chart": chart,
        "currency": report.currency,
        "currencies": list(report.currencies),
        "notes": _notes(report),
        "counted_at": report.counted_at,
        "next": following,
    }


def _page(visit: Visit, of: str, rows: Sequence[T]) -> tuple[Sequence[T], str | None]:
    """The rows that the address asks for, and the cursor of those after them; all for a spreadsheet."""
    if visit.wants((HTML, JSON, CSV)) == CSV:
        return rows, None
    start, limit = int(visit.position(of) or "0"), visit.limit(50, MOST_ROWS)
    return rows[start : start + limit], visit.next(of, str(start + limit)) if start + limit < len(rows) else None


def columns(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The lines of a spreadsheet: each figure, and beside it the earlier one where there is one."""
    made: list[tuple[str, Any]] = [("key", lambda row: row["key"]), ("name", lambda row: row["name"])]
    for metric in data["metrics"]:
        name = metric["name"]
        made.append((name, lambda row, name=name: _plain(row["figures"][name])))
        if data["earlier"]:
            made.append((f"{name}_before", lambda row, name=name: _plain(row["before"][name])))
    return [*made, ("currency", lambda row: row["currency"])]


def _plain(value: Any) -> Any:
    return value["amount"] if isinstance(value, dict) else value


def _row(visit: Visit, report: Report, row: Row) -> dict[str, Any]:
    return {
        "key": row.key,
        "name": called(visit, report.query.rows, row.key, report.names),
        "currency": report.currency,
        **_figures(report.query, row, report.currency),
    }


def called(visit: Visit, rows: str, key: str, names: Mapping[str, str]) -> str:
    """What a row is called, in words."""
    spoken = visit.language
    nothing = words.WORDS["report_nothing"].get(rows, "")
    if not key or (rows, key) in ((Dimension.COUNTRY, NOWHERE), (Dimension.DEVICE, UNKNOWN)):
        return spoken.text(nothing)
    match rows:
        case Dimension.DAY | Dimension.WEEK:
            return spoken.day(key)
        case Dimension.MONTH | "cohort":
            return spoken.month(key)
        case Dimension.COUNTRY:
            return spoken.country(key)
        case Dimension.DEVICE:
            return words.word(spoken, "device_kind", key)
        case Dimension.SUB1 if key == OTHER_SUB:
            return spoken.text(N_("All other values"))
        case _:
            return names.get(key) or code_of(key) or key


def _figures(query: Query, row: Row, currency: str) -> dict[str, Any]:
    """The figures of a row by name, those of the earlier period and what became of them; None where there is none."""
    here = {name: _known(query, name, row.sums, currency) for name in query.metrics}
    said: dict[str, Any] = {"figures": {name: _said(value, name, currency) for name, value in here.items()}}
    if row.before is None:
        return said | {"before": None, "change": None}
    there = {name: _known(query, name, row.before, currency) for name in query.metrics}
    changes = {}
    for name in query.metrics:
        change = change_of(METRICS[name].kind, here[name], there[name])
        changes[name] = {"way": change.way, "by": None if change.by is None else format(change.by, "f")}
    return said | {
        "before": {name: _said(value, name, currency) for name, value in there.items()},
        "change": changes,
    }


def _known(query: Query, name: str, sums: Sums, currency: str) -> Figure:
    if METRICS[name].needs_clicks and not query.knows_clicks:
        return None
    return figure(name, sums, currency)


def _said(value: Figure, name: str, currency: str) -> Any:
    """A figure as data: counts are numbers, all else decimal strings, so that nothing is lost on the way."""
    if isinstance(value, Decimal):
        text = format(value, "f")
        return {"amount": text, "currency": currency} if METRICS[name].kind is Kind.PER_CLICK else text
    return value


def _chart(report: Report) -> dict[str, Any]:
    """The figure over time: what is known of it, as data and in units that a drawing can use."""
    query = report.query
    points = [(row.key, _known(query, query.chart, row.sums, report.currency)) for row in report.chart if row.key]
    numbers = [number_of(value) or Decimal(0) for _, value in points]
    # Six decimals tell any two bars apart.
    return {
        "of": query.chart,
        "kind": METRICS[query.chart].kind,
        "by": report.chart_by,
        "points": [{"key": key, "value": _said(value, query.chart, report.currency)} for key, value in points],
        "heights": [int(number.scaleb(6)) for number in numbers],
    }


def _notes(report: Report) -> list[str]:
    query = report.query
    notes = []
    if not query.knows_clicks and any(METRICS[name].needs_clicks for name in (*query.metrics, query.chart)):
        notes.append("two_faces")
    if query.rows.value in words.WORDS["report_note"]:
        notes.append(query.rows.value)
    if query.faces:
        notes.append("since")
    if query.earlier and query.period.last > query.asked_on:
        notes.append("not_over")
    if len(report.currencies) > 1:
        notes.append("other_currencies")
    return notes


# --------------------------------------------------------------------------------------------- what clients are worth


def value_shown(visit: Visit, report: ValueReport, subject: str) -> dict[str, Any]:
    """What clients are worth, as data: a page of rows (all of them for a spreadsheet), each with its clients and what
    came of them, cohorts month by month."""
    query, currency = report.query, report.currency
    rows = sorted(report.valued.rows, key=lambda row: row.key, reverse=True)
    if query.by == COHORT:
        # Months before the first client say nothing.
        while len(rows) > 1 and not (any(rows[-1].sums.counts.values()) or any(rows[-1].sums.money.values())):
            rows.pop()
    else:
        # Who is worth most comes first.
        rows.sort(key=lambda row: row.sums.of(query.value, currency), reverse=True)
    rows, following = _page(visit, f"{subject} {sorted(query.to_params().items())}", rows)
    made = []
    for row in rows:
        item = _worth(row.sums, currency)
        ages = max((sum(age is not None for age in each.ages) for each in rows), default=0)
        amounts = by_age(row, query, currency)[:ages]
        made.append(
            item
            | {
                "key": row.key,
                "name": called(visit, query.by, row.key, report.names),
                "currency": currency,
                "ages": amounts,
            }
        )
    most = max((amount.minor for row in made for amount in row["ages"] if amount is not None), default=0)
    for row in made:
        row["tints"] = [tint(amount, most) for amount in row["ages"]]
    return {
        "items": made,
        "total": _worth(report.valued.total.sums, currency),
        "currency": currency,
        "currencies": list(report.currencies),
        "next": following,
    }


def _worth(sums: Sums, currency: str) -> dict[str, Any]:
    return {
        "clients": sums.counts.get("registrations", 0),
        "ftd": sums.counts.get("ftd", 0),
        **{name: figure(name, sums, currency) for name in VALUES},
        "per_client": {name: per_client(sums, name, currency) for name in VALUES},
    }


def value_columns(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The lines of a spreadsheet."""
    made: list[tuple[str, Any]] = [
        (name, lambda row, name=name: row[name]) for name in ("key", "name", "clients", "ftd", *VALUES)
    ]
    made += [(f"{name}_per_client", lambda row, name=name: row["per_client"][name]) for name in VALUES]
    ages = max((len(row["ages"]) for row in data["items"]), default=0)
    made += [(f"month_{age}", lambda row, age=age: row["ages"][age]) for age in range(ages)]
    return [*made, ("currency", lambda row: row["currency"])]


def choices(allowed: Sequence[str]) -> dict[str, Any]:
    """What a form offers."""
    return {"rows": list(allowed), "periods": list(Preset), "against": list(Against), "metrics": list(METRICS)}


def drill(query: Query, row: Mapping[str, Any]) -> dict[str, str] | None:
    """The report that one row leads to: of its time by link, or of its own days; None where it leads nowhere."""
    key = row["key"]
    rows = query.rows
    if not key or rows in (Dimension.DEAL, Dimension.MANAGER, Dimension.PARTNER):
        return None
    if rows in TIME:
        period = Period(*_span(rows, key))
        inside = Period(max(period.first, query.period.first), min(period.last, query.period.last))
        below = Dimension.LINK if rows is Dimension.DAY else Dimension.DAY
        return replace(query, rows=below, preset=None, period=inside, sort="", against=Against.NOTHING).to_params()
    return replace(query, rows=Dimension.DAY, filters={**query.filters, rows: key}, sort="").to_params()


def filters_named(visit: Visit, query: Query, campaigns: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What the report is narrowed to, in words."""
    names = {each["value"]: each["label"] for each in campaigns}
    return {name.value: called(visit, name, value, names) for name, value in query.filters.items()}


def _span(rows: Dimension, key: str) -> tuple[str, str]:
    if rows is Dimension.MONTH:
        return f"{key}-01", month_end(key)
    return key, key if rows is Dimension.DAY else plus_days(key, 6)


def told(error: IntroducerError) -> str | None:
    """The message about what was refused, as a message id; None for what the page says nothing of."""
    return words.WORDS["report_wrong"].get(error.code)
