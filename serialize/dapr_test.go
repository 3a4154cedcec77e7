package serialize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"workerd.local/event"
)

// sidecar answers as a Dapr sidecar: it says what it was told.
func sidecar(asked *int) service {
	return func(ctx context.Context, req *event.Request) (*event.Response, error) {
		*asked++
		body, err := io.ReadAll(req.Body.Reader())
		if err != nil {
			return nil, err
		}
		said := fmt.Sprintf("%s %s %s %s|%s", req.Method, strings.TrimPrefix(req.URL, "http://127.0.0.1:3500/v1.0/"), req.Header.Get("Content-Type"), req.Header.Get("Dapr-Api-Token"), body)
		resp := &event.Response{Status: 200, Header: http.Header{"X-Other": {"1"}, http.CanonicalHeaderKey("metadata.dataType"): {"json"}}, Body: event.BytesBody([]byte(said))}
		switch {
		case strings.Contains(req.URL, "missing"):
			resp.Status = 404
		case strings.Contains(req.URL, "silent"):
			resp.Status, resp.Body = 204, event.NoBody
		case strings.Contains(req.URL, "down"):
			return nil, errors.New("connection refused")
		case strings.Contains(req.URL, "never"):
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return resp, nil
	}
}

func TestDapr(t *testing.T) {
	const has, none = "DAPR_HTTP_PORT=3500", "A=b"
	const page = `const d = aworker.Dapr['1.0'], fails = async (p) => { try { await p; return 'no error' } catch (e) { return e.name + ': ' + e.message } };
		`
	for _, c := range []struct{ name, env, code, want string }{
		{"invoke", has, `const r = await d.invoke({ app: 'hello', method: 'echo', body: 'foobar' });
			console.log(r instanceof d.ServiceResponse, r instanceof Response, r.status, [...r.headers].length, await r.text());
			console.log(await (await d.invoke(new d.ServiceRequest({ app: 'a/b', method: 'c/d e?f', body: new URLSearchParams({ x: 1 }) }))).text());
			console.log(await (await d.invoke()).text(), (await d.invoke({ app: 'missing' })).status, (await d.invoke({ app: 'silent' })).body)`,
			"true true 200 0 POST invoke/hello/method/echo text/plain;charset=UTF-8 |foobar\nPOST invoke/a%2Fb/method/c/d%20e%3Ff application/x-www-form-urlencoded;charset=UTF-8 |x=1\nPOST invoke//method/  | 404 null"},
		{"binding", has, `const r = await d.binding({ name: 'key-value', metadata: { foo: JSON.stringify({ bar: 'baz' }), n: 7 }, operation: 'get', body: 'foobar' });
			console.log(r instanceof d.BindingResponse, r instanceof Response, r.status, r.metadata.datatype, Object.keys(r.metadata).length, await r.text());
			for (const body of [undefined, '', '{ "a": [1] }', new Uint8Array([34, 97, 34])]) console.log(await (await d.binding(new d.BindingRequest({ name: 'n', operation: 'create', body }))).text());
			console.log(await fails(d.binding({ name: 'n', body: new Uint8Array([255]) })))`,
			`true true 200 json 1 POST bindings/key-value application/json |{"operation":"get","metadata":{"foo":"{\"bar\":\"baz\"}","n":"7"},"data":"foobar"}` + "\n" +
				`POST bindings/n application/json |{"operation":"create"}` + "\n" + `POST bindings/n application/json |{"operation":"create"}` + "\n" +
				`POST bindings/n application/json |{"operation":"create","data":{"a":[1]}}` + "\n" + `POST bindings/n application/json |{"operation":"create","data":"a"}` + "\n" +
				"TypeError: The body of a binding must be text: a Dapr sidecar takes it as JSON."},
		{"requests and responses", none, `const s = new d.ServiceRequest({ app: 1, body: 'text' }), b = new d.BindingRequest({ metadata: { a: 1 } });
			console.log(s.app, s.method === '', s.bodyUsed, await s.text(), s.bodyUsed, b.name === '', b.operation === '', b.metadata.a, b.metadata !== b.metadata, b.body, new d.ServiceRequest({ app: null }).app === '');
			const r = new d.BindingResponse('x', { status: 201, metadata: { k: 'v' } }); console.log(r.status, r.metadata.k, await r.text(), Object.keys(new d.BindingResponse('').metadata).length, new d.ServiceResponse('', { status: 202 }).status);
			console.log(aworker.Dapr['1.0'] === d, Object.keys(aworker.Dapr).length); for (const bad of [() => new d.ServiceRequest(3), () => d.ServiceRequest({}), () => new d.BindingRequest({ metadata: 3 })]) try { bad(); console.log('made') } catch (e) { console.log(e.name) }`,
			"1 true false text true true true 1 true null true\n201 v x 0 202\ntrue 0\nTypeError\nTypeError\nTypeError"},
		{"nobody there", none, `console.log(await fails(d.invoke({ app: 'a' }))); console.log(await fails(d.binding({ name: 'n' })))`,
			"Error: Cannot invoke agent methods when agent is not setup\nError: Cannot invoke agent methods when agent is not setup"},
		{"a sidecar that fails", has, `console.log(await fails(d.invoke({ app: 'down' }))); const r = new d.ServiceRequest({ app: 'a', body: 'x' }); await d.invoke(r); console.log((await fails(d.invoke(r))).slice(0, 9))`,
			"TypeError: fetch failed: connection refused\nTypeError"},
		{"a sidecar that does not answer", has, `console.log(await fails(d.invoke({ app: 'never' })))`, "Error: Noslated request failed with CanonicalCode::TIMEOUT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			b := newBench(t, "")
			b.o.Program, b.o.Outbound, b.o.Env = module(t, page+c.code), sidecar(&asked), []string{c.env}
			if strings.Contains(c.name, "not answer") {
				b.o.Host = newSteady() // whose time does not wait
			}
			if e := Run(b.ctx(), b.o, nil); e.Code != 0 || b.out.String() != c.want+"\n" {
				t.Fatalf("exit %d\n got %q\nwant %q\n%s", e.Code, b.out.String(), c.want+"\n", b.err.String())
			}
		})
	}
}

