"""The generated pages of the site: a hook of mkdocs.yml, which ``make site`` calls."""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from mer.reproduction import spec
from mer.site.pages import pages


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to those of docs/."""
    for path, text in pages(spec.load()).items():
        files.append(File.generated(config, path, content=text))
    return files
