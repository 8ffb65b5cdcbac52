"""Names as people type them, some with commas between, and what they stand for: forms take names in the reader's
language, and codes; what is kept, and what programs read and write, are codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from typing import Any
from unicodedata import combining, normalize
from urllib.parse import urlencode

from markupsafe import Markup, escape
from visit import JSON, N_, Visit

from introducer.domain.errors import Invalid
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
_BETWEEN = re.compile(r"[-\N{EN DASH}(),;/\N{ARABIC COMMA}\N{ARABIC SEMICOLON}]")
"""What may stand between the words of a name, beside spaces."""
MOST_KEPT = 500
"""A text of fewer letters is read once and kept: a form of terms has hundreds of fields, and each text that no language
knows is looked for in all of them."""


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

    def shares(self, typed: str) -> bool:
        """Whether some names have this in common, as whole words: nobody knows which of them is meant."""
        words = _words(typed)
        return bool(words) and sum(_within(words, each) for each in self._spoken.get(words[0], ())) > 1

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

    @cached_property
    def _spoken(self) -> dict[str, list[Spelt]]:
        """The names by each of their words."""
        found: dict[str, list[Spelt]] = {}
        for name in map(_words, self._names.values()):
            for word in set(name):
                found.setdefault(word, []).append(name)
        return found

    def _first(self, parts: Sequence[str]) -> tuple[list[str], int]:
        """Everything of the longest name that these parts begin with, and of how many of them it is."""
        first = parts[0].strip()
        for taken in range(0 if first in self._codes else len(parts), 0, -1):
            if members := self._meant.get(_spelt(parts[:taken])):
                return list(dict.fromkeys(members)), taken
        return [first], 1


def vocabulary(named: Mapping[str, str], also: Mapping[str, str] | None = None) -> Vocabulary:
    """Of codes and their names: these are read by their names, else by codes in any letters, else by what is left of
    names without accents and brackets, else by names that they have beside. What several are called is no name."""
    shorter = [(code, _BRACKETS.sub("", name)) for code, name in named.items()]
    bare = [(code, _bare(name)) for code, name in (*named.items(), *shorter)]
    meant: dict[Spelt, list[str]] = {}
    beside = [(code, name) for name, code in (also or {}).items()]
    for each in (beside, [*shorter, *bare], [(code, code) for code in named], named.items()):
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
    may come from a colleague who reads another. What a language knows as a part of several names, such as the Congo of
    two countries, is read in no other one, where it may be the name of one of them."""
    own = vocabulary_of(spoken)
    found = own.read(typed)
    for each in (own, *map(vocabulary_of, CODES)):
        read = each.read(typed)
        if each.knows(read):
            return read
        if any(not each.knows([part]) and each.shares(part) for part in read):
            break
    return found


def in_no_language(unknown: Sequence[str], known: Callable[[str], bool]) -> str:
    """The first of these that is not known alone either; where each is, the first: together they are of no language."""
    return next((each for each in unknown if not known(each)), unknown[0])


def _spelt(parts: Iterable[str]) -> Spelt:
    """The parts of a name and the marks between them, however they are spaced and in whatever letters."""
    return tuple(_SAME.get(each, " ".join(_plain(each).split()).casefold()) for each in parts)


def _words(text: str) -> Spelt:
    """The words of a name, without accents; whatever stands between them."""
    return tuple(_BETWEEN.sub(" ", _bare(_plain(text)).casefold()).split())


def _within(words: Spelt, name: Spelt) -> bool:
    """Whether these words stand in the name, one behind the other."""
    return any(name[at : at + len(words)] == words for at in range(len(name) - len(words) + 1))


def _plain(text: str) -> str:
    """With the apostrophe that keyboards have, and letters and their accents in one."""
    return normalize("NFC", text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def _bare(name: str) -> str:
    """A name without accents: people leave them out."""
    return "".join(each for each in normalize("NFKD", name) if not combining(each))


# ----------------------------------------------------------------------------------------------------------- countries


ALSO = {
    "en": {
        "UK": "GB", "Great Britain": "GB", "USA": "US", "UAE": "AE", "Turkey": "TR", "Hong Kong": "HK", "Macau": "MO",
        "Czech Republic": "CZ", "Ivory Coast": "CI", "Macedonia": "MK",
    }
}  # fmt: skip
"""What countries are called in a language beside the name that CLDR has."""


@cache
def countries(spoken: str) -> Vocabulary:
    """What countries are called in the language of this code."""
    here = language(spoken)
    return vocabulary({code: here.country(code) for code in here.countries}, ALSO.get(spoken))


def read_countries(spoken: Language, typed: str) -> list[str]:
    """The codes of countries, which were typed by their names or as codes; what is neither stays as it is."""
    read = _read if len(typed) < MOST_KEPT else _read.__wrapped__
    return list(read(spoken.code, typed))


@lru_cache(maxsize=2_000)
def _read(spoken: str, typed: str) -> tuple[str, ...]:
    found = read_in(spoken, _BREAKS.sub(",", typed).strip(AROUND), countries)
    return tuple(code for each in found if each for code in codes_apart(each))


def codes_apart(typed: str) -> list[str]:
    """Codes that were typed with spaces alone between; else what was typed, in one."""
    known, codes = countries(CODES[0]), typed.upper().split()
    return codes if len(codes) > 1 and known.knows(codes) else [typed]


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


def check_countries(visit: Visit, kept: Iterable[str] = ()) -> None:
    """Raises `Invalid` (`invalid_country`) for a form that names what is no country, though it may look like a code. A
    program may name any code, and a form those that are `kept` already: somebody opened it to change something else."""
    known, stand = countries(visit.language.code), frozenset(kept)
    for name, value in visit.fields.items() if visit.content_type != JSON else ():
        read = read_countries(visit.language, value) if _is_of_countries(name, value) else []
        if not known.knows(set(read) - stand):
            raise Invalid("This is no country: send codes such as DE.", code="invalid_country", field=name)


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
    unknown = [each for each in typed if not countries(spoken.code).knows([each])]
    if not unknown:
        return ""
    wrong = in_no_language(unknown, lambda each: countries(spoken.code).knows(read_countries(spoken, each)))
    # Marked up, for what was typed may run the other way than the sentence around it.
    shown = Markup("<bdi>{}</bdi>").format(wrong[:40])
    return Markup(escape(spoken.text(NO_COUNTRY))) % {"typed": shown, "names": examples(spoken)}


def _is_of_countries(name: str, value: Any) -> bool:
    return name.rpartition(".")[2] == "countries" and isinstance(value, str)
