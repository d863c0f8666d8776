"""The page says what was measured, asks for nothing, and harms nobody."""

from __future__ import annotations

import base64
import itertools
import math
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, sync_playwright

from passerby.measurement import merge
from passerby.report import Report
from passerby.report.axes import ticks
from passerby.report.limits import fullest, remarks
from passerby.report.page import page_bytes
from passerby.report.street import Canvas, street_picture
from passerby.report.tally import tally
from passerby.site import make_camera
from report_samples import camera, junction, model, short_clip, street

CHROMIUM = Path("/usr/bin/chromium")
SIX = ("place", "kind", "direction", "class", "start", "value")


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def _elements(report: Report) -> list[tuple[str, dict[str, str | None]]]:
    return Elements(page_bytes(report).decode()).found


def _values(report: Report, tag: str) -> dict[tuple[str | None, ...], str | None]:
    return {
        tuple(attributes[f"data-{name}"] for name in SIX[:5]): attributes["data-value"]
        for name, attributes in _elements(report)
        if name == tag and "data-kind" in attributes and attributes["data-start"]
    }


# Numbers


@pytest.mark.parametrize("report", [junction(), short_clip(), junction(seconds=300)])
def test_charts_show_the_numbers_of_the_tables(report: Report) -> None:
    drawn, written = _values(report, "rect"), _values(report, "td")
    single = {key: value for key, value in written.items() if key[3] != "all"}
    assert drawn
    assert drawn.items() <= single.items()
    left_out = {value for key, value in single.items() if key not in drawn}
    assert left_out <= {"", "0"}, "only nothing and the unknown have no bar"


def test_tables_show_the_numbers_of_the_rows() -> None:
    report = junction()
    written = _values(report, "td")
    compared = 0
    for row in report.rows:
        key = (row.place, row.kind, row.direction, row.class_, row.start.isoformat())
        if key not in written:
            assert row.class_ == "truck" or (row.kind == "movement" and not row.value)
            continue
        compared += 1
        value = written[key]
        assert (float(value) if value else None) == row.value
    assert compared > len(report.rows) / 2


def test_labels_on_the_street_are_the_totals() -> None:
    report = junction()
    labels = {
        attributes["data-place"]: attributes
        for tag, attributes in _elements(report)
        if tag == "g" and (attributes.get("class") or "").startswith("label")
        if "data-place" in attributes
    }
    for line in report.shapes.lines:
        for way in ("forward", "backward"):
            rows = [row for row in report.rows if (row.place, row.direction) == (line, way)]
            total = sum(row.value or 0 for row in rows)
            assert labels[line][f"data-{way}"] == str(int(total))
    means = [
        merge(
            row for row in report.rows if (row.kind, row.class_) == ("occupancy_mean", class_)
        ).value
        or 0
        for class_ in {row.class_ for row in report.rows}
    ]
    assert float(labels["square"]["data-mean"] or "nan") == pytest.approx(sum(means))


def test_movement_arrows_are_as_wide_as_their_counts() -> None:
    arrows = [
        attributes for tag, attributes in _elements(junction()) if "data-movement" in attributes
    ]
    assert [arrow["data-movement"] for arrow in arrows] == ["straight on", "right turn"]
    widths = [
        float(arrow["data-width"] or "nan") / float(arrow["data-value"] or "nan")
        for arrow in arrows
    ]
    assert widths[0] == pytest.approx(widths[1], rel=0.01)


def test_a_gap_is_called_not_known_and_has_no_bar() -> None:
    report = junction()
    gap = "2026-05-04T08:15:00+03:00"
    elements = _elements(report)
    assert any(attributes.get("data-gap") == gap for _, attributes in elements)
    assert not any(key[4] == gap for key in _values(report, "rect"))
    assert {value for key, value in _values(report, "td").items() if key[4] == gap} == {""}
    assert "not known" in page_bytes(report).decode()


@given(st.floats(0, 1e6))
def test_axis_marks_are_whole_and_reach_the_largest(largest: float) -> None:
    marks = ticks(largest)
    assert marks[0] == 0
    assert marks[-1] >= largest
    assert len(marks) <= 7
    assert all(mark == int(mark) for mark in marks)


# Arrows


