"""An SMTP server that sends nothing on: each message it takes becomes one file, for people and tests to read.

python -m starter.stack.mail_sink --host 127.0.0.1 --port 2525 --dir MAILDIR
"""

import argparse
import asyncio
import os
import secrets
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

_SIZE_LIMIT = 32 * 1024 * 1024  # bytes of one message


def save(folder: Path, sender: str, recipients: list[str], content: bytes) -> Path:
    """Write one message to the folder and return its file, `<UTC time>-<random>.eml` of mode 0600.

    The envelope's addresses stand in front of the message's own headers, as `X-Envelope-From` and one `X-Envelope-To`
    for each recipient. The file appears whole, and is on the disk when this returns.

    Raises:
        OSError: it can't be written.
    """
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}.eml"
    envelope = [f"X-Envelope-From: {sender}", *(f"X-Envelope-To: {recipient}" for recipient in recipients)]
    temporary = folder / f".{name}"
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write("".join(f"{line}\r\n" for line in envelope).encode(errors="surrogateescape") + content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(folder / name)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return folder / name


class MailSink:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Keep the message, and only then say so; a message that can't be kept is to be sent again (451)."""
        content = envelope.original_content or b""
        try:
            path = await asyncio.to_thread(save, self._folder, envelope.mail_from or "", envelope.rcpt_tos, content)
        except OSError as error:
            _say(f"a message could not be kept: {error}")
            return "451 The message could not be kept; try again later"
        _say(f"kept {path.name} for {len(envelope.rcpt_tos)} recipients")
        return f"250 OK kept as {path.name}"


def _say(line: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}", flush=True)  # noqa: T201


async def serve(host: str, port: int, folder: Path) -> None:
    """Take mail until SIGTERM or SIGINT.

    Raises:
        OSError: the port is taken.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    handler = MailSink(folder)
    server = await loop.create_server(
        lambda: SMTP(handler, data_size_limit=_SIZE_LIMIT, enable_SMTPUTF8=True, ident="service-holds mail sink"),
        host=host,
        port=port,
    )
    _say(f"taking mail on {host}:{port}, keeping it in {folder}")
    await stop.wait()
    server.close()
    _say("stopped")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m starter.stack.mail_sink", description="Keep every message as a file."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dir", type=Path, required=True, help="the folder for the messages")
    options = parser.parse_args()
    try:
        options.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        asyncio.run(serve(options.host, options.port, options.dir))
    except OSError as error:
        print(f"The mail sink can't start: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
