"""What look-ups answer, and that they answer without the libraries that runs are made of."""

import json
import subprocess
import sys
import textwrap

import pytest
from click.testing import CliRunner
from shop_database import make_publication

from data_contracts.errors import UnknownItemError
from flows.cli import main

HEAVY = ("great_expectations", "matplotlib", "pandas", "prefect")
KERNELS = ("numba", "scipy")
"""What the module of a model imports: only `fold-in` asks the model anything."""

SCRIPT = textwrap.dedent("""
    import atexit, json, sys
    from flows.cli import main

    heavy = json.loads(sys.argv.pop(1))
    atexit.register(lambda: print([name for name in heavy if name in sys.modules], file=sys.stderr))
    main()
""")


@pytest.fixture
def live(home, tmp_path):
    """Two publications of a model that needs no kernel to be looked up."""
    for day, run in enumerate(("first", "second"), start=1):
        make_publication(tmp_path, run, users=("a", "b", "c"), model="popularity", day=day)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["recommend", "--user", "a"], "popularity"),
        (["recommend", "--user", "nobody knows me"], "popularity"),
        (["similar", "--item", "a", "--json"], '"similar_item_id": "b"'),
        (["target", "--item", "a"], "popularity"),
        (["fold-in", "--item", "a", "-k", "1"], "similar items of this history"),
        (["runs"], "2026-01-02"),
        (["rollback"], "published/shop/2026-01-01/first"),
    ],
)
def test_look_ups__import_nothing_that_only_runs_need(live, words, said):
    heavy = HEAVY if words[0] == "fold-in" else HEAVY + KERNELS
    command = [sys.executable, "-c", SCRIPT, json.dumps(heavy), *words, "--dataset", "shop"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "[]")
    assert said in done.stdout


def test_recommend__of_an_unknown_user_says_so(live):
    done = CliRunner().invoke(main, ["recommend", "--dataset", "shop", "--user", "who", "--json"])

    assert "nobody is known as 'who'" in done.stderr
    assert {row["source"] for row in json.loads(done.stdout)} == {"popular"}


def test_recommend__of_a_known_user_says_nothing_more(live):
    done = CliRunner().invoke(main, ["recommend", "--dataset", "shop", "--user", "a", "--json"])

    assert done.stderr == ""
    assert not any("source" in row for row in json.loads(done.stdout))


def test_recommend__says_that_no_more_is_published_than_asked_for(live):
    done = CliRunner().invoke(main, ["recommend", "--dataset", "shop", "--user", "a", "-k", "900"])

    assert "of the 900 asked for" in done.stderr


@pytest.mark.parametrize("verb", ["similar", "target", "fold-in"])
def test_look_ups__an_unknown_item_is_an_error_of_its_own(live, verb):
    done = CliRunner().invoke(main, [verb, "--dataset", "shop", "--item", "' OR 1=1 --"])

    assert done.exit_code == UnknownItemError.exit_code == 2
    assert done.stderr.startswith("UnknownItem: ")
    assert "' OR 1=1 --" in done.stderr
