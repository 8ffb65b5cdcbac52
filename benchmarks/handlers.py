"""What `benchmarks.runtime` lets Lambda's own runtime client run: the redirect, the redirect on boto3, and nothing.

The event `{"told": true}` is answered with the CPU time that the process has used so far, in nanoseconds.
"""

from __future__ import annotations

import os
import time
from typing import Any

_ANSWER = {"statusCode": 302, "headers": {"Location": "https://www.broker.example/"}, "cookies": [], "body": ""}


def empty(event: dict[str, Any], context: object) -> object:
    return time.process_time_ns() if "told" in event else _ANSWER


if client := os.environ.get("BENCH_CLIENT"):
    import app

    if client == "boto3":
        from benchmarks.boto3_client import Boto3

        app._prepared()[0].aws = Boto3()

    def redirect(event: dict[str, Any], context: object) -> object:
        return time.process_time_ns() if "told" in event else app.handler(event, context)
