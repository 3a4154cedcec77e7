// Package children is node:child_process of programs.
//
// A child is a process of the machine. It has the directory, the environment and the
// streams that the program gives it; what the program does not say is the program's
// own (glue.Machine), never that of this process. The number of children that run is
// bounded. Children outlive the program that started them, as in node; what the
// program has of them, pipes and all, is closed at its end.
//
// A Child is told of by one goroutine that waits for its end. A Pipe is one end of a
// stream of a child: it is read and written when the script asks, by a goroutine for
// each call. The synchronous calls block the loop until the child has ended, or the
// program is stopped.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine, but for what goroutines of a handle do
// (glue.Handle).
package children

import (
	"embed"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/disk"
	"workerd.local/webapi/node/glue"
)

//go:embed all:js
var sources embed.FS

// Modules are node:child_process of programs and what it is made of.
func Modules() []glue.Module {
	return glue.Files(sources, func(name string) map[string]bind.Static {
		switch name {
		case "machine/child_process":
			return map[string]bind.Static{"spawn": jsSpawn, "spawnSync": jsSpawnSync, "environ": jsEnviron, "self": jsSelf}
		case "internal/ipc":
			return map[string]bind.Static{"adopt": jsAdopt}
		}
		return nil
	}, nil)
}

// family is the children of one realm.
type family struct{ running int }

var families = isolate.NewSlot(func(*isolate.JS) *family { return &family{} })

func jsEnviron(c *bind.Call) (any, error) { return glue.MachineOf(c.JS()).Environ(), nil }
func jsSelf(c *bind.Call) (any, error)    { return glue.MachineOf(c.JS()).Self(), nil }

// order is what a script wants started.
type order struct {
	file     string
	argv     []string
	dir      string
	env      []string
	stdio    []stream
	detached bool
	uid, gid int // -1 where they stay
	// advanced says that what goes through the channel is in V8's format.
	advanced bool
}

// stream is one of a child's descriptors.
type stream struct {
	kind string   // "pipe", "ignore", "ipc" or "file"
	file *os.File // of "file"
	out  io.Writer
}

// options reads the object that the script's side makes of its arguments.
func options(c *bind.Call) (*order, error) {
	js := c.JS()
	obj, ok := c.Arg(0).(*goja.Object)
	if !ok {
		return nil, errors.New("child_process: no options")
	}
	machine := glue.MachineOf(js)
	text := func(name string) string {
		if v := obj.Get(name); v != nil && !goja.IsUndefined(v) && !goja.IsNull(v) {
			return v.String()
		}
		return ""
	}
	texts := func(name string) (list []string) {
		if v, ok := obj.Get(name).(*goja.Object); ok {
			for i := range int(v.Get("length").ToInteger()) {
				list = append(list, v.Get(js.Runtime().ToValue(i).String()).String())
			}
		}
		return list
	}
	id := func(name string) int {
		if v := obj.Get(name); v != nil && goja.IsNumber(v) {
			return int(v.ToInteger())
		}
		return -1
	}
	o := &order{file: text("file"), argv: texts("args"), env: texts("env"), dir: machine.Dir(), detached: obj.Get("detached").ToBoolean(), advanced: obj.Get("advanced") != nil && obj.Get("advanced").ToBoolean(), uid: id("uid"), gid: id("gid")}
	if dir := text("cwd"); dir != "" {
		o.dir = disk.Of(js).Path(dir)
	}
	for i, s := range texts("stdio") {
		in := stream{kind: s}
		if n, isFD := strings.CutPrefix(s, "fd:"); isFD {
			fd := 0
			for _, digit := range n {
				fd = fd*10 + int(digit-'0')
			}
			f, err := disk.Of(js).Lookup(fd, "spawn")
			if err != nil {
				return nil, glue.Thrown(js, err)
			}
			in = stream{kind: "file", file: f.File}
			if f.File == nil {
				in.kind = "ignore"
				if out := f.Writer(); out != nil && i > 0 {
					in = stream{kind: "copy", out: out}
				}
			}
		}
		o.stdio = append(o.stdio, in)
	}
	return o, nil
}

// started is a process with the ends of its streams that are ours.
type started struct {
	process *os.Process
	ends    []*os.File // nil where there is none
	copies  []chan struct{}
}

