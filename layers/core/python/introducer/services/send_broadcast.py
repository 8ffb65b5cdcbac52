"""Hands a broadcast's mails over, no faster than mail may go, until all are, or somebody stops it.

A batch is what the pace allows now: a quarter of a second's worth at most. Before each the broadcast is read anew, so a
stop takes effect within a batch. A batch's mails are put before it is written how far the broadcast is; whoever repeats
it after a crash meets them, for a mail's id follows from the broadcast and the member. Its partners are named with what
the portal shows of it by then too.

All mails go through one outbox. So no more are put than it sends in moments: other mails would stand behind them, and a
stop would have them all to take back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice

from introducer.domain.broadcast import PAGE, Broadcast, BroadcastStatus, Recipient, advanced, what_of
from introducer.domain.configuration import Partner
from introducer.domain.errors import Conflict, Unavailable
from introducer.domain.events import in_full_ms, milliseconds
from introducer.domain.mail import Mail, written_mail
from introducer.domain.mail_pace import Pace, Taken, slow_rate
from introducer.domain.mail_topics import Topic
from introducer.domain.results import ResultLine
from introducer.services.broadcast_books import BroadcastBooks
from introducer.services.people import Names
from introducer.services.send_mail import Pacing

FIGURES = frozenset({"clicks_30", "ftd_30", "qftd_30"})
"""Placeholders that a partner's line of results fills."""

SLOWEST = 1
"""Mails per second where the mail service was never heard of: what a new account may send."""

LEAST_AHEAD = 2
"""A second's worth of mails may be put that are not sent yet, so many at least. An outbox that was held up sends all of
them at once: more would be more than the mail service takes in a second, and what it has no room for waits a minute."""
FULL_MS = 500
"""Before it is looked again whether some of those are sent."""

BATCH_MS = 200
"""Between two batches: permits gather meanwhile, and none is lost, for they gather for a quarter of a second."""


class Sender:
    """Sends one broadcast. `now` tells the time, `sleep` waits seconds, `per_second` asks the mail service for the
    account's rate, `pause` lets others go first who take permits too."""

    def __init__(
        self,
        books: BroadcastBooks,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        per_second: Callable[[], int],
        pause: Callable[[int], None] = lambda attempt: None,
    ) -> None:
        self._books = books
        self._now = now
        self._sleep = sleep
        self._ask = per_second
        self._pacing = Pacing(books.paces, self._per_second, pause)
        self._names = Names(books.configuration)
        self._page: tuple[str, int, tuple[Recipient, ...]] = ("", -1, ())
        self._brand_name = ""
        self._ahead: list[Recipient] = []
        """Whose mails were put and not sent, when that was looked at last."""

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
            taken = self._take(found, len(left)) if found.channel.by_mail else Taken(Pace(), len(left), 0)
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

    def _take(self, broadcast: Broadcast, wanted: int) -> Taken:
        """Permits for so many mails at most, and for no more than may be put now."""
        known = self._books.paces.rate()
        rate = slow_rate(known.per_second if known else SLOWEST)
        most = max(LEAST_AHEAD, rate)
        if len(self._ahead) + min(wanted, rate) > most:
            self._ahead = self._books.broadcasts.on_their_way(broadcast, self._ahead)
        room = most - len(self._ahead)
        if room <= 0:
            return Taken(Pace(), 0, FULL_MS)
        return self._pacing.take(min(wanted, room), self._now())

    def _per_second(self) -> int:
        try:
            return self._ask()
        except Unavailable:
            known = self._books.paces.rate()
            return known.per_second if known else SLOWEST

    def _left(self, broadcast: Broadcast) -> Sequence[Recipient]:
        """Who is next on the page where it is: one at least, while it is not done."""
        number, place = divmod(broadcast.handed, PAGE)
        if self._page[:2] != (broadcast.edition, number):
            self._page = (broadcast.edition, number, self._books.broadcasts.page(broadcast, number))
        return tuple(islice(self._page[2], place, None))

    def _hand_over(self, broadcast: Broadcast, recipients: Sequence[Recipient]) -> None:
        at = in_full_ms(self._now())
        if broadcast.announcement:
            partners = sorted({each.partner for each in recipients})
            self._books.announcements.name(broadcast.announcement, partners, at)
        if broadcast.channel.by_mail:
            fills = self._fills(broadcast, {each.partner for each in recipients})
            # A partner that is gone is told nothing.
            told = [each for each in recipients if each.partner in fills]
            self._books.mails.put_all([_mail(broadcast, each, fills[each.partner], at) for each in told])
            self._ahead += told
        self._books.broadcasts.advance(broadcast, advanced(broadcast, len(recipients), at))

    def _fills(self, broadcast: Broadcast, partners: Collection[str]) -> Mapping[str, Mapping[str, str | int]]:
        """What the text says of these partners, in two requests for all of them."""
        wanted = broadcast.text.placeholders
        managers = self._books.broadcasts.managers(broadcast.brand, partners)
        lines = self._books.results.lines(broadcast.brand, managers) if wanted & FIGURES else {}
        return {
            partner: _filled(self._names.of(manager), lambda: self._brand(broadcast), lines.get(partner), wanted)
            for partner, manager in managers.items()
        }

    def _brand(self, broadcast: Broadcast) -> str:
        if not self._brand_name:
            self._brand_name = self._books.configuration.brand(broadcast.brand).name
        return self._brand_name


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
    line = books.results.line(partner.brand, partner.partner) if wanted & FIGURES else None
    manager = names.of(partner.manager or "") if "manager" in wanted else ""
    return _filled(manager, lambda: books.configuration.brand(partner.brand).name, line, wanted)


def _filled(
    manager: str, brand: Callable[[], str], line: ResultLine | None, wanted: frozenset[str]
) -> dict[str, str | int]:
    """Where nobody looks after a partner the brand's name stands for the manager's."""
    found: dict[str, str | int] = {"manager": manager or brand()} if "manager" in wanted else {}
    # A first deposit that was taken back counts against another day.
    return found | {name: max(0, getattr(line, name)) if line else 0 for name in sorted(FIGURES & wanted)}
