"""Where a partner is paid: what can be, what may be seen of it, and that its seal opens for one partner and version."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.configuration import Role
from introducer.domain.errors import Forbidden, IntroducerError, Invalid, Unavailable
from introducer.domain.payment_profile import (
    PAYPAL_CURRENCIES,
    PAYPAL_WHOLE,
    Destination,
    RailKind,
    check_changer,
    checked,
    content,
    cool_off_of,
    fingerprint,
    from_json,
    masked,
    to_json,
    usable_from,
)
from introducer.domain.payout_schedule import Cadence, PayoutSchedule
from introducer.gateways.vault import PURPOSE, SealBroken, Vault
from introducer.sources.bank_accounts import sepa_account

IBAN, BRITISH, DUTCH = "DE89370400440532013000", "GB29NWBK60161331926819", "NL91ABNA0417164300"
KEY, OTHER_KEY = b"brand one", b"brand two"


def a_destination(rail: RailKind = RailKind.SEPA, **other: Any) -> Destination:
    given: dict[RailKind, dict[str, str]] = {
        RailKind.SEPA: {"currency": "EUR", "country": "DE", "iban": IBAN, "bic": "COBADEFFXXX"},
        RailKind.PAYPAL: {"currency": "USD", "country": "TH", "email": "robin@vale.example"},
        RailKind.MANUAL: {"currency": "AED", "country": "AE", "instructions": "Gulf Bank\nAccount 0331 2345 6789 0123"},
    }
    return Destination(**{"rail": rail, "holder": "Robin Vale"} | given[rail] | other)


def refusal(error: pytest.ExceptionInfo[IntroducerError]) -> tuple[str, object]:
    return error.value.code, error.value.facts.get("field")


# -------------------------------------------------------------------------------------------------------- bank accounts


@pytest.mark.parametrize(("written", "bic", "account"), [
    (IBAN, "", (IBAN, "COBADEFFXXX")),
    (" de89 3704 0044 0532 0130 00 ", "cobadeffxxx", (IBAN, "COBADEFFXXX")),
    (IBAN, "COBADEFF", (IBAN, "COBADEFF")),
    (BRITISH, "", (BRITISH, "NWBKGB2LXXX")),
    (DUTCH, "ABNANL2A", (DUTCH, "ABNANL2A")),
    ("AL47212110090000000235698741", "SGSBALTX", ("AL47212110090000000235698741", "SGSBALTX")),
])  # fmt: skip
def test_an_account_is_taken_as_people_write_it(written: str, bic: str, account: tuple[str, str]) -> None:
    assert sepa_account(written, bic) == account


@pytest.mark.parametrize(("iban", "bic", "code", "field"), [
    ("DE89370400440532013001", "", "iban_checksum", "iban"),
    ("DE98370400440532013000", "", "iban_checksum", "iban"),
    ("DE8937040044053201300", "", "iban_length", "iban"),
    ("DE893704004405320130000", "", "iban_length", "iban"),
    ("XX89370400440532013000", "", "iban_country", "iban"),
    ("US89370400440532013000", "", "iban_country", "iban"),
    ("", "", "iban_structure", "iban"),
    ("DE", "", "iban_structure", "iban"),
    ("DE8937040044053201300O", "", "iban_structure", "iban"),
    ("\N{ARABIC-INDIC DIGIT FOUR}" * 22, "", "iban_structure", "iban"),
    ("DE89\x00370400440532013000", "", "iban_structure", "iban"),
    ("DE89" * 100_000, "", "iban_structure", "iban"),
    ("AE070331234567890123456", "", "not_sepa", "iban"),
    (IBAN, "COBA", "bic_structure", "bic"),
    (IBAN, "COBA99FF", "bic_structure", "bic"),
    (IBAN, "X" * 100_000, "bic_structure", "bic"),
    (IBAN, "ABNANL2A", "bic_country", "bic"),
    (IBAN, "DEUTDEFF", "bic_of_another_bank", "bic"),
    ("AL47212110090000000235698741", "", "bic_needed", "bic"),
])  # fmt: skip
def test_a_wrong_account_is_refused_by_its_field_and_never_repeated(iban: str, bic: str, code: str, field: str) -> None:
    with pytest.raises(Invalid) as raised:
        sepa_account(iban, bic)

    assert refusal(raised) == (code, field)
    # not in the sentence, nor in the error that it came of
    assert raised.value.__context__ is None
    assert len(iban) < 5 or iban[4:] not in repr(raised.value) + raised.value.detail


@given(st.text(max_size=70), st.text(max_size=20))
def test_whatever_is_typed_as_an_account_is_taken_or_refused(iban: str, bic: str) -> None:
    try:
        account, _ = sepa_account(iban, bic)
    except Invalid:
        return
    assert account.isascii() and account.isalnum()


@given(st.sampled_from([IBAN, BRITISH, DUTCH]), st.integers(min_value=4), st.characters(categories=["Nd", "Lu"]))
def test_one_wrong_character_is_found(iban: str, place: int, character: str) -> None:
    place = 4 + place % (len(iban) - 4)
    typed = iban[:place] + character + iban[place + 1 :]
    if typed != iban:
        with pytest.raises(Invalid):
            sepa_account(typed)


# --------------------------------------------------------------------------------------------------------- destinations


@pytest.mark.parametrize("rail", RailKind)
def test_a_destination_holds_what_its_rail_uses_and_nothing_else(rail: RailKind) -> None:
    everything = a_destination(rail, iban=IBAN, bic="COBADEFFXXX", email="robin@vale.example", instructions="Bank 1")

    kept = checked(everything)

    used = {name for name in ("iban", "bic", "email", "instructions") if getattr(kept, name)}
    assert used == {RailKind.SEPA: {"iban", "bic"}, RailKind.PAYPAL: {"email"}, RailKind.MANUAL: {"instructions"}}[rail]
    assert checked(kept) == kept


@pytest.mark.parametrize(("destination", "code", "field"), [
    (a_destination(currency="USD"), "unsupported_currency", "currency"),
    (a_destination(currency="eur"), "unknown_currency", "currency"),
    (a_destination(currency=IBAN), "unknown_currency", "currency"),
    (a_destination(iban=" "), "missing", "iban"),
    (a_destination(holder=" "), "missing", "holder"),
    (a_destination(holder="x" * 71), "invalid_holder", "holder"),
    (a_destination(holder="a\nb"), "invalid_holder", "holder"),
    (a_destination(RailKind.PAYPAL, currency="AED"), "unsupported_currency", "currency"),
    (a_destination(RailKind.PAYPAL, currency="BRL"), "unsupported_country", "currency"),
    (a_destination(RailKind.PAYPAL, email=""), "missing", "email"),
    (a_destination(RailKind.PAYPAL, email="robin"), "invalid_email", "email"),
    (a_destination(RailKind.PAYPAL, country="Thailand"), "invalid_country", "country"),
    (a_destination(RailKind.MANUAL, country="ae"), "invalid_country", "country"),
    (a_destination(RailKind.MANUAL, currency="XYZ"), "unknown_currency", "currency"),
    (a_destination(RailKind.MANUAL, instructions="\n \n"), "missing", "instructions"),
    (a_destination(RailKind.MANUAL, instructions="x" * 1001), "invalid_instructions", "instructions"),
    (a_destination(RailKind.MANUAL, instructions="a\x00b"), "invalid_instructions", "instructions"),
])  # fmt: skip
def test_what_cannot_be_paid_to_is_refused_by_its_field(destination: Destination, code: str, field: str) -> None:
    with pytest.raises(Invalid) as raised:
        checked(destination)

    assert refusal(raised) == (code, field)
    assert IBAN not in raised.value.detail


def test_paypal_pays_a_currency_of_one_country_at_home() -> None:
    assert checked(a_destination(RailKind.PAYPAL, currency="BRL", country="BR")).currency == "BRL"
    assert PAYPAL_WHOLE < PAYPAL_CURRENCIES


@pytest.mark.parametrize(("destination", "shown"), [
    (a_destination(), "DE•• •••• 3000"),
    (a_destination(RailKind.PAYPAL), "r••••@v••••.example"),
    (a_destination(RailKind.PAYPAL, email="r@localhost"), "r••••@l••••"),
    (a_destination(RailKind.MANUAL), "•••• 0123"),
    (a_destination(RailKind.MANUAL, instructions="Ask at the counter"), "••••"),
    (a_destination(RailKind.MANUAL, instructions="PO box 12, sort 20-00-00, no. 55-77-99-11"), "•••• 9911"),
])  # fmt: skip
def test_the_mask_is_enough_to_recognise_and_too_little_to_use(destination: Destination, shown: str) -> None:
    assert masked(destination) == shown


def test_equal_accounts_are_found_within_a_brand_whoever_holds_them_and_in_no_other() -> None:
    mine, theirs = a_destination(), a_destination(holder="Somebody Else", bic="")

    assert fingerprint(KEY, mine) == fingerprint(KEY, theirs) != fingerprint(OTHER_KEY, mine)
    assert content(KEY, mine) != content(KEY, theirs)
    assert fingerprint(KEY, mine) != fingerprint(KEY, a_destination(iban=DUTCH))
    by_hand = a_destination(RailKind.MANUAL)
    rewritten = replace(by_hand, instructions="GULF BANK account 0331-2345-6789-0123")
    assert fingerprint(KEY, by_hand) == fingerprint(KEY, rewritten)
    assert len({fingerprint(KEY, a_destination(rail)) for rail in RailKind}) == 3


def test_a_destination_in_clear_shows_itself_nowhere() -> None:
    assert IBAN not in f"{a_destination()} {a_destination()!r} {[a_destination()]}"


def test_the_cool_off_is_the_longest_of_the_schedules_and_three_days_without_any() -> None:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    schedules = [
        PayoutSchedule(brand="b", schedule=name, cadence=Cadence.WEEKLY, time_zone="UTC", cool_off_days=days)
        for name, days in (("a", 2), ("b", 7))
    ]
    assert (cool_off_of([]), cool_off_of(schedules)) == (3, 7)
    assert usable_from(now, 7) == now + timedelta(days=7)


def test_owners_alone_say_where_the_money_goes() -> None:
    check_changer(Role.OWNER)
    for role in set(Role) - {Role.OWNER}:
        with pytest.raises(Forbidden):
            check_changer(role)


# ------------------------------------------------------------------------------------------------------------ the vault


class Kms:
    """Seals data keys as KMS does: they open under the same key and the same encryption context alone."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.fails = fails
        self.made = 0

    def generate_data_key(self, *, KeyId: str, KeySpec: str, EncryptionContext: dict[str, str]) -> dict[str, bytes]:
        if self.fails:
            raise self.fails
        assert KeySpec == "AES_256"
        self.made += 1
        plain = bytes([self.made]) * 32
        return {"Plaintext": plain, "CiphertextBlob": repr((KeyId, EncryptionContext, plain)).encode()}

    def decrypt(self, *, KeyId: str, CiphertextBlob: bytes, EncryptionContext: dict[str, str]) -> dict[str, bytes]:
        if self.fails:
            raise self.fails
        beginning = repr((KeyId, EncryptionContext))[:-1].encode()
        if not CiphertextBlob.startswith(beginning):
            raise refused("InvalidCiphertextException")
        return {"Plaintext": bytes([self.made]) * 32}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "Decrypt")


