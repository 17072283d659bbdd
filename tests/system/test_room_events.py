"""Sending, state, redactions, transaction ids, aliases (client-server API, "Sending events to a room", "Redactions",
"Room aliases")."""

import concurrent.futures

import pytest

import hearth
from hearth import refused

VERSIONS = ["10", "11", "12"]
KNOWN = {"msgtype": "m.text", "body": "hello"}


# --- state ---

def test_state_forms(alice, room):
    event_id = alice.set_state(room, "org.example.state", {"n": 1}, "key")
    assert alice.state(room, "org.example.state", "key") == {"n": 1}
    assert alice.state(room, "org.example.state", "key", format="content") == {"n": 1}
    event = alice.state(room, "org.example.state", "key", format="event")
    assert (event["event_id"], event["state_key"], event["room_id"]) == (event_id, "key", room)
    assert event["content"] == {"n": 1} and event["sender"] == alice.user_id and event["origin_server_ts"] > 0
    with refused("M_NOT_FOUND", 404):
        alice.state(room, "org.example.state", "other")
    with refused("M_NOT_FOUND", 404):
        alice.state(room, "org.example.other")


def test_an_empty_state_key_needs_no_slash(alice, room):
    alice.put("/rooms/{}/state/org.example.state", room, body={"n": 1})
    assert alice.get("/rooms/{}/state/org.example.state", room) == {"n": 1}
    assert alice.get("/rooms/{}/state/org.example.state/", room) == {"n": 1}
    alice.put("/rooms/{}/state/org.example.state/", room, body={"n": 2})
    assert alice.get("/rooms/{}/state/org.example.state", room) == {"n": 2}


@pytest.mark.parametrize("key", ["a/b", "a%2Fb", "a b", "ä€😀", "$a:b", "?x=1&y", "#", ".", "..", "+", "'\"\\", "x" * 255])
def test_state_keys_of_any_text(alice, room, key):
    alice.set_state(room, "org.example.state", {"key": key}, key)
    assert alice.state(room, "org.example.state", key) == {"key": key}
    assert alice.all_state(room)[("org.example.state", key)]["content"] == {"key": key}


def test_state_is_replaced_and_tells_what_was(alice, room):
    first = alice.set_state(room, "m.room.name", {"name": "first"})
    second = alice.set_state(room, "m.room.name", {"name": "second"})
    event = alice.event(room, second)
    assert event["unsigned"]["prev_content"] == {"name": "first"}
    assert event["unsigned"]["replaces_state"] == first
    assert "prev_content" not in alice.event(room, first).get("unsigned", {})
    names = [e for e in alice.get("/rooms/{}/state", room) if e["type"] == "m.room.name"]
    assert hearth.ids(names) == [second]


def test_state_for_those_who_left(alice, bob, carol):
    room = alice.create_room(preset="public_chat", name="before")
    bob.join(room)
    bob.leave(room)
    alice.set_state(room, "m.room.name", {"name": "after"})
    assert bob.state(room, "m.room.name") == {"name": "before"}
    assert bob.all_state(room)[("m.room.name", "")]["content"] == {"name": "before"}
    assert bob.all_state(room)[("m.room.member", bob.user_id)]["content"]["membership"] == "leave"
    for path in ("/rooms/{}/state", "/rooms/{}/state/m.room.name", "/rooms/{}/members"):
        with refused("M_FORBIDDEN", 403):
            carol.get(path, room)


