"""Personal goals in the portal: offered on the desk, read and answered by the partner, followed by both."""

from __future__ import annotations

import csv
import html
import io
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from introducer.domain.events import milliseconds
from introducer.domain.rows import Row
from introducer.locale import CODES
from introducer.services.propose_deal import propose_deal
from introducer.services.settle_partner import Settler
from introducer.store.settlements import row_to_item
from introducer.store.wire import to_wire
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import AUTHOR, COLLEAGUE, DEALT, NOW, OTHER, PARTNER, STAFF, UNDEALT, Answer, Portal, a_portal
from tests.support.builders import cpa, terms
from tests.support.shown import text

pytestmark = pytest.mark.cloud

WISH = {
    "by": "qftd", "clients": "3", "first": "2026-04-19", "last": "2026-04-30", "amount": "500.00", "currency": "EUR",
    "note": "Three by the end of April?",
}  # fmt: skip


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world:
        yield world


@pytest.fixture(autouse=True)
def _nothing_waits(portal: Portal) -> Iterator[None]:
    """Each test leaves no offer behind."""
    yield
    for email in (PARTNER, OTHER):
        for goal in portal.machine(email).get("/goals").json["items"]:
            if goal["phase"] == "offered":
                path = f"/desk/partners/{portal.partners[email]}/goals/{goal['goal']}/withdraw"
                assert portal.machine(STAFF).post(path, {"why": "cleared"}, as_json=True).status == 200


def path_of(portal: Portal, email: str = PARTNER) -> str:
    return f"/desk/partners/{portal.partners[email]}/goals"


def offer(portal: Portal, email: str = PARTNER, **other: Any) -> Answer:
    headers = {"idempotency_key": other.pop("key")} if "key" in other else {}
    return portal.machine(STAFF).post(path_of(portal, email), WISH | other, as_json=True, **headers)


def offered(portal: Portal, **other: Any) -> dict[str, Any]:
    answer = offer(portal, **other)
    assert answer.status == 201, answer.body
    return dict(answer.json)


def found(portal: Portal, goal: str, email: str = PARTNER) -> dict[str, Any]:
    return next(each for each in portal.machine(email).get("/goals").json["items"] if each["goal"] == goal)


def test_a_manager_offers_a_goal_in_a_browser(portal: Portal) -> None:
    # given a manager on a partner's page
    browser, path = portal.signed_in(STAFF), path_of(portal)
    assert f'href="{path}"' in browser.get(f"/desk/partners/{portal.partners[PARTNER]}/deal").body
    shown = browser.get(path)
    assert "Goals of Harbour Trading Weekly" in text(shown.body)
    assert 'value="2026-04-18"' in shown.body, "the first day that can be kept"

    # when it fills in the form, and presses twice
    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key")}
    done, again = browser.post(path, guard | WISH), browser.post(path, guard | WISH)

    # then it is offered once, in the words of a deal, and says by when it can be answered
    assert (done.status, again.status) == (303, 303), done.body
    assert done.location == again.location
    page = text(browser.get(done.location).body)
    assert "Offered. It pays nothing until the partner accepts it" in page
    assert "When 3 ( qualified clients ) is reached from 19 Apr 2026 to 30 Apr 2026" in page
    assert "18 Apr 2026 23:48 UTC" in page.replace("\N{NARROW NO-BREAK SPACE}", " ") and "Sam Okoro" in page
    [goal] = [each for each in portal.machine(STAFF).get(path).json["items"] if each["phase"] == "offered"]
    assert (goal["amount"], goal["offered_by"]) == ({"amount": "500.00", "currency": "EUR"}, "Sam Okoro")


