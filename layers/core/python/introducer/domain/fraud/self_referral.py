"""Self-referral: clients who are the partner's own people.

An e-mail address or a phone of a member is that person. The address from which a member signs in may also be an office,
a mobile carrier or a home: it counts like the others where the client shares a device with another one, or says none;
alone it must be more than so few people would have by chance.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping

from introducer.domain.calendar import DAY_MS
from introducer.domain.fraud.crowds import Crowd, Hit, Usual, counts_from, crowd, in_question, of_crowd
from introducer.domain.fraud.finding import N_, Cluster, Detector, Finding, Number
from introducer.domain.fraud.seen import Seen

NAME = "self_referral"


def find(seen: Seen, parameters: Mapping[str, Number]) -> tuple[Finding, ...]:
    """The clients who match a member of the partner, when they are two or more."""
    traces, since = in_question(seen), counts_from(seen, NAME)
    span, least = int(parameters["days"]) * DAY_MS, int(parameters["clients"])
    devices = Counter(trace.device for trace in traces if trace.device)
    kinds: dict[str, set[str]] = {}
    sure: list[Hit] = []
    every: list[Hit] = []
    for trace in traces:
        same = {match.kind for match in seen.matches.get(trace.client, ()) if match.member == seen.partner}
        if not same:
            continue
        hit = Hit(trace.registered, trace.client, trace.registered)
        kinds[trace.client] = same
        every.append(hit)
        if same - {"address"} or not trace.device or devices[trace.device] > 1:
            sure.append(hit)
    if len(every) < least:
        return ()
    by_chance = crowd(
        every,
        [trace.registered for trace in traces],
        since=since,
        span=span,
        least=least,
        usual=Usual(float(parameters["share"]), float(parameters["weight"])),
        chance=float(parameters["chance"]),
    )
    groups = [group for group in (_together(sure, every, since, span, least), by_chance) if group]
    if not groups:
        return ()
    clients = tuple(sorted({client for group in groups for client in group.clients}))
    first, last = min(group.first for group in groups), max(group.last for group in groups)
    most = max(group.most for group in groups)
    of = max(len(clients), sum(first <= trace.registered <= last for trace in traces))
    numbered = {"email": "e-mail 1", "phone": "phone 1", "device": "device 1", "address": "address 1"}
    clusters = tuple(
        Cluster(kind, label, tuple(client for client in clients if kind in kinds[client]), of)
        for kind, label in numbered.items()
        if any(kind in kinds[client] for client in clients)
    )
    return (of_crowd(seen, NAME, Crowd(clients, most, of, first, last), parameters["clients"], clusters),)


def _together(sure: list[Hit], every: list[Hit], since: int, span: int, least: int) -> Crowd | None:
    """So many within the time, one of whom at least is sure; then the others of the time are in question with it."""
    new = sorted(hit for hit in every if hit.known >= since)
    at, certain = [hit.at for hit in new], {hit.client for hit in sure}
    found, most = set[int](), 0
    for last, hit in enumerate(new):
        window = range(bisect_left(at, hit.at - span + 1), last + 1)
        if len(window) >= least and any(new[index].client in certain for index in window):
            found.update(window)
            most = max(most, len(window))
    if not found:
        return None
    members = [new[index] for index in sorted(found)]
    return Crowd(tuple(sorted({hit.client for hit in members})), most, most, members[0].at, members[-1].at)


DETECTOR = Detector(
    name=NAME,
    inputs=("traces", "matches"),
    parameters={"clients": 2, "days": 30, "share": 0.004, "weight": 60, "chance": 1e-3},
    meaning={
        "clients": "at least so many match a member of the partner",
        "days": "and registered within so many days",
        "share": "how many clients of an honest partner have the address from which a member signs in, by chance",
        "weight": "as how many of the partner's own clients that counts",
        "chance": "how likely chance alone would be, at most, where nothing but that address matches",
    },
    staff=N_(
        "{seen} clients within thirty days match members of the partner itself, by e-mail address, phone, or the"
        " address from which they sign in. {first} to {through}, {clients} clients."
    ),
    partner=N_(
        "Clients who registered from {first} to {through} seem to be your own people. We look at whether they are."
    ),
    find=find,
)
