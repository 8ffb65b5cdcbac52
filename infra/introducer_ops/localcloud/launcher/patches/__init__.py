"""AWS's rules, restored. One module per service; each `apply` is called once, before serving."""

from pathlib import Path


def apply(state_dir: Path) -> None:
    from . import (
        conditions,
        dynamodb,
        gateway,
        lambda_workers,
        mail_events,
        mailbox,
        scheduler,
        step_functions,
        streams,
        user_pool,
    )
    from .clock import Clock

    lambda_workers.apply(state_dir)
    streams.apply()
    gateway.apply()
    conditions.apply()
    user_pool.apply()
    mailbox.apply(state_dir / "mails")
    clock = Clock(state_dir / "clock")
    dynamodb.apply(clock)
    mail_events.apply(state_dir / "mail_rate", clock)
    step_functions.apply(clock)
    scheduler.apply(clock)


def stop_workers() -> None:
    """End every process that runs a function."""
    from ministack.core import lambda_runtime

    lambda_runtime.reset()
