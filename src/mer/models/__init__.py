"""Networks and estimators, a module each; ``mer.contracts.interfaces.Model`` says what a module offers."""
