package main

// One call: a peer connection, and the peer at its other end.

import (
	"fmt"
	"time"

	"github.com/pion/webrtc/v3"
)

type session struct {
	peer     *peer
	other    *string // nil until somebody answers an offer to all
	pc       *webrtc.PeerConnection
	origin   string // of the remote description
	ufrag    string
	offered  bool // waits for an answer
	closed   bool
	channels map[string]*webrtc.DataChannel
	unsent   map[string][]order // by label: messages for a channel that is not open yet
	senders  []*sender
	received []*receiver
	pair     string // the last one told
}

// Nothing is told of a session after its end.
func (s *session) say(event string, more members) {
	if s.closed {
		return
	}
	line := members{"with": s.other}
	for key, value := range more {
		line[key] = value
	}
	say(event, line)
}

func (s *session) fail(err error) {
	say("error", members{"text": err.Error()})
}

func (p *peer) open(other *string) *session {
	s := &session{peer: p, other: other, channels: map[string]*webrtc.DataChannel{},
		unsent: map[string][]order{}}
	pc, err := p.api.NewPeerConnection(p.config)
	if err != nil { // only a configuration that makes no sense
		s.fail(err)
		s.closed = true
		s.pc, _ = p.api.NewPeerConnection(webrtc.Configuration{})
		p.sessions = append(p.sessions, s)
		return s
	}
	s.pc = pc
	p.sessions = append(p.sessions, s)
	if other != nil {
		s.say("session", members{"state": "open"})
	}
	s.watch()
	return s
}

func endOf(c *webrtc.ICECandidate) members {
	return members{"type": c.Typ.String(), "address": c.Address, "port": c.Port, "transport": c.Protocol.String()}
}

// The library's callbacks, carried over into the work goroutine.
func (s *session) watch() {
	post := s.peer.post
	s.pc.OnICECandidate(func(c *webrtc.ICECandidate) { post(func() { s.localCandidate(c) }) })
	s.pc.OnICEConnectionStateChange(func(state webrtc.ICEConnectionState) {
		post(func() {
			if state != webrtc.ICEConnectionStateClosed {
				s.say("ice-state", members{"state": state.String()})
			}
			s.tellPair()
		})
	})
	s.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		counters := newReceiver(track)
		post(func() { s.received = append(s.received, counters) })
		counters.read(track)
	})
	s.pc.OnDataChannel(func(channel *webrtc.DataChannel) { post(func() { s.watchChannel(channel) }) })
	dtls := s.pc.SCTP().Transport()
	dtls.OnStateChange(func(state webrtc.DTLSTransportState) {
		post(func() { s.say("dtls-state", members{"state": state.String()}) })
	})
	dtls.ICETransport().OnSelectedCandidatePairChange(func(*webrtc.ICECandidatePair) { post(s.tellPair) })
}

func (s *session) watchChannel(channel *webrtc.DataChannel) {
	post, label := s.peer.post, channel.Label()
	s.channels[label] = channel
	s.say("channel", members{"label": label, "state": channel.ReadyState().String()})
	channel.OnOpen(func() {
		post(func() {
			s.say("channel", members{"label": label, "state": "open"})
			for _, one := range s.unsent[label] {
				s.stream(channel, one)
			}
			delete(s.unsent, label)
		})
	})
	channel.OnClose(func() { post(func() { s.say("channel", members{"label": label, "state": "closed"}) }) })
	channel.OnMessage(func(m webrtc.DataChannelMessage) {
		size := len(m.Data)
		post(func() { s.say("data", members{"label": label, "size": size}) })
	})
}

func (s *session) tellPair() {
	pair, err := s.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil || pair.String() == s.pair {
		return
	}
	s.pair = pair.String()
	s.say("selected-pair", members{"local": endOf(pair.Local), "remote": endOf(pair.Remote)})
}

