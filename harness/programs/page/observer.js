// What Hairpin sees of any page: put into every document before the page's own scripts. It wraps RTCPeerConnection, so
// that a page that knows nothing of Hairpin tells as much as our own, and passes commands on to the page.
//
// Out of the page: hairpinTell(text), a binding of the DevTools, takes one event of programs/EXEC.md a call. Into the
// page: hairpinDo(command) with a command of EXEC.md. A page that wants commands defines window.hairpinCommand; for one
// that does not, a call is a click on the element that says data-hairpin="call", and so are the other commands.
//
// Stands before this text: window.HAIRPIN = {name, signaling, iceServers, iceTransportPolicy, others,
// environment}.
(() => {
    "use strict";
    const PERIOD = 1000; // ms between two looks at the statistics
    const Native = window.RTCPeerConnection;
    const watched = new Set();

    const tell = (event) => window.hairpinTell(JSON.stringify(event));
    const log = (text) => tell({event: "log", text: String(text)});
    const fail = (text) => tell({event: "error", text: String(text)});

    // ---- one connection ----

    // Without a word of the page a connection is with the only other peer there is.
    class Watch {
        constructor(connection) {
            this.connection = connection;
            this.with = HAIRPIN.others.length === 1 ? HAIRPIN.others[0] : null;
            this.pair = "";
            this.transports = new Set();
            this.inUse = null; // the DTLS transport told of, and its state
            this.dtls = "";
            this.closed = false;
            this.last = {};
            tell({event: "session", with: this.with, state: "open"});
            connection.addEventListener("iceconnectionstatechange", () => {
                this.tellIce(connection.iceConnectionState);
                this.look().catch(() => {});
            });
            connection.addEventListener("icegatheringstatechange", () => {
                if (connection.iceGatheringState === "complete") tell({event: "gathering-done", with: this.with});
            });
            connection.addEventListener("icecandidate", ({candidate}) => {
                if (candidate && candidate.candidate) this.tellCandidate(candidate);
            });
            connection.addEventListener("icecandidateerror", (error) =>
                log(`ICE server ${error.url}: ${error.errorCode} ${error.errorText}`));
            connection.addEventListener("connectionstatechange", () => this.look().catch(() => {}));
            connection.addEventListener("signalingstatechange", () => this.watchTransports());
            connection.addEventListener("datachannel", ({channel}) => watchChannel(this, channel));
        }

        tellIce(state) {
            tell({event: "ice-state", with: this.with, state});
        }

        tellCandidate(candidate) {
            tell({
                event: "candidate", with: this.with, type: candidate.type,
                address: candidate.address?.replace(/^\[|\]$/g, ""), // Chromium puts IPv6 in brackets here alone
                port: candidate.port, transport: candidate.protocol,
            });
        }

        // A DTLS transport tells its changes itself; the statistics add the role and the cipher.
        watchTransports() {
            const senders = this.connection.getSenders().concat(this.connection.getReceivers());
            const found = senders.map((s) => s.transport).concat(this.connection.sctp?.transport);
            for (const transport of found) {
                if (!transport || this.transports.has(transport)) continue;
                this.transports.add(transport);
                transport.addEventListener("statechange", () => this.tellDtls(transport));
                this.tellDtls(transport);
            }
        }

        // BUNDLE closes the transports of all m-lines but the first before anything was sent over them: not a word of
        // those.
        tellDtls(transport) {
            const {state} = transport;
            const unused = state === "new" || (state === "closed" && transport !== this.inUse);
            if (unused || (transport === this.inUse && state === this.dtls)) return;
            this.inUse = transport;
            this.dtls = state;
            tell({event: "dtls-state", with: this.with, state});
        }

        async look() {
            if (this.closed) return;
            this.watchTransports();
            const stats = await this.connection.getStats();
            const all = [...stats.values()];
            this.tellPair(stats, all);
            for (const kind of ["audio", "video"]) {
                this.tellMedia(kind, "in", all.filter((s) => s.type === "inbound-rtp" && s.kind === kind));
                this.tellMedia(kind, "out", all.filter((s) => s.type === "outbound-rtp" && s.kind === kind));
            }
        }

        tellPair(stats, all) {
            const transport = all.find((s) => s.type === "transport" && s.selectedCandidatePairId);
            const pair = transport && stats.get(transport.selectedCandidatePairId);
            const local = pair && stats.get(pair.localCandidateId), remote = pair && stats.get(pair.remoteCandidateId);
            if (!local || !remote) return;
            const event = {
                event: "selected-pair", with: this.with,
                local: {type: local.candidateType, address: local.address, port: local.port, transport: local.protocol},
                remote: {type: remote.candidateType, address: remote.address, port: remote.port,
                    transport: remote.protocol},
            };
            if (local.relayProtocol) event.local["relay-protocol"] = local.relayProtocol;
            const text = JSON.stringify(event);
            if (text !== this.pair) {
                this.pair = text;
                tell(event);
            }
        }

        // Sums over the streams of a kind, which are one unless the page adds more; nothing where there are none.
        tellMedia(kind, direction, streams) {
            if (!streams.length) return;
            const sum = (key) => streams.some((s) => s[key] !== undefined)
                ? streams.reduce((total, s) => total + (s[key] ?? 0), 0) : undefined;
            const incoming = direction === "in";
            const jitter = streams.map((s) => s.jitter).filter((j) => j !== undefined);
            const event = {
                event: "media", with: this.with, kind, direction,
                packets: sum(incoming ? "packetsReceived" : "packetsSent"),
                octets: sum(incoming ? "bytesReceived" : "bytesSent"),
                lost: incoming ? sum("packetsLost") : undefined,
                "jitter-ms": incoming && jitter.length ? Math.max(...jitter) * 1000 : undefined,
                frames: kind === "video" ? sum(incoming ? "framesDecoded" : "framesEncoded") : undefined,
            };
            const text = JSON.stringify(event);
            if (event.packets && text !== this.last[kind + direction]) {
                this.last[kind + direction] = text;
                tell(event);
            }
        }

        // The statistics of a closed connection are gone: they are asked for before it closes. If they do not come, the
        // session is closed without them.
        close() {
            if (this.closed) return;
            const last = this.look().catch(() => {}); // asks at once, awaits later
            this.closed = true;
            watched.delete(this);
            Promise.race([last, new Promise((resolve) => setTimeout(resolve, PERIOD / 4))]).then(() => {
                tell({event: "session", with: this.with, state: "closed"});
            });
        }
    }

    function watchChannel(watch, channel) {
        let last = "connecting";
        const state = (name) => {
            if (name !== last && !watch.closed) tell({event: "channel", with: watch.with, label: channel.label, state: name});
            last = name;
        };
        channel.addEventListener("open", () => state("open"));
        channel.addEventListener("close", () => state("closed"));
        channel.addEventListener("message", ({data}) => {
            const size = typeof data === "string" ? new TextEncoder().encode(data).length : data.byteLength ?? data.size;
            tell({event: "data", with: watch.with, label: channel.label, size});
        });
        if (channel.readyState === "open") state("open");
    }

    // ---- what pages use ----

    const watches = new WeakMap();

    class Observed extends Native {
        constructor(...args) {
            super(...args);
            const watch = new Watch(this);
            watches.set(this, watch);
            watched.add(watch);
        }

        createDataChannel(...args) {
            const channel = super.createDataChannel(...args);
            watchChannel(watches.get(this), channel);
            return channel;
        }

        close() {
            watches.get(this).close();
            super.close();
        }
    }
    window.RTCPeerConnection = Observed;
    if (window.webkitRTCPeerConnection) window.webkitRTCPeerConnection = Observed;

    // Pages of ours, and others that care, say with whom a connection is.
    window.hairpin = {
        log, fail,
        ready: () => tell({event: "ready"}),
        session: (connection, name) => {
            const watch = watches.get(connection);
            if (watch && name && watch.with !== name) {
                watch.with = name;
                watch.pair = ""; // told again, now that it is known whom it concerns
                tell({event: "session", with: name, state: "open"});
            }
        },
    };

    window.hairpinDo = async (command) => {
        try {
            if (command.do === "finish") {
                await Promise.all([...watched].map((watch) => watch.look().catch(() => {})));
            }
            if (window.hairpinCommand) {
                await window.hairpinCommand(command);
                return;
            }
            if (command.do === "finish") return;
            const element = document.querySelector(`[data-hairpin="${CSS.escape(command.do)}"]`);
            if (element) element.click();
            else fail(`the page has nothing that does "${command.do}"`);
        } catch (error) {
            fail(`${command.do}: ${error}`);
        }
    };

    setInterval(() => {
        for (const watch of watched) watch.look().catch(() => {});
    }, PERIOD);
    window.addEventListener("unhandledrejection", ({reason}) => log(`not caught in the page: ${reason}`));
    window.addEventListener("error", ({message}) => log(`error in the page: ${message}`));
})();
