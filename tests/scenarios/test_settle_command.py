"""`introducer settle` on the deployed stack: months that are behind are settled again, and nothing else is touched."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from introducer.domain.events import month_of
from introducer.services.verify.report import Unsettled
from introducer.store import keys
from introducer_ops.cli import app
from introducer_ops.localcloud import LocalCloud, Stack
from introducer_ops.verify import verify_stack
from tests.support.builders import cpa, terms
from tests.support.scenario import Scenario, eventually, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

DEAL = terms(
    cpa("100.00", min_deposit="200.00", within_hours=720) | {"caps": [{"per": "total", "clients": 5}]}, days=30
)
SHARE = {"level": 1, "percent": "10", "of": ["cpa"]}
ABOVE = terms({"type": "override", "id": "net", "levels": [SHARE]}, days=30)


@dataclass
class Family:
    """A partner with a client that took a place, and the partner above with its share."""

    stack: Stack
    scenario: Scenario
    above: str
    partner: str
    month: str


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Family]:
    # A cloud of its own: what other tests leave on the shared one is not sound.
    with LocalCloud.start(tmp_path_factory.mktemp("settle")) as cloud:
        stack = cloud.deploy()
        with the_stacks_account(stack):
            scenario = Scenario(stack, stack.clock.now() - timedelta(days=40))
            above, _ = scenario.a_partner(ABOVE, "Redwater Group")
            partner, code = scenario.a_partner(DEAL, parent=above)
            click, now = scenario.click_id_of(scenario.clicks(code)), stack.clock.now()
            name = f"client-{secrets.token_hex(4)}"
            event = {"client_id": name, "occurred_at": rfc3339(now)}
            scenario.posts(
                event | {"event_id": f"{name}-r", "type": "registration", "click_id": click, "country": "DE"},
                event | {"event_id": f"{name}-d", "type": "deposit", "amount": "250.00", "currency": "EUR"},
            )
            eventually("share of the partner above", lambda: scenario.ledger.balance(above).earned)
            eventually("quiet and sound stack", lambda: verify_stack(stack).good)
            yield Family(stack, scenario, above, partner, month_of(now))


def run(family: Family, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `introducer settle`."""
    clean = {"INTRODUCER_STACK": None, "INTRODUCER_STATE_DIR": str(family.stack.state_dir)}
    result = CliRunner().invoke(app, ["settle", *arguments], env=clean)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def change_settled(family: Family, partner: str, **texts: str) -> None:
    """Other texts in a settled month, by hand."""
    key = keys.key("settled", partner=partner, month=family.month)
    names = {f"#{number}": name for number, name in enumerate(texts)}
    family.stack.client("dynamodb").update_item(
        TableName=family.stack.outputs["BooksTableName"],
        Key={keys.PK: {"S": key.pk}, keys.SK: {"S": key.sk}},
        UpdateExpression="SET " + ", ".join(f"{name} = :{name[1:]}" for name in names),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={f":{number}": {"S": text} for number, text in enumerate(texts.values())},
    )


def journals(family: Family) -> list[str]:
    ledger = family.scenario.ledger
    return [each.id for whose in (family.partner, family.above) for each in ledger.all_journals(whose, family.month)]


def test_what_verification_finds_unsettled_is_settled_again_and_posts_nothing_anew(family: Family) -> None:
    # given two settled months whose digests were changed by hand
    posted = journals(family)
    change_settled(family, family.partner, seen="0" * 32)
    change_settled(family, family.above, follows="0" * 32)
    assert {(each.partner, each.sound) for each in verify_stack(family.stack).unsettled} == {
        (family.partner, True),
        (family.above, True),
    }
    # when
    code, out, err = run(family)
    # then
    assert (code, err) == (0, "")
    assert sorted(out.splitlines()) == sorted(
        f"{whose} in {family.month} is settled." for whose in (family.partner, family.above)
    )
    assert verify_stack(family.stack).good
    assert journals(family) == posted
    assert run(family)[:2] == (0, "Every month is settled: nothing was sent.\n")


def test_one_partners_months_are_settled_and_others_left(family: Family) -> None:
    # given
    change_settled(family, family.partner, seen="0" * 32)
    change_settled(family, family.above, seen="")
    # when
    code, out, _ = run(family, "--partner", family.above, "--json")
    # then
    assert code == 0
    assert json.loads(out) == [{"partner": family.above, "month": family.month, "outcome": "settled"}]
    assert verify_stack(family.stack).unsettled == (Unsettled(family.partner, family.month, sound=True),)
    # and a month that is named is settled without asking
    assert run(family, "--partner", family.partner, "--month", family.month)[0] == 0
    assert verify_stack(family.stack).good


def test_a_partner_whose_settled_month_says_other_amounts_than_the_journals_is_left_alone(family: Family) -> None:
    # given
    key = keys.key("settled", partner=family.partner, month=family.month)
    place: dict[str, Any] = {keys.PK: {"S": key.pk}, keys.SK: {"S": key.sk}}
    table = family.stack.outputs["BooksTableName"]
    before = family.stack.client("dynamodb").get_item(TableName=table, Key=place)["Item"]
    posted = journals(family)
    change_settled(family, family.partner, seen="0" * 32, posted="[]")
    # when
    code, out, _ = run(family)
    # then
    assert code == 1
    assert f"{family.partner} in {family.month} was left alone" in out
    assert journals(family) == posted
    family.stack.client("dynamodb").put_item(TableName=table, Item=before)
    assert verify_stack(family.stack).good


def test_what_cannot_be_settled_is_refused_with_a_sentence(family: Family) -> None:
    code, out, said = run(family, "--month", family.month)
    assert (code, out) == (2, "")
    assert "Name the partner as well" in said
    code, out, said = run(family, "--partner", family.partner, "--month", "March")
    assert (code, out) == (2, "")
    assert "is no month" in said
