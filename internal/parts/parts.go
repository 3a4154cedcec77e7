// Package parts writes numbers and texts one behind the other, and reads them again: what the
// logs and blobs of snapshots and the tokens of stubs are made of. A number is a uvarint of
// encoding/binary; a text or bytes are their length and then themselves.
//
// A Reader belongs to one goroutine.
package parts

import "encoding/binary"

// AppendText appends the length of t and t.
func AppendText[T string | []byte](b []byte, t T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(t))), t...)
}

// Reader reads parts from the front of Buf. The first mistake stays in Err, and behind it
// everything is zero and empty.
type Reader struct {
	Buf   []byte
	Err   error
	Short error // the mistake of a Buf that ends in the middle of something
}

// Fail makes err the mistake, if it is the first one.
func (r *Reader) Fail(err error) {
	if r.Err == nil {
		r.Err = err
	}
	r.Buf = nil
}

// Number reads a number.
func (r *Reader) Number() uint64 {
	n, size := binary.Uvarint(r.Buf)
	r.past(size)
	return n
}

// Signed reads a varint.
func (r *Reader) Signed() int64 {
	n, size := binary.Varint(r.Buf)
	r.past(size)
	return n
}

// past goes behind a number of size bytes, which is 0 or less where there is none; its value is 0 then.
func (r *Reader) past(size int) {
	if size <= 0 {
		r.Fail(r.Short)
		return
	}
	r.Buf = r.Buf[size:]
}

// Bytes reads bytes. They are a part of what Buf was, and not to be changed.
func (r *Reader) Bytes() []byte {
	n := r.Most(r.Number())
	b := r.Buf[:n:n]
	r.Buf = r.Buf[n:]
	return b
}

// Text reads a text.
func (r *Reader) Text() string { return string(r.Bytes()) }

// Most is n, the count of things of which each takes a byte at least; more than are left are a mistake.
func (r *Reader) Most(n uint64) int {
	if n > uint64(len(r.Buf)) {
		r.Fail(r.Short)
		return 0
	}
	return int(n)
}
