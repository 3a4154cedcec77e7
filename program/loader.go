package program

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/glue"
)

// loader is what an instance has loaded: CommonJS and modules, with what they need of
// files and of the engine.
type loader struct {
	i      *Instance
	im     *importer
	common common
}

func newLoader(i *Instance) *loader {
	l := &loader{i: i}
	l.im = &importer{l: l, records: map[string]*record{}}
	l.common.l, l.common.paths = l, pathsOf(i.o.env)
	return l
}

// run runs the entry: what it returns is a promise, or not, for a CommonJS module, which
// has run.
func (l *loader) run(js *isolate.JS) (goja.Value, error) {
	if l.i.main {
		// The program's own has a channel and signals, which are there from the start.
		if _, err := nodeModules().Load(js, "node:process"); err != nil {
			return nil, err
		}
	}
	if text := l.i.o.Source; l.i.o.Eval && isModuleText(js, evalModule, text) {
		file := l.i.program.abs(evalModule)
		return l.importLater(js, target{found: found{file: file}, url: urlOfPath(file), text: &text})
	} else if l.i.o.Eval {
		return goja.Undefined(), l.runText(js, l.i.o.File, l.i.o.Source)
	}
	c, rt := &l.common, js.Runtime()
	path := l.i.program.abs(l.i.o.File)
	file, err := c.resolve(js, path, goja.Null())
	if err != nil {
		file = path
	}
	if serr := c.setEntry(rt.ToValue(file)); serr != nil || err != nil {
		return nil, errors.Join(err, serr)
	}
	if module, err := l.isModule(js, file); module {
		return l.importLater(js, target{found: found{file: file}, url: urlOfPath(file)})
	} else if err != nil {
		return nil, err
	}
	_, err = c.loadFile(js, file, goja.Null(), true)
	return goja.Undefined(), err
}

// isModule reports whether the file of the entry is an ES module.
func (l *loader) isModule(js *isolate.JS, file string) (bool, error) {
	if l.common.extensionOf(file) != ".js" {
		return false, nil
	}
	format, err := l.format(file)
	if err != nil {
		return false, l.thrown(js, err)
	}
	if format != "" {
		return format == "module", nil
	}
	text, err := l.read(js, file)
	if err != nil {
		return false, l.thrown(js, err)
	}
	return isModuleText(js, file, text), nil
}

// isModuleText reports whether a text is an ES module, as its syntax says: also where it is no CommonJS module, because of an
// await that is in no function, and an ES module.
func isModuleText(js *isolate.JS, file, text string) bool {
	if script.IsModule(text) {
		return true
	}
	if !strings.Contains(text, "await") {
		return false
	}
	src := script.UnitSource{File: file, Text: text, Language: languageOf(file), Params: params, Bounds: js.Bounds()}
	if _, err := script.CompileFunction(src); err == nil {
		return false
	}
	src.Params = nil
	_, err := script.CompileModule(src)
	return err == nil
}

// evalModule is the file of a source text that is an ES module, as node names it.
const evalModule = "[eval1]"

// importLater runs an ES module as the entry, as a promise's reaction: what it puts off comes after its promises.
func (l *loader) importLater(js *isolate.JS, t target) (goja.Value, error) {
	begin := bind.NewFunction(js, "workerd/import", 0, func(c *bind.Call) (any, error) { return l.importMain(c.JS(), t) })
	return js.Call(js.Library().Pristine("Promise.prototype.then"), js.Resolved(goja.Undefined()), begin)
}

// importMain gives a promise.
func (l *loader) importMain(js *isolate.JS, t target) (goja.Value, error) {
	m, err := l.im.record(js, t)
	if err != nil {
		return nil, err
	}
	m.main = true
	return l.im.importNow(js, m), nil
}

