"""The site builds without a warning, every page is reached from the index, and no link or picture of it is missing."""

from __future__ import annotations

import importlib.util
import inspect
import os
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "docs" / "_site"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-E", "--keep-going", "-c", "docs"]
    command += ["-d", str(folder / "doctrees"), ".", str(folder / "html")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    warnings = [line for line in result.stderr.splitlines() if "WARNING" in line or "ERROR" in line]
    assert result.returncode == 0, result.stderr
    assert warnings == []
    return folder / "html"


@dataclass
class Page(HTMLParser):
    """What a page links to and shows, and the anchors that it has."""

    links: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "a" and found.get("href"):
            self.links.add(str(found["href"]))
        for name in ("src", "href"):
            if tag in ("img", "script", "link") and found.get(name) and found.get("rel") != "canonical":
                self.shown.add(str(found[name]))
        if found.get("id"):
            self.anchors.add(str(found["id"]))


def read(folder: Path) -> dict[Path, Page]:
    """Return all pages of a site."""
    pages = {}
    for path in folder.rglob("*.html"):
        pages[path] = Page()
        pages[path].feed(path.read_text(encoding="utf-8"))
    return pages


@pytest.mark.slow
def test_every_page_is_reached_and_no_link_is_broken(site: Path) -> None:
    pages = read(site)
    missing = []
    targets: dict[Path, set[Path]] = {path: set() for path in pages}
    for path, page in pages.items():
        for address in page.links | page.shown:
            parts = urlsplit(address)
            if parts.scheme in ("https", "data", "mailto"):
                # what a page needs to be shown is with it; only a person's click asks a network
                assert address not in page.shown or parts.scheme == "data", f"{path}: {address}"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.exists() or (anchor and target in pages and anchor not in pages[target].anchors):
                missing.append(f"{path.relative_to(site)}: {address}")
            elif target in pages:
                targets[path].add(target)
    assert missing == []

    reached, edge = set(), [site / "docs" / "index.html"]
    while edge:
        path = edge.pop()
        if path not in reached:
            reached.add(path)
            edge += targets[path]
    wanted = {(site / page.relative_to(ROOT)).with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")}
    assert wanted <= reached, sorted(map(str, wanted - reached))
    pictures = {Path(unquote(address)).name for page in pages.values() for address in page.shown}
    assert {path.name for path in (ROOT / "docs").rglob("*.png")} <= pictures


@pytest.mark.slow
def test_what_is_filled_in_is_there(site: Path) -> None:
    """Each fence has become what it stands for."""
    for page, words in {
        "catalogs": ("graphene-dual", "granda-marulanda", "aggregation energy", "optimade", "HKUST-1"),
        "adsorbates": ("OCCO", "bidentate"),
        "networks": ("NRR:distal", "10.1149/1.1856988"),
        "metals": ("materials-project", "6.2"),
        "calculators": ("electronic_temperature", "0.01 to 1"),
        "campaign": ("demetallation", "Largest force on any atom"),
        "cli": ("atomsieve db schema", "--dry-run"),
        "api-results": ("overpotential__lt", "Parameters"),
    }.items():
        text = (site / "docs" / "reference" / f"{page}.html").read_text(encoding="utf-8")
        assert [word for word in words if word not in text] == [], page
        assert "filled in when the site is built" not in text


def module(name: str) -> ModuleType:
    """Import a module of the site's, which is no part of the package."""
    spec = importlib.util.spec_from_file_location(name, SITE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_public_names_are_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name of the page can be imported; what takes something says what, and what gives something says that."""
    monkeypatch.syspath_prepend(SITE)
    public = module("public")
    pages = public.names()
    folder = ROOT / "docs" / "reference"
    documented = "".join(path.read_text(encoding="utf-8") for path in folder.glob("api-*.md"))
    lacking = []
    for page, names in pages.items():
        assert f"```{{documented}} {page}\n" in documented
        for name, methods in names.items():
            one = public.found(name)
            text = inspect.getdoc(one) or ""
            if inspect.isclass(one):
                parts = [getattr(one, method) for method in methods.split(", ") if method]
                lacking += [name for part in parts if not inspect.getdoc(part)]
                needs = [] if issubclass(one, Exception) or not own_fields(one) else ["Parameters"]
            elif inspect.isroutine(one):
                signature = inspect.signature(one)
                gives = signature.return_annotation not in ("None", None, inspect.Signature.empty)
                # the first line may be all there is to say of what comes back
                gives = gives and not text.startswith(("Return ", "Yield ", "Open "))
                needs = ["Parameters"] * bool(signature.parameters)
                needs += ["Returns"] * (gives and bool(signature.parameters))
            else:
                needs, text = [], public.remark(name)
            said = text.replace("Yields\n", "Returns\n")
            if not text or any(f"{heading}\n---" not in said for heading in needs):
                lacking.append(name)
    assert lacking == []
    assert sum(map(len, pages.values())) > 80


def own_fields(one: type) -> bool:
    """Whether a class is made from values that a person gives."""
    return "__init__" in vars(one) or hasattr(one, "__dataclass_fields__") or "model_fields" in dir(one)


def test_make_says_where_the_pages_are() -> None:
    result = subprocess.run(
        ["make", "-n", "docs"], cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "LANG": "C"}
    )
    assert result.returncode == 0
    assert "build/docs/docs/index.html" in result.stdout
