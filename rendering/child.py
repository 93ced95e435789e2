"""`python -m rendering.child LIMITS`: the process that renders. It computes and answers; it can do nothing else.

LIMITS is a JSON object `{cpu_seconds, memory_bytes, requests}`. Each line of the input is a request in JSON:
`{job, …}`; each gets a line in return: `{done: …}`, `{refused: why}` or `{beyond: "memory" | "length"}`. With `spent`
the process wants to be replaced. One that takes too long is ended by SIGPROF. The end of the input ends the process.

Once it is ready it can open no file and no connection and start no process: whatever a text may find to abuse, there is
nothing here to reach.
"""

import encodings.idna
import encodings.punycode  # noqa: F401
import ipaddress  # noqa: F401
import json
import resource
import signal
import sys
import textwrap  # noqa: F401
import unicodedata  # noqa: F401
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import jinja2.debug  # noqa: F401

from rendering import differences, markdown, templates

READY = b"ready\n"
DECIMAL = "__decimal__"
"""The one key of the object that stands for a decimal number in a request."""

_WORDS = 500
"""How much of an error's text is told."""
_GROWN = 96 * 2**20
"""Bytes; a process that once needed so much more than at its start is replaced."""


def main() -> None:
    """Answer requests until the input ends."""
    limits = json.loads(sys.argv[1])
    for ended in (signal.SIGINT, signal.SIGTERM):  # it is the parent's end that ends it: others may still be waiting
        signal.signal(ended, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    _warm_up()
    _confine(limits["memory_bytes"])
    at_start = _most_memory()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(READY)
    answers.flush()
    for number, line in enumerate(requests, 1):
        signal.setitimer(signal.ITIMER_PROF, limits["cpu_seconds"])
        answer = _answer(line)
        if number >= limits["requests"] or _most_memory() - at_start > _GROWN:
            answer["spent"] = True
        written = json.dumps(answer).encode() + b"\n"
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(written)
        answers.flush()


def _answer(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line, object_hook=_decimal)
        return {"done": _JOBS[request.pop("job")](**request)}
    except MemoryError:
        return {"beyond": "memory", "spent": True}
    except templates.TooLongError:
        return {"beyond": "length"}
    except RecursionError:
        return {"refused": "it refers to itself, or is nested too deeply"}
    except Exception as error:  # noqa: BLE001 (whatever it is, it is the text's)
        return {"refused": str(error)[:_WORDS] or type(error).__name__}


def _html(body: str, longest: int) -> str:
    html = markdown.html(body)
    if len(html) > longest:
        raise templates.TooLongError
    return html


_JOBS: dict[str, Callable[..., Any]] = {
    "template": templates.render,
    "html": _html,
    "pieces": differences.pieces,
    "unified": differences.unified,
}


def _decimal(found: dict[str, Any]) -> Any:
    return Decimal(found[DECIMAL]) if found.keys() == {DECIMAL} else found


def _most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _warm_up() -> None:
    """Do everything once, also a template that fails: what is imported or compiled on first use is there then."""
    template = "{% for x in xs %}{{ x | money }}{{ loop.index }}{% endfor %}{{ 'a b' | wordwrap(1) | title }}{{ y }}"
    samples: list[dict[str, Any]] = [{"xs": [{DECIMAL: "1"}], "y": 1}, {"xs": []}]
    for values in samples:
        request = {"job": "template", "subject": "", "body": template, "values": values, "longest": 100}
        _answer(json.dumps(request).encode())
    markdown.html(
        "# a\n\n* [b](https://xn--bcher-kva.example/ü) **c** `d`\n\n| e |\n|---|\n| f |\n\n<https://bücher.example>"
    )
    differences.pieces("a b\nc", "a c\nd")
    differences.unified("a b\nc", "a c\nd", "x", "y")


def _confine(memory: int) -> None:
    in_use = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    for what, most in (
        (resource.RLIMIT_AS, in_use + memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
