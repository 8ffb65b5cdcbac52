"""A week of what is written and asked for in the demo world: up to the trading day, and to the Monday after it.

Three people apply to be partners. A manager switches onboarding on, and partners join: one whose terms wait, one who
gets on, one who wants no such mail. The demo partner asks something and is answered; a segment gets a broadcast, to two
addresses among others that do not want it or are none; something is announced, and read; two people ask to be called,
and one becomes a client. The triggers look at everybody each morning, and on Monday letters and a digest are written.

All of it over HTTP, as people do it; partners are registered by the product's own service. What a schedule calls in AWS
is called here when the clock comes to it: on the local stage those schedules are off.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from introducer.domain.configuration import PartnerKind, Role
from introducer.domain.mail import Mail, MailStatus, MailTemplate, Seen
from introducer.gateways.user_pool import UserPool
from introducer.services.creation import Author
from introducer.services.invite_member import invite_member
from introducer.services.propose_deal import propose_deal
from introducer.services.register_partner import register_partner
from introducer.store.configuration import Configuration
from introducer.store.mail_figures import MailFigures
from introducer.store.tasks import Tasks
from introducer_ops.demo.applying import Applied, apply
from introducer_ops.demo.building import Login, World, new_password
from introducer_ops.demo.deals import terms_of
from introducer_ops.demo.desk import Desk, DeskRefused
from introducer_ops.demo.people import full_name, person
from introducer_ops.demo.plan import STAR
from introducer_ops.demo.script import Post, Slot
from introducer_ops.demo.telling import Message, rfc3339
from introducer_ops.demo.waiting import NotSettled, wait_until_looked_at, wait_until_told
from introducer_ops.localcloud import Stack

NEWCOMERS = (
    ("Saltmarsh Reviews", "affiliate", "GB"),
    ("Kestrel Signals", "ib", "DE"),
    ("Juniper Trading Notes", "affiliate", "ES"),
)
"""Who joins in the week: whose terms wait, who gets on at once, who wants no mail about first steps."""
TERMS_WAIT, GETS_ON, WANTS_NONE = range(3)
BOUNCES, COMPLAINS = 1, 2
"""Partners of the plan with a colleague whose address takes no mail, and with one who calls it spam."""
READER = 3
"""The partner of the plan who reads the announcement beside the demo partner."""
LEAD_CLIENT = "655001"
"""What the platform calls the client that a lead became."""
MAILS_PER_SECOND = 100
"""What the account of the demo world may send: not the first quota of a new account."""
APPROVE_ABOVE = 10
"""To more people than these nobody of the demo world's staff writes alone."""
_ONBOARDING = "/desk/sequences/onboarding"
_AUTHOR = Author(by="system:demo", why="A partner joins in the week of the demo world")
_REPORTS_ON = clock_time(8, 10)
_PATIENCE = 90.0
_LOOK_EVERY = 0.2


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A partner that joined in the week."""

    partner: str
    name: str
    owner: Login
    deal: tuple[int, str]
    """The version of its terms, and the hash of their words."""


@dataclass(slots=True)
class Story:
    """What people made in the week, by its id."""

    segment: str = ""
    fits: int = 0
    """Partners that the segment meant when it was saved."""
    broadcast: str = ""
    people: int = 0
    """To how many at least the broadcast goes, as was said when it was submitted."""
    approved_by: str = ""
    thread: str = ""
    announcement: str = ""
    won: str = ""
    lost: str = ""
    """Leads."""
    lead_partner: str = ""
    """Whose the client is that the won lead became."""
    done: list[str] = field(default_factory=list)
    snoozed: list[str] = field(default_factory=list)
    """Tasks."""


@dataclass(frozen=True, slots=True)
class Communication:
    """What the week came to."""

    story: Story
    mails: tuple[Mail, ...]
    """All that the books know of."""
    handed_over: tuple[tuple[str, str], ...]
    """What the mail service took, in order: the Message-ID and the address."""
    counted: Mapping[str, int]
    """By series, how many mails the figures count as sent."""
    barred: Mapping[str, int]
    """Addresses that are to get nothing any more, by how many mails went there."""
    newcomers: tuple[Newcomer, ...]
    broadcast: Mapping[str, Any]
    """As its page tells it."""
    thread: Mapping[str, Any]
    spread: Mapping[str, int]
    """Of the announcement."""
    steps: Mapping[str, int]
    """Of the sequence: mails sent, by step."""
    ends: Mapping[str, str]
    """How far each newcomer came, by name: `over`, or empty for who still walks."""
    tasks: tuple[Mapping[str, str], ...]
    """Those that are open: task, kind, and the partner's id and name."""
    queue: Mapping[str, int]
    """The same, as the page of the queue counts them."""
    star: str
    """The demo partner, whose form the leads came by."""

    @property
    def mails_sent(self) -> int:
        """Mails that the mail service has."""
        return sum(each.status is MailStatus.SENT for each in self.mails)

    @property
    def tasks_open(self) -> int:
        return len(self.tasks)

    @property
    def became(self) -> Counter[str]:
        """What became of all mails that were sent: delivered, bounced, complained …"""
        return Counter(each.value for mail in self.mails for each in mail.seen if each is not Seen.SENT)

    @property
    def by_template(self) -> Counter[str]:
        """Mails that were sent, by what they say."""
        return Counter(each.template.value for each in self.mails if each.status is MailStatus.SENT)

    @property
    def suppressed(self) -> Counter[str]:
        """Mails that were not sent because they must not be, by reason."""
        return Counter(each.reason for each in self.mails if each.status is MailStatus.SUPPRESSED)

    @property
    def of_broadcast(self) -> list[Mail]:
        return [each for each in self.mails if each.series == f"brc:{self.story.broadcast}"]

    @property
    def wrong(self) -> list[str]:
        """What is not as it must be, in words."""
        return [*self._wrong_mails(), *self._wrong_broadcast(), *self._wrong_talk(), *self._wrong_tasks()]

    def _wrong_mails(self) -> list[str]:
        found, sent = [], self.mails_sent
        taken, counted = len(self.handed_over), sum(self.counted.values())
        if not sent or sent != taken or sent != counted:
            found.append(f"{sent} mails are sent by the books, {taken} were taken, and {counted} are counted.")
        if len({message for message, _ in self.handed_over}) != taken:
            found.append("A mail was handed over twice.")
        found += [
            f"{mail.template} to {mail.partner or 'staff'} is {mail.status}: {mail.reason or 'no reason'}."
            for mail in self.mails
            if mail.status not in (MailStatus.SENT, MailStatus.HANDED_ON, MailStatus.SUPPRESSED)
        ]
        for address, mails in self.barred.items():
            if mails != 1:
                found.append(f"{address} got {mails} mails, and was to get one.")
        if not {"bounced", "complained"} <= self.suppressed.keys():
            found.append("Nothing more was to go to two addresses, and nothing was held back.")
        welcomed = self.steps.get("welcome", 0)
        if welcomed != len(self.newcomers):
            found.append(f"{len(self.newcomers)} partners joined, and {welcomed} were welcomed.")
        unwilling = self.newcomers[WANTS_NONE]
        steps = [each for each in self.mails if each.partner == unwilling.partner and each.series.startswith("seq:")]
        if len([each for each in steps if each.status is MailStatus.SENT]) != 1:
            found.append(f"{unwilling.name} wants no mail about first steps, and has other than the one before that.")
        monday = (MailTemplate.PARTNER_REPORT, MailTemplate.MANAGER_DIGEST)
        found += [f"On Monday there was no {each}." for each in monday if not self.by_template[each.value]]
        return found

    def _wrong_broadcast(self) -> list[str]:
        report, found = self.broadcast["report"] or {}, []
        rows = ("sent", "suppressed", "taken_back", "unsubscribed", "waiting", "failed", "unclear", "left")
        recipients = report.get("recipients", 0)
        # It was submitted to so many at least: where partners alone are more than one person may write to, they count.
        if self.broadcast["status"] != "done" or recipients < max(1, self.story.people):
            found.append(
                f"The broadcast is {self.broadcast['status']}, and went to {recipients} of {self.story.people} people."
            )
        partners = len({each.partner for each in self.of_broadcast})
        if partners != self.story.fits:
            found.append(f"The broadcast's segment means {self.story.fits} partners, and {partners} have its mail.")
        if sum(report.get(row, 0) for row in rows) != recipients:
            found.append(f"The broadcast's report does not add up to its {recipients} recipients: {report}.")
        of_it = [each for each in self.of_broadcast if each.status is MailStatus.SENT]
        became = Counter(each.value for mail in of_it for each in mail.seen)
        found += [
            f"The broadcast's report says {report.get(row)} {row}, its mails say {became[row]}."
            for row in ("sent", "delivered", "bounced", "complained")
            if report.get(row) != became[row]
        ]
        if (report.get("bounced"), report.get("complained")) != (1, 1):
            found.append("One address of the broadcast is none, and one reader calls it spam: the report says other.")
        if not self.story.approved_by:
            found.append("The broadcast went to so many that a second person is asked, and nobody was.")
        return found

    def _wrong_talk(self) -> list[str]:
        found = []
        if self.thread["waits_since"] is not None or not self.thread["read_by_other"]:
            found.append("The conversation waits, or its answer was not read.")
        if self.spread["have_read"] != 2:
            found.append(f"Two partners read the announcement, and {self.spread['have_read']} have, it says.")
        if self.story.lead_partner != self.star:
            found.append(f"The won lead's client belongs to {self.story.lead_partner or 'nobody'}.")
        return found

    def _wrong_tasks(self) -> list[str]:
        found = []
        told = self.queue["tasks"] + self.queue["asleep"]
        if told != self.tasks_open or not told:
            found.append(f"{self.tasks_open} tasks are open, and the queue tells of {told}.")
        open_now = {each["task"] for each in self.tasks}
        if not self.story.done or open_now & set(self.story.done):
            found.append("A task that was done is open, or none was.")
        if not self.story.snoozed or not set(self.story.snoozed) <= open_now:
            found.append("A task that was put off is gone, or none was.")
        return found


