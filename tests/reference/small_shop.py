"""A shop small enough for whole runs in tests, with a handful of fast models."""

from pathlib import Path

from data_contracts.dataset import DatasetSpec
from data_contracts.parameters import NightlyParameters

FAST_MODELS = """
[models.popularity]
baseline = true

[models.recent_popularity]
baseline = true

[models.personal_frequency]
baseline = true

[models.wals]
n_factors = 8
iterations = 2
"""


def write_dataset(folder, changes=(), models=FAST_MODELS):
    """The sample's dataset file under another name, with other models and some lines changed."""
    text = Path(DatasetSpec.load("sample").file).read_text().partition("\n[models.")[0] + models
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "small.toml"
    path.write_text(text.replace('name = "sample"', 'name = "small"'))
    return path


def run(parameters: NightlyParameters):
    """The final state of a run."""
    from flows.nightly import nightly

    return nightly(parameters, return_state=True)


def published_bytes(summary):
    """Content of every table and array of a publication."""
    folder = Path(summary["path"])
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".parquet", ".npy"}
    }
