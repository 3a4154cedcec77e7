package program

import (
	"os"
	"runtime"
	"slices"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	engine "workerd.local/isolate/natives"
)

// info is what js/machine/process.js wants to know of the instance.
func (i *Instance) info(what string) any {
	flags := i.program.o.Flags
	switch what {
	case "main":
		return i.main
	case "readOnly":
		return i.o.ReadOnly
	case "noStdin":
		return i.o.NoStdin
	case "worker":
		return i.o.Thread
	case "thread":
		return i.thread.ID()
	case "pid":
		return os.Getpid()
	case "ppid":
		return os.Getppid()
	case "uid":
		return os.Getuid()
	case "gid":
		return os.Getgid()
	case "channel":
		fd, advanced := i.channel()
		return []any{fd, advanced}
	case "argv0":
		return i.program.o.argv0()
	case "execPath":
		return i.program.o.ExecPath
	case "arch":
		if runtime.GOARCH == "amd64" {
			return "x64"
		}
		return runtime.GOARCH
	case "noWarnings":
		return flags.NoWarnings
	case "traceWarnings":
		return flags.TraceWarnings
	case "noDeprecation":
		return flags.NoDeprecation
	case "traceDeprecation":
		return flags.TraceDeprecation
	case "throwDeprecation":
		return flags.ThrowDeprecation
	}
	panic("program: process.js asks for " + what)
}

// A process object of a program, a worker of io.js, and one of worker_threads.
var mainProcess, readOnlyProcess, threadProcess = processShape(true, false, false), processShape(false, true, false), processShape(false, false, true)

// plainProcess is that of any other instance, such as a worker of Hop.
var plainProcess = processShape(false, false, false)

func shapeOf(i *Instance) *engine.Late {
	switch {
	case i.main:
		return mainProcess
	case i.o.Thread:
		return threadProcess
	case i.o.ReadOnly:
		return readOnlyProcess
	}
	return plainProcess
}

// processAccessors are the properties that are a pair of functions.
var processAccessors = []string{"title", "debugPort", "stdin", "stdout", "stderr"}

// processShape lists the properties of a process object; member of js/machine/process.js
// makes them.
func processShape(main, readOnly, thread bool) *engine.Late {
	usual, fixed := engine.LateProperty{Enumerable: true}, engine.LateProperty{Enumerable: true, Fixed: true, ReadOnly: true}
	accessor := engine.LateProperty{Enumerable: true, Accessor: true}
	fixedAccessor := engine.LateProperty{Enumerable: true, Accessor: true, Fixed: true}
	list := usual.Named("version", "versions", "arch", "platform", "release", "features", "config", "argv", "execArgv", "argv0", "execPath", "env", "pid", "ppid",
		"getuid", "geteuid", "getgid", "getegid", "getgroups", "nextTick", "emitWarning", "exit", "getBuiltinModule", "allowedNodeEnvironmentFlags", "kill", "cwd",
		"umask", "hrtime", "memoryUsage", "cpuUsage", "uptime", "resourceUsage", "constrainedMemory", "availableMemory", "loadEnvFile", "channel", "connected", "binding",
		"getActiveResourcesInfo", "setUncaughtExceptionCaptureCallback", "hasUncaughtExceptionCaptureCallback", "noDeprecation", "traceDeprecation", "throwDeprecation",
		"sourceMapsEnabled", "setSourceMapsEnabled", "report", "_rawDebug", "moduleLoadList", "domain", "_exiting", "_getActiveRequests", "_getActiveHandles",
		"reallyExit", "_tickCallback", "_preload_modules", "ref", "unref", "assert")
	if !readOnly {
		// What changes the whole process.
		list = append(list, usual.Named("abort", "chdir", "dlopen", "openStdin")...)
	}
	if thread {
		list = append(list, usual.Named("initgroups", "setegid", "seteuid", "setgid", "setgroups", "setuid")...)
	}
	list = append(list, fixed.Named("isMainInstance", "isWorkerInstance", "isMainThread", "isWorkerThread", "tid", "threadId")...)
	if !main {
		list = append(list, fixedAccessor.Named("workerData")...)
	}
	return engine.NewLate(append(append(list, accessor.Named(processAccessors...)...), fixedAccessor.Named("exitCode")...)...)
}

// processMembers makes properties with make(name) of js/machine/process.js.
func processMembers(js *isolate.JS, make goja.Value) func(name string) engine.LateValue {
	return func(name string) engine.LateValue {
		v, err := js.Call(make, nil, js.Runtime().ToValue(name))
		if err != nil {
			js.Panic(err)
		}
		if fn, ok := v.(*goja.Object); ok && fn.ClassName() == "Function" && fn.Get("name").String() == "" {
			if err := fn.DefineDataProperty("name", js.Runtime().ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
				js.Panic(err)
			}
		}
		if name != "exitCode" && name != "workerData" && !slices.Contains(processAccessors, name) {
			return engine.LateValue{Value: v}
		}
		pair := v.(*goja.Object)
		get, _ := pair.Get("get").(*goja.Object)
		set, _ := pair.Get("set").(*goja.Object)
		return engine.LateValue{Get: get, Set: set}
	}
}
