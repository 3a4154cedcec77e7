package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongArgumentsAreNamed(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.capnp")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "usage"},
		{[]string{"test"}, "usage"},
		{[]string{"serve"}, "takes one configuration"},
		{[]string{"serve", "a", "b"}, "takes one configuration"},
		{[]string{"serve", "-socket-addr", "x", "a"}, "expected <name>=<value>"},
		{[]string{"serve", missing}, "missing.capnp"},
	} {
		err := run(tt.args, &strings.Builder{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v; want %q", tt.args, err, tt.want)
		}
	}
}

func TestProfilesAreWritten(t *testing.T) {
	dir := t.TempDir()
	cpu, mem := filepath.Join(dir, "cpu"), filepath.Join(dir, "mem")
	stop, err := startProfiles(cpu, mem)
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{cpu, mem} {
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
	if _, err := startProfiles(filepath.Join(dir, "no", "such"), ""); err == nil {
		t.Error("no error for a directory that does not exist")
	}
}
