"""Shared account: another partner of the brand is paid to the same account, or was.

One person behind two partners gets round what is paid once, and earns on itself. An agency with two partners does the
same openly: whoever knows that clears it once, and it stays cleared.
"""

from __future__ import annotations

from collections.abc import Mapping

from introducer.domain.calendar import day_at
from introducer.domain.fraud.crowds import in_question
from introducer.domain.fraud.finding import N_, Cluster, Detector, Evidence, Finding, Moment, Number
from introducer.domain.fraud.seen import Seen

NAME = "shared_account"


def find(seen: Seen, parameters: Mapping[str, Number]) -> tuple[Finding, ...]:
    """That the account is shared. Nobody says since when: once cleared, it is no question any more. After a verdict
    against the partner it stays one, of the clients who came since."""
    others = sorted(set(seen.account_partners) - {seen.partner})
    if len(others) < parameters["partners"] or seen.since(NAME):
        return ()
    judged = seen.judged.get(NAME, "")
    since = [trace.client for trace in in_question(seen) if day_at(trace.registered) > judged] if judged else []
    if judged and not since:
        return ()
    day = day_at(seen.at)
    return (
        Finding(
            detector=NAME,
            clients=tuple(sorted(since)),
            first=day,
            through=day,
            measured=len(others),
            threshold=parameters["partners"],
            values={"partners": str(len(others)), "others": ", ".join(others), "first": day},
            evidence=Evidence(
                clusters=(Cluster("account", "account 1", (), len(others) + 1),),
                timeline=(Moment(seen.at, "", "profile"),),
            ),
        ),
    )


DETECTOR = Detector(
    name=NAME,
    inputs=("account_partners",),
    parameters={"partners": 1},
    meaning={"partners": "so many other partners of the brand at least are paid to the same account, or were"},
    staff=N_("Other partners of the brand are paid to the same account: {others}."),
    partner=N_("The account that you are paid to is also another partner's. We look at whose it is."),
    find=find,
)
