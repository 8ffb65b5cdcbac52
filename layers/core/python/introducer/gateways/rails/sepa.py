"""SEPA: a batch as a credit transfer file, pain.001.001.09, for the broker's bank.

Handing over is writing the file: a person gives it to the bank, and what the bank did comes back as camt.053 or
camt.054 (`sources/bank_statement.py`). The file is written by sepaxml and checked against ISO 20022's schema, which
sepaxml carries, before it is kept; what depends there on the hour or on chance is set by us: one batch is one file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any

from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import Batch, PayoutStatus
from introducer.domain.reconciliation import bank_id
from introducer.gateways.rails.files import SentFiles, file_key, note_of
from introducer.gateways.rails.protocol import Handed, Outcome, Refusal, Refused, Transfer, in_order, sent

SCHEMA = "pain.001.001.09"
MOST_PER_FILE = 1_000
LARGEST_AMOUNT = 99_999_999_999
"""Minor units: EUR 999,999,999.99 is the most that one SEPA credit transfer carries (EPC125-05, AT-T002)."""
LONGEST_NAME, LONGEST_REFERENCE = 70, 140
"""Characters (EPC132-08, customer-to-PSP guidelines)."""

_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?", re.ASCII)
_FOREIGN = re.compile(r"[^A-Za-z0-9/?:().,'+ -]", re.ASCII)
"""What is not in the characters that every bank of SEPA takes (EPC217-08, part 1)."""
_DIGRAPHS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"}
)  # fmt: skip
_GERMAN = frozenset({"AT", "CH", "DE", "LI"})
_SIGNS = str.maketrans({"&": "+", "@": "(at)", "_": "-", "\N{EURO SIGN}": "EUR", "*": "."})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Debtor:
    """The broker's account that pays. It has no repr, so that no log line can show it."""

    name: str
    iban: str
    bic: str


class Sepa:
    """Writes files that pay from one account."""

    kind = RailKind.SEPA
    currencies = frozenset({"EUR"})
    remembers: timedelta | None = None
    """The file stays, and a bank knows a message by its id."""
    ready = True

    def __init__(
        self,
        files: SentFiles,
        debtor: Debtor,
        *,
        most_per_batch: int = MOST_PER_FILE,
        booked_together: bool = False,
    ) -> None:
        """`booked_together`: the bank books a file in one sum. Its payouts then stand one by one in a camt.054 alone.

        Raises `Refused` (`invalid_debtor`) for a debtor who cannot be one.
        """
        name = sepa_text(debtor.name, debtor.iban[:2], LONGEST_NAME)
        if not (_says(name) and _IBAN.fullmatch(debtor.iban) and _BIC.fullmatch(debtor.bic)):
            raise Refused("The account that pays needs a name, an IBAN and a BIC.", code="invalid_debtor")
        self.most_per_batch = most_per_batch
        self._files = files
        self._debtor = {"name": name, "IBAN": debtor.iban, "BIC": debtor.bic, "currency": "EUR", "batch": True}
        self._booked_together = booked_together

    def check(self, transfer: Transfer) -> Refusal | None:
        """Why this transfer cannot stand in a file."""
        to = transfer.destination
        if not _IBAN.fullmatch(to.iban) or (to.bic and not _BIC.fullmatch(to.bic)):
            return Refusal("invalid_account", "The account of this payment profile is none that a bank would take.")
        if not _says(sepa_text(to.holder, to.iban[:2], LONGEST_NAME)):
            return Refusal(
                "holder_unwritable",
                "The holder's name has nothing that can be written in Latin letters: ask for it so.",
            )
        if transfer.amount > LARGEST_AMOUNT:
            return Refusal("amount_too_large", "One SEPA transfer carries EUR 999,999,999.99 at most.")
        if len(bank_id(transfer.payout)) > 35:
            return Refusal("id_too_long", "The payout's id does not fit an EndToEndId.")
        return None

    def send(self, batch: Batch, transfers: Sequence[Transfer], at: datetime) -> Handed:
        """Writes the file, which then waits for a person to take it to the bank."""
        found = in_order(self, batch, transfers)
        body = self.written(batch, found, batch.first_tried_at or at)
        key = file_key(batch, "xml")
        self._files.write(key, body, "application/xml", note_of(found))
        return Handed(provider_id=bank_id(batch.batch), file=key, outcomes=sent(found))

    def look_up(self, batch: Batch, at: datetime) -> Handed | None:
        """Whether the file is there. What the bank did with it stands in its statements."""
        key = file_key(batch, "xml")
        if self._files.note(key) is None:
            return None
        return Handed(provider_id=bank_id(batch.batch), file=key, rest=Outcome(payout="", state=PayoutStatus.SENT))

    def written(self, batch: Batch, transfers: Sequence[Transfer], at: datetime) -> bytes:
        """The file's bytes: the same for the same batch, transfers and `at`. Raises `Refused` (`invalid_file`) for what
        the schema does not allow."""
        file = _writer()(dict(self._debtor), bank_id(batch.batch), at.astimezone(UTC), self._booked_together)
        for each in transfers:
            to = each.destination
            payment = {
                "name": sepa_text(to.holder, to.iban[:2], LONGEST_NAME),
                "IBAN": to.iban,
                "amount": each.amount,
                "execution_date": at.astimezone(UTC).date(),
                "description": sepa_text(each.reference, to.iban[:2], LONGEST_REFERENCE) or bank_id(each.payout),
                "endtoend_id": bank_id(each.payout),
            }
            if to.bic:
                payment["BIC"] = to.bic
            file.add_payment(payment)
        # Not the library's own check: it reads the schema each time, and its error quotes the file, accounts and all.
        body: bytes = file.export(validate=False)
        if not _schema().is_valid(body.decode()):
            raise Refused(f"The file of the batch {batch.batch} does not keep to {SCHEMA}.", code="invalid_file")
        return body


