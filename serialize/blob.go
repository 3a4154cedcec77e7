package serialize

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"

	"workerd.local/internal/limits"
	"workerd.local/internal/parts"
	"workerd.local/replay"
)

// A blob is a snapshot in a file; docs/FORMAT.md shows it. In front stands a head of fixed
// size, behind it three sections: what the snapshot was made of, the sources, and the log.
// The last 32 bytes are the SHA-256 of all before them.
const (
	blobMagic   = "\x89WDS"
	blobVersion = 2
	headSize    = 4 + 4 + 32 + 32 + 3*8
	sumSize     = sha256.Size
)

// Why a blob is refused.
var (
	ErrNoBlob    = errors.New("the snapshot cannot be opened")
	ErrMagic     = errors.New("the file is no snapshot")
	ErrBuild     = errors.New("the snapshot was made by another build of this program")
	ErrCorrupted = errors.New("the snapshot is damaged")
)

// errNested is a base that no run can have gone on from.
var errNested = errors.New("it goes on from something else than a snapshot file")

// encoder writes what is not an entry of a log.
type encoder struct{ b []byte }

func (e *encoder) number(n uint64) { e.b = binary.AppendUvarint(e.b, n) }
func (e *encoder) text(s string)   { e.b = parts.AppendText(e.b, s) }
func (e *encoder) bytes(b []byte)  { e.b = parts.AppendText(e.b, b) }
func (e *encoder) flag(b bool) {
	if b {
		e.number(1)
	} else {
		e.number(0)
	}
}

// program is one program; nil has no files.
func (e *encoder) program(p *Program) {
	if p == nil {
		e.number(0)
		return
	}
	e.number(uint64(len(p.files)))
	e.text(p.Name)
	e.text(p.dir)
	e.flag(p.Module)
	for _, f := range p.files {
		e.text(f.name)
		e.bytes(f.content)
	}
}

// reader reads what an encoder has written.
type reader struct{ parts.Reader }

func readerOf(b []byte) reader { return reader{parts.Reader{Buf: b, Short: replay.ErrShort}} }

func (r *reader) program() *Program {
	n := r.Most(r.Number())
	if n == 0 {
		return nil
	}
	p := &Program{Name: r.Text(), dir: r.Text(), Module: r.Number() == 1}
	for range n {
		p.files = append(p.files, file{r.Text(), bytes.Clone(r.Bytes())})
	}
	return p
}

// sections are the three parts of a blob.
func (s *Snapshot) sections() (made, sources, log []byte) {
	var m, src, l encoder
	m.number(uint64(s.kind))
	m.flag(s.bare)
	m.flag(s.base != nil)
	if s.base != nil {
		m.bytes(s.base.encode([32]byte{}))
	}
	m.text(s.location)
	m.number(uint64(len(s.args)))
	for _, a := range s.args {
		m.text(a)
	}
	src.program(s.program)
	src.program(s.preload)

	l.number(uint64(s.state))
	l.flag(s.forced)
	l.number(uint64(len(s.work)))
	for _, id := range s.work {
		l.number(id)
	}
	l.number(uint64(s.timers))
	l.number(s.timer)
	l.number(uint64(s.due))
	l.number(uint64(len(s.answers)))
	for _, x := range s.answers {
		l.exchange(x)
	}
	l.bytes(s.entries)
	return m.b, src.b, l.b
}

func (e *encoder) exchange(x *replay.Exchange) {
	e.b = append(e.b, x.Key[:]...)
	e.text(x.What)
	e.flag(x.Answer != nil)
	a := x.Answer
	if a == nil {
		return
	}
	e.text(a.Class)
	e.text(a.Failure)
	e.number(uint64(a.Status))
	e.text(a.StatusText)
	e.text(a.URL)
	e.number(uint64(len(a.Header)))
	for _, name := range slices.Sorted(maps.Keys(a.Header)) {
		e.text(name)
		e.number(uint64(len(a.Header[name])))
		for _, v := range a.Header[name] {
			e.text(v)
		}
	}
	e.flag(a.Encoded)
	e.flag(a.Body != nil)
	e.bytes(a.Body)
}

func (r *reader) exchange() *replay.Exchange {
	x := &replay.Exchange{}
	if len(r.Buf) < len(x.Key) {
		r.Fail(replay.ErrShort)
		return x
	}
	copy(x.Key[:], r.Buf)
	r.Buf = r.Buf[len(x.Key):]
	x.What = r.Text()
	if r.Number() == 0 {
		return x
	}
	a := &replay.Answer{Class: r.Text(), Failure: r.Text(), Status: int(min(r.Number(), 999)), StatusText: r.Text(), URL: r.Text(), Header: http.Header{}}
	for range r.Most(r.Number()) {
		name := r.Text()
		values := make([]string, 0, 1)
		for range r.Most(r.Number()) {
			values = append(values, r.Text())
		}
		a.Header[name] = values
	}
	a.Encoded = r.Number() == 1
	has, b := r.Number() == 1, r.Bytes()
	if has {
		a.Body = append([]byte{}, b...)
	}
	x.Answer = a
	return x
}

// Encode is the blob of the snapshot.
func (s *Snapshot) Encode() []byte { return s.encode(buildID()) }

