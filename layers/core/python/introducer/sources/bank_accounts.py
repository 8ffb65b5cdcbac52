"""Bank accounts as people write them, checked against the registers that schwifty carries: SWIFT's of IBANs, which also
says which countries are in SEPA, and the lists of banks that central banks publish.

No error repeats what was sent, and none carries the library's own: that one quotes the number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from introducer.domain.errors import Invalid

if TYPE_CHECKING:
    from schwifty import IBAN

_EEA = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
EEA = frozenset(_EEA.split())
"""Within it an IBAN is enough; to the SEPA countries outside, banks ask for the BIC as well (EPC, SEPA credit transfer
implementation guidelines, "BIC of the beneficiary PSP")."""

JOINED_LATELY = frozenset({"AL", "MD", "ME", "MK", "RS"})
"""In SEPA since October 2025, Serbia since May 2026 (EPC409-09, list of SEPA scheme countries): the register that
schwifty carries does not say so yet."""

_FRENCH = "BL GF GP MF MQ NC PF PM RE TF WF YT"
TERRITORIES = {"FR": frozenset(_FRENCH.split()), "GB": frozenset({"GG", "IM", "JE"}), "FI": frozenset({"AX"})}
"""Whose banks have BICs of their own country code, and IBANs of another."""

_LONGEST = 60


def sepa_account(iban: str, bic: str = "") -> tuple[str, str]:
    """IBAN and BIC in their plain form. The BIC may be left out: it then is the one that the bank's country publishes
    for the account, or empty where that is enough.

    Raises `Invalid`, with the `field` it is about: `iban_checksum`, `iban_length`, `iban_country`, `iban_structure`,
    `not_sepa`, `bic_structure`, `bic_country`, `bic_of_another_bank`, `bic_needed`.
    """
    account = _iban(iban)
    country = str(account.country_code)
    if not (account.in_sepa_zone or country in JOINED_LATELY):
        raise Invalid(
            f"Banks in {country} are not in SEPA: choose another way to be paid.", code="not_sepa", field="iban"
        )
    published = _published(account)
    if bic.strip():
        given = _bic(bic)
        _check_pair(country, given, published)
        return str(account), given
    if not published and country not in EEA:
        raise Invalid(f"Banks in {country} ask for the BIC as well: send it.", code="bic_needed", field="bic")
    return str(account), published[0] if published else ""


def _iban(text: str) -> IBAN:
    # Imported where it is used: 50 ms that only those who change an account pay.
    from schwifty import IBAN
    from schwifty.exceptions import InvalidChecksumDigits, InvalidCountryCode, InvalidLength, SchwiftyException

    code, detail = "iban_structure", "This is not an IBAN: send it as it stands on a bank statement."
    if len(text) <= _LONGEST:
        try:
            return IBAN(text)
        except InvalidChecksumDigits:
            code, detail = "iban_checksum", "The check digits of this IBAN do not fit: a character is wrong."
        except InvalidLength:
            code, detail = "iban_length", "This IBAN is too short or too long for its country."
        except InvalidCountryCode:
            code, detail = "iban_country", "There are no IBANs in this country: look at the first two letters."
        except (SchwiftyException, ValueError):
            pass
    # Raised out here, so that the library's error, which quotes the number, is not even its context.
    raise Invalid(detail, code=code, field="iban")


def _bic(text: str) -> str:
    from schwifty import BIC
    from schwifty.exceptions import SchwiftyException

    if len(text) <= _LONGEST:
        try:
            return str(BIC(text))
        except (SchwiftyException, ValueError):
            pass
    raise Invalid("This is not a BIC: it has 8 or 11 letters and digits.", code="bic_structure", field="bic")


def _published(account: IBAN) -> list[str]:
    """The BICs that are published for the account's bank; the likeliest first."""
    from schwifty import BIC
    from schwifty.exceptions import SchwiftyException

    try:
        first = account.bic
        every = BIC.candidates_from_bank_code(account.country_code, account.bank_code)
    except (SchwiftyException, ValueError):
        return []
    return [str(each) for each in ([first] if first is not None else []) + list(every)]


def _check_pair(country: str, bic: str, published: list[str]) -> None:
    of = bic[4:6]
    if of != country and of not in TERRITORIES.get(country, ()):
        raise Invalid(
            f"This BIC is of a bank in {of}, and the IBAN of one in {country}: one of them is wrong.",
            code="bic_country",
            field="bic",
        )
    # The first four letters are the institution; places and branches differ from list to list.
    if published and bic[:4] not in {each[:4] for each in published}:
        raise Invalid(
            "This BIC is of another bank than the IBAN: correct it, or leave it empty.",
            code="bic_of_another_bank",
            field="bic",
        )
