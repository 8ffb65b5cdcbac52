"""Audit: on a schedule, the head of each brand's audit chain goes where nobody can write over it, once a day."""

from __future__ import annotations

from functools import cache
from typing import Any

from introducer.gateways.audit_heads import AuditHeads, new_client
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.keep_heads import keep_heads
from introducer.store.audit_chain import AuditChain
from introducer.store.configuration import Configuration


@cache
def parts() -> tuple[Configuration, AuditChain, AuditHeads]:
    """The stores of this container, and the bucket of heads."""
    books = settings.books_table
    return Configuration(books), AuditChain(books), AuditHeads(new_client(), settings.audit_heads_bucket)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One run: keeps what this day has none of yet. The next run makes up for what could not be kept now."""
    outcome = keep_heads(*parts(), now=clock.now())
    for brand, reason in outcome.missing.items():
        logger().error("no head of this day could be kept", extra={"brand": brand, "reason": reason})
    count("AuditHeadsKept", len(outcome.kept))
    # The alarm is on this one: a day whose head is missing is a day that can be written anew.
    count("AuditHeadsMissing", len(outcome.missing))
    publish()
    return {"kept": len(outcome.kept), "there": outcome.there, "missing": sorted(outcome.missing)}
