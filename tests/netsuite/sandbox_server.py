"""Helpers of these tests: the server as a process, a transport that counts, and assertions signed by hand."""

import contextlib
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Self

import httpx
import jwt

from netsuite.client import Credentials
from netsuite.oauth import ASSERTION_TYPE, TOKEN_PATH
from tests.patience import PATIENCE

CLIENT_ID = "test-client"
CERTIFICATE_ID = "test-certificate"
STRICT = {"X-NetSuite-PropertyNameValidation": "Error", "X-NetSuite-PropertyValueValidation": "Error"}

PLAIN_HTTP = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Never used: spares each client the loading of every root certificate."""


class SandboxServer:
    """One ``python -m netsuite.sandbox``; ``start`` again after ``stop`` or ``kill`` takes the same port."""

    def __init__(self, state: Path, public_key: str, *flags: str) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.state = state
        self._key = state / "public.pem"
        self._key.write_text(public_key)
        self._flags = flags
        self._port = 0
        self._process: subprocess.Popen[str] | None = None
        self._control = httpx.Client(trust_env=False, verify=PLAIN_HTTP, timeout=PATIENCE)
        self.url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._control.close()

    def start(self) -> None:
        command = [sys.executable, "-m", "netsuite.sandbox", "--port", str(self._port), "--state", str(self.state)]
        command += ["--client-id", CLIENT_ID, "--certificate-id", CERTIFICATE_ID, "--public-key", str(self._key)]
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen([*command, *self._flags], stdout=subprocess.PIPE, stderr=errors, text=True)
            assert process.stdout is not None
            ready = process.stdout.readline()
            if not ready:
                process.wait()
                process.stdout.close()
                errors.seek(0)
                raise AssertionError(errors.read())
        self._process = process
        self.url = ready.split()[-1]
        self._port = int(self.url.rpartition(":")[2])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int | None:
        """End the process and return its exit code; None where it is not running."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.send_signal(how)
        code = process.wait(timeout=PATIENCE)
        assert process.stdout is not None
        process.stdout.close()
        return code

    def seed(self, customers: list[dict[str, Any]]) -> httpx.Response:
        return self._control.put(f"{self.url}/_sandbox/customers", json=customers)

    def put(self, what: str, records: Any) -> None:
        """Seed `transactions` or `employees`, or set the `preferences`."""
        self._control.put(f"{self.url}/_sandbox/{what}", json=records).raise_for_status()

    def ledger(self, customer: str) -> list[dict[str, Any]]:
        answer = self._control.get(f"{self.url}/_sandbox/ledger", params={"customer": customer})
        rows: list[dict[str, Any]] = answer.raise_for_status().json()
        return rows

    def applied(self, customer: str) -> list[dict[str, Any]]:
        return [row for row in self.ledger(customer) if row["applied"]]

    def faults(self, **faults: Any) -> httpx.Response:
        return self._control.put(f"{self.url}/_sandbox/faults", json=faults)

    def clear_faults(self) -> None:
        self._control.delete(f"{self.url}/_sandbox/faults").raise_for_status()

    def health(self) -> dict[str, Any]:
        body: dict[str, Any] = self._control.get(f"{self.url}/_sandbox/health").raise_for_status().json()
        return body

    def ask_for_token(self, assertion: str, **form: str) -> httpx.Response:
        fields = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
        return self._control.post(self.url + TOKEN_PATH, data=fields | {"client_assertion": assertion} | form)

    def token(self, credentials: Credentials) -> str:
        answer = self.ask_for_token(assertion(self.url, credentials.private_key_pem))
        return str(answer.raise_for_status().json()["access_token"])


def assertion(url: str, key: str, *, alg: str = "ES256", kid: str = CERTIFICATE_ID, **changes: Any) -> str:
    """A good client assertion, but for ``changes`` to its claims; None leaves one out."""
    now = int(time.time())
    claims = {"iss": CLIENT_ID, "scope": "rest_webservices", "aud": url + TOKEN_PATH, "iat": now, "exp": now + 60}
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, key, algorithm=alg, headers={"kid": kid})


class CountingTransport(httpx.HTTPTransport):
    """Real HTTP, with a count of requests to the token endpoint and to records."""

    def __init__(self) -> None:
        super().__init__(verify=PLAIN_HTTP)
        self._lock = threading.Lock()
        self.seen: Counter[str] = Counter()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.seen["token" if request.url.path == TOKEN_PATH else "record"] += 1
        return super().handle_request(request)


@contextlib.contextmanager
def in_threads(count: int, work: Any) -> Any:
    """Run ``work(number)`` in ``count`` threads that start together; gives the list of results and errors."""
    outcomes: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        barrier.wait()
        try:
            outcomes[number] = work(number)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    yield outcomes
    for thread in threads:
        thread.join()


def all_at_once(count: int, work: Any) -> list[Any]:
    """The results and errors of ``work(number)`` in ``count`` threads that start together."""
    with in_threads(count, work) as outcomes:
        pass
    return list(outcomes)
