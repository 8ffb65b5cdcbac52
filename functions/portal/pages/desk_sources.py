"""`/desk/sources`: the platforms and networks whose events come for the brand, and how each goes. `…/new` registers
one; `…/{source}`: its last days, how fetching goes, its files, its secrets, and how to call us; `…/edit`: what it is
told.

Managers and admins look, admins change. Secrets are shown once: what shows one is kept for no repeat.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from secrets import token_bytes
from typing import Annotated, Any, Literal

import source_form as forms
import words
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Column, Done, Who, page
from visit import JSON, N_, FormRefused, Visit

from introducer.domain.configuration import Availability, Member, Role, Source
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound, Unavailable
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.pulling import STATUSES, Pull
from introducer.domain.source_file import SourceFile
from introducer.services.creation import Author
from introducer.services.edit_source import (
    change_source,
    check_source_editor,
    end_previous_secret,
    fetch_from,
    keep_platform_token,
    rotate_source_secret,
    set_source_status,
)
from introducer.services.pull_source import is_pulled
from introducer.services.register_source import register_source
from introducer.services.take_file import read_again
from introducer.sources import dialects
from introducer.sources.dialects.model import Dialect, Signature
from introducer.sources.dialects.pulling import reached
from introducer.sources.dialects.refusals import SettingsRefused
from introducer.wording import codes

PATH = "/desk/sources"
NEW, ONE = PATH + "/new", PATH + "/{source}"
EDIT = ONE + "/edit"
DAYS = 14
LOOKERS = frozenset({Role.ADMIN, Role.MANAGER})

words.WORDS |= {
    "source_standing": {
        "well": N_("All is well"),
        "behind": N_("Reading on"),
        "failing": N_("Fails"),
        "waits": N_("Not asked yet"),
        "listens": N_("Listens"),
        "paused": N_("Paused"),
    },
    "source_event": codes.WORDS["event"] | {"ignored": N_("Not to be counted")},
    "source_file_status": {
        "reading": N_("Being read"),
        "done": N_("Read"),
        "failed": N_("Not read"),
    },
    "pull_error": {
        "platform_refused": N_("The platform does not accept our request. See the token, and the settings."),
        "platform_redirects": N_("The platform sends us to another address. Write the final one into the settings."),
        "platform_busy": N_("The platform has had too many requests. It is asked again later."),
        "platform_down": N_("The platform cannot answer just now. It is asked again later."),
        "answer_too_large": N_("A page is too large. Ask for less at once: a shorter stretch of time, or fewer rows."),
        "page_too_long": N_(
            "A page has too many rows. Ask for less at once: a shorter stretch of time, or fewer rows."
        ),
        "same_page_again": N_(
            "The platform gives the same page for ever. The address must say which page is asked for."
        ),
        "no_token": N_("There is no token for the platform. Keep one below."),
        "invalid_settings": N_("The settings cannot be. Correct them."),
        "address_refused": N_("The address leads to a private network. Nothing is asked there."),
        "url_refused": N_("The address cannot be asked. Write it with https://."),
        "name_unresolved": N_("The host of the address has no place on the internet."),
        "not_connected": N_("The platform does not take the connection."),
        "timed_out": N_("The platform did not answer in time."),
        "tls_failed": N_("The platform's certificate is not valid for its name."),
        "answer_broken": N_("The answer broke off."),
        "not_json": N_("This is not what the dialect reads: no JSON."),
        "no_header": N_("This is not what the dialect reads: the first line must name the columns."),
        "not_utf8": N_("This is not what the dialect reads: it is not UTF-8."),
        "file_too_large": N_("The file is too large. Cut it into smaller ones."),
        "source_paused": N_("The source is paused. Resume it, and read the file again."),
        "store_unavailable": N_("Our own tables did not answer. It is tried again later."),
    },
}

Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=600)]


class Told(BaseModel):
    """What the source is told, by its dialect."""

    settings: dict[str, Any] = {}


class New(BaseModel):
    """A source that is to be registered; its settings are read by its dialect."""

    model_config = ConfigDict(extra="ignore")

    source: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    dialect: Annotated[str, StringConstraints(max_length=40)]


class Edit(BaseModel):
    """Beside the settings: why, and whether it shall be though rows were accepted."""

    model_config = ConfigDict(extra="ignore")

    why: Why
    even_so: Annotated[bool, Field()] = False


class Step(BaseModel):
    """A step that needs no more than its address."""

    model_config = ConfigDict(extra="forbid")


class NewStatus(BaseModel):
    """Pausing a source, or taking it up again."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["active", "paused"]


