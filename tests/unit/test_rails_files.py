"""The rails that write files: a bank's pain.001 and a person's list, once each, in a bucket that keeps the first."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import boto3
import pytest
import sepaxml
import xmlschema
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import PayoutStatus
from introducer.domain.reconciliation import bank_id, ids_in
from introducer.gateways.rails.files import SentFiles, file_key
from introducer.gateways.rails.manual import COLUMNS, Manual
from introducer.gateways.rails.protocol import NotReached, NotSent, Rail, Refused, Unsure
from introducer.gateways.rails.sepa import LARGEST_AMOUNT, Debtor, Sepa, sepa_text
from tests.support.transfers import AT, BRAND, RUN, a_batch, a_transfer, everything_of, shows_nothing

BUCKET = "introducer-local-sent"
DEBTOR = Debtor(name="Nordwind Börse GmbH & Co", iban="DE89370400440532013000", bic="COBADEFFXXX")
PAIN = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"
SCHEMA = xmlschema.XMLSchema(str(Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd"))
SEPA, MANUAL = RailKind.SEPA, RailKind.MANUAL


@pytest.fixture(name="account", scope="module")
def _account() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield boto3.client("s3")


@pytest.fixture(name="s3")
def _s3(account: Any) -> Iterator[Any]:
    """One client for all of them, because to make one is what takes time; the bucket is empty for each."""
    account.create_bucket(Bucket=BUCKET)
    yield account
    for each in account.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        account.delete_object(Bucket=BUCKET, Key=each["Key"])
    account.delete_bucket(Bucket=BUCKET)


class Broken:
    """An S3 that fails as it is told, before or after it has done what it was asked."""

    def __init__(self, client: Any, error: Exception, *, after: bool = False) -> None:
        self.client, self.error, self.after = client, error, after

    def put_object(self, **asked: Any) -> Any:
        if self.after:
            self.client.put_object(**asked)
        raise self.error

    def head_object(self, **asked: Any) -> Any:
        return self.client.head_object(**asked)


def answered(code: str, status: int) -> ClientError:
    said = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, "PutObject")  # type: ignore[arg-type]


def a_sepa(client: Any, **settings: Any) -> Sepa:
    return Sepa(SentFiles(client, BUCKET, "arn:aws:kms:us-east-1:1:key/1"), DEBTOR, **settings)


def a_manual(client: Any) -> Manual:
    return Manual(SentFiles(client, BUCKET))


def stored(client: Any, key: str) -> bytes:
    body: bytes = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


def texts(file: bytes, path: str) -> list[str | None]:
    steps = "/".join(PAIN + step for step in path.split("/"))
    return [each.text for each in ElementTree.fromstring(file).iterfind(f".//{steps}")]


# ------------------------------------------------------------------------------------------------------------- the file


def test_a_batch_becomes_a_file_that_keeps_to_the_schema(s3: Any) -> None:
    # given three payouts of a batch, in no order
    rail: Rail = a_sepa(s3)
    batch = a_batch(SEPA)
    transfers = [a_transfer(SEPA, f"par_{number}", 10 ** (2 * number)) for number in (3, 1, 2)]

    # when it is handed over
    handed = rail.send(batch, transfers, AT)

    # then the bucket has a pain.001.001.09 with every payout to the cent, and all are sent
    assert handed.file == file_key(batch, "xml") == f"{BRAND}/{RUN}/{batch.batch}.xml"
    file = stored(s3, handed.file)
    SCHEMA.validate(file.decode())
    assert b'xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"' in file
    by_id = sorted(transfers, key=lambda each: each.payout)
    assert texts(file, "PmtId/EndToEndId") == [bank_id(each.payout) for each in by_id]
    assert [ids_in(text or "") for text in texts(file, "PmtId/EndToEndId")] == [(each.payout,) for each in by_id]
    amounts = {1: "1.00", 2: "100.00", 3: "10000.00"}
    found = dict(zip(texts(file, "PmtId/EndToEndId"), texts(file, "Amt/InstdAmt"), strict=True))
    assert found == {bank_id(a_transfer(SEPA, f"par_{number}").payout): text for number, text in amounts.items()}
    assert texts(file, "GrpHdr/MsgId") == texts(file, "PmtInf/PmtInfId") == [bank_id(batch.batch)]
    assert texts(file, "CtrlSum") == ["10101.00", "10101.00"]
    assert texts(file, "NbOfTxs") == ["3", "3"]
    assert texts(file, "GrpHdr/CreDtTm") == ["2026-11-30T09:00:00Z"]
    assert texts(file, "ReqdExctnDt/Dt") == ["2026-11-30"]
    assert texts(file, "BtchBookg") == ["false"]
    assert texts(file, "Dbtr/Nm") == ["Nordwind Boerse GmbH + Co"]
    assert texts(file, "DbtrAgt/FinInstnId/BICFI") == ["COBADEFFXXX"]
    assert texts(file, "CdtrAgt/FinInstnId/BICFI") == ["ABNANL2A"] * 3
    assert {each.state for each in handed.outcomes} == {PayoutStatus.SENT}
    assert {each.payout for each in handed.outcomes} == {each.payout for each in transfers}


def test_the_file_is_encrypted_with_the_key_of_its_bucket(s3: Any) -> None:
    handed = a_sepa(s3).send(a_batch(SEPA), [a_transfer(SEPA)], AT)

    found = s3.head_object(Bucket=BUCKET, Key=handed.file)
    assert found["ServerSideEncryption"] == "aws:kms"
    assert found["SSEKMSKeyId"] == "arn:aws:kms:us-east-1:1:key/1"
    assert found["ContentType"] == "application/xml"
    assert shows_nothing(str(found["Metadata"]))


def test_the_same_batch_is_the_same_bytes(s3: Any) -> None:
    rail, transfers = a_sepa(s3), [a_transfer(SEPA, f"par_{number}") for number in range(3)]
    batch = a_batch(SEPA, first_tried_at=AT)

    first = stored(s3, rail.send(batch, transfers, AT).file)
    s3.delete_object(Bucket=BUCKET, Key=file_key(batch, "xml"))
    again = stored(s3, rail.send(batch, transfers[::-1], AT + timedelta(days=3)).file)

    assert first == again


def test_a_batch_that_is_sent_again_keeps_the_first_file(s3: Any) -> None:
    rail, batch = a_sepa(s3), a_batch(SEPA)
    first = rail.send(batch, [a_transfer(SEPA)], AT)
    before = stored(s3, first.file)

    again = rail.send(batch, [a_transfer(SEPA)], AT + timedelta(days=400))

    assert again == first
    assert stored(s3, first.file) == before
    assert rail.remembers is None


def test_another_file_under_the_key_is_not_taken_for_this_one(s3: Any) -> None:
    # given a file with other payouts than the batch has
    rail, batch = a_sepa(s3), a_batch(SEPA)
    rail.send(batch, [a_transfer(SEPA, amount=1)], AT)

    # when the batch is sent, then a person must look
    with pytest.raises(Unsure) as caught:
        rail.send(batch, [a_transfer(SEPA, amount=2)], AT)
    assert caught.value.code == "other_file"


def test_what_is_looked_up_is_whether_the_file_is_there(s3: Any) -> None:
    rail, batch, transfer = a_sepa(s3), a_batch(SEPA), a_transfer(SEPA)
    assert rail.look_up(batch, AT) is None

    rail.send(batch, [transfer], AT)

    found = rail.look_up(batch, AT)
    assert found is not None
    assert found.file == file_key(batch, "xml")
    assert (outcome := found.of(transfer.payout)) is not None
    assert outcome.state is PayoutStatus.SENT
    assert rail.ready


def test_a_file_may_be_booked_in_one_sum(s3: Any) -> None:
    rail = a_sepa(s3, booked_together=True)

    file = stored(s3, rail.send(a_batch(SEPA), [a_transfer(SEPA)], AT).file)

    SCHEMA.validate(file.decode())
    assert texts(file, "BtchBookg") == ["true"]


def test_without_a_bic_the_account_alone_is_named(s3: Any) -> None:
    file = stored(s3, a_sepa(s3).send(a_batch(SEPA), [a_transfer(SEPA, bic="")], AT).file)

    SCHEMA.validate(file.decode())
    assert texts(file, "CdtrAcct/Id/IBAN") == ["NL91ABNA0417164300"]
    assert texts(file, "CdtTrfTxInf/CdtrAgt") == []


# ------------------------------------------------------------------------------------------------------------ its words


@pytest.mark.parametrize(("written", "country", "read"), [
    ("Jürgen Groß-Öhler", "DE", "Juergen Gross-Oehler"),
    ("Ju\u0308rgen", "AT", "Juergen"),
    ("Jürgen Åström", "SE", "Jurgen Astrom"),
    ("Łukasz Żółć", "PL", "Lukasz Zolc"),
    ("Ωμέγα", "GR", "Omega"),
    ("Ирина Щукина", "BG", "Irina Shchukina"),
    ("O'Brien & Søn_A/S*", "IE", "O'Brien + Son-A/S."),
    ("//A//B\n\tC;D<E>", "DE", "A/B C D E"),
    ("สมชาย", "NL", "smchaay"),
    ("محمد", "NL", "mHmd"),
    ("€ 5 @ home", "FR", "EUR 5 (at) home"),
    ("🦊🦊", "FR", ""),
])  # fmt: skip
def test_names_are_written_in_the_characters_of_sepa(written: str, country: str, read: str) -> None:
    assert sepa_text(written, country, 70) == read


@given(st.text(max_size=200), st.sampled_from(["DE", "NL"]), st.sampled_from([70, 140]))
def test_whatever_a_name_is_a_bank_can_read_it(text: str, country: str, longest: int) -> None:
    found = sepa_text(text, country, longest)
    assert re.fullmatch(r"[A-Za-z0-9/?:().,'+ -]*", found)
    assert len(found) <= longest
    assert "//" not in found
    assert not found.startswith("/")
    assert found == found.strip()


def test_a_name_that_cannot_be_written_is_found_before_the_batch_is_made(s3: Any) -> None:
    rail = a_sepa(s3)

    refusal = rail.check(a_transfer(SEPA, holder="🦊 & _"))

    assert refusal is not None
    assert refusal.reason == "holder_unwritable"
    assert rail.check(a_transfer(SEPA, holder="สมชาย")) is None


def test_names_from_everywhere_keep_to_the_schema(s3: Any) -> None:
    holders = ["Jürgen Groß", "สมชาย ใจดี", "محمد علي", "<b>&amp;", "A" * 70, "Ирина", "a]]>"]
    transfers = [a_transfer(SEPA, f"par_{n}", holder=holder) for n, holder in enumerate(holders)]

    file = stored(s3, a_sepa(s3).send(a_batch(SEPA), transfers, AT).file)

    SCHEMA.validate(file.decode())
    assert len(texts(file, "Cdtr/Nm")) == len(holders)


# ------------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(("other", "reason"), [
    ({"iban": ""}, "invalid_account"),
    ({"iban": "NL91 ABNA 0417 1643 00"}, "invalid_account"),
    ({"bic": "abnanl2a"}, "invalid_account"),
    ({"amount": 0}, "invalid_amount"),
    ({"amount": -1}, "invalid_amount"),
    ({"amount": LARGEST_AMOUNT + 1}, "amount_too_large"),
    ({"currency": "USD"}, "unsupported_currency"),
])  # fmt: skip
def test_a_transfer_that_no_bank_would_take_refuses_the_batch(s3: Any, other: dict[str, Any], reason: str) -> None:
    # given a batch with one good and one bad transfer
    good, bad = a_transfer(SEPA, "par_1"), a_transfer(SEPA, "par_2", **other)

    # when it is sent
    with pytest.raises(Refused) as caught:
        a_sepa(s3).send(a_batch(SEPA), [good, bad], AT)

    # then the bad one is named, nothing is written, and nothing of the destination is told
    assert caught.value.faults == {bad.payout: reason}
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    assert shows_nothing(everything_of(caught.value))


@pytest.mark.parametrize("transfers", [
    [],
    [a_transfer(SEPA), a_transfer(SEPA)],
    [a_transfer(SEPA, f"par_{number}") for number in range(3)],
    [a_transfer(MANUAL)],
], ids=["none", "twice", "too many", "another rail"])  # fmt: skip
def test_what_is_no_batch_is_refused(s3: Any, transfers: list[Any]) -> None:
    with pytest.raises(Refused):
        a_sepa(s3, most_per_batch=2).send(a_batch(SEPA), transfers, AT)


def test_other_transfers_than_the_sealed_ones_do_not_leave(s3: Any) -> None:
    batch = a_batch(SEPA, count=2, pays=999)
    with pytest.raises(NotReached) as caught:
        a_sepa(s3).send(batch, [a_transfer(SEPA)], AT)
    assert caught.value.code == "not_the_batch"


def test_a_batch_of_another_rail_is_refused(s3: Any) -> None:
    with pytest.raises(Refused) as caught:
        a_sepa(s3).send(a_batch(MANUAL), [a_transfer(SEPA)], AT)
    assert caught.value.code == "wrong_rail"


@pytest.mark.parametrize("debtor", [replace(DEBTOR, bic=""), replace(DEBTOR, iban="DE89"), replace(DEBTOR, name="🦊")])
def test_a_debtor_who_cannot_pay_is_found_at_once(s3: Any, debtor: Debtor) -> None:
    with pytest.raises(Refused) as caught:
        Sepa(SentFiles(s3, BUCKET), debtor)
    assert caught.value.code == "invalid_debtor"
    assert "DE89" not in everything_of(caught.value)


def test_a_file_that_does_not_keep_to_the_schema_is_not_written(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a check of ours that lets through what the schema does not
    rail = a_sepa(s3)
    monkeypatch.setattr(Sepa, "check", lambda *_: None)

    # when such a batch is sent
    with pytest.raises(Refused) as caught:
        rail.send(a_batch(SEPA), [a_transfer(SEPA, iban="nl-91-ABNA-0417164300")], AT)

    # then it is refused, and what the library says of it is not told
    assert caught.value.code == "invalid_file"
    assert caught.value.__context__ is None
    assert shows_nothing(everything_of(caught.value))
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


# -------------------------------------------------------------------------------------------------- S3 that answers not


REGION = "https://s3.us-east-1.amazonaws.com/"


@pytest.mark.parametrize(("error", "raised"), [
    (answered("AccessDenied", 403), NotReached),
    (answered("NoSuchBucket", 404), NotReached),
    (answered("KMS.DisabledException", 400), NotReached),
    (EndpointConnectionError(endpoint_url=REGION), NotReached),
    (ConnectTimeoutError(endpoint_url=REGION), NotReached),
    (answered("InternalError", 500), Unsure),
    (answered("SlowDown", 503), Unsure),
    (answered("ConditionalRequestConflict", 409), Unsure),
    (ReadTimeoutError(endpoint_url=REGION), Unsure),
])  # fmt: skip
def test_what_s3_does_not_take_is_told_by_what_can_be_known(s3: Any, error: Exception, raised: type[Exception]) -> None:
    rail = a_sepa(Broken(s3, error))

    with pytest.raises(raised) as caught:
        rail.send(a_batch(SEPA), [a_transfer(SEPA)], AT)

    assert getattr(caught.value, "again", True) is True
    assert shows_nothing(everything_of(caught.value))
    assert rail.look_up(a_batch(SEPA), AT) is None


def test_a_file_whose_answer_was_lost_is_found_by_sending_it_again(s3: Any) -> None:
    # given a file that was written, and an answer that did not come
    batch, transfer = a_batch(SEPA), a_transfer(SEPA)
    with pytest.raises(Unsure):
        a_sepa(Broken(s3, ReadTimeoutError(endpoint_url=REGION), after=True)).send(batch, [transfer], AT)

    # then it can be looked up, and sent again without a second file
    assert a_sepa(s3).look_up(batch, AT) is not None
    a_sepa(s3).send(batch, [transfer], AT + timedelta(minutes=6))
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1


def test_that_nobody_answers_is_not_taken_for_no_file(s3: Any) -> None:
    class Silent:
        def head_object(self, **_: Any) -> Any:
            raise answered("403", 403)

    with pytest.raises(Unsure):
        a_sepa(Silent()).look_up(a_batch(SEPA), AT)


def test_no_kind_of_not_sent_is_final_but_refused() -> None:
    assert issubclass(Refused, NotSent)
    assert not Refused("x").again
    assert NotReached("x").again
    assert not issubclass(Unsure, NotSent)


# ----------------------------------------------------------------------------------------------------------- by hand


def rows(file: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"), newline="")))


def test_a_list_has_what_a_person_needs_to_pay(s3: Any) -> None:
    rail: Rail = a_manual(s3)
    batch = a_batch(MANUAL)
    transfer = a_transfer(MANUAL, amount=1_234_567)

    handed = rail.send(batch, [transfer], AT)

    assert handed.file == f"{BRAND}/{RUN}/{batch.batch}.csv"
    (row,) = rows(stored(s3, handed.file))
    assert tuple(row) == COLUMNS
    assert (row["payout"], row["holder"], row["amount"]) == (transfer.payout, "Robin Vale", "12345.67")
    assert (row["currency"], row["reference"]) == ("AED", "Northwind partners 2026-11")
    assert row["pay_to"] == "Gulf Bank\nAccount 0331 2345 6789 0123"
    assert s3.head_object(Bucket=BUCKET, Key=handed.file)["ServerSideEncryption"] == "aws:kms"
    assert rail.send(batch, [transfer], AT) == handed
    assert (found := rail.look_up(batch, AT)) is not None
    assert found.file == handed.file


def test_amounts_have_the_decimals_of_their_currency(s3: Any) -> None:
    rail = a_manual(s3)
    for number, (currency, amount, text) in enumerate([("JPY", 5, "5"), ("KWD", 5, "0.005"), ("USD", 5, "0.05")]):
        batch = a_batch(MANUAL, batch=f"bat_{number}", currency=currency)
        file = rail.send(batch, [a_transfer(MANUAL, currency=currency, amount=amount)], AT).file
        assert rows(stored(s3, file))[0]["amount"] == text


@pytest.mark.parametrize("cell", [
    '=HYPERLINK("http://x.example","y")', "+49 30 1234", "-1+1", "@SUM(A1)", "\t=1", " =1", "＝1", "a\n=1", "a\r\n@b",
])  # fmt: skip
def test_no_cell_of_a_list_is_a_formula(s3: Any, cell: str) -> None:
    transfer = a_transfer(MANUAL, holder=cell, instructions=f"Pay to\n{cell}", reference=cell)

    (row,) = rows(stored(s3, a_manual(s3).send(a_batch(MANUAL), [transfer], AT).file))

    for name in ("holder", "pay_to", "reference"):
        for line in row[name].split("\n"):
            assert not line.lstrip().startswith(("=", "+", "-", "@", "＝"))
        assert cell.strip().split("\n")[-1].strip() in row[name]


def test_somebody_who_says_nothing_of_where_to_pay_is_refused(s3: Any) -> None:
    refusal = a_manual(s3).check(a_transfer(MANUAL, instructions=" \n"))
    assert refusal is not None
    assert refusal.reason == "no_instructions"


def test_nothing_shows_where_money_goes(s3: Any) -> None:
    transfer = a_transfer(SEPA)
    handed = a_sepa(s3).send(a_batch(SEPA), [transfer], AT)
    assert shows_nothing(f"{transfer!r} {transfer.destination!r} {handed!r} {DEBTOR!r}")
