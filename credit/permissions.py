"""Who may do what: one role for each caller, one least role for each thing that can be done."""

import re
from enum import IntEnum, StrEnum


class Role(IntEnum):
    """What a caller may do; each role of people may do what the ones below it may."""

    SENDER = 0
    """A program that tells what happened outside (`OF_SENDERS`). Only tokens have it, never people."""
    VIEWER = 1
    REQUESTER = 2
    APPROVER = 3
    ADMIN = 4

    @property
    def label(self) -> str:
        """The role as people and programs write it."""
        return self.name.lower()


OF_PEOPLE = tuple(role for role in Role if role is not Role.SENDER)
"""The roles that a person can have, the least first."""


class Permission(StrEnum):
    """Something a caller may want to do."""

    KNOW_ONESELF = "ask who one is"
    LOOK = "look"
    START_HOLD = "start a hold"
    TAKE_ORDER = "take, invoice or cancel an order"
    MOVE_LOAD = "make and advance a load"
    DECIDE = "claim and decide"
    RETRY_BEAT = "retry a beat"
    EDIT_MESSAGE = "edit a message"
    SEND_MESSAGE = "approve, recall or discard a message"
    RUN_SCAN = "run the AR aging scan"
    IMPORT_LEDGER = "import receivables"
    SEND_EVENT = "send events"
    SCHEDULE_SCAN = "change when the AR aging scan is due"
    CHANGE_ACCOUNTING_PROFILE = "change an accounting profile"
    READ_AUDIT = "read and verify the audit trail"
    CHANGE_POLICY = "change the policy"
    CHANGE_TEMPLATE = "change a template"
    MANAGE_PEOPLE = "manage people and tokens"
    REPAIR = "mend disagreements between the record and Temporal"


LEAST_ROLE: dict[Permission, Role] = {
    Permission.KNOW_ONESELF: Role.VIEWER,
    Permission.LOOK: Role.VIEWER,
    Permission.START_HOLD: Role.REQUESTER,
    Permission.TAKE_ORDER: Role.REQUESTER,
    Permission.MOVE_LOAD: Role.REQUESTER,
    Permission.RUN_SCAN: Role.REQUESTER,
    Permission.EDIT_MESSAGE: Role.REQUESTER,
    Permission.DECIDE: Role.APPROVER,
    Permission.RETRY_BEAT: Role.APPROVER,
    Permission.SEND_MESSAGE: Role.APPROVER,
    Permission.CHANGE_ACCOUNTING_PROFILE: Role.APPROVER,
    Permission.READ_AUDIT: Role.APPROVER,
    Permission.SCHEDULE_SCAN: Role.ADMIN,
    Permission.CHANGE_POLICY: Role.ADMIN,
    Permission.CHANGE_TEMPLATE: Role.ADMIN,
    Permission.MANAGE_PEOPLE: Role.ADMIN,
    Permission.IMPORT_LEDGER: Role.ADMIN,
    Permission.SEND_EVENT: Role.ADMIN,
    Permission.REPAIR: Role.ADMIN,
}
"""The least role of people that may do each thing. A test holds that nothing is left out."""

OF_SENDERS = frozenset({Permission.SEND_EVENT, Permission.KNOW_ONESELF})
"""All that a sender may do: what it tells moves money, so a token that leaks must open nothing else."""

TOKENS_ONLY = frozenset({Permission.SEND_EVENT})
"""What no browser session may do, whatever its role: an event is a program's word, not a person's."""

PERSONS_ONLY = frozenset({Permission.DECIDE, Permission.SEND_MESSAGE, Permission.MANAGE_PEOPLE})
"""What a person answers for: a service's token may do none of it, whatever its role."""

DELEGATED = frozenset({Permission.DECIDE})
"""What an absent person's role passes on to who stands in: nobody becomes an admin by a colleague's holiday."""


def may(role: Role, permission: Permission) -> bool:
    """Whether a caller of this role may do it."""
    if role is Role.SENDER:
        return permission in OF_SENDERS
    return role >= LEAST_ROLE[permission]


def typed_permission(text: str) -> Permission:
    """Return the permission that somebody wrote as it reads, with spaces or hyphens: `claim and decide`.

    Raises:
        ValueError: there is none; the text says which there are.
    """
    known = {_typeable(permission): permission for permission in Permission}
    try:
        return known[_typeable(text)]
    except KeyError:
        raise ValueError(f"there is no permission {text!r}; there are: {', '.join(known)}") from None


def _typeable(text: str) -> str:
    return re.sub(r"[^a-z]+", "-", text.lower()).strip("-")
