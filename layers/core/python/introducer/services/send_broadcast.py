"""Hands a broadcast's mails over, no faster than mail may go, until all are, or somebody stops it.

A batch is what the pace allows now: a second's worth at most. Before each the broadcast is read anew, so a stop takes
effect within a batch. A batch's mails are put before it is written how far the broadcast is; whoever repeats it after a
crash meets them, for a mail's id follows from the broadcast and the member.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice

from introducer.domain.broadcast import PAGE, Broadcast, BroadcastStatus, Recipient, advanced, what_of
from introducer.domain.configuration import Partner
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import milliseconds
from introducer.domain.mail import Mail, written_mail
from introducer.domain.mail_pace import Taken, slow_rate
from introducer.domain.mail_topics import Topic
from introducer.services.broadcast_books import BroadcastBooks, in_full_ms
from introducer.services.people import Names

SLOWEST = 1
"""Mails per second where nobody has asked the mail service yet: what a new account may send."""

BATCH_MS = 900
"""Between two batches: permits gather meanwhile, and none is lost, for they gather for a second."""


class Sender:
    """Sends one broadcast. `now` tells the time, `sleep` waits seconds, `pause` lets others go first who take permits
    too."""

    def __init__(
        self,
        books: BroadcastBooks,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        pause: Callable[[int], None] = lambda attempt: None,
    ) -> None:
        self._books = books
        self._now = now
        self._sleep = sleep
        self._pause = pause
        self._names = Names(books.configuration)
        self._page: tuple[str, int, tuple[Recipient, ...]] = ("", -1, ())

    def send(self, broadcast: str, seconds: float) -> Broadcast:
        """Goes on for so many seconds by the clock, or until nothing is left to do; how far it is then.

        May be repeated safely, also by two at once. Raises `NotFound`, `Unavailable`.
        """
        until = milliseconds(self._now()) + int(seconds * 1000)
        while True:
            found = self._books.broadcasts.broadcast(broadcast)
            if found.status is not BroadcastStatus.SENDING or milliseconds(self._now()) >= until:
                return found
            asked = milliseconds(self._now())
            left = self._left(found)
            taken = self._take(len(left))
            if taken.granted:
                # Somebody else writes it too: it was stopped, or another sends it. What is next is looked at anew.
                with suppress(Conflict):
                    self._hand_over(found, left[: taken.granted])
            if taken.wait:
                self._sleep_until(min(asked + max(taken.wait, BATCH_MS), until))

    def _sleep_until(self, at: int) -> None:
        ahead = at - milliseconds(self._now())
        if ahead > 0:
            self._sleep(ahead / 1000)

    def _take(self, wanted: int) -> Taken:
        known = self._books.paces.rate()
        rate = slow_rate(known.per_second if known else SLOWEST)
        return self._books.paces.take(wanted, rate, milliseconds(self._now()), self._pause)

    def _left(self, broadcast: Broadcast) -> Sequence[Recipient]:
        """Who is next on the page where it is: one at least, while it is not done."""
        number, place = divmod(broadcast.handed, PAGE)
        if self._page[:2] != (broadcast.edition, number):
            self._page = (broadcast.edition, number, self._books.broadcasts.page(broadcast, number))
        return tuple(islice(self._page[2], place, None))

    def _hand_over(self, broadcast: Broadcast, recipients: Sequence[Recipient]) -> None:
        at = in_full_ms(self._now())
        fills: dict[str, dict[str, str | int] | None] = {}
        mails: list[Mail] = []
        for each in recipients:
            if each.partner not in fills:
                fills[each.partner] = self._fills(broadcast, each.partner)
            said = fills[each.partner]
            if said is not None:
                mails.append(_mail(broadcast, each, said, at))
        self._books.mails.put_all(mails)
        self._books.broadcasts.advance(broadcast, advanced(broadcast, len(recipients), at))

    def _fills(self, broadcast: Broadcast, partner: str) -> dict[str, str | int] | None:
        """What the text says of a partner; None for one that is gone, and is told nothing."""
        try:
            found = self._books.configuration.partner(partner)
        except NotFound:
            return None
        return fills_of(self._books, self._names, found, broadcast.text.placeholders)


def _mail(broadcast: Broadcast, recipient: Recipient, fills: Mapping[str, str | int], at: datetime) -> Mail:
    mail = written_mail(
        what_of(broadcast.broadcast),
        broadcast.text_id,
        Topic.NEWS.value,
        brand=broadcast.brand,
        partner=recipient.partner,
        member=recipient.member,
        at=at,
        series=broadcast.series,
        fills=fills,
        path=broadcast.path,
    )
    # Its permit was taken here, so that whoever sends it takes no second one.
    return replace(mail, permitted=True)


def fills_of(books: BroadcastBooks, names: Names, partner: Partner, wanted: frozenset[str]) -> dict[str, str | int]:
    """What stands for those of the wanted placeholders that are not of the reader alone. Figures are those of the
    partner's line of results, 0 where it has none yet. Raises `Unavailable`."""
    found: dict[str, str | int] = {}
    if "manager" in wanted:
        manager = names.of(partner.manager) if partner.manager else ""
        found["manager"] = manager or books.configuration.brand(partner.brand).name
    figures = [name for name in ("clicks_30", "ftd_30", "qftd_30") if name in wanted]
    if figures:
        line = books.results.line(partner.brand, partner.partner)
        # A first deposit that was taken back counts against another day.
        found |= {name: max(0, getattr(line, name)) if line else 0 for name in figures}
    return found
