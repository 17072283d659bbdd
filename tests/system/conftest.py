"""Fixtures: a server for each file of tests, and users of it. See hearth.py."""

import pytest

import hearth


def pytest_collection_modifyitems(items):
    """No test may hang, whatever the server does."""
    other = "sqlite" if hearth.POSTGRES else "postgres"
    items[:] = [item for item in items if not item.get_closest_marker(other)]
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(hearth.seconds(60)))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for the tests of a file, which make users and rooms of their own. It must end well."""
    with hearth.Server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def own_server(tmp_path):
    """A server for one test, not started yet."""
    server = hearth.Server(tmp_path)
    yield server
    if server.process:
        server.stop()
    server.assert_no_report()


@pytest.fixture
def alice(server):
    return server.register("alice")


@pytest.fixture
def bob(server):
    return server.register("bob")


@pytest.fixture
def carol(server):
    return server.register("carol")


@pytest.fixture
def room(alice):
    """A private room of alice's."""
    return alice.create_room()
