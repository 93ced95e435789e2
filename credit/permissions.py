"""Who may do what: one role for each caller, one least role for each thing that can be done."""

from enum import IntEnum, StrEnum


class Role(IntEnum):
    """What a caller may do; each role may do what the ones below it may."""

    VIEWER = 1
    REQUESTER = 2
    APPROVER = 3
    ADMIN = 4

    @property
    def label(self) -> str:
        """The role as people and programs write it."""
        return self.name.lower()


class Permission(StrEnum):
    """Something a caller may want to do."""

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
    SCHEDULE_SCAN = "change when the AR aging scan is due"
    CHANGE_ACCOUNTING_PROFILE = "change an accounting profile"
    READ_AUDIT = "read and verify the audit trail"
    CHANGE_POLICY = "change the policy"
    CHANGE_TEMPLATE = "change a template"
    MANAGE_PEOPLE = "manage people and tokens"
    REPAIR = "mend disagreements between the record and Temporal"


LEAST_ROLE: dict[Permission, Role] = {
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
    Permission.REPAIR: Role.ADMIN,
}
"""The least role that may do each thing. A test holds that nothing is left out."""

DELEGATED = frozenset({Permission.DECIDE})
"""What an absent person's role passes on to who stands in: nobody becomes an admin by a colleague's holiday."""


def may(role: Role, permission: Permission) -> bool:
    """Whether a caller of this role may do it."""
    return role >= LEAST_ROLE[permission]
