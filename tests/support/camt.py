"""Banks' statements for tests, in the form of the version that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from introducer.domain.reconciliation import bank_id

OWN = "DE89370400440532013000"


@dataclass
class Tx:
    """A transaction in a statement: that a payout was paid, unless it is said otherwise."""

    payout: str = ""
    amount: str = "123.45"
    currency: str = "EUR"
    debit: bool = True
    reason: str = ""
    """Of a return."""
    note: Sequence[str] = ()
    reference: str = ""
    words: str = ""
    instructed: str = ""
    instructed_in: str = "EUR"
    end_to_end: str | None = None
    """In place of the payout's id."""

    def xml(self, version: int) -> str:
        named = bank_id(self.payout) if self.end_to_end is None else self.end_to_end
        refs = f"<EndToEndId>{escape(named)}</EndToEndId>" if named else ""
        refs = (f"<AcctSvcrRef>{escape(self.reference)}</AcctSvcrRef>" if self.reference else "") + refs
        amount = f'<Amt Ccy="{self.currency}">{self.amount}</Amt>' if self.amount else ""
        kind = f"<CdtDbtInd>{direction(self.debit)}</CdtDbtInd>"
        inner = (
            f'<InstdAmt><Amt Ccy="{self.instructed_in}">{self.instructed}</Amt></InstdAmt>' if self.instructed else ""
        )
        if version < 3:
            booked = f"<AmtDtls>{inner}<TxAmt>{amount}</TxAmt></AmtDtls>" if amount else ""
        else:
            booked = amount + kind + (f"<AmtDtls>{inner}</AmtDtls>" if inner else "")
        words = f"<RmtInf><Ustrd>{escape(self.words)}</Ustrd></RmtInf>" if self.words else ""
        notes = "".join(f"<AddtlInf>{escape(each)}</AddtlInf>" for each in self.note)
        back = f"<RtrInf><Rsn><Cd>{self.reason}</Cd></Rsn>{notes}</RtrInf>" if self.reason else ""
        return f"<TxDtls><Refs>{refs}</Refs>{booked}{words}{back}</TxDtls>"


@dataclass
class Entry:
    """An entry of a statement, with its transactions. Its sum is the first one's where none is said."""

    txs: Sequence[Tx] = ()
    amount: str = ""
    currency: str = "EUR"
    debit: bool | None = None
    status: str = "BOOK"
    reference: str = ""
    booked: str = "<Dt>2026-12-01</Dt>"
    batch: str = ""
    reversal: bool = False
    kind: str = ""
    """The sub-family of the bank's transaction code."""
    more: str = field(default="", repr=False)

    def xml(self, version: int) -> str:
        first = self.txs[0] if self.txs else Tx()
        debit = first.debit if self.debit is None else self.debit
        status = self.status if version < 8 else f"<Cd>{self.status}</Cd>"
        batch = f"<Btch><PmtInfId>{self.batch}</PmtInfId><NbOfTxs>9</NbOfTxs></Btch>" if self.batch else ""
        details = "".join(each.xml(version) for each in self.txs)
        code = (
            f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>{self.kind}</SubFmlyCd></Fmly></Domn></BkTxCd>"
        )
        return (
            f'<Ntry><Amt Ccy="{self.currency}">{self.amount or first.amount}</Amt>'
            f"<CdtDbtInd>{direction(debit)}</CdtDbtInd>"
            + ("<RvslInd>true</RvslInd>" if self.reversal else "")
            + f"<Sts>{status}</Sts><BookgDt>{self.booked}</BookgDt><ValDt><Dt>2026-12-02</Dt></ValDt>"
            + (f"<AcctSvcrRef>{self.reference}</AcctSvcrRef>" if self.reference else "")
            + (code if self.kind else "")
            + (f"<NtryDtls>{batch}{details}</NtryDtls>" if batch or details else "")
            + f"{self.more}</Ntry>"
        )


def direction(debit: bool) -> str:
    return "DBIT" if debit else "CRDT"


def a_statement(
    *entries: Entry, version: int = 8, notification: bool = False, account: str = OWN, before: str = ""
) -> bytes:
    """A camt.053, or a camt.054 where it is a `notification`, of one account; `before` stands before the document."""
    message, part = ("BkToCstmrDbtCdtNtfctn", "Ntfctn") if notification else ("BkToCstmrStmt", "Stmt")
    name = f"camt.05{4 if notification else 3}.001.{version:02d}"
    inner = "".join(each.xml(version) for each in entries)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{name}">'
        f"<{message}><GrpHdr><MsgId>M1</MsgId></GrpHdr><{part}><Id>S1</Id>"
        f"<Acct><Id><IBAN>{account}</IBAN></Id></Acct>{inner}</{part}></{message}></Document>"
    ).encode()
