"""Who may come in, who did, and who is away."""

from uuid import UUID

from credit.audit_entries.entry import Entry, Explained, Moment


class AboutUser(Entry):
    """What was done with one user."""

    login: str


class UserCreated(AboutUser):
    action = "user_created"
    what = "made an account"
    role: str

    def sentence(self) -> str:
        return f"made the account {self.login}"


class UserRoleChanged(AboutUser):
    action = "user_role_changed"
    what = "changed the role of somebody"
    before: str
    after: str

    def sentence(self) -> str:
        return f"changed the role of {self.login}: {self.before} → {self.after}"


class UserDisabled(AboutUser):
    action = "user_disabled"
    what = "disabled an account"

    def sentence(self) -> str:
        return f"disabled the account {self.login}"


class UserEnabled(AboutUser):
    action = "user_enabled"
    what = "enabled an account again"

    def sentence(self) -> str:
        return f"enabled the account {self.login} again"


class PasswordChanged(AboutUser):
    action = "password_changed"
    what = "changed the password"


class PasswordReset(AboutUser):
    action = "password_reset"
    what = "gave somebody a one-time password"

    def sentence(self) -> str:
        return f"gave {self.login} a one-time password"


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


class SignedOut(Entry):
    action = "signed_out"
    what = "signed out"


class TokenCreated(Entry):
    action = "token_created"
    what = "made a token"
    name: str
    role: str

    def sentence(self) -> str:
        return f"made the {self.role} token {self.name}"


class TokenRevoked(Entry):
    action = "token_revoked"
    what = "revoked a token"
    name: str

    def sentence(self) -> str:
        return f"revoked the token {self.name}"


class AboutAbsence(Explained):
    """An absence, and who stands in."""

    absence_id: UUID
    login: str
    delegate: str
    starts_at: Moment
    ends_at: Moment


class AbsenceAdded(AboutAbsence):
    action = "absence_added"
    what = "noted that somebody is away"

    def sentence(self) -> str:
        return f"noted that {self.login} is away"


class AbsenceEnded(AboutAbsence):
    action = "absence_ended"
    what = "noted that somebody is back"

    def sentence(self) -> str:
        return f"noted that {self.login} is back"
