"""Two people talk through the server with matrix-nio, which checks every answer against schemas of its own: an answer
it does not accept becomes an error response, and so a failure here."""

import asyncio
import contextlib
import functools

import nio
import pytest

import hearth

MESSAGES = 500


def run_async(test):
    """pytest calls plain functions; these are coroutines."""
    @functools.wraps(test)
    def plain(*arguments, **fixtures):
        asyncio.run(test(*arguments, **fixtures))
    return plain


def good(response, kind):
    """nio gives errors as values."""
    assert isinstance(response, kind), f"{type(response).__name__}: {response}"
    return response


def text(body):
    return {"msgtype": "m.text", "body": body}


def bodies(events):
    return [event.body for event in events if isinstance(event, nio.RoomMessageText)]


@pytest.fixture
def make(server):
    """Makes nio clients, in a block that closes them."""
    @contextlib.asynccontextmanager
    async def clients(*names):
        config = nio.AsyncClientConfig(max_timeouts=0, max_limit_exceeded=0)
        made = [nio.AsyncClient(server.url, name, config=config) for name in names]
        try:
            yield made if len(made) > 1 else made[0]
        finally:
            for client in made:
                await client.close()
    return clients


async def register(client, token=hearth.TOKEN):
    """nio's register_with_token wants a stage m.login.dummy after the token, as one server has it; the specification
    leaves the stages to the server, so that this follows the flows that are offered."""
    name, password = client.user, hearth.PASSWORD
    challenge = good(await client.register_interactive(name, password, {"initial_device_display_name": "nio"}),
                     nio.responses.RegisterInteractiveResponse)
    assert challenge.stages == ["m.login.registration_token"]
    auth = {"type": "m.login.registration_token", "token": token, "session": challenge.session}
    method, path, data = nio.Api.register(user=name, password=password, device_name="nio", device_id="", auth_dict=auth)
    return good(await client._send(nio.RegisterResponse, method, path, data), nio.RegisterResponse)


async def paged(client, room_id, start, direction=nio.MessageDirection.back, limit=43):
    """All events from `start` on; None is the end of the room that the direction begins at."""
    events = []
    first = True
    while start or first:
        first = False
        page = good(await client.room_messages(room_id, start, direction=direction, limit=limit),
                    nio.RoomMessagesResponse)
        assert all(not isinstance(event, nio.BadEvent) for event in page.chunk), page.chunk
        events += page.chunk
        start = page.end
    return events


async def synced(client, condition, **options):
    """Syncs until the condition holds."""
    for _ in range(50):
        response = good(await client.sync(timeout=2000, **options), nio.SyncResponse)
        if condition(response):
            return response
    raise AssertionError("not seen by sync")


async def shared_room(alice, bob, **options):
    created = good(await alice.room_create(name="Hearth", invite=[bob.user_id], **options), nio.RoomCreateResponse)
    await synced(bob, lambda r: created.room_id in r.rooms.invite)
    assert bob.invited_rooms[created.room_id].inviter == alice.user_id
    good(await bob.join(created.room_id), nio.JoinResponse)
    await synced(bob, lambda r: created.room_id in r.rooms.join)
    await synced(alice, lambda r: bob.user_id in alice.rooms[created.room_id].users)
    return created.room_id


@pytest.mark.timeout(hearth.seconds(120))
@run_async
async def test_two_users_and_a_restart(server, make):
    async with make(hearth.unique("alice"), hearth.unique("bob"), "later") as (alice, bob, later):
        for client in (alice, bob):
            await register(client)
            assert client.user_id == f"@{client.user}:{hearth.NAME}"
            assert good(await client.whoami(), nio.WhoamiResponse).user_id == client.user_id
        room_id = await shared_room(alice, bob)

        said = [f"message {i}" for i in range(MESSAGES)]
        for i, body in enumerate(said):
            speaker = bob if i % 5 == 0 else alice
            good(await speaker.room_send(room_id, "m.room.message", text(body)), nio.RoomSendResponse)

        # What sync brings at once is the end of it; paging back brings the rest.
        response = good(await bob.sync(), nio.SyncResponse)
        timeline = response.rooms.join[room_id].timeline
        assert timeline.limited and bodies(timeline.events) == said[-len(timeline.events):]
        events = await paged(bob, room_id, timeline.prev_batch)
        assert bodies(reversed(events)) + bodies(timeline.events) == said
        assert len({event.event_id for event in events}) == len(events)
        assert isinstance(events[-1], nio.RoomCreateEvent)
        forwards = await paged(bob, room_id, None, nio.MessageDirection.front)
        assert bodies(forwards) == said

        # Everything is there after a restart, for old tokens and for a fresh login.
        server.restart()
        good(await alice.room_send(room_id, "m.room.message", text("after the restart")), nio.RoomSendResponse)
        response = await synced(bob, lambda r: room_id in r.rooms.join)
        assert bodies(response.rooms.join[room_id].timeline.events) == ["after the restart"]
        assert not response.rooms.join[room_id].timeline.limited
        later.user = bob.user_id
        good(await later.login(hearth.PASSWORD, device_name="later"), nio.LoginResponse)
        response = good(await later.sync(), nio.SyncResponse)
        room = response.rooms.join[room_id]
        assert later.rooms[room_id].name == "Hearth"
        assert set(later.rooms[room_id].users) == {alice.user_id, bob.user_id}
        events = await paged(later, room_id, room.timeline.prev_batch)
        assert bodies(reversed(events)) + bodies(room.timeline.events) == [*said, "after the restart"]

        # Leaving.
        good(await bob.room_leave(room_id), nio.RoomLeaveResponse)
        await synced(bob, lambda r: room_id in r.rooms.leave)
        await synced(alice, lambda r: bob.user_id not in alice.rooms[room_id].users)
        good(await bob.room_forget(room_id), nio.RoomForgetResponse)
        assert isinstance(await bob.room_send(room_id, "m.room.message", text("?")), nio.RoomSendError)


