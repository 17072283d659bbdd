"""What of a room's past somebody can read: history visibility, /messages, /context, /event (client-server API, "Getting
events for a room", module "Room History Visibility")."""

import json

import pytest

import hearth
from hearth import bodies, ids, refused

# Who sees which of the messages A, B and C under which visibility. "?" stands for "either": the specification says of
# those who left a world_readable room both that everybody may see all of it, and that they see nothing later.
VISIBLE = {
    "world_readable": {"before": "ABC", "invited": "ABC", "after": "ABC", "left": "AB?C?", "between": "ABC?",
                       "only_invited": "ABC", "never": "ABC"},
    "shared": {"before": "ABC", "invited": "ABC", "after": "ABC", "left": "A", "between": "AB",
               "only_invited": "", "never": ""},
    "invited": {"before": "ABC", "invited": "BC", "after": "C", "left": "A", "between": "B",
                "only_invited": "", "never": ""},
    "joined": {"before": "ABC", "invited": "C", "after": "C", "left": "A", "between": "B",
               "only_invited": "", "never": ""},
    # Not a value of the specification: counts as shared.
    "org.example.other": {"before": "ABC", "invited": "ABC", "after": "ABC", "left": "A", "between": "AB",
                          "only_invited": "", "never": ""},
}


def sees(expected, message):
    """True, False, or None for either."""
    at = expected.find(message)
    return False if at < 0 else None if expected[at + 1:at + 2] == "?" else True


@pytest.fixture(scope="module")
def visited(server):
    """visibility -> (room, {message: event id}, {who: client}); each `who` came and went as its name says."""
    alice = server.register("alice")
    people = {who: server.register(who.replace("_", "-")) for who in VISIBLE["shared"]}
    rooms = {}
    for visibility in VISIBLE:
        room = alice.create_room(preset="public_chat", initial_state=[
            {"type": "m.room.history_visibility", "content": {"history_visibility": visibility}}])
        people["before"].join(room)
        people["left"].join(room)
        messages = {"A": alice.send(room, "A")}
        people["left"].leave(room)
        people["between"].join(room)
        alice.invite(room, people["invited"])
        alice.invite(room, people["only_invited"])
        messages["B"] = alice.send(room, "B")
        people["between"].leave(room)
        people["invited"].join(room)
        people["after"].join(room)
        messages["C"] = alice.send(room, "C")
        rooms[visibility] = (room, messages, people)
    return rooms


CASES = [(visibility, who) for visibility in VISIBLE for who in VISIBLE[visibility]]


@pytest.mark.parametrize("visibility, who", CASES)
def test_visibility_of_single_events(visited, visibility, who):
    room, messages, people = visited[visibility]
    for message, event_id in messages.items():
        expected = sees(VISIBLE[visibility][who], message)
        answer = people[who].call("GET", "/rooms/{}/event/{}", room, event_id)
        if expected is not None:
            assert (answer.status == 200) == expected, (message, answer)
        if answer.status == 200:
            assert answer.json["content"]["body"] == message
        else:
            assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND"), answer


@pytest.mark.parametrize("visibility, who", CASES)
@pytest.mark.parametrize("direction", "bf")
def test_visibility_in_messages(visited, visibility, who, direction):
    room, messages, people = visited[visibility]
    expected = VISIBLE[visibility][who]
    if not expected:
        with refused("M_FORBIDDEN", 403):
            people[who].messages(room, direction)
        return
    seen = bodies(people[who].all_messages(room, direction, limit=3))
    assert seen == sorted(seen, reverse=direction == "b")
    for message in messages:
        if sees(expected, message) is not None:
            assert (message in seen) == sees(expected, message), seen


