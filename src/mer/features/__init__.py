"""Feature families, a folder each with its data files."""
