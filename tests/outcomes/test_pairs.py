"""Every pair of outcomes in the same second, in both orders, seen one by one or both at once: one end state.

The end state of the pair (row, column): `.` held, nothing asked; `R` an approver is asked to release it; `L` lifted.
Columns are in the order of the rows, from the row's own on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from credit.policy import Policy
from db import policy_change
from db.act import Act
from tests.outcomes.rows import HAPPENINGS, NOON, OF_A_PLAN, OF_A_PROMISE, TODAY, Held, held, let_through

END_STATES = {
    "paid_in_full": "RRRRRRRRRRRRLRRR",
    "cause_gone": "RRRRRRRRRRRLRRR",
    "part_paid": ".RR.....R.LR..",
    "plan_agreed": "RRRRRRRRRLRRR",
    "plan_kept": "RRRRRRRRLRRR",
    "instalment_missed": ".....R.LR..",
    "instalment_told_missed": "....R.LR..",
    "promise_made": "...R.LR..",
    "promise_kept": "..R.LR..",
    "promise_broken": ".R.LR..",
    "dispute_opened": "RRLRRR",
    "dispute_closed": ".LR..",
    "overridden": "LLLL",
    "end_date_reached": "RRR",
    "review_due": "..",
    "exception_ended": ".",
}
PAID = {"paid_in_full": 45000, "cause_gone": 40000, "plan_kept": 7000, "promise_kept": 2000, "part_paid": 500}
OWED = 45000
"""Only when all of it was paid the hold is lifted where the policy needs no person for that; else nothing differs."""


def end_state(one: str, other: str) -> str:
    names = list(END_STATES)
    row, column = sorted((names.index(one), names.index(other)))
    return END_STATES[names[row]][column - row]


class Holds:
    """A hold of each kind that the pairs need, in a transaction that is never committed: every try is undone."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._made: dict[tuple[bool, bool], Held] = {}

    def fresh(self, kind: tuple[bool, bool]) -> Held:
        if kind not in self._made:
            self._made[kind] = made = held(self._session, with_plan=kind[0], with_promise=kind[1])
            let_through(made, TODAY)
            made.look()
        return replace(self._made[kind])

    def end_states(self, first: str, seconds: Iterable[str], **policy: bool) -> dict[tuple[str, str], str]:
        """After the first, with each of the seconds: with a look between the two and without."""
        found = {}
        kinds = sorted((kind_of({first, second}), second) for second in seconds)
        for kind, pairs in groupby(kinds, key=itemgetter(0)):
            names = [second for _, second in pairs]
            it = self.fresh(kind)
            with self._session.begin_nested() as undone:
                if policy:
                    changed = Policy.model_validate(policy)
                    policy_change.change(Act(self._session, "test", NOON), changed, note="for a test")
                HAPPENINGS[first](it)
                found |= {(second, "seen both at once"): self._with(it, second) for second in names}
                it.look()
                found |= {(second, "seen one by one"): self._with(it, second) for second in names}
                undone.rollback()
        return found

    def _with(self, first: Held, second: str) -> str:
        """The end state; a further look changes nothing of it."""
        it = replace(first)
        with self._session.begin_nested() as undone:
            HAPPENINGS[second](it)
            it.look()
            state, life = it.state(), it.told()
            it.look()
            assert (it.state(), it.told()) == (state, life), second
            undone.rollback()
        return state


def kind_of(pair: set[str]) -> tuple[bool, bool]:
    return bool(pair & OF_A_PLAN), bool(pair & OF_A_PROMISE)


@pytest.fixture(scope="module")
def holds(shared_engine: Engine) -> Iterator[Holds]:
    with Session(shared_engine) as session:
        yield Holds(session)


def test_every_outcome_has_its_row() -> None:
    assert list(HAPPENINGS) == list(END_STATES)
    assert [len(row) for row in END_STATES.values()] == list(range(len(END_STATES), 0, -1))


@pytest.mark.parametrize("first", END_STATES)
def test_a_pair_ends_the_same_in_both_orders(holds: Holds, first: str) -> None:
    found = holds.end_states(first, END_STATES)

    assert len(found) == 2 * len(END_STATES)
    assert found == {(second, how): end_state(first, second) for second, how in found}


@pytest.mark.parametrize("first", END_STATES)
def test_payment_in_full_lifts_in_both_orders_where_the_policy_says_so(holds: Holds, first: str) -> None:
    full = ("paid_in_full", "cause_gone")

    found = holds.end_states(first, END_STATES if first in full else full, auto_release_on_payment=True)

    lifted = {second for second in END_STATES if PAID.get(first, 0) + PAID.get(second, 0) >= OWED}
    assert found == {(second, how): "L" if second in lifted else end_state(first, second) for second, how in found}
