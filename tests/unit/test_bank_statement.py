"""Banks' statements: the real samples, each version's form, and files that are none or mean harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.errors import IntroducerError, Invalid, Malformed, TooLarge
from introducer.domain.reconciliation import bank_id, ids_in, reconcile
from introducer.sources import bank_statement
from introducer.sources.bank_statement import masked_account, read_statement, without_accounts
from tests.support.camt import Entry, Tx, a_statement
from tests.support.transfers import a_payout_id, everything_of

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "camt"
PAYOUT, OTHER = a_payout_id("par_1"), a_payout_id("par_2")
VERSIONS = range(2, 14)


def recorded(name: str) -> bytes:
    """A sample of a bank's."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"the sample {name} is not on this machine")
    return path.read_bytes()


# ---- the samples -----------------------------------------------------------------------------------------------------


def test_the_sample_of_a_statement_is_read() -> None:
    (found,) = read_statement(recorded("camt053.v8.xml"))
    assert found.end_to_end == "MUELL/FINP/RA12345"
    assert (found.amount, found.currency, found.debit, found.booked) == (0, "SEK", False, True)
    assert (found.booked_on, found.value_on) == ("2014-12-31", "2015-01-02")
    assert found.reference == "AAAASESS-FP-CN_98765/01"
    assert found.account == "NL•••• 6890"


def test_the_sample_of_a_notification_is_read_transaction_by_transaction() -> None:
    found = read_statement(recorded("camt054.v8.xml"))
    assert [each.place for each in found] == ["1.1.1", "1.1.2", "1.1.3"]
    assert [(each.end_to_end[-2:], each.amount, each.currency) for each in found] == [
        ("01", 310, "CHF"),
        ("02", 320, "CHF"),
        ("02", 320, "CHF"),
    ]
    # The entry was debited, whatever its transactions say.
    assert all(each.debit and each.booked and each.reference == "ACSR160617103200001" for each in found)


@pytest.mark.parametrize("name", ["camt053.v8.xml", "camt054.v8.xml"])
def test_what_a_sample_has_that_is_not_ours_is_reported(name: str) -> None:
    entries = read_statement(recorded(name))

    found = reconcile(entries, {})

    assert found.placed == found.unplaced == ()
    assert found.others == entries


def test_a_sample_that_names_our_payouts_is_reconciled() -> None:
    # given the bank's notification, with ids of ours in place of its own
    file = recorded("camt054.v8.xml").decode()
    for theirs, ours in (("EE00001", PAYOUT), ("EE00002", OTHER)):
        file = file.replace(f"UXC06170000006PI00001{theirs}", bank_id(ours))

    found = read_statement(file.encode())

    assert [each.payouts for each in found] == [(PAYOUT,), (OTHER,), (OTHER,)]


# ---- each version ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("notification", [False, True])
def test_each_version_says_the_same(version: int, notification: bool) -> None:
    paid = Entry([Tx(PAYOUT, reference="TX1")], reference="E1")
    back = Entry([Tx(OTHER, "5", debit=False, reason="AC04", note=["Account closed"])], reference="E2")

    first, second = read_statement(a_statement(paid, back, version=version, notification=notification))

    assert (first.payouts, first.amount, first.currency, first.debit) == ((PAYOUT,), 123_45, "EUR", True)
    assert (first.booked, first.booked_on, first.value_on) == (True, "2026-12-01", "2026-12-02")
    assert (first.reference, first.came_back, first.account) == ("TX1", False, "DE•••• 3000")
    assert first.end_to_end == bank_id(PAYOUT)
    assert (second.payouts, second.amount, second.debit, second.came_back) == ((OTHER,), 500, False, True)
    assert (second.reason, second.note, second.reference) == ("AC04", "Account closed", "E2")


@pytest.mark.parametrize("version", [2, 8])
def test_payouts_that_are_booked_together_are_read_one_by_one(version: int) -> None:
    entry = Entry([Tx(PAYOUT, "1.50"), Tx(OTHER, "2.5")], amount="4.00", batch="bat-X")
    found = read_statement(a_statement(entry, version=version))
    assert [(each.payouts, each.amount, each.place) for each in found] == [
        ((PAYOUT,), 150, "1.1.1"),
        ((OTHER,), 250, "1.1.2"),
    ]