// runText runs the text of a CommonJS module as the entry.
func (l *loader) runText(js *isolate.JS, file, text string) error {
	c, rt := &l.common, js.Runtime()
	m, err := c.moduleOf(js, l.i.program.abs(file), goja.Null())
	if err != nil {
		return err
	}
	if err := errors.Join(m.Set("id", file), c.setMain(goja.Undefined())); err != nil {
		return err
	}
	require, err := c.requireOf(js, m)
	if err != nil {
		return err
	}
	// It sees what node's [eval] does.
	for _, v := range []struct {
		name  string
		value goja.Value
	}{{"require", require}, {"module", m}, {"exports", m.Get("exports")}, {"__filename", rt.ToValue(file)}, {"__dirname", rt.ToValue(".")}} {
		if err := rt.GlobalObject().DefineDataProperty(v.name, v.value, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
			return err
		}
	}
	return c.compileIn(js, m, text, file)
}

// compileOnce runs a text as the CommonJS module of a file that nothing keeps.
func (l *loader) compileOnce(js *isolate.JS, file, text string) (goja.Value, error) {
	m, err := l.common.moduleOf(js, file, goja.Undefined())
	if err != nil {
		return nil, err
	}
	if err := l.common.compileIn(js, m, text, file); err != nil {
		return nil, err
	}
	return exportsOf(m), m.Set("loaded", true)
}

// format is how a file is read: "commonjs", "module", "json", "wasm" or "addon"; "" is
// CommonJS or a module, as its text says.
func (l *loader) format(file string) (string, error) {
	switch filepath.Ext(file) {
	case ".mjs", ".mts":
		return "module", nil
	case ".cjs", ".cts":
		return "commonjs", nil
	case ".json":
		return "json", nil
	case ".wasm":
		return "wasm", nil
	case ".node":
		return "addon", nil
	}
	m, err := l.i.program.resolver.packages.scope(file)
	if err != nil || m == nil {
		return "", err
	}
	return m.kind, nil
}

func languageOf(file string) string {
	switch filepath.Ext(file) {
	case ".ts", ".mts", ".cts":
		return "ts"
	case ".tsx":
		return "tsx"
	case ".jsx":
		return "jsx"
	}
	return "js"
}

// read reads a source file as text.
func (l *loader) read(js *isolate.JS, file string) (string, error) {
	most := limits.ScriptSource.In(js.Bounds())
	info, err := os.Stat(file)
	if err == nil && info.IsDir() {
		return "", glue.SystemErrorOf(&fs.PathError{Op: "read", Path: file, Err: syscall.EISDIR}, "read", "", "")
	}
	if err == nil && info.Size() > int64(most) {
		return "", fmt.Errorf("%s has %d bytes; the limit of a source is %d", file, info.Size(), most)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", glue.SystemErrorOf(err, "open", file, "")
	}
	if !utf8.Valid(b) {
		return strings.ToValidUTF8(string(b), "\uFFFD"), nil
	}
	return string(b), nil
}

// params are the parameters of a CommonJS module.
var params = []string{"exports", "require", "module", "__filename", "__dirname"}

// compile makes the function of a CommonJS module.
func (l *loader) compile(js *isolate.JS, file, text string) (goja.Value, error) {
	text, err := l.hopScript(js, file, text)
	if err != nil {
		return nil, err
	}
	u, err := orHopScript(file, text, func(text string) (*script.Unit, error) {
		return script.CompileFunction(script.UnitSource{File: file, Text: text, Language: languageOf(file), Params: params, Bounds: js.Bounds()})
	})
	if err != nil {
		return nil, l.syntaxError(js, file, text, err)
	}
	outer, err := js.Runtime().RunProgram(u.Program)
	if err != nil {
		return nil, err
	}
	return js.Call(outer, nil, script.UnitObject(js.Runtime(), l.unitHost(js, file)))
}

func (l *loader) unitHost(js *isolate.JS, file string) script.UnitHost {
	return script.UnitHost{
		Import: func(specifier goja.Value) goja.Value { return l.im.dynamic(js, specifier, file) },
		// Only a module has it, and where the bundler has let it through it is empty.
		Meta: func() goja.Value { return js.Runtime().CreateObject(nil) },
	}
}

