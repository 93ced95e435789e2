"""What the workflows agree on with everybody else: ids, task queues, signals, the query, search attributes."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from temporalio.common import SearchAttributeKey

from credit.actors import OwnActor
from credit.hold import HoldView
from credit.states import Beat, BeatStatus, Delivery, HoldStatus, MessageKind, MessageStatus, ReleaseCause, WaitingOn
from credit.triggers import Trigger

SERVICE_HOLD = "ServiceHold"
OUTBOUND_MESSAGE = "OutboundMessage"
AR_AGING = "ArAging"
RECONCILE = "Reconcile"
AUDIT_ANCHOR = "AuditAnchor"
DRIFT_CHECK = "DriftCheck"
RESTORE_AGAIN = "RestoreAgain"

RISK_LEVEL = 4
"""High (service-hold spec)."""


BEAT_SKIPPED = "BeatSkipped"
"""The type of the error that ends a beat because a person wants it left out."""


def service_hold_id(customer_id: str) -> str:
    """Return the workflow id of a customer's hold: one open hold per customer is one workflow id."""
    return f"service-hold/{customer_id}"


def message_workflow_id(message_id: UUID | str) -> str:
    """Return the workflow id of one drafted message."""
    return f"message/{message_id}"


def restore_again_prefix(hold_id: UUID) -> str:
    """Return what the ids of the workflows begin with that restore NetSuite's value of a released hold once more."""
    return f"restore-again/{hold_id}/"


def customer_of(workflow_id: str) -> str | None:
    """Return whose hold a workflow id is; None for what is no id of a hold."""
    prefix = service_hold_id("")
    return workflow_id.removeprefix(prefix) if workflow_id.startswith(prefix) else None


def netsuite_task_queue(task_queue: str) -> str:
    """Return the queue of the NetSuite activities: their own, capped, since the account's limit is shared."""
    return f"{task_queue}-netsuite"


def background_task_queue(task_queue: str) -> str:
    """Return the queue of scans and comparisons: they wait for holds, so they must not take the holds' slots."""
    return f"{task_queue}-background"


def mail_task_queue(task_queue: str) -> str:
    """Return the queue of mail going out: a slow mail server must not take the holds' slots."""
    return f"{task_queue}-mail"


# Search attributes: SQL visibility allows ten Keywords and three of each other type (docs/decisions/0016).
HOLD_STATUS = SearchAttributeKey.for_keyword("HoldStatus")
HOLD_TRIGGER = SearchAttributeKey.for_keyword("HoldTrigger")
CUSTOMER_ID = SearchAttributeKey.for_keyword("CustomerId")
WAITING_ON = SearchAttributeKey.for_keyword("WaitingOn")
NETSUITE_PUSH = SearchAttributeKey.for_keyword("NetSuitePush")
RISK = SearchAttributeKey.for_int("RiskLevel")
DAYS_OVERDUE = SearchAttributeKey.for_int("DaysOverdue")
AR_BALANCE = SearchAttributeKey.for_float("ArBalance")

SEARCH_ATTRIBUTES: tuple[SearchAttributeKey[Any], ...] = (
    HOLD_STATUS,
    HOLD_TRIGGER,
    CUSTOMER_ID,
    WAITING_ON,
    NETSUITE_PUSH,
    RISK,
    DAYS_OVERDUE,
    AR_BALANCE,
)


class CarriedEvent(BaseModel):
    """Something that reached a hold, and that its run left to the next one."""

    kind: str
    content: dict[str, Any]


class ServiceHoldInput(BaseModel):
    """What a run of `ServiceHold` starts from. Which hold it carries on is found in the database."""

    customer_id: str
    triggers: list[Trigger] = []
    """Triggers that arrived while the run before was closing."""
    inbox: list[CarriedEvent] = []
    """What the run before had received and not come to when its history was full, in order."""


_Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
_Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2200, 1, 1))]


class TriggerSignal(Trigger):
    """The payload of `trigger`: a `Trigger` within what the database keeps. Anything else would be retried for ever."""

    id: _Line
    reason: Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")]
    actor: _Line
    at: Annotated[AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC), le=datetime(2200, 1, 1, tzinfo=UTC))]
    as_of: _Day | None = None


class DecideSignal(BaseModel):
    """The payload of `decide`: it names a decision's row, and the row is what counts."""

    decision_id: UUID


class ReleaseSignal(BaseModel):
    """The payload of `request_release`. `id` makes a repeated delivery harmless."""

    id: _Line
    cause: ReleaseCause = ReleaseCause.PERSON
    reason: Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")]
    actor: _Line
    at: Annotated[AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC), le=datetime(2200, 1, 1, tzinfo=UTC))]


