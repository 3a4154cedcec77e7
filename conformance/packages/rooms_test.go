package packages

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"workerd.local/conformance/process"
)

// TestRooms has rooms of partyserver and a document of yjs, with clients that node
// runs: partysocket, and yjs over a WebSocket.
func TestRooms(t *testing.T) {
	dir := install(t, "rooms")
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf("npm is there without node: %v", err)
	}
	binary := process.Build(t)
	start := func() (*process.Server, string) {
		s := process.Serve(t, 1, binary, dir, "--socket-addr", "http=127.0.0.1:0", "--limit-actor-idle", "300ms", ".")
		return s, strings.TrimPrefix(s.URLs[0], "http://")
	}
	clients := func(scenario, host string) string {
		t.Helper()
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
		defer stop()
		cmd := exec.CommandContext(ctx, node, "clients.mjs", scenario, host, "1500")
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("node clients.mjs %s: %v\n%s", scenario, err, out)
		}
		return string(out)
	}
	s, host := start()
	clients("party", host)
	poem := clients("write", host)
	s.Kill()
	_, host = start()
	if again := clients("read", host); again != poem {
		t.Errorf("after the restart: %q\nwant %q", again, poem)
	}
}
