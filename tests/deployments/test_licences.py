from deployments.licences import PAGE, licence_of, pinned


def test_page__names_every_package_that_is_pinned_in_its_version():
    text = PAGE.read_text("utf-8")

    absent = [name for name, version in pinned().items() if f"| {name} | {version} |" not in text]
    assert absent == [], "run python -m deployments.licences"


def test_licence_of__is_what_a_package_says():
    assert "BSD" in licence_of("numpy")
    assert licence_of("no-such-package").startswith("not installed")
