"""One true example of each request body and each refusal, for the OpenAPI document: typed instances, never loose JSON.

A body or a refusal without its example stops the document from being made.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel
from temporalio.service import RPCError, RPCStatusCode

from credit.events import DisputeResolution
from credit.health import Risk
from credit.outcomes import ExceptionScope
from credit.permissions import Permission, Role
from credit.policy import Policy
from credit.states import MessageVerdict, ProposalKind, Verdict
from db import errors
from db.holds.awaiting import NoWorkerError
from desk import access
from desk.api.common import IfMatchMissingError, Mended, Reason
from desk.api.freight import accounting_profiles, freight, org_settings
from desk.api.holds import admin, bulk, holds, outcomes
from desk.api.messages import messages, templates
from desk.api.netsuite import drift
from desk.api.people import absences, device_codes, people
from desk.api.policy import ChangedPolicy
from desk.api.receivables import aging, exemptions, ledger
from netsuite.errors import NetSuiteAwayError
from rendering.renderer import RendererAwayError
from services.freight.gates import NoAnswerError
from services.freight.operations import OrderLine
from services.messages.templates import BadTemplateError
from services.receivables import dispute, health_prediction, invoice, payment, payment_plan, promise
from services.receivables.netsuite_pull import NetSuiteRefusedError, NothingToPullError
from services.relay import NotToldError
from services.schedules import BadScheduleError

_ID = UUID("0b9d6f2e-5c1f-4a55-9b8e-2f6d7f0a3c41")
_WHY = "agreed with Dana in treasury on the phone"

IN_A_PATH = {
    "customer_id": "1012",
    "name": "1012",
    "login": "anna",
    "code": "AIR",
    "organisation": "west",
    "order_id": "ORD-4711",
    "load_id": "LOAD-0815",
    "workflow_id": f"ar-aging-by-hand-{_ID}",
    "beat": "push_netsuite",
}
"""What stands in an address, by its parameter's name, where the handler gives no example; UUIDs are `_ID`."""


def in_a_path(name: str) -> str:
    return IN_A_PATH.get(name, str(_ID))