@given(*[st.floats(0, 1)] * 4, st.integers(100, 4000), st.integers(100, 4000))
def test_forward_is_from_left_to_right_of_the_line_in_pixels(
    ax: float, ay: float, bx: float, by: float, width: int, height: int
) -> None:
    dx, dy = (bx - ax) * width, (by - ay) * height
    if math.hypot(dx, dy) < 1:
        return
    nx, ny = Canvas.of((width, height)).forward(((ax, ay), (bx, by)))
    assert math.hypot(nx, ny) == pytest.approx(1)
    assert nx * dx + ny * dy == pytest.approx(0, abs=1e-6 * math.hypot(dx, dy))
    assert dx * ny - dy * nx > 0


def test_a_line_from_left_to_right_counts_what_moves_down() -> None:
    canvas = Canvas.of((1920, 1080))
    assert canvas.forward(((0.1, 0.5), (0.9, 0.5))) == pytest.approx((0, 1))
    assert canvas.forward(((0.5, 0.9), (0.5, 0.1))) == pytest.approx((1, 0))


@pytest.mark.parametrize(
    ("line", "forward", "backward"),
    [
        (((0.1, 0.5), (0.9, 0.5)), "↓", "↑"),
        (((0.5, 0.9), (0.5, 0.1)), "→", "←"),
        (((0.2, 0.2), (0.8, 0.8)), "↙", "↗"),
        (((0.2, 0.8), (0.8, 0.2)), "↘", "↖"),
    ],
)
def test_words_have_the_arrow_of_the_picture(
    line: tuple[tuple[float, float], tuple[float, float]], forward: str, backward: str
) -> None:
    canvas = Canvas.of((1000, 1000))
    assert canvas.heading(line, "forward") == forward
    assert canvas.heading(line, "backward") == backward


def _pills(report: Report) -> list[tuple[float, ...]]:
    found = re.findall(
        r'<rect x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="([\d.]+)" rx',
        street_picture(report, tally(junction())),
    )
    return [tuple(map(float, pill)) for pill in found]


def test_labels_keep_off_each_other_where_there_is_room() -> None:
    pills = _pills(junction())
    assert len(pills) == 4
    for (ax, ay, aw, ah), (bx, by, bw, bh) in itertools.combinations(pills, 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay


def test_labels_stay_in_the_picture_where_there_is_none() -> None:
    lines = {f"line {number}": ((0.0, number / 9), (1.0, number / 9)) for number in range(10)}
    pills = _pills(replace(junction(), shapes=make_camera(lines=lines, zones=camera().zones)))
    assert len(pills) == 11
    for x, y, width, height in pills:
        assert x >= 0
        assert y >= 0
        assert x + width <= 1000
        assert y + height <= 1000 * 1080 / 1920 + 0.01


# What the figures can bear


def test_fullest_is_bounded_without_adding_maxima() -> None:
    report = junction()
    bounds = fullest(tally(report), "square")
    assert bounds is not None
    low, high = bounds
    maxima = [row.value for row in report.rows if row.kind == "occupancy_max" and row.value]
    assert max(maxima) <= low < high


@pytest.mark.parametrize(("limit", "warned"), [(1, True), (15, True), (500, False)])
def test_a_zone_too_full_for_the_model_is_a_warning(limit: int, warned: bool) -> None:
    report = replace(junction(), model=model(density_limit=limit))
    density = [one for one in remarks(report, tally(report)) if "full" in one.about]
    assert [one.warning for one in density] == [warned]


def test_everything_that_weakens_the_figures_is_said() -> None:
    said = " ".join(one.text for one in remarks(junction(), tally(junction())))
    assert "could not be read" in said
    assert "never scaled up" in said
    clip = short_clip()
    said = " ".join(one.text for one in remarks(clip, tally(clip)))
    assert "time of day" in said
    assert "tell cars, buses and trucks apart" in said
    assert clip.notes[0] in said


@pytest.mark.parametrize("report", [junction(), short_clip()])
def test_intervals_observed_in_part_are_said(report: Report) -> None:
    counts = tally(report)
    said = [one for one in remarks(report, counts) if one.about == "Observed in part"]
    assert len(said) == bool(counts.partly)
    assert all(f"{len(counts.partly)} of its {len(counts.starts)}" in one.text for one in said)


def test_figures_of_no_whole_interval_are_a_warning() -> None:
    clip = short_clip()
    rows = tuple(replace(row, coverage=0.5) for row in clip.rows)
    for report, warned in ((clip, False), (replace(clip, rows=rows), True)):
        found = {one.about: one.warning for one in remarks(report, tally(report))}
        assert found["Observed in part"] == warned


# Harm


EVIL = "<script>alert(1)</script>"


def test_names_are_never_markup() -> None:
    report = junction(site=EVIL, line='"><img src=x onerror=alert(1)>')
    tags = [tag for tag, _ in _elements(report)]
    assert tags.count("script") == 1
    assert "img" not in tags
    assert EVIL not in page_bytes(report).decode()


def test_page_refers_to_nothing_outside() -> None:
    for report in (junction(), short_clip()):
        for tag, attributes in _elements(report):
            for name in ("src", "href", "action", "data", "poster", "srcset"):
                value = attributes.get(name)
                assert value is None or value.startswith(("#", "data:")), (tag, name)
        page = page_bytes(report).decode()
        assert "@import" not in page
        assert not re.search(r"url\((?!#)", page)


def test_page_without_rows_still_says_so() -> None:
    bare = replace(junction(), rows=())
    assert "0 % of the recording was observed" in page_bytes(bare).decode()


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"no browser at {CHROMIUM}: install Debian's chromium")
        pytest.skip(f"no browser at {CHROMIUM}")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox"], timeout=60_000
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The junction's report, opened; no error and no outside request may come up."""
    file = tmp_path / "report.html"
    file.write_bytes(page_bytes(junction(line=EVIL)))
    context = browser.new_context(color_scheme="dark", viewport={"width": 1000, "height": 800})
    opened = context.new_page()
    trouble: list[str] = []
    opened.on("console", lambda message: trouble.append(message.text))
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.on("dialog", lambda dialog: trouble.append(dialog.message))
    opened.on("request", lambda request: _outside(request.url, file, trouble))
    opened.goto(file.as_uri())
    yield opened
    context.close()
    assert not trouble


