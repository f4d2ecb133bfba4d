import pytest

from tasks.onboarding.values import NumberFormat, guess_feedback, guess_numbers, guess_truth


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2.5"], (".", "", "")),
        (["1,5", "22,50"], (",", "", "")),
        (["1,234.50", "2.00"], (".", ",", "")),
        (["1.234,50", "2,00"], (",", ".", "")),
        (["1,234", "12,500"], (".", ",", "")),
        (["€ 1,50", "€ 22,00"], (",", "", "€")),
        (["5 stars", "4 stars"], (".", "", "stars")),
        (["Mug 5", "Mug 6"], None),
        (["view", "buy"], None),
        ([], None),
    ],
)
def test_guess_numbers__finds_marks_and_units(values, expected):
    assert guess_numbers(values) == (expected and NumberFormat(*expected))


def test_guess_truth__only_where_nothing_else_is_said():
    assert guess_truth(["Yes", "No", "Yes"]) == (("Yes",), ("No",))
    assert guess_truth(["Yes", "No", "Maybe"]) is None
    assert guess_truth(["1", "1"]) is None


@pytest.mark.parametrize(
    ("numbers", "threshold"),
    [
        ([1.0, 5.0], 4.0),
        ([0.0, 10.0], 7.0),
        ([1.0, 100.0], 70.0),
        ([-1.0, 1.0], 1.0),
        ([-10.0, *range(-9, 11)], 4.0),
        ([-1.0, 6.0, 10.0], 7.0),
    ],
)
def test_guess_feedback__threshold_lies_inside_the_scale(numbers, threshold):
    texts = [str(number) for number in numbers]

    assert guess_feedback("rating", texts, numbers) == {"kind": "rating", "threshold": threshold}


@pytest.mark.parametrize(
    ("name", "numbers", "kind"),
    [
        ("clicked", [0.0, 1.0], "quantity"),
        ("qty", [1.0, 3.0], "quantity"),
        ("playtime", [10.0, 99.0], "duration"),
    ],
)
def test_guess_feedback__kinds(name, numbers, kind):
    assert guess_feedback(name, list(map(str, numbers)), numbers)["kind"] == kind


def test_guess_feedback__labels_from_weak_to_strong():
    assert guess_feedback("event", ["buy", "view", "cart"], [])["labels"] == ["view", "cart", "buy"]
    assert guess_feedback(None, [], []) == {"kind": "count"}
