// Hairpin's own client in a browser: one connection a peer, any number of peers. Messages are those of the broker
// (programs/EXEC.md): {id, to, type, sdp | candidate, sdpMid, sdpMLineIndex}.
//
// Perfect negotiation (WebRTC 1.0, section 10.7) with the roles that our libnice peer has: of two names the smaller one
// is impolite. It ignores an offer that crosses its own; the other takes its offer back. A candidate that comes before
// the description it belongs to waits for it.
(() => {
    "use strict";
    const {name: me, signaling, iceServers, iceTransportPolicy} = HAIRPIN;
    const sessions = new Map(); // with -> Session; key "" while nobody is known who answers
    let socket, stream;

    const send = (message) => socket.send(JSON.stringify({id: me, ...message}));

    class Session {
        constructor(peer) {
            this.with = peer;
            this.early = []; // candidates before the remote description
            this.making = false; // an offer
            this.ignoring = false; // an offer of theirs, and so its candidates
            this.channels = new Map();
            this.connection = new RTCPeerConnection({iceServers, iceTransportPolicy});
            if (peer) hairpin.session(this.connection, peer);
            this.connection.onicecandidate = ({candidate}) => this.trickle(candidate);
            this.connection.ontrack = ({track}) => this.show(track);
            this.connection.ondatachannel = ({channel}) => this.channels.set(channel.label, channel);
        }

        send(message) {
            send(this.with ? {to: this.with, ...message} : message);
        }

        // Chromium ends each generation with an empty candidate, then with null; one end is enough.
        trickle(candidate) {
            if (candidate && !candidate.candidate) return;
            this.send(candidate
                ? {type: "candidate", candidate: candidate.candidate, sdpMid: candidate.sdpMid,
                    sdpMLineIndex: candidate.sdpMLineIndex, ufrag: candidate.usernameFragment}
                : {type: "candidate", candidate: null});
        }

        show(track) {
            const element = document.createElement(track.kind);
            element.autoplay = true;
            element.srcObject = new MediaStream([track]);
            document.body.append(element);
            track.onended = () => element.remove();
        }

        add(kind) {
            const used = this.connection.getSenders().map((s) => s.track);
            for (const track of stream.getTracks()) {
                if (track.kind === kind && !used.includes(track)) this.connection.addTrack(track, stream);
            }
        }

        channel(label) {
            if (!this.channels.has(label)) this.channels.set(label, this.connection.createDataChannel(label));
            return this.channels.get(label);
        }

        async offer(options) {
            this.making = true;
            try {
                await this.connection.setLocalDescription(await this.connection.createOffer(options));
                this.send({type: "offer", sdp: this.connection.localDescription.sdp});
            } finally {
                this.making = false;
            }
        }

        async takeOffer(sdp) {
            const crossed = this.making || this.connection.signalingState !== "stable";
            this.ignoring = crossed && me < this.with;
            if (this.ignoring) {
                hairpin.log(`an offer of ${this.with} crossed ours and is ignored`);
                return;
            }
            await this.connection.setRemoteDescription({type: "offer", sdp});
            for (const {receiver} of this.connection.getTransceivers()) this.add(receiver.track.kind);
            await this.takeEarly();
            await this.connection.setLocalDescription();
            this.send({type: "answer", sdp: this.connection.localDescription.sdp});
        }

        async takeAnswer(sdp) {
            if (this.connection.signalingState !== "have-local-offer") {
                hairpin.log(`an answer of ${this.with} to no offer is ignored`);
                return;
            }
            await this.connection.setRemoteDescription({type: "answer", sdp});
            await this.takeEarly();
        }

        async takeEarly() {
            for (const candidate of this.early.splice(0)) await this.addCandidate(candidate);
        }

        async addCandidate(candidate) {
            try {
                await this.connection.addIceCandidate(candidate);
            } catch (error) {
                if (!this.ignoring) hairpin.log(`candidate of ${this.with}: ${error.message}`);
            }
        }

        // A client that signals no sdpMid and no index means the first m-line. null: no more of them.
        async takeCandidate({candidate, sdpMid, sdpMLineIndex, ufrag}) {
            const init = candidate === null ? undefined : {
                candidate, sdpMid: sdpMid ?? null,
                sdpMLineIndex: sdpMLineIndex ?? (sdpMid === undefined || sdpMid === null ? 0 : null),
                usernameFragment: ufrag ?? null,
            };
            if (this.connection.remoteDescription) await this.addCandidate(init);
            else this.early.push(init);
        }

        // On hold nothing is sent and nothing is asked for, of the kinds named.
        async hold({do: what, audio, video}) {
            const held = what === "hold";
            for (const transceiver of this.connection.getTransceivers()) {
                const {kind} = transceiver.receiver.track;
                if (kind === "audio" ? audio : video) transceiver.direction = held ? "inactive" : "sendrecv";
            }
            await this.offer();
        }

        close() {
            this.connection.close();
            for (const element of document.body.querySelectorAll("audio, video")) {
                if (element.srcObject.getTracks().every((t) => t.readyState === "ended")) element.remove();
            }
        }
    }

    // ---- messages ----

    function sessionOf(peer) {
        const unnamed = sessions.get("");
        if (!sessions.has(peer) && unnamed) {
            sessions.delete("");
            sessions.set(peer, unnamed);
            unnamed.with = peer;
            hairpin.session(unnamed.connection, peer);
        }
        return sessions.get(peer);
    }

    function open(peer) {
        const session = new Session(peer);
        sessions.set(peer ?? "", session);
        return session;
    }

    async function take(message) {
        const {id, to, type} = message;
        if (id === me || (to !== undefined && to !== null && to !== me)) return;
        const peer = id ?? "";
        const session = type === "offer" ? sessions.get(peer) ?? open(peer) : sessionOf(peer);
        if (!session) hairpin.log(`${type} of ${peer}, with whom there is no session`);
        else if (type === "offer") await session.takeOffer(message.sdp);
        else if (type === "answer") await session.takeAnswer(message.sdp);
        else if (type === "candidate") await session.takeCandidate(message);
    }

    // One message after the other: an offer is answered before the candidates that follow it are looked at.
    let last = Promise.resolve();
    function receive({data}) {
        last = last.then(() => take(JSON.parse(data))).catch((error) => hairpin.fail(`message: ${error}`));
    }

    // ---- commands ----

    const chosen = (name) => name ? [sessions.get(name)].filter(Boolean) : [...sessions.values()];

    async function call({to, audio, video, data}) {
        sessions.get(to ?? "")?.close();
        const session = open(to);
        if (audio) session.add("audio");
        if (video) session.add("video");
        if (data) session.channel("data");
        await session.offer();
    }

    async function sendData({with: peer, label, size = 100, "interval-ms": interval = 20, count = 1}) {
        const [session] = chosen(peer);
        if (!session) throw new Error(`no session with ${peer}`);
        const existed = session.channels.has(label ?? "data");
        const channel = session.channel(label ?? "data");
        if (!existed && !session.connection.sctp) await session.offer();
        if (channel.readyState !== "open") await new Promise((resolve) => channel.addEventListener("open", resolve));
        for (let i = 0; i < count && channel.readyState === "open"; i++) {
            channel.send(new Uint8Array(size));
            if (i + 1 < count) await new Promise((resolve) => setTimeout(resolve, interval));
        }
    }

    window.hairpinCommand = async (command) => {
        switch (command.do) {
        case "call":
            return call(command);
        case "restart":
            return Promise.all(chosen(command.with).map((session) => session.offer({iceRestart: true})));
        case "hold":
        case "resume":
            return Promise.all(chosen(command.with).map((session) => session.hold(command)));
        case "close":
            for (const session of chosen(command.with)) {
                session.close();
                sessions.delete(session.with ?? "");
            }
            return undefined;
        case "send":
            return sendData(command);
        case "finish":
            return undefined;
        default:
            throw new Error(`unknown command ${command.do}`);
        }
    };

    async function start() {
        stream = await navigator.mediaDevices.getUserMedia({
            audio: true, video: {width: 640, height: 480, frameRate: 30}});
        socket = new WebSocket(signaling);
        await new Promise((resolve, reject) => {
            socket.onopen = resolve;
            socket.onerror = () => reject(new Error(`no WebSocket at ${signaling}`));
        });
        socket.onmessage = receive;
        socket.onclose = () => hairpin.log("the broker has closed the WebSocket");
        hairpin.ready();
    }

    start().catch((error) => hairpin.fail(`start: ${error}`));
})();
