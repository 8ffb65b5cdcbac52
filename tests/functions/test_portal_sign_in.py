"""Signing in, staying signed in, signing out; and that no other site can write in somebody's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.errors import TooMany, Unauthenticated, Unavailable
from introducer.domain.fraud.person import Person
from introducer.domain.identity import brand_key, keyed_hash
from introducer.gateways.identity import Tokens
from introducer.store.person_index import PersonIndex
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import (
    IDENTITY_SECRET,
    NEWCOMER,
    NOW,
    OTHER,
    PARTNER,
    PASSWORD,
    STAFF,
    STRANGER,
    SUSPENDED,
    Answer,
    Portal,
    Visitor,
    a_portal,
)

ACCESS, REFRESH, VISIT = "__Host-access", "__Host-refresh", "__Host-visit"


pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world:
        yield world


def tries(visitor: Visitor, email: str, password: str, next: str = "/") -> Answer:
    """Fills in the sign-in form."""
    return visitor.submit("/sign-in", "/sign-in", email=email, password=password, next=next)


def test_a_stranger_is_led_to_the_sign_in_page_and_back(portal: Portal) -> None:
    # given a browser that is not signed in
    visitor = portal.visitor()

    # when it asks for a page
    answer = visitor.get("/earnings?month=2026-03")

    # then it is sent to sign in, and from there to the page
    assert (answer.status, answer.location) == (303, "/sign-in?next=/earnings%3Fmonth%3D2026-03")
    form = visitor.get(answer.location)
    entered = tries(visitor, PARTNER, PASSWORD, form.field("next"))
    assert (entered.status, entered.location) == (303, "/earnings?month=2026-03")
    assert visitor.get(entered.location).status == 200


def test_a_program_without_a_token_is_told_so(portal: Portal) -> None:
    answer = portal.visitor(accept="application/json").get("/clients")

    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json["code"] == "not_signed_in"


def test_tokens_are_kept_where_no_script_and_no_other_host_reaches_them(portal: Portal) -> None:
    visitor = portal.visitor()

    answer = tries(visitor, PARTNER, PASSWORD)

    kept = {line.partition("=")[0]: line for line in answer.cookies}
    assert {ACCESS, REFRESH} <= kept.keys()
    for name in (ACCESS, REFRESH):
        assert name.startswith("__Host-")
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(kept[name].split("; "))
        assert "Domain" not in kept[name]


def test_a_wrong_password_and_an_unknown_address_are_answered_alike_and_calmly(portal: Portal) -> None:
    wrong = tries(portal.visitor(), PARTNER, "not-the-password")
    unknown = tries(portal.visitor(), STRANGER, PASSWORD)
    nonsense = tries(portal.visitor(), "no address at all", PASSWORD)

    for answer in (wrong, unknown, nonsense):
        assert answer.status == 401
        assert "E-mail and password do not belong together." in answer.body
        assert not any(line.startswith((ACCESS, REFRESH)) for line in answer.cookies)
    assert PASSWORD not in wrong.body + unknown.body
    assert f'value="{STRANGER}"' in unknown.body, "what was typed stays, save the password"


def test_a_program_signs_in_with_json_and_gets_the_tokens_themselves(portal: Portal) -> None:
    program = portal.visitor(accept="application/json")

    right = program.post("/sign-in", {"email": PARTNER, "password": PASSWORD}, as_json=True)
    wrong = program.post("/sign-in", {"email": PARTNER, "password": "no"}, as_json=True)

    assert right.json["token_type"] == "Bearer"
    assert right.json["expires_in"] > 0
    assert not right.cookies
    assert (wrong.status, wrong.json["code"]) == (401, "sign_in_wrong")


def test_an_own_password_is_kept_with_its_login_and_the_login_is_not_sent(portal: Portal) -> None:
    # given a member who is to choose
    visitor = portal.visitor()
    asked = tries(visitor, NEWCOMER, "First-word-1")

    # when
    page = visitor.get(asked.location).body

    # then whoever keeps passwords finds the login before them, and the form does not send it
    login = re.search(r'<input [^>]*autocomplete="username"[^>]*>', page)
    assert login
    assert f'value="{NEWCOMER}"' in login[0]
    assert "readonly hidden" in login[0]
    assert " name=" not in login[0]
    assert login.start() < page.index('autocomplete="new-password"')


def test_a_login_that_staff_gave_chooses_its_own_password_first(portal: Portal) -> None:
    # given a member with a password from somebody else
    visitor = portal.visitor()
    asked = tries(visitor, NEWCOMER, "First-word-1")
    assert (asked.status, asked.location) == (303, "/sign-in/own-password")
    assert ACCESS not in visitor.cookies
    assert visitor.get("/").status == 303, "nobody is in before the own password is chosen"

    # when the two differ, it is said; when they agree, the member is in
    differing = visitor.submit(asked.location, asked.location, password="Own-word-22-xy", again="Own-word-22-yx")
    assert differing.status == 422
    assert "The two passwords differ." in differing.body
    chosen = visitor.submit(asked.location, asked.location, password="Own-word-22-xy", again="Own-word-22-xy")

    # then
    assert (chosen.status, chosen.location) == (303, "/")
    assert visitor.get("/").status == 200
    assert tries(portal.visitor(), NEWCOMER, "Own-word-22-xy").status == 303


def test_the_page_for_an_own_password_needs_a_sign_in_that_asked_for_it(portal: Portal) -> None:
    assert portal.visitor().get("/sign-in/own-password").location == "/sign-in"


def test_a_suspended_partner_cannot_sign_in(portal: Portal) -> None:
    visitor = portal.visitor()

    answer = tries(visitor, SUSPENDED, PASSWORD)

    assert answer.status == 403
    assert "This account is closed for now: write to your manager." in answer.body
    assert f'value="{SUSPENDED}"' in answer.body, "the form is still there"
    assert ACCESS not in visitor.cookies
    credentials = {"email": SUSPENDED, "password": PASSWORD}
    machine = portal.visitor(accept="application/json").post("/sign-in", credentials, as_json=True)
    assert (machine.status, machine.json["code"]) == (403, "partner_suspended")


def test_a_login_without_a_member_is_no_login(portal: Portal) -> None:
    import boto3

    cognito = boto3.client("cognito-idp")
    cognito.admin_create_user(UserPoolId=portal.pool_id, Username=STRANGER, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=portal.pool_id, Username=STRANGER, Password=PASSWORD, Permanent=True)
    try:
        answer = portal.visitor(accept="application/json").post(
            "/sign-in", {"email": STRANGER, "password": PASSWORD}, as_json=True
        )
    finally:
        cognito.admin_delete_user(UserPoolId=portal.pool_id, Username=STRANGER)

    assert (answer.status, answer.json["code"]) == (401, "no_member")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a\\b",
        "/x\n/y",
    ],
)
def test_signing_in_leads_to_no_other_site(portal: Portal, elsewhere: str) -> None:
    assert tries(portal.visitor(), PARTNER, PASSWORD, elsewhere).location == "/"


def test_a_cognito_that_is_slow_or_away_is_said_without_blame(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def sign_in(self, email: str, password: str) -> Tokens:
            raise Unavailable("Signing in does not work just now: try again in a minute.", code="sign_in_unavailable")

    class Busy:
        def sign_in(self, email: str, password: str) -> Tokens:
            raise TooMany("Too many tries: wait a few minutes.", code="sign_in_slow_down")

    monkeypatch.setitem(portal.wiring.__dict__, "identity", Away())
    away = tries(portal.visitor(), PARTNER, PASSWORD)
    monkeypatch.setitem(portal.wiring.__dict__, "identity", Busy())
    busy = tries(portal.visitor(), PARTNER, PASSWORD)

    assert (away.status, "sign_in_unavailable" in away.body) == (503, True)
    assert (busy.status, "wait a few minutes" in busy.body) == (429, True)


# ---------------------------------------------------------------------------------------------------------- staying in


def test_an_access_token_that_ran_out_is_renewed_and_nobody_sees_it(portal: Portal) -> None:
    # given a browser whose access token is no longer good
    visitor = portal.signed_in()
    visitor.cookies[ACCESS] = "worn.out.token"

    # when
    answer = visitor.get("/")

    # then the page is there, with a new token beside it
    assert answer.status == 200
    assert visitor.cookies[ACCESS] != "worn.out.token"
    assert visitor.get("/clients").cookies == [], "the new token is used from now on"


def test_without_an_access_token_the_refresh_token_is_enough(portal: Portal) -> None:
    visitor = portal.signed_in()
    del visitor.cookies[ACCESS]

    assert visitor.get("/").status == 200


def test_a_refresh_token_that_is_no_longer_good_ends_at_the_sign_in_page(portal: Portal) -> None:
    visitor = portal.signed_in()
    visitor.cookies |= {ACCESS: "worn.out.token", REFRESH: "revoked"}

    answer = visitor.get("/clients")

    assert answer.location == "/sign-in?next=/clients"
    assert ACCESS not in visitor.cookies
    assert REFRESH not in visitor.cookies


def test_a_token_is_measured_by_the_true_time_and_not_by_a_moved_clock(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo moves the house's clock by months; Cognito's tokens know nothing of that."""
    machine = portal.machine()

    monkeypatch.setattr(portal.wiring, "now", lambda: datetime.now(UTC) + timedelta(days=400))
    assert machine.get("/").status == 200

    monkeypatch.setattr(portal.wiring, "true_now", lambda: datetime.now(UTC) + timedelta(days=1))
    assert machine.get("/").json["code"] == "token_expired"


