"""counts.xlsx: what a traffic engineer opens first."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import xlsxwriter
from xlsxwriter.utility import xl_range

from passerby.kinds import KINDS
from passerby.report.limits import remarks
from passerby.report.peak import peaks
from passerby.report.street import direction
from passerby.report.tally import (
    MEASURED,
    Series,
    Tally,
    line_series,
    movement_series,
    observed_share,
    table_seconds,
    tally,
)
from passerby.report.words import CLOCKS, NOT_KNOWN, SiteClock, duration, length, percent, step

if TYPE_CHECKING:
    from passerby.report import Report

_HEAD_ROWS = 4
_MAXIMUM_NOTE = (
    "Maxima must not be added over classes: two classes need not have theirs at the same second."
)

_LOWER_BOUND_NOTE = (
    "Where 'saturated' is above 0, densities of that zone and time are lower bounds."
)


def workbook_bytes(report: Report) -> bytes:
    """The workbook of a report: a summary, counts, the peak hour, and what else was measured."""
    return _Workbook(report).make()


class _Workbook:
    """Writes names with ``write_string`` only, so that none is ever taken for a formula."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.clock = SiteClock.of(report)
        self.counts: Tally = tally(report, table_seconds(report))
        self.file = io.BytesIO()
        # In memory: nothing is left in a temporary folder.
        self.book = xlsxwriter.Workbook(self.file, {"in_memory": True})

    def make(self) -> bytes:
        self._summary()
        self._counts_sheet("Turning movements", movement_series(self.report))
        self._counts_sheet("Lines", line_series(self.report))
        self._occupancy()
        self._peak_hour()
        self._measures()
        self.book.close()
        return self.file.getvalue()

    @cached_property
    def _styles(self) -> dict[str, Any]:
        head = {"bold": True, "bg_color": "#E8EDF2", "border": 1, "border_color": "#B8C2CC"}
        moment = "[h]:mm:ss" if self.clock.elapsed else "yyyy-mm-dd hh:mm"
        looks = {
            "title": {"bold": True, "font_size": 14},
            "head": head | {"align": "center", "valign": "vcenter", "text_wrap": True},
            "label": {"bold": True, "valign": "top"},
            "text": {"text_wrap": True, "valign": "top"},
            "note": {"italic": True, "font_color": "#555555"},
            "unknown": {"italic": True, "font_color": "#555555", "bg_color": "#EEEEEE"},
            "time": {"num_format": moment, "align": "left"},
            "share": {"num_format": "0.0 %"},
            "partly": {"num_format": "0.0 %", "bg_color": "#FFF3E6"},
            "count": {"num_format": "#,##0"},
            "mean": {"num_format": "0.00"},
            "measure": {"num_format": "0.###"},
            "total": {"bold": True, "num_format": "#,##0", "top": 1},
        }
        return {name: self.book.add_format(look) for name, look in looks.items()}

    def _sheet(self, name: str, title: str) -> Any:
        sheet = self.book.add_worksheet(name)
        sheet.write_string(0, 0, title, self._styles["title"])
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_column(0, 16_383, 11)
        sheet.fit_to_pages(1, 0)
        return sheet

    def _summary(self) -> None:
        report, model = self.report, self.report.model
        sheet = self._sheet("Summary", f"{report.site}: {report.camera}")
        share = observed_share(report, self.counts)
        lines = [
            ("Site", report.site),
            ("Camera", report.camera),
            ("Time", self.clock.span(report.start, report.end)),
            ("Length", duration(length(report))),
            ("Clock taken from", CLOCKS[report.clock]),
            ("Time zone", "none" if self.clock.elapsed else report.timezone),
            ("Coverage", f"{percent(share)} of the recording was observed"),
            ("Intervals in these sheets", step(self.counts.seconds)),
            ("Not known", f"'{NOT_KNOWN}' means not observed. It is never zero."),
            ("Model", f"{model.name} ({model.licence})"),
            ("Road users looked for", ", ".join(self.counts.classes)),
            ("Passerby", report.settings.passerby_version),
            *((one.about, one.text) for one in remarks(report, self.counts)),
        ]
        for row, (label, text) in enumerate(lines, start=2):
            sheet.write_string(row, 0, label, self._styles["label"])
            sheet.write_string(row, 1, text, self._styles["text"])
        sheet.set_column(0, 0, 26)
        sheet.set_column(1, 1, 90)

    def _counts_sheet(self, name: str, all_series: Sequence[Series]) -> None:
        """One block of columns a series: a column a class and their sum."""
        title = f"{name}: road users per {step(self.counts.seconds)}"
        sheet = self._sheet(name, title)
        if not all_series:
            sheet.write_string(2, 0, "none was measured", self._styles["note"])
            return
        classes = [*self.counts.classes, "all"]
        last_row = _HEAD_ROWS + len(self.counts.starts)
        self._times(sheet)
        sheet.write_string(last_row, 0, "Total", self._styles["total"])
        for block, series in enumerate(all_series):
            first = 3 + block * len(classes)
            all_column = first + len(classes) - 1
            self._head(sheet, first, series.place, direction(self.report, series), classes)
            for row, start in enumerate(self.counts.starts, start=_HEAD_ROWS):
                for column, class_ in enumerate(self.counts.classes, start=first):
                    value = self.counts.value(series, start, class_)
                    self._value(sheet, row, column, value, "count")
                together = self.counts.over_classes(series, start)
                if together is None:
                    self._value(sheet, row, all_column, None, "count")
                else:
                    cells = xl_range(row, first, row, all_column - 1)
                    sheet.write_formula(
                        row, all_column, f"=SUM({cells})", self._styles["count"], together
                    )
            for column, class_ in enumerate(classes, start=first):
                chosen = self.counts.classes if class_ == "all" else [class_]
                total = self.counts.total_over_classes(series, chosen)
                if total is None:
                    self._value(sheet, last_row, column, None, "count")
                else:
                    cells = xl_range(_HEAD_ROWS, column, last_row - 1, column)
                    sheet.write_formula(
                        last_row, column, f"=SUM({cells})", self._styles["total"], total
                    )
        sheet.freeze_panes(_HEAD_ROWS, 3)

    def _occupancy(self) -> None:
        sheet = self._sheet(
            "Occupancy", f"Occupancy: road users in the zone, per {step(self.counts.seconds)}"
        )
        if not self.report.shapes.zones:
            sheet.write_string(2, 0, "no zone was measured", self._styles["note"])
            return
        self._times(sheet)
        below = _HEAD_ROWS + len(self.counts.starts) + 1
        sheet.write_string(below, 0, _MAXIMUM_NOTE, self._styles["note"])
        classes = self.counts.classes
        first = 3
        for zone in self.report.shapes.zones:
            mean, most = Series(zone, "occupancy_mean"), Series(zone, "occupancy_max")
            self._head(sheet, first, zone, "mean", [*classes, "all"])
            self._head(sheet, first + len(classes) + 1, zone, "maximum", list(classes))
            for row, start in enumerate(self.counts.starts, start=_HEAD_ROWS):
                values = [self.counts.value(mean, start, name) for name in classes]
                values.append(self.counts.over_classes(mean, start))
                values += [self.counts.value(most, start, name) for name in classes]
                for column, value in enumerate(values, start=first):
                    look = "mean" if column <= first + len(classes) else "count"
                    self._value(sheet, row, column, value, look)
            first += 2 * len(classes) + 1
        sheet.freeze_panes(_HEAD_ROWS, 3)

    def _peak_hour(self) -> None:
        sheet = self._sheet("Peak hour", "Peak hour: the four consecutive quarters with the most")
        sheet.write_string(
            1,
            0,
            "PHF = volume / (4 × busiest 15 min). "
            "Heavy share = (bus + truck) / all motor vehicles. Volumes are never scaled up.",
            self._styles["note"],
        )
        heads = ("Line or movement", "Direction", "Road users", "From", "To", "Volume", "PHF")
        for column, head in enumerate((*heads, "Heavy share", "Coverage", "Remarks")):
            sheet.write_string(3, column, head, self._styles["head"])
        for number, line in enumerate(peaks(self.report), start=4):
            sheet.write_string(number, 0, line.series.place)
            sheet.write_string(number, 1, direction(self.report, line.series))
            sheet.write_string(number, 2, line.road_users)
            peak = line.peak
            if peak is None:
                sheet.write_string(number, 9, line.why, self._styles["note"])
                continue
            self._time(sheet, number, 3, peak.start)
            self._time(sheet, number, 4, peak.start + timedelta(hours=1))
            self._value(sheet, number, 5, peak.volume, "count")
            self._value(sheet, number, 6, peak.factor, "mean")
            self._value(sheet, number, 7, peak.heavy_share, "share")
            self._value(sheet, number, 8, peak.coverage, "share")
            sheet.write_string(number, 9, "; ".join(peak.remarks), self._styles["text"])
        sheet.set_column(0, 2, 18)
        sheet.set_column(3, 4, 16)
        sheet.set_column(9, 9, 70)
        sheet.freeze_panes(4, 1)

    def _measures(self) -> None:
        """A row a value: of the whole recording first, then of each interval."""
        measured = tally(self.report, self.counts.seconds, MEASURED)
        known = {series: measured.known([series]) for series in measured.rows}
        whole = [
            row
            for row in measured.totals()
            if row.class_ in known[Series(row.place, row.kind, row.direction)]
        ]
        if not whole:
            return
        each = [
            cells[name]
            for series, classes in known.items()
            for _, cells in sorted(measured.rows[series].items())
            for name in classes
            if name in cells
        ]
        title = f"Measures: the whole recording, then per {step(measured.seconds)}"
        sheet = self._sheet("Measures", title)
        sheet.write_string(1, 0, _LOWER_BOUND_NOTE, self._styles["note"])
        heads = ("Start", "For", "Place", "Kind", "Class", "Direction", "Value", "Unit", "n")
        for column, head in enumerate((*heads, "Coverage", "Meaning")):
            sheet.write_string(3, column, head, self._styles["head"])
        for number, row in enumerate((*whole, *each), start=_HEAD_ROWS):
            length = "whole recording" if number < _HEAD_ROWS + len(whole) else step(row.seconds)
            self._time(sheet, number, 0, row.start)
            words = (length, row.place, row.kind, row.class_, row.direction)
            for column, text in enumerate(words, start=1):
                sheet.write_string(number, column, text)
            self._value(sheet, number, 6, row.value, "measure")
            sheet.write_string(number, 7, row.unit)
            if row.n is not None:
                self._value(sheet, number, 8, row.n, "count")
            self._value(sheet, number, 9, row.coverage, "share" if row.coverage == 1 else "partly")
            sheet.write_string(number, 10, KINDS[row.kind].meaning)
        sheet.autofilter(3, 0, 3 + len(whole) + len(each), len(heads) + 1)
        sheet.set_column(0, 3, 19)
        sheet.set_column(10, 10, 80)
        sheet.freeze_panes(_HEAD_ROWS, 4)

    def _times(self, sheet: Any) -> None:
        """The columns that say which interval: start, offset from UTC, coverage."""
        for column, head in enumerate(("Start", "UTC offset", "Coverage")):
            sheet.write_string(_HEAD_ROWS - 1, column, head, self._styles["head"])
        for row, start in enumerate(self.counts.starts, start=_HEAD_ROWS):
            self._time(sheet, row, 0, start)
            sheet.write_string(row, 1, self.clock.offset(start))
            share = self.counts.coverage(start)
            sheet.write_number(row, 2, share, self._styles["share" if share == 1 else "partly"])
        sheet.set_column(0, 0, 17)
        sheet.set_column(1, 2, 11)

    def _head(
        self, sheet: Any, first: int, place: str, second: str, classes: Sequence[str]
    ) -> None:
        last = first + len(classes) - 1
        for row, text in enumerate((place, second), start=_HEAD_ROWS - 3):
            if last > first:
                sheet.merge_range(row, first, row, last, "", self._styles["head"])
            sheet.write_string(row, first, text, self._styles["head"])
        for column, name in enumerate(classes, start=first):
            sheet.write_string(_HEAD_ROWS - 1, column, name, self._styles["head"])

    def _time(self, sheet: Any, row: int, column: int, time: datetime) -> None:
        if self.clock.elapsed:
            sheet.write_number(row, column, time.timestamp() / 86_400, self._styles["time"])
        else:
            naive = self.clock.local(time).replace(tzinfo=None)
            sheet.write_datetime(row, column, naive, self._styles["time"])

    def _value(self, sheet: Any, row: int, column: int, value: float | None, look: str) -> None:
        if value is None:
            sheet.write_string(row, column, NOT_KNOWN, self._styles["unknown"])
        else:
            sheet.write_number(row, column, value, self._styles[look])
