"""Each mail in sentences: a subject, a heading, what happened, the facts, and what to do.

A letter says the same as HTML and as plain text. Every value is typed and escaped; no sentence is put together from
what people wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from introducer.domain.mail import TO_APPLICANTS, MailTemplate, Value, check_values
from introducer.locale import Language
from introducer.wording.codes import N_
from introducer.wording.mails import applications, cases, communication, contests, payouts, reports
from introducer.wording.mails.telling import MAIL, Fact, Reader, Teller, Told, Written
from introducer.wording.sentences import (
    Said,
    Text,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail in one reader's words."""

    language: Language
    tone: str
    """`good`, `warn`, `bad` or `plain`: the colour of its edge. The words say it too."""
    subject: str
    heading: Said
    heroes: tuple[Said, ...]
    """The amounts it is about, one by currency; none where it is about no money."""
    greeting: Said
    lines: tuple[Said, ...]
    facts: tuple[Fact, ...]
    after: tuple[Said, ...]
    action: str
    """What the button says."""
    href: str
    footer: Said
    brand: str
    less: str
    """What the link says that switches this topic off."""
    unsubscribe: str
    """Where it leads; empty: there is none."""
    choose: str
    """What the link to all that a reader may choose says."""
    settings: str
    """Where it leads."""
    chart: reports.Chart | None = None
    """Drawn where it can be, said in words everywhere."""


def letter(
    template: MailTemplate,
    values: Mapping[str, Value],
    language: Language,
    reader: Reader,
    written: Written | None = None,
) -> Letter:
    """The mail for this reader; `written` is what staff wrote, for the template that says it. Raises `ValueError` for
    values that are not those of the template."""
    check_values(template, values)
    teller = Teller(language, reader, values, written)
    told = _TOLD[template](teller)
    if template in TO_APPLICANTS:
        footer = teller.say(
            N_("You get this mail from %(brand)s because somebody applied to be a partner with this address.")
        )
    elif reader.partner:
        footer = teller.say(
            N_("You get this mail from %(brand)s because you are an owner of %(partner)s."),
            partner=Text(reader.partner),
        )
    else:
        footer = teller.say(N_("You get this mail from %(brand)s because you work there."))
    return Letter(
        language=language,
        tone=told.tone,
        subject=str(told.subject),
        heading=told.heading,
        heroes=tuple(told.heroes),
        greeting=teller.say(N_("Hello %(name)s,"), name=Text(reader.name)),
        lines=tuple(told.lines),
        facts=tuple(told.facts),
        after=tuple(told.after),
        action=told.action,
        href=reader.portal + told.path,
        footer=footer,
        brand=reader.brand,
        less=teller.text(N_("No more mail about this")),
        unsubscribe=reader.unsubscribe,
        choose=teller.text(N_("Choose what you get by mail, and when")),
        settings=reader.portal + MAIL,
        chart=told.chart,
    )


_TOLD: Mapping[MailTemplate, Callable[[Teller], Told]] = {
    MailTemplate.WRITTEN: communication.written,
    MailTemplate.PAYOUT_PAID: payouts.paid,
    MailTemplate.PAYOUT_RETURNED: payouts.returned,
    MailTemplate.PAYOUT_FAILED: payouts.failed,
    MailTemplate.PAYMENT_PROFILE_CHANGED: payouts.profile_changed,
    MailTemplate.PAYOUTS_WAITING: payouts.waiting,
    MailTemplate.VERIFICATION_DECIDED: payouts.verified,
    MailTemplate.CASE_OPENED: cases.case_opened,
    MailTemplate.CASE_REMINDER: cases.case_reminder,
    MailTemplate.CASE_ESCALATED: cases.case_escalated,
    MailTemplate.CASE_DECIDED: cases.case_decided,
    MailTemplate.CASE_APPEALED: cases.case_appealed,
    MailTemplate.CASE_CLOSED: cases.case_closed,
    MailTemplate.GOAL_OFFERED: contests.goal_offered,
    MailTemplate.GOAL_ANSWERED: contests.goal_answered,
    MailTemplate.LEAD_CAME: communication.lead_came,
    MailTemplate.LEAD_MOVED: communication.lead_moved,
    MailTemplate.APPLICATION_CHECK: applications.application_check,
    MailTemplate.APPLICATION_REFUSED: applications.application_refused,
    MailTemplate.TARGET_PAUSED: communication.target_paused,
    MailTemplate.MESSAGE_WRITTEN: communication.message_written,
    MailTemplate.CONTEST_ENTERED: contests.contest_entered,
    MailTemplate.CONTEST_MOVED: contests.contest_moved,
    MailTemplate.CONTEST_CANCELLED: contests.contest_cancelled,
    MailTemplate.CONTEST_RESULT: contests.contest_result,
    MailTemplate.CONTEST_OBJECTED: contests.contest_objected,
    MailTemplate.CONTEST_ANSWERED: contests.contest_answered,
    MailTemplate.CONTEST_OBJECTIONS_WAIT: contests.contest_objections_wait,
    MailTemplate.CONTEST_WON: contests.contest_won,
    MailTemplate.CONTEST_FINAL: contests.contest_final,
    MailTemplate.PARTNER_REPORT: communication.report,
    MailTemplate.MANAGER_DIGEST: communication.digest,
    MailTemplate.RUN_SUMMARY: payouts.run_summary,
}
