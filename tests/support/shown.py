"""Pages as people read them."""

from __future__ import annotations

import html
import re


def text(page: str) -> str:
    """What a page says, without its markup; every white space is one blank."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))
