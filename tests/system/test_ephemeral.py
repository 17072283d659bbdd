"""What goes along with rooms in /sync: typing, receipts, unread counts, account data, tags (client-server API, modules
"Typing Notifications", "Receipts", "Read markers", "Push Notifications", "Client Config", "Room Tagging")."""

import pytest

import hearth
from hearth import refused


@pytest.fixture
def shared(alice, bob):
    """A room of alice and bob, and a third who says nothing, so that it is no room of two."""
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    return room


def events_of(answer, room, section="ephemeral", kind=None):
    part = answer["rooms"].get("join", {}).get(room, {})
    return [e for e in part.get(section, {}).get("events", []) if kind in (None, e["type"])]


# --- typing ---

def type_(client, room, typing, **body):
    client.put("/rooms/{}/typing/{}", room, client.user_id, body={"typing": typing, **body})


def typing_in(answer, room):
    """Who types, or None if the answer does not say."""
    events = events_of(answer, room, kind="m.typing")
    return events[0]["content"]["user_ids"] if events else None


def test_typing_comes_and_goes(alice, bob, shared):
    since = alice.sync()["next_batch"]
    type_(bob, shared, True, timeout=20000)
    first = alice.sync(since, timeout=5000)
    assert typing_in(first, shared) == [bob.user_id]
    type_(alice, shared, True, timeout=20000)
    second = alice.sync(first["next_batch"], timeout=5000)
    assert sorted(typing_in(second, shared)) == sorted([alice.user_id, bob.user_id])
    type_(bob, shared, False)
    third = alice.sync(second["next_batch"], timeout=5000)
    assert typing_in(third, shared) == [alice.user_id]
    type_(alice, shared, False)
    assert typing_in(alice.sync(third["next_batch"], timeout=5000), shared) == []


def test_typing_times_out(alice, bob, shared):
    since = alice.sync()["next_batch"]
    type_(bob, shared, True, timeout=100)
    answer = alice.sync(since, timeout=5000)
    if typing_in(answer, shared) != []:
        assert alice.sync_until(answer["next_batch"], lambda a: typing_in(a, shared) == [])


def test_typing_is_for_members_and_oneself(alice, bob, carol, shared):
    with refused("M_FORBIDDEN", 403):
        type_(carol, shared, True)
    with refused("M_FORBIDDEN", 403):
        alice.put("/rooms/{}/typing/{}", shared, bob.user_id, body={"typing": True})


# --- receipts ---

def receipts_in(answer, room):
    """{(event, type, user): receipt}"""
    return {(event, kind, user): receipt
            for e in events_of(answer, room, kind="m.receipt") for event, kinds in e["content"].items()
            for kind, users in kinds.items() for user, receipt in users.items()}


def test_receipts_are_public(alice, bob, shared):
    event = alice.send(shared, "read me")
    since = alice.sync()["next_batch"]
    bob.read(shared, event)
    receipts = receipts_in(alice.sync(since), shared)
    assert receipts.keys() == {(event, "m.read", bob.user_id)}
    assert receipts[event, "m.read", bob.user_id]["ts"] > 0
    assert "thread_id" not in receipts[event, "m.read", bob.user_id]
    # An initial sync tells them too, the newest of each.
    later = alice.send(shared, "and me")
    bob.read(shared, later)
    assert receipts_in(alice.sync(), shared).keys() == {(later, "m.read", bob.user_id)}


def test_private_receipts_are_private(server, alice, bob, shared):
    event = alice.send(shared, "read me")
    since, own = alice.sync()["next_batch"], bob.sync()["next_batch"]
    bob.read(shared, event, "m.read.private")
    assert receipts_in(bob.sync(own), shared).keys() == {(event, "m.read.private", bob.user_id)}
    assert receipts_in(server.login(bob.user_id).sync(), shared).keys() == {(event, "m.read.private", bob.user_id)}
    assert receipts_in(alice.sync(since), shared) == {}
    assert receipts_in(alice.sync(), shared) == {}


