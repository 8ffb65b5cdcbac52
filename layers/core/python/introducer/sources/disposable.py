"""Providers of throw-away e-mail addresses, by the public list of the package `disposable-email-domains`."""

from __future__ import annotations

from functools import cache


def is_disposable(email: str) -> bool:
    """Whether a normalised e-mail address is of such a provider, or of a domain below one of theirs."""
    labels = email.rpartition("@")[2].split(".")
    return any(".".join(labels[start:]) in _domains() for start in range(len(labels) - 1))


@cache
def _domains() -> frozenset[str]:
    # Thousands of names: only who meets an e-mail address loads them.
    from disposable_email_domains import blocklist

    return frozenset(blocklist)
