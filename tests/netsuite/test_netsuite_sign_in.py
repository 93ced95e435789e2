"""OAuth 2.0: what the token endpoint takes and refuses, and how the client keeps its token."""

import threading
import time
from datetime import timedelta

import httpx
import jwt
import pytest

from netsuite.auth import Credentials
from netsuite.client import CreditHoldOverride, NetSuiteClient
from netsuite.errors import AuthenticationRefused, NetSuiteError, ServerFailure
from netsuite.oauth import TOKEN_PATH
from netsuite.sandbox.keys import generate_key_pair
from tests.netsuite.sandbox_server import (
    CERTIFICATE_ID,
    CLIENT_ID,
    CountingTransport,
    SandboxServer,
    all_at_once,
    assertion,
)
from tests.patience import PATIENCE


def test_es256_signs_in(client, customer):
    assert client.read_customer(customer).credit_hold_override is CreditHoldOverride.AUTO


def test_ps256_signs_in_and_rs256_is_refused(tmp_path, rsa_keys):
    credentials = Credentials(CLIENT_ID, CERTIFICATE_ID, rsa_keys.private, "PS256")
    with SandboxServer(tmp_path, rsa_keys.public) as server, NetSuiteClient(server.url, credentials) as client:
        client.probe()
        assert server.ask_for_token(assertion(server.url, rsa_keys.private, alg="PS384")).status_code == 200
        refused = server.ask_for_token(assertion(server.url, rsa_keys.private, alg="RS256"))
    assert refused.status_code == 401
    assert refused.json()["error"] == "invalid_client"


def test_a_good_assertion_is_taken(sandbox, ec_keys):
    answer = sandbox.ask_for_token(assertion(sandbox.url, ec_keys.private))
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "bearer"
    assert answer.json()["expires_in"] == "3600"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://example.com/services/rest/auth/oauth2/v1/token"},
        {"iss": "somebody-else"},
        {"kid": "another-certificate"},
        {"exp": -60},
        {"iat": 600, "exp": 900},
        {"exp": 3700},
        {"scope": "restlets"},
        {"scope": None},
        {"iat": None},
        {"exp": None},
        {"iss": None},
        {"aud": None},
    ],
    ids=str,
)
def test_a_wrong_claim_is_refused(sandbox, ec_keys, changes):
    now = int(time.time())  # iat and exp are given in seconds from now
    changes = {name: now + value if isinstance(value, int) else value for name, value in changes.items()}
    answer = sandbox.ask_for_token(assertion(sandbox.url, ec_keys.private, **changes))
    assert answer.status_code in {400, 401}
    assert "access_token" not in answer.json()


def test_a_forged_signature_is_refused(sandbox, ec_keys):
    other, _ = generate_key_pair("ES256")
    assert sandbox.ask_for_token(assertion(sandbox.url, other)).status_code == 401
    good = assertion(sandbox.url, ec_keys.private)
    unsigned = jwt.encode(jwt.decode(good, options={"verify_signature": False}), None, algorithm="none")
    assert sandbox.ask_for_token(unsigned).status_code == 401
    head, _, tail = good.rpartition(".")
    assert sandbox.ask_for_token(f"{head}.{tail[::-1]}").status_code == 401
    assert sandbox.ask_for_token("not a token at all").status_code == 401


def test_the_form_is_checked_too(sandbox, ec_keys):
    good = assertion(sandbox.url, ec_keys.private)
    assert sandbox.ask_for_token(good, grant_type="password").json()["error"] == "unsupported_grant_type"
    assert sandbox.ask_for_token(good, client_assertion_type="jwt").json()["error"] == "invalid_request"
    assert httpx.get(sandbox.url + TOKEN_PATH, trust_env=False).status_code == 405


def test_one_token_serves_many_requests_and_threads(client, customer, transport):
    results = all_at_once(12, lambda _: client.read_customer(customer))
    assert [result.netsuite_id for result in results] == [customer] * 12
    assert transport.seen == {"token": 1, "record": 12}


def test_a_token_is_fetched_again_when_its_time_is_nearly_over(tmp_path, ec_keys, credentials, transport):
    with (
        SandboxServer(tmp_path, ec_keys.public, "--token-seconds", "1") as server,
        NetSuiteClient(server.url, credentials, transport=transport) as client,
    ):
        server.seed([{"id": "1"}])
        client.read_customer("1")
        record = f"{server.url}/services/rest/record/v1/customer/1"
        old = {"Authorization": f"Bearer {server.token(credentials)}"}
        assert httpx.get(record, headers=old, trust_env=False).status_code == 200
        until = time.monotonic() + PATIENCE
        while httpx.get(record, headers=old, trust_env=False).status_code != 401:
            assert time.monotonic() < until
        client.read_customer("1")
    assert transport.seen == {"token": 2, "record": 2}


