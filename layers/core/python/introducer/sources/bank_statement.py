"""Banks' statements and notifications, ISO 20022 camt.053 and camt.054, as plain entries.

Versions 02 to 13 differ in where a status, a party or an agent stands, and hardly in what is read here: elements are
found by their names whatever the namespace's version, and in each place where a version has them. Source of the form:
the message definition reports "Bank-to-Customer Cash Management" of https://www.iso20022.org, and the banks' guides to
them (DFÜ-Abkommen annex 3, Swiss Payment Standards).

A file is believed whole or not at all where its form is concerned. An entry with an amount that cannot be one is kept
and says so: a statement holds much that is not ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

from introducer.domain.errors import Invalid, Malformed, TooLarge
from introducer.domain.money import minor_units
from introducer.domain.payment_profile import MASK
from introducer.domain.reconciliation import BankEntry, ids_in

LARGEST = 8 * 2**20
"""Bytes. A transaction takes 1 to 3 KB."""
MOST_ENTRIES = 20_000

_MESSAGES = {"BkToCstmrStmt": "Stmt", "BkToCstmrDbtCdtNtfctn": "Ntfctn"}
_OTHERS = {
    "BkToCstmrAcctRpt": "an interim report (camt.052), which is not final",
    "CstmrCdtTrfInitn": "a payment file (pain.001): that goes to the bank",
    "CstmrPmtStsRpt": "a status report (pain.002)",
}
_NOT_GIVEN = {"", "NOTPROVIDED", "NOT PROVIDED", "NONREF"}
_RETURNS = {"RRTN", "RPCR", "RIMB", "RRCT"}
"""Bank transaction sub-families of money that is given back: return, cancellation, reimbursement, reversal of a credit
transfer (ISO 20022 external code set 9B)."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WORD = re.compile(r"[A-Z0-9]{2,4}", re.ASCII)
_LONGEST_NOTE, _LONGEST_REFERENCE, _LONGEST_READ = 200, 35, 1000

