"""Plots as SVG."""

from __future__ import annotations

import re
from itertools import pairwise

from criterial.report.page import Curve, Curves
from criterial.report.plots import curves_svg


def test_labels_of_curves_that_end_together_do_not_cover_each_other() -> None:
    curves = tuple(Curve(f"curve-{c}", ((0.0, float(c)), (1.0, 1.0))) for c in range(4))
    heights = sorted(float(y) for y in re.findall(r'y="([\d.]+)" text-anchor="end">curve-\d', curves_svg(Curves("t", "x", "y", curves))))
    assert len(heights) == 4 and min(b - a for a, b in pairwise(heights)) >= 12
