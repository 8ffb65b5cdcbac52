"""A house in this process: a brand with a source, a partner and a link, on tables in memory. Events come signed through
the door that platforms use; engine, settler and rollup work on what the streams show, as they do when deployed.

    with a_house() as house:
        house.posts(a_registration("10234", email="ann@example.com"))
"""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from introducer.domain.audit_chain import Link as AuditLink
from introducer.domain.configuration import (
    Attribution,
    Availability,
    Campaign,
    Change,
    DealRecord,
    Link,
    Partner,
    PartnerKind,
    Source,
    Status,
)
from introducer.domain.events import day_of, milliseconds
from introducer.domain.identity import CLIENT, brand_key, keyed_hash
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import BatchStatus, PayoutStatus, Run
from introducer.domain.signatures import sign
from introducer.gateways.rails.protocol import Handed, Outcome
from introducer.services.accept_events import Intake, Taken, accept_events
from introducer.services.apply_events import Engine
from introducer.services.chain_audit import chain_audit
from introducer.services.confirm_run import close_run
from introducer.services.count_clicks import count_facts
from introducer.services.issue_invoices import issue_invoices
from introducer.services.propose_deal import hash_of, text_of
from introducer.services.read_click_source import ClickSources
from introducer.services.read_contracts import ContractReader
from introducer.services.reserve_run import add_up
from introducer.services.send_run import plan_batches, take_answer
from introducer.services.settle_partner import Settler
from introducer.services.verify.report import Report
from introducer.services.verify_audit import AuditReport, verify_audit
from introducer.services.verify_books import verify_books
from introducer.store.accruals import Accruals
from introducer.store.audit_chain import AuditChain, recorded_of_item
from introducer.store.click_counts import ClickCounts
from introducer.store.clicks import Clicks
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts, event_from_image
from introducer.store.intake_days import IntakeDays
from introducer.store.invoices import Invoices
from introducer.store.ledger import Ledger
from introducer.store.rates import RateStore
from introducer.store.scans import Scans
from introducer.store.settlements import Settlements, month_of_row
from introducer.store.sub_names import SubNames
from tests.conftest import Tables, create_table
from tests.support.builders import CLICK_KEY, cpa, revshare, terms
from tests.support.clicks import _record
from tests.support.memory import Memory, served_by
from tests.support.payouts import BRAND, Paying

SOURCE, CAMPAIGN, PARTNER, LINK = "mt5", "cmp_one", "par_one", "Ab12Cd34"
IDENTITY, SECRET = "the identity secret", b"the source's secret"
KEY = brand_key(IDENTITY.encode(), BRAND)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 5, 9, tzinfo=UTC)
SET_UP = Change(by="system:test", at=BEGAN, why="set up")
_numbers = itertools.count(1)


def a_registration(client: str, when: str = "2026-03-01T10:00:00Z", **said: Any) -> dict[str, Any]:
    """A registration as a platform posts it."""
    return {"event_id": f"r-{client}", "type": "registration", "client_id": client, "occurred_at": when, **said}


def an_amount(kind: str, client: str, amount: str, when: str = "2026-03-02T10:00:00Z", **said: Any) -> dict[str, Any]:
    """A deposit, withdrawal or chargeback as a platform posts it."""
    about = {"event_id": f"{kind}-{next(_numbers)}", "type": kind, "client_id": client, "occurred_at": when}
    return about | {"currency": "EUR", "amount": amount} | said


def a_trade(client: str, when: str = "2026-03-03T10:00:00Z", **said: Any) -> dict[str, Any]:
    """A closed trade as a platform posts it."""
    about = {"event_id": f"t-{next(_numbers)}", "type": "trade", "client_id": client, "closed_at": when}
    opened = "2026-03-01T10:30:00Z"
    money = {"currency": "EUR", "lots": "1.00", "symbol": "EURUSD", "opened_at": opened, "spread": "10.00"}
    return about | money | said


