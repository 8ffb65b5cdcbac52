"""The adjustment pages: proposing, deciding and reversing, and who sees which button."""

from __future__ import annotations

import csv
import html
import io
import re
import secrets
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from introducer.domain.configuration import PartnerKind, Role
from introducer.gateways.user_pool import UserPool
from introducer.locale import CODES
from introducer.services.invite_member import invite_member
from introducer.services.open_brand import open_brand
from introducer.services.register_partner import register_partner
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import AUTHOR, DEALT, NOW, PASSWORD, STAFF, UNDEALT, Answer, Portal, Visitor, a_portal

pytestmark = pytest.mark.cloud

FINANCE, ADMIN, WATCHER = "finance@broker.example", "admin@broker.example", "compliance@broker.example"
WHY = "Agreed on the phone: a bonus for March"
BACK = "It was meant for another partner"


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world:
        logins = UserPool(boto3.client("cognito-idp"), world.pool_id)
        for email, role in ((FINANCE, Role.FINANCE), (ADMIN, Role.ADMIN), (WATCHER, Role.COMPLIANCE)):
            boto3.client("cognito-idp").create_group(UserPoolId=world.pool_id, GroupName=role.value)
            world.members[email] = invite_member(
                world.configuration, logins, brand=world.brand, partner=None, role=role, email=email,
                name=f"Kim {role.value.title()}", language="en", password=PASSWORD, author=AUTHOR, clock=lambda: NOW,
            ).member  # fmt: skip
        yield world


def path(portal: Portal, email: str = DEALT) -> str:
    return f"/desk/partners/{portal.partners[email]}/adjustments"


def wish(**other: Any) -> dict[str, Any]:
    return {"amount": "50.00", "currency": "EUR", "earn_month": "2026-03", "why": WHY} | other


def proposed(portal: Portal, email: str = STAFF, partner: str = DEALT, **other: Any) -> str:
    """The number of a new proposal."""
    answer = portal.machine(email).post(path(portal, partner), wish(**other), as_json=True)
    assert answer.status == 201, answer.body
    return str(answer.json["adjustment"]["adjustment"])


def decided(
    portal: Portal, adjustment: str, email: str = FINANCE, verdict: str = "approve", version: int = 1
) -> Answer:
    return portal.machine(email).post(
        f"{path(portal)}/{adjustment}/decision", {"version": version, "verdict": verdict, "why": "Fine"}, as_json=True
    )


def reversal(portal: Portal, entry: str, email: str = STAFF) -> Answer:
    return portal.machine(email).post(f"{path(portal)}/{entry}/reversal", {"why": BACK}, as_json=True)


