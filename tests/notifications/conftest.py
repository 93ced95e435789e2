from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.notifications.helpers import Mailbox
from tests.world import World


@pytest.fixture
def mailbox(idle_world: World, tmp_path: Path) -> Mailbox:
    """A mail server, not running yet, that the settings name; and a desk to link to."""
    box = Mailbox(tmp_path / "mail", free_port())
    idle_world.settings.smtp_port = box.port
    idle_world.settings.desk_url = "https://desk.example.test/"
    return box
