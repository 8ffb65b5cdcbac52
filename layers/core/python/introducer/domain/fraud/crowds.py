"""What several detectors do alike: count clients in a moving window, and ask whether so many are a surprise.

A count alone accuses the large: a partner of a thousand clients a month has some of everything. So a crowd is found
when the threshold is reached *and* an exact test says that so many do not come about among so many clients by
themselves: against the partner's own earlier clients, and a share that is usual everywhere.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from introducer.domain.calendar import day_at, day_start, plus_days
from introducer.domain.fraud.finding import Cluster, Evidence, Finding, Moment, Number
from introducer.domain.fraud.seen import Seen, Traffic
from introducer.domain.fraud.statistics import binomial_tail, odds
from introducer.domain.fraud.trace import Trace

MOMENTS = 50
FRESH_DAYS = 2
"""A peer's line that is older says nothing about now."""


class Hit(NamedTuple):
    """A client that is as a detector suspects."""

    at: int
    """Where it stands in the window (ms)."""
    client: str
    known: int
    """When that showed (ms): what a person cleared later than that does not count."""


class Crowd(NamedTuple):
    """Clients that are too many to be chance."""

    clients: tuple[str, ...]
    """Of all windows in which it holds; sorted."""
    most: int
    """How many in one window: the densest."""
    of: int
    """Of how many clients in that window."""
    first: int
    last: int
    """The first and the last of them (ms)."""


class Usual(NamedTuple):
    """How large a share of clients is so without any fraud."""

    share: float
    """Before anything is known of the partner."""
    weight: float
    """As how many clients of the partner's own that counts."""
    most: float = 4.0
    """The partner's own earlier clients raise it to so many times of `share` at most: whoever begins slowly does not
    thereby become usual. What a person cleared raises it without a limit."""
    least: float = 1.0
    """And lower it to so many times at least: a few good weeks do not make one bad week a crime."""
    later: bool = False
    """Whether clients after the window say what is usual too: what the window begins with may have begun before."""


def counts_from(seen: Seen, detector: str) -> int:
    """From this moment on (ms) something counts against the partner: the day after the one a person cleared."""
    cleared = seen.since(detector)
    return day_start(plus_days(cleared, 1)) if cleared else 0


def in_question(seen: Seen) -> list[Trace]:
    """The clients who may still be found: a verdict has not disallowed them. The oldest first."""
    return sorted(
        (trace for trace in seen.traces if not trace.disallowed), key=lambda trace: (trace.registered, trace.client)
    )


def crowd(
    hits: Iterable[Hit], everybody: Iterable[int], *, since: int, span: int, least: int, usual: Usual, chance: float
) -> Crowd | None:
    """The clients who came within `span` ms of each other, `least` or more, and more than `chance` explains.
    `everybody` are the moments at which clients stand in the window, those of the hits among them."""
    ordered = sorted(hits)
    new = [hit for hit in ordered if hit.known >= since]
    if len(new) < least:
        return None
    moments, at, all_at = sorted(everybody), [hit.at for hit in new], [hit.at for hit in ordered]
    old = [hit.at for hit in ordered if hit.known < since]
    limit, found, best = odds(chance), set[int](), (0, 0)
    for last, hit in enumerate(new):
        opened = hit.at - span + 1
        start = bisect_left(at, opened)
        number = last - start + 1
        # A window that begins before anything is known is as long as the others all the same.
        closes = max(hit.at, moments[0] + span - 1)
        if number < least or (last + 1 < len(new) and at[last + 1] <= closes):
            continue
        begins = max(opened, min(since, at[start]))
        of = max(number, bisect_right(moments, closes) - bisect_left(moments, begins))
        before = bisect_left(all_at, opened)
        cleared = len(old) - bisect_left(old, opened)
        others = bisect_left(moments, begins)
        if usual.later:
            before += len(all_at) - bisect_right(all_at, closes)
            others += len(moments) - bisect_right(moments, closes)
        share = usual_share(usual, before + cleared, others, bool(since))
        if binomial_tail(number, of, share) <= limit:
            found.update(range(start, last + 1))
            best = max(best, (number, of))
    if not found:
        return None
    members = [new[index] for index in sorted(found)]
    clients = tuple(sorted({hit.client for hit in members}))
    return Crowd(clients, best[0], best[1], members[0].at, members[-1].at)


def usual_share(usual: Usual, seen: int, of: int, cleared: bool) -> float:
    """The share to expect: what is usual, and what the partner's own earlier clients say."""
    share = (seen + usual.weight * usual.share) / (max(of, seen) + usual.weight)
    share = max(share, usual.least * usual.share)
    return share if cleared else min(share, usual.most * usual.share)


def fresh_peers(seen: Seen) -> list[Traffic]:
    """The other partners whose lines say something about now."""
    oldest = plus_days(day_at(seen.at), -FRESH_DAYS)
    return [peer for peer in seen.peers if peer.day >= oldest and peer.partner != seen.partner]


def peers_share(peers: Sequence[Traffic], field: str, least: float) -> float:
    """Which part of first depositors is so (`field` of their lines) with the peers together; no less than `least`."""
    depositors = sum(peer.ftd for peer in peers)
    return max(least, sum(getattr(peer, field) for peer in peers) / depositors) if depositors else least


def quantile(ordered: Sequence[float], part: float) -> float:
    """The value below which this part of the sorted values lies; 0 of none."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def timeline(traces: Iterable[Trace], clients: Iterable[str]) -> tuple[Moment, ...]:
    """What these clients did, whole clients one after another until fifty moments are told; then by time."""
    wanted, told = set(clients), list[Moment]()
    for trace in sorted(traces, key=lambda trace: (trace.registered, trace.client)):
        if trace.client not in wanted:
            continue
        story = story_of(trace)
        told.extend(story[: MOMENTS - len(told)])
        if len(told) >= MOMENTS:
            break
    return tuple(sorted(told))


def story_of(trace: Trace) -> list[Moment]:
    """What one client did, in order."""
    told = [Moment(trace.registered, trace.client, "registration")]
    if trace.since_click is not None:
        told.append(Moment(trace.registered - trace.since_click * 1000, trace.client, "click"))
    told += [Moment(flow.at, trace.client, "deposit", flow.minor, flow.currency) for flow in trace.deposits]
    told += [Moment(flow.at, trace.client, "withdrawal", flow.minor, flow.currency) for flow in trace.withdrawals]
    return sorted(told)


def of_crowd(
    seen: Seen,
    detector: str,
    crowd: Crowd,
    threshold: Number,
    clusters: tuple[Cluster, ...],
    **values: str,
) -> Finding:
    """The finding that a crowd is."""
    first, through = day_at(crowd.first), day_at(crowd.last)
    said: Mapping[str, str] = {
        "seen": str(crowd.most),
        "of": str(crowd.of),
        "clients": str(len(crowd.clients)),
        "first": first,
        "through": through,
    }
    return Finding(
        detector=detector,
        clients=crowd.clients,
        first=first,
        through=through,
        measured=crowd.most,
        threshold=threshold,
        values={**said, **values},
        evidence=Evidence(clusters=clusters, timeline=timeline(seen.traces, crowd.clients)),
    )
