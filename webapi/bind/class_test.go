package bind_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/bind"
)

type shape struct{ name string }

var shapeClass = &bind.Class[shape]{
	Name:    "Shape",
	New:     func(c *bind.Call) (*shape, error) { s := &shape{}; return s, c.Unpack("name", &s.name) },
	Length:  1,
	Getters: map[string]bind.Getter[shape]{"name": func(s *shape, _ *bind.Call) (any, error) { return s.name, nil }},
	Setters: map[string]bind.Setter[shape]{"secret": func(s *shape, c *bind.Call) error { return c.Unpack("secret", &s.name) }},
	Methods: map[string]bind.Method[shape]{
		"fail": func(*shape, *bind.Call) (any, error) { return nil, exception.RangeErrorf("failed") },
		"bug": func(*shape, *bind.Call) (any, error) {
			var m map[string]int
			//lint:ignore SA5000 the panic is the point
			m["x"]++
			return nil, nil
		},
		"text":  func(*shape, *bind.Call) (any, error) { panic("text") },
		"error": func(*shape, *bind.Call) (any, error) { panic(errors.New("secret")) },
		"each": func(s *shape, c *bind.Call) (any, error) {
			letters := strings.Split(s.name, "")
			return lettersIterator.Of(c.JS(), func(js *isolate.JS) (goja.Value, bool) {
				if len(letters) == 0 {
					return nil, false
				}
				v := js.Runtime().ToValue(letters[0])
				letters = letters[1:]
				return v, true
			}), nil
		},
	},
	Async: map[string]bind.Method[shape]{
		"later":     func(s *shape, c *bind.Call) (any, error) { return bind.Promise(c, loop.Now(s.name), text) },
		"failLater": func(*shape, *bind.Call) (any, error) { return nil, exception.RangeErrorf("failed") },
	},
	Statics: map[string]bind.Static{
		"of":   func(c *bind.Call) (any, error) { var s string; err := c.Unpack("name", &s); return "of " + s, err },
		"fail": func(c *bind.Call) (any, error) { return nil, c.TypeError("no") },
	},
	Consts:   map[string]any{"SIDES": 4},
	Iterator: "each",
}

var lettersIterator = bind.NewIterator("Letters Iterator")

func text(js *isolate.JS, s string) (goja.Value, error) { return js.Runtime().ToValue(s), nil }

type circle struct {
	shape
	radius float64
}

var circleClass = &bind.Class[circle]{
	Name:   "Circle",
	Parent: bind.Extends(shapeClass, func(c *circle) *shape { return &c.shape }),
	New: func(c *bind.Call) (*circle, error) {
		v := &circle{shape: shape{"circle"}}
		return v, c.Unpack("radius", &v.radius)
	},
	Getters: map[string]bind.Getter[circle]{"radius": func(v *circle, _ *bind.Call) (any, error) { return v.radius, nil }},
}

type disc struct{ circle }

var discClass = &bind.Class[disc]{Name: "Disc", Parent: bind.Extends(circleClass, func(d *disc) *circle { return &d.circle })}

var shapes = bind.Module{Name: "shapes", Globals: []bind.Global{shapeClass, circleClass, discClass, pointClass,
	bind.Var{Name: "disc", Make: func(js *isolate.JS) (goja.Value, error) {
		return discClass.Wrap(js, &disc{circle{shape{"disc"}, 2}}), nil
	}}}}

