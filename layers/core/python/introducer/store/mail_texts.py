"""What staff wrote for mails, in BOOKS: kept by its digest and never changed, so that a mail always says what it said.

A sequence or a broadcast keeps its text here when it is put to use, and its mails name it. Whoever edits it afterwards
makes another one.
"""

from __future__ import annotations

import json

from pynamodb.expressions.operand import Path

from introducer.domain.errors import NotFound
from introducer.domain.ids import derived_id
from introducer.domain.mail_text import MailText, text_from_data, text_to_data
from introducer.store import keys
from introducer.store.wire import Refused, connect, from_wire, reading, to_wire, writing

PREFIX = "txt"


def text_id(brand: str, text: MailText) -> str:
    """The id of a brand's text: the same words, the same id."""
    return derived_id(PREFIX, brand, _plain(text))


class MailTexts:
    """Keeps texts and reads them. A text that a mail can name is one that `check_text` took."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def keep(self, brand: str, text: MailText) -> str:
        """Keeps a text; its id. May be repeated. Raises `Unavailable`."""
        text_as = text_id(brand, text)
        key = keys.key("mail_text", brand=brand, text=text_as)
        try:
            with writing():
                self._connection.put_item(
                    self._table,
                    key.pk,
                    key.sk,
                    attributes=to_wire({"words": _plain(text)}),
                    condition=Path(keys.PK).does_not_exist(),
                )
        except Refused:
            pass  # it is there: the id is made of the words
        return text_as

    def text(self, brand: str, text: str) -> MailText:
        """A text of a brand. Raises `NotFound`, `Unavailable`."""
        key = keys.key("mail_text", brand=brand, text=text)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        if "Item" not in answer:
            raise NotFound("There is no such text.")
        return text_from_data(json.loads(from_wire(answer["Item"])["words"]))


def _plain(text: MailText) -> str:
    return json.dumps(text_to_data(text), sort_keys=True, ensure_ascii=False)
