"""The built site, as a browser shows it without a network."""

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from conftest import ROOT
from helpers import browser
from mer.io.files import read_json

SVM = read_json(ROOT / "metrics/experiments/louro_improving/svm_4qaed.json")
TABLE, BOARDS = "tables/louro_improving_table1.html", "leaderboards.html"
# A page in a frame as wide as a phone tells its parent how far it reaches out, and the parent writes it.
MEASURE = (
    "<script>addEventListener('load', () => { const page = document.documentElement;"
    "parent.postMessage(page.scrollWidth - page.clientWidth, '*'); });</script></body>"
)
PHONE = (
    "<body><script>addEventListener('message', event => document.body.append(event.data + ' px '));"
    "</script>{frames}</body>"
)


class Links(HTMLParser):
    """Addresses of a page that it loads or leads to, and the places in it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.places: set[str] = {""}
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.places.add(found.get("id", ""))
        if tag == "a":
            self.leads.append(found.get("href", ""))
        elif tag != "link" or found.get("rel") in ("stylesheet", "icon"):
            self.loads.append(found.get("src", found.get("href", "")))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` does."""
    if importlib.util.find_spec("mkdocs") is None and browser.REQUIRED not in os.environ:
        pytest.skip("needs mkdocs, which `make site` installs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def words(markup: str) -> str:
    """What a reader sees, with single spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", markup).split())


def test_a_browser_shows_the_figures_of_a_table(site: Path, tmp_path: Path) -> None:
    text = words(browser.dom(site / TABLE, tmp_path))
    score = f"{SVM['f1_macro']:.4f} ± {SVM['f1_macro_sd']:.4f}"
    interval = f"{SVM['f1_macro_low']:.4f}–{SVM['f1_macro_high']:.4f}"
    assert re.search(rf"SVM Baseline 0\.7559 {score} [+-][\d.]+ {interval}", text)
    assert "papers_profile=paper papers/louro_improving/dvc.yaml:experiment@svm_4qaed" in text


def test_a_browser_shows_and_draws_the_leaderboard(site: Path, tmp_path: Path) -> None:
    shown = browser.dom(site / BOARDS, tmp_path)
    (board,) = re.findall(r'id="4qaed-quadrant-cv10x10".*?</table>', shown, re.DOTALL)
    row = next(r for r in board.split("<tr") if f">{SVM['f1_macro']:.4f}<" in r)
    interval = f"{SVM['f1_macro_low']:.4f}–{SVM['f1_macro_high']:.4f}"
    assert f"{SVM['f1_macro']:.4f} {interval} 0.7559" in words(row)
    assert all(f'class="{mark}"' in row for mark in ("interval", "dot", "diamond"))


def test_a_phone_shows_a_page_without_scrolling_sideways(site: Path, tmp_path: Path) -> None:
    shown = [TABLE, BOARDS, "leaks.html", "tables.html", "costs.html"]
    copies = [site / page.replace(".html", ".phone.html") for page in shown]
    for page, copy in zip(shown, copies, strict=True):
        text = (site / page).read_text(encoding="utf-8")
        copy.write_text(text.replace("</body>", MEASURE), encoding="utf-8")
    frames = "".join(f'<iframe width="390" src="{copy.as_uri()}"></iframe>' for copy in copies)
    phone = tmp_path / "phone.html"
    phone.write_text(PHONE.format(frames=frames), encoding="utf-8")
    document = browser.dom(phone, tmp_path / "profile")
    for copy in copies:
        copy.unlink()
    assert re.findall(r"(\d+) px ", document) == ["0"] * len(shown)


def test_the_site_loads_nothing_from_outside_and_its_links_lead_somewhere(site: Path) -> None:
    pages = {page: Links(page) for page in site.rglob("*.html") if page.name != "404.html"}
    assert [link for found in pages.values() for link in found.loads if "//" in link] == []
    for page, found in pages.items():
        for link in found.leads:
            file, _, place = link.partition("#")
            if "//" not in link and not link.startswith("mailto"):
                target = (page.parent / file).resolve() if file else page
                assert target in pages, f"{page.name}: {link}"
                assert place in pages[target].places, f"{page.name}: {link}"
