package differential

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"workerd.local/conformance/process"
)

const localDisk = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "main.js", esModule = embed "main.js")],
      compatibilityDate = "2025-01-01",
      bindings = [(name = "NS", durableObjectNamespace = "Box"), (name = "SQL", durableObjectNamespace = "Sql")],
      durableObjectNamespaces = [
        (className = "Box", uniqueKey = "box", enableSql = true),
        (className = "Sql", uniqueKey = "with-sql", enableSql = true),
      ],
      durableObjectStorage = (localDisk = "state"),
    )),
    (name = "state", disk = (path = "data", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`

const localDiskScript = `
const values = {
	number: -0, big: 123n, text: "ünï\n", date: new Date(5), bytes: new Uint8Array([1, 2, 3]).subarray(1),
	map: new Map([[1, { a: [1, , 3] }]]), set: new Set(["x"]), re: /a/gi, none: undefined, nothing: null,
};
const show = (v) => v instanceof Map ? "Map" + show([...v]) : v instanceof Set ? "Set" + show([...v])
	: v instanceof Date ? "Date" + v.getTime() : v instanceof RegExp ? String(v) : v instanceof Uint8Array ? "bytes" + [...v]
	: Array.isArray(v) ? "[" + Array.from(v, (x, i) => i in v ? show(x) : "hole") + "]"
	: typeof v === "object" && v !== null ? "{" + Object.entries(v).map(([k, x]) => k + ":" + show(x)) + "}"
	: Object.is(v, -0) ? "-0" : typeof v + " " + String(v);
export class Box {
	constructor(state) { this.storage = state.storage; }
	async fetch(request) {
		if (new URL(request.url).pathname === "/write") {
			await this.storage.put(values);
			for (let i = 0; i < 300; i++) this.storage.put("many" + i, "v".repeat(i));
			await this.storage.delete("many7");
			await this.storage.setAlarm(4102444800000);
			await this.storage.sync();
		}
		let out = "alarm " + await this.storage.getAlarm() + "\n";
		for (const [k, v] of await this.storage.list()) out += k + " = " + show(v) + "\n";
		return new Response(out);
	}
	alarm() {}
}
export class Sql {
	constructor(state) { this.storage = state.storage; }
	async fetch() {
		this.storage.sql.exec("CREATE TABLE messages (id INTEGER)");
		await this.storage.put("k", 1);
		await this.storage.sync();
		return new Response("ok");
	}
}
export default {
	fetch(request, env) {
		if (new URL(request.url).pathname === "/sql") return env.SQL.get(env.SQL.idFromName("s")).fetch(request);
		return env.NS.get(env.NS.idFromName("lobby")).fetch(request);
	},
};
`

func body(t *testing.T, url string) string {
	t.Helper()
	c := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v\n%s", url, resp.StatusCode, err, b)
	}
	return string(b)
}

// What npm's workerd stored before it was killed is here after an import: the same
// script says the same.
func TestNpmWorkerdsStateMovesHere(t *testing.T) {
	program, ours := theirs(t), process.Build(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"config.capnp": localDisk, "main.js": localDiskScript} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old, fresh := filepath.Join(dir, "data"), filepath.Join(dir, "fresh")
	for _, d := range []string{old, fresh} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := process.Start(t, program, dir, "config.capnp", "--experimental", "--control-fd=1")
	var at site
	for end := time.Now().Add(patience); at["http"] == ""; time.Sleep(2 * time.Millisecond) {
		if at = listening(s.Log()); time.Now().After(end) {
			t.Fatalf("npm's workerd does not listen:\n%s", s.Log())
		}
	}
	want := body(t, at["http"]+"/write")
	if again := body(t, at["http"]+"/sql"); again != "ok" {
		t.Fatal(again)
	}
	s.Kill()
	if logs, err := filepath.Glob(filepath.Join(old, "*", "*.sqlite-wal")); err != nil || len(logs) == 0 {
		t.Fatalf("no write-ahead log was left (%v): the test would show little", err)
	}

	var out, stderr bytes.Buffer
	cmd := exec.Command(ours, "storage", "import", "--data", fresh, "--workerd", old)
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, &out, &stderr)
	}
	if !strings.HasPrefix(out.String(), "imported 2 actors, ") || !strings.Contains(stderr.String(), "not imported: SQL tables messages of with-sql/") {
		t.Errorf("%s%s", &out, &stderr)
	}
	if err := os.Rename(old, filepath.Join(dir, "theirs")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, old); err != nil {
		t.Fatal(err)
	}
	now := process.Serve(t, 1, ours, dir, "config.capnp")
	if got := body(t, now.URLs[0]+"/"); got != want || !strings.Contains(got, "alarm 4102444800000\n") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := now.Stop(); err != nil {
		t.Error(err)
	}
}
