"""What happened becomes a delivery for each target that wants to know: the outbox's part of outbound postbacks.

A delivery's id follows from the target and from what happened. So a record of the stream that comes twice makes no
second one; it only names it to the queue again, for the message may be what was lost the first time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from introducer.domain.client import code_of
from introducer.domain.configuration import Partner, Status
from introducer.domain.errors import Malformed, NotFound
from introducer.domain.events import milliseconds
from introducer.domain.postback_out import (
    Delivery,
    DeliveryStatus,
    Method,
    News,
    Target,
    delivery_id,
    new_delivery,
    uses_subs,
    values_of,
)
from introducer.services.read_clients_of_partner import pseudonym
from introducer.store.clicks import Clicks
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.deliveries import Deliveries
from introducer.store.targets import Targets

KEPT_SECONDS = 30.0
"""How long a container remembers who has which targets: a new one is told after so long at most."""

Send = Callable[[str, int], None]
"""Puts a message into the queue, seen after so many seconds. Raises `Unavailable`."""


def message_of(delivery: Delivery, off: int = 0) -> str:
    """What stands in the queue of a delivery: which one, which try of it, and how often in a row it found its target
    closed."""
    return json.dumps(
        {
            "brand": delivery.brand,
            "about": delivery.about,
            "delivery": delivery.delivery,
            "target": delivery.target,
            "try": delivery.tries,
            "off": off,
        }
    )


@dataclass(frozen=True, kw_only=True)
class Teller:
    """Tells targets. `now_ms` is the clock; `elapsed` counts seconds and never goes back."""

    configuration: Configuration
    targets: Targets
    deliveries: Deliveries
    clients: Clients
    clicks: Clicks
    send: Send
    now_ms: Callable[[], int]
    elapsed: Callable[[], float]
    _partners: dict[str, tuple[float, Partner | None]] = field(default_factory=dict)
    _targets: dict[str, tuple[float, tuple[Target, ...]]] = field(default_factory=dict)

    def tell(self, news: News) -> int:
        """How many targets are told. May be repeated. Raises `Unavailable`: then it is to be told again."""
        partner = self._partner(news.partner) if news.partner else None
        if partner is not None:
            news = replace(news, brand=partner.brand)
        if not news.brand:
            return 0
        targets = self._of(news.brand)
        # A blocked partner is not told what its clients do; the brand is.
        if partner is not None and not self._blocked(partner):
            targets += self._of(partner.partner)
        wanted = [target for target in targets if target.wants(news)]
        if not wanted and not any(each.campaigns for each in targets):
            return 0
        known = self._known(news)
        told = 0
        subs: tuple[str, ...] | None = None
        for target in targets:
            if not target.wants(known):
                continue
            if subs is None and (target.method is not Method.GET or uses_subs(target.url)):
                subs = self._subs(known)
            self._tell(target, known, subs or ())
            told += 1
        return told

    def _tell(self, target: Target, news: News, subs: tuple[str, ...]) -> None:
        delivery = delivery_id(target.target, news.event_id)
        # What came by a promo code came by no link.
        said = replace(news, link="") if code_of(news.link) else news
        values = values_of(said, delivery, subs, pseudonym(news.client) if news.client else "")
        new = new_delivery(target, news, values, self.now_ms())
        if not self.deliveries.create(new):
            new = self.deliveries.delivery(new.brand, new.about, new.delivery)
        if new.status is DeliveryStatus.WAITING and not new.tries:
            self.send(message_of(new), 0)

    def _known(self, news: News) -> News:
        """The news of an amount with what is known of its client: by which click and link it came."""
        if news.click or news.link or not news.client or not news.partner:
            return news
        state = self.clients.state(news.brand, news.client)
        mine = [each for each in state.timeline if each.partner == news.partner] if state else []
        if state is None or not mine:
            return news
        last = mine[-1]
        return replace(news, click=last.click, link=last.link, campaign=last.campaign, country=state.country or "")

    def _subs(self, news: News) -> tuple[str, ...]:
        """The partner's own values of the click; none where it is no longer kept."""
        if not news.click:
            return ()
        try:
            click = self.clicks.click(news.click)
        except Malformed:
            return ()
        return click.subs if click is not None and click.partner == news.partner else ()

    def _blocked(self, partner: Partner) -> bool:
        since = partner.status_since
        return partner.status is Status.BLOCKED and (since is None or milliseconds(since) <= self.now_ms())

    def _partner(self, partner: str) -> Partner | None:
        at = self.elapsed()
        kept = self._partners.get(partner)
        if kept is None or at - kept[0] >= KEPT_SECONDS:
            try:
                found = self.configuration.partner(partner)
            except NotFound:
                found = None
            kept = self._partners[partner] = (at, found)
        return kept[1]

    def _of(self, of: str) -> tuple[Target, ...]:
        at = self.elapsed()
        kept = self._targets.get(of)
        if kept is None or at - kept[0] >= KEPT_SECONDS:
            kept = self._targets[of] = (at, self.targets.targets_of(of))
        return kept[1]
