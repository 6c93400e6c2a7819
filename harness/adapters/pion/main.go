// A peer made of pion, as a program of Hairpin's exec protocol (harness/programs/EXEC.md).
//
// Three sources of work meet in one goroutine, so that nothing needs a lock: orders from stdin, messages of the broker,
// and the library's callbacks, which post a function and return. What the library does in its own time (gathering,
// connecting) comes back as another callback.
//
// The media are made up here (media.go). pion counts no RTP streams, so the counters are ours, taken where packets are
// written and read.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v3"
)

const statsInterval = time.Second

// What a session does when it is told to finish must be over by then.
const closeLimit = time.Second

type members map[string]interface{}

// Events are written by the work goroutine alone.
var stdout = json.NewEncoder(os.Stdout)

func say(event string, more members) {
	line := members{"event": event}
	for key, value := range more {
		line[key] = value
	}
	_ = stdout.Encode(line)
}

func getenv(key, otherwise string) string {
	if value := os.Getenv(key); value != "" {
		return value
	}
	return otherwise
}

// An RTCIceServer, whose urls may be one text or a list.
type iceServer struct {
	URLs       json.RawMessage `json:"urls"`
	Username   string          `json:"username"`
	Credential string          `json:"credential"`
}

func configuration() (webrtc.Configuration, error) {
	var servers []iceServer
	ret := webrtc.Configuration{}
	if err := json.Unmarshal([]byte(getenv("HAIRPIN_ICE_SERVERS", "[]")), &servers); err != nil {
		return ret, fmt.Errorf("HAIRPIN_ICE_SERVERS: %w", err)
	}
	for _, server := range servers {
		var urls []string
		if json.Unmarshal(server.URLs, &urls) != nil {
			urls = make([]string, 1)
			if err := json.Unmarshal(server.URLs, &urls[0]); err != nil {
				return ret, fmt.Errorf("HAIRPIN_ICE_SERVERS: urls: %w", err)
			}
		}
		one := webrtc.ICEServer{URLs: urls}
		if server.Username != "" {
			one.Username, one.Credential = server.Username, server.Credential
		}
		ret.ICEServers = append(ret.ICEServers, one)
	}
	if os.Getenv("HAIRPIN_ICE_TRANSPORT_POLICY") == "relay" {
		ret.ICETransportPolicy = webrtc.ICETransportPolicyRelay
	}
	return ret, nil
}

// pion with everything it registers by itself, but a log that goes to stderr: stdout belongs to the protocol.
func newAPI() (*webrtc.API, error) {
	engine, registry, settings := &webrtc.MediaEngine{}, &interceptor.Registry{}, webrtc.SettingEngine{}
	if err := engine.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	if err := webrtc.RegisterDefaultInterceptors(engine, registry); err != nil {
		return nil, err
	}
	factory := logging.NewDefaultLoggerFactory()
	factory.Writer = os.Stderr
	settings.LoggerFactory = factory
	return webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(settings)), nil
}

// An order from the run.
type order struct {
	Do         string  `json:"do"`
	To         *string `json:"to"`
	With       *string `json:"with"`
	Audio      bool    `json:"audio"`
	Video      bool    `json:"video"`
	Data       bool    `json:"data"`
	Label      string  `json:"label"`
	Size       int     `json:"size"`
	IntervalMS float64 `json:"interval-ms"`
	Count      int     `json:"count"`
}

type peer struct {
	name     string
	api      *webrtc.API
	config   webrtc.Configuration
	socket   *websocket.Conn
	work     chan func()
	sessions []*session
	early    map[string][]message // by sender: candidates of a description that is yet to come
}

func (p *peer) post(f func()) {
	p.work <- f
}

func (p *peer) send(m interface{}) {
	if err := p.socket.WriteJSON(m); err != nil {
		say("error", members{"text": "to the broker: " + err.Error()})
	}
}

func (p *peer) readOrders(finish chan<- struct{}) {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one order
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			text := err.Error()
			p.post(func() { say("error", members{"text": "order: " + text}) })
			continue
		}
		if one.Do == "finish" {
			break
		}
		p.post(func() { p.carryOut(one) })
	}
	close(finish)
}

func (p *peer) readBroker() {
	for {
		var m message
		_, text, err := p.socket.ReadMessage()
		if err != nil {
			p.post(func() { say("log", members{"text": "the broker has gone"}) })
			return
		}
		if json.Unmarshal(text, &m) == nil {
			p.post(func() { p.take(m) })
		}
	}
}

func (p *peer) carryOut(one order) {
	if one.Do == "call" {
		p.open(one.To).offer(one)
		return
	}
	for _, s := range p.sessions {
		if s.closed || (one.With != nil && (s.other == nil || *s.other != *one.With)) {
			continue
		}
		switch one.Do {
		case "close":
			s.close()
		case "restart":
			s.restart()
		case "send":
			s.sendData(one)
		default:
			say("log", members{"text": fmt.Sprintf("pion's adapter does not know %q", one.Do)})
		}
	}
}

// The work goroutine. Callbacks that come while sessions close still find somebody who takes them.
func (p *peer) run(finish <-chan struct{}) {
	ticks := time.NewTicker(statsInterval)
	for {
		select {
		case f := <-p.work:
			f()
		case <-ticks.C:
			for _, s := range p.sessions {
				s.stats()
			}
		case <-finish:
			closed := make(chan struct{})
			for _, s := range p.sessions {
				s.tellEnd()
			}
			go func() {
				for _, s := range p.sessions {
					_ = s.pc.Close()
				}
				close(closed)
			}()
			deadline := time.After(closeLimit)
			for {
				select {
				case f := <-p.work:
					f()
					continue
				case <-closed:
				case <-deadline:
					say("log", members{"text": "pion takes too long to close; left as it is"})
				}
				return
			}
		}
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--check" {
		return // everything is in the program
	}
	config, err := configuration()
	if err != nil {
		say("error", members{"text": err.Error()})
		os.Exit(1)
	}
	url := getenv("HAIRPIN_SIGNALING", "ws://127.0.0.1:7880/")
	socket, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		say("error", members{"text": "no broker at " + url + ": " + err.Error()})
		os.Exit(1)
	}
	api, err := newAPI()
	if err != nil {
		say("error", members{"text": err.Error()})
		os.Exit(1)
	}
	p := &peer{name: getenv("HAIRPIN_NAME", "pion"), api: api, config: config, socket: socket,
		work: make(chan func(), 1024), early: map[string][]message{}}
	say("ready", nil)
	finish := make(chan struct{})
	go p.readOrders(finish)
	go p.readBroker()
	p.run(finish)
	_ = socket.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
	_ = socket.Close()
}
