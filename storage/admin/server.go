package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"workerd.local/internal/limits"
	"workerd.local/storage"
	"workerd.local/storage/bolt"
)

// protocol is the number of what the control socket speaks; it is the first part of
// every path.
const protocol = 1

// Trailers of an answer that may fail after it began.
const (
	trailerDone  = "Workerd-Done"  // "1": the answer is whole
	trailerError = "Workerd-Error" // why it is not, as a JSON string of a failure
)

// controlHeader is the size of the largest request line with its headers.
const controlHeader = 256 << 10

// Server answers on the control socket of one directory.
type Server struct {
	live *live
	path string
	l    *net.UnixListener
	http *http.Server
	room chan struct{}
	// stall is how long a command may neither read nor write: what it reads from
	// would stay open, and the file grow.
	stall time.Duration

	cancel  context.CancelFunc
	running sync.WaitGroup // the listener's goroutine and all requests
}

// ServeOptions configure a Server; the zero value is usable.
type ServeOptions struct {
	// Bounds are the limits that were changed.
	Bounds *limits.Set
	// Log receives what no command could be told; nil means slog.Default.
	Log *slog.Logger
}

// Serve opens the control socket beside a store's file and answers on it until Close.
// write is what imports go through. An error means that there is no socket; the store
// is as usable as before.
func Serve(store *bolt.Store, write Writer, o ServeOptions) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	log := o.Log
	dir := filepath.Dir(store.Path())
	l, err := listenControl(dir)
	if err != nil {
		return nil, fmt.Errorf("control socket in %s: %w", dir, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		live: &live{store: store, write: write, bounds: o.Bounds}, path: filepath.Join(dir, SocketName), l: l,
		room: make(chan struct{}, limits.ControlRequests.In(o.Bounds)), stall: limits.ControlStall.In(o.Bounds), cancel: cancel,
	}
	s.http = &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: s.stall, IdleTimeout: s.stall, MaxHeaderBytes: controlHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	s.running.Go(func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the control socket failed; storage commands do not reach this server", "socket", s.path, "error", err)
		}
	})
	return s, nil
}

// Close removes the socket, breaks off what is being answered, and waits for it.
func (s *Server) Close() error {
	s.cancel()
	err := os.Remove(s.path)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	err = errors.Join(err, s.http.Close())
	s.running.Wait()
	return err
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, fn func(w *answer, r *http.Request) error) {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
			s.running.Add(1)
			defer s.running.Done()
			w := &answer{rw: rw, rc: http.NewResponseController(rw), stall: s.stall}
			select {
			case s.room <- struct{}{}:
				defer func() { <-s.room }()
			default:
				w.finish(fmt.Errorf("the server answers %d storage commands already", cap(s.room)))
				return
			}
			w.finish(fn(w, r))
		})
	}
	handle("GET /v1", func(w *answer, r *http.Request) error {
		return w.json(hello{Protocol: protocol, PID: os.Getpid()})
	})
	handle("GET /v1/actors", func(w *answer, r *http.Request) error {
		for a, err := range s.live.Actors(r.Context(), r.URL.Query().Get("namespace")) {
			if err != nil {
				return err
			}
			if err := w.json(line{Actor: actorLine(&a)}); err != nil {
				return err
			}
		}
		return nil
	})
	handle("GET /v1/entries", func(w *answer, r *http.Request) error {
		q, err := queryOf(r)
		if err != nil {
			return err
		}
		for kv, err := range s.live.Entries(r.Context(), q) {
			if err != nil {
				return err
			}
			if err := w.json(line{lineEntry: entryLine(kv)}); err != nil {
				return err
			}
		}
		return nil
	})
	handle("GET /v1/export", func(w *answer, r *http.Request) error {
		return s.live.Export(r.Context(), w, r.URL.Query().Get("ref"))
	})
	handle("GET /v1/backup", func(w *answer, r *http.Request) error {
		return s.live.Backup(r.Context(), w)
	})
	handle("GET /v1/check", func(w *answer, r *http.Request) error {
		findings, err := s.live.Check(r.Context())
		for _, f := range findings {
			err = errors.Join(err, w.json(f))
		}
		return err
	})
	handle("POST /v1/import", func(w *answer, r *http.Request) error {
		q := r.URL.Query()
		in := body{r.Body, w.rc, s.stall}
		done, err := s.live.Import(r.Context(), in, ImportOptions{Replace: q.Has("replace"), DryRun: q.Has("dry")})
		if err != nil {
			// A command that is still sending would not read the answer.
			if _, rerr := io.Copy(io.Discard, in); rerr != nil {
				return errors.Join(err, rerr)
			}
		}
		return errors.Join(w.json(done), err)
	})
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		w := &answer{rw: rw, rc: http.NewResponseController(rw), stall: s.stall}
		w.finish(fmt.Errorf("%s %s is unknown; this server speaks version %d of the control protocol", r.Method, r.URL.Path, protocol))
	})
	return mux
}

