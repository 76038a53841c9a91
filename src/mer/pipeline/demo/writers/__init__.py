"""Writers of synthetic corpora, a module per layout of ``mer.datasets``: ``write(root, songs)``."""
