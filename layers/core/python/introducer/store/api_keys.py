"""API keys in BOOKS. A key never changes but by being revoked; when it was used last stands in an item of its own, with
how much of its allowance is left (`store.api_key_uses`)."""

from __future__ import annotations

import re
from dataclasses import replace

from pynamodb.attributes import UnicodeAttribute

from introducer.domain.api_key import ApiKey
from introducer.domain.configuration import Change
from introducer.domain.errors import NotFound
from introducer.store import keys
from introducer.store.items import BooksItem, MomentAttribute, TextsAttribute, translated
from introducer.store.paging import Page, every
from introducer.store.records import Part, as_item, as_record, got

_ID = re.compile(r"key_[0-9A-HJKMNP-TV-Z]{26}", re.ASCII)


class ApiKeyItem(BooksItem):
    key = UnicodeAttribute()
    of = UnicodeAttribute()
    brand = UnicodeAttribute()
    partner = UnicodeAttribute(null=True)
    role = UnicodeAttribute()
    name = UnicodeAttribute()
    scopes = TextsAttribute()
    secret_hash = UnicodeAttribute()
    created = MomentAttribute()
    created_by = UnicodeAttribute()
    expires_at = MomentAttribute(null=True)
    revoked_at = MomentAttribute(null=True)
    revoked_by = UnicodeAttribute(null=True)


class ApiKeys(Part):
    """Typed reads and conditional writes of API keys."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        super().__init__(table, region, host)
        self._api_keys = self._bound(ApiKeyItem)

    def api_key(self, key: str) -> ApiKey:
        """Read consistently: a key that was revoked is refused by the very next request. Raises `NotFound`."""
        if not _ID.fullmatch(key):
            raise NotFound("There is no such key.", code="no_such_key")
        return as_record(ApiKey, got(self._api_keys, keys.key("api_key", key=key), "key", consistent=True))

    def api_keys_of(self, of: str, cursor: str | None = None, limit: int = 100) -> Page[ApiKey]:
        """A page of the keys of a partner, or of a brand itself, newest first, with those that are revoked."""
        return self._owned(self._api_keys, ApiKey, keys.owner_partition("api_key", of=of), cursor, limit)

    def standing_api_keys(self, of: str) -> list[ApiKey]:
        """All keys of an owner that were not revoked."""
        return [each for each in every(lambda cursor: self.api_keys_of(of, cursor)) if each.revoked_at is None]

    def add_api_key(self, key: ApiKey, change: Change) -> None:
        """A new key. Raises `Conflict` when its id is taken."""
        owner = keys.owner_key("api_key", of=key.of, created=_order(key), key=key.key)
        item = as_item(self._api_keys, keys.key("api_key", key=key.key), key, owner)
        self._create(key.brand, key.of, "add_api_key", change, _told(key), item, refusal="This key exists already.")

    def revoke_api_key(self, key: ApiKey, change: Change) -> None:
        """It is good for nothing from now on. Raises `Conflict` when it was revoked before."""
        item = self._api_keys(*keys.key("api_key", key=key.key))
        self._change(
            key.brand,
            key.of,
            "revoke_api_key",
            change,
            {"key": key.key, "revoked_at": None},
            {"key": key.key, "revoked_at": change.at.isoformat()},
            item,
            [self._api_keys.revoked_at.set(change.at), self._api_keys.revoked_by.set(change.by)],
            self._api_keys.pk.exists() & self._api_keys.revoked_at.does_not_exist(),
            refusal="This key was revoked before.",
        )

    def api_key_name(self, key: str) -> str:
        """What a key is called; empty where there is none."""
        with translated("not a write"):
            try:
                return str(self._api_keys.get(*keys.key("api_key", key=key)).name)
            except self._api_keys.DoesNotExist:
                return ""


def _order(key: ApiKey) -> str:
    return key.created.strftime("%Y%m%dT%H%M%S%f")


def _told(key: ApiKey) -> ApiKey:
    """What the audit trail says of it: not even the hash, and no name, which may be a person's."""
    return replace(key, secret_hash="", name="")
