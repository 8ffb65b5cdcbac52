"""How the names of executions begin, for whoever reads them in the AWS console."""

from __future__ import annotations

import re
import unicodedata


def slug(name: str, longest: int, otherwise: str) -> str:
    """A name in the letters that AWS takes: small Latin ones, figures and single hyphens, at most `longest`.
    `otherwise` stands for a name that has none of them."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:longest].strip("-") or otherwise
