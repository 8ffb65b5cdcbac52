"""What was done to something, and by whom, as its page shows it to staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from introducer.services.people import SYSTEM, Names
from introducer.store.configuration import Configuration

MOST_RECORDS = 100
"""So many records of the audit trail are shown on a page, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What somebody did."""

    at: datetime
    by: str
    """A name; empty for what no person did, and for a login that is gone."""
    actor: str
    """What acted on its own (`system:…`); empty for a person."""
    action: str
    why: str


def read_history(configuration: Configuration, names: Names, subject: str) -> tuple[Record, ...]:
    """The newest records of a subject of the audit trail, such as a case or a contest."""
    return tuple(
        Record(
            at=each.at,
            by=names.of(each.by),
            actor=each.by if each.by.startswith(SYSTEM) else "",
            action=each.action,
            why=each.why,
        )
        for each in configuration.audit_of_subject(subject, limit=MOST_RECORDS).items
    )