class Week:
    """The week, moved on by the world's clock: `before` each slot, `after` the trading day, and to its `end`."""

    def __init__(self, stack: Stack, world: World, day: date) -> None:
        self._stack, self._world, self._day = stack, world, day
        self._brand = world.brand.brand
        self._star = world.partners[STAR].partner
        self._newcomers: list[Newcomer] = []
        self._applied = Applied(partners=(), became="")
        self._story = Story()
        self._answer = ""
        self._desks: dict[str, Desk] = {}
        stack.set_mail_rate(MAILS_PER_SECOND)
        agenda: list[tuple[datetime, Callable[[], None]]] = [
            (self._at(5, 10), self._apply),
            (self._at(4, 9), self._open),
            (self._at(4, 10, 30), self._ask),
            (self._at(4, 15), self._reply),
            (self._at(3, 10), self._write_to_many),
            (self._at(2, 10), self._announce),
            (self._at(2, 15), self._call_leads),
            (self._at(1, 10), self._sort_leads),
        ]
        # A line of results of the day before is what the first look asks for.
        agenda += [(self._at(back, 0, 40), self._score) for back in range(7, -1, -1)]
        agenda += [(self._at(back, 3, 30), self._look) for back in range(6, -1, -1)]
        agenda += [(self._at(back, 8, 5), self._hand_on) for back in range(_EARLIER, -1, -1)]
        self._agenda = deque(sorted(agenda, key=lambda each: each[0]))

    def _at(self, back: int, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(self._day - timedelta(days=back), clock_time(hour, minute), UTC)

    def before(self, slot: Slot) -> None:
        """What is due before the clock comes to a slot."""
        while self._agenda and self._agenda[0][0] <= slot.at:
            at, what = self._agenda.popleft()
            if at > self._stack.clock.now():
                self._stack.clock.set_to(at)
            what()

    # ------------------------------------------------------------------------------------------------ what is called

    def _score(self) -> None:
        self._stack.invoke("ScoringFunction", {"brand": self._brand})

    def _look(self) -> None:
        self._stack.invoke("TriggersFunction", {"brand": self._brand})

    def _hand_on(self) -> None:
        """What waited for the morning."""
        self._stack.invoke("DueMailsFunction", {})

    # ------------------------------------------------------------------------------------------------- what people do

    def _apply(self) -> None:
        """Three people want to be partners. Who is approved comes before onboarding is switched on."""
        chance = random.Random(f"{self._world.plan.seed}/applicant")
        self._applied = apply(
            self._stack,
            brand=self._brand,
            star=self._partner(STAR),
            manager=self._staff(Role.MANAGER),
            terms=terms_of("cpa", "EUR", self._day, chance),
            mail_to=lambda address: _until(lambda: self._text_to(address), f"{address} got no mail"),
        )

    def _text_to(self, address: str) -> str:
        """The newest mail to an address, as it is read; empty while there is none."""
        found = [mail for mail in self._stack.mails() if _address(mail) == address]
        body = found[-1].get_body(("plain",)) if found else None
        return "" if body is None else str(body.get_content())

    def _open(self) -> None:
        """A manager switches onboarding on, and saves an answer; then partners join."""
        manager = self._staff(Role.MANAGER)
        found = manager.get(_ONBOARDING)
        wish = {"on": "yes", "goal": found["goal"] or "", "version": found["version"], "why": "Read: it begins today"}
        manager.post(_ONBOARDING, wish)
        self._answer = str(manager.post("/desk/answers", _ANSWER)["answer"])
        for number, (name, kind, country) in enumerate(NEWCOMERS):
            self._newcomers.append(self._joins(number, name, kind, country))
        quick = self._newcomers[GETS_ON]
        with self._owner(quick.owner) as owner:
            self._accept(owner, quick)
            owner.post("/links", {"campaign": self._world.links[STAR, 0].campaign})

    def _joins(self, number: int, name: str, kind: str, country: str) -> Newcomer:
        configuration, chance = self._configuration, random.Random(f"{self._world.plan.seed}/newcomer/{number}")
        partner = register_partner(
            configuration,
            brand=self._brand,
            name=name,
            kind=PartnerKind(kind),
            country=country,
            language="es" if country == "ES" else "en",
            currency="EUR",
            manager=self._world.partners[STAR].manager,
            author=_AUTHOR,
            clock=self._stack.clock.now,
            random=chance.randbytes,
        )
        terms = terms_of("cpa", "EUR", self._day, chance)
        deal = propose_deal(
            configuration, partner=partner.partner, terms=terms, author=_AUTHOR, clock=self._stack.clock.now
        )
        login = self._invite(partner.partner, f"owner@newcomer-{number}.example", full_name(name, country), country)
        return Newcomer(partner.partner, name, login, (deal.version, deal.terms_hash))

    def _accept(self, owner: Desk, newcomer: Newcomer) -> None:
        version, words = newcomer.deal
        owner.post("/deal", {"version": version, "terms_hash": words})

    def _ask(self) -> None:
        """The demo partner asks something, and two people leave their details at its form."""
        owner = self._partner(STAR)
        said = {"subject": "Clients from Austria", "text": "We write for Austria from next month on. Do clients from "
                                                           "there count like those from Germany?"}  # fmt: skip
        self._story.thread = str(owner.post("/messages", said)["thread"])
        code = self._world.links[STAR, 0].code
        self._story.won = self._lead(code, "Mara Quill", person(LEAD_CLIENT, "DE")["email"], "+493012345678")
        self._story.lost = self._lead(code, "Jon Ashby", "jon.ashby@post.example", "+493087654321")

    def _lead(self, code: str, name: str, email: str, phone: str) -> str:
        form = {"name": name, "email": email, "phone": phone, "consent": True, "language": "en"}
        with self._stack.http(headers={"Accept": "application/json"}) as anybody:
            answer = anybody.post(f"/leads/{code}", json=form)
        if answer.status_code != 201:
            raise DeskRefused(f"POST /leads/{code}: {answer.status_code} {answer.text[:300]}")
        return str(answer.json()["lead"])

    def _reply(self) -> None:
        """The manager notes something for colleagues and answers with what is saved; a newcomer unsubscribes."""
        manager, where = self._staff(Role.MANAGER), f"/desk/messages/{self._star}/{self._story.thread}"
        prefilled = manager.get(f"{where}?answer={self._answer}")["prefilled"]
        manager.post(where, {"text": "Asked compliance: Austria is fine since the spring.", "kind": "note"})
        manager.post(where, {"text": prefilled})
        self._partner(STAR).get(f"/messages/{self._story.thread}")
        address = self._newcomers[WANTS_NONE].owner.email
        link = _until(lambda: self._unsubscribe_link(address), f"{address} was not welcomed")
        with self._stack.http() as mail_program:
            answer = mail_program.post(urlsplit(link).path, data={"List-Unsubscribe": "One-Click"})
        if answer.status_code != 200:
            raise DeskRefused(f"POST /unsubscribe: {answer.status_code} {answer.text[:300]}")

    def _unsubscribe_link(self, address: str) -> str:
        for mail in self._stack.mails():
            found = re.search(r"<(https://[^>]+)>", str(mail.get("List-Unsubscribe", "")))
            if _address(mail) == address and found:
                return found[1]
        return ""

    def _write_to_many(self) -> None:
        """A segment is saved and gets a broadcast. It goes to so many people that an admin says yes, and to two
        colleagues of partners with the addresses of which the local cloud's mail service makes something."""
        for number, address in ((BOUNCES, self._bounces), (COMPLAINS, self._complains)):
            self._invite(self._world.partners[number].partner, address, full_name(address, "GB"), "GB")
        manager, admin = self._staff(Role.MANAGER), self._staff(Role.ADMIN)
        admin.post("/desk/broadcasts/policy", {"people": APPROVE_ABOVE})
        self._story.segment = str(manager.post("/desk/segments", _SEGMENT)["segment"])
        self._story.fits = manager.get(f"/desk/segments/{self._story.segment}")["counted"]["partners"]
        made = manager.post("/desk/broadcasts", {**_BROADCAST, "segment": self._story.segment})
        self._story.broadcast = where = str(made["broadcast"])
        where = f"/desk/broadcasts/{where}"
        sent = manager.post(f"{where}/submission", {"version": made["version"]})
        self._story.people = sent["people"]
        if sent["status"] == "waiting":
            self._story.approved_by = admin.post(f"{where}/approval", {"version": sent["version"]})["approved_by"]
        # The clock stands until all have it: a moment later it is another day.
        _until(lambda: _has_gone(manager.get(where)), f"{where} is not sent")

    def _announce(self) -> None:
        """Something is announced, and two partners open it; whose terms waited accepts them."""
        through = (self._day + timedelta(days=14)).isoformat()
        made = self._staff(Role.MANAGER).post("/desk/announcements", {**_ANNOUNCEMENT, "through": through})
        self._story.announcement = str(made["announcement"])
        for number in (STAR, READER):
            self._partner(number).get(f"/messages/announcements/{self._story.announcement}")
        slow = self._newcomers[TERMS_WAIT]
        with self._owner(slow.owner) as owner:
            self._accept(owner, slow)

    def _call_leads(self) -> None:
        for lead in (self._story.won, self._story.lost):
            self._step(lead, stage="contacted")
        said = {"text": "Reached in the afternoon. Trades elsewhere, wants lower spreads."}
        self._staff(Role.SALES).post(f"/desk/leads/{self._story.won}/notes", said)

    def _sort_leads(self) -> None:
        self._step(self._story.won, stage="opportunity")
        self._step(self._story.lost, stage="lost", lost="not_interested")

    def _step(self, lead: str, **step: str) -> None:
        sales, where = self._staff(Role.SALES), f"/desk/leads/{lead}"
        sales.post(f"{where}/stage", {"version": sales.get(where)["version"], **step})

    # ------------------------------------------------------------------------------------------- after the trading day

    def client_slot(self) -> Slot:
        """The platform tells of the client that the lead became. It came by no link."""
        at = self._at(0, 18)
        account = {"account": f"{LEAD_CLIENT}1", "account_type": "standard"}
        messages = (
            _event("registration", at, country="DE", **person(LEAD_CLIENT, "DE")),
            _event("kyc", at + timedelta(hours=1), status="approved"),
            _event("deposit", at + timedelta(hours=2), currency="EUR", amount="500.00", **account),
        )
        return Slot(self._stack.clock.now(), True, (), tuple(Post((each,), True) for each in messages))

    def win(self) -> None:
        """Sales say which client the lead became; asked for once its events are in the books."""
        self._step(self._story.won, stage="won", client_id=LEAD_CLIENT)

    def work_tasks(self) -> None:
        """Of what the week's looks at partners raised the manager does two and puts one off."""
        manager = self._staff(Role.MANAGER)
        queue = _until(lambda: _workable(manager), "there are three tasks for a manager")
        ways = ({"outcome": "spoke", "note": "Called: will write about it on Sunday."}, {"outcome": "no_answer"})
        for task, said in zip(queue, ways, strict=False):
            manager.post(f"{task['path']}/done", said)
            self._story.done.append(task["task"])
        later = queue[len(ways)]
        manager.post(f"{later['path']}/snooze", {"until": (self._day + timedelta(days=14)).isoformat()})
        self._story.snoozed.append(later["task"])

    # -------------------------------------------------------------------------------------------------------- the end

    def end(self, say: Callable[[str], None]) -> Communication:
        """On the Monday after, letters and the digest are written, and everybody is looked at once more. Raises
        `NotSettled`."""
        self._story.lead_partner = self._holder()
        now = self._stack.clock.now()
        monday = datetime.combine(now.date() + timedelta(days=-now.weekday() % 7), _REPORTS_ON, UTC)
        if monday < now:
            monday += timedelta(days=7)
        say("the letters of Monday")
        for at, what in ((clock_time(0, 40), self._score), (clock_time(3, 30), self._look)):
            self._stack.clock.set_to(max(now, datetime.combine(monday.date(), at, UTC)))
            what()
            wait_until_looked_at(self._stack)
        self._stack.clock.set_to(max(now, monday))
        self._stack.invoke("ReportsFunction", {})
        wait_until_looked_at(self._stack)
        say("mails that are due")
        of = [*(each.partner for each in self._world.partners), *(each.partner for each in self._newcomers)]
        of += self._applied.partners
        mails = wait_until_told(self._stack, self._brand, of)
        # What a mail told may have raised a task.
        wait_until_looked_at(self._stack)
        found = self._read(mails)
        self.close()
        return found

    def _read(self, mails: tuple[Mail, ...]) -> Communication:
        manager, story, books = self._staff(Role.MANAGER), self._story, self._stack.outputs["BooksTableName"]
        handed_over = tuple((str(mail["Message-ID"]), _address(mail)) for mail in self._stack.mails())
        to = Counter(address for _, address in handed_over)
        figures = MailFigures(books).of_brand(self._brand)
        sequence = manager.get(_ONBOARDING)
        walking = {each["partner"] for each in sequence["walking"]}
        queue = self._staff(Role.ADMIN).get("/desk?whose=all")
        return Communication(
            story=story,
            mails=mails,
            handed_over=handed_over,
            counted={series: each.sent for series, each in figures.items()},
            barred={address: to[address] for address in (self._bounces, self._complains)},
            newcomers=tuple(self._newcomers),
            broadcast=manager.get(f"/desk/broadcasts/{story.broadcast}"),
            thread=manager.get(f"/desk/messages/{self._star}/{story.thread}"),
            spread=manager.get(f"/desk/announcements/{story.announcement}")["spread"],
            steps={each["step"]: each["figures"]["sent"] for each in sequence["steps"]},
            ends={each.name: "" if each.partner in walking else "over" for each in self._newcomers},
            tasks=tuple(
                {"task": task.task, "partner": task.partner, "name": task.name, "kind": task.trigger.value}
                for task in Tasks(books).open_of_brand(self._brand)
            ),
            queue={name: queue[name] for name in ("partners", "tasks", "overdue", "asleep")},
            star=self._star,
        )

    def _holder(self) -> str:
        """Whose the lead's client is, as the desk shows it."""
        manager = self._staff(Role.MANAGER)
        client = manager.post("/desk/clients", {"client_id": LEAD_CLIENT})["client"]
        belongs = manager.get(f"/desk/clients/{client}")["client"]["belongs"]
        return str(belongs[-1]["partner"]) if belongs else ""

    # ---------------------------------------------------------------------------------------------------------- people

    @property
    def _bounces(self) -> str:
        return f"bounce@{self._world.plan.domain}"

    @property
    def _complains(self) -> str:
        return f"complaint@{self._world.plan.domain}"

    @property
    def _configuration(self) -> Configuration:
        return Configuration(self._stack.outputs["BooksTableName"])

    def _invite(self, partner: str, email: str, name: str, country: str) -> Login:
        login = Login(Role.OWNER, email, new_password())
        invite_member(
            self._configuration,
            UserPool(self._stack.client("cognito-idp"), self._stack.outputs["UserPoolId"]),
            brand=self._brand,
            partner=partner,
            role=login.role,
            email=email,
            name=name,
            language="es" if country == "ES" else "en",
            password=login.password,
            author=_AUTHOR,
            clock=self._stack.clock.now,
        )
        return login

    def _staff(self, role: Role) -> Desk:
        return self._signed_in(self._world.login(role))

    def _partner(self, number: int) -> Desk:
        return self._signed_in(self._world.owners[self._world.partners[number].partner])

    def _owner(self, login: Login) -> Desk:
        """Somebody who signs in for one thing."""
        return Desk(self._stack, login)

    def _signed_in(self, login: Login) -> Desk:
        if login.email not in self._desks:
            self._desks[login.email] = Desk(self._stack, login)
        return self._desks[login.email]

    def close(self) -> None:
        """Nobody signs in any more."""
        for desk in self._desks.values():
            desk.close()
        self._desks.clear()


def _event(kind: str, at: datetime, **said: Any) -> Message:
    fields = {"event_id": f"lead-{kind}", "type": kind, "client_id": LEAD_CLIENT, "occurred_at": rfc3339(at)}
    return Message(fields | said)


def _workable(manager: Desk) -> list[Mapping[str, Any]]:
    """Tasks that the manager may work, the most pressing first; none while there are fewer than three. Cases are
    compliance's, and an application is decided on a page of its own."""
    rows = manager.get("/desk?whose=all")["items"]
    others = ("case_opened", "application_waits")
    found = [task for row in rows for task in row["tasks"] if task["may_work"] and task["kind"] not in others]
    return found if len(found) > 2 else []


def _has_gone(broadcast: Mapping[str, Any]) -> bool:
    return broadcast["status"] == "done" and not broadcast["report"]["waiting"] + broadcast["report"]["left"]


def _address(mail: EmailMessage) -> str:
    return parseaddr(str(mail["To"]))[1]


def _until(look: Callable[[], Any], otherwise: str) -> Any:
    deadline = time.monotonic() + _PATIENCE
    while not (found := look()):
        if time.monotonic() > deadline:
            raise NotSettled(f"After {_PATIENCE:.0f} seconds {otherwise}.")
        time.sleep(_LOOK_EVERY)
    return found


_EARLIER = 40
"""Days before the trading day from which on mails wait for the morning."""
_ANSWER = {
    "subject_en": "Countries that count",
    "text_en": "Hello {name},\n\nyour terms name no countries, so a first deposit counts wherever the client lives, as "
    "long as we may serve them there. Austria is among those countries.\n\n{manager}",
}
_SEGMENT = {
    "name": "Brought visitors in the last month",
    "shared": True,
    "match": "all",
    "conditions": [
        {"field": "status", "operator": "is", "values": ["active"]},
        {"field": "clicks_30", "operator": "at_least", "values": ["1"]},
    ],
}
_BROADCAST = {
    "name": "New landing pages",
    "path": "/links",
    "subject_en": "New landing pages from Monday",
    "text_en": "From Monday on our landing pages open in half the time. Your links stay as they are: "
    "{clicks_30} visitors came through them in the last 30 days.\n\nIf a page looks odd, tell {manager}.",
    "subject_es": "Nuevas páginas de destino desde el lunes",
    "text_es": "Desde el lunes, nuestras páginas de destino se abren en la mitad de tiempo. Tus "
    "enlaces no cambian: {clicks_30} visitas llegaron por ellos en los últimos 30 días.\n\nSi algo se ve raro, avisa "
    "a {manager}.",
}
_ANNOUNCEMENT = {
    "subject_en": "Payouts on Friday, as always",
    "text_en": "The bank holiday on Monday moves nothing: the week's payouts are approved on Friday.",
}
