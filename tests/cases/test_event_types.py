"""Logs with several types of events: what is learned, what is held out and what was had, against a slow oracle."""

from collections import defaultdict
from datetime import datetime, timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest
from slow_event_types import Rules, had, last_targets, learned, truth
from small_logs import COLUMNS, dataset, run, write_csv

from data_contracts.errors import ContractError
from tasks.preparation.grouping import group, open_grouped
from tasks.preparation.holdout import map_holdout
from tasks.preparation.mapping import make_vocabularies
from tasks.preparation.not_positive import warnings_of
from tasks.preparation.seen import FORMER_USERS, is_needed, remember
from tasks.preparation.splitting import inner_windows, windows

START, CUT, AS_OF = datetime(2024, 1, 1), datetime(2024, 2, 2), datetime(2024, 3, 1)  # noqa: DTZ001
FEEDBACK = """
[feedback]
kind = "event_type"
weights = { view = 1, cart = 3, buy = 10, uncart = 3, refund = 10 }
negative = { uncart = "lower", refund = "lower", hide = "exclude" }
"""
RULES = Rules(
    {"view": 1, "cart": 3, "buy": 10, "uncart": 3, "refund": 10},
    ("buy",),
    {"uncart": "lower", "refund": "lower", "hide": "exclude"},
)
KINDS = ("view", "cart", "buy", "uncart", "refund", "hide", "banner")
SHARES = (0.4, 0.15, 0.25, 0.06, 0.06, 0.03, 0.05)


def random_events(seed, n=160):
    """(user, item, minutes since the start, type), every time another one; and some that are always there."""
    rng = np.random.default_rng(seed)
    minutes = np.sort(rng.choice(60 * 24 * 60, n, replace=False))
    rows = [
        (f"u{rng.integers(12)}", f"i{rng.integers(6)}", int(at), str(rng.choice(KINDS, p=SHARES)))
        for at in minutes
    ]
    return [*rows, ("v1", "i1", 3, "buy"), ("v1", "i2", 4, "buy"), ("v2", "i1", 5, "buy")]


def ingested(folder, events, sections=FEEDBACK, columns=""):
    rows = [f"{user},{item},{START + timedelta(minutes=at)},{kind}" for user, item, at, kind in events]
    spec = dataset(folder, sections, columns=COLUMNS + 'event = "kind"\n' + columns)
    facts = run(folder, spec, write_csv(folder, rows, header="user,item,time,kind"))[0]
    return spec, facts


def prepared(folder, spec, window):
    """The matrix, the ids of users and items; the folder then holds the vocabularies."""
    events = folder / "out" / "events.parquet"
    found = make_vocabularies(events, window.train, folder)
    for vocabulary, name in zip(found, ("users", "items"), strict=True):
        vocabulary.save(folder / f"{name}.parquet")
    facts = group(
        events,
        folder,
        folder,
        selection=window.train,
        feedback=spec.feedback,
        grouping=spec.grouping,
        scratch=folder,
    )
    return open_grouped(folder, facts), facts, [vocabulary.ids.to_pylist() for vocabulary in found]


def weights_of(matrix, ids):
    pairs = matrix.by_user.to_scipy().tocoo()
    return {
        (ids[0][row], ids[1][column]): float(weight)
        for row, column, weight in zip(*pairs.coords, pairs.data, strict=True)
    }


def items_of_history(matrix, ids):
    indptr = matrix.history.indptr
    return {
        ids[0][row]: [ids[1][item] for item in matrix.history.items[indptr[row] : indptr[row + 1]]]
        for row in range(matrix.n_users)
    }


def by_user(history):
    found = defaultdict(list)
    for user, _, item, _ in history:
        found[user].append(item)
    return dict(found)


def held_out(folder, selection):
    return map_holdout(folder / "out" / "events.parquet", folder, selection, baskets=False, scratch=folder)


def relevant(holdout):
    return sorted((int(code), n) for code, n in zip(holdout.user_codes, holdout.n_relevant, strict=True))


def wanted_relevant(wanted, ids):
    return sorted(
        (ids[0].index(user) if user in ids[0] else -1, len(items)) for user, items in wanted.items()
    )


