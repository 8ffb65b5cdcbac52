"""What detectors found, in words for staff."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date

from introducer.domain.fraud.finding import Finding
from introducer.domain.fraud.registry import detector

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def for_staff(finding: Finding) -> str:
    """A finding's sentence in English, as a case keeps it; a dash for a value that nothing is known of. The portal
    tells it in its reader's language."""
    registered = detector(finding.detector)
    if registered is None:
        return finding.detector.replace("_", " ")
    said = {name: _day(value) if _DAY.fullmatch(value) else value for name, value in finding.values.items()}
    return registered.staff.format_map(defaultdict(lambda: "\N{EN DASH}", said))


def _day(value: str) -> str:
    """A day as English writes it, without the weight of CLDR: 20 Oct 2026."""
    return f"{date.fromisoformat(value):%-d %b %Y}"
