"""The commands about dead letters, as far as they need no broker."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from consumers.dead_letters.triage import Found
from consumers.records import Raw
from edgeroute.commands.dead_letters import LetterReason, _as_json, _moment, _row
from schemas.dead_letter import Cause
from tests.consumers.dead_letters.test_triage import letter
from tests.edgeroute.test_cli import edgeroute, nobody, sentence

FOREIGN = Found(Raw("dead-letters", 2, 9, b"secret key", b"secret text", 0.0, (("x", b"y"),)), None)


def test_the_command_line_knows_every_reason() -> None:
    assert {reason.value for reason in LetterReason} == set(get_args(Cause))


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_a_moment_that_is_none_is_told_in_one_sentence(option: str, tmp_path: Path) -> None:
    done = edgeroute("dead-letters", "list", option, "yesterday", folder=tmp_path)
    assert f"{option} is no moment in ISO 8601" in sentence(done, 2)


@pytest.mark.parametrize("words", [("list",), ("show", "0", "1"), ("redrive",)])
def test_a_broker_that_is_away_is_told_in_one_sentence(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    done = edgeroute("dead-letters", *words, folder=tmp_path, variables=nobody())
    assert "No Kafka broker answers" in sentence(done, 1)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24T06:00", datetime(2026, 11, 24, 6, tzinfo=UTC)),
        ("2026-11-24T06:00Z", datetime(2026, 11, 24, 6, tzinfo=UTC)),
        ("2026-11-24T06:00+02:00", datetime(2026, 11, 24, 4, tzinfo=UTC)),
    ],
)
def test_a_moment_without_a_zone_is_utc(text: str, moment: datetime) -> None:
    assert _moment(text, "--since") == moment


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    assert "\x1b" not in "".join(_row(letter(1, error="\x1b[2Jgone")))


def test_a_record_of_somebody_elses_is_listed_by_its_place_alone() -> None:
    assert "secret" not in "".join(_row(FOREIGN))
    assert json.loads(_as_json(FOREIGN)) == {"partition": 2, "offset": 9, "is_ours": False}


def test_a_letter_as_json_has_every_field_and_no_bytes_of_the_original() -> None:
    found = letter(1, b'{"text": "secret"}')
    shown = json.loads(_as_json(found))
    assert found.letter is not None
    assert shown == {"partition": 2, "offset": 1, "is_ours": True} | found.letter.model_dump(
        mode="json", exclude_none=True
    )
    assert "secret" not in _as_json(found)
