package bind_test

import (
	"testing"

	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

type parcel struct{ weight float64 }

var parcelClass = &bind.Class[parcel]{
	Name:    "Parcel",
	Lengths: map[string]int{"constructor": 2, "send": 1, "open": 3, "of": 1},
	New:     func(*bind.Call) (*parcel, error) { return &parcel{}, nil },
	Getters: map[string]bind.Getter[parcel]{
		"weight":  func(p *parcel, _ *bind.Call) (any, error) { return p.weight, nil },
		"arrived": func(_ *parcel, c *bind.Call) (any, error) { return c.JS().Resolved(nil), nil },
	},
	Promises: []string{"arrived"},
	Setters:  map[string]bind.Setter[parcel]{"weight": func(p *parcel, c *bind.Call) error { return c.Unpack("weight", &p.weight) }},
	Methods: map[string]bind.Method[parcel]{
		"send": func(*parcel, *bind.Call) (any, error) { return nil, nil },
		"drop": func(*parcel, *bind.Call) (any, error) { return nil, nil },
	},
	Async:   map[string]bind.Method[parcel]{"open": func(*parcel, *bind.Call) (any, error) { return nil, nil }},
	Statics: map[string]bind.Static{"of": func(*bind.Call) (any, error) { return nil, nil }},
}

// With spec_compliant_property_attributes classes are own properties of globalThis, and
// functions have the lengths of the standards.
func TestSpecCompliantPropertyAttributes(t *testing.T) {
	const lengths = `const d = Object.getOwnPropertyDescriptor(Parcel.prototype, "weight"), p = Parcel.prototype;
		return [Parcel.length, p.send.length, p.drop.length, p.open.length, Parcel.of.length, d.get.length, d.set.length, d.get.name, d.set.name]`
	const where = `const d = Object.getOwnPropertyDescriptor(globalThis, "Parcel"); return [Object.hasOwn(globalThis, "Parcel"), d?.writable, d?.enumerable, d?.configurable, d?.value === Parcel]`
	const replaced = `const was = Parcel; globalThis.Parcel = 1; const now = Parcel; globalThis.Parcel = was; return [now, Parcel === was]`
	module := bind.Module{Name: "test", Globals: []bind.Global{parcelClass}}
	e := jstest.New(t, module)
	e.Want(where, `[false,null,null,null,false]`)
	e.Want(lengths, `[0,0,0,0,0,0,0,"get weight","set weight"]`)
	flags, errs := compat.Parse(compat.Newest, []string{bind.SpecAttributes}, compat.Options{Experimental: true})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	e = jstest.NewWith(t, jstest.Options{Modules: []bind.Module{module}, Compat: flags})
	e.Want(where, `[true,true,false,true,true]`)
	e.Want(lengths, `[2,1,0,3,1,0,1,"get weight","set weight"]`)
	e.Want(replaced, `[1,true]`)
}

// What gives promises throws for a receiver that is no instance, as in workerd, unless
// its class was named to RejectForeign.
func TestForeignReceivers(t *testing.T) {
	const ask = `const f = Object.getOwnPropertyDescriptor(Parcel.prototype, "arrived").get, out = [];
		for (const g of [Parcel.prototype.open, f, Parcel.prototype.send]) {
			try { out.push(await g.call({}).then(() => "ok", (e) => "rejects " + e.name)) } catch (e) { out.push("throws " + e.name) }
		}
		return out`
	e := jstest.New(t, bind.Module{Name: "test", Globals: []bind.Global{parcelClass}})
	e.Want(ask, `["throws TypeError","throws TypeError","throws TypeError"]`)
	e.OnLoop(func() {
		if err := e.Realm.Run(nil, func(js *isolate.JS) { bind.RejectForeign(js, parcelClass) }); err != nil {
			t.Error(err)
		}
	})
	e.Want(ask, `["rejects TypeError","rejects TypeError","throws TypeError"]`)
	e.Want(`return await new Parcel().open() === undefined`, `true`)
}
