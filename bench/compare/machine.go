package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// machine describes where a run took place.
type machine struct {
	cpu     string
	cores   int
	memory  int64 // bytes; 0 where unknown
	kernel  string
	storage string // file system of the temporary directory
}

// readMachine reads what /proc tells; what it does not tell is left out.
func readMachine(temp string) machine {
	m := machine{cpu: "unknown", cores: runtime.NumCPU(), kernel: "unknown", storage: "unknown"}
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
