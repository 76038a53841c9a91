"""The commands of the program ``mer``: a module each, with ``arguments(parser)`` and ``run``."""