def test_what_was_typed_stays_beside_what_is_wrong(portal: Portal) -> None:
    browser, path = portal.signed_in(STAFF), path_of(portal)
    for wrong, field, said in (
        ({"clients": "0"}, "clients", "Write a whole number, at least 1."),
        ({"last": "2026-04-18"}, "last", "This is before the first day."),
        ({"first": "2026-04-17"}, "first", "choose a later day"),
        ({"amount": "0"}, "amount", "Write an amount above zero"),
        ({"amount": "9999999"}, "amount", "This is too much for a goal"),
        ({"currency": "USD"}, "currency", "Write the currency of the partner's deal."),
        ({"answer_by": "2026-04-30"}, "answer_by", "before the goal begins"),
        ({"by": "lots"}, "by", "counts first deposits or qualified clients"),
        ({"note": ""} | {"amount": ""}, "amount", "Fill this in."),
    ):
        shown = browser.get(path)
        answer = browser.post(path, {"csrf": shown.field("csrf")} | WISH | wrong)
        assert answer.status == 422, (wrong, answer.status)
        note = re.search(rf'id="note-{field}">([^<]*)<', answer.body)
        assert note and said in html.unescape(note[1]), (wrong, note)
        if "note" not in wrong:
            assert WISH["note"] in html.unescape(answer.body), "what was typed stays"


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"clients": 0}, 422, "goal_zero"),
        ({"clients": 2.5}, 422, "invalid"),
        ({"clients": None}, 422, "invalid"),
        ({"clients": []}, 422, "invalid"),
        ({"first": "2026-03-01", "last": "2026-03-31"}, 422, "window_past"),
        ({"last": "2026-04-18"}, 422, "ends_before_start"),
        ({"currency": "USD"}, 422, "wrong_currency"),
        ({"amount": "1000000.01"}, 422, "amount_too_large"),
        ({"amount": "NaN"}, 422, "invalid_amount"),
        ({"by": "net_revenue"}, 422, "metric_by_month"),
        ({"note": "x" * 501}, 422, "invalid_note"),
        ({"more": "x"}, 422, "invalid"),
    ],
)
def test_a_program_is_told_the_code(portal: Portal, wish: dict[str, Any], status: int, code: str) -> None:
    answer = offer(portal, **wish)
    assert (answer.status, answer.json["code"]) == (status, code), answer.body


def test_a_program_may_send_a_number_and_a_key_offers_once(portal: Portal) -> None:
    key = secrets.token_hex(8)
    first, again = offered(portal, clients=4, key=key), offered(portal, clients=4, key=key)
    assert first == again
    assert (first["clients"], first["status"], first["answer_by"]) == (4, "offered", "2026-04-18T23:48:00.000Z")


def test_partners_without_a_deal_and_those_of_other_brands_are_offered_nothing(portal: Portal) -> None:
    answer = offer(portal, UNDEALT)
    assert (answer.status, answer.json["code"]) == (409, "no_deal")
    assert "has accepted no deal yet" in text(portal.signed_in(STAFF).get(path_of(portal, UNDEALT)).body)
    strange = portal.machine(STAFF).post("/desk/partners/par_nobody/goals", WISH, as_json=True)
    assert (strange.status, strange.json["code"]) == (404, "not_found")
    answer = offer(portal, DEALT, first="2026-05-12", last="2026-05-31")
    assert (answer.status, answer.json["code"]) == (409, "deal_waits"), "other terms wait for this partner"


def test_a_partner_offers_itself_nothing_and_staff_have_no_goals(portal: Portal) -> None:
    assert portal.machine(PARTNER).post(path_of(portal), WISH, as_json=True).json["code"] == "staff_only"
    assert portal.machine(STAFF).get("/goals").json["code"] == "partners_only"


def test_the_owner_reads_an_offer_and_accepts_it_in_a_browser(portal: Portal) -> None:
    goal = offered(portal, clients="30")["goal"]
    browser = portal.signed_in(PARTNER)
    page = browser.get("/goals")
    said = text(page.body)
    assert "A goal for you" in said and "Three by the end of April?" in said
    assert "It is taken back when the goal is undone" in said
    assert "Sam Okoro" not in said, "who of the staff offered it is not for the partner"
    before = portal.machine(PARTNER).get("/deal").json["versions"]

    # when the owner accepts what was read
    form = {name: page.field(name) for name in ("csrf", "idempotency_key", "terms_hash")}
    done = browser.post(f"/goals/{goal}/accept", form)

    # then the deal has a version with one rule more
    assert (done.status, done.location) == (303, f"/goals?accepted={goal}"), done.body
    shown = text(browser.get(done.location).body)
    assert f"it is in version {len(before) + 1} of your deal, and counts from 19 Apr 2026 on" in shown
    newest = portal.machine(PARTNER).get("/deal").json["versions"][0]
    assert (newest["phase"], newest["begins"]) == ("to_come", "2026-04-18T00:00:00.000Z")
    assert newest["terms_hash"] == form["terms_hash"]
    assert [clause["mark"] for clause in newest["clauses"] if clause["kind"] == "bonus"][-1] == "new"
    assert found(portal, goal)["phase"] == "to_come"
    # and a press on an old page changes nothing more
    again = browser.post(f"/goals/{goal}/accept", form)
    assert again.status == 303 and len(portal.machine(PARTNER).get("/deal").json["versions"]) == len(before) + 1


