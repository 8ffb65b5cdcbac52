"""Cases through the pages and the API: what waits, the evidence, deciding, appealing; and what a partner sees of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.case import Case
from introducer.domain.configuration import Member, Role
from introducer.domain.fraud import registry
from introducer.domain.fraud.conversion_jump import DETECTOR as JUMP
from introducer.domain.fraud.registration_cluster import DETECTOR as CLUSTER
from introducer.locale import CODES
from introducer.services import read_cases
from introducer.services.read_clients_of_partner import pseudonym
from introducer.store.cases import Cases, Step
from tests.browser.world import Answer
from tests.support import functions
from tests.support.casework import (
    CLIENTS,
    COMPLIANCE,
    HELPER,
    OTHER_COMPLIANCE,
    SALES,
    Casework,
    a_casework,
    a_cluster,
    a_jump,
)
from tests.support.payday import ADMIN, GULF, HARBOUR, LANTERN, MAKER, MANAGER, NOW, PIPS, SMALL
from tests.support.shown import text

pytestmark = pytest.mark.in_memory

DESK, POLICY = "/desk/cases", "/desk/cases/policy"
NAMED = CLIENTS[:9]
WHY = "The addresses bounce"


@pytest.fixture
def casework() -> Iterator[Casework]:
    """No case is open."""
    with pytest.MonkeyPatch.context() as patch, a_casework(patch) as world:
        yield world


@pytest.fixture(scope="module")
def looked_at() -> Iterator[Casework]:
    """A case about nine of Harbour's clients is open, for tests that only look."""
    with pytest.MonkeyPatch.context() as patch, a_casework(patch) as world:
        world.opened()
        yield world


def the_case(casework: Casework, partner: str = HARBOUR) -> Case:
    return casework.case_books.cases.of_partner(casework.partners[partner])[0]


def there(case: Case) -> str:
    return f"{DESK}/{case.partner}/{case.case}"


def decided(casework: Casework, case: Case, who: str = COMPLIANCE, verdict: str = "release", **other: Any) -> Answer:
    said = {"version": casework.case(case).version, "verdict": verdict, "why": WHY} | other
    return casework.machine(who).post(f"{there(case)}/decision", said, as_json=True)


def disallowed(casework: Casework, case: Case, who: str = COMPLIANCE, **other: Any) -> Answer:
    return decided(casework, case, who, "disallow", **{"code": "fake_registrations"} | other)


def taken_back(casework: Casework) -> Case:
    """A case about nine clients that was disallowed, and is carried out."""
    case = casework.finds(a_cluster())
    assert disallowed(casework, case).status == 200
    return casework.carries_out(case)


def money(amounts: list[dict[str, str]]) -> list[str]:
    return [f"{each['amount']} {each['currency']}" for each in amounts]


# ------------------------------------------------------------------------------------------------------------ the queue


def test_what_holds_the_most_stands_first_and_then_what_waits_longest(casework: Casework) -> None:
    # given 820.50 USD and 234.56 EUR and 1,730.00 EUR, and one partner without money, a day before another
    casework.finds(a_jump(), partner=PIPS)
    casework.finds(a_jump(), partner=LANTERN)
    casework.finds(a_jump(), partner=SMALL, at=NOW - timedelta(hours=1))
    casework.opened()
    machine = casework.machine(COMPLIANCE)

    rows = machine.get(DESK).json["items"]

    assert [row["name"] for row in rows] == [HARBOUR, PIPS, LANTERN, SMALL]
    assert money([row["value"] for row in rows[:2]]) == ["1730.00 EUR", "756.22 EUR"]
    assert (rows[0]["clients"], rows[0]["whole"], rows[0]["topic"]) == (9, True, "registration_cluster")
    assert (rows[0]["status"], rows[0]["due"]) == ("open", "2026-04-09T09:30:00.000Z")
    shown = text(casework.signed_in(COMPLIANCE).get(DESK).body)
    assert "Which earnings somebody has to look at" in shown and "about 756.22 EUR" in shown
    # and page by page it is the same
    names, cursor = [], ""
    while cursor is not None:
        page = machine.get(f"{DESK}?limit=3" + (f"&cursor={cursor}" if cursor else "")).json
        names += [row["name"] for row in page["items"]]
        cursor = page["next"]
    assert names == [HARBOUR, PIPS, LANTERN, SMALL]
    table = list(csv.DictReader(io.StringIO(casework.machine(COMPLIANCE, "text/csv").get(DESK).body)))
    assert [(row["name"], row["held"], row["value"]) for row in table[:2]] == [
        (HARBOUR, "1730.00 EUR", "1730.00"), (PIPS, "820.50 USD", "756.22"),
    ]  # fmt: skip


