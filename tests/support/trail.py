"""An audit trail for tests: changes made through the product's own stores, the stream's records of them, the chain, and
heads that were kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from introducer.domain.audit_chain import DailyHead, Recorded
from introducer.domain.configuration import (
    Attribution,
    Availability,
    Brand,
    Campaign,
    Change,
    Link,
    Partner,
    PartnerKind,
    Standing,
    Status,
)
from introducer.domain.events import day_of
from introducer.gateways.audit_heads import Kept
from introducer.services.chain_audit import Chain, Chained, chain_audit
from introducer.services.verify_audit import AuditReport, verify_audit
from introducer.store.audit_chain import AuditChain, chain_head, recorded_of_image
from introducer.store.configuration import Configuration
from introducer.store.scans import Scans
from tests.support.memory import Memory

BEGAN = datetime(2026, 11, 2, 9, tzinfo=UTC)
NORTH, SOUTH = "brd_north", "brd_south"


@dataclass
class Trail:
    """Two brands' trails in a table of this process."""

    memory: Memory
    table: str = "books"
    now: datetime = BEGAN
    kept: list[Kept] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.configuration = Configuration(self.table)
        self.chain = AuditChain(self.table)

    # --------------------------------------------------------------------------------------------------- what changes

    def change(self, why: str = "as agreed") -> Change:
        self.now += timedelta(seconds=7)
        return Change(by="mem_anna", at=self.now, why=why, origin="test")

    def opens(self, brand: str) -> None:
        self.configuration.open_brand(
            Brand(brand=brand, name=brand.title(), domain=f"{brand}.example.com", base_currency="EUR",
                  fallback_url="https://example.com/", created=self.now), self.change(),
        )  # fmt: skip

    def registers(self, brand: str, partner: str) -> None:
        self.configuration.register_partner(
            Partner(partner=partner, brand=brand, name=f"Zoë & Søns {partner}", kind=PartnerKind.IB,
                    status=Status.ACTIVE, parent=None, manager=None, country="DE", language="en", currency="EUR",
                    email_hash=None, created=self.now), self.change("registered by hand"),
        )  # fmt: skip

    def links(self, brand: str, partner: str, code: str) -> None:
        link = Link(
            code=code, link_id=code, partner=partner, brand=brand, campaign="cmp_1",
            landing_url="https://example.com/open", hosts=("example.com",), click_parameter="click_id",
            fallback_url="https://example.com/", status=Availability.ACTIVE, shard_exponent=0, created=self.now,
        )  # fmt: skip
        self.configuration.create_link(link, self.change())

    def creates(self, brand: str, campaign: str) -> None:
        made = Campaign(
            campaign=campaign, brand=brand, name="Spring", landing_url="https://example.com/open",
            hosts=("example.com",), click_parameter="click_id", window_days=30, attribution=Attribution.LAST_CLICK,
            countries=(), status=Availability.ACTIVE, created=self.now,
        )  # fmt: skip
        self.configuration.create_campaign(made, self.change())

    def pauses(self, code: str, status: Availability = Availability.PAUSED) -> None:
        self.configuration.set_link_status(code, status, self.change("# 100 % sure"))

    def suspends(self, partner: str, status: Status, before: Status) -> None:
        change = self.change("did not answer\nfor weeks")
        standing = Standing(
            partner=partner, standing=f"std_{change.at:%H%M%S}", since=self.now, status=status, reason=change.why,
            decided_at=change.at,
        )  # fmt: skip
        self.configuration.set_standing(standing, before, change)

    def a_brands_weeks(self, brand: str, partners: int = 4) -> None:
        """A brand and what its staff did: five records for each partner, and two more."""
        self.opens(brand)
        self.creates(brand, f"cmp_{brand}")
        for number in range(partners):
            partner, code = f"par_{brand}_{number}", f"{brand[4]}{number}abcdef"
            self.registers(brand, partner)
            self.links(brand, partner, code)
            self.pauses(code)
            self.pauses(code, Availability.ACTIVE)
            self.suspends(partner, Status.SUSPENDED, Status.ACTIVE)

    # -------------------------------------------------------------------------------------------------- what follows

    def records(self) -> list[Recorded]:
        """What the stream shows of new audit records, in their order."""
        stream = (record.to_stream() for record in self.memory.tables[self.table].stream)
        images = (each["dynamodb"]["NewImage"] for each in stream if each["eventName"] == "INSERT")
        return [found for image in images if (found := recorded_of_image(image)) is not None]

    def chains(
        self, records: Sequence[Recorded] | None = None, chain: Chain | None = None,
        pause: Callable[[int], None] = lambda attempt: None,
    ) -> Chained:  # fmt: skip
        """The sequencer gets these records, or all."""
        given = self.records() if records is None else records
        return chain_audit(chain or self.chain, given, now=self.now, pause=pause)

    def keeps(self, *brands: str) -> None:
        """The heads of this day are kept."""
        for brand in brands:
            head = chain_head(self.chain, brand)
            daily = DailyHead(brand=brand, day=day_of(self.now), number=head.number, digest=head.digest)
            self.kept.append(Kept(daily, False))

    def verified(self, later: timedelta = timedelta(hours=1), brand: str | None = None) -> AuditReport:
        scans = Scans(self.memory.client, facts="facts", books=self.table)
        return verify_audit(scans, self.chain, self.kept, now=self.now + later, brand=brand)

    def found(self) -> list[tuple[str, str]]:
        """What is wrong: damages with whose they are."""
        return [(each.damage.value, each.brand) for each in self.verified().findings]

    # --------------------------------------------------------------------------------------------------- what damages

    def items(self, letter: str) -> dict[tuple[str, str], Any]:
        """The stored items of the trail, by their keys: `A` for records, `K` for chains."""
        items = self.memory.tables[self.table].items
        return {place: item for place, item in items.items() if place[0].startswith(f"{letter}#")}

    def puts(self, place: tuple[str, str], item: Any) -> None:
        """Somebody with a key to the table puts an item, or takes it away, past all our code."""
        self.memory.tables[self.table].put(place, item)
