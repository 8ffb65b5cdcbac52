"""Collects the contracts a fold needs: links, deal versions, rates and click keys, kept per container.

Links and publications never change, so they are kept for ever. Deals and standings are asked for again after a minute
and on every new UTC day: a version comes into force at a midnight after its acceptance, so a list read today is good
for today. A standing that was decided within the minute is seen with the client's next event. Contests, promo codes and
how campaigns attribute are asked for as often; each begins minutes after it was decided.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from introducer.domain import click_id
from introducer.domain.attribution_decision import AttributionDecision
from introducer.domain.calendar import day_at, plus_days
from introducer.domain.client import ClientState
from introducer.domain.configuration import Attribution, DealRecord, Status
from introducer.domain.configuration import Parenting as ParentingRecord
from introducer.domain.configuration import Standing as StandingRecord
from introducer.domain.contest_score import Window
from introducer.domain.contracts import (
    AttributionRule,
    Contracts,
    Grant,
    LeadTerms,
    LinkTerms,
    Parenting,
    Standing,
)
from introducer.domain.counts import Came
from introducer.domain.deal import DealVersion
from introducer.domain.errors import NotFound, Unavailable
from introducer.domain.events import Event, day_of, milliseconds
from introducer.domain.promo_code import PromoCode, normalised
from introducer.domain.rates import Publication, Rates
from introducer.domain.terms import parse_terms
from introducer.store.configuration import Configuration
from introducer.store.rates import RateStore

ECB = "ECB"
"""The feed of the European Central Bank's euro reference rates."""

EURO = "EUR"
"""What the feed's rates are per unit of."""

_KEPT = 60.0
_MOST_CODES = 10_000
"""Promo codes that are remembered at once."""
_MOST_CLICKS = 10_000
_LATE_DAYS = 2
"""So many days after a click its record may come late, and is asked for again with what its client does."""


class _Decided(NamedTuple):
    """What was decided about a partner, as it was read at a moment (seconds) of a UTC day."""

    at: float
    day: str
    deals: tuple[DealVersion, ...]
    standings: tuple[Standing, ...]
    parents: tuple[Parenting, ...]


class _Windows(NamedTuple):
    """A brand's contests, as they were read at a moment (seconds)."""

    at: float
    windows: tuple[Window, ...]
    gone: frozenset[str]
    """Contests that clients remember and that were found to be listed no more."""


class _Kept(NamedTuple):
    """What was decided about a campaign or a promo code, as it was read at a moment (seconds)."""

    at: float
    decided: tuple[Any, ...]


