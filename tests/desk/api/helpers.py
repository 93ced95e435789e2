"""What the API's tests share."""

from typing import Any

import httpx


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a refusal."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (problem["status"], problem["code"]) == (status, code), problem
    return problem


async def claimed(api: httpx.AsyncClient, name: str, what: str = "holds") -> dict[str, Any]:
    """Claim; gives what a decision has to name."""
    answer = await api.post(f"/api/{what}/{name}/claim")
    assert answer.status_code == 201, answer.text
    return {"claim": answer.json()["claim"], "revision": answer.json()["revision"]}
