import pytest

from tasks.onboarding.event_words import INTEREST, TAKEN, VIEW, Meaning, known_share, meaning


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("view", Meaning(VIEW)),
        ("Product Viewed", Meaning(VIEW)),
        ("ViewContent", Meaning(VIEW)),
        ("add_to_cart", Meaning(INTEREST)),
        ("In den Warenkorb", Meaning(INTEREST)),
        ("J'aime", Meaning(INTEREST)),
        ("Order Completed", Meaning(TAKEN)),
        ("Acheté", Meaning(TAKEN)),
        ("购买", Meaning(TAKEN)),
        ("remove_from_cart", Meaning(INTEREST, "lower")),
        ("Rückgabe", Meaning(TAKEN, "lower")),
        ("not interested", Meaning(0, "exclude")),
        ("Impression", Meaning(0, "ignore")),
        ("prepayment", None),
        ("Germany", None),
        ("", None),
    ],
)
def test_meaning__knows_words_whatever_they_are_written_like(label, said):
    assert meaning(label) == said


@pytest.mark.parametrize(
    ("counts", "names", "share"),
    [
        ({"view": 90, "purchase": 10}, ["event"], 1.0),
        ({"view": 60, "xyz": 40}, ["event"], 0.6),
        ({"view": 60, "xyz": 40}, ["column3"], 0.0),  # the name does not help
        ({"view": 60, "purchase": 40}, ["column3"], 1.0),
        ({"impression": 90, "scroll": 10}, ["event"], 0.0),  # nothing speaks for an item
        ({"return": 90, "refund": 10}, ["type"], 0.0),
        ({"completed": 90, "cancelled": 10}, ["order", "status"], 0.0),
        ({"web": 50, "app": 50}, ["channel"], 0.0),
        ({"card": 50, "invoice": 45, "sale": 5}, ["payment", "type"], 0.0),
    ],
)
def test_known_share__is_0_for_columns_of_something_else(counts, names, share):
    assert known_share(counts, names) == pytest.approx(share)
