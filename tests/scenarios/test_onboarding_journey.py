"""What a new partner is written in its first weeks: from the manager who writes the sequence to the first client, who
ends it. All of it over HTTP, on the deployed stack and its clock."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Role
from introducer.domain.sequence import ONBOARDING, execution_name
from introducer.store.sequences import Sequences
from introducer_ops.localcloud import Stack
from tests.support.builders import cpa, terms
from tests.support.people import JSON, Person, a_person, a_registered_partner, an_applicant, text_of, way_out
from tests.support.scenario import Scenario, by_mail, eventually, rfc3339, the_stacks_account, tomorrow

pytestmark = pytest.mark.cloud

SEQUENCE = "/desk/sequences/onboarding"
DEAL = terms(cpa("100.00", min_deposit="200.00", within_hours=720), days=10)
FIGURES = ("sent", "delivered", "bounced", "met")
"""Of a step: `met` says for how many partners it was the last word before the goal."""
ONE_CLICK = {"Content-Type": "application/x-www-form-urlencoded"}
BANK = {"rail": "sepa", "version": 0, "currency": "EUR", "holder": "M. Zielińska", "iban": "DE89370400440532013000"}


@pytest.fixture
def world(stack: Stack) -> Iterator[Scenario]:
    """A brand where it is nine in the morning, tomorrow; the stack's clock goes back afterwards."""
    before = stack.clock.offset
    with the_stacks_account(stack):
        try:
            morning = tomorrow(stack.clock.now()) + timedelta(hours=9)
            stack.clock.set_to(morning)
            yield Scenario(stack, morning - timedelta(days=3))
        finally:
            stack.clock.set(before)


class Walk:
    """A partner on its way, as the manager sees it on the desk."""

    def __init__(self, manager: Person, name: str, country: str, language: str, partner: str = "") -> None:
        self.manager, self.stack = manager, manager.world.stack
        self.partner = partner or a_registered_partner(manager.world, name, manager, country, language)
        walk = Sequences(self.stack.outputs["BooksTableName"]).walk(self.partner, ONBOARDING)
        machine = self.stack.outputs["OnboardingMachineArn"].replace(":stateMachine:", ":execution:")
        self.execution = f"{machine}:{execution_name(walk, name)}"

    def stands(self) -> dict[str, Any]:
        return self.manager.reads(f"{SEQUENCE}/preview", partner=self.partner)

    def had(self) -> dict[str, tuple[datetime, bool]]:
        """The steps that had their time: when, and whether each was sent."""
        steps = self.stands()["steps"]
        return {each["step"]: (moment(each["had_at"]), each["was_sent"]) for each in steps if each["had_at"]}

    def is_asleep(self) -> bool:
        """Whether its execution, as AWS's console shows it, waits."""
        states = self.stack.client("stepfunctions")
        try:
            told = states.get_execution_history(executionArn=self.execution, reverseOrder=True, maxResults=1)
        except states.exceptions.ExecutionDoesNotExist:
            return False
        return bool([event["type"] for event in told["events"]] == ["WaitStateEntered"])

    def due(self) -> datetime:
        """The moment of its next step, once it waits for that."""
        eventually("execution that waits", self.is_asleep)
        coming = self.stands()["next"]
        assert coming["what"] == "wait", coming
        return moment(coming["until"])

    def goes_on(self) -> tuple[str, bool]:
        """Its next step's time comes, and it is taken then: which it was, and whether it was sent."""
        due, before = self.due(), self.had()
        self.stack.clock.set_to(due + timedelta(seconds=1))
        after = eventually("next step", lambda: len(had := self.had()) > len(before) and had)
        [step] = after.keys() - before.keys()
        at, sent = after[step]
        assert due <= at
        return step, sent

    def ends(self) -> str:
        """It looks once a day whether something else has ended it."""
        eventually("execution that waits", self.is_asleep)
        self.stack.clock.advance(timedelta(days=1).total_seconds())
        return str(eventually("end", lambda: self.stands()["end"]))

    def knows(self, fact: str) -> None:
        """What the partner did is seen."""
        eventually(fact, lambda: self.stands()["facts"][fact])


