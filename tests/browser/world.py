"""A brand with partners, clients and earnings, behind the portal's own handler: what its tests look at.

Everything is real but the tables: events are accepted and applied by the engine, so that receipts, balances and
counters are the ones the product writes. People sign in at the local cloud's user pool; both tables are in the test's
own process, as the handler is, for a world is thousands of requests. No other function listens. The house's clock
stands at NOW; sign-ins happen in true time, as Cognito's do.
"""

from __future__ import annotations

import json
import random
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import ModuleType
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import pytest

from introducer.domain.configuration import Availability, Change, PartnerKind, Role, Source, Standing, Status
from introducer.domain.events import LOT, Event, EventType, day_of, milliseconds
from introducer.domain.money import minor_units
from introducer.gateways.user_pool import UserPool
from introducer.services.accept_deal import accept_deal
from introducer.services.apply_events import Engine
from introducer.services.create_campaign import create_campaign
from introducer.services.create_link import create_link
from introducer.services.creation import Author, Clock
from introducer.services.invite_member import invite_member
from introducer.services.load_rates import load_rates
from introducer.services.open_brand import open_brand
from introducer.services.propose_deal import propose_deal
from introducer.services.read_contracts import ECB, ContractReader
from introducer.services.register_partner import register_partner
from introducer.store import keys
from introducer.store.accruals import Accruals
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.intake_days import IntakeDay, IntakeDays
from introducer.store.ledger import Ledger
from introducer.store.rates import RateStore
from introducer.store.wire import to_wire
from introducer_ops import fonts
from introducer_ops.localcloud import LocalCloud
from introducer_ops.localcloud.stack import ACCOUNT, REGION
from tests.conftest import create_table, in_memory
from tests.support import functions
from tests.support.builders import CLICK_KEY, a_click, at, cpa, lot, revshare, terms

NOW = datetime(2026, 4, 17, 9, 30, tzinfo=UTC)
BEGAN = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
HOST = "portal.localhost"
PASSWORD = "Correct-horse-7-battery"
PARTNER, OTHER, SUSPENDED = "owner@harbour.example", "owner@pips.example", "owner@stopped.example"
DEALT, COLLEAGUE, UNDEALT = "owner@lantern.example", "member@lantern.example", "owner@fresh.example"
"""One whose deal went through every phase, another login of the same partner, and one without a deal."""
STAFF, NEWCOMER, STRANGER = "manager@broker.example", "new@harbour.example", "nobody@nowhere.example"
AUTHOR = Author(by="system:test", why="set up")
IDENTITY_SECRET = "what people are hashed under"
SOURCE, CALM, SILENT, FOREIGN = "mt5-live", "affiliate-network", "web-forms", "someone-elses"
"""A source with messages in quarantine, one without, one that never sent anything, and one of another brand."""


@dataclass
class Answer:
    """What the portal answered."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def location(self) -> str:
        return self.headers["location"]

    def field(self, name: str) -> str:
        """The value of a hidden field on the page."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.body)
        assert found, f"no field {name}"
        return found[1]


@dataclass
class Portal:
    """The deployed function, and what is behind it."""

    module: ModuleType
    configuration: Configuration
    facts: Facts
    ledger: Ledger
    facts_table: str
    pool_id: str
    client_id: str
    brand: str
    members: dict[str, str]
    """The `sub` of each login."""
    partners: dict[str, str]
    """The partner of each login."""
    dynamodb: Any
    """The client of the DynamoDB that both tables are in."""

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.module.handler(dict(event), None)
        return answer

    def visitor(self, **headers: str) -> Visitor:
        """A browser that has never been here."""
        return Visitor(self, {name.replace("_", "-"): value for name, value in headers.items()})

    def machine(self, email: str = PARTNER, accept: str = "application/json") -> Visitor:
        """A program that signed in: it carries a bearer token and no cookies."""
        visitor = Visitor(self, {"accept": accept})
        answer = visitor.post("/sign-in", {"email": email, "password": PASSWORD}, as_json=True)
        assert answer.status == 200, answer.body
        visitor.headers["authorization"] = f"Bearer {answer.json['access_token']}"
        return visitor

    def signed_in(self, email: str = PARTNER, **headers: str) -> Visitor:
        """A browser that signed in through the form."""
        visitor = self.visitor(**headers)
        form = visitor.get("/sign-in")
        answer = visitor.post(
            "/sign-in", {"email": email, "password": PASSWORD, "csrf": form.field("csrf"), "next": "/"}
        )
        assert answer.status == 303, answer.body
        return visitor

    def first_journal(self, email: str = PARTNER) -> str:
        """The newest entry of a partner this month."""
        return self.ledger.journals(self.partners[email], "2026-04", limit=1).items[0].id

    @cached_property
    def wiring(self) -> Any:
        return self.module.server.wiring.portal


