"""Two processes of one server on one PostgreSQL database: nothing is lost, doubled or built on what is old.

Each long poll is of the process that has it; here clients ask with their own requests.
"""

import json
import shutil

import hearth
import pytest
from hearth import Server
from test_concurrency import together

pytestmark = pytest.mark.postgres  # SQLite is for one process alone

MESSAGES = 60


@pytest.fixture
def two(tmp_path):
    """One server twice: the same database, name and signing key, other ports and folders."""
    first = Server(tmp_path / "first")
    first.start()
    second = Server(tmp_path / "second")
    second.database = first.database
    second.write_config()
    second.data.mkdir(parents=True, exist_ok=True)
    shutil.copy(first.data / "signing.key", second.data)
    second.start()
    yield first, second
    for server in (first, second):
        if server.process:
            server.stop()


def at(server, client):
    """The same user, through another process."""
    return type(client)(server, client.session)


def graph(server):
    """Events of the database: id -> prev_events."""
    rows = server.sql("SELECT pdu FROM events WHERE pos > 0").splitlines()
    return [json.loads(row) for row in rows]


def test_both_write_into_one_room(two):
    first, second = two
    alice = first.register("alice")
    bob = second.register("bob")
    room = alice.create_room(preset="public_chat", power_level_content_override={"state_default": 0})
    bob.join(room)
    sent = {}

    def talk(client, name):
        for i in range(MESSAGES):
            sent[f"{name} {i}"] = client.send(room, f"{name} {i}")
            if i % 10 == 0:
                client.set_state(room, f"org.test.{name}", {"i": i})

    together([lambda: talk(alice, "alice"), lambda: talk(bob, "bob")])
    for reader in (at(second, alice), at(first, bob), alice, bob):
        def all_there():
            page = reader.messages(room, limit=1000)
            seen = [e["content"]["body"] for e in page["chunk"] if e["type"] == "m.room.message"]
            return sorted(seen) == sorted(sent)
        hearth.eventually(all_there, what="a process does not see all that was sent")
    first.stop()
    second.stop()
    events = graph(first)
    depths = sorted(e["depth"] for e in events)
    assert depths == list(range(1, len(events) + 1)), "two events were built on the same head"
    assert all(len(e["prev_events"]) == 1 for e in events if e["type"] != "m.room.create")


def test_a_logout_is_heard_of(two):
    first, second = two
    alice = first.register("alice")
    twin = at(second, alice)
    hearth.eventually(lambda: twin.call("GET", "/account/whoami").status == 200)
    alice.post("/logout")
    hearth.eventually(lambda: twin.call("GET", "/account/whoami").status == 401, what="a token outlived its logout")
