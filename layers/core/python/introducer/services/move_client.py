"""Staff decide that a client is another partner's: a correction of everything, or a transfer from a moment on.

A decision never changes what happened: it is one more fact about the client, and the engine posts what follows from it
as the difference, to either partner. A later decision covers an earlier one from its own beginning on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from introducer.domain.client import ClientState, Segment
from introducer.domain.configuration import DESK, Change, Status
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.events import Event, EventType, day_of, in_full_ms, milliseconds
from introducer.services.creation import Author, Clock, Randomness, make_id, now
from introducer.services.decisions import after, reason
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts, Quarantined
from introducer.store.moves import Moves

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""No client is older: a moment before this is a slip."""


def move_client(
    configuration: Configuration,
    clients: Clients,
    moves: Moves,
    *,
    brand: str,
    client: str,
    partner: str,
    starts_at: datetime | None,
    author: Author,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> Event:
    """The decision, recorded. `client` is the keyed hash; without `starts_at` it corrects everything; the reason is
    `author.why`.

    Raises `NotFound` for a client or partner that this brand does not have; `Invalid` for a moment that cannot be or a
    reason that is missing; `Conflict` when the partner is blocked, has the client from that moment on already, or when
    the same `request` decided something else before.
    """
    why = reason(author.why)
    at = now(clock)
    starts_at = None if starts_at is None else in_full_ms(starts_at)
    state = clients.state(brand, client)
    if state is None:
        raise NotFound("There is no such client.", code="no_such_client")
    target = configuration.partner(partner)
    if target.brand != brand:
        raise NotFound("There is no such partner.")
    decided = moves.of_client(brand, client)
    decided_at = after(at, (each.occurred_at for each in decided))
    move = Event(
        brand=brand,
        source=DESK,
        client=client,
        event_id=make_id("mov", request, at, random, brand, client),
        type=EventType.MOVE,
        occurred_at=decided_at,
        accepted_at=decided_at,
        partner=partner,
        starts_at=starts_at,
    )
    for before in decided:
        if before.event_id == move.event_id:
            return _same(before, move)
    if target.status is Status.BLOCKED:
        raise Conflict("This partner is blocked and earns nothing: choose another.", code="target_blocked")
    if starts_at is not None and not EARLIEST <= starts_at <= at:
        raise Invalid("A client moves from a moment that has come: choose one up to now.", code="invalid_starts_at")
    segments = belongings(state, decided)
    start = 0 if starts_at is None else milliseconds(starts_at)
    if _holds_from(segments, start, partner):
        raise Conflict(
            "The client is this partner's from that moment on already: there is nothing to move.",
            code="already_theirs",
        )
    change = Change(by=author.by, at=decided_at, why=why, origin=author.origin)
    holder = segments[-1].partner if segments else None
    before_this = moves.decide(move, holder, change)
    return move if before_this is None else _same(before_this, move)


def send_again(facts: Facts, *, brand: str, client: str, move: str, at: datetime) -> None:
    """Show a decision that waits to the engine again, when what was in its way is put right. Twice is harmless.

    Raises `NotFound`.
    """
    facts.mark_for_retry(brand, client, DESK, move)
    decided = facts.event(brand, client, DESK, move)
    kept = None if decided is None else in_quarantine(facts, decided)
    if kept is not None:
        facts.mark_replayed(kept, at)


def in_quarantine(facts: Facts, move: Event) -> Quarantined | None:
    """The message that stands in quarantine for a decision; None when it was not put there, or was sent again."""
    for kept in facts.every_quarantined(move.brand, DESK, day_of(move.accepted_at or move.occurred_at)):
        if (kept.client, kept.event_id) == (move.client, move.event_id) and kept.replayed_at is None:
            return kept
    return None


def belongings(state: ClientState, decided: Iterable[Event]) -> tuple[Segment, ...]:
    """Whose client it is from when on, with the decisions that the engine has not applied yet."""
    segments = list(state.timeline)
    for move in decided:
        if move.key not in state.moves and move.partner is not None:
            start = milliseconds(move.starts_at) if move.starts_at else 0
            segments = [segment for segment in segments if segment.start < start]
            segments.append(Segment(start, move.partner, "", "", ""))
    return tuple(segments)


def _holds_from(segments: Sequence[Segment], start: int, partner: str) -> bool:
    """Whether the client is this partner's all the time from a moment on."""
    before = [segment for segment in segments if segment.start <= start][-1:]
    after = [segment for segment in segments if segment.start > start]
    return bool(before) and all(segment.partner == partner for segment in [*before, *after])


def _same(before: Event, move: Event) -> Event:
    """What was decided before, if it is what is asked for now."""
    if (before.partner, before.starts_at) != (move.partner, move.starts_at):
        raise Conflict("This request decided something else before: use a new key.", code="idempotency_key_reused")
    return before
