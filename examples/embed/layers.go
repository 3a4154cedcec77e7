package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"workerd.local/event"
	"workerd.local/script"
	"workerd.local/server"
	"workerd.local/webapi/bind"
)

// greeter is a worker with an actor class, as a program may hold it.
const greeter = `
	export class Greeter {
		constructor(state) { this.storage = state.storage; this.made = Date.now(); }
		async fetch(request) {
			const name = await request.text();
			const known = await this.storage.get(name);
			this.storage.put(name, true);
			return new Response(known ? "hello again, " + name : "nice to meet you, " + name);
		}
	}
	export default {
		fetch: (request, env) => new Response(new WordCount("one two three").total + " words"),
	};
`

// layers runs a script with no configuration and no sockets: an isolate, a script, a
// worker, an actor.
func layers(ctx context.Context, out io.Writer) (err error) {
	iso := server.NewIsolate(server.IsolateOptions{Name: "embed", Modules: []bind.Module{wordCountModule}})
	defer iso.Close()
	s, err := iso.NewScript(ctx, script.Source{Name: "greeter", Modules: []script.Module{{Name: "greeter.js", Content: []byte(greeter)}}})
	if err != nil {
		return err
	}
	w, err := s.NewWorker(ctx, server.WorkerOptions{Actors: map[string]server.ActorOptions{"Greeter": {UniqueKey: "greeter"}}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()

	if err := show(out)(w.HandleRequest(ctx, request(""))); err != nil {
		return err
	}
	actor, err := w.GetActor("Greeter", "door")
	if err != nil {
		return err
	}
	if err := show(out)(actor.Request(ctx, request("Ada"))); err != nil {
		return err
	}
	// An idle actor can be put away; what it stored is there when it comes back, by
	// Resume or by the next request.
	away, err := actor.Hibernate(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "put away: %t\n", away)
	if err := actor.Resume(ctx); err != nil {
		return err
	}
	return show(out)(actor.Request(ctx, request("Ada")))
}

func request(body string) *event.Request {
	return &event.Request{Method: "POST", URL: "http://greeter/", Header: map[string][]string{}, Body: event.BytesBody([]byte(body))}
}

// show prints the body of an answer.
func show(out io.Writer) func(*event.Response, error) error {
	return func(resp *event.Response, err error) error {
		if err != nil {
			return err
		}
		body := resp.Body.Reader()
		_, err = io.Copy(out, body)
		fmt.Fprintln(out)
		return errors.Join(err, body.Close())
	}
}
