"""Where a partner is paid, its documents and its holds, through the pages and the API."""

from __future__ import annotations

import html
import io
import json
import logging
import re
import secrets
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from introducer.domain.configuration import Role
from introducer.domain.mail import MailTemplate
from introducer.gateways.user_pool import UserPool
from introducer.gateways.vault import Vault
from introducer.services.invite_member import invite_member
from introducer.store.ledger import Ledger
from introducer.store.mails import Mails
from introducer.store.payment_profiles import PaymentProfiles
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import (
    AUTHOR,
    COLLEAGUE,
    DEALT,
    HOST,
    NOW,
    OTHER,
    PARTNER,
    PASSWORD,
    STAFF,
    UNDEALT,
    Answer,
    Portal,
    Visitor,
    a_portal,
)
from tests.support.shown import text

pytestmark = pytest.mark.cloud

FINANCE, ADMIN, COMPLIANCE = "finance@broker.example", "admin@broker.example", "compliance@broker.example"
IBAN, OTHER_IBAN, BRITISH = "DE89370400440532013000", "NL91ABNA0417164300", "GB29NWBK60161331926819"
PAYMENT, VERIFICATION, PAYEES = "/settings/payment", "/settings/verification", "/desk/payees"
PDF, PNG, JPEG = b"%PDF-1.7\n%made up", b"\x89PNG\r\n\x1a\n0000", b"\xff\xd8\xff\xe0 made up"


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world, pytest.MonkeyPatch.context() as patch:
        key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
        bucket = f"documents-{secrets.token_hex(5)}"
        boto3.client("s3").create_bucket(Bucket=bucket)
        boto3.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        patch.setenv("PAYMENT_KEY", key)
        patch.setenv("DOCUMENTS_BUCKET", bucket)
        logins = UserPool(boto3.client("cognito-idp"), world.pool_id)
        for email, role in ((FINANCE, Role.FINANCE), (ADMIN, Role.ADMIN), (COMPLIANCE, Role.COMPLIANCE)):
            boto3.client("cognito-idp").create_group(UserPoolId=world.pool_id, GroupName=role.value)
            world.members[email] = invite_member(
                world.configuration, logins, brand=world.brand, partner=None, role=role, email=email,
                name=f"Kim {role.value.title()}", language="en", password=PASSWORD, author=AUTHOR, clock=lambda: NOW,
            ).member  # fmt: skip
        yield world


@pytest.fixture(scope="module")
def dealt(portal: Portal) -> tuple[Visitor, Visitor]:
    """One owner's browser, and a program of theirs: signed in once."""
    return portal.signed_in(DEALT), portal.machine(DEALT)


def books(portal: Portal) -> str:
    return str(portal.wiring.settings.books_table)


def sepa(version: int = 0, iban: str = IBAN, **other: Any) -> dict[str, Any]:
    return {"rail": "sepa", "version": version, "currency": "EUR", "holder": "Robin Vale", "iban": iban} | other


def paid_by_paypal(version: int = 0, **other: Any) -> dict[str, Any]:
    wish = {"rail": "paypal", "version": version, "currency": "USD", "holder": "Robin Vale", "country": "TH"}
    return wish | {"email": "Robin.Vale@Pips.example"} | other


def by_hand(version: int = 0, **other: Any) -> dict[str, Any]:
    wish = {"rail": "manual", "version": version, "currency": "AED", "holder": "Robin Vale", "country": "AE"}
    return wish | {"instructions": "Bank of the Gulf\nAccount 0331 2345 6789"} | other


def hidden(page: Answer, action: str) -> dict[str, str]:
    """The hidden fields of the form that is sent there."""
    forms = re.findall(r"<form[^>]*action=\"([^\"]*)\"[^>]*>(.*?)</form>", page.body, re.S)
    [found] = [body for where, body in forms if html.unescape(where) == action]
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', found)
    }


