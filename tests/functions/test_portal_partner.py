"""One partner on one page: everything that is known, by page and by API; who may see what; and how little is read."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Standing, Status
from introducer.domain.deal import Basis
from introducer.domain.events import LOT
from introducer.domain.payout import PayoutStatus
from introducer.domain.results import TierPlace
from introducer.domain.task import Outcome, TaskStatus
from introducer.domain.verification import VerificationStatus
from introducer.gateways.rails.protocol import Outcome as Heard
from introducer.locale import CODES
from introducer.services.accept_deal import accept_deal
from introducer.services.propose_deal import propose_deal
from introducer.services.send_run import take_outcome
from introducer.store.results import Results
from introducer.store.tasks import task_to_item
from introducer.store.wire import to_wire
from tests.support.at_once import FOREIGNER, FRESH, NEIGHBOUR, AtOnce, at_once
from tests.support.builders import cpa, revshare, terms
from tests.support.casework import COMPLIANCE, SALES
from tests.support.memory import MemoryClient
from tests.support.payday import ADMIN, AUTHOR, GULF, HARBOUR, HELD, LANTERN, LAST_RUN, MAKER, MANAGER, NOW, PIPS
from tests.support.queueing import CHANGE

pytestmark = pytest.mark.in_memory

MOST_READS = 44
"""Of one look at the page, who signs in not counted."""


@pytest.fixture(scope="module")
def portal() -> Iterator[AtOnce]:
    with pytest.MonkeyPatch.context() as patch, at_once(patch) as world:
        yield world


def text(page: str) -> str:
    shown = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))
    return shown.replace("\N{NO-BREAK SPACE}", " ").replace("\N{THIN SPACE}", " ")


def test_all_that_is_known_of_a_partner_stands_on_its_page(portal: AtOnce) -> None:
    found = portal.data()

    assert (found["name"], found["status"], found["kind"], found["currency"]) == (HARBOUR, "active", "affiliate", "EUR")
    assert {(each["name"], each["role"]) for each in found["people"]} == {
        (f"Owner of {HARBOUR}", "owner"), ("Hedy Helper", "member"),
    }  # fmt: skip
    results = found["results"]
    assert (results["ftd_30"], results["clicks_30"], results["trend"], results["dormant_days"]) == (21, 1804, -60, 2)
    assert results["net_revenue_30"][0] == {"amount": "4120.50", "currency": "EUR"}
    assert (found["deal"]["version"], found["deal"]["kinds"], found["deal_waits"]) == (1, ["revshare"], None)
    assert [each["kind"] for each in found["tasks"]] == ["payout_failed", "ftd_fell"]
    assert {each["subject"] for each in found["conversations"]} == {"Banners for May", "Prices"}
    assert [(each["topic"], each["status"]) for each in found["cases"]] == [("registration_cluster", "open")]
    assert found["balances"][0]["available"] == {"amount": "1250.00", "currency": "EUR"}
    assert (found["account"]["masked"], found["verification"]) == ("DE•• •••• 3000", VerificationStatus.APPROVED)
    assert found["last_payout"]["status"] == "sent"
    assert [(each["clients"], each["waits"]) for each in found["goals"]] == [(10, True)]
    assert [each["name"] for each in found["contests"]] == ["Spring race"]
    assert [(each["reason"], each["name"]) for each in found["suppressed"]] == [("bounced", f"Owner of {HARBOUR}")]
    assert found["leads"] == {"stages": {"new": 2, "won": 1}, "total": 3, "more": False}
    assert results["tier"] == {"by": "qftd", "reached": 1, "bands": 3, "at": 14, "next": 20}
    assert found["onboarding"] is None
    assert (results["registrations_30"], results["kyc_30"]) == (40, 30)
    assert [(each["version"], each["phase"]) for each in found["deals"]] == [(1, "in_force")]
    assert found["changes"] is None, "a manager reads no trail"
    trail = portal.data(who=ADMIN)["changes"]
    assert 0 < len(trail) <= 5 and trail[0]["at"] >= trail[-1]["at"]


@pytest.mark.parametrize(("place", "at", "following"), [
    (TierPlace(Basis.NET_REVENUE, 1, 3, 99_999, 100_000, "EUR"),
     {"amount": "999.99", "currency": "EUR"}, {"amount": "1000.00", "currency": "EUR"}),
    (TierPlace(Basis.NET_REVENUE, 1, 3, 99_999, 100_000), None, None),
    (TierPlace(Basis.LOTS, 1, 3, 5 * LOT // 2, 10 * LOT), "2.5", "10"),
    (TierPlace(Basis.FTD, 3, 3, 30, 0), 30, None),
])  # fmt: skip
def test_a_tier_is_told_in_what_it_counts(portal: AtOnce, place: TierPlace, at: Any, following: Any) -> None:
    results = Results(portal.table)
    line = results.line(portal.brand, portal.harbour)
    assert line is not None
    results.put(portal.brand, replace(line, tier=place))
    try:
        tier = portal.data()["results"]["tier"]
        assert (tier["at"], tier["next"]) == (at, following)
        assert "Tiers of this month" in portal.signed_in(MANAGER).get(f"/desk/partners/{portal.harbour}").body
    finally:
        results.put(portal.brand, line)


def test_its_newest_clients_stand_there_under_their_pseudonyms_for_who_looks_clients_up(portal: AtOnce) -> None:
    found, listed = portal.data()["clients"], portal.machine(HARBOUR).get("/clients?limit=5").json["items"]
    assert [each["pseudonym"] for each in found] == [each["pseudonym"] for each in listed]
    assert [each["earned"] for each in found] == [each["earned"] for each in listed]
    page = portal.signed_in(MANAGER).get(portal.page()).body
    for each in found:
        assert each["pseudonym"] in page and f"/desk/clients/{each['client']}/evidence" in page
    assert portal.data(who=SALES)["clients"] is None
    assert "It has brought nobody yet." in portal.signed_in(MANAGER).get(portal.page(FRESH)).body


def test_the_page_for_people_says_the_same_and_leads_everywhere(portal: AtOnce) -> None:
    page = portal.signed_in(MANAGER).get(portal.page())
    said = text(page.body)
    assert page.status == 200
    for words in (f"How {HARBOUR} is doing", "Registrations that resemble each other", "1 address gets no mail.",
                  "2 last week, \u221260% against the weeks before", "4,120.50 EUR", "Payout did not arrive",
                  "Banners for May", "1,250.00 EUR", "DE•• •••• 3000", "Spring race", "10 (first deposits)",
                  "nobody looks after it yet", "Revenue share"):  # fmt: skip
        assert words.replace(" ", "") in said.replace(" ", ""), words
    links = set(re.findall(r'href="(/desk/[^"]+)"', page.body))
    home, partner = portal.page(), portal.harbour
    for path in (f"{home}/deal", f"{home}/deal/new", f"{home}/messages", f"{home}/tasks", f"{home}/goals",
                 f"/desk/payees/{partner}", f"{home}/adjustments", f"/desk/cases/{partner}", f"{home}/mail",
                 f"{home}/parent", f"{home}/standing"):  # fmt: skip
        assert path in links, path
        there = portal.signed_in(MANAGER).get(path)
        assert there.status == 200, path
        back = home if path != f"{home}/deal/new" else f"{home}/deal"
        assert f'href="{back}"' in there.body, f"{path} leads back"


def test_lists_the_queue_and_conversations_lead_to_it(portal: AtOnce) -> None:
    browser, thread = portal.signed_in(MANAGER), portal.data()["conversations"][0]["thread"]
    task = portal.data()["tasks"][0]["path"]
    for path in ("/desk/partners", "/desk?whose=all", task, f"/desk/messages/{portal.harbour}/{thread}"):
        assert f'href="{portal.page()}"' in browser.get(path).body, path


def test_of_a_new_partner_each_part_says_what_comes_next(portal: AtOnce) -> None:
    found, page = portal.data(FRESH), portal.signed_in(MANAGER).get(portal.page(FRESH))
    walk = found["onboarding"]
    assert (walk["had"], walk["sent"], walk["end"], walk["on"]) == (0, 0, None, True)
    assert (found["results"], found["deal"], found["people"], found["tasks"]) == (None, None, [], [])
    assert (found["manager_name"], found["parent_name"]) == ("Sam Okoro", HARBOUR)
    said = text(page.body)
    for words in ("the first ones stand here tomorrow", "it earns nothing until one is accepted",
                  "until its owner is invited, no mail reaches anybody", "Nothing was written yet.", "0 of 7 steps",
                  "A goal of its own can be offered to it."):  # fmt: skip
        assert words in said, words
    # and its name is a text, and nothing else
    assert "<img src=x" not in page.body and "&lt;img src=x onerror=" in page.body
    assert f"How {FRESH} is doing" in html.unescape(page.body)
    assert f'/preview?partner={portal.partners[FRESH]}"' in page.body


def test_what_should_be_seen_first_stands_first(portal: AtOnce) -> None:
    held = portal.data(HELD)
    assert held["holds"] == 1
    page = text(portal.signed_in(MANAGER).get(portal.page(HELD)).body)
    assert page.index("1 hold stops all payouts.") < page.index("What it brings")
    failed = Heard(payout=portal.of(LANTERN, LAST_RUN).payout, state=PayoutStatus.FAILED, reason="account_closed")
    take_outcome(portal.payouts, failed, NOW)
    page = text(portal.signed_in(MANAGER).get(portal.page(LANTERN)).body)
    assert "did not arrive." in page and page.index("did not arrive.") < page.index("What it brings")
    portal.configuration.set_standing(
        Standing(partner=portal.partners[LANTERN], standing="std_1", since=NOW + timedelta(days=1),
                 status=Status.BLOCKED, reason="asked", decided_at=NOW),
        Status.ACTIVE, CHANGE,
    )  # fmt: skip
    found = portal.data(LANTERN)
    assert (found["status"], found["status_to_come"]) == ("active", "blocked"), "what holds now, and what comes"
    assert "Blocked from" in text(portal.signed_in(MANAGER).get(portal.page(LANTERN)).body)


def test_the_deal_says_what_holds_what_comes_and_what_waits(portal: AtOnce) -> None:
    gulf, agreed = portal.partners[GULF], dict[str, Any](author=AUTHOR, clock=lambda: NOW)
    made = propose_deal(portal.configuration, partner=gulf, terms=terms(revshare("40"), currency="USD"), **agreed)
    accept_deal(portal.configuration, partner=gulf, version=2, terms_hash=made.terms_hash, **agreed)
    propose_deal(
        portal.configuration, partner=gulf, terms=terms(cpa("200.00"), revshare("45"), currency="USD"), **agreed
    )
    found = portal.data(GULF)
    shown = [(found[name]["version"], found[name]["kinds"]) for name in ("deal", "deal_to_come", "deal_waits")]
    assert shown == [(1, ["revshare"]), (2, ["revshare"]), (3, ["cpa", "revshare"])]
    page = text(portal.signed_in(MANAGER).get(portal.page(GULF)).body)
    assert "Version 3 of the deal waits for the partner's answer." in page and "CPA, Revenue share" in page


@pytest.mark.parametrize(
    ("who", "tasks", "leads", "audit"),
    [
        (MANAGER, True, True, False), (ADMIN, True, True, True), (MAKER, True, False, False),
        (COMPLIANCE, True, False, True), (SALES, False, False, False),
    ],
)  # fmt: skip
def test_each_role_sees_what_the_parts_own_pages_show_it(
    portal: AtOnce, who: str, tasks: bool, leads: bool, audit: bool
) -> None:
    found, page = portal.data(who=who), portal.signed_in(who).get(portal.page())
    assert (found["tasks"] is not None, found["leads"] is not None, found["may_audit"]) == (tasks, leads, audit)
    assert page.status == 200
    assert ("Payout did not arrive" in page.body) is tasks
    assert ("Became a client" in page.body) is leads
    assert (f"/desk/audit/partner/{portal.harbour}" in page.body) is audit
    for path in set(
        re.findall(rf'href="((?:{portal.page()}|/desk/payees|/desk/cases|/desk/audit/p)[^"#]*)"', page.body)
    ):
        if not path.endswith("/report"):
            assert portal.machine(who).get(path).status == 200, f"{who} is led where it may not go: {path}"


def test_nobody_looks_at_another_brands_partner_and_no_partner_at_all(portal: AtOnce) -> None:
    answers = [
        portal.machine(FOREIGNER).get(portal.page()),
        portal.machine(ADMIN).get(portal.page(NEIGHBOUR)),
        portal.machine(ADMIN).get("/desk/partners/par_nobody"),
        portal.machine(ADMIN).get("/desk/partners/%23"),
        portal.machine(ADMIN).get("/desk/partners/" + "x" * 3000),
    ]
    assert [(each.status, each.json["code"]) for each in answers] == [(404, "not_found")] * 5
    for name in (HARBOUR, PIPS):
        refused = portal.machine(name).get(portal.page())
        assert (refused.status, refused.json["code"]) == (403, "staff_only")
    assert portal.machine(FOREIGNER).get(portal.page(NEIGHBOUR)).json["leads"]["total"] == 0


def test_a_conversation_begins_on_the_page_and_what_was_typed_is_never_lost(portal: AtOnce) -> None:
    browser, path = portal.signed_in(MANAGER), f"{portal.page(PIPS)}/messages"
    done = browser.submit(portal.page(PIPS), path, subject="Your banners", text="They look well.")
    assert done.status == 303 and done.location.startswith(f"/desk/messages/{portal.partners[PIPS]}/thr_")
    assert "Your banners" in browser.get(portal.page(PIPS)).body
    refused = browser.submit(portal.page(PIPS), path, subject="", text="All this was typed")
    assert refused.status == 422 and "All this was typed" in refused.body


def test_what_is_announced_stands_there_with_who_has_read_it(portal: AtOnce) -> None:
    staff = portal.machine(MANAGER)
    news = {"subject_en": "New landing pages for {partner}", "text_en": "They are here.", "countries": "DE"}
    made = staff.post("/desk/announcements", news, as_json=True).json["announcement"]
    data = portal.data()
    said = f"New landing pages for {data['name']}"
    assert [(each["title"], each["read_by"]) for each in data["announcements"]] == [(said, 0)]
    assert portal.data(FRESH)["announcements"] == [], "it is for Germany"
    portal.machine(HARBOUR).get(f"/messages/announcements/{made}")
    page = portal.signed_in(MANAGER).get(portal.page())
    assert f'href="/desk/announcements/{made}"' in page.body and "read by 1 login" in text(page.body)


def test_what_is_decided_for_later_takes_no_announcement_away_today(portal: AtOnce) -> None:
    # given an announcement, and a partner who is to be blocked in a month
    staff = portal.machine(MANAGER)
    made = staff.post("/desk/announcements", {"subject_en": "News", "text_en": "Here."}, as_json=True).json
    portal.configuration.set_standing(
        Standing(partner=portal.partners[PIPS], standing="std_2", since=NOW + timedelta(days=30),
                 status=Status.BLOCKED, reason="asked", decided_at=NOW),
        Status.ACTIVE, CHANGE,
    )  # fmt: skip
    # then it still has it, and staff see that
    for found in (portal.machine(PIPS).get("/messages").json, portal.data(PIPS)):
        assert made["announcement"] in [each["announcement"] for each in found["announcements"]]
    assert portal.machine(PIPS).get("/").json["news"] is True
    assert portal.machine(PIPS).get(f"/messages/announcements/{made['announcement']}").status == 200


def test_what_is_read_is_bounded_whatever_the_brand_and_the_partner_have(
    portal: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    real = MemoryClient._make_api_call

    def counted(client: MemoryClient, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        reads.append(operation)
        return real(client, operation, arguments)

    monkeypatch.setattr(MemoryClient, "_make_api_call", counted)
    portal.data()
    before = len(reads)
    assert before <= MOST_READS, reads
    # given tasks that many colleagues have done, and many partners next to it
    model = portal.tasks.of_partner(portal.harbour)[0]
    for number in range(30):
        done = replace(model, task=f"tsk_{number:026d}", status=TaskStatus.DONE, outcome=Outcome.SPOKE, done_at=NOW,
                       done_by=f"mem_{number}")  # fmt: skip
        portal.dynamodb.put_item(TableName=portal.table, Item=to_wire(task_to_item(done)))
    portal.many(20)
    reads.clear()
    assert len(portal.data()["tasks"]) == 2
    assert len(reads) == before, reads


@pytest.mark.parametrize("code", CODES)
def test_the_page_is_whole_in_every_language(portal: AtOnce, code: str) -> None:
    visitor = portal.signed_in(MANAGER)
    visitor.cookies["__Host-language"] = code
    for name in (HARBOUR, FRESH, HELD):
        page = visitor.get(portal.page(name))
        assert page.status == 200 and f'lang="{code}"' in page.body
