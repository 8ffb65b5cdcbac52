"""AWS's rules, restored. One module per service; each `apply` is called once, before serving."""

from pathlib import Path


def apply(state_dir: Path) -> None:
    from . import gateway, lambda_workers, mailbox, step_functions, streams

    lambda_workers.apply(state_dir)
    streams.apply()
    gateway.apply()
    mailbox.apply(state_dir / "mails")
    step_functions.apply(state_dir / "clock")


def stop_workers() -> None:
    """End every process that runs a function."""
    from ministack.core import lambda_runtime

    lambda_runtime.reset()
