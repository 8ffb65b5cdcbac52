"""A mail that waits becomes one in somebody's inbox: once, or not at all.

The mail is claimed before it is handed over, and marked after. Whoever finds it claimed by another does not know
whether it was handed over, for the mail service cannot be asked; so it becomes `unclear` and is not sent again. Of two
mails or none, none is the better mistake here: what it tells stands in the portal too, and staff see that it is
unclear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

from introducer.domain.broadcast import TAKEN_BACK, BroadcastStatus, broadcast_of
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
    Value,
    handed_on_to,
)
from introducer.domain.mail_pace import Pace, Taken, slow_rate
from introducer.domain.mail_preferences import MailPreferences
from introducer.domain.mail_text import MailText
from introducer.domain.mail_topics import Topic, topic_of
from introducer.domain.suppressing import Suppressed, address_hash
from introducer.domain.unsubscribing import Unsubscribing, key_of, token
from introducer.gateways.mail import Letter, Mailer, MailNotTaken, MailRefused, MailServiceFull, MailUnclear
from introducer.gateways.user_pool import Login, UserPool
from introducer.locale import Language, best
from introducer.services.read_applied import Applied, nobody_applied
from introducer.store.broadcasts import Broadcasts
from introducer.store.configuration import Configuration
from introducer.store.mail_texts import MailTexts
from introducer.store.mails import Addressed, Mails, Named
from introducer.store.paces import Known, Paces
from introducer.wording.mails.rendering import render
from introducer.wording.mails.telling import Reader, Written
from introducer.wording.sentences import figure

T = TypeVar("T")
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
BRAND_KEPT = timedelta(minutes=1)
"""How long a brand's name, domain and time zone are taken for what they were. Nobody is told less or more by them."""
STOP_KEPT = timedelta(seconds=1)
"""How long a broadcast counts as not stopped after it was read: so late a stop is known by whoever sends."""
TEXTS_KEPT = 64
"""Texts of staff that are kept in memory. A text's id is made of its words, so that it never says anything else."""
PERMITS_TOGETHER = 16
"""Permits that a batch takes at once, at most: they are meant for this very moment, and what is left over is lost."""


class Sends(Protocol):
    """What sends a mail: `gateways.mail.Mailer`."""

    def send(self, letter: Letter, now: datetime) -> str: ...


class Pacing:
    """Permits for mails that can wait, at the account's own rate less what is kept for those that cannot.
    `per_second` asks the mail service for that rate."""

    def __init__(
        self, paces: Paces, per_second: Callable[[], int], pause: Callable[[int], None] = lambda attempt: None
    ) -> None:
        self._paces = paces
        self._per_second = per_second
        self._pause = pause
        self._known: Known | None = None

    def take(self, wanted: int, now: datetime) -> Taken:
        """As many of these permits as there are. Raises `Unavailable`."""
        at = milliseconds(now)
        rate = self._rate(at)
        if not rate:
            return Taken(Pace(), 0, RATE_KEPT)  # of the day's mails the rest is for what cannot wait
        return self._paces.take(wanted, slow_rate(rate), at, self._pause)

    def _rate(self, at: int) -> int:
        if self._known is not None and abs(at - self._known.at) < RATE_KEPT:
            return self._known.per_second
        known = self._paces.rate()
        if known is not None and abs(at - known.at) < RATE_KEPT:
            self._known = known
            return known.per_second
        try:
            asked = Known(self._per_second(), at)
        except Unavailable:
            if known is None:
                raise
            return known.per_second
        self._paces.keep_rate(asked)
        return asked.per_second


class Permits:
    """The permits of one batch of so many mails, for threads that send them side by side: some are taken at once, when
    the first mail needs one; while there are none, nobody of the batch asks again."""

    def __init__(self, pacing: Pacing | None, mails: int) -> None:
        self._pacing = pacing
        self._together = min(mails, PERMITS_TOGETHER)
        self._left = 0
        self._until: datetime | None = None
        self._lock = Lock()

    def waits_until(self, now: datetime) -> datetime | None:
        """Until when a mail has no permit; None where it has one now. Raises `Unavailable`."""
        if self._pacing is None:
            return None
        with self._lock:
            if self._until is not None and now < self._until:
                return self._until
            if not self._left:
                taken = self._pacing.take(self._together, now)
                if not taken.granted:
                    self._until = now + max(SHORTEST_WAIT, timedelta(milliseconds=taken.wait))
                    return self._until
                self._left = taken.granted
            self._left -= 1
            return None


