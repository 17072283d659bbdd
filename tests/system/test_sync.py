"""GET /sync: sections, deltas, long polling (client-server API, "Syncing")."""

import statistics
import threading
import time

import pytest

import hearth
from hearth import bodies, ids, refused

REQUIRED = {"next_batch", "device_one_time_keys_count", "device_unused_fallback_key_types"}
UNSTABLE_AFTER = "org.matrix.msc4222."


def timeline_of(answer, room, section="join"):
    return answer["rooms"][section][room]["timeline"]


def apply_state(answer, room, known=None, section="join"):
    """What a client knows of the room's state after an answer: {(type, key): event id}."""
    known = dict(known or {})
    part = answer["rooms"].get(section, {}).get(room)
    if part:
        for event in part["state"]["events"] + part["timeline"]["events"]:
            if "state_key" in event:
                known[event["type"], event["state_key"]] = event["event_id"]
    return known


def now(client, room):
    return {key: event["event_id"] for key, event in client.all_state(room).items()}


def in_background(work):
    """Runs work in a thread; returns a function that waits for what it gave."""
    result = []
    thread = threading.Thread(target=lambda: result.append(work()))
    thread.start()

    def wait():
        thread.join(hearth.seconds(30))
        assert result, "the request did not end, or failed"
        return result[0]
    return wait


# --- what an answer holds ---

def test_a_new_user_sees_an_empty_world(alice):
    answer = alice.sync()
    assert REQUIRED <= answer.keys()
    assert answer.get("rooms", {}).get("join", {}) == {}
    rules, = (e for e in answer["account_data"]["events"] if e["type"] == "m.push_rules")
    assert {"override", "underride", "content", "room", "sender"} <= rules["content"]["global"].keys()


def test_initial(alice, bob):
    room = alice.create_room(name="Hearth", preset="public_chat")
    bob.join(room)
    sent = [alice.send(room, f"message {i}") for i in range(3)]
    answer = alice.sync(filter={"room": {"timeline": {"limit": 3}}})
    part = answer["rooms"]["join"][room]
    assert ids(part["timeline"]["events"]) == sent and part["timeline"]["limited"]
    assert part["timeline"]["prev_batch"]
    # The state at the start of the timeline, once each, without the room's id.
    assert apply_state(answer, room) == now(alice, room)
    assert len(part["state"]["events"]) == len(now(alice, room))
    assert all("room_id" not in e for e in part["state"]["events"] + part["timeline"]["events"])
    assert part["summary"]["m.joined_member_count"] == 2
    assert part["unread_notifications"] == {"highlight_count": 0, "notification_count": 0}


def test_initial_of_a_short_room_is_complete(alice):
    room = alice.create_room()
    answer = alice.sync(filter={"room": {"timeline": {"limit": 100}}})
    part = answer["rooms"]["join"][room]
    assert not part["timeline"].get("limited")
    assert part["timeline"]["events"][0]["type"] == "m.room.create"
    assert part["state"]["events"] == []


