package events

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// DOMException is an error with a name (WebIDL).
type DOMException struct{ name, message string }

// Name is the kind of error, such as AbortError.
func (e *DOMException) Name() string { return e.name }

// Message is the text.
func (e *DOMException) Message() string { return e.message }

// legacyCodes are the constants of DOMException, and the code each name has.
var legacyCodes = []struct {
	constant, name string
}{
	1:  {"INDEX_SIZE_ERR", "IndexSizeError"},
	2:  {"DOMSTRING_SIZE_ERR", ""},
	3:  {"HIERARCHY_REQUEST_ERR", "HierarchyRequestError"},
	4:  {"WRONG_DOCUMENT_ERR", "WrongDocumentError"},
	5:  {"INVALID_CHARACTER_ERR", "InvalidCharacterError"},
	6:  {"NO_DATA_ALLOWED_ERR", ""},
	7:  {"NO_MODIFICATION_ALLOWED_ERR", "NoModificationAllowedError"},
	8:  {"NOT_FOUND_ERR", "NotFoundError"},
	9:  {"NOT_SUPPORTED_ERR", "NotSupportedError"},
	10: {"INUSE_ATTRIBUTE_ERR", "InUseAttributeError"},
	11: {"INVALID_STATE_ERR", "InvalidStateError"},
	12: {"SYNTAX_ERR", "SyntaxError"},
	13: {"INVALID_MODIFICATION_ERR", "InvalidModificationError"},
	14: {"NAMESPACE_ERR", "NamespaceError"},
	15: {"INVALID_ACCESS_ERR", "InvalidAccessError"},
	16: {"VALIDATION_ERR", ""},
	17: {"TYPE_MISMATCH_ERR", "TypeMismatchError"},
	18: {"SECURITY_ERR", "SecurityError"},
	19: {"NETWORK_ERR", "NetworkError"},
	20: {"ABORT_ERR", "AbortError"},
	21: {"URL_MISMATCH_ERR", "URLMismatchError"},
	22: {"QUOTA_EXCEEDED_ERR", "QuotaExceededError"},
	23: {"TIMEOUT_ERR", "TimeoutError"},
	24: {"INVALID_NODE_TYPE_ERR", "InvalidNodeTypeError"},
	25: {"DATA_CLONE_ERR", "DataCloneError"},
}

// Code is the legacy number of the name, 0 for names without one.
func (e *DOMException) Code() int {
	for code, l := range legacyCodes {
		if l.name == e.name && e.name != "" {
			return code
		}
	}
	return 0
}

func domConstants() map[string]any {
	m := map[string]any{}
	for code, l := range legacyCodes {
		if l.constant != "" {
			m[l.constant] = code
		}
	}
	return m
}

// DOMExceptionClass is DOMException.
var DOMExceptionClass = &bind.Class[DOMException]{
	Name: "DOMException",
	New: func(c *bind.Call) (*DOMException, error) {
		e := &DOMException{name: "Error"}
		if err := c.Unpack("message?", &e.message); err != nil {
			return nil, err
		}
		obj, ok := c.Arg(1).(*goja.Object)
		if !ok {
			if err := c.Unpack("message?", &e.message, "name?", &e.name); err != nil {
				return nil, err
			}
			return e, finishException(c, e)
		}
		var cause goja.Value
		err := c.Dictionary(obj, "DOMExceptionOptions", "name", &e.name, "cause", &cause)
		if err != nil {
			return nil, err
		}
		if cause != nil {
			if err := own(c.This().(*goja.Object), "cause", cause); err != nil {
				return nil, err
			}
		}
		return e, finishException(c, e)
	},
	Consts: domConstants(),
	Getters: map[string]bind.Getter[DOMException]{
		"name":    func(e *DOMException, _ *bind.Call) (any, error) { return e.name, nil },
		"message": func(e *DOMException, _ *bind.Call) (any, error) { return e.message, nil },
		"code":    func(e *DOMException, _ *bind.Call) (any, error) { return e.Code(), nil },
	},
	// String(e) and instanceof Error come from Error.prototype.
	Init: func(js *isolate.JS, _, proto *goja.Object) error {
		return proto.SetPrototype(errorConstructor.Get(js).Get("prototype").(*goja.Object))
	},
}

func finishException(c *bind.Call, e *DOMException) error {
	return addStack(c.JS(), c.This().(*goja.Object), e)
}

var errorConstructor = isolate.NewSlot(func(js *isolate.JS) *goja.Object {
	return js.Runtime().GlobalObject().Get("Error").(*goja.Object)
})

// addStack gives obj the stack of an Error that is made here, under its own name.
func addStack(js *isolate.JS, obj *goja.Object, e *DOMException) error {
	head := e.name
	if e.message != "" {
		head += ": " + e.message
	}
	return own(obj, "stack", js.Runtime().ToValue(head+stackLines(js)))
}

// NewDOMException makes a DOMException.
func NewDOMException(js *isolate.JS, name, message string) *goja.Object {
	e := &DOMException{name: name, message: message}
	obj := DOMExceptionClass.Wrap(js, e)
	// A new object takes any property.
	_ = addStack(js, obj, e)
	return obj
}

func own(obj *goja.Object, name string, v goja.Value) error {
	return obj.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}
