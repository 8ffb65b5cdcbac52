"""Configuration in BOOKS, one suite per access pattern; each change on record in its own transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import (
    Attribution,
    Availability,
    Brand,
    Campaign,
    Change,
    DealRecord,
    Link,
    Member,
    Partner,
    PartnerCard,
    PartnerKind,
    Role,
    Source,
    Standing,
    Status,
)
from introducer.domain.errors import Conflict, NotFound
from introducer.store.configuration import Configuration
from introducer.store.idempotency import ABANDONED, KEPT, Answer, Idempotency
from introducer.store.rates import RateStore
from tests.conftest import STORES, in_memory
from tests.support.books import Clients, account, empty_books

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANGE = Change(by="mem_1", at=NOW, why="Because it was asked for", origin="test")


@pytest.fixture(name="clients", scope="module", params=STORES)
def _clients(request: pytest.FixtureRequest) -> Iterator[Clients]:
    if request.param == "cloud":
        with account(request.getfixturevalue("cloud")) as clients:
            yield clients
    else:
        with in_memory() as client:
            yield lambda service: client


@pytest.fixture(name="table")
def _table(clients: Clients) -> Iterator[str]:
    with empty_books(clients, "books-of-configuration") as table:
        yield table


@pytest.fixture(name="books")
def _books(table: str) -> Configuration:
    return Configuration(table)


def a_brand(brand: str = "brd_1", **other: Any) -> Brand:
    return replace(
        Brand(
            brand=brand,
            name="Quillmark",
            domain=f"{brand.replace('_', '')}.example",
            base_currency="EUR",
            fallback_url="https://www.quillmark.example/",
            created=NOW,
        ),
        **other,
    )


def a_campaign(campaign: str = "cmp_1", **other: Any) -> Campaign:
    return replace(
        Campaign(
            campaign=campaign,
            brand="brd_1",
            name="Live account",
            landing_url="https://www.quillmark.example/live",
            hosts=("www.quillmark.example", "go.quillmark.example"),
            click_parameter="click_id",
            window_days=30,
            attribution=Attribution.FIRST_CLICK,
            countries=("AT", "DE"),
            status=Availability.ACTIVE,
            created=NOW,
        ),
        **other,
    )


def a_partner(partner: str = "par_1", **other: Any) -> Partner:
    return replace(
        Partner(
            partner=partner,
            brand="brd_1",
            name="Amberfield Media",
            kind=PartnerKind.AFFILIATE,
            status=Status.ACTIVE,
            parent=None,
            manager=None,
            country="DE",
            language="en",
            currency="EUR",
            email_hash=None,
            created=NOW,
        ),
        **other,
    )


def a_link(code: str = "Ab12-_Cd", **other: Any) -> Link:
    return replace(
        Link(
            code=code,
            link_id=code,
            partner="par_1",
            brand="brd_1",
            campaign="cmp_1",
            landing_url="https://www.quillmark.example/live",
            hosts=("www.quillmark.example",),
            click_parameter="click_id",
            fallback_url="https://www.quillmark.example/",
            status=Availability.ACTIVE,
            shard_exponent=0,
            created=NOW,
        ),
        **other,
    )


def a_member(member: str = "sub-1", **other: Any) -> Member:
    return replace(
        Member(member=member, partner="par_1", brand="brd_1", role=Role.OWNER, name="Somebody", language="en"), **other
    )


def a_deal(version: int = 1, **other: Any) -> DealRecord:
    return replace(
        DealRecord(
            partner="par_1",
            version=version,
            valid_from=NOW + timedelta(days=version),
            accepted_at=None,
            terms=f'{{"version":{version}}}',
            terms_hash=f"hash-{version}",
        ),
        **other,
    )


def audited(books: Configuration, subject: str) -> list[str]:
    return [record.action for record in books.audit_of_subject(subject).items]


@pytest.mark.pattern("brand_by_id")
class TestBrandById:
    def test_a_brand_reads_as_it_was_written(self, books: Configuration) -> None:
        books.open_brand(a_brand(), CHANGE)

        assert books.brand("brd_1") == a_brand()

    def test_an_unknown_brand_is_not_found(self, books: Configuration) -> None:
        with pytest.raises(NotFound):
            books.brand("brd_1")


@pytest.mark.pattern("brand_by_host")
class TestBrandByHost:
    def test_the_brands_host_answers_with_its_fallback_page(self, books: Configuration) -> None:
        books.open_brand(a_brand(), CHANGE)

        host = books.brand_host("brd1.example")

        assert (host.brand, host.fallback_url) == ("brd_1", "https://www.quillmark.example/")

    def test_a_host_that_is_taken_leaves_nothing_of_the_second_brand(self, books: Configuration) -> None:
        books.open_brand(a_brand(), CHANGE)

        with pytest.raises(Conflict):
            books.open_brand(a_brand("brd_2", domain="brd1.example"), CHANGE)

        with pytest.raises(NotFound):
            books.brand("brd_2")
        assert audited(books, "brd_2") == []
        assert books.brand_host("brd1.example").brand == "brd_1"


@pytest.mark.pattern("campaign_by_id")
class TestCampaignById:
    def test_a_campaign_reads_as_it_was_written(self, books: Configuration) -> None:
        books.create_campaign(a_campaign(), CHANGE)

        assert books.campaign("brd_1", "cmp_1") == a_campaign()

    def test_another_brands_campaign_is_not_found(self, books: Configuration) -> None:
        books.create_campaign(a_campaign(), CHANGE)

        with pytest.raises(NotFound):
            books.campaign("brd_2", "cmp_1")


@pytest.mark.pattern("campaigns_of_brand")
class TestCampaignsOfBrand:
    def test_they_come_oldest_first_and_without_the_brand_itself(self, books: Configuration) -> None:
        books.open_brand(a_brand(), CHANGE)
        books.create_campaign(a_campaign("cmp_1", created=NOW + timedelta(hours=1)), CHANGE)
        books.create_campaign(a_campaign("cmp_2"), CHANGE)
        books.create_campaign(a_campaign("cmp_3", brand="brd_2"), CHANGE)

        assert [campaign.campaign for campaign in books.campaigns("brd_1")] == ["cmp_2", "cmp_1"]


@pytest.mark.pattern("sources_of_brand")
class TestSourcesOfBrand:
    def test_a_brands_sources_are_listed_and_no_others(self, books: Configuration) -> None:
        sources = [
            Source(source=name, brand=brand, dialect="introducer", status=Availability.ACTIVE)
            for name, brand in (("mt5", "brd_1"), ("ctrader", "brd_1"), ("other", "brd_2"))
        ]
        for source in sources:
            books.register_source(source, CHANGE)

        assert books.sources_of_brand("brd_1").items == (sources[0], sources[1])
        first = books.sources_of_brand("brd_1", limit=1)
        assert books.sources_of_brand("brd_1", first.cursor, limit=1).items == (sources[1],)


@pytest.mark.pattern("source_by_name")
class TestSourceByName:
    def test_a_source_reads_as_it_was_written(self, books: Configuration) -> None:
        source = Source(source="mt5", brand="brd_1", dialect="introducer", status=Availability.ACTIVE)
        books.register_source(source, CHANGE)

        assert books.source("mt5") == source

    def test_a_name_belongs_to_whom_took_it_first(self, books: Configuration) -> None:
        source = Source(source="mt5", brand="brd_1", dialect="introducer", status=Availability.ACTIVE)
        books.register_source(source, CHANGE)

        with pytest.raises(Conflict):
            books.register_source(replace(source, brand="brd_2"), CHANGE)

        assert books.source("mt5").brand == "brd_1"


@pytest.mark.pattern("cards_of_brand")
class TestCardsOfBrand:
    def test_every_partner_has_a_card_and_pages_meet_each_once(self, books: Configuration) -> None:
        for number in range(5):
            books.register_partner(a_partner(f"par_{number}"), CHANGE)
        books.register_partner(a_partner("par_9", brand="brd_2"), CHANGE)

        seen, cursor, pages = [], None, 0
        while pages == 0 or cursor is not None:
            page = books.cards("brd_1", cursor, limit=2)
            seen += [card.partner for card in page.items]
            cursor, pages = page.cursor, pages + 1

        assert (seen, pages) == ([f"par_{number}" for number in range(5)], 3)

    def test_a_full_last_page_has_no_next_one(self, books: Configuration) -> None:
        for number in range(2):
            books.register_partner(a_partner(f"par_{number}"), CHANGE)

        assert books.cards("brd_1", None, limit=2).cursor is None

    def test_a_card_says_what_the_profile_says(self, books: Configuration) -> None:
        books.register_partner(a_partner(manager="sub-9"), CHANGE)

        (card,) = books.cards("brd_1").items

        assert card == PartnerCard(
            partner="par_1",
            brand="brd_1",
            name="Amberfield Media",
            kind=PartnerKind.AFFILIATE,
            status=Status.ACTIVE,
            country="DE",
            manager="sub-9",
            currency="EUR",
        )


@pytest.mark.pattern("partner_by_id")
class TestPartnerById:
    def test_a_partner_reads_as_it_was_written(self, books: Configuration) -> None:
        partner = a_partner(parent="par_0", manager="sub-9", email_hash="h")
        books.register_partner(partner, CHANGE)

        assert books.partner("par_1") == partner

    def test_registering_twice_leaves_the_first_one(self, books: Configuration) -> None:
        books.register_partner(a_partner(), CHANGE)

        with pytest.raises(Conflict):
            books.register_partner(a_partner(name="Another"), CHANGE)

        assert books.partner("par_1").name == "Amberfield Media"
        assert audited(books, "par_1") == ["register_partner"]


@pytest.mark.pattern("deals_of_brand")
class TestDealsOfBrand:
    def test_what_waits_is_listed_by_when_it_was_proposed_and_what_is_accepted_by_when_it_begins(
        self, books: Configuration
    ) -> None:
        books.register_partner(a_partner(), CHANGE)
        brand = books.partner("par_1").brand
        for version in (1, 2, 3):
            books.propose_deal(a_deal(version), replace(CHANGE, at=NOW + timedelta(hours=version)))

        books.accept_deal("par_1", 2, "hash-2", NOW, NOW + timedelta(days=9), CHANGE)
        books.accept_deal("par_1", 1, "hash-1", NOW, NOW + timedelta(days=3), CHANGE)

        assert [deal.version for deal in books.deals_of_brand(brand, accepted=False).items] == [3]
        assert [deal.version for deal in books.deals_of_brand(brand, accepted=True).items] == [2, 1]
        first = books.deals_of_brand(brand, accepted=True, limit=1)
        rest = books.deals_of_brand(brand, accepted=True, cursor=first.cursor, limit=1)
        assert [deal.version for deal in (*first.items, *rest.items)] == [2, 1]
        assert books.deals_of_brand("brd_other", accepted=True).items == ()


@pytest.mark.pattern("deals_of_partner")
class TestDealsOfPartner:
    def test_versions_come_in_order_past_nine(self, books: Configuration) -> None:
        for version in (10, 2, 9, 1):
            books.propose_deal(a_deal(version), CHANGE)

        assert [deal.version for deal in books.deals("par_1")] == [1, 2, 9, 10]
        assert books.deals("par_1")[0] == a_deal(1)

    def test_acceptance_is_written_once(self, books: Configuration) -> None:
        books.propose_deal(a_deal(), CHANGE)
        begins = NOW + timedelta(days=3)

        books.accept_deal("par_1", 1, "hash-1", NOW, begins, CHANGE)

        (deal,) = books.deals("par_1")
        assert (deal.accepted_at, deal.valid_from) == (NOW, begins)
        with pytest.raises(Conflict):
            books.accept_deal("par_1", 1, "hash-1", NOW, begins + timedelta(days=1), CHANGE)
        assert books.deals("par_1")[0].valid_from == begins

    def test_other_terms_than_were_read_cannot_be_accepted(self, books: Configuration) -> None:
        books.propose_deal(a_deal(), CHANGE)

        with pytest.raises(Conflict):
            books.accept_deal("par_1", 1, "hash-of-others", NOW, NOW, CHANGE)

        assert books.deals("par_1")[0].accepted_at is None

    def test_accepting_a_version_that_is_not_there_makes_none(self, books: Configuration) -> None:
        with pytest.raises(Conflict):
            books.accept_deal("par_1", 1, "hash-1", NOW, NOW, CHANGE)

        assert books.deals("par_1") == []


@pytest.mark.pattern("standing_of_partner")
class TestStandingOfPartner:
    def test_entries_come_by_their_beginning_and_the_profile_follows(self, books: Configuration) -> None:
        books.register_partner(a_partner(), CHANGE)
        for number, (days, status, before) in enumerate(
            ((5, Status.SUSPENDED, Status.ACTIVE), (2, Status.BLOCKED, Status.SUSPENDED))
        ):
            entry = Standing(
                partner="par_1",
                standing=f"std_{number}",
                since=NOW + timedelta(days=days),
                status=status,
                reason="Reasons",
                decided_at=NOW,
            )
            books.set_standing(entry, before, replace(CHANGE, at=NOW + timedelta(seconds=number)))

        assert [entry.standing for entry in books.standings("par_1")] == ["std_1", "std_0"]
        assert books.partner("par_1").status is Status.BLOCKED
        assert books.cards("brd_1").items[0].status is Status.BLOCKED

    def test_a_decision_on_a_status_that_has_changed_is_refused_whole(self, books: Configuration) -> None:
        books.register_partner(a_partner(), CHANGE)
        entry = Standing(
            partner="par_1", standing="std_1", since=NOW, status=Status.ACTIVE, reason="Reasons", decided_at=NOW
        )

        with pytest.raises(Conflict):
            books.set_standing(entry, Status.SUSPENDED, CHANGE)

        assert books.standings("par_1") == []
        assert audited(books, "par_1") == ["register_partner"]


@pytest.mark.pattern("link_by_code")
class TestLinkByCode:
    def test_a_link_reads_as_it_was_written(self, books: Configuration) -> None:
        books.create_link(a_link(), CHANGE)

        assert books.link("Ab12-_Cd") == a_link()

    def test_the_item_is_what_the_redirect_reads(self, books: Configuration, table: str, clients: Clients) -> None:
        books.create_link(a_link(), CHANGE)

        key = {"pk": {"S": "L#Ab12-_Cd"}, "sk": {"S": "link"}}
        item = clients("dynamodb").get_item(TableName=table, Key=key)["Item"]

        assert item["hosts"] == {"L": [{"S": "www.quillmark.example"}]}
        assert item["created"] == {"N": "1772452800000"}
        assert item["owner_pk"] == {"S": "P#par_1#links"}
        assert (item["status"], item["shard_exponent"]) == ({"S": "active"}, {"N": "0"})

    def test_a_code_that_is_taken_stays_with_its_link(self, books: Configuration) -> None:
        books.create_link(a_link(), CHANGE)

        with pytest.raises(Conflict) as refusal:
            books.create_link(a_link(partner="par_2"), CHANGE)

        assert refusal.value.code == "code_taken"
        assert books.link("Ab12-_Cd").partner == "par_1"

    def test_a_link_is_paused_once(self, books: Configuration) -> None:
        books.create_link(a_link(), CHANGE)

        books.set_link_status("Ab12-_Cd", Availability.PAUSED, CHANGE)

        assert books.link("Ab12-_Cd").status is Availability.PAUSED
        with pytest.raises(Conflict):
            books.set_link_status("Ab12-_Cd", Availability.PAUSED, CHANGE)

    def test_pausing_an_unknown_link_makes_none(self, books: Configuration) -> None:
        with pytest.raises(Conflict):
            books.set_link_status("nothing1", Availability.PAUSED, CHANGE)

        with pytest.raises(NotFound):
            books.link("nothing1")


@pytest.mark.pattern("links_of_partner")
class TestLinksOfPartner:
    def test_they_come_newest_first_page_by_page_and_only_ones_own(self, books: Configuration) -> None:
        for number in range(5):
            books.create_link(a_link(f"code000{number}", created=NOW + timedelta(seconds=number)), CHANGE)
        books.create_link(a_link("code0009", partner="par_2"), CHANGE)

        first = books.links_of_partner("par_1", None, limit=3)
        second = books.links_of_partner("par_1", first.cursor, limit=3)

        assert [link.code for link in first.items] == ["code0004", "code0003", "code0002"]
        assert [link.code for link in second.items] == ["code0001", "code0000"]
        assert second.cursor is None
        assert second.items[1] == a_link("code0000")

    def test_a_partner_without_links_has_an_empty_page(self, books: Configuration) -> None:
        page = books.links_of_partner("par_1")

        assert (page.items, page.cursor) == ((), None)


@pytest.mark.pattern("member_by_sub")
class TestMemberBySub:
    def test_a_member_reads_as_written_and_remembers_the_sign_out(self, books: Configuration) -> None:
        books.add_member(a_member(), CHANGE)
        assert books.member("sub-1") == a_member()

        books.sign_out("sub-1", NOW, CHANGE)

        assert books.member("sub-1") == a_member(signed_out_at=NOW)

    def test_signing_out_somebody_unknown_makes_no_login(self, books: Configuration) -> None:
        with pytest.raises(Conflict):
            books.sign_out("sub-1", NOW, CHANGE)

        with pytest.raises(NotFound):
            books.member("sub-1")


@pytest.mark.pattern("members_of_partner")
class TestMembersOfPartner:
    def test_staff_are_nobodys_members(self, books: Configuration) -> None:
        books.add_member(a_member("sub-1"), CHANGE)
        books.add_member(a_member("sub-2", role=Role.MEMBER), CHANGE)
        books.add_member(a_member("sub-3", partner=None, role=Role.MANAGER), CHANGE)

        assert {member.member for member in books.members_of_partner("par_1").items} == {"sub-1", "sub-2"}
        assert books.member("sub-3").partner is None


@pytest.mark.pattern("staff_of_brand")
def test_a_brands_staff_are_listed_without_its_partners_members(books: Configuration) -> None:
    books.add_member(a_member("sub-1"), CHANGE)
    for sub, role in (("sub-2", Role.FINANCE), ("sub-3", Role.ADMIN)):
        books.add_member(a_member(sub, partner=None, role=role), CHANGE)
    books.add_member(a_member("sub-4", partner=None, role=Role.ADMIN, brand="brd_other"), CHANGE)

    brand = a_member().brand
    assert {member.member for member in books.staff_of_brand(brand).items} == {"sub-2", "sub-3"}
    first = books.staff_of_brand(brand, limit=1)
    assert {*first.items, *books.staff_of_brand(brand, first.cursor, limit=1).items} == {
        books.member("sub-2"),
        books.member("sub-3"),
    }


@pytest.mark.pattern("audit_of_subject")
class TestAuditOfSubject:
    def test_a_record_says_who_what_before_after_and_why(self, books: Configuration) -> None:
        books.create_link(a_link(), CHANGE)
        later = replace(CHANGE, at=NOW + timedelta(hours=1), by="sub-9", why="Too many complaints")
        books.set_link_status("Ab12-_Cd", Availability.PAUSED, later)

        paused, created = books.audit_of_subject("Ab12-_Cd").items

        assert (created.action, created.before) == ("create_link", None)
        assert json.loads(created.after or "")["partner"] == "par_1"
        assert (paused.by, paused.at, paused.why, paused.origin) == ("sub-9", later.at, "Too many complaints", "test")
        assert (paused.before, paused.after) == ('{"status": "active"}', '{"status": "paused"}')

    def test_the_trail_does_not_keep_a_members_name(self, books: Configuration) -> None:
        books.add_member(a_member(name="Somebody"), CHANGE)

        (record,) = books.audit_of_subject("sub-1").items

        assert "Somebody" not in (record.after or "")

    def test_pages_go_back_in_time(self, books: Configuration) -> None:
        books.create_link(a_link(), CHANGE)
        for number, status in enumerate((Availability.PAUSED, Availability.ACTIVE) * 2):
            books.set_link_status("Ab12-_Cd", status, replace(CHANGE, at=NOW + timedelta(minutes=number + 1)))

        first = books.audit_of_subject("Ab12-_Cd", None, limit=3)
        second = books.audit_of_subject("Ab12-_Cd", first.cursor, limit=3)

        times = [record.at for record in (*first.items, *second.items)]
        assert times == [NOW + timedelta(minutes=minutes) for minutes in (4, 3, 2, 1, 0)]


@pytest.mark.pattern("rates_of_day")
class TestRatesOfDay:
    def test_a_day_without_publication_is_known_to_have_none(self, table: str) -> None:
        rates = RateStore(table)
        rates.put_day("ECB", "2026-03-01", {})

        assert rates.day("ECB", "2026-03-01") == {}
        assert rates.day("ECB", "2026-03-02") is None

    def test_a_published_day_never_changes(self, table: str) -> None:
        rates = RateStore(table)
        rates.put_day("ECB", "2026-03-02", {"USD": "1.1805"})

        rates.put_day("ECB", "2026-03-02", {"USD": "1.1805"})
        with pytest.raises(Conflict) as refusal:
            rates.put_day("ECB", "2026-03-02", {"USD": "1.1806"})

        assert refusal.value.code == "rates_differ"
        assert rates.day("ECB", "2026-03-02") == {"USD": "1.1805"}

    def test_a_day_cannot_be_left_out(self, table: str) -> None:
        rates = RateStore(table)
        rates.put_day("ECB", "2026-02-28", {"USD": "1.18"})

        with pytest.raises(Conflict) as refusal:
            rates.put_day("ECB", "2026-03-02", {"USD": "1.18"})

        assert refusal.value.code == "rates_gap"
        assert rates.completed_through("ECB") == "2026-02-28"


@pytest.mark.pattern("rates_before")
class TestRatesBefore:
    @pytest.fixture(name="rates")
    def _rates(self, table: str) -> RateStore:
        rates = RateStore(table)
        for day, per_euro in (
            ("2026-02-27", {"USD": "1.1805"}),
            ("2026-02-28", {}),
            ("2026-03-01", {}),
            ("2026-03-02", {"USD": "1.1698"}),
        ):
            rates.put_day("ECB", day, per_euro)
        return rates

    def test_the_publication_is_strictly_before_the_day(self, rates: RateStore) -> None:
        assert rates.published_before("ECB", "2026-03-02") == ("2026-02-27", {"USD": "1.1805"})
        assert rates.published_before("ECB", "2026-03-03") == ("2026-03-02", {"USD": "1.1698"})

    def test_nothing_was_published_before_the_first_day(self, rates: RateStore) -> None:
        assert rates.published_before("ECB", "2026-02-27") is None

    def test_a_feed_is_complete_through_its_last_day_and_no_other_feeds(self, rates: RateStore) -> None:
        assert rates.completed_through("ECB") == "2026-03-02"
        assert rates.completed_through("finance") is None


@pytest.mark.pattern("answer_by_key")
class TestAnswerByKey:
    @pytest.fixture(name="kept")
    def _kept(self, table: str) -> Idempotency:
        return Idempotency(table)

    def test_the_same_request_meets_the_first_answer(self, kept: Idempotency) -> None:
        assert kept.claim("sub-1", "k", "print", NOW) is None
        answer = Answer(303, "text/html", "<p>made</p>", "/links")
        kept.answer("sub-1", "k", "print", answer)

        assert kept.claim("sub-1", "k", "print", NOW + timedelta(hours=23)) == answer

    def test_another_request_may_not_take_the_key(self, kept: Idempotency) -> None:
        kept.claim("sub-1", "k", "print", NOW)

        with pytest.raises(Conflict) as refusal:
            kept.claim("sub-1", "k", "another", NOW + ABANDONED * 2)

        assert refusal.value.code == "idempotency_key_reused"

    def test_another_actor_may(self, kept: Idempotency) -> None:
        kept.claim("sub-1", "k", "print", NOW)

        assert kept.claim("sub-2", "k", "another", NOW) is None

    @pytest.mark.parametrize(
        ("after", "taken"), [(ABANDONED - timedelta(seconds=1), True), (ABANDONED, False)], ids=["running", "cut off"]
    )
    def test_an_unanswered_claim_holds_for_a_minute(self, kept: Idempotency, after: timedelta, taken: bool) -> None:
        kept.claim("sub-1", "k", "print", NOW)

        def again() -> Answer | None:
            return kept.claim("sub-1", "k", "print", NOW + after)

        assert _refused(again) == ("in_progress" if taken else None)

    def test_a_released_key_is_free_at_once_but_an_answer_stays(self, kept: Idempotency) -> None:
        kept.claim("sub-1", "k", "print", NOW)
        kept.release("sub-1", "k", "print")
        assert kept.claim("sub-1", "k", "print", NOW) is None
        kept.answer("sub-1", "k", "print", Answer(200, "text/plain", "done"))

        kept.release("sub-1", "k", "print")

        assert kept.claim("sub-1", "k", "print", NOW) == Answer(200, "text/plain", "done")

    def test_an_answer_that_is_written_again_is_the_same_one_and_another_is_refused(self, kept: Idempotency) -> None:
        kept.claim("sub-1", "k", "print", NOW)
        answer = Answer(303, "text/html", "<p>made</p>", "/links")
        kept.answer("sub-1", "k", "print", answer)

        # as the SDK does when the first try was written and its answer lost
        kept.answer("sub-1", "k", "print", answer)

        with pytest.raises(Conflict):
            kept.answer("sub-1", "k", "print", Answer(303, "text/html", "<p>made</p>", "/links/2"))

    def test_a_day_later_the_key_is_free_for_anything(self, kept: Idempotency) -> None:
        kept.claim("sub-1", "k", "print", NOW)
        kept.answer("sub-1", "k", "print", Answer(200, "text/plain", "done"))

        assert kept.claim("sub-1", "k", "another", NOW + KEPT) is None


def _refused(act: Callable[[], object]) -> str | None:
    try:
        act()
    except Conflict as refusal:
        return refusal.code
    return None
