// Package terminal is who sits before a program and what it runs on: node:tty,
// node:readline, node:os and node:domain of programs.
//
// Whether a descriptor is a terminal, how large that is and whether it is raw is asked
// of the system; a terminal that was made raw is given back at the program's end. Lines
// are read and edited in JavaScript, over any streams.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine.
package terminal

import (
	"embed"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/disk"
	"workerd.local/webapi/node/glue"
)

//go:embed all:js
var sources embed.FS

// Modules are the modules of this package.
func Modules() []glue.Module {
	return glue.Files(sources, func(name string) map[string]bind.Static {
		switch name {
		case "machine/tty":
			return ttyNatives()
		case "machine/os":
			return osNatives()
		}
		return nil
	}, nil)
}

// raws are the terminals of a realm that were made raw, with what gives them back.
type raws struct{ restore map[int]func() }

var rawsOf = isolate.NewSlot(func(*isolate.JS) *raws { return &raws{restore: map[int]func(){}} })

func ttyNatives() map[string]bind.Static {
	file := func(c *bind.Call) *os.File {
		f, err := disk.Of(c.JS()).Lookup(int(c.Arg(0).ToInteger()), "open")
		if err != nil {
			return nil
		}
		return f.File
	}
	return map[string]bind.Static{
		"isTTY": func(c *bind.Call) (any, error) {
			f := file(c)
			return f != nil && isTerminal(f), nil
		},
		// size is [columns, rows], or undefined.
		"size": func(c *bind.Call) (any, error) {
			if f := file(c); f != nil {
				if columns, rows, err := size(f); err == nil {
					return []any{columns, rows}, nil
				}
			}
			return nil, nil
		},
		"setRaw": func(c *bind.Call) (any, error) {
			js, fd, all := c.JS(), int(c.Arg(0).ToInteger()), rawsOf.Get(c.JS())
			if restore := all.restore[fd]; restore != nil {
				if !c.Arg(1).ToBoolean() {
					delete(all.restore, fd)
					restore()
				}
				return nil, nil
			}
			f := file(c)
			if !c.Arg(1).ToBoolean() || f == nil {
				return nil, nil
			}
			restore, err := makeRaw(f)
			if err != nil {
				return nil, glue.Thrown(js, glue.SystemErrorOf(err, "setRawMode", "", ""))
			}
			all.restore[fd] = restore
			if ioc, err := iocontext.Current(js); err == nil {
				ioc.OnEnd(func() {
					if restore := all.restore[fd]; restore != nil {
						delete(all.restore, fd)
						restore()
					}
				})
			}
			return nil, nil
		},
	}
}

func osNatives() map[string]bind.Static {
	return map[string]bind.Static{
		"hostname": func(c *bind.Call) (any, error) {
			name, err := os.Hostname()
			if err != nil {
				return nil, glue.Thrown(c.JS(), glue.SystemErrorOf(err, "uv_os_gethostname", "", ""))
			}
			return name, nil
		},
		"arch":     func(*bind.Call) (any, error) { return archOf(runtime.GOARCH), nil },
		"platform": func(*bind.Call) (any, error) { return platformOf(runtime.GOOS), nil },
		"parallel": func(*bind.Call) (any, error) { return runtime.GOMAXPROCS(0), nil },
		// names is sysname, release, version and machine.
		"names":  func(*bind.Call) (any, error) { return systemNames(), nil },
		"uptime": func(*bind.Call) (any, error) { return uptime(), nil },
		// memory is [free, total] in bytes.
		"memory": func(*bind.Call) (any, error) { free, total := memory(); return []any{free, total}, nil },
		"load":   func(*bind.Call) (any, error) { l := loads(); return []any{l[0], l[1], l[2]}, nil },
		// cpus is [model, MHz, user, nice, sys, idle, irq] of each.
		"cpus":       func(*bind.Call) (any, error) { return cpus(), nil },
		"interfaces": func(c *bind.Call) (any, error) { return interfaces(), nil },
		"user":       jsUser,
		"getPriority": func(c *bind.Call) (any, error) {
			n, err := priority(int(c.Arg(0).ToInteger()))
			if err != nil {
				return nil, glue.Thrown(c.JS(), systemError(err, "uv_os_getpriority"))
			}
			return n, nil
		},
		"setPriority": func(c *bind.Call) (any, error) {
			if err := setPriority(int(c.Arg(0).ToInteger()), int(c.Arg(1).ToInteger())); err != nil {
				return nil, glue.Thrown(c.JS(), systemError(err, "uv_os_setpriority"))
			}
			return nil, nil
		},
	}
}

// systemError is node's own class of errors of calls that are no file's.
func systemError(err error, call string) error {
	e := glue.SystemErrorOf(err, call, "", "")
	code := e.Code
	text := "A system error occurred: " + call + " returned " + code + " (" + glue.TextOf(code) + ")"
	return &glue.SystemError{Code: "ERR_SYSTEM_ERROR", Bare: true, Text: text, More: []any{"errno", e.Errno, "syscall", call}}
}

// jsUser is [uid, gid, name, home, shell].
func jsUser(c *bind.Call) (any, error) {
	u, err := user.Current()
	if err != nil {
		return nil, glue.Thrown(c.JS(), systemError(err, "uv_os_get_passwd"))
	}
	id := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			return -1 // as on Windows
		}
		return n
	}
	shell := any(goja.Null())
	if s := shellOf(u.Username); s != "" {
		shell = s
	}
	return []any{id(u.Uid), id(u.Gid), u.Username, u.HomeDir, shell}, nil
}

// shellOf is the shell of a user.
func shellOf(name string) string {
	b, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 7 && f[0] == name {
			return f[6]
		}
	}
	return ""
}

func archOf(goarch string) string {
	switch goarch {
	case "amd64":
		return "x64"
	case "386":
		return "ia32"
	case "ppc64le":
		return "ppc64"
	case "mipsle":
		return "mipsel"
	}
	return goarch
}

func platformOf(goos string) string {
	if goos == "windows" {
		return "win32"
	}
	return goos
}
