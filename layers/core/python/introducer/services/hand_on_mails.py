"""Mails whose moment has come go on to the outbox, by way of the stream: those that waited for a morning at once, and
those that wait for a permit as fast as there are permits.

Each brand's turn is one page, so that one brand's broadcast does not keep another's reminders waiting; of all brands'
pages what needs no permit goes first, before anybody waits for one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from introducer.domain.errors import Conflict
from introducer.domain.mail import Audience, Mail
from introducer.domain.mail_topics import topic_of
from introducer.services.send_mail import Pacing
from introducer.store.configuration import Configuration
from introducer.store.mails import Mails

AT_ONCE = 10
"""Permits that are taken together: a mail's permit that is not used is lost, and nothing else."""


class HandsOn:
    """Hands on what is due. `wait` waits so many seconds; `left` says how many there are until this must end."""

    def __init__(
        self,
        mails: Mails,
        configuration: Configuration,
        pacing: Pacing,
        *,
        now: Callable[[], datetime],
        wait: Callable[[float], None],
        left: Callable[[], float],
    ) -> None:
        self._mails = mails
        self._configuration = configuration
        self._pacing = pacing
        self._now = now
        self._wait = wait
        self._left = left
        self._permits = 0
        self._dry = False

    def run(self) -> int:
        """How many went on. Raises `Unavailable`: what did not go on is due the next time."""
        went = 0
        turns: dict[str, str | None] = dict.fromkeys(brand.brand for brand in self._configuration.every_brand())
        while turns and self._left() > 0:
            paced: list[list[Mail]] = []
            for brand, cursor in list(turns.items()):
                page = self._mails.due(brand, self._now(), cursor)
                went += sum(self._release(mail, permitted=False) for mail in page.items if not _needs_permit(mail))
                paced.append([mail for mail in page.items if _needs_permit(mail)])
                if page.cursor is None:
                    del turns[brand]
                else:
                    turns[brand] = page.cursor
            went += sum(map(self._paced, paced))
        return went

    def _paced(self, mails: Sequence[Mail]) -> int:
        """Hands on those of a page that need a permit, as permits come; how many went on."""
        went = 0
        for number, mail in enumerate(mails):
            if not self._permit(len(mails) - number):
                break
            went += self._release(mail, permitted=True)
        return went

    def _release(self, mail: Mail, *, permitted: bool) -> bool:
        """Hands a mail on; False for one that was postponed, sent or handed on meanwhile."""
        try:
            self._mails.release(mail, permitted=permitted)
        except Conflict:
            return False
        return True

    def _permit(self, wanted: int) -> bool:
        """Takes a permit, and waits for one if need be; False when there is no time left."""
        while not self._permits:
            if self._dry or self._left() <= 0:
                return False
            taken = self._pacing.take(min(wanted, AT_ONCE), self._now())
            self._permits = taken.granted
            if not taken.granted:
                seconds = taken.wait / 1000
                self._dry = seconds >= self._left()
                if not self._dry:
                    self._wait(seconds)
        self._permits -= 1
        return True


def _needs_permit(mail: Mail) -> bool:
    return mail.audience is Audience.MEMBER and topic_of(mail).may_wait
