"""Tab completion, as the README has it."""

import pytest
from click.testing import CliRunner

from flows.cli import main


@pytest.mark.parametrize(("typed", "offered"), [("re", "recommend"), ("che", "check")])
def test_completion__offers_the_verbs(typed, offered):
    asked = {
        "_SHELFTALKER_COMPLETE": "bash_complete",
        "COMP_WORDS": f"shelftalker {typed}",
        "COMP_CWORD": "1",
    }

    answer = CliRunner().invoke(main, [], env=asked, prog_name="shelftalker")

    assert f"plain,{offered}" in answer.output.splitlines()
