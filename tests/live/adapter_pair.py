"""Two adapters call each other without the rest of Hairpin: a broker of a few lines, and one network namespace.

    unshare -n /usr/bin/python3 adapter_pair.py OFFERER ANSWERER '{"do": "call", ...}' SECONDS

Both programs live in the namespace this runs in, on one address. The call is over when all that was asked for has come:
both ends connected, their pair told, media counted in both directions, messages through the data channel, ICE restarted
("restart") or refused; with "until-error", as soon as the answerer has told an error; or when the time is up. What both said goes to stdout as one JSON object, and every line with its time to stderr.
"""
import asyncio
import json
import os
import subprocess
import sys
import time

import websockets

NAMES = ("alice", "bob")
ADDRESS = "198.51.100.10"
BEGIN = time.monotonic()


def set_up_network():
    """lo, and one more interface: libraries leave 127.0.0.1 out."""
    for command in ("link set lo up", "link add e0 type veth peer name e1", f"address add {ADDRESS}/24 dev e0",
                    "link set e0 up", "link set e1 up"):
        subprocess.run(["ip", *command.split()], check=True)


class Broker:
    """Sends what one client says to all clients, itself included."""

    def __init__(self):
        self.clients, self.messages = set(), []

    async def serve(self, socket):
        self.clients.add(socket)
        try:
            async for text in socket:
                print(f"{time.monotonic() - BEGIN:7.3f} broker {text}", file=sys.stderr)
                self.messages.append(json.loads(text))
                for client in list(self.clients):
                    await client.send(text)
        except websockets.ConnectionClosed:
            pass
        self.clients.discard(socket)


class Program:
    """One adapter under the exec protocol."""

    def __init__(self, name, path):
        self.name, self.path, self.events, self.process = name, path, [], None
        self.changed = asyncio.Event()

    async def start(self, port):
        environment = {**os.environ, "HAIRPIN_NAME": self.name, "HAIRPIN_ROLE": "peer",
                       "HAIRPIN_SIGNALING": f"ws://127.0.0.1:{port}/", "HAIRPIN_ADDRESSES": ADDRESS}
        self.process = await asyncio.create_subprocess_exec(
            self.path, env=environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20)

    async def read(self):
        while line := await self.process.stdout.readline():
            print(f"{time.monotonic() - BEGIN:7.3f} {self.name} {line.decode().rstrip()}", file=sys.stderr)
            try:
                said = json.loads(line)
            except json.JSONDecodeError:
                said = {"event": "no-json", "text": line.decode(errors="replace")}
            self.events.append({"at": round(time.monotonic() - BEGIN, 3), **said})
            self.changed.set()
        self.changed.set()

    def tell(self, order):
        self.process.stdin.write((json.dumps(order) + "\n").encode())

    def has(self, event, **members):
        return any(each["event"] == event and all(each.get(key) == value for key, value in members.items())
                   for each in self.events)

    async def until(self, condition):
        while not condition(self):
            self.changed.clear()
            await self.changed.wait()


def is_done(order):
    """What an end has said when the call is good."""
    def media_flows(program, kind):
        return any(each["event"] == "media" and each["kind"] == kind and each["direction"] == "in"
                   and each["packets"] >= 20 for each in program.events)

    def condition(program):
        return (any(program.has("ice-state", state=state) for state in ("connected", "completed"))
                and program.has("selected-pair") and program.has("dtls-state", state="connected")
                and all(media_flows(program, kind) for kind in ("audio", "video") if order.get(kind))
                and (not order.get("data") or program.has("channel", state="open")))
    return condition


async def call(paths, order, seconds):
    broker = Broker()
    async with websockets.serve(broker.serve, "127.0.0.1", 0, compression=None, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        programs = [Program(name, path) for name, path in zip(NAMES, paths)]
        for program in programs:
            await program.start(port)
        readers = [asyncio.ensure_future(program.read()) for program in programs]
        done = True
        try:
            async def whole():
                for program in programs:
                    await program.until(lambda one: one.has("ready"))
                programs[0].tell(order)
                if order.get("until-error"):
                    await programs[1].until(lambda one: one.has("error"))
                    return
                for program in programs:
                    await program.until(is_done(order))
                if order.get("data"):
                    programs[0].tell({"do": "send", "with": NAMES[1], "label": "data", "size": 300, "count": 3})
                    await programs[1].until(lambda one: sum(each["event"] == "data" for each in one.events) == 3)
                if order.get("restart"):
                    programs[0].tell({"do": "restart", "with": NAMES[1]})
                    await programs[0].until(lambda one: one.has("error") or sum(
                        each["event"] == "selected-pair" for each in one.events) > 1)
            await asyncio.wait_for(whole(), seconds)
        except asyncio.TimeoutError:
            done = False
        for program in programs:
            program.tell({"do": "finish"})
        codes = []
        for program in programs:
            try:
                codes.append(await asyncio.wait_for(program.process.wait(), 5))
            except asyncio.TimeoutError:
                program.process.kill()
                codes.append(None)
        await asyncio.gather(*readers)
        return {"done": done, "codes": codes, "messages": broker.messages,
                **{program.name: program.events for program in programs}}


def main():
    set_up_network()
    result = asyncio.run(call(sys.argv[1:3], json.loads(sys.argv[3]), float(sys.argv[4])))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
