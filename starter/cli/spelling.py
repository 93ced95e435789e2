"""How to say to a person what to type next."""

import shlex
import sys
from pathlib import Path

from runtime.settings import default_data_dir


def hold(data_dir: Path, *arguments: str) -> str:
    """Return a command of this program, as it has to be typed to reach the same stack."""
    named = () if data_dir == default_data_dir() else ("--data-dir", str(data_dir))
    return shlex.join((str(Path(sys.executable).with_name("hold")), *arguments, *named))
