"""A deal's versions as the portal tells them: to a page as sentences that keep their values' direction, to a program as
plain text."""

from __future__ import annotations

from typing import Any

from introducer.locale import Language
from introducer.services.read_deal_of_partner import MarkedClause, VersionOfDeal
from introducer.wording.sentences import say


def told(language: Language, version: VersionOfDeal) -> dict[str, Any]:
    """A version as its page and a program get it."""
    return {
        "version": version.version,
        "phase": version.phase,
        "begins": version.begins,
        "ends": version.ends,
        "too_late": version.too_late,
        "accepted_at": version.accepted_at,
        "terms_hash": version.terms_hash,
        "compared_with": version.compared_with,
        "clauses": [_clause(language, clause) for clause in version.clauses],
        "terms": version.terms,
    }


def _clause(language: Language, clause: MarkedClause) -> dict[str, Any]:
    return {
        "rule": clause.rule,
        "kind": clause.kind,
        "mark": clause.mark,
        "sentences": [{"mark": each.mark, "text": say(language, each.sentence)} for each in clause.sentences],
    }
