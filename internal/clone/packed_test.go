package clone_test

import (
	"errors"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/clone"
)

func TestPackedValuesMoveToAnotherRuntime(t *testing.T) {
	from, to := goja.New(), goja.New()
	v := run(t, from, `(() => { const b = new Uint8Array([1, 2, 3, 4]).buffer, o = {b, u: new Uint8Array(b, 1, 2), c: new ArrayBuffer(2), m: new Map([[1, 2n]])}; o.self = o; return o })()`)
	buffer := v.ToObject(from).Get("b")
	before := buffer.Export().(goja.ArrayBuffer).Bytes()
	p, err := clone.Pack(from, v, []goja.Value{buffer}, clone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !buffer.Export().(goja.ArrayBuffer).Detached() || len(p.Moved) != 1 || p.Size() != len(p.Data)+4 {
		t.Errorf("packed %+v", p)
	}
	got, err := p.Unpack(to, clone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `Object(){"b":ArrayBuffer(1 2 3 4){},"u":Uint8Array(1 2 #1){},"c":ArrayBuffer(0 0){},"m":Map(1=>2n){},"self":#0}`
	if text := canonical(t, to, got); text != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
	if after := got.ToObject(to).Get("b").Export().(goja.ArrayBuffer).Bytes(); &after[0] != &before[0] {
		t.Error("the bytes were copied")
	}
}

// What the buffers of the embedder's kind stand on goes along as it is.
func TestPackedValuesShareMemory(t *testing.T) {
	from, to := goja.New(), goja.New()
	v := run(t, from, `(() => { const b = new ArrayBuffer(2), moved = new ArrayBuffer(1); return {moved, b, again: b, u: new Uint8Array(b)} })()`)
	o := v.ToObject(from)
	shared, memory := o.Get("b").ToObject(from), new(int)
	options := clone.Options{Memory: func(o *goja.Object) any {
		if o == shared {
			return memory
		}
		return nil
	}}
	var refused *clone.TransferError
	if _, err := clone.Pack(from, v, []goja.Value{shared}, options); !errors.As(err, &refused) {
		t.Errorf("a shared buffer was transferred: %v", err)
	}
	p, err := clone.Pack(from, v, []goja.Value{o.Get("moved")}, options)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Memories) != 1 || p.Memories[0] != memory {
		t.Errorf("packed %+v", p)
	}
	got, err := p.Unpack(to, clone.Options{Attach: func(m any) *goja.Object {
		if m != memory {
			t.Errorf("attached %v", m)
		}
		return to.ToValue(to.NewArrayBuffer([]byte{7, 8})).(*goja.Object)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if text, want := canonical(t, to, got), `Object(){"moved":ArrayBuffer(0){},"b":ArrayBuffer(7 8){},"again":#2,"u":Uint8Array(0 2 #2){}}`; text != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
	var dce *clone.DataCloneError
	if _, err := p.Unpack(to, clone.Options{}); !errors.As(err, &dce) {
		t.Errorf("memory that nobody attaches: %v", err)
	}
}

func TestRefusedValuesMoveNothing(t *testing.T) {
	rt := goja.New()
	for _, source := range []string{"() => 1", "({f() {}})", "({get x() { throw 1 }})", "Symbol()", "[new WeakMap]", "Promise.resolve()"} {
		buffer := run(t, rt, "new ArrayBuffer(1)")
		if _, err := clone.Pack(rt, run(t, rt, "("+source+")"), []goja.Value{buffer}, clone.Options{}); err == nil {
			t.Errorf("%s was packed", source)
		}
		if buffer.Export().(goja.ArrayBuffer).Detached() {
			t.Errorf("%s: the buffer is gone", source)
		}
	}
	if _, err := clone.Pack(rt, rt.ToValue("xxxxxxxxxx"), nil, clone.Options{MaxBytes: 5}); err == nil {
		t.Error("a value over the limit was packed")
	}
}

func TestLenientCopiesLeaveFunctionsOut(t *testing.T) {
	rt := goja.New()
	v := run(t, rt, `({a: 1, f() {}, s: Symbol("x"), list: [1, () => 2, Symbol("y")], m: new Map([[1, () => 3]]), get g() { return () => 4 }, z: class {}})`)
	p, err := clone.Pack(rt, v, nil, clone.Options{Lenient: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Unpack(rt, clone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if text, want := canonical(t, rt, got), `Object(){"a":1,"list":Array(3){"0":1,"1":undefined,"2":undefined},"m":Map(1=>undefined){}}`; text != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
}