func TestMembersAreAsWebIDLHasThem(t *testing.T) {
	e := jstest.New(t, shapes)
	e.Want(`const d = Object.getOwnPropertyDescriptors(Shape.prototype), m = k => [d[k].enumerable, d[k].configurable, d[k].writable];
		return [m("fail"), m("later"), m("constructor"), m("name"), m("SIDES"), typeof d.name.get, typeof d.name.set, typeof d.secret.get, typeof d.secret.set]`,
		`[[true,true,true],[true,true,true],[false,true,true],[true,true,null],[true,false,false],"function","undefined","undefined","function"]`)
	e.Want(`return [Shape.name, Shape.length, Circle.length, Shape.SIDES, Shape.prototype.SIDES, Circle.SIDES, Shape.of("x"), Circle.of(1), Object.keys(Shape)]`,
		`["Shape",1,0,4,4,4,"of x","of 1",["fail","of","SIDES"]]`)
	e.Want(`return [Shape.prototype.fail.name, Object.getOwnPropertyDescriptor(Shape.prototype, "name").get.name, Object.getOwnPropertyDescriptor(Shape.prototype, "secret").set.name, Shape.of.name]`,
		`["fail","get name","set secret","of"]`)
	e.Want(`"use strict"; try { Shape.SIDES = 5 } catch (e) { return [e.name, Shape.SIDES] }`, `["TypeError",4]`)
	e.Want(`const s = new Shape("a"); s.secret = "b"; return [s.name, s.secret, "secret" in s]`, `["b",null,true]`)
	e.WantError(`"use strict"; new Shape("a").name = "b"`, "TypeError: Cannot assign to read only property 'name' of object '#<Shape>'")
	e.Want(`return Shape === Shape.prototype.constructor && new Shape("a").constructor === Shape`, `true`)
}

func TestClassHierarchy(t *testing.T) {
	e := jstest.New(t, shapes)
	e.Want(`const c = new Circle(3); return [c.name, c.radius, c instanceof Circle, c instanceof Shape, c instanceof Disc, new Shape("s") instanceof Circle, String(c)]`,
		`["circle",3,true,true,false,false,"[object Circle]"]`)
	e.Want(`return [disc.name, disc.radius, disc instanceof Disc, disc instanceof Circle, disc instanceof Shape, String(disc), [...disc].join("-")]`,
		`["disc",2,true,true,true,"[object Disc]","d-i-s-c"]`)
	e.Want(`return [Object.getPrototypeOf(Circle) === Shape, Object.getPrototypeOf(Circle.prototype) === Shape.prototype, Object.getPrototypeOf(Disc) === Circle]`, `[true,true,true]`)
	e.WantError(`new Disc()`, "TypeError: Illegal constructor")
	const illegal = "TypeError: Illegal invocation: function called with incorrect `this` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details."
	e.WantError(`Object.getOwnPropertyDescriptor(Circle.prototype, "radius").get.call(new Shape("s"))`, illegal)
	e.WantError(`Object.getOwnPropertyDescriptor(Shape.prototype, "secret").set.call({}, 1)`, illegal)
	e.WantError(`Shape.prototype.fail.call(new Point(1))`, illegal)
	e.WantError(`Shape.prototype.later.call({})`, illegal)
}

func TestSubclassesOfScripts(t *testing.T) {
	e := jstest.New(t, shapes)
	e.Want(`class A extends Circle { #p = 1; get radius() { return super.radius * 10 + this.#p } }
		class B extends A { constructor() { super(2); this.target = new.target.name } static make() { return new this() } }
		const b = B.make(); return [b.radius, b.name, b.target, b instanceof A, b instanceof Circle, b instanceof Shape, Object.getPrototypeOf(b) === B.prototype, B.SIDES]`,
		`[21,"circle","B",true,true,true,true,4]`)
	e.Want(`function F() {} const o = Reflect.construct(Circle, [4], F);
		return [Object.getPrototypeOf(o) === F.prototype, o instanceof Circle, Object.getOwnPropertyDescriptor(Circle.prototype, "radius").get.call(o)]`, `[true,false,4]`)
	e.Want(`const Bound = Circle.bind(null, 7); const b = new Bound(); return [b.radius, b instanceof Bound, b instanceof Circle]`, `[7,true,true]`)
	e.Want(`const P = new Proxy(Circle, {}); return [new P(8).radius, new P(1) instanceof Circle, new Circle(1) instanceof P]`, `[8,true,true]`)
	e.Want(`class A extends Shape { constructor() { super("a"); return { own: 1 } } } return new A().own`, `1`)
	e.WantError(`class A extends Shape { constructor() { } } new A()`, "ReferenceError: Must call super constructor in derived class before returning from derived constructor")
	// Inheritance as ES5 compilers write it.
	e.Want(`"use strict"; function S() { this.constructor = S } S.prototype = Object.create(Shape.prototype); S.prototype.constructor = S; return new S().constructor === S`, `true`)
	e.WantError(`function S() { Shape.call(this) } new S()`, "TypeError: Failed to construct 'Shape': Please use the 'new' operator, this object constructor cannot be called as a function.")
}

