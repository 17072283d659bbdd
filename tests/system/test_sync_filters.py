"""Filters of /sync, stored and inline; lazily loaded members (client-server API, "Filtering", "Lazy-loading room
members")."""

import concurrent.futures
import time

import pytest

import hearth
from hearth import bodies, ids, refused


def room_part(answer, room):
    return answer["rooms"]["join"][room]


def members_in(part):
    return {e["state_key"] for e in part["state"]["events"] if e["type"] == "m.room.member"}


# --- stored filters ---

def test_store_and_read(alice, bob):
    definition = {"room": {"timeline": {"limit": 5, "types": ["m.room.message"]}}, "event_fields": ["type"],
                  "event_format": "client", "presence": {"not_types": ["*"]}}
    filter_id = alice.post("/user/{}/filter", alice.user_id, body=definition)["filter_id"]
    assert not filter_id.startswith("{")
    assert alice.get("/user/{}/filter/{}", alice.user_id, filter_id) == definition
    with refused("M_NOT_FOUND", 404):
        alice.get("/user/{}/filter/{}", alice.user_id, filter_id + "0")
    with refused("M_FORBIDDEN", 403):
        bob.get("/user/{}/filter/{}", alice.user_id, filter_id)
    with refused("M_FORBIDDEN", 403):
        bob.post("/user/{}/filter", alice.user_id, body={})


def test_a_stored_filter_works_like_an_inline_one(alice, room):
    for i in range(4):
        alice.send(room, f"message {i}")
    definition = {"room": {"timeline": {"limit": 2}}}
    filter_id = alice.post("/user/{}/filter", alice.user_id, body=definition)["filter_id"]
    stored, inline = alice.sync(filter=filter_id), alice.sync(filter=definition)
    assert ids(room_part(stored, room)["timeline"]["events"]) == ids(room_part(inline, room)["timeline"]["events"])
    assert len(room_part(stored, room)["timeline"]["events"]) == 2


@pytest.mark.parametrize("text", ["nothing", "0", "-1", "999999"])
def test_an_unknown_filter(alice, text):
    answer = alice.call("GET", "/sync", query={"filter": text})
    assert answer.status in (400, 404) and answer.errcode in {"M_NOT_FOUND", "M_INVALID_PARAM", "M_UNKNOWN"}, answer


# --- what they let through ---

@pytest.fixture
def busy(alice, bob):
    """A room with messages, state, and others' things."""
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    for client in (alice, bob):
        client.send(room, "text")
        client.send(room, {"n": 1}, "org.example.event")
        client.send(room, {"msgtype": "m.image", "body": "image", "url": "mxc://localhost/image"})
    bob.read(room, alice.messages(room)["chunk"][0]["event_id"])
    bob.put("/rooms/{}/typing/{}", room, bob.user_id, body={"typing": True})
    alice.put("/user/{}/rooms/{}/account_data/org.example.data", alice.user_id, room, body={"n": 1})
    alice.put("/user/{}/rooms/{}/tags/u.tag", alice.user_id, room)
    alice.put("/user/{}/account_data/org.example.global", alice.user_id, body={"n": 1})
    return room


def of_types(section):
    return {e["type"] for e in section["events"]}


def test_everything_without_filter(alice, busy):
    answer = alice.sync()
    part = room_part(answer, busy)
    assert of_types(part["ephemeral"]) == {"m.receipt", "m.typing"}
    assert of_types(part["account_data"]) == {"org.example.data", "m.tag"}
    assert of_types(answer["account_data"]) == {"org.example.global", "m.push_rules"}


def test_timeline_types_and_senders(alice, bob, busy):
    def timeline(**wanted):
        return room_part(alice.sync(filter={"room": {"timeline": wanted}}), busy)["timeline"]["events"]

    assert of_types({"events": timeline(types=["org.example.*"])}) == {"org.example.event"}
    assert "org.example.event" not in of_types({"events": timeline(not_types=["org.example.*"])})
    assert {e["sender"] for e in timeline(senders=[bob.user_id])} == {bob.user_id}
    assert bob.user_id not in {e["sender"] for e in timeline(not_senders=[bob.user_id])}
    assert bodies(timeline(contains_url=True)) == ["image", "image"]
    assert timeline(types=[]) == []


