"""Fetch a source: page by page, until it is caught up with or the time is used.

A page's events are stored before the cursor moves (invariant 4), and the cursor moves under the version that it was
read with. So a run may be cut off anywhere, and two may meet: what is read twice is one event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from itertools import islice

from introducer.domain.configuration import Availability, Source
from introducer.domain.errors import IntroducerError, Invalid, Malformed, TooLarge, Unavailable
from introducer.domain.events import milliseconds
from introducer.domain.pulling import STATUSES, Pull, begun, ended, failed, read_on
from introducer.services.accept_events import Intake
from introducer.services.accept_rows import accept_rows, settings_of
from introducer.sources.dialects.model import Dialect, Line, PullRequest, SourceSettings
from introducer.sources.dialects.pulling import PullParameters, page_of
from introducer.store.configuration import Configuration
from introducer.store.paging import every
from introducer.store.pulls import Pulls

CHUNK = 100
"""Rows between two looks at the time."""
_EMPTY = b"[]"


class Outcome(StrEnum):
    """How a run ended."""

    CAUGHT_UP = "caught_up"
    MORE = "more"
    """The time is used: it goes on in the next run."""
    FAILED = "failed"
    """It is written down why; it is asked again later."""
    NOT_NOW = "not_now"
    """It is paused, not due, or another run has it."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did."""

    outcome: Outcome
    pages: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    pull: Pull | None = None
    """As it stands after a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Puller:
    """What fetching needs."""

    intake: Intake
    pulls: Pulls
    ask: Callable[[PullRequest], bytes]
    """The body of a page. Raises `Malformed`, `Invalid` or `Unavailable`, which may name a `wait` in seconds."""
    token: Callable[[str], str]
    """What the platform of a source knows us by; empty where there is nothing. Raises `Unavailable`."""
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    begin_within: float = 120.0
    """Seconds from the beginning of a run in which a page may be begun."""
    end_within: float = 240.0
    """Seconds from the beginning of a run after which a page is given up."""


def pull_source(puller: Puller, name: str, *, asked: bool = False) -> Run:
    """Fetch a source. `asked`: a person did, so it is done though it is not due.

    What goes wrong is written down for people and tried again later. Raises `NotFound` for an unknown source, and
    `Unavailable` where not even that could be written down.
    """
    sender = puller.intake.sources.source(name)
    before, now = puller.pulls.pull(name), milliseconds(puller.now())
    if sender.status != Availability.ACTIVE or before.busy_until > now or (before.due > now and not asked):
        return Run(Outcome.NOT_NOW)
    pull = begun(before, now)
    if not puller.pulls.move(before, pull):
        return Run(Outcome.NOT_NOW)
    run = _Run(puller, sender, pull, puller.elapsed())
    try:
        caught_up = run.whole()
    except _Lost:
        return Run(Outcome.NOT_NOW, run.pages, run.counts)
    except (Invalid, Malformed, TooLarge, Unavailable) as error:
        after = _failed(run.pull, error, milliseconds(puller.now()))
        puller.pulls.move(run.pull, after)
        return Run(Outcome.FAILED, run.pages, run.counts, after)
    after = ended(run.pull)
    puller.pulls.move(run.pull, after)
    return Run(Outcome.CAUGHT_UP if caught_up else Outcome.MORE, run.pages, run.counts, after)


def sources_due(configuration: Configuration, pulls: Pulls, now: datetime) -> Iterator[str]:
    """The sources of all brands that are fetched, and that it is time to ask. Raises `Unavailable`."""
    at = milliseconds(now)
    for brand in configuration.every_brand():
        for source in every(lambda cursor, brand=brand: configuration.sources_of_brand(brand.brand, cursor)):  # type: ignore[misc]
            if source.status == Availability.ACTIVE and is_pulled(source):
                pull = pulls.pull(source.source)
                if pull.due <= at and pull.busy_until <= at:
                    yield source.source


def is_pulled(source: Source) -> bool:
    """Whether a source is fetched, as it is set up. Settings that cannot be read are: then the failure is shown."""
    try:
        dialect, settings = settings_of(source)
    except Invalid:
        return '"url"' in source.settings
    return dialect.pulls and bool(getattr(settings.parameters, "url", ""))


class _Lost(Exception):
    """Another run has moved the cursor."""


class _Run:
    def __init__(self, puller: Puller, sender: Source, pull: Pull, begun_at: float) -> None:
        self._puller, self._sender, self.pull, self._begun_at = puller, sender, pull, begun_at
        self.pages = 0
        self.counts: Counter[str] = Counter()

    def whole(self) -> bool:
        """Whether all that there is was read; else the time was used."""
        puller = self._puller
        dialect, settings = settings_of(self._sender)
        token = self._token(settings)
        last = b""
        while True:
            # One moment for the request and the step after it: by it the stretch that is asked for ends.
            moment = puller.now()
            request = dialect.request(settings, self.pull.cursor, secret=token, now=moment)
            body = puller.ask(request) or _EMPTY
            lines = dialect.read(body, source=settings, received_at=moment)
            digest = sha256(body).digest()
            step = dialect.next_cursor(settings, self.pull.cursor, len(lines), now=moment)
            if lines and digest == last and page_of(self.pull.cursor):
                raise Malformed(
                    "The platform answers the same page again: the address must say which page is asked for, such as "
                    "by {page} or {offset}.",
                    code="same_page_again",
                )
            last = digest
            counts = self._accepted(dialect, lines, moment)
            self.pages += 1
            self.counts += counts
            after = read_on(self.pull, step.cursor, counts, milliseconds(puller.now()), caught_up=not step.more)
            if not puller.pulls.move(self.pull, after):
                raise _Lost
            self.pull = after
            if not step.more:
                return True
            if self._spent() >= puller.begin_within:
                return False

    def _accepted(self, dialect: Dialect, lines: list[Line], moment: datetime) -> Counter[str]:
        counts: Counter[str] = Counter(dict.fromkeys(STATUSES, 0))
        rest = iter(lines)
        while chunk := list(islice(rest, CHUNK)):
            if self._spent() >= self._puller.end_within:
                raise Malformed(
                    "This page has more rows than one run can take: ask for less at once, by page_size or "
                    "window_minutes.",
                    code="page_too_long",
                )
            taken = accept_rows(self._puller.intake, self._sender, chunk, dialect=dialect, now=moment, where="fetched")
            counts.update(str(receipt.status) for receipt in taken.receipts)
        return counts

    def _token(self, settings: SourceSettings) -> str:
        parameters = settings.parameters
        if not isinstance(parameters, PullParameters) or parameters.auth == "none":
            return ""
        token = self._puller.token(self._sender.source)
        if not token:
            raise Invalid("There is no token for the platform: give the source one.", code="no_token")
        return token

    def _spent(self) -> float:
        return self._puller.elapsed() - self._begun_at


def _failed(pull: Pull, error: IntroducerError, now: int) -> Pull:
    wait = error.facts.get("wait")
    wait_ms = wait * 1000 if isinstance(wait, int) else 0
    return failed(pull, error.code, error.detail, now, lasting=not isinstance(error, Unavailable), wait_ms=wait_ms)
