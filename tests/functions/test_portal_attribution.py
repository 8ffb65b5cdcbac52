"""Promo codes, how campaigns attribute, and the evidence of whose client somebody is, in the portal."""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.attribution_decision import AttributionDecision
from introducer.domain.configuration import Attribution, Availability, Change, Source
from introducer.domain.errors import Conflict, Invalid
from introducer.domain.events import EventType
from introducer.domain.promo_code import PromoCode
from introducer.services.creation import Author
from introducer.services.decide_attribution import decide_attribution
from introducer.services.give_code import give_code, has_received
from introducer.store.intake_days import IntakeDay, IntakeDays
from tests.browser.world import Answer
from tests.support.evidencing import REGISTERED, Evidencing, an_evidencing
from tests.support.payday import ADMIN, HARBOUR, MAKER, MANAGER, NOW, PIPS
from tests.support.shown import text


@pytest.fixture(scope="module")
def portal() -> Iterator[Evidencing]:
    with pytest.MonkeyPatch.context() as patch, an_evidencing(patch) as world:
        yield world


@pytest.fixture(autouse=True)
def _clock(portal: Evidencing) -> Iterator[None]:
    yield
    portal.now = NOW


def gives(portal: Evidencing, code: str, partner: str = HARBOUR, who: str = MANAGER, **wish: Any) -> Answer:
    headers = {"idempotency_key": wish.pop("key")} if "key" in wish else {}
    sent = {"code": code, "reason": "Printed in their magazine"} | wish
    return portal.machine(who).post(f"/desk/partners/{portal.partners[partner]}/codes", sent, as_json=True, **headers)


def ends(portal: Evidencing, code: str, partner: str = HARBOUR, **wish: Any) -> Answer:
    sent = {"end_code": code, "end_reason": "The magazine is gone"} | wish
    return portal.machine(MANAGER).post(f"/desk/partners/{portal.partners[partner]}/codes/end", sent, as_json=True)


def codes(portal: Evidencing, partner: str) -> dict[str, Any]:
    """What a partner sees of its codes, by the code."""
    return {each["code"]: each for each in portal.machine(partner).get("/codes").json["items"]}


def evidence(portal: Evidencing, client: str) -> dict[str, dict[str, Any]]:
    """The pieces, by what they are."""
    found = portal.machine(MANAGER).get(f"/desk/clients/{client}/evidence").json
    assert found["recomputed_equal"] is True
    return {each["id"]: each for each in found["items"]}


# --------------------------------------------------------------------------------------------------------- promo codes


def test_a_code_is_given_ended_and_given_to_somebody_else(portal: Evidencing) -> None:
    # given a manager who gives a code, however it is written
    given = gives(portal, " autumn 26 ", key="first")
    assert given.status == 201
    assert (given.json["code"], given.json["ends_at"]) == ("AUTUMN26", None)
    # then it begins in twelve minutes, and its partner sees it alone
    assert codes(portal, HARBOUR)["AUTUMN26"]["status"] == "coming"
    assert "AUTUMN26" not in codes(portal, PIPS)
    # the same request gives nothing twice, and nobody else gets it meanwhile
    assert gives(portal, " autumn 26 ", key="first").json == given.json
    assert (gives(portal, "Autumn26", PIPS).status, gives(portal, "Autumn26", PIPS).json["code"]) == (409, "code_taken")
    # when it runs, and is ended
    portal.now = NOW + timedelta(minutes=13)
    assert codes(portal, HARBOUR)["AUTUMN26"]["status"] == "active"
    ended = ends(portal, "autumn26")
    assert ended.status == 200 and ends(portal, "autumn26").json == ended.json, "twice is harmless"
    # then somebody else may have it from that moment on, and not before
    assert gives(portal, "AUTUMN26", PIPS, starts_at="2026-03-01T00:00").json["code"] == "invalid_starts_at"
    after = gives(portal, "AUTUMN26", PIPS)
    assert (after.status, after.json["number"], after.json["starts_at"]) == (201, 2, ended.json["ends_at"])
    # and the one before cannot be stretched over it
    assert ends(portal, "AUTUMN26", end_at="2026-12-01T00:00").json["code"] == "no_such_promo_code"
    # staff find who has it, and who had it
    held = portal.machine(MAKER).get("/desk/codes?code=autumn+26").json
    assert [(each["partner"], each["status"]) for each in held["items"]] == [
        (portal.partners[PIPS], "coming"),
        (portal.partners[HARBOUR], "active"),
    ]
    assert "Pips &amp; Coffee" in portal.signed_in(MAKER).get("/desk/codes?code=Autumn26").body
    assert "Nobody ever had this code" in portal.signed_in(MAKER).get("/desk/codes?code=autumn-26").body
    assert portal.machine(HARBOUR).get("/desk/codes?code=AUTUMN26").status == 403
    # the trail has each step, with its reason
    trail = portal.configuration.audit_of_subject(portal.partners[HARBOUR]).items
    assert [(each.action, each.why) for each in trail if "promo_code" in each.action] == [
        ("end_promo_code", "The magazine is gone"),
        ("give_promo_code", "Printed in their magazine"),
    ]


