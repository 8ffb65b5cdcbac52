"""What DynamoDB does with requests like ours: the local cloud and the store in memory must do the same.

The suites of access patterns ask through the product's stores; these are the rules that faults and limits rest on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from introducer.store import keys
from tests.conftest import Tables

Put = dict[str, Any]


def refused(call: Callable[[], Any]) -> Mapping[str, Any]:
    """The error that a request is answered with."""
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response


def an_item(sk: str = "s", **numbers: int | str) -> dict[str, Any]:
    values = {name: {"N": str(value)} for name, value in numbers.items()}
    return {keys.PK: {"S": "P#1"}, keys.SK: {"S": sk}, **values}


def a_put(tables: Tables, sk: str = "s", *, absent: bool = True, **numbers: int | str) -> dict[str, Any]:
    put: Put = {"TableName": tables.books, "Item": an_item(sk, **numbers)}
    if absent:
        put["ConditionExpression"] = "attribute_not_exists(pk)"
    return {"Put": put}


def an_addition(tables: Tables, number: str, sk: str = "s") -> dict[str, Any]:
    return {
        "TableName": tables.books,
        "Key": an_item(sk),
        "UpdateExpression": "ADD #n :n",
        "ExpressionAttributeNames": {"#n": "EUR.pending.2026-03-31"},
        "ExpressionAttributeValues": {":n": {"N": number}},
    }


def test_a_transaction_happens_whole_or_not_and_says_which_part_was_refused(tables: Tables) -> None:
    tables.client.put_item(TableName=tables.books, Item=an_item("taken"))
    parts = [a_put(tables, "new"), a_put(tables, "taken"), {"Update": an_addition(tables, "5", "balance")}]

    answer = refused(lambda: tables.client.transact_write_items(TransactItems=parts))

    assert answer["Error"]["Code"] == "TransactionCanceledException"
    assert [each["Code"] for each in answer["CancellationReasons"]] == ["None", "ConditionalCheckFailed", "None"]
    assert tables.items(tables.books) == [an_item("taken")]


def test_a_resent_transaction_is_answered_again_and_another_one_under_its_token_is_refused(tables: Tables) -> None:
    for _ in range(2):
        tables.client.transact_write_items(
            TransactItems=[{"Update": an_addition(tables, "5")}], ClientRequestToken="token-1"
        )
    [item] = tables.items(tables.books)
    assert item["EUR.pending.2026-03-31"] == {"N": "5"}

    other = [{"Update": an_addition(tables, "7")}]
    answer = refused(lambda: tables.client.transact_write_items(TransactItems=other, ClientRequestToken="token-1"))

    assert answer["Error"]["Code"] == "IdempotentParameterMismatchException"


def test_a_transaction_takes_a_hundred_parts_and_no_item_twice(tables: Tables) -> None:
    many = [a_put(tables, f"{number:03d}") for number in range(101)]
    assert refused(lambda: tables.client.transact_write_items(TransactItems=many))["Error"]["Code"] in (
        "ValidationException",
        "ValidationError",
    )
    tables.client.transact_write_items(TransactItems=many[:100])
    assert len(tables.items(tables.books)) == 100

    twice = [a_put(tables, "x"), {"Update": an_addition(tables, "1", "x")}]
    answer = refused(lambda: tables.client.transact_write_items(TransactItems=twice))
    assert answer["Error"]["Code"] == "ValidationException"


def test_a_refused_put_shows_what_is_there_when_asked(tables: Tables) -> None:
    tables.client.put_item(TableName=tables.books, Item=an_item(amount=7))
    put = {**a_put(tables)["Put"], "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}

    answer = refused(lambda: tables.client.put_item(**put))

    assert answer["Error"]["Code"] == "ConditionalCheckFailedException"
    assert answer["Item"] == an_item(amount=7)


def test_numbers_add_exactly_beyond_what_a_float_holds(tables: Tables) -> None:
    # DynamoDB adds 38 digits exactly, the local cloud 28.
    for number in ("9007199254740993", "1", "-9007199254740993000000000001"):
        tables.client.update_item(**an_addition(tables, number))
    [item] = tables.items(tables.books)
    assert item["EUR.pending.2026-03-31"] == {"N": str(9007199254740994 - 9007199254740993000000000001)}


@pytest.mark.parametrize(
    "key", [{"pk": {"S": ""}, "sk": {"S": "s"}}, {"pk": {"S": "p"}}, {"pk": {"N": "1"}, "sk": {"S": "s"}}]
)
def test_what_is_no_key_is_refused(tables: Tables, key: dict[str, Any]) -> None:
    answer = refused(lambda: tables.client.put_item(TableName=tables.books, Item=key))
    assert answer["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("bad", ["9" * 39, "1e126"])
def test_a_number_that_dynamodb_cannot_hold_is_refused(tables: Tables, bad: str) -> None:
    answer = refused(lambda: tables.client.put_item(TableName=tables.books, Item=an_item(amount=bad)))
    assert answer["Error"]["Code"] == "ValidationException"
    assert tables.items(tables.books) == []


def test_an_item_of_more_than_400_kilobytes_is_refused(tables: Tables) -> None:
    item = {**an_item(), "text": {"S": "x" * 410_000}}
    answer = refused(lambda: tables.client.put_item(TableName=tables.books, Item=item))
    assert answer["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("amount = :n", True),
        ("amount <> :n", False),
        ("nowhere <> :n", True),
        ("nowhere = :n", False),
        ("NOT nowhere = :n", True),
        ("amount BETWEEN :low AND :n", True),
        ("amount IN (:low, :n)", True),
        ("amount > :low AND (attribute_exists(nowhere) OR attribute_not_exists(left_over))", True),
        ("begins_with(sk, :text) AND contains(sk, :text) AND size(sk) = :size", True),
        ("sk < :n", False),
    ],
)
def test_a_condition_holds_as_dynamodb_says(tables: Tables, condition: str, holds: bool) -> None:
    tables.client.put_item(TableName=tables.books, Item=an_item("text", amount=7))
    values = {":n": {"N": "7.0"}, ":low": {"N": "-3"}, ":text": {"S": "tex"}, ":size": {"N": "4"}}
    used = {name: values[name] for name in re.findall(r":\w+", condition)}
    update = {
        "TableName": tables.books,
        "Key": an_item("text"),
        "UpdateExpression": "SET seen = if_not_exists(seen, :one) + :one REMOVE left_over",
        "ConditionExpression": condition,
        "ExpressionAttributeValues": used | {":one": {"N": "1"}},
        "ReturnValues": "UPDATED_NEW",
    }
    if holds:
        assert tables.client.update_item(**update)["Attributes"] == {"seen": {"N": "2"}}
    else:
        answer = refused(lambda: tables.client.update_item(**update))
        assert answer["Error"]["Code"] == "ConditionalCheckFailedException"


def test_a_query_goes_page_by_page_in_both_directions(tables: Tables) -> None:
    for number in range(5):
        tables.client.put_item(TableName=tables.books, Item=an_item(f"{number}"))
    for forward in (True, False):
        found: list[str] = []
        start: dict[str, Any] = {}
        while True:
            page = tables.client.query(
                TableName=tables.books,
                KeyConditionExpression="pk = :p AND sk BETWEEN :a AND :z",
                ExpressionAttributeValues={":p": {"S": "P#1"}, ":a": {"S": "1"}, ":z": {"S": "4"}},
                ScanIndexForward=forward,
                Limit=2,
                **start,
            )
            found += [item["sk"]["S"] for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        assert found == sorted("1234", reverse=not forward)
