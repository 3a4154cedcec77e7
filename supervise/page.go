package supervise

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"
)

// A page is an array of slots. A slot begins with a word that is 1 while a turn runs; then
// the lengths of three texts, and the texts. Only the child writes while it lives, only
// the parent reads, once it is dead.
const (
	slotBytes   = 4096
	slotHead    = 16 // the word, three lengths of two bytes, and room
	workerBytes = 512
	classBytes  = 512
	actorBytes  = 3056 // the rest of it
)

// Slot is where one isolate notes for whom it runs code. It belongs to the isolate's
// goroutine.
type Slot struct {
	b    []byte
	last Subject
}

func newSlot(b []byte) *Slot { return &Slot{b: b[:slotBytes:slotBytes]} }

func (s *Slot) word() *uint32 { return (*uint32)(unsafe.Pointer(&s.b[0])) }

// Running notes that code of a worker runs from here on, for an actor of the class or,
// where both are empty, for none.
func (s *Slot) Running(worker, class, actor string) {
	who := Subject{worker, class, actor}
	if who != s.last {
		// The process may end between any two of these.
		atomic.StoreUint32(s.word(), 0)
		s.write(who)
		s.last = who
	}
	atomic.StoreUint32(s.word(), 1)
}

// Idle notes that no code runs.
func (s *Slot) Idle() { atomic.StoreUint32(s.word(), 0) }

func (s *Slot) write(who Subject) {
	who = who.clip()
	at := slotHead
	for i, text := range [...]string{who.Worker, who.Class, who.Actor} {
		binary.LittleEndian.PutUint16(s.b[4+2*i:], uint16(len(text)))
		at += copy(s.b[at:], text)
	}
}

// read is who was running; ok is false where nobody was.
func (s *Slot) read() (who Subject, ok bool) {
	if atomic.LoadUint32(s.word()) != 1 {
		return who, false
	}
	rest := s.b[slotHead:]
	for i, text := range [...]*string{&who.Worker, &who.Class, &who.Actor} {
		n := int(binary.LittleEndian.Uint16(s.b[4+2*i:]))
		if n > len(rest) {
			return who, false // a process that died of damaged memory wrote there
		}
		*text, rest = string(rest[:n]), rest[n:]
	}
	return who, true
}

// clip is the subject as a slot holds it: with names that are cut off where they are
// longer than there is room for.
func (s Subject) clip() Subject {
	return Subject{s.Worker[:min(len(s.Worker), workerBytes)], s.Class[:min(len(s.Class), classBytes)], s.Actor[:min(len(s.Actor), actorBytes)]}
}

// Is reports whether a subject that was read from a slot is other.
func (s Subject) Is(other Subject) bool { return s == other.clip() }

func suspects(page []byte) (list []Suspect) {
	for i := range len(page) / slotBytes {
		if who, ok := newSlot(page[i*slotBytes:]).read(); ok {
			list = append(list, Suspect{i, who})
		}
	}
	return list
}
