"""A recording gives every readable frame its true time, and says what was not readable."""

from __future__ import annotations

import os
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.errors import VideoError
from passerby.pixels.sources import natural
from passerby.pixels.times import JUMPED, REPAIRED, Times, usual_period
from passerby.pixels.video import Frame, Recording
from videos import number, picture, restamp, turn, write_video

HELSINKI = ZoneInfo("Europe/Helsinki")
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def read(source: Any, **options: Any) -> tuple[list[Frame], Recording]:
    recording = Recording(source, **options)
    return list(recording.frames()), recording


def times(frames: list[Frame]) -> list[float]:
    return [round(frame.time, 3) for frame in frames]


def numbers(frames: list[Frame]) -> list[int]:
    return [number(frame.image) for frame in frames]


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def spoil(path: Path, share: float = 0.1) -> Path:
    """Overwrite a stretch in the middle."""
    data = bytearray(path.read_bytes())
    begin, length = len(data) // 2, int(len(data) * share)
    data[begin : begin + length] = bytes((i * 37 + 11) % 256 for i in range(length))
    path.write_bytes(data)
    return path


# Times of frames, apart from any file


@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9))), st.floats(0.001, 10))
def test_times_rise_and_never_jump_whatever_a_file_tells(
    told: list[float | None], period: float
) -> None:
    clock = Times(0.0, period)
    found = [clock.accept(*pair) for pair in zip(told, [*told, None][1:], strict=True)]
    steps = np.diff(np.array([-period, *found]))
    assert np.all(steps > 0)
    assert np.all(steps <= 3600 + period + 1e-3)


@given(st.lists(st.floats(0.001, 3599), min_size=1), st.floats(-1e6, 1e6))
def test_times_that_rise_are_left_as_they_are(steps: list[float], origin: float) -> None:
    told = origin + np.cumsum([0.0, *steps])
    clock = Times(float(told[0]), 0.04)
    found = [
        clock.accept(float(t), float(n)) for t, n in zip(told, [*told[1:], np.inf], strict=True)
    ]
    assert np.allclose(found, told - told[0], atol=1e-6)
    assert not clock.notes


def test_one_false_time_moves_no_other() -> None:
    told = [0.0, 0.1, 0.2, 50.0, 0.4, 0.5]
    clock = Times(0.0, 0.1)
    found = [clock.accept(t, n) for t, n in zip(told, [*told[1:], None], strict=True)]
    assert found == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert clock.notes == {REPAIRED}


def test_the_usual_period_is_not_the_average() -> None:
    assert usual_period([0.0, 0.033, 0.067, 0.1, 60.0, 60.033]) == pytest.approx(1 / 30, abs=1e-3)
    assert usual_period([5.0]) is None


# One file


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),  # with B-frames
        ("a.mkv", "ffv1"),
        ("a.avi", "mjpeg"),
        ("a.ts", "mpeg2video"),
        ("a.mpg", "mpeg2video"),
        ("a.webm", "libvpx"),
        ("a.flv", "libx264"),
        ("a: b 100% é.mp4", "mpeg4"),
    ],
)
def test_every_frame_of_every_container_has_its_time(tmp_path: Path, name: str, codec: str) -> None:
    frames, recording = read(write_video(tmp_path / name, 30, codec=codec))
    assert times(frames) == [round(i / 25, 3) for i in range(30)]
    assert [frame.index for frame in frames] == list(range(30))
    assert np.abs(np.array(numbers(frames)) - np.arange(30)).max() <= 2
    assert recording.rate == 25
    assert recording.clock == "elapsed"
    assert not recording.unread
    assert not recording.notes


def test_a_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    told = [0, 0.04, 0.08, 0.12, 2.0, 2.04, 2.5]
    for name in ("v.mkv", "v.mp4"):
        frames, recording = read(write_video(tmp_path / name, 7, times=told))
        assert times(frames) == told
        assert recording.rate == pytest.approx(25)


