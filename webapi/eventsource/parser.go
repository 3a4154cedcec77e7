// Package eventsource is EventSource: events that a server sends over HTTP (WHATWG HTML,
// "Server-sent events"), and workerd's EventSource.from(stream).
//
// parser knows the format and no JavaScript. source is the object: it fetches, reads,
// dispatches, and connects again, as workerd does.
//
// Everything belongs to the isolate's goroutine.
package eventsource

import (
	"bytes"
	"strconv"
	"strings"

	"workerd.local/exception"
	"workerd.local/webapi/encoding"
)

// message is an event as it came.
type message struct{ event, data, id string }

// parser reads an event stream in pieces.
type parser struct {
	limit int // bytes of one event, and of one line

	begun bool // the place of the BOM is past
	cr    bool // the last byte was a CR: a LF belongs to it
	line  []byte

	event   string
	data    []string
	size    int
	pending bool
	// lastID is that of the last event that had one; it outlives connections.
	lastID string
	// retry is the time that the server asks to wait, in milliseconds; -1 for none.
	retry int64
}

func newParser(limit int, lastID string) *parser {
	return &parser{limit: limit, lastID: lastID, retry: -1}
}

// feed reads a piece and gives the events that are complete.
func (p *parser) feed(b []byte) (out []message, err error) {
	if !p.begun {
		p.line = append(p.line, b...)
		bom := []byte("\ufeff")
		if len(p.line) < len(bom) && bytes.HasPrefix(bom, p.line) {
			return nil, nil
		}
		b, p.line, p.begun = bytes.TrimPrefix(p.line, bom), nil, true
	}
	for len(b) > 0 {
		if p.cr {
			p.cr = false
			if b[0] == '\n' {
				b = b[1:]
				continue
			}
		}
		end := bytes.IndexAny(b, "\r\n")
		if end < 0 {
			if p.line = append(p.line, b...); len(p.line) > p.limit {
				return out, errTooLong
			}
			return out, nil
		}
		line := b[:end]
		if len(p.line) > 0 {
			line = append(p.line, line...)
			p.line = nil
		}
		p.cr = b[end] == '\r'
		b = b[end+1:]
		m, ok, err := p.takeLine(encoding.DecodeUTF8(string(line)))
		if err != nil {
			return out, err
		}
		if ok {
			out = append(out, m)
		}
	}
	return out, nil
}

var errTooLong = exception.RangeErrorf("The event stream has an event that is too long.")

// takeLine reads one line; ok says that an event is complete.
func (p *parser) takeLine(line string) (m message, ok bool, err error) {
	if line == "" {
		m = message{p.event, strings.Join(p.data, "\n"), p.lastID}
		ok = p.pending && m.data != ""
		p.event, p.data, p.size, p.pending = "", nil, 0, false
		return m, ok, nil
	}
	name, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch name {
	case "data":
		if p.size += len(value) + 1; p.size > p.limit {
			return m, false, errTooLong
		}
		p.data = append(p.data, value)
		p.pending = true
	case "event":
		p.event, p.pending = value, true
	case "id":
		if !strings.Contains(value, "\x00") {
			p.lastID = value
		}
	case "retry":
		if n, err := strconv.ParseUint(value, 10, 32); err == nil {
			p.retry = int64(n)
		}
	}
	return m, false, nil
}
