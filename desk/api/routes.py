"""The routes of the API that is about holds and everything around them."""

from desk.api import absences, admin, aging, audit, customers, health, holds, me, messages, policy, templates

_PARTS = (health, me, holds, admin, messages, customers, aging, policy, templates, audit, absences)

ROUTERS = [part.router for part in _PARTS]
