"""`/postbacks`: where a partner is told what its clients do. `/desk/webhooks`: the same for the brand's own systems, of
all partners' clients. One target has its settings, a preview, tests, and the log of what it was told.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints
from server import Column, Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import Member, Role
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound, TooMany
from introducer.domain.events import from_milliseconds
from introducer.domain.postback_out import (
    MACROS,
    MOST_FAILURES,
    MOST_TARGETS,
    OVERLAP,
    SAMPLE,
    Delivery,
    DeliveryStatus,
    Gate,
    Method,
    Standing,
    Target,
    Told,
    filled,
)
from introducer.services.edit_targets import (
    Wish,
    add_target,
    change_target,
    delete_target,
    may_edit,
    pause_target,
    resume_target,
    rotate_secret,
    show_secret,
)
from introducer.services.try_target import replay_delivery, replay_held, send_test

POSTBACKS, WEBHOOKS = "/postbacks", "/desk/webhooks"

_TICKED = re.compile(r"[A-Za-z0-9_-]+")


def _without_blanks(value: Any) -> Any:
    """A form whose boxes are all empty sends one that is blank, so that the list is there."""
    return [each for each in value if each != ""] if isinstance(value, list) else value


class Settings(BaseModel):
    """A target as it is to be. Without campaigns it is told of all."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
    url: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    method: Method = Method.GET
    events: Annotated[list[Told], BeforeValidator(_without_blanks)] = []
    campaigns: Annotated[list[Annotated[str, StringConstraints(max_length=64)]], BeforeValidator(_without_blanks)] = []


class Test(BaseModel):
    """Which event a test pretends."""

    model_config = ConfigDict(extra="forbid")

    event: Told


class Nothing(BaseModel):
    """A step that needs no more than its address."""

    model_config = ConfigDict(extra="forbid")


class Rotation(BaseModel):
    """Which secret is to be replaced: so that pressing twice replaces one."""

    model_config = ConfigDict(extra="forbid")

    generation: int


_FIELDS = {
    "target_name": ("name", N_("Give it a name of 1 to 60 characters.")),
    "target_events": ("events", N_("Choose at least one event.")),
    "target_campaigns": ("campaigns", N_("Choose fewer campaigns, or none for all.")),
    "not_found": ("campaigns", N_("One of these campaigns is no more: choose again.")),
    "url_unreadable": ("url", N_("Write at most 2000 plain characters without spaces; encode others as %XX.")),
    "macro_unreadable": ("url", N_("A brace stands alone: a macro reads {click_id}.")),
    "macro_unknown": ("url", N_("There is no such macro: see the list below.")),
    "macro_in_host": ("url", N_("Macros may stand in the path and the query, not in the host.")),
    "url_with_user": ("url", N_("A URL with a user or a password is not taken.")),
    "url_with_fragment": ("url", N_("What stands behind # is never sent: leave it out.")),
    "url_not_https": ("url", N_("The URL must begin with https://.")),
    "url_port": ("url", N_("The port must be 443 or 8443.")),
    "url_host": ("url", N_("Write the host as a full name, such as track.example.com.")),
    "too_many_targets": ("", N_("There are as many targets as there may be: delete one first.")),
    "target_changed": ("", N_("This was changed meanwhile: look at it again below.")),
    "secret_shown": ("", N_("This secret was shown before: make another one.")),
    "target_paused": ("", N_("It is paused: resume it first.")),
    "delivery_waits": ("", N_("This is waiting for its next try already.")),
    "delivery_changed": ("", N_("This changed meanwhile: look at it again below.")),
    "test_not_replayed": ("", N_("A test is not sent once more: send another one.")),
    "too_many_tests": ("", N_("Ten tests an hour are sent: wait for the next hour.")),
    "replayed_too_soon": ("", N_("It was tried just now: wait a minute.")),
}
"""What to do about what was refused, by field."""

