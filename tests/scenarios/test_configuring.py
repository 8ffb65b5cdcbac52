"""From nothing to a partner with a deal and a link, through the services, on the local cloud's tables."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import (
    Brand,
    Campaign,
    Change,
    Partner,
    PartnerKind,
    Role,
    Standing,
    Status,
)
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.domain.identity import brand_key, keyed_hash
from introducer.gateways import source_secrets, user_pool
from introducer.services.accept_deal import accept_deal, next_midnight
from introducer.services.accept_rows import settings_of
from introducer.services.create_campaign import create_campaign
from introducer.services.create_link import create_link
from introducer.services.creation import Author
from introducer.services.invite_member import invite_member
from introducer.services.load_rates import load_rates
from introducer.services.open_brand import open_brand
from introducer.services.propose_deal import propose_deal
from introducer.services.read_deal_of_partner import read_version_of_deal
from introducer.services.register_partner import register_partner
from introducer.services.register_source import register_source
from introducer.store.configuration import Configuration
from introducer.store.rates import RateStore
from introducer_ops.localcloud import LocalCloud
from tests.support.books import Clients, account, empty_books

pytestmark = pytest.mark.cloud

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PREFIX = "introducer/test/source/"
AUTHOR = Author(by="sub-admin", why="Set up", origin="test")
TERMS: dict[str, Any] = {
    "currency": "EUR",
    "hold": {"days": 30, "from": "month_end"},
    "net_revenue": {"spread": "1"},
    "rules": [{"type": "revshare", "id": "rev", "percent": "30"}],
}
POOLED = TERMS | {"rules": [{"type": "revshare", "id": "rev", "percent": "30", "pooled": True}]}


def a_goal(first: str) -> dict[str, Any]:
    """Terms with a goal whose days begin on this one."""
    window = {"from": first, "until": "2026-03-31"}
    goal = {"type": "bonus", "id": "goal", "by": "ftd", "goal": "5", "amount": "100.00", "window": window}
    return TERMS | {"rules": [*TERMS["rules"], goal]}


class World:
    """The services with a clock that stands still until it is moved, and randomness that repeats."""

    def __init__(self, table: str, clients: Clients) -> None:
        self.table = table
        self.clients = clients
        self.books = Configuration(table)
        self.now = NOON
        self.random = random.Random(1)

    def clock(self) -> datetime:
        return self.now

    def items(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.clients("dynamodb").scan(TableName=self.table)["Items"]
        return found

    @property
    def given(self) -> dict[str, Any]:
        return {"author": AUTHOR, "clock": self.clock}

    def a_brand(self, domain: str = "quillmark.example", **other: Any) -> Brand:
        given = {"name": "Quillmark", "base_currency": "EUR", "fallback_url": "https://www.quillmark.example/"}
        return open_brand(self.books, domain=domain, random=self.random.randbytes, **self.given, **(given | other))

    def a_campaign(self, brand: Brand, **other: Any) -> Campaign:
        given = {"name": "Live account", "landing_url": "https://www.quillmark.example/live"}
        return create_campaign(
            self.books, brand=brand.brand, random=self.random.randbytes, **self.given, **(given | other)
        )

    def a_partner(self, brand: Brand, **other: Any) -> Partner:
        given = {
            "name": "Amberfield Media",
            "kind": PartnerKind.IB,
            "country": "DE",
            "language": "en",
            "currency": "EUR",
        }
        return register_partner(
            self.books, brand=brand.brand, random=self.random.randbytes, **self.given, **(given | other)
        )


@pytest.fixture(name="clients", scope="module")
def _clients(cloud: LocalCloud) -> Iterator[Clients]:
    with account(cloud) as clients:
        yield clients


@pytest.fixture(name="world")
def _world(clients: Clients) -> Iterator[World]:
    with empty_books(clients, "books-of-configuring") as table:
        yield World(table, clients)


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises((Conflict, Invalid, Forbidden, NotFound)) as raised:
        act()
    return raised.value.code


class TestOpenBrand:
    def test_a_brand_answers_under_its_host(self, world: World) -> None:
        brand = world.a_brand()

        assert world.books.brand(brand.brand) == brand
        assert world.books.brand_host("quillmark.example").brand == brand.brand

    def test_the_same_request_makes_one_brand(self, world: World) -> None:
        first = world.a_brand(request="r-1")
        world.now += timedelta(minutes=1)

        assert world.a_brand(request="r-1") == first

    def test_the_same_request_for_something_else_is_a_conflict(self, world: World) -> None:
        world.a_brand(request="r-1")

        assert refusal(lambda: world.a_brand(request="r-1", name="Another")) == "conflict"

    @pytest.mark.parametrize(
        "wrong",
        [{"base_currency": "EURO"}, {"fallback_url": "http://a.example"}, {"name": ""}, {"time_zone": "Mars/Base"}],
    )
    def test_what_cannot_be_is_not_kept(self, world: World, wrong: dict[str, str]) -> None:
        with pytest.raises(Invalid):
            world.a_brand(**wrong)

        assert world.items() == []


class TestCreateCampaign:
    def test_the_landing_page_s_own_host_is_always_allowed(self, world: World) -> None:
        campaign = world.a_campaign(world.a_brand(), hosts=["go.quillmark.example"])

        assert campaign.hosts == ("www.quillmark.example", "go.quillmark.example")

    @pytest.mark.parametrize("days", [0, 366])
    def test_a_window_is_a_day_to_a_year(self, world: World, days: int) -> None:
        brand = world.a_brand()

        assert refusal(lambda: world.a_campaign(brand, window_days=days)) == "invalid_window"

    def test_a_brand_that_is_not_there_has_no_campaigns(self, world: World) -> None:
        brand = world.a_brand()

        assert (
            refusal(
                lambda: create_campaign(
                    world.books,
                    brand=brand.brand + "x",
                    name="A",
                    landing_url="https://a.example/",
                    random=world.random.randbytes,
                    **world.given,
                )
            )
            == "not_found"
        )


class TestRegisterSource:
    @pytest.fixture(autouse=True)
    def _no_secret(self, world: World) -> Iterator[None]:
        yield
        world.clients("secretsmanager").delete_secret(SecretId=PREFIX + "mt5", ForceDeleteWithoutRecovery=True)

    def register(self, world: World, brand: Brand, name: str = "mt5", **told: Any) -> tuple[Any, str]:
        secrets = source_secrets.SourceSecrets(world.clients("secretsmanager"), PREFIX)
        return register_source(
            world.books, secrets, brand=brand.brand, source=name, random=world.random.randbytes, **told, **world.given
        )

    def test_the_source_signs_with_what_was_shown(self, world: World) -> None:
        source, secret = self.register(world, world.a_brand())

        kept = world.clients("secretsmanager").get_secret_value(SecretId=PREFIX + "mt5")["SecretString"]
        assert json.loads(kept) == {"v1": [secret]}
        assert len(secret) >= 43
        assert world.books.source("mt5") == source

    def test_a_try_that_was_cut_off_before_its_secret_can_be_made_again(self, world: World) -> None:
        brand = world.a_brand()
        source, _ = self.register(world, brand)
        world.clients("secretsmanager").delete_secret(SecretId=PREFIX + "mt5", ForceDeleteWithoutRecovery=True)

        again, _ = self.register(world, brand)

        assert again == source

    def test_a_source_with_a_secret_is_not_registered_twice(self, world: World) -> None:
        brand = world.a_brand()
        self.register(world, brand)

        assert refusal(lambda: self.register(world, brand)) == "secret_exists"

    def test_what_a_dialect_is_told_is_checked_and_kept(self, world: World) -> None:
        brand = world.a_brand()
        assert refusal(lambda: self.register(world, brand, dialect="klingon")) == "unknown_dialect"
        assert refusal(lambda: self.register(world, brand, dialect="mt5")) == "invalid_settings"
        told = {"currency": "EUR", "time_zone": "America/New_York+7"}

        self.register(world, brand, dialect="mt5", settings=told)

        kept = world.books.source("mt5")
        assert json.loads(kept.settings).items() >= told.items()
        dialect, settings = settings_of(kept)
        assert dialect.settings("mt5", brand.brand, told) == settings

    def test_another_brand_cannot_take_the_name(self, world: World) -> None:
        self.register(world, world.a_brand())
        other = world.a_brand("other.example")

        assert refusal(lambda: self.register(world, other)) == "conflict"


class TestRegisterPartner:
    def test_the_email_is_kept_as_a_hash_of_its_one_spelling(self, world: World) -> None:
        brand = world.a_brand()
        key = brand_key(b"identity", brand.brand)

        partner = world.a_partner(brand, email=" Owner@Example.com", brand_key=key)

        assert partner.email_hash == keyed_hash(key, "email", "owner@example.com")
        assert "xample.com" not in json.dumps([i for i in world.items() if "email_hash" in i])

    def test_a_partner_of_another_brand_is_nobodys_parent(self, world: World) -> None:
        stranger = world.a_partner(world.a_brand("other.example"))
        brand = world.a_brand()

        assert refusal(lambda: world.a_partner(brand, parent=stranger.partner)) == "not_found"

    def test_the_same_request_registers_one_partner(self, world: World) -> None:
        brand = world.a_brand()

        first, second = world.a_partner(brand, request="row 7"), world.a_partner(brand, request="row 7")

        assert first == second
        assert len(world.books.cards(brand.brand).items) == 1

    def test_without_a_request_each_call_registers_one(self, world: World) -> None:
        brand = world.a_brand()

        assert world.a_partner(brand).partner != world.a_partner(brand).partner


class TestDeals:
    @pytest.fixture(name="partner")
    def _partner(self, world: World) -> str:
        return world.a_partner(world.a_brand()).partner

    def propose(self, world: World, partner: str, **other: Any) -> Any:
        return propose_deal(world.books, partner=partner, **({"terms": TERMS} | world.given | other))

    def accept(self, world: World, deal: Any, **other: Any) -> Any:
        given = {"partner": deal.partner, "version": deal.version, "terms_hash": deal.terms_hash}
        return accept_deal(world.books, **(given | world.given | other))

    def test_a_deal_begins_at_the_midnight_after_its_acceptance(self, world: World, partner: str) -> None:
        deal = self.propose(world, partner)
        world.now += timedelta(days=3)

        accepted = self.accept(world, deal)

        assert accepted.valid_from == datetime(2026, 3, 6, tzinfo=UTC)
        assert world.books.deals(partner) == [accepted]

    def test_a_deal_accepted_minutes_before_midnight_begins_a_day_later(self, world: World, partner: str) -> None:
        # given a platform whose clock may be ten minutes ahead: its first events of the day may be applied already
        deal = self.propose(world, partner)
        world.now = datetime(2026, 3, 5, 23, 50, tzinfo=UTC)

        assert self.accept(world, deal).valid_from == datetime(2026, 3, 7, tzinfo=UTC)

    def test_a_deal_for_later_begins_later(self, world: World, partner: str) -> None:
        april = datetime(2026, 4, 1, tzinfo=UTC)

        assert self.accept(world, self.propose(world, partner, valid_from=april)).valid_from == april

    @pytest.mark.parametrize(
        "when",
        [NOON + timedelta(days=1), NOON.replace(hour=0), NOON.replace(day=1, hour=0)],
        ids=["noon", "now", "past"],
    )
    def test_a_deal_begins_at_a_midnight_to_come(self, world: World, partner: str, when: datetime) -> None:
        assert refusal(lambda: self.propose(world, partner, valid_from=when)) == "invalid_valid_from"

    def test_a_later_version_does_not_begin_earlier(self, world: World, partner: str) -> None:
        self.propose(world, partner, valid_from=datetime(2026, 4, 1, tzinfo=UTC))

        assert refusal(lambda: self.propose(world, partner)) == "invalid_valid_from"

    def test_accepting_again_changes_nothing(self, world: World, partner: str) -> None:
        deal = self.propose(world, partner)
        first = self.accept(world, deal)
        world.now += timedelta(days=9)

        assert self.accept(world, deal) == first

    def test_terms_that_changed_after_reading_are_not_accepted(self, world: World, partner: str) -> None:
        deal = self.propose(world, partner)

        assert refusal(lambda: self.accept(world, deal, terms_hash="0" * 64)) == "conflict"

    def test_a_version_that_a_later_one_replaced_is_not_accepted(self, world: World, partner: str) -> None:
        first, second = self.propose(world, partner), self.propose(world, partner)
        self.accept(world, second)

        assert refusal(lambda: self.accept(world, first)) == "overtaken"

    def test_wrong_terms_are_refused_in_words_and_not_kept(self, world: World, partner: str) -> None:
        rules = [{"type": "revshare", "id": "rev", "percent": "130"}]

        assert refusal(lambda: self.propose(world, partner, terms=TERMS | {"rules": rules})) == "invalid_deal"
        assert world.books.deals(partner) == []

    # What looks at whole months of all clients begins with one.

    def test_terms_that_look_at_whole_months_begin_with_the_next_one(self, world: World, partner: str) -> None:
        self.accept(world, self.propose(world, partner))

        pooled = self.propose(world, partner, terms=POOLED)

        assert pooled.valid_from == datetime(2026, 4, 1, tzinfo=UTC)
        assert self.accept(world, pooled).valid_from == datetime(2026, 4, 1, tzinfo=UTC)

    def test_another_day_is_refused_for_them_in_words(self, world: World, partner: str) -> None:
        self.propose(world, partner)

        with pytest.raises(Invalid, match=r"first of a month, such as 2026-04-01") as refused:
            self.propose(world, partner, terms=POOLED, valid_from=datetime(2026, 3, 20, tzinfo=UTC))

        assert refused.value.code == "invalid_valid_from"
        may = datetime(2026, 5, 1, tzinfo=UTC)
        assert self.propose(world, partner, terms=POOLED, valid_from=may).valid_from == may

    def test_a_partner_s_first_terms_begin_at_any_midnight(self, world: World, partner: str) -> None:
        assert self.propose(world, partner, terms=POOLED).valid_from == datetime(2026, 3, 3, tzinfo=UTC)

    def test_terms_that_look_at_the_same_as_before_begin_at_any_midnight(self, world: World, partner: str) -> None:
        self.accept(world, self.propose(world, partner, terms=POOLED))

        assert self.propose(world, partner, terms=POOLED).valid_from == datetime(2026, 3, 3, tzinfo=UTC)

    def test_accepted_late_they_begin_with_the_month_after(self, world: World, partner: str) -> None:
        self.accept(world, self.propose(world, partner))
        pooled = self.propose(world, partner, terms=POOLED)
        world.now = datetime(2026, 4, 10, 12, tzinfo=UTC)

        [told] = read_version_of_deal(world.books, partner=partner, version=2, at=world.now)
        accepted = self.accept(world, pooled)

        assert told.begins == accepted.valid_from == datetime(2026, 5, 1, tzinfo=UTC)
        assert world.books.deals(partner)[1].valid_from == accepted.valid_from

    def test_a_proposal_that_nobody_accepted_is_no_terms_before(self, world: World, partner: str) -> None:
        # given terms in force, and two proposals that look at months; only the second is accepted
        self.accept(world, self.propose(world, partner))
        self.propose(world, partner, terms=POOLED)
        second = self.propose(world, partner, terms=POOLED, valid_from=datetime(2026, 4, 5, tzinfo=UTC))

        # then it begins with a month all the same: nothing was written down for April
        assert self.accept(world, second).valid_from == datetime(2026, 5, 1, tzinfo=UTC)

    # A goal with days of its own.

    def test_a_goal_whose_days_begin_before_its_terms_is_refused(self, world: World, partner: str) -> None:
        with pytest.raises(Invalid, match=r"opens on 2026-03-02, before the terms begin on 2026-03-03") as refused:
            self.propose(world, partner, terms=a_goal("2026-03-02"))

        assert refused.value.code == "invalid_valid_from"
        assert world.books.deals(partner) == []
        assert self.propose(world, partner, terms=a_goal("2026-03-03")).valid_from == datetime(2026, 3, 3, tzinfo=UTC)

    def test_a_goal_whose_days_began_meanwhile_is_proposed_anew(self, world: World, partner: str) -> None:
        deal = self.propose(world, partner, terms=a_goal("2026-03-10"))

        world.now = datetime(2026, 3, 9, 12, tzinfo=UTC)
        [in_time] = read_version_of_deal(world.books, partner=partner, version=1, at=world.now)
        world.now += timedelta(days=1)
        [too_late] = read_version_of_deal(world.books, partner=partner, version=1, at=world.now)
        with pytest.raises(Conflict, match=r"opens on 2026-03-10, .* would begin on 2026-03-11: propose it anew") as no:
            self.accept(world, deal)

        assert (in_time.too_late, too_late.too_late) == (False, True)
        assert no.value.code == "overtaken"
        assert world.books.deals(partner)[0].accepted_at is None

    def test_proposing_a_version_again_is_the_same_proposal(self, world: World, partner: str) -> None:
        first = self.propose(world, partner, version=1)

        assert self.propose(world, partner, version=1) == first
        other = TERMS | {"currency": "USD"}
        assert refusal(lambda: self.propose(world, partner, version=1, terms=other)) == "conflict"


class TestCreateLink:
    def link(self, world: World, partner: Partner, campaign: Campaign, **other: Any) -> Any:
        given = {"partner": partner.partner, "campaign": campaign.campaign, "random": world.random.randbytes}
        return create_link(world.books, **(given | world.given | other))

    def test_a_link_has_all_that_the_redirect_needs(self, world: World) -> None:
        brand = world.a_brand()
        campaign, partner = world.a_campaign(brand, click_parameter="cid"), world.a_partner(brand)

        link = self.link(world, partner, campaign)

        assert world.books.link(link.code) == link
        assert (len(link.code), link.link_id, link.click_parameter) == (8, link.code, "cid")
        assert (link.landing_url, link.fallback_url) == (campaign.landing_url, brand.fallback_url)

    def test_a_code_that_is_taken_is_drawn_again(self, world: World) -> None:
        brand = world.a_brand()
        campaign, partner = world.a_campaign(brand), world.a_partner(brand)
        draws = [b"abcdef", b"abcdef", b"ghijkl"]

        first = self.link(world, partner, campaign, random=lambda size: draws.pop(0))
        second = self.link(world, partner, campaign, random=lambda size: draws.pop(0))

        assert (first.code, second.code, draws) == ("YWJjZGVm", "Z2hpamts", [])

    def test_the_same_request_makes_one_link(self, world: World) -> None:
        brand = world.a_brand()
        campaign, partner = world.a_campaign(brand), world.a_partner(brand)

        assert self.link(world, partner, campaign, request="r") == self.link(world, partner, campaign, request="r")
        assert len(world.books.links_of_partner(partner.partner).items) == 1

    def test_another_brands_campaign_is_not_found(self, world: World) -> None:
        campaign, partner = world.a_campaign(world.a_brand("other.example")), world.a_partner(world.a_brand())

        assert refusal(lambda: self.link(world, partner, campaign)) == "not_found"

    def test_a_blocked_partner_gets_none(self, world: World) -> None:
        brand = world.a_brand()
        campaign, partner = world.a_campaign(brand), world.a_partner(brand)
        entry = Standing(
            partner=partner.partner,
            standing="std_1",
            since=NOON,
            status=Status.BLOCKED,
            reason="Fraud",
            decided_at=NOON,
        )
        world.books.set_standing(entry, Status.ACTIVE, Change(by="sub", at=NOON, why="Fraud"))

        assert refusal(lambda: self.link(world, partner, campaign)) == "partner_blocked"


class TestInviteMember:
    @pytest.fixture(name="pool")
    def _pool(self, world: World) -> user_pool.UserPool:
        client = world.clients("cognito-idp")
        made = client.create_user_pool(PoolName="introducer-test", UsernameAttributes=["email"])["UserPool"]["Id"]
        for group in ("partner", "manager"):
            client.create_group(UserPoolId=made, GroupName=group)
        self.pool_id: str = made
        return user_pool.UserPool(client, made)

    def invite(self, world: World, pool: user_pool.UserPool, brand: Brand, **other: Any) -> Any:
        given = {
            "partner": None,
            "role": Role.MANAGER,
            "email": "manager@example.com",
            "name": "Affiliate manager",
            "language": "en",
            "password": "Long-enough-1",
        }
        return invite_member(world.books, pool, brand=brand.brand, **(given | world.given | other))

    def groups(self, world: World, email: str) -> list[str]:
        groups = world.clients("cognito-idp").admin_list_groups_for_user(UserPoolId=self.pool_id, Username=email)[
            "Groups"
        ]
        return [group["GroupName"] for group in groups]

    def test_staff_are_in_the_group_of_their_role(self, world: World, pool: user_pool.UserPool) -> None:
        member = self.invite(world, pool, world.a_brand())

        assert world.books.member(member.member) == member
        assert self.groups(world, "manager@example.com") == ["manager"]

    def test_an_owner_is_listed_with_the_partner(self, world: World, pool: user_pool.UserPool) -> None:
        brand = world.a_brand()
        partner = world.a_partner(brand).partner

        member = self.invite(world, pool, brand, partner=partner, role=Role.OWNER, email="owner@example.com")

        assert world.books.members_of_partner(partner).items == (member,)
        assert self.groups(world, "owner@example.com") == ["partner"]

    def test_a_try_that_was_cut_off_can_be_made_again(self, world: World, pool: user_pool.UserPool) -> None:
        brand = world.a_brand()
        pool.create_user("manager@example.com", send_invitation=False)

        first = self.invite(world, pool, brand)

        assert self.invite(world, pool, brand) == first

    def test_a_login_stays_what_it_is(self, world: World, pool: user_pool.UserPool) -> None:
        brand = world.a_brand()
        partner = world.a_partner(brand).partner
        self.invite(world, pool, brand, partner=partner, role=Role.OWNER, email="owner@example.com")

        def as_manager() -> Any:
            return self.invite(world, pool, brand, email="owner@example.com")

        assert refusal(as_manager) == "conflict"
        assert self.groups(world, "owner@example.com") == ["partner"]

    def test_staff_belong_to_no_partner(self, world: World, pool: user_pool.UserPool) -> None:
        brand = world.a_brand()

        assert refusal(lambda: self.invite(world, pool, brand, partner="par_1")) == "invalid_role"
        assert refusal(lambda: self.invite(world, pool, brand, role=Role.OWNER)) == "invalid_role"


class TestLoadRates:
    def test_weekends_are_known_to_be_empty_and_a_second_loading_goes_on(self, world: World) -> None:
        rates = RateStore(world.table)
        published = {"2026-02-27": {"USD": "1.1805"}, "2026-03-02": {"USD": "1.1698"}}

        first = load_rates(rates, feed="ECB", published=published, first="2026-02-27", through="2026-03-01")
        second = load_rates(rates, feed="ECB", published=published, first="2026-02-27", through="2026-03-02")

        assert (first, second) == (3, 1)
        assert rates.day("ECB", "2026-03-01") == {}
        assert rates.published_before("ECB", "2026-03-03") == ("2026-03-02", {"USD": "1.1698"})

    @pytest.mark.parametrize("units", ["0", "0.000", "-1", "1e3", "N/A", ""])
    def test_what_is_no_rate_is_refused(self, world: World, units: str) -> None:
        rates = RateStore(world.table)

        with pytest.raises(Invalid):
            load_rates(
                rates, feed="ECB", published={"2026-03-02": {"USD": units}}, first="2026-03-02", through="2026-03-02"
            )

        assert rates.completed_through("ECB") is None


def test_midnight_is_the_next_one_even_at_midnight() -> None:
    midnight = datetime(2026, 3, 2, tzinfo=UTC)

    assert next_midnight(midnight) == midnight + timedelta(days=1)
    assert next_midnight(midnight, or_this=True) == midnight
