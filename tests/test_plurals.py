"""No text of ours leaves the plural to its reader: `counted` and the filter `count` write it."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
_LEFT_TO_THE_READER = re.compile(r"[a-z]\((s|es|ies)\)(?!\()", re.IGNORECASE)


def test_no_text_says_one_thing_or_more_in_brackets() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    texts = [name for name in files if Path(name).suffix in {".py", ".html", ".md", ".txt", ".sh"}]
    found = [
        f"{name}: {line.strip()[:100]}"
        for name in texts
        if not name.startswith(("tests/", "netsuite/sandbox/"))  # which says what NetSuite says
        for line in (ROOT / name).read_text().splitlines()
        if _LEFT_TO_THE_READER.search(line)
    ]
    assert len(texts) > 500
    assert found == []