def test_a_code_that_was_ended_before_it_began_is_in_nobodys_way(portal: Evidencing) -> None:
    # given a code that ends in spring and is given on from then; and that was a slip in the month
    assert gives(portal, "SLIP", ends_at="2026-05-01T00:00").status == 201
    assert gives(portal, "SLIP", PIPS, starts_at="2026-09-01T00:00").status == 201
    assert ends(portal, "SLIP", PIPS).json["ends_at"].startswith("2026-09-01T00:00")
    assert codes(portal, PIPS)["SLIP"]["status"] == "ended"
    # then it is given anew from the month that was meant, and not while somebody has it before
    assert gives(portal, "SLIP", PIPS, starts_at="2026-04-30T23:59").json["code"] == "code_taken"
    assert gives(portal, "SLIP", PIPS, starts_at="2026-05-01T00:00").json["number"] == 3
    # and that it should have been theirs later cannot come back
    assert ends(portal, "SLIP", PIPS).json["number"] == 3


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"code": "no"}, "invalid_promo_code"),
        ({"code": "ÜBER24"}, "invalid_promo_code"),
        ({"code": "FINE24", "campaign": "cmp_nobodys"}, "not_found"),
        ({"code": "FINE24", "ends_at": "2026-01-01T00:00"}, "invalid_ends_at"),
        ({"code": "FINE24", "ends_at": "2040-01-01T00:00"}, "invalid_ends_at"),
        ({"code": "FINE24", "starts_at": "2030-01-01T00:00"}, "invalid_starts_at"),
        ({"code": "FINE24", "starts_at": "tomorrow"}, "invalid_moment"),
    ],
)
def test_a_code_that_cannot_be_given_is_refused_at_its_field(
    portal: Evidencing, wish: dict[str, str], code: str
) -> None:
    assert gives(portal, **wish).json["code"] == code
    # and a browser sees it at the field, with what was typed
    path = f"/desk/partners/{portal.partners[HARBOUR]}/codes"
    browser = portal.signed_in(MANAGER)
    shown = browser.submit(path, path, **({"reason": "They asked for it"} | wish))
    assert shown.status in (404, 409, 422) and 'aria-invalid="true"' in shown.body
    assert "They asked for it" in shown.body


def test_a_request_names_one_decision_and_what_has_ended_stays_ended(portal: Evidencing) -> None:
    # given a code that somebody gave
    gives(portal, "ONE-REQUEST", key="one")
    # then the same request gives it to nobody else, and for nothing else
    assert gives(portal, "ONE-REQUEST", PIPS, key="one").json["code"] == "idempotency_key_reused"
    campaign = portal.configuration.campaigns(portal.brand)[0].campaign
    assert gives(portal, "ONE-REQUEST", campaign=campaign, key="one").json["code"] == "idempotency_key_reused"
    # when it has ended
    ended = ends(portal, "ONE-REQUEST").json
    portal.now = NOW + timedelta(hours=1)
    # then it goes on no longer, and what was asked before is answered as before
    assert ends(portal, "ONE-REQUEST", end_at="2026-12-01T00:00").json["code"] == "code_ended"
    assert ends(portal, "ONE-REQUEST").json == ended
    assert codes(portal, HARBOUR)["ONE-REQUEST"]["status"] == "ended"


def test_only_managers_and_admins_give_codes(portal: Evidencing) -> None:
    assert gives(portal, "FINANCES", who=MAKER).json["code"] == "not_your_role"
    assert gives(portal, "PARTNERS", who=HARBOUR).json["code"] == "staff_only"
    path = f"/desk/partners/{portal.partners[HARBOUR]}/codes"
    assert "Give the code" not in portal.signed_in(MAKER).get(path).body
    assert portal.machine(MANAGER).get("/desk/partners/par_nobody/codes").status == 404


