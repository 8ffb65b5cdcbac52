"""A brand whose clients come by clicks, promo codes and leads, all in this process, with the portal in front."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from introducer.domain import click_id
from introducer.domain.events import Event, EventType, milliseconds
from introducer.services.apply_events import Engine
from introducer.services.read_contracts import ContractReader
from introducer.store.accruals import Accruals
from introducer.store.clicks import Clicks, key_of
from introducer.store.clients import Clients
from introducer.store.rates import RateStore
from tests.support.builders import CLICK_KEY, a_click
from tests.support.leading import Leading, a_leading
from tests.support.payday import HARBOUR, NOW

REGISTERED = NOW - timedelta(days=3)
_numbers = itertools.count(1)


class Evidencing(Leading):
    """The portal, and the engine behind it."""

    def clicked(self, partner: str = HARBOUR, *, before: timedelta = timedelta(days=1), flagged: bool = False) -> str:
        """The id of a click of a partner's link, so long before the registration."""
        return a_click(REGISTERED - before, self.codes[partner], flagged=flagged, number=next(_numbers))

    def a_client(self, *events: dict[str, Any], registered: datetime = REGISTERED) -> str:
        """A client that registered, with this evidence in its registration or, each further, in word of its documents
        an hour later; in the books. Its keyed hash."""
        client = f"{next(_numbers):04d}evidence"
        for hours, said in enumerate(events):
            kind = EventType.KYC if hours else EventType.REGISTRATION
            when = registered + timedelta(hours=hours)
            self.facts.put_event(
                Event(
                    brand=self.brand, source="mt5-live", client=client, event_id=f"e-{hours}", type=kind,
                    occurred_at=when, accepted_at=when, status="pending" if hours else None, **said,
                )
            )  # fmt: skip
        self.follow(client)
        return client

    def records(self, click: str, partner: str = HARBOUR, **said: str) -> None:
        """As the redirect records a click."""
        named = click_id.read(click)
        assert named is not None
        texts = {
            "click": click, "link": named.link_id, "partner": self.partners[partner], "brand": self.brand,
            "campaign": "cmp_1", "agent": "browser", "device": "mobile", "country": "PL", "visitor": "v" * 22,
            "address": "a" * 43, "prefix": "p" * 43, "referer": "magazine.example",
        } | said | key_of(click).item()  # fmt: skip
        item: dict[str, Any] = {name: {"S": text} for name, text in texts.items()}
        Clicks("facts").restore(item | {"at": {"N": str(named.at_ms)}, "unique": {"BOOL": True}})

    def forgets(self) -> None:
        """A minute has passed: the portal reads anew what was decided."""
        vars(self.wiring).pop("contracts", None)

    def follow(self, client: str) -> None:
        """As the engine follows the stream."""
        engine = Engine(
            facts=self.facts, clients=Clients("books"), ledger=self.ledger, accruals=Accruals("facts", "books"),
            contracts=ContractReader(
                self.configuration, RateStore("books"), lambda: {0: CLICK_KEY}, lambda: 0.0, lambda: "today"
            ),
            now_ms=lambda: milliseconds(self.now), pause=lambda attempt: None, report=lambda event, error: None,
        )  # fmt: skip
        waiting = [event for event in self.facts.events_of_client(self.brand, client) if event.applied_at is None]
        assert engine.apply(waiting).applied == len(waiting)


@contextmanager
def an_evidencing(patch: pytest.MonkeyPatch) -> Iterator[Evidencing]:
    """Two partners with a link each; nobody registered yet."""
    with a_leading(patch) as leading:
        leading.__class__ = Evidencing
        portal: Any = leading
        yield portal
