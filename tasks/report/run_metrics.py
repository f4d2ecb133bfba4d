"""The newest night of each dataset as figures for Prometheus."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from tasks.report.nights import Shop

VERDICTS = ("open", "undecided", "closed")


def exposition(shops: Sequence[Shop]) -> bytes:
    """All figures in Prometheus's text format; a figure that is not known is left out."""
    registry = CollectorRegistry()

    def gauge(name: str, meaning: str, *more: str) -> Gauge:
        return Gauge(f"shelftalker_{name}", meaning, ["dataset", *more], registry=registry)

    age = gauge("live_age_days", "Days since the day of the live lists.")
    value = gauge("winner_metric", "The metric that decided, of the newest run's winner.", "metric", "bound")
    changed = gauge(
        "changed_places_ratio", "Share of the places of lists that the newest publication changed."
    )
    rejected = gauge("rejected_rows_ratio", "Rejected rows / rows read, of the newest run.")
    verdict = gauge("verdict", "1 for the verdict of the newest run, 0 for the others.", "verdict")
    for shop in shops:
        if not shop.nights:
            continue
        night = shop.nights[0]
        for known, measure in ((shop.age_days, age), (night.changed, changed), (night.rejected, rejected)):
            if known is not None:
                measure.labels(shop.name).set(known)
        if night.value is not None:
            for bound, number in night.value.to_json().items():
                value.labels(shop.name, night.metric, bound).set(number)
        for each in VERDICTS:
            verdict.labels(shop.name, each).set(night.verdict == each)
    return generate_latest(registry)
