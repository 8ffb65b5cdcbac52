"""The emulator's process: start it, find it, stop it, leave nothing behind."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .deploying import deploy
from .stack import Stack

ROOT = Path(__file__).resolve().parents[3]
_SECONDS_TO_START = 30
_SECONDS_TO_STOP = 15

Log = Callable[[str], None]


class CloudError(RuntimeError):
    """The emulator did not start, or is not there."""


@dataclass
class LocalCloud:
    """A running emulator. `port` serves every AWS service, `portal_port` the stack's HTTP API alone."""

    state_dir: Path
    pid: int
    port: int
    portal_port: int
    log: Log = field(default=lambda line: None, repr=False)
    process: subprocess.Popen[str] | None = field(default=None, repr=False)
    """Ours, when this object started it."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def portal_url(self) -> str:
        return f"http://127.0.0.1:{self.portal_port}"

    @classmethod
    def start(
        cls,
        state_dir: Path = ROOT / ".local",
        port: int = 0,
        portal_port: int = 0,
        keep: bool = False,
        log: Log | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> LocalCloud:
        """Start an emulator and return when it answers.

        It lives as long as this process at most. `keep` keeps tables, queues, users and secrets in the state
        directory over a graceful stop; a kept cloud comes back under its old ports, because addresses of
        queues name them. `log` gets each line that a function or the cloud has for a person. `settings` are
        environment variables of the emulator (AUTH=false lets functions do what their roles do not allow).
        """
        state_dir = state_dir.resolve()
        if running := cls.running(state_dir):
            raise CloudError(f"a local cloud runs already in {state_dir} (process {running.pid}); `introducer down`")
        python = ROOT / ".venv-cloud" / "bin" / "python"
        if not python.exists():
            raise CloudError(f"the local cloud's environment {python.parent.parent} is missing: run `make install`")
        if keep:
            kept = _read(state_dir / "cloud.json")
            port, portal_port = port or kept.get("port", 0), portal_port or kept.get("portal_port", 0)
        else:
            forget(state_dir)
        (state_dir / "logs").mkdir(parents=True, exist_ok=True)
        command = [
            str(python),
            "-m",
            "launcher",
            "--state-dir",
            str(state_dir),
            "--worker-python",
            sys.executable,
            "--port",
            str(port),
            "--portal-port",
            str(portal_port),
            *(["--keep"] if keep else []),
        ]
        # No AWS_* of the person's own may reach the emulator, or a function that runs in it.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= {"PYTHONPATH": str(Path(__file__).parent), "PYTHONUNBUFFERED": "1"}
        # The secret that our clients sign with: it verifies forms and links that are signed for a browser.
        environment |= {"AWS_SECRET_ACCESS_KEY": "local", **(settings or {})}
        with (state_dir / "logs" / "cloud.log").open("wb") as errors:
            # A session of its own: Ctrl-C reaches us alone, and we stop it in good order.
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        cloud = cls(state_dir, process.pid, 0, 0, log or (lambda line: None), process)
        atexit.register(cloud.stop)
        cloud._await_ready()
        return cloud

    def _await_ready(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        said: deque[str] = deque(maxlen=50)
        ready = threading.Event()
        stdout = self.process.stdout

        def read() -> None:
            for line in map(str.rstrip, stdout):
                if line.startswith("READY ") and not ready.is_set():
                    ports = json.loads(line.removeprefix("READY "))
                    self.port, self.portal_port = ports["port"], ports["portal_port"]
                    ready.set()
                else:
                    said.append(line)
                    self.log(line)
            ready.set()

        threading.Thread(target=read, name="local-cloud-output", daemon=True).start()
        ready.wait(_SECONDS_TO_START)
        if not self.port:
            self.stop()
            log = self.state_dir / "logs" / "cloud.log"
            tail = log.read_text(errors="replace").splitlines()[-15:]
            raise CloudError("\n".join(["the local cloud did not start:", *said, *tail, f"(more in {log})"]))

    @classmethod
    def attach(cls, state_dir: Path = ROOT / ".local") -> tuple[LocalCloud, Stack] | None:
        """The cloud that runs with this state directory, and the stack in it; None when there is none."""
        state_dir = state_dir.resolve()
        cloud, stack = cls.running(state_dir), Stack.load(state_dir)
        return (cloud, stack) if cloud and stack else None

    @classmethod
    def running(cls, state_dir: Path = ROOT / ".local") -> LocalCloud | None:
        """The cloud that runs with this state directory, whether or not a stack is in it."""
        state_dir = state_dir.resolve()
        kept = _read(state_dir / "cloud.json")
        if not kept or not _is_launcher(kept["pid"]):
            return None
        return cls(state_dir, kept["pid"], kept["port"], kept["portal_port"])

    def deploy(
        self,
        template: Path = ROOT / "template.yaml",
        parameters: Mapping[str, str] | None = None,
        check: bool = False,
    ) -> Stack:
        """Create the stack, or update it to the template as it is now.

        `check` runs cfn-lint over the translated template first (two seconds; it finds what the emulator
        swallows: a dangling reference, a cycle, an unknown property). DeployError names the resource.
        """
        stack = deploy(self, template.resolve(), dict(parameters or {}), check)
        stack.save()
        return stack

    @property
    def alive(self) -> bool:
        return self.process.poll() is None if self.process else _is_launcher(self.pid)

    def stop(self) -> None:
        """Stop in good order: state is kept if asked, workers end. After 15 seconds, by force. Idempotent."""
        atexit.unregister(self.stop)
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            deadline = time.monotonic() + _SECONDS_TO_STOP
            while self.alive and time.monotonic() < deadline:
                time.sleep(0.05)
        if self.alive:
            # The launcher leads a session of its own, so this takes its workers along.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        if _read(self.state_dir / "cloud.json").get("pid") == self.pid:
            self._note_stopped()

    def _note_stopped(self) -> None:
        """Keep the ports, for a cloud that comes back; the process is no more."""
        note = {"pid": 0, "port": self.port, "portal_port": self.portal_port}
        (self.state_dir / "cloud.json").write_text(json.dumps(note))

    def __enter__(self) -> LocalCloud:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def forget(state_dir: Path) -> None:
    """Remove what a cloud left in its state directory."""
    for name in ("cloud.json", "stack.json", "clock", "mail_rate", "logins.json"):
        (state_dir / name).unlink(missing_ok=True)
    for name in ("services", "objects", "logs", "mails"):
        shutil.rmtree(state_dir / name, ignore_errors=True)


def port_or_any(preferred: int) -> int:
    """This port of 127.0.0.1 when it is free, else 0: a free one is taken then."""
    try:
        socket.create_server(("127.0.0.1", preferred)).close()
    except OSError:
        return 0
    return preferred


def _read(path: Path) -> dict[str, int]:
    try:
        kept: dict[str, int] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return kept


def _is_launcher(pid: int) -> bool:
    """Whether this process is one of ours, and not another one that got the id of one that died."""
    if pid <= 0:
        return False
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        ps = ["ps", "-ww", "-o", "command=", "-p", str(pid)]  # no /proc on macOS
        command = subprocess.run(ps, capture_output=True, text=True, check=False).stdout
    return " -m launcher --state-dir" in command
