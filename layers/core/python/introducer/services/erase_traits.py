"""What events say of who their clients are is kept for as long as persons are known by it, and no longer. An operator
lets it go now and then: events have no expiry of their own, for the books are recomputed from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from introducer.domain.configuration import Change
from introducer.domain.erasing import TRAITS, Erasure, Stays
from introducer.domain.errors import Invalid
from introducer.domain.events import EventType, day_of, milliseconds
from introducer.services.erase_client import is_counted
from introducer.store import keys
from introducer.store.clients import Clients
from introducer.store.erasing import Erasing
from introducer.store.persons import PERSON_DAYS
from introducer.store.scans import Scans, Stored

STAYS = (
    Stays(
        what="the events themselves, under keyed hashes of their clients",
        why="the books are recomputed from them",
        until="as long as the books are kept",
    ),
)


def erase_traits(
    scans: Scans,
    clients: Clients,
    erasing: Erasing,
    *,
    older_than: int,
    change: Change,
    now: datetime,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda events: None,
) -> Erasure:
    """Events that were accepted so many days ago or earlier say no more who their clients are; by brand, how many.

    Reads FACTS whole. On record for each brand, and may be repeated. Raises `Invalid` for fewer days than the index of
    persons counts back (`PERSON_DAYS`), and `Unavailable`.
    """
    if older_than < PERSON_DAYS:
        raise Invalid(f"The index of persons goes back {PERSON_DAYS} days: say that many, or more.", code="too_young")
    until = milliseconds(now - timedelta(days=older_than))
    done: Counter[str] = Counter()
    for number, stored in enumerate(scans.facts()):
        progress(number)
        item = stored.item
        if stored.kind != "event" or item.get("accepted_at", 0) > until or not item.keys() & set(TRAITS):
            continue
        brand = keys.parts(item[keys.PK])[1]
        if not dry_run:
            if not done[brand]:
                told = {"accepted_through": day_of(now - timedelta(days=older_than))}
                erasing.record(brand, brand, "erase_traits", change, told)
            _let_go(clients, erasing, stored)
        done[brand] += 1
    told_of = {f"events of {brand}": count for brand, count in sorted(done.items())}
    return Erasure(subject="traits", brand="all brands", done=told_of, stays=STAYS, dry=dry_run)


def _let_go(clients: Clients, erasing: Erasing, stored: Stored) -> None:
    """One event. The one that registered a client is counted back in the index of persons, which somebody who came
    later may have kept alive."""
    _, brand, client = keys.parts(stored.item[keys.PK])
    if stored.item["type"] == EventType.REGISTRATION.value and is_counted(stored, clients.state(brand, client)):
        erasing.forget_registration(stored)
    else:
        erasing.empty(stored, remove=TRAITS)
