"""The SuiteTalk REST client: read a customer's hold, set it, and ask in SuiteQL. Nothing of who asks for it.

The write is the one of Oracle's help, section_1545142173: ``PATCH /services/rest/record/v1/customer/{id}`` with
``{"creditHoldOverride": {"id": "ON"}}``, answered by 204 without a body. Both validation headers are set to ``Error``,
or NetSuite may let an unknown field pass in silence.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from netsuite import answers, suiteql
from netsuite.auth import AccessTokens, Credentials
from netsuite.errors import ContentRefused, RecordNotFound, UnexpectedAnswer
from netsuite.records import CUSTOMER_FIELDS, CreditHoldOverride, CustomerRecord, customer_record

__all__ = ["DEFAULT_TIMEOUT", "Credentials", "CreditHoldOverride", "CustomerRecord", "NetSuiteClient"]

DEFAULT_TIMEOUT = httpx.Timeout(connect=5.0, read=30.0, write=10.0, pool=30.0)
"""Seconds. NetSuite answers slowly under load: 30 s to read loses few answers and frees a thread soon enough."""

CUSTOMER_PATH = "/services/rest/record/v1/customer/"

_STRICT = {"X-NetSuite-PropertyNameValidation": "Error", "X-NetSuite-PropertyValueValidation": "Error"}
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class NetSuiteClient:
    """One account's customer records. Safe to use from many threads at once; close it when done.

    Every method raises one of :mod:`netsuite.errors` and nothing else for what NetSuite or the network does.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        timeout: httpx.Timeout = DEFAULT_TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Connect to nothing yet.

        Args:
            base_url: ``https://<account>.suitetalk.api.netsuite.com``, or a sandbox server's address.
            credentials: the integration's sign-in.
            timeout: per connection, read, write and wait for a pooled connection, in seconds.
            transport: what carries the requests, where a test wants to stand between.

        Raises:
            ValueError: the address is not one, or the private key is unusable.
        """
        address = urlsplit(base_url)
        if address.scheme not in {"http", "https"} or not address.hostname or address.query or address.fragment:
            raise ValueError(f"{base_url!r} is not the address of a NetSuite account, such as https://host")
        self._base_url = base_url.rstrip("/")
        self._http = httpx.Client(
            timeout=timeout,
            transport=transport,
            verify=address.scheme
            == "https",  # else no certificate is ever looked at, and loading all of them takes time
            trust_env=address.hostname not in _LOOPBACK,  # a proxy for the outside is no way to this machine
            headers={"Accept": "application/json", "User-Agent": "service-holds"},
        )
        try:
            self._tokens = AccessTokens(self._http, self._base_url, credentials)
        except ValueError:
            self._http.close()
            raise

    def read_customer(self, netsuite_id: str) -> CustomerRecord:
        """The customer with this internal id (or ``eid:`` and an external id), with only the fields needed here.

        Raises:
            TransientError: ask again later.
            RecordNotFound: there is no such customer.
            PermanentError: any other refusal, or an answer without a readable hold.
        """
        what = f"GET customer/{netsuite_id}"
        url = self._customer_url(netsuite_id, what)
        answer = self._send("GET", url, what, params={"fields": ",".join(CUSTOMER_FIELDS)})
        _expect(answer, HTTPStatus.OK, what)
        try:
            body = answers.json_body(answer)
        except ValueError as error:
            raise UnexpectedAnswer(f"{what}: the answer is not JSON", status=answer.status_code) from error
        return customer_record(body, asked=netsuite_id)

    def set_credit_hold_override(self, netsuite_id: str, value: CreditHoldOverride) -> None:
        """Make ``creditHoldOverride`` be ``value``. Safe to repeat: it sets, it does not toggle.

        Raises:
            OutcomeUnknown: the answer was lost; read the customer back to learn whether the write happened.
            TransientError: ask again later.
            RecordNotFound: there is no such customer; none is created.
            PermanentError: any other refusal, or an answer that is not exactly 204.
        """
        what = f"PATCH customer/{netsuite_id}"
        url = self._customer_url(netsuite_id, what)
        body = {"creditHoldOverride": {"id": CreditHoldOverride(value).value}}
        answer = self._send("PATCH", url, what, json=body, headers=_STRICT)
        _expect(answer, HTTPStatus.NO_CONTENT, what)

    def suiteql(self, query: str, *, limit: int = suiteql.PAGE_LIMIT) -> suiteql.Page:
        """The first ``limit`` rows (1 to 1,000) of a query; :func:`netsuite.suiteql.walk` gives all of them.

        Raises:
            TransientError: ask again later.
            ContentRefused: NetSuite does not understand the query.
            PermissionRefused: the role lacks a permission, such as SuiteAnalytics Workbook.
            UnexpectedAnswer: the answer is not a page of rows.
        """
        what = "SuiteQL"
        url = self._base_url + suiteql.SUITEQL_PATH
        request = {"json": {"q": query}, "params": {"limit": limit}, "headers": {"Prefer": "transient"}}
        answer = self._send("POST", url, what, **request)
        _expect(answer, HTTPStatus.OK, what)
        try:
            return suiteql.page(answers.json_body(answer))
        except ValueError as error:
            raise UnexpectedAnswer(f"{what}: the answer is not JSON", status=answer.status_code) from error

    def probe(self) -> None:
        """Sign in, or see that the token at hand is still good: whether NetSuite is there and knows this integration.

        Raises:
            TransientError: it is not there, or refuses the sign-in.
        """
        self._tokens.bearer()

    def close(self) -> None:
        """Close the pooled connections. The client is of no use afterwards."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _customer_url(self, netsuite_id: str, what: str) -> str:
        """The record's URL; the id is one quoted path segment, whatever characters it has."""
        if not netsuite_id.strip() or netsuite_id in {".", ".."}:
            raise RecordNotFound(f"{what}: {netsuite_id!r} cannot be a NetSuite id; nothing was sent")
        try:
            return self._base_url + CUSTOMER_PATH + quote(netsuite_id, safe=":")
        except UnicodeEncodeError as error:
            raise ContentRefused(f"{what!r}: the id is not text that can be sent") from error

    def _send(self, method: str, url: str, what: str, **request: Any) -> httpx.Response:
        """Send once; on a 401, once more with a fresh token."""
        token = self._tokens.bearer()
        answer = answers.exchange(self._sender(method, url, token, request), what)
        if answer.status_code != HTTPStatus.UNAUTHORIZED:
            return answer
        token = self._tokens.bearer(refused=token)
        return answers.exchange(self._sender(method, url, token, request), what)

    def _sender(self, method: str, url: str, token: str, request: dict[str, Any]) -> Callable[[], httpx.Response]:
        headers = {**request.get("headers", {}), "Authorization": f"Bearer {token}"}
        return lambda: self._http.request(method, url, **{**request, "headers": headers})


def _expect(answer: httpx.Response, status: HTTPStatus, what: str) -> None:
    if answer.status_code != status:
        raise answers.refusal(answer, what)
