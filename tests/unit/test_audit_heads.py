"""Daily heads of the audit chains, in a bucket under Object Lock: once a day, never again, and never gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from introducer.domain.audit_chain import DailyHead
from introducer.domain.configuration import DEPLOYMENT
from introducer.domain.errors import Unavailable
from introducer.gateways.audit_heads import AuditHeads, head_key
from introducer.services.keep_heads import keep_heads
from introducer.services.verify_audit import AuditReport, verify_audit
from introducer.store.scans import Scans
from tests.conftest import create_table
from tests.support.functions import load
from tests.support.memory import Memory, served_by
from tests.support.trail import NORTH, SOUTH, Trail

BUCKET = "introducer-local-heads"
HEAD = DailyHead(brand=NORTH, day="2026-11-02", number=7, digest="ab" * 32)


@pytest.fixture(name="s3")
def _s3() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
        client.put_object_lock_configuration(
            Bucket=BUCKET,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 2557}},
            },
        )
        yield client


@pytest.fixture(name="heads")
def _heads(s3: Any) -> AuditHeads:
    return AuditHeads(s3, BUCKET)


@pytest.fixture(name="trail")
def _trail() -> Iterator[Trail]:
    memory = Memory()
    with served_by(memory.client):
        create_table(memory.client, "books", index=True)
        trail = Trail(memory)
        for brand in (NORTH, SOUTH):
            trail.a_brands_weeks(brand, 1)
        trail.chains()
        yield trail


def verified(trail: Trail, heads: AuditHeads, brand: str | None = None) -> AuditReport:
    scans = Scans(trail.memory.client, facts="facts", books=trail.table)
    return verify_audit(scans, trail.chain, heads.kept(brand), now=trail.now + timedelta(days=1), brand=brand)


class TestTheBucket:
    def test_a_head_is_written_once_and_stays(self, s3: Any, heads: AuditHeads) -> None:
        assert heads.keep(HEAD)
        assert not heads.keep(replace(HEAD, number=9))
        assert list(heads.kept()) == [(HEAD, False)]
        stored = s3.get_object(Bucket=BUCKET, Key="heads/brd_north/2026-11-02.json")
        assert json.loads(stored["Body"].read()) == {
            "brand": NORTH, "day": "2026-11-02", "number": 7, "digest": "ab" * 32
        }  # fmt: skip
        assert stored["ObjectLockMode"] == "COMPLIANCE"
        assert stored["ObjectLockRetainUntilDate"] > datetime.now(UTC) + timedelta(days=2556)
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(Bucket=BUCKET, Key=head_key(NORTH, HEAD.day), VersionId=stored["VersionId"])

    def test_of_one_brand_or_of_all(self, heads: AuditHeads) -> None:
        of_south = replace(HEAD, brand=SOUTH)
        assert heads.keep(HEAD) and heads.keep(of_south) and heads.keep(replace(HEAD, day="2026-11-03"))
        assert [each.head.brand for each in heads.kept()] == [NORTH, NORTH, SOUTH]
        assert [each.head for each in heads.kept(SOUTH)] == [of_south]

    @pytest.mark.parametrize("body", [None, b"{}", b"not JSON"])
    def test_what_lies_over_a_head_does_not_hide_it(self, s3: Any, heads: AuditHeads, body: bytes | None) -> None:
        assert heads.keep(HEAD)
        if body is None:
            s3.delete_object(Bucket=BUCKET, Key=head_key(NORTH, HEAD.day))
        else:
            s3.put_object(Bucket=BUCKET, Key=head_key(NORTH, HEAD.day), Body=body)
        assert list(heads.kept()) == [(HEAD, True)]

    def test_one_that_cannot_be_read_fits_no_chain(self, s3: Any, heads: AuditHeads) -> None:
        s3.put_object(Bucket=BUCKET, Key=head_key(NORTH, HEAD.day), Body=b"[]")
        [(head, hidden)] = heads.kept()
        assert (head.brand, head.day, head.digest, hidden) == (NORTH, HEAD.day, "unreadable", False)

    def test_a_bucket_that_is_not_there_is_unavailable(self, s3: Any) -> None:
        nowhere = AuditHeads(s3, "introducer-local-nowhere")
        with pytest.raises(Unavailable):
            nowhere.keep(HEAD)
        with pytest.raises(Unavailable):
            list(nowhere.kept())


class TestTheDailyStep:
    def test_keeps_each_brands_head_once_a_day(self, trail: Trail, heads: AuditHeads) -> None:
        first = keep_heads(trail.configuration, trail.chain, heads, now=trail.now)
        assert [(each.brand, each.number) for each in first.kept] == [(DEPLOYMENT, 0), (SOUTH, 7), (NORTH, 7)]
        trail.pauses("n0abcdef")
        trail.chains()
        again = keep_heads(trail.configuration, trail.chain, heads, now=trail.now)
        assert (again.kept, again.there, again.missing) == ([], 3, {})
        next_day = keep_heads(trail.configuration, trail.chain, heads, now=trail.now + timedelta(days=1))
        assert {each.brand: each.number for each in next_day.kept} == {DEPLOYMENT: 0, NORTH: 8, SOUTH: 7}
        report = verified(trail, heads)
        assert report.findings == []
        [of_north] = [each for each in report.chains if each.brand == NORTH]
        assert (of_north.links, of_north.kept, of_north.after_kept) == (8, 2, 0)

    def test_the_function_says_what_it_kept_and_what_it_could_not(
        self, trail: Trail, heads: AuditHeads, capfd: pytest.CaptureFixture[str]
    ) -> None:
        app = load("audit")
        app.__dict__["parts"] = lambda: (trail.configuration, trail.chain, heads)
        assert app.handler({}, None) == {"kept": 3, "there": 0, "missing": []}
        assert app.handler({}, None) == {"kept": 0, "there": 3, "missing": []}
        nowhere = AuditHeads(heads._client, "introducer-local-nowhere")
        app.__dict__["parts"] = lambda: (trail.configuration, trail.chain, nowhere)
        assert app.handler({}, None)["missing"] == [NORTH, SOUTH, DEPLOYMENT]
        assert '"AuditHeadsMissing":[3' in capfd.readouterr().out.replace(" ", "")


class TestAgainstWhatWasKept:
    """Whoever may write the table, and knows how links are made, is found by what lies elsewhere."""

    def cuts(self, trail: Trail, brand: str, left: int) -> None:
        """All behind a number goes, without a trace in the table."""
        for number, link in list(trail.chain.links(brand, 0)):
            if number > left:
                at = f"{link.key.at}#{link.key.audit}"
                for place in (
                    (f"K#{brand}#0", f"{number:012d}"),
                    (f"K#{brand}#places#{link.key.subject}", at),
                    (f"A#{link.key.subject}", at),
                ):
                    trail.puts(place, None)
        [*_, (number, last)] = trail.chain.links(brand, 0)
        head = {"pk": {"S": f"K#{brand}"}, "sk": {"S": "head"}, "brand": {"S": brand}}
        trail.puts((f"K#{brand}", "head"), head | {"number": {"N": str(number)}, "digest": {"S": last.digest}})

    def test_a_trail_cut_without_a_trace_ends_before_its_kept_head(self, trail: Trail, heads: AuditHeads) -> None:
        self.cuts(trail, NORTH, 6)
        # Before a head was kept there is nothing to see.
        assert verified(trail, heads).findings == []
        trail.now += timedelta(minutes=1)
        keep_heads(trail.configuration, trail.chain, heads, now=trail.now)
        self.cuts(trail, NORTH, 4)
        [found] = verified(trail, heads).findings
        assert (found.damage, found.brand, found.number) == ("cut", NORTH, 6)

    def test_a_brand_that_is_gone_from_the_table_is_missed(self, trail: Trail, heads: AuditHeads) -> None:
        keep_heads(trail.configuration, trail.chain, heads, now=trail.now)
        for place in list(trail.memory.tables["books"].items):
            if NORTH in str(trail.memory.tables["books"].items[place]):
                trail.puts(place, None)
        report = verified(trail, heads)
        assert {(found.damage.value, found.brand) for found in report.findings} == {("cut", NORTH)}

    def test_a_head_that_is_hidden_is_a_finding(self, s3: Any, trail: Trail, heads: AuditHeads) -> None:
        keep_heads(trail.configuration, trail.chain, heads, now=trail.now)
        s3.delete_object(Bucket=BUCKET, Key=head_key(SOUTH, f"{trail.now:%Y-%m-%d}"))
        [found] = verified(trail, heads).findings
        assert (found.damage, found.brand) == ("hidden", SOUTH)
        assert verified(trail, heads, NORTH).findings == []
