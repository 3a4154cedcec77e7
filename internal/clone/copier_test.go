package clone_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/internal/clone"
)

func newCopier(t *testing.T, rt *goja.Runtime, o clone.Options) *clone.Copier {
	t.Helper()
	c, err := clone.NewCopier(rt, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What a copier writes and reads is what the functions do, for values that it has short ways for and for all others.
func TestCopierDoesWhatTheFunctionsDo(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 2))}
	runtimes(t, func(t *testing.T, rt *goja.Runtime) {
		there := goja.New()
		for _, o := range []clone.Options{{}, {Lenient: true}, {MaxBytes: 20, MaxDepth: 3, MaxObjects: 4}} {
			c, arrives := newCopier(t, rt, o), newCopier(t, there, o)
			var sources []string
			for _, s := range samples(t) {
				sources = append(sources, s.source)
			}
			for range 60 {
				sources = append(sources, g.program())
			}
			sources = append(sources, `(() => { const a = [1]; a.push(a); return [a, a] })()`, `[{ a: [{ b: "x" }] }, "é", "日", null, , 1]`,
				`({ f() {}, s: Symbol(), n: 1 })`, `[() => 1]`, `() => 1`, `Symbol()`, `({ get a() { throw 1 } })`, `[[[[[[[[[[1]]]]]]]]]]`,
				`Array.from({ length: 100 }, (_, i) => i)`, `Object.fromEntries(Array.from({ length: 100 }, (_, i) => ["k" + i, i]))`,
				`Array.from({ length: 20 }, () => ({}))`, `globalThis.x = 1, ({ "": 1, "1": 2, "é": 3 })`, `Object.create({ inherited: 1 }, { own: { value: 1 } })`)
			for _, source := range sources {
				v := run(t, rt, source)
				want, wantErr := clone.Pack(rt, v, nil, o)
				got, err := c.Pack(run(t, rt, source), nil)
				if err != nil || wantErr != nil {
					if err == nil || wantErr == nil || err.Error() != wantErr.Error() {
						t.Errorf("%s with %+v: %v, want %v", source, o, err, wantErr)
					}
					continue
				}
				if !bytes.Equal(got.Data, want.Data) {
					t.Errorf("%s with %+v:\n got %x\nwant %x", source, o, got.Data, want.Data)
					continue
				}
				wanted, err1 := want.Unpack(there, o)
				read, err2 := arrives.Unpack(got)
				if err1 != nil || err2 != nil {
					t.Errorf("%s with %+v: %v, %v", source, o, err1, err2)
				} else if a, b := canonical(t, there, read), canonical(t, there, wanted); a != b {
					t.Errorf("%s with %+v:\n got %s\nwant %s", source, o, a, b)
				}
			}
		}
	})
}

func TestCopierReadsNothingMalformed(t *testing.T) {
	rt := goja.New()
	c := newCopier(t, rt, clone.Options{})
	for name, digits := range malformed {
		var de *clone.DecodeError
		if v, err := c.Unpack(&clone.Packed{Data: unhex(t, digits)}); !errors.As(err, &de) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
	for _, s := range samples(t) {
		for cut := range min(len(s.wire), 200) {
			_, want := clone.Deserialize(rt, s.wire[:cut], clone.Options{})
			if _, err := c.Unpack(&clone.Packed{Data: s.wire[:cut]}); (err == nil) != (want == nil) {
				t.Errorf("%s cut at %d: %v, want %v", s.source, cut, err, want)
			}
		}
	}
}

// A host is asked for what may be its objects, and setters of prototypes see no copy.
func TestCopierAsksTheHost(t *testing.T) {
	rt := goja.New()
	host := &points{rt: rt, brand: goja.NewSymbol("point")}
	c := newCopier(t, rt, clone.Options{Host: host, HostBySymbol: true})
	run(t, rt, `Object.defineProperty(Object.prototype, "x", { set() { throw new Error("seen") }, configurable: true })`)
	list := rt.NewArray(rt.NewObject(), host.make(5, rt.ToValue(1)), run(t, rt, `{ ["x"]: 1 }`), run(t, rt, `new Proxy({}, {})`))
	if _, err := c.Pack(list, nil); err == nil {
		t.Error("a proxy was copied")
	}
	for _, v := range []goja.Value{rt.NewArray(rt.NewObject(), host.make(5, rt.ToValue(1))), rt.NewArray(rt.NewObject(), run(t, rt, `{ ["x"]: 1 }`))} {
		p, err := c.Pack(v, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Unpack(p); err != nil {
			t.Error(err)
		} else if x := got.ToObject(rt).Get("1").ToObject(rt); x.GetSymbol(host.brand) == nil && x.Get("x").ToInteger() != 1 {
			t.Errorf("came back as %v", canonical(t, rt, got))
		}
	}
	host.offers = nil
	if _, err := c.Pack(run(t, rt, `{ a: { b: [1] } }`), nil); err != nil || len(host.offers) > 0 {
		t.Errorf("the host was offered %v, %v", host.offers, err)
	}
}

func TestPlainValuesHaveNoArrays(t *testing.T) {
	rt := goja.New()
	c := newCopier(t, rt, clone.Options{})
	for source, plain := range map[string]bool{
		`1`: true, `"text"`: true, `({ a: { b: null } })`: true, `Object.create({}, {})`: true,
		`[]`: false, `({ a: [] })`: false, `({ get a() { return 1 } })`: false, `({ f() {} })`: false, `new Map()`: false, `new ArrayBuffer(1)`: false, `Symbol()`: false,
	} {
		v := run(t, rt, source)
		p := c.PackPlain(v)
		if (p != nil) != plain {
			t.Errorf("%s is plain: %v", source, p != nil)
		}
		if p != nil {
			if want, err := clone.Serialize(rt, v, clone.Options{}); err != nil || !bytes.Equal(want, p.Data) {
				t.Errorf("%s: %x, want %x (%v)", source, p.Data, want, err)
			}
		}
	}
}