def test_a_limit_counts_what_passes(alice, busy):
    for i in range(30):
        alice.send(busy, {"i": i}, "org.example.noise")
    wanted = {"room": {"timeline": {"types": ["m.room.message"], "limit": 3}}}
    timeline = room_part(alice.sync(filter=wanted), busy)["timeline"]
    assert bodies(timeline["events"]) == ["image", "text", "image"]
    assert timeline["limited"]
    earlier = alice.all_messages(busy, "b", timeline["prev_batch"], filter={"types": ["m.room.message"]})
    assert bodies(earlier) == ["text"]


def test_state_types(alice, busy):
    wanted = {"room": {"state": {"types": ["m.room.name", "m.room.create"]}, "timeline": {"limit": 1}}}
    assert of_types(room_part(alice.sync(filter=wanted), busy)["state"]) == {"m.room.create"}
    wanted = {"room": {"state": {"not_types": ["m.room.member"]}, "timeline": {"limit": 1}}}
    types = of_types(room_part(alice.sync(filter=wanted), busy)["state"])
    assert "m.room.member" not in types and "m.room.power_levels" in types


def test_ephemeral_and_account_data_types(alice, busy):
    wanted = {"room": {"ephemeral": {"types": ["m.receipt"]}, "account_data": {"not_types": ["m.tag"]}},
              "account_data": {"types": ["org.example.*"]}, "presence": {"types": []}}
    answer = alice.sync(filter=wanted)
    part = room_part(answer, busy)
    assert of_types(part["ephemeral"]) == {"m.receipt"}
    assert of_types(part["account_data"]) == {"org.example.data"}
    assert of_types(answer["account_data"]) == {"org.example.global"}


def test_rooms(alice, busy):
    other = alice.create_room()
    assert set(alice.sync(filter={"room": {"rooms": [other]}})["rooms"]["join"]) == {other}
    assert set(alice.sync(filter={"room": {"not_rooms": [other]}})["rooms"]["join"]) == {busy}
    assert alice.sync(filter={"room": {"rooms": [other], "not_rooms": [other]}})["rooms"].get("join", {}) == {}
    assert alice.sync(filter={"room": {"rooms": []}})["rooms"].get("join", {}) == {}
    # Of one section only.
    answer = alice.sync(filter={"room": {"timeline": {"not_rooms": [busy]}}})
    assert room_part(answer, busy)["timeline"]["events"] == []
    assert room_part(answer, other)["timeline"]["events"]
    answer = alice.sync(filter={"room": {"ephemeral": {"rooms": [other]}, "account_data": {"rooms": [other]}}})
    assert room_part(answer, busy)["ephemeral"]["events"] == []
    assert room_part(answer, busy)["account_data"]["events"] == []


def test_filtered_out_rooms_do_not_wake(alice, bob, busy):
    wanted = {"room": {"not_rooms": [busy]}}
    since = alice.sync(filter=wanted)["next_batch"]
    bob.send(busy, "not for this poll")
    answer = alice.sync(since, filter=wanted, timeout=300)
    assert answer.get("rooms", {}).get("join", {}) == {}


def test_event_fields(alice, busy):
    events = room_part(alice.sync(filter={"event_fields": ["type", "content.body", "sender"]}),
                       busy)["timeline"]["events"]
    message = next(e for e in events if e["type"] == "m.room.message")
    assert {"type", "sender", "content"} <= message.keys() and set(message["content"]) == {"body"}
    assert "origin_server_ts" not in message


def test_event_fields_with_escaped_dots(alice, room):
    alice.send(room, {"a.b": 1, "a": {"b": 2, "c": 3}, "d": 4}, "org.example.event")

    def content(*fields):
        events = room_part(alice.sync(filter={"event_fields": ["type", *fields]}), room)["timeline"]["events"]
        return events[-1].get("content")

    assert content("content.a\\.b") == {"a.b": 1}
    assert content("content.a.b") == {"a": {"b": 2}}
    assert content("content.a") == {"a": {"b": 2, "c": 3}}


def test_federation_format(alice, room):
    sent = alice.send(room, "hello")
    event = room_part(alice.sync(filter={"event_format": "federation"}), room)["timeline"]["events"][-1]
    assert {"auth_events", "prev_events", "depth", "hashes", "signatures"} <= event.keys()
    assert event["content"]["body"] == "hello" and event.get("event_id", sent) == sent


# --- lazily loaded members ---

LAZY = {"room": {"state": {"lazy_load_members": True}}}


def lazy(limit, **more):
    return {"room": {"state": {"lazy_load_members": True, **more}, "timeline": {"limit": limit}}}


