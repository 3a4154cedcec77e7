package websockets

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/webapi/global"
)

// attachmentBytes is how big an attachment may be (workerd).
const attachmentBytes = 16384

// serializeAttachment keeps a copy of a value, which outlives the object of a parked
// socket.
func (s *Socket) serializeAttachment(js *isolate.JS, v goja.Value) error {
	b, err := clone.Serialize(js.Runtime(), v, clone.Options{Bounds: js.Bounds(), Host: global.HostObjects(js)})
	if err != nil {
		return global.CloneError(err)
	}
	if len(b) > attachmentBytes {
		return exception.Errorf("A WebSocket 'attachment' cannot be larger than %d bytes.'attachment' was %d bytes.", attachmentBytes, len(b))
	}
	s.state.Attachment = b
	return nil
}

// deserializeAttachment is a new copy of that value; null where there is none.
func (s *Socket) deserializeAttachment(js *isolate.JS) (goja.Value, error) {
	if s.state.Attachment == nil {
		return goja.Null(), nil
	}
	v, err := clone.Deserialize(js.Runtime(), s.state.Attachment, clone.Options{Bounds: js.Bounds(), Host: global.HostObjects(js)})
	return v, global.CloneError(err)
}
