import json

import pytest

from data_contracts.dataset_files import FOLDER
from tasks.onboarding.reference import schema, texts


def test_texts__are_what_the_docs_hold():
    for path, text in texts().items():
        assert path.read_text("utf-8") == text, "run python -m tasks.onboarding.reference"


def test_page__names_every_section_and_every_kind_of_model():
    page = next(text for path, text in texts().items() if path.suffix == ".md")

    for title in (
        "## [source]",
        "## [columns]",
        "## [rules]",
        "## [cluster]",
        'kind = "wals"',
        "`max_reject_rate`",
    ):
        assert title in page


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_schema__takes_the_datasets_of_the_project(path):
    jsonschema = pytest.importorskip("jsonschema")
    import tomllib

    # TOML has dates, of which JSON knows the text alone.
    found = json.loads(json.dumps(tomllib.loads(path.read_text("utf-8")), default=str))
    jsonschema.validate(found, schema())


def test_schema__refuses_a_misspelt_key():
    jsonschema = pytest.importorskip("jsonschema")

    wrong = {"name": "a", "source": {"path": "x", "fromat": "csv"}, "columns": {"user": "u", "item": "i"}}
    with pytest.raises(jsonschema.ValidationError, match="fromat"):
        jsonschema.validate(wrong, schema())
