"""The routes of the API that is about holds and everything around them."""

from desk.api import (
    absences,
    accounting_profiles,
    admin,
    aging,
    audit,
    customers,
    freight,
    health,
    holds,
    me,
    messages,
    org_settings,
    policy,
    templates,
)

_PARTS = (
    health,
    me,
    holds,
    admin,
    messages,
    customers,
    accounting_profiles,
    freight,
    aging,
    policy,
    org_settings,
    templates,
    audit,
    absences,
)

ROUTERS = [part.router for part in _PARTS]
