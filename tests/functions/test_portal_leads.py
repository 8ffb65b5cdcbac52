"""Leads in the portal: the form that anybody may send, what a partner sees of them, and what sales do with them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.lead import MOST_PER_HOUR, NOBODY
from introducer.domain.mail import Mail
from introducer.gateways.vault import SealBroken
from introducer.locale import CODES
from introducer.store.leads import Leads
from introducer.store.mails import Mails
from tests.browser.world import Answer, Visitor, an_http_event
from tests.support.leading import OTHER_SALES, PERSON, SALES, Leading, a_leading, everything, in_clear
from tests.support.payday import ADMIN, HARBOUR, MAKER, MANAGER, NOW, PIPS
from tests.support.shown import text


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Leading]:
    with a_leading(monkeypatch) as world:
        yield world


def worked_by(portal: Leading, lead: str) -> str:
    """The login that a lead was given to."""
    member = portal.books.leads.lead(lead).salesperson
    return next(name for name, each in portal.people.items() if each.member == member)


def told_to(of: str) -> list[Mail]:
    """The mails of a partner, or of the brand's staff."""
    return list(Mails("books").mails(of))


def other_than(login: str) -> str:
    return OTHER_SALES if login == SALES else SALES


# ------------------------------------------------------------------------------------------------------- the form


def test_somebody_sends_the_form_without_scripts_and_twice_makes_one_lead(portal: Leading) -> None:
    # given a browser on a partner's form
    browser, path = portal.visitor(), f"/leads/{portal.codes[HARBOUR]}"
    shown = browser.get(path)
    assert shown.status == 200
    assert "Northgate FX" in shown.body and "I agree that Northgate FX keeps these details" in text(shown.body)
    assert "Harbour" not in shown.body, "whose form it is, is nobody's to read"
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', shown.body), "no other host is asked"
    assert "default-src 'none'" in shown.headers["content-security-policy"]

    # when it is filled in and sent, twice
    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key", "language")}
    sent = guard | PERSON | {"consent": "true", "website": ""}
    done, again = browser.post(path, sent), browser.post(path, sent)

    # then there is one lead, and the page says thanks
    assert (done.status, again.status) == (303, 303), done.body
    assert "Thank you" in browser.get(done.location).body
    [lead] = portal.machine(HARBOUR).get("/leads").json["items"]
    kept = portal.books.leads.lead(lead["lead"])
    assert kept.consent.text.startswith("I agree that Northgate FX") and kept.consent.at == kept.at == NOW


def test_who_a_lead_is_stands_nowhere_in_clear(portal: Leading) -> None:
    lead = portal.lead()
    portal.does(worked_by(portal, lead), lead, "notes", text="Mara asked to be called after six")

    held = everything(portal)
    assert lead in held
    assert in_clear(held) == []


def test_the_form_speaks_six_languages(portal: Leading) -> None:
    for code in CODES:
        page = portal.visitor().get(f"/leads/{portal.codes[HARBOUR]}?language={code}").body
        assert f'<html lang="{code}" dir="{"rtl" if code == "ar" else "ltr"}">' in page


def test_what_was_typed_stays_beside_what_is_wrong(portal: Leading) -> None:
    browser, path = portal.visitor(), f"/leads/{portal.codes[HARBOUR]}"
    for wrong, field, said in (
        ({"name": " "}, "name", "Write your name."),
        ({"email": "mara"}, "email", "Write an e-mail address"),
        ({"phone": "12345678"}, "phone", "begin with the country"),
        ({"phone": "+49 30"}, "phone", "begin with the country"),
        ({"consent": ""}, "consent", "Tick this box"),
    ):
        sent = PERSON | {"consent": "true"} | wrong
        sent = {name: value for name, value in sent.items() if name != "consent" or value}
        answer = browser.post(path, {"csrf": browser.get(path).field("csrf")} | sent)

        assert answer.status == 422, wrong
        note = re.search(rf'id="note-{field}">([^<]*)<', answer.body)
        assert note and said in html.unescape(note[1]), wrong
        assert PERSON["name"] in answer.body or field == "name"


