"""Applications in the portal: the form that anybody may send, the link in the mail, and what staff make of it."""

from __future__ import annotations

import html
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.application import MOST_MAILS, MOST_OF_ADDRESS, MOST_OF_NETWORK, ApplicationState
from introducer.domain.configuration import Change, PartnerKind, Role
from introducer.domain.mail import MailTemplate
from introducer.locale import CODES
from introducer.services.accept_deal import accept_deal
from introducer.services.open_brand import open_brand
from introducer.services.propose_deal import propose_deal
from introducer.services.register_partner import register_partner
from introducer.store.mails import Mails
from tests.browser.world import Visitor, an_http_event
from tests.support.applying import APPLIED, Applying, an_applying
from tests.support.builders import revshare, terms
from tests.support.leading import everything, in_clear
from tests.support.payday import ADMIN, AUTHOR, HARBOUR, MAKER, MANAGER, NOW
from tests.support.shown import text


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Applying]:
    with an_applying(monkeypatch) as world:
        yield world


def state(portal: Applying, application: str) -> ApplicationState:
    return portal.books.applications.application(portal.brand, application).state


# ------------------------------------------------------------------------------------------------------- the form


def test_somebody_applies_without_scripts_and_twice_makes_one_application(portal: Applying) -> None:
    browser = portal.visitor()
    shown = browser.get("/apply")
    assert shown.status == 200 and "Northgate FX" in shown.body
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', shown.body), "no other host is asked"

    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key", "language")}
    sent = guard | {name: value for name, value in APPLIED.items() if name != "channels"}
    sent |= {"consent": "true", "channels[]": ["website", "video"], "fax": "", "recruit": "", "brand": ""}
    done, again = browser.post("/apply", sent), browser.post("/apply", sent)

    assert (done.status, again.status) == (303, 303), done.body
    assert "Look into your mail" in browser.get(done.location).body
    [found] = portal.books.applications.of_brand(portal.brand, ApplicationState.UNCONFIRMED).items
    assert (found.at, found.country, found.consent.at) == (NOW, "PL", NOW)
    [mail] = Mails("books").mails(found.partner)
    assert (mail.template, mail.member, mail.values["known"]) == (MailTemplate.APPLICATION_CHECK, "", "")


def test_who_applies_stands_nowhere_in_clear(portal: Applying) -> None:
    application = portal.waiting()
    portal.machine(MANAGER).get("/desk")

    held = everything(portal)
    assert application in held
    assert in_clear(held) == [] and "40,000" not in held


@pytest.mark.parametrize("code", CODES)
def test_the_form_speaks_every_language(portal: Applying, code: str) -> None:
    page = portal.visitor().get(f"/apply?language={code}").body
    assert f'<html lang="{code}" dir="{"rtl" if code == "ar" else "ltr"}"' in page


def test_a_program_is_told_the_code_and_a_browser_keeps_what_it_typed(portal: Applying) -> None:
    for wish, status, code in (
        ({"email": "no"}, 422, "invalid_email"),
        ({"email": "mara@mailinator.com"}, 422, "disposable_email"),
        ({"email": "mara@example.com\r\nBcc: all@example.com"}, 422, "invalid_email"),
        # What its spelling hides: a bracket, a second address.
        ({"email": "mara\uff1cquill@example.com"}, 422, "invalid_email"),
        ({"email": "all@example.org\uff0cmara@example.com"}, 422, "invalid_email"),
        ({"email": "mara\uff0cquill@example.com"}, 422, "invalid_email"),
        ({"name": "x"}, 422, "invalid_name"),
        ({"name": "Win 500 EUR at evil.example"}, 422, "invalid_name"),
        ({"name": "http://evil"}, 422, "invalid_name"),
        ({"name": "write me@evil"}, 422, "invalid_name"),
        ({"company": "Quill \u202egnp.exe"}, 422, "invalid_company"),
        ({"company": "A\x00B"}, 422, "invalid_company"),
        ({"consent": False}, 422, "consent_needed"),
        ({"plan": "x"}, 422, "invalid_plan"),
        ({"plan": "gold\x00"}, 422, "invalid_plan"),
        ({"website": "javascript:alert(1)"}, 422, "invalid_website"),
        ({"website": "https://user@quill.example"}, 422, "invalid_website"),
        ({"country": "Poland"}, 422, "invalid"),
        ({"currency": "XXX"}, 422, "unknown_currency"),
        ({"kind": "admin"}, 422, "invalid"),
        ({"channels": ["rumours"]}, 422, "invalid"),
        ({"partner": "par_1"}, 422, "invalid"),
        ({"plan": "x" * 1_000_000}, 413, "too_large"),
    ):
        answer = portal.applies(**wish)
        assert (answer.status, answer.json["code"]) == (status, code), wish

    browser = portal.visitor()
    sent = {name: value for name, value in APPLIED.items() if name not in ("channels", "consent")}
    answer = browser.post("/apply", {"csrf": browser.get("/apply").field("csrf")} | sent)
    note = re.search(r'id="note-consent">([^<]*)<', answer.body)
    assert answer.status == 422 and note and "Tick this box" in html.unescape(note[1])
    assert "Weekly videos about gold" in answer.body


