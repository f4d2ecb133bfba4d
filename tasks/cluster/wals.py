"""WALS over users who stay where they are.

A user's factors are a function of the item factors and of the user's own block, solved from nothing each iteration,
so they are never stored and never moved. The items' equations are sums over users: conjugate gradients for all items
run here, and each of their steps asks every block for its part of the sums. What moves grows with items, factors
and workers, never with users; what must survive is the item factors alone.

S. Rendle, W. Krichene, L. Zhang, Y. Koren: Revisiting the Performance of iALS, 2022; the Gramian that lets users be
spread over machines is of Hu, Koren, Volinsky, 2008.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import numpy.typing as npt

from data_contracts.errors import ConfigurationError
from tasks.cluster import wals_tasks
from tasks.cluster.arrays import Answer, ArrayFile, load_array, save_array
from tasks.cluster.blocks import BlockFolder
from tasks.cluster.calls import Workers
from tasks.cluster.checkpoints import find, fit_key, keep
from tasks.cluster.held import Problem, Solve
from tasks.cluster.rounds import Rounds, Traffic, numbers_of, summed
from tasks.models import Progress
from tasks.models._checkpoints import START_LENGTH, check_factors
from tasks.models._wals_health import NOTHING
from tasks.models._wals_sweeps import FULL_STEPS, FULL_TOLERANCE
from tasks.models.wals import Config, terms
from tasks.numeric.gramian import gramian, peak
from tasks.numeric.parallel import single_threaded_blas
from tasks.numeric.wals_items import Sums, improve_items
from tasks.numeric.wals_loss import Objective
from tasks.numeric.wals_side import pulls
from tasks.runtime.files import UMASK

Float32 = npt.NDArray[np.float32]

MORE_STEPS = 2
"""Steps that a user takes from nothing beyond those that ``cg_steps`` says for a start at the last iteration's."""

FULL = Solve(FULL_STEPS, FULL_TOLERANCE, halve=False)
"""How users are solved for when the items are final, as on one machine."""


@dataclass(frozen=True)
class Fit:
    """What a fit came to."""

    items: ArrayFile
    """Item factors, float32 (n_items, n_factors)."""
    problem: Problem
    iterations: int
    """Done by this call; fewer than asked for where it went on from a checkpoint."""
    traffic: tuple[Traffic, ...]
    """Of each of them."""
    seconds: tuple[float, ...]
    """Of each, with its checkpoint."""
    parts: tuple[int, ...]
    """In how many parts the users were, each iteration."""
    objective: Objective
    """Of the users' full solutions."""


def check_config(config: Config) -> None:
    """Refuse what the cluster cannot do, before anything is read.

    Raises
    ------
    ConfigurationError
        Naming the parameter and what to write.

    """
    automatic = [
        name
        for name in ("unobserved_weight", "regularization", "weighting")
        if getattr(config, name) == "auto"
    ]
    if automatic:
        raise ConfigurationError(
            f'WALS on a cluster needs {", ".join(automatic)} as given, not "auto", which is tried out on one machine: '
            "run a sample of the users there, and take what its report says it chose"
        )
    if config.solver != "cg":
        raise ConfigurationError(f'WALS on a cluster solves with solver = "cg"; got {config.solver!r}')
    if config.early_stop:
        raise ConfigurationError(
            f"WALS on a cluster has no early_stop; got {config.early_stop:g}, expected 0"
        )


