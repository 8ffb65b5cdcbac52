"""`/unsubscribe/{token}`: the link in a mail. Looking changes nothing: mail programs and scanners follow links. A POST
switches the topic off, by a mail program (RFC 8058) or by the page's button, and may be undone.

Nobody signs in for it, and no browser's token is asked for: the link is the proof, and it is good for this alone. The
answer to a POST is a page and never a redirect, as RFC 8058 wants it.
"""

from __future__ import annotations

from typing import Any

import cookies
import words
from server import Who, page
from visit import N_, Visit

from introducer.domain.mail_topics import Topic
from introducer.locale import best, wishes
from introducer.services.change_mail_preferences import Wish, switch_by_link, wish_of_link

PATH = "/unsubscribe/{token}"

words.WORDS["mail_topic"] = {
    "account": N_("Money, where it is paid to, documents and cases"),
    "contests": N_("Contests"),
    "goals": N_("Personal goals"),
    "onboarding": N_("First steps"),
    "news": N_("News"),
    "reports": N_("Your figures, by the week or month"),
    "messages": N_("Messages that somebody wrote to you"),
    "leads": N_("Leads"),
    "work": N_("Work that waits for you"),
}
words.WORDS["problem"] |= {
    "unknown_link": N_("This link leads nowhere: sign in, and look at your settings."),
}


@page(PATH, "unsubscribe.html", who=Who.ANYONE)
def unsubscribing(visit: Visit, token: str) -> dict[str, Any]:
    """What the link in a mail is about, and whether that is switched off. Changes nothing."""
    return _shown(visit, token, _wish(visit, token))


@page(PATH, "unsubscribe.html", method="POST", who=Who.ANYONE, by_link=True)
def unsubscribe(visit: Visit, token: str) -> dict[str, Any]:
    """Switches off the topic of the link in a mail."""
    wish = _wish(visit, token)
    switch_by_link(visit.portal.member_mails, wish, off=True, now=visit.now)
    return _shown(visit, token, wish, done=True)


@page(PATH + "/undo", "unsubscribe.html", method="POST", who=Who.ANYONE, by_link=True)
def subscribe_again(visit: Visit, token: str) -> dict[str, Any]:
    """Switches the topic of the link in a mail on again."""
    wish = _wish(visit, token)
    switch_by_link(visit.portal.member_mails, wish, off=False, now=visit.now)
    return _shown(visit, token, wish, done=True)


def _wish(visit: Visit, token: str) -> Wish:
    portal = visit.portal
    wish = wish_of_link(portal.configuration, portal.identity_secret(), token)
    chosen = visit.cookies.get(cookies.LANGUAGE)
    visit.language = best([chosen, wish.member.language, *wishes(visit.header("accept-language"))])
    return wish


def _shown(visit: Visit, token: str, wish: Wish, *, done: bool = False) -> dict[str, Any]:
    topic: Topic = wish.topic
    return {
        "topic": topic.value,
        "off": not visit.portal.member_mails.preferences(wish.member.member).wants(topic),
        "done": done,
        "brand": visit.portal.configuration.brand(wish.member.brand).name,
        "path": f"/unsubscribe/{token}",
    }
