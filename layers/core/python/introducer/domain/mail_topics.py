"""What a mail is about: what a reader may switch off, and what may wait for the morning."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from introducer.domain.mail import Mail, MailTemplate, Value


class Topic(StrEnum):
    """What a mail is about. A reader switches off topics, never single mails."""

    ACCOUNT = "account"
    """Money, where it is paid to, documents, cases, postbacks that stopped: what nobody may miss."""
    CONTESTS = "contests"
    GOALS = "goals"
    ONBOARDING = "onboarding"
    """The first steps, by a sequence."""
    NEWS = "news"
    """What the brand writes to many."""
    REPORTS = "reports"
    """The own figures, by the week or month; the manager's digest."""
    MESSAGES = "messages"
    """Somebody wrote in a conversation."""
    LEADS = "leads"
    """How a lead goes on."""
    WORK = "work"
    """What waits for somebody of the staff."""

    @property
    def is_binding(self) -> bool:
        """Whether it cannot be switched off: it is part of the contract, or of the work."""
        return self in (Topic.ACCOUNT, Topic.WORK)

    @property
    def may_wait(self) -> bool:
        """Whether it waits for the end of the reader's quiet hours."""
        return self not in (Topic.ACCOUNT, Topic.WORK, Topic.MESSAGES)


TOPIC_OF: Mapping[MailTemplate, Topic] = {
    MailTemplate.PAYOUT_PAID: Topic.ACCOUNT,
    MailTemplate.PAYOUT_RETURNED: Topic.ACCOUNT,
    MailTemplate.PAYOUT_FAILED: Topic.ACCOUNT,
    MailTemplate.PAYMENT_PROFILE_CHANGED: Topic.ACCOUNT,
    MailTemplate.PAYOUTS_WAITING: Topic.WORK,
    MailTemplate.VERIFICATION_DECIDED: Topic.ACCOUNT,
    MailTemplate.CASE_OPENED: Topic.ACCOUNT,
    MailTemplate.CASE_REMINDER: Topic.WORK,
    MailTemplate.CASE_ESCALATED: Topic.ACCOUNT,
    MailTemplate.CASE_DECIDED: Topic.ACCOUNT,
    MailTemplate.CASE_APPEALED: Topic.ACCOUNT,
    MailTemplate.CASE_CLOSED: Topic.ACCOUNT,
    MailTemplate.GOAL_OFFERED: Topic.GOALS,
    MailTemplate.GOAL_ANSWERED: Topic.WORK,
    MailTemplate.CONTEST_ENTERED: Topic.CONTESTS,
    MailTemplate.CONTEST_MOVED: Topic.CONTESTS,
    MailTemplate.CONTEST_CANCELLED: Topic.CONTESTS,
    MailTemplate.CONTEST_RESULT: Topic.CONTESTS,
    MailTemplate.CONTEST_OBJECTED: Topic.WORK,
    MailTemplate.CONTEST_ANSWERED: Topic.CONTESTS,
    MailTemplate.CONTEST_OBJECTIONS_WAIT: Topic.WORK,
    MailTemplate.CONTEST_WON: Topic.CONTESTS,
    MailTemplate.CONTEST_FINAL: Topic.CONTESTS,
    MailTemplate.PARTNER_REPORT: Topic.REPORTS,
    MailTemplate.MANAGER_DIGEST: Topic.REPORTS,
    MailTemplate.RUN_SUMMARY: Topic.WORK,
    MailTemplate.LEAD_CAME: Topic.WORK,
    MailTemplate.LEAD_MOVED: Topic.LEADS,
    MailTemplate.APPLICATION_CHECK: Topic.ACCOUNT,
    MailTemplate.APPLICATION_REFUSED: Topic.ACCOUNT,
    MailTemplate.TARGET_PAUSED: Topic.ACCOUNT,
    MailTemplate.MESSAGE_WRITTEN: Topic.MESSAGES,
    MailTemplate.WRITTEN: Topic.NEWS,
}
"""What each mail is about; of one that staff wrote it says so itself."""


def topic_of(mail: Mail) -> Topic:
    """What this mail is about."""
    return topic_said(mail.template, mail.values)


def topic_said(template: MailTemplate, values: Mapping[str, Value]) -> Topic:
    """What a mail with these values is about."""
    return Topic(str(values["topic"])) if template is MailTemplate.WRITTEN else TOPIC_OF[template]
