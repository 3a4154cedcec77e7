package glue

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// SystemError is a failed system call as node tells of it.
type SystemError struct {
	Code    string // "ENOENT"
	Errno   int    // as node counts: negative
	Syscall string
	Path    string
	Dest    string
	// Text is instead of the usual one of the code.
	Text string
	// Short errors are "write EPIPE", as those of streams are.
	Short bool
	// Tail is what they end with, such as the address that nobody listens at.
	Tail string
	// Listen errors have the text of the code before the tail.
	Listen bool
	// Bare errors say only their text, and have no number; nor a code where that is empty.
	Bare bool
	// Class is that of the object; "Error" where it is empty.
	Class string
	// More are further properties, name and value in turn.
	More []any
}

// SystemErrorOf is the error of a call; path and dest may be empty.
func SystemErrorOf(err error, call, path, dest string) *SystemError {
	var done *SystemError
	if errors.As(err, &done) {
		return done
	}
	e := &SystemError{Syscall: call, Path: path, Dest: dest}
	e.Code, e.Errno = codeOf(err)
	if e.Code == "UNKNOWN" {
		e.Text = err.Error()
	}
	return e
}

// NewSystemError is the error with a code of its own.
func NewSystemError(code, call, path string) *SystemError {
	return &SystemError{Code: code, Errno: ErrnoOf(code), Syscall: call, Path: path}
}

// ErrnoOf is the negative number of a code on this system.
func ErrnoOf(code string) int {
	for n, c := range systemCodes {
		if c.name == code && int(n) < 4096 {
			return -int(n)
		}
	}
	if n, ok := uvErrnos[code]; ok {
		return n
	}
	return -4094 // UNKNOWN of uv
}

