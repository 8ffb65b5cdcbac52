"""`/desk/clients`: find a client by the platform's number for it. `/desk/clients/{client}`: whose client it is, by what
evidence, and moving it to another partner.

A client is addressed by its keyed hash. What the platform calls it is only ever posted: so it gets into no address, no
history and no log.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from moments import moment_in_utc
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import PartnerCard, Role, Status
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.domain.events import Event
from introducer.services.creation import Author
from introducer.services.move_client import move_client, send_again
from introducer.services.read_client_of_brand import (
    find_client,
    read_client_of_brand,
    read_decisions_about_client,
)

PATH = "/desk/clients"
MAY = frozenset({Role.MANAGER, Role.COMPLIANCE, Role.ADMIN})
"""Who looks clients up, and moves them."""
MOST_OPTIONS = 200
"""A brand with more partners than this names the new one by its number."""
_CLIENT = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class Since(StrEnum):
    """From when on a client is another's."""

    BEGINNING = "beginning"
    MOMENT = "moment"


class Search(BaseModel):
    """What the platform calls the client."""

    model_config = ConfigDict(extra="forbid")

    client_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class Move(BaseModel):
    """To whom, from when on, and why. `starts_at` is a moment in UTC, of use with `since=moment` only."""

    model_config = ConfigDict(extra="forbid")

    partner: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    since: Since
    starts_at: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


class Again(BaseModel):
    """Which decision is sent to the engine again."""

    model_config = ConfigDict(extra="forbid")

    move: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


def admit(visit: Visit) -> None:
    """Raises `Forbidden` for staff who have nothing to do with clients."""
    if visit.member is None or visit.member.role not in MAY:
        raise Forbidden("Managers, compliance and admins look after clients.", code="not_your_role")


@page(PATH, "desk_clients.html", who=Who.STAFF)
def search(visit: Visit) -> dict[str, Any]:
    """The form to find a client by what the platform calls it."""
    admit(visit)
    return {}


@page(PATH, "desk_clients.html", method="POST", who=Who.STAFF, again=search, body=Search)
def find(visit: Visit) -> Done:
    """Finds a client by what the platform calls it, and answers its keyed hash. Capitals count."""
    admit(visit)
    assert visit.member is not None
    wish = visit.read(Search)
    brand = visit.member.brand
    try:
        client = find_client(
            visit.portal.clients, brand=brand, brand_key=visit.portal.brand_key(brand), client_id=wish.client_id
        )
    except NotFound as error:
        message = N_("The books know no client that the platform calls so: look for slips, capitals count.")
        raise FormRefused({"client_id": message}, wish.model_dump(), error) from error
    return Done({"client": client}, f"{PATH}/{client}")


@page(
    PATH + "/{client}",
    "desk_client.html",
    who=Who.STAFF,
    columns=(
        ("move", lambda row: row.move),
        ("decided_at", lambda row: row.decided_at),
        ("by", lambda row: row.by),
        ("partner", lambda row: row.partner),
        ("starts_at", lambda row: row.starts_at),
        ("why", lambda row: row.why),
        ("applied", lambda row: str(row.applied).lower()),
        ("waits_for", lambda row: row.waits_for),
    ),
)
def client_of_brand(visit: Visit, client: str) -> dict[str, Any]:
    """Whose client it is, by what evidence, and the decisions about it."""
    admit(visit)
    assert visit.member is not None
    brand, portal = visit.member.brand, visit.portal
    check(client)
    found = read_client_of_brand(
        portal.configuration, portal.clients, portal.moves, portal.settlements, brand=brand, client=client
    )
    subject = f"decisions about {client} of {brand}"
    decisions = read_decisions_about_client(
        portal.configuration,
        portal.clients,
        portal.moves,
        portal.facts,
        brand=brand,
        client=client,
        cursor=visit.position(subject),
        limit=visit.limit(),
    )
    return {
        "client": found,
        "partners": choices(visit, brand),
        "items": decisions.items,
        "next": visit.next(subject, decisions.cursor),
    }


