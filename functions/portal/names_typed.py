"""Names as people type them, some with commas between, and what they stand for: forms take names in the reader's
language, and codes; what is kept, and what programs read and write, are codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any
from unicodedata import combining, normalize
from urllib.parse import urlencode

from markupsafe import Markup, escape
from visit import JSON, N_, Visit

from introducer.locale import CODES, Language, language

NO_COUNTRY = N_("“%(typed)s” is no country: write countries by their names, such as %(names)s.")
EXAMPLES = ("PL", "TH")
"""Countries that forms name to show how they are written."""

Spelt = tuple[str, ...]
"""A name: its parts, with the marks between them."""

AROUND = " ,;\N{ARABIC COMMA}\N{ARABIC SEMICOLON}"
"""What may stand before and behind names."""
_MARKS = re.compile(f"([{AROUND.strip()}])")
_BREAKS = re.compile(rf"[\r\n]+|(?:[{AROUND.strip()}\r\n]\s*){{2,}}")
_SAME = {"\N{ARABIC COMMA}": ",", "\N{ARABIC SEMICOLON}": ";"}
_BRACKETS = re.compile(r"\s*\([^()]*\)")
"""What explains a name, or is another one."""


class Vocabulary:
    """What people call things, and what they mean by it. A name may have commas or semicolons within, which stand
    between names too."""

    def __init__(
        self, meant: Mapping[Spelt, Sequence[str]], names: Mapping[str, str], codes: Iterable[str] = ()
    ) -> None:
        self._meant = meant
        self._names = names
        self._codes = frozenset(codes)
        self._longest = max(map(len, meant), default=0)

    def read(self, typed: str) -> list[str]:
        """Everything of these names. What is no name stays as it is: it may be a code, or empty."""
        parts, found, place = _MARKS.split(typed), list[str](), 0
        while place < len(parts):
            members, taken = self._first(parts[place : place + max(1, self._longest)])
            found += members
            place += taken + 1
        return found

    def knows(self, values: Iterable[str]) -> bool:
        """Whether these are codes of what has a name."""
        return self._codes.issuperset(values)

    def name(self, value: str) -> str:
        """The name that stands for this value alone, else the value."""
        name = self._names.get(value, "")
        return name if name and self.read(name) == [value] else value

    def typed(self, values: Iterable[str], comma: str) -> str:
        """These values by their names, with this between; as they are where something else is meant by the names
        together."""
        given = list(values)
        names = comma.join(map(self.name, given))
        return names if self.read(names) == given else ", ".join(given)

    def _first(self, parts: Sequence[str]) -> tuple[list[str], int]:
        """Everything of the longest name that these parts begin with, and of how many of them it is."""
        first = parts[0].strip()
        for taken in range(0 if first in self._codes else len(parts), 0, -1):
            if members := self._meant.get(_spelt(parts[:taken])):
                return list(dict.fromkeys(members)), taken
        return [first], 1


def vocabulary(named: Mapping[str, str]) -> Vocabulary:
    """Of codes and their names: these are read by their names, else by codes in any letters, else by what is left of
    names without accents and brackets. What several are called is no name."""
    shorter = [(code, _BRACKETS.sub("", name)) for code, name in named.items()]
    bare = [(code, _bare(name)) for code, name in (*named.items(), *shorter)]
    meant: dict[Spelt, list[str]] = {}
    for each in ([*shorter, *bare], [(code, code) for code in named], named.items()):
        meant |= by_name(each)
    return Vocabulary({name: found for name, found in meant.items() if len(set(found)) == 1}, named, named)


def by_name(named: Iterable[tuple[str, str]]) -> dict[Spelt, list[str]]:
    """Codes by their names; several where they have one in common."""
    found: dict[Spelt, list[str]] = {}
    for code, name in named:
        spelt = _spelt(_MARKS.split(name))
        if any(spelt[::2]):
            found.setdefault(spelt, []).append(code)
    return found


def read_in(spoken: str, typed: str, vocabulary_of: Callable[[str], Vocabulary]) -> list[str]:
    """What was typed by somebody who reads this language. What that does not know is read in the one that does: a text
    may come from a colleague who reads another."""
    own = vocabulary_of(spoken)
    found = own.read(typed)
    if own.knows(found):
        return found
    others = map(vocabulary_of, CODES)
    return next((read for each in others if each.knows(read := each.read(typed))), found)


def _spelt(parts: Iterable[str]) -> Spelt:
    """The parts of a name and the marks between them, however they are spaced and in whatever letters."""
    return tuple(_SAME.get(each, " ".join(_plain(each).split()).casefold()) for each in parts)


def _plain(text: str) -> str:
    """With the apostrophe that keyboards have, and letters and their accents in one."""
    return normalize("NFC", text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def _bare(name: str) -> str:
    """A name without accents: people leave them out."""
    return "".join(each for each in normalize("NFKD", name) if not combining(each))


# ----------------------------------------------------------------------------------------------------------- countries


@cache
def countries(spoken: str) -> Vocabulary:
    """What countries are called in the language of this code."""
    here = language(spoken)
    return vocabulary({code: here.country(code) for code in here.countries})


def read_countries(spoken: Language, typed: str) -> list[str]:
    """The codes of countries, which were typed by their names or as codes; what is neither stays as it is."""
    found = read_in(spoken.code, _BREAKS.sub(",", typed).strip(AROUND), countries)
    return [code for each in found if each for code in _codes(each)]


def named_countries(spoken: Language, codes: Iterable[str]) -> str:
    """Countries by their names, as a form has them; their codes where the names would not be read as the same."""
    return countries(spoken.code).typed(codes, spoken.mark(","))


def examples(spoken: Language) -> str:
    """What countries look like as they are typed."""
    return named_countries(spoken, EXAMPLES)


def with_codes(spoken: Language, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a form, those of countries with codes, as a program would send them."""
    return {
        name: ", ".join(read_countries(spoken, value)) if _is_of_countries(name, value) else value
        for name, value in fields.items()
    }


