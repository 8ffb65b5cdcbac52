"""What partners see of a contest while it runs is what the facts say after it: `benchmarks.contests`, small."""

from __future__ import annotations

import pytest

from benchmarks.contests import by_the_handler
from benchmarks.crowd import Crowd
from introducer.store.contests import entry_key


@pytest.mark.parametrize("scattered", [False, True])
def test_the_board_is_what_the_facts_say_in_whatever_order_events_came(scattered: bool) -> None:
    found = by_the_handler(30, 300, scattered=scattered)
    assert (found.differences, found.ranked) == (0, 30)


def test_a_page_with_the_own_place_takes_two_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("introducer.services.read_board.PAGE", 4)
    found = by_the_handler(30, 300)
    assert (found.pages, found.page_reads) == (8, 2)


def test_one_event_more_on_the_board_than_in_the_facts_is_seen() -> None:
    def counts_once_more(crowd: Crowd, contest: str) -> None:
        key = entry_key(contest, crowd.partners[7])
        item = crowd.book(key)
        crowd.put_book({**item, "ftd": {"N": str(int(item["ftd"]["N"]) + 1)}})

    assert by_the_handler(30, 300, before_the_board=counts_once_more).differences > 0
