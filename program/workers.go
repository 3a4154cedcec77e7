package program

import (
	"errors"
	"path/filepath"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/threads/face"
)

// workers makes what the workers of the program's scripts run (face.Loader).
type workers struct{ p *Program }

// Body is face.Loader's.
func (w workers) Body(js *isolate.JS, e face.Entry) (threads.Body, error) {
	owner := instanceOf(js)
	o := bodyOptions{
		File: e.Path, Args: e.Argv, ExecArgv: e.ExecArgv, ReadOnly: e.ReadOnly, Thread: e.Thread, NoStdin: e.Stdin == nil,
		env: owner.o.env, output: e.Output, stdin: e.Stdin,
	}
	switch {
	case e.Env != nil:
		o.env = newEnvironment(e.Env)
	case e.CopyEnv:
		o.env = newEnvironment(owner.o.env.environ())
	}
	if e.Thread && o.ExecArgv == nil {
		o.ExecArgv = owner.execArgv()
	}
	if e.ReadOnly {
		o.Argv0 = "node" // what io.js has there
	}
	switch {
	case e.Eval:
		o.Source, o.Eval, o.File = e.Path, true, face.EvalName
	case e.From != "":
		f, err := w.p.resolver.require(e.Path, filepath.Dir(e.From), e.From, nil)
		switch {
		case errors.Is(err, errNotFound) || err == nil && f.builtin != "":
			err = failure("MODULE_NOT_FOUND", "Cannot find module '%s'%s\nRequire stack:\n- %s", e.Path, w.meant(e), e.From)
			return missing{w.p.newBody(o), err}, nil
		case err != nil:
			return missing{w.p.newBody(o), err}, nil
		}
		o.File = f.file
	}
	return w.p.newBody(o), nil
}

// meant is what is said of a name without "./" that is none of a package, where the file is there: faces that look in the
// working directory take such names.
func (w workers) meant(e face.Entry) string {
	beside := "./" + filepath.ToSlash(e.Path)
	if e.Path == "" || filepath.IsAbs(e.Path) || isRelative(e.Path) {
		return ""
	}
	if _, err := w.p.resolver.require(beside, filepath.Dir(e.From), e.From, nil); err != nil {
		return ""
	}
	return ". Did you mean '" + beside + "'?"
}

// missing is an instance whose entry was not found.
type missing struct {
	*Instance
	err error
}

// Start is threads.Body's.
func (m missing) Start(js *isolate.JS, _ *threads.Thread) (goja.Value, error) {
	return nil, m.loader.thrown(js, m.err)
}