# What may be of an account in words of a bank's. Rather a word too many goes than a number stays.
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}"
    r"(?:[A-Za-z0-9]{8,30}|(?:[ .-][A-Za-z0-9]{4}){2,7}(?:[ .-][A-Za-z0-9]{1,3})?)(?![A-Za-z0-9])",
    re.ASCII,
)
_NUMBER = re.compile(r"\d(?:[ ./-]?\d){6,}", re.ASCII)
_ADDRESS = re.compile(r"\S+@\S+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def read_statement(data: bytes, name: str = "The file") -> tuple[BankEntry, ...]:
    """The entries of a camt.053 or camt.054, in the order of the file; `name` is what a refusal calls it.

    An entry with details is one for each of its transactions, else one by itself. Raises `TooLarge` for more than
    `LARGEST` bytes or `MOST_ENTRIES` entries, `Malformed` (`not_xml`) for what is no XML or declares a document type,
    which no bank does and which is how XML attacks whoever reads it, and `Invalid` (`not_a_statement`) for other XML.
    """
    if len(data) > LARGEST:
        raise TooLarge(f"{name} has {len(data)} bytes, more than {LARGEST}: ask the bank for shorter periods.")
    message, kind = _message(_root(data, name), name)
    found: list[BankEntry] = []
    for number, statement in enumerate(_children(message, kind), 1):
        account = masked_account(_account(statement))
        for order, entry in enumerate(_children(statement, "Ntry"), 1):
            found.extend(_read(entry, f"{number}.{order}", account))
            if len(found) > MOST_ENTRIES:
                raise TooLarge(f"{name} has more than {MOST_ENTRIES} entries: ask the bank for shorter periods.")
    return tuple(found)


def masked_account(number: str) -> str:
    """As much of an account's number as everybody may see: `DE•••• 3000`."""
    bare = "".join(number.split())
    country = bare[:2].upper() if bare[:2].isalpha() else ""
    return f"{country}{MASK} {bare[-4:]}" if len(bare) > 8 else (MASK if bare else "")


def without_accounts(text: str) -> str:
    """A bank's words without numbers of accounts and addresses, in one line: they are kept and shown."""
    text = text[:_LONGEST_READ]
    for pattern in (_ADDRESS, _IBAN, _NUMBER):
        text = pattern.sub(MASK, text)
    return " ".join(_CONTROL.sub(" ", text).split())[:_LONGEST_NOTE]


# -------------------------------------------------------------------------------------------------------------- entries


def _read(entry: Element, place: str, account: str) -> Iterator[BankEntry]:
    details = [each for group in _children(entry, "NtryDtls") for each in _children(group, "TxDtls")]
    batches = _batches(entry)
    if not details:
        yield _entry(entry, None, place, account, batches)
    for number, each in enumerate(details, 1):
        own = f"{place}.{number}" if len(details) > 1 else place
        yield _entry(entry, each, own, account, batches, len(details) == 1)


def _entry(
    entry: Element, details: Element | None, place: str, account: str, batches: str, alone: bool = True
) -> BankEntry:
    """One movement. `alone`: the entry is about it and nothing else, so that its sum is the movement's."""
    refs = _child(details, "Refs")
    end_to_end = _text(refs, "EndToEndId")
    words = [_text(each) for each in _children(_child(details, "RmtInf"), "Ustrd")]
    amount, currency = _amount(details, entry if alone else None)
    status = (_text(entry, "Sts", "Cd") or _text(entry, "Sts", "Prtry") or _text(entry, "Sts")).upper()
    info = _child(details, "RtrInf")
    if info is None:
        info = _child(entry, "RtrInf")
    reason = _text(info, "Rsn", "Cd") or _text(info, "Rsn", "Prtry") or _text(info, "Rsn")
    notes = [_text(each) for each in _children(info, "AddtlInf")]
    came_back = info is not None or _reversed(details, entry)
    reference = _text(refs, "AcctSvcrRef") or _text(entry, "AcctSvcrRef")
    return BankEntry(
        place=place,
        # What the bank says only in words counts where it has lost the identification.
        payouts=ids_in(end_to_end) or ids_in(_text(refs, "InstrId")) or ids_in("\n".join(words)),
        batches=ids_in(f"{batches}\n{_text(refs, 'PmtInfId')}", "bat"),
        end_to_end="" if end_to_end.upper() in _NOT_GIVEN else _short(end_to_end),
        amount=amount,
        currency=currency,
        instructed=_instructed(details),
        debit=_left(details, entry, came_back),
        booked=status == "BOOK",
        status=_plain(status),
        booked_on=_day(_child(entry, "BookgDt")),
        value_on=_day(_child(entry, "ValDt")),
        came_back=came_back,
        reason=_plain(reason),
        note=without_accounts(" ".join(notes)),
        reference="" if reference.upper() in _NOT_GIVEN else _short(reference),
        account=account,
    )


def _left(details: Element | None, entry: Element, came_back: bool) -> bool:
    """Whether money left the account. That is the entry's to say: only a return may go against the sum that it is
    booked in. (Some banks write of a payment in a debited batch that it is a credit, meaning the payee's.)"""
    said = _text(entry, "CdtDbtInd")
    if came_back or not said:
        said = _text(details, "CdtDbtInd") or said
    return said.upper() == "DBIT"


def _reversed(details: Element | None, entry: Element) -> bool:
    """Whether it takes back an earlier one, by the indicator or by the kind of transaction."""
    kinds = {_text(each, "BkTxCd", "Domn", "Fmly", "SubFmlyCd").upper() for each in (details, entry)}
    return _text(entry, "RvslInd").lower() in ("true", "1") or bool(kinds & _RETURNS)


def _amount(details: Element | None, entry: Element | None) -> tuple[int | None, str]:
    """What was booked for this one: beside its details since version 03, among them before that."""
    for found in (
        _child(details, "Amt"),
        _at(details, "AmtDtls", "TxAmt", "Amt"),
        _child(entry, "Amt"),
    ):
        if found is not None:
            return _minor(found)
    return None, ""


def _instructed(details: Element | None) -> tuple[int, str] | None:
    found = _at(details, "AmtDtls", "InstdAmt", "Amt")
    amount, currency = (None, "") if found is None else _minor(found)
    return None if amount is None else (amount, currency)


def _minor(amount: Element) -> tuple[int | None, str]:
    """Minor units, None for what is no amount of that currency."""
    currency = amount.get("Ccy", "")[:3]
    try:
        minor = minor_units(_text(amount), currency)
    except Invalid:
        return None, currency
    return (minor if minor >= 0 else None), currency


def _batches(entry: Element) -> str:
    found = [_child(group, "Btch") for group in _children(entry, "NtryDtls")]
    return "\n".join(f"{_text(each, 'MsgId')}\n{_text(each, 'PmtInfId')}" for each in found)


def _account(statement: Element) -> str:
    return _text(statement, "Acct", "Id", "IBAN") or _text(statement, "Acct", "Id", "Othr", "Id")


def _day(at: Element | None) -> str:
    """The day as the bank wrote it, whatever its zone; empty where there is none."""
    written = _text(at, "Dt") or _text(at, "DtTm")
    found = _DAY.match(written)
    try:
        return date.fromisoformat(found.group()).isoformat() if found else ""
    except ValueError:
        return ""


def _plain(word: str) -> str:
    """A code as it is, a bank's own word without what may be of an account."""
    return word if _WORD.fullmatch(word) else without_accounts(word)[:_LONGEST_REFERENCE]


def _short(reference: str) -> str:
    """A reference as it is, without an account's number in it. Long rows of digits are what references are made of."""
    bare = _CONTROL.sub(" ", reference).strip()[:_LONGEST_REFERENCE]
    return _IBAN.sub(lambda each: MASK if _checks(each.group()) else each.group(), bare)


def _checks(text: str) -> bool:
    """Whether these are the check digits of an IBAN (ISO 7064, mod 97-10)."""
    bare = re.sub(r"[^A-Za-z0-9]", "", text).upper()
    return int("".join(str(int(each, 36)) for each in bare[4:] + bare[:4])) % 97 == 1


# ------------------------------------------------------------------------------------------------------------------ XML


def _root(data: bytes, name: str) -> Element:
    broken = ""
    try:
        root: Element = fromstring(data, forbid_dtd=True)
        return root
    except DefusedXmlException:
        broken = "it declares a document type, which banks' files do not"
    except ParseError as error:
        broken = f"line {error.position[0]}, column {error.position[1]} is no XML"
    except (LookupError, ValueError):
        broken = "its encoding is not known"
    # Raised out here: the parser's own error may quote the file.
    raise Malformed(f"{name} cannot be read: {broken}.", code="not_xml")


def _message(root: Element, name: str) -> tuple[Element, str]:
    """The statement or notification, and what its parts are called. Some banks put an envelope around it."""
    documents = [each for each in (root, *root) if _name(each) == "Document"] or [root]
    for document in documents:
        for each in document:
            if _name(each) in _MESSAGES:
                return each, _MESSAGES[_name(each)]
    told = next((_OTHERS[_name(each)] for document in documents for each in document if _name(each) in _OTHERS), "")
    raise Invalid(
        f"{name} is {told or 'no statement of a bank'}: upload a camt.053 or a camt.054.", code="not_a_statement"
    )


def _name(element: Element) -> str:
    """Without its namespace. What is no element (a comment) has no name."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _children(element: Element | None, name: str) -> list[Element]:
    return [] if element is None else [each for each in element if _name(each) == name]


def _child(element: Element | None, name: str) -> Element | None:
    return None if element is None else next((each for each in element if _name(each) == name), None)


def _at(element: Element | None, *names: str) -> Element | None:
    for name in names:
        element = _child(element, name)
    return element


def _text(element: Element | None, *names: str) -> str:
    found = _at(element, *names)
    return "" if found is None else (found.text or "").strip()
