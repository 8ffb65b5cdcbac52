"""A world in which every route has something to show, all in this process: at one partner and one brand there is all
that partners and staff look at and work with, and nothing else than the tables of a test behind it.

Beside Harbour, whose owner and member look, there are another partner of the brand and a brand next door with people of
the same roles: what is Harbour's is another's to them. `paths` says where a route leads in this world.

    with everything(patch) as world:
        world.machine(world.who["owner"]).get(world.path("/links/{code}"))
"""

from __future__ import annotations

import json
import re
import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from introducer.domain.applying import Confirming
from introducer.domain.applying import key_of as applying_key
from introducer.domain.applying import token as applying_token
from introducer.domain.case import Case
from introducer.domain.configuration import Availability, Member, Role, Source
from introducer.domain.contest import ContestStatus
from introducer.domain.contest_closing import Recount, batches_of
from introducer.domain.contest_score import Counted
from introducer.domain.errors import Unauthenticated
from introducer.domain.events import Event, EventType, from_milliseconds, milliseconds
from introducer.domain.identity import CLIENT, brand_key, keyed_hash
from introducer.domain.mail_topics import Topic
from introducer.domain.money import minor_units
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import PayoutStatus
from introducer.domain.postback_out import NOT_2XX, Attempt, DeliveryStatus
from introducer.domain.source_file import SourceFile, file_id
from introducer.domain.source_file import failed as file_failed
from introducer.domain.suppressing import Suppressed
from introducer.domain.unsubscribing import Unsubscribing, key_of, token
from introducer.domain.verification import Document, DocumentKind, VerificationStatus
from introducer.gateways.application_vault import ApplicationVault
from introducer.gateways.documents import Form
from introducer.gateways.identity import NewPasswordNeeded, Tokens
from introducer.gateways.lead_vault import LeadVault
from introducer.gateways.user_pool import Login
from introducer.gateways.vault import Vault
from introducer.services.apply_events import Engine
from introducer.services.chain_audit import chain_audit
from introducer.services.close_month import SCHEDULE as CLOSED_BY_CLOCK
from introducer.services.close_month import Progress, begin_close, close_partners, finish_close
from introducer.services.create_link import create_link
from introducer.services.edit_targets import TargetBooks
from introducer.services.issue_invoices import issue_invoices
from introducer.services.read_contracts import ContractReader
from introducer.services.remember_member import remember_member
from introducer.services.team import TeamBooks
from introducer.store.accruals import Accruals
from introducer.store.audit_chain import AuditChain, recorded_of_item
from introducer.store.click_counts import ClickCount, ClickCounts, Span
from introducer.store.clients import Clients
from introducer.store.deliveries import Deliveries
from introducer.store.invoices import Invoices
from introducer.store.mails import Mails
from introducer.store.rates import RateStore
from introducer.store.source_files import SourceFiles
from introducer.store.suppressions import Suppressions
from introducer.store.targets import Targets
from introducer.store.verifications import Verifications
from introducer.store.wire import from_wire
from introducer_ops import fonts
from tests.browser.world import Answer, Visitor, an_http_event
from tests.support.applying import APPLIED
from tests.support.at_once import FOREIGNER, NEIGHBOUR, AtOnce, at_once
from tests.support.builders import CLICK_KEY, a_click
from tests.support.casework import COMPLIANCE, HELPER, SALES
from tests.support.contest_pages import ContestPages
from tests.support.hooked import URL, WISH, Hooked
from tests.support.kept_secrets import KeptSecrets
from tests.support.leading import PERSON
from tests.support.leading import Keys as LeadKeys
from tests.support.payday import (
    ADMIN,
    AUTHOR,
    BEFORE,
    HARBOUR,
    HELD,
    LAST_RUN,
    MAKER,
    MANAGER,
    NOW,
    PIPS,
    RUN,
    Keys,
)
from tests.support.pictures import drawn
from tests.support.promoting import Pictures, as_answer
from tests.support.queueing import CHANGE

SECRET = b"what people are hashed under"
FEBRUARY, MARCH = "2026-02", "2026-03"
PLATFORMS_CLIENT = "10234"
"""What the platform calls the client with all kinds of events."""
OWNERS_ADDRESS = "robin@harbour.example"
STAFFS_ADDRESS = "hash-of-an-address-of-staff"
PLATFORM, FETCHED = "web-forms", "mt5-live"
"""Sources: one that posts, and one that is fetched."""

