"""How the embedded Temporal server is started."""

from pathlib import Path

import pytest

from starter.stack.temporal_server import TemporalServer


def partitions(data_dir: Path) -> list[str]:
    argv = TemporalServer(Path("temporal"), data_dir, 7233, 8233).command().argv
    return [part.partition(".numTaskqueue")[2] for part in argv if "Partitions" in part]


@pytest.mark.pure
def test_a_new_folder_has_one_partition_for_good_and_one_from_before_keeps_its_own(tmp_path: Path) -> None:
    """Tasks that wait in a second one would be found by nobody."""
    one = ["ReadPartitions=1", "WritePartitions=1"]
    assert partitions(tmp_path) == one
    database = tmp_path / "temporal" / "temporal.db"
    database.touch()
    assert partitions(tmp_path) == one
    (tmp_path / "temporal" / "one-partition").unlink()
    assert partitions(tmp_path) == []
