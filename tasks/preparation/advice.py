"""What to do when a split leaves nothing to learn from or to score: words that fit the split."""

from data_contracts.selection import Selection


def too_little_to_learn(selection: Selection) -> str:
    """What would help where the training side holds fewer than two users or items."""
    if selection.split == "leave_last":
        return (
            f"the last {selection.leave_last_n} events of each user are held out and the rest is too little: write a "
            "smaller leave_last_n under [window], or give a log in which users have more events"
        )
    if selection.split == "random":
        return (
            f"{selection.random_share:.0%} of each user's events are held out and the rest is too little: write a "
            "smaller random_share under [window], or give a log in which users have more events"
        )
    lower = "" if selection.threshold is None else ", or a lower threshold under [feedback]"
    if selection.end is None:
        return f"give a larger log{lower}"
    if selection.start is not None:
        return f"choose a later --as-of, fewer holdout_days or a longer lookback_days under [window]{lower}"
    # Without a lookback a later day adds events only where the log has some after the cut.
    return (
        "choose a later --as-of if the log goes on after it; if it spans fewer days than holdout_days, write fewer of "
        f"them, or split = 'leave_last', under [window]{lower}"
    )


def nothing_to_score(selection: Selection) -> str:
    """What would help where no event with a known item is held out."""
    if selection.split == "leave_last":
        return (
            "a user's last events are held out only from those with more: every user has one event, or leave_last_n is "
            "more than they have; write split = 'time' under [window], or a smaller leave_last_n; if each session has an "
            "id of its own, name the column of the person as user"
        )
    if selection.split == "random":
        return (
            "a share is held out only of users with more than one event; write split = 'time' under [window], or name "
            "the column of the person as user if each session has an id of its own"
        )
    return (
        "choose an --as-of at which the log has events, or more holdout_days under [window]; if all events are of one day "
        "or no item comes back, write split = 'leave_last'"
    )