# --------------------------------------------------------------------------------------------------------- signing out


def test_signing_out_ends_every_session_of_the_member(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    # given one member in two browsers and a program
    here, there, program = portal.signed_in(OTHER), portal.signed_in(OTHER), portal.machine(OTHER)
    revoked: list[str] = []
    monkeypatch.setattr(portal.wiring.identity, "revoke", revoked.append)
    refresh = here.cookies[REFRESH]

    # when the member signs out in one
    page = here.get("/")
    answer = here.post("/sign-out", {"csrf": page.field("csrf")})

    # then that browser forgets its tokens, the refresh token is revoked, and no earlier token is good anywhere
    assert (answer.status, answer.location) == (303, "/sign-in")
    assert not {ACCESS, REFRESH} & here.cookies.keys()
    assert revoked == [refresh]
    assert there.get("/").location == "/sign-in"
    assert program.get("/").json["code"] == "signed_out"
    member = portal.configuration.member(portal.members[OTHER])
    assert member.signed_out_at is not None
    assert abs(member.signed_out_at - datetime.now(UTC)) < timedelta(minutes=1)

    # and a later sign-in is good again
    before = datetime.now(UTC) - timedelta(seconds=5)
    _set_signed_out_at(portal, OTHER, before)
    assert portal.signed_in(OTHER).get("/").status == 200


def test_a_sign_in_in_the_very_second_of_a_sign_out_is_asked_to_try_again(portal: Portal) -> None:
    _set_signed_out_at(portal, OTHER, datetime.now(UTC) + timedelta(seconds=5))
    try:
        answer = tries(portal.visitor(), OTHER, PASSWORD)
    finally:
        _set_signed_out_at(portal, OTHER, datetime.now(UTC) - timedelta(seconds=5))

    assert (answer.status, "try again" in answer.body) == (401, True)


def test_signing_out_is_audited(portal: Portal) -> None:
    visitor = portal.signed_in(STAFF)
    page = visitor.get("/desk/partners")
    visitor.post("/sign-out", {"csrf": page.field("csrf")})

    audit = portal.configuration.audit_of_subject(portal.members[STAFF]).items

    assert [record.action for record in audit if record.by == portal.members[STAFF]] == ["sign_out"]
    _set_signed_out_at(portal, STAFF, datetime.now(UTC) - timedelta(seconds=5))


def test_the_gateway_revokes_and_a_dead_token_is_as_good_as_revoked() -> None:
    from botocore.exceptions import ClientError

    from introducer.gateways.identity import Identity

    class Cognito:
        def __init__(self) -> None:
            self.asked: list[dict[str, Any]] = []

        def revoke_token(self, **parameters: Any) -> dict[str, Any]:
            self.asked.append(parameters)
            raise ClientError({"Error": {"Code": "UnsupportedTokenTypeException"}}, "RevokeToken")

        def initiate_auth(self, **parameters: Any) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "NotAuthorizedException"}}, "InitiateAuth")

    cognito = Cognito()
    identity = Identity(cognito, client_id="portal")

    identity.revoke("dead")

    assert cognito.asked == [{"ClientId": "portal", "Token": "dead"}]
    with pytest.raises(Unauthenticated):
        identity.renew("dead")


