"""Runs one service as a process: arguments, port, graceful stop, one clear sentence when it cannot start."""

import argparse
import logging
import os
import socket
import sys
import threading
from pathlib import Path

import msgspec
import uvicorn
from starlette.applications import Starlette

from amparo_common.errors import AmparoError
from amparo_service.errors import CannotStore, PortTaken
from amparo_service.keys import replace_file


class ServiceArguments(msgspec.Struct, frozen=True):
    """What every service is started with."""

    data: Path
    host: str
    port: int
    practice_clock: Path | None
    attached: bool = False


def parse_arguments(name: str, description: str) -> tuple[ServiceArguments, bool]:
    """The command line of a service: its arguments, and whether only its public keys are asked for (`--keys`)."""
    parser = argparse.ArgumentParser(prog=f"python -m amparo_{name}", description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder of this service: database, keys, config.json")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--practice-clock", type=Path, help="read the time from this file (demo only; health says so)")
    parser.add_argument("--attached", action="store_true", help="stop when standard input closes (its starter is gone)")
    parser.add_argument("--keys", action="store_true", help="make the keys if needed, print the public ones, exit")
    given = parser.parse_args()
    return (
        ServiceArguments(given.data, given.host, given.port, given.practice_clock, given.attached),
        given.keys,
    )


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 chooses a free one. Raises `PortTaken`."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Listening at once takes the port for good: two services starting together cannot both get it.
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        listener.close()
        raise PortTaken(f"Cannot listen on {host}:{port}.") from error
    return listener


def run_service(app: Starlette, arguments: ServiceArguments) -> None:
    """Serve until SIGTERM or SIGINT. The chosen address is written to `address` in the data folder."""
    listener = bind(arguments.host, arguments.port)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    replace_file(arguments.data / "address", f"http://{shown}:{port}".encode())
    # An unexpected error's traceback could hold a person's data; its type alone is logged, by `http.make_app`.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    # No access log: a line per request would be a central trace of who did what when.
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="critical",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=5,
        lifespan="on",
        ws="none",
    )
    server = uvicorn.Server(config)
    if arguments.attached:
        threading.Thread(target=_stop_with_starter, args=(server,), name="attached", daemon=True).start()
    server.run(sockets=[listener])


def _stop_with_starter(server: uvicorn.Server) -> None:
    # The other end of the pipe closes when the starter ends, however it ends: no service is left behind.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True


def exit_with_words(error: AmparoError) -> None:
    """End the process with one sentence on standard error and exit code 3."""
    sys.stderr.write(f"amparo: {error} [{error.code}]\n")
    raise SystemExit(3)


def prepare_folder(data: Path) -> None:
    """Make the service's folder, readable by its user only. Raises `CannotStore`."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CannotStore(f"The folder {data} cannot be made.") from error
