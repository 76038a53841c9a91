"""Commands of the program ``mer``, a module each: ``arguments(parser)`` and ``run``."""
