"""A manager's day: what the night found, a partner's question, a word to many at once, a lead that becomes a client.
All of it over HTTP, on the deployed stack and its clock."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, NamedTuple

import httpx
import pytest

from introducer.domain.configuration import Role
from introducer.domain.events import day_of
from introducer_ops.localcloud import Stack
from tests.support.builders import cpa, terms
from tests.support.people import JSON, Person, a_person, a_registered_partner
from tests.support.scenario import Scenario, by_mail, eventually, rfc3339, the_stacks_account, tomorrow

pytestmark = pytest.mark.cloud

DEAL = terms(cpa("100.00", min_deposit="200.00", within_hours=720), days=10)
MARA = {"name": "Mara Quill", "email": "mara.quill@example.com", "phone": "+49 30 901820"}
"""Somebody who asks to be called."""


@pytest.fixture
def today(stack: Stack) -> Iterator[datetime]:
    """Half past eight, in some weeks; the stack's clock goes back afterwards."""
    before = stack.clock.offset
    with the_stacks_account(stack):
        try:
            # Nothing of this is in the past, where DynamoDB, by its own clock, removes what has had its time.
            yield tomorrow(stack.clock.now()) + timedelta(days=24, hours=8, minutes=30)
        finally:
            stack.clock.set(before)


class Partner(NamedTuple):
    """A partner with terms it accepted and a link."""

    partner: str
    owner: Person
    code: str


class Office:
    """A broker with staff and four partners, 24 days before."""

    def __init__(self, stack: Stack, today: datetime) -> None:
        self.stack, self.today = stack, today
        self.is_day(-24)
        self.world = Scenario(stack, stack.clock.now())
        self.sam = a_person(self.world, Role.MANAGER, "Sam Okoro")
        self.noor = a_person(self.world, Role.COMPLIANCE, "Noor Haddad")
        self.ada = a_person(self.world, Role.ADMIN, "Ada Finch")
        self.sales = [a_person(self.world, Role.SALES, name) for name in ("Lee Dunn", "Kim Roth")]
        self.amberfield = self.joins("Amberfield", "PL", "Marta Zielińska", "pl")
        self.bluewater = self.joins("Bluewater", "PL", "Olek Nowak", "pl")
        self.copperhill = self.joins("Copperhill", "PL", "Iga Kos", "pl", "bounce-")
        self.drystone = self.joins("Drystone", "DE", "Jo Brandt", "en")

    def is_day(self, day: int, hour: int = 10) -> None:
        """It is so many days after today, at this hour."""
        self.stack.clock.set_to(self.today.replace(hour=hour) + timedelta(days=day))

    def joins(self, name: str, country: str, owner: str, language: str, address: str = "") -> Partner:
        partner = a_registered_partner(self.world, name, self.sam, country, language)
        person = a_person(self.world, Role.OWNER, owner, partner, language, address)
        self.sam.does(f"/desk/partners/{partner}/deal/new", terms=DEAL, reason="As agreed")
        [proposal] = person.reads("/deal")["versions"]
        person.does("/deal", version=proposal["version"], terms_hash=proposal["terms_hash"])
        return Partner(partner, person, person.does("/links", campaign=self.world.campaign)["code"])

    def visits(self, partner: Partner) -> str:
        """Somebody opens a partner's link, and is counted: the click's id."""
        answer = self.world.clicks(partner.code)
        eventually("counted click", lambda: partner.owner.reads("/links")["items"][0]["clicks"])
        return self.world.click_id_of(answer)

    def comes(self, client: str, clicked: str = "", *more: dict[str, Any]) -> None:
        """The platform says that somebody registered, and what they did."""
        said = {"client_id": client, "occurred_at": rfc3339(self.stack.clock.now())}
        registration = {"event_id": f"{client}-r", "type": "registration", "country": "PL"}
        registration |= {"click_id": clicked} if clicked else {}
        answer = self.world.posts(said | registration, *(said | each for each in more))
        assert answer.status_code == 202, answer.text
        self.world.applied(client, 1 + len(more))

    def count(self, field: str, least: int) -> dict[str, Any]:
        """How many partners have so much, as the desk counts a segment that nobody has saved."""
        asked = {"match": "all", "field_0": field, "operator_0": "at_least", "value_0": str(least)}
        counted: dict[str, Any] = self.sam.reads("/desk/segments", **asked)["counted"]
        return counted

    def night(self) -> None:
        """The two sweeps of the night: how each partner does, and what of it needs a person."""
        now = day_of(self.stack.clock.now())
        self.stack.invoke("ScoringFunction", {"brand": self.world.brand})
        eventually(
            "fresh figures",
            lambda: (counted := self.count("clicks_30", 1))["oldest"] == now and counted["partners"] == 2,
        )
        assert self.stack.invoke("TriggersFunction", {"brand": self.world.brand}) == {"brands": 1}

    def queue(self) -> list[tuple[str, list[str]]]:
        """Who needs Sam today, the most pressing first, and why."""
        rows = self.sam.reads("/desk", whose="mine")["items"]
        return [(row["name"], [task["kind"] for task in row["tasks"]]) for row in rows]


