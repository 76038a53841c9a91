"""One network or estimator per module: Params, reads, uses_copies, build."""
