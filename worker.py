"""The worker process: what it registers, how it drains and stops.

    python -m worker

Four Temporal workers share one client and one database pool: `<task queue>` for workflows and database activities,
`<task queue>-netsuite`, capped, for NetSuite, `<task queue>-mail` for mail going out, and
`<task queue>-background` for scans and comparisons. Beside them run the relay of every outbox and the notifier that
tells people. SIGTERM drains: activities under way finish, or are handed back to Temporal.
"""

import asyncio
import pkgutil
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Worker, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import workflows
from activities.anchoring import AnchoringActivities
from activities.audit import AuditActivities
from activities.customers import CustomerActivities
from activities.drift import DriftActivities, RepairActivities
from activities.holds import HoldActivities
from activities.log_context import LogContext
from activities.mail import MailActivities
from activities.mail_server import MailServer
from activities.messages import MessageActivities
from activities.netsuite import NetSuiteActivities
from activities.receivables import AgingActivities, ProposingActivities
from activities.reconciling import ReconcilingActivities
from db.anchor_file import AnchorFile
from db.engine import make_engine
from netsuite.client import NetSuiteClient
from runtime import logs
from runtime.health import HealthServer
from runtime.leaving import leave
from runtime.metrics import Metrics, install_sdk_metrics
from runtime.settings import Settings
from runtime.temporal import connect, register_search_attributes
from services import outboxes, schedules
from services.netsuite import certificate
from services.netsuite.client import netsuite_client
from services.notifier import Notifier, sender_of
from services.relay import relay
from workflows.ar_aging import ArAging
from workflows.audit_anchor import AuditAnchor
from workflows.contract import background_task_queue, mail_task_queue, netsuite_task_queue
from workflows.drift_check import DriftCheck, RestoreAgain
from workflows.outbound_message import OutboundMessage
from workflows.reconcile import Reconcile
from workflows.service_hold import ServiceHold

WORKFLOWS: Sequence[type[Any]] = (
    ServiceHold,
    OutboundMessage,
    ArAging,
    Reconcile,
    AuditAnchor,
    DriftCheck,
    RestoreAgain,
)

_DEFINING = {workflow.__module__ for workflow in WORKFLOWS}
_PURE = {f"workflows.{module.name}" for module in pkgutil.iter_modules(workflows.__path__)} - _DEFINING
SANDBOX = SandboxRestrictions.default.with_passthrough_modules("credit", *_PURE)
"""Every instance of a workflow loads the module that defines it anew, so that its code is watched, and shares the rest.

Named here, because `from workflows import x` inside the sandbox is resolved by importlib itself: unnamed, each instance
builds all pydantic models again (3 MB and a third of a hold's CPU time).
"""

_DRAIN = timedelta(seconds=30)
_NOTIFIER_DRAIN = timedelta(seconds=5)
"""For mails under way: one that is cut off is sent once more later."""
_DATABASE_SLOTS = 10
"""Database activities at once; with the NetSuite slots (two connections each) they fit the pool."""

_MAIL_SLOTS = 3
"""Mails on their way out at once (two connections each): a mail server may take minutes to answer."""

_BACKGROUND_SLOTS = 2
"""Batches of proposals or comparisons at once: a scan's pace, and what it leaves to people."""

_log = structlog.get_logger("worker")


def database_activities(engine: Engine) -> list[Callable[..., Any]]:
    """Return the activities of the main task queue."""
    customers = CustomerActivities(engine)
    holds, messages, aging = HoldActivities(engine), MessageActivities(engine), AgingActivities(engine)
    return [
        holds.open_hold,
        holds.add_evidence,
        holds.settle_decision,
        holds.close_proposal,
        holds.put_in_force,
        holds.look_at_hold,
        holds.request_release,
        holds.finish_release,
        customers.flag_customer,
        customers.unflag_customer,
        messages.draft_message,
        messages.withdraw_message,
        messages.read_message,
        messages.heed_message_signal,
        messages.unsent_messages,
        AuditActivities(engine).refuse_signal,
        RepairActivities(engine).propose_repair,
        aging.open_aging_run,
        aging.read_aging_page,
        aging.close_aging_run,
    ]


def netsuite_activities(engine: Engine, client: NetSuiteClient, settings: Settings) -> list[Callable[..., Any]]:
    """Return the activities of the NetSuite task queue."""
    concurrency = settings.netsuite_concurrency
    records = NetSuiteActivities(engine, client, concurrency)
    drift = DriftActivities(engine, client, settings.netsuite_credit_limit_handling, concurrency)
    return [records.push_netsuite, records.restore_netsuite, drift.compare_with_netsuite, drift.find_unheld]


