"""Settings, the clock, secrets, and errors as answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from introducer.domain import errors
from introducer.gateways.secrets import (
    KEPT_SECONDS,
    OLDEST_SECONDS,
    SecretMissing,
    Secrets,
    SecretsUnavailable,
)
from introducer.runtime.clock import Clock
from introducer.runtime.observability import SafeFormatter
from introducer.runtime.problems import answering, body_of, document, header, headers_of, problem, status_of
from introducer.runtime.settings import MissingSetting, Settings
from tests.support.posting import cloud

# ---- Settings and the clock -----------------------------------------------------------------------------------------


def test_a_setting_that_is_missing_is_named_when_it_is_needed() -> None:
    told = Settings({"FACTS_TABLE": "facts", "BOOKS_TABLE": ""})
    assert told.facts_table == "facts"
    for name in ("books_table", "stage", "identity_key_secret"):
        with pytest.raises(MissingSetting, match=name.upper()):
            getattr(told, name)


def is_about(moment: datetime, expected: datetime) -> bool:
    return abs(moment - expected) < timedelta(seconds=5)


def test_on_the_local_stage_the_clock_follows_its_file(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock = Clock(Settings({"STAGE": "local", "CLOCK_FILE": str(file)}))
    assert is_about(clock.now(), datetime.now(UTC))
    file.write_text("-86400.5\n")
    assert is_about(clock.now(), datetime.now(UTC) - timedelta(days=1))
    file.write_text("3600")
    assert is_about(clock.now(), datetime.now(UTC) + timedelta(hours=1))
    assert is_about(clock.true_now(), datetime.now(UTC))


@pytest.mark.parametrize("half_written", ["", "-", "nan", "1e400"])
def test_while_the_clock_file_is_being_written_time_does_not_jump(tmp_path: Path, half_written: str) -> None:
    file = tmp_path / "clock"
    file.write_text("-86400")
    clock = Clock(Settings({"STAGE": "local", "CLOCK_FILE": str(file)}))
    clock.now()
    file.write_text(half_written)
    assert is_about(clock.now(), datetime.now(UTC) - timedelta(days=1))


@pytest.mark.parametrize("stage", ["prod", "Local", "", None])
def test_anywhere_else_no_file_moves_the_clock(tmp_path: Path, stage: str | None) -> None:
    file = tmp_path / "clock"
    file.write_text("-86400")
    told = {"CLOCK_FILE": str(file)} | ({} if stage is None else {"STAGE": stage})
    assert is_about(Clock(Settings(told)).now(), datetime.now(UTC))


def test_elapsed_time_never_goes_back() -> None:
    clock = Clock(Settings({}))
    assert clock.elapsed() <= clock.elapsed()


# ---- Secrets --------------------------------------------------------------------------------------------------------


class Vault:
    """Secrets Manager with a stopwatch beside it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.client = boto3.client("secretsmanager")
        self.asked, self.seconds = 0, 0.0
        self.trouble: Exception | None = None
        self.secrets = Secrets(self, elapsed=lambda: self.seconds)

    def get_secret_value(self, SecretId: str) -> Any:
        self.asked += 1
        if self.trouble:
            raise self.trouble
        return self.client.get_secret_value(SecretId=SecretId)


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Any:
    with cloud(monkeypatch):
        vault = Vault(monkeypatch)
        vault.client.create_secret(Name="key", SecretString="one")
        yield vault


def test_a_secret_is_read_once_and_again_after_five_minutes(vault: Vault) -> None:
    assert [vault.secrets.text("key") for _ in range(3)] == ["one"] * 3
    assert vault.asked == 1
    vault.client.put_secret_value(SecretId="key", SecretString="two")
    vault.seconds = KEPT_SECONDS - 1
    assert vault.secrets.text("key") == "one"
    vault.seconds = KEPT_SECONDS
    assert vault.secrets.text("key") == "two"


@pytest.mark.parametrize(
    "trouble",
    [
        ClientError({"Error": {"Code": "ThrottlingException"}}, "GetSecretValue"),
        EndpointConnectionError(endpoint_url="https://nowhere"),
    ],
)
def test_while_secrets_manager_is_away_what_we_hold_serves_for_an_hour(vault: Vault, trouble: Exception) -> None:
    vault.secrets.text("key")
    vault.trouble = trouble
    vault.seconds = OLDEST_SECONDS - 1
    assert vault.secrets.text("key") == "one"
    vault.seconds = OLDEST_SECONDS
    with pytest.raises(SecretsUnavailable):
        vault.secrets.text("key")


def test_a_secret_that_was_taken_away_is_good_no_longer(vault: Vault) -> None:
    vault.secrets.text("key")
    vault.client.delete_secret(SecretId="key", ForceDeleteWithoutRecovery=True)
    vault.seconds = KEPT_SECONDS
    for _ in range(2):
        with pytest.raises(SecretMissing):
            vault.secrets.text("key")