def minutes(moment):
    return (moment - START).total_seconds() / 60


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("lookback", ["", "lookback_days = 50\n"])
def test_time_split__learns_holds_out_and_remembers_as_the_oracle(tmp_path, seed, lookback):
    events = random_events(seed)
    spec, _ = ingested(tmp_path, events, FEEDBACK + f'[window]\nsplit = "time"\n{lookback}')
    window = windows(spec, AS_OF.date(), seed=0)
    start = minutes(AS_OF - timedelta(days=50)) if lookback else 0
    before = [event for event in events if event[2] < minutes(CUT)]
    after = [event for event in events if event[2] >= minutes(CUT)]

    matrix, _, ids = prepared(tmp_path, spec, window)
    holdout = held_out(tmp_path, window.holdout)

    weights, history = learned([event for event in before if event[2] >= start], RULES)
    assert weights_of(matrix, ids) == pytest.approx(weights)
    assert items_of_history(matrix, ids) == by_user(history)
    assert matrix.item_events().sum() == pytest.approx(sum(weights.values()))
    assert matrix.history.targets.sum() == sum(kind == "buy" for *_, kind in history)
    wanted = truth(after, RULES)
    assert relevant(holdout) == wanted_relevant(wanted, ids)
    known = {
        ids[0][code]: {ids[1][item] for item in holdout.items[first:end]}
        for code, first, end in zip(holdout.user_codes, holdout.indptr[:-1], holdout.indptr[1:], strict=True)
        if code >= 0
    }
    assert known == {user: items & set(ids[1]) for user, items in wanted.items() if user in ids[0]}
    assert remembered(tmp_path, window.train, ids) == {
        user: items & set(ids[1]) for user, items in had(before, RULES).items()
    }

    hidden = had([event for event in before if event[3] == "hide"], RULES)
    blocked = remembered(tmp_path, window.train, ids, "blocked")
    assert {user: items for user, items in blocked.items() if items} == {
        user: items & set(ids[1]) for user, items in hidden.items() if items & set(ids[1])
    }


def remembered(folder, selection, ids, name="seen"):
    assert is_needed(selection)
    remember(folder / "out" / "events.parquet", folder, folder, selection, folder)
    users = ids[0] + pq.read_table(folder / FORMER_USERS).column(0).to_pylist()
    indptr, codes = (np.load(folder / f"{name}_{part}.npy") for part in ("indptr", "indices"))
    found = {
        user: {ids[1][code] for code in codes[indptr[row] : indptr[row + 1]]}
        for row, user in enumerate(users)
    }
    return {user: items for user, items in found.items() if items or user not in ids[0]}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n", [1, 3])
def test_leave_last__cuts_at_targets_and_no_view_after_them_is_learned(tmp_path, seed, n):
    events = random_events(seed)
    spec, _ = ingested(tmp_path, events, FEEDBACK + f'[window]\nsplit = "leave_last"\nleave_last_n = {n}\n')
    window = windows(spec, AS_OF.date(), seed=0)
    train, held = last_targets(events, RULES, n)

    matrix, _, ids = prepared(tmp_path, spec, window)
    holdout = held_out(tmp_path, window.holdout)

    weights, history = learned(train, RULES)
    assert weights_of(matrix, ids) == pytest.approx(weights)
    assert items_of_history(matrix, ids) == by_user(history)
    assert relevant(holdout) == wanted_relevant(truth(held, RULES), ids)
    wanted = {user: items & set(ids[1]) for user, items in had(train, RULES).items()}
    assert remembered(tmp_path, window.train, ids) == {
        user: items for user, items in wanted.items() if items or user not in ids[0]
    }


def test_next_items__asks_for_targets_alone_and_looks_back_on_everything(tmp_path):
    spec, _ = ingested(tmp_path, random_events(3))
    window = windows(spec, AS_OF.date(), seed=0)
    prepared(tmp_path, spec, window)

    events = held_out(tmp_path, window.holdout).events
    targets = held_out(
        tmp_path, window.holdout.model_copy(update={"targets": (), "only_targets": False})
    ).events

    assert 0 < len(events.guessed) < len(events.rows) < len(targets.rows)
    assert (np.diff(events.rows) >= 0).all()


