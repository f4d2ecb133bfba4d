"""Pictures of a run: figures of its page that stand alone."""

import base64
from xml.etree import ElementTree as ET

from report_facts import METRIC, make_content, make_findings

from tasks.report.data_uris import pictures
from tasks.report.task import page_content

SVG = "{http://www.w3.org/2000/svg}svg"


def drawn(uri):
    kind, _, text = uri.partition(",")
    assert kind == "data:image/svg+xml;base64"
    return ET.fromstring(base64.b64decode(text))


def test_pictures__are_whole_svgs_with_colours_of_their_own():
    found = pictures(page_content(**make_content()))

    assert set(found) == {"metrics-plot", "history-plot", "learning-wals"}
    assert found.pop("learning-wals")[1] == "wals, step by step of its training"
    for uri, meaning in found.values():
        picture = drawn(uri)
        assert picture.tag == SVG
        assert "background" in picture.attrib["style"]
        assert METRIC in meaning


def test_pictures__show_the_scenario_that_decides():
    for scenario in ("repeat", "discovery"):
        findings = make_findings(gate={"scenario": scenario})
        _, meaning = pictures(page_content(**make_content(findings)))["metrics-plot"]

        assert f"in the {scenario} scenario" in meaning