def bodies(now: datetime) -> Iterable[BaseModel]:
    """Return an example of each request body: what is set of it is what is shown."""
    today = now.date()
    soon, later = today + timedelta(days=30), today + timedelta(days=60)
    return (
        Reason(reason=_WHY),
        Mended(reason="the customer's record was unlocked in NetSuite"),
        holds.NewHold(customer_id="1012", reason="three invoices over 90 days, no answer since the last reminder"),
        holds.NewDecision(claim=_ID, revision=1, decision=Verdict.APPROVE, reason="called twice, no plan offered"),
        bulk.Bulk(
            file="9f86d081884c7d659a2feaa0c55ad015",
            lines=[bulk.BulkLine(line=2, customer_id="1012", reason="on the credit committee's list")],
        ),
        outcomes.Dates(end_date=later, review_date=soon, reason="paid by the end of the quarter, says the CFO"),
        outcomes.NewException(scope=ExceptionScope.ORDER, reference="ORD-4711", until=soon, reason="prepaid"),
        admin.CustomerRetry(customer_id="1012", reason="NetSuite's maintenance is over"),
        messages.NewText(
            revision=1,
            subject="Your account with us",
            body="Dear Ms Berg,\n\nwe could not reach you about your open invoices. Please call us.\n",
            recipient="ap@example.com",
        ),
        messages.NewMessageDecision(claim=_ID, revision=1, decision=MessageVerdict.APPROVE, reason="reads well"),
        messages.Fate(arrived=True, reason="the customer answered it"),
        exemptions.NewExemption(until=soon, reason="merger under way, settled with its CFO", owner="anna"),
        accounting_profiles.WantedProfile(credit_limit=Decimal("50000.00"), reason="yearly review"),
        accounting_profiles.NewEntry(note="no freight by air until the claim is settled"),
        freight.Wanted(customer_id="1012", origin="Oslo", destination="Rotterdam"),
        freight.NewOrder(
            customer_id="1012",
            lines=[
                OrderLine(description="Pallet, Oslo to Rotterdam", quantity=Decimal(3), unit_price=Decimal("416.50"))
            ],
        ),
        freight.NewLoad(customer_id="1012", origin="Oslo", destination="Rotterdam"),
        freight.Advance.model_validate({"from": "quoted"}),
        freight.NewTariff(
            name="Air freight",
            currency="USD",
            rates=[freight.NewLane(origin="Oslo", destination="Rotterdam", amount=Decimal("1250.00"), transit_days=2)],
        ),
        health_prediction.HealthPrediction(
            customer_id="1012",
            event_id="hp-20931",
            risk=Risk.HIGH,
            score=Decimal("0.87"),
            model="dso-3",
            predicted_at=now,
        ),
        dispute.DisputeOpened(
            customer_id="1012",
            event_id="d-771",
            action="opened",
            invoice_id="INV-1012-1",
            reason="short",
            opened_at=now,
        ),
        dispute.DisputeClosed(
            customer_id="1012",
            event_id="d-772",
            action="closed",
            invoice_id="INV-1012-1",
            resolution=DisputeResolution.REJECTED,
            closed_at=now,
        ),
        invoice.InvoicePosted(
            customer_id="1012",
            event_id="i-5530",
            invoice_id="INV-1012-7",
            due_date=soon,
            amount=Decimal("1250.00"),
            currency="USD",
        ),
        payment.PaymentReceived(
            customer_id="1012",
            event_id="p-3120",
            payment_id="PAY-88",
            amount=Decimal("1250.00"),
            currency="USD",
            paid_on=today,
        ),
        payment_plan.PlanAgreed(
            customer_id="1012",
            event_id="pp-14",
            action="agreed",
            instalments=[
                payment_plan.Instalment(due_date=soon, amount=Decimal("5000.00")),
                payment_plan.Instalment(due_date=later, amount=Decimal("5000.00")),
            ],
            currency="USD",
            agreed_at=now,
        ),
        payment_plan.InstalmentMissed(
            customer_id="1012", event_id="pp-15", action="instalment_missed", number=1, missed_at=now
        ),
        payment_plan.PlanEnded(
            customer_id="1012", event_id="pp-16", action="ended", reason="paid in full instead", ended_at=now
        ),
        promise.Promise(
            customer_id="1012",
            event_id="ptp-9",
            amount=Decimal("1250.00"),
            currency="USD",
            promised_for=soon,
            made_by="Ms Berg, accounts payable",
            made_at=now,
        ),
        drift.Adopt(reason="put on hold by hand in NetSuite last week"),
        aging.NewScan(as_of=today),
        aging.NewSchedule(cron="0 6 * * 1-5", time_zone="Europe/Oslo"),
        aging.PolicyToTry(changes={"trigger_days_overdue": 45}),
        ledger.Pull(rates={"EUR": Decimal("1.08")}),
        ChangedPolicy(policy=Policy.model_validate(Policy().model_dump()), note="as agreed by the credit committee"),
        org_settings.NewOrganisation(organisation="west"),
        org_settings.ChangedSettings(auto_apply_credit_hold=True),
        templates.NewTemplateText(
            subject="Your account with us",
            body="Dear {{ customer_name }},\n\nplease call us about your open invoices.\n",
        ),
        people.NewUser(login="anna", role="approver", name="Anna Berg", email="anna@example.com"),
        people.UserChange(role="admin", email="anna@example.com"),
        people.NewToken(name="anna-cli", role="approver", owner="anna", expires_in_days=30, scope=["claim and decide"]),
        device_codes.NewDeviceCode(client_name="hold on laptop", token_days=30),
        device_codes.DeviceTokenRequest(device_code="GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS"),
        absences.NewAbsence(login="anna", delegate="mike", ends_at=now + timedelta(days=14), reason="holidays"),
    )


