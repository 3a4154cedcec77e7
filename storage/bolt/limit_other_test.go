//go:build !linux

package bolt_test

import "errors"

func limitFileSize(uint64) error { return errors.ErrUnsupported }