// start starts the process. What the child inherits is closed here whatever happens.
func (o *order) start() (_ *started, err error) {
	s := &started{ends: make([]*os.File, len(o.stdio))}
	var theirs, mine []*os.File
	defer func() {
		for _, f := range mine {
			f.Close()
		}
		if err != nil {
			for _, f := range s.ends {
				if f != nil {
					f.Close()
				}
			}
		}
	}()
	ipc := -1
	for i, st := range o.stdio {
		switch st.kind {
		case "file":
			theirs = append(theirs, st.file)
			continue
		case "pipe", "copy":
			r, w, err := os.Pipe()
			if err != nil {
				return nil, err
			}
			child, ours := w, r
			if i == 0 {
				child, ours = r, w
			}
			if i > 2 && st.kind == "pipe" {
				// Streams beside the first three go both ways.
				r.Close()
				w.Close()
				if ours, child, err = pair(); err != nil {
					return nil, err
				}
			}
			mine = append(mine, child)
			theirs = append(theirs, child)
			if st.kind == "copy" {
				s.copies = append(s.copies, s.copy(st.out, ours))
			} else {
				s.ends[i] = ours
			}
		case "ipc":
			ours, child, err := pair()
			if err != nil {
				return nil, err
			}
			s.ends[i], ipc = ours, i
			mine = append(mine, child)
			theirs = append(theirs, child)
		default:
			null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
			if err != nil {
				return nil, err
			}
			mine = append(mine, null)
			theirs = append(theirs, null)
		}
	}
	env := o.env
	if ipc >= 0 {
		mode := "json"
		if o.advanced {
			mode = "advanced"
		}
		env = append(append([]string(nil), env...), "NODE_CHANNEL_FD="+itoa(ipc), "NODE_CHANNEL_SERIALIZATION_MODE="+mode)
	}
	if err := o.checkDir(); err != nil {
		return nil, err
	}
	file, err := o.lookup()
	if err != nil {
		return nil, err
	}
	attr := &os.ProcAttr{Dir: o.dir, Env: env, Files: theirs, Sys: o.attributes()}
	s.process, err = os.StartProcess(file, o.argv, attr)
	if errors.Is(err, syscall.ENOEXEC) {
		// A script that does not say who runs it is for the shell.
		argv := append([]string{"/bin/sh", file}, o.argv[min(1, len(o.argv)):]...)
		s.process, err = os.StartProcess("/bin/sh", argv, attr)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// checkDir says that the directory is missing before the program's name is blamed.
func (o *order) checkDir() error {
	s, err := os.Stat(o.dir)
	if err != nil {
		return err
	}
	if !s.IsDir() {
		return syscall.ENOTDIR
	}
	return nil
}

// copy hands on what a child writes to a stream of the program that is no file.
func (s *started) copy(to io.Writer, from *os.File) chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer from.Close()
		// What cannot be written is nobody's: the child learns of it by its next write.
		_, _ = io.Copy(to, from)
	}()
	return done
}

// wait is the end of the process: its code, or the signal that ended it.
func (s *started) wait() (code int, signal string) {
	state, err := s.process.Wait()
	for _, done := range s.copies {
		<-done
	}
	if err != nil {
		return -1, ""
	}
	return ended(state)
}

// lookup finds the program in the child's own PATH.
func (o *order) lookup() (string, error) {
	if strings.ContainsRune(o.file, '/') || strings.ContainsRune(o.file, filepath.Separator) {
		if filepath.IsAbs(o.file) {
			return o.file, nil
		}
		return filepath.Join(o.dir, o.file), nil
	}
	path, found := defaultPath, false
	for _, v := range o.env {
		if value, ok := strings.CutPrefix(v, "PATH="); ok {
			path, found = value, true
		}
	}
	if !found && path == "" {
		return o.file, nil
	}
	var failed error = syscall.ENOENT
	for _, dir := range filepath.SplitList(path) {
		if dir == "" || !filepath.IsAbs(dir) {
			dir = filepath.Join(o.dir, dir)
		}
		file, err := runnable(filepath.Join(dir, o.file))
		if err == nil {
			return file, nil
		}
		if errors.Is(err, os.ErrPermission) {
			failed = err
		}
	}
	return "", failed
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

// bounded says that the program has too many children.
func (f *family) bounded(js *isolate.JS) error {
	if f.running >= limits.ProgramChildren.In(js.Bounds()) {
		return syscall.EAGAIN
	}
	return nil
}
