"""The account PostgreSQL runs as. It refuses to run as root, so root lends it a dedicated unprivileged one."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from runtime.files import as_root
from starter.stack.errors import StackError
from starter.stack.launch import Launch

NAME = "service-holds"


@dataclass(frozen=True)
class Account:
    """An account to run a program as. Both ids are None for an ordinary user, who runs it as himself."""

    user: int | None
    group: int | None

    def may(self, test: str, path: Path) -> bool:
        """Tell whether this account passes `test` (an operator of test(1): `-x`, `-r`, `-w`) on this path."""
        launch = Launch(("test", test, str(path)), cwd=Path("/"), user=self.user, group=self.group)
        return subprocess.run(launch.argv, check=False, **launch.arguments()).returncode == 0

    def own(self, path: Path) -> None:
        """Give the file or folder to this account; an ordinary user owns what he makes already."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)


def service_account() -> Account:
    """Return the account for PostgreSQL: the caller's own, or for root `service-holds`, which is created if missing.

    Raises:
        StackError: the account is missing and can't be created; the message says what to do.
    """
    if not as_root():
        return Account(None, None)
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        _create()
        entry = pwd.getpwnam(NAME)
    if entry.pw_uid == 0:
        raise StackError(f"The account {NAME} is root itself; PostgreSQL needs an unprivileged one of that name.")
    return Account(entry.pw_uid, entry.pw_gid)


def _create() -> None:
    program = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    shell = shutil.which("nologin", path="/usr/sbin:/sbin:/usr/bin:/bin") or "/bin/false"
    advice = (
        f"PostgreSQL does not run as root and needs the unprivileged account {NAME}. Create it (for example "
        f"`useradd --system --user-group --no-create-home --shell {shell} {NAME}`), or run this as an ordinary user."
    )
    if program is None:
        raise StackError(f"{advice} It could not be created here: there is no `useradd`.")
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", shell]
    run = subprocess.run([program, *options, NAME], check=False, capture_output=True, text=True)
    try:
        pwd.getpwnam(NAME)
    except KeyError:
        raise StackError(f"{advice} `useradd` said: {run.stderr.strip()}") from None