class Token(BaseModel):
    """What the platform knows us by."""

    model_config = ConfigDict(extra="forbid")

    token: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


class Rotation(BaseModel):
    """Which secret is replaced: so that pressing twice replaces one."""

    model_config = ConfigDict(extra="forbid")

    replaces: Annotated[str, StringConstraints(max_length=40)]


class From(BaseModel):
    """From which UTC day on it is read again."""

    model_config = ConfigDict(extra="forbid")

    day: date


_ADVICE: Mapping[str, tuple[str, str]] = {
    "invalid_name": ("source", N_("Use small letters, digits and hyphens, at most 40.")),
    "unknown_dialect": ("dialect", N_("Choose one of these.")),
    "conflict": ("source", N_("This name is taken: choose another one.")),
    "secret_exists": ("source", N_("This name is taken: choose another one.")),
    "secret_changed": ("", N_("This secret was replaced meanwhile: look again below.")),
    "invalid_token": ("token", N_("Write the token as the platform gave it, in plain characters.")),
    "invalid_day": ("day", N_("Choose a day that has begun.")),
    "pull_busy": ("", N_("It is being fetched just now: try again in a minute.")),
    "file_busy": ("", N_("This file is being read, or about to be.")),
    "not_pulled": ("", N_("It is not fetched: there is no address in its settings.")),
    "identity_settings": (
        "even_so",
        N_("Rows were accepted already, and what you changed decides how a row is kept: rows that are read again would "
           "become other events. Better register another source."),
    ),
}  # fmt: skip

_FILES: tuple[Column, ...] = (
    ("file", lambda row: row["file"]),
    ("name", lambda row: row["name"]),
    ("at", lambda row: row["at"]),
    ("bytes", lambda row: row["bytes"]),
    ("status", lambda row: row["status"]),
    ("rows", lambda row: row["rows"]),
    *((status, lambda row, status=status: row["counts"][status]) for status in STATUSES),
    ("error", lambda row: row["error"]),
    ("detail", lambda row: row["detail"]),
)
_SOURCES: tuple[Column, ...] = (
    ("source", lambda row: row["source"]),
    ("dialect", lambda row: row["dialect"]),
    ("status", lambda row: row["status"]),
    ("standing", lambda row: row["standing"]),
    ("needs_person", lambda row: str(row["needs_person"]).lower()),
    ("accepted_today", lambda row: row["today"]["accepted"]),
    ("applied_today", lambda row: row["today"]["applied"]),
    ("quarantined_today", lambda row: row["today"]["quarantined"]),
    ("caught_up", lambda row: row["pull"] and row["pull"]["caught_up"]),
    ("error", lambda row: row["pull"] and row["pull"]["error"]),
)


# ------------------------------------------------------------------------------------------------------------- showing


def _looker(visit: Visit) -> Member:
    assert visit.member is not None
    if visit.member.role not in LOOKERS:
        raise Forbidden("Sources are for managers and admins.", code="sources_not_yours")
    return visit.member


def _editor(visit: Visit) -> Author:
    member = _looker(visit)
    check_source_editor(member.role)
    return Author(by=member.member, why="in the portal", origin="portal")


def _source(visit: Visit, name: str) -> Source:
    member = _looker(visit)
    found = visit.portal.configuration.source(name)
    if found.brand != member.brand:
        raise NotFound("There is no such source.")
    return found


def _dialect(source: Source) -> Dialect | None:
    try:
        return dialects.of(source.dialect)
    except Invalid:
        return None


def _row(visit: Visit, source: Source) -> dict[str, Any]:
    dialect = _dialect(source)
    pull = visit.portal.pulls.pull(source.source) if is_pulled(source) else None
    day = visit.portal.intake_days.get(source.source, visit.today)
    return {
        "source": source.source,
        "dialect": source.dialect if dialect is None else dialect.name,
        "title": source.dialect if dialect is None else dialect.title,
        "status": source.status,
        "standing": _standing(source, pull),
        "needs_person": pull is not None and pull.needs_person and source.status is Availability.ACTIVE,
        "today": _day(day),
        "pull": None if pull is None else _pull(pull, visit.now),
    }


