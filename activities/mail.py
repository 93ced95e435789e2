"""Approved messages on their way out: one approval sends one mail, whatever breaks on the way.

The steps of an attempt, each written down before the next:

1. keep every other attempt at this message out, for as long as this process lives;
2. look at the row once more: the approval stands, its cooling-off is over, its hold is not; from here on it cannot be
   recalled (`sending`);
3. talk to the mail server up to the dot that ends the text: until then a server must not take a message (RFC 5321,
   4.1.1.4), so that whatever breaks is tried again;
4. note that it is handed over, then send that dot and wait for the answer.

Where the answer to the dot is lost, nobody here can know whether the mail left. It is then never sent again by itself:
a second notice cannot be unsent, a missing one can be sent later. The message shows `unknown` until a person settles
it: it arrived, or it is sent again with the same Message-ID, by which many mail systems drop the second copy.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import serving
from activities.clock import temporals_clock
from activities.heartbeats import heartbeats
from activities.mail_server import HandedOverError, MailServer, MailServerError, RefusedMailError, compose
from activities.messages import view
from credit.mail_wire import UnfitMailError
from db import session_locks
from db.act import Act
from db.engine import transaction
from db.messages import deliveries, messages
from db.messages.deliveries import ACCEPTED, REFUSED, TRY_LATER, UNFIT, UNKNOWN, Attempt, DeliveryUnderwayError
from rendering.renderer import BeyondLimitsError, RendererAwayError
from workflows.contract import MessageView
from workflows.signatures import MessageAt


class MailActivities:
    def __init__(self, engine: Engine, server: MailServer) -> None:
        self._engine = engine
        self._server = server

    @activity.defn(no_thread_cancel_exception=True)
    def send_message(self, order: MessageAt) -> MessageView:
        """Send an approved message whose cooling-off is over; answers how it stands now.

        Raises:
            ApplicationError: `TryLater` or `DeliveryUnderway`, retryable: the mail server is away or asks for patience.
        """
        now = temporals_clock()
        with serving.checked(self._engine) as session:
            serving.message(session, order.message_id, order.now)
        try:
            with deliveries.alone(self._engine, order.message_id), self._a_connection(), heartbeats():
                attempt = self._begin(order.message_id, now())
                if attempt is not None:
                    self._try(attempt, now)
        except DeliveryUnderwayError as error:
            raise ApplicationError(str(error), type="DeliveryUnderway") from error
        with transaction(self._engine) as session:
            return view(session, messages.find(session, order.message_id), now())

    @contextmanager
    def _a_connection(self) -> Iterator[None]:
        """Let no more connections be open than the mail server is to see: nothing has begun before one is free."""
        with session_locks.one_of(self._engine, session_locks.mail_connections(self._server.connections)) as held:
            if held is None:
                raise ApplicationError(
                    "all connections to the mail server are in use",
                    type="ConnectionsInUse",
                    next_retry_delay=timedelta(seconds=random.uniform(0.5, 2)),  # noqa: S311 (so that all get a turn)
                )
            yield

    def _begin(self, message_id: UUID, now: datetime) -> Attempt | None:
        with transaction(self._engine) as session:
            return deliveries.begin(Act.of_system(session, now), message_id, domain=self._server.sender.domain)

    def _try(self, attempt: Attempt, now: Callable[[], datetime]) -> None:
        def hand_over() -> None:
            with transaction(self._engine) as session:
                deliveries.hand_over(session, attempt.id, now())

        try:
            mail = compose(self._server.sender, attempt.text, attempt.message_id_header, now())
            answer = self._server.send(mail, hand_over)
        except (UnfitMailError, BeyondLimitsError) as error:
            self._end(attempt, UNFIT, f"not sent: {error}; recall the message, mend it and approve it again", now())
        except RefusedMailError as error:
            self._end(attempt, REFUSED, str(error), now())
        except HandedOverError as error:
            self._end(attempt, UNKNOWN, str(error), now())
        except deliveries.SupersededError:
            return
        except (MailServerError, RendererAwayError) as error:
            self._end(attempt, TRY_LATER, str(error), now())
            raise ApplicationError(str(error), type="TryLater") from error
        else:
            self._end(attempt, ACCEPTED, answer, now())

    def _end(self, attempt: Attempt, outcome: str, answer: str, now: datetime) -> None:
        with transaction(self._engine) as session:
            deliveries.end(Act.of_system(session, now), attempt.id, outcome, answer)
