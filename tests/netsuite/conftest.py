"""A real sandbox server on loopback, started as its own process, and clients that talk to it over HTTP."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from netsuite.client import Credentials, NetSuiteClient
from netsuite.sandbox.keys import generate_key_pair
from tests.netsuite.sandbox_server import CERTIFICATE_ID, CLIENT_ID, PLAIN_HTTP, CountingTransport, SandboxServer


@dataclass(frozen=True)
class KeyPair:
    private: str
    public: str


@pytest.fixture(scope="session")
def ec_keys() -> KeyPair:
    return KeyPair(*generate_key_pair("ES256"))


@pytest.fixture(scope="session")
def rsa_keys() -> KeyPair:
    return KeyPair(*generate_key_pair("PS256"))


@pytest.fixture(scope="session")
def credentials(ec_keys: KeyPair) -> Credentials:
    return Credentials(CLIENT_ID, CERTIFICATE_ID, ec_keys.private, "ES256")


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory, ec_keys: KeyPair) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path_factory.mktemp("sandbox"), ec_keys.public, "--hold-seconds", "20") as server:
        yield server


@pytest.fixture
def sandbox(shared_sandbox: SandboxServer) -> Iterator[SandboxServer]:
    """The shared server, without faults before and after."""
    shared_sandbox.clear_faults()
    yield shared_sandbox
    shared_sandbox.clear_faults()


@pytest.fixture
def own_sandbox(tmp_path: Path, ec_keys: KeyPair) -> Iterator[SandboxServer]:
    """A server of the test's own, to stop, kill and start again."""
    with SandboxServer(tmp_path / "state", ec_keys.public) as server:
        yield server


@pytest.fixture
def transport() -> CountingTransport:
    return CountingTransport()


@pytest.fixture
def client(sandbox: SandboxServer, credentials: Credentials, transport: CountingTransport) -> Iterator[NetSuiteClient]:
    with NetSuiteClient(sandbox.url, credentials, transport=transport) as ready:
        yield ready


_numbers = itertools.count(1000)


@pytest.fixture
def customer(sandbox: SandboxServer) -> str:
    """The internal id of a customer nobody has touched; its external id is ``X-`` and the same."""
    number = str(next(_numbers))
    sandbox.seed([{"id": number, "externalId": f"X-{number}", "companyName": f"Company {number}"}])
    return number


@pytest.fixture
def api(sandbox: SandboxServer, credentials: Credentials) -> Iterator[httpx.Client]:
    """Raw HTTP below the record root, signed in."""
    with httpx.Client(base_url=f"{sandbox.url}/services/rest/record/v1", trust_env=False, verify=PLAIN_HTTP) as ready:
        ready.headers["Authorization"] = f"Bearer {sandbox.token(credentials)}"
        yield ready
