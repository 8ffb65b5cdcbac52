"""Random partner programs: whatever order facts come in and months are settled in, the books hold what an independent,
naive reading of the deals owes (claims A and B of the engine's specification)."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from introducer.domain.contracts import Parenting, Standing
from introducer.domain.deal import DealVersion
from introducer.domain.events import Event, milliseconds
from introducer.domain.ledger import Key
from introducer.domain.terms import parse_terms
from introducer.store.clients import state_hash
from tests.support import programs
from tests.support.builders import World, at
from tests.support.program import Program

SEEDS = [*range(150), 4336, 20767]
"""4336: a late event changes what a client carries into a month of which the partner above sees a part.
20767: a promotion makes a share of a fenced loss."""


def world_of(program: programs.Program) -> World:
    """The program's configuration, as the fold knows it."""
    return World(
        deals={
            partner: [
                DealVersion(partner, number, milliseconds(at(since)), parse_terms(terms))
                for number, (since, terms) in enumerate(versions, 1)
            ]
            for partner, versions in program.deals.items()
        },
        links=dict(program.links),
        rates=program.published,
        standings={
            partner: tuple(Standing(milliseconds(at(since)), blocked) for since, blocked in decided)
            for partner, decided in program.standings.items()
        },
        parents={
            partner: tuple(Parenting(month, parent) for month, parent in decided)
            for partner, decided in program.parents.items()
        },
    )


def delivered(program: programs.Program, rng: random.Random) -> Program:
    """The program's events in some order, in batches, some of them twice, with months settled now and then."""
    books = Program(world_of(program))
    events: list[Event] = [*program.events, *rng.sample(program.events, len(program.events) // 5)]
    rng.shuffle(events)
    while events:
        size = rng.choice((1, 1, 2, 5, 60))
        books.deliver(*events[:size])
        events = events[size:]
        for month_of in rng.sample(sorted(books.dirty), rng.randint(0, len(books.dirty))):
            books.settle_one(month_of)
    return books.settle()


def compare(owed: Mapping[Key, int], posted: Mapping[Key, int]) -> dict[Key, tuple[int, int]]:
    """Where two sides differ: what is owed, and what the books hold."""
    keys = owed.keys() | posted.keys()
    return {k: (owed.get(k, 0), posted.get(k, 0)) for k in sorted(keys) if owed.get(k, 0) != posted.get(k, 0)}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_books_hold_what_a_naive_reading_owes(seed: int) -> None:
    program = programs.program(random.Random(seed))
    books = delivered(program, random.Random(f"order {seed}"))
    assert compare(program.owed(), books.owed()) == {}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(program=programs.programs(), order=st.integers(0, 2**32 - 1))
def test_no_order_and_no_split_changes_the_books(program: programs.Program, order: int) -> None:
    one, other = delivered(program, random.Random(order)), Program(world_of(program)).deliver(*program.events).settle()
    assert compare(one.owed(), other.owed()) == {}
    assert state_hash(one.states.values()) == state_hash(other.states.values())
    assert compare(program.owed(), other.owed()) == {}