COLUMNS: tuple[Column, ...] = (
    ("delivery", lambda row: row["delivery"]),
    ("event", lambda row: row["event"]),
    ("event_id", lambda row: row["values"].get("event_id", "")),
    ("client", lambda row: row["values"].get("client", "")),
    ("status", lambda row: row["status"]),
    ("test", lambda row: row["test"]),
    ("created", lambda row: row["created"]),
    ("tries", lambda row: row["tries"]),
    ("last_tried", lambda row: row["attempts"][-1]["at"] if row["attempts"] else None),
    ("last_status", lambda row: row["attempts"][-1]["status"] if row["attempts"] else None),
    ("last_error", lambda row: row["attempts"][-1]["error"] if row["attempts"] else None),
    ("took_ms", lambda row: row["attempts"][-1]["took_ms"] if row["attempts"] else None),
    ("next_try", lambda row: row["next_try"]),
)


# ------------------------------------------------------------------------------------------------------------- showing


def _of(visit: Visit) -> Member:
    """The member, who may see targets: of a partner each, of the staff who plans and who administers."""
    assert visit.member is not None
    if visit.partner is None and visit.member.role not in (Role.ADMIN, Role.MANAGER):
        raise Forbidden("Webhooks are for managers and admins.", code="webhooks_not_yours")
    return visit.member


def _owner(member: Member) -> str:
    return member.partner or member.brand


def _target(target: Target, gate: Gate | None = None) -> dict[str, Any]:
    both = target.rotated_at is not None
    return {
        "target": target.target,
        "name": target.name,
        "url": target.url,
        "method": target.method,
        "events": sorted(target.events),
        "campaigns": sorted(target.campaigns),
        "standing": target.standing,
        "generation": target.generation,
        "secret_shown": target.shown >= target.generation,
        "previous_secret_until": target.rotated_at + OVERLAP if both and target.rotated_at else None,
        "created": target.created,
        "failures": gate.failures if gate else None,
        "slow": gate.slow if gate else None,
    }


def _delivery(delivery: Delivery, now: datetime) -> dict[str, Any]:
    waits = delivery.status is DeliveryStatus.WAITING
    return {
        "delivery": delivery.delivery,
        "place": str(delivery.created),
        "event": delivery.event,
        "test": delivery.test,
        "values": dict(delivery.values),
        "status": delivery.status,
        "created": from_milliseconds(delivery.created),
        "tries": delivery.tries,
        "next_try": from_milliseconds(delivery.next_at) if waits and delivery.tries else None,
        "attempts": [
            {
                "at": from_milliseconds(each.at),
                "took_ms": each.took,
                "status": each.status or None,
                "error": each.error or None,
                "said": each.said,
            }
            for each in delivery.attempts
        ],
    }


def _listed(visit: Visit) -> dict[str, Any]:
    """The targets that are told what clients do, and how sending to each goes."""
    member = _of(visit)
    targets = visit.portal.targets
    items = [_target(each, targets.gate(each.of, each.target)) for each in targets.targets_of(_owner(member))]
    return {
        "base": WEBHOOKS if visit.partner is None else POSTBACKS,
        "items": items,
        "may_edit": may_edit(member),
        "most": MOST_TARGETS,
        "macros": MACROS,
        "choices": _choices(visit, member),
        "ticked": _ticked(visit, {Told.REGISTRATION, Told.FTD, Told.QFTD}, frozenset()),
    }


def _one(visit: Visit, target: str) -> dict[str, Any]:
    """One target, what it is sent with sample values, and the log of what it was told."""
    member = _of(visit)
    found = visit.portal.targets.target(_owner(member), target)
    subject = f"deliveries:{found.target}"
    log = visit.portal.deliveries.of_target(found.target, visit.position(subject), visit.limit())
    gate = visit.portal.targets.gate(found.of, found.target)
    return {
        "base": WEBHOOKS if visit.partner is None else POSTBACKS,
        "target": _target(found, gate),
        "preview": _preview(found),
        "items": [_delivery(each, visit.now) for each in log.items],
        "next": visit.next(subject, log.cursor),
        "may_edit": may_edit(member),
        "most_failures": MOST_FAILURES,
        "macros": MACROS,
        "choices": _choices(visit, member),
        "ticked": _ticked(visit, set(found.events), found.campaigns),
    }


def _preview(target: Target) -> dict[str, Any]:
    """What is sent, with sample values."""
    sample = dict(SAMPLE) | {"event": min(target.events)}
    return {
        "method": "GET" if target.method is Method.GET else "POST",
        "url": filled(target.url, sample),
        "values": None if target.method is Method.GET else sample,
    }