def background_activities(engine: Engine, client: Client, anchor_file: AnchorFile) -> list[Callable[..., Any]]:
    """Return the activities of the background queue: those that ask Temporal, and those that look at everything."""
    return [
        ProposingActivities(engine, client).propose_candidates,
        ReconcilingActivities(engine, client).reconcile_page,
        AnchoringActivities(engine, anchor_file).anchor_audit,
    ]


def build_workers(client: Client, settings: Settings, engine: Engine, netsuite: NetSuiteClient) -> list[Worker]:
    """Return the workers, not yet running."""
    shared: dict[str, Any] = {
        "interceptors": [LogContext()],
        "graceful_shutdown_timeout": _DRAIN,
        "deployment_config": _deployment(settings),
    }
    return [
        Worker(
            client,
            task_queue=settings.task_queue,
            workflows=WORKFLOWS,
            workflow_runner=SandboxedWorkflowRunner(restrictions=SANDBOX),
            activities=database_activities(engine),
            activity_executor=ThreadPoolExecutor(_DATABASE_SLOTS, thread_name_prefix="database"),
            max_concurrent_activities=_DATABASE_SLOTS,
            **shared,
        ),
        Worker(
            client,
            task_queue=netsuite_task_queue(settings.task_queue),
            activities=netsuite_activities(engine, netsuite, settings),
            activity_executor=ThreadPoolExecutor(settings.netsuite_concurrency, thread_name_prefix="netsuite"),
            max_concurrent_activities=settings.netsuite_concurrency,
            **shared,
        ),
        Worker(
            client,
            task_queue=mail_task_queue(settings.task_queue),
            activities=[MailActivities(engine, mail_server(settings)).send_message],
            activity_executor=ThreadPoolExecutor(_MAIL_SLOTS, thread_name_prefix="mail"),
            max_concurrent_activities=_MAIL_SLOTS,
            **shared,
        ),
        Worker(
            client,
            task_queue=background_task_queue(settings.task_queue),
            activities=background_activities(engine, client, AnchorFile(settings.anchor_file)),
            max_concurrent_activities=_BACKGROUND_SLOTS,
            **shared,
        ),
    ]


def _deployment(settings: Settings) -> WorkerDeploymentConfig | None:
    """Return this worker's place in a Worker Deployment; None where versions are not routed.

    Holds upgrade by themselves: one may be open for a year, and its code is kept replayable (docs/architecture.md).
    """
    if not settings.worker_build_id:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.worker_deployment, settings.worker_build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


def mail_server(settings: Settings) -> MailServer:
    """Return the mail server that `settings` name.

    Raises:
        RuntimeError: the sender is not a mailbox.
    """
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=sender_of(settings),
        tls=settings.smtp_tls,
        username=settings.smtp_username,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else "",
        connections=settings.smtp_connections,
    )


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Work until `stop` is set, then drain."""
    sdk_metrics = install_sdk_metrics()
    engine = make_engine(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
    netsuite = netsuite_client(settings)
    notifier = Notifier(engine, settings)
    client = await connect(settings)
    await register_search_attributes(client)
    await schedules.ensure(client, settings)
    more = [certificate.CertificateExpiry(settings.netsuite_certificate_expires)]
    async with AsyncExitStack() as stack:
        stack.callback(engine.dispose)
        stack.callback(netsuite.close)
        health = stack.enter_context(
            HealthServer(
                settings.worker_health_host, settings.worker_health_port, engine, Metrics(engine, sdk_metrics, more)
            )
        )
        for worker in build_workers(client, settings, engine, netsuite):
            await stack.enter_async_context(worker)
        resend_after = timedelta(seconds=settings.relay_resend_seconds)
        for_ever = [
            asyncio.create_task(certificate.warn_daily(settings.netsuite_certificate_expires)),
            asyncio.create_task(relay(client, engine, outboxes.all_of(settings.task_queue), resend_after)),
        ]
        notifying = asyncio.create_task(notifier.run(stop))
        health.ready = True
        _log.info("worker ready", task_queue=settings.task_queue, temporal=settings.temporal_address)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((*for_ever, notifying, stopping), return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        health.ready = False
        _log.info("worker draining")
        for task in for_ever:
            task.cancel()
        await asyncio.wait((notifying,), timeout=_NOTIFIER_DRAIN.total_seconds())
        notifying.cancel()
        for ended in await asyncio.gather(*for_ever, notifying, return_exceptions=True):
            if isinstance(ended, Exception):  # one that was cancelled ended as it should
                raise ended
    _log.info("worker stopped")


async def _main() -> None:
    settings = Settings()
    logs.configure(as_json=settings.log_format == "json", level=settings.log_level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(settings, stop)


def main() -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    try:
        asyncio.run(_main())
    except Exception as error:  # noqa: BLE001 (whatever it is must end by `leave`)
        _log.exception("worker cannot run", error=str(error))
        return 1
    return 0


if __name__ == "__main__":
    leave(main())
