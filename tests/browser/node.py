"""The Node.js that Playwright brings along, with the libraries that it needs and a bare machine lacks."""

import os
from pathlib import Path

import playwright

from tests.browser import debian
from tests.browser.debian import FetchError, NeedsRootError

VARIABLE = "PLAYWRIGHT_NODEJS_PATH"
"""Where Playwright looks first for its Node.js."""

_PACKAGES = {"libatomic.so.1": "libatomic1", "libgcc_s.so.1": "libgcc-s1", "libstdc++.so.6": "libstdc++6"}
"""Debian's package for each library outside the C library that it is linked with."""


def ensure(folder: Path) -> Path:
    """Return a Node.js that starts, for `PLAYWRIGHT_NODEJS_PATH`.

    Args:
        folder: Where a program that starts it may be written, for as long as it is used.

    Raises:
        NeedsRootError: a library is missing, and only root could install it here.
        FetchError: it could not be fetched.
    """
    named = os.environ.get(VARIABLE)
    program = Path(named) if named else Path(playwright.__file__).parent / "driver" / "node"
    if debian.starts(program):
        return program
    missing = sorted(debian.missing([program]))
    advice = f"Playwright's Node.js ({program}) does not start; it lacks {', '.join(missing) or 'no library'}"
    unknown = [name for name in missing if name not in _PACKAGES]
    if unknown or not missing:
        raise NeedsRootError(f"{advice}. Install Node.js, and name it in {VARIABLE}.")
    launcher = folder / "node"

    def complete(root: Path) -> bool:
        libraries = ":".join(map(str, debian.library_folders(program, root)))
        debian.write_launcher(launcher, program, {"LD_LIBRARY_PATH": libraries})
        return debian.starts(launcher)

    packages = [_PACKAGES[name] for name in missing]
    try:
        debian.unpacked("node-libraries", packages, complete)
    except (NeedsRootError, FetchError) as error:
        raise type(error)(f"{advice}: {error}. Install {' '.join(packages)}.") from error
    return launcher