class Kept(Generic[T]):
    """What was read a moment ago, for threads that all ask for the same; nobody else reads meanwhile."""

    def __init__(self, read: Callable[[str], T], how_long: timedelta, now: Callable[[], datetime]) -> None:
        self._read = read
        self._how_long = how_long
        self._now = now
        self._found: dict[str, tuple[datetime, T]] = {}
        self._lock = Lock()

    def __call__(self, name: str) -> T:
        """It, as it was at most so long ago. What cannot be read is not kept."""
        with self._lock:
            kept = self._found.get(name)
            if kept is None or abs(self._now() - kept[0]) >= self._how_long:
                kept = self._found[name] = self._now(), self._read(name)
            return kept[1]


class Outbox:
    """Sends mails that wait; many threads may share it. `mailer` is None where nobody may send, `pacing` where nothing
    is to be paced; `secret` reads the one behind all keyed hashes, and may raise `Unavailable`; `chance` says a word
    that nobody says twice; `applied` opens who applied, for mails to people without a login."""

    def __init__(
        self,
        *,
        mails: Mails,
        configuration: Configuration,
        broadcasts: Broadcasts,
        logins: UserPool,
        mailer: Mailer | Sends | None,
        texts: MailTexts,
        secret: Callable[[], bytes],
        pacing: Pacing | None = None,
        now: Callable[[], datetime],
        chance: Callable[[], str],
        report: Report,
        fonts: Path | None = None,
        applied: Callable[[Mail], Applied] = nobody_applied,
    ) -> None:
        self._mails = mails
        self._configuration = configuration
        self._logins = logins
        self._mailer = mailer
        self._text = lru_cache(TEXTS_KEPT)(texts.text)
        self._secret = secret
        self._brand = Kept(configuration.brand, BRAND_KEPT, now)
        self._is_stopped = Kept(partial(_is_stopped, broadcasts), STOP_KEPT, now)
        self._pacing = pacing
        self._now = now
        self._chance = chance
        self._report = report
        self._fonts = fonts
        self._applied = applied

    def permits(self, mails: int) -> Permits:
        """Permits for a batch of so many mails."""
        return Permits(self._pacing, mails)

    def deliver(self, named: Named, permits: Permits | None = None) -> MailStatus | None:
        """Takes a mail as far as it goes; its status then, None where nothing was to be done. May be repeated safely,
        though not at once for the same mail. `permits` are those of its batch.

        Raises `Unavailable` when it is to be tried again: nothing was sent.
        """
        try:
            addressed = self._mails.addressed(named)
        except NotFound:
            return None
        found = addressed.mail
        try:
            match found.status:
                case MailStatus.WAITING if found.not_before is not None and found.not_before > self._now():
                    return None
                case MailStatus.WAITING if found.audience in (Audience.MEMBER, Audience.APPLICANT):
                    return self._send(addressed, permits or self.permits(1))
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
            moved = self._mails.mail(named.of, named.mail)
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

    def _send(self, addressed: Addressed, permits: Permits) -> MailStatus:
        mail = addressed.mail
        if self._mailer is None:
            return self._mark(mail, MailStatus.FAILED, NO_SENDER)
        try:
            brand = self._brand(mail.brand)
            login, reader, language, values = self._whom(addressed, brand)
        except NotFound:
            return self._mark(mail, MailStatus.FAILED, NO_LOGIN)
        topic, secret = topic_of(mail), self._secret()
        # Asked for last, so that what its reader decided a moment ago holds.
        hashed = address_hash(brand_key(secret, mail.brand), login.email)
        wants, suppressed = self._mails.wishes(mail.brand, mail.member, hashed)
        stopped = TAKEN_BACK if self._is_stopped(broadcast_of(mail.series)) else ""
        if barred := _barred(topic, login, wants, suppressed) or stopped:
            return self._mark(mail, MailStatus.SUPPRESSED, barred)
        until = wants.waits_until(topic, self._now(), brand.time_zone)
        if until is None and topic.may_wait and not mail.permitted:
            until = permits.waits_until(self._now())
        if until is not None:
            return self._mails.postpone(mail, until).status
        if not topic.is_binding:
            wish = token(key_of(secret), Unsubscribing(mail.member, topic))
            reader = replace(reader, unsubscribe=f"{reader.portal}{UNSUBSCRIBE}{wish}")
        try:
            written = self._written(mail, language, reader)
            said = render(mail.template, values, language, reader, written, self._fonts)
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
        claimed = self._mails.claim(mail, self._chance(), self._now())
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

    def _written(self, mail: Mail, language: Language, reader: Reader) -> Written | None:
        """What staff wrote, filled in, for the one template that says it. Raises `NotFound`, `ValueError`."""
        if mail.template is not MailTemplate.WRITTEN:
            return None
        text = self._text(mail.brand, str(mail.values["text"]))
        return fill_in(text, mail.values["fills"], language, reader)

    def _whom(self, addressed: Addressed, brand: Brand) -> tuple[Login, Reader, Language, Mapping[str, Value]]:
        """Where the mail goes, as whom and in which language it is read, and what it says. Raises `NotFound`."""
        mail = addressed.mail
        if mail.audience is Audience.APPLICANT:
            applied = self._applied(mail)
            reader = Reader(name=applied.name, brand=brand.name, portal=f"https://{brand.domain}")
            # Whether the address is theirs is what the mail asks.
            return Login(applied.email, verified=True, enabled=True), reader, best([applied.language]), applied.values
        member, login = self._addressee(addressed)
        reader, language = self._reader(addressed, member, brand)
        return login, reader, language, mail.values

    def _addressee(self, addressed: Addressed) -> tuple[Member, Login]:
        """Who it is for. Raises `NotFound`, for somebody who is no longer with the partner or the brand too."""
        mail, member = addressed.mail, addressed.member
        if member is None or member.brand != mail.brand or (member.partner or "") != mail.partner:
            raise NotFound("There is no such member.")
        return member, self._logins.login(mail.member)

    def _reader(self, addressed: Addressed, member: Member, brand: Brand) -> tuple[Reader, Language]:
        """As whom the member reads it, and in which language. Raises `NotFound`."""
        partner = addressed.partner
        if addressed.mail.partner and partner is None:
            raise NotFound("There is no such partner.")
        reader = Reader(
            name=member.name,
            brand=brand.name,
            portal=f"https://{brand.domain}",
            partner=partner.name if partner else "",
        )
        return reader, best([member.language, partner.language if partner else None])

    def _mark(self, mail: Mail, status: MailStatus, reason: str = "") -> MailStatus:
        return self._mails.mark(mail, status, self._now(), reason=reason).status


