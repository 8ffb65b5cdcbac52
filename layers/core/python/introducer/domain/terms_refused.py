"""Why terms of a deal cannot be: an English sentence for programs, and for people a place and what to do there.

What people are told is a message of the catalogues with typed values, in the words of the form in which terms are
written; the messages stand here, beside one another.
"""

from __future__ import annotations

from typing import Any

from introducer.domain.describe import N_, Plural, Sentence
from introducer.domain.errors import Invalid

NOT_HERE = N_("This does not fit here.")
_WRONG = Sentence(NOT_HERE)


class TermsRefused(Invalid):
    """Terms that cannot be."""

    code = "invalid_deal"

    def __init__(
        self, detail: str, *, advice: Sentence = _WRONG, place: str = "", code: str | None = None, **facts: Any
    ) -> None:
        super().__init__(detail, code=code, **facts)
        self.place = place
        """Such as `rules[0].tiers.bands[1].from`; empty where it is about no part of them alone."""
        self.advice = advice


# ------------------------------------------------------------------------------------------------- of any single field

FILL_IN = N_("Fill this in.")
NO_FIELD = N_("There is no such field: take it out.")
CHOOSE = N_("Choose what fits here.")
LIKE = N_("Write it like %(wanted)s")
AN_AMOUNT = N_("Write an amount, such as 500.00.")
A_CURRENCY = N_("Write the three capital letters of a currency, such as EUR.")
COUNTRIES = N_("Write the two capital letters of each country, such as DE, AT.")
MORE_THAN_NOTHING = N_("Write more than 0.")
NO_MINUS = N_("Write it without a minus.")
BETWEEN = N_("Write a number from %(least)s to %(most)s.")
A_PERCENTAGE = N_("Write more than 0 and at most 100.")
TOO_FINE = N_("This is finer than can be kept: write fewer decimals.")
FEWER_DECIMALS = Plural(
    "Amounts in %(currency)s have at most %(num)s decimal.", "Amounts in %(currency)s have at most %(num)s decimals."
)
A_NAME = N_("Write at most 24 small letters from a to z, digits and _, beginning with a letter.")
NO_SUCH_DAY = N_("There is no such day.")
ENDS_FIRST = N_("It ends before it starts: choose a later last day.")
TOO_LONG = Plural(
    "It lasts at most %(num)s day: choose an earlier last day.",
    "It lasts at most %(num)s days: choose an earlier last day.",
)

# ----------------------------------------------------------------------------------------------------- of a whole list

ADD_A_RULE = N_("Add at least one rule.")
ADD_A_PRICE = N_("Add at least one price.")
ADD_A_BAND = N_("Add at least one band.")
ADD_A_LEVEL = N_("Add at least one level.")
ADD_A_SYMBOL = N_("Name at least one symbol.")
ADD_A_PART = N_("Write how often it counts, for at least one of these.")
KEEP_ONE = N_("There is such an entry already: keep one of them.")
OTHERS_TWICE = N_("Two prices are for all others: keep one of them.")
IN_TWO_PRICES = N_("In another price already: %(names)s. Keep one of them.")

# ----------------------------------------------------------------------------------------------- of rules to each other

OTHER_NAME = N_("Another rule has this short name: give each its own.")
NO_DAY_OF_ITS_OWN = N_("Rule “%(number)s. %(rule)s” has no such day: choose the end of the month.")
NOBODY_QUALIFIES = N_("No CPA rule of these terms says who qualifies: add one, or count something else.")
SAME_GOAL = N_("Rule %(number)s pays for the same goal: keep one of them.")
WAS_ANOTHER_RULE = N_(
    "In version %(version)s this was the short name of a rule of another kind (%(rule)s): choose another."
)
WAS_ANOTHER_GOAL = N_(
    "In version %(version)s the goal from %(first)s to %(last)s had this short name: write another one."
)
WAS_A_MONTHLY_GOAL = N_("In version %(version)s a goal of every month had this short name: write another one.")

# ------------------------------------------------------------------------------------------------- of one rule

DEPOSITS_AND_HOURS = N_("Deposits and hours go together: fill in both, or neither.")
TRADING_ENDS = N_("Trading is counted up to some day: write within how many days of registering.")
CLIENTS_OR_MONEY = N_("Write how many clients, or how much money: one of the two.")
MONEY_BY_THE_MONTH = N_("Money is limited by the month: choose a month.")
LIMIT_OF_WHAT_IS_CARRIED = N_("A limit and “Carried over, to a limit” go together: fill in both, or neither.")
TAKEN_TOGETHER = N_("This is for clients who are taken together: tick that they are, or leave this empty.")
PRICED_BY_CLIENTS = N_(
    "Here a band prices what lies in it only where tiers go by qualified clients: choose those, or the whole month."
)
PRICED_BY_REVENUE = N_(
    "Here a band prices what lies in it only where tiers go by net revenue: choose that, or the whole month."
)
PRICED_BY_LOTS = N_("Here a band prices what lies in it only where tiers go by lots: choose those, or the whole month.")
NOBODY_LEFT_OUT = N_(
    "Where a band prices what lies in it, nobody can be left out: leave this empty, or let it price the whole month."
)
NO_PERCENT_OF_LOTS = N_(
    "Lots have different prices: write an amount more for each, or let the band price the whole month."
)
MORE_OF_ONE = N_("Write an amount or a percentage more: one of the two.")
BANDS_RISE = N_("Begin above the band before it.")
SYMBOLS_OR_GROUP = N_("Write symbols or a group of them, not both.")
NO_SUCH_GROUP = N_("These terms have no group of symbols with this name: add it, or write the symbols themselves.")
DAYS_COUNT_CLIENTS = N_(
    "On days of its own a goal counts first deposits or qualified clients: choose those, or leave the days empty."
)
AMOUNT_FOR_EACH = N_("For qualified clients, write an amount for each, not a percentage.")
PERCENTAGE_OF_MONEY = N_("Of earnings or net revenue, write a percentage, not an amount.")
OF_WHAT = N_("Kinds of earnings; or net revenue alone; or qualified clients alone.")

# -------------------------------------------------------------------------------------------- of when they would begin

A_DAY_TO_COME = N_("Choose a day to come: terms begin at midnight UTC, after they are accepted.")
NOT_BEFORE = N_("Version %(version)s begins on %(day)s: choose that day or a later one.")
WITH_A_MONTH = N_(
    "These terms look at whole months of all clients, which the version before did not: choose the first of a month,"
    " such as %(day)s."
)
GOAL_OPENS_BEFORE = N_(
    "The days of a goal begin on %(opens)s, before these terms do on %(begins)s: let the goal begin later, or the terms"
    " earlier."
)
GOAL_DROPPED = N_(
    "The goal from %(first)s to %(last)s was accepted with version %(version)s: keep the goal (%(goal)s) and the"
    " currency as they are, or let these terms begin after %(first)s."
)
GOAL_NOT_COUNTED = N_(
    "A goal (%(goal)s) counts qualified clients until %(last)s: keep a CPA rule, which says who qualifies, or let these"
    " terms begin after %(last)s."
)
