"""A mail that waits becomes one in somebody's inbox: once, or not at all.

The mail is claimed before it is handed over, and marked after. Whoever finds it claimed does not know whether it was
handed over, for the mail service cannot be asked; so it becomes `unclear` and is not sent again. Of two mails or none,
none is the better mistake here: what it tells stands in the portal too, and staff see that it is unclear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from introducer.domain.configuration import Brand, Member
from introducer.domain.errors import Conflict, NotFound, Unavailable
from introducer.domain.events import milliseconds
from introducer.domain.identity import brand_key
from introducer.domain.mail import (
    ADDRESS_UNVERIFIED,
    CUT_OFF,
    LOGIN_DISABLED,
    NO_ANSWER,
    NO_LOGIN,
    NO_SENDER,
    NOBODY,
    NOT_RENDERED,
    UNSUBSCRIBED,
    Audience,
    Mail,
    MailStatus,
    MailTemplate,
    Seen,
    handed_on_to,
)
from introducer.domain.mail_pace import Pace, Taken, slow_rate
from introducer.domain.mail_preferences import MailPreferences
from introducer.domain.mail_text import MailText
from introducer.domain.mail_topics import Topic, topic_of
from introducer.domain.suppressing import address_hash
from introducer.domain.unsubscribing import Unsubscribing, key_of, token
from introducer.gateways.mail import Letter, Mailer, MailNotTaken, MailRefused, MailServiceFull, MailUnclear
from introducer.gateways.user_pool import Login, UserPool
from introducer.locale import Language, best
from introducer.store.configuration import Configuration
from introducer.store.mail_preferences import MemberMails
from introducer.store.mail_texts import MailTexts
from introducer.store.mails import Mails
from introducer.store.paces import Known, Paces
from introducer.store.suppressions import Suppressions
from introducer.wording.mails.letters import Reader, Written
from introducer.wording.mails.rendering import render
from introducer.wording.sentences import figure

UNSUBSCRIBE = "/unsubscribe/"
"""The page of the portal where a topic is switched off without signing in."""

Report = Callable[[Mail, Exception], None]
"""Is told of a mail that could not be written for a mistake of ours."""


RATE_KEPT = 60_000
"""Milliseconds after which the account's rate is asked for again."""
SHORTEST_WAIT = timedelta(seconds=1)
"""For how long at least a mail waits that has no permit."""
FULL_WAIT = timedelta(minutes=1)
"""For how long a mail waits that the mail service has no room for. The stream goes on meanwhile: what else follows from
the books must not wait for a day's quota."""


class Sends(Protocol):
    """What sends a mail: `gateways.mail.Mailer`."""

    def send(self, letter: Letter, now: datetime) -> str: ...


@dataclass(frozen=True, slots=True)
class Wishes:
    """What says who wants what, and what may go to whom."""

    preferences: MemberMails
    suppressions: Suppressions
    texts: MailTexts
    secret: Callable[[], bytes]
    """The secret behind all keyed hashes. Raises `Unavailable`."""


class Pacing:
    """Permits for mails that can wait, at the account's own rate less what is kept for those that cannot.
    `per_second` asks the mail service for that rate."""

    def __init__(
        self, paces: Paces, per_second: Callable[[], int], pause: Callable[[int], None] = lambda attempt: None
    ) -> None:
        self._paces = paces
        self._per_second = per_second
        self._pause = pause

    def take(self, wanted: int, now: datetime) -> Taken:
        """As many of these permits as there are. Raises `Unavailable`."""
        at = milliseconds(now)
        rate = self._rate(at)
        if not rate:
            return Taken(Pace(), 0, RATE_KEPT)  # of the day's mails the rest is for what cannot wait
        return self._paces.take(wanted, slow_rate(rate), at, self._pause)

    def _rate(self, at: int) -> int:
        known = self._paces.rate()
        if known is not None and abs(at - known.at) < RATE_KEPT:
            return known.per_second
        try:
            asked = Known(self._per_second(), at)
        except Unavailable:
            if known is None:
                raise
            return known.per_second
        self._paces.keep_rate(asked)
        return asked.per_second


