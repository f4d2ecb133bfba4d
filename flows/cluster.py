"""A run on the workers of a Dask cluster: ingest, divide by user, group, train, score, list."""

from typing import Any

from prefect import flow

from data_contracts.cluster_section import ClusterSection
from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError
from data_contracts.parameters import ClusterParameters
from flows.planning import decide_as_of, rename_run, run_name
from tasks.cluster.model_task import (
    PREDICTIONS,
    check_metric,
    check_models,
    list_on_cluster,
    score_on_cluster,
)
from tasks.cluster.refusals import check_lists
from tasks.cluster.task import divide_by_user, group_by_block, ingest_on_cluster
from tasks.ingestion.task import find_source
from tasks.preparation.splitting import windows
from tasks.runtime import store
from tasks.training.task import configure


@flow(name="cluster", flow_run_name=run_name)
def cluster(parameters: ClusterParameters) -> dict[str, Any]:
    """Train on workers, and write the best model's lists for everybody; nothing goes live.

    Returns the metrics of each model, the winner by the dataset's metric, and where its lists are. What was finished
    before a cluster was lost is reused by the next run.
    """
    store.sweep()
    spec, seed = DatasetSpec.load(parameters.dataset), parameters.seed
    there, configs = section_of(spec, parameters), asked_of_workers(spec, parameters)
    source = find_source(spec, parameters.source)
    events = ingest_on_cluster(source, there)
    as_of = decide_as_of(spec, parameters.as_of, events)
    rename_run(spec.name, as_of)
    window = windows(spec, as_of, seed)
    divided = divide_by_user(events, there)
    how = (spec.feedback, spec.grouping, there)
    grouped = group_by_block(
        events, divided, window.train, *how, held_out=window.holdout, catalogue=spec.has_catalogue
    )
    ks = tuple(sorted({*spec.evaluation.ks, spec.evaluation.list_k}))
    discovery = spec.evaluation.decides == "discovery"
    found = {
        name: score_on_cluster(grouped, name, kind, config, ks, seed, there, exclude_seen=discovery).facts
        for name, (kind, config) in configs.items()
    }
    # The first of equals, in the order of the dataset file.
    winner = max(found, key=lambda name: found[name]["means"][spec.evaluation.metric])
    everything = group_by_block(events, divided, window.full, *how, catalogue=spec.has_catalogue)
    kind, config = configs[winner]
    lists = list_on_cluster(
        everything, winner, kind, config, spec.export.k, seed, there, exclude_seen=discovery
    )
    return {
        "dataset": spec.name,
        "as_of": as_of.isoformat() if as_of else None,
        "metric": spec.evaluation.metric,
        "metrics": {name: facts["means"] for name, facts in found.items()},
        "holdout_users": found[winner]["users"],
        "winner": winner,
        "n_users": everything.facts["n_users"],
        "n_items": everything.facts["n_items"],
        "nnz": everything.facts["nnz"],
        "rows": lists.facts["rows"],
        "path": str(lists.folder / PREDICTIONS),
    }


def section_of(spec: DatasetSpec, parameters: ClusterParameters) -> ClusterSection:
    """Where the work is done: the parameters go before the dataset file."""
    given = {"scheduler": parameters.scheduler, "workers": parameters.workers}
    said = {name: value for name, value in given.items() if value is not None}
    return spec.cluster.model_copy(update={"engine": "dask", **said})


def asked_of_workers(spec: DatasetSpec, parameters: ClusterParameters) -> dict[str, tuple[str, Any]]:
    """Kind and parameters of each model that is asked for, by its name.

    Raises
    ------
    ConfigurationError
        If a model is not in the dataset file, or the dataset, a model or the metric needs one machine.

    """
    check_lists(spec)
    unknown = [name for name in parameters.models if name not in spec.models]
    if unknown:
        raise ConfigurationError(
            f"model {unknown[0]!r} is none of the dataset file's: {', '.join(spec.models)}"
        )
    names = parameters.models or tuple(spec.models)
    configs = {name: (spec.models[name].kind, configure(name, spec.models[name])) for name in names}
    check_models(configs)
    check_metric(spec)
    return configs