// What a seed asks a sidecar for is recorded like any request, with the token of its environment.
func TestDaprOfASeed(t *testing.T) {
	asked := 0
	b := newBench(t, `let told; const ask = () => aworker.Dapr['1.0'].invoke({ app: 'a' }).then((r) => r.text());
		addEventListener('serialize', (e) => e.waitUntil(ask().then((t) => told = t)));
		addEventListener('install', (e) => e.waitUntil(ask().then((t) => console.log(told, t))));`)
	b.o.Outbound, b.o.Env = sidecar(&asked), []string{"DAPR_HTTP_PORT=3500", "DAPR_API_TOKEN=seed"}
	file := copied(t, b.snapshot(Startup))
	for range 2 {
		c := &bench{t: t}
		w, err := restore(c.ctx(), file, Options{Outbound: b.o.Outbound})
		if err != nil {
			t.Fatal(err)
		}
		e := w.child(c.ctx(), Child{Env: []string{"DAPR_HTTP_PORT=3500", "DAPR_API_TOKEN=child"}}, Options{Stdout: &c.out, Stderr: &c.err}.withDefaults(), nil)
		c.want(e, 0, "POST invoke/a/method/  seed| POST invoke/a/method/  child|")
	}
	if asked != 3 {
		t.Errorf("the sidecar was asked %d times", asked)
	}
}

func TestBeacons(t *testing.T) {
	b := newBench(t, `console.log(aworker.sendBeacon('trace', { format: 'f' }, 'data'), aworker.sendBeacon('trace', {}, new Uint8Array(2)), aworker.sendBeacon('trace', { format: null }, new ArrayBuffer(1)));
		for (const bad of [() => aworker.sendBeacon(1, {}, 'd'), () => aworker.sendBeacon('t', { format: 1 }, 'd'), () => aworker.sendBeacon('t', {}, 1), () => aworker.sendBeacon('t'), () => aworker.sendBeacon('t', {}), () => aworker.sendBeacon('t', { get format() { throw new RangeError('mine') } }, 'd')])
			try { bad(); console.log('sent') } catch (e) { console.log(e.name) }`)
	b.want(Run(b.ctx(), b.o, nil), 0, "true true true", "TypeError", "TypeError", "TypeError", "TypeError", "TypeError", "RangeError")
}
