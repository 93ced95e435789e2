"""The policy over HTTP: read it, change it, see who changed it."""

from http import HTTPStatus

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from credit.policy import Policy
from db import policies
from db.errors import BadInputError
from db.models import PolicyVersion
from desk.api import settings_answers as answers
from desk.api.common import (
    Body,
    Desk,
    IfMatch,
    IfMatchMissingError,
    PolicyMaker,
    Viewer,
    Why,
    api_router,
    fresh,
    number_in,
    versioned,
)
from desk.problems import documented
from desk.surroundings import in_transaction
from services import policy_change, settings_documents

router = api_router("policy", "/api/policy")


class ChangedPolicy(Body):
    """The whole policy, and why it is changed."""

    policy: Policy
    note: Why


@router.get("", response_model=answers.PolicyVersion)
async def show(request: Request, desk: Desk, _: Viewer) -> Response:
    """Show the policy in force. The ETag is its version."""
    row = await in_transaction(desk, _newest)
    return versioned(request, settings_documents.policy(row), row.version)


@router.put(
    "",
    response_model=answers.PolicyVersion,
    responses=documented(HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.PRECONDITION_REQUIRED),
)
async def change(
    request: Request, body: ChangedPolicy, desk: Desk, who: PolicyMaker, if_match: IfMatch = None
) -> Response:
    """Put a new version in force. It counts from now on, for holds that are open too."""
    version = number_in(if_match)
    if version is None:
        raise IfMatchMissingError
    missing = sorted(set(Policy.model_fields) - body.policy.model_fields_set)
    if missing:
        raise BadInputError(f"give the whole policy, not only what changes: {', '.join(missing)} missing")
    row = await policy_change.change(desk.engine, who, body.policy, note=body.note, changed=version)
    return versioned(request, settings_documents.policy(row), row.version)


@router.get("/versions", response_model=answers.PolicyVersions)
async def versions(request: Request, desk: Desk, _: Viewer) -> Response:
    """List the newest versions, newest first."""
    rows = await in_transaction(desk, policies.versions)
    return fresh(request, {"versions": [settings_documents.policy(row) for row in rows]})


def _newest(session: Session) -> PolicyVersion:
    return policies.versions(session, limit=1)[0]
