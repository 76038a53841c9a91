"""Networks and estimators, a module each: ``Params``, ``learner``, ``reads`` and ``build``."""
