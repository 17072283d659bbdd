// Two people talk through the server with matrix-js-sdk and its own sync loop: the library that Element Web is made of.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import "./calm.mjs";
import * as sdk from "matrix-js-sdk";

import { eventually, pause, PASSWORD, Server, SLOWNESS, TOKEN } from "./hearth.mjs";

const { ClientEvent, EventType, MsgType, NotificationCountType, RoomMemberEvent } = sdk;
const MESSAGES = 500;
const LIMIT = { timeout: 120000 * SLOWNESS };

let server;
const clients = [];
let names = 0;

before(async () => {
    server = await Server.make();
    await server.start();
});

after(async () => {
    for (const client of clients) client.stopClient();
    await server.stop();
    await server.remove();
});

// --- people ---

/** Registers through the SDK: a first call that learns the flows, a second with the token. */
async function register(stem) {
    const username = `${stem}${names++}`;
    const guest = sdk.createClient({ baseUrl: server.url });
    const challenge = await guest.registerRequest({ username, password: PASSWORD }).then(
        () => assert.fail("registration without authentication"),
        (error) => error,
    );
    assert.equal(challenge.httpStatus, 401);
    assert.deepEqual(challenge.data.flows, [{ stages: ["m.login.registration_token"] }]);
    const auth = { type: "m.login.registration_token", token: TOKEN, session: challenge.data.session };
    return guest.registerRequest({ username, password: PASSWORD, auth });
}

function connect(session, options = {}) {
    const client = sdk.createClient({
        baseUrl: server.url,
        userId: session.user_id,
        accessToken: session.access_token,
        deviceId: session.device_id,
        timelineSupport: true,
        ...options,
    });
    clients.push(client);
    return client;
}

async function started(session, options, startOptions = {}) {
    const client = connect(session, options);
    await client.startClient({ initialSyncLimit: 20, pollTimeout: 20000, ...startOptions });
    await eventually(() => client.isInitialSyncComplete(), "the first sync");
    return client;
}

async function person(stem, options, startOptions) {
    return started(await register(stem), options, startOptions);
}

// --- rooms ---

const text = (body) => ({ msgtype: MsgType.Text, body });
const timeline = (room) => room.getLiveTimeline().getEvents();
const bodies = (room) =>
    timeline(room)
        .filter((event) => event.getType() === EventType.RoomMessage)
        .map((event) => event.getContent().body);
const find = (room, body) => timeline(room).find((event) => event.getContent().body === body);
const roomOf = (client, id, membership = "join") =>
    eventually(() => {
        const room = client.getRoom(id);
        return room?.getMyMembership() === membership && room;
    }, `${client.getUserId()} sees ${membership} of ${id}`);

/** A private room of both, by invitation; what each sees of it. */
async function sharedRoom(alice, bob, options = {}) {
    const { room_id: id } = await alice.createRoom({ name: "Hearth", invite: [bob.getUserId()], ...options });
    await roomOf(bob, id, "invite");
    await bob.joinRoom(id);
    const rooms = [await roomOf(alice, id), await roomOf(bob, id)];
    await eventually(() => rooms[0].getMember(bob.getUserId())?.membership === "join", "alice sees bob join");
    return [id, ...rooms];
}

// --- tests ---

test("log in by password, whoami, log out", LIMIT, async () => {
    const session = await register("login");
    const guest = sdk.createClient({ baseUrl: server.url });
    const flows = await guest.loginFlows();
    assert.ok(flows.flows.some((flow) => flow.type === "m.login.password"));
    const login = await guest.loginRequest({
        type: "m.login.password",
        identifier: { type: "m.id.user", user: session.user_id },
        password: PASSWORD,
        initial_device_display_name: "second",
    });
    const client = connect(login);
    assert.equal((await client.whoami()).user_id, session.user_id);
    const { devices } = await client.getDevices();
    assert.equal(devices.length, 2);
    assert.ok(devices.some((device) => device.display_name === "second"));
    await client.logout(true);
    await assert.rejects(client.whoami(), { errcode: "M_UNKNOWN_TOKEN" });
});

