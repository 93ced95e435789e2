"""How a process that has used the Temporal SDK ends."""

import os
import sys
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End at once: the SDK's native threads can abort an ordinary exit (sdk-python issue 300)."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
