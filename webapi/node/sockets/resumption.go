package sockets

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"sync"
	"time"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/glue"
)

// resumption is what one client knows of sessions: the one that it was given, and the last that the server has given it.
// It is the cache of that connection. A script has a session as bytes: the length of the ticket in four, the ticket, and
// what package tls knows of the session, secrets too.
type resumption struct {
	given []byte
	told  func(session []byte) // of each that arrives; any goroutine

	mu     sync.Mutex
	latest []byte
}

// Get is tls.ClientSessionCache's. What is no session is passed over, as in node.
func (r *resumption) Get(string) (*tls.ClientSessionState, bool) {
	ticket, state, ok := splitSession(r.given)
	if !ok {
		return nil, false
	}
	known, err := tls.ParseSessionState(state)
	if err != nil {
		return nil, false
	}
	cs, err := tls.NewResumptionState(ticket, known)
	return cs, err == nil
}

// Put is tls.ClientSessionCache's.
func (r *resumption) Put(_ string, cs *tls.ClientSessionState) {
	if cs == nil {
		return // one that the server did not take
	}
	ticket, state, err := cs.ResumptionState()
	if err != nil || state == nil {
		return
	}
	known, err := state.Bytes()
	if err != nil {
		return // one that cannot be kept is as good as none
	}
	session := binary.BigEndian.AppendUint32(nil, uint32(len(ticket)))
	session = append(append(session, ticket...), known...)
	r.mu.Lock()
	r.latest = session
	r.mu.Unlock()
	r.told(session)
}

func (r *resumption) last() []byte {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.latest
}

// splitSession takes the bytes of a session apart; they alias it.
func splitSession(b []byte) (ticket, state []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if b = b[4:]; n == 0 || uint64(n) > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// resumeClient gives a client's configuration the options session, bytes, and ticket, a function that is called with the
// bytes of each session that the server gives; it may come after the handshake.
func resumeClient(js *isolate.JS, cfg *tls.Config, h *glue.Handle, o Options) *resumption {
	r := &resumption{}
	b, _ := bind.Bytes(js, o.Get("session"))
	r.given = append([]byte(nil), b...)
	fn := o.Function("ticket")
	r.told = func(session []byte) {
		h.Post(func(js *isolate.JS) {
			b, err := core.NewBuffer(js, session)
			if err == nil && fn != nil {
				glue.Tell(js, fn, b)
			}
		})
	}
	cfg.ClientSessionCache = r
	return r
}

// tickets are what a server knows of those who come again: the key that its tickets are sealed with, and for how long
// one is good. The zero value has no tickets.
type tickets struct {
	key      [32]byte
	lifetime time.Duration
	now      func() time.Time
}

// stamp marks the time at which a ticket was given, in what it carries.
const stamp = "workerd:"

// ticketsOf are the tickets of the options tickets (bytes), sessionContext and sessionTimeout (seconds); none where there
// are no bytes.
func ticketsOf(js *isolate.JS, o Options) *tickets {
	v := o.Get("tickets")
	b, ok := bind.Bytes(js, v)
	if v == nil || !ok {
		return nil
	}
	context := ""
	if s, ok := o.Get("sessionContext").(goja.String); ok {
		context = s.String()
	}
	t := &tickets{lifetime: 300 * time.Second, now: js.Host().Now} // as in node, where nothing is said
	if seconds := o.Get("sessionTimeout"); seconds != nil && goja.IsNumber(seconds) {
		t.lifetime = time.Duration(seconds.ToInteger()) * time.Second
	}
	// Sessions of another context are those of another server.
	t.key = sha256.Sum256(append(append([]byte(nil), b...), context...))
	return t
}

// set makes a server's configuration give and take the tickets.
func (t *tickets) set(cfg *tls.Config) {
	if t == nil {
		return
	}
	cfg.SetSessionTicketKeys([][32]byte{t.key})
	cfg.WrapSession = func(cs tls.ConnectionState, s *tls.SessionState) ([]byte, error) {
		s.Extra = append(s.Extra, binary.BigEndian.AppendUint64([]byte(stamp), uint64(t.now().Unix())))
		return cfg.EncryptTicket(cs, s)
	}
	cfg.UnwrapSession = func(ticket []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		s, err := cfg.DecryptTicket(ticket, cs)
		if err != nil || s == nil {
			return nil, err
		}
		for _, extra := range s.Extra {
			if len(extra) == len(stamp)+8 && string(extra[:len(stamp)]) == stamp {
				given := time.Unix(int64(binary.BigEndian.Uint64(extra[len(stamp):])), 0)
				if age := t.now().Sub(given); age < -time.Minute || age > t.lifetime {
					return nil, nil // whoever has it shakes hands anew
				}
				return s, nil
			}
		}
		return nil, nil
	}
}