test("an invitation is seen, accepted, and left again", LIMIT, async () => {
    const alice = await person("alice");
    const bob = await person("bob");
    const { room_id: id } = await alice.createRoom({ name: "Invited", topic: "Fire", invite: [bob.getUserId()] });
    const invited = await roomOf(bob, id, "invite");
    assert.equal(invited.name, "Invited");
    assert.equal(invited.getMember(bob.getUserId()).events.member.getSender(), alice.getUserId());
    await bob.joinRoom(id);
    const room = await roomOf(bob, id);
    await eventually(() => room.currentState.getStateEvents("m.room.topic", "")?.getContent().topic === "Fire", "topic");
    assert.equal(room.getJoinedMemberCount(), 2);
    await bob.leave(id);
    await roomOf(bob, id, "leave");
    await eventually(() => alice.getRoom(id).getJoinedMemberCount() === 1, "alice sees bob leave");
    await bob.forget(id);
});

test("events arrive by sync, in order and once", LIMIT, async () => {
    const alice = await person("alice");
    const bob = await person("bob");
    const carol = await person("carol");
    const [id, ofAlice, ofBob] = await sharedRoom(alice, bob, { preset: "public_chat" });
    await carol.joinRoom(id);
    const ofCarol = await roomOf(carol, id);
    const said = Array.from({ length: 30 }, (_, i) => `message ${i}`);
    for (const [i, body] of said.entries()) await (i % 2 ? alice : bob).sendMessage(id, text(body));
    await eventually(() => find(ofCarol, said.at(-1)), "the last message");
    assert.deepEqual(bodies(ofCarol), said);
    // Those who speak put what they say where they say it, before they have read what came between.
    for (const room of [ofAlice, ofBob]) {
        await eventually(() => bodies(room).length === said.length, "all messages");
        assert.deepEqual(new Set(bodies(room)), new Set(said));
        await eventually(() => timeline(room).every((event) => event.status === null), "no echo is left");
    }
});

test("a local echo is resolved by its transaction id", LIMIT, async () => {
    const session = await register("alice");
    // The answer to /send is held back until sync has brought the event: then only the transaction id tells.
    let release;
    const held = new Promise((resolve) => (release = resolve));
    const fetchFn = async (url, init) => {
        const response = await fetch(url, init);
        if (String(url).includes("/send/")) await held;
        return response;
    };
    const alice = await started(session, { fetchFn });
    const bob = await person("bob");
    const [id, ofAlice, ofBob] = await sharedRoom(alice, bob);
    const sent = alice.sendMessage(id, text("echo"), "my-transaction");
    await eventually(() => find(ofBob, "echo"), "bob gets it");
    await eventually(() => find(ofAlice, "echo")?.getUnsigned().transaction_id, "alice gets it");
    release();
    const { event_id: eventId } = await sent;
    assert.deepEqual(bodies(ofAlice), ["echo"]);
    assert.equal(find(ofAlice, "echo").getId(), eventId);
    assert.equal(find(ofAlice, "echo").getUnsigned().transaction_id, "my-transaction");
    assert.equal(find(ofAlice, "echo").status, null);
    assert.equal(find(ofBob, "echo").getId(), eventId);
    assert.equal(find(ofBob, "echo").getUnsigned().transaction_id, undefined);

    // Another device of hers is not the one that sent.
    const login = await sdk.createClient({ baseUrl: server.url }).loginRequest({
        type: "m.login.password",
        identifier: { type: "m.id.user", user: session.user_id },
        password: PASSWORD,
    });
    const other = await started(login);
    assert.equal(find(await roomOf(other, id), "echo").getUnsigned().transaction_id, undefined);
});

test("edits and threads are told with the message that they are about", LIMIT, async () => {
    const alice = await person("alice");
    const session = await register("bob");
    const bob = await started(session);
    const [id] = await sharedRoom(alice, bob);
    const related = (body, type, to, more = {}) =>
        alice.sendMessage(id, { ...text(body), ...more, "m.relates_to": { rel_type: type, event_id: to } });
    const { event_id: root } = await alice.sendMessage(id, text("before"));
    const { event_id: edit } = await related("* after", "m.replace", root, { "m.new_content": text("after") });
    await related("first", "m.thread", root);
    const { event_id: last } = await related("last", "m.thread", root);

    const login = await sdk.createClient({ baseUrl: server.url }).loginRequest({
        type: "m.login.password",
        identifier: { type: "m.id.user", user: session.user_id },
        password: PASSWORD,
    });
    const other = await started(login);
    const message = timeline(await roomOf(other, id)).find((event) => event.getId() === root);
    assert.equal(message.replacingEventId(), edit);
    assert.equal(message.getContent().body, "after");
    assert.equal(message.getOriginalContent().body, "before");
    assert.equal(message.getServerAggregatedRelation("m.replace").event_id, edit);
    const thread = message.getServerAggregatedRelation("m.thread");
    assert.equal(thread.count, 2);
    assert.equal(thread.current_user_participated, false);
    assert.equal(thread.latest_event.event_id, last);
});

