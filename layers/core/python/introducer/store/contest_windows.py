"""The windows of a brand's contests: what the engine asks for once a minute, written with the contest itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from introducer.domain.contest import Contest, ContestStatus, Metric
from introducer.domain.contest_score import Window
from introducer.domain.events import milliseconds
from introducer.store import keys
from introducer.store.wire import connect, from_wire, reading

_KEPT = timedelta(days=90)
"""So long after it is counted a window stands: clients that scored in it remember it as long."""
NEVER = 1 << 52
"""A start (ms) that no event comes to."""


def window_of(contest: Contest) -> Window:
    """What scores in a contest, as it stands."""
    # One that went back to being a draft may get another start: nothing scores before it is approved again. It is not
    # frozen, because what scored in a frozen one stays: whoever saw its start counts anew once it has another.
    is_draft = contest.status is ContestStatus.DRAFT
    return Window(
        contest.contest,
        NEVER if is_draft else milliseconds(contest.starts_at),
        milliseconds(contest.ends_at),
        milliseconds(contest.counts_until),
        contest.metrics,
        contest.currency,
        contest.status.is_frozen,
    )


def window_to_item(contest: Contest) -> dict[str, Any]:
    """The item of a contest's window; it goes into the transaction that writes the contest, from its approval on."""
    window = window_of(contest)
    return {
        **keys.key("contest_window", brand=contest.brand, contest=contest.contest).item(),
        "starts": window.start,
        "ends": window.end,
        "until": window.until,
        "metrics": " ".join(sorted(window.metrics)),
        "currency": window.currency,
        "frozen": int(window.frozen),
        keys.TTL: milliseconds(contest.counts_until + _KEPT) // 1000,
    }


def window_from_item(item: Mapping[str, Any]) -> Window:
    """The window of an item."""
    return Window(
        keys.unescape(item[keys.SK]),
        item["starts"],
        item["ends"],
        item["until"],
        frozenset(map(Metric, item["metrics"].split())),
        item["currency"],
        bool(item["frozen"]),
    )


class ContestWindows:
    """Reads windows. They are written with their contests."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def of_brand(self, brand: str) -> tuple[Window, ...]:
        """All windows of a brand, those of contests that were counted lately too; read consistently."""
        found: list[Window] = []
        start = None
        while True:
            with reading():
                answer = self._connection.query(
                    self._table,
                    keys.partition("contest_window", brand=brand),
                    exclusive_start_key=start,
                    consistent_read=True,
                )
            found += [window_from_item(from_wire(item)) for item in answer["Items"]]
            start = answer.get("LastEvaluatedKey")
            if not start:
                return tuple(found)
