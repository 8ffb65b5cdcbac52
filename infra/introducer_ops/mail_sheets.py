"""Every mail in every language as a reader sees it, to look at: `python -m introducer_ops.mail_sheets [TEMPLATE …]`.

Debian's Chromium shows each at the width of a phone and of a desk, light and dark; the pictures go onto contact sheets
in `build/mails`, with what was found wrong in `defects.txt`: text that leaves its box, characters that no font has, raw
keys, too little contrast, a language that runs the wrong way, a mail that is too large, plain text that reads badly.
"""

from __future__ import annotations

import base64
import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from introducer.domain.mail import MailTemplate
from introducer.gateways.mail import Letter, MailRefused, written
from introducer.locale import CODES, Language, language
from introducer.wording.mails.rendering import EXAMPLES, OWNER, Rendered, preview
from introducer_ops import fonts, glyphs

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "mails"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage")
WIDTHS = (390, 600)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LARGEST = 60_000
"""Bytes of a whole mail with its pictures."""
PER_SHEET = 5
"""Templates on one sheet."""
LONGEST_LINE = 400
"""Characters of a line of plain text: what is longer is a list that should be several lines."""

_RAW = (
    (re.compile(r"%\(\w+\)"), "a place that was not filled in"),
    (re.compile(r"\{\{|\}\}|\{%"), "a template's own marks"),
    (re.compile(r"\b(None(?! of)|True|False|undefined|nan)\b"), "a value of the program"),
    (re.compile(r"(?<![\w/.@:-])[a-z]{2,}(?:_[a-z0-9]+)+(?![\w@-])"), "a key instead of words"),
    (re.compile(r"&(amp|lt|gt|quot|#\d+);"), "an escape that was shown"),
)
_IDS = re.compile(r"\b[a-z]{3}_01[0-9A-Z]{10,}\b|https?://\S+")
"""Ids and addresses are shown as they are."""


class Shot(NamedTuple):
    """A mail as it was seen."""

    template: str
    language: str
    width: int
    scheme: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Case:
    """A mail to look at."""

    template: MailTemplate
    language: Language
    rendered: Rendered

    @property
    def name(self) -> str:
        return f"{self.template.value} [{self.language.code}]"


def cases(templates: Sequence[MailTemplate], folder: Path) -> Iterator[Case]:
    """The mails of these templates in all languages."""
    for code in CODES:
        for template in templates:
            yield Case(template, language(code), preview(template, language(code), fonts=folder))


# ------------------------------------------------------------------------------------------------- without a browser


def text_defects(text: str) -> list[str]:
    """What is wrong with a text that people read: raw keys, and marks of programs."""
    plain = _IDS.sub("", text)
    return [f"{what}: {match.group(0)!r}" for pattern, what in _RAW if (match := pattern.search(plain))]


def plain_defects(text: str) -> list[str]:
    """What makes a plain text read badly."""
    found = text_defects(text)
    if "\n\n\n" in text:
        found.append("two empty lines after each other")
    if re.search(r"<\w+[^>]*>", text):
        found.append("markup in plain text")
    if re.search(r"[^\s-] {2,}\S", text):
        found.append("more than one blank between words")
    if re.search(r"(?m)^[ \t]*[:·]|·[ \t]*$|:[ \t]*\n(?!\n|https?:)", text):
        found.append("a label without a value, or a value without a label")
    found += [f"a line of {len(line)} characters" for line in text.splitlines() if len(line) > LONGEST_LINE]
    return found


def whole(case: Case) -> bytes:
    """The mail as it goes over the wire."""
    said = case.rendered
    letter = Letter(
        id="mail_01JDXAMPLE0000000000000000",
        to="marta@example.com",
        to_name=OWNER.name,
        from_name=OWNER.brand,
        subject=said.subject,
        text=said.text,
        html=said.html,
        language=case.language.code,
        images=said.images,
    )
    return written(letter, "partners@example.com", datetime(2026, 12, 3, tzinfo=UTC))


def still_defects(case: Case) -> list[str]:
    """What can be seen of a mail without a browser."""
    found = [f"plain text: {each}" for each in plain_defects(case.rendered.text)]
    found += [f"subject: {each}" for each in text_defects(case.rendered.subject)]
    try:
        size = len(whole(case))
    except MailRefused as refused:
        return [*found, str(refused)]
    if size > LARGEST:
        found.append(f"{size} bytes are more than {LARGEST}")
    return found


