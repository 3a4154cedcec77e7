package parts

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"
)

var errShort = errors.New("short")

func TestPartsComeBack(t *testing.T) {
	b := binary.AppendUvarint(nil, math.MaxUint64)
	b = AppendText(b, "été")
	b = AppendText(b, []byte{0, 1})
	b = binary.AppendVarint(b, -5)
	b = AppendText(b, "")
	r := Reader{Buf: b, Short: errShort}
	if n, s, p, v, e := r.Number(), r.Text(), r.Bytes(), r.Signed(), r.Text(); n != math.MaxUint64 || s != "été" || !bytes.Equal(p, []byte{0, 1}) || v != -5 || e != "" || r.Err != nil || len(r.Buf) > 0 {
		t.Errorf("%d %q %v %d %q, %v, %d bytes left", n, s, p, v, e, r.Err, len(r.Buf))
	}
	if n, s := r.Number(), r.Text(); n != 0 || s != "" || r.Err != errShort {
		t.Errorf("behind the end: %d %q %v", n, s, r.Err)
	}
}

func TestMistakesStay(t *testing.T) {
	for name, b := range map[string][]byte{
		"no number":      {},
		"half a number":  {0x80},
		"a long number":  bytes.Repeat([]byte{0xff}, 11),
		"a short text":   {3, 'a', 'b'},
		"a huge length":  binary.AppendUvarint(nil, math.MaxUint64),
		"more than left": {200, 1, 'a'},
	} {
		r := Reader{Buf: b, Short: errShort}
		if s := r.Text(); s != "" || r.Err != errShort || len(r.Buf) > 0 {
			t.Errorf("%s: %q, %v, %d bytes left", name, s, r.Err, len(r.Buf))
		}
		r.Fail(errors.New("later"))
		if n := r.Signed(); n != 0 || r.Err != errShort {
			t.Errorf("%s: %d, %v", name, n, r.Err)
		}
	}
	r := Reader{Buf: []byte{1, 2, 3}, Short: errShort}
	if n := r.Most(3); n != 3 || r.Err != nil {
		t.Errorf("%d, %v", n, r.Err)
	}
	if n := r.Most(4); n != 0 || r.Err != errShort {
		t.Errorf("%d, %v", n, r.Err)
	}
}

// What is read can be appended to without touching what follows.
func TestBytesEndWhereTheyEnd(t *testing.T) {
	r := Reader{Buf: AppendText(AppendText(nil, "ab"), "cd")}
	_ = append(r.Bytes(), 'x', 'y')
	if s := r.Text(); s != "cd" {
		t.Errorf("%q", s)
	}
}
