"""How the browser gets on to a machine that lacks it. The whole of it is only seen on a bare machine."""

from pathlib import Path

import pytest

from tests.browser import debian
from tests.browser.debian import FetchError, NeedsRootError

_LDD = """#!/bin/sh
# Knows a program that needs liba.so, which needs libb.so in a folder of its own, and libc.so, which is nowhere.
case ":$LD_LIBRARY_PATH:" in *":{root}/lib:"*) ;; *) echo "\tliba.so => not found"; exit 0 ;; esac
case ":$LD_LIBRARY_PATH:" in *":{root}/lib/private:"*) ;; *) echo "\tlibb.so => not found" ;; esac
echo "\tlibc.so => not found"
echo "\tlibd.so => {root}/lib/libd.so (0x1)"
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOLD_CACHE_DIR", str(tmp_path / "cache"))
    return folder


def program(file: Path, text: str) -> Path:
    file.write_text(text)
    file.chmod(0o755)
    return file


def test_libraries_are_found_wherever_they_lie_as_far_as_they_are_needed(tmp_path: Path, path: Path) -> None:
    root = tmp_path / "root"
    program(path / "ldd", _LDD.format(root=root))
    for name in ("lib/liba.so", "lib/private/libb.so", "lib/plugins/libnobody.so"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    folders = debian.library_folders(tmp_path / "program", root)
    assert folders == [root / "lib", root / "lib/private"]
    assert debian.missing([tmp_path / "program"], folders) == {"libc.so"}


def test_without_apt_it_is_for_root_to_install_something(path: Path) -> None:
    with pytest.raises(NeedsRootError, match="no apt-get to fetch chromium"):
        debian.unpacked("anything", ["chromium"], lambda _root: True)


def test_a_failed_fetch_says_where_to_look_and_keeps_what_was_there(tmp_path: Path, path: Path) -> None:
    program(path / "apt-get", "#!/bin/sh\necho no network; exit 100\n")
    program(path / "dpkg", "#!/bin/sh\n")
    kept = tmp_path / "cache/anything/root/kept"
    kept.parent.mkdir(parents=True)
    kept.touch()
    log = tmp_path / "cache/anything/fetch.log"
    with pytest.raises(FetchError, match=f"see {log}"):
        debian.unpacked("anything", ["chromium"], lambda _root: False)
    assert log.read_text() == "no network\n"
    assert kept.exists()
    assert sorted(file.name for file in log.parent.iterdir()) == ["apt", "fetch.log", "lock", "root"]


def test_what_is_there_and_works_is_not_fetched_again(tmp_path: Path, path: Path) -> None:
    root = tmp_path / "cache/anything/root"
    root.mkdir(parents=True)
    assert debian.unpacked("anything", ["chromium"], lambda found: found == root) == root


def test_a_launcher_sets_its_variables_and_passes_everything_on(tmp_path: Path) -> None:
    said = program(tmp_path / "a program", '#!/bin/sh\necho "$KEPT" "$@"\n')
    launcher = tmp_path / "launcher"
    debian.write_launcher(launcher, said, {"KEPT": "it's here"})
    assert debian.starts(launcher, says="it's here --version")
