"""A new partner is written to, step by step: each once, whatever is cut off, and no more than it needs."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pynamodb.connection.base import Connection

from introducer.domain.configuration import Role, Status
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from introducer.domain.mail import MailTemplate
from introducer.domain.mail_text import MailText, Words, text_of
from introducer.domain.sequence import CONDITIONS, LOOK_AGAIN, ONBOARDING, End, Fact, Send, Step, Wait, execution_name
from introducer.locale import language
from introducer.services.edit_sequence import edit_sequence
from introducer.services.onboarding_step import Stepped, onboarding_step
from introducer.services.preview_sequence import preview_sequence
from introducer.services.read_sequences import facts_of, figures_of, fills_of, sequence_of
from introducer.services.send_mail import fill_in
from introducer.services.start_onboarding import start_onboarding, sweep_onboarding
from introducer.store.mail_figures import Figures
from introducer.wording.mails.telling import Reader
from tests.conftest import Tables
from tests.support.onboarding import BEGAN, BRAND, DEFAULT, OnboardingWorld, staff

pytestmark = pytest.mark.in_memory

DO_NOTHING = ["welcome", "first_link", "payment", "still_quiet"]


@pytest.fixture
def world(tables: Tables) -> OnboardingWorld:
    return OnboardingWorld(tables)


# ------------------------------------------------------------------------------------------------------------- walking


def test_a_partner_who_does_nothing_gets_each_step_that_is_about_what_is_missing(world: OnboardingWorld) -> None:
    partner, offered = world.registers().partner, world.registers("Offered").partner
    world.is_offered_terms(offered)
    state = world.walks(partner)
    assert world.told(partner) == DO_NOTHING, "there are no terms that could be accepted"
    world.now = BEGAN
    world.walks(offered)
    assert world.told(offered) == ["welcome", "terms", *DO_NOTHING[1:]]
    assert state.end is End.DONE
    assert state.done[-1].at - BEGAN < timedelta(days=30)


def test_a_partner_who_does_all_of_it_in_time_is_only_welcomed(world: OnboardingWorld) -> None:
    partner = world.registers().partner
    world.steps(partner)
    world.accepts(partner)
    world.takes_a_link(partner)
    world.is_clicked(partner)
    world.later(hours=2)
    world.steps(partner)
    world.later(days=5)
    assert world.steps(partner).until is not None
    world.brings_a_client(partner)
    state = world.walks(partner)
    assert (world.told(partner), state.end) == (["welcome"], End.GOAL)


def test_the_goal_ends_it_before_a_mail_that_is_due(world: OnboardingWorld) -> None:
    # given a partner who was welcomed, and whose next mail is due
    partner = world.registers().partner
    world.later(hours=1)
    world.steps(partner)
    world.later(days=1)

    # when its first client pays in, a moment before
    world.brings_a_client(partner)

    # then it is over, for good
    assert world.steps(partner).state.end is End.GOAL
    world.later(days=30)
    assert world.steps(partner).until is None
    assert world.told(partner) == ["welcome"]


def test_visitors_without_a_client_get_advice_with_their_own_figures(world: OnboardingWorld) -> None:
    partner = world.registers().partner
    world.accepts(partner)
    world.takes_a_link(partner)
    world.is_clicked(partner, 12)
    world.walks(partner)
    assert world.told(partner) == ["welcome", "payment", "first_deposit"]
    mail = world.mail(partner, "first_deposit")
    assert mail.template is MailTemplate.WRITTEN
    assert mail.values["fills"] == {"clicks_30": 12, "manager": "Sam Okoro"}
    assert (mail.values["topic"], mail.values["path"]) == ("onboarding", "/links")
    said = world.books.texts.text(BRAND, str(mail.values["text"]))
    assert said.words("en").subject == "Visitors, but no client yet"


def test_it_ends_when_the_last_owner_does_not_want_it_any_more(world: OnboardingWorld) -> None:
    partner = world.registers().partner
    world.is_offered_terms(partner)
    second = world.invites(partner, "own-2")
    world.invites(partner, "mem-3", Role.MEMBER)
    world.later(hours=1)
    world.steps(partner)
    world.unsubscribes(second)
    world.later(days=1)
    assert world.steps(partner).state.end is None
    world.unsubscribes(f"own-{partner}")
    world.later(days=2)
    assert world.steps(partner).state.end is End.UNSUBSCRIBED
    assert world.told(partner) == ["welcome", "terms"]


def test_a_welcome_waits_for_the_first_owner(world: OnboardingWorld) -> None:
    partner = world.registers(owner=False).partner
    world.later(hours=1)
    assert world.steps(partner).until == world.now + LOOK_AGAIN
    assert world.told(partner) == []
    world.invites(partner)
    world.later(days=1)
    world.steps(partner)
    assert world.told(partner) == ["welcome"]


def test_a_suspended_partner_hears_nothing_meanwhile_and_a_blocked_one_never(world: OnboardingWorld) -> None:
    partner = world.registers().partner
    world.stands(partner, Status.SUSPENDED)
    world.later(hours=1)
    assert world.steps(partner).until == world.now + LOOK_AGAIN
    world.stands(partner, Status.BLOCKED)
    world.later(minutes=1)
    assert world.steps(partner).state.end is End.BLOCKED
    assert world.told(partner) == []


@pytest.mark.parametrize("step", DEFAULT.steps, ids=lambda step: step.step)
def test_what_a_step_puts_into_its_mail_is_all_that_its_text_asks_for(world: OnboardingWorld, step: Step) -> None:
    # given a partner for whom a step is due, whatever its conditions
    world.switches(True, replace(step, wait_hours=0, conditions=()))
    partner = world.registers("{brand} <Amberfield>").partner
    world.steps(partner)

    # when its mail is filled in as the outbox does
    mail = world.mail(partner, step.step)
    reader = Reader(name="Marta", brand="Northwind", portal="https://go.example.com", partner="{brand} <Amberfield>")
    text = world.books.texts.text(BRAND, str(mail.values["text"]))
    said = fill_in(text, mail.values["fills"], language("en"), reader)

    # then nothing of it is left open, and a name stays what it is
    whole = " ".join((said.subject, *said.paragraphs))
    assert not re.search(r"[{}]", whole.replace("{brand} <Amberfield>", ""))


# ----------------------------------------------------------------------------------------------------------- beginning


def test_nothing_begins_until_staff_have_switched_it_on(tables: Tables) -> None:
    world = OnboardingWorld(tables, on=False)
    early = world.registers("Early").partner
    with pytest.raises(NotFound):
        world.steps(early)
    world.switches(True)
    late = world.registers("Late").partner
    world.later(hours=1)
    assert world.steps(late).state.done
    with pytest.raises(NotFound):
        world.steps(early)


def test_a_registration_that_is_repeated_begins_it_once(world: OnboardingWorld) -> None:
    first = world.registers(request="r1", owner=False)
    world.later(hours=1)
    world.invites(first.partner)
    world.steps(first.partner)
    world.later(hours=1)
    assert world.registers(request="r1", owner=False).partner == first.partner
    world.steps(first.partner)
    assert world.told(first.partner) == ["welcome"]


def test_an_execution_is_started_under_the_partners_name_and_not_for_one_that_is_gone(world: OnboardingWorld) -> None:
    partner = world.registers().partner
    state = world.books.sequences.walk(partner, ONBOARDING)
    started: dict[str, Any] = {}

    def start(name: str, given: Any) -> str:
        started[name] = given
        return name

    name = start_onboarding(world.configuration, start, state)
    assert name == execution_name(state, "Amberfield Media")
    assert started == {name: {"brand": BRAND, "partner": partner, "sequence": ONBOARDING}}


def test_the_sweep_starts_those_whose_step_is_late_and_no_others(world: OnboardingWorld) -> None:
    late, done = world.registers("Late").partner, world.registers("Done").partner
    world.later(hours=1)
    world.steps(done)
    started: list[str] = []

    def start(name: str, given: Any) -> str:
        started.append(given["partner"])
        return name

    sweep_onboarding(world.books, start, now=world.now + timedelta(minutes=30))
    assert started == []
    sweep_onboarding(world.books, start, now=world.now + timedelta(hours=1))
    assert started == [late]

    # and what cannot be started now is left to the next sweep
    def refuse(name: str, given: Any) -> str:
        raise Unavailable("down")

    assert sweep_onboarding(world.books, refuse, now=world.now + timedelta(hours=1)) == []


# ------------------------------------------------------------------------------------------------------------- crashes


class Cut(Exception):
    """The function was ended here."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_each_step_is_told_once_wherever_the_function_is_cut_off(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    # given a partner who does nothing, and a function that is cut off at one more of its calls each time
    world = OnboardingWorld(tables)
    dispatch, calls = Connection.dispatch, 0
    cut_at = -1

    def cutting(self: Connection, name: str, given: dict[str, Any]) -> Any:
        nonlocal calls
        calls += 1
        if calls == cut_at and not after:
            raise Cut
        answer = dispatch(self, name, given)
        if calls == cut_at:
            raise Cut
        return answer

    monkeypatch.setattr(Connection, "dispatch", cutting)
    for cut in range(1, 60, 2):
        partner = world.registers(f"Partner {cut}").partner
        began = world.now
        # when it is walked, and each look is cut off once and then repeated
        while True:
            calls, cut_at = 0, cut
            try:
                stepped = world.steps(partner)
            except Cut:
                cut_at = -1
                stepped = world.steps(partner)
            if stepped.until is None:
                break
            world.now = stepped.until
        cut_at = -1
        # then every step that it needed was told, once
        assert world.told(partner) == DO_NOTHING, cut
        world.now = began + timedelta(minutes=1)


