"""Lambda: workers that answer at once, follow their sources, log where people look, and stay few."""

from __future__ import annotations

import json
import os
import socketserver
import threading
import time
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

_LOOK_AT_SOURCES_EVERY = 0.5
_LEVELS = ("WARNING", "WARN", "ERROR", "CRITICAL", "FATAL")
_MOST_WORKERS = int(os.environ.get("INTRODUCER_WORKERS", 2 * (os.cpu_count() or 1)))


def apply(state_dir: Path) -> None:
    _be_quick()
    _follow_sources(_Sources(state_dir))
    _show_output(_Output(state_dir / "logs"))
    _stay_few()


def _be_quick() -> None:
    """AWS's runtime API answers in a fraction of a millisecond. Here Nagle's algorithm held each answer for
    44 ms, and the wait for a log line that may still come took another 50: our lines go to their file as they
    come."""
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True
    drain = lambda_runtime.Worker._drain_stderr_bounded
    drain.__defaults__ = (0.0005, 0.0005, 0.01)


class _Sources:
    """When the code of a function changed last. Deploying writes which folders that is."""

    def __init__(self, state_dir: Path) -> None:
        self._stack = state_dir / "stack.json"
        self._read = 0.0
        self._folders: dict[str, list[str]] = {}
        self._stamps: dict[str, tuple[float, tuple[int, int]]] = {}
        self._lock = threading.Lock()

    def stamp(self, function: str) -> tuple[int, int]:
        """Changes when a file of the function, or of a layer of ours, was written, added or removed."""
        with self._lock:
            looked, stamp = self._stamps.get(function, (0.0, (0, 0)))
            now = time.monotonic()
            if now - looked > _LOOK_AT_SOURCES_EVERY:
                stamp = self._look(self._of(function))
                self._stamps[function] = (now, stamp)
            return stamp

    def _of(self, function: str) -> list[str]:
        try:
            written = self._stack.stat().st_mtime
        except FileNotFoundError:
            return []
        if written != self._read:
            deployed = json.loads(self._stack.read_text())["functions"].values()
            self._folders = {one["name"]: one["sources"] for one in deployed}
            self._read = written
        return self._folders.get(function, [])

    @staticmethod
    def _look(folders: list[str]) -> tuple[int, int]:
        newest = count = 0
        for folder in folders:
            for path, inner, files in os.walk(folder):
                inner[:] = [name for name in inner if name != "__pycache__" and not name.endswith(".egg-info")]
                count += len(files)
                newest = max([newest, *(_changed(f"{path}/{name}") for name in files)])
        return newest, count


def _changed(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except FileNotFoundError:
        return 0  # an editor's passing file


def _follow_sources(sources: _Sources) -> None:
    """A worker whose code has changed is started anew before its next invocation: edits are live."""
    invoke = lambda_runtime.ProvidedWorker.invoke

    def fresh(worker: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
        stamp = sources.stamp(worker.func_name)
        if worker._proc is not None and worker.__dict__.get("_stamp", stamp) != stamp:
            print(f"{worker.func_name}: the code has changed, starting it anew", flush=True)
            worker._teardown()
        worker._stamp = stamp
        result: dict[str, Any] = invoke(worker, *arguments, **options)
        return result

    lambda_runtime.ProvidedWorker.invoke = fresh


class _Output:
    """Everything a function writes goes to its file; what a person should see goes to our output too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Any] = {}
        self._lock = threading.Lock()

    def take(self, function: str, line: str) -> None:
        # AWS's client writes a traceback as one line with carriage returns in it.
        lines = line.split("\r")
        with self._lock:
            if function not in self._files:
                self._files[function] = (self._folder / f"{function}.log").open("a", buffering=1)
            self._files[function].writelines(f"{one}\n" for one in lines)
            for one in filter(_matters, lines):
                print(f"{function}: {one}", flush=True)


def _matters(line: str) -> bool:
    """Warnings and errors, and whatever is not a log record: a traceback, a print left in the code."""
    if not line.startswith("{"):
        # The client's advice about runtime updates does not concern anybody here.
        return bool(line.strip()) and "LAMBDA_WARNING" not in line
    try:
        record = json.loads(line)
    except ValueError:
        return True
    # A record without a level is a metric (embedded metric format).
    return str(record.get("level", "INFO")).upper() in _LEVELS


def _show_output(output: _Output) -> None:
    pump = lambda_runtime.ProvidedWorker._pump_output

    def told(worker: Any, stream: Any, log_queue: Any) -> None:
        pump(worker, _Tee(stream, worker.func_name, output), log_queue)

    lambda_runtime.ProvidedWorker._pump_output = told


class _Tee:
    """A worker's output as ministack reads it, shown to us on the way."""

    def __init__(self, stream: Any, function: str, output: _Output) -> None:
        self._stream, self._function, self._output = stream, function, output

    def readline(self) -> bytes:
        line: bytes = self._stream.readline()
        if line:
            self._output.take(self._function, line.decode("utf-8", "replace").rstrip("\r\n"))
        return line

    def close(self) -> None:
        self._stream.close()


def _stay_few() -> None:
    """AWS gives every concurrent call an environment of its own. Here they would fight for two cores and
    50 MB each: beyond a handful, calls wait for one to be free. (A function that calls itself would wait for
    ever; ours do not.)"""
    slots: dict[str, threading.BoundedSemaphore] = {}
    guard = threading.Lock()
    execute = lambda_svc._execute_function_provided_warm

    def waiting(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        name = (function.get("config") or function)["FunctionName"]
        with guard:
            slot = slots.setdefault(name, threading.BoundedSemaphore(_MOST_WORKERS))
        with slot:
            result: dict[str, Any] = execute(function, event, request_id)
            return result

    lambda_svc._execute_function_provided_warm = waiting
