package server_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"workerd.local/config"
	"workerd.local/isolate"
	"workerd.local/server"
)

// minuteHost has a clock that stands still shortly before a minute until the test lets it go on.
type minuteHost struct {
	isolate.Host
	edge time.Time
	went atomic.Pointer[time.Time] // when the clock went on; nil before
}

func newMinuteHost() *minuteHost {
	return &minuteHost{Host: isolate.SystemHost(), edge: time.Now().Truncate(time.Minute).Add(time.Minute - 100*time.Millisecond)}
}

func (h *minuteHost) goOn() {
	now := time.Now()
	h.went.Store(&now)
}

func (h *minuteHost) Now() time.Time {
	if went := h.went.Load(); went != nil {
		return h.edge.Add(time.Since(*went))
	}
	return h.edge
}

const cronScript = `
let fired = [];
export default {
	async scheduled(controller, env, ctx) {
		const { cron, scheduledTime } = controller;
		fired.push([cron, scheduledTime % 60000, controller.constructor.name]);
		if (cron === "1 1 1 1 *") { controller.noRetry(); throw new Error("failed"); }
		if (cron === "2 2 2 2 *") ctx.waitUntil(Promise.reject(new Error("later")));
		await scheduler.wait(30);
		fired.push("done");
	},
	fetch(request) { return Response.json([new URL(request.url).pathname, fired]); },
};`

const cronConfig = `{"name": "app", "main": "a.js", "compatibility_date": "2026-01-01", "triggers": {"crons": ["* * * * *", "0 0 30 2 MON#1", "* * * * *"]}}`

func cronProject(t *testing.T) (*project, server.Options, *minuteHost) {
	p := newProject(t, map[string]string{"wrangler.jsonc": cronConfig, "a.js": cronScript})
	o, host := p.options(), newMinuteHost()
	o.Isolates, o.Host = 1, host
	return p, o, host
}

func TestCronTriggersFire(t *testing.T) {
	p, o, host := cronProject(t)
	s, err := server.New(t.Context(), p.config(), o)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, s: s, p: p, url: list[0].URL, client: http.DefaultClient}
	if err := s.Reload(t.Context(), p.config()); err != nil {
		t.Fatal(err)
	}
	host.goOn()
	want := `["/",[["* * * * *",0,"ScheduledController"],"done"]]`
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, body := r.get("/"); body == want {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(body)
		}
	}
	if err := s.Reload(t.Context(), p.config()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	if _, body := r.get("/"); body != `["/",[]]` {
		t.Errorf("after a reload: %s", body) // a new realm, in which it did not fire again
	}
	r.stop()
}

// A stop waits for what has fired, and an abrupt end does not.
func TestStopsDrainCronTriggers(t *testing.T) {
	for drain, wait := range map[bool]string{true: "500", false: "1e6"} {
		p, o, host := cronProject(t)
		p.write(map[string]string{"a.js": `export default { async scheduled() { console.log("begun"); await scheduler.wait(` + wait + `); console.log("ended"); } };`})
		s, err := server.New(t.Context(), p.config(), o)
		if err != nil {
			t.Fatal(err)
		}
		host.goOn()
		eventually(t, "nothing fires", func() bool { return strings.Contains(p.log.String(), "begun") })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if drain {
			err = s.Drain(ctx)
		} else {
			err = s.Close(ctx)
		}
		cancel()
		if err != nil {
			t.Error(err)
		}
		if ended := strings.Contains(p.log.String(), "ended"); ended != drain {
			t.Errorf("drain %v: ended %v\n%s", drain, ended, p.log)
		}
	}
}

func TestScheduledHandlerForTests(t *testing.T) {
	p := newProject(t, map[string]string{"wrangler.jsonc": cronConfig, "a.js": cronScript})
	r := p.start()
	for _, c := range []struct {
		query  string
		status int
		body   string
	}{
		{"?cron=3+3+3+3+*&time=60001", 200, "ok"},
		{"", 200, "ok"},
		{"?format=json", 200, `{"noRetry":false,"outcome":"ok"}`},
		{"?cron=1+1+1+1+*", 500, "exception"},
		{"?cron=1+1+1+1+*&format=json", 500, `{"noRetry":true,"outcome":"exception"}`},
		{"?cron=2+2+2+2+*", 500, "exception"},
		{"?time=soon", 400, "time must be a number of milliseconds"},
	} {
		if status, body := r.get("/cdn-cgi/handler/scheduled" + c.query); status != c.status || body != c.body {
			t.Errorf("%s: %d %s", c.query, status, body)
		}
	}
	// Others than programs on this machine reach the worker with that path.
	for name, change := range map[string]func(*http.Request){
		"a proxy":      func(r *http.Request) { r.Header.Set("X-Forwarded-For", "203.0.113.9") },
		"another name": func(r *http.Request) { r.Host = "example.com" },
		"another path": func(r *http.Request) { r.URL.Path += "/x" },
	} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", r.url+"/cdn-cgi/handler/scheduled", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		resp, err := r.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: the trigger was fired", name)
		}
		resp.Body.Close()
	}
}

func TestWrongCronTriggers(t *testing.T) {
	p := newProject(t, map[string]string{"wrangler.toml": "name = \"app\"\nmain = \"a.js\"\ncompatibility_date = \"2026-01-01\"\n[triggers]\ncrons = [\"* * * * *\", \"61 * * * *\", \"@daily\"]\n", "a.js": "export default {}"})
	cfg, _, err := config.Load(p.dir, config.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text := config.AsError(cfg.Validate(config.ValidateOptions{})).Error()
	for _, want := range []string{`wrangler.toml:5:23: service app: "61 * * * *" is not a cron expression: "61" is not a minute.`, `5:37: service app: "@daily" is not a cron expression: it has 1 fields instead of 5`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\nwant %s", text, want)
		}
	}
}
