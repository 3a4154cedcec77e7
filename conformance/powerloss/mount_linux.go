package powerloss

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Mounted is a Disk in the file system of this machine.
type Mounted struct {
	// Dir is where it is mounted.
	Dir    string
	server *fuse.Server
}

// Mount mounts a disk on an empty directory. Where this machine or this user cannot do
// that the test is skipped, also in CI. The test's end unmounts it.
func Mount(t testing.TB, d *Disk) *Mounted {
	t.Helper()
	m, err := mount(d, t.TempDir())
	if err != nil {
		t.Skipf("WARNING: no test of power loss: %v; it needs /dev/fuse and the right to mount", err)
	}
	t.Cleanup(func() {
		d.Release()
		if err := m.Unmount(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func mount(d *Disk, dir string) (*Mounted, error) {
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	server, err := fuse.NewServer(&fileSystem{RawFileSystem: fuse.NewDefaultRawFileSystem(), disk: d}, dir, &fuse.MountOptions{
		Name: "powerloss", FsName: "powerloss", DirectMount: true, DisableXAttrs: true, DisableReadDirPlus: true,
		// As with a disk, what the system has in memory stays there; see open.
		ExplicitDataCacheControl: true,
	})
	if err != nil {
		return nil, fmt.Errorf("mount: %w", err)
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return nil, errors.Join(fmt.Errorf("mount: %w", err), server.Unmount())
	}
	return &Mounted{Dir: dir, server: server}, nil
}

// Unmount ends the mount, and with it what the system has in memory of the disk. The
// processes that used it have ended. Doing so again is allowed.
func (m *Mounted) Unmount() error {
	if m.server == nil {
		return nil
	}
	var err error
	for range 500 {
		// The last pages of a process that was killed may still be going.
		if err = m.server.Unmount(); err == nil {
			m.server.Wait()
			m.server = nil
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("unmount %s: %w", m.Dir, err)
}

// attributesLast is how long the system may believe what it knows of a file: nobody
// else changes it.
const attributesLast = 3600

// fileSystem turns the requests of FUSE into calls of a Disk.
type fileSystem struct {
	fuse.RawFileSystem
	disk *Disk
}

func (f *fileSystem) String() string { return "powerloss" }

func (f *fileSystem) attr(number uint64, a *fuse.Attr) fuse.Status {
	dir, size, errno := f.disk.Stat(number)
	if errno != 0 {
		return fuse.Status(errno)
	}
	a.Ino, a.Nlink, a.Blksize = number, 1, 4096
	a.Uid, a.Gid = uint32(os.Geteuid()), uint32(os.Getegid())
	if dir {
		a.Mode = syscall.S_IFDIR | 0o700
		return fuse.OK
	}
	a.Mode, a.Size, a.Blocks = syscall.S_IFREG|0o600, uint64(size), uint64(size+sectorBytes-1)/sectorBytes
	return fuse.OK
}

func (f *fileSystem) entry(number uint64, out *fuse.EntryOut) fuse.Status {
	out.NodeId, out.Generation, out.EntryValid, out.AttrValid = number, 1, attributesLast, attributesLast
	return f.attr(number, &out.Attr)
}

func (f *fileSystem) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	number, errno := f.disk.Lookup(h.NodeId, name)
	if errno != 0 {
		return fuse.Status(errno)
	}
	return f.entry(number, out)
}

func (f *fileSystem) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	out.AttrValid = attributesLast
	return f.attr(in.NodeId, &out.Attr)
}

func (f *fileSystem) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	if in.Valid&fuse.FATTR_SIZE != 0 {
		if errno := f.disk.Resize(in.NodeId, int64(in.Size)); errno != 0 {
			return fuse.Status(errno)
		}
	}
	out.AttrValid = attributesLast
	return f.attr(in.NodeId, &out.Attr)
}

func (f *fileSystem) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	number, errno := f.disk.Create(in.NodeId, name, true)
	if errno != 0 {
		return fuse.Status(errno)
	}
	return f.entry(number, out)
}

func (f *fileSystem) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	number, errno := f.disk.Create(in.NodeId, name, false)
	if errno != 0 {
		return fuse.Status(errno)
	}
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	return f.entry(number, &out.EntryOut)
}

func (f *fileSystem) Unlink(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return fuse.Status(f.disk.Remove(h.NodeId, name))
}

func (f *fileSystem) Rmdir(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return fuse.Status(f.disk.Remove(h.NodeId, name))
}

func (f *fileSystem) Rename(_ <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	return fuse.Status(f.disk.Rename(in.NodeId, from, in.Newdir, to))
}

func (f *fileSystem) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	if in.Flags&syscall.O_TRUNC != 0 {
		return fuse.Status(f.disk.Resize(in.NodeId, 0))
	}
	return fuse.OK
}

func (f *fileSystem) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	n, errno := f.disk.ReadAt(in.NodeId, buf, int64(in.Offset))
	if errno != 0 {
		return nil, fuse.Status(errno)
	}
	return fuse.ReadResultData(buf[:n]), fuse.OK
}

func (f *fileSystem) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	if errno := f.disk.WriteAt(in.NodeId, data, int64(in.Offset)); errno != 0 {
		return 0, fuse.Status(errno)
	}
	return uint32(len(data)), fuse.OK
}

func (f *fileSystem) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return fuse.Status(f.disk.SyncFile(in.NodeId))
}

func (f *fileSystem) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.OK }

func (f *fileSystem) OpenDir(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status {
	return fuse.OK
}

func (f *fileSystem) FsyncDir(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return fuse.Status(f.disk.SyncDir(in.NodeId))
}

func (f *fileSystem) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	names, errno := f.disk.Names(in.NodeId)
	if errno != 0 {
		return fuse.Status(errno)
	}
	for i := int(in.Offset); i < len(names); i++ {
		number, errno := f.disk.Lookup(in.NodeId, names[i])
		if errno != 0 {
			continue // gone meanwhile
		}
		mode := uint32(syscall.S_IFREG)
		if dir, _, _ := f.disk.Stat(number); dir {
			mode = syscall.S_IFDIR
		}
		if !out.AddDirEntry(fuse.DirEntry{Name: names[i], Ino: number, Mode: mode, Off: uint64(i + 1)}) {
			break
		}
	}
	return fuse.OK
}

func (f *fileSystem) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	out.Blocks, out.Bfree, out.Bavail, out.Bsize, out.Frsize, out.NameLen = 1<<30, 1<<30, 1<<30, 4096, 4096, 255
	return fuse.OK
}
