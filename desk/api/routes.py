"""Every route of the API: the one list of them, for the application and for the test of the contract."""

from desk.api import audit, docs, health, policy
from desk.api.freight import accounting_profiles, freight, org_settings
from desk.api.holds import admin, bulk, holds, outcomes, report
from desk.api.messages import messages, templates
from desk.api.netsuite import drift
from desk.api.people import absences, device_codes, me, people
from desk.api.receivables import aging, customers, events, exemptions, ledger

_HOLDS = (holds, bulk, outcomes, admin)
_CUSTOMERS = (customers, exemptions, accounting_profiles)
_LEDGER = (events, drift, aging, ledger, report)
_SETTINGS = (policy, org_settings, templates)
_PARTS = (
    health,
    docs,
    me,
    *_HOLDS,
    messages,
    *_CUSTOMERS,
    freight,
    *_LEDGER,
    *_SETTINGS,
    audit,
    people,
    device_codes,
    absences,
)

ROUTERS = [part.router for part in _PARTS]
