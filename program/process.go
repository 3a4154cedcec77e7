package program

import (
	"maps"
	"runtime"
	"slices"
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/threads/face"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/glue"
)

// versionLine ends what is said of a program that an exception has ended.
const versionLine = "Node.js v" + core.Version + "\n"

// processNatives are what js/machine/process.js, internal/process.js and internal/env.js get.
func processNatives() map[string]bind.Static {
	return map[string]bind.Static{
		"nextTick": func(c *bind.Call) (any, error) {
			instanceOf(c.JS()).ticks.add(c)
			return nil, nil
		},
		// made(process, hook) is told of the object, and what to tell of events.
		"made": func(c *bind.Call) (any, error) {
			i := instanceOf(c.JS())
			i.process, _ = c.Arg(0).(*goja.Object)
			i.hook = c.Arg(1)
			return nil, i.loader.common.processMade()
		},
		// process(make, proto) is the process object; make(name) makes a property, or the
		// functions of an accessor.
		"process": func(c *bind.Call) (any, error) {
			var make, proto *goja.Object
			if err := c.Unpack("make", &make, "proto", &proto); err != nil {
				return nil, err
			}
			late := bind.NewLate(c.JS())
			o := late.Object(shapeOf(instanceOf(c.JS())), proto, processMembers(c.JS(), make))
			if err := late.Fill(); err != nil {
				return nil, err
			}
			return o, o.DefineDataPropertySymbol(goja.SymToStringTag, c.JS().Runtime().ToValue("process"), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		},
		"info": func(c *bind.Call) (any, error) { return instanceOf(c.JS()).info(c.Arg(0).String()), nil },
		"workerData": func(c *bind.Call) (any, error) {
			if p := face.PortOf(c.JS()); p != nil {
				return p.Value(c.JS())
			}
			return nil, nil
		},
		"argv":     func(c *bind.Call) (any, error) { return instanceOf(c.JS()).argv(), nil },
		"execArgv": func(c *bind.Call) (any, error) { return instanceOf(c.JS()).execArgv(), nil },
		"platform": func(*bind.Call) (any, error) { return platform(), nil },
		"versions": func(c *bind.Call) (any, error) {
			return object(c.JS(), map[string]any{"node": core.Version, "modules": "127", "goja": "0", "go": runtime.Version()[2:]})
		},
		"builtin": func(c *bind.Call) (any, error) {
			v, _, err := instanceOf(c.JS()).builtin(c.JS(), c.Arg(0).String())
			return v, err
		},
		"getEnv": func(c *bind.Call) (any, error) {
			if v, ok := instanceOf(c.JS()).o.env.get(c.Arg(0).String()); ok {
				return v, nil
			}
			return nil, nil
		},
		"setEnv": func(c *bind.Call) (any, error) {
			instanceOf(c.JS()).o.env.set(c.Arg(0).String(), c.Arg(1).String())
			return nil, nil
		},
		"deleteEnv": func(c *bind.Call) (any, error) {
			instanceOf(c.JS()).o.env.remove(c.Arg(0).String())
			return nil, nil
		},
		"envNames":    func(c *bind.Call) (any, error) { return instanceOf(c.JS()).o.env.list(), nil },
		"readOnlyEnv": func(c *bind.Call) (any, error) { return instanceOf(c.JS()).o.ReadOnly, nil },
		"cwd":         func(c *bind.Call) (any, error) { return instanceOf(c.JS()).program.Cwd(), nil },
		"chdir": func(c *bind.Call) (any, error) {
			p, to := instanceOf(c.JS()).program, c.Arg(0).String()
			from := p.Cwd()
			if err := p.Chdir(to); err != nil {
				e := glue.SystemErrorOf(err, "chdir", from, to)
				return nil, glue.Thrown(c.JS(), e)
			}
			return nil, nil
		},
		"umask": func(c *bind.Call) (any, error) {
			i := instanceOf(c.JS())
			if c.Len() == 0 {
				return float64(i.program.Umask()), nil
			}
			if i.o.ReadOnly {
				v, err := c.JS().Construct(c.JS().ErrorClass("RangeError"), c.JS().Runtime().ToValue("cannot set umask from a worker"))
				if err != nil {
					return nil, err
				}
				return nil, c.JS().Thrown(v)
			}
			return float64(i.program.setUmask(uint32(c.Arg(0).ToInteger()))), nil
		},
		"title": func(c *bind.Call) (any, error) {
			p := instanceOf(c.JS()).program
			p.mu.Lock()
			defer p.mu.Unlock()
			if c.Len() > 0 {
				p.title = c.Arg(0).String()
			}
			return p.title, nil
		},
		"hrtime": func(c *bind.Call) (any, error) {
			d := c.JS().Host().Now().Sub(instanceOf(c.JS()).program.began) + hrtimeBase
			return []any{float64(d / 1e9), float64(d % 1e9)}, nil
		},
		"uptime": func(c *bind.Call) (any, error) {
			return c.JS().Host().Now().Sub(instanceOf(c.JS()).program.began).Seconds(), nil
		},
		"memory":    func(c *bind.Call) (any, error) { return object(c.JS(), memoryNumbers()) },
		"cpu":       func(c *bind.Call) (any, error) { return object(c.JS(), cpuNumbers()) },
		"resources": func(c *bind.Call) (any, error) { return object(c.JS(), resourceNumbers()) },
		"print": func(c *bind.Call) (any, error) {
			instanceOf(c.JS()).print(c.JS(), int(c.Arg(0).ToInteger()), c.Arg(1).String())
			return nil, nil
		},
		"exit": func(c *bind.Call) (any, error) {
			instanceOf(c.JS()).exit(c.JS(), int(c.Arg(0).ToInteger()))
			return nil, nil
		},
		"abort": func(c *bind.Call) (any, error) {
			instanceOf(c.JS()).exit(c.JS(), exitAbort)
			return nil, nil
		},
		"stream": func(c *bind.Call) (any, error) {
			i := instanceOf(c.JS())
			if obj, ok := c.Arg(1).(*goja.Object); ok {
				fd := c.Arg(0).ToInteger()
				i.streams[fd], i.writes[fd] = obj, obj.Get("write")
			}
			return nil, nil
		},
		"kill": func(c *bind.Call) (any, error) {
			i, pid, number := instanceOf(c.JS()), int(c.Arg(0).ToInteger()), int(c.Arg(1).ToInteger())
			err := i.kill(c.JS(), pid, number)
			if err != nil {
				err = glue.Thrown(c.JS(), glue.SystemErrorOf(err, "kill", "", ""))
			}
			return nil, err
		},
		"catchSignal": func(c *bind.Call) (any, error) {
			i := instanceOf(c.JS())
			return nil, i.catchSignal(c.JS(), c.Arg(0).String(), c.Arg(1))
		},
		"releaseSignal": func(c *bind.Call) (any, error) {
			instanceOf(c.JS()).releaseSignal(c.Arg(0).String())
			return nil, nil
		},
	}
}

// channelFD is the variable that names the descriptor on which a child speaks to who
// forked it, and channelMode what it speaks: "json" or "advanced".
const (
	channelFD   = "NODE_CHANNEL_FD"
	channelMode = "NODE_CHANNEL_SERIALIZATION_MODE"
)

// channel is the descriptor on which the main instance speaks to who forked the program, and whether it does so in V8's
// format; -1 where nobody did.
func (i *Instance) channel() (fd int, advanced bool) {
	text, ok := i.program.env.get(channelFD)
	if !ok || !i.main {
		return -1, false
	}
	mode, _ := i.program.env.get(channelMode)
	i.program.env.remove(channelFD)
	i.program.env.remove(channelMode)
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return -1, false
	}
	return fd, mode == "advanced"
}

