"""The routes of the API that is about holds and everything around them."""

from desk.api import (
    absences,
    accounting_profiles,
    admin,
    aging,
    audit,
    bulk,
    customers,
    exemption_list,
    freight,
    health,
    holds,
    ledger,
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
    bulk,
    admin,
    messages,
    customers,
    exemption_list,
    accounting_profiles,
    freight,
    aging,
    ledger,
    policy,
    org_settings,
    templates,
    audit,
    absences,
)

ROUTERS = [part.router for part in _PARTS]
