"""What should be refused or neutralised, over all routes: forms without their token, changed cursors, fields that are
nobody's to set, formulas in tables, scripts in names."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import datetime
from secrets import token_bytes
from typing import Any

import pytest

from introducer.domain.api_key import scopes_for, text_of
from introducer.domain.errors import Unauthenticated
from introducer.domain.rate_limit import Allowance, Limit, ask
from introducer.runtime.authentication import Authenticator, PublicKeys, issuer_of
from introducer.services.api_keys import Wish, create_api_key
from tests.api.asking import cells_of, documented, routes
from tests.browser.world import Answer, Visitor
from tests.support import payday
from tests.support.everything import LOGINS, OTHERS, PLATFORM, Everything, as_it_was, everything
from tests.support.payday import HARBOUR
from tests.support.writes import WRITES
from tests.unit import test_authentication as tokens

pytestmark = pytest.mark.in_memory

ANYBODYS = ("/sign-in", "/sign-in/own-password", "/preferences", "/leads/{code}", "/apply")
"""Writes of strangers: their forms carry the token of a cookie that the form's page sets."""
FOREIGN_FIELDS = {
    "role": "admin",
    "partner": "par_another",
    "brand": "brd_another",
    "status": "active",
    "is_admin": True,
}
GOES_ON = {"/desk/events": f"?source={PLATFORM}"}
"""What is asked beside, where it is only then a list that goes on."""
TAMPERED = (
    "no algorithm", "HS256 with the public key as its secret", "signed by another key under our key id", "another pool",
    "an ID token", "an ID token dressed with our client", "a changed body",
)  # fmt: skip
"""Of what `tests/unit/test_authentication.py` tries one by one."""
OF_THEIR_MAKER = ("/reports/saved/{report}", "/desk/reports/saved/{report}")
"""What whoever made it has: a key has its own."""


@pytest.fixture(scope="module")
def world() -> Iterator[Everything]:
    with pytest.MonkeyPatch.context() as patch, everything(patch) as found:
        yield found


@pytest.fixture
def real(world: Everything) -> Iterator[Everything]:
    """The same world, where tokens and keys that are none of a stand-in's are looked at as they are in truth."""
    session, wiring = world.module.server.session, world.wiring
    before = session.authenticate, dict(vars(wiring))

    def authenticate(visit: Any) -> None:
        try:
            before[0](visit)
        except (ValueError, Unauthenticated):
            REAL(visit)

    session.authenticate = authenticate
    wiring.limits = Unlimited()
    yield world
    session.authenticate = before[0]
    vars(wiring).clear()
    vars(wiring).update(before[1])


REAL = payday._loaded().server.session.authenticate


class Unlimited:
    """Nobody is counted."""

    def of_key(self, key: str, now: datetime) -> Allowance:
        return ask(Limit(60, 60), None, 1)

    def of_member(self, member: str) -> None:
        return None


def asks(world: Everything, method: str, path: str, token: str, body: Any = None) -> Answer:
    """What a program is answered that shows this token."""
    visitor = Visitor(world, {"accept": "application/json", "authorization": f"Bearer {token}"})
    if method == "GET":
        return visitor.get(path)
    return visitor.post(path, body or {}, as_json=True)


def a_key_of(world: Everything, role: str) -> str:
    """A key with every scope that there is for it."""
    maker = world.people[LOGINS[role]]
    wish = Wish(
        name="Everything",
        scopes=scopes_for(staff=maker.role.is_staff),
        role=maker.role if maker.role.is_staff else None,
    )
    return create_api_key(world.configuration, maker, wish, clock=lambda: world.now, random=token_bytes)[1]


def writes(world: Everything) -> list[Any]:
    return [page for page in routes(world) if page.method == "POST" and page.path in WRITES]


def lists(world: Everything) -> list[Any]:
    return [page for page in routes(world) if page.method == "GET" and page.spec.columns]


def looker(path: str) -> str:
    return LOGINS["admin" if path.startswith("/desk") else "owner"]


# ------------------------------------------------------------------------------------------------------------ the token


