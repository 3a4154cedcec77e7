package natives

import (
	"math/big"

	"github.com/dop251/goja"
)

// All scripts that can reach a buffer run on one goroutine, so every access is atomic
// already. Atomics.wait refuses, as on every agent that must not block.

// atomicTarget is the typed array and index of a call.
type atomicTarget struct {
	array *goja.Object
	kind  string
	index int64
}

var atomicKinds = map[string]bool{"Int8Array": true, "Uint8Array": true, "Int16Array": true, "Uint16Array": true,
	"Int32Array": true, "Uint32Array": true, "BigInt64Array": true, "BigUint64Array": true}

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
	target := func(c goja.FunctionCall, waits bool) atomicTarget {
		t := atomicTarget{}
		o, ok := c.Argument(0).(*goja.Object)
		if ok && isTyped(o) {
			t.array, t.kind = o, kindOf(goja.FunctionCall{This: o}).String()
		}
		switch {
		case t.array == nil, !atomicKinds[t.kind]:
			e.throwType("[object %s] is not an integer typed array.", describeKind(t.kind))
		case waits && t.kind != "Int32Array" && t.kind != "BigInt64Array":
			e.throwType("[object Array] is not an int32 or BigInt64 typed array.")
		}
		t.index = e.toIndex(c.Argument(1), "Invalid atomic access index")
		if t.index >= e.typedLength(o) {
			e.throwRange("Invalid atomic access index")
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
					return e.getIdx(t.array, t.index)
				}
			}},
			entry{name: "store", length: 3, make: func(e *env, _ raw) raw {
				return func(c goja.FunctionCall) goja.Value {
					t := target(c, false)
					v := operand(t, c.Argument(2))
					alive(t)
					e.storeElement(t, v)
					return v
				}
			}},
			entry{name: "compareExchange", length: 4, make: func(e *env, _ raw) raw {
				return func(c goja.FunctionCall) goja.Value {
					t := target(c, false)
					want, v := operand(t, c.Argument(2)), operand(t, c.Argument(3))
					alive(t)
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
					target(c, true)
					e.throwType("Atomics.wait cannot be called in this context")
					return undefined
				}
			}},
			entry{name: "notify", length: 3, make: func(e *env, _ raw) raw {
				return func(c goja.FunctionCall) goja.Value {
					target(c, true)
					if n := c.Argument(2); n != undefined {
						toInteger(n)
					}
					return e.rt.ToValue(0) // nothing can wait
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