def everything(portal: Portal) -> str:
    """All that stands in the books, as text."""
    pages = portal.dynamodb.get_paginator("scan").paginate(TableName=books(portal))
    return json.dumps([page["Items"] for page in pages], ensure_ascii=False)


# ----------------------------------------------------------------------------------------------------- payment profiles


def test_an_owner_says_where_it_is_paid_and_changes_it_through_the_forms(portal: Portal) -> None:
    # given an owner who has said nothing yet
    owner = portal.signed_in(PARTNER)
    page = owner.get(PAYMENT)
    assert "Nobody knows yet where to pay you" in text(page.body)

    # when it types an IBAN as its statement has it
    typed = {"holder": "Robin Vale", "iban": "de89 3704 0044 0532 0130 00", "bic": ""}
    answer = owner.post(PAYMENT, hidden(page, PAYMENT) | typed)

    # then the account is shown masked, with the day from which it is used
    assert (answer.status, answer.location) == (303, f"{PAYMENT}?changed=1")
    page = owner.get(answer.location)
    shown = text(page.body)
    assert "DE•• •••• 3000" in shown and "Not yet in use" in shown
    assert "Payouts go there from 20 Apr 2026 09:30" in shown, shown
    assert "3704" not in page.body

    # and another one takes its place, by a form of its own
    page = owner.get(f"{PAYMENT}?rail=paypal")
    form = hidden(page, PAYMENT)
    assert (form["rail"], form["version"]) == ("paypal", "1")
    typed = {"holder": "Robin Vale", "email": "robin@vale.example", "country": "PL", "currency": "PLN"}
    assert owner.post(PAYMENT, form | typed).location == f"{PAYMENT}?changed=2"
    assert "r••••@v••••.example" in owner.get(PAYMENT).body

    # and each change was told, with the old and the new account masked
    told = [
        dict(mail.values) for mail in Mails(books(portal)).mails(portal.partners[PARTNER])
        if mail.template is MailTemplate.PAYMENT_PROFILE_CHANGED
    ]  # fmt: skip
    assert sorted((each["previous"], each["masked"]) for each in told) == [
        ("", "DE•• •••• 3000"), ("DE•• •••• 3000", "r••••@v••••.example"),
    ]  # fmt: skip


