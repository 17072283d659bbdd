"""Edits, threads, references and reactions, and what of them is told with the events that they are about (client-server
API, "Aggregations of child events", "Event replacements", "Threading", "Reference relations")."""

import json

import pytest

from hearth import refused


@pytest.fixture
def room(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    return room


def relate(client, room, rel_type, parent, event_type="m.room.message", body="r", **more):
    content = {"msgtype": "m.text", "body": body, "m.relates_to": {"rel_type": rel_type, "event_id": parent, **more}}
    if rel_type == "m.replace":
        content["m.new_content"] = {"msgtype": "m.text", "body": body}
    return client.send(room, content, event_type)


def react(client, room, parent, key):
    return client.send(room, {"m.relates_to": {"rel_type": "m.annotation", "event_id": parent, "key": key}},
                       "m.reaction")


def bundled(event):
    return event.get("unsigned", {}).get("m.relations")


def everywhere(client, room, event_id, limit=10):
    """The event as each endpoint gives it that bundles."""
    room_filter = json.dumps({"room": {"timeline": {"limit": limit}}})
    timeline = client.sync(filter=room_filter)["rooms"]["join"][room]["timeline"]["events"]
    chunk = client.messages(room, limit=100)["chunk"]
    context = client.get("/rooms/{}/context/{}", room, event_id, query={"limit": 0})
    places = {"/event": client.event(room, event_id), "/context": context["event"],
              "/messages": next(e for e in chunk if e["event_id"] == event_id)}
    for event in timeline:
        if event["event_id"] == event_id:
            places["/sync"] = event
    return places


def test_the_newest_edit_is_told_with_the_message(alice, bob, room):
    root = alice.send(room, "before")
    relate(alice, room, "m.replace", root, body="first")
    second = relate(alice, room, "m.replace", root, body="second")
    relate(bob, room, "m.replace", root, body="not bob's to edit")
    places = everywhere(bob, room, root)
    assert len(places) == 4
    for place, event in places.items():
        assert event["content"]["body"] == "before", place  # is left as it was
        edit = bundled(event)["m.replace"]
        assert edit["event_id"] == second, place
        assert edit["content"]["m.new_content"]["body"] == "second"
        assert (edit["sender"], edit["type"], edit["room_id"]) == (alice.user_id, "m.room.message", room)
        assert edit["origin_server_ts"] > 0 and "age" in edit["unsigned"]


def test_redacting_an_edit_brings_back_the_one_before(alice, room):
    root = alice.send(room, "before")
    first = relate(alice, room, "m.replace", root, body="first")
    second = relate(alice, room, "m.replace", root, body="second")
    alice.redact(room, second)
    assert bundled(alice.event(room, root))["m.replace"]["event_id"] == first
    alice.redact(room, first)
    assert bundled(alice.event(room, root)) is None
    relate(alice, room, "m.replace", root, body="third")
    assert bundled(alice.event(room, root))
    alice.redact(room, root)
    assert bundled(alice.event(room, root)) is None


def test_threads(alice, bob, carol, room):
    carol.join(room)
    root = alice.send(room, "root")
    first = relate(bob, room, "m.thread", root)
    last = relate(bob, room, "m.thread", root, body="last")
    edit = relate(bob, room, "m.replace", last, body="edited")
    for place, event in everywhere(carol, room, root).items():
        thread = bundled(event)["m.thread"]
        assert (thread["count"], thread["current_user_participated"]) == (2, False), place
        assert thread["latest_event"]["event_id"] == last and thread["latest_event"]["room_id"] == room
        assert bundled(thread["latest_event"])["m.replace"]["event_id"] == edit
    for who in (alice, bob):
        assert bundled(who.event(room, root))["m.thread"]["current_user_participated"] is True
    bob.redact(room, last)
    alice.redact(room, root)  # what is in the thread stays
    thread = bundled(alice.event(room, root))["m.thread"]
    assert (thread["count"], thread["latest_event"]["event_id"]) == (1, first)
    bob.redact(room, first)
    assert bundled(alice.event(room, root)) is None


def test_no_thread_starts_in_a_thread(alice, room):
    root = alice.send(room, "root")
    for related in (relate(alice, room, "m.thread", root), relate(alice, room, "m.replace", root),
                    react(alice, room, root, "+")):
        with refused("M_UNKNOWN", 400):
            relate(alice, room, "m.thread", related)
    reply = alice.send(room, {"msgtype": "m.text", "body": "r", "m.relates_to": {"m.in_reply_to": {"event_id": root}}})
    relate(alice, room, "m.thread", reply)  # a rich reply is no relation
    assert bundled(alice.event(room, reply))["m.thread"]["count"] == 1


def test_references_in_order(alice, bob, room):
    root = alice.send(room, "root")
    children = [relate(who, room, "m.reference", root, "org.example.poll.answer") for who in (alice, bob, alice)]
    alice.redact(room, children[0])
    for place, event in everywhere(bob, room, root).items():
        assert bundled(event) == {"m.reference": {"chunk": [{"event_id": e} for e in children[1:]]}}, place


def test_reactions_are_not_aggregated_and_not_repeated(alice, bob, room):
    root = alice.send(room, "root")
    first = react(alice, room, root, "👍")
    react(alice, room, root, "👎")
    react(bob, room, root, "👍")
    assert bundled(alice.event(room, root)) is None
    with refused("M_DUPLICATE_ANNOTATION", 400):
        react(alice, room, root, "👍")
    alice.redact(room, first)
    react(alice, room, root, "👍")


def test_encrypted_edits(alice, room):
    root = alice.send(room, {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "a"}, "m.room.encrypted")
    edit = alice.send(room, {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "b",
                             "m.relates_to": {"rel_type": "m.replace", "event_id": root}}, "m.room.encrypted")
    assert bundled(alice.event(room, root))["m.replace"]["event_id"] == edit


@pytest.mark.parametrize("relates_to", [
    None, 7, [], "m.thread", {}, {"rel_type": "m.thread"}, {"event_id": "ROOT"},
    {"rel_type": ["m.thread"], "event_id": "ROOT"}, {"rel_type": "m.thread", "event_id": {"a": "ROOT"}},
    {"rel_type": "m.thread", "event_id": "ROOT\0"}, {"rel_type": "x" * 300, "event_id": "ROOT"},
    {"rel_type": "m.thread\0", "event_id": "ROOT"}, {"rel_type": "m.reference", "event_id": "$" + "x" * 1000},
    {"rel_type": "m.annotation", "event_id": "ROOT", "key": "k" * 30000},
    {"rel_type": "m.annotation", "event_id": "ROOT", "key": {}},
])
def test_what_does_not_match_the_schema_is_an_event_as_any_other(alice, room, relates_to):
    root = alice.send(room, "root")
    content = {"msgtype": "m.text", "body": "r", "m.relates_to": relates_to}
    content = json.loads(json.dumps(content).replace("ROOT", root))
    event_id = alice.send(room, content)
    assert alice.event(room, event_id)["content"] == content
    assert bundled(alice.event(room, root)) is None
    alice.redact(room, event_id)


def test_relations_survive_a_restart(own_server):
    own_server.start()
    alice = own_server.register("alice")
    room = alice.create_room()
    root = alice.send(room, "root")
    relate(alice, room, "m.thread", root)
    before = bundled(alice.event(room, root))["m.thread"]["count"]
    own_server.kill()
    own_server.start()
    assert before == bundled(alice.event(room, root))["m.thread"]["count"] == 1


def test_a_sync_without_a_gap_leaves_it_to_the_client(alice, room):
    since = alice.sync()["next_batch"]
    root = alice.send(room, "root")
    relate(alice, room, "m.thread", root)
    def timeline(limit, **query):
        room_filter = json.dumps({"room": {"timeline": {"limit": limit}}, **query})
        return alice.sync(since, filter=room_filter)["rooms"]["join"][room]["timeline"]
    whole = timeline(10)
    assert not whole["limited"] and [bundled(e) for e in whole["events"]] == [None, None]
    alice.send(room, "more")
    limited = timeline(2)
    assert limited["limited"]
    edit = relate(alice, room, "m.replace", alice.send(room, "last"))
    limited = timeline(2, event_format="federation")
    assert limited["limited"] and "auth_events" in limited["events"][0]
    edited = bundled(limited["events"][0])["m.replace"]
    assert edited["event_id"] == edit and "auth_events" in edited


def test_many_relations_to_one_event(alice, room):
    root = alice.send(room, "root")
    for i in range(150):
        relate(alice, room, "m.reference", root)
        relate(alice, room, "m.thread", root)
    aggregated = bundled(alice.event(room, root))
    assert aggregated["m.thread"]["count"] == 150
    assert len(aggregated["m.reference"]["chunk"]) == 100
