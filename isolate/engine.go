package isolate

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/dop251/goja"
)

// engine is the part of a goja runtime that its public API does not reach: the
// queue of microtasks, and the registers and stacks of its machine.
//
// Two promises need it. Code that is stopped for good (JS.Stop) unwinds like an
// interrupt, past generators and async functions in the middle of a step, which
// leave their frames behind; the machine is then put back to where it was when the
// code was entered. And goja drops all microtasks when an interrupt leaves it, so
// the realm runs them itself, one by one.
//
// Names, kinds and offsets of the fields are compared with goja's own at first use.
// Where they differ, goja runs the microtasks, and code that is stopped condemns
// its realm.
type engine struct {
	vm      *machine // nil where the layout is not the expected one
	jobs    *[]func()
	strings *engineStack // objects whose toString runs
}

// machine mirrors the beginning of goja's vm.
type machine struct {
	//lint:ignore U1000 it keeps the place of goja's field
	r            unsafe.Pointer
	prg          unsafe.Pointer
	pc           int
	stack        []goja.Value
	sp, sb, args int

	stash     unsafe.Pointer
	privEnv   unsafe.Pointer
	callStack engineStack
	iterStack engineStack
	refStack  engineStack
	tryStack  engineStack
	newTarget goja.Value
	result    goja.Value
}

// engineStack is a slice whose element type goja does not export.
type engineStack struct {
	data     unsafe.Pointer
	len, cap int
}

// layout is where the fields are, as reflection found them.
type layout struct {
	vm, jobs, strings, reactions                   uintptr
	callStack, iterStack, refStack, tryStack, strs reflect.Type
}

var theLayout = sync.OnceValue(func() *layout { return findLayout(reflect.TypeFor[goja.Runtime]()) })

// findLayout returns nil where runtime is not laid out as this file says.
func findLayout(runtime reflect.Type) *layout {
	vm, ok1 := runtime.FieldByName("vm")
	jobs, ok2 := runtime.FieldByName("jobQueue")
	strs, ok3 := runtime.FieldByName("toStringStack")
	if !ok1 || !ok2 || !ok3 || vm.Type.Kind() != reflect.Pointer || vm.Type.Elem().Kind() != reflect.Struct ||
		jobs.Type != reflect.TypeFor[[]func()]() || strs.Type.Kind() != reflect.Slice {
		return nil
	}
	mirror, theirs := reflect.TypeFor[machine](), vm.Type.Elem()
	if theirs.NumField() < mirror.NumField() {
		return nil
	}
	reactions, ok := reflect.TypeFor[goja.Promise]().FieldByName("fulfillReactions")
	if !ok || reactions.Type.Kind() != reflect.Slice {
		return nil
	}
	l := &layout{vm: vm.Offset, jobs: jobs.Offset, strings: strs.Offset, strs: strs.Type, reactions: reactions.Offset}
	for i := range mirror.NumField() {
		m, f := mirror.Field(i), theirs.Field(i)
		if m.Name != f.Name || m.Offset != f.Offset || m.Type.Size() != f.Type.Size() {
			return nil
		}
		same := m.Type.Kind() == f.Type.Kind()
		switch m.Type {
		case reflect.TypeFor[unsafe.Pointer]():
			same = f.Type.Kind() == reflect.Pointer
		case reflect.TypeFor[engineStack]():
			same = f.Type.Kind() == reflect.Slice
		}
		if !same {
			return nil
		}
		switch m.Name {
		case "callStack":
			if !sameFrames(f.Type.Elem()) {
				return nil
			}
			l.callStack = f.Type
		case "iterStack":
			l.iterStack = f.Type
		case "refStack":
			l.refStack = f.Type
		case "tryStack":
			l.tryStack = f.Type
		}
	}
	return l
}

func newEngine(rt *goja.Runtime) engine {
	l := theLayout()
	if l == nil {
		return engine{}
	}
	base := unsafe.Pointer(rt)
	return engine{
		vm:      *(**machine)(unsafe.Add(base, l.vm)),
		jobs:    (*[]func())(unsafe.Add(base, l.jobs)),
		strings: (*engineStack)(unsafe.Add(base, l.strings)),
	}
}

// awaited reports whether somebody waits for a promise, as far as the engine knows.
func (e *engine) awaited(p *goja.Promise) bool {
	return e.jobs == nil || (*engineStack)(unsafe.Add(unsafe.Pointer(p), theLayout().reactions)).len > 0
}

// stackSize is how many values the stack of a turn has place for at first, which is enough for most.
const stackSize = 128

var stacks = sync.Pool{New: func() any { return new([stackSize]goja.Value) }}

// lend gives the engine a stack for the turn that begins, which would otherwise make a small one each time and make it
// larger again and again. takeBack is for a turn that has ended well.
func (e *engine) lend() *[stackSize]goja.Value {
	if e.vm == nil || e.vm.stack != nil || e.vm.sp != 0 {
		return nil
	}
	s := stacks.Get().(*[stackSize]goja.Value)
	e.vm.stack = s[:0]
	return s
}

// takeBack takes a stack of which so many places were used, but for the few that the end of the call has used.
func (e *engine) takeBack(s *[stackSize]goja.Value, used int) {
	// The engine lets go of its stack as the last call returns.
	if s != nil && e.vm.stack == nil {
		clear(s[:min(used+16, stackSize)])
		stacks.Put(s)
	}
}

// used is how many places of the stack are in use, or were: the engine clears what it takes out of use.
func (e *engine) used() int {
	if e.vm == nil {
		return 0
	}
	return len(e.vm.stack)
}

// mark is a place in the machine to come back to: that of a Go function which the
// engine has called.
type mark struct {
	prg, stash, privEnv                unsafe.Pointer
	newTarget, result                  goja.Value
	pc, sp, sb, args                   int
	calls, iters, refs, tries, strings int
}

func (e *engine) mark() (m mark) {
	vm := e.vm
	if vm == nil {
		return m
	}
	return mark{
		prg: vm.prg, stash: vm.stash, privEnv: vm.privEnv, newTarget: vm.newTarget, result: vm.result,
		pc: vm.pc, sp: vm.sp, sb: vm.sb, args: vm.args,
		calls: vm.callStack.len, iters: vm.iterStack.len, refs: vm.refStack.len, tries: vm.tryStack.len,
		strings: e.strings.len,
	}
}

// restore brings the machine back to a mark of a function that still runs. It
// reports false where it cannot.
func (e *engine) restore(m mark) bool {
	vm := e.vm
	if vm == nil || vm.sp < m.sp || len(vm.stack) < m.sp {
		return false
	}
	l := theLayout()
	if !shrink(l.callStack, &vm.callStack, m.calls) || !shrink(l.iterStack, &vm.iterStack, m.iters) ||
		!shrink(l.refStack, &vm.refStack, m.refs) || !shrink(l.tryStack, &vm.tryStack, m.tries) ||
		!shrink(l.strs, e.strings, m.strings) {
		return false
	}
	clear(vm.stack[m.sp:])
	vm.prg, vm.stash, vm.privEnv, vm.newTarget, vm.result = m.prg, m.stash, m.privEnv, m.newTarget, m.result
	vm.pc, vm.sp, vm.sb, vm.args = m.pc, m.sp, m.sb, m.args
	return true
}

// shrink cuts a stack to n elements and lets go of what the others held.
func shrink(t reflect.Type, s *engineStack, n int) bool {
	if s.len < n {
		return false
	}
	if s.len > n {
		v := reflect.NewAt(t, unsafe.Pointer(s)).Elem()
		v.Slice(n, s.len).Clear()
		v.SetLen(n)
	}
	return true
}