def test_next_items__what_the_user_saw_just_before_is_there(tmp_path):
    day = int(minutes(CUT)) + 100
    events = [
        *random_events(0),
        ("v1", "i2", day, "view"),
        ("v1", "i2", day + 1, "cart"),
        ("v1", "i2", day + 2, "buy"),
        ("v1", "i1", day + 3, "view"),
        ("v2", "i1", day, "view"),  # buys nothing, so is no holdout user
    ]
    spec, _ = ingested(tmp_path, events)
    window = windows(spec, AS_OF.date(), seed=0)
    _, _, ids = prepared(tmp_path, spec, window)

    holdout = held_out(tmp_path, window.holdout)

    assert ids[0].index("v2") not in holdout.user_codes
    row = list(holdout.user_codes).index(ids[0].index("v1"))
    mine = np.flatnonzero(holdout.events.rows == row)
    assert [ids[1][item] for item in holdout.events.items[mine]] == ["i2", "i2", "i2", "i1"]
    assert [place for place in holdout.events.guessed if place in mine] == [mine[2]]


def test_baskets__the_last_one_is_held_out_and_views_before_it_are_enough_to_know_somebody(tmp_path):
    rows = [
        *(
            "u1,i1,2024-01-01,view,",
            "u1,i2,2024-01-04,view,",
            "u1,i1,2024-01-05,buy,b1",
            "u1,i2,2024-01-05,buy,b1",
            "u1,i3,2024-01-06,view,",
        ),
        *(
            "u2,i1,2024-01-01,buy,b2",
            "u2,i2,2024-01-02,view,",
            "u2,i2,2024-01-05,buy,b3",
            "u2,i3,2024-01-06,view,",
        ),
        *("u3,i1,2024-01-01,buy,b4", "u3,i2,2024-01-02,view,"),
    ]
    columns = COLUMNS + 'event = "kind"\nbasket = "order"\n'
    spec = dataset(tmp_path, FEEDBACK, columns=columns, split="leave_last_basket")
    run(tmp_path, spec, write_csv(tmp_path, rows, header="user,item,time,kind,order"))
    window = windows(spec, AS_OF.date(), seed=0)

    matrix, _, ids = prepared(tmp_path, spec, window)
    holdout = held_out(tmp_path, window.holdout)

    assert items_of_history(matrix, ids) == {"u1": ["i1"], "u2": ["i1", "i2"], "u3": ["i1", "i2"]}
    assert relevant(holdout) == [(0, 2), (1, 1)]


def test_baskets__sessions_of_views_the_day_before_the_last_purchase_are_no_training(tmp_path):
    rows = ["u1,i1,2024-01-01,view,s1", "u1,i1,2024-01-01,buy,s1", "u1,i2,2024-01-04 20:00,view,s2"]
    rows += ["u1,i2,2024-01-05 10:00,view,s3", "u1,i2,2024-01-05 10:01,buy,s3", "u1,i3,2024-01-06,view,s4"]
    rows += ["u2,i2,2024-01-01,buy,s5", "u2,i3,2024-01-01,buy,s5"]
    columns = COLUMNS + 'event = "kind"\nbasket = "session"\n'
    spec = dataset(tmp_path, FEEDBACK, columns=columns, split="leave_last_basket")
    run(tmp_path, spec, write_csv(tmp_path, rows, header="user,item,time,kind,session"))

    matrix, _, ids = prepared(tmp_path, spec, windows(spec, AS_OF.date(), seed=0))

    assert items_of_history(matrix, ids) == {"u1": ["i1", "i1"], "u2": ["i2", "i3"]}


def test_returns__a_cart_that_is_emptied_undoes_no_purchase_and_a_refund_does(tmp_path):
    late = int(minutes(CUT)) + 10
    events = [
        *random_events(0),
        ("w1", "i1", 1, "cart"),
        ("w1", "i1", 2, "uncart"),
        ("w1", "i1", 3, "buy"),
        ("w2", "i1", 1, "view"),
        ("w2", "i1", 2, "buy"),
        ("w2", "i1", 3, "refund"),
        ("w3", "i1", 1, "buy"),
        ("w3", "i1", 2, "hide"),
        *(("w1", "i2", late + at, "uncart") for at in range(5)),
        ("w1", "i2", late + 9, "buy"),
        ("w2", "i2", late, "buy"),
        ("w2", "i2", late + 1, "refund"),
    ]
    spec, _ = ingested(tmp_path, events)
    window = windows(spec, AS_OF.date(), seed=0)

    matrix, _, ids = prepared(tmp_path, spec, window)
    holdout = held_out(tmp_path, window.holdout)

    weights = weights_of(matrix, ids)
    assert (weights["w1", "i1"], weights["w2", "i1"]) == (10.0, 1.0)
    assert "w3" not in ids[0]
    asked = [ids[0][code] for code in holdout.user_codes if code >= 0]
    assert "w1" in asked
    assert "w2" not in asked


