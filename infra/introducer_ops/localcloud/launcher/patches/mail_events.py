"""SES: what becomes of a mail is told to the configuration set's topic, and there is a quota.

Ministack records event destinations and tells them nothing. Here every mail is delivered, but for addresses like those
of SES's own simulator: a mail to an address that begins with `bounce` comes back for good, and one to `complaint…` is
complained of. How many mails a second are taken stands in the file `mail_rate` of the state directory; without it SES's
first quota is told and not enforced.
"""

from __future__ import annotations

import contextvars
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ministack.services import ses_v2, sns

from .clock import Clock

_SENDS = "/outbound-emails"
_FULL = json.dumps({"message": "Maximum sending rate exceeded."}).encode()


def apply(rate: Path, clock: Clock) -> None:
    """Tells what becomes of mails; `rate` is the file with the quota."""
    handle = ses_v2.handle_request
    telling = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail-events")
    taken: list[float] = []

    async def handled(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        quota, place = _quota(rate), path.rstrip("/")
        sends = method == "POST" and place.endswith(_SENDS)
        if sends and quota is not None:
            now = time.monotonic()
            taken[:] = [each for each in taken if now - each < 1]
            if len(taken) >= quota:
                return 429, {"Content-Type": "application/json", "x-amzn-errortype": "TooManyRequestsException"}, _FULL
            taken.append(now)
        status, answered, content = answer = await handle(method, path, headers, body, query)
        if method == "GET" and place.endswith("/account") and quota is not None:
            account = json.loads(content)
            account["SendQuota"]["MaxSendRate"] = float(quota)
            return status, answered, json.dumps(account).encode()
        if sends and status == 200:
            # Beside the request: whoever sent it is told that it was taken at the same time, as on AWS.
            context = contextvars.copy_context()
            telling.submit(context.run, _tell, json.loads(body), json.loads(content)["MessageId"], clock.now())
        return answer

    ses_v2.handle_request = handled


def _quota(rate: Path) -> int | None:
    try:
        return int(rate.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _tell(sent: dict[str, Any], message: str, at: float) -> None:
    name = sent.get("ConfigurationSetName", "")
    found = (ses_v2._config_sets.get(name) or {}).get("EventDestinations") or {}
    for event in _events(sent, message, at):
        kind = str(event["eventType"]).upper()
        for destination in found.values():
            topic = (destination.get("SnsDestination") or {}).get("TopicArn")
            if topic and destination["Enabled"] and kind in destination["MatchingEventTypes"]:
                sns.publish_internal(topic, json.dumps(event))


def _events(sent: dict[str, Any], message: str, at: float) -> Iterator[dict[str, Any]]:
    """What becomes of one mail, in SES's form."""
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    to = sent.get("Destination", {}).get("ToAddresses", [])
    tags = {each["Name"]: [each["Value"]] for each in sent.get("EmailTags", [])}
    mail = {
        "timestamp": moment,
        "source": sent.get("FromEmailAddress", ""),
        "messageId": message,
        "destination": to,
        "tags": tags | {"ses:configuration-set": [sent.get("ConfigurationSetName", "")]},
    }
    if any(each.startswith("bounce") for each in to):
        bounced = [{"emailAddress": each, "action": "failed", "status": "5.1.1"} for each in to]
        bounce = {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": bounced,
            "timestamp": moment,
        }
        yield {"eventType": "Bounce", "mail": mail, "bounce": bounce}
        return
    delivery = {"timestamp": moment, "recipients": to, "smtpResponse": "250 ok", "processingTimeMillis": 7}
    yield {"eventType": "Delivery", "mail": mail, "delivery": delivery}
    if any(each.startswith("complaint") for each in to):
        complained = [{"emailAddress": each} for each in to]
        complaint = {"complainedRecipients": complained, "complaintFeedbackType": "abuse", "timestamp": moment}
        yield {"eventType": "Complaint", "mail": mail, "complaint": complaint}