def _standing(source: Source, pull: Pull | None) -> str:
    if source.status is Availability.PAUSED:
        return "paused"
    if pull is None:
        return "listens"
    if pull.failures:
        return "failing"
    if not pull.tried:
        return "waits"
    return "well" if pull.caught_up and pull.caught_up >= pull.succeeded else "behind"


def _day(day: Any) -> dict[str, Any]:
    return {"day": day.day, "accepted": day.accepted, "applied": day.applied, "quarantined": day.quarantined}


def _moment(value: int) -> datetime | None:
    return from_milliseconds(value) if value else None


def _pull(pull: Pull, now: datetime) -> dict[str, Any]:
    return {
        "read_until": reached(pull.cursor),
        "tried": _moment(pull.tried),
        "succeeded": _moment(pull.succeeded),
        "caught_up": _moment(pull.caught_up),
        "next_try": _moment(pull.due) if pull.failures else None,
        "busy": pull.busy_until > milliseconds(now),
        "failures": pull.failures,
        "error": pull.error or None,
        "detail": pull.detail or None,
        "counts": {status: pull.counts.get(status, 0) for status in STATUSES},
    }


def _file(file: SourceFile) -> dict[str, Any]:
    return {
        "file": file.file,
        "place": str(file.at),
        "name": file.name,
        "at": from_milliseconds(file.at),
        "bytes": file.size,
        "status": file.status,
        "rows": file.lines,
        "counts": {status: file.counts.get(status, 0) for status in STATUSES},
        "error": file.error or None,
        "detail": file.detail or None,
        "finished": _moment(file.finished),
    }


def _secrets(visit: Visit, source: Source) -> dict[str, Any] | None:
    """What may be said of its secrets; None while they cannot be looked at."""
    try:
        known = visit.portal.source_secrets.known(source.source)
    except (NotFound, Unavailable):
        return None
    return {"fingerprint": known.fingerprint, "previous": known.previous, "token": known.token}


def _call(visit: Visit, source: Source, dialect: Dialect) -> str:
    """A call to copy, with the secret to fill in."""
    url = f"https://{visit.brand.domain}/postback/{source.source}"
    if dialect.signature is Signature.TOKEN:
        return f"curl -sS '{url}?token=SECRET&click_id=CLICK_ID&goal=deposit&payout=100.00&currency=EUR&txid=1001'"
    return "\n".join(
        [
            f"URL='{url}'",
            "SECRET='…'",
            "FILE=page.json",
            "t=$(date +%s)",
            'v1=$({ printf \'%s.\' "$t"; cat "$FILE"; } | openssl dgst -sha256 -hmac "$SECRET" -r | cut -d\' \' -f1)',
            'curl -sS "$URL" -H \'Content-Type: application/json\' -H "Introducer-Signature: t=$t,v1=$v1" '
            '--data-binary "@$FILE"',
        ]
    )


def _one(visit: Visit, name: str) -> dict[str, Any]:
    source = _source(visit, name)
    dialect = _dialect(source)
    subject = f"files of {source.source}"
    files = visit.portal.source_files.files(source.source, visit.position(subject), visit.limit(20))
    days = visit.portal.intake_days.of_source(source.source)[-DAYS:]
    return _row(visit, source) | {
        "settings": json.loads(source.settings),
        "signature": None if dialect is None else dialect.signature,
        "address": f"https://{visit.brand.domain}/postback/{source.source}",
        "call": None if dialect is None else _call(visit, source, dialect),
        "secrets": _secrets(visit, source),
        "days": [_day(each) for each in reversed(days)],
        "items": [_file(each) for each in files.items],
        "next": visit.next(subject, files.cursor),
        "may_change": _looker(visit).role is Role.ADMIN,
    }


@page(PATH, "desk_sources.html", who=Who.STAFF, columns=_SOURCES)
def desk_sources(visit: Visit) -> dict[str, Any]:
    """The brand's sources of events; those that need a person first within the page."""
    member = _looker(visit)
    subject = f"sources of {member.brand}"
    found = visit.portal.configuration.sources_of_brand(member.brand, visit.position(subject), visit.limit(25))
    items = sorted(
        (_row(visit, each) for each in found.items), key=lambda row: (not row["needs_person"], row["source"])
    )
    return {
        "items": items,
        "next": visit.next(subject, found.cursor),
        "may_change": member.role is Role.ADMIN,
        "dialects": _choices(),
    }


