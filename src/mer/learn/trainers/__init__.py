"""The trainers, a module each: ``fit_predict`` trains on one fold, ``predict`` predicts any clips."""
