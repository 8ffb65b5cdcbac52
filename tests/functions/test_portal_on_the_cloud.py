"""The deployed portal: through the gateway, against the local cloud's own user pool."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from introducer.domain.configuration import Role
from introducer.domain.statement import make_statement
from introducer.store.statements import Statements
from introducer_ops.localcloud import Stack
from tests.support.builders import cpa, terms
from tests.support.pictures import drawn
from tests.support.scenario import Scenario, the_stacks_account

pytestmark = pytest.mark.cloud

HTML = {"Accept": "text/html"}


@pytest.fixture
def world(stack: Stack) -> Iterator[Scenario]:
    with the_stacks_account(stack):
        yield Scenario(stack, stack.clock.now() - timedelta(days=3))


class Visitor:
    """A browser: it keeps cookies as one would over TLS."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self.cookies: dict[str, str] = {}

    def send(self, method: str, path: str, **options: object) -> httpx.Response:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.http.request(method, path, headers={**HTML, "Cookie": cookie}, **options)  # type: ignore[arg-type]
        for line in answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        self.cookies = {name: value for name, value in self.cookies.items() if value}
        return answer

    def sign_in(self, email: str, password: str) -> httpx.Response:
        page = self.send("GET", "/sign-in")
        return self.send("POST", "/sign-in", data={"csrf": field(page, "csrf"), "email": email, "password": password})


def field(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text[:500]
    return found[1]


def test_a_member_signs_in_looks_around_and_signs_out(world: Scenario) -> None:
    # given a partner's member, and two browsers
    partner, code = world.a_partner(terms(cpa("200.00")))
    email, password = world.a_login(partner, Role.OWNER)
    here, there = Visitor(world.http), Visitor(world.http)

    # when both sign in
    assert here.sign_in(email, "wrong").status_code == 401
    for visitor in (here, there):
        entered = visitor.sign_in(email, password)
        assert (entered.status_code, entered.headers["location"]) == (303, "/")

    # then the pages are there, by GET and by HEAD, and a form writes
    page = here.send("GET", "/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    head = here.send("HEAD", "/")
    assert (head.status_code, head.text) == (200, "")
    style = re.search(r'href="(/static/portal[^"]+)"', page.text)
    assert style and here.send("GET", style[1]).headers["cache-control"].endswith("immutable")
    listed = here.send("GET", "/links")
    assert code in listed.text
    campaign = re.search(r'<option value="([^"]+)"', listed.text)
    assert campaign
    fields = {name: field(listed, name) for name in ("csrf", "idempotency_key")} | {"campaign": campaign[1]}
    first, again = (here.send("POST", "/links", data=fields) for _ in range(2))
    assert first.status_code == again.status_code == 303
    assert first.headers["location"] == again.headers["location"]

    # when an access token is lost, it is renewed
    here.cookies.pop("__Host-access")
    assert here.send("GET", "/").status_code == 200
    assert "__Host-access" in here.cookies

    # when one signs out, both are out
    refresh = here.cookies["__Host-refresh"]
    out = here.send("POST", "/sign-out", data={"csrf": field(here.send("GET", "/"), "csrf")})
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert "__Host-access" not in here.cookies
    assert there.send("GET", "/").headers["location"] == "/sign-in"
    cognito = world.stack.client("cognito-idp")
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        cognito.initiate_auth(
            ClientId=world.stack.outputs["UserPoolClientId"],
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": refresh},
        )


def test_a_first_password_is_exchanged_for_an_own_one(world: Scenario) -> None:
    partner, _ = world.a_partner(terms(cpa("200.00")))
    email, _ = world.a_login(partner, Role.OWNER)
    world.stack.client("cognito-idp").admin_set_user_password(
        UserPoolId=world.stack.outputs["UserPoolId"], Username=email, Password="First-word-1-abc", Permanent=False
    )
    visitor = Visitor(world.http)

    asked = visitor.sign_in(email, "First-word-1-abc")
    assert asked.headers["location"] == "/sign-in/own-password"
    page = visitor.send("GET", asked.headers["location"])
    chosen = visitor.send(
        "POST",
        asked.headers["location"],
        data={"csrf": field(page, "csrf"), "password": "Own-word-22-xyz", "again": "Own-word-22-xyz"},
    )

    assert (chosen.status_code, chosen.headers["location"]) == (303, "/")
    assert visitor.send("GET", "/").status_code == 200


def test_a_moved_clock_ends_no_session(world: Scenario) -> None:
    """The demo moves the house's clock by weeks; tokens are of the true time."""
    partner, _ = world.a_partner(terms(cpa("200.00")))
    visitor = Visitor(world.http)
    visitor.sign_in(*world.a_login(partner, Role.OWNER))

    clock = world.stack.clock
    before = clock.offset
    clock.advance(timedelta(days=45).total_seconds())
    try:
        page, now = visitor.send("GET", "/earnings"), clock.now()
    finally:
        clock.set(before)

    assert page.status_code == 200
    assert f"?month={_month_before(now)}" in page.text


def _month_before(moment: datetime) -> str:
    return (moment.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")


def test_a_document_comes_through_the_gateway_as_it_was_rendered(world: Scenario) -> None:
    # given a partner with a closed month
    partner, _ = world.a_partner(terms(cpa("200.00")))
    email, password = world.a_login(partner, Role.OWNER)
    statements = Statements(world.stack.outputs["BooksTableName"])
    statements.put(make_statement(partner, "2026-01", {"EUR": 1_050}, (), datetime(2026, 2, 5, tzinfo=UTC)))
    visitor = Visitor(world.http)
    visitor.sign_in(email, password)

    # when the browser follows the links
    document = visitor.send("GET", "/statements/2026-01?format=pdf")
    table = visitor.send("GET", "/statements/2026-01?format=csv")

    # then it has a PDF, byte for byte, and the table
    assert (document.status_code, document.headers["content-type"]) == (200, "application/pdf")
    assert document.content.startswith(b"%PDF-") and document.content.rstrip().endswith(b"%%EOF")
    assert document.headers["content-disposition"] == 'attachment; filename="statement-2026-01.pdf"'
    assert table.text.splitlines()[-1].split(",")[:9] == [
        "closing", world.brand, partner, "2026-01", "EUR", "", "", "", "10.50",
    ]  # fmt: skip


def test_pictures_come_through_the_gateway_byte_for_byte(world: Scenario) -> None:
    # given a manager who hands in a banner, as it lies on the disk
    manager = Visitor(world.http)
    manager.sign_in(*world.a_login(None, Role.MANAGER))
    path, content = f"/desk/campaigns/{world.campaign}/materials", drawn(300, 250, "JPEG")
    csrf = field(manager.send("GET", path), "csrf")
    sent = manager.send(
        "POST", f"{path}/banners", data={"csrf": csrf, "name": "Spring"}, files={"file": ("a.png", content)}
    )
    assert sent.status_code == 303, sent.text
    material = sent.headers["location"].rpartition("=")[2]

    # when somebody opens it as a browser opens pictures
    wanted = {"Accept": "image/avif,image/webp,image/*,*/*;q=0.8"}
    shown = world.http.get(f"/m/{material}", headers=wanted)
    again = world.http.get(f"/m/{material}", headers=wanted | {"If-None-Match": shown.headers["etag"]})

    # then it is what was handed in
    assert (shown.status_code, shown.headers["content-type"], shown.content) == (200, "image/jpeg", content)
    assert (again.status_code, again.content) == (304, b"")
