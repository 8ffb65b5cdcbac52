"""`introducer source try` as an operator types it: for a dialect without any installation, and for a source of one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from introducer.domain.configuration import Availability, Source
from introducer_ops import sources
from introducer_ops.installation import NotFoundHere, Place
from tests.support.house import SET_UP, House, a_house
from tests.support.payouts import BRAND
from tests.support.samples import FILES, SAMPLES

APP = typer.Typer()
"""These commands alone: all of them take half a second to be made."""
sources.register(APP)


@pytest.fixture(autouse=True)
def _nothing_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: object) -> Place:
        raise NotFoundHere("No local cloud runs here.")

    monkeypatch.setattr(sources, "find", find)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch, _nothing_runs_here: None) -> Iterator[House]:
    with a_house() as found:
        place = Place(
            name="here", outputs={"BooksTableName": "books"}, url="", now=lambda: found.now, client=str, is_local=True
        )
        monkeypatch.setattr(sources, "find", lambda state_dir, stack: place)
        yield found


def tries(what: str, file: Path, *more: str) -> Result:
    return CliRunner().invoke(APP, ["source", "try", what, str(file), *more], env={"COLUMNS": "240"})


def settings_file(file: str) -> str:
    return str(SAMPLES / f"{FILES[file][1]}.settings.json")


@pytest.mark.parametrize("file", FILES)
def test_every_sample_is_shown_line_by_line_without_an_installation(file: str) -> None:
    result = tries(FILES[file][0], SAMPLES / file, "--settings", settings_file(file))
    assert result.exit_code == 0, result.output
    assert "would be kept for a person" in result.stdout and result.stdout.rstrip().endswith("Nothing was stored.")


def test_a_line_says_its_event_or_the_reason() -> None:
    shown = tries("mt5", SAMPLES / "mt5-page.json", "--settings", settings_file("mt5-page.json")).stdout.splitlines()
    assert "deposit" in shown[1] and "event_id=8801" in shown[1] and "amount=500" in shown[1]
    assert "ignored" in shown[2] and "opens: A position was opened" in shown[2]
    assert "kept" in shown[5] and "invalid_time" in shown[5]
    assert shown[-1] == (
        "9 rows: 6 would be events, 2 are not counted, 1 would be kept for a person. Nothing was stored."
    )


def test_rows_can_be_chosen_and_told_as_data(tmp_path: Path) -> None:
    twice = tmp_path / "twice.txt"
    twice.write_text("cid=abc&event=reg\ncid=abc&event=reg\ncid=abc&event=%7Bevent%7D\n")
    told = json.loads(tries("s2s", twice, "--json").stdout)
    assert told["counts"] == {"event": 1, "duplicate": 1, "ignored": 0, "kept": 1}
    assert [line["becomes"] for line in told["lines"]] == ["event", "duplicate", "kept"]
    kept = json.loads(tries("s2s", twice, "--json", "--only", "kept").stdout)
    assert [line["code"] for line in kept["lines"]] == ["unfilled_place"]
    assert "… and 2 more rows" in tries("s2s", twice, "--rows", "1").stdout


def test_what_contradicts_the_file_itself_would_be_kept_for_a_person(tmp_path: Path) -> None:
    file = tmp_path / "calls.txt"
    call = "cid=abc&event=ftd&currency=EUR&txid=T1&amount="
    lines = [f"{call}10", f"{call}10.00", f"{call}20", f"{call}10&status=rejected", f"{call}10&status=approved"]
    file.write_text("\n".join(lines))
    told = json.loads(tries("s2s", file, "--json").stdout)["lines"]
    assert [(line["becomes"], line.get("code")) for line in told] == [
        ("event", None),
        ("duplicate", None),
        ("kept", "event_conflict"),
        ("event", None),
        ("kept", "taken_back"),
    ]


def test_a_source_is_tried_with_its_own_settings_and_nothing_is_stored(house: House) -> None:
    for name, settings in (("live-one", '{"currency": "EUR", "time_zone": "UTC"}'), ("mt5-two", "{}")):
        source = Source(source=name, brand=BRAND, dialect="mt5", status=Availability.ACTIVE, settings=settings)
        house.configuration.register_source(source, SET_UP)
    before = house.all_text()

    shown = tries("live-one", SAMPLES / "mt5-page.json")

    assert "occurred_at=2026-03-02T10:00:00Z" in shown.stdout, "12:00 on a clock in UTC would be 10:00 by New York + 7"
    assert house.all_text() == before
    # what stands in a file goes before it, and a source may be called as a dialect is
    changed = tries("mt5-two", SAMPLES / "mt5-page.json", "--settings", settings_file("mt5-page.json"))
    assert "currency=USD" in changed.stdout
    assert tries("source:mt5", SAMPLES / "json-events.ndjson").exit_code == 0, "the house's own source, in our own JSON"
    refused = tries("mt5-two", SAMPLES / "mt5-page.json")
    assert (refused.exit_code, "time_zone" in refused.stderr, "currency" in refused.stderr) == (2, True, True)


@pytest.mark.parametrize(
    ("what", "file", "said"),
    [
        ("klingon", "mt5-page.json", "klingon is no dialect"),
        ("mt5", "mt5-page.json", "currency"),
        ("json", "nothing-there.json", "nothing-there.json cannot be read"),
        ("json", "mt5-report.csv", "The body is not JSON"),
    ],
)
def test_what_cannot_be_tried_is_told_with_what_to_do(what: str, file: str, said: str) -> None:
    result = tries(what, SAMPLES / file)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
    assert result.stdout == ""
