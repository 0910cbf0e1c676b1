"""The bar that only long work shows."""

import pytest

from training import progress as module
from training.progress import bar


def test_every_item_comes_through() -> None:
    assert list(bar([1, 2, 3], "counting", quiet=True)) == [1, 2, 3]


def test_work_that_is_soon_over_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(bar([1, 2, 3], "counting", quiet=False)) == [1, 2, 3]
    assert not capsys.readouterr().out


@pytest.mark.parametrize(("quiet", "shown"), [(False, True), (True, False)])
def test_longer_work_shows_its_title_unless_it_is_to_be_quiet(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, quiet: bool, shown: bool
) -> None:
    monkeypatch.setattr(module, "DELAY_S", -1.0)
    assert list(bar([1, 2, 3], "counting", quiet=quiet)) == [1, 2, 3]
    assert ("counting" in capsys.readouterr().out) == shown