def test_an_account_number_is_nowhere_but_sealed(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    # given every way in: right and wrong, form and JSON, with keys that are kept, and into the wrong field
    owner, machine = portal.signed_in(UNDEALT), portal.machine(UNDEALT)
    canary, spaced, wrong = BRITISH, "GB29 NWBK 6016 1331 9268 19", "GB29NWBK60161331926818"
    answers: list[Answer] = []
    with caplog.at_level(logging.DEBUG):
        page = owner.get(PAYMENT)
        form = {name: value for name, value in hidden(page, PAYMENT).items() if name != "idempotency_key"}
        for typed in (wrong, canary + "0", canary[:-1], "XX" + canary[2:]):
            answers.append(owner.post(PAYMENT, form | {"holder": "R", "iban": typed}))
            answers.append(machine.post(PAYMENT, sepa(iban=typed), as_json=True, idempotency_key=typed[::-1]))
        for field in ("holder", "currency", "country", "bic", "version", "rail", "unknown"):
            answers.append(owner.post(PAYMENT, form | {"holder": "", "iban": ""} | {field: spaced * 5}))
            answers.append(machine.post(PAYMENT, sepa(iban="") | {field: canary * 5}, as_json=True))
        assert {answer.status for answer in answers} == {422}
        taken = machine.post(PAYMENT, sepa(iban=spaced), as_json=True, idempotency_key="canary")
        again = machine.post(PAYMENT, sepa(iban=spaced), as_json=True, idempotency_key="canary")
        taken_back = machine.post(PAYMENT, by_hand(1, instructions=f"Send it to {canary}"), as_json=True)
        answers += [taken, again, taken_back, owner.get(PAYMENT), portal.signed_in(COMPLIANCE).get(
            f"{PAYEES}/{portal.partners[UNDEALT]}"
        )]  # fmt: skip
    assert (taken.status, again.status, taken_back.status) == (201, 201, 201)
    assert again.headers["idempotency-replayed"] == "true"

    # then no item, no log record and no later answer has it, whole or in its telling part
    kept, logged = everything(portal), caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    for number in (canary, spaced, "60161331926819", "6016 1331 9268"):
        assert number not in kept
        assert number not in logged
        assert [each.body for each in answers[-5:] if number in each.body] == []
    assert "GB•• •••• 6819" in kept

    # and no answer to a try has what was typed as the account
    assert [each.body for each in answers[:8] if canary[4:-1] in each.body] == []

    # and whoever may open it gets it whole, for this partner and version alone
    partner = portal.partners[UNDEALT]
    first, current = reversed(PaymentProfiles(books(portal)).versions(partner))
    vault = Vault(boto3.client("kms"), portal.wiring.settings.payment_key, random=secrets.token_bytes)
    assert vault.open(partner, 1, first.sealed, first.data_key).iban == canary
    assert canary in vault.open(partner, 2, current.sealed, current.data_key).instructions


@pytest.mark.parametrize(("wish", "field", "says"), [
    (sepa(iban="DE89370400440532013001"), "iban", "A character of this IBAN is wrong"),
    (sepa(iban="DE8937040044053201300"), "iban", "too short or too long"),
    (sepa(iban="US89370400440532013000"), "iban", "No IBAN begins with these two letters"),
    (sepa(iban="my account"), "iban", "This is not an IBAN"),
    (sepa(iban=""), "iban", "Fill this in"),
    (sepa(iban="AE070331234567890123456"), "iban", "outside SEPA"),
    (sepa(bic="ABNANL2A"), "bic", "of another country"),
    (sepa(bic="DEUTDEFF"), "bic", "of another bank"),
    (sepa(bic="COBA"), "bic", "8 or 11 letters"),
    (sepa(currency="USD"), "currency", ""),
    (sepa(holder=""), "holder", "Fill this in"),
    (sepa(holder="R" * 71), "holder", "at most 70 characters"),
    (paid_by_paypal(currency="AED"), "currency", "does not have this currency"),
    (paid_by_paypal(currency="BRL"), "currency", "its own country alone"),
    (paid_by_paypal(email="nobody"), "email", "not an e-mail address"),
    (by_hand(currency="XXX"), "currency", "three capital letters"),
    (by_hand(country="Emirates"), "country", "two capital letters"),
    (by_hand(instructions=" "), "instructions", "Fill this in"),
])  # fmt: skip
def test_what_cannot_be_is_explained_beside_its_field(
    portal: Portal, dealt: tuple[Visitor, Visitor], wish: dict[str, Any], field: str, says: str
) -> None:
    owner, machine = dealt
    refused = machine.post(PAYMENT, wish, as_json=True)
    assert (refused.status, refused.json["field"]) == (422, field)

    page = owner.get(f"{PAYMENT}?rail={wish['rail']}")
    answer = owner.post(PAYMENT, hidden(page, PAYMENT) | {name: str(value) for name, value in wish.items()})
    assert answer.status == 422
    # what was typed stays, but for what names an account
    assert f'name="holder" type="text" value="{wish["holder"]}"' in answer.body
    if says:
        found = re.search(rf'id="note-{field}">([^<]*)<', answer.body)
        assert found and says in html.unescape(found[1])
    for name in ("iban", "email", "instructions"):
        assert not wish.get(name, "").strip() or wish[name] not in answer.body
    assert PaymentProfiles(books(portal)).of_partner(portal.partners[DEALT]) is None


def test_who_asks_for_the_same_again_gets_the_same_answer(portal: Portal) -> None:
    machine, partner = portal.machine(OTHER), portal.partners[OTHER]
    made = machine.post(PAYMENT, paid_by_paypal(), as_json=True)
    again = machine.post(PAYMENT, paid_by_paypal(), as_json=True)
    same = machine.post(PAYMENT, paid_by_paypal(1), as_json=True)
    late = machine.post(PAYMENT, by_hand(), as_json=True)

    assert (made.status, again.status, same.status) == (201, 201, 200)
    assert made.json == again.json == same.json
    assert made.json["version"] == 1
    assert made.json["masked"] == "r••••@p••••.example"
    assert (late.status, late.json["code"]) == (409, "profile_changed")
    assert len(Mails(books(portal)).mails(partner)) == 1
    assert len(PaymentProfiles(books(portal)).versions(partner)) == 1


def test_only_an_owner_changes_it_and_its_colleagues_see_it_masked(portal: Portal) -> None:
    refused = portal.machine(COLLEAGUE).post(PAYMENT, sepa(), as_json=True)
    page = portal.signed_in(COLLEAGUE).get(PAYMENT)

    assert (refused.status, refused.json["code"]) == (403, "owner_only_payment")
    assert page.status == 200 and 'name="iban"' not in page.body
    assert portal.machine(STAFF).post(PAYMENT, sepa(), as_json=True).json["code"] == "partners_only"


# --------------------------------------------------------------------------------------------------------- verification


def upload(form: dict[str, Any], content: bytes, **changed: str) -> tuple[int, str]:
    """Sends a file as a browser does; the status, and where to go next."""
    boundary = secrets.token_hex(8)
    body = io.BytesIO()
    for name, value in (form["fields"] | changed).items():
        body.write(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    head = 'Content-Disposition: form-data; name="file"; filename="me.pdf"\r\nContent-Type: text/html'
    body.write(f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode())
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}

    class Staying(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *given: Any) -> None:
            return None

    request = urllib.request.Request(form["url"], body.getvalue(), kind, method="POST")
    try:
        with urllib.request.build_opener(Staying).open(request) as answer:
            return answer.status, answer.headers.get("Location", "")
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Location", "")


def uploaded(machine: Visitor, **contents: bytes) -> None:
    forms = machine.get(VERIFICATION).json["forms"]
    for kind, content in contents.items():
        assert upload(forms[kind], content)[0] in (204, 303)


def test_documents_are_uploaded_handed_in_looked_at_and_decided(portal: Portal) -> None:
    partner = portal.partners[PARTNER]
    there = f"{PAYEES}/{partner}"
    # given an owner's page, whose forms may go to the bucket and nowhere else
    owner, machine = portal.signed_in(PARTNER), portal.machine(PARTNER)
    page = owner.get(VERIFICATION)
    forms = machine.get(VERIFICATION).json["forms"]
    origin = re.match(r"https?://[^/]+", forms["identity"]["url"])
    assert origin and f"form-action 'self' {origin[0]};" in page.headers["content-security-policy"]
    assert "form-action 'self';" in owner.get(PAYMENT).headers["content-security-policy"]

    # when it uploads what is needed, the browser comes back to the page
    status, back = upload(forms["identity"], PDF)
    assert status == 303 and back.startswith(f"http://{HOST}{VERIFICATION}?"), back
    page = owner.get(back.removeprefix(f"http://{HOST}"))
    assert "Uploaded. Hand it in when all is there." in text(page.body)
    assert "Still needed: Proof of address." in text(page.body)
    early = machine.post(VERIFICATION, {"version": 0}, as_json=True)
    assert (early.status, early.json["code"]) == (422, "documents_missing")
    uploaded(machine, address=PNG, company=b"<script>alert(1)</script>")
    page = owner.get(VERIFICATION)
    assert "Neither PDF nor JPEG nor PNG: not handed in" in text(page.body)
    answer = owner.post(VERIFICATION, hidden(page, VERIFICATION))
    assert answer.location == f"{VERIFICATION}?submitted=1"
    assert "All of this is handed in." not in text(owner.get(PAYMENT).body)

    # then compliance finds it in the queue, and sees what was handed in, as it was
    compliance = portal.signed_in(COMPLIANCE)
    assert f'href="{there}"' in compliance.get(PAYEES).body
    found = portal.machine(COMPLIANCE).get(there).json["verification"]
    assert [(each["kind"], each["content_type"]) for each in found["documents"]] == [
        ("identity", "application/pdf"), ("address", "image/png"),
    ]  # fmt: skip
    number = found["documents"][0]["document"]
    upload(forms["identity"], b"%PDF-1.4 something else")
    link = compliance.get(f"{there}/documents/{number}")
    with urllib.request.urlopen(link.location) as seen:
        assert (link.status, seen.read()) == (303, PDF)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(link.location).query).items()}
    assert (asked["response-content-type"], asked["X-Amz-Expires"]) == ("application/pdf", "60")

    # and rejects it first, which the partner reads
    page = compliance.get(there)
    form = hidden(page, f"{there}/verification")
    answer = compliance.post(f"{there}/verification", form | {"verdict": "reject", "why": "Too dark", "expires_on": ""})
    assert answer.status == 303, answer.body
    assert "Too dark" in text(owner.get(VERIFICATION).body)
    assert f'href="{there}"' not in compliance.get(PAYEES).body

    # and approves what is handed in anew, until a day; deciding again is too late
    assert machine.post(VERIFICATION, {"version": 2}, as_json=True).json["version"] == 3
    said = {"version": 3, "verdict": "approve", "why": "Fine", "expires_on": "2027-04-17"}
    admin = portal.machine(ADMIN)
    approved = admin.post(f"{there}/verification", said, as_json=True)
    repeated = admin.post(f"{there}/verification", said, as_json=True)
    late = portal.machine(COMPLIANCE).post(f"{there}/verification", said, as_json=True)
    assert approved.json == repeated.json
    assert approved.json["verification"]["approved"] is True
    assert (late.status, late.json["code"]) == (409, "decided_already")
    asked = portal.wiring.verifications.approved
    assert asked([partner, "par_none"], "2027-04-17") == {partner: True, "par_none": False}
    assert asked([partner], "2027-04-18") == {partner: False}
    told = [
        mail.values["decision"] for mail in Mails(books(portal)).mails(partner)
        if mail.template is MailTemplate.VERIFICATION_DECIDED
    ]  # fmt: skip
    assert sorted(told) == ["approved", "refused"]