def test_a_header_that_lies_is_noticed(tmp_path: Path) -> None:
    frames, recording = read(write_video(tmp_path / "l.mkv", times=[i / 5 for i in range(50)]))
    assert frames[-1].time == pytest.approx(49 / 5)
    assert recording.rate == pytest.approx(5)
    assert "says 25 frames per second, the times of its frames say 5" in " ".join(recording.notes)
    assert not recording.unread


def test_fps_overrides_the_file(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 30)
    frames, recording = read(path, fps=7)
    assert times(frames) == [round(i / 7, 3) for i in range(30)]
    assert recording.duration == pytest.approx(30 / 7)
    assert "7 was used as asked" in recording.notes[0]
    for wrong in (0, -1, float("nan"), 1e9):
        with pytest.raises(VideoError, match="no frame rate"):
            Recording(path, fps=wrong)


def test_the_rate_of_the_pets_clip_can_be_given(shared: Path) -> None:
    recording = Recording(shared / "data/pets2009/pets09_s2l1_view001.avi", fps=7)
    assert recording.size == (768, 576)
    assert recording.duration == pytest.approx(795 / 7)


def test_a_stream_without_times_needs_a_rate(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.h264", 20)
    with pytest.raises(VideoError, match="--fps"):
        Recording(path)
    assert times(read(path, fps=10)[0]) == [i / 10 for i in range(20)]


def test_a_clock_that_jumps_makes_no_hours(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mkv", 30, codec="mjpeg")
    told = [i / 25 + (7200 if i >= 15 else 0) for i in range(30)]
    frames, recording = read(restamp(source, tmp_path / "j.mkv", told))
    assert times(frames) == [i / 25 for i in range(30)]
    assert JUMPED in recording.notes
    assert not recording.unread


def test_a_pause_of_a_minute_stays_a_gap(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mkv", 30, codec="mjpeg")
    told = [i / 25 + (60 if i >= 15 else 0) for i in range(30)]
    frames, recording = read(restamp(source, tmp_path / "p.mp4", told))
    assert times(frames) == told
    assert recording.rate == pytest.approx(25)


def test_times_that_begin_again_go_on(tmp_path: Path) -> None:
    one = write_video(tmp_path / "a.ts", 50, codec="mpeg2video")
    (tmp_path / "twice.ts").write_bytes(one.read_bytes() * 2)
    frames, recording = read(tmp_path / "twice.ts")
    assert len(frames) == 100
    assert frames[-1].time == pytest.approx(99 / 25, abs=0.1)
    assert JUMPED in recording.notes


def test_a_turned_picture_stands_upright(tmp_path: Path) -> None:
    frames, recording = read(turn(write_video(tmp_path / "t.mp4", 2)))
    assert recording.size == frames[0].size == (48, 64)
    assert frames[0].image.shape == (64, 48, 3)
    # Turned clockwise, the white corner of the top left comes to the top right.
    assert frames[0].image[2, -3].min() > 200
    assert frames[0].image[2, 2].max() < 100
    small = frames[0].scaled((24, 32))
    assert small.shape == (32, 24, 3)
    assert small[1, -2].min() > 200
    assert small[1, 1].max() < 100


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "size"),
    [("ffv1", "gray16le", (64, 48)), ("ffv1", "yuv444p", (65, 47)), ("ffv1", "gray", (63, 49))],
)
def test_grey_deep_and_odd_pictures_come_as_bgr(
    tmp_path: Path, codec: str, pix_fmt: str, size: tuple[int, int]
) -> None:
    path = write_video(tmp_path / "p.mkv", 3, codec=codec, pix_fmt=pix_fmt, size=size)
    frames, _ = read(path)
    assert numbers(frames) == [0, 1, 2]
    assert frames[0].image.shape == (size[1], size[0], 3)
    assert frames[0].image.dtype == np.uint8
    assert frames[0].image.flags.c_contiguous


@pytest.mark.parametrize(
    ("pix_fmt", "size"),
    [("yuv420p", (64, 48)), ("yuv444p", (65, 47)), ("yuv422p", (62, 47)), ("gray16le", (64, 48))],
)
def test_a_frame_comes_in_the_size_that_is_wanted(
    tmp_path: Path, pix_fmt: str, size: tuple[int, int]
) -> None:
    path = write_video(tmp_path / "p.mkv", 2, codec="ffv1", pix_fmt=pix_fmt, size=size)
    (frame, _), _ = read(path)
    assert np.array_equal(frame.scaled(frame.size), frame.image)
    for wanted in ((33, 21), (32, 24), (100, 75), (1, 1)):
        small = frame.scaled(wanted)
        assert small.shape == (wanted[1], wanted[0], 3)
        assert small.flags.c_contiguous
        # Colours are interpolated before they are BGR; they end up the same but for edges.
        expected = cv2.resize(frame.image, wanted, interpolation=cv2.INTER_LINEAR)
        apart = np.abs(small.astype(int) - expected)
        assert np.median(apart) <= 2
        assert apart.mean() < 4


def test_frames_before_since_keep_their_numbers(tmp_path: Path) -> None:
    recording = Recording(write_video(tmp_path / "a.mp4", 30))
    frames = list(recording.frames(since=0.5))
    assert [frame.index for frame in frames] == list(range(13, 30))
    assert frames[0].time == pytest.approx(0.52)


def test_reading_can_be_left_and_begun_again(tmp_path: Path) -> None:
    recording = Recording(cut(write_video(tmp_path / "a.webm", codec="libvpx"), 0.7))
    before = threading.active_count()
    frames = recording.frames()
    next(frames)
    frames.close()
    assert threading.active_count() == before
    list(recording.frames())
    once = recording.unread
    list(recording.frames())
    assert recording.unread == once


# What cannot be read


def test_frames_that_an_avi_leaves_out_are_no_loss(tmp_path: Path) -> None:
    told = [i / 25 + (1 if i >= 20 else 0) for i in range(40)]
    frames, recording = read(write_video(tmp_path / "a.avi", 40, codec="mjpeg", times=told))
    assert times(frames) == [round(time, 3) for time in told]
    assert recording.rate == pytest.approx(25)
    assert not recording.unread


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mkv", "ffv1"), ("a.webm", "libvpx"), ("a.avi", "mjpeg"), ("a.flv", "libx264")],
)
def test_a_file_cut_off_counts_up_to_there(tmp_path: Path, name: str, codec: str) -> None:
    frames, recording = read(cut(write_video(tmp_path / name, codec=codec), 0.6))
    assert 10 < len(frames) < 40
    assert recording.unread.frames == pytest.approx(50 - len(frames), abs=3)
    assert recording.unread.seconds == pytest.approx(recording.unread.frames / 25)


