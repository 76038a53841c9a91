"""Networks and estimators, a module each; ``mer.contracts.protocols.Model`` says what a module offers."""
