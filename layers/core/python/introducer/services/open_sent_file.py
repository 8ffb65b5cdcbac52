"""Leads whoever decides about payouts to a file that was handed to a bank, or to a person who pays: it names accounts
in clear, so that each look is on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from introducer.domain.configuration import Change, Member
from introducer.domain.errors import NotFound
from introducer.gateways.rails.files import SentFiles
from introducer.services.set_payout_schedule import check_decider
from introducer.store.payouts import Payouts


def open_sent_file(
    payouts: Payouts, files: Callable[[], SentFiles], *, member: Member, run: str, batch: str, now: datetime
) -> str:
    """Where the file of a batch can be downloaded for a minute. Raises `Forbidden` for a role that decides nothing,
    `NotFound` for a batch without a file, `Unavailable`."""
    check_decider(member)
    found = payouts.batch(member.brand, run, batch)
    if not found.file:
        raise NotFound("This batch has no file.", code="no_file")
    link = files().link(found.file)
    change = Change(by=member.member, at=now, why="downloaded on its page", origin="portal")
    payouts.record(member.brand, found.batch, "download_sent_file", change, {"run": run, "file": found.file})
    return link
