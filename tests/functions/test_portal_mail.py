"""What members get by mail, in the portal: their own page, the link in a mail, and addresses that get none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from introducer.domain.configuration import Change
from introducer.domain.mail import MailStatus, MailTemplate, new_mail
from introducer.domain.mail_topics import Topic
from introducer.domain.suppressing import Suppressed
from introducer.domain.unsubscribing import Unsubscribing, key_of, token
from introducer.wording.mails.rendering import EXAMPLES
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import IDENTITY_SECRET, NOW, OTHER, PARTNER, STAFF, Portal, a_portal
from tests.support.shown import text

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world:
        yield world


def link(portal: Portal, topic: Topic = Topic.NEWS, email: str = PARTNER) -> str:
    wish = Unsubscribing(portal.members[email], topic)
    return f"/unsubscribe/{token(key_of(IDENTITY_SECRET.encode()), wish)}"


def off(portal: Portal, email: str = PARTNER) -> frozenset[Topic]:
    return frozenset(portal.wiring.member_mails.preferences(portal.members[email]).off)


def test_looking_at_the_link_changes_nothing_and_its_button_switches_off_and_on_again(portal: Portal) -> None:
    stranger = portal.visitor()
    shown = stranger.get(link(portal))
    assert (shown.status, off(portal)) == (200, frozenset())
    assert "No more mail about this" in text(shown.body)
    card = shown.body.split('class="brand"', 1)[1].split("</p>", 1)[0]
    assert "Northwind" in text(card) or "Northgate" in text(card), "the broker's name, as in the mail: not ours"
    # when the button is pressed, by somebody without a session
    done = portal.visitor().post(link(portal), {})
    # then it is off, and the page offers to undo it
    assert (done.status, off(portal)) == (200, {Topic.NEWS})
    assert "I want it after all" in text(done.body)
    assert portal.visitor().post(link(portal) + "/undo", {}).status == 200
    assert off(portal) == frozenset()


@pytest.mark.parametrize("path", ["/desk/answers", "/desk/broadcasts", "/settings/mail"])
def test_a_body_of_a_megabyte_is_refused_with_what_to_do(portal: Portal, path: str) -> None:
    body = {"title": "x", "name": "x", "subject_en": "x", "text_en": "x" * 1_000_000}
    answer = portal.machine(STAFF).post(path, body, as_json=True)
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    assert answer.json["detail"].endswith(".")


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_mail_program_unsubscribes_with_one_request_and_no_redirect(portal: Portal, kind: str) -> None:
    # RFC 8058: either kind of form, no cookies, and no redirect in the answer; twice is once
    body = "List-Unsubscribe=One-Click"
    if kind.startswith("multipart"):
        body = f'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n{body[17:]}\r\n--x--\r\n'
    for _ in range(2):
        answer = portal.visitor().send("POST", link(portal), body, {"content-type": kind, "accept": "*/*"})
        assert answer.status == 200
    assert off(portal) == {Topic.NEWS}
    records = portal.wiring.configuration.audit_of_subject(portal.members[PARTNER]).items
    changes = [each for each in records if each.action == "change_mail_preferences"]
    assert {(each.origin, each.by) for each in changes} == {("mail", portal.members[PARTNER])}
    portal.visitor().post(link(portal) + "/undo", {})


def test_the_page_of_a_link_speaks_the_language_that_was_chosen_on_it(portal: Portal) -> None:
    stranger = portal.visitor(accept_language="es")
    assert '<html lang="en"' in stranger.get(link(portal)).body  # its reader's own
    stranger.cookies["__Host-language"] = "th"
    assert '<html lang="th"' in stranger.get(link(portal)).body


def test_a_link_that_we_did_not_write_leads_nowhere(portal: Portal) -> None:
    good = link(portal)
    forged = f"/unsubscribe/{token(b'x' * 32, Unsubscribing(portal.members[PARTNER], Topic.NEWS))}"
    binding = link(portal, Topic.ACCOUNT)
    gone = f"/unsubscribe/{token(key_of(IDENTITY_SECRET.encode()), Unsubscribing('nobody', Topic.NEWS))}"
    old = link(portal).replace("/unsubscribe/", "/unsubscribe/%20")
    for path in (good[:-1] + ("A" if good[-1] != "A" else "B"), forged, binding, gone, old, "/unsubscribe/x",
                 "/unsubscribe/" + "x" * 3000):  # fmt: skip
        for answer in (
            portal.visitor().get(path),
            portal.visitor().post(path, {}),
            portal.visitor().post(f"{path}/undo", {}),
        ):
            assert answer.status == 404
            assert "This link leads nowhere: sign in, and look at your settings." in text(answer.body)
    assert off(portal) == frozenset()


def test_a_member_chooses_topics_hours_and_time_zone(portal: Portal) -> None:
    browser = portal.signed_in(PARTNER)
    shown = browser.get("/settings/mail")
    assert "Always: Money, where it is paid to, documents and cases" in text(shown.body)
    wish = {"time_zone": "Europe/Warsaw", "quiet_from": "20", "quiet_until": "9", "on[]": ["", "contests", "messages"]}
    hidden = {name: shown.field(name) for name in ("csrf", "version", "idempotency_key")}
    answer = browser.post("/settings/mail", wish | hidden)
    assert answer.status == 303, answer.body
    assert off(portal) == {Topic.GOALS, Topic.ONBOARDING, Topic.NEWS, Topic.REPORTS, Topic.LEADS}
    machine = portal.machine(PARTNER)
    data = machine.get("/settings/mail").json
    assert (data["time_zone"], data["quiet_from"], data["quiet_until"]) == ("Europe/Warsaw", 20, 9)
    # and what was read before a change is refused, as are hours and places that there are not
    for other, status in (({}, 409), ({"time_zone": "Atlantis/Port"}, 422), ({"quiet_from": 24}, 422)):
        body = {"version": data["version"] if other else 0, "on": ["news"], "time_zone": "UTC", "quiet_from": 8,
                "quiet_until": 8} | other  # fmt: skip
        assert machine.post("/settings/mail", body, as_json=True).status == status
    # and everybody has their own
    assert off(portal, OTHER) == frozenset()
    assert portal.machine(STAFF).get("/settings/mail").status == 200


def test_whoever_names_no_time_zone_has_the_brands_whatever_else_they_choose(portal: Portal) -> None:
    browser = portal.signed_in(OTHER)
    shown = browser.get("/settings/mail")
    assert "Empty: the brand's." in text(shown.body)
    # given the form as it stands, sent with one topic on
    typed = {name: re.search(rf'name="{name}" type="\w+" value="([^"]*)"', shown.body)
             for name in ("time_zone", "quiet_from", "quiet_until")}  # fmt: skip
    wish = {name: found[1] for name, found in typed.items() if found}
    hidden = {name: shown.field(name) for name in ("csrf", "version", "idempotency_key")}
    assert browser.post("/settings/mail", wish | hidden | {"on[]": ["", "news"]}).status == 303
    # then it names no zone still
    kept = portal.wiring.member_mails.preferences(portal.members[OTHER])
    assert (kept.time_zone, kept.wants(Topic.NEWS), kept.wants(Topic.GOALS)) == ("", True, False)
    # and whoever named one may follow the brand again
    machine = portal.machine(OTHER)
    data = machine.get("/settings/mail").json
    body = {"version": data["version"], "on": list(Topic), "quiet_from": 21, "quiet_until": 8}
    named = machine.post("/settings/mail", body | {"time_zone": "Asia/Tokyo"}, as_json=True).json
    again = body | {"version": named["version"], "time_zone": ""}
    assert machine.post("/settings/mail", again, as_json=True).status == 200
    assert machine.get("/settings/mail").json["time_zone"] == ""


def test_an_address_that_came_back_is_said_to_its_reader_and_staff_may_lift_it(portal: Portal) -> None:
    partner, wiring = portal.partners[PARTNER], portal.wiring
    for number, reason in enumerate(("bounced", "complained")):
        wiring.suppressions.suppress(
            Suppressed(brand=portal.brand, hash=f"hash-of-an-address-{number}", reason=reason, since=NOW,
                       member=portal.members[PARTNER], partner=partner, mail=f"mail_{number}"),
            Change(by="system:test", at=NOW, why="it came back"),
        )  # fmt: skip
    shown = text(portal.signed_in(PARTNER).get("/settings/mail").body)
    assert "A mail to your address came back" in shown
    assert "was spam" in shown
    path, staff = f"/desk/partners/{partner}/mail", portal.machine(STAFF)
    assert f'href="{path}"' in portal.signed_in(STAFF).get(f"/desk/partners/{partner}/deal").body
    assert 'href="/settings/mail"' in portal.signed_in(PARTNER).get("/settings").body
    assert portal.machine(PARTNER).get(path).status == 403
    assert "The reader" not in text(portal.signed_in(STAFF).get(path).body)
    bounced = next(each for each in staff.get(path).json["items"] if each["reason"] == "bounced")
    assert staff.post(path, {"address": bounced["address"], "why": ""}, as_json=True).status == 422
    lifted = staff.post(path, {"address": bounced["address"], "why": "their server is back"}, as_json=True)
    assert (lifted.status, lifted.json["stands"]) == (200, False)
    # what its reader said, nobody else takes back
    refused = staff.post(path, {"address": "hash-of-an-address-1", "why": "they told me"}, as_json=True)
    assert (refused.status, refused.json["code"]) == (409, "complained")
    assert staff.post(path, {"address": "hash-of-nobody-0", "why": "they told me"}, as_json=True).status == 404
    # but they may themselves
    browser = portal.signed_in(PARTNER)
    page = browser.get("/settings/mail")
    assert "Send me mail again" in text(page.body)
    hidden = {name: page.field(name) for name in ("csrf", "idempotency_key")}
    assert browser.post("/settings/mail/again", hidden).status == 303
    assert "was spam" not in text(browser.get("/settings/mail").body)
    assert {each["stands"] for each in staff.get(path).json["items"]} == {False}
    # once and for their own alone
    assert portal.machine(OTHER).post("/settings/mail/again", {}, as_json=True).json == {"addresses": 0}


def test_staff_see_what_nobody_was_told_and_why(portal: Portal) -> None:
    mails, brand, partner = portal.wiring.mails, portal.brand, portal.partners[PARTNER]
    template = MailTemplate.CONTEST_ENTERED
    written = [
        new_mail(f"ctt_{number} entered", template, EXAMPLES[template], brand=brand, at=NOW, partner=partner,
                 member=portal.members[PARTNER])
        for number in range(3)
    ]  # fmt: skip
    to_staff = MailTemplate.PAYOUTS_WAITING
    written.append(new_mail("run_1 waiting", to_staff, EXAMPLES[to_staff], brand=brand, at=NOW + timedelta(hours=1)))
    elsewhere = new_mail("ctt_9 entered", template, EXAMPLES[template], brand="brd_other", at=NOW, partner="par_9")
    mails.put_all([*written, elsewhere])
    for mail, reason in zip(
        written, ("not_rendered", "mail_too_large", "MessageRejected", "nobody_to_tell"), strict=True
    ):
        mails.mark(mail, MailStatus.FAILED, NOW, reason=reason)
    staff = portal.machine(STAFF)
    first = staff.get("/desk/mail?limit=3").json
    assert {each["reason"] for each in first["items"]} == {"not_rendered", "mail_too_large", "MessageRejected"}
    rest = staff.get(f"/desk/mail?limit=3&cursor={first['next']}").json
    assert [(each["what"], each["partner"]) for each in rest["items"]] == [("run_1 waiting", "")]
    shown = text(portal.signed_in(STAFF).get("/desk/mail").body)
    for said in ("Contests", "Was not sent", "It could not be written", "MessageRejected", "It was too long", "Staff"):
        assert said in shown
    assert "par_9" not in shown
    # by name, and not by the id of a login
    assert portal.members[PARTNER] not in shown
    assert portal.wiring.configuration.member(portal.members[PARTNER]).name in shown
    assert portal.machine(PARTNER).get("/desk/mail").status == 403
    assert portal.visitor().get("/desk/mail").status in (302, 303, 401)


def test_an_address_of_staff_that_came_back_is_lifted_where_staff_see_it(portal: Portal) -> None:
    portal.wiring.suppressions.suppress(
        Suppressed(brand=portal.brand, hash="hash-of-a-colleague-0", reason="bounced", since=NOW,
                   member=portal.members[STAFF], partner="", mail="mail_7"),
        Change(by="system:test", at=NOW, why="it came back"),
    )  # fmt: skip
    browser = portal.signed_in(STAFF)
    page = browser.get("/desk/mail")
    assert "A colleague's address gets no mail since" in text(page.body)
    body = {"address": "hash-of-a-colleague-0", "why": "their server is back"}
    assert portal.machine(PARTNER).post("/desk/mail", body, as_json=True).status == 403
    hidden = {name: page.field(name) for name in ("csrf", "idempotency_key")}
    assert browser.post("/desk/mail", body | hidden).status == 303
    assert portal.machine(STAFF).get("/desk/mail").json["staff"] == []
    # an address of a partner's is lifted on that partner's page alone
    assert (
        portal.machine(STAFF).post("/desk/mail", body | {"address": "hash-of-an-address-0"}, as_json=True).status == 404
    )
