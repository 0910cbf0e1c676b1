"""What the logs of a fleet say of the broker."""

from pathlib import Path

from tests.chaos.fleet import Fleet


def test_it_counts_how_often_the_broker_named_another_position(tmp_path: Path) -> None:
    (tmp_path / "edge-0-0001.log").write_text(
        "WARNING x: transcripts[3]: the broker says none of our position, which is 7: we go on\n"
        "INFO x: transcripts[4]: nothing was recorded: we go on where the broker says, 5\n"
        "WARNING x: transcripts[4]: the broker says 0 of our position, which is 9: we go on\n"
    )
    (tmp_path / "cloud-0-0002.log").write_text(
        "WARNING x: escalations[3]: the broker says none of our position, which is 7: we go on\n"
        "WARNING x: escalations[1]: we wait, since 5 is recorded, and the broker says none\n"
    )
    fleet = Fleet(tmp_path, {}, {})
    assert fleet.misremembered() == {"none": 2, "another": 1}
