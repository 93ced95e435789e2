import subprocess
from pathlib import Path

import pytest

from starter.stack import go_build, temporal_cli
from starter.stack.errors import CommandMissingError
from starter.stack.go_build import Module


def program(path: Path, said: str = "temporal version 1.5.1") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{said}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with an empty cache and no Temporal CLI."""
    monkeypatch.delenv("TEMPORAL_CLI", raising=False)
    monkeypatch.setenv("HOLD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")


def test_the_named_one_goes_first_then_path_then_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert temporal_cli.find() is None
    cached = program(tmp_path / "cache" / "bin" / "temporal")
    assert temporal_cli.find() == cached
    on_path = program(tmp_path / "path" / "temporal")
    assert temporal_cli.find() == on_path
    named = program(tmp_path / "named")
    monkeypatch.setenv("TEMPORAL_CLI", str(named))
    assert temporal_cli.find() == named


def test_what_is_no_temporal_cli_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "path" / "temporal", said="another program of that name")
    cached = program(tmp_path / "cache" / "bin" / "temporal")
    assert temporal_cli.find() == cached


def test_a_wrong_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_CLI", str(tmp_path / "nothing"))
    with pytest.raises(CommandMissingError, match="TEMPORAL_CLI names"):
        temporal_cli.find()


@pytest.fixture
def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(folder: Path) -> Path:
        raise CommandMissingError("That failed (no network).")

    monkeypatch.setattr(temporal_cli, "_download", fails)


def test_a_missing_one_is_built_into_the_cache(tmp_path: Path, no_download: None) -> None:
    go = tmp_path / "path" / "go"
    go.parent.mkdir()
    go.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = env ]; then echo go1.26.8; exit; fi\n'
        '[ "$1 $2 $GOTOOLCHAIN" = "install -v local" ] || exit 9\n'
        'mkdir -p "$GOBIN" && printf "#!/bin/sh\\necho temporal version 1.5.1\\n" > "$GOBIN/temporal"\n'
        'chmod +x "$GOBIN/temporal"\n'
    )
    go.chmod(0o755)
    said: list[str] = []
    built = temporal_cli.ensure(said.append)
    assert built == tmp_path / "cache" / "bin" / "temporal"
    assert temporal_cli.works(built)
    assert "Building github.com/temporalio/cli/cmd/temporal@v1.5.1." in said
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["bin", "temporal.lock"]


def test_a_failed_build_is_quoted_and_leaves_nothing(tmp_path: Path, no_download: None) -> None:
    go = tmp_path / "path" / "go"
    go.parent.mkdir()
    go.write_text('#!/bin/sh\nif [ "$1" = env ]; then echo go1.26; exit; fi\necho "go: no such module"; exit 1\n')
    go.chmod(0o755)
    with pytest.raises(CommandMissingError, match="go: no such module"):
        temporal_cli.ensure(lambda _line: None)
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["bin", "temporal.lock"]


def test_too_old_a_go_is_not_used(tmp_path: Path) -> None:
    go = tmp_path / "path" / "go"
    go.parent.mkdir()
    go.write_text("#!/bin/sh\necho go1.19.8\n")
    go.chmod(0o755)
    said: list[str] = []
    assert go_build._go_on_path(Module("example.org/x@v1", (1, 25), "x"), said.append) is None
    assert "is older than the 1.25 needed" in said[0]


def test_the_command_prints_the_path(tmp_path: Path) -> None:
    import sys  # noqa: PLC0415

    cached = program(tmp_path / "cache" / "bin" / "temporal")
    run = subprocess.run(
        [sys.executable, "-m", "starter.stack.temporal_cli"], check=True, capture_output=True, text=True
    )
    assert run.stdout.strip() == str(cached)
