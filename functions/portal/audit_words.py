"""The audit trail as its pages say it, in their reader's language: words for what was done, for what acted on its own,
and for the reasons that the product itself wrote. What is on record stays as it is, and is what a program gets; what a
person typed stays as typed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import words
from filling import DAYS, filled
from words import N_

from introducer.locale import Language

ACTIONS = {
    "accept_deal": N_("Deal accepted"),
    "accept_goal": N_("Goal accepted"),
    "add_api_key": N_("API key made"),
    "add_material": N_("Material added"),
    "add_member": N_("Login added"),
    "add_route": N_("Routing added"),
    "add_target": N_("Postback target added"),
    "announce": N_("Announcement published"),
    "answer_case": N_("Answered in a case"),
    "answer_objections": N_("Unanswered objections ended"),
    "appeal_case": N_("Appeal made in a case"),
    "approve_adjustment": N_("Adjustment approved"),
    "approve_application": N_("Application approved"),
    "approve_broadcast": N_("Broadcast approved"),
    "approve_contest": N_("Contest approved"),
    "approve_documents": N_("Documents approved"),
    "approve_reversal": N_("Reversal approved"),
    "approve_run": N_("Payout run approved"),
    "archive_contest": N_("Contest result archived"),
    "assign_thread": N_("Conversation given to a colleague"),
    "award_gift": N_("Gift awarded"),
    "begin_broadcast": N_("Broadcast begun"),
    "begin_month_close": N_("Closing of a month begun"),
    "cancel_contest": N_("Contest cancelled"),
    "case_overturned": N_("Appeal granted by the clock"),
    "case_released": N_("Case released by the clock"),
    "change_answer": N_("Saved answer changed"),
    "change_brand": N_("Brand changed"),
    "change_broadcast": N_("Broadcast changed"),
    "change_campaign": N_("Campaign changed"),
    "change_contest": N_("Contest changed"),
    "change_mail_preferences": N_("Mail settings changed"),
    "change_payment_profile": N_("Payment details changed"),
    "change_profile": N_("Own profile changed"),
    "change_report": N_("Saved report changed"),
    "change_role": N_("Role changed"),
    "change_segment": N_("Segment changed"),
    "change_source": N_("Source changed"),
    "change_target": N_("Postback target changed"),
    "change_tax_profile": N_("Tax details changed"),
    "choose_report": N_("Letter with figures chosen"),
    "choose_slug": N_("Link given a name"),
    "close_case": N_("Case closed"),
    "close_contest_early": N_("Contest ended early"),
    "close_month": N_("Month closed"),
    "close_run": N_("Payout run closed"),
    "close_thread": N_("Conversation closed"),
    "confirm_application": N_("Application's address confirmed"),
    "create_campaign": N_("Campaign created"),
    "create_link": N_("Link created"),
    "decide_attribution": N_("Decided whose a client is"),
    "decide_joint_proposal": N_("Joint proposal decided"),
    "decide_objection": N_("Objection answered"),
    "decline_goal": N_("Goal declined"),
    "delete_report": N_("Saved report deleted"),
    "delete_segment": N_("Segment deleted"),
    "delete_target": N_("Postback target deleted"),
    "disallow_case": N_("Clients of a case disallowed"),
    "download_sent_file": N_("Sent file downloaded"),
    "draft_broadcast": N_("Broadcast drafted"),
    "draft_contest": N_("Contest drafted"),
    "end_promo_code": N_("Promo code ended"),
    "end_source_secret": N_("Earlier secret of a source ended"),
    "enter_partners": N_("Partners entered into a contest"),
    "erase_application": N_("Application erased"),
    "erase_client": N_("Client erased"),
    "erase_lead": N_("Lead erased"),
    "erase_partner": N_("Partner erased"),
    "erase_traits": N_("Old hashes of clients erased"),
    "escalate_case": N_("Compliance asked about a case"),
    "extend_contest": N_("Contest made longer"),
    "fetch_source_from": N_("Source fetched again from a day"),
    "finish_result": N_("Contest result made final"),
    "finish_task": N_("Task done"),
    "follow_manager": N_("Task moved to the new manager"),
    "free_money": N_("Money of a case given back"),
    "freeze_contest": N_("Contest frozen, to be counted"),
    "give_lead": N_("Lead given to a colleague"),
    "give_promo_code": N_("Promo code given"),
    "give_up_slug": N_("Link's name given up"),
    "hold_money": N_("Money held by a case"),
    "issue_invoices": N_("Invoices issued"),
    "join_case": N_("More found in a case"),
    "join_contest": N_("Contest joined"),
    "keep_platform_token": N_("Platform's token kept"),
    "lapse_run": N_("Payout run lapsed"),
    "leave_at_start": N_("Taken out of a contest at its start"),
    "leave_contest": N_("Contest left"),
    "lift_suppression": N_("Mail to an address allowed again"),
    "make_recruit_code": N_("Code for introducing partners made"),
    "mend_audit_chain": N_("Chain of the audit trail mended"),
    "move_client": N_("Client moved to another partner"),
    "move_lead": N_("Lead moved on"),
    "next_contest": N_("Next contest of a series made"),
    "note_lead": N_("Note on a lead"),
    "note_on_case": N_("Note on a case"),
    "note_on_thread": N_("Note on a conversation"),
    "object_to_result": N_("Objection made to a contest result"),
    "offer_goal": N_("Goal offered"),
    "open_brand": N_("Brand opened"),
    "open_case": N_("Case opened"),
    "open_run": N_("Payout run opened"),
    "open_thread": N_("Conversation opened"),
    "overturn_case": N_("Appeal granted"),
    "pass_task": N_("Task passed by itself"),
    "pause_material": N_("Material paused"),
    "pause_source": N_("Source paused"),
    "pause_target": N_("Postback target paused"),
    "pay_prize": N_("Prize paid"),
    "payout_approved": N_("Payout approved"),
    "payout_created": N_("Payout reserved"),
    "payout_failed": N_("Payout failed"),
    "payout_paid": N_("Payout paid"),
    "payout_rejected": N_("Payout rejected"),
    "payout_returned": N_("Payout came back"),
    "payout_sending": N_("Payout being sent"),
    "payout_sent": N_("Payout sent"),
    "payout_set_aside": N_("Payout set aside"),
    "payout_unknown": N_("Payout's outcome not known"),
    "place_hold": N_("Hold placed"),
    "propose_adjustment": N_("Adjustment proposed"),
    "propose_deal": N_("Deal proposed"),
    "propose_jointly": N_("Deal proposed to several partners"),
    "propose_reversal": N_("Reversal proposed"),
    "publish_result": N_("Provisional contest result published"),
    "raise_task": N_("Task raised"),
    "raise_task_again": N_("Task raised again"),
    "reassign_task": N_("Task given to a colleague"),
    "reconcile_bank_file": N_("Bank file taken in"),
    "refuse_adjustment": N_("Adjustment refused"),
    "refuse_application": N_("Application refused"),
    "refuse_reversal": N_("Reversal refused"),
    "register_partner": N_("Partner registered"),
    "register_source": N_("Source registered"),
    "reject_documents": N_("Documents rejected"),
    "reject_run": N_("Payout run rejected"),
    "release_case": N_("Case released"),
    "release_hold": N_("Hold released"),
    "remove_answer": N_("Saved answer removed"),
    "remove_material": N_("Material removed"),
    "remove_member": N_("Login removed"),
    "rename_entry": N_("Name on a contest's board changed"),
    "reopen_thread": N_("Conversation reopened"),
    "restore_member": N_("Login restored"),
    "resume_material": N_("Material resumed"),
    "resume_source": N_("Source resumed"),
    "resume_target": N_("Postback target resumed"),
    "revoke_api_key": N_("API key revoked"),
    "rotate_source_secret": N_("New secret of a source made"),
    "rotate_target_secret": N_("New secret of a postback target made"),
    "rule_on_client": N_("Verdict on a client recorded"),
    "save_answer": N_("Answer saved"),
    "save_report": N_("Report saved"),
    "save_segment": N_("Segment saved"),
    "send_gift": N_("Gift's way noted"),
    "set_aside": N_("Participant set aside"),
    "set_broadcast_policy": N_("Limit for broadcasts set"),
    "set_case_policy": N_("Clocks of cases set"),
    "set_link_status": N_("Link paused or resumed"),
    "set_manager": N_("Manager changed"),
    "set_parent": N_("Introducing partner decided"),
    "set_payout_schedule": N_("Payout schedule set"),
    "set_sequence": N_("Onboarding sequence set"),
    "set_standing": N_("Partner's standing decided"),
    "set_up_application": N_("Partner of an application set up"),
    "settle_divisions": N_("Divisions of a contest settled"),
    "show_target_secret": N_("Secret of a postback target shown"),
    "sign_out": N_("Signed out everywhere"),
    "snooze_task": N_("Task put off"),
    "start_contest": N_("Contest started"),
    "start_run_again": N_("Payout run started again"),
    "stop_broadcast": N_("Broadcast stopped"),
    "submit_application": N_("Application sent in"),
    "submit_broadcast": N_("Broadcast handed in for approval"),
    "submit_documents": N_("Documents handed in"),
    "submit_lead": N_("Lead came in"),
    "suppress_address": N_("Mail to an address stopped"),
    "take_back_aside": N_("Participant taken back into the ranking"),
    "take_back_broadcast": N_("Broadcast taken back to a draft"),
    "uphold_case": N_("Appeal refused"),
    "walk_sequence": N_("Step of an onboarding sequence taken"),
    "withdraw_announcement": N_("Announcement withdrawn"),
    "withdraw_application": N_("Application withdrawn"),
    "withdraw_goal": N_("Goal withdrawn"),
    "write_message": N_("Message written"),
    "write_note": N_("Note on a partner"),
}
"""Every action that a record names, or named: a test reads those of now out of the code."""
ACTORS = {
    "system:scoring": N_("Scoring, by itself"),
    "system:clock": N_("The clock"),
    "system:fraud_case": N_("A case, by itself"),
    "system:contest_close": N_("A contest, by itself"),
    "system:broadcast": N_("A broadcast, by itself"),
    "system:onboarding": N_("Onboarding, by itself"),
    "system:triggers": N_("What raises tasks"),
    "system:payout_schedule": N_("The payout schedule"),
    "system:payout_run": N_("A payout run, by itself"),
    "system:period_close": N_("The closing of months"),
    "system:issue_invoices": N_("The issuing of invoices"),
    "system:mail_feedback": N_("What became of mails"),
    "system:lead_form": N_("The lead form"),
    "system:application_form": N_("The application form"),
    "system:application_link": N_("The link in an applicant's mail"),
    "postback_out": N_("The sending of postbacks"),
}
"""What acts on its own."""
OPERATORS = {
    "system:operator": N_("An operator"),
    "system:introducer": N_("An operator"),
    "system:setup": N_("An operator, setting up"),
    "system:demo": N_("The demo world"),
}
"""Commands: whoever gives one types the reason."""
_BY_CLOCK = (N_("Nobody decided in time."),)
_ON_SCHEDULE = (N_("closed on schedule"),)
BY_ITSELF: Mapping[str, tuple[str, ...]] = {
    "answer_objections": (N_("Nobody answered in time: the result stands"),),
    "archive_contest": (N_("Prizes are paid, and everybody was told"),),
    "begin_month_close": _ON_SCHEDULE,
    "case_overturned": _BY_CLOCK,
    "case_released": _BY_CLOCK,
    "close_case": (N_("Nothing of it waits any more"),),
    "close_month": _ON_SCHEDULE,
    "close_run": (N_("All its steps are done"),),
    "escalate_case": _BY_CLOCK,
    "finish_result": (N_("The time for objections is over, and all are answered"),),
    "follow_manager": (N_("the partner has another manager"),),
    "freeze_contest": (N_("Its time, and that for late postbacks, is over"),),
    "hold_money": (N_("Money in question"),),
    "issue_invoices": (N_("payouts of {run}"),),
    "lapse_run": (N_("Nobody decided in time"),),
    "open_run": (N_("started on schedule"),),
    "pass_task": (N_("the condition holds no longer"),),
    "pause_target": (N_("{failures} tries in a row did not arrive."),),
    "publish_result": (N_("Everybody is counted"),),
    "set_aside": (N_("What stands against participants now"),),
    "walk_sequence": (N_("over: {end}"),),
}
"""By action, the reasons of what acted on its own, as they are recorded; what detectors found is said by their own
sentences. Other actions hand on what somebody typed: `free_money` the reason of a verdict, `start_contest` and
`begin_broadcast` a name."""
_APPROVED = N_("the application was approved")
_CHANGED = N_("changed in the portal")
_CREATED = N_("created in the portal")
_HERE = (N_("in the portal"),)
_KEPT = (N_("kept in the portal"),)
_INVITED = N_("invited to the team")
FOR_PEOPLE: Mapping[str, tuple[str, ...]] = {
    "accept_deal": (N_("accepted in the portal"),),
    "accept_goal": (N_("accepted in the portal"),),
    "add_material": (N_("added in the portal"),),
    "add_member": (_INVITED, _APPROVED),
    "change_mail_preferences": (
        N_("said what they want by mail"),
        N_("unsubscribed from {topic}, by the link in a mail"),
        N_("subscribed again to {topic}, by the link in a mail"),
    ),
    "change_payment_profile": (_CHANGED,),
    "change_report": _KEPT,
    "change_role": (N_("made {role} of the team"),),
    "choose_report": (N_("Chosen by the partner"),),
    "choose_slug": (N_("named in the portal"),),
    "create_campaign": (_CREATED,),
    "create_link": (_CREATED,),
    "decline_goal": (N_("declined in the portal"),),
    "delete_report": (N_("deleted in the portal"),),
    "download_sent_file": (N_("downloaded on its page"),),
    "end_source_secret": _HERE,
    "fetch_source_from": _HERE,
    "finish_task": (N_("the application is decided"),),
    "give_up_slug": (N_("given up in the portal"),),
    "keep_platform_token": _HERE,
    "make_recruit_code": (N_("looked at the network"),),
    "move_lead": (N_("the lead is {stage}"),),
    "pause_material": (_CHANGED,),
    "pause_source": _HERE,
    "register_partner": (_APPROVED,),
    "register_source": _HERE,
    "remove_material": (_CHANGED,),
    "restore_member": (_INVITED, _APPROVED),
    "resume_material": (_CHANGED,),
    "resume_source": _HERE,
    "rotate_source_secret": _HERE,
    "save_report": _KEPT,
    "send_gift": (N_("The gift is {status}"),),
    "set_broadcast_policy": (N_("one person may write to {people}"),),
    "set_link_status": (N_("paused or resumed in the portal"),),
    "sign_out": (N_("signed out in the portal"),),
    "submit_documents": (N_("handed in through the portal"),),
}
"""By action, the reasons that the product writes for people who are asked for none, as they are recorded. Of another
action the same words may be what somebody typed; so an action is not here whose reason some form or program asks for,
such as `propose_deal`, whatever the product writes for it elsewhere."""
AGAIN: Mapping[str, str] = {
    "add_api_key": "API key made",
    "add_target": "Added",
    "announce": "announced",
    "answer_case": "Answered",
    "appeal_case": "Appealed",
    "approve_application": "approved the application",
    "assign_thread": "assigned",
    "award_gift": "A gift is to be sent",
    "change_answer": "changed an answer",
    "change_profile": "changed their own profile",
    "change_target": "Changed",
    "change_tax_profile": "tax details changed",
    "close_thread": "closed",
    "confirm_application": "the address was confirmed",
    "delete_target": "Deleted",
    "give_lead": "gave the lead to whoever works it now",
    "note_lead": "noted something about the lead",
    "note_on_case": "Noted",
    "note_on_thread": "noted",
    "object_to_result": "An objection",
    "offer_goal": "offered a goal",
    "open_thread": "written",
    "pause_target": "Paused",
    "pay_prize": "A prize of a contest",
    "reassign_task": "given to a colleague",
    "refuse_application": "refused the application",
    "remove_answer": "removed an answer",
    "remove_member": "removed from the team",
    "reopen_thread": "reopened",
    "resume_target": "Resumed",
    "revoke_api_key": "API key revoked",
    "rotate_target_secret": "Secret made anew",
    "save_answer": "saved an answer",
    "set_up_application": "its partner is set up",
    "show_target_secret": "Secret shown",
    "snooze_task": "put off",
    "submit_application": "somebody sent the form",
    "submit_lead": "somebody sent the form",
    "write_message": "written",
    "write_note": "noted",
}
"""By action, the reason that says just what was done: it has the action's own words."""
CODES: Mapping[str, str] = {"finish_task": "task_outcome", "raise_task": "task_kind", "raise_task_again": "task_kind"}
"""By action, whose words a reason has that is a code."""
PLACES: Mapping[str, str] = {
    "end": "sequence_end",
    "role": "role",
    "stage": "lead_stage",
    "status": "award_status",
    "topic": "mail_topic",
}
"""By place in a reason, whose words the code there has."""
SCORING = "system:scoring"
FOUND = frozenset({"open_case", "join_case", "hold_money"})
"""The actions whose reason, by scoring, is a detector's sentence."""

