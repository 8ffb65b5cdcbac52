"""`/reports/summary`: the partner's last whole week or month against the one before, how often its letter comes;
`/reports/letter`: that letter as it would come; and for staff the letter of a partner of theirs."""

from __future__ import annotations

import base64
from typing import Annotated, Any

import words
from chalice.app import Response
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import Partner, Role
from introducer.domain.errors import Conflict, Invalid
from introducer.domain.mail import MailTemplate
from introducer.domain.mail_topics import Topic
from introducer.domain.money import Money
from introducer.domain.report import Cadence, Report, ReportChoice, last_period, report_values
from introducer.locale import Language, best
from introducer.services.choose_report import choose_report
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.read_report_figures import FigureBooks, read_report
from introducer.store.report_choices import ReportChoices
from introducer.wording.mails.letters import letter
from introducer.wording.mails.rendering import rendered
from introducer.wording.mails.telling import Reader

PATH = "/reports/summary"
LETTER = "/reports/letter"
DESK = "/desk/partners/{partner}/report"

words.WORDS["report_cadence"] = {"weekly": N_("Every Monday"), "monthly": N_("On the first of the month")}
words.WORDS["report_metric"] = {
    "clicks": N_("Clicks"),
    "registrations": N_("Registrations"),
    "ftd": N_("First deposits"),
    "qftd": N_("Qualified clients"),
}
words.WORDS["problem"] |= {
    "owner_only_reports": N_("Letters go to the owners of this account: ask one of them to choose."),
}
_LETTER_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
    # A mail has its styles in its elements, and its pictures in itself; it runs nothing.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
}


class ReportWish(BaseModel):
    """How often the letter comes, and by which clocks (empty: the brand's)."""

    model_config = ConfigDict(extra="forbid")

    cadence: Cadence
    time_zone: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)] = ""


@page(PATH, "report_summary.html")
def report_summary(visit: Visit) -> dict[str, Any]:
    """The figures of the last whole week or month, and how often the partner's letter comes."""
    assert visit.partner is not None and visit.member is not None
    choice = _choices(visit).get(visit.partner.partner)
    said = _report(visit, visit.partner, _cadence(visit, choice))
    wishes = visit.portal.member_mails.preferences(visit.member.member)
    shown = letter(MailTemplate.PARTNER_REPORT, report_values(said), visit.language, _reader(visit, visit.partner))
    return {
        "shown": said.period.cadence.value,
        "first": said.period.first.isoformat(),
        "last": said.period.last.isoformat(),
        "counts": [
            {"metric": metric, "now": said.current.counts[metric], "before": said.before.counts[metric]}
            for metric in words.WORDS["report_metric"]
        ],
        "earned": _earned(said),
        "change": str(shown.lines[0]),
        "suggestion": str(shown.after[0]),
        "about_earned": "".join(map(str, shown.lines[1:])),
        "cadence": choice.cadence.value,
        "time_zone": choice.time_zone,
        "version": choice.version,
        "may_choose": visit.member.role is Role.OWNER,
        "wanted": wishes.wants(Topic.REPORTS),
    }


@page(PATH, "report_summary.html", method="POST", again=report_summary, body=ReportWish)
def choose_letter(visit: Visit) -> Done:
    """An owner chooses how often the partner's letter comes, and by which time zone."""
    assert visit.partner is not None and visit.member is not None
    wish = visit.read(ReportWish)
    typed = {"cadence": wish.cadence.value, "time_zone": wish.time_zone}
    try:
        made = choose_report(
            _choices(visit),
            member=visit.member,
            partner=visit.partner,
            cadence=wish.cadence,
            time_zone=wish.time_zone,
            clock=visit.portal.now,
        )
    except Invalid as error:
        raise FormRefused({"time_zone": N_("Write a time zone such as Europe/Berlin.")}, typed, error) from None
    except Conflict as error:
        message = N_("This was changed meanwhile: look at what stands below, then choose again.")
        raise FormRefused({"": message}, {}, error) from None
    return Done({"cadence": made.cadence, "time_zone": made.time_zone, "version": made.version}, f"{PATH}?kept=1")


@page(LETTER)
def own_letter(visit: Visit) -> Response:
    """The partner's letter as it would come now."""
    assert visit.partner is not None
    return _letter(visit, visit.partner, visit.language)


@page(DESK, who=Who.STAFF)
def letter_of_partner(visit: Visit, partner: str) -> Response:
    """The letter of a partner, in its own language, as it would come now."""
    assert visit.member is not None
    found = partner_of_brand(visit.portal.configuration, visit.member, partner)
    return _letter(visit, found, best([found.language]))


# --------------------------------------------------------------------------------------------------------------- parts


def _letter(visit: Visit, partner: Partner, language: Language) -> Response:
    said = _report(visit, partner, _cadence(visit, _choices(visit).get(partner.partner)))
    values = report_values(said)
    made = rendered(letter(MailTemplate.PARTNER_REPORT, values, language, _reader(visit, partner)), visit.portal.fonts)
    html = made.html
    for image in made.images:
        html = html.replace(f"cid:{image.name}", f"data:image/png;base64,{base64.b64encode(image.png).decode()}")
    return Response(html, dict(_LETTER_HEADERS), 200)


def _report(visit: Visit, partner: Partner, cadence: Cadence) -> Report:
    portal = visit.portal
    books = FigureBooks(portal.event_counts, portal.click_counts, portal.ledger)
    return read_report(books, partner=partner.partner, period=last_period(cadence, visit.now.date()))


def _earned(said: Report) -> list[dict[str, Money]]:
    """What was earned, by currency, against the time before."""
    current, before = ({each.currency: each for each in one.earned} for one in (said.current, said.before))
    return [
        {"now": current.get(code, Money(0, code)), "before": before.get(code, Money(0, code))}
        for code in sorted(current.keys() | before.keys())
    ]


def _cadence(visit: Visit, choice: ReportChoice) -> Cadence:
    """The one that is asked for, else the one that was chosen."""
    asked = visit.query("show")
    return Cadence(asked) if asked in list(Cadence) else choice.cadence


def _reader(visit: Visit, partner: Partner) -> Reader:
    assert visit.member is not None and visit.brand is not None
    return Reader(
        name=partner.name if visit.is_staff else visit.member.name,
        brand=visit.brand.name,
        portal=f"https://{visit.brand.domain}",
        partner=partner.name,
    )


def _choices(visit: Visit) -> ReportChoices:
    return visit.portal.report_choices
