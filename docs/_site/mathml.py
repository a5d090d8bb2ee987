"""MathML: formulas as the browser itself draws them, so that a page needs nothing from a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils.utils.math import latex2mathml

if TYPE_CHECKING:
    from docutils.nodes import math, math_block
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator


def _inline(translator: HTML5Translator, node: math) -> None:
    translator.body.append(latex2mathml.tex2mathml(node.astext()))
    raise _skip()


def _block(translator: HTML5Translator, node: math_block) -> None:
    written = latex2mathml.tex2mathml(node.astext(), as_block=True)
    translator.body.append(f'<div class="formula">{written}</div>\n')
    raise _skip()


def _skip() -> Exception:
    from docutils.nodes import SkipNode

    return SkipNode()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
