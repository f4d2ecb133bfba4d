"""Where everything lives that a run reads by name or leaves behind."""

import os
from pathlib import Path

HOME_VARIABLE = "SHELFTALKER_HOME"


def home() -> Path:
    """Where everything a run leaves behind lives: ``$SHELFTALKER_HOME``, by default ``./.shelftalker``."""
    return Path(os.environ.get(HOME_VARIABLE) or ".shelftalker").absolute()
