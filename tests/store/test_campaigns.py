"""Campaigns and their routes, links with pages and paths, and slugs: what the services keep and refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from introducer.domain.campaigns import MAIN, LandingPage, Utm
from introducer.domain.caps import FOREVER
from introducer.domain.configuration import Availability, Change, Link
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.routes import Route, choose, route_of
from introducer.services.change_campaign import add_missing_routes
from tests.conftest import Tables
from tests.support.builders import at
from tests.support.campaigning import HOST, PAGE, Campaigning
from tests.support.functions import load

pytestmark = pytest.mark.in_memory

SPRING = f"https://{HOST}/spring"
COUNTRIES, DEVICES = ("DE", "AT", "FR", "ZZ"), ("mobile", "tablet", "desktop", "other")


@pytest.fixture(name="world")
def _world(tables: Tables) -> Campaigning:
    return Campaigning(tables.client, tables.books)


@pytest.fixture(name="redirect", scope="module")
def _redirect() -> ModuleType:
    return load("redirect", "route")


def everything(**other: Any) -> dict[str, Any]:
    """Settings with a value for each."""
    return {
        "pages": (
            LandingPage(page="", url=PAGE, weight=3, countries=("DE",), devices=("mobile", "tablet"), language="de"),
            LandingPage(page="", url=SPRING, weight=1, name="Spring"),
        ),
        "countries": ("DE", "AT"),
        "starts_at": at("2026-03-01"),
        "ends_at": at("2026-04-01"),
        "clicks_per_day": 100,
        "clicks_in_all": 1000,
        "overflow_url": f"https://{HOST}/full",
        "utm": (Utm(name="utm_source", value="{partner}"),),
        "description": "A live account",
        "terms": "No brand bidding",
    } | other


# ---- campaigns and routes -------------------------------------------------------------------------------------------


class TestRoutes:
    def test_a_campaign_is_written_with_its_route(self, world: Campaigning) -> None:
        made = world.campaign(**everything())

        assert world.books.campaign(made.brand, made.campaign) == made
        assert world.books.route(made.campaign) == without_words(route_of(made))
        assert world.audited(made.campaign) == ["create_campaign"]

    def test_its_item_is_what_the_redirect_reads(self, world: Campaigning) -> None:
        made = world.campaign(**everything())

        item = world.item("route", campaign=made.campaign)

        assert item["pk"] == {"S": f"V#{made.campaign}"}
        assert (item["starts_at"], item["status"]) == ({"N": "1772323200000"}, {"S": "active"})
        assert item["pages"]["L"][0]["M"] == {
            "page": {"S": made.pages[0].page},
            "url": {"S": PAGE},
            "weight": {"N": "3"},
            "countries": {"L": [{"S": "DE"}]},
            "devices": {"L": [{"S": "mobile"}, {"S": "tablet"}]},
        }
        assert item["utm"] == {"L": [{"M": {"name": {"S": "utm_source"}, "value": {"S": "{partner}"}}}]}
        assert "full_until" not in item and "countries" not in item["pages"]["L"][1]["M"]

    def test_the_redirect_chooses_as_staff_are_told(self, world: Campaigning, redirect: ModuleType) -> None:
        # given campaigns that say something of everything, and one that says nothing
        worlds = [
            everything(),
            {},
            everything(countries=(), pages=everything()["pages"][:1], starts_at=None, ends_at=None),
            everything(ends_at=at("2026-03-02")),
        ]
        now, seen = at("2026-03-02 12:00"), set()
        for settings in worlds:
            made = world.campaign(**settings)
            for full in (None, at("2026-03-03")):
                route = route_of(made, full)
                item = world.books._route_item(route).to_dynamodb_dict()
                for country in COUNTRIES:
                    for device in DEVICES:
                        for pinned in ("", made.landing_pages[-1].page):
                            choice = choose(route, at=now, country=country, device=device, pinned=pinned)
                            seen.add(choice.flag)
                            assert {page.page for page in choice.pages} == met(
                                redirect, item, now, country, device, pinned, choice.flag
                            )
        assert seen == {"", "scheduled", "country", "device", "capped"}

    @pytest.mark.parametrize(
        ("settings", "full", "flags"),
        [
            ({"starts_at": at("2026-03-02")}, None, ("scheduled", "", "")),
            ({"ends_at": at("2026-03-02")}, None, ("", "scheduled", "scheduled")),
            ({}, at("2026-03-02"), ("capped", "", "")),
        ],
    )
    def test_it_begins_ends_and_opens_at_the_moment_itself(
        self, world: Campaigning, redirect: ModuleType, settings: dict[str, Any], full: Any, flags: tuple[str, ...]
    ) -> None:
        route = route_of(world.campaign(**settings), full)
        read = redirect.Route(world.books._route_item(route).to_dynamodb_dict())
        for milliseconds, flag in zip((-1, 0, 1), flags, strict=True):
            moment = at("2026-03-02") + timedelta(milliseconds=milliseconds)
            assert choose(route, at=moment, country="DE", device="mobile").flag == flag
            assert read.refusal(round(moment.timestamp() * 1000), "DE") == flag

    def test_a_campaign_from_before_gets_its_route_once(self, world: Campaigning) -> None:
        # given a campaign as it was kept before there were routes
        made = world.campaign()
        key = {"pk": {"S": f"V#{made.campaign}"}, "sk": {"S": "route"}}
        world.client.delete_item(TableName=world.table, Key=key)
        world.campaign(name="Another")
        world.now += timedelta(seconds=1)

        assert [each.campaign for each in add_missing_routes(world.books, **world.given)] == [made.campaign]
        assert add_missing_routes(world.books, **world.given) == []
        assert world.books.route(made.campaign) == without_words(route_of(made))
        assert world.audited(made.campaign) == ["create_campaign", "add_route"]


def met(
    redirect: ModuleType, item: dict[str, Any], now: Any, country: str, device: str, pinned: str, flag: str
) -> set[str]:
    """The pages on which many visitors of the redirect come out; it must refuse with this flag where there is none."""
    route = redirect.Route(item)
    refusal = route.refusal(int(now.timestamp() * 1000), country)
    if refusal:
        assert refusal == flag
        return set()
    found = {route.page(country, device, pinned, str(number)) for number in range(40)}
    if found == {None}:
        assert route.misfit(country) == flag
        return set()
    assert flag == ""
    return {page.name for page in found}


def without_words(route: Route) -> Route:
    """A route item has no names and languages: the redirect does not need them."""
    return replace(route, pages=tuple(replace(page, name="", language="") for page in route.pages))


def test_the_same_request_makes_one_campaign(world: Campaigning) -> None:
    first = world.campaign(**everything(request="r-1"))
    world.now += timedelta(minutes=1)

    assert world.campaign(**everything(request="r-1")) == first
    with pytest.raises(Conflict):
        world.campaign(**everything(request="r-1", terms="other"))


@pytest.mark.pattern("route_of_campaign")
def test_a_change_is_written_with_the_route_and_leaves_links_alone(world: Campaigning) -> None:
    made = world.campaign(**everything())
    link = world.link(world.partner(), made)

    after = world.changed(made, name="Spring", overflow_url="", ends_at=None, pages=made.pages[1:], version=0)

    assert (after.name, after.ends_at, after.landing_url, after.version) == ("Spring", None, SPRING, 1)
    assert world.books.campaign(made.brand, made.campaign) == after
    assert world.books.route(made.campaign) == without_words(route_of(after))
    assert world.books.link(link.code) == link
    record = world.books.audit_of_subject(made.campaign).items[0]
    assert record.action == "change_campaign"
    assert record.before is not None and '"name": "Live account"' in record.before
    assert "terms" not in record.after, "only what changed is on record"


def test_the_same_change_again_changes_nothing(world: Campaigning) -> None:
    made = world.campaign()
    first = world.changed(made, name="Spring", version=0)

    assert world.changed(made, name="Spring", version=0) == first
    assert world.audited(made.campaign) == ["create_campaign", "change_campaign"]


def test_what_somebody_else_changed_meanwhile_is_not_written_over(world: Campaigning) -> None:
    made = world.campaign()
    world.changed(made, name="Spring", version=0)

    with pytest.raises(Conflict) as refused:
        world.changed(made, name="Summer", version=0)
    assert refused.value.code == "campaign_changed"
    # and when both read the same version, the table itself refuses the later one
    with pytest.raises(Conflict) as refused:
        world.books.change_campaign(made, replace(made, name="Summer", version=1), change(world), full_until=None)
    assert refused.value.code == "campaign_changed"
    assert world.books.campaign(made.brand, made.campaign).name == "Spring"


@pytest.mark.pattern("campaign_by_id")
def test_a_campaign_from_before_can_be_changed(world: Campaigning) -> None:
    # given a campaign that has its landing page alone, and no version
    old = replace(world.campaign(), campaign="cmp_old", pages=())
    world.books.create_campaign(old, change(world))
    world.client.update_item(
        TableName=world.table,
        Key={"pk": {"S": f"B#{old.brand}"}, "sk": {"S": "campaign#cmp_old"}},
        UpdateExpression="REMOVE version, pages, utm, overflow_url, description, terms",
    )
    assert world.books.campaign(old.brand, "cmp_old") == old

    after = world.changed(old, status=Availability.PAUSED)

    assert world.books.route("cmp_old").status is Availability.PAUSED
    assert [page.page for page in after.pages] == [MAIN]
    # and one that could not be made today can be paused too, and not be changed otherwise
    odd = replace(old, campaign="cmp_odd", overflow_url="http://www.quillmark.example/full")
    world.books.create_campaign(odd, change(world))
    assert world.changed(odd, status=Availability.PAUSED).status is Availability.PAUSED
    with pytest.raises(Invalid):
        world.changed(odd, name="Spring")


def test_a_campaign_that_is_not_there_is_not_made_by_a_change(world: Campaigning) -> None:
    made = world.campaign()
    with pytest.raises(NotFound):
        world.changed(replace(made, campaign="cmp_none"), name="Spring")
    ghost = replace(made, campaign="cmp_none")
    with pytest.raises(Conflict):
        world.books.change_campaign(ghost, replace(ghost, name="x", version=1), change(world), full_until=None)
    assert world.item("route", campaign="cmp_none") == {}


def test_caps_count_from_the_beginning_or_from_a_minute_after_they_are_set(world: Campaigning) -> None:
    capped, free = world.campaign(clicks_in_all=5), world.campaign(name="Free")
    assert (capped.caps_since, free.caps_since) == (world.now, None)

    later = world.changed(free, clicks_per_day=5)
    assert later.caps_since == world.now + timedelta(minutes=1)
    # and go on counting without a cap: one that comes back has missed nothing
    world.now += timedelta(days=1)
    assert world.changed(later, clicks_per_day=None).caps_since == later.caps_since


def test_a_route_is_filled_only_as_it_was_seen(world: Campaigning) -> None:
    made = world.campaign(clicks_in_all=5)
    seen = world.books.route(made.campaign)
    world.changed(made, clicks_in_all=50)

    assert not world.books.fill_route(seen, FOREVER)
    seen = world.books.route(made.campaign)
    assert world.books.fill_route(seen, at("2026-03-03"))
    assert world.books.fill_route(seen, FOREVER), "later is fuller"
    assert not world.books.fill_route(seen, at("2026-03-03")), "and sooner opens nothing"
    assert world.books.route(made.campaign).full_until == FOREVER


# ---- links ----------------------------------------------------------------------------------------------------------


def test_a_link_may_have_a_page_a_path_and_the_partners_words(world: Campaigning) -> None:
    made = world.campaign(**everything(hosts=("go.quillmark.example",)))

    link = world.link(
        world.partner(), made, page=made.pages[1].page, path="https://GO.quillmark.example/x", name=" Blog ", note="May"
    )

    assert world.books.link(link.code) == link
    assert (link.path, link.name, link.note) == ("https://go.quillmark.example/x", "Blog", "May")
    item = world.item("link", code=link.code)
    assert (item["page"], item["path"]) == ({"S": made.pages[1].page}, {"S": "https://go.quillmark.example/x"})


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"page": "pag_other"}, "unknown_page"),
        ({"path": "//evil.example"}, "invalid_path"),
        ({"path": "https://evil.example/"}, "host_not_allowed"),
        ({"name": "x" * 81}, "text_too_long"),
        ({"note": "a\nb"}, "text_too_long"),
    ],
)
def test_a_link_that_cannot_be_is_refused_with_its_field(world: Campaigning, wish: dict[str, str], code: str) -> None:
    made, partner = world.campaign(), world.partner()
    with pytest.raises(Invalid) as refused:
        world.link(partner, made, **wish)
    assert (refused.value.code, refused.value.facts["field"]) == (code, *wish)


def test_a_repeated_request_finds_its_link_with_the_slugs_it_has_now(world: Campaigning) -> None:
    made, partner = world.campaign(), world.partner()
    first = world.link(partner, made, name="Blog", request="r-1")
    world.slug(first, "summer-deal")

    assert world.link(partner, made, name="Blog", request="r-1").code == first.code
    with pytest.raises(Conflict):
        world.link(partner, made, name="Other", request="r-1")
    # and whatever became of its campaign meanwhile
    made = world.changed(made, click_parameter="cid", pages=(LandingPage(page="", url="https://new.example/"),))
    assert world.link(partner, made, name="Blog", request="r-1").code == first.code


# ---- slugs ----------------------------------------------------------------------------------------------------------


def test_a_slug_is_one_more_item_of_the_same_link(world: Campaigning) -> None:
    link = world.link(world.partner(), world.campaign(), path="/en", name="Blog", note="May")

    named = world.slug(link, "Summer-Deal")

    assert named == replace(link, slugs=("summer-deal",))
    bare = replace(link, code="summer-deal", created=world.now, name="", note="")
    assert world.books.link("summer-deal") == bare, "the partner's words stand once, where erasing finds them"
    assert [each.code for each in world.books.links_of_partner(link.partner).items] == [link.code]
    assert world.audited(link.code) == ["create_link", "choose_slug"]
    assert world.slug(named, "summer-deal") == named, "choosing it again changes nothing"


def test_a_slug_is_one_for_all_partners(world: Campaigning) -> None:
    made = world.campaign()
    mine, others = world.link(world.partner(), made), world.link(world.partner("Other"), made)
    second = world.link(world.books.partner(mine.partner), made)
    world.slug(mine, "summer-deal")

    for link in (others, second):
        with pytest.raises(Conflict) as refused:
            world.slug(link, "summer-deal")
        assert (refused.value.code, "choose another" in refused.value.detail) == ("slug_taken", True)
    with pytest.raises(NotFound):
        world.slug(mine, "winter-deal", partner=others.partner)
    with pytest.raises(NotFound):
        world.slug(replace(mine, code="summer-deal"), "winter-deal")


def test_a_link_has_three_slugs_at_most(world: Campaigning) -> None:
    link = world.link(world.partner(), world.campaign())
    for number in range(3):
        link = world.slug(link, f"deal-{number}")

    with pytest.raises(Conflict) as refused:
        world.slug(link, "deal-3")
    assert refused.value.code == "too_many_slugs"


@pytest.mark.pattern("link_by_code")
def test_a_slug_that_is_given_up_leads_nowhere_and_stays_its_partners(world: Campaigning) -> None:
    made, partner = world.campaign(), world.partner()
    link, second = world.link(partner, made), world.link(partner, made)
    others = world.link(world.partner("Other"), made)
    link = world.slug(link, "summer-deal")

    link = world.without_slug(link, "summer-deal")

    assert link.slugs == ()
    assert world.books.link("summer-deal").status is Availability.PAUSED
    assert world.without_slug(link, "summer-deal") == link, "giving it up again changes nothing"
    with pytest.raises(Conflict):
        world.slug(others, "summer-deal")
    with pytest.raises(NotFound):
        world.without_slug(others, "summer-deal")
    # and another link of the same partner may have it
    assert world.slug(second, "summer-deal").slugs == ("summer-deal",)
    assert world.books.link("summer-deal").link_id == second.code
    assert world.books.link("summer-deal").status is Availability.ACTIVE


def test_a_paused_link_is_paused_under_all_its_names(world: Campaigning) -> None:
    link = world.link(world.partner(), world.campaign())
    for slug in ("summer-deal", "winter-deal"):
        link = world.slug(link, slug)
    link = world.without_slug(link, "winter-deal")

    world.books.set_link_status(link.code, Availability.PAUSED, change(world))
    assert world.books.link("summer-deal").status is Availability.PAUSED
    world.books.set_link_status(link.code, Availability.ACTIVE, change(world))
    assert world.books.link("summer-deal").status is Availability.ACTIVE
    assert world.books.link("winter-deal").status is Availability.PAUSED, "given up stays given up"


def test_a_slug_that_two_choose_at_once_goes_to_one(world: Campaigning) -> None:
    link = world.link(world.partner(), world.campaign())
    world.slug(link, "summer-deal")

    # when somebody who read the link before chooses another
    with pytest.raises(Conflict):
        world.books.choose_slug(link, "winter-deal", change(world))
    with pytest.raises(NotFound):
        world.books.link("winter-deal")
    # or while it is paused: a paused link has no name that is not
    named = world.books.link(link.code)
    world.books.set_link_status(link.code, Availability.PAUSED, change(world))
    with pytest.raises(Conflict):
        world.books.choose_slug(named, "winter-deal", change(world))


def test_a_slug_that_is_chosen_or_given_up_twice_at_once_is_so_once(
    world: Campaigning, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = world.link(world.partner(), world.campaign())
    named, read = world.slug(before, "winter-deal"), world.books.link

    def reads_first(seen: Link) -> None:
        """As whoever read the link before another wrote it."""
        old = iter([seen])
        monkeypatch.setattr(world.books, "link", lambda code: next(old, None) or read(code))

    reads_first(before)
    assert world.slug(before, "winter-deal").slugs == ("winter-deal",)
    reads_first(before)
    assert world.slug(before, "summer-deal").slugs == ("winter-deal", "summer-deal"), "another name is not taken by it"
    for _ in range(2):
        reads_first(named)
        assert world.without_slug(before, "winter-deal").slugs == ("summer-deal",)


def change(world: Campaigning) -> Change:
    return Change(by="sub-manager", at=world.now, why="as planned", origin="test")
