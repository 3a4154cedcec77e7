package clone

import (
	"slices"
	"strings"

	"github.com/dop251/goja"
)

func (w *writer) primitiveObject(o *goja.Object) error {
	v := o.Export()
	if _, symbol := v.(string); symbol || !w.enc.boxed(v) {
		return w.refuse(o)
	}
	return nil
}

func (w *writer) regExp(o *goja.Object) error {
	source, err := w.rm.regExpSource(o)
	if err != nil {
		return err
	}
	var flags uint32
	for i, has := range w.rm.flags() {
		if has == nil {
			continue
		}
		v, err := has(o)
		if err != nil {
			return err
		}
		if v.ToBoolean() {
			flags |= regExpFlags[i].bit
		}
	}
	w.enc.tag(tagRegExp)
	text, ok := source.(goja.String)
	if !ok {
		return w.refuse(o)
	}
	if strings.Contains(text.String(), `\u002f`) {
		text = goja.StringFromUTF16(plainSlashes(text))
	}
	if err := w.value(text); err != nil {
		return err
	}
	w.enc.varint(uint64(flags))
	return nil
}

// plainSlashes writes a slash in the source of a regular expression as other engines do. goja's source escapes it as
// \u002f; they have \/, and / alone within a class.
func plainSlashes(source goja.String) []uint16 {
	u := make([]uint16, source.Length())
	for i := range u {
		u[i] = source.CharAt(i)
	}
	slash := []uint16{'\\', 'u', '0', '0', '2', 'f'}
	out := u[:0]
	inClass := false
	for i := 0; i < len(u); i++ {
		switch {
		case u[i] == '\\' && i+len(slash) <= len(u) && slices.Equal(u[i:i+len(slash)], slash):
			if !inClass {
				out = append(out, '\\')
			}
			out = append(out, '/')
			i += len(slash) - 1
			continue
		case u[i] == '\\' && i+1 < len(u):
			out = append(out, u[i])
			i++
		case u[i] == '[':
			inClass = true
		case u[i] == ']':
			inClass = false
		}
		out = append(out, u[i])
	}
	return out
}

func (w *writer) mapEntries(o *goja.Object) error {
	// All entries are taken first: getters of the values may change the map.
	calls, err := w.rm.collect(func() error {
		_, err := w.rm.mapForEach(o, w.rm.take())
		return err
	})
	if err != nil {
		return err
	}
	w.enc.tag(tagBeginMap)
	for i := 0; i+2 < len(calls); i += 3 { // value, key, map
		if err := w.value(calls[i+1]); err != nil {
			return err
		}
		if err := w.value(calls[i]); err != nil {
			return err
		}
	}
	w.enc.tag(tagEndMap)
	w.enc.varint(uint64(len(calls) / 3 * 2))
	return nil
}

func (w *writer) setEntries(o *goja.Object) error {
	calls, err := w.rm.collect(func() error {
		_, err := w.rm.setForEach(o, w.rm.take())
		return err
	})
	if err != nil {
		return err
	}
	w.enc.tag(tagBeginSet)
	for i := 0; i+2 < len(calls); i += 3 {
		if err := w.value(calls[i]); err != nil {
			return err
		}
	}
	w.enc.tag(tagEndSet)
	w.enc.varint(uint64(len(calls) / 3))
	return nil
}

var errorTags = map[string]byte{
	"EvalError": errorEval, "RangeError": errorRange, "ReferenceError": errorReference,
	"SyntaxError": errorSyntax, "TypeError": errorType, "URIError": errorURI,
}

func (w *writer) error(o *goja.Object) error {
	rt := w.rm.rt
	message, hasMessage, err := w.rm.ownData(o, rt.ToValue("message"))
	if err != nil {
		return err
	}
	cause, hasCause, err := w.rm.ownData(o, rt.ToValue("cause"))
	if err != nil {
		return err
	}
	w.ranJS = true // name, message and stack may be getters or objects with a toString
	w.enc.tag(tagError)
	if name, ok := orUndefined(o.Get("name")).ToString().(goja.String); ok {
		if tag, known := errorTags[name.String()]; known {
			w.enc.tag(tag)
		}
	}
	if hasMessage {
		text, ok := message.ToString().(goja.String)
		if !ok {
			return w.refuse(message)
		}
		w.enc.tag(errorMessage)
		if err := w.value(text); err != nil {
			return err
		}
	}
	if hasCause {
		w.enc.tag(errorCause)
		if err := w.value(cause); err != nil {
			return err
		}
	}
	if stack, ok := o.Get("stack").(goja.String); ok {
		w.enc.tag(errorStack)
		if err := w.value(stack); err != nil {
			return err
		}
	}
	w.enc.tag(errorEnd)
	return nil
}

func orUndefined(v goja.Value) goja.Value {
	if v == nil {
		return goja.Undefined()
	}
	return v
}
