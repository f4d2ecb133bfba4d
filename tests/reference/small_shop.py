"""A shop small enough for whole runs in tests, with a handful of fast models."""

from pathlib import Path

from data_contracts.parameters import NightlyParameters
from deployments import rehearsal

FAST_MODELS = rehearsal.FAST_MODELS


def write_dataset(folder, changes=(), models=FAST_MODELS):
    """The dataset file of the rehearsals, with other models and some lines changed."""
    path = rehearsal.write_dataset(folder, models)
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return path


def run(parameters: NightlyParameters):
    """The final state of a run."""
    from flows.nightly import nightly

    return nightly(parameters, return_state=True)


def published_bytes(summary):
    """Content of every table and array of a publication."""
    folder = Path(summary.path)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".parquet", ".npy"}
    }