def test_no_write_of_a_browser_is_done_without_the_token_of_its_session(world: Everything) -> None:
    looked = 0
    anothers = world.signed_in(OTHERS["owner"], accept="text/html").get("/settings/mail").field("csrf")
    for page in writes(world):
        if page.spec.by_link or page.path in ANYBODYS:
            continue
        write = WRITES[page.path]
        with as_it_was(world):
            body = {name: value for name, value in write.sent(world).items() if isinstance(value, (str, int, bool))}
            browser = world.signed_in(write.login, accept="text/html")
            for sent_as, token in ((False, {}), (True, {}), (False, {"csrf": anothers}), (True, {"csrf": anothers})):
                answer = browser.post(world.path(page.path), body | token, as_json=sent_as, accept="application/json")
                assert (answer.status, answer.json["code"]) == (403, "csrf"), (page.path, answer.body)
                looked += 1
    assert looked > 600


def test_a_stranger_with_a_cookie_of_ours_needs_its_token_too(world: Everything) -> None:
    for path in ANYBODYS:
        browser = Visitor(world, {"accept": "application/json"}, {"__Host-visit": "somebody's"})
        answer = browser.post(world.path(path), {"csrf": "wrong"}, as_json=True)
        assert (answer.status, answer.json.get("code")) == (403, "csrf"), (path, answer.body)


# -------------------------------------------------------------------------------------------------------------- cursors


