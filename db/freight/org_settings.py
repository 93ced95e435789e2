"""The organisations whose customers these are, and what each has chosen (freight spec, LSP Org Settings)."""

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from credit.audit_entries.freight import OrganisationCreated, OrgSettingsChanged
from db import audit
from db.act import Act
from db.errors import BadInputError, OrganisationTakenError, StaleVersionError, UnknownOrganisationError
from db.models import OrgSettings
from db.models.base import JsonObject

SETTINGS = ("auto_apply_credit_hold", "auto_lift_credit_hold", "language")
"""What an organisation can choose."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")


def listed(session: Session) -> Sequence[OrgSettings]:
    return session.scalars(select(OrgSettings).order_by(OrgSettings.organisation)).all()


def get(session: Session, organisation: str) -> OrgSettings:
    """Return one organisation's settings.

    Raises:
        UnknownOrganisationError: there is no such organisation.
    """
    return _found(session.get(OrgSettings, organisation), organisation)


def create(act: Act, organisation: str) -> OrgSettings:
    """Make an organisation, with everything as it is by default: nothing applied or lifted by itself, English.

    Raises:
        BadInputError: the name makes no sense.
        OrganisationTakenError: there is one of this name.
    """
    if not _NAME.fullmatch(organisation):
        raise BadInputError(
            f"{organisation[:80]!r} is no name for an organisation: "
            "1 to 63 lower-case letters, digits, - and _, a letter or digit first"
        )
    fresh = insert(OrgSettings).values(organisation=organisation, updated_by=act.actor, updated_at=act.now)
    if act.session.scalar(fresh.on_conflict_do_nothing().returning(OrgSettings.organisation)) is None:
        raise OrganisationTakenError(organisation)
    made = get(act.session, organisation)
    after = _state(made)
    entry = OrganisationCreated(organisation=made.organisation, version=made.version, before=None, after=after)
    act.note(audit.SYSTEM, entry)
    return made


def change(act: Act, organisation: str, wanted: Mapping[str, bool | str], *, changed: int | None = None) -> OrgSettings:
    """Change some of `SETTINGS`. They count from the next change of an amount on: nobody is put on hold by this.

    Args:
        wanted: setting -> value; what is left out stays.
        changed: the version that was read; None to change whatever is there.

    Raises:
        UnknownOrganisationError: there is no such organisation.
        StaleVersionError: somebody changed it since it was read.
        BadInputError: the language is none.
    """
    language = wanted.get("language")
    if language is not None and not _LANGUAGE.fullmatch(str(language)):
        raise BadInputError("language takes a code like `en` or `pt-BR`")
    locked = act.session.get(OrgSettings, organisation, with_for_update=True, populate_existing=True)
    row = _found(locked, organisation)
    if changed is not None and changed != row.version:
        raise StaleVersionError(f"the settings of {organisation}", changed, row.version)
    before = _state(row)
    if {**before, **wanted} == before:
        return row
    for name in SETTINGS:
        setattr(row, name, wanted.get(name, before[name]))
    row.version, row.updated_by, row.updated_at = row.version + 1, act.actor, act.now
    act.session.flush()
    entry = OrgSettingsChanged(organisation=organisation, version=row.version, before=before, after=_state(row))
    act.note(audit.SYSTEM, entry)
    return row


def _found(row: OrgSettings | None, organisation: str) -> OrgSettings:
    if row is None:
        raise UnknownOrganisationError(organisation)
    return row


def _state(row: OrgSettings) -> JsonObject:
    return {name: getattr(row, name) for name in SETTINGS}
