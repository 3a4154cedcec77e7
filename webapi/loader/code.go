package loader

import (
	"errors"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/compat"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/rpc"
	"workerd.local/webapi/wasm"
)

// reader reads the dictionaries of code; their members are read in the order of their
// names, as workerd does.
type reader struct {
	js *isolate.JS
}

// readCode reads a WorkerCode.
func readCode(js *isolate.JS, v goja.Value) (*Code, error) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, exception.TypeErrorf("Incorrect type for Promise: the Promise did not resolve to 'WorkerCode'.")
	}
	r := &reader{js}
	fields := map[string]goja.Value{}
	for _, name := range []string{"allowExperimental", "compatibilityDate", "compatibilityFlags", "env", "globalOutbound", "limits", "mainModule", "modules", "streamingTails", "tails"} {
		var err error
		if fields[name], err = r.get(obj, name); err != nil {
			return nil, err
		}
	}
	code := &Code{}
	date, main := "", ""
	for _, field := range []struct {
		name string
		to   *string
	}{{"compatibilityDate", &date}, {"mainModule", &main}} {
		if fields[field.name] == nil {
			return nil, incorrect(field.name, "WorkerCode", "string")
		}
		var err error
		if *field.to, err = r.text(fields[field.name]); err != nil {
			return nil, err
		}
	}
	experimental := fields["allowExperimental"] != nil && fields["allowExperimental"].ToBoolean()
	if err := r.modules(code, fields["modules"], main); err != nil {
		return nil, err
	}
	if err := r.flags(code, date, fields["compatibilityFlags"], experimental); err != nil {
		return nil, err
	}
	var err error
	if code.CPUMillis, err = readLimits(js, fields["limits"], "WorkerCode"); err != nil {
		return nil, err
	}
	if err := r.env(code, fields["env"]); err != nil {
		return nil, err
	}
	if err := r.outbound(code, fields["globalOutbound"]); err != nil {
		return nil, err
	}
	if code.Tails, err = r.services(fields["tails"], "tails"); err != nil {
		return nil, err
	}
	if fields["streamingTails"] != nil && !experimental {
		return nil, exception.Errorf("Streaming tail workers are experimental. You must pass the option 'allowExperimental: true' to the worker loader to use them")
	}
	code.StreamingTails, err = r.services(fields["streamingTails"], "streamingTails")
	return code, err
}

// get is a member; nil where it is undefined.
func (r *reader) get(obj *goja.Object, name string) (v goja.Value, err error) {
	err = r.js.Try(func() { v = obj.Get(name) })
	if v != nil && goja.IsUndefined(v) {
		v = nil
	}
	return v, err
}

func (r *reader) text(v goja.Value) (s string, err error) {
	err = r.js.Try(func() { s = v.String() })
	return s, err
}

func incorrect(field, dictionary, want string) error {
	return exception.TypeErrorf("Incorrect type for the '%s' field on '%s': the provided value is not of type '%s'.", field, dictionary, want)
}

// readLimits reads ResourceLimits; of them only cpuMs has an effect.
func readLimits(js *isolate.JS, v goja.Value, dictionary string) (cpuMillis float64, err error) {
	if v == nil || goja.IsUndefined(v) {
		return 0, nil
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return 0, incorrect("limits", dictionary, "ResourceLimits")
	}
	r := &reader{js}
	cpu, err := r.get(obj, "cpuMs")
	if err != nil || cpu == nil {
		return 0, err
	}
	err = js.Try(func() { cpuMillis = cpu.ToFloat() })
	if err == nil && !(cpuMillis > 0) {
		err = exception.TypeErrorf("The limit 'cpuMs' must be a positive number of milliseconds.")
	}
	return cpuMillis, err
}

func (r *reader) flags(code *Code, date string, list goja.Value, experimental bool) error {
	if experimental && !r.js.Compat().Has("experimental") {
		return exception.Errorf("'allowExperimental' is only allowed when the calling worker has the 'experimental' compat flag set.")
	}
	var flags []string
	if list != nil {
		obj, ok := list.(*goja.Object)
		if !ok || obj.ClassName() != "Array" {
			return incorrect("compatibilityFlags", "WorkerCode", "Array")
		}
		if err := r.each(obj, func(v goja.Value) error {
			s, err := r.text(v)
			flags = append(flags, s)
			return err
		}); err != nil {
			return err
		}
	}
	var errs []error
	code.Compat, errs = compat.Parse(date, flags, compat.Options{Experimental: experimental})
	if len(errs) > 0 {
		return exception.Errorf("%s", errs[0].Error())
	}
	return nil
}

// maxListed bounds a list in code.
const maxListed = 10_000