ROLES = ("owner", "member", "manager", "sales", "finance", "compliance", "admin")
"""Who signs in; a stranger does not."""
STAFF_ROLES = ROLES[2:]
OTHERS_MEMBER = "member@pips"
FOREIGN = {role: f"{role}@next-door" for role in STAFF_ROLES} | {"manager": FOREIGNER}
"""Staff of the brand next door."""
LOGINS = {
    "owner": HARBOUR, "member": HELPER, "manager": MANAGER, "sales": SALES, "finance": MAKER,
    "compliance": COMPLIANCE, "admin": ADMIN,
}  # fmt: skip
OTHERS = {"owner": PIPS, "member": OTHERS_MEMBER} | FOREIGN
"""Whom everything of Harbour and its brand is another's to."""
NEXT_DOOR = {"owner": "owner@next-door", "member": "member@next-door"}
"""The logins of the partner next door."""


@dataclass
class Uploads:
    """The bucket of documents, as far as the portal asks it."""

    by_partner: dict[str, list[Document]] = field(default_factory=dict)

    def form(self, partner: str, document: str, kind: DocumentKind, back: str) -> Form:
        return Form("https://documents.example/", {"key": f"{partner}/{document}", "success_action_redirect": back})

    def uploaded(self, partner: str) -> list[Document]:
        return list(self.by_partner.get(partner, []))

    def remove(self, partner: str, document: str) -> None:
        self.by_partner[partner] = [each for each in self.uploaded(partner) if each.document != document]

    def link(self, partner: str, document: Document) -> str:
        return f"https://documents.example/{partner}/{document.document}?signed"


@dataclass
class Pool:
    """Cognito, as far as the portal asks it: everybody has one password."""

    password: str = "Correct-horse-7-battery"

    def sign_in(self, email: str, password: str) -> Tokens | NewPasswordNeeded:
        if password != self.password:
            raise Unauthenticated("E-mail and password do not belong together.", code="sign_in_wrong")
        return NewPasswordNeeded("a session")

    def choose_password(self, email: str, session: str, password: str) -> Tokens | NewPasswordNeeded:
        return NewPasswordNeeded("a session")

    def renew(self, refresh: str) -> Tokens:
        raise Unauthenticated("Sign in to go on.", code="not_signed_in")

    def revoke(self, refresh: str) -> None:
        return None


class Logins:
    """The pool as its administrator sees it: every address may have a login."""

    def create_user(self, email: str, *, send_invitation: bool) -> str:
        return f"sub-{email}"

    def add_to_group(self, sub: str, group: str) -> None:
        return None

    def move_to_group(self, sub: str, before: str, group: str) -> None:
        return None

    def login(self, sub: str) -> Login:
        return Login(f"{sub}@mail.example", True, True)

    def sub_of(self, email: str) -> str | None:
        return None

    def delete(self, sub: str) -> bool:
        return True

    def disable(self, sub: str) -> None:
        return None

    def enable(self, sub: str) -> None:
        return None

    def invite_again(self, email: str) -> None:
        return None


@dataclass
class Queue:
    """SQS."""

    sent: list[str] = field(default_factory=list)

    def send(self, body: str, delay: int = 0) -> None:
        self.sent.append(body)


