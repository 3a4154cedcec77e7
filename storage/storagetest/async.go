package storagetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"workerd.local/storage"
)

// asyncOutcome is what one CommitAsync was told, and how often.
type asyncOutcome struct {
	told   atomic.Int64
	fenced bool
	err    error
}

// async skips the test for a store that has only Commit.
func (k *kit) async() storage.AsyncCommitter {
	a, ok := k.store.(storage.AsyncCommitter)
	if !ok {
		k.Skip("the store has no CommitAsync")
	}
	return a
}

// begin queues one write; wg is done when the store has told the outcome.
func (k *kit) begin(wg *sync.WaitGroup, t storage.Token, writes ...storage.Write) *asyncOutcome {
	o := new(asyncOutcome)
	wg.Add(1)
	k.async().CommitAsync(t, writes, func(fenced bool, err error) {
		if o.told.Add(1) == 1 {
			o.fenced, o.err = fenced, err
			wg.Done()
		}
	})
	return o
}

// wait queues one write and waits for it.
func (k *kit) wait(t storage.Token, writes ...storage.Write) *asyncOutcome {
	var wg sync.WaitGroup
	o := k.begin(&wg, t, writes...)
	wg.Wait()
	return o
}

var asyncTests = []test{
	{"AsyncCommitsOfOneGoroutineKeepTheirOrder", func(k *kit) {
		const callers, commits = 16, 300
		k.async()
		var queueing, told sync.WaitGroup
		var outcomes [callers][commits]*asyncOutcome
		for c := range callers {
			a := Actor("ns", c)
			t := k.token(a)
			queueing.Go(func() {
				for i := range commits {
					outcomes[c][i] = k.begin(&told, t, storage.Write{Actor: a, Put: kvs("last", fmt.Sprint(i), fmt.Sprint(i), "")})
				}
			})
		}
		queueing.Wait()
		told.Wait()
		for c := range callers {
			for i, o := range outcomes[c] {
				if o.fenced || o.err != nil || o.told.Load() != 1 {
					k.Fatalf("commit %d of caller %d: fenced %v, %v, told %d times", i, c, o.fenced, o.err, o.told.Load())
				}
			}
			a := Actor("ns", c)
			k.wantKVs("the last write", k.get(a, "last"), "last", fmt.Sprint(commits-1))
			if got := k.scan(a, storage.Range{}); len(got) != commits+1 {
				k.Errorf("caller %d: %d entries", c, len(got))
			}
		}
		k.check()
	}},
	{"AsyncCommitIsSeenWhenItIsTold", func(k *kit) {
		a := Actor("ns", 1)
		for i := range 50 {
			v := fmt.Sprint(i)
			if o := k.wait(k.token(a), storage.Write{Actor: a, Put: kvs("k", v)}); o.fenced || o.err != nil {
				k.Fatalf("fenced %v, %v", o.fenced, o.err)
			}
			k.wantKVs("get", k.get(a, "k"), "k", v)
		}
		// Nothing to write is fine too, and so are several actors of a shard.
		if o := k.wait(k.token(a)); o.fenced || o.err != nil {
			k.Fatalf("no writes: fenced %v, %v", o.fenced, o.err)
		}
		b := Actor("ns", 2)
		for i := 3; b.Shard() != a.Shard(); i++ {
			b = Actor("ns", i)
		}
		o := k.wait(k.token(a), storage.Write{Actor: a, DelAll: true}, storage.Write{Actor: b, Put: kvs("k", "b")}, setAlarm(b, at(5), "name", 0))
		if o.fenced || o.err != nil {
			k.Fatalf("two actors: fenced %v, %v", o.fenced, o.err)
		}
		k.wantKVs("deleted", k.scan(a, storage.Range{}))
		k.wantKVs("put", k.scan(b, storage.Range{}), "k", "b")
		k.wantDue("alarm", k.alarm(b), storage.Due{Actor: b, Time: at(5), Name: "name"})
	}},
	{"AsyncCommitsRefuseWhatCommitRefuses", func(k *kit) {
		a := Actor("ns", 1)
		k.put(a, "k", "v")
		current := k.token(a)
		for _, epoch := range []uint64{current.Epoch + 1, current.Epoch - 1} {
			stale := storage.Token{Shard: current.Shard, Epoch: epoch}
			if o := k.wait(stale, storage.Write{Actor: a, DelAll: true}); !o.fenced || o.err != nil {
				k.Errorf("epoch %d: fenced %v, %v", epoch, o.fenced, o.err)
			}
		}
		long := strings.Repeat("k", storage.MaxKeyBytes+1)
		if o := k.wait(current, storage.Write{Actor: a, DelAll: true}, storage.Write{Actor: a, Put: kvs(long, "v")}); o.fenced || o.err == nil {
			k.Errorf("a key too long: fenced %v, %v", o.fenced, o.err)
		}
		other := storage.Token{Shard: current.Shard + 1, Epoch: current.Epoch}
		if o := k.wait(other, storage.Write{Actor: a, DelAll: true}); o.fenced || o.err == nil {
			k.Errorf("the token of another shard: fenced %v, %v", o.fenced, o.err)
		}
		k.wantKVs("scan", k.scan(a, storage.Range{}), "k", "v")
	}},
	{"CloseTellsEveryAsyncCommit", func(k *kit) {
		const callers, commits = 8, 200
		k.async()
		var queueing, told sync.WaitGroup
		var outcomes [callers][commits]*asyncOutcome
		started := make(chan struct{}, callers)
		for c := range callers {
			a := Actor("ns", c)
			t := k.token(a)
			queueing.Go(func() {
				for i := range commits {
					if i == commits/4 {
						started <- struct{}{}
					}
					outcomes[c][i] = k.begin(&told, t, storage.Write{Actor: a, Put: kvs(fmt.Sprint(i), "v")})
				}
			})
		}
		<-started
		if err := k.store.Close(); err != nil {
			k.Fatalf("close: %v", err)
		}
		queueing.Wait()
		told.Wait()
		stored := make([]int, callers)
		for c := range callers {
			for i, o := range outcomes[c] {
				switch {
				case o.told.Load() != 1 || o.fenced:
					k.Fatalf("commit %d of caller %d: fenced %v, %v, told %d times", i, c, o.fenced, o.err, o.told.Load())
				case o.err == nil && i != stored[c]:
					k.Errorf("caller %d: commit %d was stored and an earlier one was not", c, i)
				case o.err == nil:
					stored[c]++
				case !errors.Is(o.err, storage.ErrClosed):
					k.Errorf("commit %d of caller %d: %v", i, c, o.err)
				}
			}
		}
		a := Actor("ns", 0)
		if o := k.wait(storage.Token{Shard: a.Shard(), Epoch: 1}, storage.Write{Actor: a, Put: kvs("k", "v")}); o.fenced || !errors.Is(o.err, storage.ErrClosed) {
			k.Errorf("after Close: fenced %v, %v", o.fenced, o.err)
		}
		k.reopen()
		for c := range callers {
			if got := k.scan(Actor("ns", c), storage.Range{}); len(got) != stored[c] {
				k.Errorf("caller %d: %d were told to be durable, %d are there", c, stored[c], len(got))
			}
		}
	}},
}