func (s *session) localCandidate(c *webrtc.ICECandidate) {
	m := members{"id": s.peer.name, "type": "candidate", "candidate": nil}
	if s.other != nil {
		m["to"] = *s.other
	}
	if c != nil {
		init := c.ToJSON()
		m["candidate"], m["sdpMid"], m["sdpMLineIndex"] = init.Candidate, init.SDPMid, init.SDPMLineIndex
		s.say("candidate", endOf(c))
	} else {
		s.say("gathering-done", nil)
	}
	s.peer.send(m)
}

// The description goes out before the first candidate, which waits for the work goroutine.
func (s *session) describe(description webrtc.SessionDescription, err error) {
	if err == nil {
		err = s.pc.SetLocalDescription(description)
	}
	if err != nil {
		s.fail(err)
		return
	}
	s.peer.send(message{ID: &s.peer.name, To: s.other, Type: description.Type.String(), SDP: description.SDP})
}

func (s *session) addTrack(kind webrtc.RTPCodecType) {
	one, err := newSender(s.pc, kind)
	if err != nil {
		s.fail(err)
		return
	}
	s.senders = append(s.senders, one)
}

func (s *session) offer(one order) {
	if one.Audio {
		s.addTrack(webrtc.RTPCodecTypeAudio)
	}
	if one.Video {
		s.addTrack(webrtc.RTPCodecTypeVideo)
	}
	if one.Data || !(one.Audio || one.Video) {
		if channel, err := s.pc.CreateDataChannel("data", nil); err == nil {
			s.watchChannel(channel)
		}
	}
	s.offered = true
	s.describe(s.pc.CreateOffer(nil))
}

func (s *session) restart() {
	s.offered = true
	s.describe(s.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true}))
}

func (s *session) remote(kind webrtc.SDPType, sdp string) bool {
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: kind, SDP: sdp}); err != nil {
		s.fail(err)
		return false
	}
	s.origin, s.ufrag = find(originLine, sdp), find(ufragLine, sdp)
	s.peer.flushEarly(s)
	return true
}

func (s *session) answer(sdp string) {
	if !s.remote(webrtc.SDPTypeOffer, sdp) {
		return
	}
	for _, transceiver := range s.pc.GetTransceivers() {
		if transceiver.Sender() == nil || transceiver.Sender().Track() == nil {
			s.addTrack(transceiver.Kind())
		}
	}
	s.describe(s.pc.CreateAnswer(nil))
}

func (s *session) sendData(one order) {
	if one.Label == "" {
		one.Label = "data"
	}
	if one.Size <= 0 {
		one.Size = 100
	}
	channel := s.channels[one.Label]
	if channel == nil {
		var err error
		if channel, err = s.pc.CreateDataChannel(one.Label, nil); err != nil {
			s.fail(fmt.Errorf("data channel %q: %w", one.Label, err))
			return
		}
		s.watchChannel(channel)
	}
	if channel.ReadyState() == webrtc.DataChannelStateConnecting {
		s.unsent[one.Label] = append(s.unsent[one.Label], one)
		return
	}
	s.stream(channel, one)
}

func (s *session) stream(channel *webrtc.DataChannel, one order) {
	go func() {
		for i := 0; i < one.Count || i == 0; i++ {
			if err := channel.Send(make([]byte, one.Size)); err != nil {
				s.peer.post(func() { s.fail(err) })
				return
			}
			time.Sleep(time.Duration(one.IntervalMS * float64(time.Millisecond)))
		}
	}()
}

func (s *session) stats() {
	if s.closed {
		return
	}
	s.tellPair()
	for _, one := range s.senders {
		s.say("media", one.counters())
	}
	for _, one := range s.received {
		s.say("media", one.counters())
	}
}

func (s *session) tellEnd() {
	if s.closed {
		return
	}
	s.stats()
	s.say("session", members{"state": "closed"})
	s.closed = true
	for _, one := range s.senders {
		one.stop()
	}
}

func (s *session) close() {
	s.tellEnd()
	go func() { _ = s.pc.Close() }()
}
