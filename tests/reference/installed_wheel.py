"""The project as a wheel, in an environment that knows nothing of the checkout."""

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("PYTHON", "SHELFTALKER_", "PREFECT_", "COVERAGE")
"""What the variables begin with that lead a process back here."""


def build(folder: Path) -> Path:
    """Build the wheel from the checkout."""
    command = ["-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True, text=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and an empty folder to work in."""

    environment: Path
    folder: Path

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    @property
    def variables(self) -> dict[str, str]:
        """Variables of its processes: nothing of the checkout, nothing that leaves this machine."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        path = f"{self.environment / 'bin'}{os.pathsep}{kept['PATH']}"
        own = {"PREFECT_HOME": str(self.folder / ".prefect"), "SHELFTALKER_HOME": str(self.folder / "home")}
        return {**kept, **own, "PATH": path, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}

    def call(self, program: str, *words: object) -> str:
        """Run a program of the environment to its end; returns what it printed."""
        command = [str(self.environment / "bin" / program), *(str(word) for word in words)]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=580,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def install(wheel: Path, folder: Path) -> Installed:
    """Make an environment with the wheel in which the libraries of this one are found, and nothing else of it."""
    made = Installed(folder / "environment", folder / "elsewhere")
    made.folder.mkdir()
    venv.create(made.environment, with_pip=True, symlinks=True)
    _lend_libraries(made, folder / "libraries")
    made.call("python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    return made


def _lend_libraries(made: Installed, libraries: Path) -> None:
    # Not the folder itself: its .pth files would put the checkout on the path, and hide what the wheel lacks.
    libraries.mkdir()
    for folder in (Path(each) for each in sys.path if each.endswith("site-packages")):
        for each in folder.iterdir():
            ours = each.suffix == ".pth" or "shelftalker" in each.name
            if not ours and not (libraries / each.name).exists():
                (libraries / each.name).symlink_to(each)
    (own,) = made.environment.glob("lib/python*/site-packages")
    (own / "libraries.pth").write_text(f"{libraries}\n", "utf-8")
