"""The desk's HTTP API as the command line uses it: JSON documents in, the same refusals out."""

import weakref
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx

from credit.states import Beat, HoldStatus, MessageStatus, MessageVerdict, TextFormat, Verdict
from db.errors import RefusedError
from starter.cli.desk_profiles import DeskProfiles

Document = dict[str, Any]

_PATIENCE = httpx.Timeout(60, connect=5)
_TRIES = 2


class DeskUnreachableError(RuntimeError):
    """The desk does not answer, or cannot work now."""


class DeskClient:
    """One desk, asked under one token.

    Every method raises the RefusedError that the desk refused with, and DeskUnreachableError where it cannot answer.
    """

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=_PATIENCE)
        weakref.finalize(self, self._http.close)  # a command has no end of its own to close it at
        self.profiles = DeskProfiles(self._ask)

    def start(self, customer_id: str, *, reason: str) -> Document:
        """Propose a hold; `created` tells whether it is new."""
        return self._post("/api/holds", customer_id=customer_id, trigger="manual", reason=reason)

    def holds(self, status: HoldStatus | None) -> Document:
        """List holds: the open ones, or those in one status."""
        return self._whole_list("/api/holds", "holds", status)

    def hold(self, name: str) -> Document:
        """Return one hold whole."""
        return self._ask("GET", _hold(name))

    def claim(self, name: str) -> Document:
        """Claim a hold's open proposal: {claim, revision, expires_at}."""
        return self._post(f"{_hold(name)}/claim")

    def release_claim(self, name: str, claim: str) -> None:
        """Give a claim back undecided."""
        self._ask("DELETE", f"{_hold(name)}/claim/{claim}")

    def decide(
        self,
        name: str,
        *,
        claim: str,
        revision: int,
        verdict: Verdict,
        reason: str,
        keep_block: bool = True,
        evidence_seen: int | None = None,
    ) -> Document:
        """Decide a claimed proposal: {id, decision_id, status, delivered}."""
        decision = {"decision": verdict, "reason": reason, "keep_block": keep_block}
        if evidence_seen is not None:
            decision["evidence_seen"] = evidence_seen
        return self._post(f"{_hold(name)}/decision", claim=claim, revision=revision, **decision)

    def undo(self, name: str, *, reason: str) -> Document:
        """Take an approval back: {id, status, revision}."""
        return self._post(f"{_hold(name)}/undo", reason=reason)

    def retry(self, name: str, *, beat: Beat | None, reason: str) -> Document:
        """Try one or every unfinished beat again: {id, beats}."""
        return self._post(f"{_hold(name)}/beats/{f'{beat}/' if beat else ''}retry", reason=reason)

    def release(self, name: str, *, reason: str) -> Document:
        """Propose to release a hold: {id, customer_id, status, revision, proposal}."""
        return self._post(f"{_hold(name)}/release", reason=reason)

    def skip(self, name: str, *, beat: Beat, reason: str) -> Document:
        """End an unfinished beat undone: {id, beat, status}."""
        return self._post(f"{_hold(name)}/beats/{beat}/skip", reason=reason)

    def cancel(self, name: str, *, beat: Beat, reason: str) -> Document:
        """Stop trying an unfinished beat: {id, beat, status}."""
        return self._post(f"{_hold(name)}/beats/{beat}/cancel", reason=reason)

    def absences(self, *, over_too: bool) -> Document:
        """List absences, the first to start first."""
        return self._ask("GET", "/api/absences", query={"over": str(over_too).lower()})

    def add_absence(
        self, *, login: str | None, delegate: str, starts_at: datetime | None, ends_at: datetime, reason: str
    ) -> Document:
        """Let somebody stand in; for the caller where no login is given, from now on where no start is."""
        wanted = {"login": login, "delegate": delegate, "ends_at": ends_at.isoformat(), "reason": reason}
        starts = {"starts_at": starts_at.isoformat()} if starts_at else {}
        return self._post("/api/absences", **wanted, **starts)

    def end_absence(self, absence_id: UUID) -> Document:
        """End an absence now, or call it off."""
        return self._ask("DELETE", f"/api/absences/{absence_id}")

    def messages(self, status: MessageStatus | None) -> Document:
        """List messages: the unsent ones, or those in one status."""
        return self._whole_list("/api/messages", "messages", status)

    def message(self, message_id: str) -> Document:
        """Return one message whole."""
        return self._ask("GET", _message(message_id))

    def edit_message(
        self, message_id: str, *, revision: int, subject: str, body: str, recipient: str | None, text_format: TextFormat
    ) -> Document:
        """Write the next revision."""
        text = {"subject": subject, "body": body, "recipient": recipient, "format": text_format}
        return self._ask("PUT", _message(message_id), {"revision": revision, **text})

    def claim_message(self, message_id: str) -> Document:
        """Claim a message: {claim, revision, expires_at}."""
        return self._post(f"{_message(message_id)}/claim")

    def release_message_claim(self, message_id: str, claim: str) -> None:
        """Give a claim back undecided."""
        self._ask("DELETE", f"{_message(message_id)}/claim/{claim}")

    def decide_message(
        self, message_id: str, *, claim: str, revision: int, verdict: MessageVerdict, reason: str
    ) -> Document:
        """Approve or discard a claimed message: {id, decision_id, status, send_after, delivered}."""
        path = f"{_message(message_id)}/decision"
        return self._post(path, claim=claim, revision=revision, decision=verdict, reason=reason)

    def recall_message(self, message_id: str, *, reason: str) -> Document:
        """Take an approval back before the message leaves."""
        return self._post(f"{_message(message_id)}/recall", reason=reason)

    def settle_message(self, message_id: str, *, arrived: bool, reason: str) -> Document:
        """Say whether a message arrived whose answer was lost."""
        return self._post(f"{_message(message_id)}/delivery", arrived=arrived, reason=reason)

    def retry_message(self, message_id: str, *, reason: str) -> Document:
        """Try again now to send it."""
        return self._post(f"{_message(message_id)}/delivery/retry", reason=reason)

    def _whole_list(self, path: str, member: str, status: str | None) -> Document:
        found: Document = {member: [], "unreadable": []}
        query = {"limit": "500"} | ({"status": status} if status else {})
        while True:
            page = self._ask("GET", path, query=query)
            found[member] += page[member]
            found["unreadable"] += page.get("unreadable", [])  # a desk of the version before tells of none
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]

    def _post(self, path: str, **body: Any) -> Document:
        return self._ask("POST", path, body)

    def _ask(
        self, method: str, path: str, body: Document | None = None, query: dict[str, str] | None = None
    ) -> Document:
        # One key for all tries: what an answer was lost of is not done twice.
        headers = {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
        for left in reversed(range(_TRIES)):
            try:
                answer = self._http.request(method, path, json=body, params=query, headers=headers)
                break
            except httpx.TransportError as error:
                if not left:
                    raise DeskUnreachableError(f"the desk at {self._http.base_url}: {error}") from error
        return _document(answer)


def _hold(name: str) -> str:
    return f"/api/holds/{quote(name, safe='')}"


def _message(message_id: str) -> str:
    return f"/api/messages/{quote(message_id, safe='')}"


def _document(answer: httpx.Response) -> Document:
    if answer.is_success:
        return answer.json() if answer.content else {}
    try:
        problem = answer.json()
        code, detail = problem["code"], problem["detail"]
    except (ValueError, KeyError, TypeError):
        raise DeskUnreachableError(f"{answer.url} answers {answer.status_code}, and not as a desk does") from None
    if answer.is_server_error:
        raise DeskUnreachableError(f"the desk says {answer.status_code}: {detail}")
    raise _refusal(code, detail, problem)


def _refusal(code: str, detail: str, members: Document) -> RefusedError:
    """Rebuild the refusal that the desk answered with; a plain one where its code is not known here."""
    kind = {one.code: one for one in _kinds(RefusedError)}.get(code, RefusedError)
    error = kind.__new__(kind, detail)  # not through its constructor: the text is there already
    vars(error).update({name: members[name] for name in ("shown", "current", "difference") if name in members})
    return error


def _kinds(kind: type[RefusedError]) -> Iterator[type[RefusedError]]:
    for one in kind.__subclasses__():
        yield one
        yield from _kinds(one)
