"""What an operator who erases a person may do, and that nobody else may."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from introducer.store import keys
from tests.architecture.test_data_model import TEMPLATE

POLICY: list[dict[str, Any]] = TEMPLATE["ErasePeople"]["Properties"]["PolicyDocument"]["Statement"]


def may(action: str, table: str, pk: str) -> bool:
    """Whether the policy allows an action on an item with this partition key."""

    def holds(one: dict[str, Any]) -> bool:
        actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
        patterns = [each for said in one.get("Condition", {}).values() for each in said["dynamodb:LeadingKeys"]]
        fits = not patterns or any(fnmatchcase(pk, each) for each in patterns)
        return action in actions and f"{table}.Arn" in json.dumps(one["Resource"]) and fits

    found = {one["Effect"] for one in POLICY if holds(one)}
    return found == {"Allow"}


@pytest.mark.parametrize("action", ["dynamodb:UpdateItem", "dynamodb:DeleteItem"])
def test_the_books_and_the_trail_stay_whoever_erases(action: str) -> None:
    stay = ("journal", "payout_journal", "case_journal", "statement", "invoice", "audit", "audit_link", "audit_head",
            "contest", "recount", "result", "set_aside")  # fmt: skip
    for kind in stay:
        assert not may(action, "BooksTable", keys.ITEMS[kind].pk.replace("{", "").replace("}", "")), kind


def test_what_is_emptied_or_deleted_may_be() -> None:
    emptied = ("partner", "card", "payment_profile", "payment_profile_version", "verification", "payout", "left_out",
               "case", "link", "trace", "mail", "entry", "objection", "award")  # fmt: skip
    deleted = ("person", "account_holder", "tax_profile", "mail", "member", "idempotency", "board",
               "mail_preferences", "suppressed")  # fmt: skip
    for action, kinds in (("dynamodb:UpdateItem", emptied), ("dynamodb:DeleteItem", deleted)):
        for kind in kinds:
            assert may(action, "BooksTable", keys.ITEMS[kind].pk.replace("{", "").replace("}", "")), kind
    assert may("dynamodb:DeleteItem", "FactsTable", "Q#brand#source#day")
    assert not any(may("dynamodb:DeleteItem", "FactsTable", f"{kind}#brand") for kind in "CEX")
    assert may("dynamodb:PutItem", "BooksTable", "A#par_1") and not may("dynamodb:PutItem", "BooksTable", "P#par_1")


def test_nobody_has_it_until_it_is_given() -> None:
    assert TEMPLATE["ErasePeople"]["Properties"].keys() == {"Description", "PolicyDocument"}
    roles = {name: each for name, each in TEMPLATE.items() if each["Type"] == "AWS::IAM::Role"}
    assert roles
    assert [name for name, each in roles.items() if "ErasePeople" in json.dumps(each)] == []
