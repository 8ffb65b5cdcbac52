"""What detectors found, in words for staff."""

from __future__ import annotations

from collections import defaultdict

from introducer.domain.fraud.finding import Finding
from introducer.domain.fraud.registry import detector


def for_staff(finding: Finding) -> str:
    """A finding's sentence in English, as a case keeps it; a dash for a value that nothing is known of. The portal
    tells it in its reader's language."""
    registered = detector(finding.detector)
    if registered is None:
        return finding.detector.replace("_", " ")
    return registered.staff.format_map(defaultdict(lambda: "\N{EN DASH}", finding.values))