def text(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", page)).replace("\N{THIN SPACE}", " "))


def filled(page: Answer, **fields: str) -> dict[str, str]:
    """The hidden fields of a page's form, with what a person types."""
    hidden = {name: page.field(name) for name in ("csrf", "idempotency_key")}
    return hidden | ({"version": page.field("version")} if 'name="version"' in page.body else {}) | fields


def journals(portal: Portal, adjustment: str) -> list[Any]:
    """What was posted for an adjustment, by its kind."""
    posted = portal.ledger.all_journals(portal.partners[DEALT], "2026-03")
    return sorted((each for each in posted if each.key.scope == adjustment), key=lambda each: each.kind)


def test_two_people_adjust_and_take_back_through_the_forms(portal: Portal) -> None:
    # given a manager who proposes
    there = path(portal)
    manager, finance = portal.signed_in(STAFF), portal.signed_in(FINANCE)
    form = filled(manager.get(there), **wish(amount="-12.50", available_day=""))
    made = manager.post(there, form)
    assert made.status == 303, made.body
    shown = text(manager.get(made.location).body)
    assert "It moves nothing until another person of finance, or an admin, approves it." in shown
    assert WHY in shown
    number = made.location.partition("made=")[2]
    one = f"{there}/{number}"

    # when the manager looks at it, no button is there, and the reason why not is
    page = manager.get(one)
    assert "Finance or an admin decides this" in text(page.body)
    assert 'name="verdict"' not in page.body

    # and finance sees what it does, and approves
    page = finance.get(one)
    assert "Is this adjustment right?" in text(page.body)
    assert "This adjustment−12.50 EUR" in text(page.body)
    answer = finance.post(f"{one}/decision", filled(page, verdict="approve", why="Fine"))
    assert (answer.status, answer.location) == (303, one)
    after = text(finance.get(one).body)
    assert "In the books" in after and "Kim Finance" in after
    assert [each.amount for each in journals(portal, number)] == [-1_250]

    # and the manager asks for it back, and finance agrees
    page = manager.get(one)
    answer = manager.post(f"{one}/reversal", filled(page, why=BACK))
    assert (answer.status, answer.location) == (303, one)
    page = finance.get(one)
    assert "Is this reversal right?" in text(page.body)
    assert "This reversal+12.50 EUR" in text(page.body)
    finance.post(f"{one}/decision", filled(page, verdict="approve", why="Agreed"))

    # then it is reversed, and nothing is left to press
    page = finance.get(one)
    assert "Reversed" in text(page.body)
    assert "<form" not in page.body.partition("<main")[2]
    assert [(each.kind, each.amount) for each in journals(portal, number)] == [
        ("adjustment", -1_250), ("reversal", 1_250),
    ]  # fmt: skip


def test_the_partner_reads_it_among_its_earnings(portal: Portal) -> None:
    decided_one = proposed(portal, amount="33.00")
    entry = decided(portal, decided_one).json["adjustment"]["journal"]

    machine, browser = portal.machine(DEALT), portal.signed_in(DEALT)
    listed = {each["id"]: each for each in machine.get("/earnings?month=2026-03").json["items"]}
    receipt = machine.get(f"/earnings/{entry}")

    assert listed[entry]["kind"] == "adjustment"
    assert listed[entry]["amount"] == {"amount": "33.00", "currency": "EUR"}
    assert WHY in receipt.body
    # the two people by their names; the books keep their ids alone
    [line] = receipt.json["lines"]
    assert line["values"] == [WHY, "Sam Okoro", "Kim Finance"]
    [kept] = journals(portal, decided_one)[0].receipt.lines
    assert kept.values == (WHY, portal.members[STAFF], portal.members[FINANCE])
    assert browser.get(f"/earnings/{entry}").status == browser.get("/earnings?month=2026-03").status == 200
    assert portal.machine(UNDEALT).get(f"/earnings/{entry}").status == 404


def test_the_list_is_html_json_and_csv_page_by_page(portal: Portal) -> None:
    there = path(portal, UNDEALT)
    for amount in ("1.00", "2.00", "3.00"):
        proposed(portal, partner=UNDEALT, amount=amount, why="=Because it was promised")

    first = portal.machine(STAFF).get(f"{there}?limit=2")
    rest = portal.machine(STAFF).get(f"{there}?limit=2&cursor={first.json['next']}")
    listed = [*first.json["items"], *rest.json["items"]]
    table = list(csv.DictReader(io.StringIO(portal.machine(STAFF, "text/csv").get(there).body)))
    page = portal.signed_in(STAFF).get(f"{there}?limit=2")

    assert sorted(each["amount"]["amount"] for each in listed) == ["1.00", "2.00", "3.00"]
    assert len(first.json["items"]) == 2
    assert rest.json["next"] is None
    assert {row["reason"] for row in table} == {"'=Because it was promised"}
    assert [row["adjustment"] for row in table] == [each["adjustment"] for each in listed]
    assert {(row["status"], row["proposed_by"], row["decided_by"]) for row in table} == {("proposed", "Sam Okoro", "")}
    assert "Next page" in page.body
    assert portal.machine(STAFF).get(f"{path(portal)}?cursor={first.json['next']}").json["code"] == "bad_cursor"


def test_what_waits_in_the_brand_stands_in_one_list(portal: Portal) -> None:
    mine, other = proposed(portal, amount="7.77"), proposed(portal, partner=UNDEALT, amount="8.88")
    gone = proposed(portal)
    decided(portal, gone, verdict="refuse")

    waiting = portal.machine(FINANCE).get("/desk/adjustments?limit=200").json["items"]
    page = portal.signed_in(FINANCE).get("/desk/adjustments?limit=200").body

    numbers = [each["adjustment"] for each in waiting]
    assert {mine, other} <= set(numbers) and gone not in numbers
    # all are of one moment here: what is older by its number comes first
    assert numbers == sorted(numbers)
    assert {"Lantern Signals", "Fresh Start Media"} <= {each["partner_name"] for each in waiting}
    assert f'href="{path(portal)}/{mine}"' in page and "Fresh Start Media" in page
    assert portal.machine(DEALT).get("/desk/adjustments").json["code"] == "staff_only"


@pytest.mark.parametrize(("email", "propose", "decide"), [
    (STAFF, True, False), (FINANCE, True, True), (ADMIN, True, True), (WATCHER, False, False),
])  # fmt: skip
def test_each_role_sees_the_buttons_it_may_press(portal: Portal, email: str, propose: bool, decide: bool) -> None:
    # given a proposal of another person, and one that is posted
    by = STAFF if email != STAFF else ADMIN
    waits, posted = proposed(portal, by), proposed(portal, by)
    assert decided(portal, posted, ADMIN if by != ADMIN else FINANCE).status == 200
    browser, machine = portal.signed_in(email), portal.machine(email)

    # when
    listed, one, done = (browser.get(path(portal) + each).body for each in ("", f"/{waits}", f"/{posted}"))
    data = machine.get(f"{path(portal)}/{waits}").json

    # then the pages offer what the role may do, and say why not otherwise
    assert ('name="amount"' in listed, 'name="verdict"' in one, "Propose the reversal" in done) == (
        propose, decide, propose,
    )  # fmt: skip
    assert ("Finance or an admin decides this" in text(one)) is not decide
    assert ("Managers, finance and admins propose adjustments" in text(listed)) is not propose
    assert ("Managers, finance and admins propose adjustments" in text(done)) is not propose
    assert (data["may_decide"], data["why_not"]) == (decide, "" if decide else "decider_role")

    # and what they press all the same is refused
    if not propose:
        answer = machine.post(path(portal), wish(), as_json=True)
        assert (answer.status, answer.json["code"]) == (403, "proposer_role")
        assert reversal(portal, posted, email).json["code"] == "proposer_role"
        form = portal.signed_in(email)
        page = form.post(path(portal), wish() | {"csrf": form.get("/desk/partners").field("csrf")})
        assert (page.status, "ask one of them" in page.body) == (403, True)
    if not decide:
        answer = decided(portal, waits, email)
        assert (answer.status, answer.json["code"]) == (403, "decider_role")


def test_nobody_decides_what_they_proposed(portal: Portal) -> None:
    waits = proposed(portal, FINANCE)
    there = f"{path(portal)}/{waits}"

    page = portal.signed_in(FINANCE).get(there).body
    answer = decided(portal, waits, FINANCE)

    assert "You proposed this: another person of finance, or an admin, decides it." in text(page)
    assert 'name="verdict"' not in page
    assert (answer.status, answer.json["code"]) == (403, "same_person")
    assert decided(portal, waits, ADMIN).json["adjustment"]["status"] == "posted"


def test_a_repeated_press_posts_once(portal: Portal) -> None:
    machine, amount = portal.machine(STAFF), "4.44"
    first = machine.post(path(portal), wish(amount=amount), as_json=True, idempotency_key="adjust-1")
    again = machine.post(path(portal), wish(amount=amount), as_json=True, idempotency_key="adjust-1")
    waits = first.json["adjustment"]["adjustment"]
    assert (again.status, again.json) == (201, first.json)

    answers = [decided(portal, waits, email) for email in (FINANCE, FINANCE, ADMIN)]

    assert [each.status for each in answers] == [200, 200, 200]
    assert {each.json["adjustment"]["decided"]["name"] for each in answers} == {"Kim Finance"}
    assert len(journals(portal, waits)) == 1
    other = decided(portal, waits, ADMIN, "refuse")
    assert (other.status, other.json["code"]) == (409, "decided_already")


def test_what_was_decided_meanwhile_is_said_on_the_page(portal: Portal) -> None:
    waits = proposed(portal)
    there, admin = f"{path(portal)}/{waits}", portal.signed_in(ADMIN)
    form = filled(admin.get(there), verdict="approve", why="Fine")
    decided(portal, waits, FINANCE, "refuse")

    page = admin.post(f"{there}/decision", form)

    assert page.status == 409
    assert "This was decided meanwhile: look at it again below." in text(page.body)
    assert "Refused by" in text(page.body)


def test_it_is_reversed_once_and_what_the_engine_or_a_reversal_posted_never(portal: Portal) -> None:
    done = decided(portal, proposed(portal)).json["adjustment"]
    assert reversal(portal, done["journal"]).status == 200
    assert reversal(portal, done["adjustment"], ADMIN).json["code"] == "reversal_waits"
    gone = decided(portal, done["adjustment"], FINANCE, version=3).json["adjustment"]

    assert gone["status"] == "reversed"
    assert reversal(portal, done["adjustment"]).json["code"] == "reversed_already"
    of_reversal = reversal(portal, gone["reversal"])
    assert (of_reversal.status, of_reversal.json["code"]) == (422, "reversal_of_reversal")
    assert of_reversal.json["detail"] == "A reversal cannot be reversed: propose a new adjustment."
    assert reversal(portal, "adj_none").status == 404
    page = portal.signed_in(STAFF).get(path(portal)).body
    assert "Earnings and clawbacks follow the facts and are not reversed by hand" in text(page)


@pytest.mark.parametrize(("wrong", "field", "says"), [
    ({"amount": "0"}, "amount", "other than zero"), ({"amount": "12,50"}, "amount", "such as 50.00"),
    ({"amount": "1.005"}, "amount", "fewer decimals"), ({"currency": "EURO"}, "currency", "three capital letters"),
    ({"earn_month": "2026-05"}, "earn_month", "that has begun"), ({"earn_month": ""}, "earn_month", "Fill this"),
    ({"available_day": "2026-04-16"}, "available_day", "from today on"),
    ({"why": "too short"}, "why", "10 to 500 characters"), ({"why": "x" * 501}, "why", "10 to 500 characters"),
    ({"why": "a bell \x07 rings here"}, "why", "on one line"),
])  # fmt: skip
def test_a_refused_form_says_what_to_do_and_keeps_what_was_typed(
    portal: Portal, wrong: dict[str, str], field: str, says: str
) -> None:
    browser = portal.signed_in(STAFF)
    form = filled(browser.get(path(portal)), **wish(available_day="2026-04-30")) | wrong

    page = browser.post(path(portal), form)

    assert page.status == 422
    note = re.search(rf'id="note-{field}">([^<]*)<', page.body)
    assert note and says in html.unescape(note[1])
    if field != "amount":
        assert 'name="amount" type="text" value="50.00"' in page.body


@pytest.mark.parametrize(("action", "fields"), [
    ("", {}), ("", wish(amount=5)), ("", wish(amount=50.0)), ("", wish(status="posted")), ("", wish(why=["x"])),
    ("/adj_1/decision", {"version": 1, "verdict": "yes", "why": "Fine"}), ("/adj_1/decision", {"verdict": "approve"}),
    ("/adj_1/decision", {"version": 0, "verdict": "approve", "why": "Fine"}), ("/adj_1/reversal", {}),
])  # fmt: skip
def test_what_is_sent_must_have_the_form(portal: Portal, action: str, fields: dict[str, Any]) -> None:
    answer = portal.machine(FINANCE).post(path(portal) + action, fields, as_json=True)

    assert (answer.status, answer.json["code"]) == (422, "invalid")


def test_a_word_is_needed_to_decide(portal: Portal) -> None:
    waits, finance = proposed(portal), portal.signed_in(FINANCE)
    there = f"{path(portal)}/{waits}"

    page = finance.post(f"{there}/decision", filled(finance.get(there), verdict="refuse", why="x"))

    assert page.status == 422
    assert "Say why, in 2 to 500 characters on one line." in text(page.body)
    assert 'name="verdict"' in page.body


def test_a_form_without_the_session_s_token_changes_nothing(portal: Portal) -> None:
    waits = proposed(portal)
    for csrf in ({}, {"csrf": "made-up"}):
        browser = portal.signed_in(FINANCE)
        there = f"{path(portal)}/{waits}"
        assert browser.post(path(portal), wish() | csrf).status == 403
        decision = {"version": "1", "verdict": "approve", "why": "Fine"}
        assert browser.post(f"{there}/decision", decision | csrf).status == 403
        assert browser.post(f"{there}/reversal", {"why": BACK} | csrf).status == 403
    assert portal.machine(FINANCE).get(f"{path(portal)}/{waits}").json["adjustment"]["version"] == 1


def test_another_brand_s_partner_is_as_good_as_none(portal: Portal) -> None:
    made: dict[str, Any] = {"author": AUTHOR, "clock": lambda: NOW, "random": secrets.token_bytes}
    brand = open_brand(
        portal.configuration, name="Southgate", domain="go.southgate.example", base_currency="EUR",
        fallback_url="https://southgate.example/", **made,
    ).brand  # fmt: skip
    partner = register_partner(
        portal.configuration, brand=brand, name="Not ours", kind=PartnerKind.IB, country="PL", language="en",
        currency="EUR", **made,
    ).partner  # fmt: skip
    waits, machine = proposed(portal), portal.machine(FINANCE)

    for there in (f"/desk/partners/{partner}/adjustments", "/desk/partners/par_none/adjustments"):
        decision = {"version": 1, "verdict": "approve", "why": "Fine"}
        assert machine.get(there).status == machine.get(f"{there}/{waits}").status == 404
        assert machine.post(there, wish(), as_json=True).status == 404
        assert machine.post(f"{there}/{waits}/decision", decision, as_json=True).status == 404
        assert machine.post(f"{there}/{waits}/reversal", {"why": BACK}, as_json=True).status == 404
    # and under another partner of our own it is not there either
    assert machine.get(f"{path(portal, UNDEALT)}/{waits}").status == 404


def test_partners_neither_read_nor_write_here(portal: Portal) -> None:
    owner: Visitor = portal.machine(DEALT)

    assert owner.get(path(portal)).json["code"] == "staff_only"
    assert owner.post(path(portal), wish(), as_json=True).json["code"] == "staff_only"


@pytest.mark.parametrize("code", CODES)
def test_the_pages_stand_in_every_language(portal: Portal, code: str) -> None:
    waits = proposed(portal)
    browser = portal.signed_in(FINANCE)
    browser.cookies["__Host-language"] = code

    for there in (path(portal), f"{path(portal)}/{waits}", "/desk/adjustments"):
        page = browser.get(there)
        assert page.status == 200
        assert WHY in page.body
        assert f'<html lang="{code}"' in page.body


def test_the_way_here_leads_from_every_desk_page_and_from_the_partner(portal: Portal) -> None:
    page = portal.signed_in(STAFF).get(f"/desk/partners/{portal.partners[DEALT]}/deal").body

    assert 'href="/desk/adjustments"' in page
    assert f'href="{path(portal)}"' in page
    assert "/adjustments" not in portal.signed_in(DEALT).get("/deal").body