// each calls fn for the items of an array.
func (r *reader) each(array *goja.Object, fn func(v goja.Value) error) error {
	n := 0
	if err := r.js.Try(func() { n = int(array.Get("length").ToInteger()) }); err != nil {
		return err
	}
	if n > maxListed {
		return exception.Errorf("A list of a dynamic worker's code has %d items: at most %d are allowed.", n, maxListed)
	}
	for i := range n {
		var v goja.Value
		if err := r.js.Try(func() {
			if v = array.Get(r.js.Runtime().ToValue(i).String()); v == nil {
				v = goja.Undefined()
			}
		}); err != nil {
			return err
		}
		if err := fn(v); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) env(code *Code, v goja.Value) error {
	if v == nil {
		return nil
	}
	if _, ok := v.(*goja.Object); !ok {
		return incorrect("env", "WorkerCode", "object")
	}
	p, err := rpc.WriteProps(r.js, v)
	if err != nil {
		return err
	}
	if most := limits.LoaderEnv.In(r.js.Bounds()); len(p.Data) > most {
		p.Release()
		return exception.Errorf("Dynamic Worker env size (%d bytes) exceeds the maximum allowed size of %d bytes.", len(p.Data), most)
	}
	code.Env = p
	return nil
}

func (r *reader) outbound(code *Code, v goja.Value) error {
	switch {
	case v == nil:
		code.Outbound = fetch.Outbound(r.js)
	case goja.IsNull(v):
		code.Outbound = Blocked{}
	default:
		s, err := r.service(v, "globalOutbound")
		if err != nil {
			return err
		}
		code.Outbound = s
	}
	return nil
}

func (r *reader) service(v goja.Value, field string) (event.Service, error) {
	f, ok := fetch.Fetcher.Unwrap(r.js, v)
	if !ok {
		return nil, incorrect(field, "WorkerCode", "Fetcher")
	}
	if err := f.CheckTransfer(); err != nil {
		return nil, err
	}
	return f.Service, nil
}

func (r *reader) services(v goja.Value, field string) (list []event.Service, err error) {
	if v == nil {
		return nil, nil
	}
	obj, ok := v.(*goja.Object)
	if !ok || obj.ClassName() != "Array" {
		return nil, incorrect(field, "WorkerCode", "Array")
	}
	err = r.each(obj, func(v goja.Value) error {
		s, err := r.service(v, field)
		list = append(list, s)
		return err
	})
	return list, err
}

// modules reads the modules, the main one first.
func (r *reader) modules(code *Code, v goja.Value, main string) error {
	obj, ok := v.(*goja.Object)
	if !ok {
		return incorrect("modules", "WorkerCode", "object")
	}
	var names []string
	if err := r.js.Try(func() { names = obj.Keys() }); err != nil {
		return err
	}
	if len(names) == 0 {
		return exception.TypeErrorf("Dynamic Worker code must contain at least one module.")
	}
	found, total := -1, 0
	for _, name := range names {
		content, err := r.get(obj, name)
		if err != nil {
			return err
		}
		m, err := r.module(name, content)
		if err != nil {
			return err
		}
		if name == main {
			found = len(code.Modules)
		}
		total += len(m.Content)
		code.Modules = append(code.Modules, m)
	}
	if most := limits.LoaderCode.In(r.js.Bounds()); total > most {
		return exception.Errorf("Dynamic Worker code size (%d bytes) exceeds the maximum allowed size of %d bytes.", total, most)
	}
	if found < 0 {
		return exception.Errorf("No such module %q.", main)
	}
	list := code.Modules
	list[0], list[found] = list[found], list[0]
	return nil
}

// errPython is for modules that nothing here can run.
var errPython = errors.New("python")

func (r *reader) module(name string, v goja.Value) (script.Module, error) {
	if bytes, ok := wasm.Source(r.js, v); ok {
		return script.Module{Name: name, Kind: script.Wasm, Content: bytes}, nil
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		if v == nil {
			return script.Module{}, incorrect("modules", "WorkerCode", "object")
		}
		text, err := r.text(v)
		if err != nil {
			return script.Module{}, err
		}
		switch {
		case strings.HasSuffix(name, ".js"):
			return script.Module{Name: name, Kind: script.ESModule, Content: []byte(text)}, nil
		case strings.HasSuffix(name, ".py"):
			return script.Module{}, python(name)
		}
		hint := ""
		if strings.HasSuffix(name, ".ts") || strings.HasSuffix(name, ".tsx") || strings.HasSuffix(name, ".jsx") {
			hint = ". If you're trying to load TypeScript, bundle it first with '@cloudflare/worker-bundler' and pass the generated JavaScript modules."
		}
		return script.Module{}, exception.TypeErrorf("Module name must end with '.js' or '.py' (or the content must be an object indicating the type explicitly). Got: %s%s", name, hint)
	}
	var m script.Module
	given := 0
	for _, field := range []string{"cjs", "data", "js", "json", "py", "text", "wasm"} {
		v, err := r.get(obj, field)
		if err != nil {
			return m, err
		}
		if v == nil {
			continue
		}
		given++
		if m, err = r.typed(name, field, v); errors.Is(err, errPython) {
			err = python(name)
		}
		if err != nil {
			return m, err
		}
	}
	if given != 1 {
		return m, exception.TypeErrorf("Each module must contain exactly one of 'js', 'cjs', 'text', 'data', 'json', 'py', or 'wasm'. Module '%s' contained %d properties.", name, given)
	}
	return m, nil
}

func python(name string) error {
	return exception.Errorf("Module %q is a Python module, which this server cannot run.", name)
}

// typed is the module of an object that says its type.
func (r *reader) typed(name, field string, v goja.Value) (m script.Module, err error) {
	m.Name = name
	switch field {
	case "py":
		return m, errPython
	case "data", "wasm":
		m.Kind = script.Data
		if field == "wasm" {
			m.Kind = script.Wasm
			if bytes, ok := wasm.Source(r.js, v); ok {
				m.Content = bytes
				return m, nil
			}
		}
		bytes, ok := bind.Bytes(r.js, v)
		if !ok {
			return m, incorrect(field, "Module", "ArrayBuffer or ArrayBufferView")
		}
		m.Content = append([]byte(nil), bytes...)
		return m, nil
	case "json":
		m.Kind = script.JSON
		json := r.js.Runtime().GlobalObject().Get("JSON").(*goja.Object)
		text, err := r.js.Call(json.Get("stringify"), json, v)
		if err != nil {
			return m, err
		}
		if goja.IsUndefined(text) {
			return m, incorrect(field, "Module", "JSON value")
		}
		m.Content = []byte(text.String())
		return m, nil
	}
	m.Kind = map[string]script.Kind{"js": script.ESModule, "cjs": script.CommonJS, "text": script.Text}[field]
	text, err := r.text(v)
	m.Content = []byte(text)
	return m, err
}
