"""`/sign-in`, the choice of an own password, `/sign-out`."""

from __future__ import annotations

import re
from typing import Annotated, Any

import cookies
import origin
import session
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import SIGN_IN, Done, Go, Who, page
from visit import HTML, JSON, N_, FormRefused, Visit

from introducer.domain.configuration import Change
from introducer.domain.errors import Forbidden, Invalid, TooMany, Unauthenticated
from introducer.gateways.identity import NewPasswordNeeded, Tokens
from introducer.runtime.observability import logger
from introducer.services.remember_member import remember_member

OWN_PASSWORD = "/sign-in/own-password"
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")

Password = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class SignIn(BaseModel):
    """E-mail and password."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=254)]
    password: Password
    next: str = "/"


class OwnPassword(BaseModel):
    """The password a member chooses, twice. A machine names the sign-in that asked for it; a browser has a cookie."""

    model_config = ConfigDict(extra="forbid")

    password: Password
    again: Password
    email: str | None = None
    session: str | None = None
    next: str = "/"


@page(SIGN_IN, "sign_in.html", who=Who.ANYONE)
def sign_in(visit: Visit) -> Any:
    """The form to sign in; whoever is signed in already is led on."""
    if cookies.ACCESS in visit.cookies or cookies.REFRESH in visit.cookies:
        try:
            session.authenticate(visit)
            return Go(session.local_path(visit.query("next", "/")))
        except (Unauthenticated, Forbidden):
            visit.signed_in_by = ""
    return {"next": session.local_path(visit.query("next", "/"))}


@page(SIGN_IN, "sign_in.html", method="POST", who=Who.ANYONE, again=sign_in, body=SignIn)
def signed_in(visit: Visit) -> Done:
    """Signs in with e-mail and password. A program gets the tokens themselves; a first password leads to the choice of
    an own one."""
    wish = visit.read(SignIn)
    typed = {"email": wish.email, "next": session.local_path(wish.next)}
    try:
        # What is no address is no login: Cognito would say so with other words than for a wrong password.
        if not _ADDRESS.fullmatch(wish.email):
            raise Unauthenticated("E-mail and password do not belong together.", code="sign_in_wrong")
        outcome = visit.portal.identity.sign_in(wish.email, wish.password)
        return _entered(visit, outcome, wish.email, typed["next"])
    except Unauthenticated as error:
        message = N_("E-mail and password do not belong together.")
        if error.code == "signed_out":
            # Cognito tells the sign-in in whole seconds: one in the very second of a sign-out counts as before it.
            message = N_("You signed out this very moment: try again.")
        raise FormRefused({"": message}, typed, error) from error
    except TooMany as error:
        raise FormRefused({"": N_("Too many tries: wait a few minutes.")}, typed, error) from error


@page(OWN_PASSWORD, "own_password.html", who=Who.ANYONE)
def own_password(visit: Visit) -> Any:
    """The form to choose an own password in place of the first one."""
    waiting = session.challenge(visit)
    if waiting is None:
        return Go(SIGN_IN)
    return {"email": waiting[0], "next": session.local_path(visit.query("next", "/"))}


@page(OWN_PASSWORD, "own_password.html", method="POST", who=Who.ANYONE, again=own_password, body=OwnPassword)
def own_password_chosen(visit: Visit) -> Done:
    """Chooses an own password in place of the first one, and signs in with it."""
    wish = visit.read(OwnPassword)
    waiting = session.challenge(visit)
    if waiting is None and wish.email and wish.session:
        waiting = (wish.email, wish.session)
    if waiting is None:
        raise Unauthenticated("Sign in again: the page stood open too long.", code="challenge_expired")
    email, handle = waiting
    typed = {"next": session.local_path(wish.next)}
    if wish.password != wish.again:
        message = N_("The two passwords differ.")
        raise FormRefused({"again": message}, typed, Invalid(message, code="passwords_differ"))
    try:
        outcome = visit.portal.identity.choose_password(email, handle, wish.password)
    except Invalid as error:
        message = N_("Choose a longer password, of letters, figures and signs.")
        raise FormRefused({"password": message}, typed, error) from error
    return _entered(visit, outcome, email, typed["next"])


@page("/sign-out", method="POST", who=Who.MEMBER)
def signed_out(visit: Visit) -> Done:
    """Ends every session of the member, here and elsewhere: tokens of earlier sign-ins are refused from now on."""
    assert visit.member is not None
    # By the true time, for Cognito stamps its sign-ins by it.
    at = visit.true_now
    change = Change(by=visit.member.member, at=visit.now, why="signed out in the portal")
    visit.portal.configuration.sign_out(visit.member.member, at, change)
    refresh = visit.cookies.get(cookies.REFRESH)
    if refresh:
        visit.portal.identity.revoke(refresh)
    session.forget(visit)
    return Done({"signed_out": True}, SIGN_IN)


def _note(visit: Visit, email: str) -> None:
    """When somebody came in last, for their colleagues; and what a partner's member is known by: a client with the same
    e-mail or address may be the partner itself."""
    assert visit.member is not None
    try:
        visit.portal.configuration.note_sign_in(visit.member.member, visit.true_now)
        if visit.partner is None:
            return
        key = visit.portal.brand_key(visit.partner.brand)
        address = origin.address_of(visit)
        remember_member(visit.portal.persons, visit.member, brand_key=key, now=visit.now, email=email, address=address)
    except Exception as error:  # whoever has the right password comes in
        logger().warning("a sign-in could not be noted", exc_info=error, extra={"member": visit.member.member})


def _entered(visit: Visit, outcome: Tokens | NewPasswordNeeded, email: str, following: str) -> Done:
    """Somebody with the right password. A browser gets cookies, a machine the tokens themselves."""
    browser = visit.wants((HTML, JSON)) == HTML
    if isinstance(outcome, NewPasswordNeeded):
        if browser:
            session.keep_challenge(visit, email, outcome.session)
        return Done(
            {"challenge": "new_password", "session": outcome.session},
            OWN_PASSWORD if following == "/" else f"{OWN_PASSWORD}?next={following}",
        )
    # A login without a member, or of a suspended partner, is refused here and not on the next page.
    try:
        session.admit(visit, visit.portal.authenticator.session(outcome.access, visit.true_now))
    except Forbidden as error:
        message = N_("This account is closed for now: write to your manager.")
        raise FormRefused({"": message}, {"email": email, "next": following}, error) from error
    if browser:
        session.keep(visit, outcome)
    _note(visit, email)
    return Done(
        {
            "access_token": outcome.access,
            "refresh_token": outcome.refresh,
            "token_type": "Bearer",
            "expires_in": outcome.seconds,
        },
        following,
    )
