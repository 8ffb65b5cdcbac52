"""On the deployed stack: a client and a partner live, are checked, exported and erased; every place is searched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from introducer.domain.configuration import Change, Role, Standing, Status
from introducer.domain.fraud.person import Person
from introducer.domain.identity import brand_key, keyed_hash
from introducer.domain.signatures import HEADER, sign
from introducer.gateways.user_pool import UserPool
from introducer.services.erase_client import erase_client
from introducer.services.erase_partner import erase_partner
from introducer.services.export_subject import export_client, export_partner
from introducer.services.invite_member import invite_member
from introducer.services.remember_member import remember_member
from introducer.store.person_index import PersonIndex
from introducer_ops.installation import place_of
from introducer_ops.localcloud import Stack
from introducer_ops.privacy import client_books, partner_books
from introducer_ops.verify import verify_stack
from tests.support.builders import cpa, terms
from tests.support.scenario import AUTHOR, Scenario, eventually, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

ANN = {"email": "ann.smith@canary.example", "phone": "+49 30 7654321", "device": "canary-device", "ip": "203.0.113.77"}
ACCOUNT, SUB = "CANARY-4711", "from-ann-herself"
NAME, OWNER, EMAIL = "Canary Traders", "Olga Canary", "olga@canary-traders.example"
IBAN = "DE75512108001245126199"


@pytest.fixture
def world(stack: Stack) -> Iterator[Scenario]:
    before = stack.clock.offset
    with the_stacks_account(stack):
        try:
            yield Scenario(stack, stack.clock.now() - timedelta(days=10))
        finally:
            stack.clock.set(before)


def test_whoever_is_erased_is_found_in_no_table_log_bucket_queue_or_export(world: Scenario) -> None:
    stack, key = world.stack, brand_key(_identity(world), world.brand)
    # given a partner whose owner signs in and says where it is paid, with a paper in the bucket
    partner, link = world.a_partner(terms(cpa("200.00", min_deposit="500.00", within_hours=72)), name=NAME)
    password, pool = "Aa1-canary-password", UserPool(stack.client("cognito-idp"), stack.outputs["UserPoolId"])
    index = PersonIndex(stack.outputs["BooksTableName"])
    owner = invite_member(
        world.configuration, pool, brand=world.brand, partner=partner, role=Role.OWNER, email=EMAIL, name=OWNER,
        language="en", password=password, author=AUTHOR, clock=world.clock,
        noted=lambda member, email: remember_member(index, member, brand_key=key, now=world.today, email=email),
    ).member  # fmt: skip
    token = world.http.post("/sign-in", json={"email": EMAIL, "password": password}, headers=_JSON).json()
    form = {"rail": "sepa", "version": 0, "currency": "EUR", "holder": OWNER, "iban": IBAN, "bic": ""}
    bearer = _JSON | {"Authorization": f"Bearer {token['access_token']}"}
    assert world.http.post("/settings/payment", json=form, headers=bearer).status_code == 201
    papers, s3 = stack.outputs["DocumentsBucketName"], stack.client("s3")
    for text in (b"%PDF Olga Canary 1", b"%PDF Olga Canary 2"):
        s3.put_object(Bucket=papers, Key=f"verification/{partner}/doc_1", Body=text, Metadata={"kind": "identity"})
    # and a client of it
    click = world.click_id_of(world.clicks(link + f"?sub1={SUB}"))
    about = {"client_id": "4711", "account": ACCOUNT, "occurred_at": rfc3339(stack.clock.now())}
    assert _knows(world) == {"known": False, "by": []}
    world.posts({"event_id": "r", "type": "registration", "click_id": click, "country": "DE", **about, **ANN})
    world.posts({"event_id": "d", "type": "deposit", "currency": "EUR", "amount": "20.00", **about})
    world.posts({"event_id": "q", "type": "vip_upgrade", "name": "Ann Smith", **about, "email": ANN["email"]})
    world.applied("4711", 2)
    client = world.client_key("4711")
    assert _knows(world) == {"known": True, "by": ["email", "phone", "device"]}
    traits = [keyed_hash(key, kind, value) for kind, value in _normal().items()]
    assert all(trait in "".join(_tables(stack).values()) for trait in traits)
    eventually("counted click", lambda: _click(world, link))
    place, now = place_of(stack), stack.clock.now()
    shown = json.dumps(export_client(client_books(place), brand=world.brand, client=client, now=now))
    assert all(trait in shown for trait in traits[:3])
    books = verify_stack(stack)
    mine = _mine(books, partner)

    # when the client is erased, and the partner once it is blocked
    change = Change(by="system:operator", at=now, why="asked for it")
    erase_client(client_books(place), brand=world.brand, client=client, change=change, now=now)
    _blocks(world, partner)
    stack.clock.advance(timedelta(hours=1).total_seconds())
    later = stack.clock.now()
    erasure = erase_partner(
        partner_books(place), partner=partner, change=Change(by="system:operator", at=later, why="asked"), now=later
    )
    assert {"logins", "documents", "payment profiles", "names", "e-mails and addresses"} <= erasure.done.keys()
    # and the platform sends once more what it knows of the client
    world.posts({"event_id": "d2", "type": "deposit", "currency": "EUR", "amount": "1.00", **about, **ANN})
    world.applied("4711", 3)

    # then nobody finds either of them anywhere
    needles = [*traits, ACCOUNT, SUB, "Ann Smith", *ANN.values(), NAME, OWNER, "Olga", EMAIL, IBAN, IBAN[4:]]
    needles.remove(ANN["ip"])  # every local visitor has an address of that kind in no log of ours
    exports = {
        "export of the client": export_client(client_books(place), brand=world.brand, client=client, now=later),
        "export of the partner": export_partner(partner_books(place), partner=partner, now=later),
    }
    places = {
        **_tables(stack),
        **_queues(stack),
        **_buckets(stack, world.brand),
        **{str(path): path.read_text(errors="replace") for path in (stack.state_dir / "logs").glob("*")},
        **{name: json.dumps(each, ensure_ascii=False) for name, each in exports.items()},
    }
    found = [(place, needle) for place, text in places.items() for needle in needles if needle in text]
    assert found == []
    assert {"FACTS", "BOOKS"} <= places.keys() and partner in places["BOOKS"], "the search finds what is there"
    assert _knows(world) == {"known": False, "by": []}
    assert index.known(world.brand, [Person("email", keyed_hash(key, "email", EMAIL))], later) == {}
    # and nobody signs in, and the books are what the facts make them
    assert world.http.post("/sign-in", json={"email": EMAIL, "password": password}, headers=_JSON).status_code == 401
    assert world.http.get("/links", headers=bearer).status_code == 401
    assert owner not in json.dumps(pool_users(stack))
    after = verify_stack(stack)
    assert _mine(after, partner) == mine == []


_JSON = {"Accept": "application/json"}


def _identity(world: Scenario) -> bytes:
    secrets = world.stack.client("secretsmanager")
    name = world.stack.outputs["IdentityKeySecretName"]
    return str(secrets.get_secret_value(SecretId=name)["SecretString"]).encode()


def _normal() -> dict[str, str]:
    return {"email": ANN["email"], "phone": "+49307654321", "device": ANN["device"], "address": ANN["ip"]}


def _knows(world: Scenario) -> Any:
    """What the sign-up form is told."""
    body = json.dumps({name: ANN[name] for name in ("email", "phone", "device")}).encode()
    signed = {HEADER: sign(body, [world.secret], world.stack.clock.now())}
    answer: httpx.Response = world.http.post(f"/postback/{world.source}/check", content=body, headers=signed)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _click(world: Scenario, link: str) -> bool:
    return '"clicks": {"N": "1"}' in json.dumps(
        [each for each in _items(world.stack, "BooksTableName") if link in each["sk"]["S"]]
    )


def _blocks(world: Scenario, partner: str) -> None:
    """Compliance has decided, a quarter of an hour before it holds."""
    at = world.stack.clock.now()
    decided = Standing(
        partner=partner, standing="std_canary", since=at + timedelta(minutes=15), status=Status.BLOCKED,
        reason="it leaves", decided_at=at,
    )  # fmt: skip
    world.configuration.set_standing(decided, Status.ACTIVE, Change(by="mem_compliance", at=at, why="it leaves"))


def _mine(report: Any, partner: str) -> list[str]:
    """The differences about this partner: other tests leave what they like."""
    return [f"{each.what} {each.where}" for each in report.differences if partner in f"{each.what} {each.where}"]


def pool_users(stack: Stack) -> list[str]:
    pages = stack.client("cognito-idp").list_users(UserPoolId=stack.outputs["UserPoolId"])["Users"]
    return [user["Username"] for user in pages]


def _items(stack: Stack, output: str) -> list[dict[str, Any]]:
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs[output])
    return [item for page in pages for item in page["Items"]]


def _tables(stack: Stack) -> dict[str, str]:
    """Both tables, whole, with what places an item in the index."""
    named = (("FACTS", "FactsTableName"), ("BOOKS", "BooksTableName"))
    return {name: json.dumps(_items(stack, output), ensure_ascii=False, default=str) for name, output in named}


def _queues(stack: Stack) -> dict[str, str]:
    sqs, found = stack.client("sqs"), {}
    for url in sqs.list_queues().get("QueueUrls", []):
        found[url] = json.dumps(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1))
    return found


def _buckets(stack: Stack, brand: str) -> dict[str, str]:
    """Every version of every object, but the functions' own code, and files that other brands' runs sent to banks."""
    s3, found = stack.client("s3"), {}
    for bucket in (each["Name"] for each in s3.list_buckets()["Buckets"] if "code" not in each["Name"]):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for each in page.get("Versions", []):
                if "sentfiles" in bucket and not each["Key"].startswith(brand):
                    continue
                given = {"Bucket": bucket, "Key": each["Key"], "VersionId": each["VersionId"]}
                found[f"{bucket}/{each['Key']}/{each['VersionId']}"] = (
                    s3.get_object(**given)["Body"].read().decode("latin-1")
                )
    return found
