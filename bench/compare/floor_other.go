//go:build !linux

package main

import (
	"encoding/json"
	"io"
)

// floor says that this system has none.
func floor(in io.Reader, out io.Writer) error {
	if err := json.NewEncoder(out).Encode(""); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}
