package core

import (
	"testing"

	"github.com/dop251/goja"

	intrinsics "workerd.local/isolate/natives"
)

// The engine gives each member of internal/base, also to who asks late.
func TestBaseMembersArePristine(t *testing.T) {
	rt := goja.New()
	l, err := intrinsics.Install(rt, intrinsics.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rt.RunString(`var bad = () => { throw 1 };
		(() => {
			const { ownKeys, defineProperty } = Reflect, keys = [];
			const list = [Object, Reflect, Array, Number, Object.prototype, Array.prototype, String.prototype, RegExp.prototype, Function.prototype, Promise, Promise.prototype, Object.getPrototypeOf(Uint8Array.prototype)];
			for (let i = 0; i < list.length; i++) keys[i] = ownKeys(list[i]);
			for (let i = 0; i < list.length; i++)
				for (let j = 0; j < keys[i].length; j++) try { defineProperty(list[i], keys[i][j], { __proto__: null, value: bad }) } catch {}
		})()`); err != nil {
		t.Fatal(err)
	}
	bad := rt.Get("bad")
	check := func(path string) {
		v := l.Pristine(path)
		if _, ok := goja.AssertFunction(v); !ok || v == bad {
			t.Errorf("%s: %v", path, v)
		}
	}
	for _, m := range baseMembers {
		check(m.path)
	}
	for _, path := range baseBound {
		check(path)
	}
}
