package threads

import (
	"errors"
	"sync"
)

// Errors of queues.
var (
	// ErrFull says that the receiver has too much to do.
	ErrFull = errors.New("too many messages wait for the thread")
	// ErrDead says that nobody will receive the message.
	ErrDead = errors.New("the thread has ended")
	// errMuted says that the thread was killed: nobody listens, and the sender need not know.
	errMuted = errors.New("the thread was killed")
)

// item is one entry of a queue; one of its first four fields is set.
type item struct {
	message Message
	failure *Failure
	stop    bool
	exit    bool
	hold    *hold // what keeps it, and all behind it, from being taken; may be nil
}

// held reports whether the item may not be taken yet; the lock of its queue is held.
func (i *item) held() bool { return i.hold != nil && i.hold.on }

// overhead is what a message counts for beside its content.
const overhead = 64

func (i *item) size() int {
	switch {
	case i.message != nil:
		return overhead + i.message.Size()
	case i.failure != nil:
		return overhead + i.failure.size()
	}
	return 0
}

// queue is what waits for one receiver; any goroutine.
type queue struct {
	mu        sync.Mutex // guards everything below
	items     []item     // from head on
	head      int
	bytes     int
	lost      int  // how many items have a hold that is lost
	muted     bool // nothing but the exit goes in any more
	closed    bool // nothing goes in any more
	scheduled bool // the receiver has been told

	maxMessages, maxBytes int
}

// push adds an item and reports whether the receiver must be told. Marks have no bound.
func (q *queue) push(i item) (tell bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	marked := i.stop || i.exit
	switch size := i.size(); {
	case q.closed:
		return false, ErrDead
	case q.muted && !i.exit:
		return false, errMuted
	case !marked && (len(q.items)-q.head >= q.maxMessages || q.bytes+size > q.maxBytes):
		return false, ErrFull
	default:
		q.bytes += size
	}
	q.items = append(q.items, i)
	if i.hold != nil {
		i.hold.on = true
		return false, nil
	}
	tell = !q.scheduled
	q.scheduled = true
	return tell, nil
}

// prepend puts messages before what is there, whatever the bounds.
func (q *queue) prepend(list []Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrDead
	}
	items := make([]item, 0, len(list)+len(q.items)-q.head)
	for _, m := range list {
		i := item{message: m}
		q.bytes += i.size()
		items = append(items, i)
	}
	q.items, q.head = append(items, q.items[q.head:]...), 0
	return nil
}

// pop takes the oldest item. Where there is none, or it is held, the receiver will be told of the next.
func (q *queue) pop() (i item, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.items) || q.items[q.head].held() {
		q.scheduled = false
		return item{}, false
	}
	i = q.items[q.head]
	q.items[q.head] = item{}
	q.head++
	q.bytes -= i.size()
	switch {
	case q.head == len(q.items):
		if q.head = 0; cap(q.items) > keptItems {
			q.items = nil
		} else {
			q.items = q.items[:0]
		}
	case q.head >= keptItems && q.head > len(q.items)/2:
		q.items = append([]item(nil), q.items[q.head:]...)
		q.head = 0
	}
	return i, true
}

// keptItems is how many places an empty queue keeps.
const keptItems = 64

// waits reports whether there is an item, which may be held.
func (q *queue) waits() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.head < len(q.items)
}

// front is what pop would give.
func (q *queue) front() (i item, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.items) || q.items[q.head].held() {
		return item{}, false
	}
	return q.items[q.head], true
}

// mute takes out what is there, but for the exit, and drops what comes.
func (q *queue) mute() []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.muted = true
	return q.emptyLocked()
}

// empty takes out what is there, but for the exit.
func (q *queue) empty() []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.emptyLocked()
}

func (q *queue) emptyLocked() (dropped []Message) {
	var kept []item
	for _, i := range q.items[q.head:] {
		if i.hold != nil {
			i.hold.on = false
		}
		if i.exit {
			kept = append(kept, i)
		} else if i.message != nil {
			dropped = append(dropped, i.message)
		}
	}
	q.items, q.head, q.bytes, q.lost = kept, 0, 0, 0
	return dropped
}

// schedule says that the receiver is about to be told, and reports whether it must be.
func (q *queue) schedule() (tell bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	tell = !q.scheduled
	q.scheduled = true
	return tell
}

// close takes out everything, and refuses what comes.
func (q *queue) close() []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	dropped := q.emptyLocked()
	q.closed, q.items = true, nil
	return dropped
}

// seal refuses what comes, and keeps what is there.
func (q *queue) seal() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}
