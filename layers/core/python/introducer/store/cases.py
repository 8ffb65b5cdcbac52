"""Cases in BOOKS. A step of a case is one transaction: the case at the version that was read, what the detectors found,
the journals and the balance where money moves, the hold, the partner's scoring, mails and the audit record.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from introducer.domain.case import Case, CasePolicy
from introducer.domain.configuration import Change
from introducer.domain.fraud.finding import Finding
from introducer.domain.ledger import Journal
from introducer.store.paging import Page


class Cases:
    """Reads and conditional writes. Every step may be repeated: what is done stays done, and is answered again."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------------ reads

    def case(self, partner: str, case: str) -> Case:
        """A case of this partner as it stands now. Raises `NotFound`."""
        raise NotImplementedError

    def of_partner(self, partner: str) -> list[Case]:
        """All cases of a partner, the newest first, as they stand now."""
        raise NotImplementedError

    def of_brand(self, brand: str, *, closed: bool = False, cursor: str | None = None, limit: int = 50) -> Page[Case]:
        """A page of a brand's cases that are not closed, the oldest first; or of those that are, the newest first."""
        raise NotImplementedError

    def findings(self, partner: str, case: str) -> tuple[Finding, ...]:
        """What the detectors found, with its evidence; in the order of `Case.detectors`."""
        raise NotImplementedError

    def journals(self, partner: str, case: str) -> tuple[Journal, ...]:
        """What a case has moved so far, in order."""
        raise NotImplementedError

    def journals_of_partner(self, partner: str) -> Iterator[Journal]:
        """What all cases of a partner have moved."""
        raise NotImplementedError

    def policy(self, brand: str) -> CasePolicy:
        """The clocks of a brand's cases; those that the product comes with where none were set."""
        raise NotImplementedError

    def set_policy(self, brand: str, before: CasePolicy, after: CasePolicy, change: Change, at: datetime) -> None:
        """The clocks from now on. Raises `Conflict` (`policy_changed`) when they are not as they were read."""
        raise NotImplementedError