def _choices() -> list[dict[str, str]]:
    return [{"dialect": name, "title": dialects.of(name).title} for name in dialects.names()]


@page(NEW, "desk_source_new.html", who=Who.STAFF)
def desk_source_new(visit: Visit) -> dict[str, Any]:
    """What a new source of a dialect may be told."""
    _editor(visit)
    name = visit.query("dialect") or str(visit.fields.get("dialect", "") if visit.request.method == "POST" else "")
    try:
        dialect = dialects.of(name or "json")
    except Invalid:
        dialect = dialects.of("json")
    return {
        "dialect": dialect.name,
        "title": dialect.title,
        "fields": forms.fields_of(dialect, {}),
        "dialects": _choices(),
    }


@page(PATH, "desk_source_new.html", method="POST", who=Who.STAFF, again=desk_source_new, unkept=True, body=(New, Told))
def desk_source_add(visit: Visit) -> dict[str, Any]:
    """An admin registers a source; its secret is shown this once, in the answer."""
    author, member = _editor(visit), _looker(visit)
    wish = visit.read(New)
    try:
        made, secret = register_source(
            visit.portal.configuration,
            visit.portal.source_secrets,
            brand=member.brand,
            source=wish.source,
            dialect=wish.dialect,
            settings=_sent(visit, dialects.of(wish.dialect)),
            author=author,
            clock=lambda: visit.now,
            random=token_bytes,
        )
    except (Invalid, Conflict) as error:
        raise _refusal(error, visit) from error
    return {"made": _one(visit, made.source), "secret": secret}


@page(ONE, "desk_source.html", who=Who.STAFF, columns=_FILES)
def desk_source(visit: Visit, source: str) -> dict[str, Any]:
    """One source, how it goes, and its files as the list."""
    return _one(visit, source)


@page(EDIT, "desk_source_edit.html", who=Who.STAFF)
def desk_source_settings(visit: Visit, source: str) -> dict[str, Any]:
    """What a source is told, for an admin to change."""
    _editor(visit)
    found = _source(visit, source)
    dialect = dialects.of(found.dialect)
    return {
        "source": found.source,
        "dialect": dialect.name,
        "title": dialect.title,
        "decisive": sorted(dialect.identity),
        "fields": forms.fields_of(dialect, json.loads(found.settings)),
    }


# ------------------------------------------------------------------------------------------------------------ changing


@page(EDIT, "desk_source_edit.html", method="POST", who=Who.STAFF, again=desk_source_settings, body=(Edit, Told))
def desk_source_change(visit: Visit, source: str) -> Done:
    """An admin changes what a source is told. Once rows were accepted, what decides how a row is kept changes only with
    `even_so`."""
    author = _editor(visit)
    found = _source(visit, source)
    wish = visit.read(Edit)
    try:
        change_source(
            visit.portal.configuration,
            visit.portal.intake_days,
            source=found.source,
            settings=_sent(visit, dialects.of(found.dialect)),
            even_so=wish.even_so,
            author=Author(by=author.by, why=wish.why, origin=author.origin),
            clock=lambda: visit.now,
        )
    except (Invalid, Conflict) as error:
        raise _refusal(error, visit) from error
    return _done(visit, source, "changed")


@page(ONE + "/status", "desk_source.html", method="POST", who=Who.STAFF, again=desk_source, body=NewStatus)
def desk_source_status(visit: Visit, source: str) -> Done:
    """An admin pauses a source, so that nothing of it is taken, or takes it up again."""
    author = _editor(visit)
    found, wish = _source(visit, source), visit.read(NewStatus)
    status = Availability(wish.status)
    set_source_status(
        visit.portal.configuration, source=found.source, status=status, author=author, clock=lambda: visit.now
    )
    return _done(visit, source, wish.status)


@page(ONE + "/pull", "desk_source.html", method="POST", who=Who.STAFF, again=desk_source, body=Step)
def desk_source_pull(visit: Visit, source: str) -> Done:
    """Fetches a source now, within seconds; one that sends by itself is refused."""
    _editor(visit)
    found = _source(visit, source)
    visit.read(Step)
    if not is_pulled(found):
        raise _refusal(Invalid("This source is not fetched.", code="not_pulled"), visit)
    visit.portal.fetch_source(found.source)
    return _done(visit, source, "asked")


