"""What is declared to expire is written with its expiry, and docs/privacy.md has every kind of item."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from introducer.domain.adjustment import Act, proposed
from introducer.domain.application import ApplicationState, moved
from introducer.domain.broadcast import Recipient
from introducer.domain.calendar import day_start
from introducer.domain.configuration import Change
from introducer.domain.contest import ContestStatus
from introducer.domain.events import day_of, milliseconds
from introducer.domain.fraud.person import Person
from introducer.domain.lead_mail import came_mail
from introducer.domain.mail import MailStatus, payment_profile_mail
from introducer.domain.trigger import Found, Trigger
from introducer.services.raise_task import raise_task
from introducer.services.read_contracts import ECB
from introducer.store import keys
from introducer.store.adjustments import Adjustments
from introducer.store.announcements import Announcements
from introducer.store.applications import Applications
from introducer.store.broadcasts import Broadcasts
from introducer.store.configuration import Configuration
from introducer.store.contests import Contests
from introducer.store.deliveries import Deliveries
from introducer.store.idempotency import Idempotency
from introducer.store.leads import Leads, Sealed
from introducer.store.mails import Mails
from introducer.store.person_index import PersonIndex
from introducer.store.rates import RateWait, RateWaits
from introducer.store.source_files import SourceFiles
from introducer.store.tasks import Tasks
from tests.store.test_applications import an_application, check_mail
from tests.store.test_leads import a_lead
from tests.store.test_pulls import a_file
from tests.store.test_targets import a_delivery
from tests.support.contest_builders import a_contest
from tests.support.house import PARTNER, SOURCE, House, a_house, a_registration, an_amount
from tests.support.payouts import BRAND

EXPIRING = sorted(item.name for item in keys.ITEMS.values() if item.expires)
PRIVACY = (Path(__file__).resolve().parents[2] / "docs" / "privacy.md").read_text()
CONTEST = a_contest(brand=BRAND, status=ContestStatus.PLANNED)
DAYS = {"day": 1, "days": 1, "years": 365}


def declared(kind: str) -> timedelta:
    """How long a kind is kept, as `store/keys.py` says it."""
    number, unit = keys.ITEMS[kind].expires.replace(";", "").split()[:2]
    return timedelta(days=int(number) * DAYS[unit])


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """One item at least of each kind that expires, written by the product itself."""
    with a_house() as found:
        click = found.click(found.now, "203.0.113.9")
        said = {"email": "ann@example.com", "phone": "+49 30 1234567", "device": "fp-77"}
        found.posts(
            a_registration("10234", click_id=click, occurred_at="2026-03-05T09:00:00Z", **said),
            an_amount("deposit", "10234", "120.00", "2026-03-05T09:00:00Z"),
            {"event_id": "odd", "type": "vip_upgrade", "client_id": "10234"},
        )
        change = Change(by="mem_manager", at=found.now, why="agreed")
        adjustment = proposed(
            adjustment="adj_1", brand=BRAND, partner=PARTNER, amount="5.00", currency="EUR", earn_month="2026-03",
            available_day=None, today=day_of(found.now), act=Act("mem_manager", found.now, "agreed"),
        )  # fmt: skip
        Adjustments("books").propose(adjustment, change, "request-1")
        Idempotency("books").claim("mem_manager", "key-1", "print", found.now)
        RateWaits("books").note(RateWait(ECB, "2026-03-05", BRAND, SOURCE, "2026-03-05", found.now))
        Mails("books").put(
            payment_profile_mail(brand=BRAND, partner=PARTNER, version=1, previous="", masked="DE•• •••• 3000",
                                 changed_at=found.now, usable_from=found.now)
        )  # fmt: skip
        [told] = Mails("books").mails(PARTNER)
        Mails("books").sent(Mails("books").mark(told, MailStatus.SENDING, found.now), "0100-abc", found.now)
        PersonIndex("books").remember_member(BRAND, PARTNER, [Person("email", "of a member")], found.now)
        Contests("books").move(None, CONTEST, None, window=True)
        lead = a_lead(brand=BRAND, partner=PARTNER, at=found.now, since=found.now)
        Leads("books").submit(lead, Sealed(text="", data_key=""), came_mail(lead, "Harbour"), None)
        Leads("books").count(BRAND, "hash", "2026030509", found.now)
        came, waits = (
            an_application(number, brand=BRAND, via=PARTNER, at=found.now, since=found.now) for number in (1, 2)
        )
        for each in (came, waits):
            Applications("books").submit(each, check_mail(each), change)
        after = moved(waits, ApplicationState.WAITING, found.now)
        Applications("books").confirm(waits, after, None, change)
        Applications("books").count(BRAND, "email", "hash", "2026-03-05", 3, found.now)
        Announcements("books").name("ann_1", [PARTNER], found.now)
        Broadcasts("books").freeze("brc_1", "1", [Recipient(PARTNER, "mem_owner")], found.now)
        task = Found(trigger=Trigger.DORMANT, about="", evidence={"dormant_days": 14})
        raise_task(Tasks("books"), Configuration("books").partner(PARTNER), task, found.now)
        Deliveries("books").create(a_delivery(at=found.now))
        SourceFiles("books").create(a_file(1))
        yield found


@pytest.mark.parametrize("kind", EXPIRING)
def test_every_item_of_a_kind_that_expires_is_written_with_its_expiry(house: House, kind: str) -> None:
    items = house.of_kind(kind)
    if kind == "application":
        # One that waits for a person goes by itself no more.
        items = [each for each in items if each["state"] == ApplicationState.UNCONFIRMED]

    assert items, f"no {kind} was written: add one to the house above"
    for item in items:
        assert type(item[keys.TTL]) is int
        kept = datetime.fromtimestamp(item[keys.TTL], UTC) - _written(house, kind, item)
        assert abs(kept - declared(kind)) <= timedelta(days=1), f"{kind} is kept for {kept}"


def _written(house: House, kind: str, item: dict[str, Any]) -> datetime:
    """When the time of an item begins: a trace's with the registration, a window's when the contest is counted."""
    if kind == "contest_window":
        return CONTEST.counts_until
    if kind != "trace":
        return house.now
    day = keys.parts(item[keys.SK])[1]
    return datetime.fromtimestamp(day_start(day) / 1000, UTC)


def test_every_kind_that_expires_is_looked_at_here(house: House) -> None:
    assert {kind for kind in EXPIRING if house.of_kind(kind)} == set(EXPIRING)
    # and nothing else has an expiry that the page does not tell of
    scanned = [*house.scans.facts(), *house.scans.books()]
    assert {each.kind for each in scanned if keys.TTL in each.item} <= set(EXPIRING)
    assert milliseconds(house.now) > 0


def test_the_page_tells_of_every_kind_of_item_once() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \|", PRIVACY, re.MULTILINE)
    [rest] = re.findall(r"^These hold nothing about a person:(.*?)\n\n", PRIVACY, re.MULTILINE | re.DOTALL)
    others = re.findall(r"`([a-z_]+)`", rest)

    assert len(rows + others) == len(set(rows + others))
    assert set(rows + others) == keys.ITEMS.keys()


def test_the_page_says_for_how_long_as_the_tables_do() -> None:
    rows = {cells[0].strip(" `"): cells for line in PRIVACY.splitlines() if line.startswith("| `")
            and (cells := line.strip("|").split("|"))}  # fmt: skip
    for kind in EXPIRING:
        if kind in rows:
            duration = " ".join(keys.ITEMS[kind].expires.replace(";", "").split()[:2])
            assert duration in rows[kind][4], kind
    for kind, cells in rows.items():
        assert len(cells) == 6 and all(cell.strip() for cell in cells), kind
        if re.match(r"\d", cells[4].strip()) and kind != "invoice":
            assert keys.ITEMS[kind].expires, f"the page says that a {kind} expires, and nothing makes it"