def _choices(visit: Visit, member: Member) -> dict[str, Any]:
    return {
        "events": list(Told),
        "methods": list(Method),
        "campaigns": [
            {"campaign": each.campaign, "name": each.name}
            for each in visit.portal.configuration.campaigns(member.brand)
        ],
    }


def _ticked(visit: Visit, events: set[Told], campaigns: frozenset[str]) -> dict[str, list[str]]:
    """Which boxes are ticked: those of the refused form, else those of the target."""
    if visit.refused and "url" in visit.refused.values:
        return {name: _TICKED.findall(visit.refused.values.get(name, "")) for name in ("events", "campaigns")}
    return {"events": sorted(events), "campaigns": sorted(campaigns)}


# -------------------------------------------------------------------------------------------------------------- routes


def _refusal(error: IntroducerError, typed: dict[str, str]) -> IntroducerError | FormRefused:
    if error.code not in _FIELDS:
        return error
    field, message = _FIELDS[error.code]
    return FormRefused({field: message}, typed, error)


def _typed(wish: Settings) -> dict[str, str]:
    return {
        "name": wish.name,
        "url": wish.url,
        "method": wish.method.value,
        "events": " ".join(wish.events),
        "campaigns": " ".join(wish.campaigns),
    }


def _wish(settings: Settings) -> Wish:
    return Wish(
        name=settings.name,
        url=settings.url,
        method=settings.method,
        events=frozenset(settings.events),
        campaigns=frozenset(settings.campaigns),
    )


def _add(visit: Visit, base: str) -> Done:
    """Adds a target that is told what clients do; its URL begins with https."""
    member = _of(visit)
    wish = visit.read(Settings)
    try:
        made = add_target(visit.portal.target_books, member, _wish(wish), request=visit.idempotency_key)
    except (Invalid, Conflict, NotFound) as error:
        raise _refusal(error, _typed(wish)) from error
    return Done(_target(made), f"{base}/{made.target}?done=added", created=True)


def _change(visit: Visit, base: str, target: str) -> Done:
    """Changes a target's name, URL, method, events or campaigns."""
    member = _of(visit)
    wish = visit.read(Settings)
    try:
        made = change_target(visit.portal.target_books, member, target, _wish(wish))
    except (Invalid, Conflict, NotFound) as error:
        raise _refusal(error, _typed(wish)) from error
    return Done(_target(made), f"{base}/{target}?done=changed")


def _step(visit: Visit, base: str, target: str, step: Callable[..., Target], done: str) -> Done:
    member = _of(visit)
    visit.read(Nothing)
    try:
        made = step(visit.portal.target_books, member, target)
    except Conflict as error:
        raise _refusal(error, {}) from error
    if made.standing is Standing.DELETED:
        return Done({"target": made.target, "standing": made.standing}, f"{base}?done={done}")
    return Done(_target(made), f"{base}/{target}?done={done}")


def _pause(visit: Visit, base: str, target: str) -> Done:
    """Pauses a target; what happens meanwhile is held."""
    return _step(visit, base, target, pause_target, "paused")


def _resume(visit: Visit, base: str, target: str) -> Done:
    """Resumes a target that was paused, and counts failures anew."""
    return _step(visit, base, target, resume_target, "resumed")


def _delete(visit: Visit, base: str, target: str) -> Done:
    """Deletes a target; what waits for it is given up."""
    return _step(visit, base, target, delete_target, "deleted")


def _rotate(visit: Visit, base: str, target: str) -> Done:
    """Gives a target another secret; both are good for two days."""
    member = _of(visit)
    wish = visit.read(Rotation)
    try:
        made = rotate_secret(visit.portal.target_books, member, target, generation=wish.generation)
    except Conflict as error:
        raise _refusal(error, {}) from error
    return Done(_target(made), f"{base}/{target}?done=rotated")


def _secret(visit: Visit, base: str, target: str) -> dict[str, Any]:
    """Shows a target's secret, this once. The answer is the page itself, with the secret in it: there is no address at
    which it could be seen again."""
    member = _of(visit)
    visit.read(Nothing)
    if visit.idempotency_key:
        raise Invalid("Send this without an Idempotency-Key: an answer to one is kept.", code="no_key_here")
    try:
        _, text = show_secret(visit.portal.target_books, member, target, visit.portal.brand_key(member.brand))
    except Conflict as error:
        raise _refusal(error, {}) from error
    return _one(visit, target) | {"secret": text}


