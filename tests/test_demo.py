"""The demonstration: where its clip comes from, and what it counts."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from passerby import demo
from passerby.cli import main
from passerby.errors import PasserbyError


@pytest.fixture
def clip(shared: Path) -> Path:
    """The same film as OpenCV's vtest.avi."""
    return next((shared / "data" / "pets2009").glob("*.avi"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no Debian package, no network and no apt-get."""
    monkeypatch.setenv("PASSERBY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(demo, "_DEBIAN", tmp_path / "doc" / "vtest.avi")
    monkeypatch.setattr(demo, "_URL", "http://127.0.0.1:9/vtest.avi")
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    return tmp_path / "cache" / "demo" / "vtest.avi"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Serves the folder ``served``."""
    (tmp_path / "served").mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def test_the_pinned_hash_is_that_of_the_film(clip: Path) -> None:
    assert clip.stat().st_size == demo._SIZE
    assert hashlib.sha256(clip.read_bytes()).hexdigest() == demo._SHA256


def test_the_cache_comes_first(clip: Path, cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    shutil.copyfile(clip, cache)
    said: list[str] = []
    assert demo.find_clip(said.append) == cache
    assert str(cache) in said[0]


def test_an_installed_package_comes_next(clip: Path, cache: Path, tmp_path: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"half a download")
    (tmp_path / "doc").mkdir()
    shutil.copyfile(clip, tmp_path / "doc" / "vtest.avi")
    assert demo.find_clip(list[str]().append) == tmp_path / "doc" / "vtest.avi"


def test_then_it_is_fetched_and_kept(
    clip: Path, cache: Path, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(clip, tmp_path / "served" / "vtest.avi")
    monkeypatch.setattr(demo, "_URL", f"{server}/vtest.avi")
    said: list[str] = []
    assert demo.find_clip(said.append) == cache
    assert cache.read_bytes() == clip.read_bytes()
    assert server in said[0]


def test_last_it_is_taken_out_of_the_debian_package(
    clip: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dpkg = shutil.which("dpkg-deb", path=os.defpath)
    if dpkg is None:
        pytest.skip("no dpkg-deb: this is not Debian")
    monkeypatch.setenv("PATH", f"{tmp_path / 'tools'}{os.pathsep}{os.defpath}")
    tree = tmp_path / "tree"
    inside = tree / demo._DEBIAN_PATH
    inside.parent.mkdir(parents=True)
    shutil.copyfile(clip, inside)
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN" / "control").write_text(
        "Package: opencv-doc\nVersion: 1\nArchitecture: all\nMaintainer: a\nDescription: a\n"
    )
    package = tmp_path / "opencv-doc_1_all.deb"
    subprocess.run(
        [dpkg, "-Znone", "--build", str(tree), str(package)], check=True, capture_output=True
    )
    # As on a bare machine: it downloads only once it was given lists of packages.
    (tmp_path / "tools" / "apt-get").write_text(
        f"""#!/bin/sh
case "$*" in
*update) : > lists/made ;;
*"download opencv-doc") test -e lists/made || exit 100; cp {package} . ;;
esac
"""
    )
    (tmp_path / "tools" / "apt-get").chmod(0o755)
    said: list[str] = []
    assert demo.find_clip(said.append) == cache
    assert cache.read_bytes() == clip.read_bytes()
    assert list(cache.parent.iterdir()) == [cache]
    assert "Debian" in said[-1]


def test_where_nobody_has_it_every_place_is_named(
    cache: Path, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "served" / "vtest.avi").write_bytes(b"another film")
    monkeypatch.setattr(demo, "_URL", f"{server}/vtest.avi")
    with pytest.raises(PasserbyError) as caught:
        demo.find_clip(list[str]().append)
    for part in (server, "not the file that was meant", "apt-get", str(cache)):
        assert part in str(caught.value)
    assert list(cache.parent.iterdir()) == []


def test_the_demonstration_counts_the_clip(
    clip: Path, cache: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cache.parent.mkdir(parents=True)
    shutil.copyfile(clip, cache)
    assert main(["demo", "--out", str(tmp_path / "out")]) == 0
    out, err = capfd.readouterr()
    assert "filmed at 7" in err
    assert str(tmp_path / "out" / "report.html") in out
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    found = {
        total["direction"]: total["value"]
        for total in summary["totals"]
        if (total["place"], total["kind"], total["class"]) == ("west", "crossings", "person")
    }
    # The truth, from the published tracks: 6 to the right, 9 to the left.
    assert abs(found["forward"] - 6) <= 1
    assert abs(found["backward"] - 9) <= 1
