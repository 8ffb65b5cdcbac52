"""Who clients are: known before, or the partner's own; and an account that two partners are paid to."""

from __future__ import annotations

import pytest

from introducer.domain.fraud import duplicate_person, self_referral, shared_account
from introducer.domain.fraud.finding import Detector, Finding
from introducer.domain.fraud.seen import Match
from introducer.domain.fraud.trace import Trace
from tests.support.fraud import PARTNER, TODAY, Scene, a_trace, date, moment, ordinary


def found(detector: Detector, scene: Scene) -> Finding | None:
    findings = detector.look(scene.seen())
    assert len(findings) <= 1
    return findings[0] if findings else None


def some(count: int, name: str = "again", start: int = 30, days: int = 29, **fields: str) -> list[Trace]:
    return [
        a_trace(f"{name}-{number}", moment(start) + int(number * days / max(1, count - 1) * 86_400_000), **fields)
        for number in range(count)
    ]


def known(clients: list[Trace], kind: str = "email", before: str = "elsewhere-{n}") -> dict[str, tuple[Match, ...]]:
    return {each.client: (Match(kind, before.replace("{n}", str(number)), ""),) for number, each in enumerate(clients)}


def own_people(clients: list[Trace], kind: str = "email", partner: str = PARTNER) -> dict[str, tuple[Match, ...]]:
    return {each.client: (Match(kind, "", partner),) for each in clients}


# ----------------------------------------------------------------------------------------------------- duplicate person


def duplicates(scene: Scene) -> Finding | None:
    return found(duplicate_person.DETECTOR, scene)


@pytest.mark.parametrize("kind", ["email", "phone", "device"])
def test_three_clients_whom_the_brand_knew_before(kind: str) -> None:
    clients = some(3)
    finding = duplicates(Scene().with_clients(clients).matching(known(clients, kind)))

    assert finding is not None
    assert finding.clients == ("again-0", "again-1", "again-2")
    assert (finding.measured, finding.first, finding.through) == (3, date(30), date(59))
    assert [cluster.kind for cluster in finding.evidence.clusters] == [kind]


def test_two_or_three_in_more_than_thirty_days_are_nothing() -> None:
    for clients in (some(2), some(3, days=31, start=20)):
        assert duplicates(Scene().with_clients(clients).matching(known(clients))) is None


def test_three_of_seven_are_too_many_and_three_of_two_hundred_are_not() -> None:
    clients = some(3)

    def among(others: int) -> Scene:
        return Scene().with_clients([*ordinary(others, days=range(31, 59)), *clients]).matching(known(clients))

    assert duplicates(among(4)) is not None
    assert duplicates(among(200)) is None


def test_families_share_a_device_with_a_client_of_the_same_partner() -> None:
    # given a hundred clients of whom four are somebody's wife or brother
    others, clients = ordinary(100), some(4)
    same = {each.client: (Match("device", others[number].client, ""),) for number, each in enumerate(clients)}

    assert duplicates(Scene().with_clients([*others, *clients]).matching(same)) is None


def test_a_member_elsewhere_or_an_address_makes_nobody_a_duplicate() -> None:
    clients = some(5)

    assert duplicates(Scene().with_clients(clients).matching(own_people(clients))) is None
    assert duplicates(Scene().with_clients(clients).matching(known(clients, "address"))) is None


def test_duplicates_before_the_clearing_do_not_count() -> None:
    clients = some(4)
    scene = Scene().with_clients(clients).matching(known(clients))

    assert duplicates(scene.clear("duplicate_person", 38)) is not None
    assert duplicates(scene.clear("duplicate_person", 39)) is None


# -------------------------------------------------------------------------------------------------------- self-referral


def own(scene: Scene) -> Finding | None:
    return found(self_referral.DETECTOR, scene)


@pytest.mark.parametrize("kind", ["email", "phone"])
def test_two_clients_who_are_members_among_a_hundred_others(kind: str) -> None:
    clients = some(2)
    finding = own(Scene().with_clients([*ordinary(100), *clients]).matching(own_people(clients, kind)))

    assert finding is not None
    assert (finding.clients, finding.measured) == (("again-0", "again-1"), 2)
    assert [cluster.kind for cluster in finding.evidence.clusters] == [kind]


def test_one_who_tries_his_own_link_is_nothing() -> None:
    assert own(Scene().with_clients(some(1)).matching(own_people(some(1)))) is None


def test_two_in_more_than_thirty_days_are_nothing() -> None:
    clients = some(2, days=30, start=20)

    assert own(Scene().with_clients(clients).matching(own_people(clients))) is None


def test_members_of_another_partner_are_that_ones_business() -> None:
    clients = some(4)

    assert own(Scene().with_clients(clients).matching(own_people(clients, partner="par_b"))) is None


def test_the_address_of_a_member_counts_with_a_device_that_is_shared_or_unknown() -> None:
    for fields in ({"device": "one"}, {}):
        clients = some(2, **fields)
        scene = Scene().with_clients([*ordinary(100), *clients]).matching(own_people(clients, "address"))
        assert own(scene) is not None


def test_two_in_the_members_office_with_devices_of_their_own_are_chance() -> None:
    clients = [a_trace(f"office-{number}", moment(40 + number), device=f"own-{number}") for number in range(2)]

    def among(others: int) -> Scene:
        scene = Scene().with_clients([*ordinary(others, days=range(35, 58)), *clients])
        return scene.matching(own_people(clients, "address"))

    assert own(among(40)) is None
    # Of four clients two would not be.
    assert own(among(2)) is not None


def test_own_people_before_the_clearing_do_not_count() -> None:
    clients = some(2)

    assert own(Scene().with_clients(clients).matching(own_people(clients)).clear("self_referral", 30)) is None


# ------------------------------------------------------------------------------------------------------- shared account


def test_another_partner_is_paid_to_the_same_account() -> None:
    finding = found(shared_account.DETECTOR, Scene(others=("par_b",)))

    assert finding is not None
    assert (finding.clients, finding.measured, finding.first) == ((), 1, TODAY)
    assert finding.values["others"] == "par_b"
    assert finding.evidence.clusters[0].of == 2


def test_an_account_of_its_own_or_one_that_was_cleared() -> None:
    assert found(shared_account.DETECTOR, Scene()) is None
    assert found(shared_account.DETECTOR, Scene(others=("par_b",)).clear("shared_account", 12)) is None
