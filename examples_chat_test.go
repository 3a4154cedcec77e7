package workerd_test

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/websocket"
)

// guest is somebody in a room, without a browser.
type guest struct {
	t    *testing.T
	ws   event.WebSocket
	told chan string
}

func (g *guest) Message(m event.Message, done func()) { g.told <- string(m.Data); done() }
func (g *guest) Closed(int, string)                   { close(g.told) }
func (g *guest) Failed(err error) {
	if !errors.Is(err, event.ErrDisconnected) {
		g.t.Error(err)
	}
}

func enterRoom(t *testing.T, set *websocket.Set, url, path string) *guest {
	t.Helper()
	host := strings.TrimPrefix(url, "http://")
	nc, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, resp, err := set.Dial(t.Context(), nc, req, 1<<16)
	if err != nil || conn == nil {
		t.Fatalf("%s: %v, %v", path, resp, err)
	}
	g := &guest{t: t, ws: conn, told: make(chan string, 100)}
	conn.Start(g, 0)
	t.Cleanup(func() { conn.Abort(nil) })
	return g
}

func (g *guest) say(text string) {
	g.t.Helper()
	if err := g.ws.Send(event.Message{Text: true, Data: []byte(text)}, nil); err != nil {
		g.t.Error(err)
	}
}

// hears wants the next notices, with what is different each time taken out.
func (g *guest) hears(want ...string) {
	g.t.Helper()
	for _, w := range want {
		select {
		case text := <-g.told:
			if got := withoutTime(g.t, text); got != w {
				g.t.Errorf("told   %s\nwanted %s", got, w)
			}
		case <-time.After(time.Minute):
			g.t.Fatalf("never told %s", w)
		}
	}
}

func withoutTime(t *testing.T, text string) string {
	t.Helper()
	if !strings.HasPrefix(text, "{") {
		return text
	}
	var notice any
	if err := json.Unmarshal([]byte(text), &notice); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	drop(notice)
	b, err := json.Marshal(notice)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func drop(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "time")
		for _, m := range v {
			drop(m)
		}
	case []any:
		for _, m := range v {
			drop(m)
		}
	}
}

func TestExampleChat(t *testing.T) {
	data := t.TempDir()
	url, stop := example(t, "chat", data)
	set := websocket.NewSet(nil)
	t.Cleanup(set.Close)
	if page := answer(t, "GET", url, ""); !strings.HasPrefix(page, "200 <!doctype html>") {
		t.Errorf("the page is %s", page)
	}
	ask(t, "GET", url+"/attic", "", "404 Not found\n")

	ada := enterRoom(t, set, url, "/rooms/attic?name=Ada")
	ada.hears(`{"messages":[],"people":["Ada"],"type":"history"}`)
	bob := enterRoom(t, set, url, "/rooms/attic?name=Bob")
	bob.hears(`{"messages":[],"people":["Ada","Bob"],"type":"history"}`)
	ada.hears(`{"name":"Bob","people":["Ada","Bob"],"type":"joined"}`)
	const hello = `{"id":"1","name":"Ada","seq":1,"text":"hello"}`
	ada.say(`{"type":"say","id":"1","text":"hello"}`)
	ada.hears(`{"id":"1","seq":1,"type":"stored"}`, `{"message":`+hello+`,"type":"message"}`)
	bob.hears(`{"message":` + hello + `,"type":"message"}`)
	// The answer was lost, and the message comes again.
	ada.say(`{"type":"say","id":"1","text":"hello"}`)
	ada.hears(`{"id":"1","seq":1,"type":"stored"}`)
	ada.say("ping")
	ada.hears("pong")
	for _, bad := range []string{"", "hello", "null", `{"type":"say"}`, `{"type":"say","id":"2","text":" "}`} {
		ada.say(bad)
		if told := <-ada.told; !strings.HasPrefix(told, `{"type":"refused","reason":"Send `) {
			t.Errorf("%q: told %s", bad, told)
		}
	}
	ada.say(`{"type":"say","id":"2","text":"` + strings.Repeat("x", 5000) + `"}`)
	ada.hears(`{"reason":"Send text of at most 4,096 characters.","type":"refused"}`)
	for i := range 10 {
		ada.say(`{"type":"say","id":"fast ` + string(rune('0'+i)) + `","text":"fast"}`)
	}
	var tooFast bool
	for !tooFast {
		select {
		case told := <-ada.told:
			tooFast = strings.Contains(told, "You are too fast.")
		case <-time.After(time.Minute):
			t.Fatal("ten messages at once are not too fast")
		}
	}
	if err := bob.ws.Close(1000, "good night"); err != nil {
		t.Error(err)
	}
	for told := range ada.told {
		if told == `{"type":"left","name":"Bob","people":["Ada"]}` {
			break
		}
	}
	stop()

	url, _ = example(t, "chat", data)
	cleo := enterRoom(t, set, url, "/rooms/attic?name=Cleo")
	first := <-cleo.told
	var history struct {
		Messages []struct{ Text string }
		People   []string
	}
	if err := json.Unmarshal([]byte(first), &history); err != nil {
		t.Fatal(err)
	}
	if len(history.Messages) < 5 || history.Messages[0].Text != "hello" || !slices.Equal(history.People, []string{"Cleo"}) {
		t.Errorf("after the restart: %s", first)
	}
	ask(t, "GET", url+"/rooms/attic/x", "", "404 Not found\n")
	for _, name := range []string{"", "?name=", "?name=" + strings.Repeat("n", 33)} {
		nc, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), "GET", url+"/rooms/attic"+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		conn, resp, err := set.Dial(t.Context(), nc, req, 1<<16)
		if err != nil || conn != nil || resp.StatusCode != 400 {
			t.Errorf("%q: %v, %v, %v", name, conn, resp, err)
			continue
		}
		resp.Body.Close()
	}
}