def test_an_mp4_with_its_index_first_counts_up_to_the_cut(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", codec="mpeg4", container={"movflags": "faststart"})
    frames, recording = read(cut(path, 0.7))
    assert 0 < len(frames) < 50
    assert recording.unread.frames == 50 - len(frames)


def test_an_mp4_without_its_index_cannot_be_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", codec="mjpeg")
    with pytest.raises(VideoError, match="before its index was written"):
        Recording(cut(path, 0.6))


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "mjpeg"), ("a.mkv", "ffv1"), ("a.avi", "mjpeg"), ("a.ts", "mpeg2video")],
)
def test_a_damaged_middle_is_skipped_and_told(tmp_path: Path, name: str, codec: str) -> None:
    path = write_video(tmp_path / name, 70, codec=codec, container={"cluster_time_limit": "200"})
    frames, recording = read(spoil(path))
    assert 35 < len(frames) < 70
    assert np.all(np.diff([frame.time for frame in frames]) > 0)
    assert abs(number(frames[-1].image) - 69) <= 3  # what lies beyond the damage is read
    assert 1 <= recording.unread.frames <= 35


def test_sound_that_outlasts_the_pictures_is_no_loss(tmp_path: Path) -> None:
    path = write_video(tmp_path / "s.mkv", codec="ffv1", sound=6)
    assert not read(path)[1].unread
    assert "a file ends too early" in read(cut(path, 0.4))[1].unread.reasons


