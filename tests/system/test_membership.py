"""Who is in a room: invite, join, knock, restricted rooms, leave, kick, ban, forget (client-server API, "Room
membership"), and what the power levels allow."""

import pytest

import hearth
from hearth import refused


def membership(client, room, of=None):
    return client.state(room, "m.room.member", (of or client).user_id)["membership"]


def test_join_a_public_room(alice, bob):
    room = alice.create_room(preset="public_chat")
    assert bob.join(room) == room
    assert membership(alice, room, bob) == "join"
    assert room in bob.get("/joined_rooms")["joined_rooms"]
    # The other endpoint, and joining twice.
    assert bob.post("/rooms/{}/join", room)["room_id"] == room


def test_joining_twice_makes_no_second_event(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    before = len(alice.all_messages(room))
    bob.join(room)
    assert len(alice.all_messages(room)) == before


def test_a_private_room_needs_an_invitation(alice, bob):
    room = alice.create_room()
    with refused("M_FORBIDDEN", 403):
        bob.join(room)
    alice.invite(room, bob, reason="come in")
    assert alice.state(room, "m.room.member", bob.user_id)["reason"] == "come in"
    bob.join(room, reason="thank you")
    assert alice.state(room, "m.room.member", bob.user_id)["reason"] == "thank you"


def test_invitations(alice, bob, carol):
    room = alice.create_room()
    alice.invite(room, bob)
    alice.invite(room, bob)                             # again: 200, says the specification
    with refused("M_FORBIDDEN", 403):
        carol.invite(room, bob)                         # she is not in the room
    bob.join(room)
    with refused("M_FORBIDDEN", 403):
        alice.invite(room, bob)                         # he is in the room
    bob.invite(room, carol)                             # the level to invite is 0 in a private chat
    with refused("M_FORBIDDEN", 403):
        bob.member("ban", room, carol)
    carol.leave(room)
    assert membership(alice, room, carol) == "leave"


def test_an_invitation_can_be_declined_and_withdrawn(alice, bob):
    room = alice.create_room(invite=[bob.user_id])
    bob.leave(room, reason="no, thank you")
    assert alice.state(room, "m.room.member", bob.user_id)["reason"] == "no, thank you"
    with refused("M_FORBIDDEN", 403):
        bob.join(room)
    alice.invite(room, bob)
    alice.member("kick", room, bob)
    with refused("M_FORBIDDEN", 403):
        bob.join(room)


def test_invite_needs_power(alice, bob, carol):
    room = alice.create_room(preset="public_chat", power_level_content_override={"invite": 50})
    bob.join(room)
    with refused("M_FORBIDDEN", 403):
        bob.invite(room, carol)


def test_leave(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    bob.leave(room, reason="bye")
    member = alice.state(room, "m.room.member", bob.user_id)
    assert (member["membership"], member["reason"]) == ("leave", "bye")
    assert bob.get("/joined_rooms")["joined_rooms"] == []
    with refused("M_FORBIDDEN", 403):
        bob.send(room, "still here?")
    bob.join(room)


def test_leaving_what_one_was_never_in(alice, bob, room):
    with refused("M_FORBIDDEN", 403):
        bob.leave(room)
    answer = bob.call("POST", "/rooms/{}/leave", "!nowhere:localhost", body={})
    assert (answer.status, answer.errcode) in {(403, "M_FORBIDDEN"), (404, "M_NOT_FOUND")}


def test_kick(alice, bob, carol):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    carol.join(room)
    with refused("M_FORBIDDEN", 403):
        bob.member("kick", room, carol)
    alice.member("kick", room, bob, reason="out")
    event = alice.state(room, "m.room.member", bob.user_id, format="event")
    assert event["content"]["membership"] == "leave" and event["content"]["reason"] == "out"
    assert event["sender"] == alice.user_id
    with refused("M_FORBIDDEN", 403):
        alice.member("kick", room, bob)                 # he is not there
    bob.join(room)                                      # a kick is no ban


def test_ban_and_unban(alice, bob, carol):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    carol.join(room)
    with refused("M_FORBIDDEN", 403):
        carol.member("ban", room, bob)
    alice.member("ban", room, bob, reason="rude")
    member = alice.state(room, "m.room.member", bob.user_id)
    assert (member["membership"], member["reason"]) == ("ban", "rude")
    with refused("M_FORBIDDEN", 403):
        bob.join(room)
    with refused("M_FORBIDDEN", 403):
        alice.invite(room, bob)
    with refused("M_FORBIDDEN", 403):
        bob.leave(room)
    with refused("M_FORBIDDEN", 403):
        carol.member("unban", room, bob)
    alice.member("unban", room, bob)
    assert membership(alice, room, bob) == "leave"
    bob.join(room)


def test_unban_of_who_is_not_banned(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    answer = alice.call("POST", "/rooms/{}/unban", room, body={"user_id": bob.user_id})
    assert (answer.status, answer.errcode) in {(403, "M_BAD_STATE"), (400, "M_BAD_STATE"), (403, "M_FORBIDDEN")}
    assert membership(alice, room, bob) == "join"


def test_who_was_never_here_can_be_banned(alice, bob):
    room = alice.create_room(preset="public_chat")
    alice.member("ban", room, bob)
    with refused("M_FORBIDDEN", 403):
        bob.join(room)


@pytest.mark.parametrize("version", ["10", "11", "12"])
def test_moderators_are_not_moderated_by_their_equals(alice, bob, carol, version):
    room = alice.create_room(preset="public_chat", room_version=version)
    bob.join(room)
    carol.join(room)
    powers = alice.state(room, "m.room.power_levels")
    powers["users"] = {**powers.get("users", {}), bob.user_id: 50, carol.user_id: 50}
    alice.set_state(room, "m.room.power_levels", powers)
    for verb in ("kick", "ban"):
        with refused("M_FORBIDDEN", 403):
            bob.member(verb, room, carol)
        with refused("M_FORBIDDEN", 403):
            bob.member(verb, room, alice)
        # None may raise himself, or lower an equal.
    for users in ({bob.user_id: 100}, {carol.user_id: 0}):
        with refused("M_FORBIDDEN", 403):
            bob.set_state(room, "m.room.power_levels", {**powers, "users": {**powers["users"], **users}})
    alice.member("ban", room, bob)


def test_creators_are_not_listed_in_version_12(alice, bob):
    room = alice.create_room(room_version="12")
    answer = alice.call("PUT", "/rooms/{}/state/m.room.power_levels/", room, body={"users": {alice.user_id: 100}})
    assert answer.status in (400, 403), answer


def test_power_levels_decide_who_sends(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    with refused("M_FORBIDDEN", 403):
        bob.set_state(room, "m.room.name", {"name": "bob's"})
    powers = alice.state(room, "m.room.power_levels")
    alice.set_state(room, "m.room.power_levels", {**powers, "events_default": 10})
    with refused("M_FORBIDDEN", 403):
        bob.send(room, "hello")
    alice.set_state(room, "m.room.power_levels", {**powers, "events_default": 10,
                                                  "events": {**powers["events"], "m.room.message": 0}})
    bob.send(room, "hello")
    with refused("M_FORBIDDEN", 403):
        bob.send(room, {}, "org.example.other")


def test_state_keys_of_other_users(alice, bob):
    room = alice.create_room(preset="public_chat", power_level_content_override={"state_default": 0})
    bob.join(room)
    bob.set_state(room, "org.example.mine", {}, bob.user_id)
    with refused("M_FORBIDDEN", 403):
        bob.set_state(room, "org.example.mine", {}, alice.user_id)
    with refused("M_FORBIDDEN", 403):
        bob.set_state(room, "m.room.member", {"membership": "leave"}, alice.user_id)


def test_knock(alice, bob, carol):
    room = alice.create_room(initial_state=[{"type": "m.room.join_rules", "content": {"join_rule": "knock"}}])
    with refused("M_FORBIDDEN", 403):
        bob.join(room)
    assert bob.knock(room, reason="may I?") == room
    member = alice.state(room, "m.room.member", bob.user_id)
    assert (member["membership"], member["reason"]) == ("knock", "may I?")
    with refused("M_FORBIDDEN", 403):
        bob.join(room)
    alice.invite(room, bob)
    with refused("M_FORBIDDEN", 403):
        bob.knock(room)                                 # who is invited has no need to
    bob.join(room)
    with refused("M_FORBIDDEN", 403):
        bob.knock(room)
    # Taken back, turned away, and banned.
    carol.knock(room)
    carol.leave(room)
    carol.knock(room)
    alice.member("kick", room, carol)
    carol.knock(room)
    alice.member("ban", room, carol)
    with refused("M_FORBIDDEN", 403):
        carol.knock(room)


@pytest.mark.parametrize("rule", ["public", "invite", "restricted"])
def test_knocking_is_for_rooms_that_allow_it(alice, bob, rule):
    room = alice.create_room(initial_state=[{"type": "m.room.join_rules", "content": {"join_rule": rule}}])
    with refused("M_FORBIDDEN", 403):
        bob.knock(room)


def test_knock_by_alias(alice, bob):
    name = hearth.unique("door")
    room = alice.create_room(room_alias_name=name,
                             initial_state=[{"type": "m.room.join_rules", "content": {"join_rule": "knock"}}])
    assert bob.knock(f"#{name}:{hearth.NAME}") == room
    with refused("M_NOT_FOUND", 404):
        bob.knock(f"#nothing-{name}:{hearth.NAME}")


def restricted(alice, gate, rule="restricted", **options):
    return alice.create_room(initial_state=[{"type": "m.room.join_rules", "content": {
        "join_rule": rule, "allow": [{"type": "m.room_membership", "room_id": gate}]}}], **options)


@pytest.mark.parametrize("version", ["10", "11", "12"])
@pytest.mark.parametrize("rule", ["restricted", "knock_restricted"])
def test_restricted(alice, bob, carol, rule, version):
    gate = alice.create_room(preset="public_chat")
    room = restricted(alice, gate, rule, room_version=version)
    with refused("M_FORBIDDEN", 403):
        bob.join(room)
    bob.join(gate)
    bob.join(room)
    member = alice.state(room, "m.room.member", bob.user_id)
    assert member["join_authorised_via_users_server"] == alice.user_id
    # An invitation is as good; then nobody need authorise the join.
    alice.invite(room, carol)
    carol.join(room)
    assert "join_authorised_via_users_server" not in alice.state(room, "m.room.member", carol.user_id)
    # Leaving the gate puts nobody out, but the way back is closed.
    bob.leave(gate)
    bob.leave(room)
    with refused("M_FORBIDDEN", 403):
        bob.join(room)
    if rule == "knock_restricted":
        bob.knock(room)


def test_nobody_authorises_their_own_join(alice, bob):
    """The server signs for the user whom join_authorised_via_users_server names: it must be the server that names one."""
    gate = alice.create_room()
    room = restricted(alice, gate)
    claim = {"membership": "join", "join_authorised_via_users_server": alice.user_id}
    with refused("M_FORBIDDEN", 403):
        bob.set_state(room, "m.room.member", claim, bob.user_id)
    assert room not in bob.get("/joined_rooms")["joined_rooms"]


def test_restricted_needs_somebody_who_may_invite(alice, bob, carol):
    gate = alice.create_room(preset="public_chat")
    room = restricted(alice, gate, room_version="11", power_level_content_override={"invite": 50})
    bob.join(gate)
    alice.invite(room, carol)
    carol.join(room)
    alice.leave(room)                                   # carol has no power to invite
    answer = bob.call("POST", "/join/{}", room, body={})
    assert answer.status in (400, 403), answer
    assert answer.errcode in {"M_UNABLE_TO_AUTHORISE_JOIN", "M_UNABLE_TO_GRANT_JOIN", "M_FORBIDDEN"}, answer


def test_a_profile_change_keeps_no_authoriser(alice, bob):
    gate = alice.create_room(preset="public_chat")
    room = restricted(alice, gate)
    bob.join(gate)
    bob.join(room)
    bob.put("/profile/{}/displayname", bob.user_id, body={"displayname": "Robert"})
    member = alice.state(room, "m.room.member", bob.user_id)
    assert member["displayname"] == "Robert" and "join_authorised_via_users_server" not in member


def test_forget(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    with refused("M_UNKNOWN", 400):
        bob.post("/rooms/{}/forget", room)
    alice.send(room, "seen")
    bob.leave(room)
    assert "seen" in hearth.bodies(bob.all_messages(room))
    bob.post("/rooms/{}/forget", room)
    with refused("M_FORBIDDEN", 403):
        bob.messages(room)
    answer = bob.sync(filter={"room": {"include_leave": True}})
    assert room not in answer["rooms"].get("leave", {})
    bob.join(room)                                      # and the history is there again
    assert "seen" in hearth.bodies(bob.all_messages(room))


def test_joining_by_unknown_names(bob):
    with refused("M_NOT_FOUND", 404):
        bob.join(f"#nothing:{hearth.NAME}")
    answer = bob.call("POST", "/join/{}", "!nothing:localhost", body={})
    assert answer.status in (403, 404), answer
    with refused("M_INVALID_PARAM", 400):
        bob.join("no-sigil")


def test_members_and_joined_members(alice, bob, carol):
    room = alice.create_room(preset="public_chat", invite=[carol.user_id])
    bob.join(room)
    early = alice.sync()["next_batch"]
    bob.leave(room)

    def members(**query):
        chunk = alice.get("/rooms/{}/members", room, query=query)["chunk"]
        assert all(e["type"] == "m.room.member" for e in chunk)
        return {e["state_key"]: e["content"]["membership"] for e in chunk}

    now = {alice.user_id: "join", bob.user_id: "leave", carol.user_id: "invite"}
    assert members() == now
    assert members(at=early) == {**now, bob.user_id: "join"}
    assert members(membership="join") == {alice.user_id: "join"}
    assert members(membership="join", at=early) == {alice.user_id: "join", bob.user_id: "join"}
    assert members(not_membership="leave") == {alice.user_id: "join", carol.user_id: "invite"}
    # Both together are an OR.
    assert members(membership="join", not_membership="leave") == {alice.user_id: "join", carol.user_id: "invite"}
    assert set(alice.get("/rooms/{}/joined_members", room)["joined"]) == {alice.user_id}
    with refused("M_FORBIDDEN", 403):
        carol.get("/rooms/{}/joined_members", room)
    with refused("M_FORBIDDEN", 403):
        bob.get("/rooms/{}/joined_members", room)


def test_profiles_reach_rooms(alice, bob):
    bob.put("/profile/{}/displayname", bob.user_id, body={"displayname": "Bob"})
    bob.put("/profile/{}/avatar_url", bob.user_id, body={"avatar_url": "mxc://localhost/bob"})
    room = alice.create_room(preset="public_chat", invite=[bob.user_id])
    member = alice.state(room, "m.room.member", bob.user_id)
    assert (member["displayname"], member["avatar_url"]) == ("Bob", "mxc://localhost/bob")
    bob.join(room)
    second = bob.create_room()
    bob.put("/profile/{}/displayname", bob.user_id, body={"displayname": "Robert"})
    for where in (room, second):
        member = bob.state(where, "m.room.member", bob.user_id)
        assert (member["membership"], member["displayname"]) == ("join", "Robert")
    joined = alice.get("/rooms/{}/joined_members", room)["joined"]
    assert joined[bob.user_id] == {"display_name": "Robert", "avatar_url": "mxc://localhost/bob"}
    bob.delete("/profile/{}/avatar_url", bob.user_id)
    assert not alice.state(room, "m.room.member", bob.user_id).get("avatar_url")
    # A name that is the same says nothing new.
    count = len(alice.all_messages(room))
    bob.put("/profile/{}/displayname", bob.user_id, body={"displayname": "Robert"})
    assert len(alice.all_messages(room)) == count
    # Whoever has left is not brought back by a new name.
    bob.leave(room)
    bob.put("/profile/{}/displayname", bob.user_id, body={"displayname": "Rob"})
    assert alice.state(room, "m.room.member", bob.user_id)["membership"] == "leave"


def test_deactivation_leaves_all_rooms(server, alice, bob, carol):
    room = alice.create_room(preset="public_chat")
    invited = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    challenge = bob.call("POST", "/account/deactivate", body={})
    assert challenge.status == 401
    bob.post("/account/deactivate", body={"auth": {
        "type": "m.login.password", "identifier": {"type": "m.id.user", "user": bob.user_id},
        "password": hearth.PASSWORD, "session": challenge.json["session"]}})
    for where in (room, invited):
        hearth.eventually(lambda where=where: membership(alice, where, bob) == "leave")
    with refused("M_UNKNOWN_TOKEN", 401):
        bob.get("/account/whoami")
    with refused("M_USER_DEACTIVATED", 403):
        server.login(bob.user_id)