def changed(cursor: str) -> Iterator[str]:
    """The same with a bit turned, cut, longer, and what was never one."""
    raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for at in (0, len(raw) // 2, len(raw) - 1):
        turned = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        yield urlsafe_b64encode(turned).decode().rstrip("=")
    yield cursor[:-4]
    yield cursor + "AAAA"
    yield "eyJwayI6IlBBUlRORVIifQ"
    yield "%00"


def test_every_list_that_goes_on_refuses_a_cursor_that_is_not_its_own(world: Everything) -> None:
    cursors = world.wiring.cursors
    foreign = cursors.seal("a list of somebody else", "x")
    goes_on = json.loads((world.module.server.rendering.TEMPLATES.parent / "shapes.json").read_text("utf-8"))
    looked = 0
    for page in routes(world):
        if page.method != "GET" or "cursor" not in goes_on.get(f"GET {page.path}", {}).get("query", ()):
            continue
        path = world.path(page.path) + GOES_ON.get(page.path, "")
        join = "&" if "?" in path else "?"
        for cursor in (foreign, *changed(foreign)):
            answer = world.asks(looker(page.path), "GET", f"{path}{join}cursor={cursor}")
            assert (answer.status, answer.json.get("code")) == (400, "bad_cursor"), (
                page.path,
                cursor,
                answer.body[:200],
            )
        looked += 1
    assert looked > 50


# --------------------------------------------------------------------------------------------------------------- fields


def test_no_write_takes_a_field_that_is_nobodys_to_set(world: Everything) -> None:
    looked = 0
    for page in writes(world):
        known = {name for model in page.spec.body for name in model.model_fields}
        write = WRITES[page.path]
        if not page.spec.body or write.content:
            continue
        for name, value in FOREIGN_FIELDS.items():
            if name in known:
                continue
            with as_it_was(world):
                body = write.sent(world) | {name: value}
                before = _items(world)
                answer = world.asks(write.login.replace("stranger", ""), "POST", world.path(page.path), body)
                if _is_lenient(page):
                    # What lies beside its settings is read by their own model, which refuses it.
                    assert answer.status in (200, 201, 422), (page.path, answer.body)
                    continue
                assert answer.status == 422, (page.path, name, answer.status, answer.body[:200])
                assert _items(world) == before, page.path
            looked += 1
    assert looked > 600


def _is_lenient(page: Any) -> bool:
    return any(model.model_config.get("extra") != "forbid" for model in page.spec.body)


def _items(world: Everything) -> int:
    """How much was ever written."""
    return sum(len(table.stream) for table in world.dynamodb._memory.tables.values())


# ---------------------------------------------------------------------------------------------------- who says they are


def test_no_route_takes_a_token_that_is_not_a_login(real: Everything) -> None:
    pool = Authenticator(
        PublicKeys(tokens.Pool(k1=tokens.OURS)), issuer=issuer_of(tokens.POOL), client_id=tokens.CLIENT
    )
    real.wiring.authenticator = pool
    subject = real.people[HARBOUR].member
    good = tokens.a_token(sub=subject)
    assert asks(real, "GET", "/links", good).status == 200
    bad = {name: tokens.REFUSED[name]() for name in TAMPERED} | {
        "expired": tokens.a_token(sub=subject, exp=int(tokens.NOW.timestamp())),
        "a cookie's name": f"__Host-access={good}",
        "a key of nobody": text_of("key_" + "0" * 26, "0" * 32),
    }
    looked = 0
    for page in routes(real):
        if page.spec.who.value == "anyone":
            continue
        for name, token in bad.items():
            answer = asks(real, page.method, real.path(page.path), token)
            assert answer.status == 401, (page.path, name, answer.status)
            looked += 1
    assert looked > 1_500


def test_a_key_does_what_its_role_may_and_what_is_a_persons_it_does_not(real: Everything) -> None:
    """With every scope there is: it is answered as `docs/access.md` says of its role, or that a person signs in."""
    table, scopes = documented(), real.module.server.session.scopes
    looked = {True: 0, False: 0}
    for role in ("owner", "admin"):
        key = a_key_of(real, role)
        for page in routes(real):
            if page.spec.who.value == "anyone" or page.path == "/":
                continue
            write = WRITES[page.path] if page.method == "POST" else None
            if write is not None and write.content:
                continue
            path = real.path(page.path) + (write.query if write else "")
            reached = scopes.needed(page.method, path.partition("?")[0]) is not None
            with as_it_was(real):
                answer = asks(real, page.method, path, key, write.sent(real) if write else None)
            looked[reached] += 1
            if not reached:
                assert (answer.status, answer.json["code"]) == (403, "not_by_key"), (page.path, role, answer.body)
            else:
                said = {cells_of(table[page.method, page.path])[role.title()].partition(" ")[0]}
                said |= {"404"} if page.path.startswith(OF_THEIR_MAKER) else set()
                assert str(answer.status) in said, (page.path, role, answer.body[:200])
    assert looked[True] > 250 and looked[False] > 100


# ------------------------------------------------------------------------------------------------- what is whose, again


def test_a_session_without_its_refresh_cookie_needs_the_token_too(world: Everything) -> None:
    for page in writes(world):
        if page.spec.by_link or page.path in ANYBODYS:
            continue
        token = WRITES[page.path].login.encode().hex()
        browser = Visitor(world, {"accept": "application/json"}, {"__Host-access": token})
        answer = browser.post(world.path(page.path), {}, as_json=True)
        assert (answer.status, answer.json["code"]) == (403, "csrf"), (page.path, answer.body)


def test_a_genuine_cursor_is_good_for_its_own_list_and_people_alone(world: Everything) -> None:
    cursors: dict[str, str] = {}
    for page in lists(world):
        path = world.path(page.path)
        answer = world.asks(looker(page.path), "GET", f"{path}{'&' if '?' in path else '?'}limit=1")
        if answer.status == 200 and answer.json.get("next"):
            cursors[page.path] = answer.json["next"]
    assert len(cursors) > 15, sorted(cursors)
    paths = sorted(cursors)
    for path, other in zip(paths, paths[1:] + paths[:1], strict=True):
        role = "admin" if path.startswith("/desk") else "owner"
        asked = world.path(path)
        join = "&" if "?" in asked else "?"
        own = world.asks(LOGINS[role], "GET", f"{asked}{join}limit=1&cursor={cursors[path]}")
        assert own.status == 200, (path, own.body)
        swapped = world.asks(LOGINS[role], "GET", f"{asked}{join}cursor={cursors[other]}")
        assert (swapped.status, swapped.json.get("code")) == (400, "bad_cursor"), (path, other, swapped.body[:200])
        theirs = world.asks(OTHERS[role], "GET", f"{asked}{join}cursor={cursors[path]}")
        assert theirs.status in (400, 403, 404), (path, theirs.status, theirs.body[:200])


def test_what_a_cache_may_keep_is_nobodys(world: Everything) -> None:
    """No token of a form, no cookie, and the same for whoever asks; all else no cache keeps."""
    shared = 0
    for page in routes(world):
        if page.method != "GET":
            continue
        kind = "text/html" if page.spec.template and page.spec.kept_seconds else "application/json"
        shown = world.signed_in(looker(page.path), accept=kind).get(world.path(page.path))
        if not shown.headers.get("cache-control", "").startswith("public"):
            kept = shown.headers["cache-control"]
            assert kept.startswith("private, "), page.path
            # What the browser itself keeps, such as a QR code, it shows to nobody who signs in there afterwards.
            assert "no-store" in kept or "Cookie" in shown.headers.get("vary", ""), page.path
            continue
        stranger = Visitor(world, {"accept": kind}).get(world.path(page.path))
        assert (stranger.body, stranger.headers.get("etag")) == (shown.body, shown.headers.get("etag")), page.path
        assert 'name="csrf"' not in shown.body and "set-cookie" not in shown.headers, page.path
        shared += 1
    assert shared >= 2