# ---------------------------------------------------------------------------------------------------------------- CSRF


@pytest.mark.parametrize("path", ["/links", "/sign-out", "/preferences", "/sign-in"])
def test_a_write_without_the_session_s_token_is_refused(portal: Portal, path: str) -> None:
    visitor = portal.signed_in()

    missing = visitor.post(path, {"campaign": "cmp_x"})
    forged = visitor.post(path, {"campaign": "cmp_x", "csrf": "A" * 32})

    for answer in (missing, forged):
        assert answer.status == 403
        assert "csrf" in answer.body


def test_the_token_of_another_session_does_not_fit(portal: Portal) -> None:
    here, there = portal.signed_in(), portal.signed_in()
    foreign = there.get("/links").field("csrf")

    assert foreign != here.get("/links").field("csrf")
    assert here.post("/sign-out", {"csrf": foreign}).status == 403


def test_the_token_of_before_signing_in_does_not_fit_afterwards(portal: Portal) -> None:
    visitor = portal.visitor()
    early = visitor.get("/sign-in").field("csrf")
    tries(visitor, PARTNER, PASSWORD)

    assert visitor.post("/sign-out", {"csrf": early}).status == 403


def test_a_sign_in_form_planted_by_another_site_is_refused(portal: Portal) -> None:
    """Else somebody could be signed in to a stranger's account without noticing."""
    planted = portal.visitor().post("/sign-in", {"email": PARTNER, "password": PASSWORD})
    with_a_token = portal.visitor().post("/sign-in", {"email": PARTNER, "password": PASSWORD, "csrf": "x" * 32})

    assert planted.status == with_a_token.status == 403


