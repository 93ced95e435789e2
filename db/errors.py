"""Why something a person asked for is refused: each has its code, for programs, and its HTTP status."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from http import HTTPStatus
from typing import ClassVar
from uuid import UUID

from credit.permissions import LEAST_ROLE, TOKENS_ONLY, Permission, Role
from credit.states import ProposalKind
from credit.wording import words


class RefusedError(Exception):
    """Something asked for was refused. The text says what to do; `code` is stable, for programs."""

    code: ClassVar[str] = "refused"
    status: ClassVar[HTTPStatus] = HTTPStatus.CONFLICT
    """How HTTP answers it; most refusals are a conflict with what is there."""

    @property
    def said(self) -> str:
        """What a page says of it."""
        return str(self)


class NotFoundError(RefusedError, LookupError):
    """Nothing has the id or the name that was given.

    Args:
        said: what there is not. All that a page says beside a link to `listed_at`.
        advice: what a program, or a person at the command line, can do.
    """

    status = HTTPStatus.NOT_FOUND
    listed_at: ClassVar[tuple[str, str] | None] = None
    """Address and name of the desk's page that shows what there is."""

    def __init__(self, said: str, advice: str = "") -> None:
        super().__init__(f"{said}: {advice}" if advice else said)
        self._said = said

    @property
    def said(self) -> str:
        """What there is not, without what a page has no use for."""
        return self._said


class UnknownCustomerError(NotFoundError):
    code = "unknown_customer"
    listed_at = ("/customers", "Search the customers")

    def __init__(self, customer_id: str) -> None:
        super().__init__(f"no customer {customer_id!r}", "import it first with `hold ar import`, or check the id")


class UnknownHoldError(NotFoundError):
    """Nothing matches, neither a hold's id nor a customer with a hold."""

    code = "unknown_hold"

    def __init__(self, name: str) -> None:
        super().__init__(f"no hold matches {name!r}", "give a hold's id or a customer's id; `hold list` shows them")


class UnknownEntryError(NotFoundError):
    """The customer's Credit Hold page has no such entry (any more)."""

    code = "unknown_entry"

    def __init__(self, customer_id: str, entry_id: UUID) -> None:
        super().__init__(
            f"customer {customer_id} has no live credit hold entry {entry_id}: it was deleted, or never was"
        )


class EntryOfHoldError(RefusedError):
    """Only the release of its service hold ends this entry."""

    code = "release_needed"

    def __init__(self, customer_id: str, hold_id: UUID) -> None:
        super().__init__(
            f"customer {customer_id} is blocked by service hold {hold_id}: its release is what lifts the block"
        )
        self.hold_id = hold_id


class CustomerOnHoldError(RefusedError):
    """The customer is on hold. The text is the content template's message, as people are to read it."""

    code = "customer_on_hold"

    def __init__(self, message: str, *, template: str, holds: Sequence[Mapping[str, object]]) -> None:
        super().__init__(message)
        self.template = template
        self.holds = holds
        """What blocks: an object for each entry."""


class UnknownTariffError(NotFoundError):
    code = "unknown_tariff"

    def __init__(self, tariff: str, known: Sequence[str]) -> None:
        there = f"there are {', '.join(known)}" if known else "there are none yet"
        super().__init__(f"no tariff {tariff!r}; {there}", "" if known else "`PUT /api/tariffs/{code}` makes one")


class UnknownOrderError(NotFoundError):
    code = "unknown_order"

    def __init__(self, order_id: str) -> None:
        super().__init__(f"no order {order_id!r}: check its id")


class UnknownLoadError(NotFoundError):
    code = "unknown_load"

    def __init__(self, load_id: str) -> None:
        super().__init__(f"no load {load_id!r}: check its id")


class NumberTakenError(RefusedError):
    """There is an order or load of this id already."""

    code = "number_taken"

    def __init__(self, what: str, number: str) -> None:
        super().__init__(f"there is {what} {number} already: look at it, or leave the id out to get a new one")


class OrderClosedError(RefusedError):
    """The order ended the other way."""

    code = "order_closed"

    def __init__(self, order_id: str, status: str) -> None:
        super().__init__(f"order {order_id} is {words(status)} already: nothing was done")


class LoadMovedError(RefusedError):
    """The load is not where it was thought to be, or can go no further."""

    code = "load_moved"

    def __init__(self, load_id: str, status: str, expected: str | None = None) -> None:
        not_so = f", not {words(expected or '')} any more: nothing was done; load it again"
        super().__init__(f"load {load_id} is {words(status)}{not_so if expected else ': it goes no further'}")


