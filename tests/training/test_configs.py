"""What the shipped starter bundle is made of."""

from pathlib import Path

from training.config import TrainConfig

STARTER = Path(__file__).parents[2] / "configs" / "starter.toml"


def test_the_starter_learns_from_nothing_that_may_not_be_shared() -> None:
    data = TrainConfig.load(STARTER).data
    for source in (*data.labelled, *data.held_out, *data.test, *data.unlabelled):
        assert source.licence in {"CC BY 4.0", "CC BY 3.0", "CDLA-Permissive-1.0", "Apache-2.0"}
        assert source.path is None or not {"airline", "twacs"} & set(source.path.parts)


def test_the_thresholds_of_the_starter_are_fitted_to_text_that_people_wrote() -> None:
    assert not [source for source in TrainConfig.load(STARTER).data.held_out if source.generate]
