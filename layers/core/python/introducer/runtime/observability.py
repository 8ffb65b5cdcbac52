"""Logs and metrics: set up once per process, JSON, and free of personal data by construction.

A log line carries ids (`brand`, `partner`, `client`, `event`, `journal` …), codes and counts. A key that is not listed
here does not get out, and of an exception only its type, its causes' types and where it happened: its message may
quote what somebody sent. On the local stage, where the developer looks, the message and trace stay.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import MetricUnit

from introducer.runtime.settings import settings

_IDS = "brand partner client event journal link campaign click source run payout case member deal mail"
_CODES = "code status reason rule month day function request method route batch shard"
_COUNTS = "accepted duplicate quarantined refused failed applied skipped posted conflicts records seconds milliseconds"
_OF_THE_LOGGER = "level location message timestamp service xray_trace_id exception_name stack_trace detail"
ALLOWED = frozenset(f"{_IDS} {_CODES} {_COUNTS} {_OF_THE_LOGGER}".split())
"""The keys of a log line. `detail` is a sentence of our own error tree."""


class SafeFormatter(LambdaPowertoolsFormatter):
    """Writes the allowed keys, and names the others without their values."""

    def serialize(self, log: Any) -> str:
        trace = log.get("stack_trace")
        if not settings.is_local:
            if isinstance(trace, dict):
                log = {**log, "stack_trace": {**trace, "value": _types(trace.get("value"))}}
            log.pop("exception", None)
            log.pop("exception_notes", None)
            refused = sorted(log.keys() - ALLOWED)
            if refused:
                log = {name: value for name, value in log.items() if name in ALLOWED} | {"left_out": refused}
        return str(super().serialize(log))


@cache
def logger() -> Logger:
    """This process's logger."""
    return Logger(
        service=settings.service_name,
        level=settings.log_level,
        logger_formatter=SafeFormatter(utc=True, use_rfc3339=True),
    )


@cache
def metrics() -> Metrics:
    """This process's metrics, in CloudWatch's embedded format. Call `publish` at the end of an invocation."""
    return Metrics(namespace=settings.metrics_namespace, service=settings.service_name)


def count(name: str, number: int = 1) -> None:
    """Add to a metric of this invocation; zero adds nothing."""
    if number:
        metrics().add_metric(name=name, unit=MetricUnit.Count, value=number)


def publish() -> None:
    """Write the metrics counted since the last time, if there are any."""
    if metrics().metric_set:
        metrics().flush_metrics()


def _types(error: object) -> list[str]:
    """The types of an exception and what caused it; of AWS's errors also their code, which is AWS's word."""
    chain: list[str] = []
    while isinstance(error, BaseException) and len(chain) < 8:
        response = getattr(error, "response", None)
        code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
        chain.append(f"{type(error).__name__}:{code}" if code else type(error).__name__)
        error = error.__cause__ or error.__context__
    return chain
