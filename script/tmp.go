package script

import (
	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
)

func Install(rt *goja.Runtime) error { return nil }

type lowering struct{ main, host string }

func (l *lowering) program(t *ast.Program, code string) error { return nil }

func guardSource(*Source) error                       { return nil }
func guardText(file, code string) error               { return nil }
func quoteFieldNames(s string) string                 { return s }
func (r *realm) regexpLiteral(p, f string) goja.Value { return nil }
func (r *realm) pow(a, b goja.Value) goja.Value       { return nil }
func (r *realm) shl(a, b goja.Value) goja.Value       { return nil }
