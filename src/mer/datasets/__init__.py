"""Corpus layouts, a module each: ``tracks(root)`` reads what lies on the disk."""
