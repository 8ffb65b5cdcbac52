"""A mail that waits becomes one in somebody's inbox: once, or not at all.

The mail is claimed before it is handed over, and marked after. Whoever finds it claimed does not know whether it was
handed over, for the mail service cannot be asked; so it becomes `unclear` and is not sent again. Of two mails or none,
none is the better mistake here: what it tells stands in the portal too, and staff see that it is unclear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

from introducer.domain.configuration import Member
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.mail import (
    ADDRESS_UNVERIFIED,
    CUT_OFF,
    LOGIN_DISABLED,
    NO_ANSWER,
    NO_LOGIN,
    NO_SENDER,
    NOBODY,
    NOT_RENDERED,
    Audience,
    Mail,
    MailStatus,
    handed_on_to,
)
from introducer.gateways.mail import Letter, Mailer, MailNotTaken, MailRefused, MailUnclear
from introducer.gateways.user_pool import Login, UserPool
from introducer.locale import Language, best
from introducer.store.configuration import Configuration
from introducer.store.mails import Mails
from introducer.wording.mails.letters import Reader
from introducer.wording.mails.rendering import render

Report = Callable[[Mail, Exception], None]
"""Is told of a mail that could not be written for a mistake of ours."""


class Sends(Protocol):
    """What sends a mail: `gateways.mail.Mailer`."""

    def send(self, letter: Letter, now: datetime) -> str: ...


class Outbox:
    """Sends mails that wait. `mailer` is None where nobody may send."""

    def __init__(
        self,
        *,
        mails: Mails,
        configuration: Configuration,
        logins: UserPool,
        mailer: Mailer | Sends | None,
        now: Callable[[], datetime],
        report: Report,
        fonts: Path | None = None,
    ) -> None:
        self._mails = mails
        self._configuration = configuration
        self._logins = logins
        self._mailer = mailer
        self._now = now
        self._report = report
        self._fonts = fonts

    def deliver(self, of: str, mail: str) -> MailStatus | None:
        """Takes a mail as far as it goes; its status then, None where nothing was to be done. May be repeated safely.

        Raises `Unavailable` when it is to be tried again: nothing was sent.
        """
        try:
            found = self._mails.mail(of, mail)
        except NotFound:
            return None
        try:
            match found.status:
                case MailStatus.WAITING if found.audience is Audience.MEMBER:
                    return self._send(found)
                case MailStatus.WAITING:
                    return self._hand_on(found)
                case MailStatus.SENDING:
                    return self._mark(found, MailStatus.UNCLEAR, CUT_OFF)
                case _:
                    return None
        except Conflict:
            # Somebody else is at it, or a claim of ours was written and its answer lost: then it is claimed now.
            moved = self._mails.mail(of, mail)
            if moved.status is not MailStatus.SENDING:
                return None
            return self._mark(moved, MailStatus.UNCLEAR, CUT_OFF)

    # ------------------------------------------------------------------------------------------------------ parts

    def _hand_on(self, mail: Mail) -> MailStatus:
        """A mail for each of the people it is for. Those that are there already stay as they are."""
        people = sorted(member.member for member in self._people(mail))
        for member in people:
            self._mails.put(handed_on_to(mail, member, self._now()))
        if not people:
            return self._mark(mail, MailStatus.FAILED, NOBODY)
        return self._mails.mark(mail, MailStatus.HANDED_ON, self._now(), people=len(people)).status

    def _people(self, mail: Mail) -> Iterator[Member]:
        read = self._configuration.members_of_partner if mail.partner else self._configuration.staff_of_brand
        cursor: str | None = None
        while True:
            page = read(mail.of, cursor)
            yield from (member for member in page.items if member.role in mail.audience.roles)
            cursor = page.cursor
            if cursor is None:
                return

    def _send(self, mail: Mail) -> MailStatus:
        if self._mailer is None:
            return self._mark(mail, MailStatus.FAILED, NO_SENDER)
        try:
            member, login = self._addressee(mail)
            reader, language = self._reader(mail, member)
        except NotFound:
            return self._mark(mail, MailStatus.FAILED, NO_LOGIN)
        if not login.enabled:
            return self._mark(mail, MailStatus.SUPPRESSED, LOGIN_DISABLED)
        if not login.verified:
            return self._mark(mail, MailStatus.SUPPRESSED, ADDRESS_UNVERIFIED)
        try:
            said = render(mail.template, mail.values, language, reader, fonts=self._fonts)
        except Exception as error:
            self._report(mail, error)
            return self._mark(mail, MailStatus.FAILED, NOT_RENDERED)
        letter = Letter(
            id=mail.mail,
            to=login.email,
            to_name=reader.name,
            from_name=reader.brand,
            subject=said.subject,
            text=said.text,
            html=said.html,
            language=language.code,
            images=said.images,
        )
        claimed = self._mails.mark(mail, MailStatus.SENDING, self._now())
        try:
            message = self._mailer.send(letter, self._now())
        except MailNotTaken:
            self._mark(claimed, MailStatus.WAITING)
            raise
        except MailRefused as error:
            return self._mark(claimed, MailStatus.FAILED, error.code)
        except MailUnclear:
            return self._mark(claimed, MailStatus.UNCLEAR, NO_ANSWER)
        return self._mails.mark(claimed, MailStatus.SENT, self._now(), message=message).status

    def _addressee(self, mail: Mail) -> tuple[Member, Login]:
        """Who it is for. Raises `NotFound`, for somebody who is no longer with the partner or the brand too."""
        member = self._configuration.member(mail.member)
        if member.brand != mail.brand or (member.partner or "") != mail.partner:
            raise NotFound("There is no such member.")
        return member, self._logins.login(mail.member)

    def _reader(self, mail: Mail, member: Member) -> tuple[Reader, Language]:
        """As whom the member reads it, and in which language. Raises `NotFound`."""
        brand = self._configuration.brand(mail.brand)
        partner = self._configuration.partner(mail.partner) if mail.partner else None
        reader = Reader(
            name=member.name,
            brand=brand.name,
            portal=f"https://{brand.domain}",
            partner=partner.name if partner else "",
        )
        return reader, best([member.language, partner.language if partner else None])

    def _mark(self, mail: Mail, status: MailStatus, reason: str = "") -> MailStatus:
        return self._mails.mark(mail, status, self._now(), reason=reason).status
