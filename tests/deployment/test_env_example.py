""".env.example lists every setting, truly, so that it can't rot."""

import os
from collections import Counter
from pathlib import Path

import pytest
import temporalio.bridge
from dotenv import dotenv_values
from pydantic import SecretStr

from runtime.settings import Settings
from tests.deployment.compose import ROOT, example_environment, example_lines, raw, variables_of

_LINES = example_lines()


def test_it_lists_exactly_the_settings() -> None:
    listed = {line.name for line in _LINES if line.name.startswith("HOLD_")}
    assert listed == {f"HOLD_{name.upper()}" for name in Settings.model_fields}


def test_it_lists_nothing_twice() -> None:
    assert [name for name, count in Counter(line.name for line in _LINES).items() if count > 1] == []


def test_it_lists_what_temporals_library_reads() -> None:
    """Its names are compiled in, without a list to ask for; where they stand side by side one can't be told apart."""
    [library] = [file for file in Path(temporalio.bridge.__path__[0]).iterdir() if file.suffix in {".so", ".pyd"}]
    compiled = library.read_bytes()
    listed = [line.name for line in _LINES if line.name.startswith("TEMPORAL_") and line.name != "TEMPORAL_DB_PASSWORD"]
    assert {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY", "TEMPORAL_TLS"} <= set(listed)
    ports = variables_of(raw()["services"])
    assert [name for name in listed if name.encode() not in compiled and name not in ports] == []


def test_every_line_has_its_explanation() -> None:
    """Each run of assignments stands under a comment in words."""
    before = ""
    for line in (ROOT / ".env.example").read_text().splitlines():
        is_assignment = any(line.lstrip("#").startswith(f"{known.name}=") for known in _LINES)
        if is_assignment:
            assert before, f"nothing explains {line}"
        before = line


def test_the_defaults_it_shows_are_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("HOLD_")]:
        monkeypatch.delenv(name)
    shown = {line.name: line.value for line in _LINES if line.name.startswith("HOLD_") and line.value}
    file = tmp_path / "env"
    file.write_text("".join(f"{name}={value}\n" for name, value in shown.items()))
    assert dotenv_values(file).keys() == shown.keys()
    read = Settings(_env_file=file, data_dir=tmp_path)
    for name, field in Settings.model_fields.items():
        default = field.default
        if name == "data_dir":
            continue
        if default in (None, ""):
            assert f"HOLD_{name.upper()}" not in shown
            continue
        assert _plain(getattr(read, name)) == _plain(default), name


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def test_a_fresh_copy_sets_no_setting_and_is_all_that_compose_needs() -> None:
    """An active HOLD_ line would go before the record of an embedded stack in the same folder."""
    active = example_environment()
    assert [name for name in active if name.startswith("HOLD_")] == []
    assert {name for name in active if not active[name]} == set()
    assert active.keys() <= variables_of(raw())


def test_a_password_can_be_part_of_a_url() -> None:
    assert all(value.isalnum() for name, value in example_environment().items() if name.endswith("_PASSWORD"))
