"""The demo world's bank: it takes a SEPA file (pain.001) and answers with the statement of the day (camt.053)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml.ElementTree import fromstring

_CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


@dataclass(frozen=True, slots=True)
class Booked:
    """A transfer of a file, as it leaves the account."""

    end_to_end: str
    amount: str
    currency: str


def transfers_in(file: bytes) -> list[Booked]:
    """The transfers that a pain.001 file orders."""
    found = []
    for each in fromstring(file).iter():
        if _name(each) != "CdtTrfTxInf":
            continue
        texts = {_name(part): part for part in each.iter()}
        amount = texts["InstdAmt"]
        found.append(Booked(str(texts["EndToEndId"].text), str(amount.text), amount.attrib["Ccy"]))
    return found


def statement(booked: Sequence[Booked], iban: str, day: date) -> bytes:
    """A statement on which all of these were booked on a day."""
    root = Element("Document", {"xmlns": _CAMT})
    report = SubElement(root, "BkToCstmrStmt")
    head = SubElement(report, "GrpHdr")
    _put(head, "MsgId", f"STATEMENT-{day:%Y%m%d}")
    _put(head, "CreDtTm", f"{day.isoformat()}T18:00:00Z")
    own = SubElement(report, "Stmt")
    _put(own, "Id", f"{day:%Y-%j}")
    _put(SubElement(SubElement(own, "Acct"), "Id"), "IBAN", iban)
    for number, each in enumerate(booked, start=1):
        entry = SubElement(own, "Ntry")
        _amount(entry, each)
        _put(entry, "CdtDbtInd", "DBIT")
        _put(SubElement(entry, "Sts"), "Cd", "BOOK")
        _put(SubElement(entry, "BookgDt"), "Dt", day.isoformat())
        _put(entry, "AcctSvcrRef", f"{day:%Y%m%d}-{number:04}")
        details = SubElement(SubElement(entry, "NtryDtls"), "TxDtls")
        _put(SubElement(details, "Refs"), "EndToEndId", each.end_to_end)
        _amount(details, each)
        _put(details, "CdtDbtInd", "DBIT")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root)


def _amount(parent: Element, booked: Booked) -> None:
    SubElement(parent, "Amt", {"Ccy": booked.currency}).text = booked.amount


def _put(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]
