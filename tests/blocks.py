"""Blocks: runs the python blocks of pages that come in as JSON lines, those of one page in one process.

What is dear to import is imported once; each page's process is forked from there.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any, BinaryIO


def run(lines: BinaryIO, answers: BinaryIO, given: dict[str, Any]) -> None:
    """Run blocks until an empty line ends the page; answer each with its traceback, or null."""
    namespace: dict[str, Any] = {"__name__": "__main__", **given}
    while (line := lines.readline().strip()) not in (b"", b"null"):
        block, trouble = json.loads(line), None
        try:
            # as many lines before it as on the page, so that a traceback names the right one
            exec(compile("\n" * (block["line"] - 1) + block["source"], block["page"], "exec"), namespace)
        except Exception:
            trouble = traceback.format_exc()
        sys.stdout.flush()
        answers.write(json.dumps(trouble).encode() + b"\n")


def main() -> None:
    """Fork a process for each page; its name and what it is given come first."""
    import matplotlib.figure
    import pandas

    import atomsieve.analysis.database
    import atomsieve.analysis.results.results
    import atomsieve.workflows.runner

    del matplotlib, pandas, atomsieve
    # unbuffered, so that no process takes lines that are meant for another
    lines = os.fdopen(os.dup(0), "rb", buffering=0)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    while line := lines.readline().strip():
        if (child := os.fork()) == 0:
            run(lines, answers, json.loads(line))
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            answers.write(b'"the process died"\n')


if __name__ == "__main__":
    main()
