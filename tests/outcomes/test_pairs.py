"""Every pair of outcomes in the same second, in both orders, seen one by one or both at once: one end state.

The end state of the pair (row, column): `.` held, nothing asked; `R` an approver is asked to release it; `L` lifted.
Columns are in the order of the rows, from the row's own on.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations_with_replacement

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from credit.policy import Policy
from db import policy_change
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
PAIRS = list(combinations_with_replacement(END_STATES, 2))


def end_state(first: str, second: str) -> str:
    names = list(END_STATES)
    return END_STATES[first][names.index(second) - names.index(first)]


class Holds:
    """A hold of each kind that the pairs need, in a transaction that is never committed: every try is undone."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._made: dict[tuple[bool, bool], Held] = {}

    def fresh(self, pair: set[str]) -> Held:
        kind = (bool(pair & OF_A_PLAN), bool(pair & OF_A_PROMISE))
        if kind not in self._made:
            self._made[kind] = made = held(self._session, with_plan=kind[0], with_promise=kind[1])
            let_through(made, TODAY)
            made.look()
        return replace(self._made[kind])

    def end_states(self, first: str, second: str, **policy: bool) -> dict[str, str]:
        """In both orders, with a look between the two and without; a further look changes nothing."""
        found = {}
        for order in {(first, second), (second, first)}:
            for looks in ("one by one", "both at once"):
                it = self.fresh({first, second})
                undone = self._session.begin_nested()
                if policy:
                    changed = Policy.model_validate(policy)
                    policy_change.change(self._session, changed, actor="test", note="for a test", at=NOON)
                for name in order:
                    HAPPENINGS[name](it)
                    if looks == "one by one":
                        it.look()
                it.look()
                state, life = it.state(), it.told()
                it.look()
                assert (it.state(), it.told()) == (state, life)
                found[f"{order[0]}, {order[1]}, seen {looks}"] = state
                undone.rollback()
        return found


@pytest.fixture(scope="module")
def holds(shared_engine: Engine) -> Iterator[Holds]:
    with Session(shared_engine) as session:
        yield Holds(session)


def test_every_outcome_has_its_row() -> None:
    assert list(HAPPENINGS) == list(END_STATES)
    assert [len(row) for row in END_STATES.values()] == list(range(len(END_STATES), 0, -1))


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_pair_ends_the_same_in_both_orders(holds: Holds, first: str, second: str) -> None:
    found = holds.end_states(first, second)

    assert found == dict.fromkeys(found, end_state(first, second))


@pytest.mark.parametrize(("first", "second"), [pair for pair in PAIRS if {"paid_in_full", "cause_gone"} & set(pair)])
def test_payment_in_full_lifts_in_both_orders_where_the_policy_says_so(holds: Holds, first: str, second: str) -> None:
    found = holds.end_states(first, second, auto_release_on_payment=True)

    lifted = PAID.get(first, 0) + PAID.get(second, 0) >= OWED
    assert found == dict.fromkeys(found, "L" if lifted else end_state(first, second))
