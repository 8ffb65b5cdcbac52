"""`introducer close`, against the deployed machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from introducer.domain.calendar import plus_months
from introducer.store import keys
from introducer_ops.cli import app
from introducer_ops.localcloud import Stack
from tests.support.builders import revshare, terms
from tests.support.scenario import Scenario, the_stacks_account

pytestmark = pytest.mark.cloud


@pytest.fixture
def world(stack: Stack) -> Iterator[Scenario]:
    with the_stacks_account(stack):
        yield Scenario(stack, stack.clock.now() - timedelta(days=40))


def run(world: Scenario, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    clean = {"INTRODUCER_STACK": None, "INTRODUCER_STATE_DIR": str(world.stack.state_dir)}
    result = CliRunner().invoke(app, ["close", *arguments], env=clean)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def last_month(world: Scenario) -> str:
    return plus_months(world.stack.clock.now().strftime("%Y-%m"), -1)


def test_a_month_is_closed_from_the_command_line_and_closing_it_again_says_since_when(world: Scenario) -> None:
    world.a_partner(terms(revshare("50")))
    month = last_month(world)

    code, out, err = run(world, month, "--brand", world.brand)
    assert (code, err) == (0, "")
    assert f"{month} of {world.brand} is closed: 1 partner, 0 entries, nothing." in out
    assert "/desk/months" in out

    code, out, _ = run(world, month, "--brand", world.brand, "--json")
    told: list[dict[str, Any]] = json.loads(out)
    assert code == 0
    assert [(each["brand"], each["closed_before"], each["closed_by"]) for each in told] == [
        (world.brand, True, "system:operator")
    ]
    assert f"is closed since {told[0]['closed_at'][:10]}" in run(world, month, "--brand", world.brand)[1]


def test_what_cannot_be_closed_is_refused_with_a_sentence(world: Scenario) -> None:
    month = world.stack.clock.now().strftime("%Y-%m")
    for arguments, said in (
        ((month, "--brand", world.brand), "has not ended"),
        (("2026-13",), "is no month"),
        (("2020-01",), "There was no brand in 2020-01"),
        ((last_month(world), "--brand", "brd_nobody"), "There is no such brand."),
    ):
        code, out, err = run(world, *arguments)
        assert (code, out) == (2, ""), out
        assert said in err


def test_a_close_that_stopped_is_shown_with_its_cause_and_can_be_tried_again(world: Scenario) -> None:
    # given a partner with an entry that cannot be read
    partner, _ = world.a_partner(terms(revshare("50")))
    month = last_month(world)
    client, table = world.stack.client("dynamodb"), world.stack.outputs["BooksTableName"]
    broken = keys.key("journal", partner=partner, month=month.replace("-", ""), journal="jrn_broken").item()
    key = {name: {"S": part} for name, part in broken.items()}
    client.put_item(TableName=table, Item=key)

    code, _, err = run(world, month, "--brand", world.brand)
    assert code == 1
    assert "stopped: Start it again: it goes on where it stopped." in err

    client.delete_item(TableName=table, Key=key)
    assert run(world, month, "--brand", world.brand)[0] == 0