class UnknownOrganisationError(NotFoundError):
    code = "unknown_organisation"
    listed_at = ("/settings/organisations", "See the organisations")

    def __init__(self, organisation: str) -> None:
        super().__init__(f"no organisation {organisation!r}", "GET /api/org-settings or `hold org show` lists them")


class OrganisationTakenError(RefusedError):
    """Each organisation has its own name."""

    code = "organisation_taken"

    def __init__(self, organisation: str) -> None:
        super().__init__(f"there is an organisation {organisation!r} already: change that one, or take another name")


class NothingToDecideError(RefusedError):
    """The proposal was settled already, or there never was one."""

    code = "nothing_to_decide"

    def __init__(self, customer_id: str, state: str) -> None:
        super().__init__(f"customer {customer_id} has nothing to decide: {words(state)}")


class NothingToReleaseError(RefusedError):
    """Only a hold that was approved can be released."""

    code = "nothing_to_release"

    def __init__(self, customer_id: str, state: str) -> None:
        super().__init__(f"customer {customer_id} has no hold to release ({words(state)}): decline a proposal instead")


class NotInForceError(RefusedError):
    """Dates and exceptions belong to a hold that was approved."""

    code = "not_in_force"

    def __init__(self, customer_id: str, state: str) -> None:
        super().__init__(f"customer {customer_id}'s hold is {words(state)}: only one in force has dates and exceptions")


class ClaimedByAnotherError(RefusedError):
    """Somebody else is deciding this one."""

    code = "claimed_by_another"

    def __init__(self, holder: str, until: datetime) -> None:
        super().__init__(f"claimed by {holder} until {until:%Y-%m-%d %H:%M:%S} UTC: ask them, or wait for the lease")
        self.holder = holder
        self.until = until


class ClaimLostError(RefusedError):
    """The claim does not entitle to this decision."""

    code = "claim_lost"

    def __init__(self, why: str) -> None:
        super().__init__(f"the claim does not hold: {why}; claim the proposal again and look at it again")


class StaleRevisionError(RefusedError):
    """What was decided on is not what is proposed now."""

    code = "stale_revision"

    def __init__(self, shown: int, current: int, what: str = "proposal") -> None:
        super().__init__(f"you were shown revision {shown}, the {what} is at revision {current}: look at it again")
        self.shown = shown
        self.current = current


class UnseenEvidenceError(RefusedError):
    """Somebody has said something about the proposal since it was shown. `unseen`: actor, reason and time of each."""

    code = "unseen_evidence"

    def __init__(self, unseen: list[dict[str, str]], count: int) -> None:
        who = " and ".join(dict.fromkeys(one["actor"] for one in unseen))
        super().__init__(f"{who} said more since you were shown this: read it, then decide")
        self.unseen = unseen
        self.count = count


class StaleVersionError(RefusedError):
    """Somebody changed it since it was read."""

    code = "stale_version"
    status = HTTPStatus.PRECONDITION_FAILED

    def __init__(self, what: str, read: int, current: int) -> None:
        super().__init__(f"you changed version {read} of {what}, which is at version {current}: read it again")
        self.current = current


class CurrencyInUseError(RefusedError):
    """The ledger has amounts; another currency would relabel every one of them without converting it."""

    code = "currency_in_use"

    def __init__(self, before: str, wanted: str) -> None:
        super().__init__(
            f"the ledger has amounts in {before}, and calling them {wanted} would not convert them: leave the currency "
            f"at {before}. It can be changed only while there is no invoice, credit, order, credit limit or hold; an "
            f"import takes items in {wanted} with their rate (`--rate {wanted}=RATE`)"
        )


class IdempotencyMismatchError(RefusedError):
    """One key names one request."""

    code = "idempotency_mismatch"
    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, key: str) -> None:
        super().__init__(f"the Idempotency-Key {key!r} was used for another request: make a new key for each request")


class RequestUnderWayError(RefusedError):
    """The first of two equal requests is not over."""

    code = "request_under_way"

    def __init__(self, key: str) -> None:
        super().__init__(f"the first request with the Idempotency-Key {key!r} is still under way: try again soon")


class AnswerLostError(RefusedError):
    """An equal request did something already, and its answer was lost."""

    code = "answer_lost"

    def __init__(self, key: str, at: datetime) -> None:
        super().__init__(
            f"a request with the Idempotency-Key {key!r} took effect at {at:%Y-%m-%d %H:%M:%S} UTC, and its answer was "
            "lost: look at what it did before you send anything under another key"
        )


class UnknownTokenError(RefusedError):
    code = "unknown_token"
    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, why: str = "this token is not known or was revoked") -> None:
        super().__init__(f"{why}: make one with `hold token create`, set HOLD_TOKEN")