def _outside(url: str, file: Path, trouble: list[str]) -> None:
    if url != file.as_uri() and not url.startswith(("data:", "blob:")):
        trouble.append(url)


def _contrast(page: Page, selector: str) -> float:
    """Contrast of an element's text with the page behind it (WCAG 2)."""
    colours = page.evaluate(
        """selector => {
          const node = document.querySelector(selector);
          let behind = node;
          while (getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') {
            behind = behind.parentElement;
          }
          const of = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
          const look = getComputedStyle(node);
          const ink = node instanceof SVGElement ? look.fill : look.color;
          return [of(ink), of(getComputedStyle(behind).backgroundColor)];
        }""",
        selector,
    )

    def light(colour: list[float]) -> float:
        parts = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in (value / 255 for value in colour)
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted(light(colour) for colour in colours)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_in_both_themes(page: Page, theme: str) -> None:
    page.emulate_media(color_scheme="light" if theme == "light" else "dark")
    for selector in (
        "h1",
        ".lead",
        ".key dt",
        ".warn-line",
        ".warn-line a",
        "figcaption",
        "summary",
        ".named",
        ".chart .tick",
        ".remarks .warning strong",
        ".facts dt",
        "td.unknown",
        "footer",
    ):
        assert _contrast(page, selector) >= 4.5, selector


