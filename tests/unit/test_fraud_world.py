"""The world in which detectors are judged: the same for a seed, labelled whole, and of the sizes it says."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest

from benchmarks.fraud.attacks import KINDS, how_many
from benchmarks.fraud.evaluating import Judgement, Score, evaluate
from benchmarks.fraud.reporting import false_holds, figures
from benchmarks.fraud.world import World, a_world
from introducer.domain import click_id
from introducer.domain.calendar import DAY_MS
from introducer.domain.events import EventType, milliseconds
from introducer.domain.fraud.finding import Finding
from introducer.domain.fraud.seen import Seen

PARTNERS, HISTORY, DAYS = 40, 10, 40


@cache
def small(seed: int = 1) -> World:
    return a_world(seed, partners=PARTNERS, history=HISTORY, days=DAYS, attacks_of_a_kind=1)


def a_finding(seen: Seen, clients: Sequence[str], detector: str = "registration_cluster") -> Finding:
    return Finding(
        detector=detector, clients=tuple(sorted(clients)), first=seen.today, through=seen.today, measured=1, threshold=1
    )


def judged(score: Score) -> Judgement:
    return evaluate(small(), score)


class TestTheWorld:
    def test_it_is_the_same_for_a_seed(self) -> None:
        again = a_world(1, partners=PARTNERS, history=HISTORY, days=DAYS, attacks_of_a_kind=1)
        assert again.attacks == small().attacks
        assert again.facts.clients == small().facts.clients
        assert again.facts.visits == small().facts.visits

    def test_another_seed_is_another_world(self) -> None:
        assert small(2).facts.clients != small().facts.clients

    def test_every_client_begins_with_a_registration_that_names_a_click_before_it(self) -> None:
        for client in small().facts.clients.values():
            first, *rest = client.events
            click = click_id.read(first.click_id or "")
            assert first.type is EventType.REGISTRATION
            assert click is not None and click.at_ms <= milliseconds(first.occurred_at)
            assert all(event.occurred_at >= first.occurred_at for event in rest)

    def test_what_pays_comes_after_what_it_asks_for(self) -> None:
        for client in small().facts.clients.values():
            deposits = [event.occurred_at for event in client.events if event.type is EventType.DEPOSIT]
            others = [
                event.occurred_at
                for event in client.events
                if event.type in (EventType.TRADE, EventType.WITHDRAWAL, EventType.CHARGEBACK)
            ]
            assert not others or min(deposits) <= min(others)

    def test_nothing_is_told_of_days_after_the_last(self) -> None:
        facts = small().facts
        assert all(
            0 <= facts.day(milliseconds(event.occurred_at)) < facts.days
            for client in facts.clients.values()
            for event in client.events
        )

    def test_clicks_are_counted_by_network(self) -> None:
        assert all(sum(visits.buckets) == visits.clicks for visits in small().facts.visits.values())


class TestTheLabels:
    def test_there_is_an_attack_of_every_kind_and_no_partner_has_two(self) -> None:
        partners = [partner for attack in small().attacks for partner in attack.partners]
        assert {attack.kind for attack in small().attacks} == set(KINDS)
        assert len(partners) == len(set(partners))

    @pytest.mark.parametrize("seed", [1, 2])
    def test_an_attack_has_its_size_in_its_densest_days(self, seed: int) -> None:
        for attack in small(seed).attacks:
            wanted = attack.size * attack.threshold
            # A click more or less, where it is a rate; and the days of a small world may end before the last
            # chargeback, withdrawal or deposit.
            assert attack.densest <= max(wanted * 1.02, how_many(attack.size, attack.threshold)), attack
            assert (attack.ripe is not None) <= (attack.size >= 1), attack

    def test_labelled_clients_are_those_of_the_attacking_partners_since_the_first_day(self) -> None:
        facts = small().facts
        for attack in small().attacks:
            assert attack.clients
            for client in attack.clients:
                assert facts.clients[client].partner in attack.partners
                assert facts.clients[client].registered >= facts.begins + attack.first_day * DAY_MS

    def test_nobody_attacks_before_the_history_is_over(self) -> None:
        assert all(attack.first_day >= HISTORY for attack in small().attacks)

    @pytest.mark.parametrize(
        ("size", "threshold", "clients"), [(0.5, 2, 1), (0.75, 2, 1), (0.75, 3, 2), (1, 8, 8), (1.5, 3, 5), (3, 4, 12)]
    )
    def test_a_size_below_one_stays_below_the_number(self, size: float, threshold: float, clients: int) -> None:
        assert how_many(size, threshold) == clients


class TestTheJudge:
    def test_whoever_finds_nothing_is_told_so(self) -> None:
        found = judged(lambda seen: ())
        assert found.scorings > 0
        assert figures([found]).recall_all == figures([found]).false_holds_per_1000 == 0
        assert all(each.escaped == each.money for each in found.outcomes)

    def test_whoever_names_just_the_labelled_clients_finds_everything(self) -> None:
        labelled = {client for attack in small().attacks for client in attack.clients}

        def know(seen: Seen) -> Sequence[Finding]:
            named = [each.client for each in seen.traces if each.client in labelled and not each.disallowed]
            return [a_finding(seen, named)] if named else []

        found = judged(know)
        assert figures([found]).recall_all == figures([found]).precision == 1
        assert false_holds(found) == []
        assert all(each.escaped == 0 for each in found.outcomes)

    def test_whoever_suspects_everybody_holds_honest_partners(self) -> None:
        def suspect(seen: Seen) -> Sequence[Finding]:
            new = [each.client for each in seen.traces if not each.disallowed]
            return [a_finding(seen, new)] if new and not seen.cleared else []

        found = judged(suspect)
        about = {run.partner for run in false_holds(found)}
        assert about
        assert not any(run.right for run in false_holds(found))
        assert figures([found]).precision < 0.5

    def test_a_released_case_is_cleared_and_a_decided_client_earns_nothing(self) -> None:
        cleared: set[str] = set()
        disallowed: set[str] = set()

        def look(seen: Seen) -> Sequence[Finding]:
            cleared.update(seen.partner for _ in seen.cleared)
            disallowed.update(each.client for each in seen.traces if each.disallowed)
            named = [each.client for each in seen.traces if not each.disallowed]
            return [a_finding(seen, named[:8])] if named and not seen.cleared else []

        judged(look)
        attackers = small().attackers
        assert cleared - attackers
        assert disallowed <= {client for attack in small().attacks for client in attack.clients}
        assert disallowed
