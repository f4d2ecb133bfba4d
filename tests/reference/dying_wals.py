"""What workers do for WALS, but for the one that dies in the midst of its work, once."""

import os
import signal
from pathlib import Path

from tasks.cluster import wals_tasks

ITERATION = "00003"


def _die_once(problem, out):
    """Kill who the file `victim` beside the blocks names, or this process, in one iteration, and never again."""
    mark = problem.folder.parent / "died"
    if not Path(out).name.startswith(ITERATION):
        return
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return
    victim = problem.folder.parent / "victim"
    os.kill(int(victim.read_text()) if victim.exists() else os.getpid(), signal.SIGKILL)


def user_half(problem, part, items, solve, out):
    answer = wals_tasks.user_half(problem, part, items, solve, out)
    _die_once(problem, out)
    return answer


def item_product(problem, part, items, solve, directions, out):
    answer = wals_tasks.item_product(problem, part, items, solve, directions, out)
    _die_once(problem, out)
    return answer
