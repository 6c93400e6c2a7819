package main

// Signalling: what goes over the broker, and which session it belongs to.

import (
	"fmt"
	"regexp"

	"github.com/pion/webrtc/v3"
)

// The broker's JSON. A candidate of null (or none) ends the candidates.
type message struct {
	ID        *string `json:"id"`
	To        *string `json:"to,omitempty"`
	Type      string  `json:"type"`
	SDP       string  `json:"sdp,omitempty"`
	Candidate *string `json:"candidate,omitempty"`
	Mid       *string `json:"sdpMid,omitempty"`
	Line      *uint16 `json:"sdpMLineIndex,omitempty"`
	Ufrag     *string `json:"ufrag,omitempty"`
}

var (
	ufragLine  = regexp.MustCompile(`(?m)^a=ice-ufrag:(\S+)`)
	originLine = regexp.MustCompile(`(?m)^o=\S+ (\S+)`)
)

func find(line *regexp.Regexp, sdp string) string {
	if match := line.FindStringSubmatch(sdp); match != nil {
		return match[1]
	}
	return ""
}

// The newest open session with that peer, else one whose offer went to everybody.
func (p *peer) find(other string) *session {
	var unnamed *session
	for i := len(p.sessions) - 1; i >= 0; i-- {
		s := p.sessions[i]
		if s.closed {
			continue
		}
		if s.other != nil && *s.other == other {
			return s
		}
		if s.other == nil && unnamed == nil {
			unnamed = s
		}
	}
	return unnamed
}

func (p *peer) take(m message) {
	if m.ID == nil || *m.ID == p.name || (m.To != nil && *m.To != p.name) {
		return
	}
	switch m.Type {
	case "offer":
		p.takeOffer(*m.ID, m)
	case "answer":
		p.takeAnswer(*m.ID, m)
	case "candidate":
		p.takeCandidate(*m.ID, m)
	}
}

// Glare: the smaller name keeps its offer; the other forgets its own and answers.
func (p *peer) takeOffer(other string, m message) {
	s := p.find(other)
	if s != nil && s.offered {
		if p.name < other {
			say("log", members{"text": "offer of " + other + " ignored (glare)"})
			return
		}
		s.close()
		s = nil
	}
	if s != nil && s.origin != find(originLine, m.SDP) {
		s.close() // a new call by a peer whose end nobody heard of
		s = nil
	}
	if s == nil {
		s = p.open(&other)
	}
	s.answer(m.SDP)
}

func (p *peer) takeAnswer(other string, m message) {
	s := p.find(other)
	if s == nil || !s.offered {
		say("log", members{"text": "answer of " + other + " ignored"})
		return
	}
	if s.other == nil {
		s.say("session", members{"state": "closed"}) // what was told of an unnamed one
		s.other = &other
		s.say("session", members{"state": "open"})
	}
	s.offered = false
	s.remote(webrtc.SDPTypeAnswer, m.SDP)
}

// A candidate waits for the description that it belongs to, which its ufrag tells.
func (p *peer) takeCandidate(other string, m message) {
	s := p.find(other)
	if s == nil || s.ufrag == "" || (m.Ufrag != nil && *m.Ufrag != s.ufrag) {
		p.early[other] = append(p.early[other], m)
		return
	}
	s.addCandidate(m)
}

func (p *peer) flushEarly(s *session) {
	waiting := p.early[*s.other]
	delete(p.early, *s.other)
	for _, m := range waiting {
		if m.Ufrag == nil || *m.Ufrag == s.ufrag {
			s.addCandidate(m)
		}
	}
}

// pion has no word for the end of candidates: it goes on checking.
func (s *session) addCandidate(m message) {
	if m.Candidate == nil || *m.Candidate == "" {
		return
	}
	err := s.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: *m.Candidate, SDPMid: m.Mid, SDPMLineIndex: m.Line,
		UsernameFragment: m.Ufrag})
	if err != nil {
		s.fail(fmt.Errorf("candidate %q: %w", *m.Candidate, err))
	}
}
