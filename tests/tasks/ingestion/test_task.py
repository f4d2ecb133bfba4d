import pytest
from small_logs import dataset, many, write_csv

from data_contracts.errors import SourceChangedError
from tasks.ingestion import task


@pytest.mark.parametrize(
    "change",
    [
        lambda path: write_csv(path.parent, many(20)),
        lambda path: write_csv(
            path.parent, many(30)
        ),  # the same content: it may have been another one meanwhile
        lambda path: path.unlink(),
    ],
)
@pytest.mark.parametrize("fails", [False, True])
def test_ingest__a_log_that_changes_while_it_is_read_is_refused(tmp_path, home, monkeypatch, change, fails):
    path, out = write_csv(tmp_path, many(30)), tmp_path / "out"
    out.mkdir()
    read = task.ingest_log

    def read_and_change(*args, **kwargs):
        facts = read(*args, **kwargs)
        change(path)
        if fails:
            raise OSError("cut")
        return facts

    source = task.find_source(dataset(tmp_path), str(path))
    monkeypatch.setattr(task, "ingest_log", read_and_change)

    with pytest.raises(SourceChangedError, match=r"log\.csv changed while it was read"):
        task.ingest.write(out, source)


def test_ingest_at_rest__finds_a_log_anew_that_changed(tmp_path, home, monkeypatch):
    spec, path = dataset(tmp_path), write_csv(tmp_path, many(30))
    tried = []

    def ingest(source):
        tried.append(source.sha256)
        if len(tried) == 1:
            write_csv(tmp_path, many(20))
            raise SourceChangedError("changed")
        return "artifact"

    monkeypatch.setattr(task, "ingest", ingest)
    monkeypatch.setattr(task, "BACKOFF_SECONDS", 0)

    source, artifact = task.ingest_at_rest(
        task.find_source(spec, str(path)), lambda: task.find_source(spec, str(path))
    )

    assert artifact == "artifact"
    assert len(set(tried)) == 2
    assert source.sha256 == tried[-1] == task.source_hash(spec, path)


def test_ingest_at_rest__gives_up_on_a_log_that_never_rests(tmp_path, home, monkeypatch):
    path = write_csv(tmp_path, many(30))

    def ingest(_source):
        raise SourceChangedError("changed")

    monkeypatch.setattr(task, "ingest", ingest)
    monkeypatch.setattr(task, "BACKOFF_SECONDS", 0)
    source = task.find_source(dataset(tmp_path), str(path))

    with pytest.raises(SourceChangedError):
        task.ingest_at_rest(source, lambda: source)