def test_incremental(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    since = alice.sync()["next_batch"]
    quiet = alice.sync(since)
    assert quiet.get("rooms", {}).get("join", {}) == {}
    sent = [bob.send(room, "one"), alice.set_state(room, "m.room.name", {"name": "New"}), bob.send(room, "two")]
    answer = alice.sync(quiet["next_batch"])
    part = answer["rooms"]["join"][room]
    assert ids(part["timeline"]["events"]) == sent
    assert not part["timeline"].get("limited")
    assert part["state"]["events"] == []
    assert alice.sync(answer["next_batch"]).get("rooms", {}).get("join", {}) == {}
    # Only rooms with news.
    other = alice.create_room()
    assert set(alice.sync(answer["next_batch"])["rooms"]["join"]) == {other}


def test_the_same_since_gives_the_same_answer(alice, bob):
    room = alice.create_room(preset="public_chat")
    since = alice.sync()["next_batch"]
    bob.join(room)
    bob.send(room, "hello")
    alice.put("/user/{}/account_data/org.example", alice.user_id, body={"n": 1})
    first, second = alice.sync(since), alice.sync(since)
    for answer in (first, second):
        for event in timeline_of(answer, room)["events"]:
            event["unsigned"].pop("age", None)
    assert first == second
    assert bodies(timeline_of(first, room)["events"]) == ["hello"]


def test_limited_timeline_and_its_state(alice, bob):
    room = alice.create_room(preset="public_chat", name="first")
    bob.join(room)
    first = alice.sync()
    known = apply_state(first, room)
    assert known == now(alice, room)
    name = alice.set_state(room, "m.room.name", {"name": "second"})
    topic = alice.set_state(room, "m.room.topic", {"topic": "one"})
    sent = [bob.send(room, f"message {i}") for i in range(5)]
    late = alice.set_state(room, "m.room.topic", {"topic": "two"})
    answer = alice.sync(first["next_batch"], filter={"room": {"timeline": {"limit": 3}}})
    part = answer["rooms"]["join"][room]
    assert part["timeline"]["limited"]
    assert ids(part["timeline"]["events"]) == [*sent[-2:], late]
    # The delta goes to the start of the timeline; what the timeline brings is not in it.
    assert sorted(ids(part["state"]["events"])) == sorted([name, topic])
    assert apply_state(answer, room, known) == now(alice, room)
    # The gap is closed from `since` to `prev_batch`.
    gap = alice.all_messages(room, "f", first["next_batch"], to=part["timeline"]["prev_batch"])
    assert ids(gap) == [name, topic, *sent[:-2]]


def test_state_before_the_timeline_is_as_it_was(alice):
    room = alice.create_room(name="first")
    second = alice.set_state(room, "m.room.name", {"name": "second"})
    for _ in range(3):
        alice.send(room, "between")
    third = alice.set_state(room, "m.room.name", {"name": "third"})
    part = alice.sync(filter={"room": {"timeline": {"limit": 2}}})["rooms"]["join"][room]
    name, = (e for e in part["state"]["events"] if e["type"] == "m.room.name")
    assert name["event_id"] == second
    assert part["timeline"]["events"][-1]["event_id"] == third
    assert part["timeline"]["events"][-1]["unsigned"]["prev_content"] == {"name": "second"}


def test_full_state(alice, bob):
    room = alice.create_room(preset="public_chat")
    idle = alice.create_room()
    since = alice.sync()["next_batch"]
    sent = alice.send(room, "new")
    answer = alice.sync(since, full_state=True)
    # All state, and no more of the timeline than is new.
    assert ids(timeline_of(answer, room)["events"]) == [sent]
    assert apply_state(answer, room) == now(alice, room)
    assert apply_state(answer, idle) == now(alice, idle)
    assert timeline_of(answer, idle)["events"] == []
    began = time.monotonic()
    alice.sync(answer["next_batch"], full_state=True, timeout=20000)
    assert time.monotonic() - began < hearth.seconds(5)         # full_state does not wait


@pytest.mark.parametrize("prefix", ["", UNSTABLE_AFTER])
def test_state_after(alice, bob, prefix):
    room = alice.create_room(preset="public_chat", name="first")
    query = {prefix + "use_state_after": True}
    key = prefix + "state_after"

    def known_after(answer, known=None, section="join"):
        part = answer["rooms"][section][room]
        assert "state" not in part
        return {**(known or {}), **{(e["type"], e["state_key"]): e["event_id"] for e in part[key]["events"]}}

    first = alice.sync(**query)
    known = known_after(first)
    assert known == now(alice, room)
    # State within the timeline is in the delta, which goes to the end.
    bob.join(room)
    alice.set_state(room, "m.room.name", {"name": "second"})
    alice.set_state(room, "m.room.name", {"name": "third"})
    second = alice.sync(first["next_batch"], **query)
    part = second["rooms"]["join"][room]
    assert {(e["type"], e["state_key"]) for e in part[key]["events"]} == {
        ("m.room.member", bob.user_id), ("m.room.name", "")}
    known = known_after(second, known)
    assert known == now(alice, room)
    # Required even if empty.
    bob.send(room, "hello")
    third = alice.sync(second["next_batch"], **query)
    assert third["rooms"]["join"][room][key] == {"events": []}
    # A limited timeline, and leaving.
    alice.set_state(room, "m.room.topic", {"topic": "in the gap"})
    for i in range(4):
        bob.send(room, f"message {i}")
    fourth = alice.sync(third["next_batch"], filter={"room": {"timeline": {"limit": 2}}}, **query)
    known = known_after(fourth, known)
    assert known == now(alice, room)
    alice.leave(room)
    fifth = alice.sync(fourth["next_batch"], **query)
    known = known_after(fifth, known, "leave")
    assert known == now(alice, room)


# --- memberships ---

def test_invite(alice, bob):
    since = bob.sync()["next_batch"]
    room = alice.create_room(name="Hearth", topic="Fire", invite=[bob.user_id], is_direct=True)
    for answer in (bob.sync(since), bob.sync()):
        events = answer["rooms"]["invite"][room]["invite_state"]["events"]
        state = {(e["type"], e["state_key"]): e for e in events}
        assert all(e.keys() == {"type", "state_key", "sender", "content"} for e in events)
        assert {"m.room.create", "m.room.name", "m.room.topic", "m.room.join_rules"} <= {k for k, _ in state}
        assert state["m.room.name", ""]["content"]["name"] == "Hearth"
        own = state["m.room.member", bob.user_id]
        assert own["content"]["membership"] == "invite" and own["sender"] == alice.user_id
        assert own["content"]["is_direct"] is True
    # It is said once.
    assert room not in bob.sync(answer["next_batch"]).get("rooms", {}).get("invite", {})
    bob.join(room)
    after = bob.sync(answer["next_batch"])
    assert apply_state(after, room) == now(bob, room)
    assert room not in after["rooms"].get("invite", {})


def test_a_declined_invitation_is_a_left_room(alice, bob):
    room = alice.create_room(invite=[bob.user_id])
    since = bob.sync()["next_batch"]
    bob.leave(room)
    answer = bob.sync(since)
    assert room in answer["rooms"]["leave"]
    # Nothing of the room but his own memberships.
    part = answer["rooms"]["leave"][room]
    for event in part["timeline"]["events"]:
        assert event.get("state_key") == bob.user_id
    assert room not in bob.sync(answer["next_batch"]).get("rooms", {}).get("leave", {})


def test_knock(alice, bob):
    room = alice.create_room(name="Door",
                             initial_state=[{"type": "m.room.join_rules", "content": {"join_rule": "knock"}}])
    since = bob.sync()["next_batch"]
    of_alice = alice.sync()["next_batch"]
    bob.knock(room, reason="may I?")
    answer = bob.sync(since)
    state = {(e["type"], e["state_key"]): e for e in answer["rooms"]["knock"][room]["knock_state"]["events"]}
    assert state["m.room.member", bob.user_id]["content"]["membership"] == "knock"
    assert state["m.room.name", ""]["content"]["name"] == "Door" and ("m.room.create", "") in state
    knock, = timeline_of(alice.sync(of_alice), room)["events"]
    assert knock["content"]["reason"] == "may I?"
    alice.invite(room, bob)
    assert room in bob.sync(answer["next_batch"])["rooms"]["invite"]


def test_join_brings_the_whole_room(alice, bob):
    room = alice.create_room(preset="public_chat")
    for i in range(30):
        alice.send(room, f"message {i}")
    since = bob.sync()["next_batch"]
    bob.join(room)
    answer = bob.sync(since)
    part = timeline_of(answer, room)
    assert part["limited"] and part["events"][-1]["content"]["membership"] == "join"
    assert apply_state(answer, room) == now(bob, room)


def test_leave_ends_with_the_leaving(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    since = bob.sync()["next_batch"]
    alice.send(room, "before")
    bob.leave(room)
    alice.send(room, "after")
    alice.set_state(room, "m.room.name", {"name": "after"})
    answer = bob.sync(since)
    assert room not in answer["rooms"].get("join", {})
    part = answer["rooms"]["leave"][room]
    assert bodies(part["timeline"]["events"]) == ["before"]
    assert part["timeline"]["events"][-1]["content"]["membership"] == "leave"
    assert bob.sync(answer["next_batch"]).get("rooms", {}).get("leave", {}) == {}


def test_joined_and_left_between_two_polls(alice, bob):
    room = alice.create_room(preset="public_chat", name="Hearth")
    since = bob.sync()["next_batch"]
    bob.join(room)
    alice.send(room, "hello")
    bob.leave(room)
    answer = bob.sync(since)
    part = answer["rooms"]["leave"][room]
    assert "hello" in bodies(part["timeline"]["events"])
    # He has never heard of the room: its state comes along.
    assert apply_state(answer, room, section="leave") == now(bob, room)


def test_left_and_rejoined_between_two_polls(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    first = bob.sync()
    bob.leave(room)
    alice.set_state(room, "m.room.name", {"name": "while away"})
    bob.join(room)
    answer = bob.sync(first["next_batch"])
    assert room not in answer["rooms"].get("leave", {})
    assert apply_state(answer, room, apply_state(first, room)) == now(bob, room)


def test_include_leave(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    bob.leave(room)
    assert room not in bob.sync().get("rooms", {}).get("leave", {})
    answer = bob.sync(filter={"room": {"include_leave": True}})
    assert apply_state(answer, room, section="leave") == now(bob, room)
    alice.member("ban", room, bob)
    answer = bob.sync(answer["next_batch"])
    assert answer["rooms"]["leave"][room]["timeline"]["events"][-1]["content"]["membership"] == "ban"


def test_kicked(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    since = bob.sync()["next_batch"]
    alice.member("kick", room, bob, reason="out")
    event = timeline_of(bob.sync(since), room, "leave")["events"][-1]
    assert event["sender"] == alice.user_id and event["content"]["reason"] == "out"


# --- summaries ---

def test_heroes_and_counts(server, alice, bob):
    room = alice.create_room(preset="public_chat", invite=[bob.user_id])
    first = alice.sync()
    summary = first["rooms"]["join"][room]["summary"]
    assert summary == {"m.heroes": [bob.user_id], "m.joined_member_count": 1, "m.invited_member_count": 1}
    others = [server.register("other") for _ in range(6)]
    for other in others:
        other.join(room)
    second = alice.sync(first["next_batch"])
    summary = second["rooms"]["join"][room]["summary"]
    assert (summary["m.joined_member_count"], summary["m.invited_member_count"]) == (7, 1)
    assert len(summary["m.heroes"]) >= 5 and alice.user_id not in summary["m.heroes"]
    # "The first 5 members of the room, ordered by stream ordering, which are joined or invited."
    assert summary["m.heroes"][:5] == [bob.user_id, *(o.user_id for o in others[:4])]
    alice.send(room, "no member comes or goes")
    third = alice.sync(second["next_batch"])
    later = third["rooms"]["join"][room].get("summary", {})
    assert later.get("m.joined_member_count", 7) == 7 and later.get("m.heroes", summary["m.heroes"]) == summary["m.heroes"]


def test_heroes_of_a_room_that_all_have_left(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    since = alice.sync()["next_batch"]
    bob.leave(room)
    summary = alice.sync(since)["rooms"]["join"][room]["summary"]
    assert summary["m.heroes"] == [bob.user_id] and summary["m.joined_member_count"] == 1


# --- what only some devices see ---

def test_transaction_ids_are_for_the_device_that_sent(server, alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    second = server.login(alice.user_id)
    sinces = {client: client.sync()["next_batch"] for client in (alice, bob, second)}
    sent = alice.send(room, "hello", txn="my-transaction")
    for client, since in sinces.items():
        event, = timeline_of(client.sync(since), room)["events"]
        assert event["unsigned"].get("transaction_id") == ("my-transaction" if client is alice else None)
        event = client.event(room, sent)
        assert event["unsigned"].get("transaction_id") == ("my-transaction" if client is alice else None)
        event = client.messages(room, limit=1)["chunk"][0]
        assert event["unsigned"].get("transaction_id") == ("my-transaction" if client is alice else None)


# --- long polling ---

def test_a_poll_waits_until_its_timeout(alice, room):
    since = alice.sync()["next_batch"]
    began = time.monotonic()
    answer = alice.sync(since, timeout=700)
    assert 0.65 <= time.monotonic() - began < hearth.seconds(5)
    assert answer.get("rooms", {}).get("join", {}) == {}
    began = time.monotonic()
    alice.sync(since)                                           # without timeout it does not wait
    assert time.monotonic() - began < hearth.seconds(2)


def test_an_initial_sync_does_not_wait(alice):
    began = time.monotonic()
    alice.sync(timeout=20000)
    assert time.monotonic() - began < hearth.seconds(5)


WAKERS = {
    "message": lambda alice, bob, room: bob.send(room, "wake"),
    "state": lambda alice, bob, room: bob.set_state(room, "org.example.state", {}, bob.user_id),
    "typing": lambda alice, bob, room: bob.put("/rooms/{}/typing/{}", room, bob.user_id, body={"typing": True}),
    "receipt": lambda alice, bob, room: bob.read(room, room.replace("!", "$")),
    "own account data": lambda alice, bob, room:
        alice.put("/user/{}/account_data/org.example", alice.user_id, body={"n": 1}),
    "own tag": lambda alice, bob, room: alice.put("/user/{}/rooms/{}/tags/u.tag", alice.user_id, room),
    "invitation": lambda alice, bob, room: bob.create_room(invite=[alice.user_id]),
    "leaving": lambda alice, bob, room: bob.leave(room),
    "own new room": lambda alice, bob, room: alice.create_room(),
    "profile": lambda alice, bob, room:
        bob.put("/profile/{}/displayname", bob.user_id, body={"displayname": "Robert"}),
}


@pytest.mark.parametrize("cause", WAKERS)
def test_a_poll_wakes(alice, bob, cause):
    room = alice.create_room(preset="public_chat", power_level_content_override={"state_default": 0})
    bob.join(room)
    since = alice.sync()["next_batch"]
    began = time.monotonic()
    poll = in_background(lambda: alice.sync(since, timeout=25000))
    time.sleep(0.1)                                             # that it parks, mostly
    WAKERS[cause](alice, bob, room)
    answer = poll()
    assert time.monotonic() - began < hearth.seconds(5)
    assert answer["next_batch"] != since
    assert answer["rooms"].get("join") or answer["rooms"].get("invite") or answer["account_data"]["events"]


def test_what_others_do_elsewhere_wakes_nobody(alice, bob):
    alice.create_room()
    since = alice.sync()["next_batch"]
    poll = in_background(lambda: alice.sync(since, timeout=500))
    elsewhere = bob.create_room()
    bob.send(elsewhere, "not for alice")
    assert poll().get("rooms", {}).get("join", {}) == {}


def test_time_to_wake(alice, bob, capsys):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    since = alice.sync()["next_batch"]
    taken = []
    for i in range(20):
        poll = in_background(lambda since=since: (alice.sync(since, timeout=20000), time.monotonic()))
        time.sleep(0.03)
        began = time.monotonic()
        bob.send(room, f"message {i}")
        answer, ended = poll()
        taken.append(ended - began)
        since = answer["next_batch"]
        assert bodies(timeline_of(answer, room)["events"]) == [f"message {i}"]
    assert max(taken) < hearth.seconds(5)
    with capsys.disabled():
        print(f"\n[from /send to the answer of a parked /sync: median {statistics.median(taken) * 1000:.1f} ms]")


def test_polls_at_the_stop_of_the_server_are_answered(own_server):
    server = own_server.start()
    alice = server.register("alice")
    since = alice.sync()["next_batch"]
    polls = [in_background(lambda: alice.call("GET", "/sync", query={"since": since, "timeout": 25000}))
             for _ in range(3)]
    time.sleep(0.2)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < hearth.seconds(8)
    for poll in polls:
        answer = poll()
        assert answer.status == 200 and answer.json["next_batch"], answer


def test_tokens_are_good_after_a_restart(own_server):
    server = own_server.start()
    alice, bob = server.register("alice"), server.register("bob")
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    since = alice.sync()["next_batch"]
    page = alice.messages(room, limit=2)["end"]
    before = bob.send(room, "before")
    server.restart()
    after = bob.send(room, "after")
    assert ids(timeline_of(alice.sync(since), room)["events"]) == [before, after]
    assert before not in ids(alice.messages(room, **{"from": page})["chunk"])
    # One from before a backup was restored: the client begins anew.
    anew = alice.sync("s999999999")
    assert room in anew["rooms"]["join"] and alice.sync(anew["next_batch"])["rooms"]["join"] == {}