# ----------------------------------------------------------------------------------------------------- with a browser

_LOOK = Path(__file__).with_name("mail_look.js")


def shown(html: str, rendered: Rendered) -> str:
    """The HTML with its pictures in it, since there is no mail around it."""
    for image in rendered.images:
        data = base64.b64encode(image.png).decode()
        html = html.replace(f"cid:{image.name}", f"data:image/png;base64,{data}")
    return html


def look(found: Sequence[Case], defects: list[str]) -> Iterator[Shot]:
    """Each mail at each width and in each scheme."""
    from playwright.sync_api import sync_playwright

    script = _LOOK.read_text()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        letters: dict[str, set[str]] = {}
        for width in WIDTHS:
            for scheme in SCHEMES:
                page: Any = browser.new_page(
                    viewport={"width": width, "height": 500}, color_scheme=scheme, java_script_enabled=True
                )
                for case in found:
                    page.set_content(shown(case.rendered.html, case.rendered), wait_until="load")
                    seen = page.evaluate(script)
                    where = f"{case.name} {width} {scheme}"
                    defects += [f"{where}: {each}" for each in [*seen["found"], *text_defects(seen["text"])]]
                    letters.setdefault(case.language.code, set()).update(seen["text"])
                    png = page.screenshot(full_page=True, animations="disabled")
                    yield Shot(case.template.value, case.language.code, width, scheme, png)
                if (width, scheme) == (WIDTHS[-1], SCHEMES[-1]):
                    for code, some in letters.items():
                        defects += [f"[{code}]: {each}" for each in glyphs.missing(page, some, ".sheet")]
                page.close()
        browser.close()


def lay_out(shots: Sequence[Shot], folder: Path) -> list[Path]:
    """Contact sheets: a language's mails, each in a row of all widths and schemes, at half their size."""
    from PIL import Image, ImageDraw

    made: list[Path] = []
    for code in dict.fromkeys(shot.language for shot in shots):
        rows: dict[str, list[Shot]] = {}
        for shot in shots:
            if shot.language == code:
                rows.setdefault(shot.template, []).append(shot)
        names = list(rows)
        for number, start in enumerate(range(0, len(names), PER_SHEET), 1):
            strips = []
            for name in names[start : start + PER_SHEET]:
                pictures = [Image.open(io.BytesIO(shot.png)).convert("RGB") for shot in rows[name]]
                halves = [each.resize((each.width // 2, each.height // 2)) for each in pictures]
                strip = Image.new(
                    "RGB", (sum(e.width + 8 for e in halves) + 8, max(e.height for e in halves) + 32), "#888888"
                )
                ImageDraw.Draw(strip).text((8, 8), f"{name} [{code}]", fill="#ffffff")
                x = 8
                for half in halves:
                    strip.paste(half, (x, 24))
                    x += half.width + 8
                strips.append(strip)
            sheet = Image.new("RGB", (max(s.width for s in strips), sum(s.height for s in strips)), "#888888")
            y = 0
            for strip in strips:
                sheet.paste(strip, (0, y))
                y += strip.height
            path = folder / f"{code}-{number}.png"
            sheet.save(path)
            made.append(path)
    return made


def main(arguments: Sequence[str]) -> int:
    """Makes the sheets; 1 when anything is wrong."""
    templates = [MailTemplate(each) for each in arguments] or list(EXAMPLES)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    found = list(cases(templates, fonts.folder()))
    defects = [f"{case.name}: {each}" for case in found for each in still_defects(case)]
    for case in found:
        (FOLDER / f"{case.template.value}.{case.language.code}.txt").write_text(case.rendered.text)
    shots = list(look(found, defects))
    sheets = lay_out(shots, FOLDER)
    (FOLDER / "defects.txt").write_text("".join(f"{each}\n" for each in defects))
    largest = max(found, key=lambda case: len(whole(case)))
    print(f"{len(shots)} pictures of {len(found)} mails on {len(sheets)} sheets in {FOLDER.relative_to(ROOT)}")
    print(f"largest: {largest.name}, {len(whole(largest))} bytes")
    print("\n".join(defects) or "nothing was found wrong")
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
