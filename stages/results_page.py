"""docs/results.md and the results in README.md: ``python stages/results_page.py``."""

from mer import papers, results_page
from mer.files import write_text
from mer.stage import one_sentence

with one_sentence("results_page"):
    every = papers.load()
    write_text(results_page.PAGE, results_page.page(every))
    text = results_page.README.read_text(encoding="utf-8")
    write_text(results_page.README, results_page.readme(every, text))
