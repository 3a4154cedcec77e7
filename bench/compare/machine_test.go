package main

import (
	"strings"
	"testing"
	"time"
)

func TestParseStatus(t *testing.T) {
	const status = "Name:\tworkerd\nVmPeak:\t  999 kB\nVmRSS:\t   2048 kB\nRssAnon:\t    1024 kB\nThreads:\t9\n"
	m, err := parseStatus(status)
	if err != nil || m.resident != 2<<20 || m.anonymous != 1<<20 {
		t.Errorf("%+v, %v", m, err)
	}
	for _, bad := range []string{
		"",
		"VmRSS:\t2048 kB\n",
		strings.Replace(status, "2048 kB", "2048 MB", 1),
		strings.Replace(status, "2048 kB", "lots kB", 1),
		strings.Replace(status, "2048 kB", "-1 kB", 1),
	} {
		if m, err := parseStatus(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, m)
		}
	}
}

func TestProcFieldIsAWholeName(t *testing.T) {
	const info = "model name alt : no\nprocessor\t: 0\nmodel name\t: A: very fast\nmodel name\t: second\n"
	if v, ok := procField(strings.NewReader(info), "model name"); !ok || v != "A: very fast" {
		t.Errorf("%q, %v", v, ok)
	}
	if v, ok := procField(strings.NewReader(info), "model"); ok {
		t.Errorf("found %q", v)
	}
}

func TestFileSystemIsTheDeepestMount(t *testing.T) {
	const mounts = "/dev/vda / ext4 rw 0 0\nproc /proc proc rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/vdb /tmp/data xfs rw 0 0\nshort\n"
	for path, want := range map[string]string{
		"/home/x":       "ext4",
		"/tmp/y":        "tmpfs",
		"/tmp":          "tmpfs",
		"/tmp/data/z":   "xfs",
		"/tmp/database": "tmpfs",
	} {
		if got := fileSystem(strings.NewReader(mounts), path); got != want {
			t.Errorf("%s is on %q, want %q", path, got, want)
		}
	}
}

func TestParseStat(t *testing.T) {
	const stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 7 8 20 0 9 0 1234 1 1\n"
	if d, err := parseStat(stat); err != nil || d != 3*time.Second {
		t.Errorf("%v, %v", d, err)
	}
	for _, bad := range []string{"", "42 (a) S 1 2 3", strings.Replace(stat, " 250 ", " x ", 1), strings.Replace(stat, " 50 ", " -50 ", 1)} {
		if d, err := parseStat(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, d)
		}
	}
}