class Everything(AtOnce, ContestPages):
    """The portal, and where everything in it is."""

    values: dict[str, str]
    """An id by its name in routes, such as `payout`; all of them Harbour's, or its brand's."""
    special: dict[str, Mapping[str, str]]
    """Other ids, by the beginning of the routes that they are for."""
    queries: dict[str, str]
    """What routes are asked beside."""
    uploads: Uploads
    kept_secrets: KeptSecrets
    queue: Queue
    pool: Pool

    who = LOGINS
    others = OTHERS

    def values_of(self, route: str) -> dict[str, str]:
        """The ids of a route, by their names. Raises `KeyError` when this world has none: give it one."""
        own = dict(self.values)
        for beginning in sorted(self.special, key=len):
            if route.startswith(beginning):
                own |= self.special[beginning]
        return {name: own[name] for name in re.findall(r"\{(\w+)\}", route)}

    def path(self, route: str) -> str:
        """Where a route leads in this world, with the query that it needs to show something."""
        return route.format_map(self.values_of(route)) + self.queries.get(route, "")

    def login(self, role: str, *, others: bool = False, next_door: bool = False, meant: str = "") -> str:
        """Who is of this role; `meant`, if they are: a write may want a second person of it. With `others` somebody
        whom Harbour's things are another's to: of another partner, or, with `next_door`, of another brand."""
        found = (OTHERS | (NEXT_DOOR if next_door else {}) if others else LOGINS)[role]
        also = self.people.get(meant)
        return meant if also is not None and not others and also.role.value == role else found

    def asks(
        self, login: str, method: str, path: str, body: Any = None, content: bytes = b"", **headers: str
    ) -> Answer:
        """What a program is answered; one without a login is a stranger's."""
        if content:
            event = a_file(path, content, login)
            return as_answer(self.handle(event | {"headers": event["headers"] | headers}))
        visitor = self.machine(login) if login else Visitor(self, {"accept": "application/json"})
        if body is None:
            return visitor.send(method, path, None, headers)
        return visitor.send(method, path, json.dumps(body), {"content-type": "application/json"} | headers)


@contextmanager
def everything(patch: pytest.MonkeyPatch) -> Iterator[Everything]:
    """The world, built anew."""
    with at_once(patch) as found:
        found.__class__ = Everything
        world: Everything = found  # type: ignore[assignment]
        world.values, world.special, world.queries = {}, {}, {}
        _stand_ins(world, patch)
        _people(world)
        _promoted(world)
        _happened(world)
        _walked(world)
        _told(world)
        _talked(world)
        _planned(world)
        _paid(world)
        _contests(world)
        _cases(world)
        _settings(world)
        _applied(world)
        yield world


@contextmanager
def as_it_was(world: Everything) -> Iterator[Everything]:
    """The same world for one step more: whatever the step does to the tables is undone."""
    memory, now = world.dynamodb._memory, world.now
    tables = {name: table.copy() for name, table in memory.tables.items()}
    secrets_kept = {name: list(kept) for name, kept in world.kept_secrets.secrets.items()}
    uploads = {partner: list(each) for partner, each in world.uploads.by_partner.items()}
    started, failed = dict(world.executions.started), dict(world.executions.failed)
    try:
        yield world
    finally:
        memory.tables, world.now = tables, now
        # What is sent again under the same token is another's, once it is undone.
        memory._tokens.clear()
        world.kept_secrets.secrets, world.uploads.by_partner = secrets_kept, uploads
        world.executions.started, world.executions.failed = started, failed


# ------------------------------------------------------------------------------------------------- what stands around