def sepa_text(text: str, country: str, longest: int) -> str:
    """A text in the characters that every bank of SEPA takes, cut to what they allow; empty when nothing is left.

    In this order: for accounts in German-speaking countries `ä ö ü ß` become `ae oe ue ss`, as banks there compare
    names; all else that is not ASCII becomes what `text_unidecode` writes for it (`Łukasz` Lukasz, `Ωμέγα` Omega;
    Cyrillic, Thai and Arabic by their letters, which for Arabic are consonants alone); `& @ _ * €` become
    `+ (at) - . EUR`; anything else is a space. No text begins with `/` or has `//` in it (EPC217-08, part 1).
    """
    from text_unidecode import unidecode  # type: ignore[import-untyped]

    composed = unicodedata.normalize("NFC", text)
    if country in _GERMAN:
        composed = composed.translate(_DIGRAPHS)
    ascii_only = unidecode(composed.translate(_SIGNS)).translate(_SIGNS)
    plain = re.sub(r"/{2,}", "/", _FOREIGN.sub(" ", ascii_only))
    return " ".join(plain.split()).lstrip("/ ")[:longest].rstrip("/ ")


def _says(name: str) -> bool:
    """Whether there is a letter or a digit in what became of a name."""
    return any(each.isalnum() for each in name)


@cache
def _schema() -> Any:
    """The schema that the file must keep to, read once. xmlschema is imported as late as sepaxml does it, and for the
    reason given there: it changes how ElementTree is."""
    import xmlschema

    folder = resources.files("sepaxml") / "schemas"
    return xmlschema.XMLSchema(str(folder / f"{SCHEMA}.xsd"))


@cache
def _writer() -> Any:
    """sepaxml's writer with our ids and times in place of its own. It is imported when first a file is written."""
    from sepaxml import SepaTransfer  # type: ignore[import-untyped]

    class Writer(SepaTransfer):  # type: ignore[misc]
        def __init__(self, debtor: dict[str, Any], message: str, at: datetime, together: bool) -> None:
            self._message, self._at, self._together = message, at, together
            super().__init__(debtor, schema=SCHEMA, clean=False)

        def _create_header(self) -> None:
            super()._create_header()
            self._set("MsgId", self._message)
            self._set("CreDtTm", self._at.strftime("%Y-%m-%dT%H:%M:%SZ"))

        def _finalize_batch(self) -> None:
            super()._finalize_batch()
            self._set("PmtInfId", self._message)
            self._set("BtchBookg", "true" if self._together else "false")

        def _set(self, name: str, text: str) -> None:
            (element,) = self._xml.iter(name)
            element.text = text

    return Writer
