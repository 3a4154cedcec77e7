package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine describes where a run took place.
type machine struct {
	cpu     string
	cores   int
	memory  int64 // bytes; 0 where unknown
	kernel  string
	storage string // file system of the temporary directory
	load    string // average number of runnable processes before the run: 1, 5 and 15 minutes
}

// readMachine reads what /proc tells; what it does not tell is left out.
func readMachine(temp string) machine {
	m := machine{cpu: "unknown", cores: runtime.NumCPU(), kernel: "unknown", storage: "unknown", load: "unknown"}
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		if v, ok := procField(f, "model name"); ok {
			m.cpu = v
		}
		f.Close()
	}
	if f, err := os.Open("/proc/meminfo"); err == nil {
		if v, ok := procField(f, "MemTotal"); ok {
			m.memory, _ = parseKB(v)
		}
		f.Close()
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.kernel = strings.TrimSpace(string(b))
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		if f := strings.Fields(string(b)); len(f) >= 3 {
			m.load = strings.Join(f[:3], ", ")
		}
	}
	if f, err := os.Open("/proc/mounts"); err == nil {
		if v := fileSystem(f, temp); v != "" {
			m.storage = v
		}
		f.Close()
	}
	return m
}

// procField returns the first value of a "name: value" line.
func procField(r io.Reader, name string) (string, bool) {
	s := bufio.NewScanner(r)
	for s.Scan() {
		key, value, ok := strings.Cut(s.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}

// parseKB reads "123 kB" as bytes.
func parseKB(s string) (int64, error) {
	num, unit, _ := strings.Cut(s, " ")
	n, err := strconv.ParseInt(num, 10, 64)
	if err != nil || n < 0 || unit != "kB" {
		return 0, fmt.Errorf("%q is not a number of kB", s)
	}
	return n << 10, nil
}

// fileSystem returns the type of the mount that path is on.
func fileSystem(mounts io.Reader, path string) string {
	best, kind := -1, ""
	s := bufio.NewScanner(mounts)
	for s.Scan() {
		f := strings.Fields(s.Text())
		if len(f) < 3 {
			continue
		}
		dir := strings.TrimSuffix(f[1], "/")
		if (path == f[1] || strings.HasPrefix(path, dir+"/")) && len(dir) >= best {
			best, kind = len(dir), f[2]
		}
	}
	return kind
}

// memory is a process's, in bytes.
type memory struct {
	resident  int64 // VmRSS
	anonymous int64 // RssAnon: without pages of files, such as the program itself
}

func readMemory(pid int) (memory, error) {
	path := fmt.Sprintf("/proc/%d/status", pid)
	b, err := os.ReadFile(path)
	if err != nil {
		return memory{}, err
	}
	m, err := parseStatus(string(b))
	if err != nil {
		return memory{}, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func parseStatus(status string) (m memory, err error) {
	for name, to := range map[string]*int64{"VmRSS": &m.resident, "RssAnon": &m.anonymous} {
		v, ok := procField(strings.NewReader(status), name)
		if !ok {
			return memory{}, fmt.Errorf("there is no %s", name)
		}
		if *to, err = parseKB(v); err != nil {
			return memory{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	return m, nil
}

// clockTick is the unit of CPU times in /proc: the kernel shows programs 100 ticks
// per second, whatever its own clock does.
const clockTick = 10 * time.Millisecond

// readCPU is the time that the process has used on all cores together.
func readCPU(pid int) (time.Duration, error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	d, err := parseStat(string(b))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// parseStat adds up utime and stime. The second field is the program's name in
// parentheses, which may hold anything.
func parseStat(stat string) (time.Duration, error) {
	_, rest, ok := cutLast(stat, ") ")
	f := strings.Fields(rest)
	const utime, stime = 14 - 3, 15 - 3 // rest begins with the third field
	if !ok || len(f) <= stime {
		return 0, fmt.Errorf("%q has too few fields", stat)
	}
	var sum time.Duration
	for _, i := range []int{utime, stime} {
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%q is not a number of ticks", f[i])
		}
		sum += time.Duration(n) * clockTick
	}
	return sum, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
