//go:build !windows

package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"workerd.local/storage/bolt"
)

// checkDir refuses a directory in which anybody may put a socket of his own in the
// place of ours.
func checkDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("everybody may write to the directory %s (mode %04o): take that permission away", dir, info.Mode().Perm())
	}
	return nil
}

// checkOwner refuses a socket that belongs neither to this user nor to the owner of
// the storage: what is sent to it would go to somebody else.
func checkOwner(dir string) error {
	if err := checkDir(dir); err != nil {
		return err
	}
	socket, err := os.Lstat(filepath.Join(dir, SocketName))
	if err != nil {
		return err
	}
	file, err := os.Stat(filepath.Join(dir, bolt.FileName))
	if err != nil {
		return err
	}
	a, ok1 := socket.Sys().(*syscall.Stat_t)
	b, ok2 := file.Sys().(*syscall.Stat_t)
	if !ok1 || !ok2 || int(a.Uid) != os.Geteuid() && a.Uid != b.Uid {
		return errors.New("the control socket belongs to another user than the storage")
	}
	return nil
}
