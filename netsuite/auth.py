"""OAuth 2.0 for machines: the client-credentials grant with a signed JWT, and the cache of the token it yields.

The terms themselves are in :mod:`netsuite.oauth`.
"""

import copy
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx
import jwt

from netsuite import answers
from netsuite.errors import AuthenticationRefused, NetSuiteError, OutcomeUnknown, ServerFailure, Unreachable
from netsuite.oauth import ASSERTION_TYPE, SCOPE, TOKEN_PATH, Algorithm, private_key

ASSERTION_SECONDS = 300
"""How long a signed assertion is good for. NetSuite allows less than 60 minutes; one exchange needs seconds."""

CLOCK_SKEW_SECONDS = 10
"""How far ``iat`` is set back, so that a clock slightly ahead of NetSuite's does not sign in the future."""

EXPIRY_MARGIN_SECONDS = 60.0
"""How long before its end a token counts as expired; a tenth of the lifetime where that is shorter."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One integration's sign-in.

    Attributes:
        client_id: the integration record's client id (``iss``).
        certificate_id: the id NetSuite gave the uploaded certificate (``kid``).
        private_key_pem: the certificate's private key, PEM, not encrypted. Never shown by ``repr``.
        algorithm: ``PS256`` for an RSA key, ``ES256`` for an EC P-256 key.
    """

    client_id: str
    certificate_id: str
    private_key_pem: str = field(repr=False)
    algorithm: Algorithm


class AccessTokens:
    """The bearer token, fetched when needed and shared by every thread.

    One fetch at a time; threads that waited for a fetch that failed get its error rather than queueing up for their
    own, so an unreachable token endpoint costs each of them one timeout, not one per thread before it.
    """

    def __init__(self, http: httpx.Client, base_url: str, credentials: Credentials) -> None:
        """Parse the key at once, so that a bad one is found at start-up.

        Raises:
            ValueError: the key is unusable.
        """
        self._http = http
        self._url = base_url + TOKEN_PATH
        self._credentials = credentials
        self._key = private_key(credentials.private_key_pem, credentials.algorithm)
        self._lock = threading.Lock()
        self._token = ""
        self._good_until = 0.0
        self._fetches = 0
        self._failure: NetSuiteError | None = None

    def bearer(self, *, refused: str | None = None) -> str:
        """A token to use now; never ``refused``, the one NetSuite just turned down with a 401.

        Raises:
            Unreachable: no token could be had, so nothing was sent to the record API.
            ServerFailure: the token endpoint answered with a 5xx, or with something that is not a token.
            ConcurrencyLimited: it answered with a 429.
            AuthenticationRefused: it refused the assertion.
        """
        fetches_before = self._fetches
        with self._lock:
            if self._token and self._token != refused and time.monotonic() < self._good_until:
                return self._token
            if self._fetches != fetches_before and self._failure is not None:
                raise copy.copy(self._failure)
            self._failure = None
            try:
                self._fetch()
            except NetSuiteError as error:
                self._token, self._failure = "", error
                raise
            finally:
                self._fetches += 1
            return self._token

    def _fetch(self) -> None:
        asked_at = time.monotonic()
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(),
        }
        what = "The NetSuite sign-in"
        try:
            answer = answers.exchange(self._sender(form), what)
        except OutcomeUnknown as error:  # the token's answer was lost; the record request was not sent yet
            raise Unreachable(f"{what} got no answer ({error.__cause__!r})") from error
        if answer.status_code == HTTPStatus.OK:
            self._token, seconds = _granted(answer, what)
            self._good_until = asked_at + seconds - min(EXPIRY_MARGIN_SECONDS, seconds / 10)
            return
        failure = answers.refusal(answer, what)
        if failure.retryable:
            raise failure
        raise AuthenticationRefused(
            f"{what} was refused", status=failure.status, code=failure.code, detail=failure.detail
        )

    def _sender(self, form: dict[str, str]) -> Callable[[], httpx.Response]:
        return lambda: self._http.post(self._url, data=form)

    def _assertion(self) -> str:
        now = int(time.time()) - CLOCK_SKEW_SECONDS
        claims = {
            "iss": self._credentials.client_id,
            "scope": [SCOPE],
            "aud": self._url,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        headers = {"typ": "JWT", "kid": self._credentials.certificate_id}
        return jwt.encode(claims, self._key, algorithm=self._credentials.algorithm, headers=headers)


def _granted(answer: httpx.Response, what: str) -> tuple[str, float]:
    """The token and its lifetime in seconds; NetSuite sends the lifetime as a string."""
    try:
        body = answers.json_body(answer)
        token, seconds = str(body["access_token"]), float(body["expires_in"])
    except (ValueError, TypeError, KeyError):
        token, seconds = "", 0.0
    if not token or not token.isascii() or not token.isprintable():
        raise ServerFailure(f"{what} was answered with something that is not a token", status=answer.status_code)
    return token, seconds