class FactsChangedSignal(BaseModel):
    """The payload of `facts_changed`: the customer's receivables changed while its hold is open; look at them again.

    `id` makes a repeated delivery harmless. What counts is in the database; this only says where to look.
    """

    id: _Line
    what: _Line
    """The kind of event (`credit.events.EventKind`) that changed them."""
    why: Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")] = ""
    actor: _Line
    at: Annotated[AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC), le=datetime(2200, 1, 1, tzinfo=UTC))]


class DriftSignal(BaseModel):
    """The payload of `netsuite_drift`: NetSuite differs from what the hold wants. What it says is in the database."""

    netsuite_id: _Line


class RetryBeatSignal(BaseModel):
    """The payload of `retry_beat`: one beat, or every unfinished one."""

    beat: Beat | None = None


class BeatState(BaseModel):
    """One beat as its workflow sees it."""

    status: BeatStatus = BeatStatus.PENDING
    last_error: str | None = None
    """Of the newest round; the database and the Web UI's pending activity have the newest attempt's."""
    retry_requested: bool = False


class HoldState(BaseModel):
    """The answer to the query `state`."""

    hold: HoldView | None
    status: HoldStatus | None
    waiting_on: WaitingOn
    beats: dict[Beat, BeatState]
    refused_signals: int


class HoldOutcome(BaseModel):
    """How a run of `ServiceHold` ended."""

    hold_id: UUID | None = None
    status: HoldStatus | None = None
    detail: str = ""


class OutboundMessageInput(BaseModel):
    """One drafted message."""

    message_id: UUID
    hold_id: UUID
    customer_id: str
    kind: MessageKind
    drafted_at: datetime


class RecallSignal(BaseModel):
    """The payload of `recall`: it names the decision that was taken back, and its row is what counts."""

    decision_id: UUID


class RetrySignal(BaseModel):
    """The payload of `retry`: somebody asked for another try, or settled whether the message left."""


class WithdrawSignal(BaseModel):
    """The payload of `withdraw`: the message's hold is over, which the record must say too."""


class MessageView(BaseModel):
    """A message as its workflow needs it."""

    status: MessageStatus
    revision: int = 1
    delivery: Delivery | None = None
    wait: timedelta = timedelta(0)
    """How much of the cooling-off is left."""
    error: str | None = None
    """What keeps an approved message from leaving."""
    is_news: bool = False
    """Whether what was asked about was not known to the workflow before."""


class ArAgingInput(BaseModel):
    """What a scan starts from."""

    requested_by: str = OwnActor.SCHEDULE
    as_of: date | None = None
    """The day to look at; None for the day the scan was due, in `time_zone`."""
    time_zone: str = "UTC"
    run_id: UUID | None = None
    after: str | None = None
    """Where a continued scan goes on: the last customer id of the page before."""


class ArAgingReport(BaseModel):
    """What a scan made of the customers above the threshold: disposition -> how many."""

    run_id: UUID
    as_of: date
    counts: dict[str, int] = Field(examples=[{"proposed": 3, "open_hold": 12}])


class Mending(StrEnum):
    """How far a reconcile may go."""

    LOOK = "look"
    """Report only."""
    RESTART = "restart"
    """Start workflows that are gone: they take up their record. What the schedule does."""
    REPAIR = "repair"
    """Also end workflows that contradict the record, and go on from the record. Only when a person asks."""


class ReconcileInput(BaseModel):
    """What a reconcile starts from."""

    mending: Mending = Mending.RESTART
    requested_by: str = OwnActor.SCHEDULE


class DriftCheckInput(BaseModel):
    """What a comparison with NetSuite starts from."""

    requested_by: str = OwnActor.SCHEDULE


class DriftReport(BaseModel):
    """What a comparison with NetSuite looked at and found."""

    looked_at: int = 0
    """Records whose value this system answers for."""
    differing: int = 0
    asked: int = 0
    """Holds whose workflow was told."""
    unheld: int = 0
    """Customers that are ON in NetSuite without a hold here."""


class RestoreAgainInput(BaseModel):
    """A released hold whose prior value is to be written once more."""

    hold_id: UUID


class Finding(BaseModel):
    """One disagreement between the record and Temporal, and what was done about it."""

    workflow_id: str
    problem: str
    done: str
    """Empty where it was only reported."""


class ReconcileReport(BaseModel):
    """What a reconcile looked at and found."""

    looked_at: int
    findings: list[Finding]


class AuditAnchorReport(BaseModel):
    """Where the anchor file stands: kept in Temporal's history, it is a second witness of the file itself."""

    lines: int
    digest: str
    """SHA-256 of the file's last line; empty for a file without lines."""
    heads: int
    """Chains that grew since the last anchor, and are anchored now."""
    total_rows: int
    problem: str = ""
    """What is wrong with the file; empty where nothing is."""
