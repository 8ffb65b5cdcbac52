"""Staff change a source: what it is told, whether it is taken from, its secrets, and from where it is fetched on.

Each change is on record, in its own transaction where it is one of the books; a secret is first put on record and then
replaced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from introducer.domain.configuration import Availability, Change, Role, Source
from introducer.domain.errors import Conflict, Forbidden, Invalid
from introducer.domain.pulling import Pull, moved_to
from introducer.gateways.source_secrets import SourceSecrets
from introducer.services.accept_rows import settings_of
from introducer.services.creation import Author, Clock, Randomness, now
from introducer.services.pull_source import is_pulled
from introducer.services.register_source import new_secret, settings_text
from introducer.sources import dialects
from introducer.sources.dialects.pulling import beginning
from introducer.store.configuration import Configuration
from introducer.store.intake_days import IntakeDays
from introducer.store.pulls import Pulls

LONGEST_TOKEN = 4_000
_WHO = frozenset({Role.ADMIN})


def check_source_editor(role: Role) -> None:
    """Raises `Forbidden` for a role that changes no sources."""
    if role not in _WHO:
        raise Forbidden("Admins change sources: ask one of them.", code="source_role")


def change_source(
    configuration: Configuration,
    intake_days: IntakeDays,
    *,
    source: str,
    settings: Mapping[str, Any],
    dialect: str | None = None,
    even_so: bool = False,
    author: Author,
    clock: Clock,
) -> Source:
    """The source with these settings in place of its own; the same again changes nothing.

    Once rows were accepted, what decides how a row is kept changes only `even_so`: rows that are read again become
    other events, or contradict the ones there are. Raises `NotFound`; `Invalid` (`unknown_dialect`,
    `invalid_settings`); `Conflict` with the code `identity_settings`, and `fields` that say which.
    """
    before = configuration.source(source)
    after = replace(
        before,
        dialect=dialect or before.dialect,
        settings=settings_text(source, before.brand, dialect or before.dialect, settings),
    )
    if after == before:
        return before
    decisive = _decisive(before, after)
    if decisive and not even_so and any(day.accepted for day in intake_days.of_source(source)):
        raise Conflict(
            f"Rows of this source were accepted already, and {', '.join(decisive)} decides how a row is kept: rows "
            "that are read again would become other events, or contradict those there are. Register another source, "
            "or say that it shall be even so.",
            code="identity_settings",
            fields=decisive,
        )
    configuration.change_source(before, after, "change_source", _change(author, clock))
    return after


def set_source_status(
    configuration: Configuration, *, source: str, status: Availability, author: Author, clock: Clock
) -> Source:
    """Pauses a source or takes it up again; one that has this status stays as it is. Raises `NotFound`, `Conflict`."""
    before = configuration.source(source)
    after = replace(before, status=status)
    if after != before:
        action = "pause_source" if status is Availability.PAUSED else "resume_source"
        configuration.change_source(before, after, action, _change(author, clock))
    return after


def rotate_source_secret(
    configuration: Configuration,
    secrets: SourceSecrets,
    *,
    source: str,
    replaces: str,
    author: Author,
    clock: Clock,
    random: Randomness,
) -> str:
    """The new secret, which is shown this once; the one before stays good until it is ended or replaced too.

    `replaces` is the fingerprint of the secret that is replaced, so that a repeat replaces nothing more. Raises
    `NotFound`, and `Conflict` (`secret_changed`).
    """
    found = configuration.source(source)
    if secrets.known(source).fingerprint != replaces:
        raise Conflict("This secret was replaced meanwhile: look again.", code="secret_changed")
    configuration.note_source(found, "rotate_source_secret", _change(author, clock), replaces=replaces)
    text = new_secret(random)
    secrets.rotate(source, text, replaces)
    return text


def end_previous_secret(
    configuration: Configuration, secrets: SourceSecrets, *, source: str, author: Author, clock: Clock
) -> None:
    """The current secret alone is good from now on; where that is so already nothing changes. Raises `NotFound`."""
    found = configuration.source(source)
    known = secrets.known(source)
    if known.previous:
        configuration.note_source(found, "end_source_secret", _change(author, clock), stays=known.fingerprint)
        secrets.end_previous(source)


def keep_platform_token(
    configuration: Configuration, secrets: SourceSecrets, *, source: str, token: str, author: Author, clock: Clock
) -> None:
    """What the platform knows us by from now on. Raises `NotFound`, and `Invalid` (`invalid_token`)."""
    found = configuration.source(source)
    if not 1 <= len(token) <= LONGEST_TOKEN or not token.isascii() or not token.isprintable() or token != token.strip():
        raise Invalid(f"A token has 1 to {LONGEST_TOKEN} plain characters.", code="invalid_token")
    configuration.note_source(found, "keep_platform_token", _change(author, clock))
    secrets.keep_token(source, token)


def fetch_from(
    configuration: Configuration, pulls: Pulls, *, source: str, day: date | None, author: Author, clock: Clock
) -> Pull:
    """The source is read again from the beginning of a UTC day; None is its own beginning. What was read is known.

    Raises `NotFound`; `Invalid` (`not_pulled`, `invalid_day`); `Conflict` (`pull_busy`) while it is being fetched.
    """
    found = configuration.source(source)
    if not is_pulled(found):
        raise Invalid(f"The source {source} is not fetched: it has no url in its settings.", code="not_pulled")
    at = now(clock)
    if day is not None and not date(2000, 1, 1) <= day <= at.date():
        raise Invalid("Say a day from 2000-01-01 to today.", code="invalid_day")
    before = pulls.pull(source)
    if before.busy_until > int(at.timestamp() * 1000):
        raise Conflict("It is being fetched just now: try again in a minute.", code="pull_busy")
    configuration.note_source(found, "fetch_source_from", _change(author, clock), day=str(day or ""))
    after = moved_to(before, None if day is None else beginning(day))
    if not pulls.move(before, after):
        raise Conflict("It is being fetched just now: try again in a minute.", code="pull_busy")
    return after


def _decisive(before: Source, after: Source) -> list[str]:
    """Which of the settings that decide how a row is kept are others."""
    if dialects.of(before.dialect) is not dialects.of(after.dialect):
        return ["dialect"]
    try:
        dialect, old = settings_of(before)
    except Invalid:
        # As it was set up, nothing was ever read by it.
        return []
    new = dialect.settings(after.source, after.brand, json.loads(after.settings))
    return sorted(name for name in dialect.identity if getattr(old.parameters, name) != getattr(new.parameters, name))


def _change(author: Author, clock: Clock) -> Change:
    return Change(by=author.by, at=now(clock), why=author.why, origin=author.origin)
