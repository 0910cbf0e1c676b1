"""From torch to ONNX and to integers, on tiny networks."""

import hashlib
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("optimum")


from tests.training.prepared import prepared_run, step
from tests.training.tiny import tiny_classifier
from training.config import Compress, TrainConfig
from training.run_folder import Metrics
from training.shrink import compress, export

pytestmark = pytest.mark.train
CONFIG = TrainConfig(compress=Compress(sample=20))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Metrics, Metrics]:
    run = prepared_run(tmp_path_factory.mktemp("export") / "run", CONFIG)
    tiny_classifier().save_pretrained(run / "distil" / "model")
    exported = export.run(step(run, "export", CONFIG))
    return run, exported, compress.run(step(run, "compress", CONFIG))


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.onnx")
    }


def test_both_networks_are_exported_as_torch_has_them(
    made: tuple[Path, Metrics, Metrics],
) -> None:
    run, exported, _ = made
    assert hashes(run / "export").keys() == {"teacher.onnx", "student.onnx"}
    for tier in ("teacher", "student"):
        assert exported[tier]["largest_logit_difference"] < 1e-5
        assert exported[tier]["agreement"] == 1
        assert exported[tier]["messages"] == 20


def test_the_integer_networks_are_compared_with_those_they_come_from(
    made: tuple[Path, Metrics, Metrics],
) -> None:
    run, _, compressed = made
    assert hashes(run / "compress").keys() == {"teacher.int8.onnx", "student.int8.onnx"}
    for tier in ("teacher", "student"):
        assert 0 < compressed[tier]["largest_logit_difference"] < 0.05
        assert compressed[tier]["size_mb"] < (run / "export" / f"{tier}.onnx").stat().st_size / 1e6


def test_a_second_run_gives_the_same_bytes(
    made: tuple[Path, Metrics, Metrics], tmp_path: Path
) -> None:
    run = made[0]
    for name in ("prepare", "teach", "distil"):
        shutil.copytree(run / name, tmp_path / name)
    export.run(step(tmp_path, "export", CONFIG))
    compress.run(step(tmp_path, "compress", CONFIG))
    for name in ("export", "compress"):
        assert hashes(tmp_path / name) == hashes(run / name)


def test_a_graph_names_no_place_of_this_machine(made: tuple[Path, Metrics, Metrics]) -> None:
    for path in made[0].rglob("*.onnx"):
        content = path.read_bytes()
        assert b"site-packages" not in content, path.name
        assert str(made[0].parent).encode() not in content, path.name