class ContractReader:
    """Reads what is missing and remembers it. `elapsed` counts seconds and never goes back; `today` is the UTC day.
    `windows` gives the contests of a brand, `clicks` what was recorded of a click: whoever writes client states must
    give both."""

    def __init__(
        self,
        configuration: Configuration,
        rates: RateStore,
        click_keys: Callable[[], Mapping[int, bytes]],
        elapsed: Callable[[], float],
        today: Callable[[], str],
        feed: str = ECB,
        *,
        windows: Callable[[str], tuple[Window, ...]] | None = None,
        clicks: Callable[[str], Came | None] | None = None,
    ) -> None:
        self._configuration = configuration
        self._rates = rates
        self._click_keys = click_keys
        self._elapsed = elapsed
        self._today = today
        self._feed = feed
        self._read_windows = windows
        self._read_click = clicks
        self._clicks: dict[str, Came] = {}
        self._windows: dict[str, _Windows] = {}
        self._links: dict[str, LinkTerms] = {}
        self._rules: dict[tuple[str, str], _Kept] = {}
        self._codes: dict[tuple[str, str], _Kept] = {}
        self._leads: dict[str, LeadTerms] = {}
        self._partners: dict[str, _Decided] = {}
        self._publications: dict[str, Publication] = {}
        self._complete: str | None = None

    def contracts_for(self, states: Iterable[ClientState], events: Iterable[Event]) -> Contracts:
        """Everything the fold of these events into these states can ask for. Raises `Unavailable`."""
        states, events = list(states), list(events)
        for state in states:
            self._catch_up(state)
        links, leads, codes = self._evidence(states, events)
        partners = {terms.partner for terms in links.values()}
        partners |= {grant.partner for given in codes.values() for grant in given}
        partners |= {segment.partner for state in states for segment in state.timeline}
        partners |= {key.partner for state in states for key in state.posted}
        partners |= {move.partner for state in states for move in state.moves.values()}
        partners |= {partner for state in states for partner, _ in state.due}
        partners |= {event.partner for event in events if event.partner is not None}
        parents = self._parents(partners)
        partners |= {parent for each in parents.values() for _, parent in each if parent is not None}
        days = {day_of(event.occurred_at) for event in events}
        days |= {day for state in states for day in _days(state)}
        found = {day: publication for day in sorted(days) if (publication := self._publication(day))}
        return Contracts(
            links=links,
            deals={partner: self._decided(partner).deals for partner in sorted(partners)},
            standings={partner: self._decided(partner).standings for partner in sorted(partners)},
            rates=Rates(found),
            click_keys=self._click_keys(),
            parents=parents,
            windows=self._windows_for(states, events),
            leads=leads,
            codes=codes,
            clicks=self._recorded(states, events),
        )

    def contracts_of_evidence(self, state: ClientState, events: Iterable[Event]) -> Contracts:
        """What says whose client it is, and nothing that prices: for showing it. Raises `Unavailable`."""
        links, leads, codes = self._evidence([state], list(events))
        return Contracts(links, {}, Rates({}), self._click_keys(), leads=leads, codes=codes)

    def contracts_of_clients(self, partner: str, states: Iterable[ClientState]) -> Contracts:
        """What a partner's deal says about what these clients did so far: for showing it. Raises `Unavailable`."""
        decided = self._decided(partner)
        at_home = {version.deal.currency for version in decided.deals}
        days: set[str] = set()
        for state in states:
            days |= {day_at(each.at) for each in state.deposits.values() if {each.currency} != at_home}
            days |= {day_at(each.at) for each in state.chargebacks.values() if {each.currency} != at_home}
        found = {day: publication for day in sorted(days) if (publication := self._publication(day))}
        return Contracts({}, {partner: decided.deals}, Rates(found), {}, standings={partner: decided.standings})

    def contracts_of_month(self, partner: str, month: str) -> Contracts:
        """Everything that settling a partner's month can ask for. Raises `Unavailable`."""
        parents = self._parents({partner})
        partners = {partner, *(parent for each in parents.values() for _, parent in each if parent is not None)}
        first = f"{month}-01"
        publication = self._publication(first)
        return Contracts(
            links={},
            deals={each: self._decided(each).deals for each in sorted(partners)},
            standings={each: self._decided(each).standings for each in sorted(partners)},
            rates=Rates({first: publication} if publication else {}),
            click_keys={},
            parents=parents,
        )

    def has_rates(self, currency: str) -> bool:
        """Whether the feed's last publication says what a currency is worth. Raises `Unavailable`."""
        complete = self._rates.completed_through(self._feed)
        last = None if complete is None else self._rates.published_before(self._feed, plus_days(complete, 1))
        return last is not None and (currency == EURO or currency in last[1])

    def _catch_up(self, state: ClientState) -> None:
        """Read again what is older than what a fold of this client saw already, in another container: folding under it
        would undo what that one did."""
        for partner, known in state.known.items():
            for _ in range(2):
                decided = self._decided(partner)
                newest = max((version.version for version in decided.deals), default=0)
                if newest >= known.version and len(decided.standings) >= known.standings:
                    break
                del self._partners[partner]
            else:
                raise Unavailable("What was decided about a partner cannot be read yet: try again.")

    def _windows_for(self, states: Iterable[ClientState], events: Iterable[Event]) -> dict[str, tuple[Window, ...]]:
        """The contests of these clients' brands. One that a client remembers and that is not listed is asked for again:
        another container may know what this one does not yet."""
        if self._read_windows is None:
            return {}
        remembered: dict[str, set[str]] = {event.brand: set() for event in events}
        for state in states:
            remembered.setdefault(state.brand, set()).update(state.contests)
        found: dict[str, tuple[Window, ...]] = {}
        for brand, contests in remembered.items():
            kept = self._windows.get(brand)
            listed = {window.contest for window in kept.windows} | kept.gone if kept else set()
            if kept is None or self._elapsed() - kept.at >= _KEPT or contests - listed:
                windows = self._read_windows(brand)
                gone = contests - {window.contest for window in windows} | (kept.gone if kept else frozenset())
                kept = self._windows[brand] = _Windows(self._elapsed(), windows, frozenset(gone))
            if kept.windows:
                found[brand] = kept.windows
        return found

    def _parents(self, partners: Iterable[str]) -> dict[str, tuple[Parenting, ...]]:
        """Who stood above these partners, and above those, at any time; partners without a parent are left out."""
        found: dict[str, tuple[Parenting, ...]] = {}
        climb = set(partners)
        while climb:
            decided = {partner: self._decided(partner).parents for partner in sorted(climb)}
            found |= {partner: each for partner, each in decided.items() if each}
            climb = {parent for each in decided.values() for _, parent in each if parent is not None} - found.keys()
            climb -= decided.keys()
        return found

    def _evidence(
        self, states: Sequence[ClientState], events: Sequence[Event]
    ) -> tuple[dict[str, LinkTerms], dict[str, LeadTerms], dict[tuple[str, str], tuple[Grant, ...]]]:
        """The links, leads and promo codes that these clients and events name."""
        clicks = {click.link_id for event in events if event.click_id and (click := click_id.read(event.click_id))}
        visited = {visit.link for state in states for visit in state.visits.values()}
        named = {event.lead_id for event in events if event.lead_id}
        leads = {lead: known for lead in sorted(named) if (known := self._lead(lead))}
        visited |= {visit.link for state in states for visit in state.leads.values()}
        visited |= {lead.link for lead in leads.values()}
        links = {link: terms for link in sorted(clicks | visited) if (terms := self._link(link))}
        return links, leads, self._grants(states, events)

    def _recorded(self, states: Sequence[ClientState], events: Sequence[Event]) -> dict[str, Came]:
        """What was recorded of the genuine clicks that these clients and events name, and that the client's own state
        does not know: two clients may name one click."""
        if self._read_click is None:
            return {}
        known = {(state.client, click) for state in states for click in state.came or ()}
        named = {(event.client, event.click_id) for event in events if event.click_id is not None} - known
        genuine = {click for _, click in named if click_id.verify(click, self._click_keys())}
        for state in states:
            for click in state.visits.keys() - (state.came or {}).keys():
                late = day_at(state.visits[click].at) >= plus_days(self._today(), -_LATE_DAYS)
                if late or state.came is None:
                    genuine.add(click)
        return {click: came for click in sorted(genuine) if (came := self._click(click)) is not None}

    def _click(self, click: str) -> Came | None:
        """What was recorded of a click: what is known of one never changes."""
        if click not in self._clicks:
            assert self._read_click is not None, "asked where clicks can be read"
            found = self._read_click(click)
            if found is None:
                return None
            if len(self._clicks) >= _MOST_CLICKS:
                self._clicks.clear()
            self._clicks[click] = found
        return self._clicks[click]

    def _link(self, link: str) -> LinkTerms | None:
        if link not in self._links:
            try:
                found = self._configuration.link(link)
                campaign = self._configuration.campaign(found.brand, found.campaign)
            except NotFound:
                # Only an id signed by us gets here with a link; it can name one that another brand's stack made.
                return None
            first_click = campaign.attribution is Attribution.FIRST_CLICK
            self._links[link] = LinkTerms(
                link, found.brand, found.partner, found.campaign, campaign.window_days, first_click
            )
        terms = self._links[link]
        later = self._fresh(self._rules, (terms.brand, terms.campaign), self._later)
        if later != terms.later:
            terms = self._links[link] = replace(terms, later=later)
        return terms

    def _later(self, brand: str, campaign: str) -> tuple[AttributionRule, ...]:
        return attribution_rules(self._configuration.attributions(brand, campaign))

    def _grants(
        self, states: Iterable[ClientState], events: Iterable[Event]
    ) -> dict[tuple[str, str], tuple[Grant, ...]]:
        """Who had the promo codes that these clients named, and when; codes that nobody ever had are left out."""
        named = {(event.brand, code) for event in events if (code := normalised(event.promo_code))}
        named |= {(state.brand, code) for state in states for code in state.codes}
        if len(self._codes) > _MOST_CODES:
            # Platforms may send any text: what is made up must not fill a container.
            self._codes.clear()
        found = {key: self._fresh(self._codes, key, self._given) for key in sorted(named)}
        return {key: given for key, given in found.items() if given}

    def _given(self, brand: str, code: str) -> tuple[Grant, ...]:
        return grants(self._configuration.promo_code(brand, code))

    def _fresh(
        self, kept: dict[tuple[str, str], _Kept], key: tuple[str, str], read: Callable[[str, str], tuple[Any, ...]]
    ) -> tuple[Any, ...]:
        """What was decided, read again when it was read long ago."""
        if key not in kept or self._elapsed() - kept[key].at >= _KEPT:
            kept[key] = _Kept(self._elapsed(), read(*key))
        return kept[key].decided

    def _lead(self, lead: str) -> LeadTerms | None:
        """By which link a lead came; None where nobody knows it. What is known never changes."""
        if lead not in self._leads:
            found = self._configuration.lead_terms(lead)
            if found is None:
                return None
            self._leads[lead] = found
        return self._leads[lead]

    def _decided(self, partner: str) -> _Decided:
        """What was decided about a partner: deal versions, standings, parents."""
        kept = self._partners.get(partner)
        if kept is None or kept.day != self._today() or self._elapsed() - kept.at >= _KEPT:
            kept = self._partners[partner] = _Decided(
                self._elapsed(),
                self._today(),
                deal_versions(self._configuration.deals(partner)),
                standings(self._configuration.standings(partner)),
                parents(self._configuration.parentings(partner)),
            )
        return kept

    def _publication(self, day: str) -> Publication | None:
        """The publication that holds for events of a day, once the feed is complete through the day before.

        Until then "the last one published" would depend on when we looked.
        """
        if day not in self._publications:
            needed = plus_days(day, -1)
            if self._complete is None or self._complete < needed:
                self._complete = self._rates.completed_through(self._feed)
            if self._complete is None or self._complete < needed:
                return None
            before = self._rates.published_before(self._feed, day)
            if before is None:
                return None
            self._publications[day] = Publication(self._feed, *before)
        return self._publications[day]


