"""The redirect's signatures are those of botocore's own signer, whatever is signed."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.functions import load

SERVICES = {
    "dynamodb": ("DynamoDB_20120810.PutItem", "DynamoDB_20120810.GetItem"),
    "sqs": ("AmazonSQS.SendMessage",),
    "secretsmanager": ("secretsmanager.GetSecretValue",),
}
REGIONS = ("us-east-1", "eu-central-1", "ap-southeast-5", "cn-north-1", "us-gov-west-1")
CONTENT_TYPES = ("application/x-amz-json-1.0", "application/x-amz-json-1.1")
ODD = 'aZ09 /+=%&?#"\\\r\n\t\0éß→日本語🙂\u202e'
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

signing = load("redirect", "signing")


@pytest.mark.parametrize("seed", range(6))
def test_every_signature_is_the_one_that_botocore_makes(seed: int) -> None:
    # given signers that live on while credentials, days and operations change
    chance = random.Random(seed)
    signers = [_a_signer(chance) for _ in range(4)]
    whoever = [_credentials(chance) for _ in range(3)]
    moments = [chance.randrange(2**32) for _ in range(4)]
    for number in range(500):
        service, region, host, path, content_type, signer = chance.choice(signers)
        who = chance.choice(whoever)
        # Most requests follow each other within a day; some are of another year, or a second before or after midnight.
        at = chance.choice(moments) + chance.choice((0, 1, number, 86_399, -1))
        at = max(0, at if chance.random() < 0.8 else at // 86_400 * 86_400 + chance.choice((-1, 0, 1)))
        target = chance.choice(SERVICES[service])
        body = _body(chance)
        # when a request is made
        made = signer.request(target, body, who, at)
        # then it is HTTP, with the signature that botocore gives to these headers and this body
        head, _, sent = made.partition(b"\r\n\r\n")
        line, *lines = head.decode("ascii").split("\r\n")
        headers = dict(each.split(": ", 1) for each in lines)
        assert (line, sent) == (f"POST {path} HTTP/1.1", body)
        assert headers["Host"] == host
        assert headers["Content-Length"] == str(len(body))
        assert headers == _signed_by_botocore(
            f"http://{host}{path}", content_type, target, body, who, at, service, region
        ) | {
            "Host": host,
            "Content-Length": str(len(body)),
        }, f"request {number} of seed {seed}"


def _a_signer(chance: random.Random) -> tuple[str, str, str, str, str, Any]:
    service, region = chance.choice(list(SERVICES)), chance.choice(REGIONS)
    host = chance.choice((f"{service}.{region}.amazonaws.com", "127.0.0.1:4566", "[::1]:4566", "localhost"))
    path = chance.choice(("/", "/", "/", "/redirect", "/a%20b/~c+d=e/"))
    content_type = chance.choice(CONTENT_TYPES)
    return service, region, host, path, content_type, signing.Signer(service, region, host, path, content_type)


def _credentials(chance: random.Random) -> Any:
    def some(least: int, most: int) -> str:
        return "".join(chance.choices(BASE64, k=chance.randint(least, most)))

    return signing.Credentials(some(16, 24), some(1, 64), some(300, 1500) if chance.random() < 0.7 else "")


def _body(chance: random.Random) -> bytes:
    kind = chance.randrange(4)
    if kind == 0:
        return b""
    if kind == 1:
        return chance.randbytes(chance.randrange(2000))
    return "".join(chance.choices(ODD, k=chance.randrange(300))).encode()


def _signed_by_botocore(
    url: str, content_type: str, target: str, body: bytes, who: Any, at: int, service: str, region: str
) -> dict[str, str]:
    request = AWSRequest("POST", url, headers={"Content-Type": content_type, "X-Amz-Target": target}, data=body)
    with patch("botocore.auth.get_current_datetime", lambda: datetime.fromtimestamp(at, UTC)):
        SigV4Auth(Credentials(who.access_key, who.secret, who.token or None), service, region).add_auth(request)
    return dict(request.headers.items())
