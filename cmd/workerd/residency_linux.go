package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// releaseStartCode gives back the pages of the program's file that only the start
// needed: initialisers of packages, the readers of configurations, the bundler. They
// stay in the system's page cache, and whoever needs one again finds it there, for
// about a microsecond per 64 KiB. It changes nothing else, so an error of it is no
// reason not to serve.
func releaseStartCode() error {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return err
	}
	defer maps.Close()
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	parts, err := readOnlyParts(maps, program)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if _, _, no := syscall.Syscall(syscall.SYS_MADVISE, p.start, p.end-p.start, syscall.MADV_DONTNEED); no != 0 {
			return fmt.Errorf("madvise: %w", no)
		}
	}
	return nil
}

// part is a range of addresses.
type part struct{ start, end uintptr }

// readOnlyParts finds where program is mapped and cannot be written to, in the form of
// /proc/self/maps: there a page that is given up is read from the file again, while one
// that was written to would be lost.
func readOnlyParts(maps io.Reader, program string) (parts []part, err error) {
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		var start, end, offset uintptr
		var rights, device, inode string
		line := lines.Text()
		if _, err := fmt.Sscanf(line, "%x-%x %s %x %s %s", &start, &end, &rights, &offset, &device, &inode); err != nil {
			return nil, fmt.Errorf("%q is not a line of /proc/self/maps: %w", line, err)
		}
		if strings.HasSuffix(line, " "+program) && !strings.Contains(rights, "w") {
			parts = append(parts, part{start, end})
		}
	}
	return parts, lines.Err()
}
