"""A device in Python: store-and-forward on disk, `boot` and `seq` right over restarts, settings and commands answered.

Needs paho-mqtt 2.  python device.py --host 127.0.0.1 --port 1883 --name home:my-ac --secret ... --folder ./state [--readings 100] [--every-ms 1000]
"""
import argparse
import json
import os
import queue
import random
import sqlite3
import sys
import time

import paho.mqtt.client as mqtt

parser = argparse.ArgumentParser()
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--port", type=int, default=1883)
parser.add_argument("--name", required=True)
parser.add_argument("--secret", required=True)
parser.add_argument("--folder", default="./state")
parser.add_argument("--readings", type=int, default=0)
parser.add_argument("--every-ms", type=int, default=1000)
options = parser.parse_args()

tenant, device = options.name.split(":")
IN_FLIGHT_MAX = 20  # readings that the server may have to acknowledge at one time
QUEUE_MAX = 100_000  # readings kept while there is no connection; the oldest go first


def topic(rest: str) -> str:
    return f"mend/v1/{tenant}/{device}/{rest}"


# SQLite with full synchronisation: what was measured survives a power cut, and leaves the disk only after its PUBACK.
os.makedirs(options.folder, exist_ok=True)
store = sqlite3.connect(os.path.join(options.folder, "device.sqlite"), isolation_level=None)
store.execute("PRAGMA synchronous = FULL")
store.execute("CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER)")
store.execute("CREATE TABLE IF NOT EXISTS queue (id INTEGER PRIMARY KEY AUTOINCREMENT, reading TEXT)")
store.execute("CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT)")
store.execute("CREATE TABLE IF NOT EXISTS commands (id TEXT PRIMARY KEY, state TEXT)")
# A new number at each start, on disk before the first reading uses it: (boot, seq) is never used twice.
store.execute("INSERT INTO state VALUES ('boot', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1")
boot = store.execute("SELECT value FROM state WHERE name = 'boot'").fetchone()[0]

# paho calls back from a thread of its own and under locks of its own, so callbacks only put what happened here; the main thread, which
# measures, does all the rest. A lock of ours around `publish` would wait for paho's while a callback waits for ours.
events: queue.Queue = queue.Queue()
in_flight: dict[int, int] = {}  # message id -> row of the queue
sent: set[int] = set()
is_connected = False
seq = 0
acknowledged = 0

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=options.name, clean_session=False, protocol=mqtt.MQTTv311)
client.username_pw_set(options.name, options.secret)
client.will_set(topic("state"), '{"online":false}', qos=1, retain=True)
# A random wait that grows to a minute, so that a town whose power comes back does not call at once.
client.reconnect_delay_set(min_delay=1 + random.randrange(2), max_delay=60)
client.on_connect = lambda _client, _data, _flags, reason, _properties: events.put(("connect", reason))
client.on_disconnect = lambda _client, _data, _flags, reason, _properties: events.put(("disconnect", reason))
client.on_publish = lambda _client, _data, mid, _reason, _properties: events.put(("acknowledged", mid))
client.on_message = lambda _client, _data, message: events.put(("message", message))


def measure() -> None:
    global seq
    value = {"room_temperature_c": 20 + random.random()}
    reading = {"ts": int(time.time() * 1000), "seq": seq, "boot": boot, "hist": not is_connected, "fw": "1.0.0", "v": value}
    seq += 1
    store.execute("INSERT INTO queue (reading) VALUES (?)", (json.dumps(reading),))
    store.execute("DELETE FROM queue WHERE id <= (SELECT max(id) FROM queue) - ?", (QUEUE_MAX,))


def send() -> None:
    """Sends what waits, oldest first. A reading that is sent twice is stored once: its key is (boot, seq)."""
    if not is_connected:
        return
    for row, text in store.execute("SELECT id, reading FROM queue ORDER BY id LIMIT ?", (IN_FLIGHT_MAX,)).fetchall():
        if row in sent:
            continue
        reading = json.loads(text)
        reading["hist"] = reading["hist"] or reading["boot"] != boot
        sent.add(row)
        in_flight[client.publish(topic("tele"), json.dumps(reading), qos=1).mid] = row


def on_connect(reason) -> None:
    global is_connected
    if reason.is_failure:
        print(f"refused: {reason}", file=sys.stderr)
        return
    is_connected = True
    client.subscribe([(topic("desired"), 1), (topic("cmd/#"), 1)])
    client.publish(topic("state"), '{"online":true}', qos=1, retain=True)


def on_acknowledged(mid: int) -> None:
    """The PUBACK: only now the reading leaves the disk."""
    global acknowledged
    row = in_flight.pop(mid, None)
    if row is None:
        return
    store.execute("DELETE FROM queue WHERE id = ?", (row,))
    sent.discard(row)
    acknowledged += 1


def is_over(body: dict) -> bool:
    return body.get("expires_at_ms", float("inf")) < time.time() * 1000


def on_desired(body: dict) -> None:
    """Takes the settings over, keeps them, and says what holds now."""
    if is_over(body):
        return
    for name, value in body["desired"].items():
        store.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))
    settings = {name: json.loads(value) for name, value in store.execute("SELECT name, value FROM settings")}
    report = {"ts": int(time.time() * 1000), "desired_version": body["version"], "reported": settings}
    client.publish(topic("reported"), json.dumps(report), qos=1)


def on_command(command_id: str, body: dict) -> None:
    """Carries a command out once; one that comes again is answered again."""
    row = store.execute("SELECT state FROM commands WHERE id = ?", (command_id,)).fetchone()
    if row is None:
        is_known = body.get("command") in ("safe_state", "identify")
        row = ("done" if is_known and not is_over(body) else "refused",)
        store.execute("INSERT INTO commands (id, state) VALUES (?, ?)", (command_id, row[0]))
        store.execute("DELETE FROM commands WHERE rowid <= (SELECT max(rowid) FROM commands) - 100")
    client.publish(topic(f"cmd/{command_id}/ack"), json.dumps({"state": row[0]}), qos=1)


def handle(kind: str, what) -> None:
    global is_connected
    if kind == "connect":
        on_connect(what)
    elif kind == "disconnect":
        is_connected = False
    elif kind == "acknowledged":
        on_acknowledged(what)
    elif what.topic == topic("desired"):
        on_desired(json.loads(what.payload))
    else:
        on_command(what.topic.split("/")[-1], json.loads(what.payload))


client.connect_async(options.host, options.port, keepalive=60)
client.loop_start()
next_at = time.monotonic()
while True:
    is_measuring = options.readings == 0 or seq < options.readings
    if is_measuring and time.monotonic() >= next_at:
        measure()
        next_at += options.every_ms / 1000
    if not is_measuring and store.execute("SELECT count(*) FROM queue").fetchone()[0] == 0:
        break
    send()
    try:
        handle(*events.get(timeout=max(0, next_at - time.monotonic()) if is_measuring else 0.05))
    except queue.Empty:
        pass
print(json.dumps({"boot": boot, "readings": seq, "acknowledged": acknowledged}))
client.disconnect()
client.loop_stop()