def test_of_several_transactions_without_amounts_none_has_the_sum() -> None:
    entry = Entry([Tx(PAYOUT, ""), Tx(OTHER, "")], amount="4.00")
    assert [each.amount for each in read_statement(a_statement(entry))] == [None, None]


def test_an_entry_without_details_is_one_by_itself() -> None:
    batch = "bat_" + "0" * 26
    (fee, together) = read_statement(
        a_statement(Entry(amount="3.00", debit=True), Entry(amount="9.00", debit=True, batch=bank_id(batch)))
    )
    assert (fee.amount, fee.payouts, fee.batches, fee.end_to_end) == (300, (), (), "")
    assert (together.payouts, together.batches) == ((), (batch,))


@pytest.mark.parametrize("written", [
    bank_id(PAYOUT), PAYOUT, PAYOUT.upper(), PAYOUT.replace("_", ""), PAYOUT.replace("_", " "),
    f"EREF+{bank_id(PAYOUT)}",
])  # fmt: skip
def test_an_id_is_known_however_a_bank_writes_it(written: str) -> None:
    (found,) = read_statement(a_statement(Entry([Tx(end_to_end=written)])))
    assert found.payouts == (PAYOUT,)
    (found,) = read_statement(a_statement(Entry([Tx(end_to_end="NOTPROVIDED", words=f"Payout {written}, thanks")])))
    assert found.payouts == (PAYOUT,)
    assert found.end_to_end == ""


@pytest.mark.parametrize("written", ["pay-123", "PAYROLL-" + "0" * 26, PAYOUT + "0", "pay-" + "U" * 26, ""])
def test_what_is_no_id_of_ours_names_no_payout(written: str) -> None:
    assert ids_in(written) == ()


@given(st.sampled_from([PAYOUT, OTHER]), st.sampled_from(["pay", "bat"]))
def test_an_id_comes_back_as_it_went(payout: str, prefix: str) -> None:
    ours = payout.replace("pay", prefix)
    assert ids_in(bank_id(ours), prefix) == (ours,)


def test_other_words_for_a_return_count_too() -> None:
    entries = [
        Entry([Tx(PAYOUT, debit=False)], reversal=True),
        Entry([Tx(PAYOUT, debit=False)], kind="RRTN"),
        Entry([Tx(PAYOUT, debit=False)], kind="DMCT"),
        Entry([Tx(PAYOUT, debit=False, reason="AC04")], debit=True),
    ]
    found = read_statement(a_statement(*entries))
    assert [(each.came_back, each.debit) for each in found] == [
        (True, False),
        (True, False),
        (False, False),
        (True, False),
    ]


def test_what_is_pending_is_not_booked() -> None:
    found = read_statement(a_statement(Entry([Tx(PAYOUT)], status="PDNG"), Entry([Tx(PAYOUT)], status="INFO")))
    assert [(each.booked, each.status) for each in found] == [(False, "PDNG"), (False, "INFO")]


@pytest.mark.parametrize(("written", "read"), [
    ("<DtTm>2026-12-01T00:30:00+02:00</DtTm>", "2026-12-01"),
    ("<Dt>2026-12-01+01:00</Dt>", "2026-12-01"),
    ("<Dt>2026-13-01</Dt>", ""),
    ("<Dt>soon</Dt>", ""),
    ("", ""),
])  # fmt: skip
def test_a_day_is_the_banks_own(written: str, read: str) -> None:
    (found,) = read_statement(a_statement(Entry([Tx(PAYOUT)], booked=written)))
    assert found.booked_on == read


@pytest.mark.parametrize(("amount", "currency", "read"), [
    ("1", "JPY", 1), ("0.005", "KWD", 5), ("1.50000", "EUR", 150),
    ("1.505", "EUR", None), ("1,50", "EUR", None), ("-1", "EUR", None), ("1e3", "EUR", None), ("1", "XXQ", None),
    ("9" * 15, "EUR", None), ("NaN", "EUR", None),
])  # fmt: skip
def test_what_is_no_amount_is_kept_without_one(amount: str, currency: str, read: int | None) -> None:
    (found,) = read_statement(a_statement(Entry([Tx(PAYOUT, amount, currency)])))
    assert found.amount == read