@run_async
async def test_login_and_logout(make):
    async with make(hearth.unique("alice"), "again") as (alice, again):
        registered = await register(alice)
        assert "m.login.password" in good(await again.login_info(), nio.LoginInfoResponse).flows
        again.user = alice.user_id
        assert isinstance(await again.login("wrong password"), nio.LoginError)
        good(await again.login(hearth.PASSWORD), nio.LoginResponse)
        devices = good(await again.devices(), nio.DevicesResponse).devices
        assert {d.id for d in devices} == {registered.device_id, again.device_id}
        good(await again.update_device(again.device_id, {"display_name": "renamed"}), nio.UpdateDeviceResponse)
        devices = good(await again.devices(), nio.DevicesResponse).devices
        assert "renamed" in {d.display_name for d in devices}
        challenge = good(await alice.delete_devices([again.device_id]), nio.DeleteDevicesAuthResponse)
        auth = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": alice.user_id},
                "password": hearth.PASSWORD, "session": challenge.session}
        good(await alice.delete_devices([again.device_id], auth), nio.DeleteDevicesResponse)
        assert isinstance(await again.whoami(), nio.WhoamiError)
        good(await alice.logout(), nio.LogoutResponse)
        assert not alice.logged_in


@run_async
async def test_registration_is_refused_with_a_wrong_token(make):
    async with make(hearth.unique("alice")) as alice:
        with pytest.raises(AssertionError, match="401|token|Unauthorized|M_UNAUTHORIZED|M_FORBIDDEN"):
            await register(alice, "wrong")
        assert not alice.access_token


@run_async
async def test_redaction_reaches_both(make):
    async with make(hearth.unique("alice"), hearth.unique("bob")) as (alice, bob):
        await register(alice)
        await register(bob)
        room_id = await shared_room(alice, bob)
        sent = good(await alice.room_send(room_id, "m.room.message", text("regretted")), nio.RoomSendResponse)
        await synced(bob, lambda r: room_id in r.rooms.join)
        good(await alice.room_redact(room_id, sent.event_id, reason="typo"), nio.RoomRedactResponse)
        response = await synced(bob, lambda r: room_id in r.rooms.join)
        redaction, = response.rooms.join[room_id].timeline.events
        assert isinstance(redaction, nio.RedactionEvent)
        assert redaction.redacts == sent.event_id and redaction.reason == "typo"
        event = good(await bob.room_get_event(room_id, sent.event_id), nio.RoomGetEventResponse).event
        assert isinstance(event, nio.RedactedEvent)
        assert event.redacter == alice.user_id and event.reason == "typo"


@run_async
async def test_typing_and_receipts(make):
    async with make(hearth.unique("alice"), hearth.unique("bob")) as (alice, bob):
        await register(alice)
        await register(bob)
        room_id = await shared_room(alice, bob)
        good(await bob.room_typing(room_id, True, 20000), nio.RoomTypingResponse)
        await synced(alice, lambda r: alice.rooms[room_id].typing_users == [bob.user_id])
        good(await bob.room_typing(room_id, False), nio.RoomTypingResponse)
        await synced(alice, lambda r: alice.rooms[room_id].typing_users == [])
        sent = good(await alice.room_send(room_id, "m.room.message", text("read me")), nio.RoomSendResponse)
        await synced(bob, lambda r: bob.rooms[room_id].unread_notifications == 1)
        for thread in ("main", None):
            good(await bob.update_receipt_marker(room_id, sent.event_id, thread_id=thread),
                 nio.UpdateReceiptMarkerResponse)
        room = alice.rooms[room_id]
        await synced(alice, lambda r: bob.user_id in room.read_receipts)
        assert room.read_receipts[bob.user_id].event_id == sent.event_id
        assert room.threaded_read_receipts[bob.user_id]["main"].event_id == sent.event_id
        await synced(bob, lambda r: bob.rooms[room_id].unread_notifications == 0)
        good(await bob.room_read_markers(room_id, sent.event_id, sent.event_id), nio.RoomReadMarkersResponse)
        await synced(bob, lambda r: bob.rooms[room_id].fully_read_marker == sent.event_id)