def test_a_program_is_told_the_code(portal: Leading) -> None:
    for wish, status, code in (
        ({"email": "no"}, 422, "invalid_email"),
        ({"phone": "12345678"}, 422, "invalid_phone"),
        ({"phone": "+1 555 0100"}, 422, "invalid_phone"),
        ({"phone": "030 1234567", "country": "TH"}, 422, "invalid_phone"),
        ({"phone": "030 1234567", "country": "Thailand"}, 422, "invalid"),
        ({"phone": "+" + "9" * 16}, 422, "invalid_phone"),
        ({"consent": False}, 422, "consent_needed"),
        ({"name": "x"}, 422, "invalid_name"),
        ({"name": "M\x00ra"}, 422, "invalid_name"),
        ({"name": None}, 422, "invalid"),
        ({"salesperson": "mem_sales"}, 422, "invalid"),
        ({"name": "x" * 400}, 422, "invalid"),
        ({"consent_text": "x" * 2000}, 422, "invalid"),
        ({"consent_text": "I agree\x00"}, 422, "invalid_consent_text"),
        ({"consent_text": "\u202eeerga I"}, 422, "invalid_consent_text"),
        ({"email": "mara@example.com\r\nBcc: all@example.com"}, 422, "invalid_email"),
        ({"consent": "maybe"}, 422, "invalid"),
        ({"name": "x" * 1_000_000}, 413, "too_large"),
    ):
        answer = portal.sends(**wish)
        assert (answer.status, answer.json["code"]) == (status, code), wish


def test_a_number_without_its_country_is_the_partners_or_the_one_that_is_said(portal: Leading) -> None:
    # Harbour is a partner from Germany.
    for number, sent in enumerate(({"phone": "030 1234567"}, {"phone": "081 234 5678", "country": "th"})):
        lead = portal.lead(key=str(number), email=f"m{number}@example.com", **sent)
        kept = portal.machine(MANAGER).get(f"/desk/leads/{lead}").json["person"]["phone"]
        assert kept == ("+49301234567", "+66812345678")[number]


def test_a_form_that_there_is_not_or_that_is_closed_is_not_found(portal: Leading) -> None:
    visitor = Visitor(portal, {"accept": "application/json"})
    for code in ("nothing", "%23", "x" * 3000):
        assert visitor.get(f"/leads/{code}").status == 404, code
        assert visitor.post(f"/leads/{code}", PERSON, as_json=True).status == 404, code


def test_the_same_key_answers_the_same_and_refuses_another_person(portal: Leading) -> None:
    first, again = portal.sends(key="k-1"), portal.sends(key="k-1")
    other = portal.sends(key="k-1", email="somebody.else@example.com")

    assert (first.status, first.json) == (201, again.json)
    assert (other.status, other.json["code"]) == (409, "idempotency_key_reused")


