"""API keys: made, shown once, scoped, counted and revoked; what they reach, and what none does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.api_key import AREAS_OF_DESK, AREAS_OF_PARTNER, MOST_STANDING, read_text, scopes_for, text_of
from introducer.domain.configuration import Change, Role, Standing, Status
from introducer.services.api_keys import is_kept
from tests.support.access import MEMBER, Access, an_access_world, as_it_was
from tests.support.payday import ADMIN, HARBOUR, LAST_RUN, MANAGER, PIPS
from tests.support.shown import text

pytestmark = pytest.mark.in_memory

KEYS, BRANDS = "/settings/keys", "/desk/settings/keys"


@pytest.fixture(scope="module")
def unchanged() -> Iterator[Access]:
    """For tests that change nothing."""
    with pytest.MonkeyPatch.context() as patch, an_access_world(patch) as found:
        yield found


@pytest.fixture
def world(unchanged: Access) -> Iterator[Access]:
    with as_it_was(unchanged) as found:
        yield found


# ------------------------------------------------------------------------------------------------------------- making


def test_an_owner_makes_a_key_in_a_browser_and_sees_it_once(world: Access) -> None:
    # given an owner who has none
    browser = world.portal.signed_in(HARBOUR)
    shown = browser.get(KEYS)
    assert "There is no key yet" in text(shown.body)
    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key")}
    form = {"name": "Nightly export", "scopes[]": ["", "earnings:read"], "expires_on": ""}

    # when it fills in the form, and presses twice
    made, again = browser.post(KEYS, guard | form), browser.post(KEYS, guard | form)

    # then there is one key, shown in the answer that made it and nowhere else
    assert made.status == 200 and "It is shown this once" in text(made.body)
    key = made.body.split('data-copy="', 1)[1].split('"', 1)[0]
    assert key.startswith("ink_") and world.as_program(key).get("/earnings").status == 200
    assert again.status == 409 and key not in again.body
    assert "This key was made and shown before" in text(again.body)
    assert key not in browser.get(KEYS).body
    [item] = world.gets(KEYS).json["items"]
    assert (item["name"], item["standing"], item["used"]) == ("Nightly export", "active", "2026-04-02")
    # And nothing that the table holds lets anybody come in.
    held = str(world.portal.dynamodb.get_paginator("scan").paginate(TableName="books").__next__())
    assert key[30:62] not in held


def test_what_was_ticked_and_typed_stays_beside_what_is_wrong(unchanged: Access) -> None:
    browser = unchanged.portal.signed_in(HARBOUR)
    csrf = browser.get(KEYS).field("csrf")
    form = {"csrf": csrf, "name": "Sheet", "scopes[]": ["", "links:write"], "expires_on": "2026-04-01"}
    answer = browser.post(KEYS, form)
    assert answer.status == 422 and "Choose a day to come" in text(answer.body)
    assert 'value="links:write" aria-label="Write: Links, campaigns and promo codes" checked' in answer.body
    assert 'value="Sheet"' in answer.body
    assert unchanged.gets(KEYS).json["items"] == []


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"scopes": []}, 422, "key_scopes"),
        ({"scopes": ["desk:read"]}, 422, "key_scopes"),
        ({"scopes": ["earnings:write"]}, 422, "key_scopes"),
        ({"name": " "}, 422, "key_name"),
        ({"name": "x" * 61}, 422, "key_name"),
        ({"expires_on": "2036-04-03"}, 422, "key_expires"),
        ({"expires_on": "9999-12-31"}, 422, "key_expires"),
        ({"role": "admin"}, 422, "key_role"),
        ({"partner": "par_other"}, 422, "invalid"),
        ({"secret_hash": "00"}, 422, "invalid"),
    ],
)
def test_a_program_is_told_what_is_wrong_by_a_stable_code(
    unchanged: Access, wish: dict[str, Any], status: int, code: str
) -> None:
    answer = unchanged.posts(KEYS, {"name": "A", "scopes": ["links:read"]} | wish)
    assert (answer.status, answer.json["code"]) == (status, code), answer.body


def test_one_name_stands_once_and_so_many_keys(world: Access) -> None:
    world.makes_key("links:read", name="0")
    assert world.posts(KEYS, {"name": "0", "scopes": ["links:read"]}).json["code"] == "key_name_taken"
    for number in range(1, MOST_STANDING):
        world.makes_key("links:read", name=str(number))
    refused = world.posts(KEYS, {"name": "more", "scopes": ["links:read"]})
    assert (refused.status, refused.json["code"]) == (409, "too_many_keys")
    # A page of them, and the rest.
    first = world.gets(f"{KEYS}?limit=15").json
    rest = world.gets(f"{KEYS}?limit=15&cursor={first['next']}").json
    assert len(first["items"] + rest["items"]) == MOST_STANDING and rest["next"] is None
    assert world.portal.machine(HARBOUR, "text/csv").get(KEYS).body.startswith("key,name,standing,role,scopes,")


def test_who_is_no_owner_and_no_admin_makes_and_revokes_none(world: Access) -> None:
    key = world.makes_key("links:read")["key"]
    wish = {"name": "B", "scopes": ["links:read"]}
    for who, base, scopes in ((MEMBER, KEYS, wish), (MANAGER, BRANDS, {"name": "B", "scopes": ["desk:read"]})):
        assert world.posts(base, scopes, who).json["code"] == "owner_only_keys"
        assert world.gets(base, who).json["may_decide"] is False
    assert world.posts(f"{KEYS}/{key}/revoke", {}, MEMBER).json["code"] == "owner_only_keys"
    # Another partner's is not there at all, for looking as for revoking.
    assert world.posts(f"{KEYS}/{key}/revoke", {}, PIPS).status == 404
    assert world.gets(KEYS, PIPS).json["items"] == []
    assert world.posts(f"{BRANDS}/{key}/revoke", {}, ADMIN).status == 404
    assert world.posts(KEYS, wish, idempotency_key="k").json["code"] == "no_key_here"


# ------------------------------------------------------------------------------------------------------------ using it


def test_a_key_does_what_its_scopes_name_and_nothing_else(world: Access) -> None:
    program = world.as_program(world.makes_key("earnings:read", "links:write")["text"])
    assert program.get("/earnings").status == 200
    assert program.get("/earnings", accept="text/csv").status == 200
    # Writing is not reading, and reading is not writing.
    missing = program.get("/links")
    assert (missing.status, missing.json["code"], missing.json["scope"]) == (403, "scope_missing", "links:read")
    assert program.post("/links", {"campaign": "cmp_none"}, as_json=True).status in (404, 422)
    assert program.post("/messages", {}, as_json=True).json["scope"] == "messages:write"
    # A partner's key is none of staff.
    assert program.get("/desk/payees").status == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/settings"), ("GET", "/settings/keys"), ("POST", "/settings/keys"), ("GET", "/settings/team"),
        ("POST", "/settings/team"), ("GET", "/settings/payment"), ("POST", "/settings/payment"),
        ("GET", "/settings/mail"), ("POST", "/sign-out"), ("POST", "/deal"), ("POST", "/postbacks/tgt_1/secret"),
    ],
)  # fmt: skip
def test_no_key_reaches_what_a_person_signs_in_for(unchanged: Access, method: str, path: str) -> None:
    with as_it_was(unchanged) as world:
        program = world.as_program(world.makes_key(*_all_of(AREAS_OF_PARTNER))["text"])
        answer = program.get(path) if method == "GET" else program.post(path, {}, as_json=True)
        assert (answer.status, answer.json["code"]) == (403, "not_by_key"), answer.body


def test_a_brands_key_has_a_role_and_reads_the_desk(world: Access) -> None:
    made = world.makes_key("desk:read", who=ADMIN, role="finance")
    program = world.as_program(made["text"])
    assert program.get("/desk/payees").status == 200
    assert program.get("/desk/runs").status == 200
    # The role bounds it as it bounds a person, whatever its scopes say.
    assert program.get("/desk/audit").json["code"] == "not_your_role"
    assert program.post("/desk/months", {}, as_json=True).json["code"] == "not_by_key"
    assert program.get("/desk/settings/staff").json["code"] == "not_by_key"
    assert program.get("/links").json["code"] == "scope_missing"
    assert world.posts(BRANDS, {"name": "x", "scopes": ["desk:read"]}, ADMIN).json["code"] == "key_role"


def test_what_takes_a_second_person_is_no_keys(world: Access) -> None:
    made = world.makes_key(*_all_of(AREAS_OF_DESK), who=ADMIN, role="admin")
    program, run = world.as_program(made["text"]), f"/desk/runs/{LAST_RUN}"
    assert program.get(run).status == 200
    for path in (f"{run}/decision", f"{run}/again", "/desk/broadcasts/brc_1/approval", "/desk/cases/p/c/decision",
                 # Nor is it the first of the two: whoever made it would be both.
                 "/desk/broadcasts/brc_1/submission",
                 "/desk/partners/par_1/standing", "/desk/partners/par_1/deal/new", "/desk/settings/brand"):  # fmt: skip
        assert program.post(path, {}, as_json=True).json["code"] == "not_by_key", path


def test_the_record_names_the_key_and_pages_call_it_by_its_name(world: Access) -> None:
    made = world.makes_key("messages:read", "messages:write", name="Helpdesk bridge")
    program = world.as_program(made["text"])
    sent = program.post("/messages", {"subject": "A question", "text": "Where is the report?"}, as_json=True)
    assert sent.status == 201, sent.body
    assert made["key"] in str(world.portal.dynamodb.get_paginator("scan").paginate(TableName="books").__next__())
    thread = sent.json["thread"]
    assert "Helpdesk bridge" in text(world.portal.signed_in(HARBOUR).get(f"/messages/{thread}").body)


def test_a_write_by_a_key_is_made_once_per_idempotency_key(world: Access) -> None:
    program = world.as_program(world.makes_key("messages:read", "messages:write")["text"])
    wish = {"subject": "A question", "text": "Where is the report?"}
    first, again = (program.post("/messages", wish, as_json=True, idempotency_key="once") for _ in range(2))
    assert first.json == again.json and again.headers["idempotency-replayed"] == "true"
    assert len(program.get("/messages").json["items"]) == 1


# ---------------------------------------------------------------------------------------------- when it is good no more


def refused(world: Access, key: str, path: str = "/earnings") -> None:
    answer = world.as_program(key).get(path)
    assert (answer.status, answer.json["code"]) == (401, "bad_api_key"), answer.body
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_the_next_request_after_it_was_revoked_is_refused(world: Access) -> None:
    made = world.makes_key("earnings:read")
    program = world.as_program(made["text"])
    assert program.get("/earnings").status == 200
    browser = world.portal.signed_in(HARBOUR)
    shown = browser.get(KEYS)
    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key")}
    done = browser.post(f"{KEYS}/{made['key']}/revoke", guard)
    assert (done.status, done.location) == (303, f"{KEYS}?done=revoked")
    refused(world, made["text"])
    # Again changes nothing, and is on record once.
    assert world.posts(f"{KEYS}/{made['key']}/revoke", {}).json["standing"] == "revoked"
    partner = world.portal.partners[HARBOUR]
    records = world.portal.configuration.audit_of_subject(partner).items
    actions = [each.action for each in records if "api_key" in each.action]
    assert sorted(actions) == ["add_api_key", "revoke_api_key"]
    assert all("Nightly" not in str(each) for each in records), "the trail outlives what names somebody"


def test_whatever_else_is_wrong_with_it_is_answered_alike(world: Access) -> None:
    made = world.makes_key("earnings:read", expires_on="2026-04-10")
    key = made["text"]
    other = world.makes_key("earnings:read", name="Other")["text"]
    # A known key's id with a secret that is another's, or nobody's, and a checksum that is right.
    (name, _), (_, secret) = read_text(key) or ("", ""), read_text(other) or ("", "")
    for made_up in (secret, "0" * 32):
        refused(world, text_of(name, made_up))
    slip = key[:40] + ("a" if key[40] != "a" else "b") + key[41:]
    for wrong in ("ink_", "ink_" + "0" * 64, slip, key[:-1], key + "0", key.lower(), key[:30] + other[30:]):
        refused(world, wrong)
    # The last day counts to its end.
    world.portal.now += timedelta(days=8, hours=14, minutes=29)
    assert world.as_program(key).get("/earnings").status == 200
    world.portal.now += timedelta(minutes=1)
    refused(world, key)
    standing = {each["name"]: each["standing"] for each in world.gets(KEYS).json["items"]}
    assert standing == {"Nightly export": "expired", "Other": "active"}


def test_a_key_stops_when_its_partner_is_suspended_and_goes_on_afterwards(world: Access) -> None:
    key, portal = world.makes_key("earnings:read")["text"], world.portal
    partner = portal.partners[HARBOUR]

    def stands(status: Status, before: Status, name: str) -> None:
        standing = Standing(
            partner=partner, standing=name, since=portal.now, status=status, reason="asked", decided_at=portal.now
        )
        change = Change(by="system:test", at=portal.now, why="asked", origin="test")
        portal.configuration.set_standing(standing, before, change)
        portal.now += timedelta(minutes=1)

    stands(Status.SUSPENDED, Status.ACTIVE, "std_1")
    answer = world.as_program(key).get("/earnings")
    assert (answer.status, answer.json["code"]) == (403, "partner_suspended")
    stands(Status.ACTIVE, Status.SUSPENDED, "std_2")
    assert world.as_program(key).get("/earnings").status == 200


def test_a_key_goes_with_whoever_made_it(world: Access) -> None:
    # given a second owner, who makes a key
    second = world.joins("second@harbour.example", Role.OWNER, HARBOUR)
    key = world.makes_key("earnings:read", who="second@harbour.example")["text"]
    assert world.as_program(key).get("/earnings").status == 200
    # when they are owner no more
    assert world.posts(f"/settings/team/{second.member}/role", {"role": "member"}).status == 200
    # then it is refused, and its page says why; with the role it comes back, and with the maker it goes
    refused(world, key)
    assert world.gets(KEYS).json["items"][0]["standing"] == "orphaned"
    assert world.posts(f"/settings/team/{second.member}/role", {"role": "owner"}).status == 200
    assert world.as_program(key).get("/earnings").status == 200
    assert world.posts(f"/settings/team/{second.member}/remove", {}).status == 200
    refused(world, key)


def test_an_owner_elsewhere_keeps_no_key_of_here(world: Access) -> None:
    made = world.makes_key("earnings:read")
    kept = world.portal.configuration.api_key(made["key"])
    assert is_kept(world.portal.configuration, kept)
    for other in (PIPS, ADMIN):
        elsewhere = replace(kept, created_by=world.portal.people[other].member)
        assert not is_kept(world.portal.configuration, elsewhere), other


# ------------------------------------------------------------------------------------------------------- how many come


def test_a_key_sends_so_many_at_once_and_is_told_how_long_to_wait(
    world: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_REQUESTS_PER_MINUTE", "30")
    monkeypatch.setenv("KEY_BURST", "5")
    program, portal = world.as_program(world.makes_key("cases:read")["text"]), world.portal
    left = [program.get("/cases").headers["ratelimit-remaining"] for _ in range(5)]
    assert left == ["4", "3", "2", "1", "0"]
    answer = program.get("/cases")
    assert (answer.status, answer.json["code"]) == (429, "rate_limited")
    told = {name: answer.headers[name] for name in ("retry-after", "ratelimit-limit", "ratelimit-reset")}
    assert told == {"retry-after": "2", "ratelimit-limit": "5", "ratelimit-reset": "10"}
    # Another container has no memory of it, and meets the same count.
    portal.wiring.__dict__.pop("api_key_uses")
    assert program.get("/cases").status == 429
    # One comes back every two seconds; another key has its own.
    portal.now += timedelta(seconds=2)
    assert [program.get("/cases").status for _ in range(2)] == [200, 429]
    other = world.as_program(world.makes_key("cases:read", name="Other")["text"])
    assert other.get("/cases").status == 200


def test_a_signed_in_member_is_limited_too_where_it_is_set(world: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMBER_REQUESTS_PER_MINUTE", "3")
    machine = world.portal.machine(HARBOUR)
    assert [machine.get("/cases").status for _ in range(4)] == [200, 200, 200, 429]
    assert world.gets("/cases", PIPS).status == 200
    page = world.portal.signed_in(HARBOUR).get("/cases")
    assert page.status == 429 and "That was too many requests at once" in text(page.body)
    assert page.headers["retry-after"] == "20"
    monkeypatch.delenv("MEMBER_REQUESTS_PER_MINUTE")
    assert machine.get("/cases").status == 200


def test_every_route_stands_in_the_table_of_scopes(unchanged: Access) -> None:
    module = unchanged.portal.module
    scopes, server = module.server.session.scopes, module.server
    public = {"/-/unknown-path", "/-/unknown-method"}
    signed = [each for each in server.registered if each.spec.who is not server.Who.ANYONE]
    assert len(signed) > 100
    lost = [each.path for each in signed if each.path not in public and scopes.row_of(each.path) is None]
    assert not lost, f"functions/portal/scopes.py says no area for {lost}: which scope lets a key in?"
    known = AREAS_OF_PARTNER.keys() | AREAS_OF_DESK.keys() | {scopes.NEVER}
    assert {row.area for row in scopes.ROWS} == known, "each area has a page, and each page a known area"
    # And each scope that can be given is good for something.
    used = {scopes.needed(each.method, each.path) for each in signed}
    assert used - {None} == {*scopes_for(staff=False), *scopes_for(staff=True)} - {"desk:read"}


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/desk/sources/web/pull", "desk.events:write"),
        ("POST", "/desk/sources/web/files/a/b/again", "desk.events:write"),
        # A source's secret is in the answer that makes it; one that fetches elsewhere shows the platform's there.
        ("POST", "/desk/sources", None),
        ("POST", "/desk/sources/web/edit", None),
        ("POST", "/desk/sources/web/secret/end", None),
        ("HEAD", "/desk/sources/web", "desk.events:read"),
        ("DELETE", "/links/Ab12Cd34", "links:write"),
        # What is encoded, doubled or ended otherwise is no other area's.
        ("GET", "/%73ettings/keys", None),
        ("GET", "//settings/keys", None),
        ("GET", "/settings/keys/", None),
        ("POST", "/desk/partners/par_1%2Fstanding", "desk.partners:write"),
        ("POST", "/desk/partners/find/standing", None),
        ("GET", "/", "overview:read"),
        ("GET", "/links/Ab12Cd34", "links:read"),
        ("GET", "/linksandmore", None),
        ("GET", "/desk", "desk.work:read"),
        ("GET", "/desk/unheard-of", None),
        ("GET", "/unheard-of", None),
        ("GET", "/desk/partners/par_1", "desk.partners:read"),
        ("GET", "/desk/partners/par_1/deal/new", "desk.deals:read"),
        ("GET", "/desk/partners/bulk/check", None),
        ("GET", "/settings/mail", None),
    ],
)
def test_the_longest_row_above_a_path_says_its_scope(
    unchanged: Access, method: str, path: str, scope: str | None
) -> None:
    assert unchanged.portal.module.server.session.scopes.needed(method, path) == scope


def _all_of(areas: Any) -> list[str]:
    return [f"{area}:{deed}" for area, writes in areas.items() for deed in (["read", "write"] if writes else ["read"])]
