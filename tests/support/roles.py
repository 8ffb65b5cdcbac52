"""What functions ask of the tables, and whether their roles let them: by the template's policies, key by key."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from pynamodb.connection.base import Connection

from introducer.store import keys
from introducer_ops.localcloud import expanding

RESOURCES = expanding.read(Path(__file__).parents[2] / "template.yaml")["Resources"]
Asked = set[tuple[str, str, str]]
"""Actions of DynamoDB with a table and, of writes, a partition key."""


def allows(role: str, action: str, table: str, pk: str) -> bool:
    """Whether a statement of the role lets this through, by IAM's rules for one key."""
    [policy] = RESOURCES[role]["Properties"]["Policies"]
    for one in policy["PolicyDocument"]["Statement"]:
        resources = one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]]
        actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
        if action not in actions or f"{table}Table" not in str(resources):
            continue
        asked = one.get("Condition", {})
        like = asked.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", ["*"])
        unlike = asked.get("ForAllValues:StringNotLike", {}).get("dynamodb:LeadingKeys", [])
        if any(fnmatchcase(pk, each) for each in like) and not any(fnmatchcase(pk, each) for each in unlike):
            return True
    return False


def watched(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What is asked of the tables from here on."""
    found: Asked = set()
    dispatch = Connection.dispatch

    def seen(self: Connection, name: str, given: dict[str, Any]) -> Any:
        if name == "TransactWriteItems":
            for each in given["TransactItems"]:
                [(kind, one)] = each.items()
                pk = one["Item" if kind == "Put" else "Key"][keys.PK]["S"]
                action = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
                found.add((f"dynamodb:{action}", one["TableName"].title(), pk))
        elif "TableName" in given:
            pk = given.get("Item", given.get("Key", {})).get(keys.PK, {}).get("S", "")
            found.add((f"dynamodb:{name}", given["TableName"].title(), pk))
        else:
            found.update((f"dynamodb:{name}", table.title(), "") for table in given["RequestItems"])
        return dispatch(self, name, given)

    monkeypatch.setattr(Connection, "dispatch", seen)
    return found


def written(asked: Asked) -> set[tuple[str, str]]:
    """In which partitions of which table something was put or changed."""
    return {(table, pk) for action, table, pk in asked if action in ("dynamodb:PutItem", "dynamodb:UpdateItem")}
