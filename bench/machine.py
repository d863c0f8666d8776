"""What a reader of speeds must know of the machine, and no more."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimd", "asimddp")
_PACKAGES = (
    "numpy",
    "onnxruntime",
    "openvino",
    "opencv-python-headless",
    "supervision",
    "trackers",
)


def machine() -> dict[str, str]:
    """Cores, kind of processor and its features that matter, and versions, in words."""
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:  # not Linux
        words = set()
    return {
        "cores": str(os.cpu_count()),
        "processor": platform.machine(),
        "features": " ".join(name for name in _FEATURES if name in words) or "not known",
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }
