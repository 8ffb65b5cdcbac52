"""Staff look a client up, see whose it is and why, and move it; they decide who introduced a partner."""

from __future__ import annotations

import csv
import io
import json
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from introducer.domain.click_id import read
from introducer.domain.configuration import BEGINNING, Change, PartnerKind, Role, Standing, Status
from introducer.domain.events import Event, EventType, milliseconds
from introducer.domain.identity import brand_key, keyed_hash
from introducer.gateways.user_pool import UserPool
from introducer.services.apply_events import Engine
from introducer.services.invite_member import invite_member
from introducer.services.open_brand import open_brand
from introducer.services.read_contracts import ContractReader
from introducer.services.register_partner import register_partner
from introducer.store.accruals import Accruals
from introducer.store.clients import Clients
from introducer.store.ledger import Ledger
from introducer.store.rates import RateStore
from introducer.store.wire import to_wire
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import (
    AUTHOR,
    IDENTITY_SECRET,
    NOW,
    OTHER,
    PARTNER,
    PASSWORD,
    STAFF,
    UNDEALT,
    Answer,
    Portal,
    a_portal,
)
from tests.support.builders import CLICK_KEY, a_click
from tests.support.shown import text

pytestmark = pytest.mark.cloud

ROLES = {role: f"{role.value}@broker.example" for role in (Role.FINANCE, Role.SALES, Role.COMPLIANCE, Role.ADMIN)}
PLATFORM_ID = "Login-700123"
REGISTERED = NOW - timedelta(days=20)


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world:
        logins = UserPool(boto3.client("cognito-idp"), world.pool_id)
        for role, email in ROLES.items():
            boto3.client("cognito-idp").create_group(UserPoolId=world.pool_id, GroupName=role.value)
            invite_member(
                world.configuration, logins, brand=world.brand, partner=None, role=role, email=email,
                name=f"{role.value.title()} Person", language="en", password=PASSWORD, author=AUTHOR,
                clock=lambda: NOW,
            )  # fmt: skip
        yield world


@pytest.fixture(name="client")
def _client(portal: Portal) -> str:
    """A client of the first partner by a click, with a deposit; its keyed hash. One for each test."""
    return a_client(portal, f"{PLATFORM_ID}-{secrets.token_hex(4)}")


def key_of(portal: Portal, platform_id: str) -> str:
    return keyed_hash(brand_key(IDENTITY_SECRET.encode(), portal.brand), "client", platform_id)


def a_client(portal: Portal, platform_id: str) -> str:
    key = key_of(portal, platform_id)
    link = portal.configuration.links_of_partner(portal.partners[PARTNER]).items[0].code
    click = a_click(REGISTERED - timedelta(hours=1), link, number=secrets.randbelow(1000))
    assert read(click) is not None

    def happened(kind: EventType, hours: int, **fields: Any) -> Event:
        when = (REGISTERED + timedelta(hours=hours)).replace(microsecond=0)
        return Event(
            brand=portal.brand, source="mt5-live", client=key, event_id=kind.value, type=kind, occurred_at=when,
            accepted_at=when, **fields,
        )  # fmt: skip

    events = [
        happened(EventType.REGISTRATION, 0, click_id=click, country="PL"),
        happened(EventType.KYC, 5, status="approved"),
        happened(EventType.DEPOSIT, 6, amount=15_000, currency="EUR"),
    ]
    for event in events:
        portal.facts.put_event(event)
    apply(portal, key)
    return key


def forget(portal: Portal, key: str) -> None:
    """The answer to the manager's request of this key was never kept."""
    place = to_wire({"pk": f"I#{portal.members[STAFF]}", "sk": key})
    portal.dynamodb.delete_item(TableName=portal.wiring.settings.books_table, Key=place)


def apply(portal: Portal, client: str) -> None:
    """As the engine follows the stream."""
    books = portal.wiring.settings.books_table
    engine = Engine(
        facts=portal.facts, clients=Clients(books), ledger=Ledger(books),
        accruals=Accruals(portal.facts_table, books),
        contracts=ContractReader(
            portal.configuration, RateStore(books), lambda: {0: CLICK_KEY}, lambda: 0.0, lambda: "today"
        ),
        now_ms=lambda: milliseconds(NOW), pause=lambda attempt: None, report=lambda event, error: None,
    )  # fmt: skip
    waiting = [event for event in portal.facts.events_of_client(portal.brand, client) if event.applied_at is None]
    assert engine.apply(waiting).applied == len(waiting)


