"""Histograms that add up, so that percentiles of a day come from the day and not from its hours."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

# Shares are sums of floats: one that is so near to another is the same.
_ROUNDING = 1e-9


class Histogram:
    """Weights of values by equally wide bins, with those whose end was not seen apart.

    Bin ``i`` holds values from ``i × width`` to below ``(i + 1) × width``.

    Attributes:
        width: of a bin, in the unit of the values.
        counts: weight by bin of the values that were seen to their end; none is 0.
        censored: weight by bin of the values that are known to be at least that large.
        total: sum of weight × value of the former, so that means lose nothing to the bins.
    """

    __slots__ = ("censored", "counts", "total", "width")

    def __init__(self, width: float) -> None:
        """Begin with nothing in it.

        Raises:
            ValueError: a width that is not above 0 and finite.
        """
        if not 0 < width < math.inf:
            raise ValueError(f"bins are {width} wide; they must be wider than 0, and finite")
        self.width = width
        self.counts: dict[int, float] = {}
        self.censored: dict[int, float] = {}
        self.total = 0.0

    def add(self, value: float, weight: float = 1.0, *, censored: bool = False) -> None:
        """Add a value; ``censored`` where it is known to be at least so large, and no more.

        Raises:
            ValueError: a value that is not finite, or a weight that is below 0 or not finite.
        """
        if not math.isfinite(value):
            raise ValueError(f"a value of {value} is in no bin")
        if not 0 <= weight < math.inf:
            raise ValueError(f"a weight of {weight} is none: it must be 0 or more, and finite")
        if not weight:
            return
        weights, bin_ = self.censored if censored else self.counts, math.floor(value / self.width)
        weights[bin_] = weights.get(bin_, 0.0) + weight
        if not censored:
            self.total += weight * value

    def __add__(self, other: Histogram) -> Histogram:
        """A new one that holds what both do.

        Raises:
            ValueError: the bins are not equally wide.
        """
        if self.width != other.width:
            raise ValueError(
                f"histograms with bins {self.width} and {other.width} wide do not add up"
            )
        added = self.copy()
        for into, weights in (
            (added.counts, other.counts),
            (added.censored, other.censored),
        ):
            for bin_, weight in weights.items():
                into[bin_] = into.get(bin_, 0.0) + weight
        added.total += other.total
        return added

    def copy(self) -> Histogram:
        """Another one that holds the same."""
        other = Histogram(self.width)
        other.counts, other.censored = dict(self.counts), dict(self.censored)
        other.total = self.total
        return other

    def mean(self) -> float | None:
        """Mean of the values that were seen to their end; None where there are none."""
        return self.total / math.fsum(self.counts.values()) if self.counts else None

    def quantile(self, share: float) -> float | None:
        """Value that a share of all does not exceed; Kaplan–Meier where some are censored.

        The share that is above bin i is S(i) = Π (1 − d(j) / r(j)) over the bins j ≤ i, where d(j)
        is the weight of the values that end in bin j, and r(j) that of all values in bin j and
        above, censored or not: within a bin ends come before censorings. The quantile is in the
        first bin with 1 − S ≥ share, and within the bin by linear interpolation. With nothing
        censored that is the ordinary quantile of the values, to within the width of a bin.

        Source: E. L. Kaplan and P. Meier, Nonparametric estimation from incomplete observations,
        Journal of the American Statistical Association 53 (1958) 457–481.

        Args:
            share: above 0, up to 1.

        Returns:
            the value; None where so many are censored that S never falls so far, or of nothing.

        Raises:
            ValueError: a share that is not one.
        """
        if not 0 < share <= 1:
            raise ValueError(f"{share} is no share; give one above 0, up to 1")
        bins = sorted(self.counts.keys() | self.censored.keys())
        ends = [self.counts.get(bin_, 0.0) for bin_ in bins]
        weights = [d + self.censored.get(bin_, 0.0) for bin_, d in zip(bins, ends, strict=True)]
        # Summed from above, the last ones at risk are exactly those of the last bin.
        at_risk = list(itertools.accumulate(reversed(weights)))[::-1]
        above = 1.0
        for bin_, d, r in zip(bins, ends, at_risk, strict=True):
            before, above = above, above * (1 - d / r)
            if d and 1 - above > share - _ROUNDING:
                within = (share - (1 - before)) / (before - above)
                return (bin_ + min(max(within, 0.0), 1.0)) * self.width
        return None

    def minority(self) -> float | None:
        """The smaller of the bins 0 and 1 as a share of both; None where both are empty."""
        both = self.counts.get(0, 0.0), self.counts.get(1, 0.0)
        return min(both) / sum(both) if any(both) else None

    def to_text(self) -> str:
        """As JSON, for a column of a table; :meth:`from_text` gives exactly the same back."""
        parts: dict[str, Any] = {"width": self.width, "total": self.total}
        for name, weights in (("counts", self.counts), ("censored", self.censored)):
            if weights:
                parts[name] = {str(bin_): _short(weights[bin_]) for bin_ in sorted(weights)}
        return json.dumps(parts, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Histogram:
        """What :meth:`to_text` wrote.

        Raises:
            ValueError: something else.
        """
        try:
            parts = json.loads(text)
            histogram = cls(parts["width"])
            for name in ("counts", "censored"):
                weights = {int(bin_): float(w) for bin_, w in parts.get(name, {}).items()}
                setattr(histogram, name, weights)
            histogram.total = float(parts["total"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(f"not a histogram: {text[:60]!r}") from None
        return histogram

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same in the same bins."""
        if not isinstance(other, Histogram):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    # It grows, so it is in no set.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Histogram({self.to_text()})"


def _short(weight: float) -> float:
    """A whole number without its .0."""
    return int(weight) if weight == int(weight) else weight