def test_an_offer_is_declined_with_a_word_to_the_manager(portal: Portal) -> None:
    goal = offered(portal, clients="31")["goal"]
    browser = portal.signed_in(PARTNER)
    shown = browser.get("/goals")
    done = browser.post(f"/goals/{goal}/decline", {"csrf": shown.field("csrf"), "why": "April is quiet"})
    assert (done.status, done.location) == (303, f"/goals?declined={goal}")
    assert "You declined the goal" in text(browser.get(done.location).body)
    assert found(portal, goal)["phase"] == "declined"
    assert "April is quiet" in text(portal.signed_in(STAFF).get(path_of(portal)).body)
    late = portal.machine(PARTNER).post(f"/goals/{goal}/accept", {"terms_hash": "x"}, as_json=True)
    assert (late.status, late.json["code"]) == (409, "offer_closed")


def test_a_withdrawn_offer_cannot_be_accepted_and_says_why(portal: Portal) -> None:
    goal = offered(portal, clients="32")["goal"]
    read = found(portal, goal)["acceptance"]["terms_hash"]
    browser, path = portal.signed_in(STAFF), path_of(portal)
    shown = browser.get(path)
    refused = browser.post(f"{path}/{goal}/withdraw", {"csrf": shown.field("csrf"), "why": "x"})
    assert refused.status == 422 and "Say why, in 3 to 500 characters." in text(refused.body)
    done = browser.post(f"{path}/{goal}/withdraw", {"csrf": shown.field("csrf"), "why": "The amount was a slip"})
    assert done.status == 303
    late = portal.machine(PARTNER).post(f"/goals/{goal}/accept", {"terms_hash": read}, as_json=True)
    assert (late.status, late.json["code"]) == (409, "offer_closed")
    assert "The amount was a slip" in text(portal.signed_in(PARTNER).get("/goals").body)


def test_only_the_owner_answers_and_only_its_own(portal: Portal) -> None:
    goal = offered(portal, clients="33")["goal"]
    read = {"terms_hash": found(portal, goal)["acceptance"]["terms_hash"]}
    for email, status, code in ((OTHER, 404, "not_found"), (COLLEAGUE, 403, "owner_only")):
        answer = portal.machine(email).post(f"/goals/{goal}/accept", read, as_json=True)
        assert (answer.status, answer.json["code"]) == (status, code)
    assert found(portal, goal)["phase"] == "offered"
    bad = portal.machine(PARTNER).post(f"/goals/{goal}/accept", {}, as_json=True)
    assert (bad.status, bad.json["code"]) == (422, "invalid")
    for name in ("gol_none", "%23", "..", "x" * 300, "gol_" + "X" * 3000):
        assert portal.machine(PARTNER).post(f"/goals/{name}/accept", read, as_json=True).status == 404


