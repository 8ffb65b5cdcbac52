"""A canary: an account number goes the whole way, from the partner's form to the file for the bank, and is in clear
nowhere else (invariant 17)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from introducer.domain.configuration import Role
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import execution_name
from introducer_ops.localcloud import Stack
from tests.support.paying import Paying
from tests.support.scenario import Scenario, the_stacks_account

pytestmark = pytest.mark.cloud

CANARY, HOLDER = "DE75512108001245126199", "Canaria Holdings"
SHOWN = "6199"
"""What everybody may see of it."""
WRONG = "DE75512108001245126198"
"""With a wrong digit: refused, and not repeated either."""


@pytest.fixture
def paying(stack: Stack) -> Iterator[Paying]:
    before = stack.clock.offset
    with the_stacks_account(stack):
        try:
            yield Paying(Scenario(stack, stack.clock.now() - timedelta(days=70)))
        finally:
            stack.clock.set(before)


def test_an_account_number_is_in_clear_in_the_file_for_the_bank_alone(paying: Paying) -> None:
    # given a partner with money whose owner says at the portal where it is paid, wrongly at first
    stack = paying.world.stack
    paying.ready()
    paying.pays_from(sepa={"name": "Northwind Markets", "iban": "NL91ABNA0417164300", "bic": "ABNANL2A"})
    partner = paying.payee(25_000, RailKind.MANUAL, name="Canaria")
    owner = signed_in(paying, partner, Role.OWNER)
    form = {"rail": "sepa", "version": 1, "currency": "EUR", "holder": HOLDER, "iban": CANARY, "bic": ""}
    answers = [paying.world.http.post("/settings/payment", json=form | {"iban": WRONG}, headers=owner)]
    assert answers[0].status_code == 422
    answers.append(paying.world.http.post("/settings/payment", json=form, headers=owner))
    assert answers[1].status_code == 201, answers[1].text
    assert SHOWN in answers[1].text
    stack.clock.advance(timedelta(days=4).total_seconds())
    paying.ready()

    # when a run pays it, and people look at everything that there is to see of it
    started = paying.start()
    paying.decide(started.run, approve=True)
    [batch] = paying.sent(started.run)
    assert paying.confirm(started.run) == 1
    stack.clock.advance(timedelta(hours=2).total_seconds())
    assert paying.ended(execution_name(paying.world.brand, started.run)).status == "SUCCEEDED"
    payout = paying.of_run(started.run)[partner].payout
    finance, owner = signed_in(paying, None, Role.FINANCE), signed_in(paying, partner, Role.OWNER)
    there = f"/desk/runs/{started.run}"
    for path, who in (
        ("/settings/payment", owner), ("/payouts", owner), (f"/payouts/{payout}", owner), (there, finance),
        (f"{there}/payouts/{payout}", finance), (f"{there}/batches/{batch.batch}", finance),
        (f"/desk/payees/{partner}", finance),
    ):  # fmt: skip
        for kind in ("text/html", "application/json"):
            answers.append(paying.world.http.get(path, headers=who | {"Accept": kind}))
            assert answers[-1].status_code == 200, path
    answers.append(paying.world.http.get(there, headers=finance | {"Accept": "text/csv"}))

    # then the bank's file has the account
    s3 = stack.client("s3")
    file = s3.get_object(Bucket=stack.outputs["SentFilesBucketName"], Key=batch.file)["Body"].read().decode()
    assert CANARY in file
    assert HOLDER in file

    # and it is nowhere else
    places = {
        **{f"answer {number}": answer.text for number, answer in enumerate(answers)},
        **{str(path): path.read_text(errors="replace") for path in sorted((stack.state_dir / "logs").glob("*"))},
        **{f"mail {number}": mail.as_string() for number, mail in enumerate(stack.mails())},
        **dict(tables(stack)),
        **dict(queues(stack)),
        **dict(buckets(stack)),
        "execution": json.dumps(paying.events(started.execution.name), default=str),
    }
    assert len(places) > 20
    assert [place for place, text in places.items() if CANARY[4:] in text or WRONG[4:] in text] == []
    # What is in clear there is seen by this search: the masked number is.
    assert {"FACTS", "BOOKS"} <= places.keys()
    assert SHOWN in places["BOOKS"]


def signed_in(paying: Paying, partner: str | None, role: Role) -> dict[str, str]:
    """The headers of somebody who signed in."""
    email, password = paying.world.a_login(partner, role)
    answer: httpx.Response = paying.world.http.post(
        "/sign-in", json={"email": email, "password": password}, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    return {"Accept": "application/json", "Authorization": f"Bearer {answer.json()['access_token']}"}


def tables(stack: Stack) -> Iterator[tuple[str, str]]:
    """Both tables, whole."""
    for name, output in (("FACTS", "FactsTableName"), ("BOOKS", "BooksTableName")):
        pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs[output])
        yield name, json.dumps([item for page in pages for item in page["Items"]], default=str)


def queues(stack: Stack) -> Iterator[tuple[str, str]]:
    """What lies in every queue; it is seen again at once."""
    sqs = stack.client("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        found: list[Any] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=5).get(
            "Messages"
        ):
            found += messages
            if len(found) > 1_000:
                break
        yield url, json.dumps(found)


def buckets(stack: Stack) -> Iterator[tuple[str, str]]:
    """Every object but the rails' own files, and the packages of the functions."""
    s3 = stack.client("s3")
    for bucket in (each["Name"] for each in s3.list_buckets()["Buckets"]):
        if bucket == stack.outputs["SentFilesBucketName"] or "code" in bucket:
            continue
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for each in page.get("Contents", []):
                body = s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
                yield f"{bucket}/{each['Key']}", body.decode("latin-1")