@pytest.mark.parametrize("visibility, who", CASES)
def test_visibility_in_context(visited, visibility, who):
    room, messages, people = visited[visibility]
    expected = VISIBLE[visibility][who]
    for message, event_id in messages.items():
        wanted = sees(expected, message)
        answer = people[who].call("GET", "/rooms/{}/context/{}", room, event_id, query={"limit": 50})
        if wanted is not None:
            assert (answer.status == 200) == wanted, (message, answer)
        if answer.status == 200:
            around = bodies(reversed(answer.json["events_before"])) + bodies(answer.json["events_after"])
            for other in set(messages) - {message}:
                if sees(expected, other) is not None:
                    assert (other in around) == sees(expected, other), (message, around)
        else:
            assert answer.errcode in {"M_NOT_FOUND", "M_FORBIDDEN"}, answer


@pytest.mark.parametrize("visibility, who", [c for c in CASES if c[1] in ("before", "invited", "after")])
def test_visibility_in_sync(visited, visibility, who):
    room, messages, people = visited[visibility]
    timeline = people[who].sync(filter={"room": {"timeline": {"limit": 50}}})["rooms"]["join"][room]["timeline"]
    assert "".join(bodies(timeline["events"])) == VISIBLE[visibility][who]


def test_visibility_counts_when_the_event_is_sent(alice, bob):
    room = alice.create_room(preset="public_chat", initial_state=[
        {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}])
    hidden = alice.send(room, "hidden")
    change = alice.set_state(room, "m.room.history_visibility", {"history_visibility": "shared"})
    shared = alice.send(room, "shared")
    back = alice.set_state(room, "m.room.history_visibility", {"history_visibility": "joined"})
    hidden_again = alice.send(room, "hidden again")
    bob.join(room)
    assert bodies(bob.all_messages(room, "f")) == ["shared"]
    # The changes themselves can be seen if what was before or what is after lets them be seen.
    for event_id in (change, shared, back):
        bob.event(room, event_id)
    for event_id in (hidden, hidden_again):
        with refused("M_NOT_FOUND", 404):
            bob.event(room, event_id)


def test_own_membership_is_always_seen(alice, bob):
    room = alice.create_room(preset="public_chat", initial_state=[
        {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}])
    bob.join(room)
    bob.leave(room)
    alice.send(room, "unseen")
    own = [e["content"]["membership"] for e in bob.all_messages(room, "f") if e.get("state_key") == bob.user_id]
    assert own == ["join", "leave"]
    bob.join(room)
    own = [e["content"]["membership"] for e in bob.all_messages(room, "f") if e.get("state_key") == bob.user_id]
    assert own == ["join", "leave", "join"]
    assert bodies(bob.all_messages(room, "f")) == []


# --- /messages ---

def said(alice, room, count):
    return [alice.send(room, f"message {i}") for i in range(count)]


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
@pytest.mark.parametrize("direction", "bf")
def test_pages_join_without_gap_or_duplicate(alice, room, direction, limit):
    sent = said(alice, room, 25)
    events = ids(alice.all_messages(room, direction, limit=limit))
    assert len(set(events)) == len(events)
    wanted = sent if direction == "f" else sent[::-1]
    assert [e for e in events if e in sent] == wanted
    assert (events[0] if direction == "f" else events[-1]) == alice.state(room, "m.room.create", format="event")["event_id"]


def test_page_size_defaults_to_10(alice, room):
    said(alice, room, 15)
    page = alice.messages(room)
    assert len(page["chunk"]) == 10 and "end" in page and "start" in page


def test_from_sync_backwards_and_forwards(alice, room):
    sent = said(alice, room, 12)
    answer = alice.sync(filter={"room": {"timeline": {"limit": 3}}})
    timeline = answer["rooms"]["join"][room]["timeline"]
    assert timeline["limited"] and ids(timeline["events"]) == sent[-3:]
    earlier = alice.all_messages(room, "b", timeline["prev_batch"], limit=4)
    assert [e for e in ids(earlier) if e in sent] == sent[-4::-1]
    later = alice.all_messages(room, "f", timeline["prev_batch"])
    assert ids(later) == sent[-3:]
    # next_batch is the end of what is known: nothing later yet, everything before.
    assert alice.messages(room, "f", **{"from": answer["next_batch"]})["chunk"] == []
    assert ids(alice.messages(room, "b", **{"from": answer["next_batch"]}, limit=3)["chunk"]) == sent[:-4:-1]
    more = alice.send(room, "later")
    assert ids(alice.messages(room, "f", **{"from": answer["next_batch"]})["chunk"]) == [more]


