"""A member's own settings, the team of a partner, the staff of a brand, and the brand itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Change, Role
from introducer.domain.errors import Conflict, Unavailable
from introducer.services import team
from introducer.services.load_rates import load_rates
from introducer.services.read_contracts import ECB
from introducer.services.team import INVITED_AGAIN
from introducer.store.rates import RateStore
from tests.support.access import MEMBER, SALES, Access, an_access_world, as_it_was
from tests.support.payday import ADMIN, HARBOUR, MAKER, MANAGER, PIPS
from tests.support.shown import text

pytestmark = pytest.mark.in_memory

TEAM, STAFF, BRAND = "/settings/team", "/desk/settings/staff", "/desk/settings/brand"
SECOND = "second@harbour.example"
INVITED = {"email": "Nova@Harbour.example", "name": "Nova Reyes", "role": "member", "language": "es"}


@pytest.fixture(scope="module")
def unchanged() -> Iterator[Access]:
    """For tests that change nothing."""
    with pytest.MonkeyPatch.context() as patch, an_access_world(patch) as found:
        yield found


@pytest.fixture
def world(unchanged: Access) -> Iterator[Access]:
    with as_it_was(unchanged) as found:
        yield found


def sub(world: Access, who: str) -> str:
    return world.portal.people[who].member


def actions(world: Access, subject: str) -> list[str]:
    return [each.action for each in world.portal.configuration.audit_of_subject(subject).items]


# ---------------------------------------------------------------------------------------------------- a member's own


def test_a_member_keeps_name_language_time_zone_and_theme(world: Access) -> None:
    browser = world.portal.signed_in(MEMBER)
    shown = browser.get("/settings")
    assert "What your programs come in with" in text(shown.body)
    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key")}
    wish = {"name": "Noor Haddad", "language": "es", "time_zone": "Europe/Madrid", "theme": "dark"}
    answer = browser.post("/settings", guard | wish)
    assert (answer.status, answer.location) == (303, "/settings?done=kept"), answer.body
    # In this browser at once, and wherever mail is written.
    after = browser.get(answer.location).body
    assert '<html lang="es"' in after and 'data-theme="dark"' in after
    assert world.portal.configuration.member(sub(world, MEMBER)).language == "es"
    data = world.gets("/settings", MEMBER).json
    assert (data["name"], data["language"], data["time_zone"]) == ("Noor Haddad", "es", "Europe/Madrid")
    assert world.gets("/settings/mail", MEMBER).json["time_zone"] == "Europe/Madrid"
    # On record without the name; the same again changes nothing.
    assert actions(world, sub(world, MEMBER)).count("change_profile") == 1
    assert "Noor" not in str(world.portal.configuration.audit_of_subject(sub(world, MEMBER)).items)
    assert world.posts("/settings", wish, MEMBER).status == 200
    assert actions(world, sub(world, MEMBER)).count("change_profile") == 1


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"language": "xx"}, "unknown_language"),
        ({"time_zone": "Atlantis/Port"}, "unknown_time_zone"),
        ({"name": ""}, "invalid"),
        ({"name": "two\nlines"}, "invalid_name"),
        ({"theme": "pink"}, "invalid"),
        # What is not one's own cannot be said at all.
        ({"role": "owner"}, "invalid"),
        ({"partner": "par_other"}, "invalid"),
        ({"brand": "brd_other"}, "invalid"),
        ({"signed_out_at": None}, "invalid"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_kept(unchanged: Access, wish: dict[str, Any], code: str) -> None:
    before = unchanged.gets("/settings", MEMBER).json
    whole = {"name": "Noor", "language": "en", "time_zone": "UTC"} | wish
    answer = unchanged.posts("/settings", whole, MEMBER)
    assert (answer.status, answer.json["code"]) == (422, code), answer.body
    assert list(answer.json.get("errors", wish)) == list(wish)
    assert unchanged.gets("/settings", MEMBER).json == before


def test_staff_have_settings_of_their_own_too(unchanged: Access) -> None:
    page = text(unchanged.portal.signed_in(SALES).get("/settings").body)
    assert "Settings of the brand" in page and "Getting paid" not in page


def test_signing_out_ends_every_session(world: Access) -> None:
    machine = world.portal.machine(MEMBER)
    assert machine.get("/settings").status == 200
    assert machine.post("/sign-out", {}, as_json=True).status == 200
    assert machine.get("/settings").json["code"] == "signed_out"
    world.portal.now += timedelta(minutes=10)
    assert machine.get("/settings").status == 200, "a later sign-in is another session"


# -------------------------------------------------------------------------------------------------------------- a team


def test_an_owner_invites_a_colleague_who_is_written_to(world: Access) -> None:
    browser = world.portal.signed_in(HARBOUR)
    shown = browser.get(TEAM)
    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key")}
    done, again = browser.post(TEAM, guard | INVITED), browser.post(TEAM, guard | INVITED)
    assert (done.status, done.location, again.location) == (303, f"{TEAM}?done=invited", done.location), done.body
    assert world.pool.written == ["nova@harbour.example"]
    page = text(browser.get(done.location).body)
    assert '<option value="member">Member</option>' in browser.get(TEAM).body.replace(" selected", "")
    assert "Nova Reyes" in page and "Invited: a mail with a first password is on its way." in page
    [made] = [each for each in world.gets(TEAM).json["items"] if each["name"] == "Nova Reyes"]
    assert (made["role"], made["language"], made["signed_in_at"]) == ("member", "es", None)
    member = world.portal.configuration.member(made["member"])
    assert (member.partner, member.brand) == (world.portal.partners[HARBOUR], world.portal.brand)
    # The first mail was lost: another goes out, until they have come in.
    path = f"{TEAM}/{made['member']}/invitation"
    assert world.posts(path, {}).status == 200
    assert world.pool.written == ["nova@harbour.example"] * 2
    # Nobody's mailbox is filled by us: the next one waits.
    assert world.posts(path, {}).json["code"] == "invited_lately"
    world.portal.now += INVITED_AGAIN
    assert world.posts(path, {}).status == 200 and len(world.pool.written) == 3
    world.portal.now += INVITED_AGAIN
    world.portal.configuration.note_sign_in(made["member"], world.portal.now)
    assert world.posts(path, {}).json["code"] == "signed_in_before"
    assert world.gets(TEAM).json["items"] != [] and len(world.pool.written) == 3


def test_a_partner_has_so_many_logins_and_invites_no_more(world: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "MOST_MEMBERS", 3)
    assert world.posts(TEAM, INVITED).status == 201
    # Who left counts too: else each that is removed again is one mail more to anybody.
    assert world.posts(f"{TEAM}/{sub(world, MEMBER)}/remove", {}).status == 200
    full = world.posts(TEAM, INVITED | {"email": "more@harbour.example"})
    assert (full.status, full.json["code"]) == (409, "team_full")
    assert world.pool.written == ["nova@harbour.example"]
    # The staff's are not counted.
    staff = INVITED | {"role": "sales", "email": "more@broker.example"}
    assert world.posts(STAFF, staff, ADMIN).status == 201


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"role": "admin"}, 422, "invalid_role"),
        ({"role": "manager"}, 422, "invalid_role"),
        ({"role": "king"}, 422, "invalid"),
        ({"email": "no address"}, 422, "invalid_email"),
        ({"name": "two\nlines"}, 422, "invalid_name"),
        ({"language": "xx"}, 422, "invalid_language"),
        ({"partner": "par_other"}, 422, "invalid"),
        # Somebody else's login, whoever's it is.
        ({"email": "admin@broker"}, 422, "invalid_email"),
        ({"email": "owner@lantern.example"}, 409, "conflict"),
    ],
)
def test_what_is_no_invitation_is_refused(world: Access, wish: dict[str, Any], status: int, code: str) -> None:
    world.pool.emails["sub-lantern"] = "owner@lantern.example"
    lantern = world.portal.people[PIPS]
    world.pool.emails[lantern.member] = "owner@lantern.example"
    del world.pool.emails["sub-lantern"]
    answer = world.posts(TEAM, INVITED | wish)
    assert (answer.status, answer.json["code"]) == (status, code), answer.body
    assert world.pool.written == []
    assert world.portal.configuration.member(lantern.member).partner == lantern.partner


def test_a_removed_member_is_out_at_once_and_may_come_back(world: Access) -> None:
    member = sub(world, MEMBER)
    machine = world.portal.machine(MEMBER)
    assert machine.get("/settings").status == 200
    # when the owner removes them, twice
    removals = [world.posts(f"{TEAM}/{member}/remove", {}) for _ in range(2)]
    # then no token of theirs opens anything, and nobody writes to them
    assert [each.status for each in removals] == [200, 200]
    assert machine.get("/settings").json["code"] == "no_member"
    assert member in world.pool.disabled
    partner = world.portal.partners[HARBOUR]
    assert member not in {each.member for each in world.portal.configuration.every_member(partner)}
    assert member not in {each["member"] for each in world.gets(TEAM).json["items"]}
    assert actions(world, member).count("remove_member") == 1
    assert world.posts(f"{TEAM}/{member}/role", {"role": "owner"}).status == 404
    assert world.posts(f"{TEAM}/{member}/invitation", {}).status == 404
    # and when they are invited again, they are who they were, signed out of what was before
    back = world.posts(TEAM, INVITED | {"email": MEMBER, "role": "owner"})
    assert back.status == 201 and back.json["member"] == member, back.body
    assert member not in world.pool.disabled
    assert machine.get("/settings").json["code"] == "signed_out"
    assert world.portal.configuration.member(member).role is Role.OWNER


def test_whoever_is_removed_is_out_though_the_pool_does_not_answer(
    world: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    member, machine = sub(world, MEMBER), world.portal.machine(MEMBER)

    def away(login: str) -> None:
        raise Unavailable("Logins cannot be changed just now: try again in a minute.")

    monkeypatch.setattr(world.pool, "disable", away)
    assert world.posts(f"{TEAM}/{member}/remove", {}).status == 503
    assert machine.get("/settings").json["code"] == "no_member"
    # Pressed again, it is finished.
    monkeypatch.undo()
    assert world.posts(f"{TEAM}/{member}/remove", {}).status == 200
    assert member in world.pool.disabled


def test_a_long_team_comes_in_pages(world: Access) -> None:
    for number in range(5):
        world.joins(f"more-{number}@harbour.example", Role.MEMBER, HARBOUR)
    seen, cursor = [], ""
    while cursor is not None:
        page = world.gets(f"{TEAM}?limit=3" + (f"&cursor={cursor}" if cursor else "")).json
        assert len(page["items"]) <= 3
        seen += [each["member"] for each in page["items"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 7
    other = world.gets(f"{TEAM}?limit=3").json["next"]
    assert world.gets(f"{TEAM}?cursor={other}", PIPS).status == 400, "a cursor is of its own list"


def test_an_owner_changes_a_role_and_it_holds_from_the_next_request(world: Access) -> None:
    member = sub(world, MEMBER)
    assert world.gets(TEAM, MEMBER).json["may_decide"] is False
    assert world.posts(f"{TEAM}/{member}/role", {"role": "owner"}).json["role"] == "owner"
    assert world.gets(TEAM, MEMBER).json["may_decide"] is True
    assert world.posts(f"{TEAM}/{member}/role", {"role": "owner"}).status == 200
    assert actions(world, member).count("change_role") == 1


def test_nobody_decides_about_themselves_so_an_owner_is_always_left(world: Access) -> None:
    own = sub(world, HARBOUR)
    for path, body in ((f"{own}/remove", {}), (f"{own}/role", {"role": "member"})):
        assert world.posts(f"{TEAM}/{path}", body).json["code"] == "own_member"
    # Two owners who remove each other at once: the second one is no owner any more when it is written.
    second = world.joins(SECOND, Role.OWNER, HARBOUR)
    configuration, books = world.portal.configuration, world.portal.wiring.team_books.configuration
    first = configuration.member(own)
    assert world.posts(f"{TEAM}/{second.member}/remove", {}).status == 200
    change = world.portal.configuration.audit_of_subject(own).items[0]
    with pytest.raises(Conflict) as refused:
        books.remove_member(first, second, world.portal.now, _change(second.member, world))
    assert refused.value.code == "team_changed"
    assert configuration.member(own).removed_at is None and change.action != "remove_member"


def test_the_team_is_no_members_and_no_others_to_change(world: Access) -> None:
    member, other = sub(world, MEMBER), sub(world, PIPS)
    for path, body in (("", INVITED), (f"/{member}/remove", {}), (f"/{member}/role", {"role": "owner"}),
                       (f"/{member}/invitation", {})):  # fmt: skip
        assert world.posts(TEAM + path, body, MEMBER).json["code"] == "owner_only_team"
    for path, body in ((f"/{other}/remove", {}), (f"/{other}/role", {"role": "member"}), (f"/{other}/invitation", {})):
        assert world.posts(TEAM + path, body).status == 404
    # A partner's people are not the staff's either, nor the staff partners'.
    assert world.posts(f"{STAFF}/{member}/remove", {}, ADMIN).status == 404
    assert world.posts(f"{TEAM}/{sub(world, ADMIN)}/remove", {}).status == 404
    assert world.gets(STAFF).status == 403 and world.gets(TEAM, ADMIN).status == 403
    assert world.posts(f"{TEAM}/{member}/role", {"role": "admin"}).json["code"] == "invalid_role"


def test_a_write_of_the_team_needs_the_browsers_own_token(world: Access) -> None:
    browser, member = world.portal.signed_in(HARBOUR), sub(world, MEMBER)
    assert browser.post(f"{TEAM}/{member}/remove", {"csrf": "x" * 32}).status == 403
    assert world.portal.configuration.member(member).removed_at is None


def test_an_admin_invites_staff_and_changes_what_they_are(world: Access) -> None:
    made = world.posts(STAFF, INVITED | {"role": "finance", "email": "nova@broker.example"}, ADMIN)
    assert made.status == 201, made.body
    member = made.json["member"]
    assert world.portal.configuration.member(member).partner is None
    assert world.posts(f"{STAFF}/{member}/role", {"role": "compliance"}, ADMIN).json["role"] == "compliance"
    assert world.pool.groups["nova@broker.example"] == {"compliance"}
    assert world.posts(STAFF, INVITED | {"role": "owner"}, ADMIN).json["code"] == "invalid_role"
    assert world.posts(STAFF, INVITED | {"role": "sales"}, MANAGER).json["code"] == "owner_only_team"
    page = text(world.portal.signed_in(MANAGER).get(STAFF).body)
    assert "Nova Reyes" in page and "Only an admin changes this." in page
    assert world.portal.machine(ADMIN, "text/csv").get(STAFF).body.startswith("member,name,role,signed_in_at")


# ----------------------------------------------------------------------------------------------------------- the brand


def brand_wish(world: Access, **other: str) -> dict[str, str]:
    brand = world.gets(BRAND, ADMIN).json["brand"]
    names = ("name", "time_zone", "fallback_url")
    return (
        {name: brand[name] for name in names}
        | {f"was_{name}": brand[name] for name in names}
        | {"why": "Renamed"}
        | other
    )


def test_an_admin_changes_the_brand_with_a_reason(world: Access) -> None:
    browser = world.portal.signed_in(ADMIN)
    shown = browser.get(BRAND)
    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key")}
    wish = brand_wish(
        world, name="Northgate Markets", time_zone="Europe/Warsaw", fallback_url="https://northgate.example/start"
    )
    done = browser.post(BRAND, guard | wish)
    assert (done.status, done.location) == (303, f"{BRAND}?done=changed"), done.body
    assert "Northgate Markets" in text(browser.get("/desk/settings").body)
    configuration = world.portal.configuration
    brand = configuration.brand(world.portal.brand)
    assert (brand.time_zone, brand.fallback_url) == ("Europe/Warsaw", "https://northgate.example/start")
    # Whoever comes by an unknown link goes there too.
    assert configuration.brand_host(brand.domain).fallback_url == brand.fallback_url
    record = configuration.audit_of_subject(brand.brand).items[0]
    assert (record.action, record.why) == ("change_brand", "Renamed")
    assert (json.loads(record.before or ""), json.loads(record.after or "")["name"]) == (
        {"name": "Northgate FX", "time_zone": "UTC", "fallback_url": "https://northgate.example/"},
        "Northgate Markets",
    )
    # What was looked at before a change undoes nothing.
    late = world.posts(BRAND, wish | {"name": "Northgate Again"}, ADMIN)
    assert (late.status, late.json["code"]) == (409, "brand_changed")


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"time_zone": "Mars/Base"}, "unknown_time_zone"),
        ({"fallback_url": "http://northgate.example/"}, "invalid_url"),
        ({"why": ""}, "invalid"),
        ({"base_currency": "USD"}, "invalid"),
        ({"domain": "go.elsewhere.example"}, "invalid"),
    ],
)
def test_a_brand_that_cannot_be_is_refused(unchanged: Access, wish: dict[str, str], code: str) -> None:
    answer = unchanged.posts(BRAND, brand_wish(unchanged, **wish), ADMIN)
    assert (answer.status, answer.json["code"]) == (422, code), answer.body


def test_the_brand_is_its_admins_to_change(unchanged: Access) -> None:
    answer = unchanged.posts(BRAND, brand_wish(unchanged, name="Mine"), MANAGER)
    assert (answer.status, answer.json["code"]) == (403, "admin_only_brand")
    assert unchanged.gets(BRAND).status == 403


def test_the_settings_say_how_old_the_rates_are_and_what_each_role_may(world: Access) -> None:
    # given rates through 4 April, on the 2nd
    rates = world.gets("/desk/settings", MAKER).json["rates"]
    assert (rates["published"], rates["late"], rates["missing"]) == ("2026-04-02", False, [])
    # when nothing comes for ten days
    world.portal.now += timedelta(days=12)
    rates = world.gets("/desk/settings", MAKER).json["rates"]
    assert (rates["days"], rates["late"], rates["missing"][:2]) == (10, True, ["2026-04-06", "2026-04-07"])
    page = text(world.portal.signed_in(MAKER).get("/desk/settings").body)
    assert "Late" in page and "Missing:" in page and "Approves payouts, closes months" in page
    # then a day's publication mends it
    for day in (date(2026, 4, 5) + timedelta(days=n) for n in range(9)):
        load_rates(
            RateStore("books"), feed=ECB, published={day.isoformat(): {"USD": "1.1"}} if day.weekday() < 5 else {},
            first=day.isoformat(), through=day.isoformat(),
        )  # fmt: skip
    assert world.gets("/desk/settings", MAKER).json["rates"]["late"] is False


def _change(by: str, world: Access) -> Any:
    return Change(by=by, at=world.portal.now, why="removed from the team", origin="portal")
