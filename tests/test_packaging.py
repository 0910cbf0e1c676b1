"""The distribution: its names resolve to it, what routes needs no training, versions are exact."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["setuptools"]["packages"]
TRAINING_ONLY = (
    "torch",
    "transformers",
    "tensorflow",
    "optimum",
    "sklearn",
    "pyarrow",
    "onnx",
    "matplotlib",
)


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line.split(";")[0].strip() for line in lines if line and not line.startswith("#")]
    return {normal(name): version for name, _, version in (pin.partition("==") for pin in pins)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_resolves_to_this_repository_from_anywhere(package: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import {package}; print({package}.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()) == ROOT.joinpath(*package.split("."), "__init__.py")


def test_every_package_at_the_root_is_listed() -> None:
    helpers = {"tests", "benchmarks"}
    folders = {path.parent.relative_to(ROOT) for path in ROOT.glob("[a-z]*/**/__init__.py")}
    found = {".".join(folder.parts) for folder in folders if folder.parts[0] not in helpers}
    assert found == set(PACKAGES)


def test_the_distribution_cannot_be_uploaded() -> None:
    assert "Private :: Do Not Upload" in PROJECT["project"]["classifiers"]


def test_every_requirement_has_an_exact_version() -> None:
    wanted = {normal(Requirement(line).name) for line in requires("edgeroute") or []}
    assert wanted - {"edgeroute"} <= set(pinned())


def test_the_exact_versions_are_the_installed_ones() -> None:
    wanted = {Requirement(line) for line in requires("edgeroute") or []}
    here = [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": "dev"})]
    installed = {normal(r.name): distribution(r.name).version for r in here}
    assert installed == {name: pinned()[name] for name in installed}


@pytest.mark.parametrize("module", ["edgeroute.cli", "router.engine", "consumers.embedded"])
def test_what_routes_loads_nothing_that_trains(module: str) -> None:
    program = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not set(done.stdout.split()) & set(TRAINING_ONLY)


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_airline_without_its_data_is_one_sentence() -> None:
    command = ["make", "--silent", "airline", "AIRLINE=nowhere"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said, *rest = done.stderr.splitlines()
    assert said == "make airline: there is no data in nowhere; it is not part of this repository"
    # Called by another make, as `make test` does, it says how deep it is.
    assert all(re.match(r"make(\[\d+\])?: \*\*\*", line) for line in rest)