class House:
    """Within `a_house`."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.tables = Tables("facts", "books", memory.client)
        self.now = NOW
        self.facts, self.clicks = Facts("facts"), Clicks("facts")
        self.configuration, self.clients, self.ledger = Configuration("books"), Clients("books"), Ledger("books")
        self.scans = Scans(memory.client, facts="facts", books="books")
        self.intake = Intake(
            facts=self.facts, sources=self.configuration, identity_secret="identity", source_secret_prefix="source/",
            secrets=SimpleNamespace(text=lambda name: IDENTITY, signing_keys=lambda name: [SECRET]),  # type: ignore
        )  # fmt: skip
        self._seen = dict.fromkeys(("facts", "books"), 0)
        self._ticks = itertools.count()
        self.paying = Paying(self.tables)
        """The same brand, on its payday."""
        self._configure()

    def _configure(self) -> None:
        books = self.configuration
        books.register_source(
            Source(source=SOURCE, brand=BRAND, dialect="introducer", status=Availability.ACTIVE), SET_UP
        )
        books.create_campaign(
            Campaign(campaign=CAMPAIGN, brand=BRAND, name="Open", landing_url="https://north.example/open",
                     hosts=("north.example",), click_parameter="cid", window_days=30,
                     attribution=Attribution.LAST_CLICK, countries=(), status=Availability.ACTIVE, created=BEGAN),
            SET_UP,
        )  # fmt: skip
        self.partner(PARTNER, "Harbour Trading", LINK)

    def partner(self, partner: str, name: str, code: str, deal: dict[str, Any] | None = None) -> None:
        """A partner with an accepted deal and a link."""
        books, at = self.configuration, BEGAN
        books.register_partner(
            Partner(partner=partner, brand=BRAND, name=name, kind=PartnerKind.AFFILIATE, status=Status.ACTIVE,
                    parent=None, manager=None, country="DE", language="en", currency="EUR", email_hash=None,
                    created=BEGAN), SET_UP,
        )  # fmt: skip
        usual = terms(cpa("200.00", min_deposit="50.00", within_hours=72), revshare("30"), net_revenue={"spread": "1"})
        text = text_of(deal or usual)
        record = DealRecord(
            partner=partner, version=1, valid_from=at, accepted_at=None, terms=text, terms_hash=hash_of(text)
        )
        books.propose_deal(record, SET_UP)
        books.accept_deal(partner, 1, record.terms_hash, at - timedelta(days=1), at, SET_UP)
        books.create_link(
            Link(code=code, link_id=code, partner=partner, brand=BRAND, campaign=CAMPAIGN,
                 name="Blog of Ada", note="asked for by Ada",
                 landing_url="https://north.example/open", hosts=("north.example",), click_parameter="cid",
                 fallback_url="https://north.example/", status=Availability.ACTIVE, shard_exponent=0, created=BEGAN),
            SET_UP,
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------- what happens

    def click(self, when: datetime, address: str, code: str = LINK, partner: str = PARTNER, query: str = "") -> str:
        """Somebody at this address follows a link, as the redirect records it; the click's id."""
        made = _record.__globals__
        item = {"code": code, "link_id": code, "partner": partner, "brand": BRAND, "campaign": CAMPAIGN,
                "landing_url": "https://north.example/open", "click_parameter": "cid", "status": "active"}  # fmt: skip
        wire: dict[str, Any] = {name: {"S": value} for name, value in item.items()} | {"shard_exponent": {"N": "0"}}
        event = {
            "rawPath": f"/c/{code}", "rawQueryString": query, "cookies": [],
            "headers": {"user-agent": _AGENT, "referer": "https://blog.example/post"},
            "requestContext": {"http": {"method": "GET", "sourceIp": address}},
        }  # fmt: skip
        keeps = SimpleNamespace(number=0, signing=CLICK_KEY, edge="edge", brand_key=lambda brand: KEY)
        record = _record(made["Visit"](event), made["Link"](wire), keeps, milliseconds(when), 400 * 86_400)
        self.memory.client.put_item(TableName="facts", Item=record.item)
        return str(record.click)

    def posts(self, *events: dict[str, Any], applied: bool = True) -> Taken:
        """The platform posts events; then the streams are worked off."""
        body = json.dumps({"events": list(events)}).encode()
        signature = sign(body, [SECRET], self.now)
        taken = accept_events(self.intake, source=SOURCE, body=body, signature=signature, now=self.now)
        if applied:
            self.works()
        return taken

    def counts(self) -> None:
        """Rollup alone takes what the stream has shown: the engine could not apply it."""
        count_facts(self._records("facts"), ClickCounts("books"), IntakeDays("books"))

    def works(self) -> None:
        """Engine, settler and rollup take what the streams have shown since."""
        records = self._records("facts")
        count_facts(records, ClickCounts("books"), IntakeDays("books"))
        images = [each["dynamodb"].get("NewImage", {}) for each in records]
        events = [event for image in images if "applied_at" not in image and (event := event_from_image(image))]
        if events:
            outcome = self.engine.apply(events)
            assert (outcome.quarantined, outcome.failed) == (0, ())
            count_facts(self._records("facts"), ClickCounts("books"), IntakeDays("books"))
        while marked := self._marked():
            for partner, month in marked:
                self.settler.settle(partner, [month])

    def pays(self) -> Run:
        """A run pays everybody what is available by SEPA, writes invoices and is closed."""
        payouts, rails = self.paying.payouts, {kind: SimpleNamespace(most_per_batch=100) for kind in RailKind}
        run, at = self.paying.approved().run, self.paying.now
        for batch in plan_batches(payouts, rails, brand=BRAND, run=run):
            those = [each for each in payouts.all_of_run(BRAND, run) if each.pay_currency == batch.currency]
            for payout in those:
                assert payouts.begin_sending(payout, batch, at)
            sealed = payouts.change_batch(batch, replace(batch, status=BatchStatus.SEALED))
            total = sum(each.pays for each in those)
            file = f"{BRAND}/{run}/{batch.batch}.xml"
            tried = replace(sealed, first_tried_at=at, count=len(those), pays=total, file=file)
            said = Handed(rest=Outcome(payout="", state=PayoutStatus.PAID))
            sent = take_answer(payouts, payouts.change_batch(sealed, tried), said, at)
            payouts.change_batch(sent, replace(sent, status=BatchStatus.DONE))
        paid = list(payouts.all_of_run(BRAND, run))
        issue_invoices(self.configuration, payouts, Invoices("books"), brand=BRAND, run=run, payouts=paid, now=at)
        add_up(payouts, brand=BRAND, run=run)
        return close_run(payouts, brand=BRAND, run=run, now=at)

    @property
    def engine(self) -> Engine:
        return Engine(
            facts=self.facts, clients=self.clients, ledger=self.ledger, accruals=Accruals("facts", "books"),
            contracts=self._contracts(), now_ms=self._tick, pause=lambda attempt: None,
            report=lambda event, error: None,
        )  # fmt: skip

    @property
    def settler(self) -> Settler:
        return Settler(
            settlements=Settlements("books"), ledger=self.ledger, contracts=self._contracts(), now_ms=self._tick,
            pause=lambda attempt: None,
        )  # fmt: skip

    # --------------------------------------------------------------------------------------------- what there is of it

    def verified(self) -> Report:
        """What `introducer verify` finds."""
        return verify_books(self.scans, click_keys={0: CLICK_KEY}, now=self.now, elapsed=lambda: 0.0)

    def chained(self) -> tuple[AuditReport, list[AuditLink]]:
        """The audit trail once every record has its link: what is wrong with it, and the brand's links in order."""
        chain = AuditChain("books")
        found = [recorded for item in self.of_kind("audit") if (recorded := recorded_of_item(item)) is not None]
        linked = chain.places(BRAND, [each.key for each in found])
        new = [each for each in found if each.key not in linked]
        assert not chain_audit(chain, new, now=self.now, pause=lambda attempt: None).failed
        head = chain.head(BRAND)
        assert head is not None
        report = verify_audit(self.scans, chain, (), now=self.now + timedelta(days=1))
        return report, [link for _, link in chain.links(BRAND, head.number)]

    def all_text(self) -> str:
        """Every item of both tables, keys and places in the index included, as one text."""
        everything = {table: self.tables.items(table) for table in ("facts", "books")}
        return json.dumps(everything, ensure_ascii=False, sort_keys=True, default=_unpacked)

    def of_kind(self, *kinds: str) -> list[dict[str, Any]]:
        """The items of these kinds."""
        scanned = itertools.chain(self.scans.facts(), self.scans.books())
        return [dict(each.item) for each in scanned if each.kind in kinds]

    def _contracts(self) -> ContractReader:
        return ContractReader(
            self.configuration,
            RateStore("books"),
            lambda: {0: CLICK_KEY},
            lambda: 0.0,
            lambda: day_of(self.now),
            clicks=ClickSources(self.clicks, SubNames("books")).of,
        )

    def _tick(self) -> int:
        return milliseconds(self.now) + next(self._ticks)

    def _records(self, table: str) -> list[dict[str, Any]]:
        stream = self.memory.tables[table].stream
        new, self._seen[table] = stream[self._seen[table] :], len(stream)
        return [record.to_stream() for record in new]

    def _marked(self) -> list[tuple[str, str]]:
        images = [each["dynamodb"].get("NewImage", {}) for each in self._records("books")]
        return sorted({found for image in images if image and (found := month_of_row(image)) is not None})


_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36"


def client(platform_id: str) -> str:
    """What the books call a client."""
    return keyed_hash(KEY, CLIENT, platform_id)


@contextmanager
def a_house() -> Iterator[House]:
    """A house that has just opened."""
    memory = Memory()
    with served_by(memory.client):
        for table, index in (("facts", False), ("books", True)):
            create_table(memory.client, table, index)
        yield House(memory)


def _unpacked(packed: bytes) -> str:
    """What a board is packed from."""
    return zlib.decompress(packed).decode()
