"""Making logins and source secrets: what Cognito and Secrets Manager answer becomes our own words."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from introducer.domain.errors import Conflict, Invalid, NotFound, Unavailable
from introducer.gateways import source_secrets, user_pool
from introducer.gateways.secrets import Secrets
from introducer.gateways.source_files import SourceBucket

PASSWORD = "Long-enough-1"


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


class TestUserPool:
    @pytest.fixture(name="pool_id")
    def _pool_id(self) -> str:
        client = boto3.client("cognito-idp")
        pool_id: str = client.create_user_pool(PoolName="introducer-test", UsernameAttributes=["email"])["UserPool"][
            "Id"
        ]
        client.create_group(UserPoolId=pool_id, GroupName=user_pool.PARTNERS)
        return pool_id

    def test_a_login_has_its_sub_password_and_group(self, pool_id: str) -> None:
        pool = user_pool.UserPool(user_pool.new_client(), pool_id)

        sub = pool.create_user("owner@example.com", send_invitation=False)
        pool.set_password("owner@example.com", PASSWORD)
        pool.add_to_group("owner@example.com", user_pool.PARTNERS)

        client = boto3.client("cognito-idp")
        user = client.admin_get_user(UserPoolId=pool_id, Username="owner@example.com")
        assert {"Name": "sub", "Value": sub} in user["UserAttributes"]
        assert {"Name": "email_verified", "Value": "true"} in user["UserAttributes"]
        assert user["UserStatus"] == "CONFIRMED"
        groups = client.admin_list_groups_for_user(UserPoolId=pool_id, Username="owner@example.com")["Groups"]
        assert [group["GroupName"] for group in groups] == ["partner"]

    def test_making_a_login_again_gives_the_same_one(self, pool_id: str) -> None:
        pool = user_pool.UserPool(user_pool.new_client(), pool_id)

        first = pool.create_user("owner@example.com", send_invitation=False)

        assert pool.create_user("owner@example.com", send_invitation=False) == first

    def test_a_weak_password_is_the_persons_business(self, pool_id: str) -> None:
        pool = user_pool.UserPool(user_pool.new_client(), pool_id)
        pool.create_user("owner@example.com", send_invitation=False)

        with pytest.raises(Invalid) as refusal:
            pool.set_password("owner@example.com", "short")

        assert refusal.value.code == "password_weak"

    def test_a_login_is_let_out_and_in_again_and_changes_its_group(self, pool_id: str) -> None:
        pool, client = user_pool.UserPool(user_pool.new_client(), pool_id), boto3.client("cognito-idp")
        for group in ("sales", "finance"):
            client.create_group(UserPoolId=pool_id, GroupName=group)
        sub = pool.create_user("nova@example.com", send_invitation=False)
        pool.add_to_group("nova@example.com", "sales")

        pool.disable(sub)
        assert pool.login(sub).enabled is False
        pool.enable(sub)
        assert pool.login(sub).enabled is True
        for _ in range(2):
            pool.move_to_group(sub, "sales", "finance")
        groups = client.admin_list_groups_for_user(UserPoolId=pool_id, Username="nova@example.com")["Groups"]
        assert [group["GroupName"] for group in groups] == ["finance"]
        # One that is gone is as good as disabled.
        pool.disable("00000000-0000-0000-0000-000000000000")

    def test_an_invitation_goes_out_again_until_there_is_a_password(self, pool_id: str) -> None:
        asked: list[dict[str, object]] = []

        class Cognito:
            def admin_create_user(self, **given: object) -> None:
                asked.append(given)
                if len(asked) > 1:
                    raise ClientError({"Error": {"Code": "UnsupportedUserStateException"}}, "AdminCreateUser")

        pool = user_pool.UserPool(Cognito(), pool_id)
        pool.invite_again("nova@example.com")
        with pytest.raises(Conflict) as refusal:
            pool.invite_again("nova@example.com")
        assert refusal.value.code == "signed_in_before"
        assert (asked[0]["Username"], asked[0]["MessageAction"]) == ("nova@example.com", "RESEND")

    def test_a_pool_that_is_not_there_is_nobodys_fault_but_ours(self) -> None:
        pool = user_pool.UserPool(user_pool.new_client(), "us-east-1_missing")

        with pytest.raises(Unavailable):
            pool.create_user("owner@example.com", send_invitation=False)


class TestSourceSecrets:
    def test_a_secret_can_be_rotated_because_it_is_a_list(self) -> None:
        source_secrets.SourceSecrets(source_secrets.new_client(), "introducer/test/source/").create("mt5", "s3cret")

        kept = boto3.client("secretsmanager").get_secret_value(SecretId="introducer/test/source/mt5")["SecretString"]
        assert json.loads(kept) == {"v1": ["s3cret"]}

    def test_a_secret_is_never_overwritten(self) -> None:
        secrets = source_secrets.SourceSecrets(source_secrets.new_client(), "introducer/test/source/")
        secrets.create("mt5", "s3cret")

        with pytest.raises(Conflict) as refusal:
            secrets.create("mt5", "another")

        assert refusal.value.code == "secret_exists"
        kept = boto3.client("secretsmanager").get_secret_value(SecretId="introducer/test/source/mt5")["SecretString"]
        assert json.loads(kept) == {"v1": ["s3cret"]}

    def test_two_secrets_are_good_while_one_is_replaced_and_a_repeat_replaces_nothing(self) -> None:
        secrets = source_secrets.SourceSecrets(source_secrets.new_client(), "introducer/test/source/")
        secrets.create("mt5", "first")
        before = secrets.known("mt5")
        assert (before.previous, before.token) == (False, False)
        secrets.keep_token("mt5", "their token")

        secrets.rotate("mt5", "second", before.fingerprint)
        with pytest.raises(Conflict) as refusal:
            secrets.rotate("mt5", "third", before.fingerprint)

        assert refusal.value.code == "secret_changed"
        kept = Secrets(boto3.client("secretsmanager"), elapsed=lambda: 0.0)
        assert kept.signing_keys("introducer/test/source/mt5") == [b"second", b"first"]
        assert kept.pull_token("introducer/test/source/mt5") == "their token"
        after = secrets.known("mt5")
        assert (after.previous, after.token, after.fingerprint != before.fingerprint) == (True, True, True)
        secrets.end_previous("mt5")
        assert secrets.known("mt5") == after._replace(previous=False)
        with pytest.raises(NotFound):
            secrets.known("nobody")


def test_a_file_of_a_platform_is_read_by_its_version_whatever_comes_after_it() -> None:
    client = boto3.client("s3")
    client.create_bucket(Bucket="files")
    client.put_bucket_versioning(Bucket="files", VersioningConfiguration={"Status": "Enabled"})
    bucket = SourceBucket(client, "files")
    first = bucket.put("sources/mt5/a.csv", b"first")
    bucket.put("sources/mt5/a.csv", b"the second")
    assert (bucket.find("sources/mt5/a.csv", first).size, bucket.read("sources/mt5/a.csv", first)) == (5, b"first")
    for key, version in (("sources/mt5/b.csv", first), ("sources/mt5/a.csv", "gone")):
        with pytest.raises(NotFound):
            bucket.find(key, version)
