"""List what is in data/raw/<dataset>: tracks, labels, groups, digests, published tables."""

import argparse
from pathlib import Path

from mer import config
from mer.pipeline import index
from mer.pipeline.stage import stage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="a key of corpora in params.yaml")
    key = parser.parse_args().dataset
    with stage(f"index@{key}"):
        keys = [f"corpora.{key}.{name}" for name in ("layout", "counts", "range")]
        index.build(Path("data/raw", key), Path("data/index", key), *config.read(*keys))


if __name__ == "__main__":
    main()
