"""The sequence that a brand has until its staff change it: what a new partner needs, asked for when it is missing."""

from __future__ import annotations

from introducer.domain.mail_text import text_of
from introducer.domain.sequence import ONBOARDING, Condition, Fact, Place, Sequence, Step

_DAY = 24


def first_steps(brand: str) -> Sequence:
    """Off until somebody has looked at it. In English: what others read until staff write their languages."""
    return Sequence(brand=brand, sequence=ONBOARDING, steps=STEPS, goal=Fact.HAS_FTD)


STEPS = (
    Step(
        step="welcome",
        wait_hours=1,
        text=text_of(
            "Welcome to {brand}",
            "{partner} is registered with {brand}. The portal shows your terms, your links, and what you earn: every "
            "amount to the cent, with its reason.",
            "{manager} looks after you. Whatever you need, write it under Messages in the portal.",
        ),
    ),
    Step(
        step="terms",
        wait_hours=1 * _DAY,
        # Who was offered none yet finds nothing to accept.
        conditions=(Condition(Fact.HAS_TERMS), Condition(Fact.ACCEPTED_TERMS, False)),
        place=Place.DEAL,
        text=text_of(
            "Your terms wait for you",
            "Nothing is earned until you accept your terms. They are short, in plain words, and have an example.",
            "Something is not as agreed? Tell {manager} before you accept.",
        ),
    ),
    Step(
        step="first_link",
        wait_hours=2 * _DAY,
        conditions=(Condition(Fact.HAS_LINK, False),),
        place=Place.LINKS,
        text=text_of(
            "Your first link takes a minute",
            "Choose a campaign and take its link: every visitor who comes through it is counted as yours.",
            "Have several places to put it? Give each its own link, or its own sub1: then you see which one works.",
        ),
    ),
    Step(
        step="first_click",
        wait_hours=3 * _DAY,
        conditions=(Condition(Fact.HAS_LINK), Condition(Fact.HAS_CLICK, False)),
        place=Place.LINKS,
        text=text_of(
            "Nobody has clicked yet",
            "Your link is ready, and has had no visitor. Is it where your readers see it? Links do best near the text "
            "that makes somebody curious, not in a list at the end.",
            "It leads to the wrong page, or looks wrong where you put it? Tell {manager}.",
        ),
    ),
    Step(
        step="payment",
        wait_hours=3 * _DAY,
        conditions=(Condition(Fact.HAS_PAYMENT_PROFILE, False),),
        place=Place.PAYMENT,
        text=text_of(
            "Where shall we pay you?",
            "Say where your money should go before there is some: new details rest for some days before they are used.",
        ),
    ),
    Step(
        step="first_deposit",
        wait_hours=7 * _DAY,
        conditions=(Condition(Fact.HAS_CLICK), Condition(Fact.HAS_FTD, False)),
        place=Place.LINKS,
        text=text_of(
            "Visitors, but no client yet",
            "Clicks through your links in the last 30 days: {clicks_30}. Nobody has paid in yet, which is common in "
            "the first weeks.",
            "See which link and which country they come from. {manager} can tell you which campaign does well there.",
        ),
    ),
    Step(
        step="still_quiet",
        wait_hours=7 * _DAY,
        conditions=(Condition(Fact.HAS_CLICK, False),),
        text=text_of(
            "Can we help?",
            "It has been quiet since you joined. Often one small thing is in the way: a country that no campaign "
            "covers, a format that is missing, terms that do not fit.",
            "Tell {manager} what it is. If the time was not right, nothing is lost: your account stays.",
        ),
    ),
)