def _is_stopped(broadcasts: Broadcasts, broadcast: str) -> bool:
    """Whether a broadcast was stopped; one that is none was not."""
    try:
        return bool(broadcast) and broadcasts.broadcast(broadcast).status is BroadcastStatus.STOPPED
    except NotFound:
        return False


def _barred(topic: Topic, login: Login, wants: MailPreferences, suppressed: Suppressed | None) -> str:
    """Why a reader must not get a mail about this; empty where they may."""
    if not login.enabled:
        return LOGIN_DISABLED
    if not login.verified:
        return ADDRESS_UNVERIFIED
    if not wants.wants(topic):
        return UNSUBSCRIBED
    return suppressed.reason if suppressed is not None and suppressed.stands else ""


def fill_in(text: MailText, fills: Any, language: Language, reader: Reader) -> Written:
    """What staff wrote, as this reader gets it: their own name, partner and brand, and what the mail says of the rest
    (numbers in the language's figures). Raises `ValueError` for a placeholder that nothing stands for."""
    said = {name: figure(language, str(each)) if isinstance(each, int) else each for name, each in fills.items()}
    own = {"name": reader.name, "partner": reader.partner or reader.brand, "brand": reader.brand,
           "portal": reader.portal}  # fmt: skip
    words = text.words(language.code).filled({**said, **own})
    return Written(subject=words.subject, paragraphs=words.paragraphs)