def test_a_code_reaches_back_only_while_the_brand_has_received_nothing(portal: Evidencing) -> None:
    # given a platform that has posted nothing yet
    books, days = portal.configuration, IntakeDays("books")
    brand = portal.brand
    source = Source(source="mt5-old", brand=brand, dialect="introducer", status=Availability.ACTIVE)
    books.register_source(source, Change(by="system:test", at=NOW, why="a platform"))

    def long_ago(code: str) -> PromoCode:
        return give_code(
            books, brand=brand, partner=portal.partners[PIPS], code=code, campaign=None, ends_at=None,
            starts_at=datetime(2024, 1, 1, tzinfo=UTC), author=Author(by="system:setup", why="moving in"),
            clock=lambda: NOW, random=secrets.token_bytes, received=lambda: has_received(books, days, brand),
        )  # fmt: skip

    assert long_ago("OLDCODE").starts_at == datetime(2024, 1, 1, tzinfo=UTC)
    # when its first event is there
    assert days.add(IntakeDay("mt5-old", "2026-04-01"), IntakeDay("mt5-old", "2026-04-01", accepted=1, marks="m"))
    # then whom a code brought is decided
    with pytest.raises(Invalid, match="No decision reaches back"):
        long_ago("OLDCODE-2")


# ----------------------------------------------------------------------------------------------------------- evidence


def test_every_piece_of_evidence_says_why_it_counts_or_not(portal: Evidencing) -> None:
    # given a client that saw two partners' links, was taken for a machine once, and typed a code in the end
    last, first = portal.clicked(PIPS), portal.clicked(before=timedelta(days=2))
    old, flagged = portal.clicked(before=timedelta(days=40)), portal.clicked(flagged=True)
    forged = last[:-1] + ("A" if last[-1] != "A" else "B")
    client = portal.a_client(
        {"click_id": last, "promo_code": "nobody24"},
        {"click_id": first},
        {"click_id": old, "promo_code": "late 24", "lead_id": "lea_unknown"},
        {"click_id": flagged, "promo_code": "?"},
        {"click_id": forged},
    )
    # then staff read what became of each
    found = evidence(portal, client)
    assert {name: each["verdict"] for name, each in found.items()} == {
        last: "won",
        first: "later_click",
        old: "too_old",
        flagged: "flagged",
        forged: "not_genuine",
        "NOBODY24": "nobodys_code",
        "LATE24": "too_late",
        "?": "not_a_code",
        "lea_unknown": "unknown_lead",
    }
    assert next(iter(found)) == last, "what counts stands first"
    won = found[last]
    assert (won["partner"], won["link"]) == (portal.partners[PIPS], portal.codes[PIPS])
    assert (won["genuine"], found[forged]["genuine"], won["window_days"]) == (True, False, 30)
    assert won["window_from"] == (REGISTERED - timedelta(days=30)).isoformat(timespec="milliseconds")[:23] + "Z"
    assert won["events"] == ["mt5-live e-0"]
    # the click's record is not there (any more): its id says what it knows
    assert won["click"] is None and found[old]["at"] is not None
    # as a page, for printing, and as a list for a file
    page = portal.signed_in(MANAGER).get(f"/desk/clients/{client}/evidence")
    assert page.status == 200
    shown = text(page.body)
    for sentence in (
        "Counts: by it the client is this partner's", "A later click counts", "It came before the window began",
        "The client's events come to what the books say", "The record of the click has expired or is not there",
    ):  # fmt: skip
        assert sentence in shown
    listed = portal.machine(MANAGER, "text/csv").get(f"/desk/clients/{client}/evidence?limit=4")
    rows = list(csv.DictReader(io.StringIO(listed.body)))
    assert rows[0]["verdict"] == "won" and len(rows) == 4 and "link" in listed.headers
    # the partner reads by what its client is its own, and nothing of the others
    assert client not in str(portal.machine(HARBOUR).get("/clients").json)
    own = portal.machine(PIPS).get("/clients").json["items"][0]
    assert (own["evidence"], own["link"], own["promo_code"]) == ("click", portal.codes[PIPS], None)
    assert portal.codes[HARBOUR] not in str(own)


def test_a_recorded_click_is_shown_with_short_hashes_until_it_expires(portal: Evidencing) -> None:
    click = portal.clicked()
    client = portal.a_client({"click_id": click})
    portal.records(click)
    seen = evidence(portal, client)[click]["click"]
    assert (seen["country"], seen["device"], seen["flags"]) == ("PL", "mobile", [])
    assert [len(seen[name]) for name in ("visitor", "address", "network")] == [8, 8, 8]
    assert "Phone" in text(portal.signed_in(MANAGER).get(f"/desk/clients/{client}/evidence").body)


