package durable

import (
	"github.com/dop251/goja"

	"workerd.local/cache"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Transaction is the argument of transaction()'s callback.
type Transaction struct {
	s     Storage // operations on the transaction alone
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
	Name: "DurableObjectTransaction",
	Async: map[string]bind.Method[Transaction]{
		"get":         in("get()", (*Storage).get),
		"put":         in("put()", (*Storage).put),
		"list":        in("list()", (*Storage).list),
		"getAlarm":    in("getAlarm()", (*Storage).getAlarm),
		"setAlarm":    in("setAlarm()", (*Storage).setAlarm),
		"deleteAlarm": in("deleteAlarm()", (*Storage).deleteAlarm),
	},
	Methods: map[string]bind.Method[Transaction]{
		"delete":    in("delete()", (*Storage).delete),
		"deleteAll": (*Transaction).deleteAll,
		"rollback":  (*Transaction).rollback,
	},
}

// in is an operation of Storage within the transaction, while that is open.
func in(op string, m bind.Method[Storage]) bind.Method[Transaction] {
	return func(t *Transaction, c *bind.Call) (any, error) {
		if err := t.check(op); err != nil {
			return nil, err
		}
		return m(&t.s, c)
	}
}

func (t *Transaction) check(op string) error {
	switch t.state {
	case txnRolledBack:
		return exception.Errorf("Cannot %s on rolled back transaction", op)
	case txnCommitted:
		return exception.Errorf("Cannot call %s on transaction that has already committed: did you move `txn` outside of the closure?", op)
	}
	return nil
}

func (t *Transaction) deleteAll(*bind.Call) (any, error) {
	return nil, exception.Errorf("Cannot call deleteAll() within a transaction")
}

func (t *Transaction) rollback(*bind.Call) (any, error) {
	if t.state == txnRolledBack {
		return nil, nil
	}
	if err := t.check("rollback()"); err != nil {
		return nil, err
	}
	t.state = txnRolledBack
	return nil, t.txn.Rollback()
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
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	return ioc.BlockConcurrencyWhile(c.JS(), func(js *isolate.JS) (goja.Value, error) {
		t := &Transaction{txn: s.now().Begin()}
		t.s = Storage{ops: t.txn, cache: s.cache, o: s.o}
		s.txns = append(s.txns, t.txn)
		finish := func(commit bool) error {
			for i := len(s.txns) - 1; i >= 0; i-- {
				if s.txns[i] == cache.Ops(t.txn) {
					s.txns = append(s.txns[:i], s.txns[i+1:]...)
					break
				}
			}
			if t.state != txnOpen {
				return nil
			}
			if !commit {
				t.state = txnRolledBack
				return t.txn.Rollback()
			}
			t.state = txnCommitted
			// A commit that is only slow to become durable holds the output gate, not
			// the callback's result.
			_, err, _ := t.txn.Commit().Ready()
			return err
		}
		v, err := js.Call(fn.Value, js.Runtime().GlobalObject(), transactionClass.Wrap(js, t))
		if err != nil {
			return nil, join(err, finish(false))
		}
		out, resolve, reject := js.NewPromise()
		js.OnSettled(v, func(js *isolate.JS, v goja.Value, err error) {
			if err = join(err, finish(err == nil)); err != nil {
				reject(err)
				return
			}
			resolve(v)
		})
		return out, nil
	}, func(_ *isolate.JS, err error) error { return err })
}

// join is the first of two errors.
func join(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
