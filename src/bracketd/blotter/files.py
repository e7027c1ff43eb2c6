"""The files of the page: its own beside this module, the grid and the chart out of an installed package.

AG Grid (community) and Apache ECharts come with the package nicegui, of which nothing else is used and nothing is
imported. Everything is read, compressed and named once, before the port opens.
"""

import gzip
import hashlib
import importlib.util
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

PACKAGE: Final = "nicegui"
PARTS: Final = {"grid": "elements/aggrid/dist", "echarts": "elements/echart/dist"}
"""The folders of the package that are handed out, by the name that the page knows them by."""

PART_SUFFIX: Final = ".js"
MISSING: Final = "the page needs its grid and charts: pip install 'bracketd[blotter]'"

TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

GZIP_LEVEL: Final = 6


class PartsMissing(Exception):
    """The package with grid and chart is not installed, or has not what it should; the text says what to install."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file as it is sent: its type, its bytes, and its bytes compressed."""

    media_type: str
    plain: bytes
    zipped: bytes


@dataclass(frozen=True, slots=True)
class PageFiles:
    """All files below `static/` by their names there, and the page itself.

    `digest` is over every byte of them: another byte anywhere is another address, so that each may be kept for good.
    """

    digest: str
    page: bytes
    files: dict[str, PageFile]


def load_page_files() -> PageFiles:
    """Read all that the page is made of. Raises PartsMissing."""
    own = {each.name: each.read_bytes() for each in files("bracketd.blotter").joinpath("static").iterdir()}
    page = own.pop("index.html")
    contents = own | _parts()
    digest = hashlib.sha256(page)
    for name in sorted(contents):
        digest.update(f"\0{name}\0".encode() + contents[name])
    return PageFiles(digest.hexdigest()[:16], page, {name: _page_file(name, body) for name, body in contents.items()})


def has_parts() -> bool:
    """Whether the package with grid and chart is installed."""
    return importlib.util.find_spec(PACKAGE) is not None


def _parts() -> dict[str, bytes]:
    """The modules of grid and chart. The package is found, not imported: it is a web framework, and a slow start."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise PartsMissing(MISSING)
    root = Path(spec.submodule_search_locations[0])
    found: dict[str, bytes] = {}
    for part, folder in PARTS.items():
        modules = sorted((root / folder).glob(f"*{PART_SUFFIX}"))
        if not any(module.name == "index.js" for module in modules):
            raise PartsMissing(f"{MISSING} (the installed {PACKAGE} has no {folder}/index.js)")
        found |= {f"{part}/{module.name}": module.read_bytes() for module in modules}
    return found


def _page_file(name: str, body: bytes) -> PageFile:
    """One file; the time of compressing is left out, so that equal bytes stay equal."""
    return PageFile(TYPES[Path(name).suffix], body, gzip.compress(body, GZIP_LEVEL, mtime=0))
