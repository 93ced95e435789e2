"""The tables, typed. Names are the specs' where they have them."""

from db.models.aging import ArAgingItem, ArAgingRun
from db.models.base import Base
from db.models.customers import AccountingProfile, Customer, SalesRep
from db.models.holds import ApiToken, Approval, Claim, Decision, Hold, HoldBeat, HoldTrigger, Proposal
from db.models.messages import ContentTemplate, Message, MessageDecision, MessageDelivery, MessageRevision
from db.models.netsuite import NetSuitePush, NetSuiteRecord
from db.models.notifications import Notification
from db.models.people import IdempotencyKey, SignInFailure, User, UserSession
from db.models.receivables import Credit, Import, Invoice, InvoiceDispute, PaymentPlan
from db.models.records import AuditEvent, AutoDecision, PolicyVersion, ReflexionLog, WorkflowDefinition

__all__ = [
    "AccountingProfile",
    "ApiToken",
    "Approval",
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
    "IdempotencyKey",
    "Import",
    "Invoice",
    "InvoiceDispute",
    "Message",
    "MessageDecision",
    "MessageDelivery",
    "MessageRevision",
    "NetSuitePush",
    "NetSuiteRecord",
    "Notification",
    "PaymentPlan",
    "PolicyVersion",
    "Proposal",
    "ReflexionLog",
    "SalesRep",
    "SignInFailure",
    "User",
    "UserSession",
    "WorkflowDefinition",
]