def take_countries(visit: Visit) -> None:
    """From here on the fields of a form have codes of countries, as a program sends them; what a program sent stays."""
    if visit.content_type != JSON:
        visit.fields.update(with_codes(visit.language, visit.fields))


def with_names(spoken: Language, fields: Mapping[str, Any], most: int) -> Mapping[str, Any]:
    """The fields of a form, those of countries with names, as people read them. As they are where that would be longer
    than so many bytes: each letter of many scripts is six or nine when a form is sent."""
    named = {
        name: named_countries(spoken, read_countries(spoken, value)) if _is_of_countries(name, value) else value
        for name, value in fields.items()
    }
    return named if named == fields or len(urlencode(named, doseq=True)) <= most else fields


def saying_which(spoken: Language, errors: Mapping[str, str], fields: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with a form; of countries, which of them is none, where one is."""
    return {name: _none_of_them(spoken, name, fields.get(name)) or said for name, said in errors.items()}


def _none_of_them(spoken: Language, name: str, value: Any) -> str:
    """What to say of the first that is no country; empty where all are."""
    typed = read_countries(spoken, value) if _is_of_countries(name, value) else []
    wrong = next((each for each in typed if not countries(spoken.code).knows([each])), "")
    if not wrong:
        return ""
    # Marked up, for what was typed may run the other way than the sentence around it.
    shown = Markup("<bdi>{}</bdi>").format(wrong[:40])
    return Markup(escape(spoken.text(NO_COUNTRY))) % {"typed": shown, "names": examples(spoken)}


def _is_of_countries(name: str, value: Any) -> bool:
    return name.rpartition(".")[2] == "countries" and isinstance(value, str)


def _codes(typed: str) -> list[str]:
    """Codes that were typed with spaces alone between; else what was typed, in one."""
    known, codes = countries(CODES[0]), typed.upper().split()
    return codes if len(codes) > 1 and known.knows(codes) else [typed]