def test_inner_windows__are_cut_the_same_way(tmp_path):
    events = random_events(1)
    spec, _ = ingested(tmp_path, events, FEEDBACK + '[window]\nsplit = "leave_last"\n')
    inner = inner_windows(spec, AS_OF.date(), 0, 1)[0]
    train, held = last_targets(last_targets(events, RULES, 1)[0], RULES, 1)

    matrix, _, ids = prepared(tmp_path, spec, inner)

    assert weights_of(matrix, ids) == pytest.approx(learned(train, RULES)[0])
    assert relevant(held_out(tmp_path, inner.holdout)) == wanted_relevant(truth(held, RULES), ids)


def test_facts__count_what_speaks_against_items_and_say_what_became_of_it(tmp_path):
    events = random_events(2)
    spec, _ = ingested(tmp_path, events)
    _, facts, _ = prepared(tmp_path, spec, windows(spec, AS_OF.date(), seed=0))
    before = [event for event in events if event[2] < minutes(CUT)]
    kinds = [event[3] for event in before]

    assert facts["zero_events"] == kinds.count("hide")
    assert facts["negative_events"] == kinds.count("uncart") + kinds.count("refund")
    named = {event[:2] for event in before if event[3] != "banner"}
    assert facts["dropped_pairs"] == len(named) - len(learned(before, RULES)[0])
    assert "of types that lower" in warnings_of(facts, spec.feedback)[0]


def test_ingestion__types_are_trimmed_without_regard_to_capitals_and_counted(tmp_path):
    events = [
        *random_events(0),
        ("u1", "i1", 9, " View "),
        ("u1", "i1", 10, "BUY"),
        ("u1", "i1", 11, "Wishlist"),
    ]
    events += [("u1", "i1", 12, "")]
    _, facts = ingested(tmp_path, events, FEEDBACK.replace("}\n", "}\n", 1) + 'ignore = ["banner"]\n')
    kinds = [event[3] for event in random_events(0)]

    assert facts["event_types"] == {
        **{name: kinds.count(name) for name in ("view", "cart", "buy", "uncart", "refund", "hide", "banner")},
        "view": kinds.count("view") + 1,
        "buy": kinds.count("buy") + 1,
        "Wishlist": 1,
    }
    assert facts["rejected"] == {"missing_event_type": 1}
    (said,) = facts["warnings"]
    assert "'Wishlist' (1)" in said
    assert "weights, negative or ignore" in said


def test_ingestion__a_type_that_no_row_has_is_named(tmp_path):
    feedback = '[feedback]\nkind = "event_type"\nweights = { view = 1, buy = 10, purchase = 10 }\n'

    _, facts = ingested(tmp_path, random_events(0), feedback)

    assert any("'purchase'" in said and "'buy' (" in said for said in facts["warnings"])


def test_ingestion__refuses_a_log_without_any_target(tmp_path):
    feedback = '[feedback]\nkind = "event_type"\nweights = { view = 1, purchase = 10 }\n'

    with pytest.raises(ContractError, match=r"no accepted row .* targets = \['purchase'\].*'view' \("):
        ingested(tmp_path, random_events(0), feedback)


def test_no_negatives__nothing_is_taken_off_and_unnamed_types_are_left_out(tmp_path):
    events = [event for event in random_events(4) if event[3] in {"view", "cart", "buy", "banner"}]
    feedback = (
        '[feedback]\nkind = "event_type"\nweights = { view = 0.5, cart = 2, buy = 2 }\nignore = ["banner"]\n'
    )
    rules = Rules({"view": 0.5, "cart": 2, "buy": 2}, ("cart", "buy"))
    spec, facts = ingested(tmp_path, events, feedback)
    window = windows(spec, AS_OF.date(), seed=0)

    matrix, grouped, ids = prepared(tmp_path, spec, window)

    before = [event for event in events if event[2] < minutes(CUT)]
    assert weights_of(matrix, ids) == pytest.approx(learned(before, rules)[0])
    after = [event for event in events if event[2] >= minutes(CUT)]
    assert relevant(held_out(tmp_path, window.holdout)) == wanted_relevant(truth(after, rules), ids)
    assert not facts["warnings"]
    assert not warnings_of(grouped, spec.feedback)


