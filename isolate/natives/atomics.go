package natives

import (
	"math"
	"math/big"
	"time"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// All scripts that can reach a buffer that is not shared run on one goroutine, so every access is atomic already.
// Shared memory may be reached from several: see Memory. Atomics.wait refuses where there is no Agent.

// atomicTarget is the typed array and index of a call.
type atomicTarget struct {
	array *goja.Object
	kind  string
	index int64

	memory *Memory // where it is shared, with the element's offset in it
	at     int
}

// atomicKinds are the arrays that Atomics takes, with the size of their elements.
var atomicKinds = map[string]int{"Int8Array": 1, "Uint8Array": 1, "Int16Array": 2, "Uint16Array": 2,
	"Int32Array": 4, "Uint32Array": 4, "BigInt64Array": 8, "BigUint64Array": 8}

func (t atomicTarget) size() int { return atomicKinds[t.kind] }

func (t atomicTarget) big() bool { return t.kind[0] == 'B' }

// makeAtomics builds the global Atomics.
func (e *env) makeAtomics() goja.Value {
	u8, err := e.object("Uint8Array.prototype")
	if err != nil {
		panic(e.rt.NewGoError(err))
	}
	var kindOf raw
	if d, ok := e.ownDescriptor(goja.FunctionCall{Arguments: []goja.Value{u8.Prototype(), goja.SymToStringTag}}).(*goja.Object); ok {
		kindOf, _ = e.callable(d.Get("get"))
	}
	if kindOf == nil {
		panic(e.rt.NewTypeError("%%TypedArray%%.prototype has no tag"))
	}
	library := &Library{e}
	bufferOf, _ := e.callable(library.Pristine(TypedPath + ".get buffer"))
	offsetOf, _ := e.callable(library.Pristine(TypedPath + ".get byteOffset"))
	if bufferOf == nil || offsetOf == nil {
		panic(e.rt.NewTypeError("%%TypedArray%%.prototype has no buffer"))
	}
	target := func(c goja.FunctionCall, waits bool) atomicTarget {
		t := atomicTarget{}
		o, ok := c.Argument(0).(*goja.Object)
		if ok && isTyped(o) {
			t.array, t.kind = o, kindOf(goja.FunctionCall{This: o}).String()
		}
		switch {
		case t.array == nil, atomicKinds[t.kind] == 0:
			e.throwType("[object %s] is not an integer typed array.", describeKind(t.kind))
		case waits && t.kind != "Int32Array" && t.kind != "BigInt64Array":
			e.throwType("[object Array] is not an int32 or BigInt64 typed array.")
		}
		t.index = e.toIndex(c.Argument(1), "Invalid atomic access index")
		if t.index >= e.typedLength(o) {
			e.throwRange("Invalid atomic access index")
		}
		if buffer, ok := bufferOf(goja.FunctionCall{This: o}).(*goja.Object); ok {
			if t.memory = memoryOf(buffer); t.memory != nil {
				t.at = int(offsetOf(goja.FunctionCall{This: o}).ToInteger() + t.index*int64(t.size()))
			}
		}
		return t
	}
	// operand converts a value as the array's elements are converted.
	operand := func(t atomicTarget, v goja.Value) goja.Value {
		if t.big() {
			n, ok := e.bigOf(e.toBigInt(v))
			if !ok {
				e.throwType("Cannot convert %s to a BigInt", e.describe(v))
			}
			return e.rt.ToValue(n)
		}
		return e.rt.ToValue(toInteger(v))
	}
	alive := func(t atomicTarget) {
		if t.index >= e.typedLength(t.array) { // the operand's conversion detached the buffer
			e.throwType("Cannot perform an atomic operation on a detached ArrayBuffer")
		}
	}
	update := func(name string, combine func(old, v int64) int64) entry {
		return entry{name: name, length: 3, make: func(e *env, _ raw) raw {
			return func(c goja.FunctionCall) goja.Value {
				t := target(c, false)
				v := operand(t, c.Argument(2))
				alive(t)
				if t.memory != nil {
					bits := e.toBits(t, v)
					return e.fromBits(t, t.memory.update(t.at, t.size(), func(old uint64) uint64 {
						return uint64(combine(int64(old), int64(bits)))
					}))
				}
				old := e.getIdx(t.array, t.index)
				if t.big() {
					a, _ := e.bigOf(old)
					b, _ := e.bigOf(v)
					e.storeElement(t, e.rt.ToValue(new(big.Int).SetUint64(uint64(combine(lowBits(a), lowBits(b))))))
				} else {
					e.storeElement(t, e.rt.ToValue(combine(old.ToInteger(), v.ToInteger())&0xffffffff))
				}
				return old
			}
		}}
	}
	o := e.rt.NewObject()
	err = o.DefineDataPropertySymbol(goja.SymToStringTag, asciiValue("Atomics"), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	if err == nil {
		err = e.defineMethods(o, "Atomics",
			update("add", func(a, b int64) int64 { return a + b }),
			update("sub", func(a, b int64) int64 { return a - b }),
			update("and", func(a, b int64) int64 { return a & b }),
			update("or", func(a, b int64) int64 { return a | b }),
			update("xor", func(a, b int64) int64 { return a ^ b }),
			update("exchange", func(_, b int64) int64 { return b }),
			entry{name: "load", length: 2, make: func(e *env, _ raw) raw {
				return func(c goja.FunctionCall) goja.Value {
					t := target(c, false)
					if t.memory != nil {
						return e.fromBits(t, t.memory.load(t.at, t.size()))
					}
					return e.getIdx(t.array, t.index)
				}
			}},
			entry{name: "store", length: 3, make: func(e *env, _ raw) raw {
				return func(c goja.FunctionCall) goja.Value {
					t := target(c, false)
					v := operand(t, c.Argument(2))
					alive(t)
					if t.memory != nil {
						bits := e.toBits(t, v)
						t.memory.update(t.at, t.size(), func(uint64) uint64 { return bits })
						return v
					}
					e.storeElement(t, v)
					return v
				}
			}},
			entry{name: "compareExchange", length: 4, make: func(e *env, _ raw) raw {
				return func(c goja.FunctionCall) goja.Value {
					t := target(c, false)
					want, v := operand(t, c.Argument(2)), operand(t, c.Argument(3))
					alive(t)
					if t.memory != nil {
						expected, bits := e.toBits(t, want), e.toBits(t, v)
						return e.fromBits(t, t.memory.update(t.at, t.size(), func(old uint64) uint64 {
							if old == expected {
								return bits
							}
							return old
						}))
					}
					old := e.getIdx(t.array, t.index)
					// The array itself says what the wanted value looks like in it.
					e.storeElement(t, want)
					same := e.getIdx(t.array, t.index).StrictEquals(old)
					if !same {
						v = old
					}
					e.storeElement(t, v)
					return old
				}
			}},
			entry{name: "isLockFree", length: 1, make: func(e *env, _ raw) raw {
				return func(c goja.FunctionCall) goja.Value {
					n := toInteger(c.Argument(0))
					return e.rt.ToValue(n == 1 || n == 2 || n == 4 || n == 8)
				}
			}},
			entry{name: "wait", length: 4, make: func(e *env, _ raw) raw {
				return func(c goja.FunctionCall) goja.Value {
					t := target(c, true)
					if e.lim.Agent == nil {
						e.throwType("Atomics.wait cannot be called in this context")
					}
					return e.atomicsWait(t, operand(t, c.Argument(2)), timeoutOf(c.Argument(3)))
				}
			}},
			entry{name: "pause", length: 0, make: func(e *env, _ raw) raw {
				return func(c goja.FunctionCall) goja.Value {
					if n := c.Argument(0); n != undefined && (!goja.IsNumber(n) || n.ToFloat() != math.Trunc(n.ToFloat()) || math.IsInf(n.ToFloat(), 0)) {
						e.throwType("Atomics.pause argument must be undefined or an integer")
					}
					return undefined
				}
			}},
			entry{name: "notify", length: 3, make: func(e *env, _ raw) raw {
				return func(c goja.FunctionCall) goja.Value {
					t := target(c, true)
					count := int64(math.MaxInt64)
					if n := c.Argument(2); n != undefined {
						count = max(toInteger(n), 0)
					}
					if t.memory == nil {
						return e.rt.ToValue(0) // nothing can wait
					}
					return e.rt.ToValue(t.memory.notify(t.at, count))
				}
			}})
	}
	if err == nil && e.lim.Agent != nil {
		err = e.defineMethods(o, "Atomics", entry{name: "waitAsync", length: 4, make: func(e *env, _ raw) raw {
			return func(c goja.FunctionCall) goja.Value {
				t := target(c, true)
				return e.atomicsWaitAsync(t, operand(t, c.Argument(2)), timeoutOf(c.Argument(3)))
			}
		}})
	}
	if err != nil {
		panic(e.rt.NewGoError(err))
	}
	return o
}

func describeKind(kind string) string {
	if kind == "" {
		return "Object"
	}
	return "Array"
}

// lowBits are the low 64 bits in two's complement.
func lowBits(n *big.Int) int64 {
	return int64(new(big.Int).And(n, new(big.Int).SetUint64(1<<64-1)).Uint64())
}

func (e *env) storeElement(t atomicTarget, v goja.Value) {
	if err := t.array.Set(itoa(t.index), v); err != nil {
		panic(err)
	}
}

// toBits is a converted operand as the element that it becomes.
func (e *env) toBits(t atomicTarget, v goja.Value) (bits uint64) {
	if t.big() {
		n, ok := e.bigOf(v)
		if !ok {
			e.throwType("Cannot convert %s to a BigInt", e.describe(v))
		}
		return uint64(lowBits(n))
	}
	f := v.ToFloat()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	// What is beyond the largest element wraps around.
	bits = uint64(int64(math.Mod(math.Trunc(f), 1<<32)))
	return bits & (1<<(8*t.size()) - 1)
}

// fromBits is an element as a value.
func (e *env) fromBits(t atomicTarget, bits uint64) goja.Value {
	switch t.kind {
	case "Int8Array":
		return e.rt.ToValue(int64(int8(bits)))
	case "Int16Array":
		return e.rt.ToValue(int64(int16(bits)))
	case "Int32Array":
		return e.rt.ToValue(int64(int32(bits)))
	case "BigInt64Array":
		return e.rt.ToValue(big.NewInt(int64(bits)))
	case "BigUint64Array":
		return e.rt.ToValue(new(big.Int).SetUint64(bits))
	}
	return e.rt.ToValue(int64(bits))
}

// timeoutOf is a number of milliseconds as a time; negative is for ever.
func timeoutOf(v goja.Value) time.Duration {
	ms := math.NaN()
	if v != undefined {
		ms = v.ToNumber().ToFloat()
	}
	switch {
	case math.IsNaN(ms), ms >= float64(math.MaxInt64/time.Millisecond):
		return -1
	case ms <= 0:
		return 0
	}
	return time.Duration(ms * float64(time.Millisecond))
}

func (e *env) needShared(t atomicTarget) {
	if t.memory == nil {
		e.throwType("%s is not a shared typed array.", "[object "+describeKind(t.kind)+"]")
	}
}

// await adds a waiter, and reports false where the element is another one.
func (e *env) await(t atomicTarget, v goja.Value, w *Waiter) bool {
	most := limits.ThreadsWaiters.In(e.lim.Bounds)
	waits, full := t.memory.await(t.at, t.size(), e.toBits(t, v), w, most)
	if full {
		e.throwRange("There are %d agents that wait for this element already.", most)
	}
	return waits
}

func (e *env) atomicsWait(t atomicTarget, v goja.Value, d time.Duration) goja.Value {
	e.needShared(t)
	wake := make(chan struct{}, 1)
	w := &Waiter{wake: func() { wake <- struct{}{} }}
	if !e.await(t, v, w) {
		return asciiValue("not-equal")
	}
	if d != 0 {
		e.lim.Agent.Wait(wake, d)
	}
	timedOut := t.memory.forget(t.at, w)
	e.checkInterrupt()
	if timedOut {
		return asciiValue("timed-out")
	}
	return asciiValue("ok")
}

func (e *env) atomicsWaitAsync(t atomicTarget, v goja.Value, d time.Duration) goja.Value {
	e.needShared(t)
	result := func(async bool, v goja.Value) goja.Value {
		o := e.rt.NewObject()
		for _, p := range []struct {
			name string
			v    goja.Value
		}{{"async", e.rt.ToValue(async)}, {"value", v}} {
			if err := o.DefineDataProperty(p.name, p.v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
				panic(e.rt.NewGoError(err))
			}
		}
		return o
	}
	promise, fulfil := e.lim.Agent.Promise()
	w := &Waiter{wake: func() { fulfil("ok") }}
	if !e.await(t, v, w) {
		return result(false, asciiValue("not-equal"))
	}
	if d == 0 && t.memory.forget(t.at, w) {
		return result(false, asciiValue("timed-out"))
	}
	if d > 0 {
		e.lim.Agent.After(d, func() {
			if t.memory.forget(t.at, w) {
				fulfil("timed-out")
			}
		})
	}
	return result(true, promise)
}