@dataclass
class Visitor:
    """Somebody with a cookie jar."""

    portal: Portal
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, None, headers)

    def post(self, path: str, fields: Mapping[str, Any], *, as_json: bool = False, **headers: str) -> Answer:
        """A form, or a JSON body."""
        if as_json:
            return self.send("POST", path, json.dumps(fields), {"content-type": "application/json"} | headers)
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, urlencode(fields, doseq=True), kind | headers)

    def submit(self, page: str, action: str, **fields: str) -> Answer:
        """Fills in the form of a page and sends it."""
        shown = self.get(page)
        return self.post(action, {"csrf": shown.field("csrf")} | fields)

    def send(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        event = an_http_event(
            method,
            path,
            body,
            {"host": HOST, "accept": "text/html"} | self.headers | names,
            [f"{name}={value}" for name, value in self.cookies.items()],
        )
        answer = self.portal.handle(event)
        for line in answer["cookies"]:
            name, _, rest = line.partition("=")
            value, _, attributes = rest.partition(";")
            if "Max-Age=0" in attributes:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        found = {name.lower(): value for name, value in answer["headers"].items()}
        return Answer(answer["statusCode"], found, answer["cookies"], answer["body"])


def an_http_event(
    method: str, path: str, body: str | None, headers: Mapping[str, str], cookies: list[str]
) -> dict[str, Any]:
    """A request as API Gateway's HTTP API hands it over, payload 2.0."""
    parts = urlsplit(path)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": parts.path,
        "rawQueryString": parts.query,
        "headers": dict(headers),
        "requestContext": {"requestId": "req-1", "http": {"method": method, "path": parts.path}, "stage": "$default"},
        "isBase64Encoded": False,
    }
    return event | ({"cookies": cookies} if cookies else {}) | ({"body": body} if body is not None else {})


@contextmanager
def a_portal(cloud: LocalCloud, *, lively: bool = True) -> Iterator[Portal]:
    """The world, built anew; with clients and their events when `lively`."""
    suffix = secrets.token_hex(5)
    facts, books, edge = f"facts-{suffix}", f"books-{suffix}", f"introducer/{suffix}/edge"
    people = f"introducer/{suffix}/identity-key"
    environment = {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        # Signing in is not signed by IAM: Cognito's calls land in this account, so everything else does as well.
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "STAGE": "local",
        "FONTS_FOLDER": str(fonts.folder()),
        "FACTS_TABLE": facts,
        "BOOKS_TABLE": books,
        "EDGE_SECRET": edge,
        "IDENTITY_KEY_SECRET": people,
        "POWERTOOLS_SERVICE_NAME": "portal",
        "POWERTOOLS_METRICS_NAMESPACE": "Introducer",
    }
    with pytest.MonkeyPatch.context() as patch, in_memory() as dynamodb:
        for name, value in environment.items():
            patch.setenv(name, value)
        for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "CLOCK_FILE"):
            patch.delenv(name, raising=False)
        # The default session keeps the credentials it saw first, which may be another test's.
        boto3.setup_default_session()
        for table, index in ((facts, False), (books, True)):
            create_table(dynamodb, table, index)
        boto3.client("secretsmanager").create_secret(Name=edge, SecretString="edge secret")
        boto3.client("secretsmanager").create_secret(Name=people, SecretString=IDENTITY_SECRET)
        pool_id, client_id = _make_pool(suffix)
        patch.setenv("USER_POOL_ID", pool_id)
        patch.setenv("USER_POOL_CLIENT_ID", client_id)
        patch.setenv("JWKS_URL", f"{cloud.endpoint}/{pool_id}/.well-known/jwks.json")
        configuration = Configuration(books)
        brand, partners, members, links = _configure(configuration, pool_id, books)
        if lively:
            _live(configuration, links, facts, books, dynamodb)
        module = functions.load("portal")
        patch.setattr(module.server.wiring.portal, "now", lambda: NOW)
        yield Portal(
            module, configuration, Facts(facts), Ledger(books), facts, pool_id, client_id, brand, members, partners,
            dynamodb,
        )  # fmt: skip
    boto3.setup_default_session()


