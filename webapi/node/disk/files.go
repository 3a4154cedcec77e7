package disk

import (
	"context"
	"errors"
	"io"
	"math/big"
	"os"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/glue"
)

// Flags of open as fs.constants has them, which are those of Linux on all systems.
const (
	oWrite, oReadWrite = 1, 2
	oCreate            = 0o100
	oExclusive         = 0o200
	oTruncate          = 0o1000
	oAppend            = 0o2000
	oNonblock          = 0o4000
	oSync              = 0o4010000
	oDsync             = 0o10000
	oDirectory         = 0o200000
	oNoFollow          = 0o400000
)

// openFile opens a file: umask is the program's, which need not be that of the process.
func (d *Disk) openFile(p, shown string, flags int, mode uint32, mask int) (*File, error) {
	if d.full() {
		return nil, glue.NewSystemError("EMFILE", "open", shown)
	}
	f := systemFlags(flags)
	want := mode &^ uint32(mask)
	if flags&oCreate == 0 || want&processUmask() == 0 {
		file, err := os.OpenFile(p, f, goMode(want))
		if err != nil {
			return nil, glue.SystemErrorOf(err, "open", shown, "")
		}
		return &File{File: file, append: flags&oAppend != 0}, nil
	}
	// The process would take more from the mode than the program's umask does. Who makes
	// the file sets its mode, and nobody else does.
	for range 10 {
		file, err := os.OpenFile(p, f|os.O_EXCL, goMode(want))
		if err == nil {
			if err = file.Chmod(goMode(want)); err != nil {
				file.Close()
			}
		} else if errors.Is(err, os.ErrExist) && flags&oExclusive == 0 {
			file, err = os.OpenFile(p, f&^os.O_CREATE, 0)
			if errors.Is(err, os.ErrNotExist) {
				continue // it went away, or is a link that leads nowhere
			}
		}
		if err != nil {
			return nil, glue.SystemErrorOf(err, "open", shown, "")
		}
		return &File{File: file, append: flags&oAppend != 0}, nil
	}
	file, err := os.OpenFile(p, f, goMode(want))
	if err != nil {
		return nil, glue.SystemErrorOf(err, "open", shown, "")
	}
	return &File{File: file, append: flags&oAppend != 0}, nil
}

func openOperation(c *bind.Call, d *Disk) (work, error) {
	p, flags, mode := text(c, 0), number(c, 1), uint32(number(c, 2))
	at, mask := d.Path(p), d.machine.Umask()
	return func(context.Context) (any, error) {
		f, err := d.openFile(at, p, flags, mode, mask)
		if err != nil {
			return nil, err
		}
		fd, err := d.add(f, "open", p)
		if err != nil {
			return nil, err
		}
		return fd, nil
	}, nil
}

func closeOperation(c *bind.Call, d *Disk) (work, error) {
	f, err := d.take(number(c, 0))
	if err != nil {
		return nil, err
	}
	return func(context.Context) (any, error) {
		if f.std {
			return nil, nil
		}
		if err := f.Close(); err != nil {
			return nil, glue.SystemErrorOf(err, "close", "", "")
		}
		return nil, nil
	}, nil
}

// position is a number or a BigInt; what is neither is that of the descriptor, -1.
func position(c *bind.Call, n int) int64 {
	switch v := c.Arg(n + 1).Export().(type) {
	case *big.Int:
		if v.IsInt64() {
			return v.Int64()
		}
		return 1<<63 - 1
	case int64:
		return v
	case float64:
		return int64(v)
	}
	return -1
}

// readOperation is read(fd, views, position): the bytes are put into the views in the
// turn that learns of them, so that no script sees its memory change within a turn.
func readOperation(c *bind.Call, d *Disk) (work, error) {
	f, err := d.Lookup(number(c, 0), "read")
	if err != nil {
		return nil, err
	}
	views, at := views(c, 1), position(c, 2)
	size := 0
	for _, v := range views {
		b, _ := bind.Bytes(c.JS(), v)
		size += len(b)
	}
	return func(context.Context) (any, error) {
		buf := make([]byte, size)
		n, err := f.read(buf, at)
		if err != nil {
			return nil, glue.SystemErrorOf(err, "read", "", "")
		}
		return func(js *isolate.JS) (goja.Value, error) {
			rest := buf[:n]
			for _, v := range views {
				b, _ := bind.Bytes(js, v)
				rest = rest[copy(b, rest):]
			}
			return js.Runtime().ToValue(n), nil
		}, nil
	}, nil
}

// read reads once, from a position where at is not negative; nothing at the end.
func (f *File) read(b []byte, at int64) (n int, err error) {
	switch {
	case len(b) == 0:
	case f.File == nil && f.in == nil:
		return 0, os.ErrClosed
	case f.File == nil:
		n, err = f.in.Read(b)
	case at >= 0:
		n, err = f.ReadAt(b, at)
	default:
		n, err = f.Read(b)
	}
	if err == io.EOF || n > 0 {
		err = nil
	}
	return n, err
}

func writeOperation(c *bind.Call, d *Disk) (work, error) {
	f, err := d.Lookup(number(c, 0), "write")
	if err != nil {
		return nil, err
	}
	at := position(c, 2)
	var data []byte
	for _, v := range views(c, 1) {
		b, _ := bind.Bytes(c.JS(), v)
		data = append(data, b...)
	}
	return func(context.Context) (any, error) {
		n, err := f.write(data, at)
		if err != nil && n == 0 {
			return nil, glue.SystemErrorOf(err, "write", "", "")
		}
		return n, nil
	}, nil
}

