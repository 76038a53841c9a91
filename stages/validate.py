"""Check params.yaml and the selection before anything is deleted: ``python stages/validate.py``."""

from pathlib import Path

from mer import compatibility, config, registry
from mer.contracts import checks
from mer.io.files import write_text
from mer.pipeline.stage import stage

with stage("validate"):
    for package in ("augment", "datasets", "features", "models"):
        for name in registry.names(package):
            checks.check(package, registry.get(package, name))
    params = config.read_all()
    compatibility.check(params, raw=Path("data/raw"))
    write_text(Path("data/validated/params.txt"), "valid\n")
