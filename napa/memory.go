package napa

import (
	"fmt"
	"sync/atomic"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// allocator gives memory that scripts know by its handle only.
type allocator struct {
	system *System
	name   string
	// inner is the allocator that a debugger watches; nil for one that gives memory itself.
	inner *object
	// What the debugger has seen.
	allocations, deallocations, allocated, deallocated atomic.Int64
}

// allocate returns the handle of size bytes.
func (a *allocator) allocate(size uint32) (uint64, error) {
	if a.inner != nil {
		h, err := a.inner.value.(*allocator).allocate(size)
		if err == nil {
			a.allocations.Add(1)
			a.allocated.Add(int64(size))
		}
		return h, err
	}
	s := a.system
	most := limits.NapaMemory.Bytes(s.o.Bounds)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.allocated+int64(size) > most || len(s.memory) >= limits.NapaAllocations.In(s.o.Bounds) {
		return 0, exception.RangeErrorf("Out of memory: allocators hold %d bytes of at most %d.", s.allocated, most)
	}
	h := s.nextHandle()
	s.memory[h] = make([]byte, size)
	s.allocated += int64(size)
	return h, nil
}

// deallocate gives the memory back. The hint is what a debugger counts.
func (a *allocator) deallocate(h uint64, hint uint32) error {
	if a.inner != nil {
		err := a.inner.value.(*allocator).deallocate(h, hint)
		if err == nil {
			a.deallocations.Add(1)
			a.deallocated.Add(int64(hint))
		}
		return err
	}
	s := a.system
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.memory[h]
	if !ok {
		return exception.Errorf("The handle [%d,%d] is not that of allocated memory.", uint32(h), h>>32)
	}
	delete(s.memory, h)
	s.allocated -= int64(len(b))
	return nil
}

func (a *allocator) info() string {
	return fmt.Sprintf(`{ "allocate": %d, "allocatedSize": %d, "deallocate": %d, "deallocatedSize": %d }`,
		a.allocations.Load(), a.allocated.Load(), a.deallocations.Load(), a.deallocated.Load())
}

// allocatorOf is the allocator behind a wrap.
func allocatorOf(w *wrap) (*allocator, error) {
	if w.object == nil {
		return nil, exception.Errorf("AllocatorWrap is not attached with any allocator.")
	}
	return w.object.value.(*allocator), nil
}

var allocatorClass = &bind.Class[wrap]{
	Name:   "AllocatorWrap",
	Parent: bind.Extends(shareableClass, same),
	Getters: map[string]bind.Getter[wrap]{
		"type": func(w *wrap, _ *bind.Call) (any, error) {
			a, err := allocatorOf(w)
			if err != nil {
				return nil, err
			}
			return a.name, nil
		},
	},
	Methods: map[string]bind.Method[wrap]{
		"allocate": func(w *wrap, c *bind.Call) (any, error) {
			size, ok := uint32Of(c.Arg(0))
			if !ok {
				return nil, c.BadArg(1, "uint32")
			}
			a, err := allocatorOf(w)
			if err != nil {
				return nil, err
			}
			h, err := a.allocate(size)
			if err != nil {
				return nil, err
			}
			return handleValue(c.JS(), h), nil
		},
		"deallocate": func(w *wrap, c *bind.Call) (any, error) {
			h, ok := handleOf(c.JS(), c.Arg(0))
			if !ok {
				return nil, c.BadArg(1, "Handle")
			}
			hint, ok := uint32Of(c.Arg(1))
			if !ok {
				return nil, c.BadArg(2, "uint32")
			}
			a, err := allocatorOf(w)
			if err != nil {
				return nil, err
			}
			return nil, a.deallocate(h, hint)
		},
	},
}

var debuggerClass = &bind.Class[wrap]{
	Name:   "AllocatorDebuggerWrap",
	Parent: bind.Extends(allocatorClass, same),
	Methods: map[string]bind.Method[wrap]{
		"getDebugInfo": func(w *wrap, _ *bind.Call) (any, error) {
			a, err := allocatorOf(w)
			if err != nil {
				return nil, err
			}
			return a.info(), nil
		},
	},
}

// debugAllocator is memory.debugAllocator(allocator).
func debugAllocator(c *bind.Call) (any, error) {
	p, err := placeOf(c.JS())
	if err != nil {
		return nil, err
	}
	w, ok := allocatorClass.Unwrap(c.JS(), c.Arg(0))
	if !ok {
		return nil, c.BadArg(1, "Allocator")
	}
	a, err := allocatorOf(w)
	if err != nil {
		return nil, err
	}
	depth := 0
	for in := a; in.inner != nil; in = in.inner.value.(*allocator) {
		if depth++; depth >= deepestDebugger {
			return nil, exception.RangeErrorf("Allocators that watch each other cannot be more than %d deep.", deepestDebugger)
		}
	}
	name := "SimpleAllocatorDebugger<" + a.name + ">"
	return newWrap(c.JS(), kindDebugger, p.System.newObject(kindDebugger, &allocator{system: p.System, name: name, inner: w.object}))
}

// deepestDebugger bounds the debuggers around one allocator.
const deepestDebugger = 16

// isEmpty is memory.isEmpty(handle).
func isEmpty(c *bind.Call) (any, error) {
	if v := c.Arg(0); goja.IsUndefined(v) || goja.IsNull(v) {
		return true, nil
	}
	h, ok := handleOf(c.JS(), c.Arg(0))
	return ok && h == 0, nil
}

// typeHash is memory.getTypeHash(handle).
func typeHash(c *bind.Call) (any, error) {
	if _, ok := handleOf(c.JS(), c.Arg(0)); !ok {
		return nil, c.BadArg(1, "Handle")
	}
	v := c.Arg(0).(*goja.Object).Get("2")
	if n, ok := uint32Of(v); ok {
		return int64(n), nil
	}
	return 0, nil
}

// isShareable is memory.isShareable(value).
func isShareable(js *isolate.JS, v goja.Value) bool {
	obj, ok := v.(*goja.Object)
	if !ok || !transports.Get(js).transportable(js, v, map[*goja.Object]bool{}) {
		return false
	}
	return hasOwn(obj, "handle") && hasOwn(obj, "refCount")
}