def test_a_deal_that_changed_since_is_read_again(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    goal = offered(portal, email=OTHER, by="ftd", currency="USD")["goal"]
    browser = portal.signed_in(OTHER)
    page = browser.get("/goals")
    form = {name: page.field(name) for name in ("csrf", "terms_hash")}
    refused = browser.post(f"/goals/{goal}/accept", form | {"terms_hash": "0" * 64})
    assert refused.status == 409 and "Your deal has changed since you read this" in text(refused.body)

    # while other terms wait, the page says so and has no button
    propose_deal(
        portal.configuration, partner=portal.partners[OTHER], terms=terms(cpa("1.00"), currency="USD"), author=AUTHOR,
        clock=lambda: NOW,
    )  # fmt: skip
    page = browser.get("/goals")
    assert "New terms of the deal wait for an answer" in text(page.body) and "Accept this goal" not in page.body
    answer = portal.machine(OTHER).post(f"/goals/{goal}/accept", {"terms_hash": form["terms_hash"]}, as_json=True)
    assert (answer.status, answer.json["code"]) == (409, "deal_waits")


def test_a_manager_who_forgets_an_accepted_goal_in_new_terms_is_told(portal: Portal) -> None:
    # given a goal that was accepted and begins later
    goal = offered(portal, clients="36")
    read = {"terms_hash": found(portal, goal["goal"])["acceptance"]["terms_hash"]}
    assert portal.machine(PARTNER).post(f"/goals/{goal['goal']}/accept", read, as_json=True).status == 200

    # when terms without it are proposed
    path = f"/desk/partners/{portal.partners[PARTNER]}/deal/new"
    wish = {"terms": terms(cpa("90.00"), days=20), "reason": "spring"}
    refused = portal.machine(STAFF).post(path, wish, as_json=True)

    # then the sentence names one that would be lost, and the form begins with terms that have them all
    assert (refused.status, refused.json["code"]) == (422, "goal_dropped"), refused.body
    assert "keep its rule and the currency as they are" in refused.json["detail"]
    form = portal.machine(STAFF).get(path).json["terms"]
    assert goal["rule"] in [rule["id"] for rule in form["rules"]]
    assert portal.machine(STAFF).post(f"{path}/check", {"terms": form}, as_json=True).status == 200


def test_a_goal_is_followed_to_its_receipt(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a goal that was accepted, and its days have come
    partner, machine = portal.partners[PARTNER], portal.machine(PARTNER)
    goal = offered(portal, clients="2")["goal"]
    read = {"terms_hash": found(portal, goal)["acceptance"]["terms_hash"]}
    assert machine.post(f"/goals/{goal}/accept", read, as_json=True).status == 200
    monkeypatch.setattr(portal.wiring, "now", lambda: datetime(2026, 4, 28, 12, tzinfo=UTC))

    # when one client qualifies
    qualified(portal, partner, "client-1", "2026-04-20")
    shown = text(portal.signed_in(PARTNER).get("/goals").body)
    assert "1 of 2 (qualified clients) Running" in shown and "Still missing 1" in shown
    assert "Days left, today included 3" in shown
    assert '<progress max="2" value="1"' in portal.signed_in(PARTNER).get("/goals").body

    # and then another
    qualified(portal, partner, "client-2", "2026-04-21")
    assert found(portal, goal)["phase"] == "reached"
    settle(portal, partner)

    # then it is paid, and its receipt is one step away
    followed = found(portal, goal)
    assert (followed["phase"], followed["paid"]["amount"]) == ("paid", "500.00")
    [entry] = followed["entries"]
    page = portal.signed_in(PARTNER).get("/goals").body
    assert f'href="/earnings/{entry["id"]}"' in page
    receipt = text(portal.signed_in(PARTNER).get(f"/earnings/{entry['id']}").body)
    assert re.search(r"Qualified clients from ?19 Apr 2026 ?to ?30 Apr 2026 ?; the goal is ?2", receipt), receipt
    desk = text(portal.signed_in(STAFF).get(path_of(portal)).body)
    assert "2 of 2 (qualified clients) Paid" in desk
    rows = list(csv.DictReader(io.StringIO(machine.get("/goals", accept="text/csv").body)))
    [row] = [row for row in rows if row["goal"] == goal]
    assert (row["status"], row["counted"], row["paid"], row["currency"]) == ("paid", "2", "500.00", "EUR")


def test_the_pages_are_whole_in_every_language(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    goal = offered(portal, clients="34")["goal"]
    for code in CODES:
        for email, path in ((PARTNER, "/goals"), (STAFF, path_of(portal))):
            browser = portal.signed_in(email)
            browser.submit(path, "/preferences", language=code)
            page = browser.get(path)
            assert page.status == 200 and goal in page.body
            assert not re.search(r"%\(|Undefined|None<", page.body)


def qualified(portal: Portal, partner: str, client: str, day: str) -> None:
    """The engine writes a client's row."""
    at_ms = milliseconds(datetime.fromisoformat(day).replace(tzinfo=UTC))
    item = to_wire(row_to_item(partner, day[:7], client, Row(at_ms, at_ms)))
    portal.dynamodb.put_item(TableName=portal.wiring.settings.books_table, Item=item)


def settle(portal: Portal, partner: str) -> None:
    """As the settle function does."""
    wiring = portal.wiring
    Settler(
        settlements=wiring.settlements,
        ledger=portal.ledger,
        contracts=wiring.contracts,
        now_ms=lambda: milliseconds(wiring.now()),
        pause=lambda attempt: None,
    ).settle(partner, ["2026-04"])
