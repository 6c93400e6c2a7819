#!/usr/bin/python3
"""A peer made of aiortc, as a program of Hairpin's exec protocol (harness/programs/EXEC.md).

What aiortc 1.4 needs of whoever uses it, each found by a call that failed without it:

- It checks what it was given when the description is set, and gives up on a peer whose candidates trickle in later
  (aioice: with no pair to check, ICE has failed). So a remote description waits here until its candidates have ended,
  and they are written into it. Its own stand in its descriptions.
- An offer of audio and video gives one id to two header extensions, and other libraries refuse the bundle. The ids are
  made distinct at start-up.
- Its offer gives each line of a bundle ICE credentials of its own, as one may; pion and webrtcbin refuse that. They
  share one transport from the start here, unless HAIRPIN_AIORTC_BUNDLE is "balanced".
- It shows no selected pair, and aioice's is one of bases. The local end of a valid pair is the address that the check's
  answer tells (RFC 8445 section 7.2.5.3.2), so that is kept of each check.
- It has no relay-only policy of its own, and verifies the certificate of a TURN server over TLS: both are put into what
  it hands to aioice. The servers of a test rig sign for themselves.
- Its decoder thread dies of a payload that is no Opus, and Hairpin's own peers send packets of the right size and rate
  with something else inside. Decoding therefore forgives everything; what is counted are packets, and pictures by their
  RTP timestamps.
- It cannot restart ICE.
"""
import asyncio
import fractions
import importlib.util
import json
import os
import re
import sys
import time

CHECKED = {"aiortc": "python3-aiortc", "websockets": "python3-websockets"}


def missing_packages():
    """The Debian packages that this machine lacks; found without loading anything, which takes a second."""
    return [package for module, package in CHECKED.items() if importlib.util.find_spec(module) is None]


if __name__ == "__main__":
    MISSING = missing_packages()
    if MISSING:
        print(", ".join(MISSING), flush=True)
        sys.exit(1)
    if "--check" in sys.argv[1:]:
        sys.exit(0)

import aioice.ice  # noqa: E402 (only after the check)
import aiortc  # noqa: E402
import aiortc.codecs  # noqa: E402
import aiortc.rtcicetransport  # noqa: E402
import aiortc.rtcrtpreceiver  # noqa: E402
import av  # noqa: E402
import websockets  # noqa: E402
from aioice import TransportPolicy  # noqa: E402

NAME = os.environ.get("HAIRPIN_NAME", "aiortc")
SIGNALING = os.environ.get("HAIRPIN_SIGNALING", "ws://127.0.0.1:7880/")
ICE_SERVERS = json.loads(os.environ.get("HAIRPIN_ICE_SERVERS") or "[]")
RELAY_ONLY = os.environ.get("HAIRPIN_ICE_TRANSPORT_POLICY") == "relay"
STATS_INTERVAL = 1.0  # seconds
LAST_CANDIDATE_WAIT = 5.0  # seconds without a word, after which a remote description is taken to be complete
WIDTH, HEIGHT, FRAME_RATE = 320, 240, 30


def say(event, **members):
    """One event of the protocol."""
    print(json.dumps({"event": event, **members}), flush=True)


# ---- what the library needs ----


def unverified_context():
    """TLS without a certificate authority."""
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def adapt_library():
    """See the head of this file."""
    for extension in aiortc.codecs.HEADER_EXTENSIONS["video"]:
        if extension.uri.endswith("abs-send-time"):
            extension.id = 3

    original_kwargs = aiortc.rtcicetransport.connection_kwargs

    def connection_kwargs(servers):
        kwargs = original_kwargs(servers)
        if kwargs.get("turn_ssl"):
            kwargs["turn_ssl"] = unverified_context()
        if RELAY_ONLY:
            kwargs["transport_policy"] = TransportPolicy.RELAY
        return kwargs

    aiortc.rtcicetransport.connection_kwargs = connection_kwargs

    original_decoder = aiortc.rtcrtpreceiver.get_decoder

    class Forgiving:
        """A decoder that has nothing to say to what is no such codec."""

        def __init__(self, codec):
            self.decoder = original_decoder(codec)

        def decode(self, encoded):
            try:
                return self.decoder.decode(encoded)
            except Exception:  # whatever a codec makes of noise
                return []

    aiortc.rtcrtpreceiver.get_decoder = Forgiving

    original_request = aioice.ice.StunProtocol.request

    async def request(self, message, addr, *arguments, **more):
        response, source = await original_request(self, message, addr, *arguments, **more)
        mapped = response.attributes.get("XOR-MAPPED-ADDRESS")
        if mapped and "USERNAME" in message.attributes:
            self.__dict__.setdefault("mapped", {})[addr] = mapped
        return response, source

    aioice.ice.StunProtocol.request = request


