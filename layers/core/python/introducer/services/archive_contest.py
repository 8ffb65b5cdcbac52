"""What a contest came to is kept for good, as one text, and its digest in the contest: with it anybody can show that
the text is the one that was kept.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.contest_prizes import AwardStatus, Conclusion, outcome
from introducer.domain.errors import Conflict
from introducer.domain.events import milliseconds
from introducer.gateways.contest_archive import ContestArchive
from introducer.services.contest_books import TRIES, ContestBooks, changed_meanwhile
from introducer.services.contest_steps import by_clock
from introducer.services.finish_result import prizes
from introducer.store.contests import contest_told

FORM = 1
"""Of the archived text."""
_LATER = {"status", "archive", "why_over"}
"""What of a contest is no setting of it, and may change afterwards."""


def archive_contest(books: ContestBooks, archive: ContestArchive, *, contest: str, now: datetime) -> Contest:
    """The contest, done: its settings, what everybody scored, who was set aside, places and prizes stand in the
    archive. Again changes nothing: the same contest makes the same text.

    Raises `NotFound`, `Conflict` (`result_not_final`, `prizes_due`), `Unavailable`.
    """
    for _ in range(TRIES):
        found = books.contests.contest(contest)
        if found.status is ContestStatus.DONE:
            return found
        if found.status is not ContestStatus.PAYING:
            raise Conflict("The result of this contest is not final.", code="result_not_final")
        text = archived(books, found)
        digest = hashlib.sha256(text).hexdigest()
        archive.keep(found.brand, found.contest, digest, text)
        results = tuple(books.results.all_results(found))
        came_to = outcome(found, Conclusion(results, tuple(prizes(books, found))))
        after = replace(found, status=ContestStatus.DONE, archive=digest, outcome=came_to)
        change = by_clock(now, "Prizes are paid, and everybody was told")
        written = books.contests.move(found, after, change, "archive_contest")
        if written is not None:
            return written
    raise changed_meanwhile(found)


def archived(books: ContestBooks, contest: Contest) -> bytes:
    """What is archived of a contest: JSON with sorted keys. The same whenever it is made, once the prizes are paid. No
    names that partners chose: those may have to be erased. Raises `Conflict` (`prizes_due`)."""
    kept = books.results.keep_awards(prizes(books, contest))
    if any(award.status is AwardStatus.DUE for award in kept.values()):
        raise Conflict("A prize is not paid yet: pay them first.", code="prizes_due")
    said: dict[str, Any] = {
        "form": FORM,
        "contest": contest.contest,
        "settings": {name: value for name, value in contest_told(contest).items() if name not in _LATER},
        "recounts": [
            {
                "batch": recount.batch,
                "clients": recount.clients,
                "left_out": [list(each) for each in recount.left_out],
                "counted": {
                    partner: {"last_at": each.last_at, **{metric.value: n for metric, n in each.counted.items()}}
                    for partner, each in recount.counted.items()
                },
            }
            for recount in books.results.recounts(contest.contest)
        ],
        "set_aside": [
            {"partner": each.partner, "why": each.why, "by": each.by, "at": milliseconds(each.at)}
            for each in books.results.asides(contest.contest)
            if each.stands
        ],
        "results": [
            {
                "partner": each.partner,
                "division": each.division,
                "rank": each.rank,
                "score": each.score,
                "unranked": each.unranked.value if each.unranked is not None else None,
                "amount": each.amount,
                "gifts": list(each.gifts),
            }
            for each in books.results.all_results(contest)
        ],
        "prizes": [
            {
                "partner": each.partner,
                "number": each.number,
                "division": each.division,
                "place": each.place,
                "kind": each.kind.value,
                "amount": each.amount,
                "currency": each.currency,
                "gift": each.gift,
                "journal": each.journal,
            }
            for _, each in sorted(kept.items())
        ],
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
