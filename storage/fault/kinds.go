package fault

import (
	"fmt"
	"io/fs"
	"syscall"

	"workerd.local/exception"
	"workerd.local/storage"
)

// Kind is one way in which storage fails, to be combined with every operation.
type Kind struct {
	Name string
	// Plan lacks only N.
	Plan Plan
	// Passing says that whoever asks storage again, at once, is answered: nobody
	// above the cache may notice.
	Passing bool
}

// Kinds are the failures that stores have: those of the file system, after which a
// store stops for good; those of a connection, which pass or do not; and each of them
// with what was asked for not done, and done without anybody being told.
func Kinds() []Kind {
	disk := func(cause error) Plan {
		err := fmt.Errorf("%w: write actors.db: %w", storage.ErrFailed, &fs.PathError{Op: "write", Path: "actors.db", Err: cause})
		return Plan{Err: err, Later: err}
	}
	gone := exception.Errorf("Network connection lost.").WithKind(exception.Disconnected)
	done := func(p Plan) Plan { p.Mode = After; return p }
	return []Kind{
		{Name: "EIO", Plan: disk(syscall.EIO)},
		{Name: "ENOSPC", Plan: disk(syscall.ENOSPC)},
		{Name: "EROFS", Plan: disk(syscall.EROFS)},
		{Name: "EIO once", Plan: Plan{Err: &fs.PathError{Op: "read", Path: "actors.db", Err: syscall.EIO}, Once: true}},
		{Name: "EIO but durable", Plan: done(disk(syscall.EIO))},
		{Name: "disconnected once", Plan: Plan{Err: gone, Once: true}, Passing: true},
		{Name: "disconnected once but durable", Plan: Plan{Err: gone, Mode: After, Once: true}, Passing: true},
		{Name: "disconnected for good", Plan: Plan{Err: gone, Later: gone}},
		{Name: "disconnected for good but durable", Plan: Plan{Err: gone, Later: gone, Mode: After}},
	}
}