def test_wrong_inputs_say_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video at all\n" * 50)
    (tmp_path / "folder").mkdir()
    write_video(tmp_path / "voice.mp4", 0, sound=1)
    with av.open(str(tmp_path / "only.m4b"), "w", format="mp4") as file:
        voice = file.add_stream("aac", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        silence.rate = 8000
        file.mux(voice.encode(silence))
        file.mux(voice.encode())
    write_image(tmp_path / "one.png", picture(1))
    os.mkfifo(tmp_path / "pipe.mp4")
    for source, why in {
        "nowhere.mp4": "there is no file",
        "empty.mp4": "is empty",
        "text.mp4": "cannot be read as a video",
        "folder": "holds no video and no images",
        "voice.mp4": "holds no",
        "only.m4b": "holds no video",
        "one.png": "give the folder",
        "pipe.mp4": "is not a file",
    }.items():
        with pytest.raises(VideoError, match=why) as caught:
            Recording(tmp_path / source)
        assert source in str(caught.value)
    with pytest.raises(VideoError, match="live") as caught:
        Recording("rtsp://user:secret@camera/1")
    assert "secret" not in str(caught.value)
    with pytest.raises(VideoError, match="no video was given"):
        Recording([])


def test_a_playlist_named_like_a_video_fetches_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        for name in ("list.mp4", "list.m3u8"):
            (tmp_path / name).write_text(
                f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}\n#EXT-X-ENDLIST\n"
            )
            with pytest.raises(VideoError):
                Recording(tmp_path / name)
        with pytest.raises(TimeoutError):
            server.accept()


def test_reasons_hold_no_metadata(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "secret-name.mkv",
        codec="ffv1",
        metadata={"title": "Madame X", "comment": "at home"},
    )
    recording = read(spoil(cut(path, 0.8), 0.02))[1]
    told = " ".join([*recording.unread.reasons, *recording.notes])
    assert recording.unread
    for word in ("secret", "Madame", "home"):
        assert word not in told


def test_pictures_of_another_size_are_left_out(tmp_path: Path) -> None:
    small = write_video(tmp_path / "a.ts", 20, codec="mpeg2video")
    large = write_video(tmp_path / "b.ts", 20, codec="mpeg2video", size=(128, 96))
    (tmp_path / "both.ts").write_bytes(small.read_bytes() + large.read_bytes())
    frames, recording = read(tmp_path / "both.ts")
    assert {frame.size for frame in frames} == {frame.image.shape[1::-1] for frame in frames}
    assert len({frame.size for frame in frames}) == 1
    assert "pictures have another size than the first" in recording.unread.reasons
    with pytest.raises(VideoError, match="count them one by one"):
        Recording([small, large])


# Several files


def minutes(folder: Path, names: list[str], told: list[float | None], length: int = 25) -> Path:
    """Files of ``length`` frames at 25/s that tell ``told`` seconds after noon as their time."""
    folder.mkdir(exist_ok=True)
    for i, (name, after) in enumerate(zip(names, told, strict=True)):
        metadata = {}
        if after is not None:
            metadata = {"creation_time": (NOON + timedelta(seconds=after)).isoformat()}
        write_video(folder / name, length, first=i * 20, metadata=metadata)
    return folder


def since_noon(frames: list[Frame]) -> list[float]:
    return [round(frame.time - NOON.timestamp(), 3) for frame in frames]


def test_files_are_joined_in_natural_order(tmp_path: Path) -> None:
    folder = minutes(tmp_path / "f", ["v10.mp4", "v9.mp4", "v2.mp4"], [None] * 3)
    (folder / "LICENSE").write_text("left alone")
    for source in (folder, [folder / f"v{n}.mp4" for n in (10, 2, 9)]):
        frames, recording = read(source)
        assert [round(n / 20) for n in numbers(frames)[5::25]] == [2, 1, 0]
        assert times(frames) == [round(i / 25, 3) for i in range(75)]
        assert recording.duration == pytest.approx(3)


def test_other_names_keep_the_order_they_are_given_in(tmp_path: Path) -> None:
    folder = minutes(tmp_path / "f", ["morning.mp4", "evening.mp4"], [None] * 2)
    frames, _ = read([folder / "morning.mp4", folder / "evening.mp4"])
    assert numbers(frames)[5] < 10 < numbers(frames)[-1]
    with pytest.raises(VideoError, match="twice"):
        Recording([folder / "morning.mp4", folder / ".." / "f" / "morning.mp4"])


