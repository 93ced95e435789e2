"""The policy over HTTP: read it, change it, see who changed it."""

from fastapi import Response
from fastapi.exceptions import RequestValidationError

from credit.policy import Policy
from db import policies
from db.errors import CurrencyInUseError, StaleVersionError
from desk.api.common import Body, Desk, IfMatch, IfMatchMissingError, PolicyMaker, Viewer, Why, api_router, number_in
from desk.etags import versioned
from desk.problems import refuses
from desk.surroundings import in_transaction
from services import policy
from services.policy import PolicyVersion, PolicyVersions

router = api_router("policy", "/api/policy")


class ChangedPolicy(Body):
    """The whole policy, and why it is changed."""

    policy: Policy
    note: Why


@router.get("")
async def show(desk: Desk, _: Viewer, response: Response) -> PolicyVersion:
    """Show the policy in force. The ETag is its version."""
    return versioned(response, await in_transaction(desk, policy.newest))


@router.put("")
@refuses(IfMatchMissingError, StaleVersionError, CurrencyInUseError)
async def change(
    body: ChangedPolicy, desk: Desk, who: PolicyMaker, response: Response, if_match: IfMatch = None
) -> PolicyVersion:
    """Put a new version in force. It counts from now on, for holds that are open too."""
    version = number_in(if_match)
    if version is None:
        raise IfMatchMissingError
    missing = sorted(set(Policy.model_fields) - body.policy.model_fields_set)
    if missing:  # the whole policy is given, not only what changes
        raise RequestValidationError([{"type": "missing", "loc": ("body", "policy", name)} for name in missing])
    return versioned(response, await policy.change(desk.engine, who, body.policy, note=body.note, changed=version))


@router.get("/versions")
async def versions(desk: Desk, _: Viewer) -> PolicyVersions:
    """List the newest versions, newest first."""
    return await in_transaction(desk, lambda session: PolicyVersions.of(policies.versions(session)))
