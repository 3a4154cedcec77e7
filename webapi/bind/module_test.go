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
		`const d = (one, Object.getOwnPropertyDescriptor(globalThis, "one")); return [d.enumerable, d.configurable, d.writable]`: {"[false,true,true]", 1},
		`for (const k in globalThis) return k; return "none"`:                                                                    {"none", 0},
		`return Object.keys(globalThis)`:                                                                                         {"[]", 0},
		`globalThis.one = 1; return one`:                                                                                         {"1", 0},
		`one; one = 2; return globalThis.one`:                                                                                    {"2", 1},
		`return Reflect.set(globalThis, "one", 3) && one`:                                                                        {"3", 0},
		`Object.defineProperty(globalThis, "one", { get: () => 4 }); return one`:                                                 {"4", 0},
		`const o = Object.create(globalThis); o.one = 5; return [o.one, one[0]]`:                                                 {`[5,"one"]`, 1},
		`const o = Object.create(globalThis); return o.one === one`:                                                              {"true", 1},
		`one; delete globalThis.one; return typeof one`:                                                                          {"undefined", 1},
		`Object.freeze(globalThis); return [one === one, typeof fn, "one" in globalThis, globalThis.one[0]]`:                     {`[true,"function",true,"one"]`, 1},
		`return [fn.name, fn.length, fn(1, 2, 3), String(space), Object.keys(space)]`:                                            {`["fn",2,3,"[object space]",["fail"]]`, 0},
		`return globalThis instanceof Object && Object.prototype.toString.call(globalThis)`:                                      {"[object global]", 0},
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
