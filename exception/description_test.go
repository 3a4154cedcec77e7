package exception

import (
	"strings"
	"testing"
)

func TestDescription(t *testing.T) {
	for _, c := range []struct {
		e    *Exception
		text string
	}{
		{Errorf("plain"), "jsg.Error: plain"},
		{New("", ""), "jsg.Error: "},
		{TypeErrorf("a: b; c"), "jsg.TypeError: a: b; c"},
		{DOM("AbortError", "gone"), "jsg.DOMException(AbortError): gone"},
		{RangeErrorf("far").AsRemote(), "remote.jsg.RangeError: far"},
		{Errorf("reset").WithBroken(OutputGateBroken), "broken.outputGateBroken; jsg.Error: reset"},
		{Errorf("broken.x; jsg.Error: quoted").WithBroken(InputGateBroken).AsRemote(), "remote.broken.inputGateBroken; jsg.Error: broken.x; jsg.Error: quoted"},
	} {
		if got := c.e.Description(); got != c.text {
			t.Errorf("Description: %q, want %q", got, c.text)
		}
		back, fresh := ParseDescription(c.e.Kind, c.text)
		if fresh || back.ClassName() != c.e.ClassName() || back.Message != c.e.Message || back.Broken != c.e.Broken || back.Remote != c.e.Remote {
			t.Errorf("ParseDescription(%q) = %+v, %v", c.text, back, fresh)
		}
	}
}

func TestParseDescription(t *testing.T) {
	const reference = "internal error; reference = "
	for _, c := range []struct {
		name, text    string
		kind          Kind
		want          string // Error(); a reference is cut off
		remote        bool
		broken        Broken
		hidden, fresh bool
	}{
		{name: "several RPC prefixes", text: "remote exception: remote exception: jsg.Error: x", want: "Error: x"},
		{name: "several boundaries", text: "remote.remote.jsg.TypeError: x", want: "TypeError: x", remote: true},
		{name: "both", text: "remote exception: remote.broken.dropped; jsg.Error: x", want: "Error: x", remote: true, broken: Dropped},
		{name: "several reasons", text: "broken.constructorFailed; broken.dropped; jsg.Error: x", want: "Error: x", broken: ConstructorFailed},
		{name: "an unknown reason", text: "broken.somehow; jsg.Error: x", want: "Error: x", broken: "somehow"},
		{name: "a reason without end", text: "broken.dropped", want: "Error: " + reference, hidden: true, fresh: true},
		{name: "no text", text: "", want: "Error: " + reference, hidden: true, fresh: true},
		{name: "no message", text: "jsg.TypeError:", want: "TypeError"},
		{name: "a class of the script's own", text: "jsg.MyError: x", want: "Error: MyError: x"},
		{name: "no class", text: "jsg.just text", want: "Error: just text"},
		{name: "half a DOMException", text: "jsg.DOMException(AbortError: x", want: "Error: DOMException(AbortError: x"},
		{name: "hidden text keeps its class", text: "jsg-internal.RangeError: secret", want: "RangeError: " + reference, hidden: true, fresh: true},
		{name: "hidden text of a reset", text: "remote.broken.ignored; jsg-internal.Error: secret", want: "Error: " + reference, remote: true, broken: Ignored, hidden: true, fresh: true},
		{name: "anything else", text: "sqlite: secret.db is locked", want: "Error: " + reference, hidden: true, fresh: true},
		{name: "anything else, overloaded", text: "secret", kind: Overloaded, want: "Error: " + reference, hidden: true, fresh: true},
		{name: "a lost connection", text: "read tcp 10.0.0.1: reset", kind: Disconnected, want: "Error: Network connection lost.", hidden: true},
		{name: "a lost connection, remote", text: "remote.peer gone", kind: Disconnected, want: "Error: Network connection lost.", remote: true, hidden: true},
		{name: "a visible text, disconnected", text: "jsg.Error: x", kind: Disconnected, want: "Error: x"},
		{name: "an inner prefix is text", text: "jsg.Error: remote.jsg.Error: x", want: "Error: remote.jsg.Error: x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, fresh := ParseDescription(c.kind, c.text)
			got := e.Error()
			if i := strings.Index(got, reference); i >= 0 {
				if n := len(got) - i - len(reference); n != 24 {
					t.Errorf("a reference of %d characters", n)
				}
				got = got[:i+len(reference)]
			}
			if got != c.want || fresh != c.fresh || e.Remote != c.remote || e.Broken != c.broken || e.Kind != c.kind || (e.Internal != nil) != c.hidden {
				t.Errorf("%q, fresh %v: %+v", got, fresh, e)
			}
			if e.Retryable() != (c.kind == Disconnected) || e.Overloaded() != (c.kind == Overloaded) || e.Reset() != (c.broken != NotBroken) {
				t.Errorf("properties of %+v", e)
			}
		})
	}
}
