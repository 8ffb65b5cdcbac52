"""Every item and every access pattern of the two tables, as data. This module alone writes the `#`.

`docs/data-model.md` is generated from here (`make docs`), and a test fails when the two, the template's tables or the
pattern tests differ. Standard library only, light to import: the redirect builds its keys here too.
"""

from __future__ import annotations

from typing import NamedTuple

FACTS, BOOKS = "FACTS", "BOOKS"
BY_OWNER = "by_owner"
"""The index of BOOKS that lists things under whom they belong to. Keys only: only a change of owner writes it."""

PK, SK = "pk", "sk"
OWNER_PK, OWNER_SK = "owner_pk", "owner_sk"
TTL = "expires_at"


class Item(NamedTuple):
    """One kind of item: where it lives and what it is."""

    name: str
    table: str
    pk: str
    sk: str
    holds: str
    owner_pk: str = ""
    owner_sk: str = ""
    expires: str = ""


class Pattern(NamedTuple):
    """One question the tables answer without a scan."""

    name: str
    question: str
    item: str
    reads: str
    """`get`, `query` (with the part of the sort key that is fixed) or `query by_owner`."""
    asked_by: str


# A table reads better with its rows kept in line.
# fmt: off
ITEMS: dict[str, Item] = {
    item.name: item
    for item in (
        Item(
            "click", FACTS, "C#{link}#{day}#{shard}", "{click}",
            "one visit: link, time, keyed address hash and prefix, agent class, referer host, country, device, "
            "visitor, subs, flags",
            expires="400 days",
        ),
        Item(
            "event", FACTS, "E#{brand}#{client}", "{source}#{event}",
            "one accepted event, written once; the engine adds `applied_at`",
        ),
        Item(
            "quarantined", FACTS, "Q#{brand}#{source}#{day}", "{at}#{digest}",
            "a message that could not be taken or applied, with the reason; personal fields hashed",
            expires="90 days",
        ),
        Item("erased", FACTS, "X#{brand}#{client}", "erased",
             "when a client was erased: what it sends later is kept without what says who it is"),
        Item("brand", BOOKS, "B#{brand}", "brand", "name, domain, base currency, time zone, fallback page",
             owner_pk="brands", owner_sk="{brand}"),
        Item("brand_host", BOOKS, "H#{host}", "brand", "which brand answers under a host, and its fallback page"),
        Item("campaign", BOOKS, "B#{brand}", "campaign#{campaign}",
             "landing page, hosts, click parameter, window, countries"),
        Item("route", BOOKS, "V#{campaign}", "route",
             "where a campaign's links lead: status, schedule, countries, pages with weights and rules, hosts, UTM, "
             "overflow page, and until when it is full; written with the campaign, read by the redirect"),
        Item("campaign_count", BOOKS, "V#{campaign}", "clicks#{shard}",
             "how many payable clicks a campaign with caps took: in all since it has any, and on the last days"),
        # By its own id: the address of a picture is all that whoever opens it has.
        Item("material", BOOKS, "T#{material}", "material",
             "a banner, a text link or a text to share of a campaign: language, text, or size and digest of the "
             "picture; listed under the campaign until it is removed",
             owner_pk="V#{campaign}#materials", owner_sk="{created}#{material}"),
        Item("attribution", BOOKS, "B#{brand}#attribution", "{campaign}#{number}",
             "how a campaign attributes from a moment on: window, first or last click, whether promo codes come first; "
             "append-only"),
        Item("promo_code", BOOKS, "B#{brand}#codes", "{code}#{number}",
             "that a partner has a promo code for a time; each giving of the code has the next number",
             owner_pk="P#{partner}#codes", owner_sk="{given}#{code}#{number}"),
        Item("source", BOOKS, "S#{source}", "source", "brand, dialect, status",
             owner_pk="B#{brand}#sources", owner_sk="{source}"),
        Item("intake_day", BOOKS, "S#{source}", "day#{day}",
             "how many events were accepted, applied and quarantined that day"),
        Item("pull", BOOKS, "S#{source}#pull", "pull",
             "how fetching a source goes: cursor, who is at it, failures in a row, the last error, when it is due"),
        Item("source_file", BOOKS, "S#{source}#files", "{at}#{file}",
             "a version of a platform's file: how far it is read, what became of its rows, why it failed",
             expires="90 days"),
        Item("card", BOOKS, "B#{brand}#cards", "{partner}", "a partner in a line, for lists and segments"),
        Item("partner", BOOKS, "P#{partner}", "partner",
             "profile, kind, status, parent, manager, currency; listed under its parent",
             owner_pk="P#{parent}#children", owner_sk="{created}#{partner}"),
        Item("balance", BOOKS, "P#{partner}", "balance",
             "one number per currency and bucket (`EUR.pending.2026-04-10`), earned per month, frozen_through, and a "
             "version that each write of amounts raises"),
        Item("deal", BOOKS, "P#{partner}#deals", "{version}",
             "one deal version, immutable once accepted; the brand lists what is proposed by when that was, what is "
             "accepted by when it begins",
             owner_pk="B#{brand}#deals#{state}", owner_sk="{since}#{partner}#{version}"),
        Item("joint_proposal", BOOKS, "B#{brand}#joint_proposals", "{proposal}",
             "the same terms for several partners: who wrote them, for whom, who let them out or did not; listed under "
             "the brand by where it stands",
             owner_pk="B#{brand}#joint_proposals#{status}", owner_sk="{at}#{proposal}"),
        Item("standing", BOOKS, "P#{partner}#standing", "{from}#{id}", "active, suspended or blocked from a moment on"),
        Item("parenting", BOOKS, "P#{partner}#parents", "{month}#{id}",
             "below whom the partner stands from a month on, by whose reason; append-only"),
        Item("link", BOOKS, "L#{code}", "link",
             "partner, campaign, landing page: all the redirect needs, in one read; the link id is its first code",
             owner_pk="P#{partner}#links", owner_sk="{created}#{code}"),
        Item("member", BOOKS, "M#{member}", "member",
             "a login: Cognito sub, partner or brand, role, language, signed_out_at; one of staff is listed under the "
             "brand",
             owner_pk="P#{of}#members", owner_sk="{member}"),
        # A key stands where members do: it is what comes in in the place of one.
        Item("api_key", BOOKS, "M#{key}", "api_key",
             "what a program shows in the place of a sign-in: whose it is, its scopes, a hash of its secret, until "
             "when it is good, who made and who revoked it",
             owner_pk="P#{of}#keys", owner_sk="{created}#{key}"),
        Item("api_key_use", BOOKS, "M#{key}", "use",
             "when a key's allowance is full again, and the day on which it was used last"),
        Item("client", BOOKS, "U#{brand}#{client}", "state",
             "what the engine folded from the client's events, and what was posted for each key",
             owner_pk="P#{partner}#clients", owner_sk="{registered}#{client}"),
        Item("journal", BOOKS, "P#{partner}#J#{month}", "{journal}",
             "balanced legs with the receipt: events, rule, inputs, arithmetic, rate; append-only"),
        # Not by month: a step that is repeated after midnight must find that it was taken before it.
        Item("payout_journal", BOOKS, "P#{partner}#J#payouts", "{payout}#{step}",
             "what a payout moved between the partner's buckets: 1 reserve, 2 release or pay, 3 return; what is paid "
             "or comes back has its way through clearing to the rail; append-only"),
        Item("payout_schedule", BOOKS, "B#{brand}#payout_schedules", "{schedule}",
             "when partners are paid, and under which conditions"),
        Item("run", BOOKS, "Y#{brand}#{run}", "run",
             "all payouts of one schedule and period: who began it, its locked rates, how far it is, what it came to, "
             "who decided",
             owner_pk="B#{brand}#runs", owner_sk="{started}#{run}"),
        Item("payout", BOOKS, "Y#{brand}#{run}", "payout#{payout}",
             "one transfer to one partner: amount, rates, where to (masked), status",
             owner_pk="P#{partner}#payouts", owner_sk="{created}#{payout}"),
        Item("left_out", BOOKS, "Y#{brand}#{run}", "left#{partner}#{currency}",
             "why a run pays a partner nothing out of a currency, or at all"),
        Item("batch", BOOKS, "Y#{brand}#{run}", "batch#{batch}",
             "what is handed to a rail in one go; its id is the provider's idempotency key"),
        # A rail and a bank's file know a payout by its id alone.
        Item("payout_place", BOOKS, "O#{payout}", "place", "in which run of which brand a payout stands"),
        Item("row", BOOKS, "P#{partner}#M#{month}", "row#{of}#{name}",
             "what a client, or a partner below, is in a partner's month, for the rules that look at all of them; a "
             "new one marks the month as to be settled"),
        Item("settled", BOOKS, "P#{partner}#settled", "{month}",
             "what was posted for a settled month, what it hands on, and digests of the rows and the chain that it "
             "followed; of a month with many clients, how many parts hold the rest"),
        Item("settled_part", BOOKS, "P#{partner}#settled#{month}", "part#{part}",
             "a part of the packed texts of a settled month with many clients; parts that the month does not count are "
             "left over from when it was larger"),
        Item("settled_posted", BOOKS, "P#{partner}#settled#{month}", "posted#{part}",
             "what one transaction posted of a month that takes several, until the last writes the month"),
        Item("settling", BOOKS, "P#{partner}", "settling",
             "how often the partner was settled: the condition of the next time"),
        Item("adjustment", BOOKS, "P#{partner}#adjustments", "{adjustment}",
             "a manual amount with its reason, who proposed and who decided, its journal and its reversal; listed "
             "under the brand only while it waits for a second person",
             owner_pk="B#{brand}#adjustments", owner_sk="{since}#{adjustment}"),
        Item("goal", BOOKS, "P#{partner}#goals", "{goal}",
             "an offer to one partner: an amount for so many clients within some days; what was answered, and the deal "
             "version that has it"),
        Item("thread", BOOKS, "P#{partner}#threads", "{thread}",
             "a conversation of a partner with the brand's staff: subject, how far each side has read, since when it "
             "waits for an answer, who answers; listed under the brand, those that wait first",
             owner_pk="B#{brand}#threads", owner_sk="{order}#{thread}"),
        Item("message", BOOKS, "P#{partner}#messages", "{thread}#{number}",
             "what one side wrote in a thread, or staff noted there for themselves; never changed"),
        Item("saved_answer", BOOKS, "B#{brand}#saved_answers", "{answer}",
             "a text that staff put into their answers, by language"),
        Item("announcement", BOOKS, "B#{brand}#announcements", "{announcement}",
             "what the brand tells many partners in the portal: text by language, to which partners, until when"),
        Item("announced", BOOKS, "P#{partner}#announced", "{announcement}",
             "that an announcement of a broadcast is for this partner",
             expires="367 days"),
        Item("announcement_read", BOOKS, "P#{partner}#announcements", "{announcement}#{member}",
             "when a member read an announcement first",
             owner_pk="B#{brand}#announcements#{announcement}", owner_sk="{partner}#{member}"),
        Item("adjustment_request", BOOKS, "P#{partner}#adjustment_requests", "{request}",
             "which adjustment a repeated request proposed before", expires="1 day"),
        Item("click_count", BOOKS, "P#{partner}#N#{month}", "{day}#clicks#{link}",
             "clicks, unique, flagged and why; the same by country, device and sub1; the last stream position counted, "
             "per FACTS partition"),
        Item("event_count", BOOKS, "P#{partner}#N#{month}",
             "{day}#events#{link}#{country}#{device}#{sub1}#{cohort}",
             "registrations, kyc, ftd, qftd, deposits, withdrawals, lots, net revenue, earnings of the clients of one "
             "source"),
        Item("event_count_unsaid", BOOKS, "P#{partner}#N#{month}", "{day}#events#{link}",
             "the same of clients whose source nobody knows, or that were counted before sources were"),
        Item("sub_names", BOOKS, "P#{partner}#subs", "{link}",
             "the values of a link's sub1 that have figures of their own, the first ones that came, each with the "
             "number by which counters name it"),
        Item("rates", BOOKS, "R#{feed}", "{day}", "units per EUR of each currency published that day; immutable"),
        Item("rate_wait", BOOKS, "R#{feed}#waiting", "{day}#{brand}#{source}#{accepted}",
             "events of a day wait in a source's quarantine for its rates; when that was noted, and settled",
             expires="90 days"),
        Item("payment_profile", BOOKS, "P#{partner}", "payment_profile",
             "where the partner is paid: rail and currency, masked, and the whole sealed under a data key of the "
             "partner's own; version, and from when on it is paid to"),
        Item("payment_profile_version", BOOKS, "P#{partner}#payment_profiles", "{version}",
             "each version of it, as it was made"),
        Item("verification", BOOKS, "P#{partner}", "verification",
             "who the partner is: its documents, whether compliance has approved them, by whom and until when; listed "
             "under the brand while they wait",
             owner_pk="B#{brand}#verifications", owner_sk="{since}#{partner}"),
        Item("hold", BOOKS, "P#{partner}#holds", "{hold}",
             "what stops the partner's payouts: who placed it, when and why, who released it; the balance counts those "
             "that stand"),
        Item("statement", BOOKS, "P#{partner}#statements", "{month}",
             "what a closed month came to: sums by currency, rule and earlier month, a digest of its journals; "
             "written once"),
        Item("tax_profile", BOOKS, "P#{of}", "tax_profile",
             "who a partner, or a brand, is to the tax office, and how it is taxed: printed on invoices"),
        Item("invoice", BOOKS, "P#{partner}#invoices", "{payout}#{kind}",
             "the self-billed invoice of a payout, or the credit note that takes it back: number, parties, amounts, "
             "tax, as issued; written once",
             owner_pk="B#{brand}#invoices#{year}", owner_sk="{number}"),
        Item("invoice_series", BOOKS, "B#{brand}#invoices", "{year}",
             "the last number that was taken of a brand's invoices of a year"),
        Item("month_close", BOOKS, "B#{brand}#months", "{month}",
             "who began to close a brand's month, who closed it and when, what it came to"),
        Item("mail", BOOKS, "P#{of}#mails", "{mail}",
             "what a partner, or a brand's staff, was told by mail, or is to be: to whom, the template and its values, "
             "how far it is; once per step and person; listed under the brand while nobody was told, or by the moment "
             "that it waits for",
             owner_pk="B#{brand}#mails#{list}", owner_sk="{at}#{mail}", expires="400 days"),
        Item("sequence", BOOKS, "B#{brand}#sequences", "{sequence}",
             "what a brand writes to each new partner: steps with waits, conditions and texts, the goal, whether it is "
             "on"),
        # The stream of the books knows a new one by its sort key: it starts the execution.
        Item("walk", BOOKS, "P#{partner}#walks", "walk#{sequence}",
             "how far a partner is in a sequence: which steps it had and when, and why it is over; listed under the "
             "brand by whether it is",
             owner_pk="B#{brand}#walks#{sequence}#{state}", owner_sk="{started}#{partner}"),
        Item("mail_text", BOOKS, "B#{brand}#mail_texts", "{text}",
             "what staff wrote for mails, by language; by its digest, written once"),
        Item("report_choice", BOOKS, "P#{partner}", "report_choice",
             "how often a partner wants the letter with its figures, and by which clocks"),
        Item("mail_preferences", BOOKS, "M#{member}", "mail_preferences",
             "which topics a member switched off, its time zone and quiet hours"),
        Item("suppressed", BOOKS, "N#{brand}#mail#{hash}", "suppressed",
             "by the keyed hash of an address: that it gets no mail, why and since when, and whose it is; listed under "
             "that partner, or the brand for its staff",
             owner_pk="P#{of}#suppressed", owner_sk="{since}#{hash}"),
        Item("mail_place", BOOKS, "N#mail#{message}", "place",
             "which mail the mail service knows under this id of its own",
             expires="90 days"),
        Item("mail_figure", BOOKS, "B#{brand}#mail_figures", "{series}#{shard}",
             "how many of a template's, a step's or a broadcast's mails were sent, delivered, bounced, complained of, "
             "opened, clicked; after which steps partners reached their goal"),
        Item("pace", BOOKS, "pace#{of}", "pace",
             "how many mails may go now, and how many a second: shared by all who send"),
        Item("trace", BOOKS, "P#{partner}#traces", "trace#{registered}#{client}",
             "what one client looks like to the detectors: keyed hashes, first deposits and withdrawals, rounded sums; "
             "written with the client's state when it changes",
             expires="400 days"),
        Item("traffic", BOOKS, "B#{brand}#traffic", "{partner}",
             "a partner's last thirty days in a line, for comparing it with its peers"),
        Item("results", BOOKS, "B#{brand}#results", "{partner}",
             "a partner's results in a line: deposits, clicks and net revenue of the last weeks, when it was last "
             "active, how far its tiers are; written daily"),
        Item("segment", BOOKS, "B#{brand}#segments", "{segment}",
             "a saved choice among the brand's partners: its conditions, whose it is, whether colleagues have it too"),
        Item("figure_line", BOOKS, "B#{brand}#figures#{month}", "{partner}",
             "a partner's month in a line, day by day, as it was counted at a moment; written daily"),
        Item("saved_report", BOOKS, "P#{partner}#reports", "{report}",
             "what a report of a partner's asks, under a name: whose it is"),
        Item("staff_report", BOOKS, "B#{brand}#reports", "{report}",
             "the same of the brand's staff, and whether colleagues have it too"),
        Item("broadcast", BOOKS, "W#{broadcast}", "broadcast",
             "what is written to many at once: texts by language, the segment, the moment, who wrote and who approved "
             "it, how far it is; listed under the brand",
             owner_pk="B#{brand}#broadcasts", owner_sk="{created}#{broadcast}"),
        # An edition is one freezing: what an interrupted one left does not count.
        Item("recipients", BOOKS, "W#{broadcast}#recipients#{edition}", "{page}",
             "some of the members that a broadcast goes to, as they were when it began",
             expires="400 days"),
        Item("broadcast_policy", BOOKS, "B#{brand}", "broadcast_policy",
             "to how many people one person may write without a second"),
        Item("scoring", BOOKS, "P#{partner}#scoring", "scoring",
             "when the partner was scored, what was cleared of which detector, which of its clients match others, how "
             "many cases it had and which is open"),
        Item("person", BOOKS, "N#{brand}#{kind}#{hash}", "person",
             "by the keyed hash of an e-mail, phone, device or address: how many clients have it, the first of them "
             "and its partner, and the partner whose member has it; listed under that partner",
             owner_pk="P#{partner}#seen_as", owner_sk="{kind}#{hash}",
             expires="3 years; an address 400 days"),
        Item("account_holder", BOOKS, "N#{brand}#account#{fingerprint}", "holder#{partner}",
             "a partner that is paid, or was, to an account, by the account's keyed fingerprint"),
        Item("case", BOOKS, "P#{partner}#cases", "{case}",
             "a suspicion: about which clients, what money it holds, its clocks, what both sides said, the verdict; "
             "listed under the brand by whether it is closed",
             owner_pk="B#{brand}#cases#{state}", owner_sk="{opened}#{case}"),
        Item("finding", BOOKS, "P#{partner}#cases", "{case}#{detector}",
             "what a detector found, with its evidence"),
        Item("case_journal", BOOKS, "P#{partner}#J#cases", "{case}#{number}",
             "what a case moved between what is pending or available and what is held; append-only"),
        Item("case_policy", BOOKS, "B#{brand}", "case_policy", "the clocks of a brand's cases"),
        Item("relisted", BOOKS, "P#{partner}#relisted", "{client}",
             "a client that was listed under this partner first, and under another since; where a contest counts it"),
        Item("contest", BOOKS, "G#{contest}", "contest",
             "a contest: its settings, how far it is, what its execution is woken by; listed under the brand",
             owner_pk="B#{brand}#contests", owner_sk="{starts}#{contest}"),
        # All of a brand's in one partition: the engine asks for them once a minute.
        Item("contest_window", BOOKS, "B#{brand}#contest_windows", "{contest}",
             "when what scores in a contest, and whether it is counted for good",
             expires="90 days after the end"),
        Item("entry", BOOKS, "G#{contest}#entries#{shard}", "{partner}",
             "a partner in a contest: what the engine counted of it, and, where it takes part, since when, under which "
             "name, in which division"),
        Item("board", BOOKS, "G#{contest}#board", "{division}#{part}",
             "a division's standings as they were at a moment, packed, so many partners to a part; as part `turn`, "
             "until when one reader alone makes the next"),
        Item("recount", BOOKS, "G#{contest}#recount", "{batch}",
             "what some partners' clients scored, counted from the facts, written once per batch; as `plan`, which "
             "batches there are"),
        # An edition is a ranking of certain participants: others stand beside it, and the contest says which counts.
        Item("result", BOOKS, "G#{contest}#results#{edition}#{division}", "{position}#{partner}",
             "a participant's score, rank and prize as they were counted from the facts, in one edition of a ranking"),
        Item("set_aside", BOOKS, "G#{contest}#aside", "{partner}",
             "who is not ranked in a contest, why, and by whose decision; and whether that was taken back"),
        Item("objection", BOOKS, "G#{contest}#objections", "{partner}#{at}",
             "what a participant says against a provisional result, and what staff answered"),
        Item("award", BOOKS, "P#{partner}#awards", "{contest}#{number}",
             "a prize that a partner won: amount or gift, for which place, and whether it was paid or sent",
             owner_pk="G#{contest}#awards", owner_sk="{division}#{place}#{partner}#{number}"),
        Item("task", BOOKS, "P#{partner}#tasks", "{task}",
             "what a person is to do about a partner: which trigger found it, with which figures, by when, whose it is "
             "and what became of it; listed under the brand while it is not done",
             owner_pk="B#{brand}#tasks", owner_sk="{partner}#{task}", expires="400 days"),
        Item("partner_note", BOOKS, "P#{partner}#notes", "{note}",
             "what somebody of the staff noted about a partner, for colleagues alone; written once; listed by when",
             owner_pk="P#{partner}#notes", owner_sk="{at}#{note}"),
        Item("task_mark", BOOKS, "P#{partner}#task_marks", "{trigger}",
             "which task of a trigger is open, what it was raised about before, and until when it is not raised again"),
        # Nothing that says who somebody is: that stands in `lead_person` alone, and a lead is known by its id.
        Item("lead", BOOKS, "P#{partner}#leads", "{lead}",
             "a prospect that came by a partner's form: link, consent, stage, who of sales works it, its keyed hashes; "
             "listed under whoever works it, by stage",
             owner_pk="B#{brand}#leads#{salesperson}#{stage}", owner_sk="{since}#{lead}"),
        Item("lead_place", BOOKS, "D#{lead}", "lead",
             "whose lead it is, and by which link and when it counts as evidence of whose client somebody is"),
        Item("lead_person", BOOKS, "D#{lead}", "person",
             "who the prospect is, sealed under a data key of the person's own; gone once erased"),
        Item("lead_note", BOOKS, "D#{lead}", "note#{at}#{note}",
             "what staff noted about a lead, sealed under the same data key"),
        Item("lead_known", BOOKS, "N#{brand}#{kind}#{hash}", "lead",
             "the first lead with this e-mail or phone, by its keyed hash",
             expires="90 days"),
        Item("lead_rate", BOOKS, "N#{brand}#address#{hash}", "leads#{hour}",
             "how many leads an address, by its keyed hash, sent within an hour",
             expires="1 day"),
        # Under the partner that it would become, whose id follows from its own: whoever erases or exports that partner
        # meets it there.
        Item("application", BOOKS, "P#{partner}#application", "{application}",
             "somebody who wants to be a partner: country, kind, currency, consent, by whose recruiting link, how far "
             "it is and who decided; who it is, sealed under a data key of its own; listed under the brand by state",
             owner_pk="B#{brand}#applications#{state}", owner_sk="{since}#{application}",
             expires="3 days while its e-mail is not confirmed; 180 days once refused or withdrawn"),
        Item("application_known", BOOKS, "N#{brand}#email#{hash}", "application",
             "the last confirmed application with this e-mail, by its keyed hash",
             expires="180 days"),
        Item("application_rate", BOOKS, "N#{brand}#{kind}#{hash}", "applications#{day}",
             "how many applications an e-mail, an address or a network, by its keyed hash, sent on a day",
             expires="2 days"),
        Item("recruit_code", BOOKS, "F#{code}", "recruit_code", "whose recruiting link has this code"),
        Item("recruited", BOOKS, "P#{partner}#recruited", "{application}",
             "that somebody applied by this partner's recruiting link, and how far that is; nothing of who it is",
             expires="400 days"),
        Item("target", BOOKS, "P#{of}#targets", "{target}",
             "where a partner, or a brand itself, is told what happens: URL with macros, events, campaigns, standing"),
        Item("target_gate", BOOKS, "P#{of}#gates", "{target}",
             "how often in a row nothing arrived at a target, whether it is slow, and until when it is left alone"),
        # By client, so that erasing one finds all that was told of it.
        Item("delivery", BOOKS, "J#{brand}#{about}", "{delivery}",
             "something that a target is told: values, each try with its outcome, and when the next one is; listed "
             "under the target",
             owner_pk="J#{target}", owner_sk="{created}#{delivery}", expires="30 days"),
        Item("audit", BOOKS, "A#{subject}", "{at}#{audit}",
             "who changed what, before, after, why, from where; in the change's own transaction"),
        # A thousand links to a partition: it is read in order, and none of them grows for ever.
        Item("audit_link", BOOKS, "K#{brand}#{thousand}", "{number}",
             "one audit record's place in its brand's chain: number, digests of the record and of the link before; "
             "append-only"),
        Item("audit_head", BOOKS, "K#{brand}", "head",
             "how far a brand's chain is: the number and the digest of its last link"),
        Item("audit_place", BOOKS, "K#{brand}#places#{subject}", "{at}#{audit}",
             "which link an audit record has: so that none is chained twice"),
        Item("idempotency", BOOKS, "I#{actor}", "{key}", "the answer to a write that carried this Idempotency-Key",
             expires="1 day"),
    )
}