def test_a_script_that_fills_in_everything_is_thanked_and_forgotten(portal: Applying) -> None:
    answer = portal.applies(fax="555")
    assert (answer.status, set(answer.json)) == (201, {"application"})
    assert portal.books.applications.of_brand(portal.brand, ApplicationState.UNCONFIRMED).items == ()


def test_an_address_gets_three_mails_a_day_and_nobody_sees_which_was_not_sent(portal: Applying) -> None:
    spelled = ["mara.quill@example.com", "Mara.Quill+1@example.com", "mara.quill+2@example.com"]
    answers = [portal.applies(key=f"try-{number}", email=spelled[number % 3]) for number in range(MOST_MAILS + 2)]

    assert {(each.status, len(each.json["application"])) for each in answers} == {(201, 30)}
    kept = portal.books.applications.of_brand(portal.brand, ApplicationState.UNCONFIRMED).items
    assert len(kept) == MOST_MAILS
    assert portal.applies(key="other", email="somebody@example.com").status == 201


def test_a_network_sends_so_many_a_day(portal: Applying) -> None:
    def sends(number: int, address: str) -> dict[str, Any]:
        body = json.dumps(dict(APPLIED) | {"email": f"m{number}.{address}@example.com".replace(":", "-")})
        headers = {"host": "portal.localhost", "accept": "application/json", "content-type": "application/json"}
        event = an_http_event("POST", "/apply", body, headers, [])
        event["requestContext"]["http"]["sourceIp"] = address
        return portal.handle(event)

    answers = [sends(number, "198.51.100.7") for number in range(MOST_OF_ADDRESS + 1)]
    assert [each["statusCode"] for each in answers] == [201] * MOST_OF_ADDRESS + [429]
    assert json.loads(answers[-1]["body"])["code"] == "too_many_applications"
    assert {sends(number, "198.51.100.7")["statusCode"] for number in range(20, 40)} == {429}
    # another address of the network still may, until all of them together sent enough
    others = [sends(number, f"198.51.100.{number}")["statusCode"] for number in range(20, 45)]
    assert others.count(201) == MOST_OF_NETWORK - MOST_OF_ADDRESS
    assert sends(0, "203.0.113.9")["statusCode"] == 201


def test_two_who_call_their_requests_the_same_are_two(portal: Applying) -> None:
    mine, yours = portal.applied("row-1"), portal.applied("row-1", email="otto@example.com")
    assert {portal.applied("row-1", plan="Said otherwise.") for _ in range(MOST_MAILS)} == {mine} != {yours}
    portal.applied("row-2")  # repeating used up nothing
    assert len(portal.books.applications.of_brand(portal.brand, ApplicationState.UNCONFIRMED).items) == 3


# ------------------------------------------------------------------------------------------------------- the link


def test_looking_at_the_link_changes_nothing_and_its_button_confirms_once(portal: Applying) -> None:
    application = portal.applied()
    link, anybody = portal.link(application), portal.visitor()

    for _ in range(2):
        looked = anybody.get(link)
        assert looked.status == 200 and "Confirm this address" in looked.body
    assert state(portal, application) is ApplicationState.UNCONFIRMED

    for _ in range(2):
        pressed = anybody.post(link, {})
        assert pressed.status == 200 and "Your address is confirmed" in pressed.body
    assert state(portal, application) is ApplicationState.WAITING
    [row] = portal.machine(MANAGER).get("/desk?whose=all").json["items"]
    assert (row["name"], row["tasks"][0]["kind"]) == ("", "application_waits")
    assert row["tasks"][0]["path"] == f"/desk/applications/{application}"