def test_a_browser_s_json_needs_the_token_too_and_takes_it_in_a_header(portal: Portal) -> None:
    visitor = portal.signed_in()
    token = visitor.get("/links").field("csrf")

    assert visitor.post("/preferences", {"theme": "dark"}, as_json=True, accept="application/json").status == 403
    answer = visitor.post(
        "/preferences", {"theme": "dark"}, as_json=True, accept="application/json", introducer_csrf=token
    )
    assert answer.status == 200


def test_a_program_with_a_bearer_token_needs_none(portal: Portal) -> None:
    machine = portal.machine()
    campaign = machine.get("/links").json["campaigns"][0]["campaign"]

    assert machine.post("/links", {"campaign": campaign}, as_json=True).status == 201


def _set_signed_out_at(portal: Portal, email: str, at: datetime) -> None:
    from introducer.domain.configuration import Change

    change = Change(by="system:test", at=datetime.now(UTC), why="set up")
    portal.configuration.sign_out(portal.members[email], at, change)


@pytest.mark.parametrize("who", [PARTNER, STAFF])
def test_when_somebody_signed_in_last_is_kept_for_their_colleagues(portal: Portal, who: str) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    portal.signed_in(who)
    at = portal.configuration.member(portal.members[who]).signed_in_at
    assert at is not None and before <= at <= datetime.now(UTC)


def test_a_partners_sign_in_is_noted_by_keyed_hashes_and_staffs_is_not(portal: Portal) -> None:
    # given nothing that is known of anybody
    index = PersonIndex(portal.module.server.wiring.portal.settings.books_table)
    partner = portal.partners[PARTNER]
    for known in index.of_members(partner):
        index.forget_member(known)

    # when an owner signs in from somewhere, and staff does
    from_there = {"introducer_edge": "edge secret", "cloudfront_viewer_address": "203.0.113.9:41000"}
    assert tries(portal.visitor(**from_there), PARTNER, PASSWORD).status == 303
    assert tries(portal.visitor(**from_there), STAFF, PASSWORD).status == 303

    # then the partner is known by its e-mail and that address
    key = brand_key(IDENTITY_SECRET.encode(), portal.brand)
    wanted = {
        Person("email", keyed_hash(key, "email", PARTNER)),
        Person("address", keyed_hash(key, "address", "203.0.113.9")),
    }
    assert {known.person for known in index.of_members(partner)} == wanted
    assert index.known(portal.brand, [Person("email", keyed_hash(key, "email", STAFF))], NOW) == {}


def test_an_index_that_does_not_answer_keeps_nobody_out(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the table is on fire")

    monkeypatch.setattr(PersonIndex, "remember_member", broken)

    assert tries(portal.visitor(), PARTNER, PASSWORD).status == 303
