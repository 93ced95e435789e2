"""Every kind of answer, and every kind of silence, has its error."""

import copy
import pickle
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from netsuite import errors
from netsuite.answers import LONGEST_PAUSE, SHORTEST_PAUSE
from netsuite.client import CreditHoldOverride, NetSuiteClient
from netsuite.oauth import TOKEN_PATH

ON = CreditHoldOverride.ON


@contextmanager
def answering(credentials, *answers, token=None):
    """A client whose record requests get ``answers`` in turn (the last for ever), and what it sent."""
    sent = []

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == TOKEN_PATH:
            answer = token or httpx.Response(200, json={"access_token": "t", "expires_in": "3600"})
        else:
            answer = answers[min(len(sent), len(answers) - 1)]
            sent.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with NetSuiteClient("http://netsuite.test", credentials, transport=httpx.MockTransport(handler)) as client:
        yield client, sent


def body(code, detail="Some detail.", **more):
    return {"title": "Bad Request", "status": 400, "o:errorDetails": [{"detail": detail, "o:errorCode": code} | more]}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(400, json=body("INVALID_CONTENT")), errors.ContentRefused),
        (httpx.Response(400, json=body("USER_ERROR")), errors.ContentRefused),
        (httpx.Response(400, json=body("CONCURRENCY_LIMIT_EXCEEDED")), errors.ConcurrencyLimited),
        (httpx.Response(400, json=body("SSS_REQUEST_LIMIT_EXCEEDED")), errors.ConcurrencyLimited),
        (httpx.Response(400, json=body("RCRD_HAS_BEEN_CHANGED")), errors.EditConflict),
        (httpx.Response(401, json=body("INVALID_LOGIN")), errors.AuthenticationRefused),
        (httpx.Response(403, json=body("INSUFFICIENT_PERMISSION")), errors.PermissionRefused),
        (httpx.Response(404, json=body("NONEXISTENT_ID")), errors.RecordNotFound),
        (httpx.Response(405), errors.UnexpectedAnswer),
        (httpx.Response(409), errors.EditConflict),
        (httpx.Response(415), errors.ContentRefused),
        (httpx.Response(429), errors.ConcurrencyLimited),
        (httpx.Response(500, text="<html>"), errors.ServerFailure),
        (httpx.Response(503), errors.ServerFailure),
        (httpx.Response(302, headers={"Location": "http://login.test"}), errors.ServerFailure),
        (httpx.Response(200, json={}), errors.UnexpectedAnswer),
        (httpx.Response(202), errors.UnexpectedAnswer),
        (httpx.ConnectError("refused"), errors.Unreachable),
        (httpx.ConnectTimeout("slow"), errors.Unreachable),
        (httpx.PoolTimeout("busy"), errors.Unreachable),
        (httpx.ReadTimeout("slow"), errors.OutcomeUnknown),
        (httpx.WriteTimeout("slow"), errors.OutcomeUnknown),
        (httpx.ReadError("reset"), errors.OutcomeUnknown),
        (httpx.WriteError("reset"), errors.OutcomeUnknown),
        (httpx.RemoteProtocolError("cut off"), errors.OutcomeUnknown),
        (httpx.DecodingError("not gzip"), errors.OutcomeUnknown),
    ],
    ids=repr,
)
def test_a_write_raises_the_right_error(credentials, answer, kind):
    with answering(credentials, answer) as (client, _), pytest.raises(errors.NetSuiteError) as raised:
        client.set_credit_hold_override("1", ON)
    error = raised.value
    assert type(error) is kind
    assert error.retryable is issubclass(kind, errors.TransientError)
    assert error.retryable is not issubclass(kind, errors.PermanentError)
    assert "customer/1" in str(error)
    assert error.advice in str(error)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(400, json={"error": "invalid_request"}), errors.AuthenticationRefused),
        (httpx.Response(401, json={"error": "invalid_client"}), errors.AuthenticationRefused),
        (httpx.Response(404), errors.AuthenticationRefused),
        (httpx.Response(429), errors.ConcurrencyLimited),
        (httpx.Response(500), errors.ServerFailure),
        (httpx.Response(200, text="<html>maintenance"), errors.ServerFailure),
        (httpx.Response(200, json={"access_token": "two words\n", "expires_in": 9}), errors.ServerFailure),
        (httpx.ConnectError("refused"), errors.Unreachable),
        (httpx.ReadTimeout("slow"), errors.Unreachable),
    ],
    ids=repr,
)
def test_a_sign_in_that_fails_is_always_transient(credentials, answer, kind):
    with answering(credentials, token=answer) as (client, sent), pytest.raises(errors.TransientError) as raised:
        client.set_credit_hold_override("1", ON)
    assert type(raised.value) is kind
    assert sent == []


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("7", timedelta(seconds=7)),
        ("0", SHORTEST_PAUSE),
        ("999999999999999", LONGEST_PAUSE),
        (format_datetime(datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC), usegmt=True), timedelta(seconds=30)),
        (format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True), SHORTEST_PAUSE),
        (format_datetime(datetime(2099, 1, 1, tzinfo=UTC), usegmt=True), LONGEST_PAUSE),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_and_clamped(credentials, header, pause):
    date = format_datetime(datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC), usegmt=True)
    answer = httpx.Response(429, headers={"Retry-After": header, "Date": date})
    with answering(credentials, answer) as (client, _), pytest.raises(errors.ConcurrencyLimited) as raised:
        client.read_customer("1")
    assert raised.value.retry_after == pause


