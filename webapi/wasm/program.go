package wasm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"weak"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"workerd.local/internal/limits"
)

// engine is the compiler, one for the whole process: programs of all realms share
// it, and instances have no names in it. It is made when the first module is.
var engine = sync.OnceValue(func() wazero.Runtime {
	features := api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall | experimental.CoreFeaturesExtendedConst
	config := wazero.NewRuntimeConfig()
	return wazero.NewRuntimeWithConfig(context.Background(), config.WithCoreFeatures(features).WithDebugInfoEnabled(false))
})

// program is a module that can be instantiated; any goroutine.
type program struct {
	*image
	w        *rewriter
	compiled wazero.CompiledModule
}

// programs are those that somebody holds.
var programs = struct {
	sync.Mutex // guards all
	byHash     map[[sha256.Size]byte]*shared
}{byHash: map[[sha256.Size]byte]*shared{}}

// shared is one program, or one that is being compiled.
type shared struct {
	once sync.Mutex // held while it is compiled
	// program is read with once or the lock of all held, and written with both.
	program weak.Pointer[program]
}

// capsOf are the caps that a set of limits asks for.
func capsOf(b *limits.Set) caps {
	return caps{
		pages:    uint32(limits.WasmMemory.Bytes(b) / pageBytes),
		elements: uint32(limits.WasmTable.In(b)),
		stack:    int32(limits.WasmStack.Bytes(b) / 8),
	}
}

const pageBytes = 64 << 10

// compile returns the program of a module, which it makes where no realm has it. The
// text must not change afterwards.
func compile(source []byte, c caps) (*program, error) {
	h := sha256.New()
	fmt.Fprintln(h, c)
	h.Write(source)
	key := [sha256.Size]byte(h.Sum(nil))
	programs.Lock()
	s := programs.byHash[key]
	if s == nil {
		s = &shared{}
		programs.byHash[key] = s
	}
	programs.Unlock()
	s.once.Lock()
	defer s.once.Unlock()
	if p := s.program.Value(); p != nil {
		return p, nil
	}
	p, err := build(source, c)
	if err != nil {
		forget(key, s)
		return nil, err
	}
	programs.Lock()
	s.program = weak.Make(p)
	programs.byHash[key] = s // it may have been forgotten meanwhile
	programs.Unlock()
	runtime.AddCleanup(p, func(compiled wazero.CompiledModule) {
		// Closing frees a place in the engine's table; it cannot fail.
		_ = compiled.Close(context.Background())
		forget(key, s)
	}, p.compiled)
	return p, nil
}

// forget removes a program that is gone, unless it was made again.
func forget(key [sha256.Size]byte, s *shared) {
	programs.Lock()
	defer programs.Unlock()
	if programs.byHash[key] == s && s.program.Value() == nil {
		delete(programs.byHash, key)
	}
}

// errMemoryTooLarge is for a module whose memory or table is over the limit at once.
var errMemoryTooLarge = errors.New("it needs more memory at its start than the limit allows")

func build(source []byte, c caps) (*program, error) {
	b, err := decode(source)
	if err != nil {
		return nil, err
	}
	for _, m := range b.memories[b.importedMemories:] {
		if m.low > c.pages {
			return nil, errMemoryTooLarge
		}
	}
	for _, t := range b.tables[b.importedTables:] {
		if t.low > c.elements {
			return nil, errMemoryTooLarge
		}
	}
	w, text, err := b.rewrite(c)
	if err != nil {
		return nil, err
	}
	compiled, err := compileText(text)
	if err != nil {
		return nil, err
	}
	return &program{b, w, compiled}, nil
}

// compileText compiles a program's text. The compiler is told that it may fail: what
// it panics over is a module that it cannot compile.
func compileText(text []byte) (compiled wazero.CompiledModule, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the compiler failed: %v", v)
		}
	}()
	compiled, err = engine().CompileModule(context.Background(), text)
	if err != nil {
		return nil, errors.New(strings.TrimSpace(err.Error()))
	}
	return compiled, nil
}