@pytest.fixture
def crowd(server, alice):
    """A room of eight, who joined and said nothing since."""
    room = alice.create_room(preset="public_chat", name="Crowd")
    others = [server.register("crowd") for _ in range(7)]
    for other in others:
        other.join(room)
    for i in range(6):
        alice.send(room, f"message {i}")
    return room, others


def test_lazy_initial(alice, crowd):
    room, others = crowd
    others[6].send(room, "hello")
    part = room_part(alice.sync(filter=lazy(3)), room)
    heroes = set(part["summary"]["m.heroes"])
    assert members_in(part) == {alice.user_id, others[6].user_id} | heroes
    assert len(members_in(part)) < 8
    assert part["summary"]["m.joined_member_count"] == 8
    # Other state is all there.
    assert {"m.room.create", "m.room.power_levels", "m.room.name", "m.room.join_rules"} <= of_types(part["state"])


def test_lazy_incremental_brings_the_sender(alice, crowd):
    room, others = crowd
    since = alice.sync(filter=lazy(1))["next_batch"]
    silent = others[6]
    silent.send(room, "I am here too")
    part = room_part(alice.sync(since, filter=lazy(10)), room)
    assert silent.user_id in members_in(part)


def test_lazy_gap_brings_all_membership_changes(server, alice, crowd):
    room, others = crowd
    since = alice.sync(filter=lazy(5))["next_batch"]
    late = server.register("late")
    late.join(room)
    others[5].leave(room)
    others[4].put("/profile/{}/displayname", others[4].user_id, body={"displayname": "renamed"})
    for i in range(5):
        alice.send(room, f"after {i}")
    part = room_part(alice.sync(since, filter=lazy(2)), room)
    assert part["timeline"]["limited"]
    assert {late.user_id, others[5].user_id, others[4].user_id} <= members_in(part)


def test_lazy_on_join_brings_oneself(server, crowd):
    room, _ = crowd
    newcomer = server.register("newcomer")
    since = newcomer.sync(filter=LAZY)["next_batch"]
    newcomer.join(room)
    newcomer.send(room, "hello")
    for filter_ in (lazy(1), lazy(10)):
        part = room_part(newcomer.sync(since, filter=filter_), room)
        in_timeline = {e.get("state_key") for e in part["timeline"]["events"] if e["type"] == "m.room.member"}
        assert newcomer.user_id in members_in(part) | in_timeline


def test_lazy_redundant_members_on_demand(alice, crowd):
    room, others = crowd
    filter_ = lazy(10, include_redundant_members=True)
    since = alice.sync(filter=filter_)["next_batch"]
    for _ in range(2):
        others[0].send(room, "again")
        answer = alice.sync(since, filter=filter_)
        assert others[0].user_id in members_in(room_part(answer, room))
        since = answer["next_batch"]


def test_lazy_members_come_once(server, alice, crowd):
    """Also over a poll that had to wait; not for who asks again from before, or from another device."""
    room, others = crowd
    silent = others[6]
    other_device = server.login(alice.user_id)
    start = since = alice.sync(filter=lazy(10))["next_batch"]
    there = other_device.sync(filter=lazy(10))["next_batch"]
    silent.send(room, "one")
    answer = alice.sync(since, filter=lazy(10))
    assert silent.user_id in members_in(room_part(answer, room))
    assert silent.user_id in members_in(room_part(other_device.sync(there, filter=lazy(10)), room))
    since = alice.sync(answer["next_batch"], filter=lazy(10), timeout=50)["next_batch"]
    poll = concurrent.futures.ThreadPoolExecutor(1)
    waiting = poll.submit(alice.sync, since, filter=lazy(10), timeout=20000)
    time.sleep(0.1)
    silent.send(room, "two")
    part = room_part(waiting.result(), room)
    poll.shutdown()
    assert [e["content"]["body"] for e in part["timeline"]["events"]] == ["two"]
    assert silent.user_id not in members_in(part)
    assert silent.user_id in members_in(room_part(alice.sync(start, filter=lazy(10)), room))
    assert silent.user_id in members_in(room_part(alice.sync(since, filter=lazy(9)), room))


def test_not_lazy_means_all(alice, crowd):
    room, others = crowd
    part = room_part(alice.sync(filter={"room": {"timeline": {"limit": 1}}}), room)
    assert members_in(part) == {alice.user_id, *(o.user_id for o in others)}
