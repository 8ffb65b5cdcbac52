"""Staff register a source: a platform whose events come for a brand, in its own dialect."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from introducer.domain import forms
from introducer.domain.configuration import DESK, Availability, Change, Source
from introducer.domain.errors import Invalid
from introducer.gateways.source_secrets import SourceSecrets
from introducer.services.creation import Author, Clock, Randomness, create_once, now
from introducer.sources import dialects
from introducer.store.configuration import Configuration


def register_source(
    configuration: Configuration,
    secrets: SourceSecrets,
    *,
    brand: str,
    source: str,
    dialect: str = "json",
    settings: Mapping[str, Any] | None = None,
    author: Author,
    clock: Clock,
    random: Randomness,
) -> tuple[Source, str]:
    """The new source and the secret it signs with, which is shown this once.

    Raises `Invalid` (`unknown_dialect`, `invalid_settings`, `invalid_name`) for what cannot be, `NotFound` for an
    unknown brand, `Conflict` when the name is taken. A try that was cut off before its secret was kept can be made
    again.
    """
    configuration.brand(brand)
    if source == DESK:
        raise Invalid(f"{DESK} is the source of what staff decide: choose another name.", code="invalid_name")
    new = Source(
        source=forms.slug(source, "source"),
        brand=brand,
        dialect=dialect,
        status=Availability.ACTIVE,
        settings=settings_text(source, brand, dialect, settings or {}),
    )
    change = Change(by=author.by, at=now(clock), why=author.why, origin=author.origin)
    # First the name, then the secret: of two who want one name, only one gets past `create`.
    create_once(
        lambda: configuration.register_source(new, change),
        lambda: configuration.source(new.source),
        lambda existing: existing == new,
        new,
    )
    text = new_secret(random)
    secrets.create(new.source, text)
    return new, text


def settings_text(source: str, brand: str, dialect: str, settings: Mapping[str, Any]) -> str:
    """The settings as they are kept: checked by the dialect, and whole. Raises `Invalid`."""
    parameters = dialects.of(dialect).settings(source, brand, settings).parameters
    # Defaults too: another default of another day would say something else of the same rows.
    return json.dumps(parameters.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def new_secret(random: Randomness) -> str:
    """What a source signs with."""
    return urlsafe_b64encode(random(33)).decode()
