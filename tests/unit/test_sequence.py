"""What comes next in a sequence, by what a partner has done and by the clock."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Status
from introducer.domain.errors import Invalid
from introducer.domain.first_steps import STEPS, first_steps
from introducer.domain.mail_text import LANGUAGES, MailText, Words, check_text, text_of
from introducer.domain.sequence import (
    CONDITIONS,
    GOAL_AFTER,
    LONGEST,
    LOOK_AGAIN,
    MOST_STEPS,
    ONBOARDING,
    Condition,
    Done,
    End,
    Fact,
    Facts,
    Over,
    Progress,
    Send,
    Sequence,
    Skip,
    Step,
    Wait,
    after,
    changed_steps,
    check,
    due,
    execution_input,
    execution_name,
    following,
    next_step,
    with_step,
    without_step,
)

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
TEXT = text_of("Hello", "Welcome")
NOTHING = Facts()
LONG = MailText({each: Words("x", ("ร" * 2000,)) for each in LANGUAGES})
"""Allowed alone: 36 KB."""


def a_step(name: str, hours: int = 24, *words: str) -> Step:
    return Step(step=name, wait_hours=hours, conditions=tuple(CONDITIONS[word] for word in words), text=TEXT)


def a_sequence(*steps: Step, goal: Fact | None = Fact.HAS_FTD, **other: Any) -> Sequence:
    return Sequence(brand="brd_1", sequence=ONBOARDING, steps=steps, goal=goal, on=True, **other)


def a_state(*done: Done, **other: Any) -> Progress:
    return Progress(brand="brd_1", partner="par_1", sequence=ONBOARDING, started_at=NOW, done=done, **other)


def hours(count: float) -> datetime:
    return NOW + timedelta(hours=count)


WELCOME, LINK = a_step("welcome", 1), a_step("link", 24, "not_has_link")
BOTH = a_sequence(WELCOME, LINK)


def test_a_step_waits_for_its_time_and_is_sent_then() -> None:
    assert next_step(BOTH, a_state(), NOTHING, NOW) == Wait(hours(1))
    assert next_step(BOTH, a_state(), NOTHING, hours(1)) == Send(WELCOME)


def test_the_next_wait_counts_from_the_step_before_however_late_that_was() -> None:
    state = after(a_state(), Send(WELCOME), hours(5))
    assert state.done == (Done("welcome", hours(5), True),)
    assert next_step(BOTH, state, NOTHING, hours(6)) == Wait(hours(29))


def test_a_step_whose_condition_does_not_hold_is_left_out_for_good() -> None:
    state, has = a_state(Done("welcome", hours(1), True)), Facts(true=frozenset({Fact.HAS_LINK}))
    assert next_step(BOTH, state, has, hours(24)) == Wait(hours(25))
    assert next_step(BOTH, state, has, hours(25)) == Skip(LINK)
    state = after(state, Skip(LINK), hours(25))
    # and stays so, when the condition holds again
    assert next_step(BOTH, state, NOTHING, hours(26)) == Wait(hours(25) + GOAL_AFTER)
    assert next_step(replace(BOTH, goal=None), state, NOTHING, hours(26)) == Over(End.DONE)


def test_behind_the_last_step_the_goal_may_still_be_reached_for_a_while() -> None:
    state = a_state(Done("welcome", hours(1), True), Done("link", hours(25), True))
    reached = Facts(true=frozenset({Fact.HAS_FTD}))
    ends = hours(25) + GOAL_AFTER
    assert next_step(BOTH, state, NOTHING, ends - timedelta(hours=1)) == Wait(ends)
    assert next_step(BOTH, state, reached, ends - timedelta(hours=1)) == Over(End.GOAL)
    assert next_step(BOTH, state, NOTHING, ends) == Over(End.DONE)
    # and what staff put in behind it meanwhile is sent
    assert next_step(a_sequence(WELCOME, LINK, a_step("new", 48)), state, NOTHING, hours(73)) == Send(a_step("new", 48))


def test_a_goal_is_that_of_the_step_that_was_sent_last() -> None:
    assert a_state().last_sent is None
    assert a_state(Done("welcome", hours(1), False)).last_sent is None
    assert a_state(Done("welcome", hours(1), True), Done("link", hours(25), False)).last_sent == "welcome"


@pytest.mark.parametrize("fact", Fact)
def test_every_condition_has_its_negation(fact: Fact) -> None:
    has = Facts(true=frozenset({fact}))
    assert has.hold([Condition(fact)]) and not has.hold([Condition(fact, False)])
    assert NOTHING.hold([Condition(fact, False)]) and not NOTHING.hold([Condition(fact)])
    assert CONDITIONS[fact.value] == Condition(fact) and CONDITIONS[f"not_{fact.value}"] == Condition(fact, False)


def test_all_conditions_of_a_step_have_to_hold() -> None:
    step = a_step("click", 1, "has_link", "not_has_click")
    sequence = a_sequence(step)
    assert next_step(sequence, a_state(), Facts(true=frozenset({Fact.HAS_LINK})), hours(1)) == Send(step)
    both = Facts(true=frozenset({Fact.HAS_LINK, Fact.HAS_CLICK}))
    assert next_step(sequence, a_state(), both, hours(1)) == Skip(step)


def test_the_goal_ends_it_before_a_step_that_is_due() -> None:
    reached = Facts(true=frozenset({Fact.HAS_FTD}))
    assert next_step(BOTH, a_state(), reached, hours(1)) == Over(End.GOAL)
    assert next_step(replace(BOTH, goal=None), a_state(), reached, hours(1)) == Send(WELCOME)
    over = after(a_state(), Over(End.GOAL), hours(1))
    assert (over.end, over.ended_at) == (End.GOAL, hours(1))
    # and it never begins again
    assert next_step(BOTH, over, NOTHING, hours(99)) == Over(End.GOAL)


def test_it_ends_when_none_of_the_owners_wants_it_and_goes_on_while_one_does() -> None:
    assert next_step(BOTH, a_state(), Facts(owners=2, willing=0), NOW) == Over(End.UNSUBSCRIBED)
    assert next_step(BOTH, a_state(), Facts(owners=2, willing=1), hours(1)) == Send(WELCOME)


def test_whoever_has_nobody_to_write_to_is_waited_for() -> None:
    nobody = Facts(owners=0, willing=0)
    assert next_step(BOTH, a_state(), nobody, hours(1)) == Wait(hours(1) + LOOK_AGAIN)
    assert next_step(BOTH, a_state(), nobody, NOW + LONGEST - timedelta(hours=1)) == Wait(NOW + LONGEST)
    assert next_step(BOTH, a_state(), nobody, NOW + LONGEST) == Over(End.EXPIRED)


def test_nothing_is_waited_for_beyond_the_day_on_which_it_is_given_up() -> None:
    last = NOW + LONGEST
    shortly = last - timedelta(hours=1)
    late = a_state(Done("welcome", shortly - timedelta(hours=1), True))
    # for the step's time, for the partner or the staff, and for the goal
    assert next_step(BOTH, late, NOTHING, shortly) == Wait(last)
    assert next_step(BOTH, a_state(), Facts(status=Status.SUSPENDED), shortly) == Wait(last)
    assert next_step(replace(BOTH, on=False), a_state(), NOTHING, shortly) == Wait(last)
    assert next_step(a_sequence(WELCOME), late, NOTHING, shortly) == Wait(last)
    # and then it is over
    assert next_step(BOTH, late, NOTHING, last) == Over(End.EXPIRED)
    assert next_step(a_sequence(WELCOME), late, NOTHING, last) == Over(End.DONE)


def test_something_is_due_when_the_next_wait_is_over() -> None:
    had = a_state(Done("welcome", hours(5), True))
    assert due(BOTH, a_state()) == hours(1) and due(BOTH, had) == hours(29)
    # behind the last step for the goal, and at once where there is none
    assert due(a_sequence(WELCOME), had) == hours(5) + GOAL_AFTER
    assert due(a_sequence(WELCOME, goal=None), had) == hours(5)
    # and when it is given up at the latest
    assert due(BOTH, a_state(Done("welcome", NOW + LONGEST - timedelta(hours=1), True))) == NOW + LONGEST


def test_a_suspended_partner_gets_nothing_meanwhile_and_a_blocked_one_nothing_any_more() -> None:
    assert next_step(BOTH, a_state(), Facts(status=Status.SUSPENDED), hours(2)) == Wait(hours(2) + LOOK_AGAIN)
    assert next_step(BOTH, a_state(), Facts(status=Status.BLOCKED), hours(2)) == Over(End.BLOCKED)


def test_one_that_is_switched_off_waits_and_goes_on_when_it_is_on() -> None:
    off = replace(BOTH, on=False)
    assert next_step(off, a_state(), NOTHING, hours(3)) == Wait(hours(3) + LOOK_AGAIN)
    assert next_step(BOTH, a_state(), NOTHING, hours(27)) == Send(WELCOME)


def test_steps_may_change_while_a_partner_walks_and_none_comes_twice_or_out_of_turn() -> None:
    state = a_state(Done("welcome", hours(1), True), Done("link", hours(25), True))
    first, last = a_step("earlier"), a_step("later")
    assert following(a_sequence(first, LINK, WELCOME), state) is None
    assert following(a_sequence(first, WELCOME, LINK, last), state) == last
    assert following(a_sequence(first, last), state) == first, "what the partner had is gone: it begins with what is"


def test_a_step_that_was_had_and_is_moved_to_the_end_takes_no_step_away() -> None:
    # given a partner who was welcomed and then told of links, and a welcome that is moved behind all others
    state = a_state(Done("welcome", hours(1), True), Done("link", hours(25), True))
    one, two = a_step("one"), a_step("two")
    moved = a_sequence(LINK, one, two, WELCOME)
    # then it gets both of the others, and no second welcome
    assert following(moved, state) == one
    state = after(state, Send(one), hours(49))
    assert following(moved, state) == two
    assert following(moved, after(state, Send(two), hours(73))) is None
    # and where the step that it had last is taken out, it goes on behind the one before
    assert following(a_sequence(one, WELCOME, two), a_state(*state.done[:2])) == two


def test_the_default_walks_a_partner_who_does_nothing_past_every_step_once() -> None:
    sequence, state, now, sent = replace(first_steps("brd_1"), on=True), a_state(), NOW, []
    while not isinstance(step := next_step(sequence, state, NOTHING, now), Over):
        if isinstance(step, Wait):
            assert step.until > now
            now = step.until
        else:
            sent += [step.step.step] if isinstance(step, Send) else []
            state = after(state, step, now)
    assert step == Over(End.DONE)
    assert sent == ["welcome", "first_link", "payment", "still_quiet"]
    assert len(state.done) == len(STEPS)
    assert state.done[-1].at - NOW < timedelta(days=30) and now == state.done[-1].at + GOAL_AFTER


def test_the_default_can_be_saved_as_it_is_and_is_off() -> None:
    sequence = first_steps("brd_1")
    assert check(sequence) == sequence
    assert not sequence.on
    assert all(check_text(step.text) == step.text for step in STEPS)


def test_the_default_names_its_reader_nowhere_for_each_mail_greets_by_name() -> None:
    said = [
        part
        for step in STEPS
        for words in step.text.by_language.values()
        for part in (words.subject, *words.paragraphs)
    ]
    assert said and not [each for each in said if "{name}" in each]


@pytest.mark.parametrize(
    ("sequence", "code", "number"),
    [
        (a_sequence(), "no_steps", None),
        (a_sequence(*[a_step(f"s{n}", 1) for n in range(MOST_STEPS + 1)]), "too_many_steps", None),
        (a_sequence(WELCOME, a_step("Nope!")), "invalid_step", 2),
        (a_sequence(WELCOME, WELCOME), "same_step", 2),
        (a_sequence(a_step("a", -1)), "invalid_wait", 1),
        (a_sequence(a_step("a", 90 * 24 + 1)), "invalid_wait", 1),
        (a_sequence(a_step("a", 1, "has_link", "not_has_link")), "conditions_contradict", 1),
        (a_sequence(a_step("a", 1, "has_link", "has_link")), "conditions_contradict", 1),
        (a_sequence(a_step("a", 90 * 24), a_step("b", 90 * 24), a_step("c", 1)), "sequence_too_long", None),
        (a_sequence(*[replace(a_step(f"s{n}", 1), text=LONG) for n in range(9)]), "sequence_too_big", None),
        (a_sequence(WELCOME, Step(step="b", wait_hours=1, text=text_of("{nme}", "x"))), "unknown_placeholder", 2),
        (a_sequence(Step(step="b", wait_hours=1, text=MailText({"pl": Words("a", ("b",))}))), "english_missing", 1),
    ],
)
def test_a_sequence_that_cannot_be_is_refused_with_the_step(sequence: Sequence, code: str, number: int | None) -> None:
    with pytest.raises(Invalid) as refused:
        check(sequence)
    assert (refused.value.code, refused.value.facts.get("step")) == (code, number)


def test_a_step_is_put_in_moved_and_taken_out() -> None:
    new = a_step("new")
    assert with_step(BOTH, new, 1).steps == (new, WELCOME, LINK)
    assert with_step(BOTH, new, 9).steps == (WELCOME, LINK, new)
    later = replace(WELCOME, wait_hours=9)
    assert with_step(BOTH, later, 2).steps == (LINK, later)
    assert without_step(BOTH, "welcome").steps == (LINK,)


def test_what_was_changed_is_told_by_step() -> None:
    other = a_sequence(replace(WELCOME, wait_hours=2), a_step("new"))
    assert changed_steps(BOTH, other) == ["welcome", "link", "new"]
    assert changed_steps(BOTH, BOTH) == []


@pytest.mark.parametrize("name", ["Amberfield Media", "Ł", "<img onerror>", "x" * 120])
def test_an_execution_has_a_name_for_people_that_aws_takes(name: str) -> None:
    state = replace(a_state(), partner="par_01JDXAMPLE0000000000000000")
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,76}", execution_name(state, name))
    assert execution_input(state) == {"brand": "brd_1", "partner": state.partner, "sequence": ONBOARDING}
    assert execution_name(state, "Amberfield Media") == "amberfield-media-onboarding-MPLE0000000000000000"
