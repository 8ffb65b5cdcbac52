"""A brand's day of work, all in this process: a payday's partners, and tasks about them as the product raises them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from introducer.domain.configuration import Change
from introducer.domain.task import Task
from introducer.domain.trigger import Evidence, Found, Trigger
from introducer.services.raise_task import raise_task
from introducer.store.tasks import Tasks
from tests.support.casework import Casework, a_casework
from tests.support.payday import GULF, HARBOUR, LANTERN, MANAGER, NOW, PIPS, SMALL

CHANGE = Change(by="system:test", at=NOW, why="set up", origin="test")
FAILED: Evidence = {
    "payout": "pay_1", "what": "returned", "amount_minor": 125_000, "amount_currency": "EUR",
    "reason": "account_closed",
}  # fmt: skip
FELL: Evidence = {"ftd_7": 2, "ftd_prev_28": 20, "fell_percent": 60}
NEAR: Evidence = {"done": 17, "needed": 20, "missing": 3, "by": "qftd", "tier": 2, "currency": "EUR"}


class Queueing(Casework):
    """The portal, and the tasks behind it."""

    @property
    def tasks(self) -> Tasks:
        return Tasks(self.table)

    def finds(self, name: str, trigger: Trigger, evidence: Evidence, *, about: str = "", at: datetime = NOW,
              manager: str | None = MANAGER, language: str = "en") -> Task:  # fmt: skip
        """A trigger goes off about a partner of this manager's; nobody's with None."""
        partner = replace(
            self.configuration.partner(self.partners[name]),
            manager=self.people[manager].member if manager else None,
            language=language,
        )
        task = raise_task(self.tasks, partner, Found(trigger=trigger, about=about, evidence=evidence), at)
        assert task is not None
        return task

    def many(self, number: int) -> None:
        """Partners that went quiet; of them there is no more than their tasks."""
        model = self.configuration.partner(self.partners[SMALL])
        for each in range(number):
            partner = replace(model, partner=f"par_quiet{each:03d}", name=f"Quiet partner {each + 1}",
                              manager=self.people[MANAGER].member)  # fmt: skip
            found = Found(trigger=Trigger.DORMANT, about="", evidence={"dormant_days": 14 + each % 40})
            raise_task(self.tasks, partner, found, NOW - timedelta(hours=each))


@contextmanager
def a_queue(patch: pytest.MonkeyPatch) -> Iterator[Queueing]:
    """Harbour has a payout that came back, and fewer first deposits; Pips is overdue, Gulf nobody's, Lantern asleep."""
    with a_casework(patch) as world:
        world.__class__ = Queueing
        portal: Queueing = world  # type: ignore[assignment]
        portal.finds(HARBOUR, Trigger.PAYOUT_FAILED, FAILED, about="pay_1 returned")
        portal.finds(HARBOUR, Trigger.FTD_FELL, FELL)
        portal.finds(PIPS, Trigger.NEAR_TIER, NEAR, about="2026-04 qftd 2", at=NOW - timedelta(days=5), language="th")
        portal.finds(GULF, Trigger.DOCUMENTS_WAIT, {"days": 3}, about="documents 1", manager=None, language="ar")
        asleep = portal.finds(LANTERN, Trigger.DORMANT, {"dormant_days": 20})
        portal.tasks.step("snooze_task", asleep, replace(asleep, snoozed_until="2026-04-20", version=2), CHANGE)
        yield portal
