"""Secrets Manager, as far as sources go."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from introducer.domain.errors import Conflict, NotFound
from introducer.gateways.source_secrets import Known


@dataclass
class KeptSecrets:
    """What it was told to keep."""

    secrets: dict[str, list[str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def create(self, source: str, text: str) -> None:
        if source in self.secrets:
            raise Conflict("It has one.", code="secret_exists")
        self.secrets[source] = [text]

    def known(self, source: str) -> Known:
        if source not in self.secrets:
            raise NotFound("It has none.", code="no_secret")
        found = self.secrets[source]
        return Known(sha256(found[0].encode()).hexdigest()[:12], len(found) > 1, source in self.tokens)

    def rotate(self, source: str, text: str, replaces: str) -> None:
        self.secrets[source] = [text, *self.secrets[source][:1]]

    def end_previous(self, source: str) -> None:
        del self.secrets[source][1:]

    def keep_token(self, source: str, token: str) -> None:
        self.tokens[source] = token
