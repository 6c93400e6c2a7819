// The client that Hairpin started from, without its framework: a page that calls whoever else is on its WebSocket. Its
// message flow is kept with its weak points, each of which is a scenario of its own under scenarios/signalling:
//
//   - the offer and every candidate go to everyone, and name nobody: any third peer answers the same offer;
//   - the id comes with the camera, so what is sent before that says `id: null`;
//   - a description is sent before it is set locally;
//   - a candidate is handed to the connection at once, also when there is no remote description yet, and then lost;
//   - without configuration there are no ICE servers.
"use strict";

const settings = window.HAIRPIN ?? {}; // what a page would be configured with: its name, its ICE servers
let id = null;
let stream = null;
let connection = null;

const socket = new WebSocket(`ws://${location.host}/ws`);
const send = (message) => socket.send(JSON.stringify({id, ...message}));

navigator.mediaDevices.getUserMedia({audio: true, video: true}).then((media) => {
    stream = media;
    id = settings.name ?? stream.id;
    document.getElementById("local").srcObject = stream;
});

function connect() {
    connection = new RTCPeerConnection({
        iceServers: settings.iceServers ?? [], iceTransportPolicy: settings.iceTransportPolicy ?? "all"});
    connection.onicecandidate = ({candidate}) => {
        if (!candidate) return;
        send({type: "candidate", candidate: candidate.candidate, sdpMid: candidate.sdpMid,
            sdpMLineIndex: candidate.sdpMLineIndex});
    };
    connection.ontrack = ({streams}) => {
        document.getElementById("remote").srcObject = streams[0];
    };
    connection.onconnectionstatechange = () => {
        document.getElementById("state").textContent = connection.connectionState;
    };
    for (const track of stream?.getTracks() ?? []) connection.addTrack(track, stream);
}

async function call() {
    connect();
    const offer = await connection.createOffer({offerToReceiveAudio: true, offerToReceiveVideo: true});
    send({type: "offer", sdp: offer.sdp});
    await connection.setLocalDescription(offer);
}

async function answer(sdp) {
    connect();
    await connection.setRemoteDescription({type: "offer", sdp});
    const description = await connection.createAnswer();
    send({type: "answer", sdp: description.sdp});
    await connection.setLocalDescription(description);
}

socket.onmessage = async ({data}) => {
    const message = JSON.parse(data);
    if (message.id === id) return; // our own, come back
    if (message.type === "offer") await answer(message.sdp);
    else if (message.type === "answer") await connection.setRemoteDescription({type: "answer", sdp: message.sdp});
    else if (message.type === "candidate") {
        await connection.addIceCandidate({
            candidate: message.candidate ?? "", sdpMid: message.sdpMid, sdpMLineIndex: message.sdpMLineIndex});
    }
};

document.getElementById("call").onclick = call;
document.getElementById("close").onclick = () => connection?.close();
