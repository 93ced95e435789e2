"""What admins do with people and tokens: the one authority behind the CLI, the API and the pages."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from credit.permissions import Role
from db.engine import transaction
from db.people import tokens, users
from services.people import answers, passwords


class People:
    """Everything that can be done with the people of one database. Each call is one transaction, and audited."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def listed(self) -> answers.Users:
        """Return everybody, by login."""
        with transaction(self._engine) as session:
            return answers.Users(users=[answers.User.of(row) for row in users.listed(session)])

    def create(self, login: str, role: Role, *, actor: str, name: str = "", email: str | None = None) -> str:
        """Make a local account and return its one-time password: the only time it can be read.

        Raises:
            BadInputError: the login can't be one, or the e-mail address is none.
            LoginTakenError: somebody has it already.
        """
        password = passwords.one_time()
        password_hash = passwords.hashed(password)
        with transaction(self._engine) as session:
            users.create(
                session,
                login=login,
                role=role,
                actor=actor,
                at=datetime.now(UTC),
                name=name,
                email=email,
                password_hash=password_hash,
            )
        return password

    def reset_password(self, login: str, *, actor: str) -> str:
        """Replace a password by a one-time one and return it, once; all sessions of the user end.

        Raises:
            UnknownUserError: nobody has this login.
        """
        password = passwords.one_time()
        password_hash = passwords.hashed(password)
        with transaction(self._engine) as session:
            user = users.get(session, login)
            users.set_password(session, user, password_hash, one_time=True, actor=actor, at=datetime.now(UTC))
        return password

    def change(self, login: str, *, actor: str, role: Role | None = None, disabled: bool | None = None) -> answers.User:
        """Give a user another role, shut him out or let him in again; it counts from his next request on.

        Raises:
            UnknownUserError: nobody has this login.
            LastAdminError: it is the last admin.
        """
        now = datetime.now(UTC)
        with transaction(self._engine) as session:
            user = users.get(session, login)
            if disabled or (role is not None and role is not Role.ADMIN):
                users.keep_an_admin(session, user)
            if role is not None:
                users.set_role(session, user, role, actor=actor, at=now)
            if disabled is not None:
                (users.disable if disabled else users.enable)(session, user, actor=actor, at=now)
            return answers.User.of(user)

    def sign_out(self, login: str, *, actor: str) -> int:
        """End all sessions of a user; returns how many there were.

        Raises:
            UnknownUserError: nobody has this login.
        """
        with transaction(self._engine) as session:
            return users.sign_out(session, users.get(session, login), actor=actor, at=datetime.now(UTC))

    def tokens(self) -> answers.Tokens:
        """Return the API tokens, by name; never the tokens themselves."""
        with transaction(self._engine) as session:
            return answers.Tokens(tokens=[answers.Token.of_row(row) for row in tokens.listed(session)])

    def create_token(self, name: str, role: Role, *, actor: str) -> str:
        """Make an API token and return it: the only time it can be read. One of the same name stops working.

        Raises:
            BadInputError: the name is empty or too long.
        """
        with transaction(self._engine) as session:
            return tokens.create(session, name=name, role=role, actor=actor, at=datetime.now(UTC))

    def revoke_token(self, name: str, *, actor: str) -> answers.Token:
        """Make a token useless, at once.

        Raises:
            UnknownTokenNameError: there is none of this name.
        """
        with transaction(self._engine) as session:
            return answers.Token.of_row(tokens.revoke(session, name=name, actor=actor, at=datetime.now(UTC)))
