"""Take what a dialect read: rows of a platform's, wherever they came from. One write per event, as for posted ones.

Here nobody waits for an answer that could mend a row. So a row that cannot be an event is not refused but kept for a
person, with its line and the reason, and the rest goes on. The same rows can be taken again, in any number of pages and
files: an event is one event, and a row that was kept is kept once a day.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from introducer.domain.configuration import Source
from introducer.domain.erasing import names_somebody, says_who, without_traits
from introducer.domain.errors import Invalid
from introducer.domain.events import Event, EventType, in_full_ms
from introducer.domain.identity import CLIENT, keyed_hash
from introducer.domain.ids import derived_id
from introducer.services.accept_events import Intake, Receipt, Status, Taken, people_key
from introducer.sources import dialects
from introducer.sources.dialects.model import Broken, Dialect, Ignored, Line, Read, SourceSettings
from introducer.sources.events import MOST_FIELDS, ROWS, cleared, read_event, redacted, to_event

_LONGEST_ID = 100
_ROW = "row"
"""What a whole row is hashed as."""


def settings_of(sender: Source) -> tuple[Dialect, SourceSettings]:
    """The dialect of a source, and its settings. Raises `Invalid` (`unknown_dialect`, `invalid_settings`)."""
    dialect = dialects.of(sender.dialect)
    return dialect, dialect.settings(sender.source, sender.brand, json.loads(sender.settings))


def accept_rows(
    intake: Intake, sender: Source, lines: Iterable[Line], *, dialect: Dialect, now: datetime, where: str = ""
) -> Taken:
    """Take these lines; a receipt for each, in their order. `where` is the file or page they are of, for people.

    Raises `Unavailable` when the store fails: what was taken until then is taken, and taking all again is right.
    """
    rows = _Rows(intake, sender, dialect, people_key(intake, sender.brand), now, where)
    return Taken(brand=sender.brand, source=sender.source, receipts=tuple(rows.take(line) for line in lines))


@dataclass(frozen=True, slots=True)
class _Rows:
    intake: Intake
    sender: Source
    dialect: Dialect
    key: bytes
    now: datetime
    where: str

    def take(self, line: Line) -> Receipt:
        """Take one line. Raises `Unavailable`."""
        match line:
            case Ignored():
                return Receipt(
                    status=Status.IGNORED, event_id=None, code=line.reason, detail=line.detail, line=line.line
                )
            case Broken():
                return self._keep_row(line)
            case Read():
                return self._take(line)

    def _take(self, line: Read) -> Receipt:
        try:
            event = self._event(line.event)
        except Invalid as error:
            return self._keep_event(line, error.code, error.detail)
        if says_who(event) and self.intake.facts.is_erased(event.brand, event.client):
            event = without_traits(event)
        before = self.intake.facts.put_event(event)
        taken = Receipt(
            status=Status.ACCEPTED,
            event_id=event.event_id,
            receipt=derived_id("rcp", event.brand, event.source, event.client, event.event_id),
            line=line.line,
        )
        if before is None or before.digest == event.digest or self._says_the_same(line, before):
            if self._is_taken_back(line, event):
                detail = "This was taken back before and is said to stand again: it stays taken back. If it counts, "
                return self._keep_event(line, "taken_back", detail + "report it under a new id.")
            return taken if before is None else replace(taken, status=Status.DUPLICATE)
        detail = "This event was accepted before and said something else: what was accepted stands."
        return self._keep_event(line, "event_conflict", detail)

    def _event(self, said: Mapping[str, Any]) -> Event:
        posted = read_event(said, self.now, ROWS)
        return to_event(
            posted, brand=self.sender.brand, source=self.sender.source, brand_key=self.key, accepted_at=self.now
        )

    def _is_taken_back(self, line: Read, event: Event) -> bool:
        by = line.stands_unless
        return by is not None and self.intake.facts.event(event.brand, event.client, event.source, by) is not None

    def _says_the_same(self, line: Read, before: Event) -> bool:
        """Whether it differs from what was accepted in nothing but what we ourselves filled in, then and now, and in
        whether it says when a trade was opened: a platform's events may say it, and its pages not."""
        then: dict[str, datetime | None] = {name: getattr(before, name) for name in line.assumed}
        unsaid = before.opened_at is None or line.event.get("opened_at") is None
        if unsaid and line.event.get("type") == EventType.TRADE:
            then["opened_at"] = before.opened_at
        said = {name: None if at is None else at.isoformat() for name, at in then.items()}
        return bool(said) and self._event({**line.event, **said}).digest == before.digest

    def _keep_row(self, line: Broken) -> Receipt:
        message = cleared(line.raw, self.dialect.plain)
        # Two rows may read the same when what may name somebody is withheld: each of them waits for a person.
        whole = json.dumps(line.raw, sort_keys=True, default=str)
        return self._keep(line.line, line.reason, line.detail, message, None, None, keyed_hash(self.key, _ROW, whole))

    def _keep_event(self, line: Read, reason: str, detail: str) -> Receipt:
        client_id, event_id = line.event.get("client_id"), line.event.get("event_id")
        client = keyed_hash(self.key, CLIENT, client_id) if isinstance(client_id, str) and client_id else None
        said = redacted(dict(islice(line.event.items(), MOST_FIELDS)), self.key)
        if client is not None and self.intake.facts.is_erased(self.sender.brand, client):
            said = {
                name: value for name, value in said.items() if name == "client_id" or not names_somebody(name, value)
            }
        named = event_id if isinstance(event_id, str) and 0 < len(event_id) <= _LONGEST_ID else None
        return self._keep(line.line, reason, detail, said, named, client)

    def _keep(
        self,
        number: int,
        reason: str,
        detail: str,
        message: Mapping[str, Any],
        event_id: str | None,
        client: str | None,
        apart: str = "",
    ) -> Receipt:
        # One moment for the whole day, and no line in the message: the same row in the next page is the same item.
        day = in_full_ms(self.now).replace(hour=0, minute=0, second=0, microsecond=0)
        kept = self.intake.facts.quarantine(
            brand=self.sender.brand,
            source=self.sender.source,
            at=day,
            reason=reason,
            detail=f"{self.where + ', ' if self.where else ''}line {number}: {detail}",
            message=json.dumps(message, ensure_ascii=False, separators=(",", ":"), sort_keys=True),
            event_id=event_id,
            client=client,
            apart=apart,
        )
        return Receipt(
            status=Status.QUARANTINED,
            event_id=event_id,
            receipt=derived_id("rcp", kept.brand, kept.source, kept.at, kept.digest),
            code=reason,
            detail=detail,
            line=number,
        )
