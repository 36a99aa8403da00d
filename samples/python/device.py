"""A device in Python: store-and-forward on disk, `boot` and `seq` right over restarts, settings and commands answered.

Needs paho-mqtt 2.  python device.py --host 127.0.0.1 --port 1883 --name home:my-ac --secret ... --folder ./state [--readings 100] [--every-ms 1000]
"""
import argparse
import json
import os
import random
import sqlite3
import sys
import threading
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
store = sqlite3.connect(os.path.join(options.folder, "device.sqlite"), check_same_thread=False, isolation_level=None)
store.execute("PRAGMA synchronous = FULL")
store.execute("CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER)")
store.execute("CREATE TABLE IF NOT EXISTS queue (id INTEGER PRIMARY KEY AUTOINCREMENT, reading TEXT)")
# A new number at each start, on disk before the first reading uses it: (boot, seq) is never used twice.
store.execute("INSERT INTO state VALUES ('boot', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1")
boot = store.execute("SELECT value FROM state WHERE name = 'boot'").fetchone()[0]

lock = threading.RLock()
in_flight: dict[int, int] = {}  # message id -> row of the queue
sent: set[int] = set()
seq = 0
acknowledged = 0
settings: dict = {}

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=options.name, clean_session=False, protocol=mqtt.MQTTv311)
client.username_pw_set(options.name, options.secret)
client.will_set(topic("state"), '{"online":false}', qos=1, retain=True)
# A random wait that grows to a minute, so that a town whose power comes back does not call at once.
client.reconnect_delay_set(min_delay=1 + random.randrange(2), max_delay=60)


def measure() -> None:
    global seq
    value = {"room_temperature_c": 20 + random.random()}
    reading = {"ts": int(time.time() * 1000), "seq": seq, "boot": boot, "hist": not client.is_connected(), "fw": "1.0.0", "v": value}
    seq += 1
    with lock:
        store.execute("INSERT INTO queue (reading) VALUES (?)", (json.dumps(reading),))
        store.execute("DELETE FROM queue WHERE id <= (SELECT max(id) FROM queue) - ?", (QUEUE_MAX,))
    send()


def send() -> None:
    """Sends what waits, oldest first. A reading that is sent twice is stored once: its key is (boot, seq)."""
    with lock:
        if not client.is_connected():
            return
        for row, text in store.execute("SELECT id, reading FROM queue ORDER BY id LIMIT ?", (IN_FLIGHT_MAX,)).fetchall():
            if row in sent:
                continue
            reading = json.loads(text)
            reading["hist"] = reading["hist"] or reading["boot"] != boot
            sent.add(row)
            in_flight[client.publish(topic("tele"), json.dumps(reading), qos=1).mid] = row


def on_connect(_client, _data, _flags, reason, _properties) -> None:
    if reason.is_failure:
        print(f"refused: {reason}", file=sys.stderr)
        return
    client.subscribe([(topic("desired"), 1), (topic("cmd/#"), 1)])
    client.publish(topic("state"), '{"online":true}', qos=1, retain=True)
    threading.Thread(target=send, daemon=True).start()


def on_publish(_client, _data, mid, _reason, _properties) -> None:
    """The PUBACK: only now the reading leaves the disk."""
    global acknowledged
    with lock:
        row = in_flight.pop(mid, None)
        if row is None:
            return
        store.execute("DELETE FROM queue WHERE id = ?", (row,))
        sent.discard(row)
        acknowledged += 1
    send()


def on_message(_client, _data, message) -> None:
    body = json.loads(message.payload)
    if message.topic == topic("desired"):
        settings.update(body)
        client.publish(topic("reported"), json.dumps(settings), qos=1)
        return
    command_id = message.topic.split("/")[-1]
    state = "done" if body.get("command") in ("safe_state", "identify") else "refused"
    client.publish(topic(f"cmd/{command_id}/ack"), json.dumps({"state": state}), qos=1)


client.on_connect = on_connect
client.on_publish = on_publish
client.on_message = on_message
client.connect_async(options.host, options.port, keepalive=60)
client.loop_start()
while options.readings == 0 or seq < options.readings:
    measure()
    time.sleep(options.every_ms / 1000)
while True:
    with lock:
        if store.execute("SELECT count(*) FROM queue").fetchone()[0] == 0:
            break
    time.sleep(0.05)
print(json.dumps({"boot": boot, "readings": seq, "acknowledged": acknowledged}))
client.disconnect()
client.loop_stop()
