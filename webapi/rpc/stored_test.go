package rpc

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/internal/clone"
	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/durable"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/timers"
)

func storing(t *testing.T, flags ...string) *jstest.Env {
	t.Helper()
	f, errs := compat.Parse("2026-01-01", flags, compat.Options{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	prepare := bind.Module{Name: "prepare", Setup: func(js *isolate.JS) error { return clone.Prepare(js.Runtime()) }}
	return jstest.NewWith(t, jstest.Options{
		Compat:  f,
		Modules: []bind.Module{prepare, events.Module, timers.Module, global.Module, streams.Module, fetch.Module, Module, classes},
	})
}

// A stored value that holds a stub can be read whatever is wrong with the stub: who uses
// that is told.
func TestDamagedStubsFailWhenTheyAreUsed(t *testing.T) {
	e := storing(t, storageFlag)
	for _, c := range []struct{ token, want string }{
		{"stub\x02\x02\x01", "The stored stub was written by a later version of this server, and cannot be used."},
		{"\x6d\x80\x82\x90and more", "The stored stub was written by workerd, whose form of stubs this server cannot read."},
		{"stub\x01\x02\x07", "The stored stub is damaged."},
		{"", "The stored stub is damaged."},
		{"stub\x01\x02\x04\x00\x00\x00", "The stored stub is damaged."}, // of a class
		{"stub\x01\x02\x02\x00\x00\x00", "Stored stubs lead nowhere here."},
	} {
		for _, tag := range []uint32{tagService, tagStub} {
			want := c.want
			if tag == tagStub && strings.HasPrefix(want, "Stored") {
				want = "The stored stub is damaged." // it says that it is of a service
			}
			e.In(func(js *isolate.JS, ioc *iocontext.Context) {
				data := fmt.Sprintf("\xff\x0fo\"\x01s\\%c%c%s{\x01", tag, len(c.token), c.token)
				v, err := clone.Deserialize(js.Runtime(), []byte(data), clone.Options{Host: storedHost{js}})
				if err != nil {
					t.Errorf("%q: %v", c.token, err)
					return
				}
				if err := js.Runtime().GlobalObject().Set("read", v); err != nil {
					t.Error(err)
				}
			})
			e.Want(`return read.s.any().catch((e) => e.name + ": " + e.message)`, "Error: "+want)
			e.In(func(js *isolate.JS, ioc *iocontext.Context) {
				v := js.Runtime().GlobalObject().Get("read").(*goja.Object).Get("s")
				if _, err := clone.Serialize(js.Runtime(), v, clone.Options{Host: storedHost{js}}); err == nil {
					t.Errorf("%q is stored again", c.token)
				}
			})
		}
	}
	for _, data := range []string{"\xff\x0f\\\x0b", "\xff\x0f\\\x0b\x05stub", "\xff\x0f\\\x01\xff\xff\xff\xff\x0f"} {
		e.In(func(js *isolate.JS, ioc *iocontext.Context) {
			if _, err := clone.Deserialize(js.Runtime(), []byte(data), clone.Options{Host: storedHost{js}}); err == nil {
				t.Errorf("%q was read", data)
			}
		})
	}
}

// So can one that holds a class: its facets are told.
func TestDamagedClassesFailWhenTheyAreUsed(t *testing.T) {
	e := storing(t, storageFlag)
	for _, c := range []struct{ token, want string }{
		{"stub\x02\x02\x04", "The stored class was written by a later version of this server, and cannot be used."},
		{"\x6d\x80\x82\x90and more", "The stored class was written by workerd, whose form of stubs this server cannot read."},
		{"", "The stored class is damaged."},
		{"stub\x01\x02\x02\x00\x00\x00", "The stored class is damaged."}, // of an actor
		{"stub\x01\x02\x04\x00\x00\x00", "Stored stubs lead nowhere here."},
	} {
		e.In(func(js *isolate.JS, ioc *iocontext.Context) {
			data := fmt.Sprintf("\xff\x0f\\%c%c%s", tagClass, len(c.token), c.token)
			v, err := clone.Deserialize(js.Runtime(), []byte(data), clone.Options{Host: storedHost{js}})
			if err != nil {
				t.Errorf("%q: %v", c.token, err)
				return
			}
			cl, ok := durable.ClassClass.Unwrap(js, v)
			if !ok {
				t.Fatalf("%q is %v", c.token, v)
			}
			if none, ok := cl.Class.(event.NoClass); !ok || none.Err.Error() != "Error: "+c.want {
				t.Errorf("%q is of %#v", c.token, cl.Class)
			}
			if _, err := clone.Serialize(js.Runtime(), v, clone.Options{Host: storedHost{js}}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q is stored again: %v", c.token, err)
			}
		})
	}
}

// fromShop is a service that makes something else each time, and counts.
type fromShop struct {
	event.Service
	made event.Capability
	asks int
	err  error
}

func (s *fromShop) StartCall(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
	if call.Restore != nil {
		s.asks++
		if s.err != nil {
			done(nil, s.err)
			return
		}
		done(&event.Result{Value: &event.Payload{Caps: []event.Capability{s.made}}}, nil)
		return
	}
	call.Release()
	done(&event.Result{Value: &event.Payload{Plain: []any{call.Path[0]}}}, nil)
}

func TestStubsAreMadeAgainAtTheFirstUse(t *testing.T) {
	e := storing(t, storageFlag)
	vendor := &fromShop{}
	vendor.made = event.ServiceRef{Service: &fromShop{}}
	token := &event.Token{Kind: event.Restored, Lasting: true, Vendor: &event.Token{Kind: event.Object, Lasting: true}, Arg: &event.Payload{Data: []byte("\xff\x0f_")}}
	e.In(func(js *isolate.JS, ioc *iocontext.Context) {
		SetResolver(js, event.Resolver{Service: func(t *event.Token) event.Service {
			if t.Kind == event.Restored {
				return NewRestored(t, vendor, js.Bounds())
			}
			return vendor
		}})
		for name, asStub := range map[string]bool{"service": false, "stub": true} {
			one := *token
			one.RPC = asStub
			o, err := stubOfToken(js, &one, asStub, nil)
			if err == nil {
				err = js.Runtime().GlobalObject().Set(name, o)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	if vendor.asks != 0 {
		t.Error("it was made before it was used")
	}
	e.Want(`return [await service.first(), await service.second()]`, `["first","second"]`)
	if vendor.asks != 1 {
		t.Errorf("it was made %d times", vendor.asks)
	}
	// A service where there was a stub.
	e.Want(`return stub.first().catch((e) => e.message)`, `The [restore]() method originally returned an RpcStub, but on replay it returned a ServiceStub instead. It must always return the same type.`)
	e.Want(`stub[Symbol.dispose](); return stub.first().catch((e) => e.message)`, `RPC stub used after being disposed.`)
}

func TestStubsAreNotStoredWithoutTheFlag(t *testing.T) {
	e := storing(t)
	e.In(func(js *isolate.JS, ioc *iocontext.Context) {
		for _, c := range []struct{ data, want string }{
			{"\xff\x0f\\\x0b\x00", "ServiceStub cannot be deserialized in this context."},
			{"\xff\x0f\\\x0c\x00", "DurableObjectClass cannot be deserialized in this context."},
			{"\xff\x0f\\\x01\x00", "RpcStub cannot be deserialized in this context."},
		} {
			if _, err := clone.Deserialize(js.Runtime(), []byte(c.data), clone.Options{Host: storedHost{js}}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q: %v", c.data, err)
			}
		}
		f := fetch.Fetcher.Wrap(js, &fetch.FetcherObject{Service: &fromShop{}})
		if _, err := clone.Serialize(js.Runtime(), f, clone.Options{Host: storedHost{js}}); err == nil || !strings.Contains(err.Error(), "ServiceStub cannot be serialized in this context.") {
			t.Errorf("%v", err)
		}
	})
}