def move(portal: Portal, client: str, email: str = STAFF, **wish: Any) -> Answer:
    fields = {
        "partner": portal.partners[OTHER], "since": "moment", "starts_at": "2026-04-10T08:00",
        "reason": "The platform lost the click",
    } | wish  # fmt: skip
    headers = {"idempotency_key": fields.pop("key")} if "key" in fields else {}
    return portal.machine(email).post(f"/desk/clients/{client}", fields, as_json=True, **headers)


# --------------------------------------------------------------------------------------------------- finding a client


def test_a_client_is_found_by_the_platforms_number_and_by_nothing_else(portal: Portal) -> None:
    # given a client that the platform knows by a number
    client = a_client(portal, PLATFORM_ID)
    browser = portal.signed_in(STAFF)

    # when it is typed, with a space that slipped in
    found = browser.submit("/desk/clients", "/desk/clients", client_id=f" {PLATFORM_ID} ")

    # then its page stands under the keyed hash
    assert (found.status, found.location) == (303, f"/desk/clients/{client}")
    assert PLATFORM_ID not in browser.get(found.location).body
    # and any other spelling is nobody's
    for slip in (PLATFORM_ID.lower(), PLATFORM_ID[:-1], client):
        missed = browser.submit("/desk/clients", "/desk/clients", client_id=slip)
        assert missed.status == 404, slip
        assert "The books know no client" in missed.body
        assert f'value="{slip}"' in missed.body, "what was typed stays"
    assert browser.submit("/desk/clients", "/desk/clients", client_id=" ").status == 422


def test_a_program_finds_it_by_a_post_too(portal: Portal, client: str) -> None:
    known = a_client(portal, "42")
    answer = portal.machine(STAFF).post("/desk/clients", {"client_id": "42"}, as_json=True)
    assert (answer.status, answer.json) == (200, {"client": known})
    missing = portal.machine(STAFF).post("/desk/clients", {"client_id": "43"}, as_json=True)
    assert (missing.status, missing.json["code"]) == (404, "no_such_client")


def test_only_managers_compliance_and_admins_look_clients_up(portal: Portal, client: str) -> None:
    addresses = ("/desk/clients", f"/desk/clients/{client}")
    for email in (STAFF, ROLES[Role.COMPLIANCE], ROLES[Role.ADMIN]):
        assert [portal.machine(email).get(path).status for path in addresses] == [200, 200], email
        assert 'href="/desk/clients"' in portal.signed_in(email).get("/desk/partners").body
    for email in (ROLES[Role.FINANCE], ROLES[Role.SALES], PARTNER):
        machine = portal.machine(email)
        answers = [machine.get(path) for path in addresses]
        answers += [machine.post("/desk/clients", {"client_id": "42"}, as_json=True), move(portal, client, email)]
        assert [answer.status for answer in answers] == [403] * 4, email
    assert 'href="/desk/clients"' not in portal.signed_in(ROLES[Role.FINANCE]).get("/desk/partners").body
    assert len(portal.facts.events_of_client(portal.brand, client)) == 3, "nothing was decided"


def test_a_client_of_another_brand_is_as_good_as_none(portal: Portal, client: str) -> None:
    theirs = keyed_hash(brand_key(IDENTITY_SECRET.encode(), "brd_other"), "client", PLATFORM_ID)
    for name in (theirs, "x", "x" * 100, "a.b", "%23"):
        assert portal.machine(STAFF).get(f"/desk/clients/{name}").status == 404, name
        assert move(portal, name).status == 404, name


# ------------------------------------------------------------------------------------------------------- whose it is


