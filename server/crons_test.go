package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"workerd.local/config"
	"workerd.local/isolate"
	"workerd.local/server"
)

// aheadHost has a clock that is as far ahead as it takes to be shortly before a minute.
type aheadHost struct {
	isolate.Host
	ahead time.Duration
}

func newAheadHost(before time.Duration) aheadHost {
	now := time.Now()
	return aheadHost{isolate.SystemHost(), now.Truncate(time.Minute).Add(time.Minute - before).Sub(now)}
}

func (h aheadHost) Now() time.Time { return time.Now().Add(h.ahead) }

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

func cronProject(t *testing.T) (*project, server.Options) {
	p := newProject(t, map[string]string{"wrangler.jsonc": cronConfig, "a.js": cronScript})
	o := p.options()
	o.Isolates, o.Host = 1, newAheadHost(400*time.Millisecond)
	return p, o
}

func TestCronTriggersFire(t *testing.T) {
	p, o := cronProject(t)
	s, err := server.New(t.Context(), p.config(), o)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, s: s, p: p, url: list[0].URL, client: http.DefaultClient}
	time.Sleep(200 * time.Millisecond)
	if err := s.Reload(t.Context(), p.config()); err != nil {
		t.Fatal(err)
	}
	want := `["/",[["* * * * *",0,"ScheduledController"],"done"]]`
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
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
	for _, drain := range []bool{true, false} {
		p, o := cronProject(t)
		p.write(map[string]string{"a.js": `export default { async scheduled() { console.log("begun"); await scheduler.wait(800); console.log("ended"); } };`})
		s, err := server.New(t.Context(), p.config(), o)
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(5 * time.Second); !strings.Contains(p.log.String(), "begun") && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		began := time.Now()
		if drain {
			err = s.Drain(ctx)
		} else {
			err = s.Close(ctx)
		}
		cancel()
		if err != nil {
			t.Error(err)
		}
		if ended := strings.Contains(p.log.String(), "ended"); ended != drain || time.Since(began) > 5*time.Second {
			t.Errorf("drain %v: ended %v after %s\n%s", drain, ended, time.Since(began), p.log)
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
