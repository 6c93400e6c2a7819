"""A peer of the protocol of harness/programs/EXEC.md that has no network: it says what its behaviour says.

It joins the broker by a WebSocket of its own making (the standard library has none), offers when it is told to call and
answers offers for it. MODE in its environment is what it does wrong: see the ifs.
"""
import base64
import json
import os
import select
import socket
import struct
import sys
import time

NAME = os.environ["HAIRPIN_NAME"]
MODE = os.environ.get("MODE", "good")


def say(event, **members):
    print(json.dumps({"event": event, **members}), flush=True)


class Broker:
    """One WebSocket connection: text frames only, as the broker has them."""

    def __init__(self, url):
        host, port = url.removeprefix("ws://").rstrip("/").split(":")
        self.socket = socket.create_connection((host, int(port)))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            self.data += self.socket.recv(4096)
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(head.decode())

    def frame(self, opcode, payload):
        size = len(payload)
        length = struct.pack("!B", 0x80 | size) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
        mask = os.urandom(4)
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        self.socket.sendall(bytes([0x80 | opcode]) + length + mask + masked)

    def send(self, message):
        self.frame(1, json.dumps(message).encode())

    def messages(self):
        """Those that are there, after the socket became readable."""
        self.data += self.socket.recv(65536)
        while len(self.data) >= 2:
            size, at = self.data[1] & 0x7f, 2
            if size == 126:
                size, at = struct.unpack("!H", self.data[2:4])[0], 4
            if len(self.data) < at + size:
                return
            opcode, payload, self.data = self.data[0] & 15, self.data[at:at + size], self.data[at + size:]
            if opcode == 1:
                yield json.loads(payload)


def connect(with_):
    say("session", **{"with": with_, "state": "open"})
    for state in ("checking", "connected"):
        say("ice-state", **{"with": with_, "state": state})
    side = {"type": "host", "address": os.environ["HAIRPIN_ADDRESSES"].split(",")[0], "port": 4000, "transport": "udp"}
    say("selected-pair", **{"with": with_, "local": side, "remote": {"type": "srflx", "address": "192.0.2.1", "port": 1}})


def main():
    broker = Broker(os.environ["HAIRPIN_SIGNALING"])
    if MODE == "early":
        print("I cannot work like this", file=sys.stderr)
        sys.exit(3)
    print("environment", json.dumps({k: v for k, v in os.environ.items() if k.startswith("HAIRPIN_") or k == "EXTRA"}),
          flush=True)
    say("ready")
    with_ = None
    commands = b""
    while True:
        readable = select.select([0, broker.socket], [], [])[0]
        if broker.socket in readable:
            for message in broker.messages():
                if message["id"] == NAME or message.get("to", NAME) != NAME:
                    continue
                if message["type"] == "offer":
                    broker.send({"id": NAME, "to": message["id"], "type": "answer", "sdp": "v=0"})
                with_ = message["id"]
                connect(with_)
        if 0 in readable:
            more = os.read(0, 65536)
            commands += more
            while b"\n" in commands:
                line, commands = commands.split(b"\n", 1)
                command = json.loads(line)
                print("told", line.decode(), flush=True)
                if command["do"] == "call":
                    if MODE == "crash":
                        os.kill(os.getpid(), 11)
                    while MODE == "flood":
                        os.write(2, b"x" * (1 << 20))
                    if MODE == "babble":
                        os.write(1, b"x" * (2 << 20))
                    broker.send({"id": NAME, "to": command["to"], "type": "offer", "sdp": "v=0"})
                    broker.frame(1, b"no JSON")
                    broker.frame(2, b"binary")
                if command["do"] == "finish":
                    say("media", **{"with": with_, "kind": "audio", "direction": "in", "packets": 50, "lost": 1})
                    if MODE == "stays":
                        time.sleep(600)
                    return
            if not more:
                return


main()