def test_threaded_receipts(alice, bob, shared):
    root = alice.send(shared, "root")
    reply = alice.send(shared, {"msgtype": "m.text", "body": "reply",
                                "m.relates_to": {"rel_type": "m.thread", "event_id": root}})
    since = alice.sync()["next_batch"]
    bob.read(shared, root, thread_id="main")
    bob.read(shared, reply, thread_id=root)
    bob.read(shared, reply)
    seen = {}
    for event in events_of(alice.sync(since), shared, kind="m.receipt"):
        for event_id, kinds in event["content"].items():
            seen.setdefault(event_id, []).append(kinds["m.read"][bob.user_id].get("thread_id"))
    # One of each kind: those of a thread and the one of the whole room do not replace each other.
    assert seen[root] == ["main"]
    assert len(seen[reply]) == 2 and set(seen[reply]) == {root, None}
    for thread in ("", "nonsense"):
        with refused("M_INVALID_PARAM", 400):
            bob.read(shared, root, thread_id=thread)
    with refused("M_INVALID_PARAM", 400):
        bob.read(shared, root, "m.fully_read", thread_id="main")


def test_receipts_are_for_members(alice, carol, shared):
    event = alice.send(shared, "read me")
    with refused("M_FORBIDDEN", 403):
        carol.read(shared, event)
    with refused("M_INVALID_PARAM", 400):
        alice.read(shared, event, "org.example.receipt")


def test_fully_read(alice, bob, shared):
    first, second, third = (alice.send(shared, str(i)) for i in range(3))
    since, of_alice = bob.sync()["next_batch"], alice.sync()["next_batch"]
    bob.post("/rooms/{}/read_markers", shared, body={"m.fully_read": first, "m.read": second,
                                                     "m.read.private": third})
    answer = bob.sync(since)
    marker, = events_of(answer, shared, "account_data", "m.fully_read")
    assert marker["content"] == {"event_id": first}
    assert receipts_in(answer, shared).keys() == {(second, "m.read", bob.user_id), (third, "m.read.private", bob.user_id)}
    assert events_of(alice.sync(of_alice), shared, "account_data") == []
    assert bob.get("/user/{}/rooms/{}/account_data/m.fully_read", bob.user_id, shared) == {"event_id": first}
    bob.read(shared, second, "m.fully_read")
    marker, = events_of(bob.sync(answer["next_batch"]), shared, "account_data", "m.fully_read")
    assert marker["content"] == {"event_id": second}
    with refused("M_BAD_JSON", 405):
        bob.put("/user/{}/rooms/{}/account_data/m.fully_read", bob.user_id, shared, body={"event_id": third})
    bob.post("/rooms/{}/read_markers", shared, body={})


# --- unread counts ---

def unread(client, room):
    """(notifications, highlights), as an initial sync has them."""
    counts = client.sync()["rooms"]["join"][room]["unread_notifications"]
    return counts["notification_count"], counts["highlight_count"]


@pytest.fixture
def trio(alice, bob, carol):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    carol.join(room)
    bob.read(room, bob.messages(room, limit=1)["chunk"][0]["event_id"])
    return room


# content of a message of alice's -> what bob's counts grow by
COUNTED = {
    "message": ({"msgtype": "m.text", "body": "hello"}, (1, 0)),
    "mention": ({"msgtype": "m.text", "body": "hello", "m.mentions": {"user_ids": ["BOB"]}}, (1, 1)),
    "mention of others": ({"msgtype": "m.text", "body": "hello", "m.mentions": {"user_ids": ["@x:localhost"]}}, (1, 0)),
    "mention of the room": ({"msgtype": "m.text", "body": "hello", "m.mentions": {"room": True}}, (1, 1)),
    "no mention of the room": ({"msgtype": "m.text", "body": "@room", "m.mentions": {"room": False}}, (1, 0)),
    "empty mentions": ({"msgtype": "m.text", "body": "hello", "m.mentions": {}}, (1, 0)),
    "notice": ({"msgtype": "m.notice", "body": "hello"}, (0, 0)),
    "notice that mentions": ({"msgtype": "m.notice", "body": "hello", "m.mentions": {"user_ids": ["BOB"]}}, (0, 0)),
    "edit": ({"msgtype": "m.text", "body": "* hello", "m.new_content": {"msgtype": "m.text", "body": "hello"},
              "m.relates_to": {"rel_type": "m.replace", "event_id": "EVENT"}}, (0, 0)),
    "emote": ({"msgtype": "m.emote", "body": "waves"}, (1, 0)),
}
COUNTED_TYPES = {
    "encrypted": ("m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x"}, (1, 0)),
    "reaction": ("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": "EVENT", "key": "+"}}, (0, 0)),
    "unknown type": ("org.example.event", {}, (0, 0)),
}


