"""docs/results.md and the results in README.md: ``python stages/results_page.py``."""

from mer.io.files import write_text
from mer.reproduction import results_page, spec
from mer.runtime.error_messages import one_sentence

with one_sentence("results_page", {}):
    papers = spec.load()
    write_text(results_page.PAGE, results_page.page(papers))
    text = results_page.README.read_text(encoding="utf-8")
    write_text(results_page.README, results_page.readme(papers, text))