def test_a_code_brings_who_comes_without_a_click_and_a_decision_covers_it(portal: Evidencing) -> None:
    # given a code that runs, and a client that registers with it
    gives(portal, "WORD-OF-MOUTH")
    portal.now = NOW + timedelta(days=2)
    when = NOW + timedelta(days=1)
    client = portal.a_client({"promo_code": "word-of-mouth"}, {}, registered=when)
    # then it is the partner's, whose list and code say so
    own = portal.machine(HARBOUR).get("/clients").json["items"][0]
    assert (own["evidence"], own["promo_code"], own["link"]) == ("promo_code", "WORD-OF-MOUTH", None)
    assert codes(portal, HARBOUR)["WORD-OF-MOUTH"]["registrations"] == 1
    assert evidence(portal, client)["WORD-OF-MOUTH"]["verdict"] == "won"
    whose = portal.machine(MANAGER).get(f"/desk/clients/{client}").json["client"]["belongs"][0]
    assert (whose["evidence"], whose["code"], whose["link"]) == ("promo_code", "WORD-OF-MOUTH", None)
    assert "WORD-OF-MOUTH" in portal.signed_in(MANAGER).get(f"/desk/clients/{client}").body
    # when compliance or a manager decides otherwise from the beginning
    wish = {"partner": portal.partners[PIPS], "since": "beginning", "reason": "They met at our own fair"}
    assert portal.machine(MANAGER).post(f"/desk/clients/{client}", wish, as_json=True).status == 201
    portal.follow(client)
    # then the code would have counted, and the decision says who made it and why
    found = evidence(portal, client)
    (decision,) = (each for each in found.values() if each["evidence"] == "decision")
    assert found["WORD-OF-MOUTH"]["verdict"] == "overruled"
    assert (decision["verdict"], decision["why"], decision["partner"], decision["since"]) == (
        "in_force", "They met at our own fair", portal.partners[PIPS], None,
    )  # fmt: skip
    # and events that the engine has not applied yet are counted, and not weighed
    event = next(each for each in portal.facts.events_of_client(portal.brand, client) if each.event_id == "e-0")
    portal.facts.put_event(replace(event, event_id="later", type=EventType.KYC, status="approved", applied_at=None))
    assert portal.machine(MANAGER).get(f"/desk/clients/{client}/evidence").json["waiting"] == 1


def test_books_that_say_something_else_than_the_events_are_seen(portal: Evidencing) -> None:
    # given a decision that the books took for applied, and never followed
    client = portal.a_client({"click_id": portal.clicked(PIPS)})
    event = portal.facts.events_of_client(portal.brand, client)[0]
    move = replace(event, event_id="mov_1", type=EventType.MOVE, click_id=None, partner=portal.partners[HARBOUR])
    portal.facts.put_event(replace(move, applied_at=NOW))
    # then staff are told
    path = f"/desk/clients/{client}/evidence"
    assert portal.machine(MANAGER).get(path).json["recomputed_equal"] is False
    assert "something else than the books say" in text(portal.signed_in(MANAGER).get(path).body)


def test_evidence_is_for_who_looks_after_clients(portal: Evidencing) -> None:
    client = portal.a_client({})
    path = f"/desk/clients/{client}/evidence"
    assert portal.machine(MAKER).get(path).json["code"] == "not_your_role"
    assert portal.machine(HARBOUR).get(path).json["code"] == "staff_only"
    assert portal.machine(ADMIN).get("/desk/clients/nobody/evidence").status == 404
    assert "Nothing speaks for a partner" in portal.signed_in(ADMIN).get(path).body


# ------------------------------------------------------------------------------------------- how a campaign attributes


