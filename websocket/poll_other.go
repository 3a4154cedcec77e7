//go:build !linux

package websocket

// poll is not there: each connection has a goroutine.
type poll struct{}

func newPoll() (*poll, error)                { return nil, errNoPoll }
func (p *poll) add(*Conn) error              { return errNoPoll }
func (p *poll) run(func([]readiness))        {}
func (p *poll) close()                       {}
func (w *worker) calls()                     {}
func (w *worker) readNow(*Conn) (int, error) { return 0, errNoPoll }

func (w *worker) writeNow(*Conn, []byte) (int, error) { return 0, errNoPoll }
