"""The authoritative count of a contest: what a client scored, folded afresh from its events.

The engine counts the same while the contest runs, event by event; this is what it must come to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from introducer.domain.client import ClientState, Visit
from introducer.domain.contest import Metric
from introducer.domain.contest_score import Counted, Window
from introducer.domain.contracts import Contracts
from introducer.domain.counts import ScoreKey
from introducer.domain.earnings import accrue, mark_scores
from introducer.domain.events import Event
from introducer.domain.tally import Tally


def counted_of_client(
    brand: str,
    client: str,
    events: Iterable[Event],
    contracts: Contracts,
    window: Window,
    believed: Mapping[str, Visit] | None = None,
) -> dict[str, Counted]:
    """What these events of a client score in a contest, by partner; a client that changed hands can score for several.

    `events` are those that count, whether or not the engine has applied them. `believed` are clicks that were verified
    before: a key that is no longer held does not undo those that these events name. Raises `RateMissing`.
    """
    events = list(events)
    named = {event.click_id for event in events}
    visits = {click: visit for click, visit in (believed or {}).items() if click in named}
    contracts = replace(contracts, windows={brand: (window._replace(frozen=False),)}, _bases={})
    transition = accrue(ClientState(brand, client, visits=visits), events, contracts)
    scored = {key: values for key, values in transition.counts.items() if isinstance(key, ScoreKey)}
    if not scored:
        return {}
    tally = Tally(transition.state, contracts)
    tally.add(transition.weighed)
    last = dict(tally.scored_at)
    for key, moments in mark_scores(transition.state, contracts).items():
        last[key] = max(last.get(key, 0), *(at for each in moments.values() for at in each))
    return {
        key.partner: Counted({Metric(name): value for name, value in values.items()}, last[key])
        for key, values in scored.items()
    }