def test_a_form_takes_one_document_of_one_partner_and_no_more(portal: Portal) -> None:
    machine = portal.machine(OTHER)
    form = machine.get(VERIFICATION).json["forms"]["identity"]
    other = f"verification/{portal.partners[PARTNER]}/doc_x"

    assert form["fields"]["key"].startswith(f"verification/{portal.partners[OTHER]}/doc_")
    assert upload(form, PDF, key=other)[0] == 403
    assert upload(form, PDF, success_action_redirect="https://evil.example/")[0] == 403
    assert upload(form, PDF, **{"Content-Type": "text/html"})[0] == 403
    assert upload(form, PDF, **{"x-amz-meta-kind": "address"})[0] == 403
    assert upload(form, b"")[0] == 400
    assert upload(form, PDF + bytes(10 * 1024 * 1024))[0] == 400
    assert machine.get(VERIFICATION).json["uploaded"] == []


def test_a_document_can_be_taken_away_before_it_is_handed_in(portal: Portal) -> None:
    owner, machine = portal.signed_in(OTHER), portal.machine(OTHER)
    uploaded(machine, identity=JPEG)
    [each] = machine.get(VERIFICATION).json["uploaded"]
    action = f"{VERIFICATION}/documents/{each['document']}/removal"

    answer = owner.post(action, hidden(owner.get(VERIFICATION), action))

    assert (answer.status, answer.location) == (303, VERIFICATION)
    assert machine.get(VERIFICATION).json["uploaded"] == []
    assert machine.post(action, {}, as_json=True).status == 200


