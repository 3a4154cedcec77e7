package nodetest_test

import (
	"testing"

	"workerd.local/internal/jstest"
	"workerd.local/webapi/node"
)

const imports = `const { mock, MockTracker } = await import("node:test");
	const tell = (f) => { try { return f() } catch (e) { return [e.name, e.code].join() } };
`

func TestMockFunctions(t *testing.T) {
	e := jstest.New(t, node.Module)
	for source, want := range map[string]string{
		`const f = mock.fn(); return [f(1), f.mock.callCount(), f.mock.calls[0].arguments, typeof f]`:                                                                     `[null,1,[1],"function"]`,
		`const f = mock.fn((a, b) => a + b); f(1, 2); return [f.mock.calls[0].result, f.length]`:                                                                          `[3,2]`,
		`const f = mock.fn((a) => a, (a) => a * 2); return [f(4), f.mock.calls[0].result]`:                                                                                `[8,8]`,
		`const f = mock.fn(() => { throw new Error("x") }); try { f() } catch {} return [f.mock.calls[0].error.message, f.mock.callCount()]`:                              `["x",1]`,
		`const f = mock.fn(() => 1); f.mock.mockImplementation(() => 2); return f()`:                                                                                      `2`,
		`const f = mock.fn(() => 1); f.mock.mockImplementationOnce(() => 2); return [f(), f()]`:                                                                           `[2,1]`,
		`const f = mock.fn(() => 1); f.mock.mockImplementationOnce(() => 2, 1); return [f(), f(), f()]`:                                                                   `[1,2,1]`,
		`const f = mock.fn(() => 1, () => 2, { times: 2 }); return [f(), f(), f()]`:                                                                                       `[2,2,1]`,
		`const f = mock.fn(); f(); f.mock.resetCalls(); return f.mock.callCount()`:                                                                                        `0`,
		`const o = { x: 1 }; const f = mock.fn(function () { return this.x }); return [f.call(o), f.mock.calls[0].this === o]`:                                            `[1,true]`,
		`class A { constructor(v) { this.v = v } } const F = mock.fn(A); return [new F(3).v, F.mock.calls[0].this.v, F.mock.calls[0].target === A, new F() instanceof A]`: `[3,3,true,true]`,
		`const f = mock.fn(); const calls = f.mock.calls; calls.push(1); return f.mock.callCount()`:                                                                       `0`,
		`return tell(() => mock.fn(1))`:                                                          "TypeError,ERR_INVALID_ARG_TYPE",
		`return tell(() => mock.fn(() => 1, 5))`:                                                 "TypeError,ERR_INVALID_ARG_TYPE",
		`return tell(() => mock.fn({ times: 0 }))`:                                               "RangeError,ERR_OUT_OF_RANGE",
		`return tell(() => mock.fn({ times: 1.5 }))`:                                             "RangeError,ERR_OUT_OF_RANGE",
		`return tell(() => mock.fn().mock.mockImplementation())`:                                 "TypeError,ERR_INVALID_ARG_TYPE",
		`const f = mock.fn(); f(); return tell(() => f.mock.mockImplementationOnce(() => 1, 0))`: "RangeError,ERR_OUT_OF_RANGE",
	} {
		e.Want(imports+source, want)
	}
}

func TestMockMethods(t *testing.T) {
	e := jstest.New(t, node.Module)
	for source, want := range map[string]string{
		`const o = { f(a) { return a + this.x }, x: 1 }; mock.method(o, "f"); return [o.f(2), o.f.mock.callCount()]`:                                                                                 `[3,1]`,
		`const o = { f() { return 1 } }; const f = mock.method(o, "f", () => 2); const was = o.f(); f.mock.restore(); return [was, o.f(), o.f.mock]`:                                                 `[2,1,null]`,
		`class A { f() { return 1 } } const a = new A(); mock.method(a, "f", () => 2); const was = [a.f(), Object.hasOwn(a, "f")]; mock.restoreAll(); return [...was, a.f(), Object.hasOwn(a, "f")]`: `[2,true,1,true]`,
		`const o = { get v() { return 1 } }; const g = mock.getter(o, "v", () => 2); return [o.v, g.mock.callCount()]`:                                                                               `[2,1]`,
		`let seen; const o = { set v(x) { seen = x } }; const s = mock.setter(o, "v"); o.v = 5; return [seen, s.mock.calls[0].arguments]`:                                                            `[5,[5]]`,
		`const m = new MockTracker(); const o = { f: () => 1 }; m.method(o, "f", () => 2); m.reset(); return o.f()`:                                                                                  `1`,
		`const o = {}; return tell(() => mock.method(o, "f"))`:                                                                                                                                       "TypeError,ERR_INVALID_ARG_VALUE",
		`return tell(() => mock.method(1, "f"))`:                                           "TypeError,ERR_INVALID_ARG_TYPE",
		`return tell(() => mock.method({ f() {} }, 5))`:                                    "TypeError,ERR_INVALID_ARG_TYPE",
		`return tell(() => mock.method({ f() {} }, "f", { getter: true, setter: true }))`:  "TypeError,ERR_INVALID_ARG_VALUE",
		`return tell(() => mock.getter({ get f() { return 1 } }, "f", { getter: false }))`: "TypeError,ERR_INVALID_ARG_VALUE",
	} {
		e.Want(imports+source, want)
	}
}