func codeOf(err error) (string, int) {
	var n syscall.Errno
	if errors.As(err, &n) {
		if c, ok := systemCodes[n]; ok {
			return c.name, ErrnoOf(c.name)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "ENOENT", ErrnoOf("ENOENT")
	case errors.Is(err, fs.ErrExist):
		return "EEXIST", ErrnoOf("EEXIST")
	case errors.Is(err, fs.ErrPermission):
		return "EACCES", ErrnoOf("EACCES")
	case errors.Is(err, os.ErrClosed):
		return "EBADF", ErrnoOf("EBADF")
	case errors.Is(err, os.ErrInvalid):
		return "EINVAL", ErrnoOf("EINVAL")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "ETIMEDOUT", ErrnoOf("ETIMEDOUT")
	}
	return "UNKNOWN", -4094
}

// Error is the text that scripts see.
func (e *SystemError) Error() string {
	text := e.Text
	if e.Bare {
		return text
	}
	if e.Short {
		text := e.Syscall + " " + e.Code
		if e.Listen {
			text += ": " + TextOf(e.Code)
		}
		if e.Tail != "" {
			text += " " + e.Tail
		}
		return text
	}
	if text == "" {
		if text = TextOf(e.Code); text == "" {
			text = "unknown error"
		}
	}
	text = e.Code + ": " + text + ", " + e.Syscall
	if e.Path != "" {
		text += " '" + e.Path + "'"
	}
	if e.Dest != "" {
		text += " -> '" + e.Dest + "'"
	}
	return text
}

// Value makes the error's object.
func (e *SystemError) Value(js *isolate.JS) (*goja.Object, error) {
	name := e.Class
	if name == "" {
		name = "Error"
	}
	class, ok := js.ErrorClass(name).(*goja.Object)
	if !ok {
		return nil, e
	}
	obj, err := js.Construct(class, js.Runtime().ToValue(e.Error()))
	if err != nil {
		return nil, err
	}
	props := []any{"errno", e.Errno, "code", e.Code, "syscall", e.Syscall}
	if e.Bare {
		if props = []any{"code", e.Code}; e.Code == "" {
			props = nil
		}
	}
	props = append(props, e.More...)
	if e.Path != "" {
		props = append(props, "path", e.Path)
	}
	if e.Dest != "" {
		props = append(props, "dest", e.Dest)
	}
	for i := 0; i < len(props); i += 2 {
		if err := obj.DefineDataProperty(props[i].(string), bind.Value(js, props[i+1]), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

// Thrown is what a native returns to throw err: a SystemError as its object, others
// as they are.
func Thrown(js *isolate.JS, err error) error {
	var e *SystemError
	if !errors.As(err, &e) {
		return err
	}
	obj, verr := e.Value(js)
	if verr != nil {
		return verr
	}
	return js.Thrown(obj)
}

// Failure is err as the first argument of a callback.
func Failure(js *isolate.JS, err error) goja.Value {
	var e *SystemError
	if errors.As(err, &e) {
		if obj, verr := e.Value(js); verr == nil {
			return obj
		}
	}
	return js.Error(err)
}

// TextOf is what node says of a code; "" where it has no such code.
func TextOf(code string) string {
	for _, c := range systemCodes {
		if c.name == code {
			return c.text
		}
	}
	return uvTexts[code]
}

// SystemErrors are all errors of the system in the order of their numbers: the number, the code and the text of each.
func SystemErrors() []any {
	var numbers []int
	known := map[int]systemCode{}
	add := func(n int, c systemCode) {
		if _, twice := known[n]; !twice {
			numbers = append(numbers, n)
		}
		known[n] = c
	}
	for n, c := range systemCodes {
		if n < 4096 {
			add(-int(n), c)
		}
	}
	for code, n := range uvErrnos {
		add(n, systemCode{code, uvTexts[code]})
	}
	slices.SortFunc(numbers, func(a, b int) int { return b - a })
	list := []any{}
	for _, n := range numbers {
		list = append(list, n, known[n].name, known[n].text)
	}
	return list
}

var (
	uvErrnos = map[string]int{"EOF": -4095, "UNKNOWN": -4094, "ENOTFOUND": -3008, "EAI_FAIL": -3004, "EAI_AGAIN": -3001, "EAI_NODATA": -3007}
	uvTexts  = map[string]string{"EOF": "end of file", "UNKNOWN": "unknown error", "ENOTFOUND": "unknown node or service"}
)

type systemCode struct{ name, text string }

var systemCodes = map[syscall.Errno]systemCode{
	syscall.E2BIG:         {"E2BIG", "argument list too long"},
	syscall.EACCES:        {"EACCES", "permission denied"},
	syscall.EADDRINUSE:    {"EADDRINUSE", "address already in use"},
	syscall.EADDRNOTAVAIL: {"EADDRNOTAVAIL", "address not available"},
	syscall.EAFNOSUPPORT:  {"EAFNOSUPPORT", "address family not supported"},
	syscall.EAGAIN:        {"EAGAIN", "resource temporarily unavailable"},
	syscall.EALREADY:      {"EALREADY", "connection already in progress"},
	syscall.EBADF:         {"EBADF", "bad file descriptor"},
	syscall.EBUSY:         {"EBUSY", "resource busy or locked"},
	syscall.ECANCELED:     {"ECANCELED", "operation canceled"},
	syscall.ECONNABORTED:  {"ECONNABORTED", "software caused connection abort"},
	syscall.ECONNREFUSED:  {"ECONNREFUSED", "connection refused"},
	syscall.ECONNRESET:    {"ECONNRESET", "connection reset by peer"},
	syscall.EDESTADDRREQ:  {"EDESTADDRREQ", "destination address required"},
	syscall.EDQUOT:        {"EDQUOT", "disk quota exceeded"},
	syscall.EEXIST:        {"EEXIST", "file already exists"},
	syscall.EFAULT:        {"EFAULT", "bad address in system call argument"},
	syscall.EFBIG:         {"EFBIG", "file too large"},
	syscall.EHOSTUNREACH:  {"EHOSTUNREACH", "host is unreachable"},
	syscall.EINTR:         {"EINTR", "interrupted system call"},
	syscall.EINVAL:        {"EINVAL", "invalid argument"},
	syscall.EIO:           {"EIO", "i/o error"},
	syscall.EISCONN:       {"EISCONN", "socket is already connected"},
	syscall.EISDIR:        {"EISDIR", "illegal operation on a directory"},
	syscall.ELOOP:         {"ELOOP", "too many symbolic links encountered"},
	syscall.EMFILE:        {"EMFILE", "too many open files"},
	syscall.EMLINK:        {"EMLINK", "too many links"},
	syscall.EMSGSIZE:      {"EMSGSIZE", "message too long"},
	syscall.ENAMETOOLONG:  {"ENAMETOOLONG", "name too long"},
	syscall.ENETDOWN:      {"ENETDOWN", "network is down"},
	syscall.ENETUNREACH:   {"ENETUNREACH", "network is unreachable"},
	syscall.ENFILE:        {"ENFILE", "file table overflow"},
	syscall.ENOBUFS:       {"ENOBUFS", "no buffer space available"},
	syscall.ENODEV:        {"ENODEV", "no such device"},
	syscall.ENOENT:        {"ENOENT", "no such file or directory"},
	syscall.ENOEXEC:       {"ENOEXEC", "exec format error"},
	syscall.ENOMEM:        {"ENOMEM", "not enough memory"},
	syscall.ENOSPC:        {"ENOSPC", "no space left on device"},
	syscall.ENOSYS:        {"ENOSYS", "function not implemented"},
	syscall.ENOTCONN:      {"ENOTCONN", "socket is not connected"},
	syscall.ENOTDIR:       {"ENOTDIR", "not a directory"},
	syscall.ENOTEMPTY:     {"ENOTEMPTY", "directory not empty"},
	syscall.ENOTSOCK:      {"ENOTSOCK", "socket operation on non-socket"},
	syscall.ENOTSUP:       {"ENOTSUP", "operation not supported on socket"},
	syscall.ENOTTY:        {"ENOTTY", "inappropriate ioctl for device"},
	syscall.ENXIO:         {"ENXIO", "no such device or address"},
	syscall.EOVERFLOW:     {"EOVERFLOW", "value too large for defined data type"},
	syscall.EPERM:         {"EPERM", "operation not permitted"},
	syscall.EPIPE:         {"EPIPE", "broken pipe"},
	syscall.EPROTO:        {"EPROTO", "protocol error"},
	syscall.ERANGE:        {"ERANGE", "result too large"},
	syscall.EROFS:         {"EROFS", "read-only file system"},
	syscall.ESPIPE:        {"ESPIPE", "invalid seek"},
	syscall.ESRCH:         {"ESRCH", "no such process"},
	syscall.ETIMEDOUT:     {"ETIMEDOUT", "connection timed out"},
	syscall.ETXTBSY:       {"ETXTBSY", "text file is busy"},
	syscall.EXDEV:         {"EXDEV", "cross-device link not permitted"},
}