@pytest.mark.parametrize("email", [FINANCE, STAFF])
def test_who_is_not_compliance_sees_how_it_stands_and_no_document(portal: Portal, email: str) -> None:
    machine = portal.machine(DEALT)
    if not machine.get(VERIFICATION).json["verification"]["version"]:
        uploaded(machine, identity=PDF, address=JPEG)
        assert machine.post(VERIFICATION, {"version": 0}, as_json=True).status == 200
    there = f"{PAYEES}/{portal.partners[DEALT]}"
    [number, _] = [each["document"] for each in portal.machine(COMPLIANCE).get(there).json["verification"]["documents"]]
    page, asked = portal.signed_in(email).get(there), portal.machine(email)

    assert "Waits for compliance" in text(page.body) and number not in page.body
    assert 'name="verdict"' not in page.body
    assert asked.get(f"{there}/documents/{number}").json["code"] == "compliance_only"
    said = {"version": 1, "verdict": "approve", "why": "Fine"}
    assert asked.post(f"{there}/verification", said, as_json=True).json["code"] == "compliance_only"
    assert portal.machine(COLLEAGUE).post(VERIFICATION, {"version": 1}, as_json=True).status == 403
    assert portal.machine(COLLEAGUE).get(VERIFICATION).json["uploaded"] == []


