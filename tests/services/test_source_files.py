"""Platforms' files: each version is read once, wherever a reader is cut off; broken rows are kept, the rest goes on."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from introducer.domain.configuration import Availability, Source
from introducer.domain.errors import Conflict, Invalid, NotFound, Unavailable
from introducer.domain.source_file import CHUNK, LARGEST, LEASE_MS, FileStatus, SourceFile, place_of
from introducer.gateways.source_files import SourceBucket
from introducer.services import take_file as module
from introducer.services.take_file import FileReader, Outcome, read_again, take_file
from introducer.store.facts import Facts
from introducer.store.source_files import SourceFiles
from tests.support.house import SET_UP, House, a_house
from tests.support.payouts import BRAND

pytestmark = pytest.mark.in_memory

SERVER = "mt5-files"
SETTINGS = {"currency": "EUR", "time_zone": "Europe/Nicosia", "volume": "lots"}
HEAD = "Time;Deal;Login;Symbol;Type;Direction;Volume;Commission;Fee;Swap;Profit;Comment"


@dataclass
class Objects:
    """S3, as far as files are read from it."""

    found: dict[tuple[str, str], tuple[bytes, datetime]] = field(default_factory=dict)
    reads: int = 0

    def _get(self, given: dict[str, Any]) -> tuple[bytes, datetime]:
        try:
            return self.found[given["Key"], given["VersionId"]]
        except KeyError:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject") from None

    def head_object(self, **given: Any) -> dict[str, Any]:
        body, at = self._get(given)
        return {"ContentLength": len(body), "LastModified": at}

    def get_object(self, **given: Any) -> dict[str, Any]:
        self.reads += 1
        return {"Body": io.BytesIO(self._get(given)[0])}


@dataclass
class Files:
    """A house with a source that sends files."""

    house: House
    objects: Objects = field(default_factory=Objects)
    elapsed: float = 0.0

    def __post_init__(self) -> None:
        self.files = SourceFiles("books")
        settings = json.dumps(SETTINGS)
        self.source = Source(source=SERVER, brand=BRAND, dialect="mt5", status=Availability.ACTIVE, settings=settings)
        self.house.configuration.register_source(self.source, SET_UP)

    def puts(self, text: str, name: str = "march.csv", version: str = "v1") -> str:
        key = f"sources/{SERVER}/{name}"
        self.objects.found[key, version] = (text.encode(), self.house.now)
        return key

    def reads(self, key: str, version: str = "v1", within: float = 780.0) -> tuple[Outcome, SourceFile]:
        reader = FileReader(
            intake=self.house.intake, files=self.files, bucket=SourceBucket(self.objects, "files"),
            now=lambda: self.house.now, elapsed=lambda: self.elapsed, end_within=within,
        )  # fmt: skip
        return take_file(reader, key=key, version=version)

    def events(self) -> int:
        return sum(pk.startswith("E#") for pk, _ in self.house.memory.tables["facts"].items)

    def kept(self) -> dict[str, str]:
        found = self.house.facts.every_quarantined(BRAND, SERVER, self.house.now.date().isoformat())
        return {each.detail.partition(":")[0]: each.reason for each in found}


def report(number: int, *more: str) -> str:
    """A report of so many deposits."""
    rows = [f"2026.03.02 12:00:00;{9000 + each};{700 + each};;balance;;;;;;100.00;" for each in range(number)]
    return "\n".join([HEAD, *rows, *more])


@pytest.fixture
def world() -> Iterator[Files]:
    with a_house() as house:
        yield Files(house)


def test_a_file_is_read_by_hundreds_and_its_broken_rows_are_kept_with_file_and_line(world: Files) -> None:
    broken = "2026.03.02 12:00:00;9999;700;;balance;;;;;;plenty;"
    opened = "2026.03.02 12:00:00;9998;700;EURUSD;buy;in;0.1;;;;;"
    last = "2026.03.02 12:00:00;9997;701;;balance;;;;;;50.00;"
    key = world.puts(report(CHUNK + 20, broken, opened, "9;9", last))
    outcome, file = world.reads(key)
    assert (outcome, file.status, file.lines) == (Outcome.DONE, FileStatus.DONE, CHUNK + 24)
    assert file.counts == {"accepted": CHUNK + 21, "duplicate": 0, "quarantined": 2, "ignored": 1}
    assert world.kept() == {"march.csv, line 122": "invalid_number", "march.csv, line 124": "wrong_columns"}
    assert world.events() == CHUNK + 21
    # told of again it is known, without being looked at
    looks = world.objects.reads
    assert world.reads(key) == (Outcome.KNOWN, file) and world.objects.reads == looks
    # and the same rows in another version of it are known rows
    again, other = world.reads(world.puts(report(CHUNK + 20), version="v2"), "v2")
    assert (again, other.counts["duplicate"], other.counts["accepted"]) == (Outcome.DONE, CHUNK + 20, 0)
    assert [each.file for each in world.files.files(SERVER).items] in (
        [file.file, other.file], [other.file, file.file]
    )  # fmt: skip


def test_a_reader_that_is_cut_off_after_any_row_is_followed_by_one_that_goes_on(
    world: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    put = Facts.put_event
    for dies_at in range(1, 6):
        key, count = world.puts(report(5), f"{dies_at}.csv"), iter(range(1, 100))

        def dying(self: Facts, event: Any, count: Any = count, dies_at: int = dies_at) -> Any:
            if next(count) == dies_at:
                raise KeyboardInterrupt  # the process ends here
            return put(self, event)

        with monkeypatch.context() as patch:
            patch.setattr(Facts, "put_event", dying)
            with pytest.raises(KeyboardInterrupt):
                world.reads(key)
        # another reader keeps away for as long as the first might live
        with pytest.raises(Unavailable):
            world.reads(key)
        world.house.now += world.house.now.resolution * 1000 * (LEASE_MS + 1)
        outcome, file = world.reads(key)
        assert (outcome, file.lines, sum(file.counts.values())) == (Outcome.DONE, 5, 5)
        assert world.events() == 5


def test_a_file_that_takes_longer_than_a_run_goes_on_in_the_next(world: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    key, outcomes = world.puts(report(5)), []
    while not outcomes or outcomes[-1] is Outcome.MORE:
        outcome, file = world.reads(key, within=0.0)
        outcomes.append(outcome)
    assert outcomes == [Outcome.MORE] * 3 + [Outcome.DONE]
    assert (file.counts["accepted"], file.counts["duplicate"]) == (5, 0)


def test_when_the_store_fails_the_file_waits_for_the_next_reader(world: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(self: Facts, event: Any) -> Any:
        raise Unavailable("The tables do not answer.")

    key = world.puts(report(2))
    with monkeypatch.context() as patch:
        patch.setattr(Facts, "put_event", down)
        with pytest.raises(Unavailable):
            world.reads(key)
    assert world.reads(key)[1].counts["accepted"] == 2


@pytest.mark.parametrize(
    ("body", "code"), [(b"{", "not_json"), (b"one column", "no_header"), (b"a;b\n\xdc;", "not_utf8")]
)
def test_a_file_that_cannot_be_read_says_why_and_can_be_read_again(world: Files, body: bytes, code: str) -> None:
    key = world.puts(report(1))
    world.objects.found[key, "v1"] = (body, world.house.now)
    outcome, file = world.reads(key)
    assert (outcome, file.status, file.error) == (Outcome.FAILED, FileStatus.FAILED, code)
    again = read_again(world.files, file)
    assert (again.status, again.lines, again.error) == (FileStatus.READING, 0, "")
    with pytest.raises(Conflict):
        read_again(world.files, again)
    with pytest.raises(Conflict):
        read_again(world.files, file)
    assert world.reads(key)[0] is Outcome.FAILED


def test_a_paused_source_and_a_file_that_is_too_large_are_not_read(
    world: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = world.puts(report(1))
    monkeypatch.setattr(world.objects, "head_object", lambda **given: {
        "ContentLength": LARGEST + 1, "LastModified": world.house.now
    })  # fmt: skip
    assert world.reads(key)[1].error == "file_too_large"
    monkeypatch.undo()
    paused = replace(world.source, status=Availability.PAUSED)
    world.house.configuration.change_source(world.source, paused, "pause_source", SET_UP)
    assert world.reads(world.puts(report(1), "later.csv"))[1].error == "source_paused"
    assert (world.events(), world.objects.reads) == (0, 0)


@pytest.mark.parametrize(
    "key", ["", "sources/", "sources/mt5", "sources/mt5/", "sources/Mt5/a", "verification/mt5/a", "sources/../a"]
)
def test_what_stands_elsewhere_is_no_file_of_a_source(key: str) -> None:
    with pytest.raises(Invalid) as refused:
        place_of(key)
    assert refused.value.code == "no_source_file"


def test_a_file_of_nobody_and_one_that_is_gone_are_told_to_whoever_watches(world: Files) -> None:
    for key in ("sources/nobody/a.csv", f"sources/{SERVER}/gone.csv"):
        with pytest.raises(NotFound):
            world.reads(key)