def test_start_is_the_token_that_was_given(alice, room):
    said(alice, room, 5)
    token = alice.messages(room, "b", limit=2)["end"]
    assert alice.messages(room, "b", **{"from": token})["start"] == token


@pytest.mark.parametrize("direction", ["b", "f"])
def test_a_page_of_nothing_leads_nowhere(alice, room, direction):
    said(alice, room, 5)
    token = alice.messages(room, direction, limit=2)["end"]
    page = alice.messages(room, direction, **{"from": token}, limit=0)
    assert page["chunk"] == [] and page["start"] == token and "end" not in page


def test_to_ends_the_page(alice, room):
    first = said(alice, room, 5)
    token = alice.sync()["next_batch"]
    second = said(alice, room, 5)
    page = alice.messages(room, "b", to=token, limit=100)
    assert ids(page["chunk"]) == second[::-1]
    page = alice.messages(room, "f", to=token, limit=100)
    assert ids(page["chunk"])[-5:] == first


FILTERS = {
    "types": ({"types": ["m.room.message"]}, lambda e: e["type"] == "m.room.message"),
    "types with a wildcard": ({"types": ["m.room.*"]}, lambda e: e["type"].startswith("m.room.")),
    "wildcard in the middle": ({"types": ["m.*.message"]}, lambda e: e["type"] == "m.room.message"),
    "no types": ({"types": []}, lambda e: False),
    "not_types": ({"not_types": ["m.room.message"]}, lambda e: e["type"] != "m.room.message"),
    "not_types beats types": ({"types": ["*"], "not_types": ["m.room.*"]}, lambda e: not e["type"].startswith("m.room.")),
    "senders": ({"senders": ["BOB"]}, lambda e: "bob" in e["sender"]),
    "no senders": ({"senders": []}, lambda e: False),
    "not_senders": ({"not_senders": ["BOB"]}, lambda e: "bob" not in e["sender"]),
    "contains_url": ({"contains_url": True}, lambda e: "url" in e["content"]),
    "contains no url": ({"contains_url": False}, lambda e: "url" not in e["content"]),
    "rooms": ({"rooms": ["ROOM"]}, lambda e: True),
    "other rooms": ({"rooms": ["!other:localhost"]}, lambda e: False),
    "not_rooms": ({"not_rooms": ["ROOM"]}, lambda e: False),
    "unknown fields": ({"org.example.field": 1}, lambda e: True),
}


@pytest.mark.parametrize("case", FILTERS)
@pytest.mark.parametrize("direction", "bf")
def test_filters(alice, bob, case, direction):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    for client in (alice, bob):
        client.send(room, "text")
        client.send(room, {"msgtype": "m.image", "body": "image", "url": "mxc://localhost/image"})
        client.send(room, {"n": 1}, "org.example.event")
    text, predicate = FILTERS[case]
    wanted = json.loads(json.dumps(text).replace("BOB", bob.user_id).replace("ROOM", room))
    everything = alice.all_messages(room, direction)
    filtered = alice.all_messages(room, direction, filter=wanted, limit=3)
    assert ids(filtered) == ids(e for e in everything if predicate(e))


def test_lazy_members(alice, bob, carol):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    carol.join(room)
    said(alice, room, 3)
    bob.send(room, "from bob")
    page = alice.messages(room, limit=4, filter={"lazy_load_members": True})
    assert {e["state_key"] for e in page["state"]} == {alice.user_id, bob.user_id}
    assert all(e["type"] == "m.room.member" for e in page["state"])