# ---- what is sent ----


class Speech(aiortc.MediaStreamTrack):
    """A sawtooth of 200 Hz, in packets of 20 ms."""

    kind = "audio"
    RATE, SAMPLES = 48000, 960

    def __init__(self):
        super().__init__()
        self.begin, self.sent = None, 0
        tooth = b"".join(int(step * 50 - 6000).to_bytes(2, "little", signed=True) for step in range(240))
        self.sound = tooth * (self.SAMPLES // 240)

    async def recv(self):
        now = time.monotonic()
        self.begin = self.begin or now
        await asyncio.sleep(max(0, self.begin + self.sent * self.SAMPLES / self.RATE - now))
        frame = av.AudioFrame(format="s16", layout="mono", samples=self.SAMPLES)
        frame.planes[0].update(self.sound)
        frame.pts, frame.sample_rate = self.sent * self.SAMPLES, self.RATE
        frame.time_base = fractions.Fraction(1, self.RATE)
        self.sent += 1
        return frame


class Picture(aiortc.MediaStreamTrack):
    """A gradient that wanders, so that there is something to encode."""

    kind = "video"

    def __init__(self):
        super().__init__()
        self.begin, self.sent = None, 0
        self.line = bytes(range(256)) * 3

    async def recv(self):
        now = time.monotonic()
        self.begin = self.begin or now
        await asyncio.sleep(max(0, self.begin + self.sent / FRAME_RATE - now))
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        start = self.sent % 256
        rows = [self.line[(start + row) % 256 :][: frame.planes[0].line_size] for row in range(HEIGHT)]
        frame.planes[0].update(b"".join(rows))
        for plane in frame.planes[1:]:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts, frame.time_base = self.sent * 90000 // FRAME_RATE, fractions.Fraction(1, 90000)
        self.sent += 1
        return frame


# ---- descriptions as text ----


def ufrag_of(sdp):
    match = re.search(r"^a=ice-ufrag:(\S+)", sdp, re.M)
    return match.group(1) if match else None


def origin_of(sdp):
    match = re.search(r"^o=\S+ (\S+)", sdp, re.M)
    return match.group(1) if match else None


def candidates_ended(sdp):
    """No more candidates will follow this description. pion trickles without saying so, but has none in it then."""
    if "a=end-of-candidates" in sdp:
        return True
    return "a=candidate:" in sdp and not re.search(r"^a=ice-options:.*\btrickle\b", sdp, re.M)


def with_candidates(sdp, messages):
    """The description with trickled candidates in the sections they are for, and the end of candidates in each.

    Where sections are bundled each gets the candidates of all: aiortc takes those of the last section that it sees on a
    transport, and answers name them in the first."""
    head, *sections = re.split(r"(?m)^(?=m=)", sdp)
    found = []
    for index, section in enumerate(sections):
        mid = re.search(r"^a=mid:(\S+)", section, re.M)
        found.append(re.findall(r"^a=candidate:[^\r\n]*", section, re.M))
        for message in messages:
            named = message["sdpMid"] == mid.group(1) if mid and message.get("sdpMid") else None
            if message.get("candidate") and (message.get("sdpMLineIndex", 0) == index if named is None else named):
                found[index].append("a=" + message["candidate"])
    if "a=group:BUNDLE" in head:
        found = [list(dict.fromkeys(line for lines in found for line in lines))] * len(sections)
    for index, section in enumerate(sections):
        kept = [line for line in section.splitlines() if not line.startswith(("a=candidate:", "a=end-of-candidates"))]
        sections[index] = "".join(line + "\r\n" for line in [*kept, *found[index], "a=end-of-candidates"])
    return head + "".join(sections)


def end_of(candidate):
    return {"type": candidate.type, "address": candidate.host, "port": candidate.port,
            "transport": candidate.transport.lower()}


def local_end(connection, pair):
    """Our end of a pair as the other side sees it."""
    base = pair.local_candidate
    seen = getattr(pair.protocol, "mapped", {}).get(pair.remote_addr, (base.host, base.port))
    if seen == (base.host, base.port):
        return end_of(base)
    known = [each for each in connection.local_candidates if (each.host, each.port) == seen]
    return {**end_of(base), "type": known[0].type if known else "prflx", "address": seen[0], "port": seen[1]}


class Session:
    """One call: a peer connection, and the peer at its other end (None until somebody answers an offer to all)."""

    def __init__(self, peer, other):
        self.peer, self.other = peer, other
        self.origin = None  # of the remote description
        self.remote_ufrag = None
        self.offered = self.closed = False
        self.channels, self.tasks, self.received = {}, [], {}
        self.pair = None
        servers = [
            aiortc.RTCIceServer(urls=server["urls"], username=server.get("username"),
                                credential=server.get("credential"))
            for server in ICE_SERVERS
        ]
        self.pc = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=servers))
        self.pc.on("iceconnectionstatechange", self.on_ice_state)
        self.pc.on("connectionstatechange", self.watch_dtls)
        self.pc.on("track", self.on_track)
        self.pc.on("datachannel", self.on_channel)
        self.dtls_state = "new"

    def say(self, event, **members):
        """Nothing is told of a session after its end."""
        if not self.closed:
            say(event, **{"with": self.other, **members})

    # -- events of the library

    def on_ice_state(self):
        if self.pc.iceConnectionState != "closed":
            self.say("ice-state", state=self.pc.iceConnectionState)
        if self.pc.iceConnectionState == "completed":
            self.tell_pair()
        self.watch_dtls()

    def transports(self):
        """The DTLS transports of all m= lines; one where they are bundled."""
        found = [sender.transport for sender in self.pc.getSenders()]
        if self.pc.sctp:
            found.append(self.pc.sctp.transport)
        return list(dict.fromkeys(found))

    def watch_dtls(self):
        for transport in self.transports()[:1]:
            if transport.state != self.dtls_state:
                self.dtls_state = transport.state
                self.say("dtls-state", state=transport.state)

    def tell_pair(self):
        for transport in self.transports()[:1]:
            connection = transport.transport._connection
            nominated = connection._nominated.get(1)
            if nominated and nominated is not self.pair:
                self.pair = nominated
                self.say("selected-pair", local=local_end(connection, nominated),
                         remote=end_of(nominated.remote_candidate))

    def on_track(self, track):
        receiver = next(each for each in self.pc.getReceivers() if each.track is track)
        counts = self.received[receiver] = {"octets": 0, "frames": 0, "timestamp": None}
        original = receiver._handle_rtp_packet

        async def handle(packet, arrival_time_ms):
            counts["octets"] += len(packet.payload)
            if packet.timestamp != counts["timestamp"]:
                counts["timestamp"] = packet.timestamp
                counts["frames"] += 1
            await original(packet, arrival_time_ms)

        receiver._handle_rtp_packet = handle

        async def drain():
            try:
                while True:
                    await track.recv()
            except aiortc.mediastreams.MediaStreamError:
                pass

        self.tasks.append(asyncio.ensure_future(drain()))

    def on_channel(self, channel):
        self.channels[channel.label] = channel
        self.say("channel", label=channel.label, state=channel.readyState)

        @channel.on("open")
        def on_open():
            self.say("channel", label=channel.label, state="open")

        @channel.on("close")
        def on_close():
            self.say("channel", label=channel.label, state="closed")

        @channel.on("message")
        def on_message(message):
            self.say("data", label=channel.label, size=len(message))

    # -- calls

    def send(self, **message):
        self.peer.send({"id": NAME, **({"to": self.other} if self.other else {}), **message})

    async def describe(self, description):
        await self.pc.setLocalDescription(description)
        told = set()
        for transport in self.transports():
            for candidate in transport.transport.iceGatherer.getLocalCandidates():
                key = (candidate.type, candidate.ip, candidate.port)
                if key not in told:
                    told.add(key)
                    self.say("candidate", type=candidate.type, address=candidate.ip, port=candidate.port,
                             transport=candidate.protocol)
        self.say("gathering-done")
        self.send(type=self.pc.localDescription.type, sdp=self.pc.localDescription.sdp)

    async def offer(self, do):
        if do.get("audio"):
            self.pc.addTrack(Speech())
        if do.get("video"):
            self.pc.addTrack(Picture())
        if do.get("data") or not (do.get("audio") or do.get("video")):
            self.on_channel(self.pc.createDataChannel("data"))
        self.offered = True
        if os.environ.get("HAIRPIN_AIORTC_BUNDLE") != "balanced":
            await self.bundle()
        await self.describe(await self.pc.createOffer())

    async def bundle(self):
        """What setRemoteDescription() does once an answer has agreed to a bundle, done before the offer."""
        pc = self.pc
        bundled = [*pc.getTransceivers(), *([pc.sctp] if pc.sctp else [])]
        first = self.transports()[0]
        for one in bundled[1:]:
            own = one.transport if one is pc.sctp else one._transport
            if one is pc.sctp:
                one.setTransport(first)
            else:
                one.sender.setTransport(first)
                one.receiver.setTransport(first)
                one._transport = first
            one._bundled = True
            pc._RTCPeerConnection__dtlsTransports.discard(own)
            pc._RTCPeerConnection__iceTransports.discard(own.transport)
            await own.stop()
            await own.transport.stop()

    async def answer(self, sdp):
        self.take(sdp)
        await self.pc.setRemoteDescription(aiortc.RTCSessionDescription(sdp, "offer"))
        for transceiver in self.pc.getTransceivers():
            if transceiver.sender.track is None and transceiver._offerDirection != "inactive":
                transceiver.sender.replaceTrack(Speech() if transceiver.kind == "audio" else Picture())
                transceiver.direction = "sendrecv"
        await self.describe(await self.pc.createAnswer())

    async def take_answer(self, other, sdp):
        if self.other is None:
            self.say("session", state="closed")  # what was told of an unnamed one
            self.other = other
            self.say("session", state="open")
        self.take(sdp)
        self.offered = False
        await self.pc.setRemoteDescription(aiortc.RTCSessionDescription(sdp, "answer"))

    def take(self, sdp):
        self.origin, self.remote_ufrag = origin_of(sdp), ufrag_of(sdp)

    async def stats(self):
        """The media counters so far, for both directions."""
        self.watch_dtls()
        for transceiver in self.pc.getTransceivers():
            for report in (await transceiver.sender.getStats()).values():
                if report.type == "outbound-rtp" and report.packetsSent:
                    frames = getattr(transceiver.sender.track, "sent", 0)
                    self.say("media", kind=transceiver.kind, direction="out", packets=report.packetsSent,
                             octets=report.bytesSent, frames=frames)
            counts = self.received.get(transceiver.receiver)
            inbound = [report for report in (await transceiver.receiver.getStats()).values()
                       if report.type == "inbound-rtp"]
            if counts and inbound:
                clock = 48000 if transceiver.kind == "audio" else 90000
                self.say("media", kind=transceiver.kind, direction="in",
                         packets=sum(report.packetsReceived for report in inbound), octets=counts["octets"],
                         lost=sum(report.packetsLost for report in inbound),
                         **{"jitter-ms": round(max(report.jitter for report in inbound) * 1000 / clock, 3)},
                         frames=counts["frames"])

    async def close(self):
        if not self.closed:
            await self.stats()
            self.say("session", state="closed")
            self.closed = True
            for task in self.tasks:
                task.cancel()
            await self.pc.close()