// hello is the answer to /v1.
type hello struct {
	Protocol int `json:"protocol"`
	PID      int `json:"pid"`
}

// failure is an error on its way to a command.
type failure struct {
	Text string `json:"text"`
	Kind string `json:"kind,omitempty"`
}

// kinds are the errors that a command may want to tell apart.
var kinds = map[string]error{
	"unknown": ErrUnknown, "exists": ErrExists, "serving": ErrServing, "format": ErrFormat,
	"damaged": storage.ErrDamaged, "failed": storage.ErrFailed,
}

func failureOf(err error) failure {
	f := failure{Text: err.Error()}
	for kind, of := range kinds {
		if errors.Is(err, of) {
			f.Kind = kind
		}
	}
	return f
}

// answer is a response that streams, and says at its end whether it is whole.
type answer struct {
	rw    http.ResponseWriter
	rc    *http.ResponseController
	stall time.Duration
	begun bool
	lost  error // the command is gone
}

func (w *answer) Write(p []byte) (int, error) {
	if !w.begun {
		w.begun = true
		w.rw.Header().Set("Trailer", trailerDone+", "+trailerError)
		w.rw.Header().Set("Content-Type", "application/octet-stream")
	}
	if err := w.rc.SetWriteDeadline(time.Now().Add(w.stall)); err != nil {
		return 0, err
	}
	n, err := w.rw.Write(p)
	w.lost = errors.Join(w.lost, err)
	return n, err
}

func (w *answer) json(v any) error {
	b, err := marshal(v)
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}

// finish tells the outcome: as the trailers of what has begun, else as a status.
func (w *answer) finish(err error) {
	if w.lost != nil {
		return // nobody is left to tell
	}
	if err == nil {
		if !w.begun {
			_, err = w.Write(nil) // an answer of no bytes
		}
		if err == nil {
			w.rw.Header().Set(trailerDone, "1")
			return
		}
	}
	text, merr := json.Marshal(failureOf(err))
	if merr != nil {
		text = []byte("{}")
	}
	if w.begun {
		w.rw.Header().Set(trailerError, strconv.QuoteToASCII(string(text)))
		return
	}
	w.rw.Header().Set("Content-Type", "application/json")
	w.rw.WriteHeader(http.StatusUnprocessableEntity)
	_, w.lost = w.rw.Write(text)
}

// body is a request's, whose sender may not stand still.
type body struct {
	io.Reader
	rc    *http.ResponseController
	stall time.Duration
}

func (b body) Read(p []byte) (int, error) {
	if err := b.rc.SetReadDeadline(time.Now().Add(b.stall)); err != nil {
		return 0, err
	}
	n, err := b.Reader.Read(p)
	if err != nil {
		// Nothing more is expected; a deadline that passes would end the request.
		err = cmp.Or(b.rc.SetReadDeadline(time.Time{}), err)
	}
	return n, err
}

// queryOf reads the parameters of /v1/entries.
func queryOf(r *http.Request) (q Query, err error) {
	v := r.URL.Query()
	q = Query{Ref: v.Get("ref"), Prefix: v.Get("prefix"), Key: v.Get("key"), HasKey: v.Has("key")}
	q.Range = storage.Range{Start: v.Get("start"), End: v.Get("end"), Reverse: v.Has("reverse")}
	if v.Has("limit") {
		if q.Range.Limit, err = strconv.Atoi(v.Get("limit")); err != nil {
			return q, fmt.Errorf("limit: %w", err)
		}
	}
	return q, nil
}
