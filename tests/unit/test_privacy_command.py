"""`introducer erase` and `introducer export` as an operator types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from introducer.domain.configuration import Status
from introducer.store import keys
from introducer_ops import privacy
from introducer_ops.cli import app
from introducer_ops.installation import Place
from tests.support.house import IDENTITY, PARTNER, House, a_house, a_registration, an_amount, client
from tests.support.payouts import BRAND

EMAIL, PHONE = "ann.smith@example.com", "+49 30 1234567"


class Cognito:
    """One login."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def admin_get_user(self, **_: Any) -> Any:
        return {"UserAttributes": [{"Name": "email", "Value": "olga@harbour.example"}], "Enabled": True}

    def admin_disable_user(self, **_: Any) -> None: ...

    def admin_delete_user(self, Username: str, **_: Any) -> None:
        self.deleted.append(Username)


class Bucket:
    """No documents."""

    def list_object_versions(self, **_: Any) -> Any:
        return {"IsTruncated": False}


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with a_house() as found:
        names = ("FactsTableName", "BooksTableName", "UserPoolId", "DocumentsBucketName", "IdentityKeySecretName")
        secrets = SimpleNamespace(get_secret_value=lambda **_: {"SecretString": IDENTITY})
        clients: dict[str, Any] = {
            "secretsmanager": secrets, "cognito-idp": Cognito(), "s3": Bucket(), "dynamodb": found.memory.client,
        }  # fmt: skip
        place = Place(
            name="here",
            outputs=dict(zip(names, ("facts", "books", "pool", "papers", "identity"), strict=True)),
            url="",
            now=lambda: found.now,
            client=clients.__getitem__,
            is_local=True,
        )
        monkeypatch.setattr(privacy, "find", lambda state_dir, stack: place)
        found.posts(a_registration("10234", email=EMAIL, phone=PHONE), an_amount("deposit", "10234", "10.00"))
        yield found


def introducer(*words: str, **more: Any) -> Result:
    return CliRunner().invoke(app, list(words), **more)


def test_a_client_is_shown_and_erased_by_the_platforms_id(house: House) -> None:
    shown = introducer("export", "client", BRAND, "10234", "--as", "text")
    assert (shown.exit_code, "email_hash" in shown.stdout, "registration" in shown.stdout) == (0, True, True)
    dry = introducer("erase", "client", BRAND, "10234", "--dry-run")
    assert dry.exit_code == 0 and "would be erased: events: 1" in dry.stdout.replace("persons counted back: 2, ", "")

    done = introducer("erase", "client", BRAND, "10234", "--yes", "--json")

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["subject"], told["dry_run"]) == (client("10234"), False)
    assert told["done"] == {"persons counted back": 2, "events": 1}
    assert all(each["why"] and each["until"] for each in told["stays"])
    after = introducer("export", "client", BRAND, "--hash", client("10234"))
    document = json.loads(after.stdout)
    assert {each["kind"] for each in document["held"]} >= {"event", "erased", "audit"}
    assert "_hash" not in after.stdout.replace("terms_hash", "")
    again = introducer("erase", "client", BRAND, "--hash", client("10234"), "--yes")
    assert again.exit_code == 0 and "nothing is left to erase" in again.stdout


def test_whoever_does_not_mean_it_erases_nothing(house: House) -> None:
    before = house.all_text()
    assert introducer("erase", "client", BRAND, "10234", input="n\n").exit_code == 1
    assert house.all_text() == before


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("erase", "client", BRAND, "--yes"), 2),
        (("erase", "client", BRAND, "1", "--hash", "x", "--yes"), 2),
        (("erase", "client", BRAND, "nobody", "--yes"), 2),
        (("erase", "partner", "par_nobody", "--yes"), 2),
        (("erase", "partner", PARTNER, "--yes"), 2),
        (("export", "client", BRAND, "nobody"), 2),
        (("export", "partner", "par_nobody"), 2),
    ],
)
def test_what_cannot_be_says_why_and_ends_with_2(house: House, words: tuple[str, ...], code: int) -> None:
    before = house.all_text()
    told = introducer(*words)
    assert told.exit_code == code and told.stderr and house.all_text() == before


def test_what_is_on_its_way_is_tried_again(house: House) -> None:
    house.posts(an_amount("deposit", "10234", "10.00", email=EMAIL), applied=False)
    told = introducer("erase", "client", BRAND, "10234", "--yes")
    assert (told.exit_code, "try again" in told.stderr) == (1, True)


def test_what_old_events_say_of_their_clients_is_let_go_and_younger_ones_keep_it(house: House) -> None:
    before = house.verified()
    house.now += timedelta(days=1000)
    house.posts(a_registration("20468", "2028-11-20T10:00:00Z", email="ben@example.org"))
    house.now += timedelta(days=96)
    assert introducer("erase", "traits", "--older-than", "1094", "--yes").exit_code == 2
    assert f"would be erased: events of {BRAND}: 1" in introducer("erase", "traits", "--dry-run").stdout

    done = introducer("erase", "traits", "--yes", "--json")

    assert json.loads(done.stdout)["done"] == {f"events of {BRAND}": 1}
    left = [each for each in house.of_kind("event") if "email_hash" in each]
    assert [keys.parts(each["pk"])[2] for each in left] == [client("20468")]
    [record] = [each for each in house.of_kind("audit") if each["action"] == "erase_traits"]
    assert (record["subject"], json.loads(record["after"])) == (BRAND, {"accepted_through": "2026-03-06"})
    assert "nothing is left" in introducer("erase", "traits", "--yes").stdout
    assert (house.verified().differences, before.differences) == ((), ())


def test_a_partner_is_shown_and_erased(house: House) -> None:
    shown = introducer("export", "partner", PARTNER, "--as", "text")
    assert shown.exit_code == 0 and "name: Harbour Trading" in shown.stdout
    house.paying.stands(PARTNER, Status.BLOCKED)

    done = introducer("erase", "partner", PARTNER, "--yes", "--look-everywhere")

    assert done.exit_code == 0, done.output
    assert "Still named in: nothing" in done.stdout
    assert "Harbour Trading" not in introducer("export", "partner", PARTNER).stdout
    assert "Harbour Trading" not in house.all_text()
