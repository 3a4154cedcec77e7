package bind_test

import (
	"testing"

	"workerd.local/internal/jstest"
	"workerd.local/webapi/bind"
)

type point struct{ x float64 }

var pointClass = &bind.Class[point]{
	Name: "Point",
	New: func(c *bind.Call) (*point, error) {
		p := &point{}
		return p, c.Unpack("x?", &p.x)
	},
	Getters: map[string]bind.Getter[point]{"x": func(p *point, _ *bind.Call) (any, error) { return p.x, nil }},
	Setters: map[string]bind.Setter[point]{"x": func(p *point, c *bind.Call) error { return c.Unpack("x", &p.x) }},
	Methods: map[string]bind.Method[point]{"twice": func(p *point, _ *bind.Call) (any, error) { return p.x * 2, nil }},
}

func TestInstances(t *testing.T) {
	e := jstest.New(t, bind.Module{Name: "test", Globals: []bind.Global{pointClass}})
	e.Want(`const p = new Point(3); p.x++; return [p.x, p.twice(), p instanceof Point, String(p)]`, `[4,8,true,"[object Point]"]`)
	e.Want(`class Sub extends Point { #k = 1; extra = 2; constructor() { super(5); } sum() { return this.x + this.#k + this.extra; } } return [new Sub().sum(), new Sub() instanceof Point]`, `[8,true]`)
	e.Want(`const p = new Point(1); p.note = "kept"; p[Symbol.for("s")] = 2; Object.defineProperty(p, "g", { get: () => 7 }); return [p.note, p[Symbol.for("s")], p.g, Object.keys(p)]`, `["kept",2,7,["note"]]`)
	e.Want(`return JSON.stringify(new Point(1))`, `{}`)
}

// What looks like an instance is none: neither a copy, nor an heir, nor a proxy.
func TestBrandCannotBeCopied(t *testing.T) {
	e := jstest.New(t, bind.Module{Name: "test", Globals: []bind.Global{pointClass}})
	for _, fake := range []string{
		`Object.assign(Object.create(Point.prototype), new Point(1))`,
		`({ ...new Point(1), __proto__: Point.prototype })`,
		`Object.create(new Point(1))`,
		`new Proxy(new Point(1), {})`,
		`Object.create(Point.prototype)`,
		`(() => { let seen; Object.assign(new Proxy({}, { set(target, key, value) { seen = value; return true; } }), new Point(1)); return seen; })()`,
		`({})`,
		`undefined`,
	} {
		e.WantError(`Point.prototype.twice.call(`+fake+`)`, "TypeError: Illegal invocation: function called with incorrect `this` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.")
	}
	e.WantError(`Point()`, "TypeError: Failed to construct 'Point': Please use the 'new' operator, this object constructor cannot be called as a function.")
}
