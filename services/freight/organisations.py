"""The organisations and what each has chosen, made and changed: the one authority behind the API and the pages."""

from collections.abc import Mapping

from sqlalchemy import Engine

from credit.permissions import Permission
from db.act import acting
from db.freight import org_settings
from db.models import OrgSettings
from db.people.tokens import Caller


async def create(engine: Engine, who: Caller, organisation: str) -> OrgSettings:
    """Make an organisation: nothing is applied or lifted by itself, and its language is English.

    Raises:
        NotAllowedError: the caller may not change the policy.
        BadInputError: the name makes no sense.
        OrganisationTakenError: there is one of this name.
    """
    who.require(Permission.CHANGE_POLICY)
    return await acting(engine, who.name, org_settings.create, organisation)


async def change(
    engine: Engine, who: Caller, organisation: str, wanted: Mapping[str, bool | str], *, changed: int | None
) -> OrgSettings:
    """Change some of `org_settings.SETTINGS`; those that are left out stay, and nobody is put on hold by it.

    Args:
        wanted: setting -> value.
        changed: the version that was read; None to change whatever is there.

    Raises:
        NotAllowedError: the caller may not change the policy.
        UnknownOrganisationError, StaleVersionError: as they say.
        BadInputError: the language is none.
    """
    who.require(Permission.CHANGE_POLICY)
    return await acting(engine, who.name, org_settings.change, organisation, wanted, changed=changed)
