package program

import (
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	engine "workerd.local/isolate/natives"
	"workerd.local/script"
	"workerd.local/webapi/bind"
)

// common is CommonJS in one realm. It does what node:module does as long as no script has
// come near that: an instance that nobody looks at closely is cheap. Then the functions of
// js/machine/module.js take over, which scripts can replace one by one, with the same
// cache, the same extensions and the same prototype of modules.
type common struct {
	l          *loader
	proto      *goja.Object // Module.prototype
	cache      *goja.Object // modules by file
	extensions *goja.Object // what loads a file, by the end of its name
	require    *goja.Object // Module.prototype.require; nil until it was made
	maker      goja.Value   // what requireProgram gives; nil until it has run
	inner      *goja.Object // what js/machine/module.js keeps for us; nil until it has run
	whole      bool         // scripts may have js/machine/module.js
	texts      bool         // require compiles a text that it is given after a name
	addons     bool         // extensions has .napa from the beginning
	paths      []string     // NODE_PATH, as it was at first: what all files see

	entry   goja.Value // the file of the program's entry, for process.argv[1]; nil until it is known
	main    goja.Value // the module of the entry; undefined where it has none
	started bool       // main is known
}

// moduleShape is Module.prototype.
var moduleShape = engine.NewLate(slices.Concat(
	engine.LateProperty{}.Named("constructor"),
	engine.LateProperty{Accessor: true}.Named("parent", "isPreloading"),
	engine.LateProperty{Enumerable: true}.Named("load", "require", "_compile"),
)...)

// usual are the extensions that there are without a script's doing; the last one is there
// where addons is set.
var usual = []string{".js", ".json", ".node", ".napa"}

// The shape of require.extensions, and that where napajs is.
var (
	extensionShape     = engine.NewLate(engine.LateProperty{Enumerable: true}.Named(usual[:3]...)...)
	zoneExtensionShape = engine.NewLate(engine.LateProperty{Enumerable: true}.Named(usual...)...)
)

func (c *common) usual() []string {
	if c.addons {
		return usual
	}
	return usual[:3]
}

// napa makes the files of Napa's addons an error that says so; inZone gives require its
// texts.
func (c *common) napa(inZone bool) error {
	c.texts = inZone
	if c.extensions == nil {
		c.addons = true
		return nil
	}
	if c.addons {
		return nil
	}
	return c.extensions.Set(".napa", c.extensions.Get(".node"))
}

// parentKey leads from a module to the one that loaded it first. Scripts never see it.
var parentKey = goja.NewSymbol("workerd.parent")

// prepare makes what modules have in common.
func (c *common) prepare(js *isolate.JS) error {
	if c.proto != nil {
		return nil
	}
	rt, late := js.Runtime(), bind.NewLate(js)
	js.Library().Hide(parentKey)
	c.cache = rt.CreateObject(nil)
	shape := extensionShape
	if c.addons {
		shape = zoneExtensionShape
	}
	c.extensions = late.Object(shape, nil, func(name string) engine.LateValue { return c.extension(js, name) })
	c.proto = late.Object(moduleShape, rt.NewObject().Prototype(), func(name string) engine.LateValue { return c.member(js, name) })
	return late.Fill()
}

// becomeWhole runs js/machine/module.js, if it has not run yet.
func (c *common) becomeWhole(js *isolate.JS) error {
	_, err := nodeModules().Load(js, "node:module")
	return err
}

// of is a function of js/machine/module.js.
func (c *common) of(js *isolate.JS, name string) goja.Value {
	if err := c.becomeWhole(js); err != nil {
		js.Panic(err)
	}
	return c.inner.Get(name)
}

func (c *common) extension(js *isolate.JS, name string) engine.LateValue {
	if name == ".napa" {
		name = ".node"
	}
	return engine.LateValue{Value: c.of(js, "extensions").(*goja.Object).Get(name)}
}

// member is a property of Module.prototype.
func (c *common) member(js *isolate.JS, name string) engine.LateValue {
	switch name {
	case "require":
		v, err := c.makeRequire(js, goja.Undefined())
		if err != nil {
			js.Panic(err)
		}
		c.require = v
		return engine.LateValue{Value: v}
	case "parent":
		get, set := c.of(js, "getParent").(*goja.Object), c.of(js, "setParent").(*goja.Object)
		return engine.LateValue{Get: get, Set: set}
	case "isPreloading":
		return engine.LateValue{Get: c.of(js, name).(*goja.Object)}
	}
	return engine.LateValue{Value: c.of(js, name)}
}

