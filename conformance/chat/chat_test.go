// Package chat drives examples/chat as people do: with browsers.
package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"workerd.local/conformance/process"
)

func TestMain(m *testing.M) { process.Main(m) }

// patience is how long a page may take to show something.
const patience = time.Minute

// browser starts a headless Chromium. CI=true needs one.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	switch {
	case path != "":
	case os.Getenv("CI") == "true":
		t.Fatal("there is no chromium")
	default:
		t.Skip("there is no chromium")
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WSURLReadTimeout(patience),
		chromedp.UserDataDir(t.TempDir()), chromedp.Env("TMPDIR="+t.TempDir()), chromedp.Flag("disable-quic", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	t.Cleanup(stop)
	var log bytes.Buffer
	ctx, end := chromedp.NewContext(alloc, chromedp.WithErrorf(func(f string, a ...any) { fmt.Fprintf(&log, f+"\n", a...) }))
	t.Cleanup(func() {
		end()
		if t.Failed() && log.Len() > 0 {
			t.Logf("chromium: %s", log.String())
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// person is one page of the browser in a room.
type person struct {
	t    *testing.T
	name string
	ctx  context.Context
}

func enter(t *testing.T, browser context.Context, url, room, name string) *person {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser)
	t.Cleanup(stop)
	p := &person{t, name, ctx}
	p.run("open the page", chromedp.Navigate(url),
		chromedp.SendKeys("input[name=room]", room), chromedp.SendKeys("input[name=name]", name), chromedp.Click("#enter button"))
	return p
}

// run does something on the page, in time.
func (p *person) run(what string, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	// The first call binds the page to its context, which must outlive this one.
	if err := chromedp.Do(p.ctx); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	ctx, stop := context.WithTimeout(p.ctx, patience)
	defer stop()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("%s: %s: %v; the page shows %q", p.name, what, err, p.page())
	}
}

func discard[T any](a chromedp.Action[T]) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (v chromedp.Void, err error) {
		_, err = a(ctx, t)
		return v, err
	}
}

func (p *person) page() string {
	ctx, stop := context.WithTimeout(p.ctx, 5*time.Second)
	defer stop()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return text
}

func (p *person) say(text string) {
	p.t.Helper()
	p.run("say", chromedp.SendKeys("#say input", text+"\r"))
}

// until waits for an expression of JavaScript to be true.
func (p *person) until(what, expression string) {
	p.t.Helper()
	p.run("wait for "+what, discard(chromedp.Poll[bool](expression, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(patience))))
}

// sees waits for the messages of the page to be these, all of them stored.
func (p *person) sees(messages ...string) {
	p.t.Helper()
	want, err := json.Marshal(strings.Join(messages, "\n"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.until(string(want), fmt.Sprintf(`[...document.querySelectorAll("#messages li")].map((m) => m.className + m.children[0].textContent + ": " + m.children[1].textContent).join("\n") === %s`, want))
}

func (p *person) state(want string) {
	p.t.Helper()
	p.until("the state "+want, fmt.Sprintf(`document.querySelector("#state").textContent === %q`, want))
}

// room is what a room says of itself.
type room struct {
	People   []string
	Sockets  int
	Messages int
	Awake    int64
}

func look(t *testing.T, url, name string) (r room) {
	t.Helper()
	resp, err := http.Get(url + "/rooms/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	return r
}

func TestChatInBrowsers(t *testing.T) {
	b := browser(t)
	binary := process.Build(t)
	project, err := filepath.Abs("../../examples/chat")
	if err != nil {
		t.Fatal(err)
	}
	addr := process.Port(t) // as the pages come back to it
	data := t.TempDir()
	const idle = 300 * time.Millisecond
	start := func() *process.Server {
		return process.Serve(t, 1, binary, data, "--data", data, "--socket-addr", "http="+addr, "--limit-actor-idle", idle.String(), project)
	}
	s := start()
	url := s.URLs[0]

	ada := enter(t, b, url, "garden", "Ada")
	ada.state("garden: Ada")
	bob := enter(t, b, url, "garden", "Bob")
	bob.state("garden: Ada, Bob")
	ada.state("garden: Ada, Bob")
	ada.say("hello <b>")
	ada.sees("Ada: hello <b>")
	bob.sees("Ada: hello <b>")

	// The room hibernates, and the next message makes it anew.
	said := []string{"Ada: hello <b>"}
	for pause := 5 * idle; ; pause *= 2 {
		before := look(t, url, "garden")
		time.Sleep(pause)
		bob.say("still there?")
		said = append(said, "Bob: still there?")
		ada.sees(said...)
		bob.sees(said...)
		after := look(t, url, "garden")
		if after.Sockets != 2 || after.Messages != len(said) || strings.Join(after.People, " ") != "Ada Bob" {
			t.Errorf("the room after it woke: %+v", after)
		}
		if after.Awake > before.Awake {
			break
		}
		if pause > patience/2 {
			t.Fatalf("the room was made at %d and at %d: it does not hibernate", before.Awake, after.Awake)
		}
	}

	// Somebody who comes later reads what was said.
	cleo := enter(t, b, url, "garden", "Cleo")
	cleo.sees(said...)

	// The server dies. The pages come back to the next one, with what was said meanwhile.
	s.Kill()
	bob.state("connecting again")
	bob.say("into the void")
	s = start()
	all := append(said, "Bob: into the void")
	for _, p := range []*person{ada, bob, cleo} {
		p.sees(all...)
		p.state("garden: Ada, Bob, Cleo")
	}

	// More than five at once is too fast, and said so; others are not concerned.
	began := time.Now()
	ada.run("shout", discard(chromedp.Evaluate[any](`for (let i = 0; i < 20; i++) {
		const form = document.querySelector("#say"); form.text.value = "shout " + i; form.requestSubmit();
	}`)))
	ada.until("the end of the shouting", `unsaid.size === 0`)
	ada.state("You are too fast. Wait a moment.")
	// Each second allows one more.
	if n, most := look(t, url, "garden").Messages-len(all), 6+int(time.Since(began).Seconds()); n < 5 || n > most {
		t.Errorf("%d of 20 messages at once were taken", n)
	}
	bob.say("quiet please")
	cleo.until("the answer", `document.querySelector("#messages li:last-child").innerText.endsWith("quiet please")`)

	if err := chromedp.Cancel(cleo.ctx); err != nil {
		t.Fatal(err)
	}
	bob.state("garden: Ada, Bob")
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}
