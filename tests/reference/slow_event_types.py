"""What a log of event types is to a run, the slow and obvious way: one pair, one user after the other."""

from collections import defaultdict
from dataclasses import dataclass, field

DAY = 24 * 60
"""Minutes before a held-out target from which on other events are held out, too."""


@dataclass
class Rules:
    """``[feedback]`` of kind ``event_type``."""

    weights: dict[str, float]
    targets: tuple[str, ...]
    negative: dict[str, str] = field(default_factory=dict)

    def weight(self, kind):
        if self.negative.get(kind) == "lower":
            return -self.weights[kind]
        return self.weights.get(kind, 0.0)

    def is_positive(self, kind):
        return self.weight(kind) > 0


def learned(events, rules):
    """{(user, item): weight} and [(user, time, item, type)] of (user, item, time, type) events of a training side."""
    pairs = defaultdict(list)
    for event in events:
        pairs[event[:2]].append(event)
    weights, history = {}, []
    for pair, theirs in pairs.items():
        kinds = [event[3] for event in theirs]
        if any(rules.negative.get(kind) == "exclude" for kind in kinds):
            continue
        taken = [-rules.weight(kind) for kind in kinds if rules.weight(kind) < 0]
        left = sum(rules.weight(kind) for kind in kinds)
        brought = [event for event in theirs if rules.is_positive(event[3])]
        # What outweighs all that was taken off is safe; of the rest the light and old survive.
        brought.sort(
            key=lambda event: (
                rules.weight(event[3]) <= max(taken, default=0),
                rules.weight(event[3]),
                event[2],
            )
        )
        if left <= 0:
            continue
        weights[pair] = left
        for event in brought:
            if left > 0:
                history.append((event[0], event[2], event[1], event[3]))
            left -= rules.weight(event[3])
    return weights, sorted(history)


def truth(events, rules):
    """{user: items} of a held-out side."""
    least = min(rules.weights[kind] for kind in rules.targets)
    asked = [
        event
        for event in events
        if event[3] in rules.targets
        or rules.negative.get(event[3]) == "exclude"
        or (rules.negative.get(event[3]) == "lower" and rules.weights[event[3]] >= least)
    ]
    found = defaultdict(set)
    for user, item in learned(asked, rules)[0]:
        found[user].add(item)
    return dict(found)


def had(events, rules):
    """{user: items} of everything before the cut, whatever the window."""
    found = defaultdict(set)
    for user, item, _, kind in events:
        if kind in rules.targets or rules.negative.get(kind) == "exclude":
            found[user].add(item)
    return dict(found)


def last_targets(events, rules, n):
    """(training side, held-out side) where each user's last n targets are held out; times are minutes."""
    train, held = [], []
    for user in {event[0] for event in events}:
        mine = sorted((event for event in events if event[0] == user), key=lambda event: event[2])
        targets = [event for event in mine if event[3] in rules.targets]
        others = [event for event in mine if rules.is_positive(event[3]) and event[3] not in rules.targets]
        spare = bool(targets and others and others[0][2] < targets[0][2] - DAY)
        n_held = min(n, len(targets) - (not spare))
        cut = targets[-n_held][2] if n_held > 0 else float("inf")
        for event in mine:
            is_held = event[2] >= (cut if event[3] in rules.targets else cut - DAY)
            (held if is_held else train).append(event)
    return train, held
