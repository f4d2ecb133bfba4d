"""Output where the terminal cannot take every character."""

import io
import json

from rich.console import Console

from flows.display import TerminalListener
from flows.plain_text import never_fail, printed_to


def ascii_stream():
    return io.TextIOWrapper(io.BytesIO(), "ascii")


def written(stream):
    stream.flush()
    return stream.buffer.getvalue().decode("ascii")


def test_never_fail__escapes_so_that_json_says_the_same():
    stream = ascii_stream()
    never_fail(stream)
    stream.write(json.dumps(["Käse", "…", "\N{BANANA}"], ensure_ascii=False))

    assert json.loads(written(stream)) == ["Käse", "…", "\N{BANANA}"]


def test_never_fail__leaves_alone_what_cannot_be_changed():
    never_fail(io.StringIO(), None)


def test_printed_to__spells_marks_in_ascii_and_leaves_other_streams_as_they_are():
    stream = ascii_stream()
    with TerminalListener(Console(file=printed_to(stream))) as listener:
        listener.finished("read…", 1.0, reused=False, facts={})
    plain = io.StringIO()

    assert written(stream).split() == ["+", "read...", "1.0", "s"]
    assert printed_to(plain) is plain


def test_run__publishes_and_prints_where_only_ascii_can_be_shown(
    warm_home, other_process, tmp_path, small_log
):
    import subprocess
    import sys

    from small_shop import write_dataset

    words = ["run", "--dataset", str(write_dataset(tmp_path)), "--source", str(small_log)]
    command = [sys.executable, "-c", "from flows.cli import main; main()", *words, "--home", str(warm_home)]
    environment = {
        **other_process,
        "PYTHONIOENCODING": "ascii",
        "LANG": "C",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
    }
    done = subprocess.run(command, capture_output=True, env=environment, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    assert b"The gate is open" in done.stdout
    assert b"\\u" not in done.stdout
    assert (done.stdout + done.stderr).isascii()
