"""MaxMind DB files: what is written is read back, MaxMind's own test files say what MaxMind says they do, and a damaged
file is refused and never more."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import mmdb
from tests.support.functions import load

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "maxmind"

SAID = {
    "203.0.113.0/24": {"autonomous_system_number": 64500, "is_hosting_provider": True},
    "203.0.113.128/25": {"autonomous_system_number": 64501},
    "198.51.100.7/32": {"country": {"iso_code": "TH", "names": {"en": "Thailand", "th": "ไทย"}}},
    "2001:db8::/32": {"big": 2**40, "small": 0, "list": ["a", {"b": False}], "long": "x" * 300, "longer": "y" * 70_000},
}


reader = load("redirect", "maxmind")
"""The module as the function has it."""


@pytest.mark.parametrize("size", [24, 28, 32])
@pytest.mark.parametrize("version", [4, 6])
def test_every_network_is_found_by_any_of_its_addresses(tmp_path: Path, size: int, version: int) -> None:
    said = {name: record for name, record in SAID.items() if version == 6 or ":" not in name}
    file = reader.Maxmind(mmdb.write(tmp_path, "x.mmdb", said, record_size=size, ip_version=version, kind="GeoX"))
    # then
    assert file.kind == "GeoX"
    for address, network in (
        ("203.0.113.0", "203.0.113.0/24"),
        ("203.0.113.127", "203.0.113.0/24"),
        ("203.0.113.128", "203.0.113.128/25"),
        ("203.0.113.255", "203.0.113.128/25"),
        ("198.51.100.7", "198.51.100.7/32"),
    ):
        assert file.find(ip_address(address)) == SAID[network]
    for address in ("203.0.112.255", "203.0.114.0", "198.51.100.6", "0.0.0.0", "255.255.255.255", "2001:db9::"):
        assert file.find(ip_address(address)) is None
    assert file.find(ip_address("2001:db8:ffff::1")) == (SAID["2001:db8::/32"] if version == 6 else None)


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        (b"\x20\x09", 9),
        (b"\x25\x05", 0x505),
        (b"\x28\x00\x07", 2048 + 7),
        (b"\x2a\x01\x00", 2048 + 0x20100),
        (b"\x30\x00\x00\x07", 526_336 + 7),
        (b"\x31\x00\x00\x07", 526_336 + 0x1000007),
        (b"\x38\x00\x08\x10\x07", 0x81007),
    ],
)
def test_pointers_of_each_length_lead_to_their_place(pointer: bytes, place: int) -> None:
    section = pointer.ljust(place, b"\0") + b"\x42DE"
    assert reader._Record(section, 0, len(section)).value(0) == ("DE", len(pointer))


ANONYMOUS = {
    "1.2.0.1": {"is_anonymous": True, "is_anonymous_vpn": True},
    "71.160.223.45": {"is_anonymous": True, "is_hosting_provider": True},
    "186.30.236.11": {"is_anonymous": True, "is_public_proxy": True},
    "65.4.3.2": {"is_anonymous": True, "is_tor_exit_node": True},
    "10.1.2.3": None,
}
SYSTEMS = {"1.128.0.0": 1221, "12.81.92.0": 7018, "2600:7000::1": 6939, "216.160.83.56": 209, "10.1.2.3": None}
COUNTRIES = {"81.2.69.142": "GB", "216.160.83.56": "US", "2001:218::1": "JP", "89.160.20.128": "SE", "10.1.2.3": None}


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("GeoIP2-Anonymous-IP-Test.mmdb", "GeoIP2-Anonymous-IP", ANONYMOUS),
        (
            "GeoLite2-ASN-Test.mmdb",
            "GeoLite2-ASN",
            {address: number and {"autonomous_system_number": number} for address, number in SYSTEMS.items()},
        ),
        (
            "GeoIP2-City-Test.mmdb",
            "GeoIP2-City",
            {address: code and {"country": {"iso_code": code}} for address, code in COUNTRIES.items()},
        ),
    ],
)
def test_maxminds_own_test_files_are_read(name: str, kind: str, says: dict[str, Any]) -> None:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"../shared/data/maxmind/{name} is not here")
    file = reader.Maxmind(path)
    assert file.kind == kind
    for address, expected in says.items():
        found = file.find(ip_address(address))
        assert (found is None) == (expected is None), address
        assert expected is None or _holds(found, expected), address


def _holds(found: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        return all(_holds(found.get(name), value) for name, value in expected.items())
    return bool(found == expected)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a database",
        mmdb.MARK,
        mmdb.MARK + mmdb.encoded({"database_type": "x"}),
        mmdb.MARK + mmdb.encoded("a text"),
        mmdb.MARK + mmdb.encoded({"database_type": "x", "node_count": 1}),
        mmdb.a_database(SAID, node_count=10**9),
        mmdb.a_database(SAID, ip_version=5),
        # a pointer to itself
        mmdb.MARK + b"\x20\x00",
    ],
    ids=range(9),
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mmdb"
    path.write_bytes(content)
    with pytest.raises(reader.Unreadable):
        reader.Maxmind(path)


def test_a_record_that_points_in_a_circle_or_blows_up_is_refused(tmp_path: Path) -> None:
    # given a list that holds pointers to itself, sixteen times
    good = mmdb.a_database({"128.0.0.0/1": ["a" * 40]}, ip_version=4)
    begin = good.index(mmdb.encoded(["a" * 40]))
    circle = bytes([16, 4]) + b"\x20\x00" * 16
    path = tmp_path / "x.mmdb"
    path.write_bytes(good[:begin] + circle.ljust(len(mmdb.encoded(["a" * 40])), b"\0") + good[good.index(mmdb.MARK) :])
    file = reader.Maxmind(path)
    with pytest.raises(reader.Unreadable):
        file.find(ip_address("203.0.113.1"))


WHOLE = mmdb.a_database(SAID)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_file_is_refused_or_says_something_and_never_more(
    tmp_path: Path, changes: list[tuple[int, int]]
) -> None:
    damaged = bytearray(WHOLE)
    for at, byte in changes:
        # near the ends, where tree, records and description lie
        damaged[at if at % 2 else (at % 200 if at % 3 else len(WHOLE) - 1 - at % 300)] = byte
    path = tmp_path / "x.mmdb"
    path.write_bytes(damaged)
    try:
        file = reader.Maxmind(path)
    except reader.Unreadable:
        return
    for address in ("203.0.113.1", "203.0.113.200", "198.51.100.7", "2001:db8::1", "9.9.9.9"):
        try:
            file.find(ip_address(address))
        except reader.Unreadable:
            continue


@pytest.mark.parametrize("length", [0.1, 0.5, 0.9, 0.999])
def test_a_cut_file_is_refused(tmp_path: Path, length: float) -> None:
    path = tmp_path / "x.mmdb"
    path.write_bytes(WHOLE[: int(len(WHOLE) * length)])
    with pytest.raises(reader.Unreadable):
        reader.Maxmind(path)
