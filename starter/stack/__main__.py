"""The background process of `hold up --detach`; its one argument is a `StackOptions` as JSON."""

import json
import sys
from pathlib import Path

from starter.stack.control import StackOptions, up

if __name__ == "__main__":
    raw = json.loads(sys.argv[1])
    sys.exit(up(StackOptions(**{**raw, "data_dir": Path(raw["data_dir"])}), detached=True))
