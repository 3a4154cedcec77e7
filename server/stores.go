package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"workerd.local/event"
	"workerd.local/internal/limits"
	"workerd.local/storage"
	"workerd.local/storage/admin"
	"workerd.local/storage/bolt"
	"workerd.local/storage/mem"
)

// stores are the stores that are open, by directory; those in memory live as long
// as the process, by the name of their service. They outlive a reload.
type stores struct {
	open   func(dir string) (storage.Store, error)
	log    *slog.Logger
	bounds *limits.Set

	mu   sync.Mutex // guards list
	list map[string]*openStore
}

type openStore struct {
	store   storage.Store
	tokens  func(shard uint32) storage.Token
	control *admin.Server // nil where there is none, or not yet
	tried   bool          // to open the control socket

	productsMu sync.Mutex // guards products
	products   map[localProduct]event.Service
}

// product is a service that the store keeps, which is one for all configurations.
func (o *openStore) product(p localProduct, open func(*openStore) event.Service) event.Service {
	o.productsMu.Lock()
	defer o.productsMu.Unlock()
	s := o.products[p]
	if s == nil {
		if o.products == nil {
			o.products = map[localProduct]event.Service{}
		}
		s = open(o)
		o.products[p] = s
	}
	return s
}

func newStores(open func(string) (storage.Store, error), log *slog.Logger, bounds *limits.Set) *stores {
	return &stores{open: open, log: log, bounds: bounds, list: map[string]*openStore{}}
}

// placed is a store that knows who owns its shards.
type placed interface{ Placement() storage.Placement }

// disk opens the store of a directory.
func (s *stores) disk(dir string) (*openStore, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return s.get("disk:"+abs, func() (storage.Store, error) {
		if s.open != nil {
			if st, err := s.open(abs); st != nil || err != nil {
				return st, err
			}
		}
		return bolt.Open(filepath.Join(abs, bolt.FileName), bolt.Options{Bounds: s.bounds, Hooks: bolt.Hooks{
			Failed: func(err error) {
				s.log.Error("storage stopped for good; restart when the cause is mended", "dir", abs, "error", err)
			},
			Damaged: func(err error, stack []byte) {
				s.log.Error("storage is damaged", "dir", abs, "error", err, "stack", string(stack))
			},
		}})
	})
}

// memory returns the store in memory of a service.
func (s *stores) memory(service string) (*openStore, error) {
	return s.get("memory:"+service, func() (storage.Store, error) { return mem.New(), nil })
}

func (s *stores) get(key string, open func() (storage.Store, error)) (*openStore, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.list[key]; o != nil {
		return o, nil
	}
	st, err := open()
	if err != nil {
		return nil, err
	}
	t, err := tokens(st)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	o := &openStore{store: st, tokens: t}
	s.list[key] = o
	return o, nil
}

// tokens is the right to write each shard of a store that this process owns alone:
// in the epoch that the store's placement names, else in the first one.
func tokens(st storage.Store) (func(shard uint32) storage.Token, error) {
	epoch := uint64(1)
	if p, ok := st.(placed); ok {
		_, t, err := p.Placement().Owner(context.Background(), 0)
		if err != nil {
			return nil, err
		}
		epoch = t.Epoch
	}
	return func(shard uint32) storage.Token { return storage.Token{Shard: shard, Epoch: epoch} }, nil
}

// openControl opens the control sockets of the stores on disk that have none yet.
func (s *stores) openControl(writer func(*openStore, *bolt.Store) admin.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.list {
		b, ok := o.store.(*bolt.Store)
		if !ok || o.tried {
			continue
		}
		o.tried = true
		c, err := admin.Serve(b, writer(o, b), admin.ServeOptions{Bounds: s.bounds, Log: s.log})
		if err != nil {
			s.log.Warn("storage commands do not reach this server", "error", err)
			continue
		}
		o.control = c
	}
}

// closeControl ends the storage commands that are under way.
func (s *stores) closeControl() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, o := range s.list {
		if o.control != nil {
			errs = append(errs, o.control.Close())
			o.control = nil
		}
	}
	return errors.Join(errs...)
}

func (s *stores) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for key, o := range s.list {
		if err := o.store.Close(); err != nil {
			errs = append(errs, fmt.Errorf("close %s: %w", key, err))
		}
	}
	clear(s.list)
	return errors.Join(errs...)
}

// makeDir creates a directory that a configuration implies, and makes its name durable:
// what actors are told is stored in it must not go with the directory.
func makeDir(dir string) error {
	parent := filepath.Dir(dir)
	if _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	err := os.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) {
		err = nil // Open says what it is
	}
	if err == nil {
		err = syncDir(parent)
	}
	if err != nil {
		return fmt.Errorf("cannot create the directory %s: %w", dir, err)
	}
	return nil
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // it journals names, and cannot sync directories
	}
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil // not ours to read, so its entries are older than we are
	}
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
