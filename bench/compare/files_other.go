//go:build !linux

package main

import "errors"

// openFiles is the hard limit of open files.
func openFiles() (int, error) { return 0, errors.New("this runs on Linux only") }
