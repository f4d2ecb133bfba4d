"""Small logs for whole runs: some forty people, twenty items, four months; each seed is another shop."""

from datetime import datetime, timedelta

import numpy as np

START = datetime(2024, 1, 1)  # noqa: DTZ001 - as logs write it
BASELINES = """
[models.popularity]
baseline = true
[models.recent_popularity]
baseline = true
[models.personal_frequency]
baseline = true
"""


def log(n_rows=700, n_users=40, n_items=20, days=120, *, seed=0, **columns):
    """Rows of user, item, time by time; more columns are functions of the generator."""
    rng = np.random.default_rng(seed)
    users = rng.integers(n_users, size=n_rows)
    # Everybody has favourites: lists can be right.
    items = (users * 7 + rng.geometric(0.25, size=n_rows)) % n_items
    seconds = np.sort(rng.integers(days * 86_400, size=n_rows))
    return [
        {
            "user": f"u{user:02}",
            "item": f"i{item:02}",
            "time": START + timedelta(seconds=int(at)),
            **{name: make(rng) for name, make in columns.items()},
        }
        for user, item, at in zip(users, items, seconds, strict=True)
    ]


def write_csv(path, rows):
    """Write rows with a header; returns the path."""
    lines = [",".join(rows[0]), *(",".join(str(value) for value in row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_toml(folder, sections, name="case", columns=("user", "item", "time")):
    """A dataset file of three baselines whose log is log.csv beside it; returns its path."""
    roles = "\n".join(f'{role} = "{role}"' for role in columns)
    path = folder / f"{name}.toml"
    path.write_text(
        f'name = "{name}"\n[source]\npath = "log.csv"\n[columns]\n{roles}\n{sections}\n{BASELINES}'
    )
    return path