test(`${MESSAGES} messages are paged back without gap or duplicate`, LIMIT, async () => {
    const alice = await person("alice");
    const bobSession = await register("bob");
    const { room_id: id } = await alice.createRoom({ preset: "public_chat" });
    const said = Array.from({ length: MESSAGES }, (_, i) => `message ${i}`);
    for (const body of said) await alice.sendMessage(id, text(body));
    const bob = await started(bobSession);
    await bob.joinRoom(id);
    const room = await roomOf(bob, id);
    while (await bob.paginateEventTimeline(room.getLiveTimeline(), { backwards: true, limit: 37 }));
    assert.deepEqual(bodies(room), said);
    const ids = timeline(room).map((event) => event.getId());
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(timeline(room)[0].getType(), EventType.RoomCreate);
});

test("a timeline around an old event grows both ways", LIMIT, async () => {
    const alice = await person("alice");
    const { room_id: id } = await alice.createRoom({});
    const ids = [];
    for (let i = 0; i < 60; i++) ids.push((await alice.sendMessage(id, text(`message ${i}`))).event_id);
    const fresh = await started({
        user_id: alice.getUserId(),
        access_token: alice.getAccessToken(),
        device_id: alice.getDeviceId(),
    });
    const room = await roomOf(fresh, id);
    const around = await fresh.getEventTimeline(room.getUnfilteredTimelineSet(), ids[25]);
    const has = () => around.getEvents().map((event) => event.getId());
    assert.ok(has().includes(ids[25]));
    while (await fresh.paginateEventTimeline(around, { backwards: true, limit: 7 }));
    for (let i = 0; i < 20 && !has().includes(ids[39]); i++)
        await fresh.paginateEventTimeline(around, { backwards: false, limit: 7 });
    const seen = has().filter((event) => ids.includes(event));
    assert.deepEqual(seen.slice(0, 40), ids.slice(0, 40));
});

test("a redaction takes the content away", LIMIT, async () => {
    const alice = await person("alice");
    const bob = await person("bob");
    const [id, ofAlice, ofBob] = await sharedRoom(alice, bob);
    const { event_id: eventId } = await alice.sendMessage(id, text("regretted"));
    await eventually(() => ofBob.findEventById(eventId), "bob gets it");
    await alice.redactEvent(id, eventId, undefined, { reason: "typo" });
    for (const room of [ofAlice, ofBob]) {
        await eventually(() => room.findEventById(eventId)?.isRedacted(), "the redaction");
        assert.deepEqual(room.findEventById(eventId).getContent(), {});
        await eventually(
            () => room.findEventById(eventId).getUnsigned().redacted_because?.content?.reason === "typo",
            "the reason",
        );
    }
    // And for whoever reads it from the server.
    const read = await bob.fetchRoomEvent(id, eventId);
    assert.deepEqual(read.content, {});
    assert.equal(read.unsigned.redacted_because.sender, alice.getUserId());
});

test("unread counts rise with messages and mentions, and fall with a receipt", LIMIT, async () => {
    const alice = await person("alice");
    const bob = await person("bob");
    const [id, ofAlice, ofBob] = await sharedRoom(alice, bob);
    const unread = () => ofBob.getUnreadNotificationCount(NotificationCountType.Total);
    const highlights = () => ofBob.getUnreadNotificationCount(NotificationCountType.Highlight);
    await alice.sendMessage(id, text("one"));
    await alice.sendMessage(id, text("two"));
    await eventually(() => unread() === 2, "two unread");
    assert.equal(highlights(), 0);
    await alice.sendMessage(id, { ...text("bob!"), "m.mentions": { user_ids: [bob.getUserId()] } });
    await eventually(() => unread() === 3 && highlights() === 1, "three unread, one mention");
    assert.equal(ofAlice.getUnreadNotificationCount(NotificationCountType.Total), 0);

    await bob.sendReadReceipt(find(ofBob, "bob!"));
    await eventually(() => unread() === 0 && highlights() === 0, "all read");
    await eventually(
        () => ofAlice.getUsersReadUpTo(find(ofAlice, "bob!")).includes(bob.getUserId()),
        "alice sees that bob has read",
    );
    // A client that starts afresh gets the counts from the server.
    await alice.sendMessage(id, text("three"));
    const again = await started({
        user_id: bob.getUserId(),
        access_token: bob.getAccessToken(),
        device_id: bob.getDeviceId(),
    });
    const room = await roomOf(again, id);
    assert.equal(room.getUnreadNotificationCount(NotificationCountType.Total), 1);
    assert.equal(room.getUnreadNotificationCount(NotificationCountType.Highlight), 0);
});