func TestInstanceofAsksThePrototypeChain(t *testing.T) {
	e := jstest.New(t, shapes)
	e.Want(`return [Object.create(Shape.prototype) instanceof Shape, ({}) instanceof Shape, 1 instanceof Shape, null instanceof Shape, Object.create(null) instanceof Shape, new Proxy(new Shape("a"), {}) instanceof Shape]`,
		`[true,false,false,false,false,true]`)
	e.Want(`class A extends Shape { static [Symbol.hasInstance](x) { return x === 1 } } return [1 instanceof A, new A("x") instanceof A, new A("x") instanceof Shape]`, `[true,false,true]`)
	e.Want(`return [undefined, null, 1, {}, { prototype: 1 }].map(c => Shape[Symbol.hasInstance].call(c, new Shape("a")))`, `[false,false,false,false,false]`)
	e.WantError(`new Proxy({}, { getPrototypeOf() { throw new RangeError("trap") } }) instanceof Shape`, "RangeError: trap")
}

// The brand can be found, but it makes no instance out of anything else.
func TestLeakedBrandForgesNothing(t *testing.T) {
	e := jstest.New(t, shapes)
	e.Want(`
		let brand; try { Shape.prototype.fail.call(Object.create(new Proxy({}, { get(t, k) { brand = k } }))) } catch {}
		const real = new Shape("real"), other = new Circle(1), handle = real[brand], out = [typeof brand];
		const name = o => { try { return Object.getOwnPropertyDescriptor(Shape.prototype, "name").get.call(o) } catch (e) { return e.name ?? e } };
		out.push(name({ [brand]: handle }), name({ [brand]: {} }), name({ [brand]: { get x() { throw 1 } } }), name({ get [brand]() { throw new SyntaxError } }));
		other[brand] = handle; out.push(name(other));
		out.push(name(real));
		return out`, `["symbol","TypeError","TypeError","TypeError","SyntaxError","TypeError","real"]`)
}

func TestFrozenInstancesStillWork(t *testing.T) {
	e := jstest.New(t, shapes)
	e.Want(`"use strict"; const s = Object.freeze(new Shape("a")); s.secret = "b"; try { s.own = 1 } catch (e) { return [s.name, e.name] }`, `["b","TypeError"]`)
}

func TestErrorsOfMembers(t *testing.T) {
	e := jstest.New(t, shapes)
	e.WantError(`new Shape("a").fail()`, "RangeError: failed")
	e.WantError(`Shape.fail()`, "TypeError: Failed to execute 'fail' on 'Shape': no")
	e.WantError(`new Shape()`, "TypeError: Failed to construct 'Shape': constructor parameter 1 is not of type 'string'.")
	e.WantError(`Shape.of()`, "TypeError: Failed to execute 'of' on 'Shape': parameter 1 is not of type 'string'.")
	e.Want(`const p = new Shape("a").failLater(); return [p instanceof Promise, await p.catch(e => String(e))]`, `[true,"RangeError: failed"]`)
	e.Want(`return await new Shape("late").later()`, `late`)
}

// A mistake of ours becomes an error that names a place in the log, and the realm
// lives on.
func TestPanicOfAMemberIsAnInternalError(t *testing.T) {
	e := jstest.New(t, shapes)
	for member, logged := range map[string]string{"bug": "assignment to entry in nil map", "text": "on 'Shape': text", "error": "secret"} {
		e.Want(`try { new Shape("a").`+member+`() } catch (e) { return e.message.replace(/= .*/, "") }`, "internal error; reference ")
		if log := e.Log.String(); !strings.Contains(log, logged) || !strings.Contains(log, "Failed to execute '"+member+"' on 'Shape'") || !strings.Contains(log, "class_test.go") {
			t.Errorf("%s: the log does not say what and where:\n%s", member, log)
		}
	}
	e.Want(`return new Shape("alive").name`, "alive")
}

