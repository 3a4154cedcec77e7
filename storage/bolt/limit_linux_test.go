package bolt_test

import "syscall"

// limitFileSize makes this process unable to grow files beyond so many bytes; 0
// only tells whether that can be done.
func limitFileSize(bytes uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil || bytes == 0 {
		return err
	}
	limit.Cur = bytes
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}
