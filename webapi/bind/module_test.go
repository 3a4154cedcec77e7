package bind_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/webapi/bind"
)

// lazy returns a module with globals that count how often they are made.
func lazy(made map[string]int) bind.Module {
	variable := func(name string) bind.Global {
		return bind.Var{Name: name, Make: func(js *isolate.JS) (goja.Value, error) {
			made[name]++
			return js.Runtime().NewArray(name), nil
		}}
	}
	return bind.Module{Name: "lazy", Globals: []bind.Global{variable("one"), variable("two"), pointClass,
		bind.Func{Name: "fn", Length: 2, Call: func(c *bind.Call) (any, error) { return c.Len(), nil }},
		bind.Object{Name: "space", Methods: map[string]bind.Static{"fail": func(c *bind.Call) (any, error) { return nil, c.TypeError("no") }}},
	}}
}

func TestGlobalsAreMadeAtTheirFirstUse(t *testing.T) {
	for source, c := range map[string]struct {
		want string
		made int
	}{
		`return 1`:                                  {"1", 0},
		`return one[0] + typeof one`:                {"oneobject", 1},
		`return typeof one`:                         {"object", 1},
		`return one === globalThis.one`:             {"true", 1},
		`return "one" in globalThis`:                {"true", 0},
		`const { one } = globalThis; return one[0]`: {"one", 1},
		`return Reflect.has(globalThis, "one") && !("three" in globalThis)`: {"true", 0},
		`return typeof three`: {"undefined", 0},
		`for (const k in globalThis) if (k === "one" || k === "two" || k === "fn") return k; return "none"`: {"one", 0},
		`return Object.keys(globalThis)`:                                                                     {"[]", 0},
		`globalThis.one = 1; return one`:                                                                     {"1", 0},
		`return Reflect.set(globalThis, "one", 3) && one`:                                                    {"3", 0},
		`Object.defineProperty(globalThis, "one", { get: () => 4 }); return one`:                             {"4", 0},
		`const o = Object.create(globalThis); o.one = 5; return [o.one, one[0]]`:                             {`[5,"one"]`, 1},
		`const o = Object.create(globalThis); return o.one === one`:                                          {"true", 1},
		`Object.freeze(globalThis); return [one === one, typeof fn, "one" in globalThis, globalThis.one[0]]`: {`[true,"function",true,"one"]`, 1},
		`return [fn.name, fn.length, fn(1, 2, 3), String(space), Object.keys(space)]`:                        {`["fn",2,3,"[object space]",["fail"]]`, 0},
		`return globalThis instanceof Object && Object.prototype.toString.call(globalThis)`:                  {"[object global]", 0},
	} {
		made := map[string]int{}
		e := jstest.New(t, lazy(made))
		if strings.Contains(source, "toString.call(globalThis)") {
			if _, err := e.Eval(source); err != nil {
				t.Errorf("%s: %v", source, err)
			}
			continue
		}
		e.Want(source, c.want)
		if made["one"] != c.made || made["two"] != 0 {
			t.Errorf("%s: made %v", source, made)
		}
	}
	jstest.New(t, lazy(map[string]int{})).WantError(`space.fail()`, "TypeError: Failed to execute 'fail' on 'space': no")
}

