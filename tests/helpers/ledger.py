"""A small ledger of experiments, for the generated pages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mer.io.files import write_json
from mer.reproduction.spec import Papers

SVM = {
    "paper": "p",
    "model": "svm",
    "dataset": "4qaed",
    "target": "quadrant",
    "view": "none",
    "family": "top100",
    "augment": "none",
    "augmented": "none/none",
    "protocol": "cv10",
    "fidelity": "described",
    "settings": "",
}
ROWS: dict[str, dict[str, Any]] = {
    "svm": {"title": "SVM", "published": {"f1_macro": {"4qaed": 0.7559}}},
    "svm_smote": {"title": "… and SMOTE <in each fold>"},
    "svm_smote_leak": {"title": "… and SMOTE before the split", "note": "a leak"},
    "mlp": {"title": "MLP", "published": {"f1_macro": {"4qaed": 0.5}}},
    "cnn": {"title": "CNN"},
    "constant": {"title": "Constant"},
}
CHANGES: dict[str, dict[str, Any]] = {
    "svm": {},
    "svm_smote": {"augment": "smote"},
    "svm_smote_leak": {"augment": "smote_leak"},
    "mlp": {"model": "mlp"},
    "cnn": {"model": "cnn", "family": "none", "view": "louro"},
    "constant": {"model": "constant", "family": "none"},
}
Write = Callable[..., dict[str, Any]]


@pytest.fixture
def small_papers() -> Papers:
    """One table, of six systems on one corpus."""
    table = {
        "paper": "p",
        "title": "Table 1",
        "protocol": "ten folds",
        "metrics": ["f1_macro"],
        "columns": {"4qaed": {"title": "4QAED"}},
        "rows": ROWS,
    }
    return Papers.model_validate(
        {
            "papers": {"p": {"title": "Paper", "authors": "Someone", "url": None}},
            "tables": {"p_table1": table},
            "experiments": {f"{row}_4qaed": SVM | changes for row, changes in CHANGES.items()},
        }
    )


@pytest.fixture
def write_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """A function that writes the result of a row, whole and with ten equal folds unless told otherwise."""
    monkeypatch.chdir(tmp_path)

    def result(row: str, score: float, prefix: str = "", **facts: Any) -> dict[str, Any]:
        composition = {k: v for k, v in (SVM | CHANGES[row]).items() if k != "paper"}
        found = composition | {
            "dataset": f"{prefix}4qaed",
            "profile": "paper",
            "seed": 1,
            "shares_artists": True,
            "test_per_train": 1 / 9,
            "n_clips": 900,
            "n_folds": 10,
            "f1_macro": score,
            "f1_macro_sd": 0.05,
            "f1_macro_low": round(score - 0.03, 4),
            "f1_macro_high": round(score + 0.03, 4),
            "folds": {"f1_macro": [score - 0.01, score + 0.01] * 5},
        }
        write_json(Path(f"metrics/experiments/p/{prefix}{row}_4qaed.json"), found | facts)
        return found | facts

    return result
