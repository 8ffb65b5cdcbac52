"""Staff write terms in fields: a form without scripts that has room for all that terms can say."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from introducer.domain.terms import parse_terms
from introducer.locale import language
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import DEALT, OTHER, STAFF, UNDEALT, Portal, a_portal
from tests.functions.test_portal_deal import said_in_html, said_in_json, text
from tests.functions.test_portal_deal_proposal import deals, form, path
from tests.support.builders import cpa, lot, revshare, terms
from tests.support.deals import PARTNER as EVERYTHING
from tests.support.form_fields import fields_of

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world:
        yield world


def sent_form(answer: Any, **changes: str) -> dict[str, Any]:
    """The editor as a browser would send it, with what was typed over it."""
    fields = fields_of(answer.body, "deal")
    assert set(changes) <= {*fields, "do", "idempotency_key"}, "no such field"
    return fields | changes


@pytest.mark.parametrize("email", [DEALT, UNDEALT])
def test_the_fields_are_the_newest_terms(portal: Portal, email: str) -> None:
    browser = portal.signed_in(STAFF)
    page = browser.get(path(portal, email))
    as_data = portal.machine(STAFF).get(path(portal, email)).json

    assert page.body.count("<textarea") == 0
    checked = browser.post(path(portal, email) + "/check", sent_form(page, begins="2026-07-01"))
    wish = {"terms": as_data["terms"], "begins": "2026-07-01"}
    expected = portal.machine(STAFF).post(path(portal, email) + "/check", wish, as_json=True).json["checked"]
    assert (page.status, checked.status) == (200, 200)
    assert said_in_html(checked.body) == said_in_json([expected])


def test_a_deal_with_every_part_goes_through_the_form_unchanged(portal: Portal) -> None:
    browser = portal.signed_in(STAFF)
    page = browser.get(path(portal, UNDEALT))

    shown = browser.post(path(portal, UNDEALT) + "/check", form(page, terms=EVERYTHING) | {"do": "form"})
    as_json = browser.post(path(portal, UNDEALT) + "/check", sent_form(shown, do="json"))

    assert (shown.status, as_json.status) == (200, 200)
    kept = json.loads(fields_of(as_json.body, "deal")["terms"])
    assert parse_terms(kept) == parse_terms(EVERYTHING)
    checked = browser.post(path(portal, UNDEALT) + "/check", sent_form(shown))
    expected = portal.machine(STAFF).post(path(portal, UNDEALT) + "/check", {"terms": EVERYTHING}, as_json=True)
    assert said_in_html(checked.body) == said_in_json([expected.json["checked"]])


def test_the_page_has_each_field_of_the_form(portal: Portal) -> None:
    # given rules of all kinds with all their parts
    browser, check = portal.signed_in(STAFF), path(portal, UNDEALT) + "/check"
    page = browser.post(check, form(browser.get(path(portal, UNDEALT)), terms=EVERYTHING) | {"do": "form"})
    editor = portal.machine(STAFF).post(check, {"terms": EVERYTHING}, as_json=True).json["editor"]

    # then what the form knows of stands on the page, and is sent from there as it is
    named = set(re.findall(r' name="([^"]+?)(?:\[\])?"', page.body))
    known = editor["typed"] | editor["ticked"]
    assert set(known) <= named
    sent = {name.removesuffix("[]"): value for name, value in fields_of(page.body, "deal").items()}
    for name, value in known.items():
        if name.endswith(".countries"):
            assert sent[name] == ", ".join(language("en").country(code) for code in value.split(", ") if code), name
        elif value:
            assert ([each for each in sent[name] if each] if isinstance(value, list) else sent[name]) == value, name
    assert len(zlib.compress(page.body.encode(), 6)) < 60_000


def test_rules_and_rows_come_and_go_by_buttons_and_nothing_is_kept(portal: Portal) -> None:
    browser, before = portal.signed_in(STAFF), deals(portal, UNDEALT)
    check = path(portal, UNDEALT) + "/check"
    typed = {"terms.rules.0.percent": "31", "reason": "on the phone", "begins": "2026-07-01"}

    page = browser.post(check, sent_form(browser.get(path(portal, UNDEALT)), do="example-lot-0", **typed))
    page = browser.post(check, sent_form(page, do="add-rules.1.groups"))
    page = browser.post(check, sent_form(page, do="", **{
        "terms.rules.1.groups.2.symbols": "EURUSD", "terms.rules.1.groups.2.amount": "3.50",
    }))  # fmt: skip
    fields = fields_of(page.body, "deal")
    assert {name: fields[name] for name in typed} == typed
    assert "EURUSD" in text(page.body) and "These terms can be proposed." in text(page.body)

    page = browser.post(check, sent_form(page, do="remove-rules.0"))
    assert fields_of(page.body, "deal")["terms.rules.0.type"] == "lot"
    assert "terms.rules.1.type" not in page.body
    assert deals(portal, UNDEALT) == before


@pytest.mark.parametrize(("changes", "field", "says"), [
    ({"terms.hold.days": ""}, "terms.hold.days", "Fill this in."),
    ({"terms.hold.days": "soon"}, "terms.hold.days", "Write a whole number."),
    ({"terms.hold.days": "9999"}, "terms.hold.days", "Out of range: ≤ 365"),
    ({"terms.rules.0.percent": "a"}, "terms.rules.0.percent", "Write it like 25"),
    ({"terms.rules.0.id": "Rev 1"}, "terms.rules.0.id", "Write it like rev"),
    ({"terms.rules.0.negative": "x"}, "terms.rules.0.negative", "Choose what fits here."),
    ({"terms.rules.0.promotion.from": "2026-08-01"}, "terms.rules.0.promotion.until", "Fill this in."),
    ({"terms.rules.0.tiers.by": "lots"}, "terms.rules.0.tiers.bands", "Fill this in."),
    ({"terms.rules.0.percent": "130"}, "terms.rules.0.percent", "Write more than 0 and at most 100."),
    ({"terms.rules.0.fence": "100"}, "terms.rules.0.fence",
     "This is for clients who are taken together: tick that they are, or leave this empty."),
    ({"terms.rules.0.negative": "capped"}, "terms.rules.0.cap",
     "A limit and “Carried over, to a limit” go together: fill in both, or neither."),
    ({"terms.rules.0.promotion.from": "2026-08-01", "terms.rules.0.promotion.until": "2026-07-01",
      "terms.rules.0.promotion.percent": "40"},
     "terms.rules.0.promotion.until", "It ends before it starts: choose a later last day."),
    ({"terms.rules.0.tiers.by": "lots", "terms.rules.0.tiers.mode": "retroactive",
      "terms.rules.0.tiers.bands.0.from": "10", "terms.rules.0.tiers.bands.0.percent": "30"},
     "terms.rules.0.tiers",
     "This is for clients who are taken together: tick that they are, or leave this empty."),
    ({"terms.rules.0.tiers.by": "lots", "terms.rules.0.tiers.mode": "retroactive",
      "terms.rules.0.tiers.bands.0.from": "10"}, "terms.rules.0.tiers.bands.0.percent", "Fill this in."),
    ({"terms.currency": "XXX"}, "terms.currency", "Write the three capital letters of a currency, such as EUR."),
    ({"begins": "2026-01-01"}, "begins",
     "Choose a day to come: terms begin at midnight UTC, after they are accepted."),
    ({"begins": "2026-02-30"}, "begins", "This does not fit here."),
    ({"reason": "x"}, "reason", "Fill this in."),
])  # fmt: skip
def test_what_is_wrong_stands_at_its_field(portal: Portal, changes: dict[str, str], field: str, says: str) -> None:
    browser = portal.signed_in(STAFF)
    fields = sent_form(browser.get(path(portal, UNDEALT)), **{"reason": "as agreed"} | changes)

    page = browser.post(path(portal, UNDEALT), fields)

    assert page.status == 422 and says in page.body
    assert re.search(rf'id="note-{re.escape(field)}">{says}', page.body) or f'role="alert">{says}' in page.body
    again = fields_of(page.body, "deal")
    # A choice that there is not cannot be shown.
    shown = [name for name in changes if name != "terms.rules.0.negative"]
    assert [again[name] for name in shown] == [changes[name] for name in shown]
    assert deals(portal, UNDEALT) == []


@pytest.mark.parametrize(
    ("spoken", "typed", "shown"),
    [
        ("ru", "германия; Таиланд", "Германия, Таиланд"),
        ("ar", "ألمانيا، تايلاند", "ألمانيا، تايلاند"),
        ("en", "DE, th", "Germany, Thailand"),
    ],
)
def test_countries_are_written_by_their_names(portal: Portal, spoken: str, typed: str, shown: str) -> None:
    browser, check = portal.signed_in(STAFF), path(portal, UNDEALT) + "/check"
    browser.cookies["__Host-language"] = spoken
    page = browser.post(check, sent_form(browser.get(path(portal, UNDEALT)), do="example-cpa-0"))
    prices, only = "terms.rules.1.amounts.0.countries", "terms.rules.1.qualification.countries"

    # what is none stays as it was typed, and is said at its field alone; another row changes nothing about it
    comma = language(spoken).mark(",")
    wrong = sent_form(page, **{prices: f"{typed}; <Polnad>", only: typed, "reason": "as agreed"})
    for refused in (browser.post(path(portal, UNDEALT), wrong), browser.post(check, wrong)):
        assert refused.status == 422 and "<Polnad>" not in refused.body
        assert fields_of(refused.body, "deal")[prices] == f"{shown}{comma}<Polnad>"
        [note] = re.findall(rf'id="note-{re.escape(prices)}">(.*?)</p>', refused.body)
        assert "<bdi>&lt;Polnad&gt;</bdi>" in note and "<bdi>&lt;Polnad&gt;</bdi>" not in refused.body.replace(note, "")
    more = browser.post(check, wrong | {"do": "add-rules.1.amounts"})
    assert fields_of(more.body, "deal")[prices] == f"{shown}{comma}<Polnad>"

    # the form shows names, and terms have codes
    right = sent_form(page, **{prices: typed, only: typed})
    assert [fields_of(browser.post(check, right).body, "deal")[name] for name in (prices, only)] == [shown, shown]
    as_json = browser.post(check, right | {"do": "json"})
    [_, rule] = json.loads(fields_of(as_json.body, "deal")["terms"])["rules"]
    assert rule["amounts"][0]["countries"] == rule["qualification"]["countries"] == ["DE", "TH"]
    assert "<datalist" not in page.body


def test_a_program_writes_countries_as_codes(portal: Portal) -> None:
    asked, check = portal.machine(STAFF), path(portal, UNDEALT) + "/check"
    sent = json.loads(json.dumps(EVERYTHING).replace('"DE"', '"Germany"'))
    assert sent != EVERYTHING
    refused = asked.post(check, {"terms": sent}, as_json=True)
    assert (refused.status, refused.json["code"]) == (422, "invalid_deal")
    assert any("countries" in name and "DE" in said for name, said in refused.json["errors"].items())
    editor = asked.post(check, {"terms": EVERYTHING}, as_json=True).json["editor"]
    assert any(name.endswith(".countries") and "DE" in value for name, value in editor["typed"].items())


def test_terms_that_a_form_would_change_stay_json_and_it_is_said(portal: Portal) -> None:
    browser, check = portal.signed_in(STAFF), path(portal, UNDEALT) + "/check"
    page = browser.get(path(portal, UNDEALT))
    long = [revshare() | {"id": f"r{number}"} for number in range(60)]

    for deal, says in (
        (
            terms(lot("9.00") | {"account_types": ["Standard, ECN"]}),
            "Some names in these terms, such as those with commas",
        ),
        (
            terms(cpa() | {"amounts": [{"countries": ["UK"], "amount": "5.00"}]}),
            "Some names in these terms, such as those with commas",
        ),
        (terms(*long), "These terms are too long for a form"),
    ):
        answer = browser.post(check, form(page, terms=deal) | {"do": "form"})
        assert answer.status == 200 and says in text(answer.body)
        assert json.loads(fields_of(answer.body, "deal")["terms"]) == deal


def test_what_fits_no_more_is_said_and_nothing_is_lost(portal: Portal) -> None:
    browser, check = portal.signed_in(STAFF), path(portal, UNDEALT) + "/check"
    page = browser.get(path(portal, UNDEALT))
    while "Nothing more fits into this form" not in text(page.body):
        before = page
        page = browser.post(check, sent_form(page, do="example-cpa-0"))
        assert page.status == 200
    assert fields_of(page.body, "deal") | {"csrf": ""} == fields_of(before.body, "deal") | {"csrf": ""}
    assert browser.post(check, sent_form(page)).status == 200


def test_what_was_proposed_meanwhile_is_noticed_whatever_button_was_pressed_before(portal: Portal) -> None:
    browser, other = portal.signed_in(STAFF), portal.machine(STAFF)
    page = browser.get(path(portal, OTHER))
    version = fields_of(page.body, "deal")["version"]
    theirs = {"terms": terms(revshare("21"), currency="USD"), "reason": "a colleague's"}
    assert other.post(path(portal, OTHER), theirs, as_json=True).json["version"] == int(version)

    page = browser.post(path(portal, OTHER) + "/check", sent_form(page, do="example-lot-0"))
    assert fields_of(page.body, "deal")["version"] == version
    for _ in range(2):
        page = browser.post(path(portal, OTHER), sent_form(page, reason="as agreed"))
        assert (page.status, "Other terms were proposed meanwhile" in text(page.body)) == (409, True)
    assert len(deals(portal, OTHER)) == int(version)


def test_two_groups_of_one_name_are_refused_at_the_second(portal: Portal) -> None:
    browser, check = portal.signed_in(STAFF), path(portal, UNDEALT) + "/check"
    page = browser.post(check, sent_form(browser.get(path(portal, UNDEALT)), do="add-symbol_groups"))
    at = "terms.symbol_groups."
    typed = {f"{at}{n}.{part}": value for n in (0, 1) for part, value in (("name", "metals"), ("symbols", f"X{n}"))}

    refused = browser.post(check, sent_form(page, **typed))

    assert refused.status == 422
    assert f'id="note-{at}1.name">There is such an entry already' in refused.body
    assert {name: fields_of(refused.body, "deal")[name] for name in typed} == typed


def test_a_button_leads_to_the_row_that_it_makes_in_a_part_that_is_open(portal: Portal) -> None:
    browser, check = portal.signed_in(STAFF), path(portal, UNDEALT) + "/check"
    page = browser.get(path(portal, UNDEALT))
    where = "rules.0.tiers.bands"
    leads_to = re.search(rf'value="add-{where}" formaction="[^"#]*#([^"]+)"', page.body)
    assert leads_to

    more = browser.post(check, sent_form(page, do=f"add-{where}")).body

    assert f'id="{leads_to[1]}"' in more
    before = more[: more.index(f'id="{leads_to[1]}"')]
    assert "open" in before[before.rindex("<details") :].partition(">")[0]
    for target in re.findall(r'formaction="[^"#]*#([\w-]+)"', more):
        assert f'id="{target}"' in more or target.startswith("rule-") or re.search(r"-\d+$", target), target


def test_a_language_is_chosen_on_a_page_that_only_a_form_leads_to(portal: Portal) -> None:
    browser = portal.signed_in(STAFF)
    page = browser.post(path(portal, UNDEALT) + "/check", sent_form(browser.get(path(portal, UNDEALT)), do="add-rules"))
    [next_one] = set(re.findall(r'name="next" value="([^"]*)"', page.body))

    assert next_one == path(portal, UNDEALT)
    assert browser.get(next_one).status == 200


def test_half_a_letter_is_shown_as_none(portal: Portal) -> None:
    visitor = portal.machine(STAFF)
    visitor.headers["accept"] = "text/html"
    wish = {"terms": {"currency": "EUR"}, "reason": "\ud800"}
    assert visitor.post(path(portal, UNDEALT), wish, as_json=True).status == 422


def test_terms_are_proposed_from_the_fields(portal: Portal) -> None:
    browser = portal.signed_in(STAFF)
    page = browser.get(path(portal, UNDEALT))
    fields = sent_form(page, **{"terms.rules.0.percent": "33", "reason": "as agreed", "idempotency_key": "fields-1"})

    made, again = browser.post(path(portal, UNDEALT), fields), browser.post(path(portal, UNDEALT), fields)

    assert made.status == again.status == 303
    assert made.location == again.location
    [kept] = deals(portal, UNDEALT)
    assert json.loads(kept.terms)["rules"] == [{"type": "revshare", "id": "rev", "percent": "33", "negative": "carry"}]


def test_the_same_terms_for_several_say_at_the_field_too(portal: Portal) -> None:
    browser = portal.signed_in(STAFF)
    page = browser.get(f"/desk/deals/joint/new?partner={portal.partners[UNDEALT]}")
    fields = sent_form(page, **{"terms.rules.0.fence": "100", "reason": "the summer's terms"})

    for where in ("/desk/deals/joint/check", "/desk/deals/joint"):
        answer = browser.post(where, fields)
        assert answer.status == 422
        assert 'id="note-terms.rules.0.fence">This is for clients who are taken together' in answer.body