EARLIER: frozenset[str] = frozenset()
"""Actions, and reasons, that nothing writes any more. Their records stay for ever: so do their words."""

words.WORDS |= {"audit_action": ACTIONS, "audit_actor": ACTORS | OPERATORS}

LONGEST = 1_000
"""A reason of more letters stands as it is recorded: the product writes none, but of a finding with very many names."""
ROOM: Mapping[str, str] = dict.fromkeys(DAYS, r"\S{1,12}(?: [A-Z][a-z]{2} \d{4})?") | {"others": ".+"}
"""What fits into the places of sentences; into any other one word. So a text is read in one way, whatever it is."""
_WORD = r"\S{1,64}?"

_PLACE = re.compile(r"\{(\w+)\}", re.ASCII)
_DAY = re.compile(r"\d{1,2} [A-Z][a-z]{2} 20\d\d", re.ASCII)


class Field(NamedTuple):
    """A field that was changed."""

    code: str
    label: str
    """The word for it; empty where there is none."""
    value: str
    """As it was recorded."""


class Told(NamedTuple):
    """A record in its reader's language."""

    action: str
    actor: str
    """The words for what acted on its own; empty for a login, and for what has none."""
    reason: str
    """Empty where the recorded one stands."""
    before: tuple[Field, ...]
    after: tuple[Field, ...]
    command: str
    """The recorded name of a command, whose words do not say which; else empty."""


