"""The `introducer` command. Each module of commands adds its own; a line here per module."""

from importlib import import_module

import typer

MODULES = (
    "introducer_ops.demo.command",  # demo
    "introducer_ops.localcloud.commands",  # up, deploy, down, reset
    "introducer_ops.setup",  # setup brand, campaign, source, login, partner, deal, link, code, attribution, rates
    "introducer_ops.sources",  # source try
    "introducer_ops.source_work",  # source list, show, pull, pause, resume, set, token, secret, file
    "introducer_ops.closing",  # close
    "introducer_ops.replay",  # replay access-log, replay events
    "introducer_ops.recover",  # recover-clicks
    "introducer_ops.explain",  # explain
    "introducer_ops.verify",  # verify
    "introducer_ops.settling",  # settle
    "introducer_ops.audit",  # audit verify, audit mend, audit export
    "introducer_ops.privacy",  # erase client, erase partner, export client, export partner
    "introducer_ops.shots.command",  # shots
    "introducer_ops.generate",  # generate
)
"""Modules with a `register(app)`, in the order in which `introducer --help` shows their commands."""

app = typer.Typer(
    help="Introducer on this machine: the local cloud, the demo world, replay and verify.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals hold secrets and personal data
)

for module in MODULES:
    import_module(module).register(app)
