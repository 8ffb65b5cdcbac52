"""Which characters of a page no font of this machine has."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

_SCRIPT = """([letters, place]) => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 40;
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  pen.font = '24px ' + getComputedStyle(document.querySelector(place)).fontFamily;
  const seen = (letter) => {
    pen.clearRect(0, 0, 40, 40);
    pen.fillText(letter, 4, 30);
    return pen.getImageData(0, 0, 40, 40).data.join();
  };
  // A character that nobody may ever assign looks like one that no font has.
  const missing = seen('\\u{10FFFE}');
  return letters.filter((letter) => seen(letter) === missing);
}"""


def missing(page: Any, letters: Iterable[str], place: str = "body") -> list[str]:
    """Those of these characters that look like none in the fonts of a place of the page, by its CSS selector; each in
    words."""
    wanted = sorted(filter(_has_a_picture, letters))
    return [f"no font has {each!r} (U+{ord(each):04X})" for each in page.evaluate(_SCRIPT, [wanted, place])]


def _has_a_picture(letter: str) -> bool:
    """Whether a character is seen by itself: no blank, no mark on another, and no mark of direction."""
    kind = unicodedata.category(letter)
    return kind[0] not in ("Z", "M") and kind not in ("Cc", "Cf")