def test_a_manager_works_through_a_day(stack: Stack, today: datetime) -> None:
    office = Office(stack, today)
    world, sam, noor = office.world, office.sam, office.noor
    amberfield, bluewater, copperhill, drystone = (
        office.amberfield, office.bluewater, office.copperhill, office.drystone
    )  # fmt: skip
    marta = amberfield.owner

    # ---- What has happened since they joined: Bluewater had a visitor long ago, Copperhill handed in its documents
    # three days ago, and Amberfield's first client paid in yesterday.
    office.is_day(-20)
    office.visits(bluewater)
    office.is_day(-3)
    hands_in_documents(copperhill.owner)
    office.is_day(-1)
    client = f"first-{secrets.token_hex(4)}"
    deposit = {"event_id": f"{client}-d", "type": "deposit", "amount": "250.00", "currency": "EUR"}
    office.comes(client, office.visits(amberfield), deposit)
    assert office.queue() == []

    # ---- In the morning the desk says who needs Sam, the most pressing first.
    stack.clock.set_to(today)
    office.night()
    eventually("three partners in the queue", lambda: len(office.queue()) == 3)
    assert office.queue() == [
        ("Copperhill", ["documents_wait"]), ("Bluewater", ["dormant"]), ("Amberfield", ["first_ftd"]),
    ]  # fmt: skip
    quiet, first = (row["tasks"][0] for row in sam.reads("/desk")["items"][1:])
    assert (quiet["evidence"], first["evidence"]) == ({"dormant_days": 20}, {"ftd_7": 1})

    # Sam congratulates Amberfield with the words that the task proposes, and says so. Bluewater can wait for two days.
    task = sam.reads(first["path"])
    sam.does(task["send_to"], subject=task["subject"], text=task["message"])
    assert sam.does(f"{first['path']}/done", outcome="spoke")["status"] == "done"
    later = day_of(today + timedelta(days=2))
    assert sam.is_refused(f"{quiet['path']}/snooze", until=day_of(today)) == "invalid_until"
    assert sam.does(f"{quiet['path']}/snooze", until=later)["snoozed_until"] == later
    assert office.queue() == [("Copperhill", ["documents_wait"])]
    assert sam.reads("/desk")["asleep"] == 1

    # Whether documents are good is for compliance to say; nobody has to tick that task off. The mail about it comes
    # back, and the desk says whose address is dead.
    payee = f"/desk/payees/{copperhill.partner}"
    version = noor.reads(payee)["verification"]["version"]
    noor.does(f"{payee}/verification", version=version, verdict="approve", why="Both are legible")
    dead = by_mail(stack, "a dead address", lambda: sam.reads(f"/desk/partners/{copperhill.partner}/mail")["items"])
    assert [(each["member"], each["reason"]) for each in dead] == [(copperhill.owner.member, "bounced")]

    # ---- Marta has a question. It waits at the top of Sam's inbox.
    question = marta.does("/messages", subject="When am I paid?", text="For my first client, I mean.")
    thread = f"/desk/messages/{amberfield.partner}/{question['thread']}"
    by_mail(stack, "a mail to Sam", lambda: about(sam, question["thread"]))
    [row] = [row for row in sam.reads("/desk/messages")["items"] if row["waits_since"]]
    assert (row["name"], row["subject"], row["unread"]) == ("Amberfield", "When am I paid?", True)

    # He has answered that before: the saved answer stands there in Marta's language, filled in, and he sends it.
    saved = sam.does(
        "/desk/answers", subject_en="When am I paid?", text_en="Dear {name}, ten days after the month's end.",
        subject_pl="Kiedy wypłata?", text_pl="{name}, dziesięć dni po końcu miesiąca.",
    )  # fmt: skip
    prefilled = sam.reads(thread, answer=saved["answer"])["prefilled"]
    assert prefilled == "Marta Zielińska, dziesięć dni po końcu miesiąca."
    sam.does(thread, text="Asked twice now: put it into the welcome.", kind="note")
    sam.does(thread, text=prefilled)
    assert sam.reads(thread)["read_by_other"] is False

    # Marta is told once, reads the answer in the portal (the note is not for her), and Sam sees that she has.
    [mail] = by_mail(stack, "a mail to Marta", lambda: about(marta, question["thread"]))
    assert mail["Content-Language"] == "pl" and "dziesięć" not in words_of(mail)
    [line] = [row for row in marta.reads("/messages")["items"] if row["thread"] == question["thread"]]
    assert line["unread"] is True
    read = marta.reads(f"/messages/{question['thread']}")
    assert [(said["side"], said["text"]) for said in read["items"]] == [
        ("partner", "For my first client, I mean."), ("staff", prefilled),
    ]  # fmt: skip
    assert sam.reads(thread)["read_by_other"] is True
    assert [row["waits_since"] for row in sam.reads("/desk/messages")["items"]] == [None, None]

    # ---- A word to all partners in Poland: a segment, counted before anything is sent.
    segment = sam.does(
        "/desk/segments", name="Poland", shared=True, conditions=[{"field": "country", "operator": "is", "value": "PL"}]
    )["segment"]
    counted = sam.reads(f"/desk/segments/{segment}")["counted"]
    assert (counted["partners"], counted["of"]) == (3, 4)
    wants_no_news(bluewater.owner)
    office.ada.does("/desk/broadcasts/policy", people=2)
    broadcast = sam.does(
        "/desk/broadcasts", name="November in Poland", segment=segment, path="/campaigns", channel="both",
        subject_en="News for {partner}", text_en="{name}, there is a new campaign.",
        subject_pl="Nowości dla {partner}", text_pl="{name}, mamy nową kampanię.",
    )  # fmt: skip
    one = f"/desk/broadcasts/{broadcast['broadcast']}"
    assert sam.reads(one, partner=amberfield.partner)["preview"]["subject"] == "Nowości dla Amberfield"

    # It goes to more people than one person may write to alone: Noor says yes, for Sam cannot.
    submitted = sam.does(f"{one}/submission", version=broadcast["version"])
    assert (submitted["status"], submitted["people"]) == ("waiting", 3)
    assert sam.is_refused(f"{one}/approval", version=submitted["version"]) == "same_person"
    assert noor.does(f"{one}/approval", version=submitted["version"])["status"] == "scheduled"
    report = by_mail(stack, "report", lambda: is_told(report := sam.reads(one)["report"]) and report)
    assert {name: number for name, number in report.items() if number} == {
        "recipients": 3, "sent": 1, "unsubscribed": 1, "suppressed": 1, "delivered": 1, "partners": 3, "shown": 3,
    }  # fmt: skip
    assert marta.subjects().count("Nowości dla Amberfield") == 1

    # Bluewater wants no news by mail, and gets none; in the portal it stands for everybody it was meant for.
    assert "Nowości dla Bluewater" not in bluewater.owner.subjects()
    [announced] = bluewater.owner.reads("/messages")["announcements"]
    assert (announced["title"], announced["unread"]) == ("Nowości dla Bluewater", True)
    assert drystone.owner.reads("/messages")["announcements"] == []

    # ---- Somebody fills in the form of Drystone's link. It goes to one of sales; Sam gives it to the other.
    lead = sends_form(world.http, drystone.code)
    assert sends_form(world.http, drystone.code) == lead
    page = f"/desk/leads/{lead}"
    before = sam.reads(page)
    assert (before["stage"], before["person"]["name"], before["consent"]["text"]) == ("new", "Mara Quill", "Call me.")
    [kim] = [each for each in office.sales if each.member != before["salesperson"]]
    sam.does(f"{page}/salesperson", version=before["version"], salesperson=kim.member)
    [row] = kim.reads("/desk/leads")["items"]
    assert (row["lead"], row["partner_name"]) == (lead, "Drystone")
    called = kim.does(f"{page}/stage", version=row["version"], stage="contacted")

    # She opens an account without any link. When Kim says who the lead became, the client is Drystone's.
    client = f"lead-{secrets.token_hex(4)}"
    office.comes(client)
    assert drystone.owner.reads("/clients")["items"] == []
    assert (
        kim.is_refused(f"{page}/stage", version=called["version"], stage="won", client_id="nobody") == "no_such_client"
    )
    won = kim.does(f"{page}/stage", version=called["version"], stage="won", client_id=client)
    assert (won["stage"], won["client"]) == ("won", world.client_key(client))
    eventually("Drystone's client", lambda: drystone.owner.reads("/clients")["items"])

    # Drystone sees how it went on and is told of each step, and nowhere who it is.
    owner = drystone.owner
    [own] = owner.reads("/leads")["items"]
    assert (own["lead"], own["stage"], own["link"]) == (lead, "won", drystone.code)
    told = by_mail(stack, "two mails", lambda: len(found := about(owner, "/leads")) == 2 and found)
    everything = [world.http.get("/leads", headers=owner.headers).text, *(words_of(each) for each in told)]
    assert not [part for part in ("Mara Quill", "Quill", "mara.quill", "901820") for text in everything if part in text]

    # ---- Two days later Bluewater is back in the queue. Copperhill's task has passed by itself.
    office.is_day(2, hour=8)
    office.night()
    eventually("a task that passed", lambda: outcomes(sam, copperhill.partner) == ["passed"])
    assert office.queue() == [("Bluewater", ["dormant"])]
    assert outcomes(sam, amberfield.partner) == ["spoke"]

    # ---- And all of it stands on one page about each of them.
    whole = sam.reads(f"/desk/partners/{amberfield.partner}")
    assert {row["subject"]: row["read_by_other"] for row in whole["conversations"]} == {
        "When am I paid?": True, task["subject"]: False,
    }  # fmt: skip
    assert (whole["results"]["ftd_30"], whole["tasks"]) == (1, [])
    assert sam.reads(f"/desk/partners/{copperhill.partner}")["suppressed"] != []
    assert sam.reads(f"/desk/partners/{drystone.partner}")["leads"]["stages"] == {"won": 1}


