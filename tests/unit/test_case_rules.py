"""What may happen to a case, and what its partner may see of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.case import CLOCK, Answer, Case, CasePolicy, CaseStatus, execution_name
from introducer.domain.case_rules import (
    LONGEST_TEXT,
    MOST_ANSWERS,
    MOST_CLIENTS,
    answered,
    appeal_decided,
    appealed,
    by_the_clock,
    check_policy,
    cleared_by,
    closed,
    decided,
    due,
    joined,
    opened,
    verdict_of,
)
from introducer.domain.case_view import partner_view
from introducer.domain.errors import Conflict, IntroducerError, Invalid
from introducer.domain.fraud.finding import Cluster, Detector, Evidence
from introducer.store.cases import case_to_item
from tests.support.builders import at
from tests.support.case_world import a_finding

NOW = at("2026-12-02 09:00")
POLICY = CasePolicy()


def a_case(*clients: str, **fields: Any) -> Case:
    case = opened(
        brand="brd_1", partner="par_p", name="Åmber & Söhne (Ltd.)", number=1, by="system:scoring", why="9 of 12",
        findings=[a_finding(*clients)], clients=(), policy=POLICY, now=NOW,
    )  # fmt: skip
    return replace(case, **fields)


def refusal(act: Callable[[], object], kind: type[IntroducerError] = Conflict) -> str:
    with pytest.raises(kind) as raised:
        act()
    return raised.value.code


def disallowed(case: Case, **given: Any) -> Case:
    said = {"by": "mem_1", "at": NOW, "disallow": True, "code": "wash_trades", "why": "w", "clients": (),
            "starts_at": None}  # fmt: skip
    return decided(case, verdict_of(case, **said | given))  # type: ignore[arg-type]


def test_an_execution_is_named_as_aws_takes_it() -> None:
    case = a_case("c1")
    assert execution_name(case) == f"amber-sohne-ltd-registration-cluster-20261202-{case.case[-6:]}"
    assert execution_name(replace(case, name="北京", detectors=())).startswith("partner-opened-by-hand-20261202-")
    assert len(execution_name(replace(case, name="x" * 200, detectors=("y" * 200,)))) <= 76


def test_a_finding_about_no_client_puts_all_in_question() -> None:
    assert a_case().whole and not a_case("c1").whole
    more, news = joined(a_case("c1"), [a_finding(detector="stuffing")], (), {})
    assert (more.whole, more.clients, len(news)) == (True, ("c1",), 1)


def test_what_was_found_already_is_not_written_again() -> None:
    case, known = a_case("c1", "c2"), {"registration_cluster": a_finding("c1", "c2")}
    assert joined(case, [a_finding("c1", measured=99)], (), known) == (case, ())
    more, [news] = joined(case, [a_finding("c3")], (), known)
    assert (more.clients, news.clients) == (("c1", "c2", "c3"),) * 2


def test_the_clock_escalates_then_releases_and_an_appeal_it_overturns() -> None:
    case = a_case("c1")
    assert by_the_clock(case, NOW + timedelta(days=6)) == case
    escalated = by_the_clock(case, NOW + timedelta(days=7))
    assert (escalated.status, due(escalated)) == (CaseStatus.ESCALATED, case.escalate_by)
    released = by_the_clock(escalated, NOW + timedelta(days=14))
    assert released.status is CaseStatus.RELEASED and released.verdict is not None
    assert (released.verdict.by, released.verdict.clients) == (CLOCK, ())
    assert by_the_clock(released, NOW + timedelta(days=99)) == released
    # one that nobody asked for so long is released at once
    assert by_the_clock(case, NOW + timedelta(days=99)).status is CaseStatus.RELEASED
    told = replace(disallowed(case), appeal_by=NOW + timedelta(days=14), freed_at=NOW)
    appeal = appealed(told, Answer(at=NOW + timedelta(days=1), by="mem_o", side="partner", text="no"), POLICY)
    assert by_the_clock(appeal, NOW + timedelta(days=8)).status is CaseStatus.OVERTURNED


def test_cleared_is_what_a_verdict_found_to_be_well_through_its_own_day() -> None:
    case = a_case("c1")
    assert cleared_by(case) == {}
    assert cleared_by(disallowed(case)) == {}
    released = by_the_clock(case, NOW + timedelta(days=14))
    assert cleared_by(released) == {"registration_cluster": "2026-12-16"}
    told = replace(disallowed(case), appeal_by=NOW + timedelta(days=14), freed_at=NOW)
    appeal = appealed(told, Answer(at=NOW + timedelta(days=5), by="mem_o", side="partner", text="no"), POLICY)
    overturned = appeal_decided(appeal, by="mem_2", at=NOW + timedelta(days=9), uphold=False, why="w")
    assert cleared_by(overturned) == {"registration_cluster": "2026-12-02"}, "nobody looked at what came after"


def test_a_case_is_closed_when_nothing_of_it_waits() -> None:
    case = a_case("c1")
    assert refusal(lambda: closed(case, NOW)) == "not_done"
    done = replace(by_the_clock(case, NOW + timedelta(days=14)), freed_at=NOW)
    assert closed(done, NOW).is_closed
    assert refusal(lambda: closed(replace(done, held={("EUR", "2026-12-01"): 1}), NOW)) == "not_done"
    assert refusal(lambda: closed(replace(done, stop="hld_1"), NOW)) == "not_done"
    told = replace(disallowed(case), appeal_by=NOW + timedelta(days=14), freed_at=NOW)
    assert refusal(lambda: closed(told, NOW)) == "not_done"
    appeal = appealed(told, Answer(at=NOW, by="mem_o", side="partner", text="no"), POLICY)
    assert closed(appeal, NOW + timedelta(days=30)) is appeal


def test_answers_end_with_the_case_and_at_a_hundred() -> None:
    case = a_case("c1")
    said = Answer(at=NOW, by="mem_o", side="partner", text="text")
    once = answered(case, said)
    assert answered(once, replace(said, at=NOW + timedelta(days=1))) is once
    assert refusal(lambda: answered(replace(case, closed_at=NOW), said)) == "case_closed"
    full = replace(case, answers=(said,) * 100)
    assert refusal(lambda: answered(full, replace(said, text="other"))) == "too_many_answers"


@pytest.mark.parametrize("character", ["\N{GRINNING FACE}", "\x01", "\N{THAI CHARACTER KO KAI}", "a"])
def test_a_case_in_which_all_was_said_can_still_be_decided_twice(character: str) -> None:
    # given a case about as many clients as there can be, in which both sides say all that they can
    case = a_case(*(f"{number:022d}" for number in range(MOST_CLIENTS)))
    refused = set()
    for number in range(MOST_ANSWERS):
        for side in ("partner", "note"):
            text = f"{number}".rjust(LONGEST_TEXT, character)
            try:
                case = answered(case, Answer(at=NOW, by=f"mem_{side}", side=side, text=text))
            except Conflict:
                refused.add(side)
    assert refused == {"partner", "note"}
    # when it is disallowed, appealed against in as many words, and decided again
    told = replace(disallowed(case, why="w" * 500), appeal_by=NOW + timedelta(days=14), freed_at=NOW)
    why = Answer(at=NOW, by="mem_partner", side="partner", text=character * LONGEST_TEXT)
    twice = appeal_decided(appealed(told, why, POLICY), by="mem_2", at=NOW, uphold=True, why="w" * 500)
    # then it fits into an item of DynamoDB, and leaves some room for what it holds
    item = case_to_item(twice)
    size = sum(len(name) + len(str(value).encode()) for name, value in item.items())
    assert size < 340 * 1024, size


@pytest.mark.parametrize("wrong", [{"decide_days": 0}, {"appeal_days": 6}, {"remind_hours": 0}, {"escalated_days": 61}])
def test_clocks_that_are_unfair_are_refused(wrong: dict[str, int]) -> None:
    check_policy(POLICY)
    assert refusal(lambda: check_policy(replace(POLICY, **wrong)), Invalid) == "invalid_policy"


DETECTORS = {
    "registration_cluster": Detector(
        name="registration_cluster", inputs=(), parameters={"limit": 8}, meaning={}, find=lambda seen, given: (),
        staff="{seen} of {limit} clients", partner="{seen} of your clients registered from one network.",
    )
}  # fmt: skip


class TestWhatThePartnerSees:
    def test_the_sentence_with_its_own_values_and_never_a_threshold_or_evidence(self) -> None:
        finding = a_finding("c1", "c2", evidence=Evidence(clusters=(Cluster("prefix", "network 1", ("c1",), 12),)))
        case = a_case("c1", "c2", held={("EUR", "2026-12-21"): 5}, stop="hld_1")
        view = partner_view(case, [finding], DETECTORS)
        [sentence] = view.sentences
        assert sentence.text.format(**sentence.values) == "9 of your clients registered from one network."
        assert (view.clients, view.held, view.stops_payouts) == (("c1", "c2"), {"EUR": 5}, True)
        for hidden in ("limit", "8", "network 1", "9 of 12", "threshold", "hld_1", "system:"):
            assert hidden not in repr(replace(view, opened_at=NOW, case="")).replace("2026, 12, ", ""), hidden

    def test_answers_of_both_sides_without_notes_and_without_names_of_staff(self) -> None:
        case = a_case("c1")
        for by, side, text in (("mem_o", "partner", "mine"), ("mem_s", "staff", "theirs"), ("mem_s", "note", "hidden")):
            case = answered(case, Answer(at=NOW, by=by, side=side, text=text))
        view = partner_view(case, [], DETECTORS)
        assert [(each.by, each.text) for each in view.said] == [("mem_o", "mine"), ("", "theirs")]

    def test_a_verdict_once_it_is_carried_out_with_its_reason_and_how_long_to_appeal(self) -> None:
        case = disallowed(a_case("c1"))
        assert partner_view(case, [], DETECTORS).verdict is None
        told = replace(case, freed_at=NOW, appeal_by=NOW + timedelta(days=14))
        view = partner_view(told, [], DETECTORS)
        assert view.verdict is not None
        assert (view.verdict.code, view.verdict.why, view.verdict.clients) == ("wash_trades", "w", ("c1",))
        assert view.may_appeal_until == NOW + timedelta(days=14)
        assert "mem_1" not in repr(view)


def test_a_case_of_more_clients_than_it_can_name_is_about_all_that_is_not_paid_out() -> None:
    named = tuple(f"{number:022d}" for number in range(MOST_CLIENTS + 1))
    assert not a_case(*named[:-1]).whole
    large = a_case(*named)
    assert (len(large.clients), large.whole) == (MOST_CLIENTS, True)
