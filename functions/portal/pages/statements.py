"""`/statements`: a partner's closed months, and `/statements/{month}`: one of them. `/desk/months`: closing one."""

from __future__ import annotations

from typing import Annotated, Any

import words
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import PDF, Column, Done, Response, Who, file, page
from visit import CSV, HTML, JSON, N_, FormRefused, Visit

from introducer.documents.pdf import render
from introducer.domain.configuration import Role
from introducer.domain.errors import Forbidden, Invalid, Malformed
from introducer.domain.money import decimal_string
from introducer.domain.period_statement import canonical_csv, content_hash
from introducer.services.close_month import start_close
from introducer.services.creation import Author
from introducer.services.read_months_of_brand import read_months_of_brand
from introducer.services.read_period_statement import read_period_statement
from introducer.services.read_statement_of_partner import read_statement, read_statements_of_partner
from introducer.wording.documents import statement_document

PATH, MONTHS = "/statements", "/desk/months"
CLOSERS = (Role.FINANCE, Role.ADMIN)

words.WORDS["problem"] |= {
    "finance_only": N_("Finance or an admin decides this: ask one of them."),
    "statement_differs": N_("This statement cannot be given out before its month is verified: write to your manager."),
    "month_not_closed": N_("This month is not closed yet: its statement comes when it is."),
}


class Closing(BaseModel):
    """Which month is closed, and why."""

    model_config = ConfigDict(extra="forbid")

    month: Annotated[str, StringConstraints(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")]
    why: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=200)]


_LINES: tuple[Column, ...] = (
    ("line", lambda row: row.line),
    ("of", lambda row: row.of),
    ("entries", lambda row: row.entries),
    ("amount", lambda row: row.amount),
    ("currency", lambda row: row.amount.currency),
)


@page(
    PATH,
    "statements.html",
    columns=(
        ("month", lambda row: row.month),
        ("opening", lambda row: row.opening),
        ("earned", lambda row: row.earned),
        ("for_earlier", lambda row: row.for_earlier),
        ("closing", lambda row: row.closing),
        ("currency", lambda row: row.closing.currency),
        ("entries", lambda row: row.entries),
        ("closed_at", lambda row: row.closed_at),
    ),
)
def statements(visit: Visit) -> dict[str, Any]:
    """The partner's closed months, the newest first."""
    assert visit.partner is not None
    partner = visit.partner
    subject = f"statements of {partner.partner}"
    found = read_statements_of_partner(
        visit.portal.statements,
        partner=partner.partner,
        currency=partner.currency,
        before=visit.position(subject),
        limit=visit.limit(24),
    )
    return {"items": found.items, "next": visit.next(subject, found.cursor)}


@page(PATH + "/{month}", "statement.html", columns=_LINES)
def statement(visit: Visit, month: str) -> Any:
    """The statement of a closed month, as a page, as data, or as a document to keep. `format=pdf` is the document to
    print, which `Accept: application/pdf` asks for too; `format=csv` the canonical CSV, whose hash is printed on it.
    `Accept: text/csv` is the page's own table."""
    assert visit.partner is not None
    partner = visit.partner
    wanted = visit.query("format") or ("pdf" if visit.wants((HTML, JSON, CSV, PDF)) == PDF else "")
    if wanted:
        return _document(visit, month, wanted)
    found = read_statement(visit.portal.statements, partner=partner.partner, currency=partner.currency, month=month)
    return {
        "month": found.month,
        "closed_at": found.closed_at,
        "entries": found.entries,
        "digest": found.digest,
        "items": found.lines,
        "next": None,
    }


def _document(visit: Visit, month: str, wanted: str) -> Response:
    assert visit.partner is not None
    if wanted not in ("pdf", "csv"):
        raise Malformed("format is pdf or csv.", code="bad_format")
    partner, portal = visit.partner, visit.portal
    found = read_period_statement(
        portal.statements,
        portal.adjustments,
        portal.payout_journals,
        portal.payouts,
        brand=partner.brand,
        partner=partner.partner,
        month=month,
    )
    content = canonical_csv(found)
    name = f"statement-{found.month}.{wanted}"
    if wanted == "csv":
        return file(content, "text/csv; charset=utf-8", name)
    document = statement_document(
        visit.language,
        found,
        brand=visit.brand.name,
        partner=partner.name,
        content_hash=content_hash(content),
        csv_name=f"statement-{found.month}.csv",
    )
    return file(render(document, portal.fonts).content, PDF, name)


@page(
    MONTHS,
    "desk_months.html",
    who=Who.STAFF,
    columns=(
        ("month", lambda row: row.month),
        ("state", lambda row: row.state),
        ("closed_with", lambda row: row.closed_with),
        ("closed_at", lambda row: row.closed_at),
        ("closed_by", lambda row: row.closed_by),
        ("partners", lambda row: row.partners),
        ("entries", lambda row: row.entries),
        ("sums", lambda row: ", ".join(f"{decimal_string(m.minor, m.currency)} {m.currency}" for m in row.sums)),
    ),
)
def months(visit: Visit) -> dict[str, Any]:
    """The brand's months, the newest first, and which may be closed. `close` asks for the form that closes a month."""
    assert visit.member is not None
    portal = visit.portal
    subject = f"months of {visit.member.brand}"
    found = read_months_of_brand(
        portal.configuration,
        lambda: portal.closes,
        brand=visit.brand,
        now=visit.now,
        before=visit.position(subject),
        limit=visit.limit(12, most=60),
    )
    may_close = visit.member.role in CLOSERS
    asked = visit.refused.values.get("month", "") if visit.refused else visit.query("close")
    return {
        "items": found.items,
        "next": visit.next(subject, found.cursor),
        "may_close": may_close,
        "asked": next((each for each in found.items if each.month == asked and each.may_be_closed), None)
        if may_close
        else None,
    }


@page(MONTHS, "desk_months.html", method="POST", who=Who.STAFF, again=months, body=Closing)
def close(visit: Visit) -> Done:
    """Finance or an admin closes a month that has ended in UTC, for all of the brand's partners."""
    assert visit.member is not None
    if visit.member.role not in CLOSERS:
        raise Forbidden("Months are closed by finance or an admin.", code="finance_only")
    wish = visit.read(Closing)
    try:
        begun, execution = start_close(
            visit.portal.configuration,
            visit.portal.closes,
            brand=visit.member.brand,
            month=wish.month,
            author=Author(by=visit.member.member, why=wish.why, origin="portal"),
            now=visit.now,
        )
    except Invalid as error:
        if error.code == "month_before_brand":
            refused = N_("This month ended before the brand was opened: there is nothing to close.")
        else:
            refused = N_("This month has not ended: it can be closed when it is over in UTC.")
        raise FormRefused({"": refused}, wish.model_dump(), error) from error
    return Done(
        {
            "month": begun.month,
            "state": "closed" if execution is None else "running",
            "execution": execution.name if execution else None,
            "closed_at": begun.closed_at,
        },
        MONTHS,
    )
