"""The tables, typed. Names are the specs' where they have them."""

from db.models.absences import Absence
from db.models.aging import ArAgingItem, ArAgingRun
from db.models.base import Base
from db.models.credit_holds import CreditHoldEntry, LimitTransition, OrgSettings
from db.models.customers import AccountingProfile, Customer, SalesRep
from db.models.drift import Adoption, NetSuiteDrift, NetSuiteReading
from db.models.events import InboundEvent, Payment, PaymentPlanInstalment, PromiseToPay, ProposedAction, RiskEvent
from db.models.exemptions import Exemption
from db.models.freight import Load, Order, Tariff, TariffRate
from db.models.holds import Approval, Claim, Decision, Hold, HoldBeat, HoldTrigger, Proposal, ReleaseRequest
from db.models.messages import ContentTemplate, Message, MessageDecision, MessageDelivery, MessageRevision
from db.models.netsuite import NetSuitePush, NetSuiteRecord
from db.models.notifications import Notification
from db.models.outcomes import HoldException
from db.models.people import ApiToken, DeviceCode, IdempotencyKey, KnownDevice, SignInFailure, User, UserSession
from db.models.receivables import Credit, Import, Invoice, InvoiceDispute, PaymentPlan
from db.models.records import AuditAnchor, AuditEvent, AutoDecision, PolicyVersion, ReflexionLog, WorkflowDefinition
from db.models.requests import HoldRequest

__all__ = [
    "Absence",
    "AccountingProfile",
    "Adoption",
    "ApiToken",
    "Approval",
    "ArAgingItem",
    "ArAgingRun",
    "AuditAnchor",
    "AuditEvent",
    "AutoDecision",
    "Base",
    "Claim",
    "ContentTemplate",
    "Credit",
    "CreditHoldEntry",
    "Customer",
    "Decision",
    "DeviceCode",
    "Exemption",
    "Hold",
    "HoldBeat",
    "HoldException",
    "HoldRequest",
    "HoldTrigger",
    "IdempotencyKey",
    "Import",
    "InboundEvent",
    "Invoice",
    "InvoiceDispute",
    "KnownDevice",
    "LimitTransition",
    "Load",
    "Message",
    "MessageDecision",
    "MessageDelivery",
    "MessageRevision",
    "NetSuiteDrift",
    "NetSuitePush",
    "NetSuiteReading",
    "NetSuiteRecord",
    "Notification",
    "Order",
    "OrgSettings",
    "Payment",
    "PaymentPlan",
    "PaymentPlanInstalment",
    "PolicyVersion",
    "PromiseToPay",
    "Proposal",
    "ProposedAction",
    "ReflexionLog",
    "ReleaseRequest",
    "RiskEvent",
    "SalesRep",
    "SignInFailure",
    "Tariff",
    "TariffRate",
    "User",
    "UserSession",
    "WorkflowDefinition",
]
