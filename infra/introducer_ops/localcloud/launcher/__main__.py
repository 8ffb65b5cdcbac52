"""Start the emulator: `python -m launcher --state-dir DIR --worker-python PATH`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path


def _listen(port: int) -> socket.socket:
    """A port of this machine's own; 0 takes any free one, and nobody can take it before we serve."""
    listening = socket.create_server(("127.0.0.1", port), backlog=512)
    listening.set_inheritable(False)
    return listening


def _settings(arguments: argparse.Namespace, port: int) -> dict[str, str]:
    """What ministack reads from the environment, at import."""
    state = Path(arguments.state_dir)
    return {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        # Functions call back here, whatever their environment says.
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        # Functions may do what their roles allow, as on AWS. (Conditions on leading keys are not evaluated.)
        "AUTH": os.environ.get("AUTH", "true"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        # No container is ever wanted, and looking for the daemon costs time.
        "DOCKER_HOST": "unix:///nonexistent",
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
        "SFN_WAIT_SCALE": os.environ.get("SFN_WAIT_SCALE", "1"),
        "PERSIST_STATE": "1" if arguments.keep else "0",
        "STATE_DIR": str(state / "services"),
        "S3_PERSIST": "1" if arguments.keep else "0",
        "S3_DATA_DIR": str(state / "objects"),
    }


def _end_with(parent: int) -> None:
    """Whoever started us may die without a word; then nobody would ever stop us."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


async def _serve(sockets: list[socket.socket], ready: dict[str, int], state_dir: Path) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from .patches import gateway

    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    started = asyncio.Event()
    config = Config()
    config.bind = [f"fd://{listening.fileno()}" for listening in sockets]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    config.loglevel = "WARNING"
    app = gateway.application(ready["portal_port"], state_dir, started)
    serving = asyncio.ensure_future(serve(app, config, shutdown_trigger=stopping.wait))
    await asyncio.wait([serving, asyncio.ensure_future(started.wait())], return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        (state_dir / "cloud.json").write_text(json.dumps({"pid": os.getpid(), **ready}))
        print(f"READY {json.dumps(ready)}", flush=True)
    await serving


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--worker-python", required=True, help="the interpreter that functions run in")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--portal-port", type=int, default=0)
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    try:
        sockets = [_listen(arguments.port), _listen(arguments.portal_port)]
    except OSError as error:
        sys.exit(f"port {arguments.port} or {arguments.portal_port} of 127.0.0.1 is taken: {error}")
    port, portal_port = (listening.getsockname()[1] for listening in sockets)
    os.environ.update(_settings(arguments, port))
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()

    # The loop that all requests go through gives the interpreter away at each answer it sends, and would get it back
    # only after the usual 5 ms where functions' threads are at work.
    sys.setswitchinterval(0.0005)

    from . import patches

    patches.apply(arguments.state_dir)
    try:
        asyncio.run(_serve(sockets, {"port": port, "portal_port": portal_port}, arguments.state_dir))
    finally:
        patches.stop_workers()
        # Ministack's poller threads never end by themselves.
        sys.stdout.flush()
        os._exit(0)


main()
