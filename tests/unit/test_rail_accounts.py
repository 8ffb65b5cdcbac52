"""Which rails a brand has follows from its secret."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import Batch, BatchStatus
from introducer.gateways.rails.accounts import NoAccount, rails_of
from introducer.gateways.rails.files import SentFiles
from introducer.gateways.rails.manual import Manual
from introducer.gateways.rails.paypal import LIVE, Paypal
from introducer.gateways.rails.protocol import NotReached, Rail
from introducer.gateways.rails.sepa import Sepa
from introducer.gateways.secrets import SecretMissing, Secrets, SecretsUnavailable

NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)
SEPA = {"name": "Northwind Markets", "iban": "NL91ABNA0417164300", "bic": "ABNANL2A"}
PAYPAL = {"client_id": "an-app", "secret": "its-key"}


class Manager:
    """Secrets Manager with one secret, or none, or no answer."""

    def __init__(self, text: str | None, failure: str = "ResourceNotFoundException") -> None:
        self.text, self.failure = text, failure
        self.asked: list[str] = []

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:
        self.asked.append(SecretId)
        if self.text is None:
            raise ClientError({"Error": {"Code": self.failure, "Message": ""}}, "GetSecretValue")
        return {"SecretString": self.text}


def rails(manager: Manager) -> dict[RailKind, Rail]:
    secrets = Secrets(manager, elapsed=lambda: 0.0)
    return rails_of("brd_01", "Northwind", secrets, "introducer/test/rails/", SentFiles(None, "b"), LIVE, lambda: 0.0)


def test_each_account_in_the_brands_secret_is_a_rail() -> None:
    manager = Manager(json.dumps({"sepa": SEPA, "paypal": PAYPAL}))
    found = rails(manager)
    assert manager.asked == ["introducer/test/rails/brd_01"]
    assert {kind: type(rail) for kind, rail in found.items()} == {
        RailKind.SEPA: Sepa, RailKind.PAYPAL: Paypal, RailKind.MANUAL: Manual,
    }  # fmt: skip


BATCH = Batch(
    batch="bat_01", brand="brd_01", run="r", rail=RailKind.SEPA, currency="EUR", after="", through="pay_z",
    status=BatchStatus.SEALED,
)  # fmt: skip


@pytest.mark.parametrize("text", [None, "{}", json.dumps({"paypal": PAYPAL})])
def test_a_rail_without_an_account_sends_nothing_and_says_where_to_put_one(text: str | None) -> None:
    rail = rails(Manager(text))[RailKind.SEPA]
    assert isinstance(rail, NoAccount)
    with pytest.raises(NotReached, match="introducer/test/rails/brd_01") as raised:
        rail.send(BATCH, [], NOW)
    assert raised.value.code == "no_account"
    assert rail.look_up(BATCH, NOW) is None


@pytest.mark.parametrize(
    ("kind", "account", "needs"),
    [
        (RailKind.SEPA, {"name": "N"}, "name, iban, bic"),
        (RailKind.SEPA, {**SEPA, "bic": " "}, "name, iban, bic"),
        (RailKind.SEPA, {**SEPA, "iban": "NL91"}, "an IBAN"),
        (RailKind.SEPA, {**SEPA, "name": "!!"}, "a name"),
        (RailKind.PAYPAL, "an-app", "client_id, secret"),
        (RailKind.PAYPAL, {**PAYPAL, "secret": ""}, "client_id, secret"),
    ],
)
def test_an_account_that_can_be_none_stops_its_own_rail_alone(kind: RailKind, account: Any, needs: str) -> None:
    found = rails(Manager(json.dumps({"sepa": SEPA, "paypal": PAYPAL} | {kind.value: account})))

    assert {other for other, rail in found.items() if isinstance(rail, NoAccount)} == {kind}
    with pytest.raises(NotReached, match=needs) as raised:
        found[kind].send(BATCH, [], NOW)
    told = str(raised.value)
    # it names the secret, and nothing of what is in it
    assert "introducer/test/rails/brd_01" in told and "an-app" not in told and "NL91" not in told


def test_an_account_is_taken_as_banks_print_it() -> None:
    printed = {"name": " Northwind Markets ", "iban": "nl91 ABNA 0417\u00a01643 00", "bic": "ABNA NL 2A"}
    assert isinstance(rails(Manager(json.dumps({"sepa": printed})))[RailKind.SEPA], Sepa)


def test_a_secret_that_is_no_json_is_told_without_what_is_in_it() -> None:
    with pytest.raises(SecretMissing) as raised:
        rails(Manager("an-app"))
    assert "an-app" not in str(raised.value)


def test_while_secrets_cannot_be_read_nothing_is_sent_by_any_rail() -> None:
    with pytest.raises(SecretsUnavailable):
        rails(Manager(None, "InternalServiceError"))
