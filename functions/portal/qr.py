"""QR codes of addresses, to print or to show: dark on light, with the quiet zone that readers need."""

from __future__ import annotations

import io
from typing import Any

QUIET = 4
"""Modules around the code (ISO/IEC 18004)."""
_SCALE = 16
"""Pixels of a module in a PNG: sharp on a poster."""


def code_of(address: str) -> Any:
    """The code, with room for a quarter of it to be dirty at the least: it is printed small, and stuck to walls."""
    import segno  # most pages have none

    return segno.make(address, error="q", micro=False, boost_error=False)


def svg(address: str) -> str:
    """The code as a drawing that fills whatever it is shown in."""
    file = io.BytesIO()
    code_of(address).save(
        file, kind="svg", border=QUIET, dark="#000", light="#fff", omitsize=True, xmldecl=False, svgclass=None,
        lineclass=None,
    )  # fmt: skip
    return file.getvalue().decode()


def png(address: str) -> bytes:
    """The code as a picture."""
    file = io.BytesIO()
    code_of(address).save(file, kind="png", border=QUIET, scale=_SCALE, dark="#000", light="#fff")
    return file.getvalue()
