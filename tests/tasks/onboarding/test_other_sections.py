from data_contracts.dataset import DatasetSpec
from tasks.onboarding.other_sections import other_keys, other_sections

DRAFTED = {"source", "columns", "items", "rules", "variants", "cancellation", "notify"}
BASE = 'name = "a"\n[source]\npath = "a.csv"\n[columns]\nuser = "u"\nitem = "i"\ntime = "t"\n'


def test_other_sections__are_what_a_file_has_without_them(tmp_path):
    lines = "\n".join(other_sections(DRAFTED)).splitlines()
    stated = [line.removeprefix("# ") for line in lines if " = ..." not in line]
    (tmp_path / "with.toml").write_text(BASE + "\n".join(stated), "utf-8")
    (tmp_path / "without.toml").write_text(BASE, "utf-8")

    stating, silent = (DatasetSpec.load(tmp_path / f"{name}.toml") for name in ("with", "without"))

    assert sum("=" in line for line in stated) > 30
    assert stating.model_copy(update={"file": silent.file}) == silent


def test_other_sections__leave_out_what_is_drafted():
    text = "\n".join(other_sections(DRAFTED))

    assert "# [export]" in text
    assert "# [cluster]" in text
    assert not any(f"# [{name}]" in text for name in DRAFTED)
    assert "# [[notify]]\n# kind = ..." in "\n".join(other_sections(set()))


def test_other_keys__are_those_that_the_lines_do_not_name_and_that_concern_the_log():
    lines = ['kind = "rating"', "# threshold = 4"]
    keys = [line.split()[1] for line in other_keys("feedback", lines, {"``rating``"})]

    assert keys == ["clip_quantile", "as_weight"]
    source = " ".join(other_keys("source", [], {"Excel", "a folder"}))
    assert all(f"# {key} = " in source for key in ("sheet", "header", "files", "null_values"))
    assert not any(f"# {key} = " in source for key in ("path", "url_env", "delimiter", "member"))
