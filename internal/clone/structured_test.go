package clone_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/clone"
)

func TestTransferMovesBuffers(t *testing.T) {
	rt := goja.New()
	v := run(t, rt, `(() => { const b = new Uint8Array([1, 2, 3, 4]).buffer; return {b, u: new Uint8Array(b, 1, 2), c: new ArrayBuffer(2)} })()`)
	o := v.ToObject(rt)
	buffer := o.Get("b")
	before := buffer.Export().(goja.ArrayBuffer).Bytes()
	got, err := clone.StructuredClone(rt, v, []goja.Value{buffer, buffer}, clone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `Object(){"b":ArrayBuffer(1 2 3 4){},"u":Uint8Array(1 2 #1){},"c":ArrayBuffer(0 0){}}`
	if text := canonical(t, rt, got); text != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
	if !buffer.Export().(goja.ArrayBuffer).Detached() || o.Get("c").Export().(goja.ArrayBuffer).Detached() {
		t.Error("the transferred buffer must be detached, and only that one")
	}
	if after := got.ToObject(rt).Get("b").Export().(goja.ArrayBuffer).Bytes(); &after[0] != &before[0] {
		t.Error("the bytes were copied")
	}
	for _, source := range []goja.Value{buffer, o.Get("u")} {
		var dce *clone.DataCloneError
		if _, err := clone.StructuredClone(rt, source, nil, clone.Options{}); !errors.As(err, &dce) ||
			dce.Message != "An ArrayBuffer is detached and could not be cloned." {
			t.Errorf("clone of what was detached: %v", err)
		}
	}
	var dce *clone.DataCloneError
	if _, err := clone.StructuredClone(rt, rt.ToValue(1), []goja.Value{buffer}, clone.Options{}); !errors.As(err, &dce) {
		t.Errorf("transfer of what was detached: %v", err)
	}
}

func TestTransferOfAViewMovesItsBuffer(t *testing.T) {
	rt := goja.New()
	v := run(t, rt, `new Uint16Array([1, 2, 3])`)
	got, err := clone.StructuredClone(rt, v, []goja.Value{v}, clone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if text := canonical(t, rt, got); text != `Uint16Array(0 6 ArrayBuffer(1 0 2 0 3 0){}){}` {
		t.Error(text)
	}
	if n := v.ToObject(rt).Get("length").ToInteger(); n != 0 {
		t.Errorf("the original still has %d elements", n)
	}
}

func TestFailedTransferDetachesNothing(t *testing.T) {
	rt := goja.New()
	for _, source := range []string{
		`[b, () => 1]`,
		`[b, {get x() { throw 1 }}]`,
	} {
		b := rt.ToValue(rt.NewArrayBuffer(make([]byte, 8)))
		if err := rt.Set("b", b); err != nil {
			t.Fatal(err)
		}
		if _, err := clone.StructuredClone(rt, run(t, rt, source), []goja.Value{b}, clone.Options{}); err == nil {
			t.Errorf("%s was cloned", source)
		}
		if b.Export().(goja.ArrayBuffer).Detached() {
			t.Errorf("%s: the buffer was detached", source)
		}
	}
	for _, source := range []string{`({})`, `1`, `"s"`, `null`, `undefined`, `[new ArrayBuffer(1)]`, `Symbol()`} {
		var te *clone.TransferError
		b := rt.ToValue(rt.NewArrayBuffer(make([]byte, 8)))
		if _, err := clone.StructuredClone(rt, b, []goja.Value{b, run(t, rt, source)}, clone.Options{}); !errors.As(err, &te) {
			t.Errorf("transfer of %s: %v", source, err)
		}
		if b.Export().(goja.ArrayBuffer).Detached() {
			t.Errorf("transfer of %s: the buffer was detached", source)
		}
	}
}

func TestGetterMayDetachWhatIsTransferred(t *testing.T) {
	rt := goja.New()
	v := run(t, rt, `{b: new ArrayBuffer(8), get x() { detach(this.b); return 1 }}`)
	if err := rt.Set("detach", func(call goja.FunctionCall) goja.Value {
		call.Argument(0).Export().(goja.ArrayBuffer).Detach()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var dce *clone.DataCloneError
	if _, err := clone.StructuredClone(rt, v, []goja.Value{v.ToObject(rt).Get("b")}, clone.Options{}); !errors.As(err, &dce) {
		t.Errorf("error %v, want a DataCloneError", err)
	}
}

// points is a host that knows one class: objects with a numeric symbol property.
type points struct {
	rt     *goja.Runtime
	brand  *goja.Symbol
	offers []string
}

func (p *points) make(x int64, extra goja.Value) *goja.Object {
	proto := p.rt.NewObject()
	o := p.rt.CreateObject(proto)
	no := goja.FLAG_FALSE
	if err := errors.Join(o.DefineDataPropertySymbol(p.brand, p.rt.ToValue(x), no, no, no), o.Set("extra", extra)); err != nil {
		panic(err)
	}
	return o
}

func (p *points) WriteHost(w *clone.Writer, o *goja.Object) (bool, error) {
	p.offers = append(p.offers, o.ClassName())
	x := o.GetSymbol(p.brand)
	if x == nil {
		return false, nil
	}
	if x.ToInteger() < 0 {
		return false, &clone.DataCloneError{Message: "negative"}
	}
	w.Uint32(7)
	w.Uint64(1 << 40)
	w.Double(float64(x.ToInteger()))
	w.Bytes([]byte{1, 2})
	w.String("name")
	w.Raw([]byte{9})
	return true, w.Value(o.Get("extra"))
}

var errHost = errors.New("host")

func (p *points) ReadHost(r *clone.Reader) (*goja.Object, error) {
	tag, err := r.Uint32()
	if err != nil {
		return nil, err
	}
	if tag != 7 {
		return nil, fmt.Errorf("tag %d: %w", tag, errHost)
	}
	big, err1 := r.Uint64()
	x, err2 := r.Double()
	b, err3 := r.Bytes()
	s, err4 := r.String()
	raw, err5 := r.Raw(1)
	extra, err6 := r.Value()
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return nil, err
	}
	if big != 1<<40 || string(b) != "\x01\x02" || s != "name" || raw[0] != 9 {
		return nil, errHost
	}
	return p.make(int64(x), extra), nil
}

func TestHostObjects(t *testing.T) {
	rt := goja.New()
	host := &points{rt: rt, brand: goja.NewSymbol("point")}
	o := clone.Options{Host: host}
	shared := rt.NewObject()
	point := host.make(5, shared)
	list := rt.NewArray(point, shared, point)
	got, err := clone.StructuredClone(rt, list, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	l := got.ToObject(rt)
	copied := l.Get("0").ToObject(rt)
	if x := copied.GetSymbol(host.brand); x == nil || x.ToInteger() != 5 || copied == point {
		t.Errorf("the host object came back as %v", copied)
	}
	if l.Get("2") != l.Get("0") || copied.Get("extra") != l.Get("1") {
		t.Error("identity was lost")
	}

	data, err := clone.Serialize(rt, list, o)
	if err != nil {
		t.Fatal(err)
	}
	var malformed *clone.DecodeError
	if _, err := clone.Deserialize(rt, data, clone.Options{}); !errors.As(err, &malformed) {
		t.Errorf("without a host: %v", err)
	}
	if _, err := clone.Decode(data, clone.Options{}); !errors.As(err, &malformed) {
		t.Errorf("a tree with a host object: %v", err)
	}
	if _, err := clone.Deserialize(rt, []byte{0xFF, 15, '\\', 8}, o); !errors.Is(err, errHost) {
		t.Errorf("the error of the host: %v", err)
	}
	if _, err := clone.Deserialize(rt, data[:len(data)-8], o); !errors.As(err, &malformed) {
		t.Errorf("cut short: %v", err)
	}
	var dce *clone.DataCloneError
	if _, err := clone.Serialize(rt, host.make(-1, shared), o); !errors.As(err, &dce) || dce.Message != "negative" {
		t.Errorf("the refusal of the host: %v", err)
	}

	host.offers = nil
	for _, source := range []string{`() => 1`, `new Proxy({}, {})`, `new Error("x")`, `[1]`, `({})`} {
		_, _ = clone.Serialize(rt, run(t, rt, source), o)
	}
	if got := fmt.Sprint(host.offers); got != "[Function Object Object]" {
		t.Errorf("the host was offered %v", got)
	}
	host.offers = nil
	o.ErrorsAsHost = true
	if _, err := clone.Serialize(rt, run(t, rt, `new Error("x")`), o); err != nil || len(host.offers) != 1 {
		t.Errorf("errors as host objects: offered %v, %v", host.offers, err)
	}
}

func TestClassInstances(t *testing.T) {
	rt := goja.New()
	o := clone.Options{RefuseClassInstances: true}
	for source, want := range map[string]string{
		`new (class Foo {})`:    `Could not serialize object of type "Foo". This type does not support serialization.`,
		`[{a: new (class {})}]`: `Could not serialize object of type "Object". This type does not support serialization.`,
		`{__proto__: null}`:     `Could not serialize object of type "Object". This type does not support serialization.`,
	} {
		var dce *clone.DataCloneError
		if _, err := clone.Serialize(rt, run(t, rt, source), o); !errors.As(err, &dce) || dce.Message != want {
			t.Errorf("%s: %v", source, err)
		}
		if _, err := clone.Serialize(rt, run(t, rt, source), clone.Options{}); err != nil {
			t.Errorf("%s as a plain object: %v", source, err)
		}
	}
	if _, err := clone.Serialize(rt, run(t, rt, `{a: [1, new Map, new Error]}`), o); err != nil {
		t.Errorf("a plain object: %v", err)
	}
}