// Most globals are properties of what globalThis inherits from, as in workerd; a
// script can neither tell whether one was made already nor find our symbols.
func TestGlobalsAreDataPropertiesOfThePrototype(t *testing.T) {
	module := lazy(map[string]int{})
	module.Globals = append(module.Globals, bind.Own(bind.Var{Name: "mine", Make: func(js *isolate.JS) (goja.Value, error) {
		return js.Runtime().NewArray("mine"), nil
	}}, true), bind.Own(bind.Var{Name: "quiet", Make: func(js *isolate.JS) (goja.Value, error) { return js.Runtime().ToValue(1), nil }}, false))
	const p = `const P = Object.getPrototypeOf(globalThis); const f = (o, k) => { const d = Object.getOwnPropertyDescriptor(o, k); return d && Object.keys(d).filter((x) => d[x] === true).join() + " " + typeof d.value }; `
	for source, want := range map[string]string{
		`return [Object.hasOwn(globalThis, "one"), Object.hasOwn(P, "one"), f(globalThis, "one"), f(P, "one")]`: `[false,true,null,"writable,enumerable,configurable object"]`,
		`one; return [Object.hasOwn(globalThis, "one"), f(P, "one")]`:                                           `[false,"writable,enumerable,configurable object"]`,
		`return [delete globalThis.one, one[0], Reflect.deleteProperty(globalThis, "one"), one[0]]`:             `[true,"one",true,"one"]`,
		`return [delete P.one, typeof one, "one" in globalThis, Object.getOwnPropertyNames(P).includes("one")]`: `[true,"undefined",false,false]`,
		`one; return [delete P.one, typeof one, "one" in globalThis]`:                                           `[true,"undefined",false]`,
		`return Object.keys(P)`:                                                  `["one","two","Point","fn","space"]`,
		`two; P.late = 1; return Object.keys(P)`:                                 `["one","two","Point","fn","space","late"]`,
		`return Object.keys(Object.getOwnPropertyDescriptors(P))`:                `["one","two","Point","fn","space"]`,
		`P.one = 7; return [one, f(P, "one"), Object.hasOwn(globalThis, "one")]`: `[7,"writable,enumerable,configurable number",false]`,
		`Object.defineProperty(P, "one", { value: 8 }); return f(P, "one")`:      `writable,enumerable,configurable number`,
		`P.extra = 9; return extra`:                                              `9`,
		`try { one = 1 } catch (e) { return String(e) }`:                         `ReferenceError: one is not defined`,
		`try { nothing } catch (e) { return String(e) }`:                         `ReferenceError: nothing is not defined`,
		`return [globalThis.__proto__ === P, globalThis.hasOwnProperty("one"), globalThis.propertyIsEnumerable("mine")]`:                                                                                                       `[true,false,true]`,
		`const o = {}; Object.setPrototypeOf(P, { below: 1 }); return [below, one[0], Object.getPrototypeOf(P).below]`:                                                                                                         `[1,"one",1]`,
		`return [f(globalThis, "mine"), f(globalThis, "quiet"), mine[0], f(globalThis, "mine")]`:                                                                                                                               `["writable,enumerable,configurable object","writable,configurable number","mine","writable,enumerable,configurable object"]`,
		`return Reflect.getOwnPropertyDescriptor(globalThis, "mine").value[0]`:                                                                                                                                                 `mine`,
		`return [Object.getOwnPropertyDescriptors(globalThis).mine.value[0], typeof globalThis.__lookupGetter__("mine")]`:                                                                                                      `["mine","undefined"]`,
		`return [Object.keys(globalThis), Object.entries(globalThis)[0][1][0], { ...globalThis }.mine[0]]`:                                                                                                                     `[["mine"],"mine","mine"]`,
		`mine = 1; return [mine, f(globalThis, "mine")]`:                                                                                                                                                                       `[1,"writable,enumerable,configurable number"]`,
		`return [delete globalThis.mine, typeof mine, Object.hasOwn(globalThis, "mine")]`:                                                                                                                                      `[true,"undefined",false]`,
		`Object.defineProperty(globalThis, "mine", { value: 2 }); return f(globalThis, "mine")`:                                                                                                                                `writable,enumerable,configurable number`,
		`Object.defineProperties(globalThis, { mine: { enumerable: false } }); return [mine[0], f(globalThis, "mine")]`:                                                                                                        `["mine","writable,configurable object"]`,
		`Object.freeze(globalThis); return [f(globalThis, "mine"), f(globalThis, "quiet"), mine[0]]`:                                                                                                                           `["enumerable object"," number","mine"]`,
		`const o = Object.create(globalThis); o.mine = 3; return [o.mine, mine[0], Object.hasOwn(o, "mine")]`:                                                                                                                  `[3,"mine",true]`,
		`return [Object.getOwnPropertySymbols(globalThis).length, Reflect.ownKeys(globalThis).filter((k) => String(k).includes("workerd"))]`:                                                                                   `[1,[]]`,
		`const x = new Point(1); return [Object.getOwnPropertySymbols(x).length, Reflect.ownKeys(x), Object.getOwnPropertySymbols(Object.getOwnPropertyDescriptors(x)).length, Object.getOwnPropertySymbols({ ...x }).length]`: `[0,[],0,0]`,
		`const x = new Point(1), s = Symbol("kept"); x[s] = 1; x.a = 2; return [Object.getOwnPropertySymbols(x)[0] === s, Reflect.ownKeys(x).length]`:                                                                          `[true,2]`,
		`const r = /\p{L}/v; return [Object.getOwnPropertySymbols(r).length, Reflect.ownKeys(r)]`:                                                                                                                              `[0,["lastIndex"]]`,
	} {
		jstest.New(t, module).Want(p+source, want)
	}
}

