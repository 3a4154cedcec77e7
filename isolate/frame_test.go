package isolate_test

import (
	"testing"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
)

// Code after await works for whoever wrote it, whoever settles what it waits for.
func TestFrameFollowsTheCodeThatAwaits(t *testing.T) {
	for name, c := range map[string]struct {
		body  string
		names []string // what the other request settles, in order
		want  []string
	}{
		"await":         {`(async () => { await later("x"); log(owner()) })()`, []string{"x"}, []string{"A"}},
		"await twice":   {`(async () => { await later("x"); log(owner()); await later("y"); log(owner()) })()`, []string{"x", "y"}, []string{"A", "A"}},
		"then":          {`later("x").then(() => log(owner()))`, []string{"x"}, []string{"A"}},
		"then chain":    {`later("x").then(() => {}).then(() => log(owner())).finally(() => log(owner()))`, []string{"x"}, []string{"A", "A"}},
		"Promise.all":   {`(async () => { await Promise.all([later("x"), later("y")]); log(owner()) })()`, []string{"y", "x"}, []string{"A"}},
		"Promise.race":  {`Promise.race([later("x"), later("y")]).then(() => log(owner()))`, []string{"y"}, []string{"A"}},
		"async thrower": {`(async () => { try { await later("x").then(() => { throw 1 }) } catch { log(owner()) } })()`, []string{"x"}, []string{"A"}},
		"nested async":  {`const f = async () => { await later("x"); log(owner()) }; (async () => { await f(); log(owner()) })()`, []string{"x"}, []string{"A", "A"}},
		"generator": {`async function* g() { yield await later("x"); log(owner()) }
			(async () => { for await (const v of g()) log(owner() + v); log(owner()) })()`, []string{"x"}, []string{"Av", "A", "A"}},
		"for await": {`(async () => { for await (const v of [later("x")]) log(owner()); log(owner()) })()`, []string{"x"}, []string{"A", "A"}},
		"thenable":  {`(async () => { await { then(r) { later("x").then(r) } }; log(owner()) })()`, []string{"x"}, []string{"A"}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, isolate.Options{})
			k.ok(frameOf("A"), c.body)
			for _, n := range c.names {
				k.settle(frameOf("B"), n, "v")
			}
			k.want(c.want...)
			k.wantRejected()
		})
	}
}

// Two requests that wait for the same promise go on each in its own frame.
func TestSharedPromiseResumesEveryWaiterInItsFrame(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.ok(frameOf("A"), `globalThis.shared = later("x"); shared.then(() => log(owner()))`)
	k.ok(frameOf("B"), `(async () => { await shared; log(owner()); Promise.resolve().then(() => log(owner())) })()`)
	k.settle(frameOf("C"), "x", "v")
	k.want("A", "B", "B")
	k.ok(nil, "log(owner())")
	k.want("nobody")
}

