"""Commands of the program ``mer``: each module has ``arguments(parser)`` and ``run``, some ``ALIASES``."""