class Peer:
    """The signalling and the sessions. Messages are carried out one after the other, in the order of their arrival: a
    description that still lacks candidates waits in `waiting` and holds up nobody."""

    def __init__(self):
        self.socket, self.finishing = None, False
        self.outbox = asyncio.Queue()
        self.sessions = []
        self.candidates = {}  # by sender: trickled candidates of a description that waits or is yet to come
        self.waiting = {}  # by sender: the message with that description, and the timer that ends its wait

    def send(self, message):
        self.outbox.put_nowait(json.dumps(message))

    def find(self, other):
        named = [session for session in self.sessions if session.other == other and not session.closed]
        unnamed = [session for session in self.sessions if session.other is None and not session.closed]
        return (named or unnamed or [None])[-1]

    def open(self, other):
        session = Session(self, other)
        self.sessions.append(session)
        if other is not None:
            session.say("session", state="open")
        return session

    # -- what comes from the broker

    async def on_message(self, message):
        other, to = message.get("id"), message.get("to")
        if other == NAME or (to is not None and to != NAME):
            return
        kind = message.get("type")
        if kind in ("offer", "answer"):
            await self.expect(other, message)
        elif kind == "candidate":
            await self.on_candidate(other, message)

    async def expect(self, other, message):
        """A description: it is carried out once its candidates are complete."""
        if kind_is_stale(self.find(other), message):
            say("log", text=f"{message['type']} of {other} ignored")
            return
        early = self.early(other, message)
        if candidates_ended(message["sdp"]) or any(each.get("candidate") is None for each in early):
            await self.carry_out(other, message)
            return
        self.forget_wait(other)
        timer = asyncio.get_running_loop().call_later(
            LAST_CANDIDATE_WAIT, lambda: asyncio.ensure_future(guarded(self.carry_out(other, message))))
        self.waiting[other] = (message, timer)

    def early(self, other, message):
        """The candidates that came for this very description."""
        ufrag = ufrag_of(message["sdp"])
        return [each for each in self.candidates.get(other, []) if each.get("ufrag") in (None, ufrag)]

    async def on_candidate(self, other, message):
        self.candidates.setdefault(other, []).append(message)
        if message.get("candidate") is None and other in self.waiting:
            await self.expect(other, self.waiting[other][0])

    def forget_wait(self, other):
        if other in self.waiting:
            self.waiting.pop(other)[1].cancel()

    async def carry_out(self, other, message):
        self.forget_wait(other)
        sdp = with_candidates(message["sdp"], self.early(other, message))
        self.candidates.pop(other, None)
        session = self.find(other)
        if kind_is_stale(session, message):
            return
        if message["type"] == "answer":
            await session.take_answer(other, sdp)
            return
        if session and session.origin == origin_of(sdp) and not session.offered:
            if session.remote_ufrag != ufrag_of(sdp):
                say("error", text="aiortc cannot restart ICE: the offer that asks for it is not answered")
                return
            await session.answer(sdp)
            return
        if session:
            await session.close()
        await self.open(other).answer(sdp)

    # -- what comes from the run

    async def do(self, order):
        kind = order.get("do")
        if kind == "call":
            await self.open(order.get("to")).offer(order)
            return
        chosen = [session for session in self.sessions
                  if not session.closed and order.get("with") in (None, session.other)]
        for session in chosen:
            if kind == "close":
                await session.close()
            elif kind == "restart":
                say("error", text="aiortc cannot restart ICE")
            elif kind == "send":
                session.tasks.append(asyncio.ensure_future(self.send_data(session, order)))
            else:
                say("log", text=f"aiortc's adapter does not know \"{kind}\"")

    async def send_data(self, session, order):
        label = order.get("label") or "data"
        channel = session.channels.get(label)
        if channel is None and session.pc.sctp is None:
            say("error", text="no data channel was negotiated in this call")
            return
        if channel is None:
            channel = session.pc.createDataChannel(label)
            session.on_channel(channel)
        if channel.readyState == "connecting":
            opened = asyncio.get_running_loop().create_future()
            channel.once("open", lambda: opened.done() or opened.set_result(None))
            await opened
        for _ in range(order.get("count") or 1):
            channel.send(bytes(order.get("size") or 100))
            await asyncio.sleep((order.get("interval-ms") or 0) / 1000)

    # -- the three loops

    async def read_orders(self):
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            order = json.loads(line)
            if order.get("do") == "finish":
                return
            await guarded(self.do(order))

    async def read_broker(self):
        async for text in self.socket:
            await guarded(self.on_message(json.loads(text)))
        if not self.finishing:
            say("log", text="the broker has gone")
        await asyncio.Event().wait()

    async def write_broker(self):
        while True:
            await self.socket.send(await self.outbox.get())

    async def tell_stats(self):
        while True:
            await asyncio.sleep(STATS_INTERVAL)
            for session in self.sessions:
                if not session.closed:
                    session.tell_pair()
                    await guarded(session.stats())

    async def run(self):
        self.socket = await websockets.connect(SIGNALING, compression=None, max_size=None, ping_interval=None)
        say("ready")
        orders = asyncio.ensure_future(self.read_orders())
        others = [asyncio.ensure_future(each) for each in (self.read_broker(), self.write_broker(), self.tell_stats())]
        await asyncio.wait([orders, *others], return_when=asyncio.FIRST_COMPLETED)
        self.finishing = True
        closing = [guarded(session.close()) for session in self.sessions] + [self.socket.close()]
        try:
            await asyncio.wait_for(asyncio.gather(*closing), 1)
        except asyncio.TimeoutError:
            say("log", text="aiortc takes too long to close; left as it is")
        sys.stdout.flush()
        os._exit(0)  # the decoder threads of what did not close would keep the process


def kind_is_stale(session, message):
    """An answer nobody asked for, or an offer that lost the glare: the smaller name keeps its own."""
    if message["type"] == "answer":
        return session is None or not session.offered
    return session is not None and session.offered and session.other is not None and NAME < (message.get("id") or "")


async def guarded(work):
    """A message that the library refuses is told, and ends nothing."""
    try:
        await work
    except Exception as error:  # any library's
        say("error", text=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    adapt_library()
    try:
        asyncio.run(Peer().run())
    except OSError as problem:
        say("error", text=f"no broker at {SIGNALING}: {problem}")
        sys.exit(1)