def test_a_link_is_good_for_two_days_and_for_its_own_application(portal: Applying) -> None:
    application = portal.applied()
    link = portal.link(application)

    for strange in (link[:-1] + ("A" if link[-1] != "A" else "B"), "/apply/confirm/nothing", f"{link}x"):
        assert portal.visitor().get(strange).status == 404
        assert portal.visitor().post(strange, {}).status == 404
    portal.now = NOW + timedelta(hours=49)
    assert "This link is over" in portal.visitor().get(link).body
    late = portal.visitor(accept="application/json").post(link, {})
    assert (late.status, late.json["code"]) == (409, "application_link_over")
    portal.now = NOW + timedelta(days=4)
    assert portal.visitor().get(link).status == 404
    assert portal.machine(MANAGER).get(f"/desk/applications/{application}").status == 404


def test_who_applies_again_is_waiting_once(portal: Applying) -> None:
    first, second = portal.waiting(), portal.waiting(plan="I write a newsletter now.")

    assert state(portal, first) is ApplicationState.WITHDRAWN
    shown = portal.machine(MANAGER).get(f"/desk/applications/{second}").json
    assert (shown["known"]["before"], shown["known"]["before_state"]) == (first, "withdrawn")
    assert portal.machine(MANAGER).get("/desk?whose=all").json["tasks"] == 1


# ---------------------------------------------------------------------------------------------------------- the desk


def test_a_manager_approves_and_a_partner_with_an_owner_stands_there(portal: Applying) -> None:
    application = portal.waiting()
    page = portal.signed_in(MANAGER).get(f"/desk/applications/{application}")
    assert page.status == 200 and "Quill &amp; Sons Media" in page.body and "No client registered" in page.body

    answer = portal.decides(application, "approval", terms=terms(revshare(percent="30")))

    assert answer.status == 201, answer.body
    partner = portal.configuration.partner(answer.json["partner"])
    assert (partner.name, partner.country, partner.manager) == (
        "Quill & Sons Media", "PL", portal.people[MANAGER].member,
    )  # fmt: skip
    [owner] = portal.configuration.every_member(partner.partner)
    assert (owner.role, owner.name) == (Role.OWNER, "Mara Quill")
    assert portal.logins.invited == ["mara.quill@example.com"]
    [deal] = portal.configuration.deals(partner.partner)
    assert (deal.version, deal.accepted_at) == (1, None)
    assert portal.machine(MANAGER).get("/desk?whose=all").json["tasks"] == 0


def test_approving_is_finished_where_it_was_cut_off(portal: Applying) -> None:
    application = portal.waiting()
    portal.logins.down = True
    assert portal.decides(application, "approval", terms=terms(revshare(percent="30"))).status == 500
    assert portal.decides(application, "erasure", why="They asked").json["code"] == "erase_the_partner"
    shown = portal.machine(MANAGER).get(f"/desk/applications/{application}").json
    assert (shown["state"], shown["set_up"], shown["may_finish"]) == ("approved", False, True)

    portal.logins.down = False
    answers = [portal.decides(application, "approval", who) for who in (ADMIN, MANAGER)]

    assert [(each.status, each.json["set_up"]) for each in answers] == [(201, True)] * 2
    partner = answers[0].json["partner"]
    assert portal.configuration.partner(partner).manager == portal.people[MANAGER].member, "as it was decided first"
    assert portal.logins.invited == ["mara.quill@example.com"]
    assert len(list(portal.configuration.every_member(partner))) == 1
    assert [deal.version for deal in portal.configuration.deals(partner)] == [1]


