"""Promo codes: who has one when. An item says that a code was given to a partner for a time; the next giving of the
same code is the next number, and is written only while the one before is as it was read. So nobody has a code while
another has it, however many decide at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from introducer.domain.configuration import Change
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.promo_code import PromoCode
from introducer.store import keys
from introducer.store.items import BooksItem, IntegerAttribute, MomentAttribute, translated
from introducer.store.paging import Page
from introducer.store.records import Part, as_item, as_record, values_of


class PromoCodeItem(BooksItem):
    code = UnicodeAttribute()
    number = IntegerAttribute()
    brand = UnicodeAttribute()
    partner = UnicodeAttribute()
    campaign = UnicodeAttribute(null=True)
    starts_at = MomentAttribute()
    ends_at = MomentAttribute(null=True)
    given_at = MomentAttribute()
    given_by = UnicodeAttribute()
    request = UnicodeAttribute()


class PromoCodes(Part):
    """Typed reads and conditional writes of promo codes."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        super().__init__(table, region, host)
        self._codes = self._bound(PromoCodeItem)

    def promo_code(self, brand: str, code: str) -> list[PromoCode]:
        """To whom a code (`normalised`) was given, oldest first; empty where nobody ever had it."""
        partition, begin = keys.partition("promo_code", brand=brand), keys.prefix("promo_code", code=code)
        with translated("not a write"):
            # Consistently: whose client somebody is is decided by it, and what the next giving may be.
            found = list(self._codes.query(partition, self._codes.sk.startswith(begin), consistent_read=True))
        return [as_record(PromoCode, item) for item in found]

    def promo_codes_of_partner(self, partner: str, cursor: str | None = None, limit: int = 100) -> Page[PromoCode]:
        """A page of the codes that a partner has, had or is to have, those given last first."""
        owner = keys.owner_partition("promo_code", partner=partner)
        return self._owned(self._codes, PromoCode, owner, cursor, limit)

    def give_promo_code(self, new: PromoCode, before: PromoCode | None, change: Change) -> None:
        """A code becomes a partner's; `before` is the last time it was given. Raises `Conflict` when that is another
        than was read, or when somebody was quicker."""
        owner = keys.owner_key(
            "promo_code", partner=new.partner, given=milliseconds(new.given_at), code=new.code, number=_number(new)
        )
        item = as_item(self._codes, _key(new), new, owner)
        refusal = f"The code {new.code} was given or ended meanwhile: read it again."
        with translated(refusal), TransactWrite(connection=self._connection) as transaction:
            transaction.save(item, condition=self._codes.pk.does_not_exist())
            if before is not None:
                transaction.condition_check(self._codes, *_key(before), condition=self._as_read(before))
            after = {name: value for name, value in values_of(new).items() if name not in ("request", "brand")}
            self._audit(transaction, new.brand, new.partner, "give_promo_code", change, None, after)

    def end_promo_code(self, before: PromoCode, after: PromoCode, change: Change) -> None:
        """A code ends at another moment than was decided. Raises `Conflict` when it is not as it was read, or was given
        to somebody else since."""
        refusal = f"The code {before.code} was given or ended meanwhile: read it again."
        following = _key(replace(before, number=before.number + 1))
        assert after.ends_at is not None, "a code that ends has an end"
        with translated(refusal), TransactWrite(connection=self._connection) as transaction:
            ends: list[Action] = [self._codes.ends_at.set(after.ends_at)]
            transaction.update(self._codes(*_key(before)), ends, condition=self._as_read(before))
            # Whoever got it next has it from the end on that was read.
            transaction.condition_check(self._codes, *following, condition=self._codes.pk.does_not_exist())
            self._audit(
                transaction, before.brand, before.partner, "end_promo_code", change,
                {"code": before.code, "number": before.number, "ends_at": before.ends_at},
                {"code": after.code, "number": after.number, "ends_at": after.ends_at},
            )  # fmt: skip

    def _as_read(self, read: PromoCode) -> Condition:
        ends = self._codes.ends_at
        unchanged: Condition = ends.does_not_exist() if read.ends_at is None else ends == read.ends_at
        there: Condition = self._codes.pk.exists() & unchanged
        return there


def _number(code: PromoCode) -> str:
    # Padded, so that the tenth giving sorts after the ninth.
    return f"{code.number:06d}"


def _key(code: PromoCode) -> keys.Key:
    return keys.key("promo_code", brand=code.brand, code=code.code, number=_number(code))


def promo_code_from_item(item: Mapping[str, Any]) -> PromoCode:
    """The giving of a plain item, as a scan reads it."""
    code, number = keys.parts(item[keys.SK])
    return PromoCode(
        code=code,
        number=int(number),
        brand=keys.parts(item[keys.PK])[1],
        partner=item["partner"],
        campaign=item.get("campaign"),
        starts_at=from_milliseconds(item["starts_at"]),
        ends_at=from_milliseconds(item["ends_at"]) if item.get("ends_at") is not None else None,
        given_at=from_milliseconds(item["given_at"]),
        given_by=item["given_by"],
        request=item.get("request", ""),
    )