@given(st.lists(st.text(min_size=1).filter(lambda t: "/" not in t and "\0" not in t)))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    assert len(sorted(map(Path, names), key=natural)) == len(names)


def test_metadata_tell_gaps_and_close_joins(tmp_path: Path) -> None:
    folder = minutes(tmp_path / "f", ["a.mp4", "b.mp4", "c.mp4"], [0, 1.6, 10], length=25)
    frames, recording = read(folder)
    assert recording.clock == "metadata"
    assert any("was not used" in n for n in Recording(folder, time_pattern="%Y").notes)
    assert recording.start == NOON.timestamp()
    # A second later than the end of the one before is rough time-keeping, not a pause.
    assert since_noon(frames)[25] == 1.0
    assert since_noon(frames)[50] == 10.0
    assert recording.duration == pytest.approx(11)
    assert any("metadata" in note for note in recording.notes)


def test_metadata_that_are_ends_are_taken_as_ends(tmp_path: Path) -> None:
    folder = minutes(tmp_path / "f", ["a.mp4", "b.mp4"], [10, 20], length=1)
    (folder / "a.mp4").unlink()
    write_video(
        folder / "a.mp4",
        frames=50,
        times=[i / 5 for i in range(50)],
        metadata={"creation_time": (NOON + timedelta(seconds=10)).isoformat()},
    )
    write_video(
        folder / "b.mp4",
        frames=10,
        times=[i / 2.5 for i in range(10)],
        metadata={"creation_time": (NOON + timedelta(seconds=14)).isoformat()},
    )
    frames, recording = read(folder)
    assert since_noon(frames)[0] == pytest.approx(0, abs=0.3)
    assert since_noon(frames)[50] == pytest.approx(10, abs=0.3)
    assert any("only as ends" in note for note in recording.notes)


@pytest.mark.parametrize("told", [[0.0, 0.0, 0.0], [0.0, 0.2, 0.4], [0.0, 4.0, 1e8]])
def test_metadata_of_a_copy_are_no_clock(tmp_path: Path, told: list[float | None]) -> None:
    names = [f"{n}.mp4" for n in range(3)]
    frames, recording = read(minutes(tmp_path / "f", names, told, length=100))
    assert recording.clock == "elapsed"
    assert len(frames) == 300
    assert any("were not used" in note for note in recording.notes)


