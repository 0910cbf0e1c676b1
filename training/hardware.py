"""What a result was measured on."""

import importlib.metadata
import os
import platform
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

_PACKAGES: Final = (
    "keras",
    "numpy",
    "onnx",
    "onnxruntime",
    "optimum",
    "optimum-onnx",
    "safetensors",
    "scikit-learn",
    "tensorflow",
    "tf-keras",
    "tokenizers",
    "torch",
    "transformers",
)


@cache
def _cpu() -> dict[str, str]:
    """Return the first processor's entries; empty where the system keeps none to read."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs}


def cpu_flags() -> frozenset[str]:
    """Return the instruction sets the processor names, if the system tells."""
    return frozenset(_cpu().get("flags", "").split())


def hardware() -> dict[str, str]:
    """Return the machine in words: processor, what matters of its instructions, cores, system.

    Where torch is installed, its threads too, since their number changes the last bits of what is
    trained, and the GPU that it finds.
    """
    wanted = {"avx2", "avx512f", "avx512_bf16", "avx512_vnni", "avx_vnni", "amx_bf16", "amx_int8"}
    return {
        "processor": _cpu().get("model name", platform.processor() or platform.machine()),
        "instructions": " ".join(sorted(cpu_flags() & wanted)),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        **_torch(),
    }


def _torch() -> dict[str, str]:
    try:
        import torch  # noqa: PLC0415 - what trains has it; the router's machines lack it
    except ModuleNotFoundError:
        return {}
    found = {"threads": str(torch.get_num_threads())}
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def versions() -> dict[str, str]:
    """Return the versions of Python and of every library of training that is installed."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