def test_button_switches_the_theme_and_paper_stays_light(page: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(17, 23, 29)"
    page.click("#theme")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.click("#theme")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_narrow_screens_scroll_pictures_not_the_page(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_printing_opens_the_tables_and_closes_them_again(page: Page) -> None:
    closed = "document.querySelectorAll('details.values:not([open])').length"
    before = page.evaluate(closed)
    assert before > 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(closed) == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(closed) == before


def test_page_has_landmarks_names_and_captions(page: Page) -> None:
    for landmark in ("main", "header", "footer"):
        assert page.locator(landmark).count() == 1
    assert page.locator("h1").count() == 1
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("thead th:not([scope])").count() == 0
    assert page.locator("svg[role=img]:not([aria-label])").count() == 0
    assert page.locator("section:not([aria-labelledby])").count() == 0
    levels = page.locator("h1, h2, h3").evaluate_all("all => all.map(h => Number(h.tagName[1]))")
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def _click(page: Page, x: float, y: float) -> None:
    picture = page.locator("#picture")
    box = picture.bounding_box()
    assert box is not None
    picture.click(position={"x": x * box["width"], "y": y * box["height"]})


def test_a_clicked_line_and_zone_can_be_copied(page: Page) -> None:
    page.click("#draw summary")
    page.fill("#draw-name", "gate")
    _click(page, 0.1, 0.55)
    _click(page, 0.8, 0.6)
    page.check("input[value=zone]")
    page.fill("#draw-name", "off")
    for corner in ((0.2, 0.2), (0.6, 0.2), (0.6, 0.5)):
        _click(page, *corner)
    page.click("#draw-close")
    options = page.input_value("#draw-cli")
    found = re.fullmatch(r"--line gate=([\d.,]+) --zone off=([\d.,]+)", options)
    assert found
    assert [float(part) for part in found[1].split(",")] == pytest.approx(
        [0.1, 0.55, 0.8, 0.6], abs=0.003
    )
    said = yaml.safe_load(page.input_value("#draw-yaml"))
    assert said.keys() == {"lines", "zones"}
    assert said["lines"]["gate"] == [
        [float(x), float(y)] for x, y in re.findall(r"([\d.]+),([\d.]+)", found[1])
    ]
    assert len(said["zones"]["off"]) == 3
    arrow = page.locator("#drawing .line").get_attribute("data-forward")
    assert arrow is not None
    nx, ny = map(float, arrow.split())
    assert (nx, ny) == pytest.approx((-0.04, 1.0), abs=0.011)
    page.click("text=Turn arrow round")
    turned = page.locator("#drawing .line").get_attribute("data-forward")
    assert turned is not None
    assert float(turned.split()[1]) == -ny


def test_a_still_of_the_readers_own_is_no_part_of_the_page(page: Page, tmp_path: Path) -> None:
    still = tmp_path / "still.png"
    still.write_bytes(street().data)
    encoded = base64.b64encode(street().data)[:200].decode()
    before = page.content().count(encoded)
    page.click("#draw summary")
    page.set_input_files("#draw-still", still)
    shown = page.locator("#still")
    assert (shown.get_attribute("href") or "").startswith("blob:")
    assert shown.is_visible()
    assert page.content().count(encoded) == before
    page.emulate_media(media="print")
    assert not shown.is_visible()
    page.emulate_media(media="screen")
    page.click("#draw summary")
    page.wait_for_selector("#still", state="detached")


def test_a_line_can_be_drawn_with_the_keyboard_alone(page: Page) -> None:
    page.locator("#draw summary").focus()
    page.keyboard.press("Enter")
    page.locator("#picture").focus()
    for key in ["ArrowLeft"] * 3 + ["Enter"] + ["ArrowRight"] * 5 + ["Shift+ArrowDown", "Enter"]:
        page.keyboard.press(key)
    assert page.input_value("#draw-cli") == "--line line-1=0.470,0.500,0.520,0.501"
    page.locator("#draw-shapes input").first.fill("0.25")
    page.locator("#draw-shapes input").first.blur()
    assert page.input_value("#draw-cli") == "--line line-1=0.250,0.500,0.520,0.501"


def test_drawn_names_are_quoted_and_harmless(page: Page) -> None:
    page.click("#draw summary")
    page.fill("#draw-name", "it's <b>: #1")
    _click(page, 0.1, 0.5)
    _click(page, 0.9, 0.5)
    said = yaml.safe_load(page.input_value("#draw-yaml"))
    assert list(said["lines"]) == ["it's <b>: #1"]
    assert page.input_value("#draw-cli").startswith("--line 'it'\\''s <b>: #1=0.")
    assert page.locator("#draw-shapes b").count() == 0


def test_a_name_is_drawn_once(page: Page) -> None:
    page.click("#draw summary")
    for name in ("gate", "gate", "a=b"):
        page.fill("#draw-name", name)
        _click(page, 0.1, 0.5)
        _click(page, 0.9, 0.5)
        page.click("#draw-undo")
    assert page.input_value("#draw-cli").count("--line") == 1
    assert "equals sign" in page.inner_text("#draw-said")


def test_a_zone_that_crosses_itself_is_said(page: Page) -> None:
    page.click("#draw summary")
    page.check("input[value=zone]")
    for corner in ((0.2, 0.2), (0.8, 0.8), (0.8, 0.2), (0.2, 0.8)):
        _click(page, *corner)
    page.click("#draw-close")
    assert page.locator("#draw-shapes .bad").is_visible()