func TestOnSettledKeepsTheFrame(t *testing.T) {
	k := newKit(t, isolate.Options{})
	wait := func(owner string) {
		k.loop(func() {
			err := k.realm.Run(frameOf(owner), func(js *isolate.JS) {
				p, err := js.Call(function(js, "return globalThis.p ??= later('x')"), nil)
				if err != nil {
					t.Fatal(err)
				}
				js.OnSettled(p, func(js *isolate.JS, v goja.Value, err error) {
					k.out = append(k.out, ownerOf(js)+" "+v.String())
				})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait("A")
	wait("B")
	k.settle(frameOf("C"), "x", "v")
	k.want("A v", "B v")
}

// Whoever waits for a promise of Go's in Go is told in its turn, whatever becomes of it.
func TestOnSettledOfPromisesThatGoMakes(t *testing.T) {
	for _, c := range []struct {
		name, before, after string // what scripts do before Go waits, and after
		settle              func(js *isolate.JS, p *goja.Object, resolve func(goja.Value), reject func(error))
		want                []string
	}{
		{"alone", "", "", func(js *isolate.JS, _ *goja.Object, resolve func(goja.Value), _ func(error)) {
			resolve(js.Runtime().ToValue("v"))
		}, []string{"A v"}},
		{"nothing", "", "", func(_ *isolate.JS, _ *goja.Object, resolve func(goja.Value), _ func(error)) { resolve(nil) }, []string{"A undefined"}},
		{"in front", "", "p.then((v) => log('js ' + v))", func(js *isolate.JS, _ *goja.Object, resolve func(goja.Value), _ func(error)) {
			resolve(js.Runtime().ToValue("v"))
		}, []string{"A v", "js v"}},
		{"behind", "p.then((v) => log('js ' + v))", "", func(js *isolate.JS, _ *goja.Object, resolve func(goja.Value), _ func(error)) {
			resolve(js.Runtime().ToValue("v"))
		}, []string{"js v", "A v"}},
		{"a failure", "", "p.catch((err) => log('js ' + err))", func(js *isolate.JS, _ *goja.Object, _ func(goja.Value), reject func(error)) {
			reject(exception.TypeErrorf("no"))
		}, []string{"A TypeError: no", "js TypeError: no"}},
		{"a thenable", "", "", func(js *isolate.JS, _ *goja.Object, resolve func(goja.Value), _ func(error)) {
			v, err := js.Call(function(js, "return { then(ok) { log('asked'); ok('late'); } }"), nil)
			if err != nil {
				t.Error(err)
			}
			resolve(v)
		}, []string{"asked", "A late"}},
		{"itself", "", "", func(_ *isolate.JS, p *goja.Object, resolve func(goja.Value), _ func(error)) { resolve(p) }, []string{"A TypeError: Promise self-resolution"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKit(t, isolate.Options{})
			var p *goja.Object
			var resolve func(goja.Value)
			var reject func(error)
			run := func(owner string, fn func(js *isolate.JS)) {
				k.loop(func() {
					if err := k.realm.Run(frameOf(owner), fn); err != nil {
						t.Error(err)
					}
				})
			}
			script := func(js *isolate.JS, text string) {
				if _, err := js.Call(function(js, text), nil); err != nil {
					t.Error(err)
				}
			}
			run("A", func(js *isolate.JS) {
				p, resolve, reject = js.NewPromise()
				if err := js.Runtime().Set("p", p); err != nil {
					t.Error(err)
				}
				script(js, c.before)
				js.OnSettled(p, func(js *isolate.JS, v goja.Value, err error) {
					if err != nil {
						k.out = append(k.out, ownerOf(js)+" "+js.Exception(err).Error())
						return
					}
					k.out = append(k.out, ownerOf(js)+" "+v.String())
				})
			})
			run("B", func(js *isolate.JS) { script(js, c.after) })
			run("C", func(js *isolate.JS) { c.settle(js, p, resolve, reject) })
			k.want(c.want...)
			k.wantRejected()
		})
	}
}

// A promise that follows another one when Go begins to wait for it has been resolved, and is
// still pending: what it follows settles it, in a later turn.
func TestOnSettledOfAPromiseThatFollowsAnother(t *testing.T) {
	for _, fails := range []bool{false, true} {
		k := newKit(t, isolate.Options{})
		var settle func(js *isolate.JS)
		k.loop(func() {
			err := k.realm.Run(frameOf("A"), func(js *isolate.JS) {
				other, resolve, reject := js.NewPromise()
				settle = func(js *isolate.JS) {
					if fails {
						reject(exception.TypeErrorf("no"))
						return
					}
					resolve(js.Runtime().ToValue("v"))
				}
				p, follow, _ := js.NewPromise()
				follow(other)
				js.OnSettled(p, func(js *isolate.JS, v goja.Value, err error) {
					if err != nil {
						v = js.Runtime().ToValue(js.Exception(err).Error())
					}
					k.out = append(k.out, ownerOf(js)+" "+v.String())
				})
			})
			if err == nil {
				err = k.realm.Run(frameOf("B"), settle)
			}
			if err != nil {
				t.Error(err)
			}
		})
		if fails {
			k.want("A TypeError: no")
		} else {
			k.want("A v")
		}
		k.wantRejected()
	}
}

func TestInRestoresTheFrameWhateverHappens(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.loop(func() {
		err := k.realm.Run(frameOf("A"), func(js *isolate.JS) {
			js.In(frameOf("B"), func() {
				js.In(frameOf("C"), func() { k.out = append(k.out, ownerOf(js)) })
				k.out = append(k.out, ownerOf(js))
			})
			func() {
				defer func() { _ = recover() }()
				js.In(frameOf("D"), func() { panic("out") })
			}()
			k.out = append(k.out, ownerOf(js))
		})
		if err != nil {
			t.Error(err)
		}
	})
	k.want("C", "B", "A")
}

func TestInnermostBindingOfAVariableWins(t *testing.T) {
	outer := &isolate.Var{Key: "k", Value: 1}
	other := &isolate.Var{Key: "other", Value: nil, Parent: outer}
	inner := &isolate.Var{Key: "k", Value: 2, Parent: other}
	for _, c := range []struct {
		v    *isolate.Var
		key  string
		want any
		ok   bool
	}{{inner, "k", 2, true}, {other, "k", 1, true}, {inner, "other", nil, true}, {inner, "none", nil, false}, {nil, "k", nil, false}} {
		if got, ok := c.v.Lookup(c.key); got != c.want || ok != c.ok {
			t.Errorf("%s: %v, %v", c.key, got, ok)
		}
	}
}