def deal_versions(records: Iterable[DealRecord]) -> tuple[DealVersion, ...]:
    """The versions a partner accepted, in order; proposals price nothing."""
    return tuple(
        DealVersion(
            record.partner,
            record.version,
            milliseconds(record.valid_from),
            parse_terms(json.loads(record.terms)),
        )
        for record in records
        if record.accepted_at is not None
    )


def standings(records: Iterable[StandingRecord]) -> tuple[Standing, ...]:
    """A partner's standings in the order in which they were decided. A suspended partner still earns."""
    decided = sorted(records, key=lambda record: (record.decided_at, record.standing))
    return tuple(Standing(milliseconds(record.since), record.status is Status.BLOCKED) for record in decided)


def parents(records: Iterable[ParentingRecord]) -> tuple[Parenting, ...]:
    """Below whom a partner stood, by month; the last decision about a month stands. Empty if it never had a parent."""
    decided = tuple(Parenting(record.month, record.parent) for record in records)
    return decided if any(each.parent is not None for each in decided) else ()


def grants(records: Iterable[PromoCode]) -> tuple[Grant, ...]:
    """Who had a promo code when, in the order in which it was given."""
    return tuple(
        Grant(
            each.partner,
            milliseconds(each.starts_at),
            None if each.ends_at is None else milliseconds(each.ends_at),
            each.campaign or "",
        )
        for each in sorted(records, key=lambda each: each.number)
    )


def attribution_rules(records: Iterable[AttributionDecision]) -> tuple[AttributionRule, ...]:
    """How a campaign attributes since when, in the order in which it was decided."""
    return tuple(
        AttributionRule(
            milliseconds(each.since), each.window_days, each.attribution is Attribution.FIRST_CLICK, each.promo_first
        )
        for each in sorted(records, key=lambda each: each.number)
    )


def click_keys(secret: Mapping[str, str]) -> dict[int, bytes]:
    """The verification keys of the click key secret (`{"current": "0", "0": "…"}`)."""
    return {int(number): text.encode()[:64] for number, text in secret.items() if number != "current"}


def _days(state: ClientState) -> set[str]:
    """The days whose rates the qualification of a client can ask for again."""
    deposits = {day_at(deposit.at) for deposit in state.deposits.values()}
    return deposits | {day_at(chargeback.at) for chargeback in state.chargebacks.values()}
