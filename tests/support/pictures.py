"""Pictures, as a program that makes pictures saves them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image


def drawn(width: int = 300, height: int = 250, kind: str = "PNG", mode: str = "RGB", **options: Any) -> bytes:
    """A picture of one colour; `options` are Pillow's for its kind."""
    file = io.BytesIO()
    Image.new(mode, (width, height), 0).save(file, kind, **options)
    return file.getvalue()
