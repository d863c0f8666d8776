"""Writes docs/measures.md: every kind of measurement in one table, from the code.

    python tools/make_measures_doc.py

A test sees to it that the page is that of the code.
"""

from __future__ import annotations

from pathlib import Path

from passerby.kinds import KINDS, Kind, Merge, Statistic

PAGE = Path(__file__).resolve().parent.parent / "docs" / "measures.md"

BEFORE = """\
# Measures

Made by `tools/make_measures_doc.py` from `passerby.kinds.KINDS`. Do not edit it by hand.

Every row is about one place, one class and one interval. Formula, bounds and source of each kind
are in the docstring of the class in `passerby.measures` that makes it.

| kind | about a | unit | known from | over intervals | meaning |
|---|---|---|---|---|---|
"""

AFTER = """\

**Known from** is the least `n` with which there is a value. With fewer, the value is not known and
`n` says how few there were. What needs metres is not known where the ground of the camera is not.

**Over intervals** is how the values of neighbouring intervals become that of the longer one.
`passerby.measurement.merge` does it. What is not known adds nothing to the value.

## Percentiles

A median of a day is not the mean of the medians of its hours. So rows of the kinds that are made
*from added histograms* keep their histogram: in the column `histogram` of `measurements.parquet`,
as JSON. The CSV file does without it.

```json
{"width":1.0,"total":24.5,"counts":{"12":2},"censored":{"40":1}}
```

Bin 12 holds values from 12 × `width` to below 13 × `width`, in the unit of the kind; here there are
two of them. `total` is their exact sum, from which means are made. `censored` has those that are
known to be at least so large, and no more: stays that were still going on when the recording
ended. Weights are numbers of road users, or seconds for `speed_mean` and `speed_median`.

To join intervals, add the weights of each bin and the totals, and add up `n`:

```python
from passerby.histogram import Histogram
from passerby.kinds import KINDS

hours = [Histogram.from_text(text) for text in table["histogram"] if text]
day = sum(hours[1:], start=hours[0])
median = KINDS["dwell_median"].value_of(day, table["n"].sum())
```

Quantiles are interpolated within their bin, and are those of Kaplan and Meier where some values
are censored. They are not known where too many are.
"""


def page() -> str:
    """The page as it should be."""
    rows = (
        f"| `{kind.name}` | {kind.place} | {kind.unit} | {kind.least or ''} "
        f"| {_over_intervals(kind)} | {kind.meaning} |\n"
        for kind in KINDS.values()
    )
    return BEFORE + "".join(rows) + AFTER


def _over_intervals(kind: Kind) -> str:
    if kind.merge is Merge.MEAN:
        return "mean, weighted by observed seconds"
    if kind.merge is not Merge.HISTOGRAM:
        return kind.merge.value
    of = {
        Statistic.MEAN: "mean",
        Statistic.QUANTILE: f"{kind.quantile:.0%}".replace("%", " % quantile"),
        Statistic.MINORITY: "share",
    }
    return f"{of[kind.statistic]} from added histograms"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