def test_a_secret_that_was_taken_away_does_not_come_back_with_an_outage(vault: Vault) -> None:
    vault.secrets.text("key")
    vault.seconds = KEPT_SECONDS
    vault.trouble = ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue")
    with pytest.raises(SecretMissing):
        vault.secrets.text("key")
    vault.trouble = EndpointConnectionError(endpoint_url="https://nowhere")
    with pytest.raises(SecretsUnavailable):
        vault.secrets.text("key")


@pytest.mark.parametrize("text", ["words", "[]", "{}", '{"v1": "one"}', '{"v1": []}', '{"v1": [""]}', '{"v1": [1]}'])
def test_signing_keys_of_another_form_are_an_operators_business(vault: Vault, text: str) -> None:
    vault.client.create_secret(Name="source", SecretString=text)
    with pytest.raises(SecretMissing) as raised:
        vault.secrets.signing_keys("source")
    assert "source" in raised.value.detail and "words" not in raised.value.detail


def test_signing_keys_come_in_their_order(vault: Vault) -> None:
    vault.client.create_secret(Name="source", SecretString='{"v1": ["new", "alt ✓"]}')
    assert vault.secrets.signing_keys("source") == [b"new", "alt ✓".encode()]


# ---- Problems -------------------------------------------------------------------------------------------------------


def every_error(
    kind: type[errors.IntroducerError] = errors.IntroducerError,
) -> list[type[errors.IntroducerError]]:
    return [kind, *(sub for child in kind.__subclasses__() for sub in every_error(child))]


@pytest.mark.parametrize("kind", every_error())
def test_every_error_of_the_tree_has_a_status_and_a_whole_document(
    kind: type[errors.IntroducerError],
) -> None:
    error = kind("What is wrong.", partner="par_1")
    body = document(error, "req-1", "/c/1")
    assert body["status"] == status_of(error) in (400, 401, 403, 404, 409, 413, 422, 429, 500, 503)
    assert body.keys() >= {"type", "title", "status", "detail", "code", "instance", "request_id"}
    if body["status"] != 500:
        assert (body["detail"], body["code"], body["partner"]) == ("What is wrong.", kind.code, "par_1")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Malformed(""), 400),
        (errors.Unauthenticated(""), 401),
        (errors.Forbidden(""), 403),
        (errors.NotFound(""), 404),
        (errors.Conflict(""), 409),
        (errors.TooLarge(""), 413),
        (errors.Invalid(""), 422),
        (errors.TooMany(""), 429),
        (errors.Unavailable(""), 503),
        (SecretMissing(""), 503),
        (errors.Poison(""), 500),
        (KeyError("password"), 500),
        (MissingSetting("x"), 500),
    ],
)
def test_the_class_decides_the_status(error: Exception, status: int) -> None:
    assert status_of(error) == status


def test_what_went_wrong_inside_stays_inside() -> None:
    body = document(errors.Poison("the client's name"), "r") | document(KeyError("password"), "r")
    assert "name" not in json.dumps(body) and "password" not in json.dumps(body)


def test_an_errors_own_facts_cannot_pose_as_the_documents() -> None:
    assert document(errors.Conflict("real", status=200, title="fake"), "r")["status"] == 409


def test_headers_say_when_to_come_back_and_how_to_sign_in() -> None:
    assert headers_of(errors.Unavailable(""))["retry-after"] == "5"
    assert headers_of(errors.TooMany("", retry_after=60))["retry-after"] == "60"
    assert "retry_after" not in document(errors.TooMany("", retry_after=60), "r")
    assert headers_of(errors.Unauthenticated(""), "Bearer")["www-authenticate"] == "Bearer"
    assert "www-authenticate" not in headers_of(errors.Invalid(""), "Bearer")


def test_a_good_answer_passes_as_it_is() -> None:
    @answering()
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        return {"statusCode": 204}

    assert handler({}, None) == {"statusCode": 204}


def test_a_problem_is_json_whatever_its_facts_are() -> None:
    answer = problem(errors.Conflict("x", at=datetime(2026, 3, 2, tzinfo=UTC)), {"rawPath": "/p"})
    assert json.loads(answer["body"])["at"] == "2026-03-02 00:00:00+00:00"


def test_bodies_and_headers_are_found_as_they_were_sent() -> None:
    assert body_of({"body": "ä"}) == "ä".encode()
    assert body_of({"body": "gAE=", "isBase64Encoded": True}) == b"\x80\x01"
    assert body_of({}) == b""
    assert header({"headers": {"X-One": "1"}}, "x-oNE") == "1"
    assert header({"headers": None}, "x") is None


# ---- Logs -----------------------------------------------------------------------------------------------------------


def test_a_key_that_is_not_listed_does_not_get_into_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "prod")
    line = json.loads(SafeFormatter().serialize({"message": "m", "brand": "b", "email": "ann@example.com"}))
    assert line == {"message": "m", "brand": "b", "left_out": ["email"]}


def test_on_the_local_stage_the_developer_sees_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "local")
    assert json.loads(SafeFormatter().serialize({"exception": "why", "odd": 1})) == {
        "exception": "why",
        "odd": 1,
    }