def test_the_queue_says_what_was_found_in_its_readers_language(
    casework: Casework, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given the product's own sentence, a case that a detector opened, one that a person opened and a detector joined,
    # and one of before values were kept
    monkeypatch.setattr(registry, "_BY_NAME", {each.name: each for each in (CLUSTER, JUMP)})
    values = {"seen": "9", "of": "12", "first": "2026-03-26", "through": "2026-04-01", "clients": "9", "groups": "2"}
    found, older = casework.finds(replace(a_cluster(), values=values)), casework.finds(a_jump(), partner=PIPS)
    machine, reader = casework.machine(COMPLIANCE), casework.signed_in(COMPLIANCE)
    by_hand = machine.post(f"{DESK}/{casework.partners[GULF]}", {"why": WHY}).json["case"]
    casework.finds(a_jump(), partner=GULF)
    cases = casework.case_books.cases
    assert older.values is not None and cases.write(Step(before=older, after=replace(older, values=None)))
    reader.cookies["__Host-language"] = "ru"

    shown = text(reader.get(DESK).body)

    # then the first is said in Russian, its days too, and what a person typed or was recorded alone is as it was
    assert "У 9 из 12 клиентов за семь дней" in shown and "С 26 мар. 2026 по 1 апр. 2026" in shown
    assert shown.count(found.why) == shown.count(WHY) == 1
    # and a program gets what was recorded
    answer = machine.get(DESK).json
    assert answer.keys() == {"state", "items", "said", "next"}
    assert {row["case"]: row["why"] for row in answer["items"]} == {
        found.case: found.why, older.case: older.why, by_hand: WHY,
    }  # fmt: skip


def test_closed_cases_are_said_the_same_way(casework: Casework) -> None:
    stands = casework.finds(a_cluster())
    closed = casework.case_books.cases.write(Step(before=stands, after=replace(stands, closed_at=NOW)))

    page = casework.signed_in(COMPLIANCE).get(f"{DESK}?state=closed").body

    assert closed is not None and closed.values == a_cluster().values
    assert page.count("9 of 12 clients registered from one network within 7 days.") == 1
    assert 'dir="auto">9 of 12' not in page, "it is said from what was found, and not as it was recorded"


def test_english_of_a_detector_says_that_it_is_and_what_somebody_typed_does_not(casework: Casework) -> None:
    # given a case that keeps no values of what was found, and one that a person opened
    stands = casework.finds(a_cluster())
    casework.case_books.cases.write(Step(before=stands, after=replace(stands, values=None)))
    there = f"{DESK}/{casework.partners[PIPS]}"
    assert casework.machine(COMPLIANCE).post(there, {"why": WHY}, as_json=True).status in (200, 201)

    page = casework.signed_in(COMPLIANCE, accept_language="ru").get(DESK).body

    assert f'<span class="quiet" dir="auto" lang="en">{stands.why}</span>' in page
    assert f'<span class="quiet" dir="auto">{WHY}</span>' in page


def test_the_queue_reads_no_findings(casework: Casework) -> None:
    casework.opened()
    visitor = casework.signed_in(COMPLIANCE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cases, "findings", lambda *_: pytest.fail("a row of the queue reads what was found"))
        assert visitor.get(DESK).status == 200


def test_closed_cases_stand_apart_and_an_empty_queue_says_what_comes(casework: Casework) -> None:
    visitor = casework.signed_in(COMPLIANCE)

    assert "Nothing waits for you" in text(visitor.get(DESK).body)
    assert "No case was closed yet" in text(visitor.get(f"{DESK}?state=closed").body)
    assert casework.machine(COMPLIANCE).get(f"{DESK}?state=ajar").json["code"] == "bad_filter"


# ------------------------------------------------------------------------------------------------------------- one case


def test_staff_see_the_evidence_drawn_and_as_tables(looked_at: Casework) -> None:
    case = the_case(looked_at)
    data = looked_at.machine(COMPLIANCE).get(there(case)).json
    page = looked_at.signed_in(COMPLIANCE).get(there(case)).body

    cluster, jump = data["findings"]
    assert cluster["sentence"] == "9 of 12 clients registered from one network within 7 days."
    assert (cluster["measured"], cluster["threshold"], jump["measured"]) == (9, 8, 3.7)
    assert [(each["kind"], each["number"], len(each["clients"])) for each in cluster["clusters"]] == [
        ("prefix", "1", 7), ("prefix", "2", 2), ("pattern", "", 5),
    ]  # fmt: skip
    assert cluster["clusters"][0]["clients"][0] == {"client": NAMED[0], "pseudonym": pseudonym(NAMED[0])}
    assert jump["series"][0] == {"day": "2026-03-13", "seen": 9, "of": 300, "rate": 300, "low": 120, "high": 560}
    # then each drawing says in words what it shows, and its figures stand in a table
    assert page.count('role="img"') == 2
    assert "6 days are outside of what was expected" in page
    shown = text(page)
    assert "1.2% \N{EN DASH} 5.6%" in shown and "Withdrawal" in shown and "Network 1 Which clients" in shown
    assert f'href="/desk/clients/{NAMED[0]}"' in page


def test_the_money_is_shown_before_and_after_either_verdict(looked_at: Casework) -> None:
    case = the_case(looked_at)
    data = looked_at.machine(COMPLIANCE).get(there(case)).json

    (stake,) = data["stakes"]
    assert {name: value["amount"] for name, value in stake.items()} == {
        "held": "1730.00", "reserved": "420.50", "taken_back": "-360.00", "now": "0.00", "released": "1730.00",
        "disallowed": "1370.00",
    }  # fmt: skip
    named = [each for each in data["clients"] if each["found_by"]]
    assert [each["client"] in NAMED for each in data["clients"]] == [True] * 9 + [False] * 3
    assert (money(named[0]["earned"]), named[0]["found_by"]) == (["40.00 EUR"], ["registration_cluster"])
    shown = text(looked_at.signed_in(COMPLIANCE).get(there(case)).body)
    assert "Once it is released 1,730.00 EUR" in shown and "Once all of them earn nothing 1,370.00 EUR" in shown


def test_ids_of_other_partners_are_read_as_their_names(casework: Casework) -> None:
    shared = a_jump().__class__(
        detector="shared_account", clients=(), first="2026-04-02", through="2026-04-02", measured=1, threshold=1,
        values={"others": casework.partners[PIPS]},
    )  # fmt: skip
    case = casework.finds(shared, partner=GULF)

    data = casework.machine(COMPLIANCE).get(there(case)).json

    assert data["findings"][0]["sentence"] == f"{PIPS} other partner is paid to the same account."


@pytest.mark.parametrize("name", ["2026-02-30", "2026-03-01"])
def test_a_partner_that_is_called_like_a_day_stays_that_and_breaks_no_page(casework: Casework, name: str) -> None:
    # given a queue with a case whose sentence names a partner
    shared = replace(a_jump(), detector="shared_account", values={"others": casework.partners[PIPS]})
    case = casework.finds(shared, partner=GULF)
    visitor = casework.signed_in(COMPLIANCE)
    with pytest.MonkeyPatch.context() as patch:
        # when that partner is called so
        patch.setattr(read_cases._Partners, "_name", lambda self, partner: name)
        pages = [visitor.get(path) for path in (DESK, there(case))]
    # then its name stands in the sentence
    for page in pages:
        assert page.status == 200 and f"{name} other partner is paid to the same account." in text(page.body)


@pytest.mark.parametrize("code", CODES)
def test_the_pages_of_cases_speak_each_language(looked_at: Casework, code: str) -> None:
    case = the_case(looked_at)
    for who, paths in (
        (COMPLIANCE, (DESK, POLICY, f"{DESK}/{case.partner}", there(case))),
        (HARBOUR, ("/cases", f"/cases/{case.case}")),
    ):  # fmt: skip
        for path in paths:
            page = looked_at.signed_in(who, accept_language=code).get(path)
            assert (page.status, f'lang="{code}"' in page.body) == (200, True), path


# --------------------------------------------------------------------------------------------------------- who may what


def test_finance_and_sales_read_and_do_not_decide(casework: Casework) -> None:
    case = casework.opened()
    for who in (MAKER, SALES):
        data = casework.machine(who).get(there(case)).json
        page = casework.signed_in(who).get(there(case)).body

        assert (data["acts"], data["may_decide"], data["why_not"]) == (False, False, "case_role")
        assert "ask one of them" in text(page) and "/decision" not in page and 'href="/desk/clients/' not in page
        assert decided(casework, case, who).json["code"] == "case_role"
        for path in ("answers", "notes"):
            refused = casework.machine(who).post(f"{there(case)}/{path}", {"text": "I think so"}, as_json=True)
            assert (refused.status, refused.json["code"]) == (403, "case_role")
        opened = casework.machine(who).post(f"{DESK}/{case.partner}", {"why": "Look at it"}, as_json=True)
        assert (opened.status, opened.json["code"]) == (403, "case_role")
    assert casework.case(case).verdict is None


def test_another_brands_staff_and_another_partner_find_nothing(casework: Casework) -> None:
    case = casework.opened()
    casework.people["them"] = Member(
        member="mem_them", partner=None, brand="brd_other", role=Role.ADMIN, name="Them", language="en"
    )
    said = {"version": 1, "verdict": "release", "why": WHY}

    assert casework.machine("them").get(there(case)).status == 404
    assert casework.machine(COMPLIANCE).get(f"{DESK}/{case.partner}/cas_{'9' * 1100}").status == 404
    assert casework.machine("them").get(f"{DESK}/{case.partner}").status == 404
    assert casework.machine("them").post(f"{there(case)}/decision", said, as_json=True).status == 404
    assert casework.machine(COMPLIANCE).get(f"{DESK}/{casework.partners[PIPS]}/{case.case}").status == 404
    for path, sent in (("", None), ("/answers", {"text": "Let me in"}), ("/appeal", {"why": "Let me in"})):
        theirs = casework.machine(PIPS)
        place = f"/cases/{case.case}{path}"
        assert (theirs.post(place, sent, as_json=True) if sent else theirs.get(place)).status == 404, path
    assert casework.machine(PIPS).get("/cases").json["items"] == []
    assert casework.machine(HARBOUR).get(there(case)).json["code"] == "staff_only"
    assert casework.machine(COMPLIANCE).get("/cases").json["code"] == "partners_only"


def test_a_partner_never_sees_figures_evidence_hashes_notes_or_who_of_staff_it_was(casework: Casework) -> None:
    case = casework.opened()
    staff = casework.machine(COMPLIANCE)
    staff.post(f"{there(case)}/answers", {"text": "Where are they from?"}, as_json=True)
    staff.post(f"{there(case)}/notes", {"text": "A secret of the house"}, as_json=True)

    answer = casework.machine(HARBOUR).get(f"/cases/{case.case}")
    # The rail leads to /network, which is no word about the case.
    page = casework.signed_in(HARBOUR).get(f"/cases/{case.case}").body.partition("<main")[2]
    table = casework.machine(HARBOUR, "text/csv").get("/cases").body

    for body in (answer.body, page, table):
        for hidden in (
            "measured", "threshold", "secret of the house", "Noor Haddad", "11.8", "3.2 %", "network", *NAMED,
            casework.people[COMPLIANCE].member, "9 of 12",
        ):  # fmt: skip
            assert hidden not in body, hidden
    assert set(answer.json) == {
        "case", "status", "opened_at", "sentences", "clients", "whole", "held", "stops_payouts", "decide_by",
        "release_by", "said", "verdict", "may_appeal_until", "appealed_at", "second", "closed_at", "may_answer",
        "may_appeal", "why_not",
    }  # fmt: skip
    assert answer.json["sentences"] == [
        {"detector": "registration_cluster",
         "text": "Some registrations between 26 Mar 2026 and 1 Apr 2026 resemble each other."},
        {"detector": "conversion_jump", "text": "More of your visitors register than before."},
    ]  # fmt: skip
    assert answer.json["clients"] == sorted(map(pseudonym, NAMED))
    assert answer.json["said"] == [
        {"at": "2026-04-02T09:30:00.000Z", "ours": False, "by": "", "text": "Where are they from?"}
    ]
    assert "Where are they from?" in page and "We decide by 9 Apr 2026 09:30 UTC" in text(page)


# ------------------------------------------------------------------------------------------------------------- deciding


def test_a_case_is_released_once_however_often_it_is_sent(casework: Casework) -> None:
    case = casework.opened()
    said = {"version": case.version, "verdict": "release", "why": WHY, "code": "", "which": "all"}
    key = {"idempotency-key": "release-it"}

    first = casework.machine(COMPLIANCE).post(f"{there(case)}/decision", said, as_json=True, **key)
    again = casework.machine(COMPLIANCE).post(f"{there(case)}/decision", said, as_json=True, **key)

    assert (first.status, first.json["status"], again.body) == (200, "released", first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert decided(casework, case, MANAGER).json["code"] == "decided_already"
    assert "Nothing is held" not in text(casework.signed_in(HARBOUR).get(f"/cases/{case.case}").body)
    casework.carries_out(case)
    shown = text(casework.signed_in(HARBOUR).get(f"/cases/{case.case}").body)
    assert "All is well: what was held is yours again" in shown and "Nothing is held" in shown and WHY in shown


def test_a_form_disallows_those_who_are_ticked(casework: Casework) -> None:
    case = casework.finds(a_cluster())
    visitor = casework.signed_in(COMPLIANCE)
    page = visitor.get(there(case))
    form = {
        "csrf": page.field("csrf"), "idempotency_key": page.field("idempotency_key"), "version": page.field("version"),
        "verdict": "disallow", "code": "fake_registrations", "why": WHY, "which": "ticked", "starts_at": "",
    }  # fmt: skip

    # when nobody is ticked, the form comes back with what was typed
    refused = visitor.post(f"{there(case)}/decision", form)
    assert refused.status == 422 and "Tick the clients who are to earn nothing." in text(refused.body)
    assert f">\n{WHY}</textarea>" in refused.body and '<option value="fake_registrations" selected>' in refused.body
    # and when two are, it is about those two
    done = visitor.post(f"{there(case)}/decision", form | {"clients[]": list(NAMED[2:4]), "idempotency_key": "another"})
    assert (done.status, done.location) == (303, f"{there(case)}?decided=disallowed")
    verdict = casework.case(case).verdict
    assert verdict is not None and (verdict.clients, verdict.why) == (NAMED[2:4], WHY)
    assert "Disallowed: the books take it back in a moment." in text(visitor.get(done.location).body)


def test_what_cannot_be_decided_says_why(casework: Casework) -> None:
    case = casework.finds(a_cluster())

    for code, status, sent in (
        ("unknown_code", 422, {"verdict": "disallow"}),
        ("unknown_clients", 422, {"verdict": "disallow", "code": "fake_registrations", "clients": [CLIENTS[11]]}),
        ("invalid_starts_at", 422, {"verdict": "disallow", "code": "fake_registrations", "starts_at": "soon"}),
        ("invalid_starts_at", 422, {"verdict": "disallow", "code": "fake_registrations", "starts_at": "2027-01-01"}),
        ("case_changed", 409, {"version": case.version + 1}),
        ("invalid", 422, {"why": "x"}),
        ("invalid", 422, {"verdict": "perhaps"}),
        ("invalid", 422, {"clients": ["no hash!"]}),
    ):
        answer = decided(casework, case, **sent)
        assert (answer.status, answer.json["code"]) == (status, code), sent
    jump = casework.finds(a_jump(), partner=PIPS)
    assert disallowed(casework, jump).json["code"] == "clients_needed"
    assert casework.case(case).version == case.version


def test_both_sides_talk_and_a_closed_door_stays_closed(casework: Casework) -> None:
    case = casework.opened()
    visitor = casework.signed_in(HELPER)
    form = {"csrf": visitor.get(f"/cases/{case.case}").field("csrf"), "text": "We had a stand at the fair"}

    said = visitor.post(f"/cases/{case.case}/answers", form)
    casework.machine(COMPLIANCE).post(f"{there(case)}/answers", {"text": "Which fair?"}, as_json=True)
    empty = casework.machine(HARBOUR).post(f"/cases/{case.case}/answers", {"text": " "}, as_json=True)

    assert (said.status, said.location) == (303, f"/cases/{case.case}?said=1#said")
    assert empty.status == 422
    theirs = casework.machine(HARBOUR).get(f"/cases/{case.case}").json["said"]
    assert [(each["by"], each["ours"], each["text"]) for each in theirs] == [
        ("Hedy Helper", True, "We had a stand at the fair"), ("", False, "Which fair?"),
    ]  # fmt: skip
    ours = casework.machine(COMPLIANCE).get(there(case)).json
    said_by = [(each["by"], each["side"]) for each in ours["said"]]
    assert said_by == [("Hedy Helper", "partner"), ("Noor Haddad", "staff")]
    assert {each["action"] for each in ours["history"]} == {"open_case", "answer_case"}
    early = casework.machine(HARBOUR).post(f"/cases/{case.case}/appeal", {"why": "I do not agree"}, as_json=True)
    assert (early.status, early.json["code"]) == (409, "nothing_to_appeal")


def test_the_owner_appeals_and_another_person_decides(casework: Casework) -> None:
    case = taken_back(casework)
    owner = casework.machine(HARBOUR)
    told = owner.get(f"/cases/{case.case}").json

    assert (told["status"], told["may_appeal"], told["verdict"]["code"]) == ("disallowed", True, "fake_registrations")
    assert (told["verdict"]["why"], told["verdict"]["clients"]) == (WHY, sorted(map(pseudonym, NAMED)))
    assert not {"by", "member"} & set(told["verdict"])
    # when somebody else of the partner's tries, and then the owner
    helper = casework.machine(HELPER)
    assert helper.get(f"/cases/{case.case}").json["why_not"] == "appeal_role"
    assert "ask them to" in text(casework.signed_in(HELPER).get(f"/cases/{case.case}").body)
    appeal = {"why": "They are real people"}
    assert helper.post(f"/cases/{case.case}/appeal", appeal, as_json=True).json["code"] == "appeal_role"
    assert owner.post(f"/cases/{case.case}/appeal", appeal, as_json=True).status == 201
    # then whoever decided first, and managers, do not decide it
    path, version = f"{there(case)}/appeal", casework.case(case).version
    said = {"version": version, "verdict": "overturn", "why": "They are real"}
    first = casework.machine(COMPLIANCE)
    assert first.get(there(case)).json["why_not"] == "same_person"
    assert first.post(path, said, as_json=True).json["code"] == "same_person"
    assert casework.machine(MANAGER).get(there(case)).json["why_not"] == "appeal_role"
    assert casework.machine(MANAGER).post(path, said, as_json=True).json["code"] == "case_role"
    done = casework.machine(OTHER_COMPLIANCE).post(path, said, as_json=True)
    assert (done.status, done.json["status"]) == (200, "overturned")
    casework.carries_out(case)
    shown = text(casework.signed_in(HARBOUR).get(f"/cases/{case.case}").body)
    assert "Your appeal is right: the clients earn again." in shown and "Ines Prado" not in shown


def test_the_time_to_appeal_ends(casework: Casework) -> None:
    case = taken_back(casework)
    casework.now = NOW + timedelta(days=14)

    told = casework.machine(HARBOUR).get(f"/cases/{case.case}").json
    late = casework.machine(HARBOUR).post(f"/cases/{case.case}/appeal", {"why": "But now I do"}, as_json=True)

    assert (told["may_appeal"], told["why_not"], late.json["code"]) == (False, "", "appeal_too_late")


def test_what_is_decided_and_not_carried_out_is_not_told_yet(casework: Casework) -> None:
    case = casework.finds(a_cluster())
    disallowed(casework, case)

    told = casework.machine(HARBOUR).get(f"/cases/{case.case}")

    assert told.json["verdict"] is None and WHY not in told.body
    assert "the books follow in a moment" in text(casework.signed_in(HARBOUR).get(f"/cases/{case.case}").body)
    assert "being carried out" in text(casework.signed_in(COMPLIANCE).get(DESK).body)


# ---------------------------------------------------------------------------------------------- by hand, and the clocks


def test_a_case_is_opened_by_hand_about_those_who_are_ticked(casework: Casework) -> None:
    visitor = casework.signed_in(MANAGER)
    path = f"{DESK}/{casework.harbour}"
    assert f'href="{path}"' in visitor.get(f"/desk/payees/{casework.harbour}").body
    page = visitor.get(path)
    assert "Nothing was ever looked at" in text(page.body)
    form = {"csrf": page.field("csrf"), "idempotency_key": page.field("idempotency_key"), "why": "They look alike"}

    wrong = visitor.post(path, form | {"clients[]": ["someoneelses"], "idempotency_key": "wrong"})
    done = visitor.post(path, form | {"clients[]": list(CLIENTS[:2])})

    assert wrong.status == 404 and "not this partner" in text(wrong.body)
    case = the_case(casework)
    assert done.location == f"{there(case)}?opened=1"
    assert (case.clients, case.whole, case.opened_by) == (CLIENTS[:2], False, casework.people[MANAGER].member)
    assert case.holds == {"EUR": 8_000}
    assert casework.started == [case.execution]
    shown = text(visitor.get(done.location).body)
    assert "Open: the money in question is held" in shown and "no rule found anything" in shown
    assert "looks at your earnings" in text(casework.signed_in(HARBOUR).get(f"/cases/{case.case}").body)
    # and what is ticked later joins it
    joined = casework.machine(MANAGER).post(path, {"why": "This one too", "clients": [CLIENTS[5]]}, as_json=True)
    assert (joined.status, joined.json["case"]) == (201, case.case)
    assert casework.case(case).clients == (*CLIENTS[:2], CLIENTS[5])


def test_an_admin_sets_the_clocks(casework: Casework) -> None:
    wish = {"decide_days": 3, "escalated_days": 5, "appeal_days": 21, "remind_hours": 24, "why": "We are quicker now"}

    assert casework.machine(COMPLIANCE).post(POLICY, wish, as_json=True).json["code"] == "admin_only"
    assert "An admin sets these clocks" in text(casework.signed_in(COMPLIANCE).get(POLICY).body)
    short = casework.machine(ADMIN).post(POLICY, wish | {"appeal_days": 2}, as_json=True)
    assert (short.status, short.json["code"]) == (422, "invalid_policy")
    assert casework.machine(ADMIN).post(POLICY, wish, as_json=True).status == 200
    assert casework.machine(MAKER).get(POLICY).json == {
        "decide_days": 3, "escalated_days": 5, "appeal_days": 21, "remind_hours": 24, "may_set": False,
    }  # fmt: skip
    case = casework.opened()
    assert case.decide_by == NOW + timedelta(days=3)


# ------------------------------------------------------------------------------------------------------- where it shows


def test_held_money_leads_to_its_case(looked_at: Casework) -> None:
    visitor = looked_at.signed_in(HARBOUR)

    for path in ("/", "/payouts"):
        page = visitor.get(path).body
        assert '<a href="/cases">Held while we look at it</a>' in page and "1,730.00" in page
    assert "Held while" not in looked_at.signed_in(SMALL).get("/payouts").body
    assert "Nothing of yours is looked at" in text(looked_at.signed_in(SMALL).get("/cases").body)
    listed = list(csv.DictReader(io.StringIO(looked_at.machine(HARBOUR, "text/csv").get("/cases").body)))
    assert [(row["about"], row["held"], row["status"]) for row in listed] == [
        ("registration_cluster", "1730.00 EUR", "open")
    ]


def test_a_band_is_drawn_on_the_scale_of_its_bars_and_time_mirrors() -> None:
    charts = functions.load("portal").server.rendering.charts

    drawn = charts.band([100, 0, 400], [0, 50, 100], [200, 200, 200])
    mirrored = charts.band([100, 0, 400], [0, 50, 100], [200, 200, 200], True)

    assert [(bar.x, bar.height, bar.negative) for bar in drawn.bars] == [
        (1, 25.0, False), (11, 0.0, True), (21, 100.0, True),
    ]  # fmt: skip
    assert drawn.points.split()[:2] == ["0,50.0", "10,50.0"] and drawn.points.split()[-1] == "0,100.0"
    assert [bar.x for bar in mirrored.bars] == [21, 11, 1]
    assert json.dumps(mirrored.highest) == "2"


def test_each_client_has_a_lane_and_no_more_than_twelve() -> None:
    charts = functions.load("portal").server.rendering.charts
    times = [NOW + timedelta(hours=hour) for hour in range(20)]

    drawn = charts.lanes(times, [f"c{hour % 15}" for hour in range(20)])

    assert len(drawn.levels) == 12
    assert (drawn.ticks[0].x, drawn.ticks[-1].x) == (0.0, 596.0)
    assert {tick.index for tick in drawn.ticks} == {*range(12), *range(15, 20)}