def fit(
    workers: Workers,
    blocks: BlockFolder,
    config: Config,
    folder: Path,
    *,
    seed: int = 0,
    start: Float32 | None = None,
    progress: Progress | None = None,
) -> Fit:
    """Train WALS.

    Parameters
    ----------
    workers
        The cluster.
    blocks
        The users' items.
    config
        Of :mod:`tasks.models.wals`, numbers for all that could be "auto". ``checkpoint_every`` does not matter:
        every iteration is kept.
    folder
        An existing folder that driver and workers share: checkpoints stay there, and a call with the same arguments goes
        on from the last one.
    seed
        Of the first item factors.
    start
        The first item factors, float32 (n_items, n_factors), instead.
    progress
        Called after each iteration with the objective and its parts; they cost a round.

    Returns
    -------
    The fit; the same bytes for any number of workers, whichever of them die meanwhile, and whether it went on
    from a checkpoint or not.

    Raises
    ------
    ConfigurationError
        As :func:`check_config`; if `folder` holds another fit's checkpoint.
    ValueError
        If values are not finite or negative, or the factors leave the range of float32 or shrink to nothing.
    ClusterLostError
        If the cluster is lost; the same call goes on from the last checkpoint.

    """
    check_config(config)
    shape = (blocks.manifest.n_items, config.n_factors)
    if start is None:
        scale = np.float32(START_LENGTH / np.sqrt(config.n_factors))
        start = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32) * scale
    check_factors("start", start, shape)
    scratch = Path(mkdtemp(prefix="rounds-", dir=folder))
    scratch.chmod(0o777 & ~UMASK)
    try:
        trainer = _Trainer(workers, blocks, config, scratch)
        return trainer.run(folder, start, progress)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class _Trainer:
    def __init__(self, workers: Workers, blocks: BlockFolder, config: Config, scratch: Path) -> None:
        self.config, self.blocks, self.scratch = config, blocks, scratch
        self.rounds = Rounds(workers, blocks.blocks)
        self.problem = Problem(blocks.folder, blocks.sha256, blocks.manifest.n_items, terms(config))
        self.solve = Solve(config.cg_steps + MORE_STEPS, FULL_TOLERANCE, config.half_precision)

    def run(self, folder: Path, start: Float32, progress: Progress | None) -> Fit:
        settings = self.config.model_dump_json(exclude={"iterations", "checkpoint_every"})
        start_sha = save_array(self.scratch / "start.npy", start).sha256
        key = fit_key(self.blocks.sha256, settings, repr(self.solve), start_sha)
        at = find(folder, key) or keep(folder, key, 0, start)
        if at.iteration > self.config.iterations:
            raise ConfigurationError(
                f"{folder} holds iteration {at.iteration} of this fit; iterations must be that or more, "
                f"got {self.config.iterations}"
            )
        self._measure()
        self.rounds.traffic = Traffic()
        first, traffic, seconds, parts = at.iteration, [], [], []
        for iteration in range(at.iteration + 1, self.config.iterations + 1):
            parts.append(self.rounds.place())
            began = time.perf_counter()
            y = self._iteration(at.items, iteration)
            traffic.append(self.rounds.traffic)
            self.rounds.traffic = Traffic()
            before, at = at.items, keep(folder, key, iteration, y)
            seconds.append(time.perf_counter() - began)
            if progress is not None:
                objective = self.objective(before, self.solve, at.items, f"{iteration:05d}-loss")
                said = {"objective": objective.total, **objective._asdict()}
                progress(iteration, self.config.iterations, said)
            self._clean(f"{iteration:05d}-")
        final = self.objective(at.items, FULL, at.items, "final", check=True)
        return Fit(
            at.items, self.problem, at.iteration - first, tuple(traffic), tuple(seconds), tuple(parts), final
        )

    def _measure(self) -> None:
        """Count entries by item; settle what depends on all users."""
        self.rounds.place()
        answers = self.rounds.run(wals_tasks.measure, self.problem, str(self.scratch / "measure"))
        self.entries = summed(answers, "entries")
        self.regularization = pulls(self.entries, self.blocks.manifest.n_users, self.problem.terms)
        self.heaviest = float(numbers_of(answers, "heaviest").max())
        self.users = int(numbers_of(answers, "users").sum())
        self.problem = replace(self.problem, least=float(np.sqrt(numbers_of(answers, "most").max())))

    def _iteration(self, items: ArrayFile, iteration: int) -> Float32:
        prefix = str(self.scratch / f"{iteration:05d}")
        answers = self.rounds.run(
            wals_tasks.user_half, self.problem, items, self.solve, f"{prefix}-users", sends=items.n_bytes
        )
        step = 0

        def ask(function: Callable[..., Answer], name: str, directions: Float32) -> npt.NDArray[np.floating]:
            nonlocal step
            step += 1
            sent = save_array(Path(f"{prefix}-directions-{step:03d}.npy"), directions)
            said = self.rounds.run(
                function, self.problem, items, self.solve, sent, f"{prefix}-{step:03d}", sends=sent.n_bytes
            )
            return summed(said, name)

        y = load_array(items)
        improved = improve_items(
            y,
            summed(answers, "residual"),
            summed(answers, "gramian"),
            self.regularization,
            self.problem.terms.unobserved_weight,
            self.entries == 0,
            Sums(
                lambda p: ask(wals_tasks.item_product, "product", p).astype(np.float32, copy=False),
                lambda p: ask(wals_tasks.item_curvature, "curvature", p).astype(np.float64, copy=False),
            ),
            steps=self.config.cg_steps,
            tolerance=FULL_TOLERANCE,
        )
        if not np.isfinite(peak(improved)):
            raise ValueError(
                "WALS exploded: factors left the range of float32; raise regularization or unobserved_weight, which is "
                f"{self.problem.terms.unobserved_weight:g}, or look for extreme values: the heaviest entry weighs "
                f"{self.heaviest:g}"
            )
        return improved

    def objective(
        self, items: ArrayFile, solve: Solve, fitted: ArrayFile, name: str, *, check: bool = False
    ) -> Objective:
        """Objective of item factors `fitted`, the users' being solved for `items`."""
        answers = self.rounds.run(
            wals_tasks.objective_parts,
            self.problem,
            items,
            solve,
            fitted,
            str(self.scratch / name),
            sends=items.n_bytes,
        )
        y, weight = load_array(fitted), self.problem.terms.unobserved_weight
        with single_threaded_blas():
            everywhere = float(np.sum(summed(answers, "gramian") * gramian(y)))
        lengths = np.einsum("ij,ij->i", y, y, dtype=np.float64)
        observed, squares, users = (numbers_of(answers, n).sum() for n in ("observed", "squares", "penalty"))
        if check:
            self._check_fitted(numbers_of(answers, "reached").sum(), numbers_of(answers, "wanted").sum())
        penalty = users + float(np.dot(self.regularization.astype(np.float64), lengths))
        return Objective(float(observed), float(weight * (everywhere - squares)), float(penalty))

    def _check_fitted(self, reached: float, wanted: float) -> None:
        if reached >= NOTHING * wanted or wanted == 0:
            return
        manifest, weight = self.blocks.manifest, self.problem.terms.unobserved_weight
        raise ValueError(
            f"WALS shrank to nothing: the mean score of what was observed is {reached / wanted:.1e} of its target; "
            f"lower unobserved_weight, which is {weight:g} (a user has {manifest.nnz / max(1, self.users):.1f} "
            f"entries, and the {manifest.n_items} items weigh {weight * manifest.n_items:.3g} together), or regularization"
        )

    def _clean(self, prefix: str) -> None:
        for path in self.scratch.glob(f"{prefix}*"):
            path.unlink(missing_ok=True)
