"""Addresses of data centres and hidden senders, and countries, by files or by what the edge says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support import mmdb
from tests.support.functions import load

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "maxmind"
VISITOR, HETZNER = "203.0.113.9", "24940"

Networks = Callable[..., ModuleType]


@pytest.fixture
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Networks:
    """The module in a new container, with these files and this setting."""

    def build(flagged: str | None = None, folder: Path = tmp_path) -> ModuleType:
        monkeypatch.setenv("NETWORKS_FOLDER", str(folder))
        if flagged is not None:
            monkeypatch.setenv("FLAGGED_NETWORKS", flagged)
        return load("redirect", "networks")

    return build


def test_without_files_the_edges_word_on_the_autonomous_system_decides(networks: Networks) -> None:
    module = networks()
    assert module.flags(VISITOR, HETZNER) == ["hosting"]
    # a carrier; nothing; no number; a number that is none
    for system in ("7470", "", "AS24940", "-1", "9" * 5000, "٢٤٩٤٠x"):
        assert module.flags(VISITOR, system) == []
    assert module.country(VISITOR) == ""


def test_what_people_browse_through_is_on_no_list_of_machines(networks: Networks) -> None:
    module = networks()
    # iCloud Private Relay, Warp, Google, Opera, Zscaler, carriers
    for system in (36183, 20940, 13335, 54113, 15169, 39832, 22616, 174, 6939, 7018, 12389, 45758):
        assert module.flags(VISITOR, str(system)) == []
    assert len(module.HOSTING) >= 60


def test_files_are_known_by_what_they_say_of_themselves(networks: Networks, tmp_path: Path) -> None:
    # given files of three kinds under any names
    mmdb.write(tmp_path, "a.mmdb", {"203.0.113.0/24": {"autonomous_system_number": 24940}}, kind="GeoLite2-ASN")
    hidden = {"198.51.100.0/25": {"is_anonymous": True, "is_tor_exit_node": True}}
    hosted = {"198.51.100.128/25": {"is_anonymous": True, "is_hosting_provider": True}}
    mmdb.write(tmp_path, "b.mmdb", hidden | hosted, kind="GeoIP2-Anonymous-IP")
    places = {"203.0.113.0/24": {"country": {"iso_code": "TH"}}, "192.0.2.0/24": {"country": {"iso_code": "th!"}}}
    mmdb.write(tmp_path, "c.mmdb", places, kind="DBIP-Country-Lite")
    # when
    module = networks()
    # then
    assert module.flags("203.0.113.9") == ["hosting"]
    assert module.flags("198.51.100.7") == ["anonymous"]
    assert module.flags("198.51.100.200") == ["hosting"]
    assert module.flags("192.0.2.1") == [] == module.flags("2001:db8::1") == module.flags("")
    assert (module.country("203.0.113.9"), module.country("192.0.2.1"), module.country("")) == ("TH", "", "")
    # and what the edge says of the system goes before the file
    assert module.flags("203.0.113.9", "7470") == []


def test_people_at_a_residential_address_that_others_hide_behind_are_not_flagged(
    networks: Networks, tmp_path: Path
) -> None:
    said = {"203.0.113.0/24": {"is_anonymous": True, "is_residential_proxy": True}}
    mmdb.write(tmp_path, "b.mmdb", said, kind="GeoIP2-Anonymous-IP")
    assert networks().flags("203.0.113.9") == []


@pytest.mark.parametrize(
    ("flagged", "given"),
    [(None, ["anonymous", "hosting"]), ("hosting", ["hosting"]), ("anonymous", ["anonymous"]), ("", [])],
)
def test_an_installation_says_which_of_the_flags_it_gives(
    networks: Networks, tmp_path: Path, flagged: str | None, given: list[str]
) -> None:
    said = {"203.0.113.0/24": {"is_anonymous_vpn": True, "is_hosting_provider": True}}
    mmdb.write(tmp_path, "b.mmdb", said, kind="GeoIP2-Anonymous-IP")
    assert networks(flagged).flags("203.0.113.9", HETZNER) == given


def test_a_damaged_file_is_told_once_and_the_others_serve(
    networks: Networks, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.mmdb").write_bytes(b"damaged")
    mmdb.write(tmp_path, "b.mmdb", {"203.0.113.0/24": {"autonomous_system_number": 24940}}, kind="GeoLite2-ASN")
    # and one of whose records one cannot be read
    whole = mmdb.a_database({"203.0.113.0/24": {"is_tor_exit_node": True}}, kind="GeoIP2-Anonymous-IP")
    record = mmdb.encoded({"is_tor_exit_node": True})
    assert whole.count(record) == 1
    (tmp_path / "c.mmdb").write_bytes(whole.replace(record, record[:-2] + b"\x00\xff"))
    module = networks()
    assert [module.flags(f"203.0.113.{number}")[-1:] for number in range(3)] == [["hosting"]] * 3
    (line,) = capsys.readouterr().out.splitlines()
    said: dict[str, Any] = json.loads(line)
    assert (said["message"], said["file"]) == ("networks_unread", "a.mmdb")


def test_a_folder_that_is_not_there_is_no_files(networks: Networks, tmp_path: Path) -> None:
    assert networks(folder=tmp_path / "none").flags(VISITOR) == []


@pytest.mark.parametrize(
    ("address", "flags"),
    [
        ("1.2.0.1", ["anonymous"]),
        ("71.160.223.45", ["hosting"]),
        ("186.30.236.11", ["anonymous"]),
        ("65.4.3.2", ["anonymous"]),
        ("81.2.69.142", ["anonymous", "hosting"]),
        ("216.160.83.56", []),
    ],
)
def test_maxminds_own_files_give_the_flags(networks: Networks, address: str, flags: list[str]) -> None:
    if not (DATA / "GeoIP2-Anonymous-IP-Test.mmdb").is_file():
        pytest.skip("../shared/data/maxmind is not here")
    module = networks(folder=DATA)
    assert module.flags(address) == flags
    assert module.country("81.2.69.142") == "GB"
