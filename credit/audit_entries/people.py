"""Who may come in, who did, and who is away."""

from uuid import UUID

from credit.audit_entries.entry import Entry, Explained, Moment


class AboutUser(Entry):
    """What was done with one user."""

    login: str


class UserCreated(AboutUser):
    action = "user_created"
    what = "made an account"
    said = "made the account {login}"
    role: str


class UserRoleChanged(AboutUser):
    action = "user_role_changed"
    what = "changed the role of somebody"
    said = "changed the role of {login}: {before} → {after}"
    before: str
    after: str


class UserNameChanged(AboutUser):
    action = "user_name_changed"
    what = "changed the name of somebody"
    before: str
    after: str

    def sentence(self) -> str:
        return f"changed the name of {self.login}: {self.before or 'none'} → {self.after or 'none'}"


class UserEmailChanged(AboutUser):
    action = "user_email_changed"
    what = "changed the e-mail address of somebody"
    before: str | None
    after: str | None

    def sentence(self) -> str:
        return f"changed the e-mail address of {self.login}: {self.before or 'none'} → {self.after or 'none'}"


UserDisabled = AboutUser.of_action("user_disabled", "disabled an account", "disabled the account {login}")
UserEnabled = AboutUser.of_action("user_enabled", "enabled an account again", "enabled the account {login} again")
PasswordChanged = AboutUser.of_action("password_changed", "changed the password")
PasswordReset = AboutUser.of_action(
    "password_reset", "gave somebody a one-time password", "gave {login} a one-time password"
)


class SessionsEnded(AboutUser):
    action = "sessions_ended"
    what = "ended sessions"
    sessions: int

    def sentence(self) -> str:
        return f"ended {self.sessions} session{'' if self.sessions == 1 else 's'} of {self.login}"


class SignedIn(Entry):
    action = "signed_in"
    what = "signed in"
    address: str
    how: str


SignedOut = Entry.of_action("signed_out", "signed out")


class _AboutToken(Entry):
    name: str


class TokenCreated(_AboutToken):
    action = "token_created"
    what = "made a token"
    role: str
    owner: str | None = None
    """The person whom it acts for; None for a service's, and before tokens had owners."""
    expires_at: Moment | None = None
    scope: list[str] | None = None

    def sentence(self) -> str:
        return f"made the {self.role} token {self.name}" + (f" of {self.owner}" if self.owner else "")


class TokenRenewed(_AboutToken):
    action = "token_renewed"
    what = "renewed a token"
    said = "renewed the token {name} of {owner}"
    owner: str
    expires_at: Moment


TokenRevoked = _AboutToken.of_action("token_revoked", "revoked a token", "revoked the token {name}")


class _AboutDevice(Entry):
    client_name: str
    address: str


DeviceConfirmed = _AboutDevice.of_action(
    "device_confirmed", "signed in a program", "signed in the program {client_name} at {address}"
)
DeviceDenied = _AboutDevice.of_action(
    "device_denied", "denied a program's sign-in", "denied the sign-in of the program {client_name} at {address}"
)


class AboutAbsence(Explained):
    """An absence, and who stands in."""

    absence_id: UUID
    login: str
    delegate: str
    starts_at: Moment
    ends_at: Moment


AbsenceAdded = AboutAbsence.of_action("absence_added", "noted that somebody is away", "noted that {login} is away")
AbsenceEnded = AboutAbsence.of_action("absence_ended", "noted that somebody is back", "noted that {login} is back")
