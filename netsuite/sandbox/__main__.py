"""``python -m netsuite.sandbox``: run the server in the foreground until SIGTERM or Ctrl-C.

It prints one line on standard output when it answers requests. The exit code is 0 after a stop, 1 where it cannot
start, 2 for wrong arguments.
"""

import argparse
import signal
import socket
import sqlite3
import sys
from pathlib import Path

import uvicorn

from netsuite.sandbox.app import Settings, application
from netsuite.sandbox.faults import DEFAULT_CONCURRENCY
from netsuite.sandbox.lost_answers import TransportAwareProtocol
from netsuite.sandbox.tokens import Integration, public_key

KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 1


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            sys.stdout.write(f"netsuite sandbox ready on http://{shown}:{port}\n")
            sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit code."""
    chosen = _parser().parse_args(arguments)
    # uvicorn raises the signal again once it has stopped in good order; it then ends in exit code 0 as well.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: sys.exit(0))
    try:
        integration = Integration(
            client_id=chosen.client_id,
            certificate_id=chosen.certificate_id,
            public_key=public_key(chosen.public_key.read_bytes()),
        )
        listener = _listen(chosen.host, chosen.port)
        app = application(
            Settings(
                state=chosen.state,
                integration=integration,
                token_seconds=chosen.token_seconds,
                hold_seconds=chosen.hold_seconds,
                max_concurrency=chosen.max_concurrency,
                control_anywhere=chosen.control_anywhere,
            )
        )
    except (OSError, ValueError, sqlite3.Error) as error:
        sys.stderr.write(f"netsuite sandbox: cannot start: {error}\n")
        return 1
    config = uvicorn.Config(
        app,
        http=TransportAwareProtocol,
        ws="none",
        loop="asyncio",
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    _Server(config).run(sockets=[listener])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's delay off; without it every answer with a body takes 40 ms more.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m netsuite.sandbox", description="A strict NetSuite sandbox.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one and prints it")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR")
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--certificate-id", required=True)
    parser.add_argument("--public-key", type=Path, required=True, metavar="PEMFILE")
    parser.add_argument("--token-seconds", type=float, default=3600.0, help="lifetime of a bearer token")
    parser.add_argument("--hold-seconds", type=float, default=120.0, help="how long an answer that never comes hangs")
    parser.add_argument("--max-concurrency", type=int, default=DEFAULT_CONCURRENCY)
    parser.add_argument("--control-anywhere", action="store_true", help="let other machines use /_sandbox")
    return parser


if __name__ == "__main__":
    sys.exit(main())