# ---------------------------------------------------------------------------------------------------------------- holds


def test_a_hold_is_placed_by_one_and_released_by_another(portal: Portal) -> None:
    partner = portal.partners[UNDEALT]
    there = f"{PAYEES}/{partner}"
    ledger = Ledger(books(portal))
    version = ledger.balance(partner).version
    finance, compliance = portal.signed_in(FINANCE), portal.signed_in(COMPLIANCE)

    # when finance places one, twice the same form
    form = hidden(finance.get(there), f"{there}/holds") | {"reason": "Its clients look alike"}
    placed, again = finance.post(f"{there}/holds", form), finance.post(f"{there}/holds", form)

    # then the balance counts one
    assert placed.location == again.location
    number = placed.location.partition("held=")[2]
    assert (ledger.balance(partner).holds, ledger.balance(partner).version) == (1, version + 1)
    page = finance.get(placed.location)
    assert "Its clients look alike" in text(page.body) and "1 hold" in text(page.body)

    # and finance cannot release it, compliance can, once
    release = f"{there}/holds/{number}/release"
    assert "You placed it: another person releases it." in text(page.body)
    refused = portal.machine(FINANCE).post(release, {"why": "It was nothing"}, as_json=True)
    assert (refused.status, refused.json["code"]) == (403, "same_person")
    page = compliance.get(there)
    short = compliance.post(release, hidden(page, release) | {"why": "x"})
    assert short.status == 422 and "Say why, in 3 to 500 characters" in text(short.body)
    answer = compliance.post(release, hidden(compliance.get(there), release) | {"why": "They are brothers"})
    assert answer.location == f"{there}?released={number}"
    repeated = portal.machine(COMPLIANCE).post(release, {"why": "They are brothers"}, as_json=True)
    late = portal.machine(ADMIN).post(release, {"why": "They are brothers"}, as_json=True)
    assert repeated.status == 200
    assert (late.status, late.json["code"]) == (409, "released_already")
    assert (ledger.balance(partner).holds, ledger.balance(partner).version) == (0, version + 2)
    assert "They are brothers" in text(compliance.get(there).body)


def test_a_manager_places_no_hold_and_another_brands_partner_is_none(portal: Portal) -> None:
    there = f"{PAYEES}/{portal.partners[OTHER]}"
    manager = portal.machine(STAFF)

    assert manager.post(f"{there}/holds", {"reason": "I do not like it"}, as_json=True).json["code"] == "hold_role"
    assert 'name="reason"' not in portal.signed_in(STAFF).get(there).body
    assert manager.get(f"{PAYEES}/par_nobody").status == 404
    assert portal.machine(PARTNER).get(there).json["code"] == "staff_only"
    assert portal.machine(FINANCE).post(f"{there}/holds/hld_none/release", {"why": "Gone"}, as_json=True).status == 404
