"""Corpus layouts, a module each: ``tracks(root)`` and ``published(root)`` read what lies on the disk."""
