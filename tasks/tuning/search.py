"""The search: ask a study for parameters, try them, tell it what they were worth.

Every trial's sampler is seeded by the number of trials finished before it, so a study that was stopped
and resumed asks for the same parameters as one that never stopped.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks import models
from tasks.models._search_space import Categorical, Doubling, Range, Search
from tasks.tuning.objective import Objective, OutOfTimeError
from tasks.tuning.studies import LARGER, PARAMETERS, ROLE, SEARCHED, START, finished

if TYPE_CHECKING:
    import optuna

GIVEN = "given"
"""What a trial says of parameters that were not asked of the sampler."""

SEARCH_SHARE = 0.6
"""Share of the time for the search at the first size where larger ones are tried after it."""

Heard = Callable[[int, float], None]
"""Called after each trial with the number of trials finished and the best value so far."""


@dataclass(frozen=True)
class Budget:
    """What a search may cost.

    Parameters
    ----------
    trials
        Finished trials of the search, those from before included; larger sizes come on top.
    deadline
        On the clock of ``time.monotonic``; None is none.

    """

    trials: int
    deadline: float | None = None

    def passed(self) -> bool:
        """There is no time left."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def first_part(self) -> "Budget":
        """The part before larger sizes are tried."""
        if self.deadline is None:
            return self
        now = time.monotonic()
        return Budget(self.trials, now + SEARCH_SHARE * (self.deadline - now))


def search(study: "optuna.Study", question: Objective, budget: Budget, heard: Heard) -> None:
    """Ask for parameters, try them, tell the study; then try larger sizes with the best of them.

    Ends at the budget. An interruption leaves every finished trial in the study.

    Parameters
    ----------
    study
        Where trials are kept; it may hold some already.
    question
        What is tried.
    budget
        When to stop.
    heard
        Hears of each finished trial.

    """
    space = models.load_spec(question.kind).search
    sizes = {name: each for name, each in space.items() if isinstance(each, Doubling)}
    part = budget.first_part() if sizes else budget
    while (done := len(finished(study, START, SEARCHED))) < budget.trials and not part.passed():
        trial = _ask(study, question, space, done)
        if not _try(study, trial, question, space, part):
            break
        heard(done + 1, study.best_value)
    for name, size in sizes.items():
        _enlarge(study, question, space, name, size, budget)


def _ask(study: "optuna.Study", question: Objective, space: Search, done: int) -> "optuna.Trial":
    """The next trial; the first one is the dataset file's own parameters."""
    import optuna
    from optuna.trial import TrialState

    if not done and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        own = _own(question)
        nearest = {
            name: each.nearest(own[name]) for name, each in space.items() if not isinstance(each, Doubling)
        }
        study.enqueue_trial(nearest, user_attrs={ROLE: START, GIVEN: own})
    seed = int(np.random.SeedSequence([question.seed, done]).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=seed)
    return study.ask()


def _own(question: Objective) -> dict[str, Any]:
    """Parameters of the dataset file, completed by the defaults of the model."""
    complete: dict[str, Any] = models.load(question.kind).Config(**question.own).model_dump(mode="json")
    return complete


def _try(
    study: "optuna.Study", trial: "optuna.Trial", question: Objective, space: Search, budget: Budget
) -> bool:
    """Run one trial and tell the study; False where time ran out meanwhile."""
    import optuna
    from optuna.trial import TrialState

    trial.set_user_attr(ROLE, role := trial.user_attrs.get(ROLE, SEARCHED))
    parameters = {**_own(question), **_suggested(trial, space), **trial.user_attrs.get(GIVEN, {})}
    trial.set_user_attr(PARAMETERS, parameters)

    def report(value: float, place: int) -> None:
        trial.report(value, place)
        if role == SEARCHED and trial.should_prune():
            raise optuna.TrialPruned

    try:
        value = question.value(parameters, report, budget.deadline)
    except OutOfTimeError:
        study.tell(trial, state=TrialState.FAIL)
        return False
    except KeyboardInterrupt:
        study.tell(trial, state=TrialState.FAIL)
        raise
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
    except ValueError as error:
        if role == START:  # nobody's search went wrong: the dataset file or the log did
            study.tell(trial, state=TrialState.FAIL)
            raise
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, value)
    return True


def _suggested(trial: "optuna.Trial", space: Search) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, each in space.items():
        if isinstance(each, Doubling):
            found[name] = each.first
        elif isinstance(each, Categorical):
            found[name] = trial.suggest_categorical(name, each.values)
        else:
            found[name] = _number(trial, name, each)
    return found


def _number(trial: "optuna.Trial", name: str, each: Range) -> float:
    if each.whole:
        return trial.suggest_int(name, int(each.low), int(each.high), log=each.log)
    return trial.suggest_float(name, each.low, each.high, log=each.log)


def _enlarge(
    study: "optuna.Study", question: Objective, space: Search, name: str, size: Doubling, budget: Budget
) -> None:
    """Try the best parameters of the first size at twice that size, and go on while it helps."""
    from optuna.trial import TrialState

    small = [
        trial
        for trial in finished(study, START, SEARCHED)
        if trial.state == TrialState.COMPLETE and trial.user_attrs[PARAMETERS][name] == size.first
    ]
    if not small:
        return
    sign = 1.0 if question.direction == "higher" else -1.0
    best = max(small, key=lambda trial: sign * trial.values[0])
    value = best.values[0]
    for larger in size.larger():
        known = [
            trial
            for trial in finished(study, LARGER)
            if trial.params == best.params and trial.user_attrs[PARAMETERS][name] == larger
        ]
        if not known:
            if budget.passed():
                return
            study.enqueue_trial(best.params, user_attrs={ROLE: LARGER, GIVEN: {name: larger}})
            if not _try(study, study.ask(), question, space, budget):
                return
            known = finished(study, LARGER)[-1:]
        if known[0].state != TrialState.COMPLETE or sign * known[0].values[0] <= sign * value:
            return
        value = known[0].values[0]
