"""The codes of refusals: what programs go by, so that each is of one kind of refusal."""

from collections import Counter
from collections.abc import Iterator

import desk.app  # noqa: F401 (whatever refuses is imported)
from db.errors import RefusedError


def kinds(kind: type[RefusedError]) -> Iterator[type[RefusedError]]:
    for below in kind.__subclasses__():
        yield below
        yield from kinds(below)


def test_each_code_is_of_one_refusal() -> None:
    own = Counter(kind.code for kind in kinds(RefusedError) if "code" in vars(kind))
    assert [code for code, times in own.items() if times > 1] == []
    assert {"claim_lost", "stale_revision", "nothing_to_decide", "claimed_by_another", "unknown_hold"} <= set(own)


def test_what_is_not_found_is_answered_404() -> None:
    lookups = {kind for kind in kinds(RefusedError) if issubclass(kind, LookupError)}
    assert len(lookups) > 10
    assert {kind.status for kind in lookups} == {404}