def test_without_retry_after_there_is_no_pause(credentials):
    with answering(credentials, httpx.Response(429)) as (client, _), pytest.raises(errors.ConcurrencyLimited) as raised:
        client.read_customer("1")
    assert raised.value.retry_after is None


def test_the_message_is_one_bounded_line_an_engineer_can_act_on(credentials):
    answer = httpx.Response(400, json=body("USER_ERROR", "Line one.\r\n\tLine two. " * 90, **{"o:errorPath": "x"}))
    with answering(credentials, answer) as (client, _), pytest.raises(errors.ContentRefused) as raised:
        client.set_credit_hold_override("9" * 900, ON)
    message = str(raised.value)
    assert len(message) <= errors.MESSAGE_LIMIT
    assert message.isprintable()
    assert "HTTP 400 USER_ERROR: Line one. Line two." in message
    assert message.endswith(errors.ContentRefused.advice)
    assert (raised.value.status, raised.value.code) == (400, "USER_ERROR")


def test_every_detail_and_its_place_is_told(credentials):
    details = [
        {"detail": "First.", "o:errorCode": "INVALID_CONTENT", "o:errorPath": "creditHoldOverride"},
        {"detail": "Second.", "o:errorCode": "OTHER"},
    ]
    answer = httpx.Response(400, json={"o:errorDetails": details})
    with answering(credentials, answer) as (client, _), pytest.raises(errors.ContentRefused) as raised:
        client.set_credit_hold_override("1", ON)
    assert "INVALID_CONTENT: First. (at creditHoldOverride) / Second; NetSuite did not take" in str(raised.value)


@pytest.mark.parametrize("copied", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])  # noqa: S301
def test_errors_can_be_copied_and_pickled(copied):
    error = errors.AuthenticationRefused("GET customer/1 was refused", status=401, code="INVALID_LOGIN", detail="No.")
    again = copied(error)
    assert type(again) is errors.AuthenticationRefused
    assert str(again) == str(error)
    assert (again.status, again.code, again.detail, again.retry_after) == (
        401,
        "INVALID_LOGIN",
        "No.",
        error.retry_after,
    )


def test_the_module_docstring_is_the_whole_map():
    leaves = [kind for base in errors.NetSuiteError.__subclasses__() for kind in (base, *base.__subclasses__())]
    assert len(leaves) == 12
    for kind in leaves:
        assert kind.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize(
    "hold",
    [{"id": "PERHAPS"}, "_on", "on", "", None, {}, {"refName": "On"}, 1, ["ON"]],
    ids=repr,
)
def test_an_unknown_hold_is_an_unexpected_answer(credentials, hold):
    with (
        answering(credentials, httpx.Response(200, json={"creditHoldOverride": hold})) as (client, _),
        pytest.raises(errors.UnexpectedAnswer, match="AUTO, ON or OFF"),
    ):
        client.read_customer("1")


