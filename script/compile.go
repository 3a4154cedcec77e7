package script

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
	"github.com/go-sourcemap/sourcemap"

	"workerd.local/internal/limits"
)

// programName is the file name of bundled code that belongs to no source file.
// FormatStack drops the frames that carry it.
const programName = "workerd-internal.js"

// Compile turns a source into a program. It may be called from any goroutine and
// does not touch the realm. Cancelling ctx stops the bundler.
//
// # Errors
//
// A source that cannot be compiled yields an *Error that names files, lines and
// columns as the user knows them. Other errors are ctx.Err() and failures to read
// the project, wrapped.
func Compile(ctx context.Context, src Source) (*Script, error) {
	limitMatching(src.Bounds)
	if err := src.validate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("compile %s: %w", src.label(), err)
	}
	return compileCached(ctx, &src)
}

// compileFresh bundles the source and compiles the result.
func compileFresh(ctx context.Context, src *Source) (*bundle, *goja.Program, error) {
	if err := guardSource(src); err != nil {
		return nil, nil, err
	}
	b, err := makeBundle(ctx, src, false)
	if err != nil {
		return nil, nil, err
	}
	b.Code = quoteFieldNames(b.Code)
	program, err := compileGuarded(b, src)
	if err == nil {
		return b, program, nil
	}
	var syntax *Error
	if !errors.As(err, &syntax) {
		return nil, nil, err
	}
	// The engine's parser refuses some class fields: let the bundler lower all.
	lowered, err2 := makeBundle(ctx, src, true)
	if err2 != nil {
		return nil, nil, err2
	}
	program, err2 = compileGuarded(lowered, src)
	if err2 != nil {
		return nil, nil, err // the first message is about the user's own syntax
	}
	return lowered, program, nil
}

// compileGuarded is compileBundle for text that nobody has compiled before.
func compileGuarded(b *bundle, src *Source) (*goja.Program, error) {
	if err := guardText("", b.Code, src.Bounds); err != nil {
		return nil, err
	}
	return compileBundle(b, src.CacheDir != "", src.Bounds)
}

// compileBundle makes the engine's program of bundled code, which the guards have let
// pass: now, or before it came into the cache. They are what a key of the cache names,
// by the bounds, and read the whole text twice. keep says that the bundle goes into the
// cache, so that its tree is wanted there.
func compileBundle(b *bundle, keep bool, bounds *limits.Set) (*goja.Program, error) {
	if most := limits.ScriptSource.In(bounds); len(b.Code) > most {
		return nil, failf("", "the bundled source has %d bytes; the limit is %d", len(b.Code), most)
	}
	if b.Tree != nil {
		return compileKept(b, bounds)
	}
	code := b.Code
	options := []parser.Option{parser.WithDisableSourceMaps}
	if len(b.Map) > 0 {
		code = strings.TrimRight(code, "\n") + "\n//# sourceMappingURL=" + programName + ".map\n"
		options = []parser.Option{parser.WithSourceMapLoader(func(string) ([]byte, error) { return b.Map, nil })}
	}
	tree, err := parser.ParseFile(nil, programName, code, 0, options...)
	if err != nil {
		return nil, engineError(err, bounds)
	}
	if err := (&lowering{main: b.Main, host: hostName, bounds: bounds}).program(tree, code); err != nil {
		return nil, err
	}
	if keep {
		// What cannot be kept is parsed again at the next start.
		b.Tree, _ = writeTree(tree, b.Code)
	}
	return compileTree(tree, bounds)
}

// compileKept compiles the tree of a bundle from the cache. Its source map is read beside
// that: it takes a fifth of the time, and nothing asks for a place before the program runs.
func compileKept(b *bundle, bounds *limits.Set) (*goja.Program, error) {
	places := make(chan *sourcemap.Consumer, 1)
	go func() {
		if len(b.Map) == 0 {
			places <- nil
			return
		}
		m, err := sourcemap.Parse(programName, b.Map)
		if err != nil {
			m = nil // as the engine's parser does: places are those of the bundle
		}
		places <- m
	}()
	tree, err := readTree(b.Tree, b.Code)
	var program *goja.Program
	if err == nil {
		program, err = compileTree(tree, bounds)
	}
	tree.File.SetSourceMap(<-places)
	return program, err
}

func compileTree(tree *ast.Program, bounds *limits.Set) (*goja.Program, error) {
	program, err := goja.CompileAST(tree, false)
	if err != nil {
		return nil, engineError(err, bounds)
	}
	return program, nil
}

// engineError turns what the engine says about bundled code into an Error.
func engineError(err error, bounds *limits.Set) *Error {
	e := &Error{}
	var list parser.ErrorList
	if errors.As(err, &list) {
		for _, p := range list {
			if len(e.Diagnostics) == limits.ScriptErrors.In(bounds) {
				e.More++
				continue
			}
			e.Diagnostics = append(e.Diagnostics, Diagnostic{
				File: visibleFile(p.Position.Filename), Line: p.Position.Line, Column: p.Position.Column,
				Message: "SyntaxError: " + p.Message,
			})
		}
		return e
	}
	var syntax *goja.CompilerSyntaxError
	if errors.As(err, &syntax) {
		d := Diagnostic{Message: "SyntaxError: " + syntax.Message}
		if syntax.File != nil {
			p := syntax.File.Position(syntax.Offset)
			d.File, d.Line, d.Column = visibleFile(p.Filename), p.Line, p.Column
		}
		e.Diagnostics = append(e.Diagnostics, d)
		return e
	}
	e.Diagnostics = append(e.Diagnostics, Diagnostic{Message: err.Error()})
	return e
}

func visibleFile(name string) string {
	if name == programName || name == unitName {
		return ""
	}
	return unescapeFile(name)
}