def test_of_two_who_finish_at_once_both_are_told_that_it_is_done(portal: Applying) -> None:
    application, create, answers = portal.waiting(), portal.logins.create_user, []

    def slowly(email: str, *, send_invitation: bool) -> str:
        portal.logins.create_user = create  # type: ignore[method-assign]
        answers.append(portal.decides(application, "approval", ADMIN))
        return create(email, send_invitation=send_invitation)

    portal.logins.create_user = slowly  # type: ignore[method-assign]
    answers.append(portal.decides(application, "approval"))
    assert [(each.status, each.json["set_up"]) for each in answers] == [(201, True)] * 2
    assert portal.logins.invited == ["mara.quill@example.com"]


def test_another_brand_sees_nothing_of_it_and_lends_neither_manager_nor_terms(portal: Applying) -> None:
    made: Any = {"author": AUTHOR, "clock": lambda: NOW, "random": secrets.token_bytes}
    other = open_brand(
        portal.configuration, name="Other FX", domain="go.other.example", base_currency="EUR",
        fallback_url="https://other.example/", **made,
    ).brand  # fmt: skip
    mine = portal.people[MANAGER]
    stranger = replace(mine, member="mem_other", brand=other)
    portal.people["stranger@broker"] = stranger
    portal.configuration.add_member(stranger, Change(by="system:test", at=NOW, why="set up"))
    theirs = register_partner(
        portal.configuration, brand=other, name="Theirs", kind=PartnerKind.IB, country="DE", language="en",
        currency="EUR", **made,
    ).partner  # fmt: skip
    deal = propose_deal(
        portal.configuration, partner=theirs, terms=terms(revshare(percent="30")), author=AUTHOR, clock=lambda: NOW
    )
    accept_deal(
        portal.configuration, partner=theirs, version=deal.version, terms_hash=deal.terms_hash, author=AUTHOR,
        clock=lambda: NOW,
    )  # fmt: skip
    application = portal.applies(key="once", brand=portal.brand).json["application"]
    portal.visitor(accept="application/json").post(portal.link(application), {})

    assert portal.machine("stranger@broker").get(f"/desk/applications/{application}").status == 404
    assert portal.decides(application, "approval", "stranger@broker").status == 404
    assert portal.decides(application, "refusal", "stranger@broker", why="Not ours").status == 404
    assert portal.decides(application, "approval", manager="mem_other").json["code"] == "no_such_manager"
    assert portal.decides(application, "approval", like=theirs).json["code"] == "no_such_deal"
    approved = portal.decides(application, "approval", like=portal.partners[HARBOUR])
    assert [each.version for each in portal.configuration.deals(approved.json["partner"])] == [1]


def test_the_partner_whose_terms_it_gets_is_named(portal: Applying) -> None:
    application, harbour = portal.waiting(), portal.partners[HARBOUR]
    name = portal.configuration.partner(harbour).name

    assert portal.decides(application, "approval", like=f"{name} of old").json["code"] == "no_such_deal"
    approved = portal.decides(application, "approval", like=f" {name} ")

    [proposed] = portal.configuration.deals(approved.json["partner"])
    assert proposed.terms == portal.configuration.deals(harbour)[0].terms


