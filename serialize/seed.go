package serialize

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"workerd.local/internal/limits"
	"workerd.local/isolate"
)

// SeedOptions are what a seed is made of.
type SeedOptions struct {
	// Worker is how the script runs up to where it parks, and where its output goes.
	Worker Options
	// Mode is SeedUserland or SeedBare.
	Mode Mode
	// Twins is how many workers wait for a fork; negative is the limit seed.twins.
	Twins int
}

// Seed is a script that has parked, with workers that wait to go on from there. Any
// goroutine.
type Seed struct {
	o        Options
	mode     Mode
	snapshot *Snapshot
	depot    *depot // of the children
	ready    chan *Worker
	wanted   chan struct{} // one for each worker that is to be made
	ctx      context.Context
	cancel   context.CancelFunc
	filler   sync.WaitGroup

	mu       sync.Mutex // guards what follows
	cold     error      // why children start cold
	children int
	most     int
}

// Errors of Fork.
var (
	ErrTooManyChildren = errors.New("the seed has as many children as it may have (limit seed.children)")
	ErrSeedClosed      = errors.New("the seed has ended")
)

// NewSeed runs the script up to where it parks. Where the script ends instead, there is no
// seed, and exit says how.
func NewSeed(ctx context.Context, o SeedOptions) (s *Seed, exit *Exit) {
	bounds := o.Worker.Limits.Bounds
	twins := o.Twins
	if twins < 0 {
		twins = limits.SeedTwins.In(bounds)
	}
	s = &Seed{
		o: o.Worker.withDefaults(), mode: o.Mode, most: limits.SeedChildren.In(bounds),
		ready: make(chan *Worker, twins+1), wanted: make(chan struct{}, twins+1),
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	if o.Mode == SeedBare {
		s.depot = newDepot(bounds)
		s.snapshot = &Snapshot{kind: Forkable, bare: true}
		s.o.Program, s.o.Preload = nil, nil
	} else {
		w, snapshot, exit, err := record(ctx, s.o, Forkable, 0)
		if w == nil {
			s.cancel()
			return nil, exit
		}
		if exit != nil {
			w.close()
			s.cancel()
			return nil, exit
		}
		s.depot = w.depot.clone()
		// The worker that ran first is as good as those that repeat it.
		s.ready <- w
		if s.snapshot = snapshot; err != nil {
			s.chill(err)
		}
	}
	if twins > 0 {
		for range twins {
			s.wanted <- struct{}{}
		}
		s.filler.Go(s.fill)
	}
	return s, nil
}

// Snapshot is what children are made from; nil where they start cold.
func (s *Seed) Snapshot() *Snapshot {
	if s.coldness() != nil {
		return nil
	}
	return s.snapshot
}

// fill makes workers until the seed is closed, or they cannot be made.
func (s *Seed) fill() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.wanted:
		}
		if s.coldness() != nil {
			continue
		}
		w, err := s.twin(s.ctx)
		if err != nil {
			if s.ctx.Err() == nil {
				s.chill(err)
			}
			continue
		}
		select {
		case s.ready <- w:
		case <-s.ctx.Done():
			w.close()
		}
	}
}

// twin makes one worker that stands where the seed parked. Nothing of it appears.
func (s *Seed) twin(ctx context.Context) (*Worker, error) {
	o := s.o
	o.Stdout, o.Stderr = nil, nil
	return restore(ctx, s.snapshot, o)
}

func (s *Seed) coldness() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cold
}

// chill makes children start cold from here on, and says so once.
func (s *Seed) chill(why error) {
	s.mu.Lock()
	first := s.cold == nil
	s.cold = why
	s.mu.Unlock()
	if first {
		s.o.warn(fmt.Sprintf("warning: the seed cannot be copied, its children start from the beginning: %s", why))
	}
}

// ForkOptions are what a child has of its own.
type ForkOptions struct {
	Child
	// Program is the script of a bare seed's child; other children run the seed's.
	Program *Program
	// Options gives the outputs: of the rest, the seed's count.
	Options Options
	Serve   Serve
}

// Fork runs a child, on the calling goroutine, to its end. err says why there is none.
func (s *Seed) Fork(ctx context.Context, f ForkOptions) (Exit, error) {
	if err := s.enter(); err != nil {
		return Exit{}, err
	}
	defer s.leave()
	o := s.o
	o.Stdout, o.Stderr, o.depot = f.Options.Stdout, f.Options.Stderr, s.depot
	w, err := s.take(ctx)
	if err != nil {
		return Exit{}, err
	}
	if w == nil {
		o.Args, o.Env, o.Preload = f.Args, f.Env, f.Preload
		return Run(ctx, o, f.Serve), nil
	}
	if s.mode == SeedBare {
		if f.Program == nil {
			s.giveBack(w)
			return Exit{}, errNoScript
		}
		return w.bareChild(ctx, f, o), nil
	}
	return w.child(ctx, f.Child, o, f.Serve), nil
}

func (s *Seed) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ctx.Err() != nil:
		return ErrSeedClosed
	case s.children >= s.most:
		return ErrTooManyChildren
	}
	s.children++
	return nil
}

func (s *Seed) leave() {
	s.mu.Lock()
	s.children--
	s.mu.Unlock()
}

// take is a worker that waits, or one that is made now; nil where children start cold.
func (s *Seed) take(ctx context.Context) (*Worker, error) {
	select {
	case w := <-s.ready:
		s.want()
		return w, nil
	default:
	}
	if s.coldness() != nil {
		return nil, nil
	}
	w, err := s.twin(ctx)
	switch {
	case err == nil:
		return w, nil
	case ctx.Err() != nil || s.ctx.Err() != nil:
		return nil, err
	}
	s.chill(err)
	return nil, nil
}

// want asks for one more worker.
func (s *Seed) want() {
	select {
	case s.wanted <- struct{}{}:
	default: // as many as there may be are on their way
	}
}

// giveBack keeps a worker that has run nothing.
func (s *Seed) giveBack(w *Worker) {
	select {
	case s.ready <- w:
	default:
		w.close()
	}
}

// Close ends the seed and the workers that wait. Children go on.
func (s *Seed) Close() {
	s.cancel()
	s.filler.Wait()
	for {
		select {
		case w := <-s.ready:
			w.close()
		default:
			return
		}
	}
}

// bareChild starts a worker that has run nothing.
func (w *Worker) bareChild(ctx context.Context, f ForkOptions, o Options) Exit {
	w.o.Program, w.o.Location = f.Program, f.Location
	w.setLocation()
	f.Location = w.location
	w.becomeChild(f.Child, o.withDefaults())
	return w.whole(ctx, f.Serve, func(js *isolate.JS) { w.startNormal(js) })
}
