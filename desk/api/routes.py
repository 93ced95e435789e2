"""The routes of the API that is about holds and everything around them."""

from desk.api import admin, aging, audit, customers, health, holds, me, messages, policy, templates

ROUTERS = [part.router for part in (health, me, holds, admin, messages, customers, aging, policy, templates, audit)]
