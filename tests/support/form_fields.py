"""What a browser without scripts would send of a form."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

Fields = dict[str, Any]


def fields_of(page: str, form: str) -> Fields:
    """The fields of the form with this id, as they are filled in; lists where a name ends with `[]`. Buttons are left
    out: whoever presses one adds it."""
    reader = _Reader(form)
    reader.feed(page)
    assert reader.found, f"no form {form}"
    return reader.fields


class _Reader(HTMLParser):
    def __init__(self, form: str) -> None:
        super().__init__()
        self.form, self.inside, self.found = form, False, False
        self.fields: Fields = {}
        self._name = ""
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.inside = given.get("id") == self.form
            self.found |= self.inside
        if not self.inside:
            return
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "input" and name and (kind not in ("checkbox", "radio") or "checked" in given):
            self._put(name, given.get("value", "on" if kind == "checkbox" else ""))
        elif tag == "select":
            self._name = name
        elif tag == "option" and (self._name not in self.fields or "selected" in given):
            self.fields[self._name] = given.get("value", "")
        elif tag == "textarea":
            self._name, self._text = name, []

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "textarea" and self._text is not None:
            # The line end that a textarea begins with is none of its text.
            self._put(self._name, "".join(self._text).removeprefix("\n"))
            self._text = None

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def _put(self, name: str, value: str) -> None:
        if name.endswith("[]"):
            self.fields.setdefault(name, []).append(value)
        else:
            self.fields[name] = value