@pytest.mark.parametrize("other", [HARBOUR, PIPS])
def test_of_two_forms_at_once_one_is_the_first(portal: Leading, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    # given somebody who sends the same again, or another partner's form, while the first is being written
    write, made = Leads._write, []

    def slow(leads: Leads, *given: Any, **more: Any) -> None:
        if not made:
            made.append("")
            made[0] = portal.lead(other)
        write(leads, *given, **more)

    monkeypatch.setattr(Leads, "_write", slow)
    lead = portal.lead(HARBOUR)
    # then the same is one lead, and the other partner's the one that the later is a duplicate of
    assert (lead == made[0]) is (other == HARBOUR)
    assert portal.books.leads.lead(lead).first == ("" if other == HARBOUR else made[0])
    assert len([mail for mail in told_to(portal.brand) if mail.template == "lead_came"]) == len({lead, made[0]})


def test_without_a_key_the_same_person_is_one_lead_a_day(portal: Leading) -> None:
    first = portal.lead()
    assert portal.lead() == first
    portal.now = NOW + timedelta(days=1)
    assert portal.lead() != first


def test_a_script_that_fills_in_what_nobody_sees_leaves_nothing(portal: Leading) -> None:
    answer = portal.sends(website="https://buy.example")

    assert answer.status == 201 and answer.json["lead"].startswith("lea_")
    assert portal.machine(HARBOUR).get("/leads").json["items"] == []


def test_an_address_sends_ten_an_hour(portal: Leading) -> None:
    def sends(number: int, address: str = "203.0.113.9") -> int:
        body = json.dumps(PERSON | {"consent": True, "email": f"mara{number}@example.com"})
        headers = {"accept": "application/json", "content-type": "application/json", "idempotency-key": f"k{number}"}
        event = an_http_event("POST", f"/leads/{portal.codes[HARBOUR]}", body, headers, [])
        event["requestContext"]["http"]["sourceIp"] = address
        return int(portal.handle(event)["statusCode"])

    # given an address that sent ten
    assert [sends(number) for number in range(MOST_PER_HOUR)] == [201] * MOST_PER_HOUR
    # when it sends one more, then it is asked to wait; a repeat of one that it sent is answered as before
    assert (sends(99), sends(0)) == (429, 201)
    # and another address, or the next hour, is free
    assert sends(100, "203.0.113.10") == 201
    portal.now = NOW + timedelta(hours=1)
    assert sends(101) == 201
    assert "203.0.113" not in everything(portal)
    # and a household that has more addresses than anybody can count is one
    answers = [sends(200 + number, f"2001:db8:0:7::{number + 1:x}") for number in range(MOST_PER_HOUR + 1)]
    assert answers == [201] * MOST_PER_HOUR + [429]
    assert sends(300, "2001:db8:0:8::1") == 201


# ------------------------------------------------------------------------------------------------------- the partner


def test_a_partner_sees_its_leads_without_who_they_are(portal: Leading) -> None:
    lead = portal.lead()
    portal.does(MANAGER, lead, "stage", stage="contacted")

    data, page = portal.machine(HARBOUR).get("/leads"), portal.signed_in(HARBOUR).get("/leads")
    [row] = data.json["items"]
    assert set(row) == {"lead", "came_at", "link", "campaign", "stage", "since", "lost"}
    assert (row["lead"], row["stage"], row["link"]) == (lead, "contacted", portal.codes[HARBOUR])
    assert "Contacted" in text(page.body) and f"/leads/{portal.codes[HARBOUR]}" in page.body
    assert in_clear(data.body + page.body) == []
    assert portal.machine(HARBOUR).get("/leads", accept="text/csv").body.count(lead) == 1


def test_no_partner_sees_anothers_leads(portal: Leading) -> None:
    lead = portal.lead(PIPS)

    assert portal.machine(HARBOUR).get("/leads").json["items"] == []
    for who in (HARBOUR, PIPS):
        for path in ("/desk/leads", f"/desk/leads/{lead}"):
            assert portal.machine(who).get(path).status == 403, (who, path)
        assert portal.does(who, lead, "stage", stage="won").status == 403


def test_pages_of_leads_do_not_overlap(portal: Leading) -> None:
    made = {portal.lead(key=str(number), email=f"m{number}@example.com", phone=f"+49301234{number:03d}")
            for number in range(5)}  # fmt: skip
    machine, seen, path = portal.machine(HARBOUR), [], "/leads?limit=2"
    for _ in range(3):
        page = machine.get(path).json
        seen += [each["lead"] for each in page["items"]]
        path = f"/leads?limit=2&cursor={page['next']}"
    assert sorted(seen) == sorted(made)
    assert page["next"] is None
    cursor = machine.get("/leads?limit=2").json["next"]
    assert portal.machine(PIPS).get(f"/leads?limit=2&cursor={cursor}").status == 400, "a cursor is its own list's"


# ------------------------------------------------------------------------------------------------------- the desk


def test_a_new_lead_is_somebodys_of_sales_who_sees_who_it_is(portal: Leading) -> None:
    lead = portal.lead()
    seller = worked_by(portal, lead)

    listed = portal.machine(seller).get("/desk/leads").json["items"]
    whole = portal.machine(seller).get(f"/desk/leads/{lead}").json
    page = portal.signed_in(seller).get(f"/desk/leads/{lead}").body
    assert [(each["lead"], each["person"]["name"]) for each in listed] == [(lead, "Mara Quill")]
    assert whole["person"] == PERSON | {"phone": "+49301234567"}
    assert whole["consent"]["text"].startswith("I agree") and whole["partner_name"] == HARBOUR
    assert "Mara Quill" in page and 'href="tel:+49301234567"' in page


def test_roles_decide_who_sees_and_works_leads(portal: Leading) -> None:
    lead = portal.lead()
    seller = worked_by(portal, lead)
    sees = {who: portal.machine(who).get(f"/desk/leads/{lead}").status
            for who in (seller, other_than(seller), MANAGER, ADMIN, MAKER, HARBOUR)}  # fmt: skip
    assert sees == {seller: 200, other_than(seller): 403, MANAGER: 200, ADMIN: 200, MAKER: 403, HARBOUR: 403}
    assert portal.machine(MAKER).get("/desk/leads").status == 403
    # and from a lead there is a way to the partner whose form it came by
    page = portal.signed_in(MANAGER).get(f"/desk/leads/{lead}").body
    assert f'href="/desk/partners/{portal.partners[HARBOUR]}"' in page
    of_seller = f"/desk/leads?salesperson={portal.people[seller].member}"
    assert portal.machine(other_than(seller)).get(of_seller).status == 403
    assert len(portal.machine(MANAGER).get(of_seller).json["items"]) == 1
    for what, sent in (("stage", {"stage": "lost", "lost": "other"}), ("notes", {"text": "x"}),
                       ("salesperson", {"salesperson": NOBODY}), ("erasure", {"why": "asked for it"})):  # fmt: skip
        assert portal.does(other_than(seller), lead, what, **sent).status == 403, what
        assert portal.does(MAKER, lead, what, **sent).status == 403, what
    assert portal.does(seller, lead, "erasure", why="asked for it").json["code"] == "not_your_role"
    assert (
        portal.does(seller, lead, "salesperson", salesperson=portal.people[other_than(seller)].member).json["code"]
        == "not_yours_to_give"
    )
    assert portal.machine(MANAGER).get("/desk/leads/lea_none").status == 404
    for odd in ("stage=odd", "salesperson=" + "x" * 3000):
        assert portal.machine(MANAGER).get(f"/desk/leads?{odd}").status == 400


def test_somebody_who_calls_is_found_by_e_mail_or_phone(portal: Leading) -> None:
    lead = portal.lead()
    seller = worked_by(portal, lead)

    def finds(who: str, text: str) -> Answer:
        return portal.machine(who).post("/desk/leads/find", {"who": text}, as_json=True)

    for typed in ("Mara.Quill@example.com", "+49 30 1234567", "0049301234567"):
        assert finds(MANAGER, typed).json["lead"] == lead, typed
    assert finds(seller, "mara.quill@example.com").json["lead"] == lead
    assert finds(other_than(seller), "mara.quill@example.com").json["code"] == "not_your_lead"
    assert finds(MAKER, "mara.quill@example.com").json["code"] == "not_your_role"
    for typed, code in (("nobody@example.com", "nobody_known"), ("Mara", "invalid_phone"), ("a@", "invalid_email"),
                       ("030 1234567", "invalid_phone")):  # fmt: skip
        answer = finds(MANAGER, typed)
        assert (answer.status, answer.json["code"]) == (422, code), typed
    portal.people["far@away"] = replace(portal.people[ADMIN], member="mem_far", brand="brd_other")
    assert finds("far@away", "mara.quill@example.com").json["code"] == "nobody_known"
    # a browser is led to the lead, or told why not beside the field
    browser = portal.signed_in(MANAGER)
    guard = {"csrf": browser.get("/desk/leads").field("csrf")}
    assert browser.post("/desk/leads/find", guard | {"who": PERSON["email"]}).location == f"/desk/leads/{lead}"
    assert "Nobody with this e-mail" in browser.post("/desk/leads/find", guard | {"who": "no@example.com"}).body
    assert in_clear(everything(portal)) == []


def test_a_spreadsheet_of_leads_names_nobody(portal: Leading) -> None:
    seller = portal.people[worked_by(portal, portal.lead())].member
    rows = portal.machine(MANAGER).get(f"/desk/leads?salesperson={seller}", accept="text/csv").body
    assert rows.count("lea_") == 1 and in_clear(rows) == []


def test_another_brands_staff_finds_no_such_lead(portal: Leading) -> None:
    lead = portal.lead()
    portal.people["far@away"] = replace(portal.people[ADMIN], member="mem_far", brand="brd_other")

    assert portal.does("far@away", lead, "stage", stage="won").status == 404
    assert portal.machine("far@away").get(f"/desk/leads/{lead}").status == 404


def test_a_lead_goes_through_its_stages_and_the_partner_is_told_by_mail(portal: Leading) -> None:
    lead = portal.lead()
    seller = worked_by(portal, lead)
    for stage, more in (("contacted", {}), ("opportunity", {}), ("lost", {"lost": "not_interested"})):
        answer = portal.does(seller, lead, "stage", stage=stage, **more)
        assert (answer.status, answer.json["stage"]) == (200, stage)

    mails = [each for each in told_to(portal.partners[HARBOUR]) if each.template == "lead_moved"]
    assert sorted(str(each.values["stage"]) for each in mails) == ["contacted", "lost", "opportunity"]
    assert portal.machine(HARBOUR).get("/leads").json["items"][0]["lost"] == "not_interested"
    assert portal.does(seller, lead, "stage", stage="won").json["code"] == "stage_refused"
    assert portal.does(seller, lead, "stage", stage="contacted").status == 200, "taken up again"
    stale = portal.does(seller, lead, "stage", stage="lost", lost="other", version=1)
    assert (stale.status, stale.json["code"]) == (409, "lead_changed")
    assert portal.does(seller, lead, "stage", stage="lost").json["code"] == "lost_reason_needed"


def test_a_step_in_a_browser_says_what_to_do(portal: Leading) -> None:
    lead = portal.lead()
    browser, path = portal.signed_in(worked_by(portal, lead)), f"/desk/leads/{lead}"
    shown = browser.get(path)
    guard = {name: shown.field(name) for name in ("csrf", "version")}
    wrong = browser.post(f"{path}/stage", guard | {"stage": "lost", "lost": ""})
    assert wrong.status == 422 and "Choose why it is lost." in wrong.body
    done = browser.post(f"{path}/stage", guard | {"stage": "lost", "lost": "not_reached"})
    assert done.status == 303 and "Moved." in browser.get(done.location).body
    note = browser.post(f"{path}/notes", guard | {"text": "Call <b>after</b> six"})
    assert note.status == 422, "a note has no version"
    noted = browser.post(f"{path}/notes", {"csrf": shown.field("csrf"), "text": "Call <b>after</b> six"})
    assert "Call &lt;b&gt;after&lt;/b&gt; six" in browser.get(noted.location).body


def test_the_page_of_a_won_lead_asks_which_client_it_became(portal: Leading) -> None:
    lead = portal.lead()
    assert portal.does(MANAGER, lead, "stage", stage="won").status == 200
    browser, path = portal.signed_in(MANAGER), f"/desk/leads/{lead}"
    shown = browser.get(path)
    assert "Which client it became" in shown.body and 'name="lost"' not in shown.body
    sent = {name: shown.field(name) for name in ("csrf", "version", "stage")} | {"client_id": "nobody"}
    wrong = browser.post(f"{path}/stage", sent)
    assert wrong.status == 422 and "The books know no client" in wrong.body


def test_a_lead_is_given_to_somebody_else_who_is_told(portal: Leading) -> None:
    lead = portal.lead()
    seller = worked_by(portal, lead)
    other = portal.people[other_than(seller)]
    answer = portal.does(MANAGER, lead, "salesperson", salesperson=other.member)
    assert answer.status == 200 and answer.json["salesperson"] == other.member
    told = [each for each in told_to(portal.brand) if each.member == other.member]
    assert [each.values["how"] for each in told] == ["given"]
    # sales give back their own, and take what nobody works
    assert portal.does(other_than(seller), lead, "salesperson", salesperson=NOBODY).status == 200
    assert [each["lead"] for each in portal.machine(MANAGER).get("/desk/leads").json["items"]] == [lead]
    assert portal.does(seller, lead, "salesperson", salesperson=portal.people[seller].member).status == 200
    nobody = portal.does(MANAGER, lead, "salesperson", salesperson="mem_unknown")
    assert (nobody.status, nobody.json["code"]) == (422, "no_such_salesperson")


def test_notes_are_kept_once_per_key_and_read_by_whoever_works_the_lead(portal: Leading) -> None:
    lead = portal.lead()
    machine, path = portal.machine(MANAGER), f"/desk/leads/{lead}/notes"
    for _ in range(2):
        assert machine.post(path, {"text": "Mara: after six"}, as_json=True, idempotency_key="n-1").status == 201
    notes = machine.get(f"/desk/leads/{lead}").json["notes"]
    assert [(each["by"], each["text"]) for each in notes] == [("Sam Okoro", "Mara: after six")]
    assert machine.post(path, {"text": " "}, as_json=True).json["code"] == "invalid_note"
    assert "after six" not in everything(portal), "what was noted is sealed too, in the remembered answer as well"


def test_somebody_who_comes_again_is_a_duplicate_of_the_first_partners_lead(portal: Leading) -> None:
    first = portal.lead(HARBOUR)
    again = portal.lead(PIPS, name="M. Quill", phone="+49 30 999 8888")

    found = portal.machine(MANAGER).get(f"/desk/leads/{again}").json
    assert found["first"] == first and found["salesperson"] == portal.books.leads.lead(first).salesperson
    counts, by_first = (portal.configuration.lead_terms(each) for each in (again, first))
    assert counts is not None and by_first is not None and counts[:3] == by_first[:3]
    [mail] = [each for each in told_to(portal.brand) if again in each.what]
    assert mail.values["known"] == "lead"
    # the partner who sent the second reads nothing of it
    [row] = portal.machine(PIPS).get("/leads").json["items"]
    assert (row["stage"], row["lost"]) == ("new", None)
    # after 90 days the first is forgotten
    portal.now = NOW + timedelta(days=91)
    later = portal.lead(PIPS)
    assert portal.machine(MANAGER).get(f"/desk/leads/{later}").json["first"] == ""


def test_erasing_destroys_the_key_and_leaves_the_lead(portal: Leading) -> None:
    lead = portal.lead()
    seller = worked_by(portal, lead)
    portal.does(seller, lead, "notes", text="after six")
    terms = portal.configuration.lead_terms(lead)
    done = portal.does(MANAGER, lead, "erasure", why="Asked for it in ticket 77")
    assert done.status == 200

    found = portal.machine(MANAGER).get(f"/desk/leads/{lead}").json
    assert (found["person"], found["notes"], found["stage"]) == (None, [], "lost")
    kept = portal.books.leads.lead(lead)
    assert (kept.email_hash, kept.phone_hash, portal.books.leads.person(lead)) == ("", "", None)
    assert portal.configuration.lead_terms(lead) == terms, "whose client somebody is stays a fact"
    assert portal.does(MANAGER, lead, "erasure", why="again").status == 200
    assert portal.does(MANAGER, lead, "notes", text="x").json["code"] == "lead_erased"
    # nobody takes up again, or wins, who is not there any more; and the partner is told nothing of it
    told = len(told_to(portal.partners[HARBOUR]))
    for stage in ("contacted", "won"):
        assert portal.does(MANAGER, lead, "stage", stage=stage).json["code"] == "lead_erased", stage
    assert found["following"] == [] and len(told_to(portal.partners[HARBOUR])) == told
    assert "Erase for good" not in portal.signed_in(MANAGER).get(f"/desk/leads/{lead}").body
    # who comes again is new
    portal.now = NOW + timedelta(days=1)
    assert portal.books.leads.lead(portal.lead()).first == ""


def test_a_lead_that_was_sealed_for_another_does_not_open(portal: Leading) -> None:
    one, other = portal.lead(), portal.lead(email="b@example.com", phone="+4930555555")
    sealed = portal.books.leads.person(one)
    assert sealed is not None
    with pytest.raises(SealBroken):
        portal.books.vault().opener(other, sealed.data_key)
    with pytest.raises(SealBroken):
        portal.books.vault().opener(one, sealed.data_key).open("note", sealed.text)