// hrtimeBase keeps hrtime away from 0, as the clock of a machine that is up is.
const hrtimeBase = 1000e9

func platform() string {
	if runtime.GOOS == "windows" {
		return "win32"
	}
	return runtime.GOOS
}

// object makes an ordinary object.
func object(js *isolate.JS, members map[string]any) (*goja.Object, error) {
	o := js.Runtime().NewObject()
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if err := o.Set(name, bind.Value(js, members[name])); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (o *Options) argv0() string {
	if o.Argv0 != "" {
		return o.Argv0
	}
	return o.ExecPath
}

// argv is process.argv.
func (i *Instance) argv() []string {
	first := i.o.Argv0
	if first == "" {
		first = i.program.o.ExecPath
	}
	if i.main && i.o.Eval {
		return append([]string{first}, i.o.Args...)
	}
	return append([]string{first, i.o.File}, i.o.Args...)
}

func (i *Instance) execArgv() []string {
	return i.o.ExecArgv
}

// print writes to stdout (1) or stderr (2): to the stream of process where a script has
// put something in the place of its write.
func (i *Instance) print(js *isolate.JS, fd int, text string) {
	if s := i.streams[fd]; s != nil {
		if w := s.Get("write"); w != nil && !w.SameAs(i.writes[fd]) {
			if _, err := js.Call(w, s, js.Runtime().ToValue(text)); err != nil {
				js.Panic(err)
			}
			return
		}
	}
	// Nobody is left who could be told of a stream that is broken.
	_ = i.write(fd, []byte(text))
}

// write writes to stdout or stderr, of which the owner of a worker may want to know.
func (i *Instance) write(fd int, b []byte) error {
	if i.o.output != nil {
		if alone, err := i.o.output(fd, b); alone {
			return err
		}
	}
	return i.program.write(fd, b)
}
