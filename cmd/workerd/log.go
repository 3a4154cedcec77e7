package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// textHandler writes logs for people: one line, then stacks on lines of their own.
type textHandler struct {
	mu    *sync.Mutex // guards w
	w     io.Writer
	level slog.Level
	attrs []slog.Attr
}

func newTextHandler(w io.Writer, level slog.Level) *textHandler {
	return &textHandler{mu: new(sync.Mutex), w: w, level: level}
}

func (h *textHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %-5s %s", r.Time.Format("15:04:05.000"), strings.ToLower(r.Level.String()), r.Message)
	stack := ""
	add := func(a slog.Attr) bool {
		v := a.Value.Resolve().String()
		switch {
		case a.Key == "stack":
			stack = v
		case v == "" || strings.ContainsAny(v, " \t\n\""):
			fmt.Fprintf(&b, " %s=%q", a.Key, v)
		default:
			fmt.Fprintf(&b, " %s=%s", a.Key, v)
		}
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	b.WriteByte('\n')
	for line := range strings.Lines(stack) {
		fmt.Fprintf(&b, "    %s\n", strings.TrimRight(line, "\n"))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.w.Write(b.Bytes())
	return err
}

func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append(append([]slog.Attr(nil), h.attrs...), attrs...)
	return &c
}

func (h *textHandler) WithGroup(string) slog.Handler { return h }