def refusals(now: datetime) -> Iterable[Exception]:
    """Return an example of everything that a request can be refused by, as it would be raised."""
    soon = now + timedelta(minutes=15)
    day = now.date() + timedelta(days=30)
    return (
        access.NotSignedInError("sign in at /sign-in, or send an API token as `Authorization: Bearer …`"),
        access.PasswordChangeNeededError(),
        errors.UnknownTokenError(),
        errors.TokenExpiredError("anna", now),
        errors.OwnerDisabledError("anna-cli", "anna"),
        errors.PersonNeededError("dashboard", Permission.MANAGE_PEOPLE),
        errors.OutOfScopeError("dashboard", Permission.MANAGE_PEOPLE, [Permission.LOOK]),
        errors.NotAllowedError("vera", Role.VIEWER, Permission.MANAGE_PEOPLE),
        errors.UnknownSenderError(
            "the signature is not one of a sender we know, made in the last five minutes: No matching signature found"
        ),
        NoAnswerError(),
        NoWorkerError(
            "Temporal has the signal for customer 1012, and no worker took it up within 0:00:15. It is kept and will "
            "be acted on; see `hold doctor` for what is down"
        ),
        NotToldError(),
        RendererAwayError("nothing can be rendered right now: try again soon"),
        NetSuiteAwayError("NetSuite did not answer"),
        NetSuiteRefusedError("NetSuite refuses: Your current role does not have permission to perform this action"),
        NothingToPullError("NetSuite shows no open item: give the integration's role permission to see transactions"),
        RPCError("the connection was refused", RPCStatusCode.UNAVAILABLE, b""),
        RPCError("workflow not found", RPCStatusCode.NOT_FOUND, b""),
        errors.RequestUnderWayError("order-4711"),
        errors.AnswerLostError("order-4711", now),
        errors.IdempotencyMismatchError("order-4711"),
        IfMatchMissingError(),
        errors.BadInputError(f"no exception {_ID} counts for this hold: it ended, or never was one"),
        errors.UnknownCustomerError("1012"),
        errors.UnknownHoldError("1012"),
        errors.UnknownEntryError("1012", _ID),
        errors.UnknownTariffError("AIR", ["ROAD", "SEA"]),
        errors.UnknownOrderError("ORD-4711"),
        errors.UnknownLoadError("LOAD-0815"),
        errors.UnknownOrganisationError("west"),
        errors.UnknownMessageError(str(_ID)),
        errors.UnknownTemplateError("customer_notice"),
        errors.UnknownRunError(f"ar-aging-by-hand-{_ID}"),
        errors.UnknownUserError("anna"),
        errors.UnknownTokenNameError("erp"),
        errors.UnknownAbsenceError(_ID),
        errors.TooManyDeviceCodesError(540),
        errors.AuthorizationPendingError(),
        errors.SlowDownError(),
        errors.AccessDeniedError(),
        errors.ExpiredTokenError(),
        errors.NotExemptError("1012"),
        errors.CustomerOnHoldError(
            "This customer is on credit hold: no order can be taken.",
            template="front_office_hold",
            holds=[{"tariffs": None, "note": "three invoices over 90 days"}],
        ),
        errors.NumberTakenError("an order", "ORD-4711"),
        errors.OrderClosedError("ORD-4711", "invoiced"),
        errors.LoadMovedError("LOAD-0815", "committed", "quoted"),
        errors.OrganisationTakenError("west"),
        errors.NothingToDecideError("1012", "it was approved already, the hold is in_force"),
        errors.NothingToReleaseError("1012", "proposed"),
        errors.NotInForceError("1012", "proposed"),
        errors.ClaimedByAnotherError("mike", soon),
        errors.ClaimLostError("its lease has ended"),
        errors.StaleRevisionError(1, 2),
        messages.StaleTextError(
            errors.StaleRevisionError(1, 2), "--- revision 1\n+++ revision 2\n@@ -1 +1 @@\n-Dear Sir\n+Dear Ms Berg\n"
        ),
        errors.UnseenEvidenceError([{"actor": "mike", "reason": "they paid half", "at": now.isoformat()}], 2),
        errors.StaleVersionError("the policy", 3, 4),
        errors.CurrencyInUseError("USD", "EUR"),
        errors.SelfApprovalError("anna", "anna", ProposalKind.PLACE),
        errors.SecondApproverError("anna"),
        errors.TooLateError(f"it took effect at {now:%Y-%m-%d %H:%M:%S} UTC and cannot be taken back"),
        errors.MessageClosedError("sent", "pending_review"),
        errors.AlreadyExemptError("1012", "anna", day),
        errors.EventConflictError("i-5530"),
        errors.OutOfOrderError("invoice INV-1012-1 has no open dispute: tell of its opening first, then again"),
        errors.NothingToRepairError("1012", "nothing differs"),
        errors.NothingToAdoptError("1012"),
        errors.DriftCheckFailedError("NetSuite refuses: Invalid login attempt"),
        errors.LoginTakenError("anna"),
        errors.LastAdminError("anna"),
        errors.LendingNeedsAdminError("vera", Role.VIEWER),
        errors.AbsentAlreadyError("anna", now, now + timedelta(days=14)),
        BadTemplateError("template customer_notice: 'custommer_name' is undefined"),
        BadScheduleError("no time zone 'Oslo': give one like Europe/Oslo or UTC"),
        aging.NoScheduleError(),
    )