// A spread takes all that an iterator gives in one step of the engine.
func TestIteratorsWithoutEndAreStopped(t *testing.T) {
	e := jstest.NewWith(t, jstest.Options{Modules: []bind.Module{shapes}, Limits: isolate.Limits{Turn: 100 * time.Millisecond}})
	began := time.Now()
	if out, err := e.Eval(`return [...new Shape("a".repeat(1e7)).each()].length`); err == nil {
		t.Errorf("it ended with %s", out)
	}
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("it was stopped after %v", d)
	}
}

func TestIterators(t *testing.T) {
	e := jstest.New(t, shapes)
	e.Want(`const s = new Shape("abc"); return [[...s], [...s.each()], Array.from(s).length, s[Symbol.iterator] === s.each]`, `[["a","b","c"],["a","b","c"],3,true]`)
	e.Want(`const i = new Shape("a").each(); return [i.next(), i.next(), i.next(), i[Symbol.iterator]() === i, Object.prototype.toString.call(i)]`,
		`[{"value":"a","done":false},{"done":true},{"done":true},true,"[object Letters Iterator]"]`)
	e.Want(`const i = new Shape("a").each(), p = Object.getPrototypeOf(i);
		return [Object.getPrototypeOf(p) === Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())), Object.getOwnPropertyNames(p), p === Object.getPrototypeOf(new Shape("b").each())]`,
		`[true,["next"],true]`)
	e.WantError(`new Shape("a").each().next.call({})`, "TypeError: Illegal invocation: function called with incorrect `this` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.")
}

func TestValueOf(t *testing.T) {
	e := jstest.New(t, shapes)
	e.OnLoop(func() {
		err := e.Realm.Run(nil, func(js *isolate.JS) {
			obj := circleClass.Wrap(js, &circle{radius: 5})
			if v, class, ok := bind.ValueOf(js, obj); !ok || class != "Circle" || v.(*circle).radius != 5 {
				t.Errorf("%v, %s, %v", v, class, ok)
			}
			if s, ok := shapeClass.Unwrap(js, obj); !ok || s == nil {
				t.Error("a circle is no shape")
			}
			for _, v := range []goja.Value{js.Runtime().NewObject(), goja.Null(), goja.Undefined(), js.Runtime().ToValue(1)} {
				if _, ok := shapeClass.Unwrap(js, v); ok {
					t.Errorf("%v is a shape", v)
				}
			}
			if _, _, ok := bind.ValueOf(js, js.Runtime().NewObject()); ok {
				t.Error("a plain object has a Go value")
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Methods of Captured classes throw at once where a realm asks for it.
func TestCapturedMethods(t *testing.T) {
	type door struct{}
	fail := func(*door, *bind.Call) (any, error) { return nil, exception.RangeErrorf("no") }
	class := func(name string, captured bool) *bind.Class[door] {
		return &bind.Class[door]{
			Name: name, New: func(*bind.Call) (*door, error) { return &door{}, nil },
			Captured: captured, Async: map[string]bind.Method[door]{"open": fail},
		}
	}
	for _, throws := range []bool{false, true} {
		e := jstest.New(t, bind.Module{
			Name: "doors", Globals: []bind.Global{class("Old", true), class("New", false)},
			Setup: func(js *isolate.JS) error {
				if throws {
					bind.ThrowUncaptured(js)
				}
				return nil
			},
		})
		how := map[bool]string{false: "rejects", true: "throws"}[throws]
		e.Want(`const how = d => { try { return d.open().then(() => "no", e => "rejects " + e.name); } catch (e) { return "throws " + e.name; } };
			return [await how(new Old()), await how(new New())].join()`, how+" RangeError,rejects RangeError")
	}
}
