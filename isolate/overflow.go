package isolate

import (
	"reflect"
	"runtime"
	"strings"
	"unsafe"

	"github.com/dop251/goja"
)

// When the call stack is full, the engine throws an error of its own, which no catch of
// a script sees. Before it does, it takes a stack trace, and asks each Go function on the
// stack for the property that is its name. At the bottom of every turn there is a Go
// function of ours (Realm.enter), whose name is an accessor: it throws a RangeError in
// place of the engine's error, and that is one that scripts catch.
//
// The engine is in order then, because it looks at the depth before it changes
// anything, but for two of its callers, which have gone ahead: see overflowPlace. Where
// the engine is not laid out as engine.go says, or takes its stack traces in another
// way, its own error flies, and condemns the realm.

// savedFrame mirrors goja's context: the registers of a function that has called another.
type savedFrame struct {
	prg, stash, privEnv unsafe.Pointer
	newTarget, result   goja.Value
	pc, sb, args        int
}

// sameFrames reports whether the elements of the engine's call stack are savedFrames.
func sameFrames(theirs reflect.Type) bool {
	mirror := reflect.TypeFor[savedFrame]()
	if theirs.Kind() != reflect.Struct || theirs.NumField() != mirror.NumField() || theirs.Size() != mirror.Size() {
		return false
	}
	for i := range mirror.NumField() {
		m, f := mirror.Field(i), theirs.Field(i)
		same := m.Type == f.Type || m.Type.Kind() == reflect.UnsafePointer && f.Type.Kind() == reflect.Pointer
		if m.Name != f.Name || m.Offset != f.Offset || !same {
			return false
		}
	}
	return true
}

// bottomName is what the function at the bottom is called in stack traces, which do not
// show it: see script.ShowFrame.
const bottomName = "workerd/turn"

// overflowRoom is how much deeper calls may nest while the RangeError is made.
const overflowRoom = 50

// nameOfBottom is the accessor. It throws where the engine asks because its call stack
// is full.
func (r *Realm) nameOfBottom() goja.Value {
	vm, limit := r.engine.vm, r.iso.limits.CallStack
	if vm != nil && vm.callStack.len > limit && !r.overflowing {
		if place := findOverflow(); place != noOverflow {
			r.overflowing = true
			r.js.rt.SetMaxCallStackSize(limit + overflowRoom)
			e := r.js.newError("RangeError", "Maximum call stack size exceeded")
			r.js.rt.SetMaxCallStackSize(limit)
			r.overflowing = false
			r.engine.settle(place)
			panic(e)
		}
	}
	return r.js.rt.ToValue(bottomName)
}

// overflowPlace is which function of the engine found the call stack full.
type overflowPlace int

const (
	noOverflow overflowPlace = iota
	// inCall has changed nothing.
	inCall
	// inStart has put away the registers for an async function or a generator, and has not
	// yet called it. Nobody takes them out again.
	inStart
	// inProgram takes out in the end what it has not put away.
	inProgram
)

// enginePackage is the prefix of the engine's functions in Go's stack traces.
var enginePackage = reflect.TypeFor[goja.Runtime]().PkgPath() + "."

// findOverflow looks at who called the accessor, in Go's own stack.
func findOverflow() overflowPlace {
	var pcs [24]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	place := noOverflow
	for {
		f, more := frames.Next()
		name, ok := strings.CutPrefix(f.Function, enginePackage)
		switch {
		case !ok && place == noOverflow:
			// The accessor itself.
		case !ok:
			return place
		case place == noOverflow:
			switch name {
			case "(*vm).pushCtx":
				place = inCall
			case "(*vm).run", "(*vm).try", "(*vm).handleThrow":
				return noOverflow
			}
		case strings.Contains(name, ").vmCall"):
			// Of the kinds of functions; a method value of it is a function, too.
		case name == "(*asyncRunner).start", name == "(*generatorObject).init":
			return inStart
		case name == "(*Runtime).RunProgram":
			return inProgram
		default:
			return place
		}
		if !more {
			return place
		}
	}
}

// settle brings the machine to where what was called at the place finds it in order.
func (e *engine) settle(place overflowPlace) {
	vm, l := e.vm, theLayout()
	switch place {
	case inStart:
		n := vm.callStack.len - 1
		top := *(*savedFrame)(unsafe.Add(vm.callStack.data, uintptr(n)*unsafe.Sizeof(savedFrame{})))
		vm.prg, vm.stash, vm.privEnv, vm.newTarget, vm.result = top.prg, top.stash, top.privEnv, top.newTarget, top.result
		vm.pc, vm.sb, vm.args = top.pc, top.sb, top.args
		shrink(l.callStack, &vm.callStack, n)
		shrink(l.tryStack, &vm.tryStack, vm.tryStack.len-1)
	case inProgram:
		calls := reflect.NewAt(l.callStack, unsafe.Pointer(&vm.callStack)).Elem()
		calls.Set(reflect.Append(calls, reflect.Zero(l.callStack.Elem())))
		top := (*savedFrame)(unsafe.Add(vm.callStack.data, uintptr(vm.callStack.len-1)*unsafe.Sizeof(savedFrame{})))
		*top = savedFrame{vm.prg, vm.stash, vm.privEnv, vm.newTarget, vm.result, vm.pc, vm.sb, vm.args}
		vm.sp += 2 // its function and its this
	}
}
