"""Tell people what is written in the outbox of notifications: by mail, and by a webhook where one is configured.

At least once, for ever: what is not taken is tried again, ever less often, and shows in the row (attempts, error) and
in `hold_notifications_undelivered`. What can never be told, because its row makes no sense or no mail can carry it, is
given up: alone, and shown in the hold's record and in `hold_notifications_given_up`. A notifier that dies between the
mail server's answer and its own note sends once more, under the same Message-ID or webhook-id. Two notifiers share the
work: rows are claimed, not held.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from uuid import UUID

import aiosmtplib
import httpx
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from credit import mail_text, notices
from credit.mail_wire import Mail, written
from credit.notices import Decided, Escalated, Expired, Notice, Released, Reminder, ToDecide
from credit.states import NotificationChannel, NotificationEvent
from db import session_locks
from db.act import acting
from db.engine import in_transaction
from db.holds import notifications
from db.models import Notification
from runtime.settings import Settings

_SWEEP = timedelta(seconds=2)
_RETRY = timedelta(seconds=30)
"""Until the second try; longer than any try lasts, since a claim is a lease."""
_REST = timedelta(seconds=60)
"""Between two mails to one person: what happens meanwhile comes in one mail."""
_MAIL_LIMIT = 20.0  # seconds
_WEBHOOK_LIMIT = 10.0  # seconds
_WEBHOOKS_A_SWEEP = 50
_SIDE_BY_SIDE = 4
_ERROR_LENGTH = 500

_NOTICES: dict[NotificationEvent, type[Notice]] = {
    NotificationEvent.PROPOSAL_OPENED: ToDecide,
    NotificationEvent.PROPOSAL_DECIDED: Decided,
    NotificationEvent.PROPOSAL_REMINDED: Reminder,
    NotificationEvent.PROPOSAL_ESCALATED: Escalated,
    NotificationEvent.PROPOSAL_EXPIRED: Expired,
    NotificationEvent.HOLD_RELEASED: Released,
}

_Unfit = Sequence[tuple[Notification, str]]

_log = structlog.get_logger(__name__)


def sender_of(settings: Settings) -> Address:
    """Return the mailbox that mail comes from.

    Raises:
        RuntimeError: the setting is none.
    """
    try:
        return mail_text.mailbox(settings.mail_from)
    except ValueError as error:
        raise RuntimeError(f"HOLD_MAIL_FROM: {error}") from error


class Notifier:
    """One process's share of the telling."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        *,
        sweep: timedelta = _SWEEP,
        retry_after: timedelta = _RETRY,
        rest: timedelta = _REST,
    ) -> None:
        """Check the settings.

        Raises:
            RuntimeError: the sender is no mailbox, or there is a webhook and no secret to sign with.
        """
        self._sender = sender_of(settings)
        self._engine = engine
        self._settings = settings
        self._sweep_every = sweep
        self._retry_after = retry_after
        self._rest = rest
        self._mailed: dict[str, datetime] = {}
        self._slots = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._webhook = _signer(settings)

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep until `stop` is set; the sweep under way then ends first."""
        while not stop.is_set():
            try:
                await self.sweep()
            except SQLAlchemyError as error:
                _log.warning("the notifier cannot use its outbox", error=str(error)[:_ERROR_LENGTH])
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._sweep_every.total_seconds())

    async def sweep(self) -> None:
        """Tell everybody who is due, once: at most one mail for each person.

        Raises:
            SQLAlchemyError: the database is away.
        """
        await asyncio.gather(self._mail_everybody(), self._call_webhook())

    # --- mail ------------------------------------------------------------------------------------------------------

    async def _mail_everybody(self) -> None:
        now = datetime.now(UTC)
        self._mailed = {who: at for who, at in self._mailed.items() if at > now - self._rest}
        recipients = await in_transaction(
            self._engine,
            notifications.due_recipients,
            now=now,
            retry_after=self._retry_after,
            resting=list(self._mailed),
        )
        await asyncio.gather(*(self._mail_one(recipient) for recipient in recipients))

    async def _mail_one(self, recipient: str) -> None:
        connections = session_locks.mail_connections(self._settings.smtp_connections)
        async with self._slots, session_locks.one_in_turn(self._engine, connections):
            rows = await self._claim(NotificationChannel.MAIL, recipient)
            try:
                content, told, unfit = self._one_mail(recipient, rows)
                for row, why in unfit:
                    await self._give_up([row], why)
                if not told:
                    return
                async with asyncio.timeout(_MAIL_LIMIT):
                    await self._send(recipient, content)
            except Exception as error:  # noqa: BLE001 (whatever is wrong with one keeps nobody else waiting)
                await self._note_failure([row.id for row in rows], recipient, error)
                return
            self._mailed[recipient] = datetime.now(UTC)
            await self._settle([row.id for row in told])

    def _one_mail(self, recipient: str, rows: Sequence[Notification]) -> tuple[bytes, Sequence[Notification], _Unfit]:
        """Return one mail about these rows, those that it tells of, and those that no mail can tell of, with the why.

        Where each can be told of but not all together, the first goes alone, and the others when their claim is over.
        """
        if not rows:
            return b"", (), ()
        try:
            return self._mail(recipient, rows), rows, ()
        except ValueError:
            whys = {row.id: self._why_unfit(recipient, row) for row in rows}
        unfit = [(row, why) for row in rows if (why := whys[row.id])]
        fit = [row for row in rows if not whys[row.id]]
        told = fit if unfit else fit[:1]
        return self._mail(recipient, told) if told else b"", told, unfit

    def _why_unfit(self, recipient: str, row: Notification) -> str:
        try:
            self._mail(recipient, [row])
        except ValueError as error:
            return _said(error)
        return ""

    def _mail(self, recipient: str, rows: Sequence[Notification]) -> bytes:
        """Return the mail about these rows.

        Raises:
            ValueError: a row makes no sense, or it would not arrive as it is meant.
        """
        subject, text = notices.mail([_notice(row) for row in rows], self._settings.desk_url)
        return written(
            Mail(
                sender=self._sender,
                recipient=recipient,
                subject=subject,
                at=rows[0].created_at,
                message_id=_message_id([row.id for row in rows], self._sender.domain),
                body=text,
                automatic=True,
            )
        )

    async def _send(self, recipient: str, content: bytes) -> None:
        settings = self._settings
        await aiosmtplib.send(
            content,
            sender=self._sender.addr_spec,
            recipients=[mail_text.clean_address(recipient)],
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
            username=settings.smtp_username or None,
            password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
            timeout=_MAIL_LIMIT,
        )

    # --- webhook ---------------------------------------------------------------------------------------------------

    async def _call_webhook(self) -> None:
        if self._webhook is None:
            await in_transaction(self._engine, notifications.forget_webhook)
            return
        rows = await self._claim(NotificationChannel.WEBHOOK, notifications.WEBHOOK, limit=_WEBHOOKS_A_SWEEP)
        if not rows:
            return
        async with httpx.AsyncClient(timeout=_WEBHOOK_LIMIT, follow_redirects=False) as client:
            await asyncio.gather(*(self._post(client, self._webhook, row) for row in rows))

    async def _post(self, client: httpx.AsyncClient, signer: Webhook, row: Notification) -> None:
        try:
            notice = _notice(row)
        except ValueError as error:
            await self._give_up([row], _said(error))
            return
        try:
            data = notice.model_dump(mode="json") | {"link": notices.link(notice, self._settings.desk_url)}
            body = json.dumps({"type": row.event, "timestamp": row.created_at.isoformat(), "data": data})
            async with self._slots, asyncio.timeout(_WEBHOOK_LIMIT):
                now = datetime.now(UTC)
                headers = {
                    "content-type": "application/json",
                    "webhook-id": str(row.id),
                    "webhook-timestamp": str(int(now.timestamp())),
                    "webhook-signature": signer.sign(str(row.id), now, body),
                }
                answer = await client.post(self._settings.webhook_url, content=body, headers=headers)
        except Exception as error:  # noqa: BLE001 (whatever is wrong with one keeps nobody else waiting)
            await self._note_failure([row.id], self._settings.webhook_url, error)
            return
        if answer.is_success:
            await self._settle([row.id])
        elif answer.status_code == httpx.codes.GONE:
            self._webhook = None
            _log.warning("the webhook is gone for good: nothing is told to it until the worker starts anew")
            await self._give_up([row], "410 Gone: the webhook wants no more")
        else:
            await self._note_failure([row.id], self._settings.webhook_url, f"answered {answer.status_code}")

    # --- the outbox ------------------------------------------------------------------------------------------------

    async def _claim(
        self, channel: NotificationChannel, recipient: str, limit: int | None = None
    ) -> Sequence[Notification]:
        return await in_transaction(
            self._engine,
            notifications.claim,
            channel,
            recipient,
            now=datetime.now(UTC),
            retry_after=self._retry_after,
            limit=limit,
        )

    async def _settle(self, ids: Sequence[UUID]) -> None:
        await in_transaction(self._engine, notifications.settle, ids, now=datetime.now(UTC))

    async def _give_up(self, rows: Sequence[Notification], why: str) -> None:
        _log.error("a notification can never be told", recipient=rows[0].recipient, why=why[:_ERROR_LENGTH])
        await acting(self._engine, notices.SYSTEM, notifications.give_up, rows, why[:_ERROR_LENGTH])

    async def _note_failure(self, ids: Sequence[UUID], recipient: str, error: Exception | str) -> None:
        said = _said(error) if isinstance(error, Exception) else error
        _log.warning("a notification was not taken", recipient=recipient, count=len(ids), error=said[:_ERROR_LENGTH])
        await in_transaction(self._engine, notifications.failed, ids, said[:_ERROR_LENGTH])


def _signer(settings: Settings) -> Webhook | None:
    if not settings.webhook_url:
        return None
    try:
        return Webhook(settings.webhook_secret.get_secret_value() if settings.webhook_secret else "")
    except (ValueError, EmptyWebhookSecretError) as error:
        msg = "HOLD_WEBHOOK_SECRET must be whsec_ and the base64 of 24 to 64 bytes, as the webhook's receiver has it"
        raise RuntimeError(msg) from error


def _notice(row: Notification) -> Notice:
    return _NOTICES[row.event].model_validate(row.payload)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _message_id(ids: Sequence[UUID], domain: str) -> str:
    """Return the same Message-ID for the same notifications, whoever sends them and however often."""
    name = str(ids[0]) if len(ids) == 1 else hashlib.sha256("".join(sorted(map(str, ids))).encode()).hexdigest()[:32]
    return f"<{name}@{domain}>"
