"""A small shop with everything that models may need: times, baskets, ratings, an item table, a catalogue.

Users walk through the items of their own genre, one after the other, and give them good ratings; now and then they
try something else, and say so. ``new-0`` is first taken in the hold-out, ``new-1`` and ``new-2`` never.
"""

import random
from datetime import date, timedelta

from data_contracts.parameters import NightlyParameters

GENRES = ("crime", "drama", "space")
N_USERS, N_PER_GENRE, N_DAYS, HOLDOUT_DAYS = 60, 8, 100, 20
FIRST = date(2024, 1, 1)
AS_OF = FIRST + timedelta(days=N_DAYS)
NEW = ("new-0", "new-1", "new-2")

DATASET = """name = "rated"

[source]
path = "log.csv"

[columns]
user = "who"
item = "what"
time = "when"
value = "stars"
basket = "visit"

[items]
path = "items.csv"
id = "what"
title = "name"
labels = { genres = "|" }
numbers = ["price"]
dates = ["release"]
catalogue = true

[feedback]
kind = "rating"
threshold = 4.0

[window]
split = "time"
holdout_days = 20

[evaluation]
decides = "repeat"
metric = "ndcg@5"
ks = [5]
"""


def write_log(folder, seed=7):
    """``log.csv`` and ``items.csv``; returns the log's path."""
    draw = random.Random(seed)
    rows = []
    for user in range(N_USERS):
        place = draw.randrange(N_PER_GENRE)
        for day in sorted(draw.sample(range(N_DAYS - HOLDOUT_DAYS), 10) + draw.sample(range(80, N_DAYS), 4)):
            for minute in range(2):
                place = (place + 1) % N_PER_GENRE
                rows.append(_row(user, f"{GENRES[user % 3]}-{place}", day, minute, draw.choice("45")))
            if draw.random() < 0.3:
                other = GENRES[(user + draw.choice((1, 2))) % 3]
                rows.append(_row(user, f"{other}-{draw.randrange(N_PER_GENRE)}", day, 5, draw.choice("12")))
        if user % 6 == 0:
            rows.append(_row(user, NEW[0], N_DAYS - 2, 9, "5"))
    path = folder / "log.csv"
    path.write_text("\n".join(["who,what,when,stars,visit", *rows]) + "\n")
    items = [
        f"{genre}-{at},The {genre} no. {at},{genre}|{'old' if at < 4 else 'young'},{at + 0.5},2020-01-0{at + 1}"
        for genre in GENRES
        for at in range(N_PER_GENRE)
    ]
    items += [f"{name},Brand {name},{GENRES[at]}|young,,2024-04-01" for at, name in enumerate(NEW)]
    (folder / "items.csv").write_text("\n".join(["what,name,genres,price,release", *items]) + "\n")
    return path


def _row(user, item, day, minute, stars):
    when = FIRST + timedelta(days=day)
    return f"u{user:02},{item},{when} 10:{minute:02},{stars},{user:02}/{when}"


def parameters(folder, models, cold_start):
    """Parameters of a run of some ``[models.NAME]`` sections."""
    path = folder / "rated.toml"
    path.write_text(f'{DATASET}cold_start = "{cold_start}"\n\n{models}')
    return NightlyParameters(dataset=str(path), source=str(write_log(folder)), as_of=AS_OF)
