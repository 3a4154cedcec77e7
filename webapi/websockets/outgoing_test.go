package websockets

import (
	"strings"
	"testing"

	"workerd.local/event"
	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
)

// The last message is known again by what it says, not by who sends it.
func TestRepeatedMessagesShareTheirForms(t *testing.T) {
	e := jstest.New(t)
	e.In(func(js *isolate.JS, _ *iocontext.Context) {
		long := strings.Repeat("x", 200)
		same := func(want string) func([]byte) bool {
			return func(last []byte) bool { return string(last) == want }
		}
		find := func(text bool, s string) (event.Message, bool) { return sentLast(js, text, len(s), same(s)) }
		if _, again := find(true, long); again {
			t.Error("nothing was sent yet")
		}
		keepSent(js, event.Message{Text: true, Data: []byte(long)})
		a, again := find(true, long)
		b, _ := find(true, long)
		if !again || a.Shared == nil || a.Shared != b.Shared || &a.Data[0] != &b.Data[0] {
			t.Error("the same message is not shared")
		}
		if _, again := find(false, long); again {
			t.Error("bytes are taken for text")
		}
		if _, again := find(true, long[1:]+"y"); again {
			t.Error("another text is taken for the last one")
		}
		keepSent(js, event.Message{Text: true, Data: []byte("short")})
		if _, again := find(true, long); !again {
			t.Error("a short message took the place")
		}
		if _, again := find(true, "short"); again {
			t.Error("a short message is shared")
		}
	})
}
