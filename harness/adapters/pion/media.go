package main

// Media of our own making, valid enough for any decoder, and the counters of both directions.
//
// Opus: a packet of code 3 with one frame of silence and padding up to the size of speech (RFC 6716 section 3.2.5).
// VP8: key frames whose compressed part is zeros. The boolean decoder reads only zeros from it, whatever the
// probabilities: nothing is updated, every block is predicted and has no coefficients, which is a grey picture (RFC
// 6386 section 7); more zeros make it as large as a picture is.

import (
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v3"
)

const (
	speechSize    = 80
	speechPeriod  = 20 * time.Millisecond
	pictureSize   = 4000 // at 30 pictures a second: 1 Mbit/s
	picturePeriod = time.Second / 30
	pictureWidth  = 320
	pictureHeight = 240
	packetSize    = 1200
)

func speech() []byte {
	const header, frame = 3, 2
	packet := make([]byte, speechSize)
	packet[0] = 31<<3 | 3 // CELT, fullband, 20 ms, mono; any number of frames
	packet[1] = 0x40 | 1  // padding, one frame
	packet[2] = speechSize - header - frame
	packet[3], packet[4] = 0xff, 0xfe
	return packet
}

func picture() []byte {
	const firstPartition = 1000
	frame := make([]byte, pictureSize)
	tag := uint32(1<<4 | firstPartition<<5) // a key frame, version 0, to be shown
	frame[0], frame[1], frame[2] = byte(tag), byte(tag>>8), byte(tag>>16)
	copy(frame[3:], []byte{0x9d, 0x01, 0x2a,
		pictureWidth & 255, pictureWidth >> 8, pictureHeight & 255, pictureHeight >> 8})
	return frame
}

// What we send on one track.
type sender struct {
	kind                    webrtc.RTPCodecType
	lock                    sync.Mutex
	packets, octets, frames int
	done                    chan struct{}
}

// The packets are made here and not by pion's track of samples, which tells nobody how many it made of one.
func newSender(pc *webrtc.PeerConnection, kind webrtc.RTPCodecType) (*sender, error) {
	mime, sample, period := webrtc.MimeTypeOpus, speech(), speechPeriod
	var payloader rtp.Payloader = &codecs.OpusPayloader{}
	clock := uint32(48000)
	if kind == webrtc.RTPCodecTypeVideo {
		mime, sample, period = webrtc.MimeTypeVP8, picture(), picturePeriod
		payloader, clock = &codecs.VP8Payloader{}, 90000
	}
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, kind.String(), "pion")
	if err != nil {
		return nil, err
	}
	rtpSender, err := pc.AddTrack(track)
	if err != nil {
		return nil, err
	}
	go func() { // the interceptors work while somebody reads the reports
		for {
			if _, _, err := rtpSender.ReadRTCP(); err != nil {
				return
			}
		}
	}()
	s := &sender{kind: kind, done: make(chan struct{})}
	// The track puts in the payload type and the SSRC that were negotiated.
	packetizer := rtp.NewPacketizer(packetSize, 0, 0, payloader, rtp.NewRandomSequencer(), clock)
	go s.write(pc, track, packetizer, sample, period, uint32(period.Seconds()*float64(clock)+0.5))
	return s, nil
}

// One sample a period, while the connection is up.
func (s *sender) write(pc *webrtc.PeerConnection, track *webrtc.TrackLocalStaticRTP, packetizer rtp.Packetizer,
	sample []byte, period time.Duration, ticksOfClock uint32) {
	ticks := time.NewTicker(period)
	defer ticks.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-ticks.C:
		}
		if pc.ConnectionState() != webrtc.PeerConnectionStateConnected {
			continue
		}
		packets, octets := 0, 0
		for _, packet := range packetizer.Packetize(sample, ticksOfClock) {
			if track.WriteRTP(packet) == nil {
				packets++
				octets += len(packet.Payload)
			}
		}
		s.lock.Lock()
		s.frames++
		s.packets += packets
		s.octets += octets
		s.lock.Unlock()
	}
}

func (s *sender) stop() {
	close(s.done)
}

func (s *sender) counters() members {
	s.lock.Lock()
	defer s.lock.Unlock()
	return members{"kind": s.kind.String(), "direction": "out", "packets": s.packets, "octets": s.octets,
		"frames": s.frames}
}

// What we receive of one track: loss by the sequence numbers, jitter as in RFC 3550 section 6.4.1.
type receiver struct {
	kind                    webrtc.RTPCodecType
	clock                   float64
	lock                    sync.Mutex
	packets, octets, frames int
	first, highest          uint32 // extended sequence numbers
	timestamp               uint32
	jitter, transit         float64 // in ticks of the clock
}

func newReceiver(track *webrtc.TrackRemote) *receiver {
	return &receiver{kind: track.Kind(), clock: float64(track.Codec().ClockRate)}
}

func (r *receiver) read(track *webrtc.TrackRemote) {
	begin := time.Now()
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		r.count(packet, time.Since(begin).Seconds())
	}
}

func (r *receiver) count(packet *rtp.Packet, now float64) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.packets == 0 {
		r.first = uint32(packet.SequenceNumber) + 1<<16
		r.highest = r.first
	}
	step := int16(packet.SequenceNumber - uint16(r.highest))
	if step > 0 {
		r.highest += uint32(step)
	}
	if r.packets == 0 || packet.Timestamp != r.timestamp {
		r.frames++
		r.timestamp = packet.Timestamp
	}
	transit := now*r.clock - float64(packet.Timestamp)
	if r.packets > 0 {
		change := transit - r.transit
		if change < 0 {
			change = -change
		}
		r.jitter += (change - r.jitter) / 16
	}
	r.transit = transit
	r.packets++
	r.octets += len(packet.Payload)
}

func (r *receiver) counters() members {
	r.lock.Lock()
	defer r.lock.Unlock()
	lost := 0
	if r.packets > 0 {
		lost = int(r.highest-r.first) + 1 - r.packets
	}
	return members{"kind": r.kind.String(), "direction": "in", "packets": r.packets, "octets": r.octets, "lost": lost,
		"jitter-ms": r.jitter * 1000 / r.clock, "frames": r.frames}
}
