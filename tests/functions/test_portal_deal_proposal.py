"""Staff write terms, read them in words before anything is kept, and propose them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from introducer.domain.configuration import DealRecord
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import DEALT, OTHER, PARTNER, STAFF, UNDEALT, Portal, a_portal
from tests.functions.test_portal_deal import said_in_html, said_in_json, text
from tests.support.builders import cpa, lot, revshare, terms
from tests.support.deals import PARTNER as EVERYTHING

pytestmark = pytest.mark.cloud

POOL = terms(revshare("25", "carry") | {"pooled": True}, lot("2.50"), days=10)


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world:
        yield world


def path(portal: Portal, email: str = DEALT) -> str:
    return f"/desk/partners/{portal.partners[email]}/deal/new"


def deals(portal: Portal, email: str = DEALT) -> list[DealRecord]:
    return portal.configuration.deals(portal.partners[email])


def form(page: Any, **typed: Any) -> dict[str, str]:
    """The form of the page, with what was typed."""
    fields = {name: page.field(name) for name in ("csrf", "version")}
    return (
        fields
        | {"begins": "", "reason": ""}
        | {n: v if isinstance(v, str) else json.dumps(v) for n, v in typed.items()}
    )


# ---------------------------------------------------------------------------------------------------------- checking


def test_the_form_begins_with_the_newest_terms(portal: Portal) -> None:
    data, page = portal.machine(STAFF).get(path(portal)).json, portal.signed_in(STAFF).get(path(portal)).body

    assert (data["version"], data["checked"]) == (6, None)
    assert data["terms"] == json.loads(deals(portal)[-1].terms) == json.loads(data["typed"]["terms"])
    assert "What Lantern Signals will be paid for" in text(page)
    assert "The words stand here after a check" in text(page)


def test_a_first_deal_begins_with_terms_that_can_be(portal: Portal) -> None:
    data = portal.machine(STAFF).get(path(portal, UNDEALT)).json
    checked = portal.machine(STAFF).post(path(portal, UNDEALT) + "/check", {"terms": data["terms"]}, as_json=True)

    assert (data["version"], data["terms"]["currency"]) == (1, "EUR")
    assert (checked.status, checked.json["checked"]["begins"]) == (200, "2026-04-18T00:00:00.000Z")
    assert checked.json["checked"]["compared_with"] is None


def test_every_kind_of_rule_has_an_example_with_its_words(portal: Portal) -> None:
    examples = portal.machine(STAFF).get(path(portal)).json["examples"]
    page = portal.signed_in(STAFF).get(path(portal)).body

    assert [each["kind"] for each in examples] == ["cpa", "cpl", "revshare", "lot", "bonus", "override"]
    for rule in (rule for each in examples for rule in each["rules"]):
        own = json.loads(rule["text"])
        others = [] if own["type"] == "cpa" else [cpa() | {"id": "other"}]
        deal = terms(own, *others)
        answer = portal.machine(STAFF).post(path(portal, UNDEALT) + "/check", {"terms": deal}, as_json=True)
        assert answer.status == 200, answer.json
        said = [sentence["text"] for sentence in answer.json["checked"]["clauses"][0]["sentences"]]
        assert said == rule["says"]
        assert re.sub(r"\s+", " ", said[0]) in text(page)


def test_checking_says_the_words_and_keeps_nothing(portal: Portal) -> None:
    # given
    browser, before = portal.signed_in(STAFF), deals(portal)

    # when a form without a script is checked
    page = browser.get(path(portal))
    checked = browser.post(path(portal) + "/check", form(page, terms=POOL, begins="2026-06-01"))
    wish = {"terms": POOL, "begins": "2026-06-01"}
    as_data = portal.machine(STAFF).post(path(portal) + "/check", wish, as_json=True).json["checked"]

    # then the words stand there, marked against version 2, and what was typed stays
    assert checked.status == 200
    assert said_in_html(checked.body) == said_in_json([as_data])
    assert (as_data["version"], as_data["compared_with"], as_data["terms"]) == (6, 2, POOL)
    assert "These terms can be proposed. Accepted today, they begin on 1 Jun 2026." in text(checked.body)
    assert json.loads(text(checked.body.split("<textarea")[1].split("</textarea>")[0].partition(">")[2])) == POOL
    marks = {each["text"]: each["mark"] for each in as_data["clauses"][0]["sentences"]}
    assert marks["One client's loss lowers what is earned for the others."] == "new"
    assert deals(portal) == before


@pytest.mark.parametrize("code", ["ar", "ru", "th"])
def test_a_deal_with_every_part_is_said_in_the_reader_s_language(portal: Portal, code: str) -> None:
    english = portal.machine(STAFF).post(path(portal, UNDEALT) + "/check", {"terms": EVERYTHING}, as_json=True)
    browser = portal.signed_in(STAFF)
    browser.submit("/desk/partners", "/preferences", language=code)
    page = browser.get(path(portal, UNDEALT))
    checked = browser.post(path(portal, UNDEALT) + "/check", form(page, terms=EVERYTHING))

    ours = [text for _, _, said in said_in_html(checked.body) for _, text in said]
    theirs = [text for _, _, said in said_in_json([english.json["checked"]]) for _, text in said]
    assert len(ours) == len(theirs) > 100
    assert not set(ours) & set(theirs), "left in English"
    assert not [each for each in ours if "%(" in each or "None" in each]


# -------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(("typed", "where", "says"), [
    ("{", "terms", "The terms cannot be read."),
    ("[]", "terms", "The body must be a JSON object."),
    ('{"currency": "EUR", "currency": "USD"}', "terms", "stands twice"),
    (terms(revshare() | {"percent": 25}), "terms.rules[0].percent", "Write it as a text, in quotation marks."),
    (terms(revshare("a")), "terms.rules[0].percent", 'Write it like "25"'),
    (terms(revshare("25", "x")), "terms.rules[0].negative", 'Write one of these: "reset", "carry" or "capped"'),
    (terms(), "terms.rules", "Fill this in."),
    (terms(revshare(), name="Gold"), "terms.name", "There is no such field: take it out."),
])  # fmt: skip
def test_what_is_wrong_is_said_where_it_is(portal: Portal, typed: Any, where: str, says: str) -> None:
    browser = portal.signed_in(STAFF)

    page = browser.post(path(portal) + "/check", form(browser.get(path(portal)), terms=typed))
    proposed = browser.post(path(portal), form(browser.get(path(portal)), terms=typed, reason="agreed by phone"))
    problem = portal.machine(STAFF).post(path(portal), {"terms": typed, "reason": "agreed"}, as_json=True)

    assert (page.status, proposed.status, problem.status) == (422, 422, 422)
    for each in (page.body, proposed.body):
        note = re.search(r'<ul id="note-terms".*?</ul>', each, re.DOTALL)
        assert note and says in text(note[0])
        assert (where.removeprefix("terms.") in text(note[0])) == where.startswith("terms.") or where == "terms"
        assert 'aria-invalid="true"' in each
    assert says in json.dumps(problem.json, ensure_ascii=False).replace('\\"', '"')
    if where != "terms":
        assert says in problem.json["errors"][where]
    assert len(deals(portal)) == 5


def test_what_rules_refuse_is_said_at_its_place_and_to_programs_in_a_sentence(portal: Portal) -> None:
    browser, typed = portal.signed_in(STAFF), terms(revshare() | {"fence": "1.00"})

    page = browser.post(path(portal), form(browser.get(path(portal)), terms=typed, reason="agreed by phone"))
    problem = portal.machine(STAFF).post(path(portal), {"terms": typed, "reason": "agreed"}, as_json=True)

    [note] = re.findall(r'<ul id="note-terms".*?</ul>', page.body, re.DOTALL)
    says = "This is for clients who are taken together: tick that they are, or leave this empty."
    assert text(note).strip().split(maxsplit=1) == ["rules[0].fence", says]
    assert (page.status, problem.status) == (422, 422)
    assert problem.json["detail"] == "Rule 'rev' has a fence without a pool: each client stands alone already."
    assert problem.json["code"] == "invalid_deal" and "errors" not in problem.json


@pytest.mark.parametrize(("begins", "says"), [
    ("2026-05-20", "choose the first of a month, such as 1 Jun 2026."),
    ("2026-05-01", "Version 5 begins on 10 May 2026: choose that day or a later one."),
    ("2026-04-17", "Choose a day to come"),
    ("2026-02-30", "This does not fit here."),
    ("soon", "This does not fit here."),
])  # fmt: skip
def test_a_day_on_which_terms_cannot_begin_is_said_at_the_day(portal: Portal, begins: str, says: str) -> None:
    browser = portal.signed_in(STAFF)
    page = browser.post(path(portal) + "/check", form(browser.get(path(portal)), terms=POOL, begins=begins))

    assert page.status == 422
    [note] = re.findall(r'<p class="wrong" id="note-begins">(.*?)</p>', page.body)
    assert says in text(note)


# --------------------------------------------------------------------------------------------------------- proposing


def test_a_proposal_is_kept_once_with_its_reason(portal: Portal) -> None:
    # given a page that was read once
    browser = portal.signed_in(STAFF)
    page = browser.get(path(portal, OTHER))
    deal = terms(revshare("28"), currency="USD")
    fields = form(page, terms=deal, reason="Asked for more") | {"idempotency_key": "proposal-1"}

    # when its button is pressed twice
    first, again = browser.post(path(portal, OTHER), fields), browser.post(path(portal, OTHER), fields)

    # then there is one more version, and it waits
    [_, kept] = deals(portal, OTHER)
    assert first.status == again.status == 303
    assert first.location == again.location == f"/desk/partners/{portal.partners[OTHER]}/deal?proposed=2"
    assert (json.loads(kept.terms), kept.accepted_at) == (deal, None)
    assert kept.valid_from == datetime(2026, 4, 18, tzinfo=UTC)
    audit = portal.configuration.audit_of_subject(portal.partners[OTHER]).items
    proposed = next((each.by, each.why) for each in audit if each.action == "propose_deal")
    assert proposed == (portal.members[STAFF], "Asked for more")
    assert "The partner reads these words and accepts them." in text(browser.get(first.location).body)

    # and other terms under the number that the page had are somebody else's
    other = form(page, terms=terms(revshare("29"), currency="USD"), reason="Asked again")
    refused = browser.post(path(portal, OTHER), other)
    assert refused.status == 409
    assert "Other terms were proposed meanwhile" in text(refused.body)
    assert len(deals(portal, OTHER)) == 2
    far = portal.machine(STAFF).post(path(portal, OTHER), {"terms": deal, "reason": "far", "version": 9}, as_json=True)
    assert (far.status, far.json["code"]) == (409, "no_such_version")


def test_a_program_proposes_the_same_way(portal: Portal) -> None:
    wish = {"terms": POOL, "reason": "agreed", "begins": "2026-07-01"}
    answer = portal.machine(STAFF).post(path(portal, PARTNER), wish, as_json=True)

    assert (answer.status, answer.json["version"]) == (201, 2)
    assert answer.json["begins"] == "2026-07-01T00:00:00.000Z"
    assert answer.json["terms_hash"] == deals(portal, PARTNER)[-1].terms_hash


def test_a_proposal_has_a_reason(portal: Portal) -> None:
    browser, before = portal.signed_in(STAFF), deals(portal)
    page = browser.post(path(portal), form(browser.get(path(portal)), terms=POOL))

    assert page.status == 422
    assert re.search(r'<p class="wrong" id="note-reason">Fill this in\.</p>', page.body)
    assert deals(portal) == before


def test_a_goal_that_begins_meanwhile_is_said_to_be_too_late(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a goal for the rest of April, read before it begins and two days later
    goal = {
        "type": "bonus", "id": "april", "by": "ftd", "goal": "5", "amount": "100.00",
        "window": {"from": "2026-04-18", "until": "2026-04-30"},
    }  # fmt: skip
    wish = {"terms": terms(revshare(), goal), "reason": "spring"}
    made = portal.machine(STAFF).post(path(portal, UNDEALT), wish, as_json=True).json
    owner = portal.machine(UNDEALT)
    assert owner.get("/deal").json["versions"][0]["too_late"] is False
    monkeypatch.setattr(portal.module.server.wiring.portal, "now", lambda: datetime(2026, 4, 19, 9, tzinfo=UTC))

    # when
    page = portal.signed_in(UNDEALT).get("/deal").body
    refused = portal.machine(UNDEALT).post("/deal", {"version": 1, "terms_hash": made["terms_hash"]}, as_json=True)

    # then
    assert "can no longer be accepted" in text(page)
    assert "Accept these terms" not in text(page)
    assert (refused.status, refused.json["code"], refused.json["window"]) == (409, "overtaken", "2026-04-18")


def test_only_managers_and_admins_propose(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, wish = portal.machine(PARTNER), {"terms": POOL, "reason": "please"}
    assert machine.get(path(portal)).json["code"] == "staff_only"
    assert machine.post(path(portal), wish, as_json=True).json["code"] == "staff_only"

    monkeypatch.setattr(portal.module.pages.deal_proposal, "MAY_PROPOSE", frozenset())
    for address in (path(portal), path(portal) + "/check"):
        answer = portal.machine(STAFF).post(address, wish, as_json=True)
        assert (answer.status, answer.json["code"]) == (403, "not_your_role")
    assert len(deals(portal)) == 5
    assert portal.machine(STAFF).get("/desk/partners/par_none/deal/new").status in (403, 404)


def test_the_way_to_the_form_leads_from_the_deal(portal: Portal) -> None:
    page = portal.signed_in(STAFF).get(path(portal).removesuffix("/new")).body
    assert f'href="{path(portal)}"' in page
    assert f'href="{path(portal)}"' not in portal.signed_in(DEALT).get("/deal").body


@pytest.mark.parametrize("depth", [40, 500])
def test_terms_nested_too_deeply_are_refused_in_either_form(portal: Portal, depth: int) -> None:
    nested: Any = []
    for _ in range(depth):
        nested = [nested]
    body = {"currency": "EUR", "hold": {"days": 1}, "rules": nested}
    for terms_sent in (body, json.dumps(body)):
        answer = portal.machine(STAFF).post(path(portal, UNDEALT) + "/check", {"terms": terms_sent}, as_json=True)
        assert (answer.status, "levels deep" in json.dumps(answer.json)) == (422, True)