def told(language: Language, record: Mapping[str, Any]) -> Told:
    """What a record says. Reads nothing."""
    action, by = record["action"], record["by"]
    return Told(
        action=words.word(language, "audit_action", action),
        actor=words.word(language, "audit_actor", by) if by in words.WORDS["audit_actor"] else "",
        reason=reason(language, action, by, record["why"]),
        before=_fields(language, record.get("before")),
        after=_fields(language, record.get("after")),
        command=by if by in OPERATORS else "",
    )


def reason(language: Language, action: str, by: str, why: str) -> str:
    """The reason in this language, where the product wrote it; empty for one that a person typed, and for one that is
    newer than these words. Whatever the text is, there is little to do."""
    if by in OPERATORS or len(why) > LONGEST:
        return ""
    if AGAIN.get(action) == why:
        return words.word(language, "audit_action", action)
    if why in _known(CODES.get(action, "")):
        return words.word(language, CODES[action], why)
    written = FOR_PEOPLE.get(action, ())
    if by in ACTORS:
        written = BY_ITSELF.get(action, ())
        if action in FOUND and by == SCORING:
            # Only here: no other page of the portal has to pay for the detectors.
            from introducer.domain.fraud.registry import DETECTORS

            written += tuple(each.staff for each in DETECTORS)
    for sentence in written:
        values = _values(language, sentence, why)
        if values is not None:
            return filled(language, sentence, values)
    return ""


