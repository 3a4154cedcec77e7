package fetch

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"strings"

	"github.com/andybalholm/brotli"

	"workerd.local/event"
	"workerd.local/exception"
)

// decoding is a body that came encoded, as scripts see it: decoded. Who hands it
// on untouched takes the encoded bytes back out (unwrap).
type decoding struct {
	raw      io.ReadCloser
	length   int64 // of raw
	encoding string
	reader   io.Reader // made by the first Read
}

// contentEncoding is the encoding of a message where it is one that is decoded
// for scripts, else empty (workerd: gzip and br).
func contentEncoding(h *Headers) string {
	vals := h.h["Content-Encoding"]
	if len(vals) != 1 {
		return ""
	}
	switch e := strings.ToLower(vals[0]); e {
	case "gzip", "br":
		return e
	}
	return ""
}

// decode is the body b of a message with the encoding, decoded as it is read.
func decode(b event.Body, encoding string) event.Body {
	return event.StreamBody(&decoding{raw: b.Reader(), length: b.Size(), encoding: encoding}, -1)
}

// unwrap is the encoded body behind b, where b is one that nobody has read from
// and h names its encoding.
func unwrap(b event.Body, h *Headers) (raw event.Body, ok bool) {
	d, ok := b.Stream.(*decoding)
	if !ok || d.reader != nil || contentEncoding(h) != d.encoding {
		return b, false
	}
	return event.StreamBody(d.raw, d.length), true
}

// Read decodes.
func (d *decoding) Read(p []byte) (int, error) {
	if d.reader == nil {
		r, err := d.open()
		if err != nil {
			return 0, err
		}
		d.reader = r
	}
	n, err := d.reader.Read(p)
	return n, d.explain(err)
}

func (d *decoding) open() (io.Reader, error) {
	src := &source{r: d.raw}
	if d.encoding == "br" {
		return &faulty{src, brotli.NewReader(src)}, nil
	}
	in := bufio.NewReader(src)
	if head, _ := in.Peek(len(gzipMagic)); !strings.HasPrefix(gzipMagic, string(head)) {
		// However short it is.
		return nil, d.explain(broken{gzip.ErrHeader})
	}
	z, err := gzip.NewReader(in)
	if err == io.EOF {
		// A message without a body may still name an encoding.
		return strings.NewReader(""), nil
	}
	if err != nil {
		return nil, d.explain(src.blame(err))
	}
	return &faulty{src, z}, nil
}

// gzipMagic is what gzip begins with.
const gzipMagic = "\x1f\x8b"

// Close closes the encoded body; a Read may be waiting.
func (d *decoding) Close() error { return d.raw.Close() }

// broken marks an error of the decoder, as against one of the connection.
type broken struct{ error }

func (d *decoding) explain(err error) error {
	if b, ok := err.(broken); ok {
		name := map[string]string{"gzip": "Gzip", "br": "Brotli"}[d.encoding]
		if errors.Is(b.error, io.ErrUnexpectedEOF) {
			return exception.TypeErrorf("%s compressed stream ended prematurely.", name).WithCause(b.error)
		}
		return exception.TypeErrorf("%s decompression failed.", name).WithCause(b.error)
	}
	return err
}

// source remembers the error of the connection.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// blame says whose error err is.
func (s *source) blame(err error) error {
	if s.err != nil {
		return s.err
	}
	return broken{err}
}

// faulty is a decoder that tells its errors from those of the connection.
type faulty struct {
	src *source
	r   io.Reader
}

func (f *faulty) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		err = f.src.blame(err)
	}
	return n, err
}
