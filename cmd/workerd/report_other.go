//go:build !unix

package main

import (
	"os"
	"runtime"
)

// reportSignal is nil: nothing asks for a report here.
var reportSignal os.Signal

// systemNames are those that the program knows.
func systemNames() (name, release, version, machine string) {
	return runtime.GOOS, "", "", runtime.GOARCH
}

// This system does not tell what a process has used, nor what it may use.
func reportNumbers() *reportUsage          { return &reportUsage{} }
func reportLimits() map[string]reportLimit { return map[string]reportLimit{} }
