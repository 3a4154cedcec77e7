package server_test

import (
	"net/http"
	"testing"
	"time"

	"workerd.local/server"
	"workerd.local/supervise"
)

// The top level of a worker in quarantine does not run: it may be what ends the process.
func TestWorkerInQuarantineIsRefusedAndNotStarted(t *testing.T) {
	p := newProject(t, map[string]string{
		"config.capnp": one(""),
		"main.js":      `throw new Error("the top level runs");`,
	})
	cfg, o := p.config(), p.options()
	o.Quarantine = []supervise.Quarantine{
		{Subject: supervise.Subject{Worker: cfg.Services[0].Name}, Until: time.Now().Add(time.Hour)},
		{Subject: supervise.Subject{Worker: "another"}, Until: time.Now().Add(2 * time.Hour)},
	}
	s, err := server.New(t.Context(), cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, s: s, p: p, client: &http.Client{Timeout: time.Minute}}
	t.Cleanup(r.stop)
	list, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := r.client.Get(list[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if after := resp.Header.Get("Retry-After"); resp.StatusCode != http.StatusServiceUnavailable || len(after) != 4 || after > "3600" {
		t.Errorf("status %d, Retry-After %q", resp.StatusCode, after)
	}
}