class Outbox:
    """Sends mails that wait. `mailer` is None where nobody may send, `pacing` where nothing is to be paced."""

    def __init__(
        self,
        *,
        mails: Mails,
        configuration: Configuration,
        logins: UserPool,
        mailer: Mailer | Sends | None,
        wishes: Wishes,
        pacing: Pacing | None = None,
        now: Callable[[], datetime],
        report: Report,
        fonts: Path | None = None,
    ) -> None:
        self._mails = mails
        self._configuration = configuration
        self._logins = logins
        self._mailer = mailer
        self._wishes = wishes
        self._pacing = pacing
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
                case MailStatus.WAITING if found.not_before is not None and found.not_before > self._now():
                    return None
                case MailStatus.WAITING if found.audience is Audience.MEMBER:
                    return self._send(found)
                case MailStatus.WAITING:
                    return self._hand_on(found)
                case MailStatus.SENDING:
                    return self._mark(found, MailStatus.UNCLEAR, CUT_OFF)
                case MailStatus.SENT if Seen.SENT not in found.seen:
                    self._mails.saw(found, Seen.SENT)
                    return None
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
        read = self._configuration.every_member if mail.partner else self._configuration.every_colleague
        return (member for member in read(mail.of) if member.role in mail.audience.roles)

    def _send(self, mail: Mail) -> MailStatus:
        if self._mailer is None:
            return self._mark(mail, MailStatus.FAILED, NO_SENDER)
        try:
            member, login = self._addressee(mail)
            brand = self._configuration.brand(mail.brand)
            reader, language = self._reader(mail, member, brand)
        except NotFound:
            return self._mark(mail, MailStatus.FAILED, NO_LOGIN)
        topic, secret = topic_of(mail), self._wishes.secret()
        wants = self._wishes.preferences.preferences(mail.member)
        if barred := self._barred(mail, login, wants, secret):
            return self._mark(mail, MailStatus.SUPPRESSED, barred)
        if until := wants.waits_until(topic, self._now(), brand.time_zone) or self._has_to_wait(mail, topic):
            return self._mails.postpone(mail, until).status
        if not topic.is_binding:
            wish = token(key_of(secret), Unsubscribing(mail.member, topic))
            reader = replace(reader, unsubscribe=f"{reader.portal}{UNSUBSCRIBE}{wish}")
        try:
            written = self._written(mail, language, reader)
            said = render(mail.template, mail.values, language, reader, written, self._fonts)
        except Unavailable:
            raise
        except Exception as error:
            self._report(mail, error)
            return self._mark(mail, MailStatus.FAILED, NOT_RENDERED)
        letter = Letter(
            id=mail.mail,
            of=mail.of,
            to=login.email,
            to_name=reader.name,
            from_name=reader.brand,
            subject=said.subject,
            text=said.text,
            html=said.html,
            language=language.code,
            images=said.images,
            unsubscribe=reader.unsubscribe,
        )
        claimed = self._mails.mark(mail, MailStatus.SENDING, self._now())
        try:
            message = self._mailer.send(letter, self._now())
        except MailServiceFull:
            now = self._now()
            return self._mails.mark(claimed, MailStatus.WAITING, now, not_before=now + FULL_WAIT).status
        except MailNotTaken:
            self._mark(claimed, MailStatus.WAITING)
            raise
        except MailRefused as error:
            return self._mark(claimed, MailStatus.FAILED, error.code)
        except MailUnclear:
            return self._mark(claimed, MailStatus.UNCLEAR, NO_ANSWER)
        return self._mails.sent(claimed, message, self._now()).status

    def _barred(self, mail: Mail, login: Login, wants: MailPreferences, secret: bytes) -> str:
        """Why this person must not get this mail; empty where they may."""
        if not login.enabled:
            return LOGIN_DISABLED
        if not login.verified:
            return ADDRESS_UNVERIFIED
        if not wants.wants(topic_of(mail)):
            return UNSUBSCRIBED
        hashed = address_hash(brand_key(secret, mail.brand), login.email)
        known = self._wishes.suppressions.address(mail.brand, hashed)
        return known.reason if known is not None and known.stands else ""

    def _has_to_wait(self, mail: Mail, topic: Topic) -> datetime | None:
        """Until when a mail has no permit; None where it has one, or needs none."""
        if not topic.may_wait or mail.permitted or self._pacing is None:
            return None
        taken = self._pacing.take(1, self._now())
        return None if taken.granted else self._now() + max(SHORTEST_WAIT, timedelta(milliseconds=taken.wait))

    def _written(self, mail: Mail, language: Language, reader: Reader) -> Written | None:
        """What staff wrote, filled in, for the one template that says it. Raises `NotFound`, `ValueError`."""
        if mail.template is not MailTemplate.WRITTEN:
            return None
        text = self._wishes.texts.text(mail.brand, str(mail.values["text"]))
        return fill_in(text, mail.values["fills"], language, reader)

    def _addressee(self, mail: Mail) -> tuple[Member, Login]:
        """Who it is for. Raises `NotFound`, for somebody who is no longer with the partner or the brand too."""
        member = self._configuration.member(mail.member)
        if member.brand != mail.brand or (member.partner or "") != mail.partner:
            raise NotFound("There is no such member.")
        return member, self._logins.login(mail.member)

    def _reader(self, mail: Mail, member: Member, brand: Brand) -> tuple[Reader, Language]:
        """As whom the member reads it, and in which language. Raises `NotFound`."""
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


def fill_in(text: MailText, fills: Any, language: Language, reader: Reader) -> Written:
    """What staff wrote, as this reader gets it: their own name, partner and brand, and what the mail says of the rest
    (numbers in the language's figures). Raises `ValueError` for a placeholder that nothing stands for."""
    said = {name: figure(language, str(each)) if isinstance(each, int) else each for name, each in fills.items()}
    own = {"name": reader.name, "partner": reader.partner or reader.brand, "brand": reader.brand,
           "portal": reader.portal}  # fmt: skip
    words = text.words(language.code).filled({**said, **own})
    return Written(subject=words.subject, paragraphs=words.paragraphs)