// Names that a classic script declares are its own.
func TestScriptsShadowGlobals(t *testing.T) {
	for source, want := range map[string]string{
		`function one() {} typeof one`:       "function",
		`let one = 5; one`:                   "5",
		`const one = 6; one`:                 "6",
		`class Point {} typeof Point`:        "function",
		`var one = 7; globalThis.one`:        "7",
		`one = 8; globalThis.one`:            "8",
		`(function (one) { return one })(9)`: "9",
		`typeof one + one`:                   "objectone",
	} {
		e := jstest.New(t, lazy(map[string]int{}))
		e.OnLoop(func() {
			err := e.Realm.Run(nil, func(js *isolate.JS) {
				p, err := script.CompileText("classic.js", source)
				if err != nil {
					t.Fatal(err)
				}
				v, err := js.Runtime().RunProgram(p)
				if err != nil || v.String() != want {
					t.Errorf("%s: %v, %v", source, v, err)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestInstallRefusesTwoGlobalsOfOneName(t *testing.T) {
	iso := isolate.New(isolate.Options{})
	for want, modules := range map[string][]bind.Module{
		"module b: the global one exists already":   {{Name: "a", Globals: []bind.Global{bind.Func{Name: "one"}}}, {Name: "b", Globals: []bind.Global{bind.Func{Name: "one"}}}},
		"module c: the global Point exists already": {{Name: "c", Globals: []bind.Global{pointClass, bind.Var{Name: "Point"}}}},
		"module d: broken":                          {{Name: "d", Setup: func(*isolate.JS) error { return errors.New("broken") }}},
	} {
		_, err := iso.NewRealm(isolate.RealmOptions{Setup: []func(*isolate.JS) error{func(js *isolate.JS) error { return bind.Install(js, modules) }}})
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestSetupSeesTheGlobalsOfLaterModules(t *testing.T) {
	var got string
	e := jstest.New(t, bind.Module{Name: "first", Setup: func(js *isolate.JS) error {
		got = js.Runtime().Get("one").String()
		return nil
	}}, lazy(map[string]int{}))
	if got != "one" {
		t.Errorf("got %q", got)
	}
	e.Want(`return one[0]`, "one")
}

func TestGlobalThatCannotBeMadeThrows(t *testing.T) {
	e := jstest.New(t, bind.Module{Name: "bad", Globals: []bind.Global{bind.Var{Name: "bad", Make: func(*isolate.JS) (goja.Value, error) { return nil, errors.New("reason") }}}})
	e.Want(`try { bad } catch (e) { return e.message.replace(/= .*/, "") }`, "internal error; reference ")
	if log := e.Log.String(); !strings.Contains(log, "global bad: reason") {
		t.Errorf("log:\n%s", log)
	}
}

// Classes and functions of two realms are strangers.
func TestRealmsHaveClassesOfTheirOwn(t *testing.T) {
	e := jstest.New(t, lazy(map[string]int{}))
	e.OnLoop(func() {
		second, err := e.Isolate.NewRealm(isolate.RealmOptions{Setup: []func(*isolate.JS) error{func(js *isolate.JS) error {
			return bind.Install(js, []bind.Module{lazy(map[string]int{})})
		}}})
		if err != nil {
			t.Error(err)
			return
		}
		var first *goja.Object
		_ = e.Realm.Run(nil, func(js *isolate.JS) { first = pointClass.Constructor(js) })
		_ = second.Run(nil, func(js *isolate.JS) {
			if pointClass.Constructor(js) == first || pointClass.Prototype(js) == nil {
				t.Error("a class is shared")
			}
		})
	})
}

// Realms that share what is known of the modules do not share what scripts do to globals.
func TestInstallerOfTwoRealms(t *testing.T) {
	fn := func(name string) bind.Func {
		return bind.Func{Name: name, Call: func(*bind.Call) (any, error) { return name, nil }}
	}
	in := bind.NewInstaller([]bind.Module{{Name: "two", Globals: []bind.Global{fn("one"), fn("other"), bind.Own(fn("mine"), true)}}}, func(string) bool { return false })
	const look = `const p = Object.getPrototypeOf(globalThis); return [Object.keys(p).join(), typeof one, typeof other, typeof mine].join(" ")`
	for _, c := range []struct{ src, want string }{
		{look, "one,other function function function"},
		{`{ const p = Object.getPrototypeOf(globalThis); delete p.one; p.more = 5; p.other = 6; } ` + look, "other,more undefined number function"},
		{look, "one,other function function function"},
		{`one(); delete globalThis.mine; delete Object.getPrototypeOf(globalThis).one; ` + look, "other undefined function undefined"},
		{look, "one,other function function function"},
	} {
		jstest.New(t, bind.Module{Name: "setup", Setup: in.Install}).Want(c.src, c.want)
	}
}
