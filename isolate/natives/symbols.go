package natives

import (
	"fmt"

	"github.com/dop251/goja"
)

// Well-known symbols that goja lacks. They are shared by all runtimes, as goja's
// own are, so Go code can use them as keys.
var (
	SymAsyncIterator = goja.NewSymbol("Symbol.asyncIterator")
	SymDispose       = goja.NewSymbol("Symbol.dispose")
	SymAsyncDispose  = goja.NewSymbol("Symbol.asyncDispose")
)

// SymPinned marks a buffer that natives must not take the memory of. Scripts never
// see it; who marks hides it (Library.Hide).
var SymPinned = goja.NewSymbol("workerd.pinned")

func (e *env) installSymbols() error {
	symbol, err := e.object("Symbol")
	if err != nil {
		return err
	}
	for _, s := range []struct {
		name string
		sym  *goja.Symbol
	}{{"asyncIterator", SymAsyncIterator}, {"dispose", SymDispose}, {"asyncDispose", SymAsyncDispose}} {
		if symbol.Get(s.name) != nil {
			continue
		}
		if err := symbol.DefineDataProperty(s.name, s.sym, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE); err != nil {
			return fmt.Errorf("install natives: Symbol.%s: %w", s.name, err)
		}
	}
	return nil
}