def a_vault(kms: Kms | None = None) -> Vault:
    return Vault(kms or Kms(), "key-1", random=lambda count: bytes(range(count)))


@pytest.mark.parametrize("rail", RailKind)
def test_what_is_sealed_opens_as_it_was(rail: RailKind) -> None:
    vault, destination = a_vault(), checked(a_destination(rail, holder="ภูมิ เวล"))

    sealed, data_key = vault.seal("par_1", 3, destination)

    assert vault.open("par_1", 3, sealed, data_key) == destination
    assert from_json(to_json(destination)) == destination
    assert IBAN.encode() not in b64decode(sealed)
    assert PURPOSE.encode() in b64decode(data_key)


def test_a_seal_opens_for_its_partner_and_its_version_and_as_it_was_written() -> None:
    vault = a_vault()
    sealed, data_key = vault.seal("par_1", 1, a_destination())
    raw = b64decode(sealed)
    turned = b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode()

    for partner, version, text, key in (
        ("par_2", 1, sealed, data_key),
        ("par_1", 2, sealed, data_key),
        ("par_1", 1, turned, data_key),
        ("par_1", 1, sealed[:8], data_key),
        ("par_1", 1, "", data_key),
        ("par_1", 1, "not base64 ✓", data_key),
        ("par_1", 1, sealed, b64encode(b"no key").decode()),
    ):
        with pytest.raises(SealBroken):
            vault.open(partner, version, text, key)


@pytest.mark.parametrize("fails", [
    refused("AccessDeniedException"), refused("ThrottlingException"), EndpointConnectionError(endpoint_url="kms"),
])  # fmt: skip
def test_a_key_that_does_not_answer_is_no_broken_seal(fails: Exception) -> None:
    sealed, data_key = a_vault().seal("par_1", 1, a_destination())
    vault = a_vault(Kms(fails))

    for act in (lambda: vault.open("par_1", 1, sealed, data_key), lambda: vault.seal("par_1", 1, a_destination())):
        with pytest.raises(Unavailable) as raised:
            act()
        assert raised.value.code == "vault_unavailable"


def test_instructions_without_an_account_in_them_are_not_one_account_of_all_who_use_the_same_words() -> None:
    annex = "To the account in the contract's annex"
    mine, theirs = (a_destination(RailKind.MANUAL, instructions=annex, holder=name) for name in ("Robin", "Sam"))
    assert fingerprint(KEY, mine) != fingerprint(KEY, theirs)