def fill(value, bob, event):
    if isinstance(value, dict):
        return {k: fill(v, bob, event) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(v, bob, event) for v in value]
    return {"BOB": bob.user_id, "EVENT": event}.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("case", [*COUNTED, *COUNTED_TYPES])
def test_what_counts(alice, bob, trio, case):
    kind, content, grows = COUNTED_TYPES.get(case) or ("m.room.message", *COUNTED[case])
    event = alice.send(trio, "something before")
    since = bob.sync()["next_batch"]
    assert unread(bob, trio) == (1, 0)
    sent = alice.send(trio, fill(content, bob, event), kind)
    assert unread(bob, trio) == (1 + grows[0], grows[1])
    # An incremental answer brings the counts with the event.
    part = bob.sync(since)["rooms"]["join"][trio]
    assert part["timeline"]["events"][-1]["event_id"] == sent
    assert part["unread_notifications"] == {"notification_count": 1 + grows[0], "highlight_count": grows[1]}
    # A receipt for it takes all back; she who sent has nothing unread.
    bob.read(trio, sent)
    assert unread(bob, trio) == (0, 0)
    assert unread(alice, trio) == (0, 0)


def test_room_mentions_need_power(alice, bob, trio):
    event = bob.send(trio, {"msgtype": "m.text", "body": "@room", "m.mentions": {"room": True}})
    assert event and unread(alice, trio) == (1, 0)


def test_a_mention_by_oneself_counts_for_nobody(bob, trio):
    bob.send(trio, {"msgtype": "m.text", "body": "me", "m.mentions": {"user_ids": [bob.user_id]}})
    assert unread(bob, trio) == (0, 0)


def test_room_of_two_counts_messages(alice, bob, shared):
    assert alice.send(shared, "hello") and unread(bob, shared) == (1, 0)


def test_an_invitation_highlights_nothing_after_joining(alice, bob):
    room = alice.create_room(invite=[bob.user_id])
    for i in range(3):
        alice.send(room, f"before he came {i}")
    bob.join(room)
    alice.send(room, "after")
    assert unread(bob, room)[0] >= 1
    bob.read(room, alice.messages(room, limit=1)["chunk"][0]["event_id"])
    assert unread(bob, room) == (0, 0)


def test_tombstone_highlights(alice, bob, trio):
    alice.set_state(trio, "m.room.tombstone", {"body": "moved", "replacement_room": "!x:localhost"})
    assert unread(bob, trio) == (1, 1)


@pytest.mark.parametrize("kind", ["m.read", "m.read.private"])
def test_a_receipt_counts_up_to_its_event(alice, bob, trio, kind):
    sent = [alice.send(trio, {"msgtype": "m.text", "body": str(i), "m.mentions": {"user_ids": [bob.user_id]}})
            for i in range(5)]
    assert unread(bob, trio) == (5, 5)
    since = bob.sync()["next_batch"]
    bob.read(trio, sent[2], kind)
    assert unread(bob, trio) == (2, 2)
    counts = bob.sync(since)["rooms"]["join"][trio]["unread_notifications"]
    assert counts == {"notification_count": 2, "highlight_count": 2}
    bob.read(trio, sent[0], kind)                       # back it does not go
    assert unread(bob, trio) == (2, 2)


def test_the_receipt_further_ahead_wins(alice, bob, trio):
    sent = [alice.send(trio, str(i)) for i in range(4)]
    bob.read(trio, sent[2], "m.read.private")
    bob.read(trio, sent[0])
    assert unread(bob, trio) == (1, 0)
    bob.read(trio, sent[3])
    assert unread(bob, trio) == (0, 0)


def test_sending_reads_what_is_before(alice, bob, trio):
    alice.send(trio, "question")
    assert unread(bob, trio) == (1, 0)
    bob.send(trio, "answer")
    assert unread(bob, trio) == (0, 0)


def test_counts_after_leaving_and_coming_back(alice, bob, trio):
    bob.leave(trio)
    alice.send(trio, "while he was away")
    bob.join(trio)
    counted = unread(bob, trio)[0]
    alice.send(trio, "now")
    assert unread(bob, trio)[0] == counted + 1


