"""kill -9 at any moment loses nothing that was acknowledged.

Rounds: several clients send, read and change state as fast as they can, each in its own thread; at a random moment the
server is killed and started again on the same folder. Then every event that was acknowledged must be there, in the order
in which each client had its acknowledgements, once; a request that was under way may have happened or not, but not by
halves, and gives one event when it is sent again with its transaction id. Tokens of /sync are good as before.

HEARTH_CRASH_ROUNDS says how many rounds (200 for a release build, 20 under sanitizers). HEARTH_CRASH_SEED repeats a run's
moments, as far as the machine lets them be repeated.
"""

import http.client
import os
import random
import threading
import time

import pytest

import hearth
from hearth import Refused

ROUNDS = int(os.environ.get("HEARTH_CRASH_ROUNDS") or (200 if hearth.SLOWNESS == 1 else 20))
SEED = int(os.environ.get("HEARTH_CRASH_SEED") or random.randrange(1 << 32))
WRITERS = 6
ROOMS = 2
# From the first request on, so that rounds end in the first transactions as well as in full group commits.
LIFE_S = (0.005, 0.25)
GONE = (ConnectionError, http.client.HTTPException, TimeoutError, OSError)


class Writer:
    """A client that sends messages, and now and then state, a redaction or a receipt. It remembers what it was told."""

    def __init__(self, client, room, name):
        self.client, self.room, self.name = client, room, name
        self.acknowledged = []          # (transaction id, event id), in order
        self.under_way = None           # transaction id of the message whose answer never came
        self.state = 0                  # the newest value that was acknowledged for this writer's state
        self.state_asked = 0
        self.redacted = []
        self.redact_asked = None
        self.since = client.sync()["next_batch"]
        self.before = []                # event ids acknowledged before `since` was given out
        self.number = 0
        self.error = None

    def run(self):
        try:
            while True:
                self.step()
        except GONE:
            pass
        except BaseException as error:  # noqa: BLE001: told to the test, in whose thread it is raised
            self.error = error

    def step(self):
        self.number += 1
        txn = f"{self.name}-{self.number}"
        self.under_way = txn
        self.acknowledged.append((txn, self.client.send(self.room, txn, txn=txn)))
        self.under_way = None
        if self.number % 7 == 0:
            self.state_asked = self.number
            self.client.set_state(self.room, "org.example.state", {"n": self.number}, self.client.user_id)
            self.state = self.number
        if self.number % 11 == 0 and len(self.acknowledged) > 5:
            self.redact_asked = self.acknowledged[-5][1]
            self.client.redact(self.room, self.redact_asked)
            self.redacted.append(self.redact_asked)
        if self.number % 13 == 0:
            self.client.read(self.room, self.acknowledged[-1][1])
        if self.number % 17 == 0:
            done = len(self.acknowledged)
            self.since = self.client.sync(self.since)["next_batch"]
            self.before = [event for _, event in self.acknowledged[:done]]

    # --- after the restart ---

    def resend(self):
        """What was under way is sent again, as a client does; it is acknowledged then."""
        if self.under_way:
            self.acknowledged.append((self.under_way, self.client.send(self.room, self.under_way, txn=self.under_way)))
            self.under_way = None

    def check(self, events):
        """`events`: those of the room since the round began, in order."""
        mine = [(e["content"].get("body"), e["event_id"]) for e in events
                if e["type"] == "m.room.message" and e["sender"] == self.client.user_id]
        gone = {self.redact_asked, *self.redacted}
        assert [event for _, event in mine] == [event for _, event in self.acknowledged], self.name
        for (body, event), (txn, _) in zip(mine, self.acknowledged):
            assert body == txn or (event in gone and body is None), (body, txn)
        for body, event in mine:
            assert event not in self.redacted or body is None, "an acknowledged redaction is lost"
        # The newest transactions give the same answer again.
        for txn, event in self.acknowledged[-3:]:
            assert self.client.send(self.room, "not again", txn=txn) == event
        kept = self.client.state(self.room, "org.example.state", self.client.user_id)["n"]
        assert kept in {self.state, self.state_asked}, (kept, self.state, self.state_asked)
        self.state = self.state_asked = kept
        self.check_sync()

    def check_sync(self):
        """What came after the old token comes with it, and nothing from before."""
        answer = self.client.sync(self.since, filter={"room": {"timeline": {"limit": 1000}}})
        timeline = answer["rooms"]["join"].get(self.room, {}).get("timeline", {"events": [], "limited": False})
        if not timeline["limited"]:
            seen = [e["event_id"] for e in timeline["events"]
                    if e["type"] == "m.room.message" and e["sender"] == self.client.user_id]
            assert seen == [event for _, event in self.acknowledged if event not in self.before], self.name
        self.since = answer["next_batch"]

    def forget(self):
        self.acknowledged.clear()
        self.redacted.clear()
        self.redact_asked = None
        self.before = []


def check_room(client, room, start, writers):
    """Pages through what the round brought, both ways."""
    events, token = [], start
    while token:
        page = client.messages(room, "f", **{"from": token}, limit=500)
        events += page["chunk"]
        token = page.get("end")
    ids = hearth.ids(events)
    assert len(set(ids)) == len(ids), "an event came twice"
    backwards = client.all_messages(room, "b", to=start, limit=500)
    assert hearth.ids(backwards) == ids[::-1]
    for writer in writers:
        writer.check(events)
    # The state is that of the events: the newest of each key.
    newest = {(e["type"], e["state_key"]): e["event_id"] for e in events if "state_key" in e}
    state = {key: e["event_id"] for key, e in client.all_state(room).items()}
    assert newest.items() <= state.items()


@pytest.mark.timeout(hearth.seconds(900))
def test_kill(own_server, capsys):
    chance = random.Random(SEED)
    server = own_server.start()
    owner = server.register("owner")
    rooms = [owner.create_room(preset="public_chat", power_level_content_override={"state_default": 0})
             for _ in range(ROOMS)]
    writers = []
    for i in range(WRITERS):
        client = server.register(f"writer{i}")
        client.join(rooms[i % ROOMS])
        client.set_state(rooms[i % ROOMS], "org.example.state", {"n": 0}, client.user_id)
        writers.append(Writer(client, rooms[i % ROOMS], f"w{i}"))
    start = owner.sync()["next_batch"]
    total, took, began = 0, [], time.monotonic()

    for number in range(ROUNDS):
        threads = [threading.Thread(target=writer.run) for writer in writers]
        for thread in threads:
            thread.start()
        time.sleep(hearth.seconds(chance.uniform(*LIFE_S)))
        server.kill()
        for thread in threads:
            thread.join()
        for writer in writers:
            if isinstance(writer.error, Refused):
                pytest.fail(f"round {number} (seed {SEED}): {writer.error}")
            assert not writer.error, writer.error
        at = time.monotonic()
        server.start()
        took.append(time.monotonic() - at)
        try:
            for writer in writers:
                writer.resend()
            for room in rooms:
                check_room(owner, room, start, [w for w in writers if w.room == room])
            start = owner.sync(start)["next_batch"]
        except AssertionError as error:
            raise AssertionError(f"round {number} (seed {SEED}): {error}") from error
        total += sum(len(writer.acknowledged) for writer in writers)
        for writer in writers:
            writer.forget()

    server.stop()
    with capsys.disabled():
        print(f"\n[{ROUNDS} kills, {total} acknowledged messages, {time.monotonic() - began:.0f} s, restart "
              f"{max(took) * 1000:.0f} ms at most, seed {SEED}]")
