"""Ignored users (client-server API, module "Ignoring Users"): what others send and one does not want to hear of."""

import pytest

import hearth
from hearth import refused


def ignore(client, *others):
    client.put("/user/{}/account_data/m.ignored_user_list", client.user_id,
               body={"ignored_users": {other.user_id: {} for other in others}})


def bodies(events):
    return [e["content"]["body"] for e in events if "body" in e["content"]]


def timeline(answer, room):
    return answer["rooms"].get("join", {}).get(room, {}).get("timeline", {}).get("events", [])


@pytest.fixture
def shared(alice, bob, carol):
    room = alice.create_room(preset="public_chat", power_level_content_override={"events": {"m.room.topic": 0}})
    bob.join(room)
    carol.join(room)
    return room


@pytest.mark.parametrize("content", [
    {"ignored_users": None}, {"ignored_users": []}, {"ignored_users": {"bob": {}}}, {"ignored_users": {"@bob:x": 1}},
    {"users": {}}])
def test_a_list_that_is_none(alice, content):
    answer = alice.call("PUT", "/user/{}/account_data/m.ignored_user_list", alice.user_id, body=content)
    assert answer.status == 400 and "ignored_users" in answer.json["error"], answer
    with refused("M_NOT_FOUND", 404):
        alice.get("/user/{}/account_data/m.ignored_user_list", alice.user_id)


def test_a_list_has_an_end(alice):
    def put(count):
        return alice.call("PUT", "/user/{}/account_data/m.ignored_user_list", alice.user_id,
                          body={"ignored_users": {f"@user{i}:{hearth.NAME}": {} for i in range(count)}})
    assert put(1000).status == 200
    assert put(1001).errcode == "M_TOO_LARGE"


def test_sync_leaves_out_messages_and_keeps_state(alice, bob, carol, shared):
    ignore(alice, bob)
    since = alice.sync()["next_batch"]
    bob.send(shared, "unheard")
    carol.send(shared, "heard")
    bob.set_state(shared, "m.room.topic", {"topic": "of bob"})
    bob.send(shared, "unheard too")
    events = timeline(alice.sync(since), shared)
    assert [e["type"] for e in events] == ["m.room.message", "m.room.topic"] and bodies(events) == ["heard"]
    assert bodies(timeline(alice.sync(), shared)) == ["heard"]
    # Everybody else hears him.
    assert bodies(timeline(carol.sync(), shared)) == ["unheard", "heard", "unheard too"]


def test_a_change_counts_at_once_and_is_no_replay(alice, bob, shared):
    since = alice.sync()["next_batch"]
    ignore(alice, bob)
    bob.send(shared, "unheard")
    answer = alice.sync(since)
    assert timeline(answer, shared) == []
    assert [e["type"] for e in answer["account_data"]["events"]] == ["m.ignored_user_list"]
    ignore(alice)
    bob.send(shared, "heard")
    assert bodies(timeline(alice.sync(answer["next_batch"]), shared)) == ["heard"]
    assert bodies(timeline(alice.sync(), shared)) == ["unheard", "heard"]


def test_a_long_poll_sleeps_on(alice, bob, shared):
    ignore(alice, bob)
    since = alice.sync()["next_batch"]
    bob.send(shared, "unheard")
    answer = alice.sync(since, timeout=300)
    assert answer["rooms"]["join"] == {}


def test_unread_counts(alice, bob, carol, shared):
    ignore(alice, bob)
    bob.send(shared, "unheard")
    carol.send(shared, "heard")
    bob.send(shared, {"msgtype": "m.text", "body": "@alice", "m.mentions": {"user_ids": [alice.user_id]}})
    counts = alice.sync()["rooms"]["join"][shared]["unread_notifications"]
    assert counts == {"highlight_count": 0, "notification_count": 1}


def test_invites(alice, bob, carol):
    ignore(alice, bob)
    since = alice.sync()["next_batch"]
    unheard, heard = bob.create_room(invite=[alice.user_id]), carol.create_room(invite=[alice.user_id])
    assert alice.sync(since)["rooms"]["invite"].keys() == {heard}
    assert alice.sync()["rooms"]["invite"].keys() == {heard}
    ignore(alice)
    assert alice.sync()["rooms"]["invite"].keys() == {heard, unheard}


def test_typing_and_receipts(alice, bob, carol, shared):
    event = alice.send(shared, "read me")
    ignore(alice, bob)
    since = alice.sync()["next_batch"]
    for client in (bob, carol):
        client.put("/rooms/{}/typing/{}", shared, client.user_id, body={"typing": True, "timeout": 20000})
        client.read(shared, event)
    events = {e["type"]: e["content"] for e in alice.sync(since)["rooms"]["join"][shared]["ephemeral"]["events"]}
    assert events["m.typing"] == {"user_ids": [carol.user_id]}
    assert events["m.receipt"][event]["m.read"].keys() == {carol.user_id}


def test_history(alice, bob, carol, shared):
    first = carol.send(shared, "first")
    unheard = bob.send(shared, "unheard")
    topic = bob.set_state(shared, "m.room.topic", {"topic": "of bob"})
    carol.send(shared, "last")
    ignore(alice, bob)
    for direction in "bf":
        found = alice.all_messages(shared, direction)
        assert sorted(bodies(found)) == ["first", "last"]
    assert any(e["event_id"] == topic for e in found)
    around = alice.get("/rooms/{}/context/{}", shared, first)
    assert bodies(around["events_after"]) == ["last"]
    for path in ("/rooms/{}/context/{}", "/rooms/{}/event/{}"):
        with refused("M_NOT_FOUND", 404):
            alice.get(path, shared, unheard)
    assert alice.event(shared, topic)["content"] == {"topic": "of bob"}
    assert carol.event(shared, unheard)["content"]["body"] == "unheard"


def test_members_of_the_time_of_an_ignored_message(alice, bob, carol, shared):
    ignore(alice, bob)
    bob.send(shared, "unheard")
    then = alice.sync()["next_batch"]
    carol.leave(shared)
    members = alice.get("/rooms/{}/members", shared, query={"at": then, "membership": "join"})["chunk"]
    assert {e["state_key"] for e in members} == {alice.user_id, bob.user_id, carol.user_id}


def test_aggregations(alice, bob, carol, shared):
    def reply(client, body):
        return client.send(shared, {"msgtype": "m.text", "body": body,
                                    "m.relates_to": {"rel_type": "m.thread", "event_id": root}})

    root = alice.send(shared, "root")
    heard = reply(carol, "heard")
    reply(bob, "unheard")
    for _ in range(10):
        reply(bob, "unheard too")
    ignore(alice, bob)
    thread = alice.event(shared, root)["unsigned"]["m.relations"]["m.thread"]
    assert thread["latest_event"]["event_id"] == heard and thread["count"] == 1
    assert carol.event(shared, root)["unsigned"]["m.relations"]["m.thread"]["count"] == 12
    reply(carol, "heard too")
    assert alice.event(shared, root)["unsigned"]["m.relations"]["m.thread"]["count"] == 2