def test_counts_outlive_a_restart(own_server):
    server = own_server.start()
    alice, bob = server.register("alice"), server.register("bob")
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    sent = [alice.send(room, str(i)) for i in range(3)]
    bob.read(room, sent[0])
    counts = unread(bob, room)
    server.restart()
    assert unread(bob, room) == counts == (2, 0)
    alice.send(room, "more")
    assert unread(bob, room) == (3, 0)


# --- account data and tags ---

def test_account_data(server, alice, bob, room):
    second = server.login(alice.user_id)
    since, of_second, of_bob = alice.sync()["next_batch"], second.sync()["next_batch"], bob.sync()["next_batch"]
    alice.put("/user/{}/account_data/org.example.x", alice.user_id, body={"n": 1})
    alice.put("/user/{}/rooms/{}/account_data/org.example.y", alice.user_id, room, body={"n": 2})
    for client, token in ((alice, since), (second, of_second)):
        answer = client.sync(token)
        assert answer["account_data"]["events"] == [{"type": "org.example.x", "content": {"n": 1}}]
        assert events_of(answer, room, "account_data") == [{"type": "org.example.y", "content": {"n": 2}}]
    assert bob.sync(of_bob)["account_data"]["events"] == []
    assert alice.get("/user/{}/account_data/org.example.x", alice.user_id) == {"n": 1}
    assert alice.get("/user/{}/rooms/{}/account_data/org.example.y", alice.user_id, room) == {"n": 2}
    with refused("M_NOT_FOUND", 404):
        alice.get("/user/{}/account_data/org.example.y", alice.user_id)
    with refused("M_FORBIDDEN", 403):
        bob.get("/user/{}/account_data/org.example.x", alice.user_id)
    for kind in ("m.push_rules", "m.fully_read"):
        with refused("M_BAD_JSON", 405):
            alice.put("/user/{}/account_data/{}", alice.user_id, kind, body={})


def test_tags(alice, bob, room):
    since = alice.sync()["next_batch"]
    tags = "/user/{}/rooms/{}/tags"
    assert alice.get(tags, alice.user_id, room) == {"tags": {}}
    alice.put(tags + "/m.favourite", alice.user_id, room, body={"order": 0.25})
    alice.put(tags + "/{}", alice.user_id, room, "u.with/slash")
    tagged = {"m.favourite": {"order": 0.25}, "u.with/slash": {}}
    assert alice.get(tags, alice.user_id, room) == {"tags": tagged}
    answer = alice.sync(since)
    event, = events_of(answer, room, "account_data", "m.tag")
    assert event["content"] == {"tags": tagged}
    alice.delete(tags + "/m.favourite", alice.user_id, room)
    event, = events_of(alice.sync(answer["next_batch"]), room, "account_data", "m.tag")
    assert event["content"] == {"tags": {"u.with/slash": {}}}
    with refused("M_FORBIDDEN", 403):
        bob.get(tags, alice.user_id, room)


@pytest.mark.parametrize("order", [-0.1, 1.5, "0.5", [], 1e300])
def test_tag_orders_out_of_range(alice, room, order):
    answer = alice.call("PUT", "/user/{}/rooms/{}/tags/u.x", alice.user_id, room, body={"order": order})
    assert answer.status == 400 and answer.errcode in {"M_BAD_JSON", "M_INVALID_PARAM"}, answer


def test_a_tag_that_is_too_long(alice, room):
    assert alice.put("/user/{}/rooms/{}/tags/{}", alice.user_id, room, "u." + "x" * 253) == {}
    answer = alice.call("PUT", "/user/{}/rooms/{}/tags/{}", alice.user_id, room, "u." + "x" * 254, body={})
    assert answer.status == 400, answer


def test_thread_counts_are_not_pretended(alice, bob, trio):
    """Counts by thread come with v1.4, which is not advertised: until then there is one total."""
    root = alice.send(trio, "root")
    alice.send(trio, {"msgtype": "m.text", "body": "reply", "m.relates_to": {"rel_type": "m.thread", "event_id": root}})
    part = bob.sync(filter={"room": {"timeline": {"unread_thread_notifications": True}}})["rooms"]["join"][trio]
    assert part["unread_notifications"] == {"notification_count": 2, "highlight_count": 0}
    assert "unread_thread_notifications" not in part
