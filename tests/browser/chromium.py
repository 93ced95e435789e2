"""A Chromium to drive: the one on this machine, else Debian's, unpacked into the cache without touching the system.

python -m tests.browser.chromium     prints its path
"""

import os
import shutil
from functools import cache
from pathlib import Path

from runtime.files import write_private
from starter.stack.cache import cache_dir
from tests.browser import debian
from tests.browser.debian import FetchError, NeedsRootError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FONTS = ("fonts-dejavu-core", "fonts-roboto-unhinted")
"""Text must be seen on a machine that has no fonts, and look well in pictures; the first has signs of every kind."""

_FONTS_CONF = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{root}/usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder}/font-cache</cachedir>
  <match target="pattern">
    <test qual="all" name="family" compare="not_eq"><string>sans-serif</string></test>
    <test qual="all" name="family" compare="not_eq"><string>serif</string></test>
    <test qual="all" name="family" compare="not_eq"><string>monospace</string></test>
    <edit name="family" mode="append_last"><string>sans-serif</string></edit>
  </match>
  <alias><family>sans-serif</family><prefer><family>Roboto</family><family>DejaVu Sans</family></prefer></alias>
  <alias><family>serif</family><prefer><family>DejaVu Serif</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
"""


@cache
def ensure() -> Path:
    """Return the path of a Chromium that starts.

    Raises:
        NeedsRootError: there is none, and only root could install one here.
        FetchError: there is none and none could be fetched.
    """
    named = os.environ.get("HOLD_CHROMIUM")
    found = [named] if named else [path for name in _NAMES if (path := shutil.which(name))]
    for path in found:
        if _starts(Path(path)):
            return Path(path)
    if named:
        raise FetchError(f"HOLD_CHROMIUM={named} does not start")
    launcher = cache_dir() / "browser" / "chromium"

    def complete(root: Path) -> bool:
        program = root / "usr/lib/chromium/chromium"
        if not program.exists():
            return False
        fonts, wanted = launcher.with_name("fonts.conf"), _FONTS_CONF.format(root=root, folder=launcher.parent)
        if not fonts.exists() or fonts.read_text() != wanted:
            write_private(fonts, wanted)
        if not _starts(launcher):
            libraries = debian.library_folders(program, root)
            joined = ":".join(map(str, libraries))
            debian.write_launcher(launcher, program, {"LD_LIBRARY_PATH": joined, "FONTCONFIG_FILE": str(fonts)})
        return _starts(launcher)

    try:
        debian.unpacked("browser", ["chromium", *_FONTS], complete)
    except (NeedsRootError, FetchError) as error:
        advice = "Install one (Debian: apt-get install chromium), or name it in HOLD_CHROMIUM."
        raise type(error)(f"the browser tests need Chromium: {error}. {advice}") from error
    return launcher


def _starts(path: Path) -> bool:
    return debian.starts(path, says="Chrom")


if __name__ == "__main__":
    print(ensure())  # noqa: T201
