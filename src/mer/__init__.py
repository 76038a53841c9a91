"""Music emotion recognition: corpora, features, models and scores on one spine."""