test("typing is seen, and ends", LIMIT, async () => {
    const alice = await person("alice");
    const bob = await person("bob");
    const [id, ofAlice] = await sharedRoom(alice, bob);
    const states = [];
    alice.on(RoomMemberEvent.Typing, (_, member) => states.push([member.userId, member.typing]));
    await bob.sendTyping(id, true, 20000);
    await eventually(() => ofAlice.getMember(bob.getUserId()).typing, "bob types");
    await bob.sendTyping(id, false, 0);
    await eventually(() => !ofAlice.getMember(bob.getUserId()).typing, "bob has stopped");
    assert.deepEqual(states, [
        [bob.getUserId(), true],
        [bob.getUserId(), false],
    ]);
});

test("members are loaded lazily, and all when asked for", LIMIT, async () => {
    const alice = await person("alice");
    const { room_id: id } = await alice.createRoom({ preset: "public_chat" });
    const quiet = [];
    for (let i = 0; i < 12; i++) {
        const session = await register("quiet");
        await connect(session).joinRoom(id);
        quiet.push(session.user_id);
    }
    for (let i = 0; i < 25; i++) await alice.sendMessage(id, text(`message ${i}`));
    const bob = await person("bob", {}, { lazyLoadMembers: true, initialSyncLimit: 5 });
    await bob.joinRoom(id);
    const room = await roomOf(bob, id);
    await eventually(() => room.getJoinedMemberCount() === 14, "the count of members");
    // Those who said something in the timeline, bob, and the heroes; not the others.
    const known = () => room.getMembers().map((member) => member.userId);
    assert.ok(known().includes(alice.getUserId()));
    assert.ok(known().includes(bob.getUserId()));
    assert.ok(known().length < 14, `${known().length} members in the first sync`);
    await room.loadMembersIfNeeded();
    assert.deepEqual(known().sort(), [...quiet, alice.getUserId(), bob.getUserId()].sort());
    assert.equal(room.getJoinedMembers().length, 14);
});

test("display names, account data and tags reach both sides", LIMIT, async () => {
    const alice = await person("alice");
    const bob = await person("bob");
    const [id, ofAlice] = await sharedRoom(alice, bob);
    await bob.setDisplayName("Bob the builder");
    await eventually(() => ofAlice.getMember(bob.getUserId()).name === "Bob the builder", "the new name");
    await bob.setAccountData("org.example.setting", { on: true });
    await eventually(() => bob.getAccountData("org.example.setting")?.getContent().on, "account data");
    await bob.setRoomTag(id, "m.favourite", { order: 0.5 });
    await eventually(() => bob.getRoom(id).tags["m.favourite"]?.order === 0.5, "the tag");
    assert.equal(alice.getRoom(id).tags["m.favourite"], undefined);
});

test("clients go on after a restart of the server", LIMIT, async () => {
    const alice = await person("alice");
    const bob = await person("bob");
    const [id, ofAlice, ofBob] = await sharedRoom(alice, bob);
    await alice.sendMessage(id, text("before"));
    await eventually(() => find(ofBob, "before"), "the message before");
    const states = [];
    bob.on(ClientEvent.Sync, (state) => states.push(state));
    await server.restart();
    await alice.sendMessage(id, text("after"));
    for (const [client, room] of [[alice, ofAlice], [bob, ofBob]]) {
        await eventually(async () => {
            client.retryImmediately();
            await pause(20);
            return find(room, "after");
        }, "the message after the restart");
        assert.deepEqual(bodies(room), ["before", "after"]);
    }
    assert.ok(!states.includes("PREPARED"), "the sync went on and did not begin afresh");

    // A new login finds everything.
    const login = await sdk.createClient({ baseUrl: server.url }).loginRequest({
        type: "m.login.password",
        identifier: { type: "m.id.user", user: bob.getUserId() },
        password: PASSWORD,
    });
    const fresh = await roomOf(await started(login), id);
    assert.deepEqual(bodies(fresh), ["before", "after"]);
    assert.equal(fresh.name, "Hearth");
});
