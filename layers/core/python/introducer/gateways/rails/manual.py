"""By hand: a batch as a CSV list for a person who pays from it, in any currency and to anywhere.

Handing over is writing the list. Whoever paid says so in the run's page; what went through a bank with the payout's id
in it is found in the bank's statements too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime, timedelta

from introducer.domain.money import decimal_string
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import Batch, PayoutStatus
from introducer.gateways.rails.files import SentFiles, file_key, note_of
from introducer.gateways.rails.protocol import Handed, Outcome, Refusal, Transfer, in_order, sent

MOST_PER_LIST = 1_000
COLUMNS = ("payout", "holder", "country", "pay_to", "amount", "currency", "reference")
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What makes a cell a formula in a spreadsheet (OWASP, "CSV Injection"); some take the wide forms for the same."""


class Manual:
    """Writes lists of what a person is to pay."""

    kind = RailKind.MANUAL
    currencies: frozenset[str] | None = None
    remembers: timedelta | None = None
    ready = True

    def __init__(self, files: SentFiles, *, most_per_batch: int = MOST_PER_LIST) -> None:
        self.most_per_batch = most_per_batch
        self._files = files

    def check(self, transfer: Transfer) -> Refusal | None:
        """Why nobody could pay this."""
        if not transfer.destination.instructions.strip():
            return Refusal("no_instructions", "The payment profile does not say where to pay: ask the partner.")
        return None

    def send(self, batch: Batch, transfers: Sequence[Transfer], at: datetime) -> Handed:
        """Writes the list, which then waits for a person."""
        found = in_order(self, batch, transfers)
        key = file_key(batch, "csv")
        self._files.write(key, written(found), "text/csv; charset=utf-8", note_of(found))
        return Handed(provider_id=batch.batch, file=key, outcomes=sent(found))

    def look_up(self, batch: Batch, at: datetime) -> Handed | None:
        """Whether the list is there. What was paid from it, a person says."""
        key = file_key(batch, "csv")
        if self._files.note(key) is None:
            return None
        return Handed(provider_id=batch.batch, file=key, rest=Outcome(payout="", state=PayoutStatus.SENT))


def written(transfers: Sequence[Transfer]) -> bytes:
    """The list as RFC 4180 has it, in UTF-8 with the mark by which spreadsheets know it. What would be a formula begins
    with an apostrophe, which makes it text."""
    lines = io.StringIO(newline="")
    out = csv.writer(lines, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    out.writerow(COLUMNS)
    for each in transfers:
        to = each.destination
        amount = decimal_string(each.amount, each.currency)
        row = (each.payout, to.holder, to.country, to.instructions, amount, each.currency, each.reference)
        out.writerow(_text(cell) for cell in row)
    return b"\xef\xbb\xbf" + lines.getvalue().encode()


def _text(cell: str) -> str:
    """As a spreadsheet shows it and no more. Lines within a cell stay lines, each harmless by itself."""
    lines = cell.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    safe = [f"'{line}" if line.lstrip().startswith(_FORMULA) else line for line in lines]
    return "\n".join(safe).replace("\x00", "")
