package napa

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
)

// NodeZone is the id of the zone of the program's own thread.
const NodeZone = "node"

// Options configure a System.
type Options struct {
	// Bounds are the numbers of the limits whose names begin with "napa."; nil means those
	// of the table.
	Bounds *limits.Set
	// Log is where napa.log writes lines, from any goroutine; nil means the process's
	// standard output.
	Log io.Writer
	// Start makes the thread of a worker of a zone; nil means that there are no zones
	// but the node zone.
	Start Starter
}

// System is what the threads of one program share.
type System struct {
	o      Options
	handle atomic.Uint64

	mu        sync.Mutex // guards everything below
	stores    map[string]*store
	zones     map[string]*Zone
	contexts  map[uint64]weak.Pointer[Context]
	memory    map[uint64][]byte
	allocated int64
	stored    int64
	metrics   map[string]*metric
	samples   int
	waits     map[*Worker]func() []*Worker // whom a thread that is blocked waits for
	started   bool                         // the platform's settings are taken
	settings  platform
	closed    bool

	logMu sync.Mutex // guards writes to the log

	crt, standard *object
}

// NewSystem returns the system of a program that starts.
func NewSystem(o Options) *System {
	if o.Log == nil {
		o.Log = os.Stdout
	}
	s := &System{
		o: o, stores: map[string]*store{}, zones: map[string]*Zone{}, contexts: map[uint64]weak.Pointer[Context]{},
		memory: map[uint64][]byte{}, metrics: map[string]*metric{}, waits: map[*Worker]func() []*Worker{},
	}
	s.crt = s.newObject(kindAllocator, &allocator{system: s, name: "CrtAllocator"})
	s.standard = s.newObject(kindAllocator, &allocator{system: s, name: "DefaultAllocator"})
	return s
}

// nextHandle is a number that no other handle of the system has. It looks like an
// address, and is none.
func (s *System) nextHandle() uint64 { return s.handle.Add(1)<<4 | 1<<32 }

// Loader loads modules for the scripts of one realm.
type Loader interface {
	// Resolve is the name by which every thread requires what require(name) gives in the module of the file from; ok is
	// false where there is no such module.
	Resolve(name, from string) (found string, ok bool)
	// Require is what require(name) gives in the module of the file from.
	Require(js *isolate.JS, name, from string) (goja.Value, error)
	// Compile runs source as the CommonJS module of a file, and returns its exports.
	// Nothing keeps the module.
	Compile(js *isolate.JS, source, file string) (goja.Value, error)
	// Cwd is the program's working directory.
	Cwd() string
}

// Place is where a realm stands in its program.
type Place struct {
	System *System
	// Worker is what the realm's thread is in its zone.
	Worker *Worker
	// Loader loads the realm's modules.
	Loader Loader
}

// Attach says where the realm stands; it comes before the first use of the module.
func Attach(js *isolate.JS, p Place) { *places.Get(js) = p }

var places = isolate.NewSlot(func(*isolate.JS) *Place { return &Place{} })

var errNoPlace = exception.Errorf("napajs is for programs: this script is none.")

// placeOf is where the realm stands.
func placeOf(js *isolate.JS) (*Place, error) {
	p := places.Get(js)
	if p.System == nil {
		return nil, errNoPlace
	}
	return p, nil
}
