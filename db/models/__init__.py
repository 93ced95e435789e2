"""The tables, typed. Names are the specs' where they have them."""

from db.models.aging import ArAgingItem, ArAgingRun
from db.models.base import Base
from db.models.customers import AccountingProfile, Customer, SalesRep
from db.models.holds import ApiToken, Claim, Decision, Hold, HoldBeat, HoldTrigger, Proposal
from db.models.messages import ContentTemplate, Message, MessageRevision
from db.models.netsuite import NetSuitePush, NetSuiteRecord
from db.models.receivables import Credit, Import, Invoice, InvoiceDispute, PaymentPlan
from db.models.records import AuditEvent, AutoDecision, PolicyVersion, ReflexionLog, WorkflowDefinition

__all__ = [
    "AccountingProfile",
    "ApiToken",
    "ArAgingItem",
    "ArAgingRun",
    "AuditEvent",
    "AutoDecision",
    "Base",
    "Claim",
    "ContentTemplate",
    "Credit",
    "Customer",
    "Decision",
    "Hold",
    "HoldBeat",
    "HoldTrigger",
    "Import",
    "Invoice",
    "InvoiceDispute",
    "Message",
    "MessageRevision",
    "NetSuitePush",
    "NetSuiteRecord",
    "PaymentPlan",
    "PolicyVersion",
    "Proposal",
    "ReflexionLog",
    "SalesRep",
    "WorkflowDefinition",
]
