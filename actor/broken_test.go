package actor_test

import (
	"context"
	"errors"
	"testing"

	"workerd.local/exception"
)

// failing has an actor that fails in the way that its name or the path says.
const failing = `
	export class Obj extends DurableObject {
		constructor(ctx, env) {
			super(ctx, env);
			const name = ctx.id.name;
			if (name === "constructor throws") throw new RangeError("no");
			if (name === "constructor throws text") throw "no";
			if (name === "constructor's block throws") ctx.blockConcurrencyWhile(async () => { throw new TypeError("no"); });
		}
		async fetch(request) {
			switch (decodeURIComponent(new URL(request.url).pathname.slice(1))) {
			case "throws": throw new TypeError("no");
			case "throws text": throw "no";
			case "retryable": throw Object.assign(new Error("no"), { retryable: true });
			case "overloaded": throw Object.assign(new Error("no"), { overloaded: 1 });
			case "both": throw Object.assign(new Error("no"), { overloaded: true, retryable: true });
			case "not really": throw Object.assign(new Error("no"), { overloaded: 0, retryable: "" });
			case "claims": throw Object.assign(new Error("no"), { remote: true, durableObjectReset: true });
			case "block throws": await this.ctx.blockConcurrencyWhile(async () => { throw new TypeError("no"); }); break;
			case "abort": this.ctx.abort("no"); break;
			case "hold": await this.ctx.blockConcurrencyWhile(() => new Promise(() => {})); break;
			}
			return new Response("ok");
		}
	}`

func TestErrorsThatCallersSee(t *testing.T) {
	for _, c := range []struct {
		name, path string
		text       string
		kind       exception.Kind
		broken     exception.Broken // the stub stays broken
	}{
		{"a", "/throws", "TypeError: no", exception.Failed, exception.NotBroken},
		{"a", "/throws%20text", "Error: no", exception.Failed, exception.NotBroken},
		{"a", "/retryable", "Error: no", exception.Disconnected, exception.NotBroken},
		{"a", "/overloaded", "Error: no", exception.Overloaded, exception.NotBroken},
		{"a", "/both", "Error: no", exception.Overloaded, exception.NotBroken},
		{"a", "/not%20really", "Error: no", exception.Failed, exception.NotBroken},
		{"a", "/claims", "Error: no", exception.Failed, exception.NotBroken},
		{"constructor throws", "/", "RangeError: no", exception.Failed, exception.ConstructorFailed},
		{"constructor throws text", "/", "Error: no", exception.Failed, exception.ConstructorFailed},
		{"constructor's block throws", "/", "TypeError: no", exception.Failed, exception.InputGateBroken},
		{"a", "/block%20throws", "TypeError: no", exception.Failed, exception.InputGateBroken},
		{"a", "/abort", "Error: no", exception.Failed, exception.OutputGateBroken},
	} {
		t.Run(c.name+c.path, func(t *testing.T) {
			k := newKit(t, failing, kitOptions{})
			s := k.stub(c.name)
			see := func(remote bool) {
				t.Helper()
				_, err := s.Fetch(t.Context(), request(c.path))
				var e *exception.Exception
				if !errors.As(err, &e) || e.Error() != c.text || e.Kind != c.kind || e.Broken != c.broken || e.Remote != remote || e.Value != nil {
					t.Errorf("%+v", e)
				}
			}
			see(true)
			if c.broken == exception.NotBroken {
				k.want(s, "/", "ok")
				return
			}
			// The stub knows it from now on, and for ever: no actor is made to find out.
			for range 3 {
				see(false)
			}
			s = k.stub(c.name)
			if c.name == "a" {
				k.want(s, "/", "ok")
			} else {
				see(true)
			}
		})
	}
	t.Run("too many requests", func(t *testing.T) {
		k := newKit(t, failing, kitOptions{queued: 1})
		s := k.stub("a")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		held := started(s, ctx, "/hold")
		queued := started(s, ctx, "/")
		_, err := s.Fetch(t.Context(), request("/"))
		var e *exception.Exception
		if !errors.As(err, &e) || e.Message != "Durable Object is overloaded. Too many requests queued." || !e.Overloaded() || e.Reset() || !e.Remote {
			t.Errorf("%+v", e)
		}
		cancel()
		<-held
		<-queued
	})
}
