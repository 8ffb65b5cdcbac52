"""Signing in and staying signed in: tokens in cookies for browsers, in a header for machines; or an API key there.

Who asks comes from the token alone: its subject names the member item, the member names the partner. No page ever takes
a partner id from its path.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import cookies
import limits
import scopes
from visit import Visit

from introducer.domain.api_key import PREFIX as KEY_PREFIX
from introducer.domain.configuration import Member, Partner, Status
from introducer.domain.errors import Forbidden, NotFound, Unauthenticated
from introducer.gateways.identity import Tokens
from introducer.runtime.authentication import Session, bearer, signed_in_since
from introducer.services.api_keys import acting, admitted_key
from introducer.services.set_standing import standing_of


def authenticate(visit: Visit) -> None:
    """Says who asks, on the visit. Raises `Unauthenticated`; `Forbidden` for a partner who may not sign in, and for a
    key without the scope; `TooMany`."""
    token = bearer(visit.header("authorization"))
    if token is not None and token.startswith(KEY_PREFIX):
        by_key(visit, token)
        return
    if token is not None:
        visit.signed_in_by = "bearer"
        session = visit.portal.authenticator.session(token, visit.true_now)
    else:
        session = _session_of_cookies(visit)
        visit.signed_in_by = "cookie"
    try:
        admit(visit, session)
    except (Unauthenticated, Forbidden):
        # Also of a partner who is suspended: when that is lifted, its people sign in anew.
        if visit.signed_in_by == "cookie":
            forget(visit)
        raise
    assert visit.member is not None
    visit.allowance = visit.portal.limits.of_member(visit.member.member)
    if visit.allowance is not None:
        limits.check(visit.allowance)


def by_key(visit: Visit, text: str) -> None:
    """A program with an API key. The books are asked each time: one that was revoked is refused by its next request."""
    key = admitted_key(visit.portal.configuration, text, visit.now)
    visit.signed_in_by, visit.api_key = "bearer", key
    visit.allowance = visit.portal.limits.of_key(key.key, visit.true_now)
    limits.check(visit.allowance)
    member = acting(key)
    partner = None if key.partner is None else _partner_of(visit, member)
    scopes.check(key, str(visit.request.method), visit.path)
    visit.member, visit.partner = member, partner


def admit(visit: Visit, session: Session) -> None:
    """The member of a genuine token, if they may come in."""
    try:
        member = visit.portal.configuration.member(session.subject)
    except NotFound:
        raise Unauthenticated("Sign in to go on.", code="no_member") from None
    if member.removed_at is not None:
        raise Unauthenticated("Sign in to go on.", code="no_member")
    if not signed_in_since(session, member.signed_out_at):
        raise Unauthenticated("Sign in to go on.", code="signed_out")
    partner = None
    if not member.role.is_staff:
        partner = _partner_of(visit, member)
    visit.member, visit.partner = member, partner


def keep(visit: Visit, tokens: Tokens) -> None:
    """Gives the browser its tokens. The access token's cookie outlives the token: an expired one asks for a renewal."""
    visit.set_cookies.append(cookies.put(cookies.ACCESS, tokens.access, cookies.REFRESH_AGE))
    if tokens.refresh is not None:
        visit.set_cookies.append(cookies.put(cookies.REFRESH, tokens.refresh, cookies.REFRESH_AGE))
        visit.set_cookies.append(cookies.drop(cookies.VISIT))
    visit.set_cookies.append(cookies.drop(cookies.CHALLENGE))


def forget(visit: Visit) -> None:
    """Takes the tokens from the browser."""
    for name in (cookies.ACCESS, cookies.REFRESH, cookies.CHALLENGE):
        if visit.cookies.pop(name, None) is not None:
            visit.set_cookies.append(cookies.drop(name))


def keep_challenge(visit: Visit, email: str, handle: str) -> None:
    """Remembers, for minutes, that this browser gave the right first password."""
    text = urlsafe_b64encode(json.dumps([email, handle]).encode()).decode()
    visit.set_cookies.append(cookies.put(cookies.CHALLENGE, text, cookies.CHALLENGE_AGE))


def challenge(visit: Visit) -> tuple[str, str] | None:
    """E-mail and handle of a sign-in that waits for an own password."""
    try:
        email, handle = json.loads(urlsafe_b64decode(visit.cookies.get(cookies.CHALLENGE, "")))
    except ValueError:
        return None
    return (email, handle) if isinstance(email, str) and isinstance(handle, str) else None


def _session_of_cookies(visit: Visit) -> Session:
    access, refresh = visit.cookies.get(cookies.ACCESS), visit.cookies.get(cookies.REFRESH)
    if access:
        try:
            return visit.portal.authenticator.session(access, visit.true_now)
        except Unauthenticated:
            if not refresh:
                forget(visit)
                raise
    if not refresh:
        raise Unauthenticated("Sign in to go on.", code="not_signed_in")
    # Nobody sees this: the access token ran out, the refresh token fetches the next one.
    try:
        tokens = visit.portal.identity.renew(refresh)
        session = visit.portal.authenticator.session(tokens.access, visit.true_now)
    except Unauthenticated:
        forget(visit)
        raise
    visit.set_cookies.append(cookies.put(cookies.ACCESS, tokens.access, cookies.REFRESH_AGE))
    return session


def _partner_of(visit: Visit, member: Member) -> Partner:
    if member.partner is None:
        raise Unauthenticated("Sign in to go on.", code="no_member")
    partner = visit.portal.configuration.partner(member.partner)
    status = standing_of(visit.portal.configuration, partner, visit.now)
    if status is not Status.ACTIVE:
        raise Forbidden("This account is closed for now: write to your manager.", code=f"partner_{status.value}")
    return partner


def local_path(wish: str) -> str:
    """The path if it is one of this site, else the first page: nobody is sent on to another's site."""
    plain = wish.startswith("/") and not wish.startswith(("//", "/\\")) and wish.isprintable() and len(wish) < 500
    return wish if plain and "\\" not in wish and not wish.startswith(("/sign-", "/preferences")) else "/"