@page(PATH + "/{client}", "desk_client.html", method="POST", who=Who.STAFF, again=client_of_brand, body=Move)
def move(visit: Visit, client: str) -> Done:
    """Moves a client to another partner, from a moment on or from the beginning. Nothing that happened changes: the
    difference is posted to either partner."""
    admit(visit)
    assert visit.member is not None
    check(client)
    wish = visit.read(Move)
    typed = {name: str(value) for name, value in wish.model_dump().items()}
    portal, brand = visit.portal, visit.member.brand
    try:
        decided = move_client(
            portal.configuration,
            portal.clients,
            portal.moves,
            brand=brand,
            client=client,
            partner=wish.partner,
            starts_at=_starts_at(wish, typed),
            author=Author(by=visit.member.member, why=wish.reason),
            clock=portal.now,
            random=secrets.token_bytes,
            # Two members may name their requests alike.
            request=f"{visit.member.member} {visit.idempotency_key}" if visit.idempotency_key else None,
        )
    except (NotFound, Invalid, Conflict) as error:
        refused = _refused(error)
        if refused is None:
            raise
        raise FormRefused(refused, typed, error) from error
    return Done(_made(decided, wish.reason), f"{PATH}/{client}?moved={decided.event_id}", created=True)


@page(PATH + "/{client}/again", method="POST", who=Who.STAFF, body=Again)
def move_again(visit: Visit, client: str) -> Done:
    """Sends a decision about a client that waits for a person to the engine again."""
    admit(visit)
    assert visit.member is not None
    check(client)
    wish = visit.read(Again)
    send_again(visit.portal.facts, brand=visit.member.brand, client=client, move=wish.move, at=visit.now)
    return Done({"move": wish.move, "client": client}, f"{PATH}/{client}")


def _starts_at(wish: Move, typed: dict[str, str]) -> datetime | None:
    """The moment; None for the beginning. Raises `FormRefused`."""
    if wish.since is Since.BEGINNING:
        return None
    try:
        return moment_in_utc(wish.starts_at)
    except ValueError as error:
        cause = Invalid("starts_at is a moment, such as 2026-04-02T09:30.", code="invalid_starts_at")
        message = N_("Say the day and the time, in UTC.")
        raise FormRefused({"starts_at": message}, typed, cause) from error


def _refused(error: NotFound | Invalid | Conflict) -> dict[str, str] | None:
    """What to say at which field; None when the form is not at fault."""
    match error.code:
        case "target_blocked":
            return {"partner": N_("This partner is blocked and earns nothing: choose another.")}
        case "already_theirs":
            return {"partner": N_("The client is this partner's from that moment on already.")}
        case "invalid_starts_at":
            return {"starts_at": N_("Choose a moment that has come.")}
        case "reason_needed":
            return {"reason": N_("Fill this in.")}
        case "not_found":
            return {"partner": N_("There is no such partner.")}
        case _:
            return None


def choices(visit: Visit, brand: str) -> list[dict[str, str]]:
    """The partners to choose from by name; none when they are too many for that."""
    cards = visit.portal.configuration.cards(brand, None, MOST_OPTIONS)
    return [] if cards.cursor else _named(cards.items)


def _named(cards: tuple[PartnerCard, ...]) -> list[dict[str, str]]:
    """Partners that are not blocked as options, by name; two of one name show their number too."""
    names = [card.name for card in cards]
    options = [
        {"value": card.partner, "label": card.name if names.count(card.name) == 1 else f"{card.name} ({card.partner})"}
        for card in cards
        if card.status is not Status.BLOCKED
    ]
    return sorted(options, key=lambda option: (option["label"].casefold(), option["value"]))


def _made(decided: Event, why: str) -> dict[str, Any]:
    return {
        "move": decided.event_id,
        "client": decided.client,
        "partner": decided.partner,
        "starts_at": decided.starts_at,
        "decided_at": decided.occurred_at,
        "reason": why,
    }


def check(client: str) -> None:
    if not _CLIENT.fullmatch(client):
        raise NotFound("There is no such client.", code="no_such_client")
