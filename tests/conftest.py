"""Shared fixtures: real data where it is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# Machines are noisy: a slow example is no fault of the code.
settings.register_profile("passerby", deadline=None)
settings.load_profile("passerby")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and model files (``PASSERBY_SHARED``, else beside the checkout)."""
    folder = Path(os.environ.get("PASSERBY_SHARED", ROOT.parent / "shared"))
    if folder.is_dir():
        return folder
    message = f"no real data at {folder}: set PASSERBY_SHARED to the folder that holds it"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