@pytest.mark.parametrize("told", ["1904-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "yesterday"])
def test_a_camera_without_a_clock_tells_none(tmp_path: Path, told: str) -> None:
    path = write_video(tmp_path / "a.mkv", 5, metadata={"creation_time": told})
    assert Recording(path).clock == "elapsed"


def test_frames_that_are_there_twice_count_once(tmp_path: Path) -> None:
    folder = minutes(tmp_path / "f", ["a.mp4", "b.mp4"], [0, 8], length=250)
    frames, recording = read(folder)
    assert len(frames) == 450
    assert np.all(np.diff([frame.time for frame in frames]) > 0)
    assert any("50 frames were there twice" in note for note in recording.notes)


def test_names_tell_the_time(tmp_path: Path) -> None:
    folder = minutes(
        tmp_path / "f", ["cam1_20240501-150001_x.mp4", "cam1_20240501-150000_y.mp4"], [None] * 2
    )
    frames, recording = read(folder, time_pattern="%Y%m%d-%H%M%S", zone=HELSINKI)
    assert recording.clock == "file names"
    assert since_noon(frames)[0] == 0
    assert numbers(frames)[0] > 15
    for wrong in ("%H%M%S", "%Y/%m", "%Q", "nothing"):
        with pytest.raises(VideoError, match="date and time of the pattern"):
            Recording(folder, time_pattern=wrong)


def test_start_wins_and_gaps_stay(tmp_path: Path) -> None:
    folder = minutes(tmp_path / "f", ["a.mp4", "b.mp4"], [0, 10])
    frames, recording = read(folder, start=datetime(2024, 5, 2, 15), zone=HELSINKI)
    assert recording.clock == "start"
    assert since_noon(frames)[0] == 86400
    assert since_noon(frames)[25] == 86410


def test_a_time_that_does_not_exist_is_refused_and_a_double_one_told(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 5)
    with pytest.raises(VideoError, match="summer time begins"):
        Recording(path, start=datetime(2024, 3, 31, 3, 30), zone=HELSINKI)
    recording = Recording(path, start=datetime(2024, 10, 27, 3, 30), zone=HELSINKI)
    assert recording.start == datetime(2024, 10, 27, 0, 30, tzinfo=UTC).timestamp()
    assert any("shown twice" in note for note in recording.notes)


def test_what_is_missing_at_the_end_of_a_file_keeps_its_time(tmp_path: Path) -> None:
    one, two = (write_video(tmp_path / f"{n}.mkv", codec="ffv1") for n in (1, 2))
    frames, recording = read([cut(one, 0.6), two])
    assert frames[-50].time == pytest.approx(2)
    assert frames[-1].time == pytest.approx(recording.duration - 1 / 25)  # type: ignore[operator]


def test_a_file_among_others_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    folder = minutes(tmp_path / "f", ["1.mp4", "2.mp4", "3.mp4"], [None] * 3)
    (folder / "2.mp4").write_bytes(b"")
    frames, recording = read(folder)
    assert len(frames) == 50
    assert recording.unread.reasons == ("file 2 of 3 is empty",)
    assert any("joined on without a gap" in note for note in recording.notes)


# Images


def write_image(path: Path, image: np.ndarray[Any, Any]) -> None:
    """Write a PNG by FFmpeg."""
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as file:
        stream: Any = file.add_stream("png", rate=1)
        stream.height, stream.width = image.shape[:2]
        stream.pix_fmt = "rgb24"
        file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        file.mux(stream.encode())


def images(folder: Path, names: list[str]) -> Path:
    folder.mkdir()
    for i, name in enumerate(names):
        write_image(folder / name, picture(i % 70))
    return folder


def test_a_folder_of_images_is_a_recording(tmp_path: Path) -> None:
    folder = images(tmp_path / "é", [f"frame{n}.png" for n in range(1, 13)])
    with pytest.raises(VideoError, match="--fps"):
        Recording(folder)
    frames, recording = read(folder, fps=4, start=NOON)
    assert since_noon(frames) == [n / 4 for n in range(12)]
    assert numbers(frames) == list(range(12))
    assert recording.duration == 3
    assert not recording.unread


def test_missing_and_damaged_images_leave_their_time_empty(tmp_path: Path) -> None:
    numbered = [n for n in range(0, 300, 10) if n not in (100, 110)]
    folder = images(tmp_path / "i", [f"img_{n:04}.png" for n in numbered])
    (folder / "img_0050.png").write_bytes(b"no image")
    frames, recording = read(folder, fps=1)
    assert times(frames) == [n / 10 for n in numbered if n != 50]
    assert recording.unread.frames == 3
    assert recording.unread.reasons == (
        "images are damaged",
        "images are missing in the numbering",
    )


@pytest.mark.parametrize(
    "names",
    [
        [f"20240501_1000{s:02}.png" for s in range(50, 60)]
        + [f"20240501_1001{s:02}.png" for s in range(15)],
        ["1.png", "2.png", "40.png", "71.png"],
    ],
)
def test_numbers_that_are_no_frame_numbers_give_the_order_only(
    tmp_path: Path, names: list[str]
) -> None:
    frames, recording = read(images(tmp_path / "i", names), fps=1)
    assert times(frames) == list(range(len(names)))
    assert not recording.unread
    assert any("gaps" in note for note in recording.notes)


def test_images_of_another_size_are_left_out(tmp_path: Path) -> None:
    folder = images(tmp_path / "i", ["1.png", "2.png", "3.png"])
    write_image(folder / "2.png", picture(1, (32, 24)))
    frames, recording = read(folder, fps=1)
    assert times(frames) == [0, 2]
    assert recording.unread.frames == 1