PATTERNS: tuple[Pattern, ...] = (
    Pattern("click_by_id", "Which visit does this click id name?", "click", "get", "desk, verify"),
    Pattern("clicks_of_link_day", "What were a link's raw clicks of a day?", "click", "query", "portal, verify"),
    Pattern("event_by_id", "Was this event accepted before, and with the same body?", "event", "get", "postback"),
    Pattern("events_of_client", "What happened to this client?", "event", "query", "engine, receipts, verify"),
    Pattern("moves_of_client", "What did staff decide about this client?", "event", "query {source}#", "desk"),
    Pattern("quarantine_of_day", "What could a source not deliver on a day?", "quarantined", "query", "desk"),
    Pattern("erased_client", "Was this client erased?", "erased", "get", "postback, erase"),
    Pattern("brand_by_id", "Who is this brand?", "brand", "get", "portal, postback"),
    Pattern("brand_by_host", "Where does an unknown code go under this host?", "brand_host", "get", "redirect"),
    Pattern("campaign_by_id", "Where does this campaign lead, and how long may a click wait?", "campaign", "get",
            "engine, portal"),
    Pattern("campaigns_of_brand", "What can be promoted?", "campaign", "query campaign#", "portal"),
    Pattern("route_of_campaign", "Where do this campaign's links lead now?", "route", "get", "redirect, rollup"),
    Pattern("campaign_count_of_campaign", "How many clicks did this campaign take, today and in all?",
            "campaign_count", "query clicks#", "rollup, desk"),
    Pattern("material_by_id", "Which banner, text link or text to share is this?", "material", "get", "portal"),
    Pattern("materials_of_campaign", "What may this campaign be promoted with?", "material", "query by_owner",
            "portal, desk"),
    Pattern("source_by_name", "Who posts here, and how is it signed?", "source", "get", "postback"),
    Pattern("sources_of_brand", "Who posts events for this brand?", "source", "query by_owner", "desk"),
    Pattern("pull_of_source", "How does fetching this source go?", "pull", "get", "pull, portal"),
    Pattern("files_of_source", "Which files did this source send?", "source_file", "query", "desk"),
    Pattern("file_of_source", "How far is this file?", "source_file", "get", "source_files, desk"),
    Pattern("intake_of_source", "Is everything accepted also applied?", "intake_day", "query day#",
            "desk, alarm, verify"),
    Pattern("cards_of_brand", "Which partners does the brand have?", "card", "query", "desk, segments"),
    Pattern("partner_by_id", "Who is this partner?", "partner", "get", "portal, engine"),
    Pattern("balance_of_partner", "What is pending, available, held, reserved, paid?", "balance", "get",
            "portal, engine, payouts"),
    Pattern("deals_of_partner", "Which terms were in force when?", "deal", "query", "engine, portal"),
    Pattern("deals_of_brand", "Which deals wait for an answer, or begin when?", "deal", "query by_owner", "desk"),
    Pattern("joint_proposal_by_id", "Which terms were proposed to whom together, and who let them out?",
            "joint_proposal", "get", "desk"),
    Pattern("joint_proposals_of_brand", "Which terms for several partners wait for a second person?",
            "joint_proposal", "query by_owner", "desk"),
    Pattern("standing_of_partner", "Was the partner active, suspended or blocked then?", "standing", "query", "engine"),
    Pattern("parents_of_partner", "Below whom did the partner stand in a month?", "parenting", "query",
            "engine, desk"),
    Pattern("link_by_code", "Where does this code lead?", "link", "get", "redirect, engine"),
    Pattern("links_of_partner", "Which links has this partner?", "link", "query by_owner", "portal"),
    Pattern("member_by_sub", "Who is signed in?", "member", "get", "portal"),
    Pattern("members_of_partner", "Who may sign in for this partner?", "member", "query by_owner", "portal"),
    Pattern("staff_of_brand", "Who of the broker's staff works for this brand?", "member", "query by_owner",
            "outbox, desk"),
    Pattern("member_by_api_key", "Whose key is this, and what may it do?", "api_key", "get", "portal"),
    Pattern("api_keys_of", "Which keys has this partner, or this brand?", "api_key", "query by_owner", "portal, erase"),
    Pattern("use_of_api_key", "May this key send another request, and when was it used?", "api_key_use", "get",
            "portal"),
    Pattern("client_state", "Where does this client stand?", "client", "get", "engine, portal"),
    Pattern("clients_of_partner", "Which clients did this partner bring?", "client", "query by_owner", "portal"),
    Pattern("relisted_of_partner", "Which clients were this partner's first, and are another's?", "relisted", "query",
            "contests"),
    Pattern("journals_of_month", "What was posted for this partner in a month?", "journal", "query", "portal, verify"),
    Pattern("journal_by_id", "How did this earning come about?", "journal", "get", "portal, explain"),
    Pattern("journals_of_payout", "What did this payout move so far?", "payout_journal", "query {payout}#", "payouts"),
    Pattern("payout_journals_of_partner", "What did all payouts of this partner move?", "payout_journal", "query",
            "portal, statements"),
    Pattern("payout_schedule_by_name", "When is this schedule's next run, and on which conditions?", "payout_schedule",
            "get", "payouts, desk"),
    Pattern("payout_schedules_of_brand", "When does this brand pay?", "payout_schedule", "query", "desk"),
    Pattern("run_by_id", "How far is this run?", "run", "get", "payouts, desk"),
    Pattern("runs_of_brand", "Which runs has this brand had?", "run", "query by_owner", "desk"),
    Pattern("payout_by_id", "What became of this payout?", "payout", "get", "payouts, portal"),
    Pattern("payouts_of_run", "Which payouts has this run, and how do they stand?", "payout", "query payout#",
            "payouts, desk"),
    Pattern("payouts_of_partner", "What was this partner paid?", "payout", "query by_owner", "portal"),
    Pattern("left_out_of_run", "Whom does this run not pay, and why?", "left_out", "query left#", "desk"),
    Pattern("left_out_of_partner", "Why did this run leave this partner out?", "left_out", "query left#{partner}",
            "portal"),
    Pattern("batch_by_id", "Was this batch handed over?", "batch", "get", "payouts"),
    Pattern("batches_of_run", "What was handed to which rail?", "batch", "query batch#", "payouts, desk"),
    Pattern("place_of_payout", "Which payout does this file or provider speak of?", "payout_place", "get",
            "reconciliation"),
    Pattern("rows_of_month", "What are this partner's clients, and the partners below, in a month?", "row", "query",
            "settle, portal, verify"),
    Pattern("settled_months", "What was posted for this partner's months, and handed on?", "settled", "query",
            "settle, portal"),
    Pattern("parts_of_settled_month", "What does a settled month with many clients say?", "settled_part",
            "query part#", "settle, portal"),
    Pattern("posted_of_month_in_parts", "What was posted of a month that is not written yet?", "settled_posted",
            "query posted#", "settle, portal"),
    Pattern("settlings_of_partner", "Was the partner settled since?", "settling", "get", "settle"),
    Pattern("adjustments_of_partner", "What was adjusted by hand, or is to be?", "adjustment", "query, newest first",
            "desk, verify"),
    Pattern("adjustment_by_id", "Who proposed this adjustment, who decided it, and why?", "adjustment", "get", "desk"),
    Pattern("adjustments_waiting", "Which adjustments wait for a second person?", "adjustment", "query by_owner",
            "desk"),
    Pattern("adjustment_by_request", "Was this adjustment proposed before?", "adjustment_request", "get", "desk"),
    Pattern("counts_of_month", "What happened each day, by link and source?", "event_count", "query", "portal"),
    Pattern("unsaid_counts_of_month", "What happened each day of which nobody knows the source?", "event_count_unsaid",
            "query", "portal"),
    Pattern("sub_names_of_link", "Under which number is this value of sub1 counted?", "sub_names", "get",
            "rollup, engine"),
    Pattern("sub_names_of_partner", "Which values of sub1 do these numbers stand for?", "sub_names", "query", "portal"),
    Pattern("counts_of_day", "What happened on this day, by link?", "click_count", "query {day}#", "portal"),
    Pattern("rates_of_day", "What did a feed publish that day?", "rates", "get", "engine"),
    Pattern("rates_before", "What was published last before a day?", "rates", "query < {day}, newest first", "engine"),
    Pattern("waits_for_rates", "What waits for the rates of days that are there now?", "rate_wait", "query < {day}",
            "rates"),
    Pattern("brands", "Which brands are there?", "brand", "query by_owner", "period_close"),
    Pattern("payment_profile_of_partner", "Where is this partner paid?", "payment_profile", "get", "portal, payouts"),
    Pattern("payment_profiles_before", "Where was this partner paid before?", "payment_profile_version",
            "query, newest first", "desk"),
    Pattern("verification_of_partner", "Is it known who this partner is?", "verification", "get", "portal, payouts"),
    Pattern("verifications_waiting", "Whose documents wait for compliance?", "verification", "query by_owner", "desk"),
    Pattern("holds_of_partner", "What stops this partner's payouts, or did?", "hold", "query", "desk"),
    Pattern("hold_by_id", "Who placed this hold, and does it stand?", "hold", "get", "desk"),
    Pattern("statement_of_month", "What did this partner's closed month come to?", "statement", "get",
            "portal, period_close"),
    Pattern("statements_of_partner", "Which months of this partner are closed?", "statement", "query",
            "portal, period_close"),
    Pattern("tax_profile_of", "How is this partner taxed, and who is this brand to the tax office?", "tax_profile",
            "get", "portal, payouts"),
    Pattern("invoice_of_payout", "Which invoice, or credit note, has this payout?", "invoice", "get",
            "portal, payouts"),
    Pattern("invoices_of_year", "What did this brand issue in a year, by number?", "invoice", "query by_owner",
            "desk"),
    Pattern("invoice_series_of_year", "Which number does this brand's next invoice have?", "invoice_series", "get",
            "payouts"),
    Pattern("close_of_month", "Is this month of the brand closed, and by whom?", "month_close", "get",
            "portal, period_close"),
    Pattern("months_of_brand", "Which months of the brand are closed, or being closed?", "month_close", "query",
            "desk"),
    Pattern("mail_by_id", "Was this step told to this person?", "mail", "get", "outbox"),
    Pattern("mails_of", "What was a partner, or a brand's staff, told by mail?", "mail", "query", "desk"),
    Pattern("mails_unsent", "What was nobody told, of what somebody was to be told?", "mail", "query by_owner", "desk"),
    Pattern("mails_due", "Which mails waited for a moment that has come?", "mail", "query by_owner", "outbox"),
    Pattern("sequence_by_name", "What is a new partner of this brand told, and when?", "sequence", "get",
            "onboarding, desk"),
    Pattern("walk_of_partner", "How far is this partner in a sequence?", "walk", "get", "onboarding, desk"),
    Pattern("walks_of_sequence", "Who walks this sequence, or is through?", "walk", "query by_owner",
            "onboarding, desk"),
    Pattern("mail_text_by_digest", "What does this mail say?", "mail_text", "get", "outbox, desk"),
    Pattern("report_choice_of_partner", "How often does this partner want its letter?", "report_choice", "get",
            "portal, reports"),
    Pattern("mail_preferences_of_member", "What does this member want by mail, and when?", "mail_preferences", "get",
            "outbox, portal"),
    Pattern("suppressed_address", "May mail go to this address?", "suppressed", "get", "outbox, portal"),
    Pattern("suppressed_of", "Which addresses of a partner's people, or of staff, get no mail, or got none?",
            "suppressed", "query by_owner", "portal, desk, erase"),
    Pattern("mail_by_message", "Which mail does the mail service speak of?", "mail_place", "get", "mail_feedback"),
    Pattern("figures_of_series", "How did these mails do?", "mail_figure", "query", "desk"),
    Pattern("mail_figures_of_brand", "How did the brand's mails do?", "mail_figure", "query", "desk"),
    Pattern("pace_of_mails", "How many mails may go now?", "pace", "get", "outbox"),
    Pattern("traces_of_partner", "What do this partner's clients of the last weeks look like?", "trace",
            "query > trace#{registered}", "scoring"),
    Pattern("traffic_of_brand", "How do the brand's other partners do?", "traffic", "query", "scoring"),
    Pattern("results_of_brand", "How do the brand's partners do, each in a line?", "results", "query",
            "segments, tasks, reports"),
    Pattern("results_of_partner", "How does this partner do, in a line?", "results", "get", "tasks, reports"),
    Pattern("segments_of_brand", "Which choices among the partners are saved?", "segment", "query", "desk"),
    Pattern("segment_by_id", "Which partners does this choice mean?", "segment", "get", "desk, broadcast"),
    Pattern("figures_of_brand", "What did each of the brand's partners bring in a month, day by day?", "figure_line",
            "query", "desk"),
    Pattern("figure_line_of_partner", "When was this partner's month counted?", "figure_line", "get", "scoring"),
    Pattern("saved_reports_of_partner", "Which reports do a partner's members keep?", "saved_report", "query",
            "portal"),
    Pattern("saved_report_by_id", "What does this report ask?", "saved_report", "get", "portal"),
    Pattern("staff_reports_of_brand", "Which reports does the staff keep?", "staff_report", "query", "desk"),
    Pattern("staff_report_by_id", "What does this report of the staff ask?", "staff_report", "get", "desk"),
    Pattern("broadcast_by_id", "What does this broadcast say, and how far is it?", "broadcast", "get",
            "broadcast, outbox, desk"),
    Pattern("broadcasts_of_brand", "What was written to many, and is to be?", "broadcast", "query by_owner", "desk"),
    Pattern("recipients_of_broadcast", "To whom does this broadcast go?", "recipients", "query", "broadcast, desk"),
    Pattern("recipients_of_page", "Who is on this page of recipients?", "recipients", "get", "broadcast"),
    Pattern("broadcast_policy_of_brand", "To how many may one person write alone?", "broadcast_policy", "get",
            "broadcast, desk"),
    Pattern("scoring_of_partner", "When was this partner scored, and is a case open?", "scoring", "get",
            "scoring, cases"),
    Pattern("person_by_hash", "Is this person, device or address known?", "person", "get", "postback, scoring"),
    Pattern("persons_of_members", "By which e-mails and addresses are a partner's members known?", "person",
            "query by_owner", "erase, export"),
    Pattern("holders_of_account", "Who is paid to this account?", "account_holder", "query holder#", "scoring"),
    Pattern("case_by_id", "How does this case stand?", "case", "get", "cases, portal"),
    Pattern("cases_of_partner", "Which cases had this partner?", "case", "query", "portal"),
    Pattern("cases_of_brand", "Which cases are open, or are closed?", "case", "query by_owner", "desk"),
    Pattern("findings_of_case", "What did the detectors find?", "finding", "query {case}#", "desk, portal"),
    Pattern("journals_of_case", "What did this case move so far?", "case_journal", "query {case}#", "cases"),
    Pattern("case_journals_of_partner", "What did all cases of this partner move?", "case_journal", "query",
            "verify"),
    Pattern("case_policy_of_brand", "How long may a case wait?", "case_policy", "get", "cases, desk"),
    Pattern("goal_by_id", "Does this offer still wait?", "goal", "get", "portal"),
    Pattern("goals_of_partner", "What was this partner offered, and what did it answer?", "goal", "query",
            "portal, desk"),
    Pattern("thread_by_id", "How does this conversation stand?", "thread", "get", "portal, desk"),
    Pattern("threads_of_partner", "Which conversations are there with this partner?", "thread", "query",
            "portal, desk"),
    Pattern("threads_of_brand", "Which partners wait for an answer, and who wrote last?", "thread", "query by_owner",
            "desk"),
    Pattern("messages_of_thread", "What was said in this conversation?", "message", "query {thread}#, newest first",
            "portal, desk"),
    Pattern("saved_answer_by_id", "What does this saved answer say?", "saved_answer", "get", "desk"),
    Pattern("saved_answers_of_brand", "Which answers has the brand saved?", "saved_answer", "query", "desk"),
    Pattern("announcement_by_id", "What does this announcement say, and to whom?", "announcement", "get",
            "portal, desk"),
    Pattern("announcements_of_brand", "What was announced?", "announcement", "query, newest first", "portal, desk"),
    Pattern("announcement_names_partner", "Are these announcements for this partner?", "announced", "batch get",
            "portal"),
    Pattern("announcement_read_by", "Did this member read this announcement?", "announcement_read", "get", "portal"),
    Pattern("announcements_read_of_partner", "Which announcements did this partner's members read?",
            "announcement_read", "query", "portal"),
    Pattern("readers_of_announcement", "Who read this announcement?", "announcement_read", "query by_owner", "desk"),
    Pattern("contest_by_id", "What are this contest's settings, and how far is it?", "contest", "get",
            "contests, portal"),
    Pattern("contests_of_brand", "Which contests has this brand?", "contest", "query by_owner", "portal, desk"),
    Pattern("windows_of_brand", "What scores in which contest now?", "contest_window", "query", "engine"),
    Pattern("entry_of_partner", "Does this partner take part, and what is counted of it?", "entry", "get", "portal"),
    Pattern("entries_of_contest", "Who takes part, and what is counted of everybody?", "entry", "query",
            "board, contests"),
    Pattern("board_of_division", "Who stands where, a few seconds ago?", "board", "get", "portal"),
    Pattern("recount_of_batch", "Were these partners counted, and which batches are there?", "recount", "get",
            "contests"),
    Pattern("recounts_of_contest", "What did the facts say?", "recount", "query", "contests, verify"),
    Pattern("results_of_division", "Who stands where for good, and why does somebody not?", "result", "query",
            "portal, contests"),
    Pattern("set_aside_of_contest", "Who is not ranked, and why?", "set_aside", "query", "contests, desk"),
    Pattern("set_aside_of_partner", "Is this participant ranked, and if not, why?", "set_aside", "get", "portal, desk"),
    Pattern("objections_of_contest", "Who objects to the result?", "objection", "query", "contests, desk"),
    Pattern("objections_of_partner", "What did this partner object to?", "objection", "query {partner}#", "portal"),
    Pattern("awards_of_partner", "What did this partner win?", "award", "query", "portal, verify"),
    Pattern("award_by_number", "Was this prize paid?", "award", "get", "contests"),
    Pattern("awards_of_contest", "Who won what, and was it paid or sent?", "award", "query by_owner",
            "contests, desk"),
    Pattern("task_by_id", "How does this task stand?", "task", "get", "triggers, desk"),
    Pattern("tasks_of_partner", "What was to be done about this partner, and what became of it?", "task", "query",
            "desk"),
    Pattern("tasks_of_brand", "What needs a person today?", "task", "query by_owner", "desk"),
    Pattern("partner_notes_of_partner", "What did staff note about this partner?", "partner_note", "query by_owner",
            "desk"),
    Pattern("partner_note_by_id", "Was this noted already?", "partner_note", "get", "desk"),
    Pattern("task_marks_of_partner", "Which triggers have an open task of this partner, or rest?", "task_mark", "query",
            "triggers"),
    Pattern("lead_by_id", "How far is this lead?", "lead", "get", "portal, desk"),
    Pattern("leads_of_partner", "Which leads did this partner bring?", "lead", "query, newest first", "portal"),
    Pattern("leads_of_salesperson", "Which leads of a stage does this salesperson work, or does nobody?", "lead",
            "query by_owner", "desk"),
    Pattern("place_of_lead", "Whose lead is this, and since when does it count?", "lead_place", "get", "engine, desk"),
    Pattern("person_of_lead", "Who is this lead?", "lead_person", "get", "desk, export"),
    Pattern("notes_of_lead", "What did staff note about this lead?", "lead_note", "query note#", "desk, export"),
    Pattern("lead_of_person", "Did somebody with this e-mail or phone come before?", "lead_known", "get", "portal"),
    Pattern("leads_of_address", "How many leads did this address send within the hour?", "lead_rate", "get", "portal"),
    Pattern("application_by_id", "Who applied here, and how far is it?", "application", "get",
            "portal, desk, outbox, triggers"),
    Pattern("applications_of_brand", "Who wants to be a partner, and waits for an answer?", "application",
            "query by_owner", "desk"),
    Pattern("application_of_email", "Did somebody with this e-mail apply before?", "application_known", "get",
            "portal, desk"),
    Pattern("applications_of_day", "How many applications came from here today?", "application_rate", "get", "portal"),
    Pattern("recruiter_by_code", "Whose recruiting link is this?", "recruit_code", "get", "portal"),
    Pattern("recruited_of_partner", "Who applied by this partner's recruiting link, and how far is that?", "recruited",
            "query", "portal"),
    Pattern("children_of_partner", "Which partners stand below this one?", "partner", "query by_owner", "portal"),
    Pattern("givings_of_code", "Who has this promo code, and who had it when?", "promo_code", "query {code}#",
            "engine, desk"),
    Pattern("codes_of_partner", "Which promo codes does this partner have, or did?", "promo_code", "query by_owner",
            "portal, desk"),
    Pattern("attribution_of_campaign", "How does this campaign attribute, since when?", "attribution",
            "query {campaign}#", "engine, desk"),
    Pattern("targets_of", "Where is a partner, or a brand, told what happens?", "target", "query", "portal, outbox"),
    Pattern("target_by_id", "What is this target told, and does it stand?", "target", "get", "portal, postback_out"),
    Pattern("gate_of_target", "May this target be sent to now?", "target_gate", "get", "portal, postback_out"),
    Pattern("delivery_by_id", "How far is this delivery?", "delivery", "get", "portal, postback_out"),
    Pattern("deliveries_of_target", "What was this target told?", "delivery", "query by_owner", "portal"),
    Pattern("deliveries_of_client", "What was told of this client?", "delivery", "query", "erase, export"),
    Pattern("audit_of_subject", "Who changed this, and why?", "audit", "query", "desk"),
    Pattern("audit_by_key", "What does this link of the chain stand for?", "audit", "get", "desk, verify"),
    Pattern("audit_links_in_order", "What was changed in this brand, in the chain's order?", "audit_link", "query",
            "desk, verify"),
    Pattern("audit_head_of_brand", "How far is this brand's chain?", "audit_head", "get", "outbox, audit, verify"),
    Pattern("audit_place_of_record", "Is this record in the chain, and where?", "audit_place", "get",
            "outbox, desk, verify"),
    Pattern("answer_by_key", "Was this write made before?", "idempotency", "get", "portal"),
)

