"""All generated pages of the site, in Markdown, from ``metrics/`` and ``papers/``."""

from mer.reproduction.spec import Papers
from mer.site import costs, leaderboards, leaks, overview, table_pages
from mer.site.scores import page_of


def pages(papers: Papers) -> dict[str, str]:
    """Path below the site's source -> Markdown."""
    found = {
        "leaderboards.md": leaderboards.page(papers),
        "tables.md": overview.page(papers),
        "leaks.md": leaks.page(papers),
        "costs.md": costs.page(papers),
    }
    return found | {f"{page_of(name)}.md": table_pages.page(papers, name) for name in papers.tables}
