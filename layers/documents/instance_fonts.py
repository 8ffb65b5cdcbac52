"""Static fonts out of the variable ones: `python instance_fonts.py FOLDER` writes them there, with their licence.

A variable font costs seconds whenever it is opened. What a document needs of it are two weights, made here once: when
the layer is built, or by the `introducer` command on the first document of a working copy.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

FAMILIES = {
    "NotoSans": "fontpkg_noto_sans",
    "NotoSansArabic": "fontpkg_noto_sans_arabic",
    "NotoSansThai": "fontpkg_noto_sans_thai",
}
"""What a file's name begins with, and the package that has the variable font."""
WEIGHTS = {"Regular": 400, "Bold": 700}


def instance(folder: Path) -> None:
    """Writes every family in every weight. The same fonts make the same files."""
    from fontTools.ttLib import TTFont
    from fontTools.varLib.instancer import instantiateVariableFont

    folder.mkdir(parents=True, exist_ok=True)
    for family, package in FAMILIES.items():
        found = find_spec(package)
        assert found is not None and found.origin is not None, f"{package} is not installed"
        home = Path(found.origin).parent
        for weight, value in WEIGHTS.items():
            font = TTFont(home / "files" / f"{family}[wdth,wght].ttf", recalcTimestamp=False)
            # HarfBuzz packs tables otherwise, and cannot run where a layer for another platform is built.
            font.cfg["fontTools.ttLib.tables.otBase:USE_HARFBUZZ_REPACKER"] = False
            instantiateVariableFont(font, {"wght": value, "wdth": 100}, inplace=True)
            font.save(folder / f"{family}-{weight}.ttf")
        (folder / f"{family}-LICENSE").write_bytes((home / "LICENSE").read_bytes())


if __name__ == "__main__":
    instance(Path(sys.argv[1]))
