import signal
import smtplib
import subprocess
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from starter.stack.parts import takes_mail
from tests.patience import PATIENCE
from tests.stack.helpers import wait_until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mail"


@pytest.fixture
def sink(folder: Path, port: int):
    command = [
        sys.executable,
        "-m",
        "starter.stack.mail_sink",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--dir",
        str(folder),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        wait_until(lambda: takes_mail("127.0.0.1", port))
        yield process
        process.terminate()


def test_a_message_is_kept_whole_with_its_envelope(sink: subprocess.Popen, folder: Path, port: int) -> None:
    message = EmailMessage()
    message["From"] = "Credit <credit@example.com>"
    message["To"] = "rep@example.com"
    message["Subject"] = "Zahlung überfällig"
    message["Message-ID"] = "<m-1@service-holds>"
    message.set_content("first line\n.a dot\nüber\n")
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        client.send_message(message, from_addr="bounce@example.com", to_addrs=["rep@example.com", "copy@example.com"])
        client.send_message(message)
    files = sorted(folder.iterdir())
    assert len(files) == 2
    assert all(file.suffix == ".eml" and file.stat().st_mode & 0o777 == 0o600 for file in files)
    kept = message_from_bytes(files[0].read_bytes(), policy=policy.default)
    assert kept["X-Envelope-From"] == "bounce@example.com"
    assert kept.get_all("X-Envelope-To") == ["rep@example.com", "copy@example.com"]
    assert (kept["Subject"], kept["Message-ID"]) == ("Zahlung überfällig", "<m-1@service-holds>")
    assert kept.get_content().replace("\r\n", "\n") == "first line\n.a dot\nüber\n"


def test_it_stops_in_good_order(sink: subprocess.Popen, port: int) -> None:
    sink.send_signal(signal.SIGTERM)
    assert sink.wait(timeout=PATIENCE) == 0
    assert sink.stdout is not None
    assert sink.stdout.read().endswith("stopped\n")


def test_a_message_that_cannot_be_kept_is_not_accepted(sink: subprocess.Popen, folder: Path, port: int) -> None:
    folder.rmdir()
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client, pytest.raises(smtplib.SMTPDataError, match="451"):
        client.sendmail("a@example.com", ["b@example.com"], b"Subject: x\r\n\r\nx\r\n")


def test_a_taken_port_is_an_error_in_words(sink: subprocess.Popen, folder: Path, port: int) -> None:
    command = [sys.executable, "-m", "starter.stack.mail_sink", "--port", str(port), "--dir", str(folder)]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert run.returncode == 1
    assert "The mail sink can't start" in run.stderr
