package encoding_test

import (
	"fmt"
	"testing"

	"workerd.local/internal/jstest"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
)

func TestTextEncoder(t *testing.T) {
	e := jstest.New(t, encoding.Module, events.Module)
	e.Want(`const t = new TextEncoder(); return [t.encoding, ...t.encode('a€\u{1F600}\ud800')]`, `["utf-8",97,226,130,172,240,159,152,128,239,191,189]`)
	e.Want(`const t = new TextEncoder(); return [t.encode().length, t.encode(undefined).length, t.encode(null).length, t.encode('') instanceof Uint8Array]`, `[0,0,4,true]`)
	e.Want(`const u = new Uint8Array(6); return [new TextEncoder().encodeInto('a€\u{1F600}b', u), [...u]]`, `[{"read":2,"written":4},[97,226,130,172,0,0]]`)
	e.Want(`const u = new Uint8Array(8); return [new TextEncoder().encodeInto('\u{1F600}b', u.subarray(2)), [...u]]`, `[{"read":3,"written":5},[0,0,240,159,152,128,98,0]]`)
	// Whatever the room is, what fits is there whole and nothing behind it.
	e.Want(`
		const enc = new TextEncoder(), text = 'a€\u{1F600}ß\uD800b\uDC00\u{1F601}', bad = [];
		for (let room = 0; room < 30; room++) {
			const to = new Uint8Array(room + 2).fill(1), { read, written } = enc.encodeInto(text, to.subarray(0, room));
			const want = enc.encode(text.slice(0, read)), more = enc.encode(text.slice(0, read + (text.codePointAt(read) > 0xFFFF ? 2 : 1)));
			if (written !== want.length || written > room || read < text.length && more.length <= room || to.slice(0, written).join() !== want.join() || to.slice(written).some((x) => x !== 1)) bad.push([room, read, written]);
		}
		return bad;
	`, `[]`)
	e.Want(`return [...new TextEncoder().encode('€\uD800\uDC00\uDC00\uD800')]`, `[226,130,172,240,144,128,128,239,191,189,239,191,189]`)
	e.WantError(`new TextEncoder().encodeInto('a', new Uint16Array(6))`, `TypeError: Failed to execute 'encodeInto' on 'TextEncoder': parameter 2 is not of type 'Uint8Array'.`)
	e.WantError(`new TextEncoder().encodeInto('a', new Uint8ClampedArray(6))`, `TypeError: Failed to execute 'encodeInto' on 'TextEncoder': parameter 2 is not of type 'Uint8Array'.`)
	e.WantError(`new TextEncoder().encodeInto()`, `TypeError: Failed to execute 'encodeInto' on 'TextEncoder': parameter 1 is not of type 'string'.`)
	e.WantError(`new TextEncoder().encode(Symbol())`, `TypeError: Cannot convert a Symbol value to a string`)
}

func TestTextDecoder(t *testing.T) {
	e := jstest.New(t, encoding.Module, events.Module)
	e.Want(`const d = new TextDecoder(); return [d.encoding, d.fatal, d.ignoreBOM, d.decode(), d.decode(new Uint8Array([0xef, 0xbb, 0xbf, 65, 0xff]))]`, `["utf-8",false,false,"","A�"]`)
	e.Want(`const d = new TextDecoder('latin1', { fatal: 1, ignoreBOM: true }); return [d.encoding, d.fatal, d.ignoreBOM]`, `["windows-1252",true,true]`)
	e.Want(`const b = new TextEncoder().encode('xäbcy').buffer; const d = new TextDecoder(); return [d.decode(b), d.decode(new DataView(b, 1, 2)), d.decode(new Uint16Array(b, 0, 3))]`, `["xäbcy","ä","xäbcy"]`)
	e.Want(`const d = new TextDecoder(), s = { stream: true }; return d.decode(new Uint8Array([0xe2, 0x82]), s) + d.decode(new Uint8Array([0xac]), s) + d.decode(new Uint8Array([0xe2]), s) + d.decode()`, `€�`)
	e.Want(`return new TextDecoder(undefined, null).decode(new Uint8Array([97]), null)`, `a`)
	e.WantError(`new TextDecoder('foo')`, `RangeError: "foo" is not a valid encoding.`)
	e.WantError(`new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255]))`, `TypeError: Failed to decode input.`)
	e.WantError(`new TextDecoder('utf-8', 1)`, `TypeError: Failed to construct 'TextDecoder': constructor parameter 2 is not of type 'ConstructorOptions'.`)
	e.WantError(`new TextDecoder().decode('abc')`, `TypeError: Failed to execute 'decode' on 'TextDecoder': parameter 1 is not of type 'ArrayBuffer or ArrayBufferView'.`)
	e.WantError(`new TextDecoder().decode({ get buffer() { throw 1 } })`, `TypeError: Failed to execute 'decode' on 'TextDecoder': parameter 1 is not of type 'ArrayBuffer or ArrayBufferView'.`)
	e.WantError(`new TextDecoder().decode(new Uint8Array(1), 'x')`, `TypeError: Failed to execute 'decode' on 'TextDecoder': parameter 2 is not of type 'DecodeOptions'.`)
}

func TestAtobBtoa(t *testing.T) {
	e := jstest.New(t, encoding.Module, events.Module)
	e.Want(`return [atob(' Y Q\n=='), atob('/+8').length, atob('/+8').charCodeAt(1), btoa('a\xff'), btoa(''), atob(null)]`, `["a",2,239,"Yf8=","","`+"\u009eée"+`"]`)
	e.Want(`let s = ''; for (let i = 0; i < 256; i++) s += String.fromCharCode(i); return atob(btoa(s)) === s`, `true`)
	for _, bad := range []string{"a", "ab=c", "YQ="} {
		e.WantError(fmt.Sprintf(`atob(%q)`, bad), `InvalidCharacterError: atob() called with invalid base64-encoded data. (Only whitespace, '+', '/', alphanumeric ASCII, and up to two terminal '=' signs when the input data length is divisible by 4 are allowed.)`)
	}
	for _, bad := range []string{`\u0100`, `\ud800`, `\u{1F600}`} {
		e.WantError(`btoa('`+bad+`')`, `InvalidCharacterError: btoa() can only operate on characters in the Latin1 (ISO/IEC 8859-1) range.`)
	}
	e.WantError(`atob()`, `TypeError: Failed to execute 'atob' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'string'.`)
	e.WantError(`btoa()`, `TypeError: Failed to execute 'btoa' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'string'.`)
}