def _test(visit: Visit, base: str, target: str) -> Done:
    """Sends a target sample values; what comes of it stands in the log. Ten tests an hour are sent."""
    member = _of(visit)
    wish = visit.read(Test)
    _check_may(member)
    portal = visit.portal
    found = portal.targets.target(_owner(member), target)
    try:
        sent = send_test(portal.deliveries, portal.send_postback, target=found, event=wish.event, now=visit.now)
    except TooMany as error:
        raise _refusal(error, {}) from error
    return Done(_delivery(sent, visit.now), f"{base}/{target}?done=tested#log", created=True)


def _replay(visit: Visit, base: str, target: str, created: str, delivery: str) -> Done:
    """Sends a delivery once more, under the same id."""
    member = _of(visit)
    visit.read(Nothing)
    _check_may(member)
    portal = visit.portal
    found = portal.targets.target(_owner(member), target)
    one = portal.deliveries.place(found.target, created, delivery)
    try:
        again = replay_delivery(portal.deliveries, portal.send_postback, target=found, delivery=one, now=visit.now)
    except (Conflict, TooMany) as error:
        raise _refusal(error, {}) from error
    return Done(_delivery(again, visit.now), f"{base}/{target}?done=replayed#log")


def _replay_held(visit: Visit, base: str, target: str) -> Done:
    """Sends a target what was held for it. `next` says where to go on where not all was looked through."""
    member = _of(visit)
    visit.read(Nothing)
    _check_may(member)
    portal = visit.portal
    found = portal.targets.target(_owner(member), target)
    subject = f"deliveries:{found.target}"
    begins = visit.position(subject)
    try:
        number, rest = replay_held(portal.deliveries, portal.send_postback, target=found, now=visit.now, cursor=begins)
    except Conflict as error:
        raise _refusal(error, {}) from error
    following = visit.next(subject, rest)
    # The page shows where to go on: pressed there, it does not look again at what lies before.
    shown = f"done=held_some&cursor={following}" if following else "done=held"
    said = {"sent": number, "more": following is not None, "next": following}
    return Done(said, f"{base}/{target}?{shown}#log")


def _check_may(member: Member) -> None:
    if not may_edit(member):
        raise Forbidden("Postbacks are the owner's, and an admin's, to change.", code="owner_only_targets")


def _register(base: str, who: Who, prefix: str) -> None:
    """The pages of one house: a partner's, or the brand's."""
    one = base + "/{target}"

    def named(name: str, view: Callable[..., Any], like: Callable[..., Any]) -> Callable[..., Any]:
        view.__name__, view.__doc__ = f"{prefix}_{name}", like.__doc__
        return view

    listed = page(base, "postbacks.html", who=who)(named("targets", lambda visit, **_: _listed(visit), _listed))
    shown = page(one, "postback.html", who=who, columns=COLUMNS)(
        named("target", lambda visit, target, **_: _one(visit, target), _one)
    )

    def write(
        path: str,
        name: str,
        step: Callable[..., Any],
        body: type[BaseModel] = Nothing,
        *,
        again: Callable[..., Any] = shown,
    ) -> None:
        template = "postbacks.html" if again is listed else "postback.html"
        view = named(name, lambda visit, **parameters: step(visit, base, **parameters), step)
        page(path, template, method="POST", who=who, again=again, body=body)(view)

    write(base, "add", _add, Settings, again=listed)
    write(one, "change", _change, Settings)
    write(one + "/pause", "pause", _pause)
    write(one + "/resume", "resume", _resume)
    write(one + "/delete", "delete", _delete)
    write(one + "/rotate", "rotate", _rotate, Rotation)
    write(one + "/secret", "secret", _secret)
    write(one + "/test", "test", _test, Test)
    write(one + "/held", "held", _replay_held)
    write(one + "/deliveries/{created}/{delivery}/replay", "replay", _replay)


_register(POSTBACKS, Who.PARTNER, "postbacks")
_register(WEBHOOKS, Who.STAFF, "webhooks")
