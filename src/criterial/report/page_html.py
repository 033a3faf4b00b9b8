"""A page of figures as HTML that works anywhere offline: no script at all, and one style sheet by its hash."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from criterial.report.page import Block, Curves, Grid, Intervals, Page, Points
from criterial.report.plots import curves_svg, intervals_svg, points_svg
from criterial.report.view import cell_text

__all__ = ["html_page"]

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '{{ hash }}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{{ page.title }}</title>
<style>{{ style }}</style>
</head>
<body>
<main>
<h1>{{ page.title }}</h1>
{% for note in page.notes %}<div class="{{ 'soft' if note.severity == 'note' else 'note' }}">
{%- if note.severity != 'note' %}<b>Mind: </b>{% endif %}{{ note.message }}{% if note.hint %}; {{ note.hint }}{% endif %}.</div>
{% endfor %}
{% for block in blocks %}{{ block }}
{% endfor %}
</main>
</body>
</html>
"""
_GRID = """<h2>{{ grid.title }}</h2>
<div class="scroll"><table><thead><tr>{% for name in grid.columns %}<th>{{ name }}</th>{% endfor %}</tr></thead><tbody>
{% for row in rows %}<tr>{% for text, number in row %}<td{% if number %} class="num"{% endif %}>{{ text }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div>
{% if grid.caption %}<div class="soft">{{ grid.caption }}</div>{% endif %}"""
_ENVIRONMENT = ImmutableSandboxedEnvironment(autoescape=True)


def html_page(page: Page) -> str:
    """Return a page as HTML.

    Parameters
    ----------
    page : Page
        Any.

    Returns
    -------
    str
        The whole page, with nothing outside it.
    """
    style = (resources.files("criterial.report") / "static" / "report.css").read_text(encoding="utf-8")
    digest = "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    blocks = [_block(b) for b in page.blocks]
    # the style sheet is this package's own; everything else is escaped
    return _ENVIRONMENT.from_string(_PAGE).render(page=page, style=Markup(style), hash=digest, blocks=blocks)  # noqa: S704


def _block(block: Block) -> Markup:
    if isinstance(block, Grid):
        rows = [[(cell_text(c, block.digits), not isinstance(c, str)) for c in row] for row in block.rows]
        return Markup(_ENVIRONMENT.from_string(_GRID).render(grid=block, rows=rows))  # noqa: S704
    if isinstance(block, (Intervals, Points, Curves)):
        return _titled(block)
    return Markup("<p>{}</p>").format(block.text)


def _titled(plot: Intervals | Points | Curves) -> Markup:
    drawn = intervals_svg(plot) if isinstance(plot, Intervals) else points_svg(plot) if isinstance(plot, Points) else curves_svg(plot)
    # labels are escaped where the plot is drawn
    return Markup("<h2>{}</h2><div class='scroll'>{}</div>").format(plot.title, Markup(drawn)) if drawn else Markup("")  # noqa: S704
