import pytest
from pydantic import ValidationError

from data_contracts.variants_section import VariantsSection


def section(**shares):
    arms = {name: {"share": share, "publication": "live"} for name, share in shares.items()}
    return VariantsSection.model_validate({"salt": "s", "arms": arms})


def test_arm_of__splits_users_by_the_shares_and_keeps_them():
    variants = section(a=0.7, b=0.2, c=0.1)
    arms = [variants.arm_of(f"user {at}") for at in range(5000)]

    assert [arms.count(name) / 5000 for name in "abc"] == pytest.approx([0.7, 0.2, 0.1], abs=0.03)
    assert arms == [variants.arm_of(f"user {at}") for at in range(5000)]


def test_variants__refuses_shares_that_leave_users_over():
    with pytest.raises(ValidationError, match=r"add up to 0\.9"):
        section(a=0.5, b=0.4)


def test_variants__refuses_an_arm_of_two_minds():
    with pytest.raises(ValidationError, match="exactly one of publication and model"):
        VariantsSection.model_validate(
            {"salt": "s", "arms": {"a": {"share": 0.5}, "b": {"share": 0.5, "publication": "live"}}}
        )
