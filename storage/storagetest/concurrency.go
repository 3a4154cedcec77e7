package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"workerd.local/storage"
)

var concurrencyTests = []test{
	{"ManyCommitters", func(k *kit) {
		const callers, commits = 32, 40
		var wg sync.WaitGroup
		for c := range callers {
			wg.Go(func() {
				own, shared := Actor("ns", c), Actor("ns", 1000)
				for i := range commits {
					v := fmt.Sprint(i)
					_, err := k.store.Commit(k.ctx, k.batch(
						storage.Write{Actor: own, Put: kvs("last", v, "k"+v, v)},
						storage.Write{Actor: shared, Put: kvs(fmt.Sprint("from", c), v)}))
					if err != nil {
						k.Errorf("commit: %v", err)
						return
					}
					// What was committed is what is read, at once.
					got, err := k.store.Get(k.ctx, k.token(own), own, []string{"last"})
					if err != nil || len(got) != 1 || string(got[0].Value) != v {
						k.Errorf("caller %d: read %s after writing %s, %v", c, show(got), v, err)
						return
					}
				}
			})
		}
		wg.Wait()
		for c := range callers {
			if got := k.scan(Actor("ns", c), storage.Range{}); len(got) != commits+1 {
				k.Errorf("caller %d: %d entries", c, len(got))
			}
		}
		if got := k.scan(Actor("ns", 1000), storage.Range{}); len(got) != callers {
			k.Errorf("%d callers wrote, %d are seen", callers, len(got))
		}
		k.check()
	}},
	{"ScansAreConsistent", func(k *kit) {
		// Every commit gives all entries of the actor the same value, and every scan
		// must find them all equal, whatever is committed while it runs.
		const entries, commits = 1500, 15
		a := Actor("ns", 1)
		write := func(v string) storage.Write {
			w := storage.Write{Actor: a}
			for i := range entries {
				w.Put = append(w.Put, storage.KV{Key: fmt.Sprintf("%05d", i), Value: []byte(v)})
			}
			return w
		}
		k.commit(write("0"))
		ctx, stop := context.WithCancel(k.ctx)
		var wg sync.WaitGroup
		for reader := range 4 {
			wg.Go(func() {
				for last := 0; ctx.Err() == nil; {
					first, n := "", 0
					for kv, err := range k.store.Scan(k.ctx, k.token(a), a, storage.Range{Reverse: reader%2 == 1}) {
						if err != nil {
							k.Errorf("scan: %v", err)
							return
						}
						if n++; n == 1 {
							first = string(kv.Value)
						} else if string(kv.Value) != first {
							k.Errorf("one scan saw commit %s and commit %s", first, kv.Value)
							return
						}
					}
					v, err := strconv.Atoi(first)
					if err != nil || n != entries || v < last {
						k.Errorf("a scan saw %d entries of commit %q after one of commit %d", n, first, last)
						return
					}
					last = v
				}
			})
		}
		for i := range commits {
			w := write(fmt.Sprint(i + 1))
			w.DelAll = i%3 == 0
			k.commit(w)
		}
		stop()
		wg.Wait()
		k.check()
	}},
	{"EverythingAtOnce", func(k *kit) {
		var wg sync.WaitGroup
		ctx, stop := context.WithCancel(k.ctx)
		run := func(what string, fn func(i int) error) {
			wg.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					if err := fn(i); err != nil {
						k.Errorf("%s: %v", what, err)
						return
					}
				}
			})
		}
		run("alarms", func(i int) error {
			_, err := k.store.Alarms(k.ctx, k.o.Token(k, k.store, uint32(i%64)), 0)
			return err
		})
		run("actors", func(int) error {
			for _, err := range k.store.Actors(k.ctx, "ns", Actor("ns", 0)) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		run("backup", func(int) error { return k.store.Backup(k.ctx, new(bytes.Buffer)) })
		run("check", func(int) error { return k.store.Check(k.ctx) })
		run("meta", func(i int) error { return k.store.SetMeta(k.ctx, "m", []byte{byte(i)}) })
		run("namespaces", func(i int) error {
			k.put(Actor("short-lived", i%7), "k", "v")
			return k.store.DeleteNamespace(k.ctx, "short-lived")
		})
		for i := range 120 {
			w := setAlarm(Actor("ns", i%50), at(i), "", 0)
			w.DelAll = i%5 == 0
			w.Put = kvs(fmt.Sprint(i), "v")
			k.commit(w)
		}
		stop()
		wg.Wait()
		k.check()
	}},
	{"CancelledCommitsAreAppliedOrNot", func(k *kit) {
		// Whoever is told that a commit was cancelled before it was taken finds
		// nothing of it; whoever is told nil finds it.
		const callers = 64
		var wg sync.WaitGroup
		var applied, cancelled atomic.Int64
		for c := range callers {
			wg.Go(func() {
				a := Actor("ns", c)
				for i := range 20 {
					ctx, cancel := context.WithCancel(k.ctx)
					go cancel()
					v := fmt.Sprint(i)
					_, err := k.store.Commit(ctx, k.batch(storage.Write{Actor: a, Put: kvs(v, "1", v+"b", "2")}))
					got, readErr := k.store.Get(k.ctx, k.token(a), a, []string{v, v + "b"})
					switch {
					case readErr != nil:
						k.Errorf("get: %v", readErr)
					case err == nil && len(got) == 2:
						applied.Add(1)
					case errors.Is(err, context.Canceled) && len(got) == 0:
						cancelled.Add(1)
					default:
						k.Errorf("commit said %v, but %d of 2 entries are there", err, len(got))
					}
				}
			})
		}
		wg.Wait()
		k.Logf("%d applied, %d cancelled", applied.Load(), cancelled.Load())
	}},
	{"CloseWaitsForWhatWasAccepted", func(k *kit) {
		const callers = 32
		results := make(chan error, callers)
		acked := make([]atomic.Bool, callers)
		started := make(chan struct{}, callers)
		for c := range callers {
			batch := k.batch(storage.Write{Actor: Actor("ns", c), Put: kvs("k", "v")})
			go func() {
				started <- struct{}{}
				_, err := k.store.Commit(k.ctx, batch)
				acked[c].Store(err == nil)
				results <- err
			}()
		}
		for range callers / 2 {
			<-started
		}
		if err := k.store.Close(); err != nil {
			k.Fatalf("close: %v", err)
		}
		for range callers {
			if err := <-results; err != nil && !errors.Is(err, storage.ErrClosed) {
				k.Errorf("commit: %v", err)
			}
		}
		if k.o.Reopen == nil {
			return
		}
		k.reopen()
		for c := range callers {
			if got := k.get(Actor("ns", c), "k"); len(got) == 0 && acked[c].Load() {
				k.Errorf("caller %d was told that its commit is durable; it is gone", c)
			} else if len(got) == 1 && !acked[c].Load() {
				k.Errorf("caller %d was told ErrClosed; its commit is there", c)
			}
		}
	}},
}
