"""What a decided case leaves to the scoring of its partner."""

from __future__ import annotations

from dataclasses import replace

from introducer.domain.case import Case
from introducer.domain.case_rules import cleared_by, judged_by
from introducer.domain.fraud.scoring import Scoring
from introducer.services.case_books import CaseBooks


def scored(books: CaseBooks, case: Case) -> tuple[Scoring, Scoring] | None:
    """The partner's scoring before and after: this case takes nothing in any more, what it cleared is cleared, and what
    it judged is judged. None where that stands already. Raises `Unavailable`."""
    before = books.scorings.get(case.brand, case.partner)
    cleared = dict(before.cleared)
    for detector, day in cleared_by(case).items():
        cleared[detector] = max(day, cleared.get(detector, ""))
    judged = {**before.judged, **judged_by(case)}
    after = replace(
        before, cleared=cleared, judged=judged, open_case="" if before.open_case == case.case else before.open_case
    )
    return None if after == before else (before, after)
