"""Duplicate person: clients whose e-mail, phone or device another client of the brand had before.

Families share a device, and a person who forgot an account opens another one. An e-mail address, a phone or the device
of somebody elsewhere says more than a device of two or three of the partner's own clients, which a family explains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from introducer.domain.calendar import DAY_MS
from introducer.domain.fraud.crowds import Crowd, Hit, Usual, counts_from, crowd, in_question, of_crowd
from introducer.domain.fraud.finding import N_, Cluster, Detector, Finding, Number
from introducer.domain.fraud.seen import Seen

NAME = "duplicate_person"
KINDS = ("email", "phone", "device")


def find(seen: Seen, parameters: Mapping[str, Number]) -> tuple[Finding, ...]:
    """The clients who were known before, when they are too many."""
    traces = in_question(seen)
    own = {trace.client for trace in seen.traces}
    devices = Counter(trace.device for trace in seen.traces if trace.device)
    strong: list[Hit] = []
    elsewhere: list[Hit] = []
    every: list[Hit] = []
    kinds: dict[str, set[str]] = {}
    for trace in traces:
        matches = [match for match in seen.matches.get(trace.client, ()) if match.client and match.kind in KINDS]
        if not matches:
            continue
        hit = Hit(trace.registered, trace.client, trace.registered)
        every.append(hit)
        kinds[trace.client] = {match.kind for match in matches}
        if any(match.kind != "device" for match in matches) or devices[trace.device] > parameters["family"]:
            strong.append(hit)
        if strong[-1:] == [hit] or any(match.client not in own for match in matches):
            elsewhere.append(hit)
    if len(every) < parameters["clients"]:
        return ()
    weight, moments = float(parameters["weight"]), [trace.registered for trace in traces]
    found = []
    for hits, share in ((strong, "share"), (elsewhere, "device_share"), (every, "family_share")):
        group = crowd(
            hits,
            moments,
            since=counts_from(seen, NAME),
            span=int(parameters["days"]) * DAY_MS,
            least=int(parameters["clients"]),
            usual=Usual(float(parameters[share]), weight),
            chance=float(parameters["chance"]),
        )
        found += [group] if group else []
    if not found:
        return ()
    most = max(found, key=lambda group: group.most)
    clients = tuple(sorted({client for group in found for client in group.clients}))
    first, last = min(group.first for group in found), max(group.last for group in found)
    clusters = []
    for kind in KINDS:
        same = tuple(client for client in clients if kind in kinds[client])
        clusters += [Cluster(kind, f"{kind} 1", same, most.of)] if same else []
    together = Crowd(clients, most.most, most.of, first, last)
    return (of_crowd(seen, NAME, together, parameters["clients"], tuple(clusters)),)


DETECTOR = Detector(
    name=NAME,
    inputs=("traces", "matches"),
    parameters={
        "clients": 3,
        "days": 30,
        "share": 0.01,
        "device_share": 0.02,
        "family_share": 0.08,
        "family": 3,
        "weight": 60,
        "chance": 5e-5,
    },
    meaning={
        "clients": "at least so many were known before",
        "days": "and registered within so many days",
        "share": "how many clients of an honest partner have an e-mail or a phone that somebody had before",
        "device_share": "how many have that, or a device of a client who is none of the partner's last sixty days",
        "family_share": "how many have that, or the device of another client of the same partner: families",
        "family": "a device of more clients of the partner than this is no family's",
        "weight": "as how many of the partner's own clients these shares count",
        "chance": "how likely chance alone would be, at most",
    },
    staff=N_(
        "{seen} of {of} clients within thirty days have the e-mail address, phone or device of a client whom the brand"
        " knew before. {first} to {through}, {clients} clients."
    ),
    partner=N_("Clients who registered from {first} to {through} seem to have been clients before. We look at them."),
    find=find,
)