def _stand_ins(world: Everything, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("FONTS_FOLDER", str(fonts.folder()))
    wiring = world.wiring
    world.uploads, world.kept_secrets, world.queue, world.pool = Uploads(), KeptSecrets(), Queue(), Pool()
    for name, stand_in in (
        ("application_vault", ApplicationVault(LeadKeys(), "key", random=secrets.token_bytes)),
        ("lead_vault", LeadVault(LeadKeys(), "key", random=secrets.token_bytes)),
        ("vault", Vault(Keys(), "key", random=secrets.token_bytes)),
        ("brand_key", lambda brand: brand_key(SECRET, brand)),
        ("identity_secret", lambda: SECRET),
        ("secrets", SimpleNamespace(text=lambda name: "a secret", signing_keys=lambda name: [b"a secret"])),
        ("pictures", Pictures()),
        ("documents", world.uploads),
        ("identity", world.pool),
        ("source_secrets", world.kept_secrets),
        ("postback_queue", world.queue),
        ("fetch_source", world.queue.send),
        ("read_source_file", lambda key, version: world.queue.send(f"{key} {version}")),
        ("closes", world.executions),
        ("start_case", lambda name, given: name),
        ("start_contest", lambda name, given: name),
        ("start_broadcast", lambda name, given: name),
        ("pause", lambda attempt: None),
        ("sleep", lambda seconds: None),
        ("contracts", _contracts(world)),
        ("team_books", TeamBooks(world.configuration, Logins())),  # type: ignore[arg-type]
        (
            "target_books",
            TargetBooks(
                configuration=world.configuration, targets=Targets(world.table), clock=lambda: world.now, loopback=True,
                random=secrets.token_bytes,
            ),
        ),
    ):  # fmt: skip
        setattr(wiring, name, stand_in)


def _contracts(world: Everything) -> ContractReader:
    return ContractReader(
        world.configuration, RateStore(world.table), lambda: {0: CLICK_KEY}, lambda: 0.0, lambda: f"{world.now:%F}"
    )


def _people(world: Everything) -> None:
    """A member of the other partner, and staff of each role next door; by which address Harbour's owner signs in."""
    key = brand_key(SECRET, world.brand)
    remember_member(world.wiring.persons, world.people[HARBOUR], brand_key=key, now=NOW, email=OWNERS_ADDRESS)
    neighbours = world.people[FOREIGNER].brand
    new = [(OTHERS_MEMBER, Role.MEMBER, world.partners[PIPS], world.brand)]
    new += [(login, Role(role), None, neighbours) for role, login in FOREIGN.items() if login != FOREIGNER]
    new += [(login, Role(role), world.partners[NEIGHBOUR], neighbours) for role, login in NEXT_DOOR.items()]
    for number, (login, role, partner, brand) in enumerate(new):
        world.people[login] = Member(
            member=f"mem_more{number}", partner=partner, brand=brand, role=role, name=f"Kim {role.value.title()}",
            language="en",
        )  # fmt: skip
        world.configuration.add_member(world.people[login], CHANGE)


# ------------------------------------------------------------------------------------------------------ what is there


def _does(world: Everything, role: str, path: str, said: Mapping[str, Any], *statuses: int) -> Any:
    """Somebody does something by the API; what is answered."""
    answer = world.machine(LOGINS.get(role, role)).post(path, said, as_json=True)
    assert answer.status in (statuses or (200, 201)), (path, answer.status, answer.body)
    return answer.json


def _promoted(world: Everything) -> None:
    """A campaign with materials, links of two partners with a name and a code of their own."""
    values = world.values
    about = {"name": "Open an account", "pages": [{"url": "https://northgate.example/open"}]}
    values["campaign"] = _does(world, "manager", "/desk/campaigns/new", about)["campaign"]
    here = f"/desk/campaigns/{values['campaign']}"
    share = {"kind": "share", "name": "For chats", "language": "en", "text": "Trade with {brand}: {link}"}
    _does(world, "manager", f"{here}/materials", share)
    world.pictures = world.wiring.pictures
    picture = as_answer(
        world.handle(a_file(f"{here}/materials/banners?name=Spring&language=en", drawn(), MANAGER))
    ).json
    values["material"] = picture["material"]
    _does(world, "manager", f"{here}/attribution", {
        "window_days": 45, "attribution": "last_click", "promo_first": False, "reason": "as agreed", "since": "",
    })  # fmt: skip
    link = _does(world, "owner", "/links", {"campaign": values["campaign"], "name": "Blog"})
    values["code"] = link["code"]
    values["slug"] = "harbour-blog"
    _does(world, "owner", f"/links/{values['code']}/slugs", {"slug": values["slug"]})
    create_link(
        world.configuration, partner=world.partners[PIPS], campaign=values["campaign"], author=AUTHOR,
        clock=lambda: NOW, random=secrets.token_bytes,
    )  # fmt: skip
    values["partner"] = world.harbour
    _does(world, "manager", f"/desk/partners/{world.harbour}/codes", {
        "code": "HARBOUR10", "campaign": values["campaign"], "reason": "For the stream",
    })  # fmt: skip


def a_file(path: str, content: bytes, login: str, kind: str = "application/octet-stream") -> dict[str, Any]:
    """A program sends a file as the body."""
    headers = {"host": "portal.example", "accept": "application/json", "content-type": kind}
    if login:
        headers["authorization"] = f"Bearer {login.encode().hex()}"
    return an_http_event("POST", path, b64encode(content).decode(), headers, []) | {"isBase64Encoded": True}


def _happened(world: Everything) -> None:
    """Clicks, and a client with all kinds of events, applied by the engine."""
    code = world.values["code"]
    link = world.configuration.link(code)
    counts = ClickCounts(world.table)
    for number, (day, clicks) in enumerate((("2026-03-02", 128), ("2026-03-30", 45), ("2026-04-01", 19))):
        count = ClickCount(
            world.harbour, day, link.link_id, clicks, clicks - 9, 7, 1, reasons=(("bot", 5), ("head", 2))
        )
        assert counts.add(count, {0: Span(f"{number:040d}", f"{number:040d}")})
    client = keyed_hash(brand_key(SECRET, world.brand), CLIENT, PLATFORMS_CLIENT)
    start = NOW - timedelta(days=20)
    world.values["client"] = client
    events = []
    for number, (kind, hours, more) in enumerate((
        ("registration", 0, {"click_id": a_click(start - timedelta(minutes=20), link.link_id), "country": "PL"}),
        ("kyc", 5, {"status": "approved"}),
        ("deposit", 8, {"amount": "300.00"}),
        ("trade", 30, {"lots": 2_000_000, "symbol": "EURUSD", "spread": "14.20", "commission": "6.00"}),
        ("withdrawal", 200, {"amount": "40.00"}),
    )):  # fmt: skip
        given: dict[str, Any] = dict(more)
        for name in ("amount", "spread", "commission"):
            if name in given:
                given |= {name: minor_units(given[name], "EUR"), "currency": "EUR"}
        at = start + timedelta(hours=hours)
        events.append(
            Event(brand=world.brand, source=PLATFORM, client=client, event_id=f"all-{number}", type=EventType(kind),
                  occurred_at=at, accepted_at=at, **given)
        )  # fmt: skip
    world.configuration.register_source(
        Source(source=PLATFORM, brand=world.brand, dialect="json", status=Availability.ACTIVE), CHANGE
    )
    world.kept_secrets.create(PLATFORM, "whsec_first")
    for event in events:
        world.facts.put_event(event)
    engine = Engine(
        facts=world.facts, clients=Clients(world.table), ledger=world.ledger,
        accruals=Accruals(world.facts_table, world.table), contracts=_contracts(world),
        now_ms=lambda: milliseconds(NOW), pause=lambda attempt: None, report=lambda event, error: None,
    )  # fmt: skip
    outcome = engine.apply(events)
    assert (outcome.quarantined, outcome.failed) == (0, ()), outcome
    world.values["journal"] = next(
        each.id for each in world.ledger.all_journals(world.harbour, MARCH) if each.key.scope == client
    )
    late = replace(events[3], event_id="late-1", amount=None, spread=None, commission=None, currency="KWD")
    world.facts.put_event(late)
    world.facts.quarantine(
        brand=world.brand, source=PLATFORM, at=NOW - timedelta(hours=2), reason="rate_missing",
        detail="ECB published no KWD rate on 2026-04-01: enter one, then replay.",
        message=json.dumps({"event_id": "late-1", "type": "trade", "currency": "KWD"}), event_id="late-1",
        client=client,
    )  # fmt: skip


def _walked(world: Everything) -> None:
    """Documents that wait for compliance, where to be paid, a hold, and who a lead is."""
    values, harbour = world.values, world.harbour
    documents = [
        Document(document=f"doc_{kind.value}", kind=kind, content_type="image/png", size=1_234, object_version="v1",
                 uploaded_at=NOW - timedelta(days=1))
        for kind in (DocumentKind.IDENTITY, DocumentKind.ADDRESS)
    ]  # fmt: skip
    values["document"] = documents[0].document
    world.uploads.by_partner[harbour] = documents
    store = Verifications(world.table)
    before = store.of_partner(harbour, world.brand)
    waiting = replace(
        before, status=VerificationStatus.SUBMITTED, version=before.version + 1, documents=tuple(documents),
        submitted_at=NOW - timedelta(days=1),
    )  # fmt: skip
    store.move("submit_verification", before, waiting, CHANGE)
    held = world.partners[HELD]
    [hold] = world.machine(MAKER).get(f"/desk/payees/{held}").json["holds"]
    world.special["/desk/payees/{partner}/holds/"] = {"partner": held, "hold": hold["hold"]}
    sent = Visitor(world, {"accept": "application/json"}).post(
        f"/leads/{values['code']}", PERSON | {"consent": True}, as_json=True
    )
    assert sent.status == 201, sent.body
    values["lead"] = sent.json["lead"]
    world.special["/desk/audit"] = {"about": "partner", "subject": harbour}
    member = world.people[HARBOUR].member
    values["token"] = token(key_of(SECRET), Unsubscribing(member, Topic.NEWS))


def _told(world: Everything) -> None:
    """Targets of the partner and of the brand, with a delivery each that failed; a source that is fetched, a file."""
    values, hooked = world.values, Hooked(world)
    hooked.queue = []
    world.wiring.postback_queue = hooked
    for base, role in (("/postbacks", "owner"), ("/desk/webhooks", "admin")):
        target = _does(world, role, base, WISH | {"url": URL})["target"]
        _does(world, role, f"{base}/{target}/test", {"event": "ftd"})
        world.special[base] = {"target": target}
    hooked.tells()
    for base, role in (("/postbacks", "owner"), ("/desk/webhooks", "admin")):
        target = world.special[base]["target"]
        [row] = [each for each in world.machine(LOGINS[role]).get(f"{base}/{target}").json["items"] if not each["test"]]
        world.special[base] = {"target": target, "created": row["place"], "delivery": row["delivery"]}
        deliveries = Deliveries(world.table)
        waits = deliveries.place(target, row["place"], row["delivery"])
        tried = Attempt(milliseconds(NOW), 120, 503, NOT_2XX, "busy")
        assert deliveries.move(waits, replace(waits, status=DeliveryStatus.FAILED, tries=1, attempts=(tried,)))
    settings = {
        "currency": "EUR", "time_zone": "America/New_York+7", "url": "https://mt5.example.com", "since": "2026-03-01",
        "groups": "real*", "auth": "bearer",
    }  # fmt: skip
    _does(world, "admin", "/desk/sources", {"source": FETCHED, "dialect": "mt5", "settings": settings})
    values["source"] = FETCHED
    files, now, key = SourceFiles(world.table), milliseconds(NOW), f"sources/{FETCHED}/day.csv"
    made = SourceFile(
        file=file_id(key, "v"), source=FETCHED, brand=world.brand, key=key, object_version="v", size=99, at=now,
        lines=7, counts={"accepted": 5, "quarantined": 2},
    )  # fmt: skip
    files.create(made)
    assert files.move(made, file_failed(made, "no_header", "The first line must name the columns.", now))
    values |= {"file": made.file, "place": str(made.at)}


def _talked(world: Everything) -> None:
    """A conversation, a saved answer, an announcement, a broadcast, a segment, a sequence and a task."""
    values = world.values
    values["thread"] = _does(world, "owner", "/messages", {"subject": "Banners", "text": "May I use these?"})["thread"]
    Suppressions(world.table).suppress(
        Suppressed(brand=world.brand, hash=STAFFS_ADDRESS, reason="bounced", since=NOW - timedelta(days=2),
                   member=world.people[MAKER].member, partner="", mail="mai_2"),
        CHANGE,
    )  # fmt: skip
    texts = {"subject_en": "Hello", "text_en": "Good day,\n\nthank you."}
    values["answer"] = _does(world, "manager", "/desk/answers", texts)["answer"]
    values["announcement"] = _does(
        world, "manager", "/desk/announcements", texts | {"kinds": ["affiliate", "ib"], "through": "2026-05-01"}
    )["announcement"]
    values["segment"] = _does(
        world, "manager", "/desk/segments",
        {"name": "Brings clients", "shared": True,
         "conditions": [{"field": "ftd_30", "operator": "at_least", "values": ["0"]}]},
    )["segment"]  # fmt: skip
    values["broadcast"] = _does(
        world, "manager", "/desk/broadcasts", texts | {"name": "News", "segment": values["segment"]}
    )["broadcast"]
    steps = world.machine(MANAGER).get("/desk/sequences/onboarding").json["steps"]
    values |= {"sequence": "onboarding", "step": steps[0]["step"]}
    task = world.machine(MANAGER).get(f"/desk/partners/{world.harbour}/tasks").json["items"][0]
    values["task"] = task["task"]
    values["area"] = "links"
    values["name"] = world.module.server.rendering.assets.asset("portal.css").rpartition("/")[2]


def _planned(world: Everything) -> None:
    """An adjustment that waits, a goal that is offered, a version of the deal that waits."""
    values = world.values
    said = {"amount": "25.00", "currency": "EUR", "earn_month": MARCH, "why": "A mistake of ours"}
    here = f"/desk/partners/{world.harbour}/adjustments"
    values["adjustment"] = _does(world, "manager", here, said)["adjustment"]["adjustment"]
    values["goal"] = world.machine(HARBOUR).get("/goals").json["items"][0]["goal"]
    done = _does(world, "manager", here, said | {"amount": "15.00", "why": "Another mistake"})["adjustment"]
    path = f"{here}/{done['adjustment']}"
    _does(world, "finance", f"{path}/decision", {"version": 1, "verdict": "approve", "why": "It was so"})
    world.special["/desk/partners/{partner}/adjustments/{adjustment}/reversal"] = {"adjustment": done["adjustment"]}


def _paid(world: Everything) -> None:
    """The run of February was sent and has invoices; that of March waits for a second person. February is closed."""
    values, payouts = world.values, world.payouts
    harbours = world.of(HARBOUR, LAST_RUN)
    payouts.step(harbours, PayoutStatus.PAID, BEFORE + timedelta(days=1))
    issue_invoices(
        world.configuration, payouts, Invoices(world.table), brand=world.brand, run=LAST_RUN,
        payouts=list(payouts.all_of_run(world.brand, LAST_RUN)), now=NOW,
    )  # fmt: skip
    world.prepare()
    values |= {"payout": harbours.payout, "run": RUN, "month": FEBRUARY}
    sepa = world.batch(RailKind.SEPA, LAST_RUN).batch
    for beginning in (
        "/desk/runs/{run}/batches",
        "/desk/runs/{run}/payouts/{payout}/outcome",
        "/desk/runs/{run}/again",
    ):
        world.special[beginning] = {"run": LAST_RUN, "batch": sepa, "payout": harbours.payout}
    world.special["/desk/runs/{run}/payouts/{payout}"] = {"payout": world.of(HARBOUR).payout}
    books = world.wiring
    begin_close(world.configuration, brand=world.brand, month=FEBRUARY, author=CLOSED_BY_CLOCK, now=NOW)
    progress = Progress()
    while progress.more:
        progress = close_partners(
            world.configuration, world.ledger, books.statements, brand=world.brand, month=FEBRUARY, so_far=progress,
            now=NOW,
        )  # fmt: skip
    finish_close(
        world.configuration, brand=world.brand, month=FEBRUARY, progress=progress, author=CLOSED_BY_CLOCK, now=NOW
    )


def _contests(world: Everything) -> None:
    """A contest that runs and may be joined, one whose result may be objected to, one that was paid, and a draft."""
    running = world.running("The public cup", public=True)
    world.enters(running, PIPS)
    world.scores(running, PIPS, ftd=4)
    joined = world.running("The joined cup")
    for partner, clients in ((HARBOUR, 3), (PIPS, 5)):
        world.enters(joined, partner)
        world.scores(joined, partner, ftd=clients)
    counted = world.running("The winter cup", starts_at=NOW - timedelta(days=60), ends_at=NOW - timedelta(days=2))
    paid = world.running("The autumn cup", starts_at=NOW - timedelta(days=160), ends_at=NOW - timedelta(days=140))
    for contest in (counted, paid):
        for partner, clients in ((HARBOUR, 9), (PIPS, 4)):
            world.enters(contest, partner)
            world.scores(contest, partner, ftd=clients)
        results = world.contest_books.results
        (batch,) = results.plan(contest.contest, batches_of(()))
        found = {each.partner: Counted(each.counted, 1) for each in world.contests.entries(contest.contest)}
        results.keep_recount(Recount(contest=contest.contest, batch=batch.batch, counted=found, clients=9))
        world.counted(contest)
    world.paid(paid)
    world.planned("The summer cup", starts_at=NOW + timedelta(days=30), ends_at=NOW + timedelta(days=60))
    draft = world.planned(
        "A draft", status=ContestStatus.DRAFT, approved_by="", approved_at=None, starts_at=NOW + timedelta(days=30),
        ends_at=NOW + timedelta(days=60),
    )  # fmt: skip

    world.values["contest"] = running.contest
    for route, contest in (
        ("/contests/{contest}/name", joined), ("/contests/{contest}/leave", joined),
        ("/contests/{contest}/objections", counted), ("/desk/contests/{contest}/objections", counted),
        ("/desk/contests/{contest}/participants", joined), ("/desk/contests/{contest}/result", counted),
        ("/desk/contests/{contest}/awards", paid), ("/desk/contests/{contest}/edit", draft),
        ("/desk/contests/{contest}/approval", draft),
    ):  # fmt: skip
        world.special[route] = {"contest": contest.contest}


def _cases(world: Everything) -> None:
    """An open case of Harbour's."""
    found: Case = world.case_books.cases.of_partner(world.harbour)[0]
    world.values["case"] = found.case
    _does(world, "owner", f"/cases/{found.case}/answers", {"text": "They came to our stand"})
    _does(world, "compliance", f"/desk/cases/{found.partner}/{found.case}/notes", {"text": "Look at the addresses"})
    _does(world, "sales", f"/desk/leads/{world.values['lead']}/notes", {"text": "Call on Monday"})
    _does(world, "manager", f"/desk/clients/{world.values['client']}", {
        "partner": world.partners[PIPS], "since": "beginning", "starts_at": "", "reason": "They came by Pips",
    })  # fmt: skip
    chain = AuditChain(world.table)
    records = [
        recorded
        for page in world.dynamodb.get_paginator("scan").paginate(TableName=world.table)
        for item in page["Items"]
        if (recorded := recorded_of_item(from_wire(item))) is not None
    ]
    assert not chain_audit(chain, records, now=NOW, pause=lambda attempt: None).failed


def _settings(world: Everything) -> None:
    """A key of the partner's and one of the brand's; a report that each keeps; colleagues."""
    for base, role, scope, colleague in (
        ("/settings", "owner", "links:read", HELPER), ("/desk/settings", "admin", "desk:read", SALES),
    ):  # fmt: skip
        wish = {"name": "Our own system", "scopes": [scope]} | ({"role": "manager"} if role == "admin" else {})
        _does(world, role, f"{base}/keys", wish)
        [key] = world.machine(LOGINS[role]).get(f"{base}/keys").json["items"]
        world.special[base] = {"key": key["key"], "member": world.people[colleague].member}
    terms = {"currency": "EUR", "hold": {"days": 30, "from": "month_end"}, "rules": [
        {"type": "revshare", "id": "rev", "percent": "35", "negative": "reset"},
    ]}  # fmt: skip
    joint = {"terms": terms, "partners": [world.harbour], "reason": "A spring offer"}
    world.special["/desk/deals/joint"] = {"proposal": _does(world, "manager", "/desk/deals/joint", joint)["proposal"]}
    for base, role in (("/reports", "owner"), ("/desk/reports", "manager")):
        made = _does(world, role, base, {"name": "By day", "shared": role != "owner", "asked": "by=day"})
        world.special[base] = {"report": made["report"]}


def _applied(world: Everything) -> None:
    """Two applications: one whose address is confirmed waits for the staff, the other for its confirmation."""
    world.queries["/apply"] = f"?brand={world.brand}"
    stranger = Visitor(world, {"accept": "application/json"})
    links = []
    for name in ("mara.quill", "nora.new"):
        said = dict(APPLIED) | {"email": f"{name}@example.com", "brand": world.brand}
        made = stranger.post("/apply", said, as_json=True)
        assert made.status == 201, made.body
        application = world.wiring.application_books.applications.application(world.brand, made.json["application"])
        [mail] = [each for each in Mails(world.table).mails(application.partner) if each.what.endswith("check")]
        until = from_milliseconds(int(str(mail.values["until"])))
        links.append(applying_token(applying_key(SECRET), Confirming(world.brand, application.application, until)))
        world.values.setdefault("application", application.application)
    assert stranger.post(f"/apply/confirm/{links[0]}", {}).status == 200
    world.special["/apply/confirm"] = {"token": links[1]}
