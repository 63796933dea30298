"""How Sphinx builds the site (`make site`): nothing is asked of the network, and no page loads anything from elsewhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / "src"), str(HERE)]

import latex2mathml.converter  # noqa: E402
from docutils import nodes  # noqa: E402

import clockless  # noqa: E402

project = "clockless"
author = "The clockless developers"
copyright = "the clockless developers"
version = release = clockless.__version__
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["_static/**", "notebooks/*.md"]
nb_execution_mode = "off"  # `pages.py` has run the notebooks, in one kernel
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure"]

autodoc_typehints = "none"  # signatures have them
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_use_param = True
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"clockless {version}"
html_static_path = [str(HERE / "_static")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#00507f", "color-brand-content": "#00507f"},
    "dark_css_variables": {"color-brand-primary": "#7cc4f0", "color-brand-content": "#7cc4f0"},
    "footer_icons": [],
}


def _mathml(self, node: nodes.Node, display: str) -> None:
    """Formulas as MathML, which browsers draw themselves; MathJax would be loaded from elsewhere."""
    self.body.append(latex2mathml.converter.convert(node.astext(), display=display))
    raise nodes.SkipNode


def _inline(self, node: nodes.Node) -> None:
    _mathml(self, node, "inline")


def _block(self, node: nodes.Node) -> None:
    self.body.append('<div class="math">')
    try:
        _mathml(self, node, "block")
    finally:
        self.body.append("</div>")


_CODE = re.compile(r"(`[^`\n]+`)")


def _plain_docstring(app, what, name, obj, options, lines) -> None:
    """Docstrings are written for a prompt: single backticks are code there, bars are signs, and tables are drawn by bars."""
    result: list[str] = []
    table = False
    for line in lines:
        bar = line.lstrip().startswith("| ") or line.lstrip().startswith("|-")
        if bar and not table:
            result += ["", "::", ""]
        elif table and not bar and line.strip():
            result.append("")
        table = bar
        result.append(f"   {line}" if bar else "".join(map(_piece, _CODE.split(line))))
    lines[:] = result


def _piece(text: str) -> str:
    """A piece of a line as reStructuredText: code, or text whose bars and stars mean themselves."""
    if _CODE.fullmatch(text):
        return f"`{text}`"
    return re.sub(r"(?<!\\)([|])", r"\\\1", text)


def setup(app) -> None:
    app.add_node(nodes.math, override=True, html=(_inline, None))
    app.add_node(nodes.math_block, override=True, html=(_block, None))
    app.connect("autodoc-process-docstring", _plain_docstring)