// parentOf is module.parent.
func (c *common) parentOf(module goja.Value) goja.Value {
	m, ok := module.(*goja.Object)
	if !ok {
		return goja.Undefined()
	}
	if v := m.GetSymbol(parentKey); v != nil {
		return v
	}
	return goja.Undefined()
}

func (c *common) setParent(module, parent goja.Value) error {
	if m, ok := module.(*goja.Object); ok {
		return m.DefineDataPropertySymbol(parentKey, parent, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	return nil
}

// adopt makes a module one of another's children, once.
func (c *common) adopt(parent goja.Value, child *goja.Object) error {
	list := c.children(parent)
	if list == nil {
		return nil
	}
	n := list.Get("length").ToInteger()
	for i := range n {
		if child.SameAs(list.Get(itoa(i))) {
			return nil
		}
	}
	return list.Set(itoa(n), child)
}

// forsake takes a module that failed from another's children.
func (c *common) forsake(parent goja.Value, child *goja.Object) error {
	list := c.children(parent)
	if list == nil {
		return nil
	}
	n, gone := list.Get("length").ToInteger(), false
	for i := range n {
		v := list.Get(itoa(i))
		if gone {
			if err := list.Set(itoa(i-1), v); err != nil {
				return err
			}
		}
		gone = gone || child.SameAs(v)
	}
	if gone {
		return list.Set("length", n-1)
	}
	return nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// children are those of a module; nil where it has no list of them.
func (c *common) children(parent goja.Value) *goja.Object {
	if p, ok := parent.(*goja.Object); ok {
		if list, ok := p.Get("children").(*goja.Object); ok && list.ClassName() == "Array" {
			return list
		}
	}
	return nil
}

// newModule is new Module(id, parent).
func (c *common) newModule(js *isolate.JS, id string, parent goja.Value) (*goja.Object, error) {
	if err := c.prepare(js); err != nil {
		return nil, err
	}
	rt := js.Runtime()
	m := rt.CreateObject(c.proto)
	err := errors.Join(
		m.Set("id", id), m.Set("path", dirname(id)), m.Set("exports", rt.NewObject()),
		c.setParent(m, parent), c.adopt(parent, m),
		m.Set("filename", goja.Null()), m.Set("loaded", false), m.Set("children", rt.NewArray()),
	)
	return m, err
}

// moduleOf is a module of a file that nothing keeps.
func (c *common) moduleOf(js *isolate.JS, file string, parent goja.Value) (*goja.Object, error) {
	m, err := c.newModule(js, file, parent)
	if err != nil {
		return nil, err
	}
	return m, errors.Join(m.Set("filename", file), c.setPaths(js, m, file))
}

func (c *common) setPaths(js *isolate.JS, m *goja.Object, file string) error {
	return m.Set("paths", bind.Value(js, modulePaths(dirname(file))))
}

// requireProgram gives the functions require of modules, and Module.prototype.require. They
// are JavaScript, of a file that no stack shows.
var requireProgram = goja.MustCompile("node-internal:machine:require", `((call) => (module) => {
  if (module === undefined) return function (id) { return call(0, this, id); };
  const require = function require(path) { return call(1, module, path, arguments[1]); };
  require.resolve = function resolve(request, options) { return call(2, module, request, options); };
  require.resolve.paths = function paths(request) { return call(3, module, request); };
  return require;
})`, true)

// makeRequire is the function require of a module, or that of all modules.
func (c *common) makeRequire(js *isolate.JS, m goja.Value) (*goja.Object, error) {
	if c.maker == nil {
		v, err := js.Runtime().RunProgram(requireProgram)
		if err != nil {
			return nil, err
		}
		// A name with a slash is on no stack, either.
		call := bind.NewFunction(js, "workerd/require", 0, func(call *bind.Call) (any, error) { return thrown(c.called(call)) })
		if c.maker, err = js.Call(v, nil, call); err != nil {
			return nil, err
		}
	}
	v, err := js.Call(c.maker, nil, m)
	if err != nil {
		return nil, err
	}
	return v.(*goja.Object), nil
}

// called is what the functions of requireProgram do.
func (c *common) called(call *bind.Call) (goja.Value, error) {
	js, m, request, more := call.JS(), call.Arg(1), call.Arg(2), call.Arg(3)
	switch call.Arg(0).ToInteger() {
	case 0:
		return c.load(js, request, m)
	case 1:
		module := m.(*goja.Object)
		if c.texts && isText(request) && isText(more) {
			return c.compileText(js, request, module, more.String())
		}
		if method := module.Get("require"); c.require == nil || !c.require.SameAs(method) {
			return js.Call(method, m, request)
		}
		return c.load(js, request, m)
	case 2:
		if c.whole || !goja.IsUndefined(more) {
			return js.Call(c.of(js, "resolve"), nil, request, m, more)
		}
		if err := checkText(js, "request", request); err != nil {
			return nil, err
		}
		file, err := c.resolve(js, request.String(), m)
		if err != nil {
			return nil, err
		}
		return js.Runtime().ToValue(file), nil
	}
	return js.Call(c.of(js, "lookupPaths"), nil, request, m)
}

// requireOf is the require of a module.
func (c *common) requireOf(js *isolate.JS, m *goja.Object) (*goja.Object, error) {
	require, err := c.makeRequire(js, m)
	if err != nil {
		return nil, err
	}
	return require, errors.Join(require.Set("main", c.mainModule()), require.Set("extensions", c.extensions), require.Set("cache", c.cache))
}

// thrown is what a call gave. What it threw goes on with the place where it was thrown,
// as through a function of the engine.
func thrown(v goja.Value, err error) (goja.Value, error) {
	var ge *goja.Exception
	if err != nil && !isolate.Uncatchable(err) && errors.As(err, &ge) {
		panic(ge)
	}
	return v, err
}

// mainModule is the module of the entry, or undefined.
func (c *common) mainModule() goja.Value {
	if p := c.l.i.process; p != nil {
		if v := p.Get("mainModule"); v != nil {
			return v
		}
		return goja.Undefined()
	}
	if c.main == nil {
		return goja.Undefined()
	}
	return c.main
}

// setMain says what the module of the entry is.
func (c *common) setMain(module goja.Value) error {
	c.started, c.main = true, module
	if p := c.l.i.process; p != nil {
		return p.Set("mainModule", module)
	}
	return nil
}

// setEntry says what the file of the entry is.
func (c *common) setEntry(file goja.Value) error {
	c.entry = file
	p := c.l.i.process
	if p == nil {
		return nil
	}
	if argv, ok := p.Get("argv").(*goja.Object); ok {
		return argv.Set("1", c.entry)
	}
	return nil
}

// processMade tells the object process what it should have heard before it was there.
func (c *common) processMade() error {
	if c.entry != nil {
		if err := c.setEntry(c.entry); err != nil {
			return err
		}
	}
	if c.started {
		return c.setMain(c.main)
	}
	return nil
}

// pathsOf are the directories of NODE_PATH.
func pathsOf(env *environment) (list []string) {
	text, _ := env.get("NODE_PATH")
	for p := range strings.SplitSeq(text, ":") {
		if p != "" {
			list = append(list, p)
		}
	}
	return list
}

// isWhole reports whether scripts may have changed how modules are loaded.
func (c *common) isWhole(js *isolate.JS) bool {
	return c.whole || c.extensions != nil && !js.Library().Untouched(c.extensions)
}

// load is Module.prototype.require.
func (c *common) load(js *isolate.JS, request, parent goja.Value) (goja.Value, error) {
	if err := checkText(js, "id", request); err != nil {
		return nil, err
	}
	if request.String() == "" {
		return nil, coded(js, "ERR_INVALID_ARG_VALUE", "id", request, "must be a non-empty string")
	}
	return c.loadFile(js, request.String(), parent, false)
}

// loadFile is Module._load.
func (c *common) loadFile(js *isolate.JS, request string, parent goja.Value, isMain bool) (goja.Value, error) {
	if c.isWhole(js) {
		rt := js.Runtime()
		return js.Call(c.of(js, "loadFile"), nil, rt.ToValue(request), parent, rt.ToValue(isMain))
	}
	if own, ok := c.l.i.program.builtinName(request); ok && strings.HasPrefix(request, "node:") {
		v, _, err := c.l.i.builtin(js, own)
		return v, err
	}
	file, err := c.resolve(js, request, parent)
	if err != nil {
		return nil, err
	}
	if err := c.prepare(js); err != nil {
		return nil, err
	}
	if cached, ok := c.cache.Get(file).(*goja.Object); ok {
		if err := c.adopt(parent, cached); err != nil {
			return nil, err
		}
		return exportsOf(cached), nil
	}
	if v, ok, err := c.l.i.builtin(js, file); ok || err != nil {
		return v, err
	}
	m, err := c.newModule(js, file, parent)
	if err != nil {
		return nil, err
	}
	if isMain {
		if err := errors.Join(c.setMain(m), m.Set("id", ".")); err != nil {
			return nil, err
		}
	}
	if err := c.cache.Set(file, m); err != nil {
		return nil, err
	}
	done := false
	defer func() {
		if !done {
			// It is as if nobody had asked for it. What it threw is what matters.
			_ = c.cache.Delete(file)
			_ = c.forsake(parent, m)
		}
	}()
	if err := c.fill(js, m, file); err != nil {
		return nil, err
	}
	done = true
	return exportsOf(m), nil
}

// exportsOf is module.exports, which a script may have deleted.
func exportsOf(m *goja.Object) goja.Value {
	if v := m.Get("exports"); v != nil {
		return v
	}
	return goja.Undefined()
}

// fill is Module.prototype.load.
func (c *common) fill(js *isolate.JS, m *goja.Object, file string) error {
	if err := errors.Join(m.Set("filename", file), c.setPaths(js, m, file)); err != nil {
		return err
	}
	if err := c.run(js, m, file); err != nil {
		return err
	}
	return m.Set("loaded", true)
}

// run is what require.extensions do.
func (c *common) run(js *isolate.JS, m *goja.Object, file string) error {
	switch c.extensionOf(file) {
	case ".json":
		return c.runJSON(js, m, file)
	case ".node", ".napa":
		return c.refuse(js, file)
	}
	return c.runSource(js, m, file)
}

// runSource is that of .js.
func (c *common) runSource(js *isolate.JS, m *goja.Object, file string) error {
	format, err := c.l.format(file)
	if err != nil {
		return c.l.thrown(js, err)
	}
	text := ""
	if format != "module" {
		if text, err = c.l.read(js, file); err != nil {
			return c.l.thrown(js, err)
		}
	}
	if format == "module" || format == "" && script.IsModule(text) {
		by := ""
		if parent, ok := c.parentOf(m).(*goja.Object); ok {
			if name := parent.Get("filename"); isText(name) {
				by = name.String()
			}
		}
		v, err := c.l.im.require(js, file, by)
		if err != nil {
			return err
		}
		return m.Set("exports", v)
	}
	return c.compileIn(js, m, text, file)
}

// refuse says that a file is an addon.
func (c *common) refuse(js *isolate.JS, file string) error {
	e, err := js.Construct(js.ErrorClass("Error"), js.Runtime().ToValue(file+": native addons cannot be loaded here"))
	if err == nil {
		err = e.Set("code", "ERR_DLOPEN_FAILED")
	}
	if err == nil {
		err = js.Thrown(e)
	}
	return err
}

func (c *common) runJSON(js *isolate.JS, m *goja.Object, file string) error {
	text, err := c.l.read(js, file)
	if err != nil {
		return c.l.thrown(js, err)
	}
	v, err := js.Call(js.Library().Pristine("JSON.parse"), nil, js.Runtime().ToValue(strings.TrimPrefix(text, "\uFEFF")))
	if err == nil {
		return m.Set("exports", v)
	}
	if e, ok := js.Error(err).(*goja.Object); ok && !isolate.Uncatchable(err) {
		if serr := e.Set("message", file+": "+e.Get("message").String()); serr != nil {
			return serr
		}
	}
	return err
}

// compile is Module.prototype._compile.
func (c *common) compile(js *isolate.JS, m *goja.Object, text, file string) error {
	fn, err := c.l.compile(js, file, text)
	if err != nil {
		return err
	}
	require, err := c.requireOf(js, m)
	if err != nil {
		return err
	}
	rt, exports := js.Runtime(), m.Get("exports")
	_, err = js.Call(fn, exports, exports, require, m, rt.ToValue(file), rt.ToValue(dirname(file)))
	return err
}

// compileText is a module of a text that nothing keeps.
func (c *common) compileText(js *isolate.JS, id goja.Value, parent *goja.Object, text string) (goja.Value, error) {
	if id.String() == "" {
		return nil, coded(js, "ERR_INVALID_ARG_VALUE", "id", id, "must be a non-empty string")
	}
	dir := c.l.i.program.Cwd()
	if file := parent.Get("filename"); isText(file) {
		dir = dirname(file.String())
	}
	at := id.String()
	if !filepath.IsAbs(at) {
		at = filepath.Join(dir, at)
	}
	m, err := c.moduleOf(js, filepath.Clean(at), parent)
	if err != nil {
		return nil, err
	}
	if err := c.compileIn(js, m, text, m.Get("filename").String()); err != nil {
		return nil, err
	}
	return exportsOf(m), m.Set("loaded", true)
}

// compileIn is module._compile: what a script has put there.
func (c *common) compileIn(js *isolate.JS, m *goja.Object, text, file string) error {
	if !c.whole {
		return c.compile(js, m, text, file)
	}
	rt := js.Runtime()
	_, err := js.Call(m.Get("_compile"), m, rt.ToValue(text), rt.ToValue(file), rt.ToValue("commonjs"))
	return err
}
