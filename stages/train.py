"""Train the selected system on every fold: ``python stages/train.py``."""

from pathlib import Path

from mer import config
from mer.pipeline import provenance, train
from mer.pipeline.limits import limit_instructions
from mer.pipeline.stage import stage
from mer.selection import selected

with stage("train") as record:
    limit_instructions(*config.read("profile"))
    chosen, (columns,) = selected(), config.read("columns")
    out = Path("data/runs/selected")
    facts = provenance.digest(chosen, columns=columns)
    provenance.warn_of_replaced(provenance.changes(chosen).get("changed") or (), chosen.profile)
    record["timing"] = train.run(
        chosen, *chosen.blocks(), out, columns, keep_weights=True, facts=facts
    )