def test_who_was_approved_and_became_no_partner_can_be_erased(
    portal: Applying, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = portal.waiting()
    with monkeypatch.context() as cut:
        cut.setattr("introducer.services.decide_application.register_partner", None)
        assert portal.decides(application, "approval").status == 500
    shown = portal.machine(MANAGER).get(f"/desk/applications/{application}").json
    assert (shown["may_finish"], shown["may_erase"]) == (True, True)

    assert portal.decides(application, "erasure", why="They asked").status == 200

    assert portal.decides(application, "approval").json["code"] == "application_erased"
    shown = portal.machine(MANAGER).get(f"/desk/applications/{application}").json
    assert (shown["applicant"], shown["may_finish"]) == (None, False)
    assert portal.machine(MANAGER).get("/desk?whose=all").json["tasks"] == 0


def test_an_address_that_signs_in_already_becomes_no_second_partner(portal: Applying) -> None:
    application = portal.waiting()
    portal.logins.subs["mara.quill@example.com"] = portal.people[HARBOUR].member

    answer = portal.decides(application, "approval")

    assert (answer.status, answer.json["code"]) == (409, "address_has_login")
    assert state(portal, application) is ApplicationState.WAITING


def test_a_refusal_is_mailed_in_its_words(portal: Applying) -> None:
    application = portal.waiting()
    assert portal.decides(application, "refusal", why="  ").json["code"] in ("invalid", "reason_needed")

    link = portal.link(application)
    answers = [portal.decides(application, "refusal", why="We have no licence in Poland yet.") for _ in range(2)]
    assert "needs no answer any more" in portal.visitor().post(link, {}).body
    assert portal.machine(MANAGER).get("/desk?whose=all").json["tasks"] == 0

    assert [(each.status, each.json["state"]) for each in answers] == [(200, "refused")] * 2
    found = portal.books.applications.application(portal.brand, application)
    [mail] = [each for each in Mails("books").mails(found.partner) if each.template is MailTemplate.APPLICATION_REFUSED]
    assert mail.values["reason"] == "We have no licence in Poland yet."
    assert portal.decides(application, "approval").json["code"] == "application_decided"


def test_erasing_a_refused_one_takes_the_reason_too(portal: Applying) -> None:
    application = portal.waiting()
    portal.decides(application, "refusal", why="Mara asked us not to go on.")
    assert portal.decides(application, "erasure", why="They asked, ticket 4711").status == 200
    assert "Mara asked" not in everything(portal)


def test_who_decided_meanwhile_is_told(portal: Applying) -> None:
    application = portal.waiting()
    version = portal.books.applications.application(portal.brand, application).version
    assert portal.decides(application, "approval", version=version - 1).json["code"] == "application_changed"
    for wrong, code in (
        ({"manager": "mem_nobody"}, "no_such_manager"),
        ({"like": "par_nobody"}, "no_such_deal"),
        ({"terms": "{"}, "unreadable_body"),
        ({"terms": {"rules": []}}, "invalid_deal"),
        ({"partner": "par_1"}, "invalid"),
    ):
        answer = portal.decides(application, "approval", **wrong)
        assert answer.status == 422, (wrong, answer.body)
        assert answer.json["code"] == code or code == "unreadable_body", answer.json
    assert state(portal, application) is ApplicationState.WAITING


def test_finance_sees_none_and_partners_and_strangers_get_nowhere(portal: Applying) -> None:
    application = portal.waiting()
    for path in ("/desk/applications", f"/desk/applications/{application}"):
        assert portal.machine(MAKER).get(path).status == 403
        assert portal.machine(HARBOUR).get(path).status == 403
        assert Visitor(portal, {"accept": "application/json"}).get(path).status == 401
    assert portal.decides(application, "approval", MAKER).status == 403
    assert portal.machine(MANAGER).get("/desk/applications/app_" + "0" * 26).status == 404


def test_the_list_pages_and_its_csv_names_nobody(portal: Applying) -> None:
    made = {portal.waiting(email=f"m{number}@example.com") for number in range(3)}
    first = portal.machine(MANAGER).get("/desk/applications?limit=2").json
    rest = portal.machine(MANAGER).get(f"/desk/applications?limit=2&cursor={first['next']}").json
    assert {each["application"] for each in (*first["items"], *rest["items"])} == made
    assert "Quill &amp; Sons" in portal.signed_in(MANAGER).get("/desk/applications").body
    listed = portal.machine(MANAGER, accept="text/csv").get("/desk/applications").body
    assert all(each in listed for each in made) and "Quill" not in listed
    assert portal.machine(MANAGER).get("/desk/applications?state=gone").status == 400


def test_erasing_leaves_nobody_behind(portal: Applying) -> None:
    application = portal.waiting()
    assert portal.decides(application, "erasure", why="").json["code"] == "reason_needed"

    answers = [portal.decides(application, "erasure", why="They asked, ticket 4711") for _ in range(2)]

    assert [(each.status, each.json["state"]) for each in answers] == [(200, "withdrawn")] * 2
    shown = portal.machine(MANAGER).get(f"/desk/applications/{application}").json
    assert shown["applicant"] is None and shown["erased_at"]
    assert "Erased" in text(portal.signed_in(MANAGER).get(f"/desk/applications/{application}").body)
    kept = portal.books.applications.application(portal.brand, application)
    assert (kept.sealed, kept.data_key, kept.email_hash) == ("", "", "")
    assert "4711" in json.dumps(everything(portal)), "the trail says why"
    assert portal.machine(MANAGER).get("/desk?whose=all").json["tasks"] == 0
