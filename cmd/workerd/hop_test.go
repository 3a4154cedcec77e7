package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// ready is the line of an example that says where it serves.
var ready = regexp.MustCompile(`http://localhost:(\d+)/hop/\w+ is ready$`)

// TestHopExamples runs the examples that serve, asks them, and stops them.
func TestHopExamples(t *testing.T) {
	for name, c := range map[string]struct {
		says []string
		asks [][2]string
	}{
		"named": {
			says: []string{"main: visits is at /hop/visits?by=main", "main: visit 1 by main"},
			asks: [][2]string{
				{"/hop/visits?by=me", "text/plain; charset=utf-8 visit 2 by me"},
				{"/hop/page", "text/html; charset=utf-8 <h1>Visits</h1><p>visit 3 by Visits</p>"},
				{"/hop/visits", "text/plain; charset=utf-8 visit 4 by nobody"},
			},
		},
		"reply":   {asks: [][2]string{{"/hop/counter", "application/json 1"}, {"/hop/counter", "application/json 2"}}},
		"private": {asks: [][2]string{{"/hop/both", "text/html; charset=utf-8 <ul><li>left: 1</li><li>right: 1</li></ul>"}, {"/hop/both", "text/html; charset=utf-8 <ul><li>left: 2</li><li>right: 2</li></ul>"}}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			out, in := io.Pipe()
			ended := make(chan int, 1)
			go func() {
				ended <- runProgram(ctx, []string{"--port", "0", "../../examples/hop/" + name + "/main.js"}, in, t.Output())
				in.Close()
			}()
			var said []string
			port := ""
			lines := bufio.NewScanner(out)
			for port == "" && lines.Scan() {
				if m := ready.FindStringSubmatch(lines.Text()); m != nil {
					port = m[1]
				} else {
					said = append(said, lines.Text())
				}
			}
			if port == "" {
				t.Fatalf("it is never ready: %q", said)
			}
			go func() { _, _ = io.Copy(io.Discard, out) }()
			if c.says != nil && strings.Join(said, "\n") != strings.Join(c.says, "\n") {
				t.Errorf("said %q, want %q", said, c.says)
			}
			for _, ask := range c.asks {
				resp, err := http.Get("http://localhost:" + port + ask[0])
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil {
					t.Fatal(err)
				}
				if got := fmt.Sprintf("%s %s", resp.Header.Get("Content-Type"), body); got != ask[1] {
					t.Errorf("%s: %d %s, want %s", ask[0], resp.StatusCode, got, ask[1])
				}
			}
			stop()
			select {
			case <-ended:
			case <-time.After(time.Minute):
				t.Fatal("the program does not end")
			}
		})
	}
}