class TokenExpiredError(UnknownTokenError):
    code = "token_expired"

    def __init__(self, name: str, at: datetime) -> None:
        super().__init__(f"the token {name!r} expired at {at:%Y-%m-%d %H:%M} UTC")


class OwnerDisabledError(UnknownTokenError):
    """A token works no longer than its owner may come in."""

    code = "owner_disabled"

    def __init__(self, name: str, owner: str) -> None:
        super().__init__(f"{owner}, who owns the token {name!r}, is disabled")


class UnknownUserCodeError(NotFoundError):
    code = "unknown_user_code"

    def __init__(self) -> None:
        super().__init__(
            "no program waits for this code: it is mistyped, was answered, or is older than ten minutes; have "
            "the program sign in anew for another one"
        )


class TooManyDeviceCodesError(RefusedError):
    code = "too_many_device_codes"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many sign-ins from this address are open: confirm one, or wait {seconds} s")
        self.retry_after = seconds


class DeviceCodeError(RefusedError):
    """Why a program that asks with a device code gets no token: the codes of RFC 8628, section 3.5."""

    status = HTTPStatus.BAD_REQUEST


class AuthorizationPendingError(DeviceCodeError):
    code = "authorization_pending"

    def __init__(self) -> None:
        super().__init__("nobody has confirmed the code yet: ask again")


class SlowDownError(DeviceCodeError):
    code = "slow_down"

    def __init__(self) -> None:
        super().__init__("asked again too soon: wait five seconds longer between two questions from now on")


class AccessDeniedError(DeviceCodeError):
    code = "access_denied"

    def __init__(self) -> None:
        super().__init__("the sign-in was denied at the desk")


class ExpiredTokenError(DeviceCodeError):
    code = "expired_token"

    def __init__(self) -> None:
        super().__init__("nobody confirmed the code in time, or it was used: begin anew")


class NotAllowedError(RefusedError):
    code = "not_allowed"
    status = HTTPStatus.FORBIDDEN

    def __init__(self, name: str, role: Role, permission: Permission) -> None:
        least = LEAST_ROLE[permission].label
        said = f"{name} is {role.label}; to {permission} takes {least}: ask an admin for the role"
        if permission in TOKENS_ONLY:
            said = (
                f"{name} may not {permission}: only a sender's token (`hold token create --role sender`) or signature"
            )
        elif role is Role.SENDER:
            said = f"{name} is a sender, which may only send events; to {permission} takes a token of the role {least}"
        super().__init__(said)


class PersonNeededError(NotAllowedError):
    """The token is a service's, and a person answers for what was asked."""

    code = "person_needed"

    def __init__(self, token: str, permission: Permission) -> None:
        RefusedError.__init__(
            self,
            f"{token} is a service's token and may not {permission}: a service decides nothing. Make a token that a "
            f"person owns: `hold token create --name {token} --role ROLE --owner LOGIN`",
        )


class OutOfScopeError(NotAllowedError):
    """The token was made for less than its role may."""

    code = "out_of_scope"

    def __init__(self, token: str, permission: Permission, scope: Iterable[Permission]) -> None:
        RefusedError.__init__(
            self,
            f"the token {token} may not {permission}, only {', '.join(sorted(scope)) or 'nothing'}: "
            "use one that was made for this too",
        )


class SelfApprovalError(RefusedError):
    """The policy bars who asked for a hold, or for its release, from approving it."""

    code = "self_approval"
    status = HTTPStatus.FORBIDDEN

    def __init__(self, actor: str, asked_by: str, kind: ProposalKind) -> None:
        who = actor if asked_by == actor else f"{asked_by}, for whom {actor} stands in,"
        what = "this hold" if kind is ProposalKind.PLACE else "this release"
        super().__init__(f"{who} asked for {what}, and the policy wants somebody else to approve it")


class SecondApproverError(RefusedError):
    """The first approval stands already; the second must be another person's."""

    code = "second_approver_needed"

    def __init__(self, first: str) -> None:
        super().__init__(
            f"{first} approved this revision already; above this amount a second person has to approve, "
            "and who stands in for the first is none"
        )


class TooLateError(RefusedError):
    """What was approved cannot be taken back any more."""

    code = "too_late"


class UnknownMessageError(NotFoundError):
    code = "unknown_message"

    def __init__(self, name: str) -> None:
        super().__init__(f"no message {name!r}", "`hold show HOLD` lists a hold's messages")


class MessageClosedError(RefusedError):
    """The message's state does not allow this."""

    code = "message_closed"

    def __init__(self, status: str, wanted: str) -> None:
        super().__init__(f"the message is {words(status)}; only one that is {words(wanted)} can be changed this way")


class UnknownTemplateError(NotFoundError):
    code = "unknown_template"
    listed_at = ("/settings#templates", "See the templates")

    def __init__(self, name: str) -> None:
        super().__init__(f"no template {name!r}", "GET /api/templates lists them")


