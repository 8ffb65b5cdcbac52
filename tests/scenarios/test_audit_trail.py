"""The audit trail through the real template: a change over HTTP ends in its brand's chain, its head is kept, and what
somebody does to the table behind everybody's back is found by the command."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import typer
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from introducer.domain.configuration import Role
from introducer.domain.events import day_of, month_of
from introducer.services.verify_audit import AuditReport
from introducer.store.audit_chain import AuditChain
from introducer_ops import audit
from introducer_ops.installation import place_of
from introducer_ops.localcloud import Stack
from tests.support.builders import cpa, terms
from tests.support.scenario import Scenario, eventually, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

app = typer.Typer()
app.callback()(lambda: None)
audit.register(app)


@pytest.fixture
def world(stack: Stack) -> Iterator[Scenario]:
    with the_stacks_account(stack):
        yield Scenario(stack, stack.clock.now() - timedelta(days=3))


def signs_in(world: Scenario, role: Role) -> httpx.Client:
    email, password = world.a_login(None, role)
    answer = world.stack.client("cognito-idp").initiate_auth(
        ClientId=world.stack.outputs["UserPoolClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )
    http = world.stack.http()
    token = answer["AuthenticationResult"]["AccessToken"]
    http.headers.update({"Accept": "application/json", "Authorization": f"Bearer {token}"})
    return http


def verified(world: Scenario) -> AuditReport:
    return audit.verified(place_of(world.stack), world.brand)


def whole(world: Scenario) -> AuditReport:
    """The report, once all that was changed has its link and nothing is wrong."""

    def found() -> AuditReport | None:
        report = verified(world)
        return report if report.good and not report.chains[0].waiting else None

    report: AuditReport = eventually("whole trail", found)
    return report


def runs(world: Scenario, *command: str) -> tuple[int, str]:
    """The command line, against this stack."""
    answer = CliRunner().invoke(app, ["audit", *command, "--state-dir", str(world.stack.state_dir)])
    return answer.exit_code, answer.output


def test_a_change_ends_in_the_chain_and_an_edit_behind_our_back_is_found(world: Scenario) -> None:
    # given a partner with a client, and a manager who proposes an adjustment over HTTP
    partner, code = world.a_partner(terms(cpa("200.00"), days=30))
    name = f"client-{secrets.token_hex(4)}"
    click = world.click_id_of(world.clicks(code))
    given = {"client_id": name, "occurred_at": rfc3339(world.stack.clock.now())}
    world.posts(
        given | {"event_id": f"{name}-r", "type": "registration", "click_id": click, "country": "DE"},
        given | {"event_id": f"{name}-d", "type": "deposit", "amount": "50.00", "currency": "EUR"},
    )
    manager, reader = signs_in(world, Role.MANAGER), signs_in(world, Role.COMPLIANCE)
    now = world.stack.clock.now()
    wish = {"amount": "-12.50", "currency": "EUR", "earn_month": month_of(now), "why": "Agreed on the phone"}
    wish["available_day"] = day_of(now + timedelta(days=1))
    assert manager.post(f"/desk/partners/{partner}/adjustments", json=wish).status_code == 201

    # then every change of the brand ends in its chain, the latest first on the desk
    def latest() -> Any:
        found = reader.get("/desk/audit?limit=1").json()["items"]
        return found and found[0]["action"] == "propose_adjustment" and found[0]

    change = eventually("chained change", latest)
    assert (change["subject"], change["why"]) == (partner, "Agreed on the phone")
    report = eventually(
        "whole trail", lambda: (found := verified(world)).good and not found.chains[0].waiting and found
    )
    assert report.chains[0].links == change["number"]

    # when the day's heads are kept, by the function that the schedule starts
    kept = world.stack.invoke("AuditFunction", {})
    assert kept["missing"] == []
    assert verified(world).chains[0].last_kept == day_of(world.stack.clock.now())
    assert runs(world, "verify", "--brand", world.brand)[0] == 0
    # then S3 lets nobody take one away
    s3, bucket = world.stack.client("s3"), world.stack.outputs["AuditHeadsBucketName"]
    [version] = s3.list_object_versions(Bucket=bucket, Prefix=f"heads/{world.brand}/")["Versions"]
    with pytest.raises(ClientError):
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])

    # when somebody with a key to the table edits the reason that was given
    table = world.stack.outputs["BooksTableName"]
    dynamodb = world.stack.client("dynamodb")
    at = next(each.at for each in world.configuration.audit_of_subject(partner).items if each.audit == change["audit"])
    place = {"pk": {"S": f"A#{partner}"}, "sk": {"S": f"{int(at.timestamp() * 1000 + 0.5)}#{change['audit']}"}}
    edit = {
        "TableName": table, "Key": place, "UpdateExpression": "SET why = :why",
        "ConditionExpression": "attribute_exists(pk)",
    }  # fmt: skip
    dynamodb.update_item(**edit, ExpressionAttributeValues={":why": {"S": "Nobody knows"}})

    # then the command names the record, in words and as JSON
    status, said = runs(world, "verify", "--brand", world.brand)
    assert status == 1
    assert "edited" in said and change["audit"] in said
    status, said = runs(world, "verify", "--brand", world.brand, "--json")
    [finding] = json.loads(said)["findings"]
    assert (status, finding["damage"], finding["number"]) == (1, "edited", change["number"])
    dynamodb.update_item(**edit, ExpressionAttributeValues={":why": {"S": "Agreed on the phone"}})
    assert verified(world).good

    # and an export tells all that is on record about the client, without its name
    client = eventually("client", lambda: world.clients.of_partner(partner).items)[0].client
    status, said = runs(world, "export", "client", client, "--brand", world.brand, "--json")
    told = json.loads(said)["sections"]
    assert (status, told["clicks"][0]["click"], told["clicks"][0]["attributed"]) == (0, click, True)
    assert told["campaigns"][0]["campaign"] == world.campaign
    assert name not in said.replace(f"{name}-", "")
    status, said = runs(world, "export", "partner", partner)
    assert status == 0
    assert "propose adjustment" in said.replace("_", " ") and "Amberfield" not in said


def test_what_has_no_link_is_shown_and_mended_only_when_somebody_says_so(world: Scenario) -> None:
    world.a_partner(terms(cpa("200.00"), days=30))
    chain = AuditChain(world.stack.outputs["BooksTableName"])
    whole(world)
    # given a record that the stream does not know of: a link and its place are taken away
    [*_, (number, last)] = chain.links(world.brand, 0)
    dynamodb, table = world.stack.client("dynamodb"), world.stack.outputs["BooksTableName"]
    before = [link for _, link in chain.links(world.brand, 0)][-2]
    for pk, sk in (
        (f"K#{world.brand}#0", f"{number:012d}"),
        (f"K#{world.brand}#places#{last.key.subject}", f"{last.key.at}#{last.key.audit}"),
    ):
        dynamodb.delete_item(TableName=table, Key={"pk": {"S": pk}, "sk": {"S": sk}})
    head = {"pk": f"K#{world.brand}", "sk": "head", "brand": world.brand, "digest": before.digest}
    item = {name: {"S": value} for name, value in head.items()} | {"number": {"N": str(before.number)}}
    dynamodb.put_item(TableName=table, Item=item)
    [finding] = verified(world).findings
    assert finding.damage == "inserted"

    # when an operator looks, then says so
    status, said = runs(world, "mend", "--brand", world.brand)
    assert (status, last.key.audit in said) == (1, True)
    assert not verified(world).good
    status, said = runs(world, "mend", "--brand", world.brand, "--yes", "--why", "The stream stood still")
    assert (status, "1 records are chained now" in said) == (0, True)

    # then the trail is whole again, and says that it was mended, by whom and why
    report = eventually(
        "whole trail", lambda: (found := verified(world)).good and not found.chains[0].waiting and found
    )
    assert report.chains[0].mended == 1
    [record] = world.configuration.audit_of_subject(world.brand, limit=1).items
    assert (record.action, record.why, record.by) == ("mend_audit_chain", "The stream stood still", audit.BY)
