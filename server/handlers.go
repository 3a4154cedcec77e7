package server

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"workerd.local/event"
)

// scheduledPath fires the cron trigger of a project for a test, as in wrangler's dev
// server.
const scheduledPath = "/cdn-cgi/handler/scheduled"

// trigger answers a request for scheduledPath of a project; nil for any other request.
// Only programs on this machine may ask: to all others the path is one of the worker's.
func (w *world) trigger(ctx context.Context, target event.Service, req *event.Request) (*event.Response, error) {
	if !mayTrigger(req) {
		return nil, nil
	}
	l, ok := target.(*lazyService)
	u, err := url.Parse(req.URL)
	if err != nil || !ok || u.Path != scheduledPath || l.svc.cfg.Worker.Source == nil || !isLocal(u, req) {
		return nil, nil
	}
	defer req.Body.Close()
	q := u.Query()
	ev := event.Scheduled{Time: w.s.o.Host.Now(), Cron: q.Get("cron")}
	if text := q.Get("time"); text != "" {
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return textResponse(http.StatusBadRequest, "time must be a number of milliseconds"), nil
		}
		ev.Time = time.UnixMilli(ms)
	}
	o, err := l.Deliver(ctx, ev)
	if err != nil && o.Status == event.OK {
		return nil, err
	}
	status := http.StatusOK
	if o.Status != event.OK {
		status = http.StatusInternalServerError
	}
	if q.Get("format") != "json" {
		return textResponse(status, o.Status.String()), nil
	}
	b, err := json.Marshal(map[string]any{"outcome": o.Status.String(), "noRetry": !o.Retry})
	if err != nil {
		return nil, err
	}
	resp := textResponse(status, string(b))
	resp.Header.Set("Content-Type", "application/json")
	return resp, nil
}

func textResponse(status int, text string) *event.Response {
	return &event.Response{Status: status, Header: http.Header{"Content-Type": {"text/plain;charset=UTF-8"}}, Body: event.BytesBody([]byte(text))}
}

// isLocal reports whether a program on this machine asks for a name of this machine, and
// asks for itself: not a browser that was led here by another site's name, nor a proxy.
func isLocal(u *url.URL, req *event.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Cf-Connecting-Ip", "Via"} {
		if req.Header.Get(name) != "" {
			return false
		}
	}
	client, err := netip.ParseAddrPort(req.Client)
	if err != nil || !client.Addr().Unmap().IsLoopback() {
		return false
	}
	host := u.Hostname()
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// mayTrigger reports whether a request may be one that trigger answers.
func mayTrigger(req *event.Request) bool { return strings.Contains(req.URL, scheduledPath) }
