"""A deployed stack: where its parts are, and clients that reach them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping as Dict
from dataclasses import asdict, dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from .clock import Clock

if TYPE_CHECKING:
    import httpx

ACCOUNT = "000000000000"
REGION = "us-east-1"
_SECONDS_TO_SETTLE = 60


@dataclass
class Function:
    """A deployed function: its real name, and the folders its code comes from."""

    name: str
    sources: list[str]


@dataclass
class Stack:
    """What `LocalCloud.deploy` made. `outputs` and the names of functions are the template's."""

    endpoint: str
    """The address of every AWS service, for AWS_ENDPOINT_URL."""
    portal_url: str
    """The HTTP API under a plain address that needs no name resolution. What browsers and tests use."""
    outputs: dict[str, str]
    functions: dict[str, Function]
    state_dir: Path
    clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def api_url(self) -> str:
        """The HTTP API under a host name like AWS's; not every machine resolves it. Prefer `portal_url`."""
        port = self.endpoint.rsplit(":", 1)[1]
        return f"http://{self.outputs['ApiId']}.execute-api.localhost:{port}"

    @cached_property
    def clock(self) -> Clock:
        return Clock(self.state_dir / "clock")

    @property
    def environment(self) -> dict[str, str]:
        """The AWS_* variables that point any AWS client at this cloud. The credentials are worth nothing."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_RETRY_MODE": "standard",
        }

    def client(self, service: str) -> Any:
        """A boto3 client of this cloud; the same one each time, safe to share between threads."""
        if service not in self.clients:
            session = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="local", region_name=REGION)
            self.clients[service] = session.client(
                service,
                endpoint_url=self.endpoint,
                config=Config(
                    retries={"mode": "standard", "max_attempts": 3},
                    connect_timeout=2,
                    read_timeout=60,
                    max_pool_connections=32,
                    ignore_configured_endpoint_urls=True,
                ),
            )
        return self.clients[service]

    def http(self, **options: Any) -> httpx.Client:
        """A client of the HTTP API that follows no redirects: `stack.http().get("/c/Ab12Cd34")`."""
        import httpx

        # Environment proxies have no business on loopback.
        settings: dict[str, Any] = {"base_url": self.portal_url, "timeout": 30, "trust_env": False}
        return httpx.Client(**(settings | options))

    def function_environment(self, function: str) -> dict[str, str]:
        """The environment that a function has, so that a test can load its handler in process."""
        found = self.client("lambda").get_function_configuration(FunctionName=self.functions[function].name)
        variables: dict[str, str] = found["Environment"]["Variables"]
        return {**self.environment, **variables, "AWS_LAMBDA_FUNCTION_NAME": found["FunctionName"]}

    def invoke(self, function: str, event: Dict[str, Any]) -> Any:
        """Invoke a function and return its answer; RuntimeError with its error's type and text."""
        answer = self.client("lambda").invoke(
            FunctionName=self.functions[function].name, Payload=json.dumps(event).encode()
        )
        payload = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            raise RuntimeError(f"{function}: {payload.get('errorType')}: {payload.get('errorMessage')}")
        return payload

    def mapping(self, function: str) -> Mapping:
        """The event source mapping (stream or queue) of a function."""
        return Mapping(self, function)

    def mails(self) -> list[EmailMessage]:
        """Every mail that SES took, in order, with all its headers and parts."""
        found = sorted((self.state_dir / "mails").glob("*.eml"))
        return [message_from_bytes(path.read_bytes(), policy=default) for path in found]

    def set_mail_rate(self, per_second: int | None) -> None:
        """How many mails a second SES takes from now on; None: as many as come."""
        place = self.state_dir / "mail_rate"
        if per_second is None:
            place.unlink(missing_ok=True)
        else:
            place.write_text(str(per_second))

    def log(self, function: str) -> Path:
        """The file with everything the function wrote."""
        return self.state_dir / "logs" / f"{self.functions[function].name}.log"

    # A stack is kept beside the cloud, so that other commands find it.

    def save(self) -> None:
        kept = {
            "endpoint": self.endpoint,
            "portal_url": self.portal_url,
            "api_url": self.api_url,
            "outputs": self.outputs,
            "functions": {name: asdict(function) for name, function in self.functions.items()},
        }
        draft = self.state_dir / "stack.json.new"
        draft.write_text(json.dumps(kept, indent=2))
        draft.replace(self.state_dir / "stack.json")

    @classmethod
    def load(cls, state_dir: Path) -> Stack | None:
        try:
            kept = json.loads((state_dir / "stack.json").read_text())
        except FileNotFoundError:
            return None
        functions = {name: Function(**function) for name, function in kept["functions"].items()}
        return cls(kept["endpoint"], kept["portal_url"], kept["outputs"], functions, state_dir)


class Mapping:
    """One event source mapping. Disable it, write, enable it: the records arrive in full batches."""

    def __init__(self, stack: Stack, function: str) -> None:
        self._lambda = stack.client("lambda")
        found = self._lambda.list_event_source_mappings(FunctionName=stack.functions[function].name)
        (mapping,) = found["EventSourceMappings"]
        self.uuid: str = mapping["UUID"]

    @property
    def state(self) -> str:
        """Enabled, Disabling (a batch is still being worked on) or Disabled."""
        state: str = self._lambda.get_event_source_mapping(UUID=self.uuid)["State"]
        return state

    def disable(self) -> None:
        """Stop delivering; returns once no batch is under way."""
        self._lambda.update_event_source_mapping(UUID=self.uuid, Enabled=False)
        deadline = time.monotonic() + _SECONDS_TO_SETTLE
        while (state := self.state) != "Disabled":
            if time.monotonic() > deadline:
                raise TimeoutError(f"mapping {self.uuid} is still {state}")
            time.sleep(0.02)

    def enable(self) -> None:
        self._lambda.update_event_source_mapping(UUID=self.uuid, Enabled=True)

    def update(self, **settings: Any) -> None:
        """Change settings by their API names, such as `BatchSize=10`."""
        self._lambda.update_event_source_mapping(UUID=self.uuid, **settings)