def test_two_at_the_same_time_tell_it_once(world: OnboardingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    # given two executions that look at the same moment
    partner = world.registers().partner
    world.later(hours=1)
    sequences = world.books.sequences
    go_on = sequences.go_on
    others: list[int] = []

    def met(*given: Any) -> bool:
        if not others:
            others.append(1)
            world.steps(partner)
        return go_on(*given)

    # when the other writes first
    monkeypatch.setattr(sequences, "go_on", met)
    stepped = world.steps(partner)

    # then this one sees what it did
    assert world.told(partner) == ["welcome"]
    assert [each.step for each in stepped.state.done] == ["welcome"]
    assert stepped.until == world.now + timedelta(days=1)


def test_one_that_is_met_again_and_again_asks_to_be_called_again(
    world: OnboardingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner = world.registers().partner
    world.later(hours=1)
    monkeypatch.setattr(world.books.sequences, "go_on", lambda *given: False)
    with pytest.raises(Unavailable) as refused:
        world.steps(partner)
    assert refused.value.code == "sequence_busy"


def test_a_partner_that_walks_nothing_has_no_step(world: OnboardingWorld) -> None:
    with pytest.raises(NotFound):
        onboarding_step(world.books, partner="par_x", sequence=ONBOARDING, now=world.now)


# ------------------------------------------------------------------------------------------------------------- editing


def a_step(name: str, hours: int = 1, *words: str, text: MailText | None = None) -> Step:
    conditions = tuple(CONDITIONS[word] for word in words)
    return Step(step=name, wait_hours=hours, conditions=conditions, text=text or text_of("Hello {name}", "Welcome"))


def test_the_default_is_shown_until_staff_write_their_own(tables: Tables) -> None:
    world = OnboardingWorld(tables, on=False)
    assert sequence_of(world.books, BRAND, ONBOARDING) == DEFAULT
    with pytest.raises(NotFound):
        sequence_of(world.books, BRAND, "another")
    made = world.switches(True, a_step("hello"))
    assert sequence_of(world.books, BRAND, ONBOARDING) == made
    assert (made.version, made.on, made.goal) == (1, True, Fact.HAS_FTD)
    [audit] = [each for each in world.configuration.audit_of_subject(BRAND).items if each.action == "set_sequence"]
    assert (audit.by, audit.why) == ("mem_manager", "as agreed")


def test_the_same_again_changes_nothing_and_an_old_look_is_refused(world: OnboardingWorld) -> None:
    made = world.switches(True, a_step("hello"))
    assert edit_sequence(world.books, made, member=staff(), why="again", now=world.now) == made
    world.switches(True, a_step("hello", 2))
    other = sequence_of(world.books, BRAND, ONBOARDING)
    with pytest.raises(Conflict) as refused:
        edit_sequence(world.books, made, member=staff(), why="late", now=world.now)
    assert refused.value.code == "sequence_changed"
    assert sequence_of(world.books, BRAND, ONBOARDING) == other


@pytest.mark.parametrize("role", [Role.SALES, Role.FINANCE, Role.COMPLIANCE])
def test_who_decides_nothing_here_is_told_whom_to_ask(world: OnboardingWorld, role: Role) -> None:
    with pytest.raises(Forbidden):
        edit_sequence(world.books, DEFAULT, member=staff(role), why="as agreed", now=world.now)


def test_a_text_that_cannot_be_is_refused_and_nothing_changes(world: OnboardingWorld) -> None:
    before = sequence_of(world.books, BRAND, ONBOARDING)
    with pytest.raises(Invalid) as refused:
        world.switches(True, a_step("hello", text=text_of("Hello {{name}}", "x")))
    assert refused.value.code == "lone_brace"
    assert sequence_of(world.books, BRAND, ONBOARDING) == before


def test_an_edit_that_comes_after_a_step_changes_nothing_of_its_mail(world: OnboardingWorld) -> None:
    partner = world.registers().partner
    world.later(hours=1)
    world.steps(partner)
    world.switches(True, a_step("welcome", text=text_of("Something else", "x")))
    said = world.books.texts.text(BRAND, str(world.mail(partner, "welcome").values["text"]))
    assert said.words("en").subject == "Welcome to {brand}"


# ------------------------------------------------------------------------------------------------------------- looking


def test_a_preview_says_what_a_partner_would_read_with_its_own_data(world: OnboardingWorld) -> None:
    # given a partner with a name that would like to be a template, and a click
    partner = world.registers("<img onerror=alert(1)> {{brand}}").partner
    world.takes_a_link(partner)
    world.is_clicked(partner, 7_000)
    text = MailText({
        "en": Words("Hello {name}", ("{partner}: {clicks_30} clicks. {manager}, {brand}, {portal}",)),
        "pl": Words("Cześć {name}", ("{partner}: {clicks_30}.",)),
    })  # fmt: skip
    sequence = world.switches(True, a_step("hello", text=text), a_step("more", text=text_of("Only English", "x")))

    shown = preview_sequence(world.books, member=staff(), sequence=sequence, partner=partner, now=world.now)
    english = preview_sequence(
        world.books, member=staff(), sequence=sequence, partner=partner, language="en", now=world.now
    )

    assert [(each.words.subject, each.language) for each in shown.steps] == [
        ("Cześć Marta Zielińska", "pl"), ("Only English", "en"),
    ]  # fmt: skip
    # and numbers are written as the reader's language does, as in the mail
    assert shown.steps[0].words.paragraphs[0].endswith(": 7\xa0000.")
    assert english.steps[0].words.paragraphs == (
        "<img onerror=alert(1)> {{brand}}: 7,000 clicks. Sam Okoro, Northwind Markets, https://go.example.com",
    )
    assert shown.facts.true == {Fact.HAS_LINK, Fact.HAS_CLICK}
    assert isinstance(shown.next, Wait)
    world.later(hours=1)
    later = preview_sequence(world.books, member=staff(), sequence=sequence, partner=partner, now=world.now)
    assert isinstance(later.next, Send)


def test_a_partner_of_another_brand_is_not_shown(world: OnboardingWorld) -> None:
    with pytest.raises(NotFound):
        preview_sequence(world.books, member=staff(), sequence=DEFAULT, partner="par_x", now=world.now)


def test_figures_in_a_text_are_of_the_last_thirty_days(world: OnboardingWorld) -> None:
    partner = world.registers()
    world.is_clicked(partner.partner, 5)
    world.brings_a_client(partner.partner)
    world.later(days=29)
    world.is_clicked(partner.partner, 2)
    assert fills_of(world.books, partner, world.now) == {
        "manager": "Sam Okoro", "clicks_30": 7, "ftd_30": 1, "qftd_30": 0,
    }  # fmt: skip
    world.later(days=1)
    assert fills_of(world.books, partner, world.now)["clicks_30"] == 2
    assert Fact.HAS_FTD in facts_of(world.books, partner, world.now).true, "what happened once stays so"


def test_a_goal_is_counted_once_for_the_step_before_it_whoever_else_is_at_it(
    world: OnboardingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given two partners, of whom one is welcomed, and two executions for it that look at the same moment
    early, other = world.registers("Early").partner, world.registers("Other").partner
    world.brings_a_client(early)
    world.steps(early)
    world.later(hours=1)
    world.steps(other)
    world.brings_a_client(other)
    go_on, others = world.books.sequences.go_on, list[int]()

    def met(*given: Any) -> bool:
        if not others:
            others.append(1)
            world.steps(other)
        return go_on(*given)

    monkeypatch.setattr(world.books.sequences, "go_on", met)
    world.steps(other)
    world.steps(other)

    # then it counts once, and one that came before any mail counts for none
    found = figures_of(world.books, DEFAULT)
    assert [(name, each.met) for name, each in found.items() if each.met] == [("welcome", 1)]
    assert world.books.sequences.walk(early, ONBOARDING).end is End.GOAL and world.told(early) == []


def test_a_goal_after_the_last_step_is_counted_for_it(world: OnboardingWorld) -> None:
    partner = world.registers().partner
    world.takes_a_link(partner)

    def last_one(stepped: Stepped) -> None:
        if stepped.next is None:
            world.brings_a_client(partner)

    state = world.walks(partner, last_one)
    assert state.end is End.GOAL and len(state.done) == len(DEFAULT.steps)
    assert figures_of(world.books, DEFAULT)["still_quiet"].met == 1


def test_a_step_that_staff_bring_forward_is_sent_within_a_day(world: OnboardingWorld) -> None:
    world.switches(True, a_step("later", 60 * 24))
    partner = world.registers().partner
    until = world.steps(partner).until
    assert until == world.now + LOOK_AGAIN
    world.switches(True, a_step("later", 1))
    world.now = until
    world.steps(partner)
    assert world.told(partner) == ["later"]


def test_the_sweep_lets_those_rest_whose_sequence_is_off_and_reads_its_rules_once(
    world: OnboardingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Amberfield", "Bluewater", "Copperhill"):
        world.registers(name)
    world.later(days=3)
    reads, sequence = list[str](), world.books.sequences.sequence

    def reading(*given: str) -> Any:
        reads.append(given[0])
        return sequence(*given)

    monkeypatch.setattr(world.books.sequences, "sequence", reading)
    started = sweep_onboarding(world.books, lambda name, given: name, now=world.now)
    assert (len(started), len(reads)) == (3, 1)
    world.switches(False)
    assert sweep_onboarding(world.books, lambda name, given: name, now=world.now) == []


def test_one_that_has_no_goal_to_wait_for_is_late_an_hour_after_its_last_step(
    world: OnboardingWorld,
) -> None:
    # given a partner who had the last step, and an execution that failed then
    world.switches(True, a_step("only"), a_step("last"))
    partner = world.registers().partner
    for _ in range(2):
        world.later(hours=1)
        world.steps(partner)
    assert world.told(partner) == ["only", "last"]
    # when the staff take the goal away
    for goal, late in ((Fact.HAS_FTD, 0), (None, 1)):
        world.switches(True, a_step("only"), a_step("last"), goal=goal)
        started = sweep_onboarding(world.books, lambda name, given: name, now=world.now + timedelta(hours=1))
        # then nothing is waited for
        assert len(started) == late


def test_steps_that_nobody_got_have_figures_of_zero(world: OnboardingWorld) -> None:
    found = figures_of(world.books, DEFAULT)
    assert found == {step.step: Figures() for step in DEFAULT.steps}
