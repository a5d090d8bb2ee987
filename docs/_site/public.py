"""Public: the Python names that people may rely on, as docs/reference/api.md lists them, with their docstrings."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

from tables import code, table

_PAGE = Path(__file__).resolve().parent.parent / "reference" / "api.md"
_FENCE = re.compile(r"^```\{api\} (\w+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def names() -> dict[str, dict[str, str]]:
    """Return all public names by the page that documents them, each with its public methods, empty for all of them."""
    text = _PAGE.read_text(encoding="utf-8")
    pages = {page: [line.partition(": ") for line in inside.splitlines()] for page, inside in _FENCE.findall(text)}
    return {page: {name: methods for name, _, methods in lines} for page, lines in pages.items()}


def found(name: str) -> Any:
    """Import what a name stands for."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def listed(page: str, inside: str) -> str:
    """Return the list of a page's names, each with the first sentence that is said of it."""
    rows = [(f"{{py:obj}}`{name.removeprefix('atomsieve.')} <{name}>`", _first(name)) for name in names()[page]]
    return table(("name", "what it is"), rows)


def documented(page: str, inside: str) -> str:
    """Return the docstrings of a page's names."""
    return "\n".join(_documented(name, methods) for name, methods in names()[page].items())


def _documented(name: str, methods: str) -> str:
    one = found(name)
    kind = "class" if inspect.isclass(one) else "function" if inspect.isroutine(one) else "data"
    lines = [f".. auto{kind}:: {name}"]
    if kind == "class" and not issubclass(one, Exception):
        lines.append(f"   :members: {methods}".rstrip())
    if kind == "data":
        lines.append("   :no-value:")
    return "\n".join(["```{eval-rst}", *lines, "```", ""])


def _first(name: str) -> str:
    one = found(name)
    if not inspect.isclass(one) and not inspect.isroutine(one):
        return remark(name)
    line = inspect.cleandoc(one.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    line = re.sub(r":\w+:`~?([^`]*)`", lambda match: code(match[1].rpartition(".")[2]), line)
    return line.replace("``", "`").replace("*", r"\*").replace("<", r"\<")


def remark(name: str) -> str:
    """Return the ``#:`` comment of a constant."""
    from sphinx.pycode import ModuleAnalyzer

    module, _, attribute = name.rpartition(".")
    return " ".join(ModuleAnalyzer.for_module(module).find_attr_docs().get(("", attribute), [""])).strip()
