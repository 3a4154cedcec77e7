package napa

import (
	"fmt"
	"path/filepath"
	"strconv"
	"unicode/utf16"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/script"
)

// functionStore is the store of the texts of functions, by their hashes.
const functionStore = "__napajs_marshalled_functions"

// hashKey is where a function keeps its hash, so that it is found without reading its
// text. Scripts never see it.
var hashKey = goja.NewSymbol("napa.hash")

// saveFunction puts a function's text where every thread finds it, and returns its hash.
// caller is where the function comes from unless it says so itself. Functions with the
// same text are the same function.
func saveFunction(js *isolate.JS, fn *goja.Object, caller string) (string, error) {
	if v := fn.GetSymbol(hashKey); v != nil {
		if s, ok := v.(goja.String); ok {
			return s.String(), nil
		}
	}
	p, err := placeOf(js)
	if err != nil {
		return "", err
	}
	t := transports.Get(js)
	v, err := js.Call(t.toString, fn)
	if err != nil {
		return "", err
	}
	body := script.FunctionText(v.String())
	origin := caller
	if v := fn.Get("origin"); v != nil && !goja.IsUndefined(v) && !goja.IsNull(v) {
		origin = v.String()
	} else if caller != "" {
		// A function that is frozen does not learn where it comes from.
		_ = js.Try(func() { _ = fn.Set("origin", caller) })
	}
	hash, known := t.hashes[body]
	if !known {
		hash = functionHash(origin + ":" + body)
		def := js.Runtime().NewObject()
		if err := def.Set("origin", origin); err != nil {
			return "", err
		}
		if err := def.Set("body", body); err != nil {
			return "", err
		}
		payload, err := stringify(js, def, nil)
		if err != nil {
			return "", err
		}
		st, err := p.System.getOrCreate(functionStore, true)
		if err != nil {
			return "", err
		}
		defer st.release()
		if err := st.set(hash, entry{payload: payload}); err != nil {
			return "", err
		}
		t.remember(fn, body, hash)
	}
	_ = fn.DefineDataPropertySymbol(hashKey, js.Runtime().ToValue(hash), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	return hash, nil
}

// mostFunctions bounds the functions that a realm remembers; then it begins anew.
const mostFunctions = 10_000

func (t *transport) remember(fn goja.Value, body, hash string) {
	if len(t.functions) >= mostFunctions {
		clear(t.functions)
		clear(t.hashes)
	}
	t.functions[hash] = fn
	t.hashes[body] = hash
}

// loadFunction is the function with a hash, in this realm.
func loadFunction(js *isolate.JS, hash string) (goja.Value, error) {
	t := transports.Get(js)
	if fn := t.functions[hash]; fn != nil {
		return fn, nil
	}
	p, err := placeOf(js)
	if err != nil {
		return nil, err
	}
	var payload string
	if st := p.System.find(functionStore); st != nil {
		defer st.release()
		e, _ := st.get(hash)
		payload = e.payload
	}
	if payload == "" {
		return nil, exception.Errorf("Function hash cannot be found: %s", hash)
	}
	v, err := js.Call(t.parse, nil, js.Runtime().ToValue(payload))
	if err != nil {
		return nil, err
	}
	def := v.(*goja.Object)
	origin, body := def.Get("origin").String(), def.Get("body").String()
	file := origin
	if file == "" {
		file = filepath.Join(p.Loader.Cwd(), "[function]")
	}
	fn, err := p.Loader.Compile(js, script.HelpersFor(body)+"module.exports = "+body+";", file)
	if err != nil {
		return nil, notAlone(js, body, err)
	}
	obj, ok := fn.(*goja.Object)
	if !ok {
		return nil, exception.Errorf("Function hash cannot be found: %s", hash)
	}
	if err := obj.Set("origin", origin); err != nil {
		return nil, err
	}
	t.remember(obj, body, hash)
	return obj, nil
}

// longestQuoted is how much of a function's text an error shows.
const longestQuoted = 100

// notAlone is what is said where the text of a function is none: the compiler knows nothing of where it comes from.
func notAlone(js *isolate.JS, body string, err error) error {
	if isolate.Uncatchable(err) {
		return err
	}
	e := js.Exception(err)
	if e.ClassName() != "SyntaxError" {
		return err
	}
	if text := []rune(body); len(text) > longestQuoted {
		body = string(text[:longestQuoted]) + "..."
	}
	return exception.New("SyntaxError", fmt.Sprintf(
		"The text of the function does not stand for itself, like those of methods and of native functions: %s (%s)", body, e.Message))
}

// functionHash is DJB2 with xor over the UTF-16 units of a text, in hex.
func functionHash(text string) string {
	h := uint32(5381)
	for _, u := range utf16.Encode([]rune(text)) {
		h = h*33 ^ uint32(u)
	}
	return strconv.FormatUint(uint64(h), 16)
}
