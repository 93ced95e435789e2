"""Where the server comes from, and what is said where it is not to be had."""

from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.long_waits import time_skipping_server
from tests.long_waits.time_skipping_server import NAME, ServerMissingError


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with an empty cache, no Java, no Maven, and no way to the SDK's download."""

    async def no_download(**_: Any) -> None:
        raise RuntimeError("no way to temporal.download")

    monkeypatch.setattr(WorkflowEnvironment, "start_time_skipping", no_download)
    monkeypatch.setenv("HOLD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv("JAVA_HOME", raising=False)


def program(tmp_path: Path, name: str, script: str) -> None:
    path = tmp_path / "path" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


async def test_what_is_missing_is_named() -> None:
    with pytest.raises(ServerMissingError, match=r"no way to temporal\.download.* there is no java and no mvn"):
        await time_skipping_server.ensure()


async def test_what_maven_said_is_told(tmp_path: Path) -> None:
    program(tmp_path, "java", "exit 0")
    program(tmp_path, "mvn", "echo '[ERROR] Unknown host repo.maven.apache.org'; exit 1")

    with pytest.raises(ServerMissingError, match="Unknown host"):
        await time_skipping_server.ensure()
    assert list((tmp_path / "cache").iterdir()) == [tmp_path / "cache" / "temporal-test-server.lock"]


async def test_jars_are_got_once_and_found_without_maven_afterwards(tmp_path: Path) -> None:
    program(tmp_path, "java", "exit 0")
    program(
        tmp_path,
        "mvn",
        'for word; do folder="${word#-DoutputDirectory=}"; done; /bin/mkdir "$folder"; : > "$folder/a.jar"',
    )
    got = await time_skipping_server.ensure()
    (tmp_path / "path" / "mvn").unlink()

    assert await time_skipping_server.ensure() == got
    assert got["test_server_existing_path"] == str(tmp_path / "cache" / "bin" / NAME)
    assert (tmp_path / "cache" / "lib" / NAME / "a.jar").exists()
    (tmp_path / "path" / "java").unlink()
    with pytest.raises(ServerMissingError, match="needs Java"):
        await time_skipping_server.ensure()
