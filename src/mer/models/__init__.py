"""Networks and estimators, a module each; ``mer.contracts.Model`` says what a module offers."""
