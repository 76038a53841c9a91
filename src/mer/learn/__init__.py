"""Training: the loop, cross-validation and the search for hyperparameters."""