@run_async
async def test_members_and_moderation(make):
    async with make(hearth.unique("alice"), hearth.unique("bob")) as (alice, bob):
        await register(alice)
        await register(bob)
        room_id = await shared_room(alice, bob)
        joined = good(await alice.joined_members(room_id), nio.JoinedMembersResponse)
        assert {m.user_id for m in joined.members} == {alice.user_id, bob.user_id}
        assert room_id in good(await bob.joined_rooms(), nio.JoinedRoomsResponse).rooms
        good(await alice.room_kick(room_id, bob.user_id, "out"), nio.RoomKickResponse)
        await synced(bob, lambda r: room_id in r.rooms.leave)
        good(await alice.room_invite(room_id, bob.user_id), nio.RoomInviteResponse)
        await synced(bob, lambda r: room_id in r.rooms.invite)
        good(await alice.room_ban(room_id, bob.user_id, "stay out"), nio.RoomBanResponse)
        assert isinstance(await bob.join(room_id), nio.JoinError)
        good(await alice.room_unban(room_id, bob.user_id), nio.RoomUnbanResponse)
        good(await alice.room_enable_knocking(room_id), nio.RoomPutStateResponse)
        good(await bob.room_knock(room_id, "may I?"), nio.RoomKnockResponse)
        await synced(alice, lambda r: room_id in r.rooms.join)


@run_async
async def test_state_context_aliases_and_profile(make):
    async with make(hearth.unique("alice"), hearth.unique("bob")) as (alice, bob):
        await register(alice)
        await register(bob)
        alias = hearth.unique("hearth")
        created = good(await alice.room_create(alias=alias, preset=nio.RoomPreset.public_chat, topic="Fire"),
                       nio.RoomCreateResponse)
        room_id = created.room_id
        resolved = good(await bob.room_resolve_alias(f"#{alias}:{hearth.NAME}"), nio.RoomResolveAliasResponse)
        assert resolved.room_id == room_id
        good(await bob.join(f"#{alias}:{hearth.NAME}"), nio.JoinResponse)
        good(await alice.room_put_state(room_id, "m.room.topic", {"topic": "Embers"}), nio.RoomPutStateResponse)
        topic = good(await bob.room_get_state_event(room_id, "m.room.topic"), nio.RoomGetStateEventResponse)
        assert topic.content["topic"] == "Embers"
        state = good(await bob.room_get_state(room_id), nio.RoomGetStateResponse)
        assert {"m.room.create", "m.room.power_levels", "m.room.member"} <= {e["type"] for e in state.events}
        sent = [good(await alice.room_send(room_id, "m.room.message", text(str(i))), nio.RoomSendResponse).event_id
                for i in range(11)]
        context = good(await bob.room_context(room_id, sent[5], 4), nio.RoomContextResponse)
        assert context.event.event_id == sent[5]
        assert [e.event_id for e in context.events_before] == [sent[4], sent[3]]
        assert [e.event_id for e in context.events_after] == [sent[6], sent[7]]
        good(await bob.set_displayname("Bob the builder"), nio.ProfileSetDisplayNameResponse)
        assert good(await alice.get_displayname(bob.user_id), nio.ProfileGetDisplayNameResponse).displayname \
            == "Bob the builder"
        good(await bob.set_avatar("mxc://localhost/bob"), nio.ProfileSetAvatarResponse)
        assert good(await alice.get_profile(bob.user_id), nio.ProfileGetResponse).avatar_url == "mxc://localhost/bob"
        await synced(alice, lambda r: alice.rooms[room_id].user_name(bob.user_id) == "Bob the builder", full_state=True)
        uploaded = good(await bob.upload_filter(room={"timeline": {"limit": 1}}), nio.UploadFilterResponse)
        response = good(await bob.sync(sync_filter=uploaded.filter_id, full_state=True), nio.SyncResponse)
        assert len(response.rooms.join[room_id].timeline.events) == 1
