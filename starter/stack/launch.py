"""How one program is started: its command, environment, folder and account."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypedDict


class Arguments(TypedDict):
    """Keyword arguments for `subprocess.Popen` and `subprocess.run`."""

    env: Mapping[str, str] | None
    cwd: Path | None
    user: int | None
    group: int | None
    extra_groups: list[int] | None
    umask: int


@dataclass(frozen=True)
class Launch:
    """One program to start. `env` None inherits the environment; `user` and `group` are ids, None keeps our own."""

    argv: tuple[str, ...]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: int | None = None
    group: int | None = None

    def arguments(self) -> Arguments:
        """Return the keyword arguments for `subprocess`. What the program creates is private (umask 077)."""
        return {
            "env": self.env,
            "cwd": self.cwd,
            "user": self.user,
            "group": self.group,
            "extra_groups": None if self.user is None else [],
            "umask": 0o077,
        }

    def start(self, log: IO[bytes], *, extra_env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the program in a session of its own, with no standard input and all its output in `log`.

        Raises:
            OSError: the program is missing or may not be run.
        """
        arguments = self.arguments()
        arguments["env"] = {**(os.environ if self.env is None else self.env), **(extra_env or {})}
        return subprocess.Popen(
            self.argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **arguments,
        )