def test_a_left_room_ends_with_the_leaving(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    alice.send(room, "before")
    bob.leave(room)
    alice.send(room, "after")
    events = bob.all_messages(room, "b")
    assert bodies(events) == ["before"]
    assert events[0]["content"]["membership"] == "leave"


def test_messages_of_a_room_that_does_not_exist(alice):
    for room in ("!nothing:localhost", "!" + "A" * 43):
        answer = alice.call("GET", "/rooms/{}/messages", room, query={"dir": "b"})
        assert (answer.status, answer.errcode) in {(403, "M_FORBIDDEN"), (404, "M_NOT_FOUND")}, answer


# --- /event and /context ---

def test_event_is_as_in_messages(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    sent = alice.send(room, "hello")
    event = bob.event(room, sent)
    in_page, = (e for e in bob.messages(room)["chunk"] if e["event_id"] == sent)
    for one in (event, in_page):
        one.get("unsigned", {}).pop("age", None)
    assert event == in_page
    assert event["type"] == "m.room.message" and event["room_id"] == room and event["sender"] == alice.user_id


def test_event_of_another_room(alice):
    here, there = alice.create_room(), alice.create_room()
    event = alice.send(there, "there")
    for path in ("/rooms/{}/event/{}", "/rooms/{}/context/{}"):
        with refused("M_NOT_FOUND", 404):
            alice.get(path, here, event)
        with refused("M_NOT_FOUND", 404):
            alice.get(path, here, "$" + "A" * 43)


@pytest.mark.parametrize("limit", [0, 1, 4, 5, 100])
def test_context(alice, room, limit):
    sent = said(alice, room, 11)
    context = alice.get("/rooms/{}/context/{}", room, sent[5], query={"limit": limit})
    assert context["event"]["event_id"] == sent[5]
    before, after = ids(context["events_before"]), ids(context["events_after"])
    assert len(before) + len(after) <= limit
    assert [e for e in before if e in sent] == sent[4::-1][:len(before)]
    assert after == sent[6:6 + len(after)]
    if limit >= 4:
        assert before and after
    # The tokens lead on where the context ends.
    assert [e for e in ids(alice.all_messages(room, "f", context["end"])) if e in sent] == sent[6 + len(after):]
    earlier = ids(alice.all_messages(room, "b", context["start"]))
    assert not set(earlier) & set(before) and sent[5] not in earlier
    assert (before + earlier)[-1] == room.replace("!", "$")
    state = {(e["type"], e["state_key"]) for e in context["state"]}
    assert ("m.room.create", "") in state and ("m.room.member", alice.user_id) in state


def test_context_defaults_to_10(alice, room):
    sent = said(alice, room, 30)
    context = alice.get("/rooms/{}/context/{}", room, sent[15])
    assert len(context["events_before"]) + len(context["events_after"]) == 10


def test_context_filter_spares_the_event(alice, room):
    event = alice.send(room, "this")
    alice.send(room, {}, "org.example.event")
    alice.send(room, "that")
    context = alice.get("/rooms/{}/context/{}", room, event, query={"filter": {"types": ["org.example.*"]}})
    assert context["event"]["event_id"] == event
    assert [e["type"] for e in context["events_after"]] == ["org.example.event"]
    assert context["events_before"] == []


def test_context_shows_the_state_at_its_end(alice, room):
    event = alice.send(room, "this")
    alice.set_state(room, "m.room.name", {"name": "early"})
    for _ in range(5):
        alice.send(room, "between")
    alice.set_state(room, "m.room.name", {"name": "late"})
    context = alice.get("/rooms/{}/context/{}", room, event, query={"limit": 4})
    name, = (e for e in context["state"] if e["type"] == "m.room.name")
    assert name["content"]["name"] == "early"