class UnknownRunError(NotFoundError):
    code = "unknown_run"
    listed_at = ("/aging#runs", "See the last scans")

    def __init__(self, name: str) -> None:
        super().__init__(f"no AR aging scan {name!r}", "/aging lists the last ones")


class AlreadyExemptError(RefusedError):
    """A customer has one exemption at a time."""

    code = "already_exempt"

    def __init__(self, customer_id: str, owner: str, until: date) -> None:
        super().__init__(f"customer {customer_id} is exempt until {until} (owner {owner}): end that one first")


class NotExemptError(NotFoundError):
    """The customer has no exemption that counts today."""

    code = "not_exempt"

    def __init__(self, customer_id: str) -> None:
        super().__init__(f"customer {customer_id} is not exempt today", "`hold exempt list` shows who is")


class UnknownSenderError(RefusedError):
    """Nobody we know signed the event, or not lately."""

    code = "unknown_sender"
    status = HTTPStatus.UNAUTHORIZED


class EventConflictError(RefusedError):
    """An id stands for one event for ever."""

    code = "event_conflict"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} was taken already with another content: send what is new under a new id")


class BadEventError(RefusedError, ValueError):
    """One field of an event makes no sense for what we know."""

    code = "bad_event"
    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


class OutOfOrderError(RefusedError):
    """The event is about something that another event must tell first: it may be sent again."""

    code = "out_of_order"


class NothingToRepairError(RefusedError):
    """Only a difference of a released hold is mended this way."""

    code = "nothing_to_repair"

    def __init__(self, customer_id: str, state: str) -> None:
        super().__init__(f"customer {customer_id} has nothing to repair in NetSuite here: {state}")


class NothingToAdoptError(RefusedError):
    """Only what NetSuite has ON without a hold here can be adopted."""

    code = "nothing_to_adopt"

    def __init__(self, customer_id: str) -> None:
        super().__init__(
            f"customer {customer_id} was not seen ON in NetSuite without a hold here: have NetSuite compared again"
        )


class DriftCheckFailedError(RefusedError):
    """A comparison with NetSuite ended in an error that no retry can mend."""

    code = "drift_check_failed"
    status = HTTPStatus.BAD_GATEWAY

    def __init__(self, cause: str) -> None:
        super().__init__(f"the check failed: {cause}")


class BadInputError(RefusedError, ValueError):
    """What was given makes no sense; the text says what would."""

    code = "bad_input"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class UnknownUserError(NotFoundError):
    code = "unknown_user"
    listed_at = ("/people", "See the people")

    def __init__(self, login: str) -> None:
        super().__init__(f"no user {login!r}", "`hold user list` shows them")


class LoginTakenError(RefusedError):
    """A login is one person's, for ever."""

    code = "login_taken"

    def __init__(self, login: str) -> None:
        super().__init__(f"somebody, or a service's token, is called {login!r} already: take another login")


class LastAdminError(RefusedError):
    """The last admin who can sign in would be gone."""

    code = "last_admin"

    def __init__(self, login: str) -> None:
        super().__init__(f"{login} is the last admin: make somebody else admin first")


class UnknownTokenNameError(NotFoundError):
    code = "unknown_token_name"
    listed_at = ("/tokens", "See the tokens")

    def __init__(self, name: str) -> None:
        super().__init__(f"no token is called {name!r}", "`hold token list` shows them")


class TokenInUseError(RefusedError):
    """A new token of this name would end one that works."""

    code = "token_in_use"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"a token called {name!r} works already, and whatever uses it would stop: take another name, or say that "
            "it is to be replaced"
        )


class UnknownAbsenceError(NotFoundError):
    code = "unknown_absence"
    listed_at = ("/people#absences", "See the absences")

    def __init__(self, name: object) -> None:
        super().__init__(f"no absence {str(name)!r}", "`hold absence list` shows them")


class LendingNeedsAdminError(RefusedError):
    """To stand in lets one decide: whoever may not even ask for a hold gets that from an admin only."""

    code = "lending_needs_admin"
    status = HTTPStatus.FORBIDDEN

    def __init__(self, delegate: str, role: Role) -> None:
        super().__init__(
            f"{delegate} is {role.label}, and only an admin lets somebody below requester stand in: name somebody "
            "else, or ask an admin to note the absence"
        )


class AbsentAlreadyError(RefusedError):
    """A person has one absence at a time: who stands in must be clear."""

    code = "absent_already"

    def __init__(self, login: str, since: datetime, until: datetime) -> None:
        lasts = f"from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"
        super().__init__(f"{login} is absent {lasts} already: end that absence first, or choose another time")