// write writes all, at a position where at is not negative.
func (f *File) write(b []byte, at int64) (int, error) {
	switch {
	case f.File == nil && f.out == nil:
		return 0, os.ErrClosed
	case f.out != nil:
		return f.out.Write(b) // so that the writes of threads do not mix
	case at >= 0 && !f.append:
		return f.WriteAt(b, at)
	}
	return f.Write(b)
}

// views are the views of the array in an argument.
func views(c *bind.Call, n int) []goja.Value {
	list, ok := c.Arg(n + 1).(*goja.Object)
	if !ok {
		return nil
	}
	var out []goja.Value
	for i := range int(list.Get("length").ToInteger()) {
		out = append(out, list.Get(c.JS().Runtime().ToValue(i).String()))
	}
	return out
}

// mostRead is how long a file may be that is read as a whole, as in node.
const mostRead = 2 << 30

// readFileOperation is readFile(path or fd, flags): all there is from here on.
func readFileOperation(c *bind.Call, d *Disk) (work, error) {
	if isFD(c, 0) {
		f, err := d.Lookup(number(c, 0), "read")
		if err != nil {
			return nil, err
		}
		return func(context.Context) (any, error) { return readAll(f) }, nil
	}
	p, flags := text(c, 0), number(c, 1)
	at, mask := d.Path(p), d.machine.Umask()
	return func(context.Context) (any, error) {
		f, err := d.openFile(at, p, flags, 0o666, mask)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readAll(f)
	}, nil
}

func readAll(f *File) (any, error) {
	in := f.in
	size := int64(0)
	if f.File != nil {
		in = f.File
		if s, err := f.Stat(); err == nil && s.Mode().IsRegular() {
			size = s.Size()
		}
	}
	if in == nil {
		return nil, glue.NewSystemError("EBADF", "read", "")
	}
	if size > mostRead {
		return nil, tooLong(size)
	}
	buf := make([]byte, 0, size+512)
	for {
		n, err := in.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, glue.SystemErrorOf(err, "read", "", "")
		}
		if len(buf) > mostRead {
			return nil, tooLong(int64(len(buf)))
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// writeFileOperation is writeFile(path or fd, data, flags, mode, flush).
func writeFileOperation(c *bind.Call, d *Disk) (work, error) {
	b, _ := bind.Bytes(c.JS(), c.Arg(2))
	data := append([]byte(nil), b...)
	flush := flag(c, 4)
	if isFD(c, 0) {
		f, err := d.Lookup(number(c, 0), "write")
		if err != nil {
			return nil, err
		}
		return func(context.Context) (any, error) { return nil, writeAll(f, data, flush) }, nil
	}
	p, flags, mode := text(c, 0), number(c, 2), uint32(number(c, 3))
	at, mask := d.Path(p), d.machine.Umask()
	return func(context.Context) (any, error) {
		f, err := d.openFile(at, p, flags, mode, mask)
		if err != nil {
			return nil, err
		}
		err = writeAll(f, data, flush)
		if cerr := f.Close(); err == nil && cerr != nil {
			err = glue.SystemErrorOf(cerr, "close", "", "")
		}
		return nil, err
	}, nil
}

func writeAll(f *File, data []byte, flush bool) error {
	if _, err := f.write(data, -1); err != nil {
		return glue.SystemErrorOf(err, "write", "", "")
	}
	if flush && f.File != nil {
		if err := f.Sync(); err != nil {
			return glue.SystemErrorOf(err, "fsync", "", "")
		}
	}
	return nil
}

// opendirOperation is opendir(path): the descriptor of a directory for nextEntry.
func opendirOperation(c *bind.Call, d *Disk) (work, error) {
	p := text(c, 0)
	at := d.Path(p)
	return func(context.Context) (any, error) {
		if d.full() {
			return nil, glue.NewSystemError("EMFILE", "opendir", p)
		}
		file, err := os.Open(at)
		if err != nil {
			return nil, glue.SystemErrorOf(err, "opendir", p, "")
		}
		s, err := file.Stat()
		if err == nil && !s.IsDir() {
			err = notDirectory
		}
		if err != nil {
			file.Close()
			return nil, glue.SystemErrorOf(err, "opendir", p, "")
		}
		fd, err := d.add(&File{File: file}, "opendir", p)
		if err != nil {
			return nil, err
		}
		return fd, nil
	}, nil
}

// nextEntriesOperation is nextEntry(fd, count, parent, raw): some of what comes next.
func nextEntriesOperation(c *bind.Call, d *Disk) (work, error) {
	f, err := d.Lookup(number(c, 0), "scandir")
	if err != nil {
		return nil, err
	}
	count, parent, raw := number(c, 1), text(c, 2), flag(c, 3)
	return func(context.Context) (any, error) {
		items, err := f.ReadDir(max(count, 1))
		if err != nil && err != io.EOF {
			return nil, glue.SystemErrorOf(scandirError(err), "scandir", parent, "")
		}
		out := []entry{}
		for _, item := range items {
			out = append(out, entry{name{item.Name(), raw}, parent, kindOf(item.Type())})
		}
		return out, nil
	}, nil
}

func tooLong(size int64) error {
	return &glue.SystemError{Code: "ERR_FS_FILE_TOO_LARGE", Bare: true, Text: "File size (" + big.NewInt(size).String() + ") is greater than 2 GiB"}
}
