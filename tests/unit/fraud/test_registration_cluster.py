"""Registration cluster: clients who have more in common than a partner."""

from __future__ import annotations

from typing import Any

import pytest

from introducer.domain.fraud import registration_cluster
from introducer.domain.fraud.finding import Finding
from introducer.domain.fraud.trace import Trace
from tests.support.fraud import Scene, a_trace, date, euro, moment, ordinary

LOOK = registration_cluster.DETECTOR


def alike(count: int, days: float = 5, start: int = 40, name: str = "alike", **fields: Any) -> list[Trace]:
    """Clients registered evenly over so many days; `{n}` in a text is their number."""
    found = []
    for number in range(count):
        own = {
            key: value.replace("{n}", str(number)) if isinstance(value, str) else value for key, value in fields.items()
        }
        found.append(a_trace(f"{name}-{number}", moment(start) + int(number * days * 86_400_000 / count), **own))
    return found


def found(*traces: list[Trace], cleared: int | None = None) -> Finding | None:
    scene = Scene()
    for each in (ordinary(60), *traces):
        scene.with_clients(each)
    if cleared is not None:
        scene.clear(LOOK.name, cleared)
    findings = LOOK.look(scene.seen())
    assert len(findings) <= 1
    return findings[0] if findings else None


@pytest.mark.parametrize("common", [{"device": "d"}, {"pattern": "p"}, {"disposable": True}])
def test_eight_clients_within_a_week_are_found_and_seven_are_not(common: dict[str, Any]) -> None:
    finding = found(alike(8, **common))

    assert finding is not None
    assert finding.clients == tuple(f"alike-{number}" for number in range(8))
    assert (finding.measured, finding.threshold) == (8, 8)
    assert found(alike(7, **common)) is None


def test_eight_within_more_than_a_week_are_not() -> None:
    assert found(alike(8, days=8.1, device="d")) is None


def test_eight_from_one_network_who_share_devices() -> None:
    assert found(alike(8, prefix="net", device="device-{n}")) is None

    clients = alike(8, prefix="net")
    shared = [a_trace(each.client, each.registered, prefix="net", device=f"d{index % 3}") for index, each in
              enumerate(clients)]  # fmt: skip
    finding = found(shared)

    assert finding is not None
    assert [(cluster.kind, cluster.label, len(cluster.clients)) for cluster in finding.evidence.clusters] == [
        ("prefix", "network 1", 8)
    ]


def test_a_network_of_which_nobody_ever_does_anything() -> None:
    # given others of whom a good part confirms who it is, and 20 behind one network of whom nobody does
    assert found(alike(20, prefix="net", device="device-{n}")) is not None


def test_a_network_of_which_everybody_pays_in() -> None:
    paying = [
        a_trace(each.client, each.registered, prefix="net", device=each.client, kyc=True, qualified=True,
                deposits=(euro(each.registered + 3_600_000, 250),))
        for each in alike(8)
    ]  # fmt: skip

    assert found(paying) is not None


def test_an_office_is_no_cluster() -> None:
    # given fifteen colleagues of one network, with their own devices, who fare as others do
    office = [
        a_trace(each.client, each.registered, prefix="office", address="office", device=each.client, kyc=index % 2 == 0,
                deposits=(euro(each.registered + 3_600_000, 300),) if index % 4 == 0 else ())
        for index, each in enumerate(alike(15, days=4))
    ]  # fmt: skip

    assert found(office) is None


def test_a_university_that_was_there_all_along_is_no_cluster() -> None:
    # given a network from which clients come all the time, with shared devices in its rooms
    steady = alike(60, days=55, start=0, name="steady", prefix="campus")
    week = alike(10, days=5, start=52, name="week", prefix="campus")
    steady = [a_trace(each.client, each.registered, prefix="campus", device=f"room-{index % 30}")
              for index, each in enumerate(steady + week)]  # fmt: skip

    assert found(steady) is None


def test_a_large_partner_has_eight_of_everything() -> None:
    # given 3,000 clients of whom one in fifty uses a throw-away address
    many = [
        a_trace(each.client, each.registered, disposable=index % 50 == 0)
        for index, each in enumerate(ordinary(3000, name="many"))
    ]

    assert LOOK.look(Scene().with_clients(many).seen()) == ()


def test_families_share_a_device() -> None:
    families = [
        a_trace(each.client, each.registered, device=f"family-{index // 3}")
        for index, each in enumerate(ordinary(300, name="family"))
    ]

    assert LOOK.look(Scene().with_clients(families).seen()) == ()


def test_what_came_before_it_was_cleared_does_not_count() -> None:
    assert found(alike(8, device="d"), cleared=46) is None
    # Five of the ten came after.
    assert found(alike(10, days=6, device="d"), cleared=42) is None


def test_a_device_that_was_cleared_is_expected_and_another_is_not() -> None:
    before = alike(20, start=20, name="before", device="known")

    assert found(before, alike(8, start=50, device="known"), cleared=45) is None
    finding = found(before, alike(8, start=50, device="new"), cleared=45)
    assert finding is not None
    assert (finding.first, len(finding.clients)) == (date(50), 8)


def test_several_clusters_are_one_finding_with_numbers() -> None:
    finding = found(alike(8, device="a", name="a"), alike(12, device="b", name="b", start=50), alike(9, pattern="p"))

    assert finding is not None
    assert [cluster.label for cluster in finding.evidence.clusters] == ["device 1", "device 2", "pattern 1"]
    assert (finding.measured, len(finding.clients)) == (12, 29)
    assert finding.values["groups"] == "3"
    assert len(finding.evidence.timeline) == 50
