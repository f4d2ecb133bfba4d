"""The service keeps what its OpenAPI description says, whatever is asked."""

import subprocess
import sys
from pathlib import Path

CONFIG = Path(__file__).with_name("schemathesis.toml")
SCHEMATHESIS = "from schemathesis.cli import schemathesis; schemathesis()"


def test_openapi__is_kept_in_answer_to_made_up_questions(client, tmp_path):
    command = [sys.executable, "-c", SCHEMATHESIS, "--config-file", str(CONFIG), "run"]
    address = str(client.base_url.join("/openapi.json"))
    done = subprocess.run(
        [*command, address, "--max-examples", "10", "--seed", "1", "--no-color"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=240,
    )

    assert done.returncode == 0, (
        "\n".join(line[:300] for line in done.stdout.splitlines()[-80:]) + done.stderr
    )
    assert "Tested: 12" in done.stdout