def test_what_was_asked_for_is_known_beside_what_was_taken() -> None:
    tx = Tx(PAYOUT, "130.10", "USD", instructed="123.45")
    (found,) = read_statement(a_statement(Entry([tx])))
    assert (found.amount, found.currency, found.instructed) == (130_10, "USD", (123_45, "EUR"))


def test_several_statements_and_an_envelope_are_read() -> None:
    one = a_statement(Entry([Tx(PAYOUT)])).decode()
    statement = one[one.index("<Stmt>") : one.index("</BkToCstmrStmt>")]
    two = one.replace(statement, statement * 2)
    wrapped = "<Env xmlns='urn:x'><!-- of a bank's --><AppHdr/>" + two.partition("?>")[2] + "</Env>"

    assert [each.place for each in read_statement(two.encode())] == ["1.1", "2.1"]
    assert [each.place for each in read_statement(wrapped.encode())] == ["1.1", "2.1"]


def test_other_encodings_and_prefixes_are_read() -> None:
    text = a_statement(Entry([Tx(PAYOUT, reason="AC04", debit=False, note=["Zürich"])])).decode()
    latin = text.replace("UTF-8", "ISO-8859-1").encode("latin-1")
    prefixed = text.replace("<", "<c:").replace("<c:/", "</c:").replace("<c:?", "<?").replace("xmlns=", "xmlns:c=")
    for file in (
        latin,
        prefixed.encode(),
        b"\xef\xbb\xbf" + text.encode(),
        text.replace("UTF-8", "UTF-16").encode("utf-16"),
    ):
        (found,) = read_statement(file)
        assert (found.payouts, found.note) == ((PAYOUT,), "Zürich")


# ---- what is refused -------------------------------------------------------------------------------------------------


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'


@pytest.mark.parametrize("before", [
    LAUGHS,
    '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE d SYSTEM "http://127.0.0.1:9/x.dtd">',
    '<!DOCTYPE d [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]>',
    "<!DOCTYPE Document>",
])  # fmt: skip
def test_a_document_type_is_refused_before_anything_is_read(before: str) -> None:
    file = a_statement(Entry([Tx(PAYOUT, words="HERE")]), before=before).replace(b"HERE", b"&x;")
    with pytest.raises(Malformed) as caught:
        read_statement(file, "nov.xml")
    assert caught.value.code == "not_xml"
    assert caught.value.detail.startswith("nov.xml cannot be read")


@pytest.mark.parametrize("file", [
    b"", b"  ", b"not xml", b"\x00\x01\x02", b"<a>", b"<a></b>", b"<Document/>x", b"PK\x03\x04zip", b"%PDF-1.7",
    b'<?xml version="1.0" encoding="klingon"?><Document/>', b"<Document>&x;</Document>", b"\xff\xfe<",
    b"<a b='1' b='2'/>",
])  # fmt: skip
def test_what_is_no_xml_is_refused(file: bytes) -> None:
    with pytest.raises(Malformed):
        read_statement(file)


