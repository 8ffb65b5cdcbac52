"""The message catalogues: collected from templates and code, kept per language, compiled for gettext.

`python -m introducer_ops.catalogues update` collects messages into every language's `messages.po` (new ones empty, gone
ones removed) and compiles them; `compile` only compiles; `check` says what is missing. Files depend on the sources
alone, not on the day they were written, so that a test can hold them fresh.
"""

from __future__ import annotations

import io
import re
import sys
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from gettext import c2py
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from introducer import wording
from introducer.domain import describe, terms_refused
from introducer.locale import CODES, DEFAULT, HERE
from introducer.sources import dialects

PORTAL = Path(__file__).resolve().parents[2] / "functions" / "portal"
SHARED = Path(wording.__file__).parent
"""What the portal and the command line say in the same words."""
DEALS = Path(describe.__file__)
"""Deals in words: said by both too, and marked with its own `N_` and `Plural`."""
REFUSED = Path(terms_refused.__file__)
"""Why terms of a deal cannot be, marked alike."""
DETECTORS = Path(describe.__file__).parent / "fraud"
"""What detectors found in words, marked alike."""
DIALECTS = Path(dialects.__file__).parent
"""What a source may be told, and why it cannot be, marked alike."""
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_OPTIONS = {"templates/**.html": {"extensions": "jinja2.ext.i18n", "silent": "false"}}
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None, "Plural": (1, 2)}
_UNDATED = datetime(2026, 1, 1, tzinfo=UTC)
_PLACEHOLDER = re.compile(r"`[^`]*`|%\(\w+\)s|%%|\{\w+\}")
"""Where values stand, and what is code: the same in every language."""


def collected() -> Catalog:
    """Every message that we can say."""
    catalog = _new(None)
    for place, message, comments in _said():
        catalog.add(message, locations=[(place, 0)], auto_comments=list(comments))
    return catalog


@cache
def _said() -> tuple[tuple[str, Any, tuple[str, ...]], ...]:
    """What templates and code say: where, what, and what translators should know. The sources are read once."""
    portal = extract_from_dir(PORTAL, method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS)
    shared = extract_from_dir(SHARED, method_map=_METHODS[:1], keywords=_KEYWORDS)
    deals = [
        (path, found) for path in (DEALS, REFUSED) for found in extract_from_file("python", path, keywords=_KEYWORDS)
    ]
    detectors = extract_from_dir(DETECTORS, method_map=_METHODS[:1], keywords=_KEYWORDS)
    told = extract_from_dir(DIALECTS, method_map=_METHODS[:1], keywords=_KEYWORDS)
    found = [(name, message, comments) for name, _, message, comments, _ in portal]
    found += [(f"{SHARED.name}/{name}", message, comments) for name, _, message, comments, _ in shared]
    found += [(f"domain/{path.name}", message, comments) for path, (_, message, comments, _) in deals]
    found += [(f"domain/{DETECTORS.name}/{name}", message, comments) for name, _, message, comments, _ in detectors]
    found += [(f"{DIALECTS.name}/{name}", message, comments) for name, _, message, comments, _ in told]
    return tuple((place, message, tuple(comments)) for place, message, comments in found)


def read(code: str) -> Catalog:
    """A language's catalogue as it is kept; an empty one for a new language."""
    path = po_path(code)
    if not path.exists():
        return _new(code)
    with path.open("rb") as file:
        return read_po(file, locale=code, domain="messages")


def update(code: str) -> Catalog:
    """The kept catalogue with exactly the collected messages. English says its message ids."""
    catalog = read(code)
    catalog.update(collected(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.creation_date = catalog.revision_date = _UNDATED
    catalog.header_comment = f"# What the portal says, in {Locale.parse(code).english_name}."
    catalog.version = catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = ""
    catalog.fuzzy = False
    for message in catalog:
        if code == DEFAULT and message.id:
            message.string = message.id
    return catalog


def source(catalog: Catalog) -> bytes:
    """The catalogue as a PO file."""
    text = io.BytesIO()
    write_po(text, catalog, width=120, sort_output=True, include_lineno=False)
    return text.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """The catalogue as gettext reads it."""
    binary = io.BytesIO()
    write_mo(binary, catalog)
    return binary.getvalue()


def po_path(code: str) -> Path:
    return HERE / code / "LC_MESSAGES" / "messages.po"


def mo_path(code: str) -> Path:
    return po_path(code).with_suffix(".mo")


def defects(code: str) -> list[str]:
    """What is wrong with a language's catalogue, in sentences: missing, left over, untranslated, or with other
    placeholders than the message itself has. A plural form of one number alone may say it as a word."""
    kept, wanted = read(code), collected()
    found = [f"{code}: {message.id!r} is missing" for message in wanted if message.id and message.id not in kept]
    found += [f"{code}: {message.id!r} is said nowhere" for message in kept if message.id and message.id not in wanted]
    for message in kept:
        if not message.id:
            continue
        if message.fuzzy:
            found.append(f"{code}: {message.id!r} is only a guess")
        found += [f"{code}: {message.id!r} {what}" for what in _wrong(message, kept)]
    return found


def _wrong(message: Message, catalog: Catalog) -> list[str]:
    plurals = catalog.num_plurals
    sayings = message.string if isinstance(message.string, tuple) else (message.string,)
    if message.pluralizable and len(sayings) != plurals:
        return [f"has {len(sayings)} of {plurals} plural forms"]
    if not all(each and each.strip() for each in sayings):
        return ["is not translated"]
    own = set(_PLACEHOLDER.findall(message.id[-1] if isinstance(message.id, tuple) else message.id))
    alone = _of_one_number(catalog) if message.pluralizable else set()
    for form, saying in enumerate(sayings):
        said = set(_PLACEHOLDER.findall(saying))
        if (said | {"%(num)s"} if form in alone else said) != own:
            return ["has other placeholders"]
    return []


def _of_one_number(catalog: Catalog) -> set[int]:
    """The plural forms that a single number has: one, and in some languages none and two."""
    form = c2py(catalog.plural_expr)
    counted = Counter(form(number) for number in range(1000))
    return {each for each, numbers in counted.items() if numbers == 1}


def _new(code: str | None) -> Catalog:
    return Catalog(locale=code, domain="messages", project="introducer", charset="utf-8", creation_date=_UNDATED)


def main(arguments: list[str]) -> int:
    """The command. Returns its exit code."""
    match arguments:
        case ["update"]:
            for code in CODES:
                catalog = update(code)
                po_path(code).parent.mkdir(parents=True, exist_ok=True)
                po_path(code).write_bytes(source(catalog))
                mo_path(code).write_bytes(compiled(catalog))
        case ["compile"]:
            for code in CODES:
                mo_path(code).write_bytes(compiled(read(code)))
        case ["check"]:
            found = [defect for code in CODES for defect in defects(code)]
            print(*found, sep="\n")
            return 1 if found else 0
        case _:
            print("usage: python -m introducer_ops.catalogues update | compile | check")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