def test_how_a_campaign_attributes_is_decided_for_who_registers_later(portal: Evidencing) -> None:
    # given a campaign that was made with the last click of thirty days
    campaign = portal.configuration.campaigns(portal.brand)[0].campaign
    path = f"/desk/campaigns/{campaign}/attribution"
    before = portal.machine(MAKER).get(path).json
    assert (before["window_days"], before["attribution"], before["promo_first"]) == (30, "last_click", False)
    # when a manager decides otherwise, in a browser, which keeps what was chosen while a moment is wrong
    browser = portal.signed_in(MANAGER)
    wish = {"window_days": "7", "attribution": "first_click", "promo_first": "true", "reason": "Agreed with partners"}
    again = browser.submit(path, path, **wish, since="2026-01-01T00:00").body
    assert '<option value="true" selected>' in again and '<option value="first_click" selected>' in again
    done = browser.submit(path, path, **wish)
    assert (done.status, done.location) == (303, f"{path}?decided=1")
    assert "it holds for whoever registers from" in text(browser.get(done.location).body)
    # then it holds in twelve minutes, and before it nothing changes
    assert portal.machine(MANAGER).get(path).json["window_days"] == 30
    gives(portal, "CODE-FIRST", PIPS)
    old = portal.a_client({"click_id": portal.clicked(), "promo_code": "code-first"})
    portal.now = NOW + timedelta(days=2)
    portal.forgets()
    after = portal.machine(MANAGER).get(path).json
    assert (after["window_days"], after["attribution"], after["promo_first"]) == (7, "first_click", True)
    click = portal.clicked(before=timedelta(days=-3, hours=-20))
    new = portal.a_client({"click_id": click, "promo_code": "code-first"}, registered=NOW + timedelta(days=1))
    assert [each["evidence"] for each in evidence(portal, old).values() if each["verdict"] == "won"] == ["click"]
    assert {name: each["verdict"] for name, each in evidence(portal, new).items()} == {
        "CODE-FIRST": "won",
        click: "code_first",
    }
    # the campaign's own page says what holds now
    about = portal.machine(MANAGER).get(f"/desk/campaigns/{campaign}").json
    assert (about["window_days"], about["attribution"], about["promo_first"]) == (7, "first_click", True)
    # nothing reaches back, nothing is decided twice, and only managers and admins decide
    sent = {"window_days": 7, "attribution": "first_click", "promo_first": True, "reason": "Agreed with partners"}
    refused = portal.machine(MANAGER).post(path, sent, as_json=True)
    assert refused.json["code"] == "same_attribution"
    sent["window_days"] = 9
    assert portal.machine(MANAGER).post(path, sent | {"since": "2026-01-01T00:00"}, as_json=True).json["code"] == (
        "invalid_since"
    )
    assert portal.machine(MANAGER).post(path, sent | {"window_days": 400}, as_json=True).json["code"] == (
        "invalid_window"
    )
    assert portal.machine(MAKER).post(path, sent, as_json=True).json["code"] == "not_your_role"
    assert portal.machine(MANAGER).get("/desk/campaigns/cmp_nobodys/attribution").status == 404
    # a decision for a moment far away binds nobody: what holds already is decided before it, and goes on to hold
    slip = sent | {"since": "2026-12-01T00:00"}
    assert portal.machine(MANAGER).post(path, slip, as_json=True).json["number"] == 2
    soon = (portal.now + timedelta(minutes=11)).isoformat()
    assert portal.machine(MANAGER).post(path, sent | {"since": soon}, as_json=True).json["code"] == "invalid_since"
    assert portal.machine(MANAGER).post(path, sent | {"window_days": 7}, as_json=True).json["number"] == 3
    portal.now = datetime(2026, 12, 2, tzinfo=UTC)
    assert portal.machine(MANAGER).get(path).json["window_days"] == 7


def test_an_operators_request_decides_once(portal: Evidencing) -> None:
    # given an operator's command, which has no portal before it
    about: Any = {
        "brand": portal.brand, "author": Author(by="system:setup", why="moving in"), "clock": lambda: portal.now,
        "random": secrets.token_bytes, "request": "once",
    }  # fmt: skip

    def gives_once(partner: str) -> PromoCode:
        named = {"partner": portal.partners[partner], "code": "OPERATED", "campaign": None}
        return give_code(portal.configuration, **named, starts_at=None, ends_at=None, **about)

    campaign = portal.configuration.campaigns(portal.brand)[0].campaign

    def decides_once(days: int) -> AttributionDecision:
        wish: Any = {"window_days": days, "attribution": Attribution.LAST_CLICK, "promo_first": False, "since": None}
        return decide_attribution(portal.configuration, campaign=campaign, **wish, **about)

    given, decided = gives_once(PIPS), decides_once(21)
    # when it is repeated, later, then nothing is decided anew; and it is no other's request
    portal.now = NOW + timedelta(minutes=5)
    assert (gives_once(PIPS), decides_once(21)) == (given, decided)
    with pytest.raises(Conflict) as refused:
        gives_once(HARBOUR)
    assert refused.value.code == "idempotency_key_reused"
    with pytest.raises(Conflict) as refused:
        decides_once(22)
    assert refused.value.code == "idempotency_key_reused"