def test_the_page_says_whose_client_it_is_by_what_evidence_and_what_was_posted(portal: Portal, client: str) -> None:
    # when staff and their program look
    data = portal.machine(STAFF).get(f"/desk/clients/{client}").json
    browser = portal.signed_in(STAFF)
    page = text(browser.get(f"/desk/clients/{client}").body)

    # then the partner of the click has it from the beginning
    [belonging] = data["client"]["belongs"]
    assert (belonging["partner"], belonging["evidence"]) == (portal.partners[PARTNER], "click")
    assert (belonging["since"], belonging["until"]) == (None, None)
    assert belonging["clicked"] == (REGISTERED - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    # and what happened stands there
    assert data["client"]["registered"] == REGISTERED.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert data["client"]["verified"] and data["client"]["country"] == "PL"
    assert data["client"]["first_amount"] == {"amount": "150.00", "currency": "EUR"}
    assert [
        (each["partner"], each["rule"], each["kind"], each["amount"]["amount"]) for each in data["client"]["posted"]
    ] == [(portal.partners[PARTNER], "cpa", "cpa", "200.00")]
    assert 'Rule">CPA<' in browser.get(f"/desk/clients/{client}").body
    assert (data["items"], data["next"]) == ([], None)
    for words in ("Harbour Trading Weekly", "a click", "200.00", "150.00", "Poland", "Nobody has moved this client."):
        assert words in page, words
    assert "The CPA stays with Harbour Trading Weekly" in page


# ------------------------------------------------------------------------------------------------------------ moving


def test_a_transfer_is_a_fact_on_record_and_the_books_follow(portal: Portal, client: str) -> None:
    # when a manager moves the client through the form
    browser = portal.signed_in(STAFF)
    shown = browser.get(f"/desk/clients/{client}")
    wish = {
        "csrf": shown.field("csrf"), "idempotency_key": shown.field("idempotency_key"),
        "partner": portal.partners[OTHER], "since": "moment", "starts_at": "2026-04-10T08:00",
        "reason": "She asked to be looked after in Thai",
    }  # fmt: skip
    done = browser.post(f"/desk/clients/{client}", wish)

    # then the decision is one fact, and one record of it
    assert done.status == 303, done.body
    [decided] = portal.wiring.moves.of_client(portal.brand, client)
    assert done.location == f"/desk/clients/{client}?moved={decided.event_id}"
    assert (decided.source, decided.type, decided.partner) == ("desk", EventType.MOVE, portal.partners[OTHER])
    assert (decided.occurred_at, decided.accepted_at) == (NOW, NOW)
    assert decided.starts_at == datetime(2026, 4, 10, 8, tzinfo=UTC)
    [record] = portal.configuration.audit_of_subject(client).items
    assert (record.action, record.by) == ("move_client", portal.members[STAFF])
    assert record.why == "She asked to be looked after in Thai"
    assert json.loads(record.before or "") == {"partner": portal.partners[PARTNER]}

    # and the page says so before the books follow, and after
    before = browser.get(done.location).body
    assert "Decided: the client moves to Pips & Coffee." in text(before)
    assert "Waiting" in text(before)
    apply(portal, client)
    after, data = text(browser.get(done.location).body), portal.machine(STAFF).get(done.location).json
    assert "Waiting" not in after
    assert "Sam Okoro" in after and "She asked to be looked after in Thai" in after
    assert [(each["partner"], each["evidence"]) for each in data["client"]["belongs"]] == [
        (portal.partners[PARTNER], "click"), (portal.partners[OTHER], "decision"),
    ]  # fmt: skip
    assert data["client"]["belongs"][0]["until"] == data["client"]["belongs"][1]["since"] == "2026-04-10T08:00:00.000Z"
    [item] = data["items"]
    assert (item["by"], item["applied"], item["starts_at"]) == ("Sam Okoro", True, "2026-04-10T08:00:00.000Z")
    assert data["client"]["posted"][0]["partner"] == portal.partners[PARTNER], "the cpa stays"


def test_a_correction_takes_the_cpa_along(portal: Portal, client: str) -> None:
    answer = move(portal, client, since="beginning", starts_at="")
    assert (answer.status, answer.json["starts_at"]) == (201, None)
    assert answer.headers["location"] == f"/desk/clients/{client}?moved={answer.json['move']}"
    apply(portal, client)
    data = portal.machine(STAFF).get(f"/desk/clients/{client}").json
    assert [each["partner"] for each in data["client"]["belongs"]] == [portal.partners[OTHER]]
    assert data["client"]["posted"] == [], "the other's deal has no cpa"
    assert data["client"]["registered_with"] == "Pips & Coffee"


def test_the_same_request_decides_once(portal: Portal, client: str) -> None:
    # given a request that was cut off before its answer was kept
    first = move(portal, client, key="once-1")
    forget(portal, "once-1")
    # when it comes again, twice
    again, third = move(portal, client, key="once-1"), move(portal, client, key="once-1")
    # then there is one decision
    assert first.json == again.json == third.json
    assert third.headers["idempotency-replayed"] == "true"
    assert len(portal.wiring.moves.of_client(portal.brand, client)) == 1
    assert len(portal.configuration.audit_of_subject(client).items) == 1
    # and the key is good for nothing else
    other = move(portal, client, key="once-1", since="beginning")
    assert (other.status, other.json["code"]) == (409, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("wish", "status", "field"),
    [
        ({"reason": " "}, 422, "reason"),
        ({"reason": "x" * 501}, 422, "reason"),
        ({"since": "yesterday"}, 422, "since"),
        ({"starts_at": ""}, 422, "starts_at"),
        ({"starts_at": "soon"}, 422, "starts_at"),
        ({"starts_at": "2026-04-17T09:31"}, 422, "starts_at"),
        ({"starts_at": "0001-01-01T00:00+14:00"}, 422, "starts_at"),
        ({"starts_at": "1999-12-31T23:59"}, 422, "starts_at"),
        ({"partner": ""}, 422, "partner"),
        ({"partner": "par_nobody"}, 404, "partner"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_decided(
    portal: Portal, client: str, wish: dict[str, str], status: int, field: str
) -> None:
    browser = portal.signed_in(STAFF)
    fields = {
        "partner": portal.partners[OTHER], "since": "moment", "starts_at": "2026-04-10T08:00", "reason": "A reason",
    } | wish  # fmt: skip
    answer = browser.submit(f"/desk/clients/{client}", f"/desk/clients/{client}", **fields)
    assert answer.status == status
    assert f'id="note-{field}"' in answer.body and "Whose client is it" in answer.body
    assert move(portal, client, **wish).status == status
    assert portal.wiring.moves.of_client(portal.brand, client) == []


def test_a_forgotten_since_is_no_correction(portal: Portal, client: str) -> None:
    fields = {"partner": portal.partners[OTHER], "reason": "A reason"}
    answer = portal.machine(STAFF).post(f"/desk/clients/{client}", fields, as_json=True)
    assert (answer.status, answer.json["errors"]) == (422, {"since": "Fill this in."})


def test_nobody_is_moved_to_where_it_is_to_another_brand_or_to_the_blocked(portal: Portal, client: str) -> None:
    here = portal.partners[PARTNER]
    for wish in ({"since": "moment"}, {"since": "beginning"}):
        answer = move(portal, client, partner=here, **wish)
        assert (answer.status, answer.json["code"]) == (409, "already_theirs")

    made: dict[str, Any] = {"author": AUTHOR, "clock": lambda: NOW, "random": secrets.token_bytes}
    brand = open_brand(
        portal.configuration, name="Elsewhere", domain=f"go-{secrets.token_hex(4)}.example", base_currency="EUR",
        fallback_url="https://elsewhere.example/", **made,
    ).brand  # fmt: skip
    theirs = a_partner_of(portal, brand)
    assert move(portal, client, partner=theirs).status == 404
    blocked = a_partner_of(portal, portal.brand)
    portal.configuration.set_standing(
        Standing(partner=blocked, standing="std_1", since=NOW, status=Status.BLOCKED, reason="fraud", decided_at=NOW),
        Status.ACTIVE,
        Change(by="system:test", at=NOW, why="fraud"),
    )
    refused = move(portal, client, partner=blocked)
    assert (refused.status, refused.json["code"]) == (409, "target_blocked")
    options = {each["value"] for each in portal.machine(STAFF).get(f"/desk/clients/{client}").json["partners"]}
    assert blocked not in options and theirs not in options and here in options
    assert portal.wiring.moves.of_client(portal.brand, client) == []


def test_who_holds_the_client_includes_decisions_on_their_way(portal: Portal, client: str) -> None:
    # given a transfer that the engine has not seen
    assert move(portal, client).status == 201
    # then the same once more is refused, also for later, and the way back is open
    for starts_at in ("2026-04-10T08:00", "2026-04-12T08:00"):
        assert move(portal, client, starts_at=starts_at).json["code"] == "already_theirs"
    assert move(portal, client, starts_at="2026-04-09T08:00").status == 201, "an earlier beginning is another thing"
    assert move(portal, client, partner=portal.partners[PARTNER], starts_at="2026-04-11T08:00").status == 201
    assert move(portal, client, starts_at="2026-04-10T08:00").status == 201, "it covers the way back"
    # and though the clock stands still, they are in the order in which they were made
    apply(portal, client)
    data = portal.machine(STAFF).get(f"/desk/clients/{client}").json
    assert [each["since"] for each in data["client"]["belongs"]] == [
        None, "2026-04-09T08:00:00.000Z", "2026-04-10T08:00:00.000Z",
    ]  # fmt: skip
    assert data["client"]["belongs"][-1]["partner"] == portal.partners[OTHER]
    assert [item["starts_at"][:13] for item in data["items"]] == [
        "2026-04-10T08", "2026-04-11T08", "2026-04-09T08", "2026-04-10T08",
    ]  # fmt: skip


def test_a_decision_that_the_engine_could_not_apply_says_why_and_can_be_sent_again(portal: Portal, client: str) -> None:
    # given a decision that went to quarantine
    decided = move(portal, client).json["move"]
    waiting = portal.machine(STAFF).get(f"/desk/clients/{client}").json["items"]
    assert [(item["applied"], item["waits_for"]) for item in waiting] == [(False, None)], "a matter of moments"
    for name, reason in ((decided, "rate_missing"), ("mov_other", "poison")):
        portal.facts.quarantine(
            brand=portal.brand, source="desk", at=NOW, reason=reason, detail="No rate.", message="{}",
            event_id=name, client=client,
        )  # fmt: skip
    browser = portal.signed_in(STAFF)
    page = browser.get(f"/desk/clients/{client}")
    assert "An exchange rate is missing" in text(page.body)
    assert portal.machine(STAFF).get(f"/desk/clients/{client}").json["items"][0]["waits_for"] == "rate_missing"

    # when it is sent again
    done = browser.submit(f"/desk/clients/{client}", f"/desk/clients/{client}/again", move=decided)

    # then the stream shows it once more, and the message is done with
    assert (done.status, done.location) == (303, f"/desk/clients/{client}")
    key = to_wire({"pk": f"E#{portal.brand}#{client}", "sk": f"desk#{decided}"})
    assert portal.dynamodb.get_item(TableName=portal.facts_table, Key=key)["Item"]["retry"] == {"N": "1"}
    assert portal.machine(STAFF).get(f"/desk/clients/{client}").json["items"][0]["waits_for"] is None
    machine = portal.machine(STAFF)
    assert machine.post(f"/desk/clients/{client}/again", {"move": "mov_none"}, as_json=True).status == 404
    finance = portal.machine(ROLES[Role.FINANCE])
    assert finance.post(f"/desk/clients/{client}/again", {"move": decided}, as_json=True).status == 403


def test_decisions_come_page_by_page_and_as_a_table(portal: Portal, client: str) -> None:
    for day, to in ((1, OTHER), (2, PARTNER), (3, UNDEALT)):
        assert move(portal, client, starts_at=f"2026-04-{day:02d}T00:00", partner=portal.partners[to]).status == 201
    machine = portal.machine(STAFF)
    path, seen = f"/desk/clients/{client}?limit=2", []
    while path:
        answer = machine.get(path)
        seen += [item["move"] for item in answer.json["items"]]
        path = (re.findall(r"<(.*)>", answer.headers.get("link", "")) or [""])[0]
    assert set(seen) == {each.event_id for each in portal.wiring.moves.of_client(portal.brand, client)}
    assert len(seen) == 3
    rows = list(csv.DictReader(io.StringIO(machine.get(f"/desk/clients/{client}", accept="text/csv").body)))
    assert {row["move"] for row in rows} == set(seen)
    assert {row["applied"] for row in rows} == {"false"}


def test_a_browser_of_another_session_moves_nobody(portal: Portal, client: str) -> None:
    browser = portal.signed_in(STAFF)
    answer = browser.post(f"/desk/clients/{client}", {"csrf": "x", "partner": portal.partners[OTHER]})
    assert answer.status == 403
    assert portal.wiring.moves.of_client(portal.brand, client) == []


# ----------------------------------------------------------------------------------------------------------- parents


def a_partner_of(portal: Portal, brand: str, parent: str | None = None) -> str:
    return register_partner(
        portal.configuration, brand=brand, name=f"Partner {secrets.token_hex(3)}", kind=PartnerKind.IB, country="AE",
        language="ar", currency="USD", parent=parent, author=AUTHOR, clock=lambda: REGISTERED,
        random=secrets.token_bytes,
    ).partner  # fmt: skip


def set_parent(portal: Portal, partner: str, parent: str, month: str = "2026-05", email: str = STAFF,
               key: str = "", reason: str = "They met at the fair in Dubai") -> Answer:  # fmt: skip
    headers = {"idempotency_key": key} if key else {}
    fields = {"parent": parent, "month": month, "reason": reason}
    return portal.machine(email).post(f"/desk/partners/{partner}/parent", fields, as_json=True, **headers)


def test_a_partner_gets_another_parent_from_a_month_to_come(portal: Portal) -> None:
    # given a partner that somebody introduced
    old, new = a_partner_of(portal, portal.brand), a_partner_of(portal, portal.brand)
    partner = a_partner_of(portal, portal.brand, parent=old)
    browser, path = portal.signed_in(STAFF), f"/desk/partners/{partner}/parent"
    names = {each: portal.configuration.partner(each).name for each in (old, new, partner)}

    # when a manager decides for next month
    shown = browser.get(path)
    assert f"Who introduced {names[partner]}" in text(shown.body) and names[old] in shown.body
    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key")}
    done = browser.post(path, guard | {"parent": new, "month": "2026-05", "reason": "They met at the fair"})

    # then it is on record, and this month is as it was
    assert done.status == 303, done.body
    history = portal.configuration.parentings(partner)
    assert [(each.month, each.parent) for each in history] == [(BEGINNING, old), ("2026-05", new)]
    assert (history[1].reason, history[1].decided_at) == ("They met at the fair", NOW)
    records = {record.action: record for record in portal.configuration.audit_of_subject(partner).items}
    assert records.keys() == {"register_partner", "set_parent"}
    record = records["set_parent"]
    assert (record.by, record.why) == (portal.members[STAFF], "They met at the fair")
    page, data = text(browser.get(done.location).body), portal.machine(STAFF).get(path).json
    assert "Decided: it holds from May 2026 on." in page
    assert data["parent"] == old
    assert [(item["month"], item["name"]) for item in data["items"]] == [("2026-05", names[new]), (None, names[old])]
    assert data["months"][0] == "2026-05" and len(data["months"]) == 12
    rows = list(csv.DictReader(io.StringIO(portal.machine(STAFF).get(path, accept="text/csv").body)))
    assert [row["parent"] for row in rows] == [new, old]


def test_nobody_is_a_parent_too(portal: Portal) -> None:
    above = a_partner_of(portal, portal.brand)
    partner = a_partner_of(portal, portal.brand, parent=above)
    answer = set_parent(portal, partner, "nobody")
    assert (answer.status, answer.json["parent"]) == (201, None)
    assert portal.configuration.partner(partner).parent is None
    assert set_parent(portal, partner, "nobody").json["code"] == "same_parent"
    assert set_parent(portal, partner, above).status == 201, "for one month the last decision counts"
    assert portal.configuration.parentings(partner)[-1].parent == above


@pytest.mark.parametrize("month", ["2026-04", "2026-03", "2027-05", "2026-13", "2026-5", "", "0000-00"])
def test_a_month_that_has_begun_or_is_too_far_cannot_be_chosen(portal: Portal, month: str) -> None:
    partner, above = a_partner_of(portal, portal.brand), a_partner_of(portal, portal.brand)
    assert set_parent(portal, partner, above, month).status == 422
    assert len(portal.configuration.parentings(partner)) == 1


def test_an_earlier_month_than_one_decided_cannot_be_chosen(portal: Portal) -> None:
    partner, above = a_partner_of(portal, portal.brand), a_partner_of(portal, portal.brand)
    assert set_parent(portal, partner, above, "2026-07").status == 201
    assert set_parent(portal, partner, "nobody", "2026-06").json["code"] == "later_month_decided"
    assert set_parent(portal, partner, "nobody", "2026-08").status == 201


def test_no_partner_stands_below_itself_in_any_month(portal: Portal) -> None:
    # given a line of three
    top = a_partner_of(portal, portal.brand)
    middle = a_partner_of(portal, portal.brand, parent=top)
    low = a_partner_of(portal, portal.brand, parent=middle)
    for above in (top, middle, low):
        assert set_parent(portal, top, above).json["code"] == "circle"
    # and one that will stand below the top in July only
    later = a_partner_of(portal, portal.brand)
    assert set_parent(portal, later, low, "2026-07").status == 201
    assert set_parent(portal, top, later, "2026-06").json["code"] == "circle", "July would close it"
    # when the line is cut from June on, the top may go below the low one from then on, and not before
    assert set_parent(portal, middle, "nobody", "2026-06").status == 201
    assert set_parent(portal, top, low, "2026-05").json["code"] == "circle"
    assert set_parent(portal, top, low, "2026-06").status == 201


def test_a_line_ends_at_twenty(portal: Portal) -> None:
    line = [a_partner_of(portal, portal.brand)]
    for _ in range(20):
        line.append(a_partner_of(portal, portal.brand, parent=line[-1]))
    newcomer = a_partner_of(portal, portal.brand)
    assert set_parent(portal, newcomer, line[-1]).json["code"] == "too_deep"
    assert set_parent(portal, newcomer, line[-2]).status == 201


def test_another_brands_partner_is_as_good_as_none(portal: Portal) -> None:
    made: dict[str, Any] = {"author": AUTHOR, "clock": lambda: NOW, "random": secrets.token_bytes}
    brand = open_brand(
        portal.configuration, name="Elsewhere", domain=f"go-{secrets.token_hex(4)}.example", base_currency="EUR",
        fallback_url="https://elsewhere.example/", **made,
    ).brand  # fmt: skip
    theirs, ours = a_partner_of(portal, brand), a_partner_of(portal, portal.brand)
    assert set_parent(portal, ours, theirs).status == set_parent(portal, ours, "par_nobody").status == 404
    assert set_parent(portal, theirs, ours).status == 404
    assert portal.machine(STAFF).get(f"/desk/partners/{theirs}/parent").status == 404


def test_all_staff_look_and_managers_and_admins_decide(portal: Portal) -> None:
    partner, above = a_partner_of(portal, portal.brand), a_partner_of(portal, portal.brand)
    path = f"/desk/partners/{partner}/parent"
    for role in (Role.FINANCE, Role.SALES, Role.COMPLIANCE):
        page = portal.signed_in(ROLES[role]).get(path)
        assert (page.status, "Record the decision" in page.body) == (200, False), role
        refused = set_parent(portal, partner, above, email=ROLES[role])
        assert (refused.status, refused.json["code"]) == (403, "not_your_role"), role
    assert portal.machine(PARTNER).get(path).status == 403
    assert len(portal.configuration.parentings(partner)) == 1
    assert set_parent(portal, partner, above, email=ROLES[Role.ADMIN]).status == 201


def test_the_same_request_decides_a_parent_once(portal: Portal) -> None:
    partner, above = a_partner_of(portal, portal.brand), a_partner_of(portal, portal.brand)
    first = set_parent(portal, partner, above, key="once-2")
    forget(portal, "once-2")
    again = set_parent(portal, partner, above, key="once-2")
    assert first.status == again.status == 201
    assert first.json == again.json
    assert len(portal.configuration.parentings(partner)) == 2
    other = set_parent(portal, partner, "nobody", key="once-2")
    assert (other.status, other.json["code"]) == (409, "idempotency_key_reused")


def test_a_wrong_wish_is_said_at_its_field(portal: Portal) -> None:
    partner = a_partner_of(portal, portal.brand)
    browser, path = portal.signed_in(STAFF), f"/desk/partners/{partner}/parent"
    good = {"parent": "nobody", "month": "2026-05", "reason": "A reason"}
    for name, value in (("parent", partner), ("month", "2026-04"), ("reason", "x"), ("parent", "par_nobody")):
        answer = browser.submit(path, path, **(good | {name: value}))
        assert answer.status in (404, 409, 422), (name, answer.status)
        assert f'id="note-{name}"' in answer.body, name
    assert browser.submit(path, path, **good).status == 409, "so it is already"
