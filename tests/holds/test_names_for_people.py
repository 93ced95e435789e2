"""Whatever people read of has one name, in one place."""

from enum import StrEnum

import pytest

from credit.states import PLACING, RELEASING, Beat, MessageKind, ReleaseCause
from credit.triggers import ReasonClass, TriggerKind
from credit.wording import counted, sentence


@pytest.mark.parametrize("kind", [Beat, MessageKind, ReleaseCause, ReasonClass, TriggerKind])
def test_each_has_a_name_of_its_own_without_underscores(kind: type[StrEnum]) -> None:
    labels = [member.label for member in kind]  # type: ignore[attr-defined]
    assert len(set(labels)) == len(kind)
    assert not any("_" in label for label in labels)


def test_what_a_beat_does_reads_alike_in_a_list_and_in_a_sentence() -> None:
    assert {*PLACING, *RELEASING} == set(Beat)
    assert sentence(Beat.PUSH_NETSUITE.label) == "Set NetSuite’s credit hold"
    assert f"could not finish {Beat.PUSH_NETSUITE.doing}" == "could not finish setting NetSuite’s credit hold"


def test_counted_things_have_their_plural() -> None:
    assert [counted(n, "day") for n in (0, 1, 2, 1000)] == ["0 days", "1 day", "2 days", "1,000 days"]
    assert counted(2, "promise to pay", "promises to pay") == "2 promises to pay"
