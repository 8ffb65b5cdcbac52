"""A partner's network in the portal: its invitation, who came by it, and what each branch brought."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from introducer.domain.applying import recruit_code
from introducer.domain.configuration import Change, PartnerKind, Standing, Status
from introducer.domain.ledger import Key
from introducer.services.creation import Author
from introducer.services.read_network import list_children
from introducer.services.register_partner import register_partner
from introducer.store import keys
from introducer.store.event_counts import count_key
from introducer.store.settlements import SettledMonth, settled_to_items
from introducer.store.wire import to_wire
from tests.support.applying import Applying, an_applying
from tests.support.payday import HARBOUR, MANAGER, NOW, PIPS


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Applying]:
    with an_applying(monkeypatch) as world:
        yield world


def a_child(portal: Applying, name: str, parent: str) -> str:
    found = register_partner(
        portal.configuration,
        brand=portal.brand,
        name=name,
        kind=PartnerKind.IB,
        country="TH",
        language="th",
        currency="EUR",
        parent=parent,
        author=Author(by="system:test", why="set up"),
        clock=lambda: NOW,
        random=lambda size: name.encode().ljust(size, b"-")[:size],
    )
    return found.partner


def brings(portal: Applying, above: str, below: dict[str, int], month: str = "2026-03") -> None:
    """What was posted to a partner for those below."""
    posted = {Key(above, "team", each, month, "EUR", "2026-05-01"): minor for each, minor in below.items()}
    for item in settled_to_items(above, month, SettledMonth(posted=posted), 1):
        portal.dynamodb.put_item(TableName="books", Item=to_wire(item))


def test_the_invitation_stands_there_from_the_first_visit_and_stays_the_same(portal: Applying) -> None:
    first = portal.machine(HARBOUR).get("/network").json
    again = portal.signed_in(HARBOUR).get("/network")

    assert first["link"] in again.body and "/apply?with=" in first["link"]
    assert portal.machine(PIPS).get("/network").json["link"] != first["link"]
    assert (first["items"], first["waiting"]) == ([], 0)
    drawn, pixels = (portal.machine(HARBOUR).get(first["qr"][kind]) for kind in ("svg", "png"))
    assert drawn.headers["content-type"].startswith("image/svg") and "<svg" in drawn.body
    assert pixels.headers["content-type"] == "image/png"
    assert portal.machine(MANAGER).get("/network").status == 403


def test_who_comes_by_it_is_counted_without_a_name_and_stands_below_once_approved(portal: Applying) -> None:
    code = portal.machine(HARBOUR).get("/network").json["link"].partition("with=")[2]
    assert "You come by a partner's invitation" in portal.visitor().get(f"/apply?with={code}").body
    application = portal.waiting(recruit=code.lower())

    seen = portal.machine(HARBOUR).get("/network")
    assert seen.json["waiting"] == 1 and "Quill" not in seen.body
    assert portal.machine(PIPS).get("/network").json["waiting"] == 0

    assert portal.decides(application, "approval", below=True).status == 201
    after = portal.machine(HARBOUR).get("/network").json
    assert (after["waiting"], after["approved"]) == (0, 1)
    assert [each["name"] for each in after["items"]] == ["Quill & Sons Media"]


def test_a_dead_link_brings_an_application_all_the_same(portal: Applying) -> None:
    assert portal.visitor().get("/apply?with=ZZZZZZZZZZ").status == 200
    application = portal.waiting(recruit="ZZZZZZZZZZ")
    assert portal.machine(MANAGER).get(f"/desk/applications/{application}").json["via"] == ""


def test_nobody_comes_below_a_partner_that_is_suspended(portal: Applying) -> None:
    harbour = portal.partners[HARBOUR]
    link = portal.machine(HARBOUR).get("/network").json["link"]
    code = link.partition("with=")[2]
    before = portal.waiting(recruit=code)
    assert "It stands below" in portal.signed_in(MANAGER).get(f"/desk/applications/{before}").body
    standing = Standing(
        partner=harbour, since=NOW - timedelta(hours=1), standing="std_1", status=Status.SUSPENDED, reason="asked",
        decided_at=NOW, decided_by=portal.people[MANAGER].member,
    )  # fmt: skip
    portal.configuration.set_standing(standing, Status.ACTIVE, Change(by="mem_1", at=NOW, why="asked"))

    assert "You come by a partner's invitation" not in portal.visitor().get(f"/apply?with={code}").body
    after = portal.waiting(recruit=code, email="otto@example.com")
    assert portal.machine(MANAGER).get(f"/desk/applications/{after}").json["via"] == ""
    assert "It stands below" not in portal.signed_in(MANAGER).get(f"/desk/applications/{before}").body
    answer = portal.decides(before, "approval", below=True)
    assert (answer.status, answer.json["code"]) == (409, "recruiter_not_active")
    back = replace(standing, standing="std_2", status=Status.ACTIVE, since=NOW + timedelta(days=1))
    change = Change(by="mem_1", at=NOW, why="asked")
    portal.configuration.set_standing(back, Status.SUSPENDED, change, current_since=standing.since)
    assert portal.decides(before, "approval", below=True).status == 409, "it is active from tomorrow on"
    approved = portal.decides(before, "approval", below=False)
    assert approved.status == 201 and portal.configuration.partner(approved.json["partner"]).parent is None


def test_each_branch_says_what_it_brought_down_to_five_levels(portal: Applying) -> None:
    harbour = portal.partners[HARBOUR]
    below, line = harbour, []
    for number in range(6):
        below = a_child(portal, f"Level {number + 1}", below)
        line.append(below)
    other = a_child(portal, "Sister", harbour)
    brings(portal, harbour, {line[0]: 1_000, line[4]: 250, other: 40, portal.partners[PIPS]: 7})
    for day, counts in (("2026-03-02", {"registrations": 3, "ftd": 1}), ("2026-03-09", {"registrations": 1})):
        item = {**count_key(line[0], day, "LINK").item(), **counts}
        portal.dynamodb.put_item(TableName="books", Item=to_wire(item))

    shown = portal.machine(HARBOUR).get("/network?month=2026-03").json

    by_name = {each["name"]: each for each in shown["items"]}
    assert set(by_name) == {"Level 1", "Sister"}
    first = by_name["Level 1"]
    assert (first["levels"], first["below"], first["cut"]) == ([1, 1, 1, 1], 4, False)
    assert (first["registrations"], first["ftd"]) == (4, 1)
    assert first["brought"] == [{"amount": "12.50", "currency": "EUR"}]
    assert by_name["Sister"]["brought"] == [{"amount": "0.40", "currency": "EUR"}]
    assert shown["brought"] == [{"amount": "12.97", "currency": "EUR"}]
    assert shown["elsewhere"] == [{"amount": "0.07", "currency": "EUR"}]
    assert "1,000" not in portal.machine(HARBOUR).get("/network?month=2026-03").body, "what a child earns is its own"
    page = portal.signed_in(HARBOUR).get("/network?month=2026-03").body
    assert "12.50" in page and "level 5: 1" in page
    rows = list(csv.DictReader(io.StringIO(portal.machine(HARBOUR, "text/csv").get("/network?month=2026-03").body)))
    assert {row["name"]: row["brought"] for row in rows} == {"Level 1": "12.50 EUR", "Sister": "0.40 EUR"}


def test_counting_stops_where_many_stand_below_and_says_so(portal: Applying, monkeypatch: pytest.MonkeyPatch) -> None:
    below = portal.partners[HARBOUR]
    for number in range(4):
        below = a_child(portal, f"Level {number + 1}", below)
    monkeypatch.setattr("introducer.services.read_network.MOST_LOOKED_UNDER", 2)
    [first] = portal.machine(HARBOUR).get("/network").json["items"]
    assert (first["levels"], first["cut"]) == ([1, 1, 0, 0], True)


def test_a_code_that_another_partner_has_is_nobody_elses(portal: Applying) -> None:
    code = recruit_code(portal.wiring.brand_key(portal.brand), portal.partners[HARBOUR])
    change = Change(by="mem_1", at=NOW, why="was first")
    portal.books.applications.make_code(portal.brand, portal.partners[PIPS], code, change)
    assert code not in portal.machine(HARBOUR).get("/network").json["link"]


def test_children_come_in_pages_and_another_partner_sees_none_of_them(portal: Applying) -> None:
    for number in range(3):
        unlisted = a_child(portal, f"Child {number}", portal.partners[HARBOUR])
    # from a release that did not list them
    key = to_wire(keys.key("partner", partner=unlisted).item())
    item = portal.dynamodb.get_item(TableName="books", Key=key)["Item"]
    del item[keys.OWNER_PK], item[keys.OWNER_SK]
    portal.dynamodb.put_item(TableName="books", Item=item)
    assert len(portal.machine(HARBOUR).get("/network").json["items"]) == 2
    assert [[each.partner for each in list_children(portal.configuration)] for _ in range(2)] == [[unlisted], []]
    first = portal.machine(HARBOUR).get("/network?limit=2").json
    rest = portal.machine(HARBOUR).get(f"/network?limit=2&cursor={first['next']}").json
    assert {each["name"] for each in (*first["items"], *rest["items"])} == {"Child 0", "Child 1", "Child 2"}
    assert portal.machine(PIPS).get(f"/network?cursor={first['next']}").status == 400
    assert portal.machine(PIPS).get("/network").json["items"] == []
    assert portal.machine(HARBOUR).get("/network?month=2026-13").status == 400
    assert portal.machine(HARBOUR).get("/network?month=2027-01").status == 400