def hands_in_documents(owner: Person) -> None:
    forms = owner.reads("/settings/verification")["forms"]
    for kind in ("identity", "address"):
        form = forms[kind]
        sent = httpx.post(form["url"], data=form["fields"], files={"file": (kind, b"%PDF-1.7")})
        assert sent.status_code == 303, sent.text
    owner.does("/settings/verification", version=0)


def is_told(report: dict[str, int] | None) -> bool:
    """Whether it is known of all recipients what became of their mails."""
    return report is not None and not report["waiting"] + report["left"] and report["delivered"] == report["sent"]


def wants_no_news(member: Person) -> None:
    settings = member.reads("/settings/mail")
    on = [each["topic"] for each in settings["topics"] if each["on"] and each["topic"] != "news"]
    hours = {name: settings[name] for name in ("version", "time_zone", "quiet_from", "quiet_until")}
    member.does("/settings/mail", on=on, **hours)


def sends_form(http: httpx.Client, code: str) -> str:
    """The partner's own page sends it in, perhaps twice: the lead."""
    said = MARA | {"consent": True, "consent_text": "Call me.", "language": "en"}
    answer = http.post(f"/leads/{code}", json=said, headers=JSON | {"Idempotency-Key": f"row 77 of {code}"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["lead"])


def about(reader: Person, path: str) -> list[EmailMessage]:
    """The mails that lead to this place of the portal."""
    return [mail for mail in reader.inbox() if path in words_of(mail)]


def words_of(mail: EmailMessage) -> str:
    """All that its reader sees, in both forms."""
    return "\n".join(str(part.get_content()) for part in mail.walk() if part.get_content_maintype() == "text")


def outcomes(staff: Person, partner: str) -> list[str]:
    """What became of a partner's tasks."""
    return [task["outcome"] for task in staff.reads(f"/desk/partners/{partner}/tasks")["items"]]