def test_a_world_readable_room_shows_its_state(alice, carol):
    room = alice.create_room(name="open", initial_state=[
        {"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}}])
    assert carol.state(room, "m.room.name") == {"name": "open"}
    with refused("M_FORBIDDEN", 403):
        carol.send(room, "hello")


def test_any_content_comes_back(alice, room):
    content = {"zero": 0, "big": 2**53 - 1, "small": -(2**53) + 1, "null": None, "true": True, "empty": {}, "list": [[]],
               "text": "\u0000\u001f\"\\/\u2028\U0001f525\ud7ff", "": "empty key", "é": "e\u0301", "\u0000": 1}
    event = alice.event(room, alice.send(room, content, "org.example.content"))
    assert event["content"] == content


@pytest.mark.parametrize("kind", ["org.example/slash", "org.example space", "ä", "%", "m.room.message"])
def test_event_types_of_any_text(alice, room, kind):
    assert alice.event(room, alice.send(room, KNOWN, kind))["type"] == kind


# --- transaction ids ---

def test_a_transaction_id_gives_the_same_answer_again(server, alice):
    room, other = alice.create_room(), alice.create_room()
    first = alice.send(room, "once", txn="a/b")
    assert alice.send(room, "once", txn="a/b") == first
    assert alice.send(room, "something else", txn="a/b") == first
    # Another path or another device is another transaction.
    assert alice.send(other, "once", txn="a/b") != first
    assert alice.send(room, "once", "org.example.type", txn="a/b") != first
    again = server.login(alice.user_id)
    assert again.send(room, "once", txn="a/b") != first
    assert hearth.bodies(alice.all_messages(room)).count("once") == 2


def test_a_transaction_id_is_good_for_redactions_too(alice, room):
    event = alice.send(room, "regretted")
    redaction = alice.redact(room, event, txn="r")
    assert alice.redact(room, event, txn="r") == redaction
    assert [e["type"] for e in alice.all_messages(room)].count("m.room.redaction") == 1


def test_transactions_at_the_same_time(alice, room):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda _: alice.send(room, "once", txn="same"), range(16)))
    assert len(set(sent)) == 1
    assert hearth.bodies(alice.all_messages(room)) == ["once"]


def test_transactions_outlive_a_restart(own_server):
    server = own_server.start()
    alice = server.register("alice")
    room = alice.create_room()
    sent = {txn: alice.send(room, txn, txn=txn) for txn in ("one", "two")}
    redaction = alice.redact(room, sent["one"], txn="three")
    server.restart()
    assert {txn: alice.send(room, "again", txn=txn) for txn in sent} == sent
    assert alice.redact(room, sent["one"], txn="three") == redaction
    assert len(hearth.bodies(alice.all_messages(room))) == 2


def test_a_transaction_survives_a_new_token(server):
    alice = server.register("alice", refresh_token=True)
    room = alice.create_room()
    sent = alice.send(room, "once", txn="t")
    fresh = alice.server.call("POST", f"{hearth.CLIENT}/refresh", {"refresh_token": alice.session["refresh_token"]})
    alice.token = fresh.json["access_token"]
    assert alice.send(room, "once", txn="t") == sent


# --- redactions ---

@pytest.mark.parametrize("version", VERSIONS)
def test_redaction(alice, bob, version):
    room = alice.create_room(preset="public_chat", room_version=version)
    bob.join(room)
    event_id = bob.send(room, {"msgtype": "m.text", "body": "regretted", "org.example.more": 1})
    redaction = bob.redact(room, event_id, reason="typo")
    event = alice.event(room, event_id)
    assert event["content"] == {} and event["sender"] == bob.user_id and event["type"] == "m.room.message"
    because = event["unsigned"]["redacted_because"]
    assert because["event_id"] == redaction and because["content"]["reason"] == "typo"
    # Clients find what is redacted at either place, whatever the version of the room.
    event = alice.event(room, redaction)
    assert event["redacts"] == event_id and event["content"]["redacts"] == event_id
    assert "regretted" not in str(alice.all_messages(room)) + str(alice.sync())


@pytest.mark.parametrize("version", VERSIONS)
def test_redaction_by_send(alice, version):
    room = alice.create_room(room_version=version)
    event_id = alice.send(room, "regretted")
    redaction = alice.send(room, {"redacts": event_id, "reason": "typo"}, "m.room.redaction")
    assert alice.event(room, event_id)["content"] == {}
    assert alice.event(room, redaction)["redacts"] == event_id


def test_redaction_of_others_needs_power(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    event_id = alice.send(room, "stays")
    with refused("M_FORBIDDEN", 403):
        bob.redact(room, event_id)
    assert alice.event(room, event_id)["content"]["body"] == "stays"
    of_bob = bob.send(room, "goes")
    alice.redact(room, of_bob)
    assert alice.event(room, of_bob)["content"] == {}


def test_redaction_of_nothing(alice):
    here, there = alice.create_room(), alice.create_room()
    elsewhere = alice.send(there, "elsewhere")
    for event_id in ("$" + "A" * 43, elsewhere):
        with refused("M_NOT_FOUND", 404):
            alice.redact(here, event_id)
    assert alice.event(there, elsewhere)["content"]["body"] == "elsewhere"


# What redaction keeps, by room version: type, content, what is left of it.
KEPT = {
    "m.room.name": ({"name": "x"}, dict.fromkeys(VERSIONS, {})),
    "m.room.join_rules": ({"join_rule": "restricted", "allow": [], "x": 1},
                          dict.fromkeys(VERSIONS, {"join_rule": "restricted", "allow": []})),
    "m.room.history_visibility": ({"history_visibility": "joined", "x": 1},
                                  dict.fromkeys(VERSIONS, {"history_visibility": "joined"})),
    "m.room.power_levels": ({"users_default": 1, "invite": 2, "notifications": {"room": 3}, "x": 1},
                            {"10": {"users_default": 1}, "11": {"users_default": 1, "invite": 2},
                             "12": {"users_default": 1, "invite": 2}}),
}


@pytest.mark.parametrize("kind", KEPT)
@pytest.mark.parametrize("version", VERSIONS)
def test_redaction_keeps_what_the_version_says(alice, kind, version):
    room = alice.create_room(room_version=version)
    content, kept = KEPT[kind]
    if kind == "m.room.power_levels" and version != "12":
        content = {**content, "users": {alice.user_id: 100}}
        kept = {v: {**k, "users": content["users"]} for v, k in kept.items()}
    event_id = alice.set_state(room, kind, content)
    alice.redact(room, event_id)
    assert alice.event(room, event_id)["content"] == kept[version]
    assert alice.state(room, kind) == kept[version]


def test_a_redacted_event_keeps_its_state_key_and_place(alice, room):
    event_id = alice.set_state(room, "org.example.state", {"secret": 1}, "key")
    alice.redact(room, event_id)
    event = alice.state(room, "org.example.state", "key", format="event")
    assert (event["event_id"], event["content"], event["state_key"]) == (event_id, {}, "key")


# --- aliases ---

def alias_of(stem="alias"):
    return f"#{hearth.unique(stem)}:{hearth.NAME}"


def test_alias(alice, bob, room):
    alias = alias_of()
    with refused("M_NOT_FOUND", 404):
        alice.get("/directory/room/{}", alias)
    alice.put("/directory/room/{}", alias, body={"room_id": room})
    found = alice.server.anonymous().get("/directory/room/{}", alias)
    assert found == {"room_id": room, "servers": [hearth.NAME]}
    assert alice.get("/rooms/{}/aliases", room)["aliases"] == [alias]
    with refused("M_FORBIDDEN", 403):
        bob.get("/rooms/{}/aliases", room)
    answer = alice.call("PUT", "/directory/room/{}", alias, body={"room_id": alice.create_room()})
    assert (answer.status, answer.errcode) == (409, "M_UNKNOWN")
    with refused("M_FORBIDDEN", 403):
        bob.delete("/directory/room/{}", alias)
    alice.delete("/directory/room/{}", alias)
    with refused("M_NOT_FOUND", 404):
        alice.get("/directory/room/{}", alias)
    with refused("M_NOT_FOUND", 404):
        alice.delete("/directory/room/{}", alias)


@pytest.mark.parametrize("alias", ["no-sigil:localhost", "#no-server", "#:localhost", "#nul\0:localhost",
                                   f"#{'a' * 250}:localhost", "!room:localhost"])
def test_malformed_aliases(alice, room, alias):
    for method, body in (("PUT", {"room_id": room}), ("GET", None)):
        answer = alice.call(method, "/directory/room/{}", alias, body=body)
        assert (answer.status, answer.errcode) in {(400, "M_INVALID_PARAM"), (404, "M_NOT_FOUND")}, answer
        assert method == "GET" or answer.status == 400


def test_aliases_of_other_servers_are_not_ours_to_make(alice, room):
    answer = alice.call("PUT", "/directory/room/{}", "#a:elsewhere.example", body={"room_id": room})
    assert answer.status in (400, 403), answer


def test_a_canonical_alias_must_lead_here(alice, room):
    elsewhere, here = alias_of("elsewhere"), alias_of("here")
    alice.put("/directory/room/{}", elsewhere, body={"room_id": alice.create_room()})
    alice.put("/directory/room/{}", here, body={"room_id": room})
    for alias in (elsewhere, alias_of("nothing")):
        for content in ({"alias": alias}, {"alt_aliases": [alias]}):
            with refused("M_BAD_ALIAS", 400):
                alice.set_state(room, "m.room.canonical_alias", content)
    for content in ({"alias": "nonsense"}, {"alt_aliases": ["nonsense"]}):
        with refused("M_INVALID_PARAM", 400):
            alice.set_state(room, "m.room.canonical_alias", content)
    alice.set_state(room, "m.room.canonical_alias", {"alias": here, "alt_aliases": [here]})
    # What stands there already may stay, even if it no longer leads here.
    alice.delete("/directory/room/{}", here)
    if "alias" in alice.state(room, "m.room.canonical_alias"):
        alice.set_state(room, "m.room.canonical_alias", {"alias": here, "alt_aliases": [here], "x": 1})
