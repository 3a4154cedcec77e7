package natives

import (
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// Stand-ins.
//
// The engine makes an expression's, a promise's, a generator's prototype when it makes
// the first of them, and asks nobody. So a realm begins with an object of ours in the
// place of each such prototype: it has the names of the engine's, and a template whose
// functions prepare the part. Then the engine makes its own, what that is made of goes
// into our object, and the object is from then on the engine's in all but its address.
//
// The operation that came upon the template ends on what the object was; it shares the
// properties, so it does not matter, except that a name which it deletes would still
// be listed. So a script is given no stand-in: who asks for the prototype of something
// is given it prepared, see reveal.

// standInSpec says which prototype an object stands for.
type standInSpec struct {
	slot   string // the engine's name
	part   realmPart
	class  string   // the global whose prototype it is, if it has a name
	proto  string   // the slot of what it inherits from; Object.prototype
	hidden string   // the slot of what has it as its prototype and no name
	adds   []string // names that the part adds
}

var standInSpecs = []standInSpec{
	{slot: "IteratorPrototype", part: partIterator, adds: []string{"map", "filter", "take", "drop", "flatMap", "reduce",
		"toArray", "forEach", "some", "every", "find"}}, // before those that inherit from it
	{slot: "ArrayIteratorPrototype", part: partArrayIterator, proto: "IteratorPrototype"},
	{slot: "StringIteratorPrototype", part: partStringIterator, proto: "IteratorPrototype"},
	{slot: "GeneratorPrototype", part: partGenerator, proto: "IteratorPrototype"},
	{slot: "GeneratorFunctionPrototype", part: partFunction, proto: "FunctionPrototype", hidden: "GeneratorFunction"},
	{slot: "AsyncFunctionPrototype", part: partFunction, proto: "FunctionPrototype", hidden: "AsyncFunction"},
	{slot: "PromisePrototype", part: partPromise, class: "Promise"},
	{slot: "RegExpPrototype", part: partRegExp, class: "RegExp", adds: []string{"hasIndices", "unicodeSets"}},
	{slot: "ArrayBufferPrototype", part: partArrayBuffer, class: "ArrayBuffer", adds: []string{"resize", "transfer", "transferToFixedLength", "detached", "resizable", "maxByteLength"}},
	{slot: "ErrorPrototype", part: partError, class: "Error"},
	{slot: "SymbolPrototype", part: partSymbol, class: "Symbol"},
}

// engineTemplate is a pointer to a template of the engine's.
type engineTemplate = unsafe.Pointer

// standIn is an object that stands for a prototype.
type standIn struct {
	spec   *standInSpec
	object *goja.Object
	before implementation // what it was
	gone   bool           // it is the engine's
	// its own properties before it became the engine's
	values map[unistring.String]goja.Value
}

// standInTemplates are the templates of stand-ins, in the order of the specs; nil where
// the engine is not as expected.
func standInTemplates() []engineTemplate {
	standIns.once.Do(func() { standIns.templates = makeStandInTemplates() })
	return standIns.templates
}

var standIns struct {
	once      sync.Once
	templates []engineTemplate // set once
}

func makeStandInTemplates() []engineTemplate {
	rt := goja.New()
	if intrinsics == nil || property == nil {
		return nil
	}
	// Makes all of them.
	if _, err := rt.RunString(`[...[""]]; [...""]; (function* () {}); (async () => {})(); [/x/]; new Promise(() => {}); new ArrayBuffer(1); new Error(); Symbol.prototype`); err != nil {
		return nil
	}
	v, err := rt.RunString(`(o) => Reflect.ownKeys(o).map((k) => [k, Object.getOwnPropertyDescriptor(o, k).writable === false])`)
	keysOf, ok := goja.AssertFunction(v)
	if err != nil || !ok {
		return nil
	}
	list := make([]engineTemplate, len(standInSpecs))
	for i, spec := range standInSpecs {
		for _, slot := range []string{spec.slot, spec.proto, spec.hidden, "Error", "GoError"} {
			if slot != "" && intrinsics.slots[slot] == 0 {
				return nil
			}
		}
		o := *intrinsics.slot(rt, spec.slot)
		if o == nil || !isBase(reflect.ValueOf(o).Elem().FieldByName("self").Elem().Type().Elem()) {
			return nil
		}
		keys, err := keysOf(goja.Undefined(), o)
		if err != nil {
			return nil
		}
		list[i] = standInTemplate(i, keys.ToObject(rt), spec.adds)
	}
	return list
}

// standInTemplate makes a template of a list of keys and whether each is read-only.
func standInTemplate(n int, keys *goja.Object, adds []string) engineTemplate {
	of := func(rt *goja.Runtime) *standIn {
		s := &envOf(rt).standIns[n]
		envOf(rt).prepare(s.spec.part)
		return s
	}
	props, symProps := map[unistring.String]factory{}, map[*goja.Symbol]factory{}
	var names []unistring.String
	var symbols []*goja.Symbol
	name := func(key unistring.String) {
		names = append(names, key)
		props[key] = func(rt *goja.Runtime) goja.Value {
			return (*fieldAt[map[unistring.String]goja.Value](*intrinsics.implementation(of(rt).object), intrinsics.values))[key]
		}
	}
	for i := range toLength(keys.Get("length")) {
		pair := keys.Get(itoa(i)).(*goja.Object)
		sym, ok := pair.Get("0").(*goja.Symbol)
		if !ok {
			name(unistring.NewFromString(pair.Get("0").String()))
			continue
		}
		symbols = append(symbols, sym)
		fixed := pair.Get("1").ToBoolean()
		symProps[sym] = func(rt *goja.Runtime) goja.Value {
			s := of(rt)
			p := newProperty(s.object.GetSymbol(sym), !fixed, false)
			if sym == symbols[len(symbols)-1] {
				// The operation that came here goes on with the symbols that it has collected.
				if collected := *fieldAt[unsafe.Pointer](s.before, intrinsics.symbols); collected != nil {
					*fieldAt[unsafe.Pointer](*intrinsics.implementation(s.object), intrinsics.symbols) = collected
				}
			}
			return p
		}
	}
	for _, added := range adds {
		name(unistring.NewFromString(added))
	}
	return intrinsics.newTemplate(names, props, symbols, symProps)
}

// placeStandIns puts the stand-ins in their places.
func (e *env) placeStandIns(templates []engineTemplate) {
	e.standIns = make([]standIn, len(standInSpecs))
	for i := range standInSpecs {
		spec := &standInSpecs[i]
		proto := e.objectProto
		if spec.proto != "" {
			proto = *intrinsics.slot(e.rt, spec.proto)
		}
		o := intrinsics.newTemplated(e.rt, templates[i], proto)
		*intrinsics.slot(e.rt, spec.slot) = o
		e.standIns[i] = standIn{spec: spec, object: o}
	}
}

// swap makes a stand-in what the engine has for it.
func (e *env) swap(s *standIn) error {
	l := intrinsics
	if s.spec.class != "" {
		e.engine(s.spec.class) // it must know the stand-in as its prototype
	}
	slot := l.slot(e.rt, s.spec.slot)
	*slot = nil
	err := e.makeEngines(s.spec.slot)
	made := *slot
	*slot = s.object
	if err != nil {
		return err
	}
	if made == nil {
		return fmt.Errorf("install natives: the engine has made no %s", s.spec.slot)
	}
	old, now := *l.implementation(s.object), *l.implementation(made)
	s.before = old
	before := fieldAt[map[unistring.String]goja.Value](old, l.values)
	values := fieldAt[map[unistring.String]goja.Value](now, l.values)
	s.values = *before
	for name, v := range s.values { // what the template has not
		names := fieldAt[[]unistring.String](now, l.names)
		*names = append(*names, name)
		(*values)[name] = v
	}
	if symbols := fieldAt[unsafe.Pointer](now, l.symbols); *symbols == nil {
		*symbols = *fieldAt[unsafe.Pointer](old, l.symbols)
	}
	if s.spec.hidden != "" {
		owner := *l.implementation(*l.slot(e.rt, s.spec.hidden))
		setValue((*fieldAt[map[unistring.String]goja.Value](owner, l.values))["prototype"], s.object)
	}
	*fieldAt[*goja.Object](now, l.prototype) = *fieldAt[*goja.Object](old, l.prototype)
	*fieldAt[bool](now, l.extensible) = *fieldAt[bool](old, l.extensible)
	*fieldAt[*goja.Object](now, l.val) = s.object
	*before = *values // who is in the middle of an operation shares them
	*l.implementation(s.object) = now
	s.gone = true
	return nil
}

// withdraw undoes swap.
func (s *standIn) withdraw() {
	*fieldAt[map[unistring.String]goja.Value](s.before, intrinsics.values) = s.values
	*intrinsics.implementation(s.object) = s.before
	s.gone = false
}

// slotted is the object in a slot of the engine; nil where there is none yet, or the
// engine is not as expected.
func (e *env) slotted(name string) *goja.Object {
	if !e.inParts || intrinsics.slots[name] == 0 {
		return nil
	}
	return *intrinsics.slot(e.rt, name)
}

// reveal prepares an object that a script is about to be given.
func (e *env) reveal(v goja.Value) goja.Value {
	o, ok := v.(*goja.Object)
	if !ok || !e.inParts {
		return v
	}
	for i := range e.standIns {
		if s := &e.standIns[i]; s.object == o {
			e.prepare(s.spec.part)
			return v
		}
	}
	if o == *intrinsics.slot(e.rt, "Error") {
		e.prepare(partError)
	}
	return v
}

// functionsProgram makes the engine have prototypes of functions that have no names.
var functionsProgram = goja.MustCompile("natives", "(function* () {}); (async function () {})", true)

// makeEngines makes the engine have an object in an empty slot. No script runs.
func (e *env) makeEngines(slot string) error {
	call := func(path string, sym *goja.Symbol, name string, this goja.Value) error {
		v, ok := e.own(path, name)
		if sym != nil {
			v, ok = e.ownSymbol(path, sym)
		}
		f, callable := e.callable(v)
		if !ok || !callable {
			return fmt.Errorf("install natives: %s has no %s", path, name)
		}
		f(goja.FunctionCall{This: this})
		return nil
	}
	switch slot {
	case "IteratorPrototype": // what iterators of arrays inherit from
		inherits := intrinsics.slot(e.rt, "ArrayIteratorPrototype")
		kept := *inherits
		*inherits = nil
		defer func() { *inherits = kept }()
		return call("Array.prototype", nil, "keys", e.rt.NewArray())
	case "ArrayIteratorPrototype":
		return call("Array.prototype", nil, "keys", e.rt.NewArray())
	case "StringIteratorPrototype":
		return call("String.prototype", goja.SymIterator, "[Symbol.iterator]", emptyStr)
	case "GeneratorPrototype", "GeneratorFunctionPrototype", "AsyncFunctionPrototype":
		_, err := e.rt.RunProgram(functionsProgram)
		return err
	case "PromisePrototype":
		_, _, _ = e.rt.NewPromise()
	case "RegExpPrototype":
		return call("String.prototype", nil, "search", emptyStr)
	case "ArrayBufferPrototype":
		e.rt.ToValue(e.rt.NewArrayBuffer(nil))
	case "ErrorPrototype": // what the prototype of an error's class inherits from
		class := intrinsics.slot(e.rt, "GoError")
		kept := *class
		*class = nil
		defer func() { *class = kept }()
		e.engine("GoError")
	case "SymbolPrototype":
		goja.SymIterator.ToObject(e.rt)
	}
	return nil
}
