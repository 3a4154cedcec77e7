package zlib

import (
	"errors"
	"io"

	"workerd.local/webapi/deflate"
)

// mode is a format and a direction, with node's numbers.
type mode int

const (
	modeDeflate mode = iota + 1
	modeInflate
	modeGzip
	modeGunzip
	modeDeflateRaw
	modeInflateRaw
	modeUnzip
	modeBrotliDecode
	modeBrotliEncode
	modeZstdEncode
	modeZstdDecode
)

// failure is what went wrong with the data, as node reports it.
type failure struct {
	errno         int
	code, message string
}

// coder is one direction of one format.
type coder interface {
	// work codes in to out and says how much of both it used. flush has the numbers of
	// the format. Where out was filled, more may come: the call is repeated with the
	// rest of in and the same flush.
	work(in, out []byte, flush int) (read, written int, f *failure)
	// reset begins anew, with the same options.
	reset() *failure
}

// options are those of all formats; scripts gave them and they are checked.
type options struct {
	level, windowBits, memLevel, strategy int
	dictionary                            []byte
	params                                map[int]int // of Brotli and Zstandard
	size                                  int64       // of the input of Zstandard; -1 is unknown
}

// newCoder makes the coder of a mode that exists. window is the largest that a frame
// of Zstandard may ask for.
func newCoder(m mode, o options, window int) (coder, *failure) {
	switch m {
	case modeDeflate, modeGzip, modeDeflateRaw:
		return &deflater{opt: o, frame: map[mode]deflate.Frame{modeDeflate: deflate.Zlib, modeGzip: deflate.Gzip, modeDeflateRaw: deflate.Raw}[m]}, nil
	case modeInflate, modeGunzip, modeInflateRaw, modeUnzip:
		frame := map[mode]deflate.Frame{modeInflate: deflate.Zlib, modeGunzip: deflate.Gzip, modeInflateRaw: deflate.Raw, modeUnzip: deflate.Auto}[m]
		return &inflater{d: deflate.NewDecoder(deflate.DecoderOptions{Frame: frame, WindowBits: o.windowBits, Dictionary: o.dictionary}), known: o.dictionary != nil}, nil
	case modeBrotliEncode:
		return newBrotliEncoder(o)
	case modeBrotliDecode:
		return newBrotliDecoder(o)
	case modeZstdEncode:
		return newZstdEncoder(o)
	}
	return newZstdDecoder(o, window)
}

// zlib's return codes, by what they mean.
func dataError(text string) *failure    { return &failure{-3, "Z_DATA_ERROR", text} }
func streamError(text string) *failure  { return &failure{-2, "Z_STREAM_ERROR", text} }
func noDictionary(text string) *failure { return &failure{2, "Z_NEED_DICT", text} }

var unexpectedEnd = &failure{-5, "Z_BUF_ERROR", "unexpected end of file"}

// flushes of zlib that this package looks at.
const finish = int(deflate.Finish)

// deflater compresses. Its encoder takes a third of a megabyte and is made when there
// is something to do.
type deflater struct {
	opt   options
	frame deflate.Frame
	e     *deflate.Encoder
}

func (d *deflater) encoder() *failure {
	if d.e != nil {
		return nil
	}
	e, err := deflate.NewEncoder(deflate.EncoderOptions{
		Frame: d.frame, Level: d.opt.level, WindowBits: d.opt.windowBits, MemLevel: d.opt.memLevel,
		Strategy: deflate.Strategy(d.opt.strategy), Dictionary: d.opt.dictionary,
	})
	switch {
	case errors.Is(err, deflate.ErrDictionarySet):
		return streamError("Failed to set dictionary")
	case err != nil:
		return streamError("Zlib error")
	}
	d.e = e
	return nil
}

func (d *deflater) work(in, out []byte, flush int) (int, int, *failure) {
	if f := d.encoder(); f != nil {
		return 0, 0, f
	}
	read, written, err := d.e.Encode(in, out, deflate.Flush(flush))
	if err != nil && flush == finish && len(out) > 0 {
		return read, written, unexpectedEnd // ErrNoProgress: it has ended already
	}
	return read, written, nil
}

func (d *deflater) reset() *failure {
	if f := d.encoder(); f != nil {
		return f
	}
	d.e.Reset()
	return nil
}

// params changes level and strategy. Everything given before has to be written.
func (d *deflater) params(level, strategy int) *failure {
	if f := d.encoder(); f != nil {
		return f
	}
	if d.frame == deflate.Gzip {
		return nil // as in node
	}
	if _, err := d.e.SetParams(level, deflate.Strategy(strategy), nil); errors.Is(err, deflate.ErrOptions) {
		return streamError("Failed to set parameters")
	}
	return nil
}

// inflater decompresses. A gzip file may have several members.
type inflater struct {
	d     *deflate.Decoder
	known bool // there is a dictionary
	ended bool
}

func (i *inflater) work(in, out []byte, flush int) (read, written int, f *failure) {
	i.d.Feed(in)
	for written < len(out) {
		b, err := i.d.Next(len(out) - written)
		written += copy(out[written:], b)
		if errors.Is(err, io.EOF) {
			i.ended = true
			rest := i.d.Unread()
			if rest == 0 || i.d.Frame() != deflate.Gzip || in[len(in)-rest] == 0 {
				break // zeros fill up the last block of a tape
			}
			i.d.Reset()
			i.ended = false
			continue
		}
		if err != nil {
			return len(in) - i.d.Unread(), written, i.failure(err)
		}
		if len(b) == 0 {
			// It has looked at everything. What it keeps of that is for the next piece:
			// input that is left would be behind the end.
			read = len(in)
			break
		}
	}
	if i.ended || written == len(out) {
		read = len(in) - i.d.Unread()
	}
	if !i.ended && flush == finish && written < len(out) {
		return read, written, unexpectedEnd
	}
	return read, written, nil
}

func (i *inflater) failure(err error) *failure {
	switch {
	case !errors.Is(err, deflate.ErrDictionary):
		return dataError(err.Error())
	case i.known:
		return noDictionary("Bad dictionary")
	}
	return noDictionary("Missing dictionary")
}

func (i *inflater) reset() *failure {
	i.d.Feed(nil)
	i.d.Reset()
	i.ended = false
	return nil
}
