"""Sentences with values in them, as the portal tells them: a deal's versions, to a page as sentences that keep their
values' direction, to a program as plain text; and what detectors found."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from introducer.locale import Language
from introducer.services.read_deal_of_partner import MarkedClause, VersionOfDeal
from introducer.wording.sentences import say

_DAY = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)


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


def filled(language: Language, text: str, values: Mapping[str, str]) -> str:
    """A detector's sentence with the values of what it found, days as people write them; a dash for a value that
    nothing is known of."""
    said = {name: language.day(value) if _DAY.fullmatch(value) else value for name, value in values.items()}
    return language.text(text).format_map(defaultdict(lambda: "\N{EN DASH}", said))


def _clause(language: Language, clause: MarkedClause) -> dict[str, Any]:
    return {
        "rule": clause.rule,
        "kind": clause.kind,
        "mark": clause.mark,
        "sentences": [{"mark": each.mark, "text": say(language, each.sentence)} for each in clause.sentences],
    }
