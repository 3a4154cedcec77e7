//go:build !windows

package supervise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// childEnv tells a process that it is a child, and the number of its descriptor for the
// link.
const childEnv = "WORKERD_SUPERVISED"

// lastWords is how long a dead child's last message may take to be read.
const lastWords = time.Second

// parent is one run of Run.
type parent struct {
	o       Options
	log     *slog.Logger
	program string
	history *History
	file    *os.File // of the page
	page    []byte

	mu       sync.Mutex // guards what follows
	names    []socketName
	sockets  []*os.File
	listened bool // a child has listened
}

// Run starts a child and, each time that one dies, another one, until ctx ends or a child
// ends by itself: the child is then asked to drain, and code is its exit code. A child
// that ends before any has listened is not started again.
func Run(ctx context.Context, o Options) (code int, err error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	p := &parent{o: o, log: o.Log, history: NewHistory(o.Bounds)}
	for _, s := range o.Sockets {
		if err := keepFromChildren(s.File); err != nil {
			return 1, fmt.Errorf("--supervise: socket %q: %w", s.Name, err)
		}
		p.names, p.sockets = append(p.names, socketName{s.Name, s.Address}), append(p.sockets, s.File)
	}
	defer p.close()
	if p.program, err = program(); err != nil {
		return 1, fmt.Errorf("--supervise: %w", err)
	}
	if p.file, p.page, err = newPage(max(o.Slots, 1) + o.ThreadSlots); err != nil {
		return 1, fmt.Errorf("--supervise: %w", err)
	}
	// The system ends the child with the thread that started it (see endsWithParent).
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		state, err := p.run(ctx)
		if err != nil && !p.hasListened() {
			return 1, fmt.Errorf("--supervise: %w", err)
		}
		code := 1
		if err == nil && state.Exited() {
			code = state.ExitCode()
		}
		if code == 0 {
			return 0, nil
		}
		who := suspects(p.page)
		clear(p.page)
		if ctx.Err() != nil || !p.hasListened() {
			if err == nil && !(state.Exited() && code == 1) {
				p.obituary(state.String(), who)
			}
			return code, nil
		}
		pause, fresh := p.history.Died(time.Now(), who)
		if err != nil {
			p.log.Error("the server cannot be started again", "error", err)
		} else {
			p.obituary(state.String(), who, "restart", "in "+pause.String())
		}
		for _, q := range fresh {
			p.log.Warn("quarantined: "+q.Subject.String(), "for", time.Until(q.Until).Round(time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return 0, nil
		case <-time.After(pause):
		}
	}
}

// keepFromChildren sees to it that a child gets a file over the link only, and not a second
// time by inheritance, where nobody would close it. It fails where there is no such file.
func keepFromChildren(f *os.File) error {
	if _, err := f.Stat(); err != nil {
		return err
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { syscall.CloseOnExec(int(fd)) })
}

// obituary logs a death and who was running.
func (p *parent) obituary(cause string, who []Suspect, args ...any) {
	text := fmt.Sprintf("the server died (%s)", cause)
	for _, s := range who {
		if s.Isolate < max(p.o.Slots, 1) {
			text += fmt.Sprintf("; isolate %d was running %s", s.Isolate, s.Subject)
		} else {
			text += fmt.Sprintf("; a thread was running %s", s.Subject)
		}
	}
	if len(who) == 0 {
		text += "; no isolate was running anything"
	}
	p.log.Error(text, args...)
}

func (p *parent) hasListened() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listened
}

// program is the file of this very program, also where another one has taken its place.
func program() (string, error) {
	if runtime.GOOS == "linux" {
		if _, err := os.Stat("/proc/self/exe"); err == nil {
			return "/proc/self/exe", nil
		}
	}
	return os.Executable()
}

// run runs one child to its end.
func (p *parent) run(ctx context.Context) (*os.ProcessState, error) {
	l, theirs, err := newLink()
	if err != nil {
		return nil, err
	}
	defer l.close()
	cmd := exec.Command(p.program, p.o.Args...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = p.o.Stdout, p.o.Stderr, []*os.File{theirs}
	cmd.Env = append(os.Environ(), childEnv+"=3")
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	endsWithParent(cmd.SysProcAttr)
	err = cmd.Start()
	if err = errors.Join(err, theirs.Close()); err != nil {
		return nil, err
	}
	p.log.Debug("the server has been started", "pid", cmd.Process.Pid)
	var receiving sync.WaitGroup
	receiving.Go(func() { p.receive(l) })
	if err := p.sendStart(l); err != nil {
		// It died at once, or it will, without its beginning.
		p.log.Error("the server cannot be told its sockets", "error", err)
		_ = cmd.Process.Kill() // it may have ended
	}
	ended := make(chan struct{})
	receiving.Go(func() { p.forward(l, ended) })
	stop := context.AfterFunc(ctx, func() {
		if err := l.send(message{Kind: kindStop}); err != nil {
			p.log.Debug("the server cannot be asked to end; it may have ended", "error", err)
		}
	})
	err = cmd.Wait()
	close(ended)
	stop()
	if derr := l.c.SetReadDeadline(time.Now().Add(lastWords)); derr != nil {
		l.close()
	}
	receiving.Wait()
	if state := cmd.ProcessState; state != nil {
		return state, nil // its code says what err does
	}
	return nil, err
}

// forward tells the child of reloads until it has ended. One that comes while no child
// runs is told to the next one, which may have read the configuration before.
func (p *parent) forward(l *link, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case <-p.o.Reloads:
			if err := l.send(message{Kind: kindReload}); err != nil {
				p.log.Debug("the server cannot be asked to reload; it may have ended", "error", err)
			}
		}
	}
}

func (p *parent) sendStart(l *link) error {
	now := time.Now()
	m := message{Kind: kindStart, PageBytes: len(p.page)}
	for _, q := range p.history.Quarantined(now) {
		m.Quarantine = append(m.Quarantine, remaining{q.Subject, q.Until.Sub(now)})
	}
	p.mu.Lock()
	m.Sockets, m.Restart = p.names, p.listened
	files := append(append([]*os.File(nil), p.sockets...), p.file)
	p.mu.Unlock()
	return l.send(m, files...)
}

// receive keeps what the child hands over, until the child is dead.
func (p *parent) receive(l *link) {
	for {
		m, files, err := l.receive()
		if err != nil {
			return // what killed the child is in its exit code
		}
		p.mu.Lock()
		closeAll(p.sockets)
		p.names, p.sockets, p.listened = m.Sockets, files, true
		p.mu.Unlock()
	}
}

func (p *parent) close() {
	closeAll(p.sockets)
	if p.page != nil {
		_ = syscall.Munmap(p.page) // the process ends
		_ = p.file.Close()
	}
}