@pytest.mark.parametrize(
    "page",
    [
        httpx.Response(200, html="<html>maintenance"),
        httpx.Response(200, text="  <!DOCTYPE html>"),
        httpx.Response(302, headers={"location": "https://status.example.test/"}),
        httpx.Response(403, html="<html>not now"),
        httpx.Response(404, html="<html>gone fishing"),
    ],
    ids=repr,
)
def test_a_page_where_data_is_due_is_an_outage(credentials, page):
    asked = [
        lambda client: client.read_customer("1"),
        lambda client: client.set_credit_hold_override("1", ON),
        lambda client: client.suiteql("SELECT id FROM customer"),
    ]
    for ask in asked:
        with answering(credentials, page) as (client, _), pytest.raises(errors.ServerFailure, match="web page"):
            ask(client)
    with answering(credentials, token=page) as (client, sent), pytest.raises(errors.ServerFailure, match="web page"):
        client.set_credit_hold_override("1", ON)
    assert sent == []


@pytest.mark.parametrize("hold", ["ON", {"id": "ON"}, {"id": "ON", "refName": "On"}], ids=repr)
def test_both_forms_of_the_hold_are_read(credentials, hold):
    with answering(credentials, httpx.Response(200, json={"creditHoldOverride": hold})) as (client, _):
        assert client.read_customer("1").credit_hold_override is ON


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="down"),
        httpx.Response(200, json=["a"]),
        httpx.Response(200, json={"id": "1", "companyName": "No hold field"}),
        httpx.Response(200, json={"creditHoldOverride": "ON", "overdueBalance": "much"}),
        httpx.Response(200, json={"creditHoldOverride": "ON", "lastModifiedDate": "yesterday"}),
    ],
    ids=lambda answer: answer.text,
)
def test_an_answer_that_is_no_record_is_unexpected(credentials, answer):
    with answering(credentials, answer) as (client, _), pytest.raises(errors.UnexpectedAnswer):
        client.read_customer("1")


def test_the_write_is_the_documented_one(credentials):
    with answering(credentials, httpx.Response(204)) as (client, sent):
        client.set_credit_hold_override("a/b c", ON)
    (request,) = sent
    assert request.method == "PATCH"
    assert request.url.raw_path == b"/services/rest/record/v1/customer/a%2Fb%20c"
    assert request.content == b'{"creditHoldOverride":{"id":"ON"}}'
    assert request.headers["X-NetSuite-PropertyNameValidation"] == "Error"
    assert request.headers["X-NetSuite-PropertyValueValidation"] == "Error"
    assert request.headers["Authorization"] == "Bearer t"


@pytest.mark.parametrize("netsuite_id", ["", " ", ".", "..", "\ud800"], ids=repr)
def test_an_impossible_id_sends_nothing(credentials, netsuite_id):
    with answering(credentials, httpx.Response(204)) as (client, sent), pytest.raises(errors.PermanentError):
        client.set_credit_hold_override(netsuite_id, ON)
    assert sent == []


@pytest.mark.parametrize("address", ["", "netsuite.test", "ftp://netsuite.test", "http://", "http://x?y=1"])
def test_an_impossible_address_is_found_at_once(credentials, address):
    with pytest.raises(ValueError, match="not the address"):
        NetSuiteClient(address, credentials)


def test_nobody_listening_is_unreachable(credentials):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with NetSuiteClient(f"http://127.0.0.1:{port}", credentials) as client, pytest.raises(errors.Unreachable):
        client.probe()


def test_a_cut_off_answer_leaves_the_outcome_unknown(credentials):
    """Over a real socket: the token is whole, the record's answer ends in the middle."""
    token = b'{"access_token":"t","expires_in":"3600"}'
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(token), token)
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"

    def serve() -> None:
        for answer in (whole, cut):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with NetSuiteClient(url, credentials) as client, pytest.raises(errors.OutcomeUnknown, match="read the record"):
            client.read_customer("1")
        server.join()
