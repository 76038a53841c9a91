"""Networks and estimators, a module each: ``Params``, ``trainer``, ``reads`` and ``build``."""
