"""One customer before the eligibility rule: the answer, and what is said where it is a refusal."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from credit.credit_hold import BLOCK_ALL_TARIFFS
from credit.eligibility import Action, Block, Eligibility, check
from credit.freight_messages import OnHoldContext, plain
from credit.outcomes import ExceptionScope
from credit.policy import Policy
from credit.templates import TemplateRefusedError
from db.errors import CustomerOnHoldError, UnknownTemplateError
from db.freight import eligibility
from db.messages import templates
from rendering.renderer import RendererAwayError
from rendering.texts import aside, filled_in
from services.freight.answers import InTheWay

_PATIENCE = 5
"""Seconds that a refusal waits until its message is rendered, before it is told in plain words."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Question:
    """What is asked about one customer.

    Args:
        customer_id: who it is.
        action: what it wants to do.
        tariff: for rating: with which tariff; None for "any at all".
        reference: the order's or load's id; empty where it has none yet.
        prepaid: for an order: whether it is paid in advance.
    """

    customer_id: str
    action: Action
    tariff: str | None = None
    reference: str = ""
    prepaid: bool = False


@dataclass(frozen=True)
class Judgement:
    """The rule's answer to a question."""

    question: Question
    answer: Eligibility
    policy: Policy
    named: Sequence[Block]
    """The customer's entries for named tariffs."""

    @property
    def allowed(self) -> bool:
        """Whether it may go ahead."""
        return self.answer.allowed

    @property
    def blocked_tariffs(self) -> list[str]:
        """The tariffs that are blocked by name."""
        return sorted({tariff for block in self.named for tariff in block.tariffs or ()})

    def with_tariffs(self, known: Collection[str]) -> "Judgement":
        """Refuse rating at large where, of the tariffs that there are, each one is blocked by name."""
        free = set(known) - set(self.blocked_tariffs)
        if not self.allowed or free or not self.named:
            return self
        why = "; ".join(block.label for block in self.named)
        return replace(self, answer=Eligibility(self.answer.action, allowed=False, because=self.named, why=why))


def judge(session: Session, question: Question, now: datetime) -> Judgement:
    """Ask the rule. One query.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    scope = ExceptionScope.LOAD if question.action is Action.ADVANCE_LOAD else ExceptionScope.ORDER
    reference = "" if question.action is Action.RATE else question.reference
    standing, policy = eligibility.read(session, question.customer_id, now, scope=scope, reference=reference)
    answer = check(standing, question.action, policy, tariff=question.tariff, prepaid=question.prepaid)
    return Judgement(question, answer, policy, [block for block in standing.blocks if block.tariffs is not None])


class OnHoldError(Exception):
    """A refusal whose message is still to be rendered: outside of the transaction, where nothing waits for it."""

    def __init__(self, judgement: Judgement, context: OnHoldContext, text: tuple[str, str] | None) -> None:
        super().__init__(plain(context))
        self._judgement = judgement
        self._context = context
        self._text = text

    async def told(self) -> CustomerOnHoldError:
        """Return it in the words of the organisation's template; in plain ones where that cannot be used (in time)."""
        name = self._context.action.template
        message = (await self._message(name)).strip() or plain(self._context)
        return CustomerOnHoldError(
            message, template=name, holds=[block.document() for block in in_the_way(self._judgement)]
        )

    async def _message(self, name: str) -> str:
        if self._text is None:
            return ""
        try:
            rendered = await asyncio.wait_for(aside(filled_in, name, *self._text, self._context), _PATIENCE)
            return rendered[1]
        except TemplateRefusedError as error:
            _log.error("a content template cannot be used: mend it in the settings", template=name, error=str(error))
        except (RendererAwayError, TimeoutError) as error:
            _log.warning("a refusal was told in plain words", template=name, error=str(error))
        return ""


def refusal(session: Session, judgement: Judgement) -> OnHoldError:
    """Return the refusal of what is not allowed, with all that its message needs."""
    question, because = judgement.question, judgement.answer.because
    whom = eligibility.addressee(session, question.customer_id)
    context = OnHoldContext(
        customer_id=question.customer_id,
        customer_name=whom.customer_name,
        rep_name=whom.rep_name,
        blocked=", ".join(dict.fromkeys(block.label for block in because)) or BLOCK_ALL_TARIFFS,
        action=question.action,
        reference=question.reference,
        tariff=question.tariff or "",
    )
    name = question.action.template
    _log.info("refused: on hold", customer=question.customer_id, action=question.action, why=judgement.answer.why)
    try:
        found = templates.find(session, name, whom.organisation, whom.language)
        text = found.subject, found.body
    except UnknownTemplateError as error:
        _log.error("a content template is missing: write it in the settings", template=name, error=str(error))
        text = None
    return OnHoldError(judgement, context, text)


def in_the_way(judgement: Judgement) -> list[InTheWay]:
    """Return what stands in the way, one for each entry, with its note: for the office."""
    because = judgement.answer.because
    if not because and not judgement.allowed:
        customer_id = judgement.question.customer_id
        return [InTheWay(source="entitystatus", label="entitystatus is hold", customer_id=customer_id)]
    return [InTheWay.of_row(block) for block in because]
