"""What BOOKS says of whose client somebody is: links, leads, promo codes, and how campaigns attribute."""

from __future__ import annotations

from collections import defaultdict

from introducer.domain.attribution_decision import AttributionDecision
from introducer.domain.configuration import Attribution
from introducer.domain.contracts import Grant, LeadTerms, LinkTerms
from introducer.domain.promo_code import PromoCode
from introducer.services.read_contracts import attribution_rules, grants
from introducer.store import keys
from introducer.store.attribution_decisions import attribution_from_item
from introducer.store.links import lead_terms_from_item
from introducer.store.promo_codes import promo_code_from_item
from introducer.store.scans import Stored


class AttributionSide:
    """Takes these items as they come."""

    def __init__(self) -> None:
        self.leads: dict[str, LeadTerms] = {}
        self._links: dict[str, tuple[str, str, str]] = {}
        self._campaigns: dict[tuple[str, str], tuple[int, bool]] = {}
        self._decisions: dict[tuple[str, str], list[AttributionDecision]] = defaultdict(list)
        self._codes: dict[tuple[str, str], list[PromoCode]] = defaultdict(list)
        self.takers = {
            "link": self._link,
            "lead_place": self._lead,
            "campaign": self._campaign,
            "attribution": self._decision,
            "promo_code": self._code,
        }

    def links(self) -> dict[str, LinkTerms]:
        """Whose each link is, and how its campaign attributes; a link of a campaign that is not there attributes
        nothing."""
        found = {}
        for code, (brand, partner, campaign) in self._links.items():
            if terms := self._campaigns.get((brand, campaign)):
                later = attribution_rules(self._decisions.get((brand, campaign), ()))
                found[code] = LinkTerms(code, brand, partner, campaign, *terms, later)
        return found

    def codes(self) -> dict[tuple[str, str], tuple[Grant, ...]]:
        """Who had each promo code when, by brand and code."""
        return {key: grants(given) for key, given in self._codes.items()}

    def _link(self, stored: Stored) -> None:
        item = stored.item
        self._links[keys.parts(stored.key.pk)[1]] = (item["brand"], item["partner"], item["campaign"])

    def _lead(self, stored: Stored) -> None:
        self.leads[keys.parts(stored.key.pk)[1]] = lead_terms_from_item(stored.item)

    def _campaign(self, stored: Stored) -> None:
        item = stored.item
        first_click = Attribution(item["attribution"]) is Attribution.FIRST_CLICK
        _, brand = keys.parts(stored.key.pk)
        _, campaign = keys.parts(stored.key.sk)
        self._campaigns[brand, campaign] = (int(item["window_days"]), first_click)

    def _decision(self, stored: Stored) -> None:
        decision = attribution_from_item(stored.item)
        self._decisions[decision.brand, decision.campaign].append(decision)

    def _code(self, stored: Stored) -> None:
        given = promo_code_from_item(stored.item)
        self._codes[given.brand, given.code].append(given)
