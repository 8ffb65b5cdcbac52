"""`/statements`: a partner's closed months, and `/statements/{month}`: one of them. `/desk/months`: closing one."""

from __future__ import annotations

from typing import Annotated, Any

import words
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Column, Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import Role
from introducer.domain.errors import Forbidden, Invalid
from introducer.domain.money import decimal_string
from introducer.services.close_month import start_close
from introducer.services.creation import Author
from introducer.services.read_months_of_brand import read_months_of_brand
from introducer.services.read_statement_of_partner import read_statement, read_statements_of_partner

PATH, MONTHS = "/statements", "/desk/months"
CLOSERS = (Role.FINANCE, Role.ADMIN)

words.WORDS["problem"] |= {
    "finance_only": N_("Months are closed by finance or an admin: ask one of them."),
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
def statement(visit: Visit, month: str) -> dict[str, Any]:
    assert visit.partner is not None
    partner = visit.partner
    found = read_statement(visit.portal.statements, partner=partner.partner, currency=partner.currency, month=month)
    return {
        "month": found.month,
        "closed_at": found.closed_at,
        "entries": found.entries,
        "digest": found.digest,
        "items": found.lines,
        "next": None,
    }


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
    """`close` asks for the form that closes a month."""
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


@page(MONTHS, "desk_months.html", method="POST", who=Who.STAFF, again=months)
def close(visit: Visit) -> Done:
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