// resolveURL is the URL that an import of a specifier leads to.
func (l *loader) resolveURL(js *isolate.JS, specifier, from string) (string, error) {
	t, err := l.resolve(js, specifier, from)
	if err != nil {
		// A file that does not exist has a URL all the same.
		if isRelative(specifier) || strings.HasPrefix(specifier, "/") {
			return urlOfPath(filepath.Join(filepath.Dir(from), specifier)), nil
		}
		return "", err
	}
	return t.url, nil
}

// readBytes reads a file that is no source.
func (l *loader) readBytes(js *isolate.JS, file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, glue.SystemErrorOf(err, "open", file, "")
	}
	return text, nil
}

// show puts the place of a mistake in front of the stack of the error that tells of it, as node does: so it is there in
// whatever thread the error is read, too.
func (l *loader) show(js *isolate.JS, obj *goja.Object, p place) {
	text := p.show()
	if text == "" {
		return
	}
	_ = js.Try(func() {
		stack, ok := obj.Get("stack").(goja.String)
		if !ok {
			return // Error.prepareStackTrace made something else of it, or threw
		}
		_ = obj.DefineDataProperty("stack", js.Runtime().ToValue(text+"\n"+stack.String()), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	})
}

// placeOfImport is where a module imports a name.
func (l *loader) placeOfImport(file, specifier, name string) place {
	path, ok := pathOfURL(file)
	if !ok {
		return place{}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return place{}
	}
	text := string(b)
	for n, line := range strings.Split(text, "\n") {
		if !strings.Contains(line, specifier) || !strings.Contains(line, "import") && !strings.Contains(line, "from") {
			continue
		}
		if at := strings.Index(line, name); at >= 0 {
			return place{file: file, line: n + 1, column: at + 1, text: line, length: len(name)}
		}
		return place{file: file, line: n + 1, column: 1, text: line}
	}
	return place{}
}

// hopScript rewrites the services of a file of HopScript; any other text stays.
func (l *loader) hopScript(js *isolate.JS, file, text string) (string, error) {
	if !script.IsHopScript(file, text) {
		return text, nil
	}
	out, err := script.HopScript(file, text)
	if err != nil {
		return "", l.syntaxError(js, file, text, err)
	}
	return out, nil
}

// serviceDeclaration is what no JavaScript has and each declaration of HopScript.
var serviceDeclaration = regexp.MustCompile(`\bservice\s+[\p{L}_$][\p{L}\p{N}_$]*\s*\(`)

// orHopScript compiles a text. One that is no JavaScript and compiles as HopScript is that, also without the directive,
// which Hop does not ask for.
func orHopScript[U any](file, text string, compile func(text string) (*U, error)) (*U, error) {
	u, err := compile(text)
	if err == nil || languageOf(file) != "js" || !strings.Contains(text, "service") || script.IsHopScript(file, text) {
		return u, err
	}
	out, hopErr := script.HopScript(file, text)
	if hopErr == nil {
		if u, hopErr = compile(out); hopErr == nil {
			return u, nil
		}
	}
	if serviceDeclaration.MatchString(text) {
		return nil, hopErr
	}
	return nil, err
}

// syntaxError is what the compiler said as the SyntaxError that scripts see.
func (l *loader) syntaxError(js *isolate.JS, file, text string, err error) error {
	var e *script.Error
	if !errors.As(err, &e) || len(e.Diagnostics) == 0 {
		return err
	}
	d := e.Diagnostics[0]
	message, length := words(d.Message)
	obj, cerr := js.Construct(js.ErrorClass("SyntaxError"), js.Runtime().ToValue(message))
	if cerr != nil {
		return cerr
	}
	p := place{file: file, line: d.Line, column: d.Column, text: d.Text, length: length}
	if p.text == "" && p.line > 0 {
		if lines := strings.SplitN(text, "\n", p.line+1); len(lines) >= p.line {
			p.text = strings.TrimRight(lines[p.line-1], "\r")
		}
	}
	l.show(js, obj, p)
	return js.Thrown(obj)
}

var (
	unexpected = regexp.MustCompile(`^Unexpected "(.*)"$`)
	expected   = regexp.MustCompile(`^Expected (?:"?(.*?)"?) but found "?(.*?)"?$`)
	identifier = regexp.MustCompile(`^[\p{L}_$][\p{L}\p{N}_$]*$`)
	declared   = regexp.MustCompile(`^The symbol "(.*)" has already been declared$`)
	number     = regexp.MustCompile(`^[0-9]`)
)

// words says a mistake as V8 does, and how long the piece of text is that is wrong.
func words(text string) (message string, length int) {
	text = strings.TrimPrefix(text, "SyntaxError: ")
	token := func(t string) (string, int) {
		switch {
		case t == "end of file":
			return "Unexpected end of input", 1
		case strings.HasPrefix(t, `\"`), strings.HasPrefix(t, "'"), strings.HasPrefix(t, `"`):
			return "Unexpected string", len(t)
		case number.MatchString(t):
			return "Invalid or unexpected token", len(t)
		case reserved[t]:
			return "Unexpected token '" + t + "'", len(t)
		case identifier.MatchString(t):
			return "Unexpected identifier '" + t + "'", len(t)
		}
		return "Unexpected token '" + t + "'", len(t)
	}
	switch {
	case text == "Unexpected end of file", text == "Unexpected end of input":
		return "Unexpected end of input", 1
	case text == "Unterminated string literal", strings.HasPrefix(text, "Syntax error"):
		return "Invalid or unexpected token", 1
	case text == "Unterminated template literal":
		return "Unterminated template literal", 1
	}
	if m := unexpected.FindStringSubmatch(text); m != nil {
		return token(m[1])
	}
	if m := declared.FindStringSubmatch(text); m != nil {
		return "Identifier '" + m[1] + "' has already been declared", len(m[1])
	}
	if m := expected.FindStringSubmatch(text); m != nil {
		if m[1] == "identifier" && m[2] != "end of file" {
			return token(m[2])
		}
		return token(m[2])
	}
	return text, 1
}

var reserved = map[string]bool{
	"break": true, "case": true, "catch": true, "class": true, "const": true, "continue": true, "debugger": true, "default": true, "delete": true,
	"do": true, "else": true, "export": true, "extends": true, "finally": true, "for": true, "function": true, "if": true, "import": true, "in": true,
	"instanceof": true, "new": true, "return": true, "super": true, "switch": true, "this": true, "throw": true, "try": true, "typeof": true, "var": true,
	"void": true, "while": true, "with": true, "null": true, "true": true, "false": true, "enum": true,
}

// thrown is a Go error of the loader as an object with its code.
func (l *loader) thrown(js *isolate.JS, err error) error {
	var f *failed
	if !errors.As(err, &f) {
		return glue.Thrown(js, err)
	}
	obj, cerr := js.Construct(js.ErrorClass(f.class), js.Runtime().ToValue(f.text))
	if cerr != nil {
		return cerr
	}
	if serr := obj.Set("code", f.code); serr != nil {
		return serr
	}
	return js.Thrown(obj)
}

// loaderNatives are what js/machine/module.js gets.
func loaderNatives() map[string]bind.Static {
	return map[string]bind.Static{
		// keep(members) takes over from common.
		"keep": func(c *bind.Call) (any, error) {
			l := instanceOf(c.JS()).loader
			l.common.inner, _ = c.Arg(0).(*goja.Object)
			l.common.whole = true
			return nil, nil
		},
		// common() is what both have: the cache, the extensions, the prototype, NODE_PATH.
		"common": func(c *bind.Call) (any, error) {
			common := &instanceOf(c.JS()).loader.common
			if err := common.prepare(c.JS()); err != nil {
				return nil, err
			}
			return object(c.JS(), map[string]any{
				"cache": common.cache, "extensions": common.extensions, "prototype": common.proto, "globalPaths": common.paths,
			})
		},
		"parentOf": func(c *bind.Call) (any, error) { return instanceOf(c.JS()).loader.common.parentOf(c.Arg(0)), nil },
		"setParent": func(c *bind.Call) (any, error) {
			return nil, instanceOf(c.JS()).loader.common.setParent(c.Arg(0), c.Arg(1))
		},
		"setMain": func(c *bind.Call) (any, error) { return nil, instanceOf(c.JS()).loader.common.setMain(c.Arg(0)) },
		"requireOf": func(c *bind.Call) (any, error) {
			m, ok := c.Arg(0).(*goja.Object)
			if !ok {
				return nil, c.BadArg(1, "Module")
			}
			return instanceOf(c.JS()).loader.common.requireOf(c.JS(), m)
		},
		// resolve(request, dir, from, more) is [file], or [undefined, builtin], or null.
		"resolve": func(c *bind.Call) (any, error) {
			i := instanceOf(c.JS())
			more, err := texts(c.Arg(3))
			if err != nil {
				return nil, err
			}
			f, err := i.program.resolver.require(c.Arg(0).String(), c.Arg(1).String(), c.Arg(2).String(), more)
			switch {
			case errors.Is(err, errNotFound):
				return goja.Null(), nil
			case err != nil:
				return nil, i.loader.thrown(c.JS(), err)
			case f.builtin != "":
				return []any{nil, f.builtin}, nil
			}
			return []any{f.file}, nil
		},
		// find(request, parent, dirs) is a file, or the name of a module that has none.
		"find": func(c *bind.Call) (any, error) {
			dirs, err := texts(c.Arg(2))
			if err != nil {
				return nil, err
			}
			return instanceOf(c.JS()).loader.common.find(c.JS(), c.Arg(0).String(), c.Arg(1), dirs)
		},
		"modulePaths": func(c *bind.Call) (any, error) { return modulePaths(c.Arg(0).String()), nil },
		"builtinName": func(c *bind.Call) (any, error) {
			if name, ok := instanceOf(c.JS()).program.builtinName(c.Arg(0).String()); ok {
				return name, nil
			}
			return nil, nil
		},
		"builtin": func(c *bind.Call) (any, error) {
			v, _, err := instanceOf(c.JS()).builtin(c.JS(), c.Arg(0).String())
			return v, err
		},
		// compile(file, text) is the function of a CommonJS module.
		"compile": func(c *bind.Call) (any, error) {
			return instanceOf(c.JS()).loader.compile(c.JS(), c.Arg(0).String(), c.Arg(1).String())
		},
		// runSource, runJSON and refuse are require.extensions.
		"runSource": extension((*common).runSource),
		"runJSON":   extension((*common).runJSON),
		"refuse": func(c *bind.Call) (any, error) {
			return nil, instanceOf(c.JS()).loader.common.refuse(c.JS(), c.Arg(0).String())
		},
		"isFile": func(c *bind.Call) (any, error) { return isFile(c.Arg(0).String()), nil },
		"cwd":    func(c *bind.Call) (any, error) { return instanceOf(c.JS()).program.Cwd(), nil },
	}
}

// extension is what is done for a file whose name has an end.
func extension(run func(c *common, js *isolate.JS, m *goja.Object, file string) error) bind.Static {
	return func(c *bind.Call) (any, error) {
		m, ok := c.Arg(0).(*goja.Object)
		if !ok {
			return nil, c.BadArg(1, "Module")
		}
		return nil, run(&instanceOf(c.JS()).loader.common, c.JS(), m, c.Arg(1).String())
	}
}

// texts reads an Array of strings that js/machine/module.js made.
func texts(v goja.Value) ([]string, error) {
	o, ok := v.(*goja.Object)
	if !ok {
		return nil, nil
	}
	list, ok := o.Export().([]any)
	if !ok {
		return nil, nil
	}
	out := make([]string, 0, len(list))
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out, nil
}
