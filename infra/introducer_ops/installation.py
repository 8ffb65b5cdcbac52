"""Where an installation is: the local cloud that runs here, or a CloudFormation stack in AWS.

with find(state_dir, stack).account() as place:     # stores and gateways that are made now speak to it
    Configuration(place.output("BooksTableName"))
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from introducer_ops.localcloud.process import ROOT

if TYPE_CHECKING:
    from introducer_ops.localcloud import Stack

STATE_DIR = ROOT / ".local"

StateDirOption = Annotated[
    Path, typer.Option(envvar="INTRODUCER_STATE_DIR", help="State directory of the running local cloud.")
]
StackOption = Annotated[
    str,
    typer.Option(envvar="INTRODUCER_STACK", help="A CloudFormation stack in AWS, in place of the local cloud."),
]


class NotFoundHere(RuntimeError):
    """There is no installation to look at, in words for whoever asked."""


@dataclass(frozen=True)
class Place:
    """A deployed installation. `outputs` are the template's; `parameters` only those that AWS tells."""

    name: str
    """As a sentence names it: `the stack introducer`."""
    outputs: Mapping[str, str]
    url: str
    """The HTTP API's own address, without a slash at its end. It answers before the brand's domain leads there."""
    now: Callable[[], datetime]
    client: Callable[[str], Any]
    """The AWS client of a service, by its name."""
    is_local: bool
    environment: Mapping[str, str] = field(default_factory=dict)
    """AWS_* variables that lead there; none where this process's own do."""
    parameters: Mapping[str, str] = field(default_factory=dict)

    def output(self, name: str) -> str:
        """An output of the template. Raises `NotFoundHere` when the stack is another's."""
        if name not in self.outputs:
            raise NotFoundHere(f"{self.name[0].upper()}{self.name[1:]} has no output {name}: it is not Introducer's.")
        return self.outputs[name]

    @contextmanager
    def account(self) -> Iterator[Place]:
        """This process's AWS variables point there meanwhile."""
        from introducer.store.items import forget_connections

        before = {name: os.environ.get(name) for name in self.environment}
        os.environ.update(self.environment)
        forget_connections()
        try:
            yield self
        finally:
            forget_connections()
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def find(state_dir: Path, stack: str) -> Place:
    """The stack in AWS if one is named, else the local cloud. Raises `NotFoundHere`."""
    return find_in_aws(stack) if stack else find_locally(state_dir)


def find_locally(state_dir: Path) -> Place:
    """The local cloud that runs with this state directory. Raises `NotFoundHere`."""
    return place_of(attach(state_dir))


def attach(state_dir: Path) -> Stack:
    """The stack of the local cloud that runs with this state directory. Raises `NotFoundHere`."""
    from introducer_ops.localcloud import LocalCloud

    attached = LocalCloud.attach(state_dir)
    if attached is None:
        raise NotFoundHere(f"No local cloud runs with {state_dir}: `introducer up` starts one; --stack looks into AWS.")
    return attached[1]


def place_of(stack: Stack) -> Place:
    """A stack of the local cloud as a place."""
    return Place(
        name="the local cloud",
        outputs=stack.outputs,
        url=stack.portal_url.rstrip("/"),
        now=stack.clock.now,
        client=stack.client,
        is_local=True,
        environment=stack.environment,
    )


def find_in_aws(stack: str) -> Place:
    """A CloudFormation stack, with the credentials and region of the environment. Raises `NotFoundHere`."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        (found,) = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise NotFoundHere(f"The stack {stack} could not be read: {error}") from error
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())}
    return Place(
        name=f"the stack {stack}",
        outputs=outputs,
        url=outputs.get("PortalUrl", "").rstrip("/"),
        now=lambda: datetime.now(UTC),
        client=boto3.client,
        is_local=False,
        parameters={each["ParameterKey"]: each.get("ParameterValue", "") for each in found.get("Parameters", ())},
    )
