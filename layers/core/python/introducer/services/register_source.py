"""Staff register a source: a platform that will post signed events for a brand."""

from __future__ import annotations

from base64 import urlsafe_b64encode

from introducer.domain import forms
from introducer.domain.configuration import DESK, Availability, Change, Source
from introducer.domain.errors import Invalid
from introducer.gateways.source_secrets import SourceSecrets
from introducer.services.creation import Author, Clock, Randomness, create_once, now
from introducer.store.configuration import Configuration

DIALECTS = ("introducer",)


def register_source(
    configuration: Configuration,
    secrets: SourceSecrets,
    *,
    brand: str,
    source: str,
    dialect: str = "introducer",
    author: Author,
    clock: Clock,
    random: Randomness,
) -> tuple[Source, str]:
    """The new source and the secret it signs with, which is shown this once.

    Raises `Invalid` for what cannot be, `NotFound` for an unknown brand, `Conflict` when the name is taken. A try that
    was cut off before its secret was kept can be made again.
    """
    configuration.brand(brand)
    if dialect not in DIALECTS:
        raise Invalid(f"Nobody here reads the dialect {dialect!r}: say {', '.join(DIALECTS)}.", code="invalid_dialect")
    if source == DESK:
        raise Invalid(f"{DESK} is the source of what staff decide: choose another name.", code="invalid_name")
    new = Source(source=forms.slug(source, "source"), brand=brand, dialect=dialect, status=Availability.ACTIVE)
    change = Change(by=author.by, at=now(clock), why=author.why, origin=author.origin)
    # First the name, then the secret: of two who want one name, only one gets past `create`.
    create_once(
        lambda: configuration.register_source(new, change),
        lambda: configuration.source(new.source),
        lambda existing: existing == new,
        new,
    )
    text = urlsafe_b64encode(random(33)).decode()
    secrets.create(new.source, text)
    return new, text