def test_a_lost_token_is_refreshed_once_for_all_threads(own_sandbox, credentials, transport):
    own_sandbox.seed([{"id": "1"}])
    with NetSuiteClient(own_sandbox.url, credentials, transport=transport) as client:
        client.read_customer("1")
        own_sandbox.stop()
        own_sandbox.start()  # the server knows none of its old tokens
        transport.seen.clear()
        results = all_at_once(6, lambda _: client.read_customer("1"))
        assert [result.netsuite_id for result in results if not isinstance(result, Exception)] == ["1"] * 6
        assert transport.seen["token"] == 1
        assert transport.seen["record"] <= 12


def test_a_second_401_raises_and_waits_for_an_operator(sandbox, client, customer, transport):
    sandbox.faults(error_rate=1.0, error_status=401)
    with pytest.raises(AuthenticationRefused, match="INVALID_LOGIN") as raised:
        client.set_credit_hold_override(customer, CreditHoldOverride.ON)
    assert raised.value.retryable
    assert raised.value.retry_after == timedelta(minutes=5)
    assert transport.seen == {"token": 2, "record": 2}
    assert sandbox.applied(customer) == []


def test_refused_credentials_send_no_record_request(sandbox, ec_keys, customer):
    wrong = Credentials(CLIENT_ID, "revoked", ec_keys.private, "ES256")
    transport = CountingTransport()
    with (
        NetSuiteClient(sandbox.url, wrong, transport=transport) as client,
        pytest.raises(AuthenticationRefused, match=r"invalid_client.*check client id, certificate id") as raised,
    ):
        client.read_customer(customer)
    assert raised.value.retry_after == timedelta(minutes=5)
    assert transport.seen == {"token": 1}


def test_threads_that_waited_for_a_failed_sign_in_share_its_error(credentials):
    asked, go_on = [], threading.Event()

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        go_on.wait(5)
        return httpx.Response(503)

    with NetSuiteClient("http://netsuite.test", credentials, transport=httpx.MockTransport(handler)) as client:
        timer = threading.Timer(0.4, go_on.set)
        timer.start()
        outcomes = all_at_once(8, lambda _: client.probe())
        timer.join()
        assert [type(outcome) for outcome in outcomes] == [ServerFailure] * 8
        assert len({id(outcome) for outcome in outcomes}) == 8  # an exception of one's own
        assert len(asked) == 1
        with pytest.raises(ServerFailure):
            client.probe()  # who comes later asks anew
        assert len(asked) == 2


def test_an_error_not_of_netsuite_leaves_no_lock_behind(credentials):
    answers = iter([KeyboardInterrupt(), httpx.Response(200, json={"access_token": "t", "expires_in": 3600})])

    def handler(_: httpx.Request) -> httpx.Response:
        answer = next(answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    with NetSuiteClient("http://netsuite.test", credentials, transport=httpx.MockTransport(handler)) as client:
        with pytest.raises(KeyboardInterrupt):
            client.probe()
        client.probe()


def test_the_assertion_is_the_documented_one(credentials, ec_keys):
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"access_token": "t", "expires_in": "3600"})

    with NetSuiteClient("https://1.netsuite.test/", credentials, transport=httpx.MockTransport(handler)) as client:
        client.probe()
    form = httpx.QueryParams(seen[0].content.decode())
    assert jwt.get_unverified_header(form["client_assertion"]) == {"typ": "JWT", "alg": "ES256", "kid": CERTIFICATE_ID}
    url = f"https://1.netsuite.test{TOKEN_PATH}"
    claims = jwt.decode(form["client_assertion"], ec_keys.public, algorithms=["ES256"], audience=url)
    assert claims["iss"] == CLIENT_ID
    assert claims["scope"] == ["rest_webservices"]
    assert 0 < claims["exp"] - claims["iat"] < 3600


def test_a_key_that_does_not_fit_is_found_at_once(rsa_keys, ec_keys):
    for key, algorithm in ((rsa_keys.private, "ES256"), (ec_keys.private, "PS256"), ("no key", "ES256")):
        with pytest.raises(ValueError, match="private key") as raised:
            NetSuiteClient("https://netsuite.test", Credentials("c", "k", key, algorithm))
        assert "BEGIN" not in str(raised.value)
        assert not isinstance(raised.value, NetSuiteError)


def test_credentials_do_not_show_their_key(credentials):
    assert "PRIVATE" not in repr(credentials)
    assert CLIENT_ID in repr(credentials)
