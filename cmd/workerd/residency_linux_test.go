package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestReadOnlyParts(t *testing.T) {
	maps := `00400000-01350000 r-xp 00000000 fe:00 9978527                            /opt/my app
01350000-02274000 r--p 00f50000 fe:00 9978527                            /opt/my app
02274000-0255a000 rw-p 01e74000 fe:00 9978527                            /opt/my app
0255a000-045a9000 rw-p 00000000 00:00 0
7fba9e6b0000-7fba9e7f0000 r--p 00000000 fe:00 77                         /opt/other/opt/my app
7ffc0cd9e000-7ffc0cdbf000 rw-p 00000000 00:00 0                          [stack]
`
	parts, err := readOnlyParts(strings.NewReader(maps), "/opt/my app")
	if err != nil {
		t.Fatal(err)
	}
	want := "[{4194304 20250624} {20250624 36126720}]"
	if got := fmt.Sprint(parts); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := readOnlyParts(strings.NewReader("no such thing\n"), "/opt/my app"); err == nil {
		t.Error("a line that cannot be read is no error")
	}
}

// residentFile is the file-backed part of this process that is in memory, in KiB.
func residentFile(t *testing.T) (kib int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	_, rest, ok := strings.Cut(string(status), "RssFile:")
	if !ok {
		t.Skip("the system does not say how much of a file is in memory")
	}
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	return kib
}

func TestReleaseStartCode(t *testing.T) {
	before := residentFile(t)
	if err := releaseStartCode(); err != nil {
		t.Fatal(err)
	}
	after := residentFile(t)
	t.Logf("%d KiB of the program in memory before, %d KiB after", before, after)
	if after >= before {
		t.Errorf("%d KiB of the program were in memory before, %d KiB are after", before, after)
	}
}
