//go:build !unix && !windows

package isolate

import "time"

func processTime() (time.Duration, bool) { return 0, false }
