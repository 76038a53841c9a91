"""Your scikit-learn model beside a baseline: python compare_your_model.py <folder with labels.csv>.

``make repro`` renders such a folder, ``data/raw/demo``; docs/corpora.md describes its labels.csv.
"""

import sys
from pathlib import Path

import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mer
from mer.datasets import folder  # qaed, merge, pmemo, … read published corpora
from mer.predictions import Predictions
from mer.types import QUADRANTS

baseline = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3))
models = {"baseline": baseline, "yours": RandomForestClassifier(random_state=1)}
if len(sys.argv) != 2:
    sys.exit(__doc__)
root = Path(sys.argv[1])
tracks = {track.id: track for track in folder.tracks(root)}
table = mer.features("compare", [root / track.path for track in tracks.values()])
tracks = {id_: t for id_, t in tracks.items() if str(root / t.path) in table.index}  # usable files
x = {id_: table.loc[str(root / track.path)] for id_, track in tracks.items()}
y = {id_: QUADRANTS.index(track.quadrant) for id_, track in tracks.items()}
folds = mer.splits.split(list(tracks.values()), "grouped", seed=1, folds=4, repeats=2)
scores = []
for name, model in models.items():
    rows = []
    for fold in folds:  # no artist is on two sides of a fold
        model.fit([x[i] for i in fold.train], [y[i] for i in fold.train])
        for id_, p in zip(fold.test, model.predict_proba([x[i] for i in fold.test]), strict=True):
            rows.append([id_, fold.repeat, fold.fold, y[id_], *p.round(4)])
    columns = ["id", "repeat", "fold", "y_true", *(f"p_{c}" for c in range(len(QUADRANTS)))]
    found = Predictions(pd.DataFrame(rows, columns=columns), QUADRANTS)
    scores.append(mer.metrics.fold_scores(found)["f1_macro"])
    low, high = mer.metrics.intervals(found, seed=1)["f1_macro"]
    print(f"{name}: macro-F1 {scores[-1].mean():.3f}, 95 % interval {low:.3f} to {high:.3f}")
ratio = mer.splits.mean_test_per_train(folds)
p = mer.metrics.corrected_t_test(*scores, test_per_train=ratio)
print(f"p of the corrected resampled t-test: {p:.3f}")