def test_a_partner_is_accompanied_to_its_first_client_and_another_wants_no_such_mail(world: Scenario) -> None:
    clock, http = world.stack.clock, world.http
    sam, lee = a_person(world, Role.MANAGER, "Sam Okoro"), a_person(world, Role.SALES, "Lee Dunn")

    # ---- The manager looks at what new partners would be written. Nothing is, until somebody has read it.
    page = sam.reads(SEQUENCE)
    default = ["welcome", "terms", "first_link", "first_click", "payment", "first_deposit", "still_quiet"]
    assert (page["on"], page["goal"], [each["step"] for each in page["steps"]]) == (False, "has_ftd", default)

    # The welcome is written in Polish too; a slip in a placeholder is refused beside the language it is in.
    welcome = sam.reads(f"{SEQUENCE}/steps/welcome")
    written = {
        "place_in_order": 1, "wait_hours": 1, "place": "/", "why": "Half of our partners read Polish",
        "version": welcome["version"], "subject_en": welcome["step"]["text"]["en"]["subject"],
        "text_en": welcome["step"]["text"]["en"]["text"], "subject_pl": "Witamy w {brand}",
        "text_pl": "{name}, cieszymy się, że {partner} jest z nami.\n\nTwój opiekun to {manager}.",
    }  # fmt: skip
    slip = written | {"text_pl": "Witamy, {imie}!"}
    assert sam.is_refused(f"{SEQUENCE}/steps/welcome", **slip) == "unknown_placeholder"
    assert lee.is_refused(f"{SEQUENCE}/steps/welcome", **written) == "sequence_role"
    version = sam.does(f"{SEQUENCE}/steps/welcome", **written)["version"]
    assert sam.is_refused(f"{SEQUENCE}/steps/welcome", **written | {"wait_hours": 2}) == "sequence_changed"

    # The last step goes, and a step of the brand's own comes in its place. Then it is switched on.
    gone = sam.does(f"{SEQUENCE}/steps/still_quiet/remove", why="We call instead", version=version)
    call = {
        "name": "call", "place_in_order": 7, "wait_hours": 7 * 24, "has_ftd": "no", "place": "/", "why": "We call",
        "subject_en": "Shall we call, {name}?", "text_en": "{manager} has time for you.", "version": gone["version"],
    }  # fmt: skip
    made = sam.does(f"{SEQUENCE}/steps/new", **call)
    sam.does(SEQUENCE, on="yes", goal="has_ftd", version=made["version"], why="Read and agreed")

    # ---- Two partners come: one is registered, and has two owners (the mail address of the second is dead); the other
    # applies, confirms its address, is approved, and signs in.
    began = clock.now()
    amberfield = Walk(sam, "Amberfield Media", "PL", "pl")
    marta = a_person(world, Role.OWNER, "Marta Zielińska", amberfield.partner, "pl")
    jan = a_person(world, Role.OWNER, "Jan Wilk", amberfield.partner, "pl", "bounce-")
    noi = an_applicant(sam, "Noi Saetang", "Bluewater", "TH", "th")
    bluewater = Walk(sam, "Bluewater", "TH", "th", noi.partner)
    sam.does(f"/desk/partners/{amberfield.partner}/deal/new", terms=DEAL, reason="As agreed on the phone")
    due, later, hour = amberfield.due(), bluewater.due(), timedelta(hours=1)
    assert began + hour - timedelta(seconds=1) <= due <= later <= clock.now() + hour

    # Minutes before its time nothing is sent. Then it is, as the preview shows it: in the reader's language, else in
    # English.
    clock.set_to(due - timedelta(minutes=5))
    assert amberfield.had() == {}
    [previewed] = [each for each in amberfield.stands()["steps"] if each["step"] == "welcome"]
    assert amberfield.goes_on() == ("welcome", True)
    # (Bluewater came after it, and has its turn as much later)
    clock.set_to(max(clock.now(), later + timedelta(seconds=1)))
    by_mail(world.stack, "two letters", lambda: len(marta.inbox()) == len(of_onboarding(noi)) == 1)
    [mail], [_, english] = marta.inbox(), noi.inbox()
    assert mail["Subject"] == previewed["said_subject"] == f"Witamy w {world.configuration.brand(world.brand).name}"
    assert "Marta Zielińska, cieszymy się, że Amberfield Media jest z nami." in text_of(mail)
    assert "Twój opiekun to Sam Okoro." in text_of(mail)
    assert "Sam Okoro looks after you" in text_of(english)

    # ---- Bluewater wants none of it. Looking at the link changes nothing, for scanners follow links; one click does.
    link = way_out(english)
    for _ in range(2):
        looked = http.get(link, headers=JSON)
        assert (looked.status_code, looked.json()["topic"], looked.json()["off"]) == (200, "onboarding", False)
    assert http.get(link, headers={"Accept": "text/html"}).status_code == 200
    assert bluewater.stands()["willing"] == 1
    clicked = http.post(link, content="List-Unsubscribe=One-Click", headers=ONE_CLICK | JSON)
    assert (clicked.status_code, clicked.json()["off"]) == (200, True)
    [settings] = [each for each in noi.reads("/settings/mail")["topics"] if each["topic"] == "onboarding"]
    assert settings["on"] is False

    # ---- A day later Amberfield is reminded of its terms, and Bluewater's walk is over.
    eventually("execution that waits", bluewater.is_asleep)
    assert amberfield.goes_on() == ("terms", True)
    clock.advance((later - due + timedelta(minutes=5)).total_seconds())
    eventually("end", lambda: bluewater.stands()["end"] == "unsubscribed")

    # It accepts what it read, and takes a link: the step about links has nothing to say.
    [proposal] = marta.reads("/deal")["versions"]
    marta.does("/deal", version=proposal["version"], terms_hash=proposal["terms_hash"])
    [campaign] = marta.reads("/links")["campaigns"]
    code = marta.does("/links", campaign=campaign["campaign"])["code"]
    assert amberfield.goes_on() == ("first_link", False)

    # Three days without a visitor: it is asked about that. Then somebody comes.
    assert amberfield.goes_on() == ("first_click", True)
    visit = world.click_id_of(world.clicks(code))
    amberfield.knows("has_click")

    # It is asked where its money should go, and says so.
    assert amberfield.goes_on() == ("payment", True)
    marta.does("/settings/payment", **BANK)

    # A visitor but no client: a word on that. The manager writes the welcome anew; nobody gets it a second time.
    assert amberfield.goes_on() == ("first_deposit", True)
    version = sam.reads(SEQUENCE)["version"]
    sam.does(f"{SEQUENCE}/steps/welcome", **written | {"version": version, "subject_pl": "Dzień dobry"})
    assert [each["name"] for each in sam.reads(SEQUENCE)["walking"]] == ["Amberfield Media"]
    assert amberfield.stands()["next"]["what"] == "wait"

    # ---- Its first client pays in. That was the goal: a day later it is over, and the last step is never sent.
    client = f"first-{secrets.token_hex(4)}"
    said = {"client_id": client, "occurred_at": rfc3339(clock.now())}
    answer = world.posts(
        said | {"event_id": f"{client}-r", "type": "registration", "click_id": visit, "country": "PL"},
        said | {"event_id": f"{client}-d", "type": "deposit", "amount": "250.00", "currency": "EUR"},
    )
    assert answer.status_code == 202, answer.text
    amberfield.knows("has_ftd")
    assert amberfield.ends() == "goal"
    assert "call" not in amberfield.had()
    assert sam.reads(SEQUENCE)["walking"] == []

    # ---- Everybody has each mail once, whatever was repeated on the way, and the desk counts them exactly.
    once, never = {"sent": 1, "delivered": 1, "bounced": 0, "met": 0}, dict.fromkeys(FIGURES, 0)
    by_mail(world.stack, "seven mails known of", lambda: known(sam) == 7)
    assert figures(sam) == {
        "welcome": {"sent": 3, "delivered": 2, "bounced": 1, "met": 0}, "terms": once, "first_link": never,
        "first_click": once, "payment": once, "first_deposit": once | {"met": 1}, "call": never,
    }  # fmt: skip
    english_subjects = {each["step"]: each["subject"] for each in sam.reads(SEQUENCE)["steps"]}
    asked = [english_subjects[step] for step in ("terms", "first_click", "payment", "first_deposit")]
    assert of_onboarding(marta) == [mail["Subject"], *asked]
    assert (of_onboarding(noi), len(of_onboarding(jan))) == ([english["Subject"]], 1)


def of_onboarding(reader: Person) -> list[str]:
    """What came to somebody of the sequence, oldest first."""
    return [str(mail["Subject"]) for mail in reader.inbox() if "List-Unsubscribe" in mail]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def known(manager: Person) -> int:
    """Of how many mails of the sequence it is known what became of them."""
    return sum(each["delivered"] + each["bounced"] for each in figures(manager).values())


def figures(staff: Person) -> dict[str, dict[str, int]]:
    """What became of each step's mails, as the desk has it."""
    return {each["step"]: {name: each["figures"][name] for name in FIGURES} for each in staff.reads(SEQUENCE)["steps"]}
