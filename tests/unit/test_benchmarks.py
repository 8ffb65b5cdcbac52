"""The benchmarks count by AWS's rules, and their file has its form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cost, payouts
from benchmarks.figures import Figures, percentile, shown
from benchmarks.meter import kind_of, targets
from benchmarks.units import Index, index_units, indexes_of, item_size, table_units, value_size
from introducer.store import keys

BY_OWNER = Index("by_owner", ("owner_pk", "owner_sk"), ("pk", "sk"))


def an_item(size: int, **more: str) -> dict[str, Any]:
    """An item of so many bytes, keys and other attributes included."""
    item: dict[str, Any] = {name: {"S": text} for name, text in {"pk": "P#1", "sk": "x", **more}.items()}
    return item | {"rest": {"S": "x" * (size - item_size(item) - len("rest"))}}


class TestTheSizeOfAnItem:
    @pytest.mark.parametrize(
        ("number", "size"),
        [("0", 1), ("7", 2), ("42", 2), ("100", 2), ("3720", 3), ("-5", 3), ("1.5", 3), ("0.0100", 2), ("1e40", 2)],
    )
    def test_a_number_costs_a_byte_per_two_digits_and_one_more(self, number: str, size: int) -> None:
        assert value_size({"N": number}) == size

    def test_names_and_values_count_in_utf_8(self) -> None:
        assert item_size({"näme": {"S": "ж"}, "flag": {"BOOL": True}, "none": {"NULL": True}}) == 5 + 2 + 4 + 1 + 4 + 1

    def test_lists_and_maps_cost_three_bytes_and_one_per_element(self) -> None:
        assert value_size({"L": []}) == 3
        assert value_size({"L": [{"S": "head"}, {"S": "bot"}]}) == 3 + 1 + 4 + 1 + 3
        assert value_size({"M": {"ab": {"N": "42"}}}) == 3 + 1 + 2 + 2

    def test_sets_and_binaries_count_their_content(self) -> None:
        assert value_size({"SS": ["ab", "c"]}) == 3
        assert value_size({"B": "YWJj"}) == 3


class TestTheUnitsOfAWrite:
    @pytest.mark.parametrize(("size", "units"), [(30, 1), (1024, 1), (1025, 2), (2048, 2), (2049, 3)])
    def test_a_put_costs_a_unit_per_begun_kilobyte(self, size: int, units: int) -> None:
        assert table_units(None, an_item(size)) == units

    def test_an_update_costs_the_larger_of_the_item_before_and_after(self) -> None:
        assert table_units(an_item(3000), an_item(100)) == 3
        assert table_units(an_item(100), an_item(3000)) == 3

    def test_a_transaction_costs_double_after_rounding(self) -> None:
        assert table_units(None, an_item(1025), transaction=True) == 4

    def test_a_refused_write_costs_what_is_there_and_never_nothing(self) -> None:
        there = an_item(1500)
        assert table_units(there, there) == 2
        assert table_units(None, None) == 1


class TestTheUnitsOfAnIndex:
    def test_a_new_entry_is_a_write_and_an_item_without_the_keys_is_none(self) -> None:
        owned = an_item(500, owner_pk="P#1#clients", owner_sk="2026-03-02#c")
        assert index_units(None, owned, BY_OWNER) == 1
        assert index_units(owned, None, BY_OWNER) == 1
        assert index_units(None, an_item(500), BY_OWNER) == 0

    def test_what_the_index_does_not_hold_changes_for_nothing(self) -> None:
        owner = {"owner_pk": "P#1#clients", "owner_sk": "2026-03-02#c"}
        assert index_units(an_item(500, **owner), an_item(900, **owner), BY_OWNER) == 0

    def test_another_key_is_two_writes(self) -> None:
        before = an_item(500, owner_pk="P#1#clients", owner_sk="2026-03-02#c")
        after = an_item(500, owner_pk="P#2#clients", owner_sk="2026-03-02#c")
        assert index_units(before, after, BY_OWNER) == 2

    def test_an_index_that_holds_more_is_refused_and_not_undercounted(self) -> None:
        schema = [{"AttributeName": "owner_pk", "KeyType": "HASH"}, {"AttributeName": "owner_sk", "KeyType": "RANGE"}]
        own = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        index = {"IndexName": "by_owner", "KeySchema": schema, "Projection": {"ProjectionType": "KEYS_ONLY"}}
        assert indexes_of({"KeySchema": own, "GlobalSecondaryIndexes": [index]}) == (BY_OWNER,)
        index["Projection"] = {"ProjectionType": "ALL"}
        with pytest.raises(ValueError, match="by_owner projects more than keys"):
            indexes_of({"KeySchema": own, "GlobalSecondaryIndexes": [index]})


class TestTheMeter:
    def test_every_item_of_a_transaction_is_counted_also_a_check(self) -> None:
        key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
        parts = [
            {"Put": {"TableName": "books", "Item": {**key, "amount": {"N": "1"}}}},
            {"Update": {"TableName": "facts", "Key": key, "UpdateExpression": "SET a = :a"}},
            {"ConditionCheck": {"TableName": "books", "Key": key}},
        ]
        found = list(targets("TransactWriteItems", {"TransactItems": parts}))
        assert found == [("books", key), ("facts", key), ("books", key)]

    def test_an_operation_that_it_does_not_count_names_no_target(self) -> None:
        assert list(targets("BatchWriteItem", {"RequestItems": {"books": []}})) == []

    def test_items_are_known_by_their_keys(self) -> None:
        journal = keys.key("journal", partner="par_1", month="202603", journal="jrn_1")
        counter = keys.key("click_count", partner="par_1", month="2026-03", day="2026-03-02", link="Ab12Cd34")
        for name, key in (("journal", journal), ("click_count", counter)):
            assert kind_of({"pk": {"S": key.pk}, "sk": {"S": key.sk}}) == name
        assert kind_of(None) == "nothing"


class TestTheFile:
    def test_every_figure_has_a_value_a_unit_and_how(self, tmp_path: Path) -> None:
        figures = Figures()
        figures.add("wru_per_click", 1.0004, "write units", "by\n  counting", goal=1.05)
        figures.add("redirect_rps", 211.87312, "requests/s", "by asking")
        figures.write(tmp_path / "build" / "bench.json")
        assert json.loads((tmp_path / "build" / "bench.json").read_text()) == {
            "wru_per_click": {"value": 1, "unit": "write units", "how": "by counting"},
            "redirect_rps": {"value": 211.9, "unit": "requests/s", "how": "by asking"},
        }

    def test_a_part_stands_under_its_name_and_is_written_beside_what_was_measured_before(self, tmp_path: Path) -> None:
        before, after = Figures(), Figures()
        before.add("wru_per_click", 1, "write units", "by counting")
        before.part("contests").add("reads_per_page", 3, "requests", "by counting")
        before.write(tmp_path / "bench.json")
        after.part("contests").add("reads_per_page", 2, "requests", "by counting", goal=2)
        after.write(tmp_path / "bench.json", beside=True)
        assert json.loads((tmp_path / "bench.json").read_text()) == {
            "wru_per_click": {"value": 1, "unit": "write units", "how": "by counting"},
            "contests": {"reads_per_page": {"value": 2, "unit": "requests", "how": "by counting"}},
        }
        after.part("contests").add("differences", 1, "partners", "by comparing", goal=0)
        assert after.missed == ["contests.differences"]

    def test_a_goal_is_held_by_what_was_measured_not_by_what_is_shown(self) -> None:
        figures = Figures()
        figures.add("wru_per_event_in_tens", 4.0001, "write units", "by counting", goal=4)
        figures.add("wru_per_event_alone", 12.0, "write units", "by counting", goal=12)
        assert shown(4.0001) == 4
        assert figures.missed == ["wru_per_event_in_tens"]

    def test_a_figure_that_was_not_measured_is_refused(self) -> None:
        figures = Figures()
        with pytest.raises(ValueError, match="is nan"):
            figures.add("redirect_rps", float("nan"), "requests/s", "by asking")
        figures.add("redirect_rps", 1.0, "requests/s", "by asking")
        with pytest.raises(ValueError, match="measured before"):
            figures.add("redirect_rps", 2.0, "requests/s", "by asking")


def test_a_percentile_is_one_of_the_times() -> None:
    times = [float(number) for number in range(100, 0, -1)]
    assert percentile(times, 0.5) == 50
    assert percentile(times, 0.99) == 99
    assert percentile([3.0], 0.99) == 3


def test_a_million_clicks_cost_their_parts() -> None:
    # 300 µs of a whole core take 1.04 ms with 512 MB: with 5 ms for the put 7 are billed, 3,500 GB-seconds a million
    assert cost.milliseconds_billed(300, 512) == 7
    assert cost.milliseconds_billed(300, 1769) == cost.milliseconds_billed(300, 10_000) == 6
    assert cost.per_million_clicks(300, 512, 1.05) == pytest.approx(1.2 + 3500 * 0.0000166667 + 1.05 * 0.625)


def test_a_thousand_payouts_cost_their_parts() -> None:
    used = cost.PerPayout(transitions=0.2, write_units=36, read_units=20, calls=17, invocations=0.1, cpu_seconds=0.01)
    # 10 ms of CPU at a whole core and 85 ms of waiting; millionths of a dollar for each payout otherwise
    parts = 0.2 * 25 + 36 * 0.625 + 20 * 0.125 + 3 + 0.1 * 0.2
    assert cost.per_thousand_payouts(used, 1769) == pytest.approx(
        parts / 1000 + 1000 * 0.095 * 1769 / 1024 * 0.0000166667
    )


def test_events_are_counted_as_aws_writes_them() -> None:
    waits = "arn:aws:states:::lambda:invoke.waitForTaskToken"
    history = [
        {"type": "ExecutionStarted"},
        {"type": "TaskStateEntered"},
        {"type": "TaskScheduled", "taskScheduledEventDetails": {"resource": "arn:aws:lambda:…"}},
        {"type": "TaskSucceeded"},
        {"type": "TaskStateExited"},
        {"type": "TaskStateEntered"},
        {"type": "TaskScheduled", "taskScheduledEventDetails": {"resource": waits}},
        {"type": "TaskSucceeded"},
        {"type": "TaskStateExited"},
        {"type": "ExecutionSucceeded"},
    ]
    # LambdaFunctionStarted for the one, TaskStarted and TaskSubmitted for the other
    assert payouts._events_of_aws(history) == len(history) + 3
