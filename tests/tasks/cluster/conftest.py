import pytest

pytest.importorskip("distributed")


def pytest_collection_modifyitems(items):
    for item in items:
        if "/tasks/cluster/" in str(item.path):
            item.add_marker(pytest.mark.cluster)
