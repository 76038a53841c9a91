"""The trainers, a module each: ``fit_predict`` trains on one fold, ``answer`` predicts clips."""