@pytest.mark.parametrize(("file", "told"), [
    (b"<Document/>", "no statement"),
    (b"<html><body/></html>", "no statement"),
    (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.052.001.08'><BkToCstmrAcctRpt/></Document>", "camt.052"),
    (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.001.001.09'><CstmrCdtTrfInitn/></Document>", "pain.001"),
    (b"<Document><CstmrPmtStsRpt/></Document>", "pain.002"),
])  # fmt: skip
def test_other_xml_is_refused_with_what_it_is(file: bytes, told: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_statement(file)
    assert caught.value.code == "not_a_statement"
    assert told in caught.value.detail


def test_a_statement_without_entries_says_nothing() -> None:
    assert read_statement(a_statement()) == ()
    assert read_statement(b"<Document><BkToCstmrStmt/></Document>") == ()
    assert len(read_statement(b"<Document><BkToCstmrStmt><Stmt><Ntry/></Stmt></BkToCstmrStmt></Document>")) == 1


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    file = a_statement(*[Entry([Tx(PAYOUT)])] * 4)
    monkeypatch.setattr(bank_statement, "MOST_ENTRIES", 3)
    with pytest.raises(TooLarge):
        read_statement(file)
    monkeypatch.setattr(bank_statement, "LARGEST", len(file) - 1)
    with pytest.raises(TooLarge):
        read_statement(file)


def test_what_goes_deep_is_read_or_refused_and_does_no_harm() -> None:
    with pytest.raises(IntroducerError):
        read_statement(b"<a>" * 100_000 + b"</a>" * 100_000)


def code_of(file: bytes) -> str:
    """Why a file is refused; empty for one that is read. Any other error is one of ours too many."""
    try:
        found = read_statement(file)
    except IntroducerError as error:
        return error.code
    assert all(entry.amount is None or entry.amount >= 0 for entry in found)
    return ""


@given(st.binary(max_size=300))
def test_whatever_bytes_come_they_are_read_or_refused(file: bytes) -> None:
    assert code_of(file) in ("", "not_xml", "not_a_statement")


@given(st.data())
def test_whatever_is_broken_in_a_statement_it_is_read_or_refused(data: st.DataObject) -> None:
    file = bytearray(a_statement(Entry([Tx(PAYOUT, reason="AC04", note=["x"])])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(file) - 1))
        file[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=4))
    assert code_of(bytes(file)) in ("", "not_xml", "not_a_statement")


# ---- what is never told ----------------------------------------------------------------------------------------------


CANARY = "NL91ABNA0417164300"
SPACED = "NL91 ABNA 0417 1643 00"


@pytest.mark.parametrize(("said", "kept"), [
    (f"Account {CANARY} closed", "Account •••• closed"),
    (f"Konto {SPACED} erloschen", "Konto •••• erloschen"),
    (f"konto {CANARY.lower()}", "konto ••••"),
    ("account 0417164300 closed", "account •••• closed"),
    ("account 04 17 16 43 00", "account ••••"),
    ("robin@vale.example unknown", "•••• unknown"),
    ("paid on 2026-12-01", "paid on ••••"),
    ("AC04: closed  in\n2019", "AC04: closed in 2019"),
])  # fmt: skip
def test_a_banks_words_are_kept_without_accounts(said: str, kept: str) -> None:
    assert without_accounts(said) == kept


def test_no_account_of_a_file_is_in_what_is_read() -> None:
    parties = f"<CdtrAcct><Id><IBAN>{CANARY}</IBAN></Id></CdtrAcct>"
    entries = [
        Entry([Tx(PAYOUT, debit=False, reason="AC04", note=[f"Closed: {SPACED}", CANARY])], more=parties),
        Entry([Tx(end_to_end=CANARY, words=SPACED)], reference=CANARY),
        Entry([Tx(end_to_end=SPACED)], reference=SPACED),
    ]

    found = read_statement(a_statement(*entries, account=CANARY))

    bare = "".join(repr(found).split())
    assert CANARY not in bare
    assert CANARY[4:] not in bare
    assert {each.account for each in found} == {"NL•••• 4300"}


def test_no_account_of_a_file_is_in_what_a_refusal_says() -> None:
    for file in (f"<a>{CANARY}</b>", f"<!DOCTYPE x [<!ENTITY y '{CANARY}'>]><x/>", f"<{CANARY}/>", f"&{CANARY};"):
        with pytest.raises(IntroducerError) as caught:
            read_statement(file.encode())
        assert CANARY not in everything_of(caught.value)


@pytest.mark.parametrize(("number", "masked"), [
    ("DE89 3704 0044 0532 0130 00", "DE•••• 3000"), ("12345678901", "•••• 8901"), ("1234", "••••"), ("", ""),
])  # fmt: skip
def test_of_an_account_the_end_is_shown(number: str, masked: str) -> None:
    assert masked_account(number) == masked


# ---- size ------------------------------------------------------------------------------------------------------------


def test_a_batch_of_thousands_is_read_in_one_go() -> None:
    # Each transaction looks at its own elements only: were it otherwise, this would take minutes.
    entry = Entry([Tx(a_payout_id(f"par_{number}"), "1.00") for number in range(5_000)], amount="5000.00")
    found = read_statement(a_statement(entry))
    assert len({each.payouts for each in found}) == 5_000