@page(ONE + "/from", "desk_source.html", method="POST", who=Who.STAFF, again=desk_source, body=From)
def desk_source_from(visit: Visit, source: str) -> Done:
    """Fetches a source again from the beginning of a UTC day; what was read is known."""
    author = _editor(visit)
    found, wish = _source(visit, source), visit.read(From)
    try:
        fetch_from(
            visit.portal.configuration, visit.portal.pulls, source=found.source, day=wish.day, author=author,
            clock=lambda: visit.now,
        )  # fmt: skip
    except (Invalid, Conflict) as error:
        raise _refusal(error, visit) from error
    visit.portal.fetch_source(found.source)
    return _done(visit, source, "asked")


@page(
    ONE + "/token",
    "desk_source.html",
    method="POST",
    who=Who.STAFF,
    again=desk_source,
    unkept=True,
    private=True,
    body=Token,
)
def desk_source_token(visit: Visit, source: str) -> Done:
    """Keeps the token by which the platform knows us."""
    author = _editor(visit)
    found, wish = _source(visit, source), visit.read(Token)
    try:
        keep_platform_token(
            visit.portal.configuration, visit.portal.source_secrets, source=found.source, token=wish.token,
            author=author, clock=lambda: visit.now,
        )  # fmt: skip
    except Invalid as error:
        raise FormRefused({"token": _ADVICE["invalid_token"][1]}, {}, error) from error
    return _done(visit, source, "token")


@page(ONE + "/secret", "desk_source.html", method="POST", who=Who.STAFF, again=desk_source, unkept=True, body=Rotation)
def desk_source_rotate(visit: Visit, source: str) -> dict[str, Any]:
    """Gives a source a new secret, shown this once; the one before stays good until it is ended. The answer is the page
    itself, with the new secret in it: there is no address at which it could be seen again."""
    author = _editor(visit)
    found, wish = _source(visit, source), visit.read(Rotation)
    try:
        text = rotate_source_secret(
            visit.portal.configuration, visit.portal.source_secrets, source=found.source, replaces=wish.replaces,
            author=author, clock=lambda: visit.now, random=token_bytes,
        )  # fmt: skip
    except Conflict as error:
        raise _refusal(error, visit) from error
    return _one(visit, source) | {"secret": text}


@page(ONE + "/secret/end", "desk_source.html", method="POST", who=Who.STAFF, again=desk_source, body=Step)
def desk_source_end_secret(visit: Visit, source: str) -> Done:
    """Ends a source's previous secret; the current one alone is good from now on."""
    author = _editor(visit)
    found = _source(visit, source)
    visit.read(Step)
    end_previous_secret(
        visit.portal.configuration, visit.portal.source_secrets, source=found.source, author=author,
        clock=lambda: visit.now,
    )  # fmt: skip
    return _done(visit, source, "ended")


@page(ONE + "/files/{place}/{file}/again", "desk_source.html", method="POST", who=Who.STAFF, body=Step)
def desk_source_file_again(visit: Visit, source: str, place: str, file: str) -> Done:
    """Reads a file of a source once more, from its first row."""
    _editor(visit)
    found = _source(visit, source)
    visit.read(Step)
    at = int(place) if place.isascii() and place.isdigit() and len(place) < 14 else -1
    kept = visit.portal.source_files.file(found.source, at, file)
    again = read_again(visit.portal.source_files, kept)
    visit.portal.read_source_file(again.key, again.object_version)
    return Done(_file(again), f"{PATH}/{found.source}?done=again#files")


def _done(visit: Visit, source: str, what: str) -> Done:
    return Done(_one(visit, source), f"{PATH}/{source}?done={what}")


def _sent(visit: Visit, dialect: Dialect) -> dict[str, Any]:
    """The settings that were sent, a form's as a program would send them. Raises `Invalid`."""
    if visit.content_type != JSON:
        return forms.settings_of_form(dialect, visit.fields)
    settings = visit.fields.get("settings", {})
    if not isinstance(settings, dict):
        raise Invalid("settings is an object.", code="invalid_settings", errors=[])
    return settings


def _refusal(error: Invalid | Conflict, visit: Visit) -> IntroducerError | FormRefused:
    """The form again, with what to do beside the field it is about."""
    typed = {name: str(value) for name, value in visit.fields.items() if name != "token"}
    if isinstance(error, SettingsRefused):
        return FormRefused(forms.what_to_do(visit.language, error), typed, error)
    if error.code not in _ADVICE:
        return error
    field, message = _ADVICE[error.code]
    return FormRefused({field: message}, typed, error)
