package wasm

// Instructions that rewriting looks at.
const (
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opEnd          = 0x0b
	opBr           = 0x0c
	opReturn       = 0x0f
	opCall         = 0x10
	opCallIndirect = 0x11
	opReturnCall   = 0x12
	opReturnCallIn = 0x13
	opLocalGet     = 0x20
	opLocalTee     = 0x22
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opTableGet     = 0x25
	opMemoryGrow   = 0x40
	opI32Const     = 0x41
	opI32LtS       = 0x48
	opI32GtS       = 0x4a
	opI32Add       = 0x6a
	opI32Sub       = 0x6b
	opI32ShrU      = 0x76
	opRefFunc      = 0xd2
	opMisc         = 0xfc
	opVector       = 0xfd

	blockEmpty = 0x40
)

// instruction is one instruction as it stands in the module. Its immediate is behind
// its opcode; function is the immediate of those that name a function.
type instruction struct {
	op       byte
	sub      uint32 // of opMisc and opVector
	text     []byte
	function uint32
	global   uint32 // of global.set
}

// next reads one instruction.
func (r *reader) next() (in instruction) {
	start := r.at
	in.op = r.byte()
	switch op := in.op; {
	case op == opBlock || op == opLoop || op == opIf:
		r.leb(5)
	case op == 0x0c || op == 0x0d:
		r.u32()
	case op == 0x0e:
		for range r.count() {
			r.u32()
		}
		r.u32()
	case op == opCall || op == opReturnCall || op == opRefFunc:
		in.function = r.u32()
	case op == opCallIndirect || op == opReturnCallIn:
		r.u32()
		r.u32()
	case op == 0x1c:
		r.valTypes()
	case op == opGlobalSet:
		in.global = r.u32()
	case op >= 0x20 && op <= 0x26:
		r.u32()
	case op >= 0x28 && op <= 0x3e:
		r.memoryArgument()
	case op == 0x3f || op == opMemoryGrow:
		r.u32()
	case op == opI32Const:
		r.leb(5)
	case op == 0x42:
		r.leb(10)
	case op == 0x43:
		r.bytes(4)
	case op == 0x44:
		r.bytes(8)
	case op == 0xd0:
		r.leb(5)
	case op == opMisc:
		in.sub = r.u32()
		r.miscImmediate(in.sub)
	case op == opVector:
		in.sub = r.u32()
		r.vectorImmediate(in.sub)
	case op == 0x00, op == 0x01, op == 0x05, op == opEnd, op == opReturn, op == 0x1a, op == 0x1b, op >= 0x45 && op <= 0xc4, op == 0xd1:
	default:
		r.at--
		r.fail("invalid or unsupported opcode 0x%x", op)
	}
	in.text = r.b[start:r.at]
	return in
}

func (r *reader) memoryArgument() {
	r.u32()
	r.leb(10)
}

func (r *reader) miscImmediate(sub uint32) {
	switch {
	case sub <= 7:
	case sub == 8, sub == 10, sub == 12, sub == 14:
		r.u32()
		r.u32()
	case sub == 9, sub == 11, sub == 13, sub >= 15 && sub <= 17:
		r.u32()
	default:
		r.fail("invalid or unsupported opcode 0xfc%02x", sub)
	}
}

func (r *reader) vectorImmediate(sub uint32) {
	switch {
	case sub <= 11, sub == 92, sub == 93:
		r.memoryArgument()
	case sub == 12, sub == 13:
		r.bytes(16)
	case sub >= 21 && sub <= 34:
		r.byte()
	case sub >= 84 && sub <= 91:
		r.memoryArgument()
		r.byte()
	case sub > 0xff:
		r.fail("invalid or unsupported opcode 0xfd%02x", sub)
	}
}

// constExpr reads a constant expression. each, which may be nil, sees its
// instructions, the last of which is end.
func (r *reader) constExpr(each func(instruction)) {
	for {
		in := r.next()
		if each != nil {
			each(in)
		}
		switch in.op {
		case opEnd:
			return
		case opBlock, opLoop, opIf:
			r.fail("opcode 0x%x is not allowed in constant expressions", in.op)
		}
	}
}
