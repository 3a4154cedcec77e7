package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// hangups tell a server what SIGHUP asks for: to read its configuration again, or to end
// where the signal says that the terminal is closed that the server was started in.
// Windows has no such signal.
type hangups struct {
	signals  chan os.Signal
	terminal bool
	// reloads has one slot: what is asked for twice before it is begun is done once.
	reloads chan struct{}
}

// listenForHangups begins to listen, so that the signal does not end the program.
func listenForHangups() *hangups {
	h := &hangups{signals: make(chan os.Signal, 1), reloads: make(chan struct{}, 1)}
	// A program under nohup is meant to outlive its terminal.
	h.terminal = !signal.Ignored(syscall.SIGHUP) && hasTerminal()
	signal.Notify(h.signals, syscall.SIGHUP)
	return h
}

// follow asks for reloads until ctx ends; end is called when the terminal is gone.
func (h *hangups) follow(ctx context.Context, end func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.signals:
			if h.terminal && !hasTerminal() {
				end()
				return
			}
			h.ask()
		}
	}
}

// ask asks for a reload.
func (h *hangups) ask() {
	select {
	case h.reloads <- struct{}{}:
	default:
	}
}

func (h *hangups) close() { signal.Stop(h.signals) }

// hasTerminal reports whether the program belongs to a terminal that is still there.
func hasTerminal() bool {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	_ = f.Close() // nothing was written
	return true
}