def test_quantities__multiply_the_weight_of_their_type(tmp_path):
    rows = [
        "a,x,2024-01-01,sale,3",
        "a,x,2024-01-02,return,-1",
        "a,y,2024-01-01,sale,",
        "b,x,2024-01-01,sale,2",
    ]
    rows += [
        "b,x,2024-01-02,return,2",
        "b,y,2024-01-02,sale,4",
        "b,y,2024-01-03,sale,-1",
        "c,x,2024-01-01,sale,1",
    ]
    feedback = """
    [feedback]
    kind = "event_type"
    weights = { sale = 1, return = 1 }
    negative = { return = "lower" }
    as_weight = true
    """
    spec = dataset(tmp_path, feedback, columns=COLUMNS + 'event = "kind"\nvalue = "n"\n')
    run(tmp_path, spec, write_csv(tmp_path, rows, header="user,item,time,kind,n"))

    matrix, _, ids = prepared(tmp_path, spec, windows(spec, AS_OF.date(), seed=0))

    assert weights_of(matrix, ids) == {("a", "x"): 2.0, ("a", "y"): 1.0, ("b", "y"): 3.0, ("c", "x"): 1.0}


def test_ratings__below_the_threshold_end_the_pair(tmp_path):
    rows = ["a,x,2024-01-01,view,", "a,x,2024-01-02,rate,2", "a,y,2024-01-01,view,", "a,y,2024-01-02,rate,4"]
    rows += ["b,x,2024-01-01,Rate,5", "b,y,2024-01-01,view,"]
    feedback = '[feedback]\nkind = "event_type"\nweights = { view = 1, rate = 3 }\nthreshold = 4\n'
    spec = dataset(tmp_path, feedback, columns=COLUMNS + 'event = "kind"\nvalue = "stars"\n')
    facts = run(tmp_path, spec, write_csv(tmp_path, rows, header="user,item,time,kind,stars"))[0]
    window = windows(spec, AS_OF.date(), seed=0)

    matrix, _, ids = prepared(tmp_path, spec, window)

    assert weights_of(matrix, ids) == {("a", "y"): 4.0, ("b", "x"): 3.0, ("b", "y"): 1.0}
    assert remembered(tmp_path, window.train, ids) == {"a": {"x", "y"}, "b": {"x"}}
    assert facts["event_types"] == {"view": 3, "rate": 2, "rate below 4": 1}
    assert not facts["warnings"]


def test_random_split__divides_targets_of_a_log_without_times(tmp_path):
    events = [(user, item, kind) for user, item, _, kind in random_events(5)]
    rows = [",".join(event) for event in dict.fromkeys(events)]
    columns = '[columns]\nuser = "user"\nitem = "item"\nevent = "kind"\n'
    spec = dataset(tmp_path, FEEDBACK, columns=columns, split="random")
    run(tmp_path, spec, write_csv(tmp_path, rows, header="user,item,kind"))
    window = windows(spec, None, seed=0)

    matrix, _, ids = prepared(tmp_path, spec, window)
    holdout = held_out(tmp_path, window.holdout)

    pairs = {tuple(row.split(",")[:2]) for row in rows if row.endswith(",buy")}
    for code, first, end in zip(holdout.user_codes, holdout.indptr[:-1], holdout.indptr[1:], strict=True):
        user = ids[0][code]
        assert 0 < end - first < sum(pair[0] == user for pair in pairs)
        for item in holdout.items[first:end]:
            assert (user, ids[1][item]) in pairs
            assert weights_of(matrix, ids).get((user, ids[1][item]), 0) < 10
    assert holdout.n_rows > 3


def test_limit_of_events__leaves_out_views_and_what_was_bought_is_had_all_the_same(tmp_path):
    events = [*random_events(0), *(("bot", f"i{at % 6}", 100 + at, "view") for at in range(50))]
    events.append(("bot", "i1", 151, "buy"))
    spec, _ = ingested(tmp_path, events, FEEDBACK + "[cleaning]\nmax_events_per_user = 10\n")
    window = windows(spec, AS_OF.date(), seed=0)

    matrix, facts, ids = prepared(tmp_path, spec, window)

    assert len(items_of_history(matrix, ids)["bot"]) == 10
    assert facts["capped_events"] == 41
    assert remembered(tmp_path, window.train, ids)["bot"] == {"i1"}
