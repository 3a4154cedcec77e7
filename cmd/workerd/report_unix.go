//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// reportSignal asks for a report, where the options do.
var reportSignal os.Signal = syscall.SIGUSR2

// systemNames are those of the system, its release and version, and of the machine.
func systemNames() (name, release, version, machine string) {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return runtime.GOOS, "", "", runtime.GOARCH
	}
	return unix.ByteSliceToString(u.Sysname[:]), unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Version[:]), unix.ByteSliceToString(u.Machine[:])
}

// reportNumbers are what the process has used.
func reportNumbers() *reportUsage {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it cannot fail for the process itself
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	r := &reportUsage{User: seconds(u.Utime), Kernel: seconds(u.Stime), MaxRSS: int64(u.Maxrss)}
	if runtime.GOOS != "darwin" {
		r.MaxRSS *= 1024 // the others say it in KiB
	}
	r.Faults.IO, r.Faults.NoIO, r.Files.Reads, r.Files.Writes = int64(u.Majflt), int64(u.Minflt), int64(u.Inblock), int64(u.Oublock)
	return r
}

// reportLimits are the process's own.
func reportLimits() map[string]reportLimit {
	limits := map[string]reportLimit{}
	for name, which := range map[string]int{
		"core_file_size_blocks": unix.RLIMIT_CORE, "data_seg_size_kbytes": unix.RLIMIT_DATA, "file_size_blocks": unix.RLIMIT_FSIZE,
		"max_locked_memory_bytes": unix.RLIMIT_MEMLOCK, "max_memory_size_kbytes": unix.RLIMIT_RSS, "open_files": unix.RLIMIT_NOFILE,
		"stack_size_bytes": unix.RLIMIT_STACK, "cpu_time_seconds": unix.RLIMIT_CPU, "max_user_processes": unix.RLIMIT_NPROC,
		"virtual_memory_kbytes": unix.RLIMIT_AS,
	} {
		var l unix.Rlimit
		if unix.Getrlimit(which, &l) != nil {
			continue
		}
		number := func(n uint64) any {
			if n >= 1<<63-1 {
				return "unlimited"
			}
			return n
		}
		limits[name] = reportLimit{number(uint64(l.Cur)), number(uint64(l.Max))}
	}
	return limits
}