func (s *Snapshot) encode(build [32]byte) []byte {
	made, sources, log := s.sections()
	b := make([]byte, 0, headSize+len(made)+len(sources)+len(log)+sumSize)
	b = append(b, blobMagic...)
	b = binary.LittleEndian.AppendUint32(b, blobVersion)
	b = append(b, build[:]...)
	var code [32]byte
	if s.program != nil {
		code = s.program.hash()
	}
	b = append(b, code[:]...)
	for _, section := range [][]byte{made, sources, log} {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(section)))
	}
	b = append(append(append(b, made...), sources...), log...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// decode reads a blob; the programs are not compiled yet.
func decode(b []byte, build [32]byte) (*Snapshot, error) { return decodeAt(b, build, false) }

// decodeAt is decode, also of the base within a blob, which has none itself.
func decodeAt(b []byte, build [32]byte, within bool) (*Snapshot, error) {
	if len(b) < len(blobMagic) || string(b[:len(blobMagic)]) != blobMagic {
		return nil, ErrMagic
	}
	if len(b) < headSize+sumSize {
		return nil, fmt.Errorf("%w: %w", ErrCorrupted, replay.ErrShort)
	}
	if v := binary.LittleEndian.Uint32(b[4:]); v != blobVersion {
		return nil, fmt.Errorf("%w: it has version %d of the format", ErrBuild, v)
	}
	if !bytes.Equal(b[8:40], build[:]) {
		return nil, ErrBuild
	}
	var size [3]uint64
	rest := uint64(len(b) - headSize - sumSize)
	for i := range size {
		size[i] = binary.LittleEndian.Uint64(b[72+8*i:])
		if size[i] > rest {
			return nil, fmt.Errorf("%w: %w", ErrCorrupted, replay.ErrShort)
		}
		rest -= size[i]
	}
	if rest != 0 {
		return nil, fmt.Errorf("%w: its sections do not fill it", ErrCorrupted)
	}
	if sum := sha256.Sum256(b[:len(b)-sumSize]); !bytes.Equal(sum[:], b[len(b)-sumSize:]) {
		return nil, fmt.Errorf("%w: its checksum is wrong", ErrCorrupted)
	}
	body := b[headSize : len(b)-sumSize]
	s, err := decodeSections(body[:size[0]], body[size[0]:size[0]+size[1]], body[size[0]+size[1]:], within)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupted, err)
	}
	if s.program != nil {
		if h := s.program.hash(); !bytes.Equal(h[:], b[40:72]) {
			return nil, fmt.Errorf("%w: its script is not the one that it names", ErrCorrupted)
		}
	}
	return s, nil
}

func decodeSections(made, sources, log []byte, within bool) (*Snapshot, error) {
	m, src, l := readerOf(made), readerOf(sources), readerOf(log)
	s := &Snapshot{kind: Kind(m.Number()), bare: m.Number() == 1}
	if m.Number() == 1 {
		if within {
			return nil, errNested
		}
		base, err := decodeAt(m.Bytes(), [32]byte{}, true)
		if err != nil {
			return nil, err
		}
		if s.base = base; base.kind != Startup || base.bare {
			return nil, errNested
		}
	}
	s.location = m.Text()
	for range m.Most(m.Number()) {
		s.args = append(s.args, m.Text())
	}
	s.program, s.preload = src.program(), src.program()
	state := l.Number()
	s.forced = l.Number() == 1
	for range l.Most(l.Number()) {
		s.work = append(s.work, l.Number())
	}
	s.timers, s.timer, s.due = int(min(l.Number(), 1<<31)), l.Number(), int64(l.Number())
	for range l.Most(l.Number()) {
		if l.Err != nil {
			break
		}
		s.answers = append(s.answers, l.exchange())
	}
	s.entries = bytes.Clone(l.Bytes())
	for _, r := range []*reader{&m, &src, &l} {
		if r.Err != nil {
			return nil, r.Err
		}
		if len(r.Buf) > 0 {
			return nil, errors.New("a section is longer than what is in it")
		}
	}
	if s.kind != Startup && s.kind != Forkable || state > uint64(Deserialized) || s.program == nil && !s.bare {
		return nil, errors.New("it is none that this program writes")
	}
	s.state = State(state)
	return s, nil
}

// Decode reads a blob and compiles its script.
func Decode(ctx context.Context, b []byte, bounds *limits.Set) (*Snapshot, error) {
	s, err := decode(b, buildID())
	if err != nil {
		return nil, err
	}
	programs := []*Program{s.program, s.preload}
	if s.base != nil {
		programs = append(programs, s.base.program)
	}
	for _, p := range programs {
		if p == nil {
			continue
		}
		if err := p.compile(ctx, bounds); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupted, err)
		}
	}
	return s, nil
}

// ReadBlob is Decode for a file.
func ReadBlob(ctx context.Context, path string, bounds *limits.Set) (*Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoBlob, err)
	}
	defer f.Close() // it was only read
	most := int64(limits.SnapshotBytes.In(bounds))
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoBlob, err)
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("%w: it has more than %d bytes (limit snapshot.bytes)", ErrCorrupted, most)
	}
	return Decode(ctx, b, bounds)
}

// buildID is the hash of what a log's meaning depends on: this program, the engine, and Go.
var buildID = sync.OnceValue(func() [32]byte {
	var e encoder
	e.text(runtime.Version())
	e.text(runtime.GOOS + "/" + runtime.GOARCH)
	if info, ok := debug.ReadBuildInfo(); ok {
		e.text(info.Main.Version)
		for _, d := range info.Deps {
			e.text(d.Path + " " + d.Version + " " + d.Sum)
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
				e.text(s.Key + " " + s.Value)
			}
		}
	}
	return sha256.Sum256(e.b)
})
