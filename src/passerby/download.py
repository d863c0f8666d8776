"""Fetches a file and keeps it only if it is the file that was meant."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from passerby.errors import PasserbyError

Progress = Callable[[str, int, int], None]
"""Called with the name of the file, bytes so far and bytes in all."""

_BLOCK = 1 << 16
_TIMEOUT_SECONDS = 30


def digest(path: Path, algorithm: str) -> str:
    """Hexadecimal hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def download(
    url: str, target: Path, *, size: int, algorithm: str, expected: str, progress: Progress | None
) -> None:
    """Fetch ``url`` into ``target``; nothing is left there unless size and hash are right.

    Args:
        url: http or https.
        target: where the file belongs; its folder is made.
        size: bytes.
        algorithm: name of the hash, as hashlib knows it.
        expected: hexadecimal hash.
        progress: told as the bytes come.

    Raises:
        PasserbyError: it cannot be fetched, or is not the file that was meant.
    """
    hashed = hashlib.new(algorithm)
    done = 0
    part: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
        part = Path(name)
        with (
            os.fdopen(handle, "wb") as file,
            urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer,  # noqa: S310
        ):
            while block := answer.read(_BLOCK):
                file.write(block)
                hashed.update(block)
                done += len(block)
                if done > size:
                    break
                if progress:
                    progress(target.name, done, size)
        if done != size or hashed.hexdigest() != expected:
            raise PasserbyError(
                f"{_shown(url)} is not the file that was meant: {done} bytes where {size} were "
                f"expected, or another {algorithm} hash. It was not kept; try again, or ask who "
                "runs the server."
            )
        part.chmod(0o644)
        part.replace(target)
    except HTTPException as error:  # its text can quote the address
        raise PasserbyError(f"{_shown(url)} could not be fetched: {type(error).__name__}") from None
    except (OSError, ValueError) as error:
        raise PasserbyError(f"{_shown(url)} could not be fetched: {error}") from None
    finally:
        if part:
            part.unlink(missing_ok=True)


def _shown(url: str) -> str:
    """The address without the name and password that can stand in it."""
    return re.sub(r"//[^/]*@", "//", url)