# ------------------------------------------------------------------------------------------ how it is made


def _make_pool(suffix: str) -> tuple[str, str]:
    cognito = boto3.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName=f"introducer-{suffix}", UsernameAttributes=["email"])["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="portal",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )
    for group in ("partner", "manager"):
        cognito.create_group(UserPoolId=pool, GroupName=group)
    return pool, client["UserPoolClient"]["ClientId"]


def _configure(
    configuration: Configuration, pool_id: str, books: str
) -> tuple[str, dict[str, str], dict[str, str], dict[str, list[str]]]:
    def began() -> datetime:
        return BEGAN

    made: dict[str, Any] = {"author": AUTHOR, "clock": began, "random": secrets.token_bytes}
    brand = open_brand(
        configuration, name="Northgate FX", domain="go.northgate.example", base_currency="EUR",
        fallback_url="https://northgate.example/", **made,
    ).brand  # fmt: skip
    campaigns = [
        create_campaign(
            configuration, brand=brand, name=name, landing_url=f"https://northgate.example/{path}", **made
        ).campaign
        for name, path in (("Open an account", "open"), ("Free demo", "demo"), ("مسابقة الربيع Gold", "gold"))
    ]
    logins = UserPool(boto3.client("cognito-idp"), pool_id)
    members: dict[str, str] = {}
    partners: dict[str, str] = {}
    links: dict[str, list[str]] = {}
    deals = {
        PARTNER: terms(cpa("200.00", kyc=True, min_deposit="100.00", within_hours=72), revshare("30"), lot("2.50"),
                       days=20, net_revenue={"spread": "1", "commission": "1"}),
        OTHER: terms(revshare("25"), days=10, currency="USD"),
        SUSPENDED: terms(revshare("20"), days=10),
    }  # fmt: skip
    for email, name, kind, country in (
        (PARTNER, "Harbour Trading Weekly", PartnerKind.AFFILIATE, "PL"),
        (OTHER, "Pips & Coffee", PartnerKind.IB, "TH"),
        (SUSPENDED, "Stopped Media", PartnerKind.AFFILIATE, "ES"),
    ):
        currency = deals[email]["currency"]
        partner = register_partner(
            configuration, brand=brand, name=name, kind=kind, country=country, language="en", currency=currency,
            **made,
        ).partner  # fmt: skip
        partners[email] = partner
        deal = propose_deal(configuration, partner=partner, terms=deals[email], author=AUTHOR, clock=began)
        accept_deal(
            configuration, partner=partner, version=deal.version, terms_hash=deal.terms_hash, author=AUTHOR,
            clock=began,
        )  # fmt: skip
        links[email] = [
            create_link(configuration, partner=partner, campaign=campaign, **made).code for campaign in campaigns
        ]
    for number in range(4):
        register_partner(
            configuration, brand=brand, name=f"Desk partner {number + 1}", kind=PartnerKind.IB, country="AE",
            language="ar", currency="USD", **made,
        )  # fmt: skip
    for email, name in ((DEALT, "Lantern Signals"), (UNDEALT, "Fresh Start Media")):
        partners[email] = register_partner(
            configuration, brand=brand, name=name, kind=PartnerKind.AFFILIATE, country="DE", language="en",
            currency="EUR", **made,
        ).partner  # fmt: skip
    _negotiate(configuration, partners[DEALT])
    partners[NEWCOMER] = partners[PARTNER]
    partners[COLLEAGUE] = partners[DEALT]
    for email in (PARTNER, OTHER, SUSPENDED, STAFF, NEWCOMER, DEALT, COLLEAGUE, UNDEALT):
        partner = partners.get(email)
        role = Role.MANAGER if partner is None else Role.MEMBER if email == COLLEAGUE else Role.OWNER
        member = invite_member(
            configuration, logins, brand=brand, partner=partner, role=role,
            email=email, name="Robin Vale" if partner else "Sam Okoro", language="en",
            password=None if email == NEWCOMER else PASSWORD, author=AUTHOR, clock=began,
        )  # fmt: skip
        members[email] = member.member
    cognito = boto3.client("cognito-idp")
    cognito.admin_set_user_password(UserPoolId=pool_id, Username=NEWCOMER, Password="First-word-1", Permanent=False)
    configuration.set_standing(
        Standing(
            partner=partners[SUSPENDED], standing="std_1", since=BEGAN, status=Status.SUSPENDED, reason="asked",
            decided_at=BEGAN,
        ),
        Status.ACTIVE,
        Change(by="system:test", at=BEGAN, why="set up"),
    )  # fmt: skip
    _register_sources(configuration, brand)
    days = (BEGAN.date() + timedelta(days=n) for n in range((NOW.date() - BEGAN.date()).days))
    published = {
        day.isoformat(): {"USD": f"1.1{n % 90 + 10}", "PLN": f"4.2{n % 90 + 10}", "THB": f"37.{n % 90 + 10}"}
        for n, day in enumerate(days)
        if day.weekday() < 5
    }
    load_rates(
        RateStore(books), feed=ECB, published=published, first=BEGAN.date().isoformat(),
        through=(NOW.date() - timedelta(days=1)).isoformat(),
    )  # fmt: skip
    return brand, partners, members, links


def _stopped(moment: datetime) -> Clock:
    """A clock that always shows this."""
    return lambda: moment


def _negotiate(configuration: Configuration, partner: str) -> None:
    """Versions of a deal, one for each phase: 1 was in force once, 2 is, 3 was overtaken, 4 begins in May, 5 waits."""
    leads = {
        "type": "cpl", "id": "leads", "amounts": [{"countries": ["PL", "ES"], "amount": "4.00"}],
        "qualification": {"kyc": True},
    }  # fmt: skip
    versions = (
        ("2026-01-05 08:00", "2026-01-06 00:00", terms(revshare("20"), days=10)),
        ("2026-02-02 08:00", "2026-02-10 00:00", terms(revshare("25", "carry"), lot("2.50"), days=10)),
        ("2026-03-02 08:00", "2026-03-10 00:00", terms(revshare("10"), days=10)),
        ("2026-04-10 08:00", "2026-05-01 00:00", terms(revshare("27.5", "carry"), lot("2.50"), days=10)),
        (
            "2026-04-16 08:00", "2026-05-10 00:00",
            terms(leads, revshare("30", "carry"), days=15, net_revenue={"spread": "1", "pnl": "-0.5"}),
        ),
    )  # fmt: skip
    for version, (proposed, begins, words) in enumerate(versions, 1):
        then = _stopped(at(proposed))
        deal = propose_deal(
            configuration, partner=partner, terms=words, valid_from=at(begins), author=AUTHOR, clock=then
        )
        if version not in (3, 5):
            accept_deal(
                configuration, partner=partner, version=version, terms_hash=deal.terms_hash, author=AUTHOR, clock=then
            )


def _register_sources(configuration: Configuration, brand: str) -> None:
    for name, owner in ((SOURCE, brand), (CALM, brand), (SILENT, brand), (FOREIGN, "brd_other")):
        configuration.register_source(
            Source(source=name, brand=owner, dialect="introducer", status=Availability.ACTIVE),
            Change(by="system:test", at=BEGAN, why="set up"),
        )


def _live(
    configuration: Configuration, links: Mapping[str, list[str]], facts_table: str, books: str, dynamodb: Any
) -> None:
    """Two months of clients, with a seed; every event goes through the engine on its own day."""
    chance = random.Random(20260417)
    brand = configuration.link(links[PARTNER][0]).brand
    events: list[Event] = []
    for number in range(26):
        email = OTHER if number % 4 == 3 else PARTNER
        events += _a_client(chance, number, brand, chance.choice(links[email]))
    facts, now = Facts(facts_table), [0]
    engine = Engine(
        facts=facts,
        clients=Clients(books),
        ledger=Ledger(books),
        accruals=Accruals(facts_table, books),
        contracts=ContractReader(configuration, RateStore(books), lambda: {0: CLICK_KEY}, lambda: 0.0, lambda: "today"),
        now_ms=lambda: now[0],
        pause=lambda attempt: None,
        report=lambda event, error: None,
    )
    events = sorted((event for event in events if event.occurred_at < NOW), key=lambda event: event.order)
    weeks: dict[int, list[Event]] = {}
    for event in events:
        weeks.setdefault((event.occurred_at - BEGAN).days // 3, []).append(event)
    for batch in weeks.values():
        now[0] = milliseconds(max(event.occurred_at for event in batch)) + 4_000
        for event in batch:
            facts.put_event(event)
        engine.apply(batch)
    stuck = next(event for event in events if event.type is EventType.TRADE)
    facts.quarantine(
        brand=brand, source=SOURCE, at=NOW - timedelta(hours=2), reason="rate_missing",
        detail="ECB published no KWD rate on 2026-04-16: enter one, then replay.",
        message=json.dumps({"event_id": stuck.event_id, "type": "trade", "currency": "KWD", "lots": "0.50"}),
        event_id=stuck.event_id, client=stuck.client,
    )  # fmt: skip
    facts.quarantine(
        brand=brand, source=SOURCE, at=NOW - timedelta(hours=3), reason="unknown_type",
        detail="The type 'bonus_granted' is not one of ours.",
        message=json.dumps({"event_id": "b-1", "type": "bonus_granted", "note": "<script>alert(1)</script>"}),
        event_id="b-1", client="Zm9v",
    )  # fmt: skip
    _count_intake(events, books)
    _count_clicks(configuration, links, chance, books, dynamodb)


def _a_client(chance: random.Random, number: int, brand: str, link: str) -> list[Event]:
    client = f"client-hash-{number:02d}"
    start = at("2026-03-12 08:00") + timedelta(hours=chance.randrange(24 * 34))
    made: list[Event] = []

    def happens(kind: str, hours: float, **fields: Any) -> datetime:
        when = (start + timedelta(hours=hours)).replace(microsecond=0)
        currency = fields.get("currency", "EUR")
        for name in ("amount", "spread", "commission"):
            if name in fields:
                fields[name] = minor_units(fields[name], currency)
                fields["currency"] = currency
        made.append(
            Event(
                brand=brand, source=SOURCE, client=client, event_id=f"{number:03d}-{len(made):03d}",
                type=EventType(kind), occurred_at=when, accepted_at=when, **fields,
            )
        )  # fmt: skip
        return when

    click = a_click(start - timedelta(minutes=20), link, number=number)
    happens("registration", 0, click_id=click, country=chance.choice(["PL", "DE", "TH", "AE", "ES"]))
    if chance.random() < 0.85:
        happens("kyc", chance.uniform(1, 20), status="approved")
    if chance.random() < 0.7:
        paid = happens("deposit", chance.uniform(2, 30), amount=f"{chance.randrange(60, 900)}.00",
                       currency=chance.choice(["EUR", "USD", "EUR"]))  # fmt: skip
        later = (paid - start).total_seconds() / 3600
        for _ in range(chance.randrange(2, 9)):
            later += chance.uniform(5, 90)
            happens("trade", later, lots=int(chance.randrange(1, 300)) * (LOT // 100), symbol="EURUSD",
                    spread=f"{chance.uniform(2, 40):.2f}", commission=f"{chance.uniform(1, 15):.2f}")  # fmt: skip
    if number == 2:
        happens("chargeback", 24 * 24, amount="50.00")
    return made


def _count_intake(events: list[Event], books: str) -> None:
    """Events as the rollup would have counted them. One of a day long gone never got into the books."""
    numbers: dict[tuple[str, str], list[int]] = {}
    for event in events:
        both = numbers.setdefault((SOURCE, day_of(event.accepted_at or event.occurred_at)), [0, 0, 0])
        both[0], both[1] = both[0] + 1, both[1] + 1
    lost = min(numbers)
    numbers[lost][1] -= 1
    numbers.setdefault((SOURCE, day_of(NOW)), [0, 0, 0])[2] = 2
    for back in range(20):
        numbers[CALM, day_of(NOW - timedelta(days=back))] = [5, 5, 0]
    numbers[FOREIGN, day_of(NOW)] = [7, 0, 0]
    for (source, day), (accepted, applied, quarantined) in numbers.items():
        assert IntakeDays(books).add(
            IntakeDay(source, day), IntakeDay(source, day, accepted, applied, quarantined, "m")
        )


def _count_clicks(
    configuration: Configuration, links: Mapping[str, list[str]], chance: random.Random, books: str, dynamodb: Any
) -> None:
    """Clicks as the rollup would have counted them."""
    for codes in links.values():
        for code in codes:
            link = configuration.link(code)
            for back in range(40):
                day = day_of(NOW - timedelta(days=back))
                clicks = chance.randrange(3, 60)
                key = keys.key("click_count", partner=link.partner, month=day[:7], day=day, link=code)
                counted = {"clicks": clicks, "unique": clicks - clicks // 7, "flagged": clicks // 9}
                dynamodb.put_item(TableName=books, Item=to_wire(key.item() | counted))
