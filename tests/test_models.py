"""The registry of detectors: what is fetched is what was meant, and names are never ambiguous."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from passerby.download import download
from passerby.errors import ModelError, PasserbyError
from passerby.models import DEFAULT, Model, add, available, find, get, installed, once_loaded
from passerby.moment import CLASSES

OMZ = "person-vehicle-bike-detection-2004"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PASSERBY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PASSERBY_MODELS_URL", "http://127.0.0.1:9/nothing-listens-here")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


class Broken(BaseHTTPRequestHandler):
    """Promises more than it sends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x" * 10)

    def log_message(self, *args: Any) -> None:
        pass


class Nonsense(Quiet):
    def do_GET(self) -> None:
        self.wfile.write(b"this is no HTTP\r\n\r\n")


def serve(handler: Any) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def mirror(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A mirror of the Open Model Zoo on this machine; the folder it serves."""
    for file in next(m for m in available() if m.name == OMZ).files:
        target = tmp_path / "zoo" / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shared / "models" / OMZ / "FP16-INT8" / file.name, target)
    for url in serve(partial(Quiet, directory=tmp_path / "zoo")):
        monkeypatch.setenv("PASSERBY_MODELS_URL", url)
        yield tmp_path / "zoo"


def test_the_registry_tells_all_one_needs_to_choose() -> None:
    names = [model.name for model in available()]
    assert names[0] == DEFAULT
    assert len(set(names)) == len(names)
    for model in available():
        for text in (model.licence, model.source, model.good_at, model.bad_at):
            assert text
        assert "AP50" in model.accuracy and "ms a frame" in model.speed
        assert set(model.classes) <= set(CLASSES) and "person" in model.classes
        assert 0 < model.threshold < 1 and 0 < model.vehicle_threshold < 1
        assert model.density_limit > 0
        assert all(len(file.sha384) == 96 and file.size > 0 for file in model.files)


def test_the_default_is_there_without_asking() -> None:
    for asked in (None, "", DEFAULT):
        model, path = find(asked)
        assert (model.name, path.suffix) == (DEFAULT, ".onnx")
        assert path.is_file()
        assert installed(model)


def test_an_address_is_no_model_and_is_not_repeated() -> None:
    with pytest.raises(ModelError, match="not an address") as caught:
        find("https://user:secret@example.org/a.onnx")
    assert "secret" not in str(caught.value)


def test_get_downloads_checks_and_caches(mirror: Path) -> None:
    told: list[tuple[str, int, int]] = []
    with pytest.raises(ModelError, match=f"passerby models get {OMZ}"):
        find(OMZ)
    path = get(OMZ, lambda *step: told.append(step))
    assert {f.name for f in path.parent.iterdir()} == {f"{OMZ}.xml", f"{OMZ}.bin"}
    assert told[-1] == (f"{OMZ}.bin", 2074874, 2074874)
    pytest.importorskip("openvino")
    assert find(OMZ)[1] == path
    shutil.rmtree(mirror)
    assert get(OMZ) == path  # from the cache


def test_get_repairs_a_damaged_cache(mirror: Path) -> None:
    path = get(OMZ)
    good = path.read_bytes()
    path.write_bytes(good[:-1])
    with pytest.raises(ModelError, match="not on this machine"):
        find(OMZ)
    path.write_bytes(good[:-1] + b"!")
    assert get(OMZ).read_bytes() == good


@pytest.mark.parametrize("change", [b"", b"!", None])
def test_a_wrong_file_is_refused_and_nothing_is_left(
    mirror: Path, cache: Path, change: bytes | None
) -> None:
    (file,) = mirror.rglob("*.bin")
    data = file.read_bytes()
    file.write_bytes(data[:-1] if change is None else change + data[len(change) :] + change)
    if change == b"":
        file.write_bytes(b"?" + data[1:])  # the right size, another hash
    with pytest.raises(PasserbyError, match="is not the file that was meant"):
        get(OMZ)
    assert [f.name for f in cache.rglob("*") if f.is_file()] == [f"{OMZ}.xml"]
    assert not installed(next(m for m in available() if m.name == OMZ))


@pytest.mark.parametrize("handler", [Broken, Nonsense, Quiet])
def test_a_download_that_breaks_off_leaves_nothing(tmp_path: Path, handler: Any) -> None:
    folder = tmp_path / "here"
    for url in serve(handler):
        with pytest.raises(PasserbyError, match=r"could not be fetched|not the file"):
            download(
                f"{url}/no-such-file",
                folder / "a",
                size=1000,
                algorithm="sha256",
                expected=hashlib.sha256(b"x" * 1000).hexdigest(),
                progress=None,
            )
    assert not list(folder.iterdir())


def test_an_interrupted_download_leaves_nothing(mirror: Path, cache: Path) -> None:
    def interrupt(name: str, done: int, size: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(OMZ, interrupt)
    assert not [f for f in cache.rglob("*") if f.is_file()]


@pytest.mark.parametrize("url", ["http://who:secret@127.0.0.1:9", "gopher://who:secret@x", ""])
def test_errors_tell_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(PasserbyError, match="could not be fetched") as caught:
        download(f"{url}/a", tmp_path / "a", size=1, algorithm="sha256", expected="", progress=None)
    assert "secret" not in str(caught.value)


def test_names_that_are_not_known_get_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"did you mean {DEFAULT}") as caught:
        find("nanodet-g-416")
    assert OMZ in str(caught.value)
    with pytest.raises(ModelError, match="there is no model file"):
        find(tmp_path / "none.onnx")
    (tmp_path / "alone.XML").touch()
    with pytest.raises(ModelError, match=r"alone\.bin"):
        find(tmp_path / "alone.XML")
    for name in (DEFAULT, "nothing"):
        with pytest.raises(ModelError, match=f"what can be downloaded: {OMZ}"):
            get(name)


def test_a_detector_of_one_s_own_is_kept_under_its_name(tmp_path: Path) -> None:
    file = tmp_path / "Mine é.ONNX"
    file.write_bytes(b"weights")
    model = add(file)
    file.unlink()
    assert model.name == "Mine é"
    assert model in available()
    assert find("Mine é")[1].read_bytes() == b"weights"
    assert not model.family  # told by the file once it is loaded


def test_a_detector_of_openvino_brings_its_weights(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    for suffix in (".xml", ".bin"):
        (tmp_path / "two").with_suffix(suffix).write_bytes(suffix.encode())
    add(tmp_path / "two.xml")
    path = find("two")[1]
    assert path.with_suffix(".bin").read_bytes() == b".bin"


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    for name in (DEFAULT, OMZ, "mine"):
        file = tmp_path / f"{name}.onnx"
        file.write_bytes(b"first")
        if name == "mine":
            add(file)
            file.write_bytes(b"second")
        with pytest.raises(ModelError, match="is the name of another model"):
            add(file)
    assert find("mine")[1].read_bytes() == b"first"


def test_a_file_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    facts, path = find(DEFAULT)
    other = tmp_path / "other name.onnx"
    shutil.copyfile(path, other)
    assert find(other)[0].accuracy == facts.accuracy
    assert add(other).name == "other name"
    assert len({model.name for model in available()}) == len(available())
    (tmp_path / path.name).write_bytes(b"something else")
    assert find(tmp_path / path.name)[0].accuracy == "not measured"


def test_an_unmeasured_detector_gets_the_thresholds_of_its_family(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").touch()
    blank = find(tmp_path / "a.onnx")[0]
    kin: Model = next(m for m in available() if m.family == "omz")
    found = once_loaded(blank, "omz", kin.classes, (448, 256))
    assert found.threshold == kin.threshold
    assert found.name == "a"
    assert once_loaded(kin, "omz", kin.classes, (448, 256)).threshold == kin.threshold