# fmt: on


class Key(NamedTuple):
    pk: str
    sk: str

    def item(self) -> dict[str, str]:
        """As the key attributes of a plain item."""
        return {PK: self.pk, SK: self.sk}


def escape(value: object) -> str:
    """A value as it may stand in a key: the separator cannot be smuggled in."""
    text = str(value)
    return text.replace("%", "%25").replace("#", "%23") if "#" in text or "%" in text else text


def unescape(text: str) -> str:
    """The value back from a part of a key."""
    return text.replace("%23", "#").replace("%25", "%")


def parts(key: str) -> list[str]:
    """The values of a key, unescaped, constant words included."""
    return [unescape(part) for part in key.split("#")]


def key(item: str, **values: object) -> Key:
    """The primary key of an item: `key("link", code="Ab12Cd34")`. A missing value raises KeyError."""
    kind = ITEMS[item]
    safe = {name: escape(value) for name, value in values.items()}
    return Key(kind.pk.format_map(safe), kind.sk.format_map(safe))


def partition(item: str, **values: object) -> str:
    """The partition key alone, for a query."""
    return ITEMS[item].pk.format_map({name: escape(value) for name, value in values.items()})


def owner_key(item: str, **values: object) -> dict[str, str]:
    """The attributes that place an item in the `by_owner` index."""
    kind = ITEMS[item]
    safe = {name: escape(value) for name, value in values.items()}
    return {OWNER_PK: kind.owner_pk.format_map(safe), OWNER_SK: kind.owner_sk.format_map(safe)}


def owner_partition(item: str, **values: object) -> str:
    """The partition of the `by_owner` index that lists this kind of item."""
    return ITEMS[item].owner_pk.format_map({name: escape(value) for name, value in values.items()})


def prefix(item: str, **values: object) -> str:
    """The constant beginning of an item's sort key, up to the first value that is not given."""
    text = ""
    for part in ITEMS[item].sk.split("#"):
        name = part.strip("{}")
        if part.startswith("{") and name not in values:
            return text
        text += (escape(values[name]) if part.startswith("{") else part) + "#"
    return text.removesuffix("#")
