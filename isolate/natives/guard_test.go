package natives

import "testing"

// What is counted behaves as before.
func TestCountedFunctionsKeepTheirSemantics(t *testing.T) {
	for src, want := range map[string]string{
		`[Proxy.name, Proxy.length, typeof Proxy, Proxy.prototype === undefined, typeof Proxy.revocable]`:                                                                    `Proxy,2,function,true,function`,
		`try { Proxy({}, {}) } catch (e) { e.name }`:                                                                                                                         `TypeError`,
		`try { new Proxy(1, {}) } catch (e) { e.name }`:                                                                                                                      `TypeError`,
		`var seen; var p = new Proxy({ a: 1 }, { get(t, k, r) { seen = r === p; return t[k] } }); [p.a, seen]`:                                                               `1,true`,
		`var p = new Proxy(function f(a, b) { return [this === 5, a, b, f.name] }, {}); [p.call(5, 1, 2), p.name, p.length, typeof p]`:                                       `false,1,2,f,f,2,function`,
		`var p = new Proxy(function () { "use strict"; return this }, {}); p.call(5)`:                                                                                        `5`,
		`class A { constructor(x) { this.x = x; this.nt = new.target } } var p = new Proxy(A, {}); var a = new p(3); [a.x, a.nt === p, a.constructor === A, a instanceof A]`: `3,true,true,true`,
		`var got; var p = new Proxy(class {}, { construct(t, args, nt) { got = [args.join(), nt === p]; return {} } }); new p(1, 2); got`:                                    `1,2,true`,
		`var p = new Proxy(() => 1, { apply(t, self, args) { return [self, args.length] } }); p.call("me", 1, 2)`:                                                            `me,2`,
		`class A {} var p = new Proxy(A, {}); class B extends p {} ; new B() instanceof A`:                                                                                   `true`,
		`var r = Proxy.revocable(() => 1, {}); var x = r.proxy(); r.revoke(); try { r.proxy() } catch (e) { [x, e.name] }`:                                                   `1,TypeError`,
		`try { new (new Proxy(() => 1, {}))() } catch (e) { e.name }`:                                                                                                        `TypeError`,
		`Array.isArray(new Proxy([], {}))`: `true`,
		`var f = Math.max.bind(null, 7); [f(1), f(9), f.name, f.length, typeof f, "prototype" in f]`:                                                             `7,9,bound max,1,function,false`,
		`class A { constructor(x) { this.x = x } } var b = A.bind(null, 4); var bb = b.bind(); [new b().x, new bb().x, new bb() instanceof A]`:                   `4,4,true`,
		`var D = Date.bind(null, 0); [new D().getTime(), new D() instanceof Date]`:                                                                               `0,true`,
		`try { new (Math.max.bind())() } catch (e) { e.name }`:                                                                                                   `TypeError`,
		`[..."abc".matchAll(/./g)].length`:                                                                                                                       `3`,
		`["".trim.name, "".trim.length, "".at.length, Object.prototype.toString.call([]), [].toString.name]`:                                                     `trim,0,1,[object Array],toString`,
		`["".trim.call(" a "), "".charCodeAt.call({ toString: () => "A" }, 0)]`:                                                                                  `a,65`,
		`try { "".trim.call(null) } catch (e) { e.name }`:                                                                                                        `TypeError`,
		`function* g(n) { if (n) yield* g(n - 1); yield n } [...g(300)].length`:                                                                                  `301`,
		`[AggregateError.name, new AggregateError([1], "m").errors, AggregateError([], "x") instanceof Error, new AggregateError([]) instanceof AggregateError]`: `AggregateError,1,true,true`,
		`var o = {}; o.__proto__ = new Proxy({ a: 1 }, {}); [o.a, Object.getPrototypeOf(o).a]`:                                                                   `1,1`,
		`var o = {}; Object.setPrototypeOf(o, new Proxy(Object.create(null), { get: (t, k) => k })); o.some`:                                                     `some`,
		`var t = {}, p = new Proxy(t, {}); try { t.__proto__ = p } catch (e) { e.message }`:                                                                      `Cyclic __proto__ value`,
		`var p = {}; for (var i = 0; i < 900; i++) p = new Proxy(p, {}); p.x === undefined`:                                                                      `true`,
		`var f = () => 1; for (var i = 0; i < 900; i++) f = f.bind(); f()`:                                                                                       `1`,
		`({}).__proto__ === Object.prototype`:                                                                                                                    `true`,
	} {
		t.Run(src, func(t *testing.T) {
			v, err := newRuntime(t, Limits{}).RunString(src)
			if err != nil || v.String() != want {
				t.Errorf("got %v, %v, want %s", v, err, want)
			}
		})
	}
}
