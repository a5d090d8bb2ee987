"""Sphinx: how the pages, the docstrings and the tables of data become a site; `make docs` builds it.

The sources are those of the whole repository that are pages: links between them are the same here and on a forge.
"""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "_site"))

project = "atomsieve"
author = "The atomsieve developers"
copyright = author  # noqa: A001 - what Sphinx calls it
version = release = version_of("atomsieve")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "fences", "contents", "mathml"]
root_doc = "docs/index"
include_patterns = ["docs/**.md", "examples/README.md", "benchmarks/README.md", "[A-Z]*.md"]
exclude_patterns = ["build", ".*", "*/.*", "tests", "**/__pycache__"]

myst_enable_extensions = ["dollarmath", "colon_fence"]
# as many as forges give anchors to
myst_heading_anchors = 6
# what is no page (a campaign file, a table of data) is there to be downloaded; nothing else is let through
nitpicky = True
nitpick_ignore_regex = [("py:.*", ".*")]

napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_preprocess_types = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
toc_object_entries_show_parents = "hide"
add_module_names = False
python_display_short_literal_types = True
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"atomsieve {release}"
html_baseurl = ""
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_additional_pages = {"index": "home.html"}
templates_path = ["_templates"]
pygments_style = "friendly"
pygments_dark_style = "monokai"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5c7a", "color-brand-content": "#0b5c7a"},
    "dark_css_variables": {"color-brand-primary": "#6cc1e0", "color-brand-content": "#6cc1e0"},
}
