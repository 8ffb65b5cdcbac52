"""Sequences in BOOKS, and how far partners are in them: one transaction per step."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.first_steps import first_steps
from introducer.domain.mail import Mail, written_mail
from introducer.domain.sequence import ONBOARDING, End, Over, Progress, Send, Skip, after, series, what_of
from introducer.store.configuration import Configuration
from introducer.store.mails import Mails
from introducer.store.sequences import Sequences, begun_of_image, walk_from_item, walk_to_item
from introducer.store.wire import to_wire
from tests.conftest import Tables
from tests.support.onboarding import BEGAN, BRAND, OnboardingWorld

pytestmark = pytest.mark.in_memory

CHANGE = Change(by="system:onboarding", at=BEGAN, why="welcome: sent", origin=ONBOARDING)
DEFAULT = first_steps(BRAND)
WELCOME = DEFAULT.steps[0]


@pytest.fixture
def sequences(tables: Tables) -> Sequences:
    return Sequences(tables.books)


def begun(tables: Tables, name: str = "Amberfield") -> Progress:
    """A partner who was registered while the sequence was on."""
    world = OnboardingWorld(tables, on=False)
    world.switches(True)
    return world.books.sequences.walk(world.registers(name).partner, ONBOARDING)


def a_mail(state: Progress) -> Mail:
    return written_mail(
        what_of(state, "welcome"), "txt_1", "onboarding", brand=BRAND, partner=state.partner, at=BEGAN,
        series=series(ONBOARDING, "welcome"),
    )  # fmt: skip


@pytest.mark.pattern("sequence_by_name")
def test_a_sequence_is_found_as_it_was_put(sequences: Sequences) -> None:
    assert sequences.sequence(BRAND, ONBOARDING) is None
    on = replace(DEFAULT, on=True, version=1)
    sequences.put(DEFAULT, on, CHANGE)
    assert sequences.sequence(BRAND, ONBOARDING) == on
    assert sequences.sequence("brd_2", ONBOARDING) is None
    later = replace(on, goal=None, steps=on.steps[:2], version=2)
    sequences.put(on, later, CHANGE)
    assert sequences.sequence(BRAND, ONBOARDING) == later


def test_a_sequence_is_changed_only_as_it_was_read(sequences: Sequences) -> None:
    on = replace(DEFAULT, on=True, version=1)
    sequences.put(DEFAULT, on, CHANGE)
    for before in (DEFAULT, replace(on, version=2)):
        with pytest.raises(Conflict) as refused:
            sequences.put(before, replace(on, goal=None, version=before.version + 1), CHANGE)
        assert refused.value.code == "sequence_changed"
    assert sequences.sequence(BRAND, ONBOARDING) == on


@pytest.mark.pattern("walk_of_partner")
def test_a_registration_writes_down_that_the_partner_begins(tables: Tables, sequences: Sequences) -> None:
    state = begun(tables)
    assert state == Progress(brand=BRAND, partner=state.partner, sequence=ONBOARDING, started_at=BEGAN)
    with pytest.raises(NotFound):
        sequences.walk("par_x", ONBOARDING)
    further = after(state, Skip(WELCOME), BEGAN + timedelta(hours=1))
    assert sequences.go_on(state, further, CHANGE, None)
    assert sequences.walk(state.partner, ONBOARDING) == further
    assert walk_from_item(walk_to_item(further)) == further


def test_a_step_and_its_mail_are_one_transaction(tables: Tables, sequences: Sequences) -> None:
    state, mails = begun(tables), Mails(tables.books)
    further, mail = after(state, Send(WELCOME), BEGAN + timedelta(hours=1)), a_mail(state)
    assert sequences.go_on(state, further, CHANGE, mail)
    assert [each.mail for each in mails.mails(state.partner)] == [mail.mail]
    # again, from what was read before: nothing of it is written
    again = after(state, Over(End.GOAL), BEGAN)
    assert not sequences.go_on(state, again, replace(CHANGE, why="over: goal"), None)
    assert sequences.walk(state.partner, ONBOARDING) == further
    # and a mail that is there is not put again, by whoever says it
    assert not sequences.go_on(further, after(further, Send(WELCOME), BEGAN), replace(CHANGE, why="x"), mail)
    assert sequences.walk(state.partner, ONBOARDING) == further
    records = Configuration(tables.books).audit_of_subject(state.partner).items
    assert [each.why for each in records if each.action == "walk_sequence"] == ["welcome: sent"]


@pytest.mark.pattern("walks_of_sequence")
def test_who_walks_and_who_is_through_are_listed_apart(tables: Tables, sequences: Sequences) -> None:
    world = OnboardingWorld(tables)
    partners = []
    for name in ("Amberfield", "Bluewater", "Copperhill"):
        partners.append(world.registers(name).partner)
        world.later(hours=1)
    first, second, third = partners
    state = sequences.walk(second, ONBOARDING)
    assert sequences.go_on(state, after(state, Over(End.GOAL), world.now), CHANGE, None)

    walking = sequences.walks(BRAND, ONBOARDING)
    assert [each.partner for each in walking.items] == [third, first]
    over = sequences.walks(BRAND, ONBOARDING, over=True)
    assert [(each.partner, each.end, each.ended_at) for each in over.items] == [(second, End.GOAL, world.now)]
    page = sequences.walks(BRAND, ONBOARDING, limit=1)
    assert [each.partner for each in page.items] == [third] and page.cursor
    rest = sequences.walks(BRAND, ONBOARDING, cursor=page.cursor)
    assert [each.partner for each in rest.items] == [first]
    assert sequences.walks("brd_2", ONBOARDING).items == ()


def test_the_stream_knows_a_beginning_and_nothing_else(tables: Tables) -> None:
    state = begun(tables)
    images = tables.items(tables.books)
    assert [found for image in images if (found := begun_of_image(image))] == [state]
    further = after(state, Skip(WELCOME), BEGAN)
    assert begun_of_image(to_wire(walk_to_item(further))) is None
    assert begun_of_image(to_wire({**walk_to_item(state), "pk": "P#x", "sk": "walk#onboarding"})) is None
    assert begun_of_image({}) is None
