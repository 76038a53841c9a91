"""The results pages of the documentation's site, made from the ledger of experiments."""
