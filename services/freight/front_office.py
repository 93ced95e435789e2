"""The front office: may a customer go ahead, and what does a lane cost? Answered with the database down, too.

Every gate asks one rule, `credit.eligibility.check`, about what one query found: see `services/freight/on_hold.py`.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy.orm import Session

from credit.eligibility import Action
from credit.rating import Rate, best
from db.freight import tariffs
from services.freight.answers import Eligibility, Rates
from services.freight.answers import Rate as RateAnswer
from services.freight.gates import Gates, NoAnswerError
from services.freight.on_hold import Judgement, OnHoldError, Question, in_the_way, judge, refusal

_COPY_AGE, _COPY_USABLE = 60, 600
"""Seconds after which the copy of the tariffs is made anew, and for which it stands in for the database."""
_log = structlog.get_logger(__name__)


class FrontOffice:
    """What customers and programs ask before they order or ship."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self._tariffs: tuple[float, list[Rate]] = (0.0, [])

    async def eligibility(
        self, customer_id: str, action: Action, *, tariff: str | None = None, reference: str = "", prepaid: bool = False
    ) -> Eligibility:
        """Say whether a customer may order, be rated, or have a load advance past Committed.

        Where the database does not answer, the setting `eligibility_when_down` does: `degraded`.

        Args:
            customer_id: whom it is about.
            action: what it wants to do.
            tariff: for rating: with which tariff; None for "any at all".
            reference: the order's or load's id, which an exception may let through.
            prepaid: for an order: whether it is paid in advance.

        Raises:
            UnknownCustomerError: no such customer.
        """
        question = Question(customer_id, action, tariff, reference, prepaid)

        def read(session: Session) -> tuple[Judgement, OnHoldError | None]:
            found = _judged(session, question)
            return found, None if found.allowed else refusal(session, found)

        try:
            found, on_hold = await self._gates.ask(read)
        except NoAnswerError:
            return self._without_record(question)
        refused = await on_hold.told() if on_hold else None
        self._gates.count(action, allowed=found.allowed)
        return Eligibility(
            allowed=found.allowed,
            message=str(refused) if refused else None,
            holds=in_the_way(found),
            action=action,
            template=refused.template if refused else None,
            blocked_tariffs=found.blocked_tariffs,
            degraded=False,
        )

    def _without_record(self, question: Question) -> Eligibility:
        allowed = self._gates.when_down == "allow"
        self._gates.count(question.action, allowed=allowed, degraded=True)
        done = "it is allowed, as is set for such times" if allowed else "it is refused until it can: try again soon"
        said = f"whether customer {question.customer_id} is on hold cannot be looked up right now; {done}"
        _log.warning("answered without the record", action=question.action, allowed=allowed)
        return Eligibility(
            allowed=allowed,
            message=said[:1].upper() + said[1:] + ".",
            holds=[],
            action=question.action,
            template=None,
            blocked_tariffs=[],
            degraded=True,
        )

    async def rates(
        self, customer_id: str, *, tariff: str | None = None, origin: str = "", destination: str = ""
    ) -> Rates:
        """Rate a lane with one tariff, or with every one that is not blocked: its most specific rate counts.

        Degraded are rates from the tariffs read last, for a customer nobody could
        look up: only where the setting `eligibility_when_down` allows it.

        Raises:
            UnknownCustomerError: no such customer.
            UnknownTariffError: no such tariff.
            CustomerOnHoldError: all tariffs, or the one asked for, are blocked. The text is the front office's message.
            NoAnswerError: the database does not answer.
        """
        question = Question(customer_id, Action.RATE, tariff)

        def read(session: Session) -> tuple[list[Rate], Judgement]:
            found = _judged(session, question)
            rates = tariffs.rates(session, origin, destination, tariff)
            if not found.allowed:
                raise refusal(session, found)
            self._copy_tariffs(session)
            return [rate for rate in rates if rate.tariff not in found.blocked_tariffs], found

        try:
            rates, found = await self._gates.ask(read)
        except OnHoldError as error:
            self._gates.count(Action.RATE, allowed=False)
            raise await error.told() from None
        except NoAnswerError:
            copied = self._copied_tariffs()
            self._gates.count(Action.RATE, allowed=copied is not None, degraded=True)
            if copied is None:
                raise
            rates = best([rate for rate in copied if tariff in {None, rate.tariff}], origin, destination)
            return _rated(customer_id, rates, [], degraded=True)
        self._gates.count(Action.RATE, allowed=True)
        return _rated(customer_id, rates, found.blocked_tariffs, degraded=False)

    def _copy_tariffs(self, session: Session) -> None:
        if self._gates.when_down == "allow" and time.monotonic() - self._tariffs[0] > _COPY_AGE:
            self._tariffs = time.monotonic(), tariffs.all_rates(session)

    def _copied_tariffs(self) -> list[Rate] | None:
        at, rates = self._tariffs
        usable = self._gates.when_down == "allow" and rates and time.monotonic() - at < _COPY_USABLE
        return rates if usable else None


def _judged(session: Session, question: Question) -> Judgement:
    found = judge(session, question, datetime.now(UTC))
    if question.action is Action.RATE and question.tariff is None and found.named:
        return found.with_tariffs(tariffs.codes(session))
    return found


def _rated(customer_id: str, rates: Sequence[Rate], blocked: Sequence[str], *, degraded: bool) -> Rates:
    shown = [RateAnswer.of_row(rate) for rate in rates]
    return Rates(customer_id=customer_id, rates=shown, blocked_tariffs=list(blocked), degraded=degraded)