def _values(language: Language, sentence: str, why: str) -> dict[str, str] | None:
    """What stands in the places of a sentence, as this language says it; None when it is another sentence."""
    match = _pattern(sentence).fullmatch(why)
    if match is None:
        return None
    values = {}
    for name, value in match.groupdict().items():
        if name in PLACES and value not in _known(PLACES[name]):
            return None
        values[name] = words.word(language, PLACES[name], value) if name in PLACES else value
        if name in DAYS:
            values[name] = _day(value)
    return values


@cache
def _pattern(sentence: str) -> re.Pattern[str]:
    pattern, seen = "", set[str]()
    for at, part in enumerate(_PLACE.split(sentence)):
        if at % 2 == 0:
            pattern += re.escape(part)
        else:
            pattern += f"(?P={part})" if part in seen else f"(?P<{part}>{ROOM.get(part, _WORD)})"
            seen.add(part)
    return re.compile(pattern)


def _day(value: str) -> str:
    """A day that a sentence says in English as `filled` takes it; anything else as it is, such as a day that cannot
    be."""
    try:
        return (
            f"{datetime.strptime(value, '%d %b %Y').replace(tzinfo=UTC):%Y-%m-%d}" if _DAY.fullmatch(value) else value
        )
    except ValueError:
        return value


def _known(group: str) -> Mapping[str, str]:
    if group and group not in words.WORDS:
        # They are another page's.
        words.registry.load_all()
    return words.WORDS.get(group, {})


def _fields(language: Language, text: str | None) -> tuple[Field, ...]:
    """The fields of a change that was recorded; none where it is no object."""
    try:
        recorded = json.loads(text or "{}")
    except ValueError:
        return ()
    if not isinstance(recorded, dict):
        return ()
    labels = words.WORDS["audit_column"]
    return tuple(
        Field(name, language.text(labels[name]) if name in labels else "", _plain(value))
        for name, value in recorded.items()
    )


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
