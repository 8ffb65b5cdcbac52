"""What holds for every detector: its words, its evidence, the order of what it sees, and honest partners."""

from __future__ import annotations

import json
import string
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from introducer.domain.events import LOT
from introducer.domain.fraud.finding import Detector, Finding
from introducer.domain.fraud.registry import DETECTORS, detector, score
from introducer.domain.fraud.seen import Match, Seen
from tests.support.fraud import PARTNER, Scene, a_trace, euro, moment, ordinary, peers, shuffled

NAMES = {
    "conversion_jump", "registration_cluster", "deposit_and_withdraw", "duplicate_person", "self_referral",
    "click_flooding", "click_timing", "stuffing", "minimal_deposit", "wash_trades", "chargebacks", "shared_account",
}  # fmt: skip


def everything_at_once() -> Scene:
    """A partner with which everything is wrong."""
    hour, clients = 3_600_000, ordinary(60)
    common: dict[str, Any] = {"prefix": "HASH-prefix", "device": "HASH-device", "pattern": "HASH-pattern"}
    for number in range(24):
        registered = moment(46 + number % 2, 1 + number % 12) + number * 977_777
        paid, lots = registered + hour, 10 * LOT * (number % 4 == 0)
        clients.append(
            a_trace(f"bad-{number:02d}", registered, since_click=3, email="HASH-email", phone="HASH-phone",
                    address="HASH-address", disposable=True, kyc=True, deposits=(euro(paid, 250),), trades=1,
                    qualified=True, withdrawals=(euro(paid + hour, 250),), chargebacks=1, lots=lots,
                    quick_lots=lots, flat_lots=lots, **common)
        )  # fmt: skip
    clients += [a_trace(f"jump-{number}", moment(53, 15) + number * 61_001) for number in range(60)]
    clients += [a_trace(f"late-{number}", moment(25, 20), since_click=30_000 + number * 777) for number in range(6)]
    scene = Scene(others=("par_b",), peers=peers(spread=0), stuffed={50: 500}, clicks={25: 4000},
                  buckets={25: (2000, 2000, *[0] * 14)})  # fmt: skip
    matches = {f"bad-{number:02d}": (Match("email", "c0", ""), Match("phone", "", PARTNER)) for number in range(24)}
    return scene.with_clients(clients).matching(matches)


@pytest.fixture(scope="module")
def findings() -> tuple[Finding, ...]:
    return score(everything_at_once().seen())


def test_all_twelve_are_registered_under_their_names() -> None:
    assert {each.name for each in DETECTORS} == NAMES
    assert len(DETECTORS) == 12
    assert all(detector(each.name) is each for each in DETECTORS)
    assert detector("unheard_of") is None


def test_each_of_them_finds_its_own(findings: tuple[Finding, ...]) -> None:
    assert [each.detector for each in findings] == [each.name for each in DETECTORS]


def test_no_finding_has_a_hash_in_it(findings: tuple[Finding, ...]) -> None:
    assert "HASH" not in json.dumps([asdict(each) for each in findings])


def test_every_finding_says_who_when_and_how_much(findings: tuple[Finding, ...]) -> None:
    for each in findings:
        assert each.first <= each.through
        assert each.measured >= each.threshold
        assert list(each.clients) == sorted(set(each.clients))
        assert all(isinstance(value, str) and value for value in each.values.values())
        clusters = each.evidence.clusters
        assert all(set(cluster.clients) <= set(each.clients) and cluster.of >= len(cluster.clients) > 0
                   for cluster in clusters if cluster.kind != "account")  # fmt: skip
        timeline = each.evidence.timeline
        assert len(timeline) <= 50
        assert list(timeline) == sorted(timeline)
        assert clusters or each.evidence.series


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("each", DETECTORS, ids=lambda each: each.name)
def test_words_have_the_values_that_they_need(each: Detector, findings: tuple[Finding, ...]) -> None:
    values = next(finding.values for finding in findings if finding.detector == each.name)

    assert places(each.staff) <= set(values)
    assert "{" not in each.staff.format(**values)
    # Partners are told when, never how much of what.
    assert places(each.partner) <= {"first", "through"}
    assert each.partner.format(**values).endswith(".")


@pytest.mark.parametrize("each", DETECTORS, ids=lambda each: each.name)
def test_every_parameter_is_explained_and_every_input_is_seen(each: Detector) -> None:
    assert set(each.parameters) == set(each.meaning)
    assert set(each.inputs) <= set(Seen.__slots__)


@given(st.integers())
@settings(max_examples=10, deadline=None)
def test_the_order_of_clients_and_peers_does_not_matter(seed: int) -> None:
    seen = everything_at_once().seen()

    assert score(shuffled(seen, seed)) == score(seen)


@given(
    count=st.sampled_from((0, 1, 3, 10, 40, 120, 400)),
    more=st.sampled_from((0, 5, 60)),
    seed=st.integers(0, 10**6),
    clicks=st.integers(30, 60),
)
@settings(max_examples=60, deadline=None)
def test_honest_partners_of_any_size_are_not_found_nor_with_more_of_the_same(
    count: int, more: int, seed: int, clicks: int
) -> None:
    clients = [*ordinary(count, seed=seed), *ordinary(more, seed=seed + 1, name="more")]
    scene = Scene(usual_clicks=max(2, (count + more) * clicks // 60)).with_clients(clients)

    assert score(scene.seen()) == ()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_what_was_cleared_today_is_no_question_today(name: str) -> None:
    scene = everything_at_once()
    scene.clear(name, 59)

    assert name not in {each.detector for each in score(scene.seen())}


def test_clients_of_a_verdict_are_not_found_again() -> None:
    scene = everything_at_once()
    named = {client for each in score(scene.seen()) for client in each.clients}
    scene.traces = [
        a_trace(each.client, each.registered, disallowed=True) if each.client in named else each
        for each in scene.traces
    ]
    left = {each.detector for each in score(scene.seen())}

    assert not left - {"shared_account", "stuffing", "click_flooding"}
