package durable

import (
	"slices"

	"github.com/dop251/goja"

	"workerd.local/cache"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/bind"
)

// Transaction is the argument of transaction()'s callback.
type Transaction struct {
	s     Storage // operations within the transaction
	txn   *cache.Txn
	state txnState
}

type txnState uint8

const (
	txnOpen       txnState = iota // next: committed, rolled back
	txnCommitted                  // final
	txnRolledBack                 // final
)

var transactionClass = &bind.Class[Transaction]{
	Name:     "DurableObjectTransaction",
	Captured: true,
	Async: map[string]bind.Method[Transaction]{
		"get":         in(spanned("get", (*Storage).get)),
		"put":         in(spanned("put", (*Storage).put)),
		"list":        in(spanned("list", (*Storage).list)),
		"getAlarm":    in(spanned("getAlarm", (*Storage).getAlarm)),
		"setAlarm":    in(spanned("setAlarm", (*Storage).setAlarm)),
		"deleteAlarm": in(spanned("deleteAlarm", (*Storage).deleteAlarm)),
	},
	Methods: map[string]bind.Method[Transaction]{
		"delete":    in(spanned("delete", (*Storage).delete)),
		"deleteAll": (*Transaction).deleteAll,
		"rollback":  (*Transaction).rollback,
	},
}

// in is an operation of Storage within the transaction.
func in(m bind.Method[Storage]) bind.Method[Transaction] {
	return func(t *Transaction, c *bind.Call) (any, error) { return m(&t.s, c) }
}

// check refuses operations on a transaction that is over.
func (t *Transaction) check(op string) error {
	switch t.state {
	case txnRolledBack:
		return exception.Errorf("Cannot %s on rolled back transaction", op)
	case txnCommitted:
		return exception.Errorf("Cannot call %s on transaction that has already committed: did you move `txn` outside of the closure?", op)
	}
	return nil
}

var errDeleteAllWithin = exception.Errorf("Cannot call deleteAll() within a transaction")

func (t *Transaction) deleteAll(*bind.Call) (any, error) { return nil, errDeleteAllWithin }

func (t *Transaction) rollback(c *bind.Call) (any, error) {
	if t.state == txnRolledBack {
		return nil, nil
	}
	if err := t.check(opRollback); err != nil {
		return nil, err
	}
	a := t.s.a
	if _, err := a.cache.Get(c.JS()); err != nil {
		return nil, err
	}
	if err := t.txn.Rollback(); err != nil {
		return nil, err
	}
	t.state = txnRolledBack
	a.closed(t.txn)
	// SQLite's transaction is over with the turn: what needs to be in none has to wait.
	a.ended++
	c.JS().Isolate().Loop().AtTurnEnd(func() { a.ended-- })
	return nil, nil
}

// end commits a transaction whose callback has ended well, or rolls it back, where the
// callback did not do so itself.
func (t *Transaction) end(commit bool) error {
	if t.state != txnOpen {
		return nil
	}
	t.state = txnRolledBack
	if commit {
		t.state = txnCommitted
	}
	return t.s.a.end(t.txn, commit)
}

// begin opens a transaction within the innermost one that is open; without SQLite's,
// transactions know nothing of each other.
func (a *shared) begin(root *cache.Cache) *cache.Txn {
	var outer cache.Ops = root
	if n := len(a.txns); n > 0 && a.o.SQLite {
		outer = a.txns[n-1]
	}
	txn := outer.Begin()
	a.txns = append(a.txns, txn)
	return txn
}

// end is the end of a transaction that is open.
func (a *shared) end(txn *cache.Txn, commit bool) error {
	a.closed(txn)
	if !commit {
		return txn.Rollback()
	}
	// A commit that is only slow to become durable holds the output gate, not the
	// callback's result.
	_, err, _ := txn.Commit().Ready()
	return err
}

// closed takes a transaction off the list of those that are open.
func (a *shared) closed(txn *cache.Txn) {
	a.changed()
	if i := slices.Index(a.txns, txn); i >= 0 {
		a.txns = slices.Delete(a.txns, i, i+1)
	}
}

// transaction runs its callback alone. What the callback wrote becomes part of the
// storage when its promise is fulfilled, and is forgotten when it is rejected, which
// does not reset the actor.
func (s *Storage) transaction(c *bind.Call) (any, error) {
	var fn bind.Function
	if err := c.Unpack("callback", &fn); err != nil {
		return nil, err
	}
	// asOfTime and lowPriority mean nothing here.
	if _, err := dictionary(c, 2, "TransactionOptions"); err != nil {
		return nil, err
	}
	root, err := s.a.cache.Get(c.JS())
	if err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	return ioc.BlockConcurrencyWhile(c.JS(), func(js *isolate.JS) (goja.Value, error) {
		t := &Transaction{txn: s.a.begin(root)}
		t.s = Storage{a: s.a, txn: t}
		v, err := js.Call(fn.Value, js.Runtime().GlobalObject(), transactionClass.Wrap(js, t))
		if err != nil {
			return nil, first(err, t.end(false))
		}
		out, resolve, reject := js.NewPromise()
		js.OnSettled(v, func(js *isolate.JS, v goja.Value, err error) {
			if err = first(err, t.end(err == nil)); err != nil {
				reject(err)
				return
			}
			resolve(v)
		})
		return out, nil
	}, func(_ *isolate.JS, err error) error { return err })
}

// transactionSync runs its callback at once; what it throws takes back what it wrote.
func (s *Storage) transactionSync(c *bind.Call) (any, error) {
	var fn bind.Function
	if err := c.Unpack("callback", &fn); err != nil {
		return nil, err
	}
	root, err := s.a.cache.Get(c.JS())
	switch {
	case err != nil:
		return nil, err
	case !s.a.o.SQLite:
		return nil, exception.Errorf("Durable Object is not backed by SQL.")
	case root.Err() != nil:
		return nil, root.Err()
	}
	txn := s.a.begin(root)
	s.a.changed()
	v, err := c.JS().Call(fn.Value, c.JS().Runtime().GlobalObject())
	if err = first(err, s.a.end(txn, err == nil)); err != nil {
		return nil, err
	}
	return v, nil
}

// first is the first of two errors.
func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// settled is the value of a result that is ready.
func settled[T any](r loop.Result[T]) (T, error) {
	v, err, ready := r.Ready()
	if !ready {
		return v, errNotInstant
	}
	return v, err
}
