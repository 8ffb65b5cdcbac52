"""How fetching goes, and platforms' files: each question about them, asked of real tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from introducer.domain.errors import NotFound
from introducer.domain.pulling import Pull, begun, failed, read_on
from introducer.domain.source_file import FileStatus, SourceFile, done, file_id
from introducer.store.pulls import Pulls
from introducer.store.source_files import SourceFiles
from tests.conftest import Tables

pytestmark = pytest.mark.in_memory

AT = 1_772_701_207_123


def a_file(number: int, source: str = "mt5") -> SourceFile:
    key = f"sources/{source}/{number}.csv"
    return SourceFile(
        file=file_id(key, "v1"), source=source, brand="brd_1", key=key, object_version="v1", size=9, at=AT + number
    )


@pytest.mark.pattern("pull_of_source")
def test_a_pull_begins_at_the_beginning_and_moves_for_one_of_two_who_read_it(tables: Tables) -> None:
    pulls = Pulls(tables.books)
    first = pulls.pull("mt5")
    assert first == Pull(source="mt5")
    run = begun(first, AT)
    assert pulls.move(first, run) and not pulls.move(first, run)
    page = read_on(run, '{"begin":1}', {"accepted": 3, "ignored": 1}, AT + 1, caught_up=True)
    assert pulls.move(run, page)
    broken = failed(page, "platform_down", "It cannot answer.", AT + 2, lasting=True)
    assert pulls.move(page, broken)
    kept = pulls.pull("mt5")
    assert kept == broken
    assert kept.counts == {"accepted": 3, "duplicate": 0, "quarantined": 0, "ignored": 1}
    assert pulls.pull("mt4") == Pull(source="mt4")


@pytest.mark.pattern("file_of_source")
@pytest.mark.pattern("files_of_source")
def test_files_are_listed_newest_first_page_by_page_and_found_by_when_they_came(tables: Tables) -> None:
    files = SourceFiles(tables.books)
    made = [a_file(number) for number in range(5)]
    for each in (*made, a_file(1, "mt4")):
        assert files.create(each) and not files.create(replace(each, lines=9))
    first = files.files("mt5", limit=2)
    second = files.files("mt5", first.cursor, limit=2)
    third = files.files("mt5", second.cursor, limit=2)
    assert [*first.items, *second.items, *third.items] == made[::-1]
    assert third.cursor is None and files.files("nobody").items == ()
    # moved under its version
    read = done(made[0], AT + 9)
    assert files.move(made[0], read) and not files.move(made[0], read)
    assert files.file("mt5", AT, read.file) == read
    assert files.file("mt5", AT, read.file).status is FileStatus.DONE
    for source, at, file in (("mt4", AT, read.file), ("mt5", AT + 1, read.file), ("mt5", -1, "x" * 3000)):
        with pytest.raises(NotFound):
            files.file(source, at, file)
