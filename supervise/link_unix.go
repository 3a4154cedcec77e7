//go:build !windows

package supervise

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// maxMessage is the longest message. The parent does not trust its child's memory.
const maxMessage = 16 << 20

// Kinds of messages.
const (
	kindStart     = "start"     // parent, first: what the child begins with; its last file is the page
	kindListening = "listening" // child: all its sockets, each time that they change
	kindStop      = "stop"      // parent: drain and end
	kindReload    = "reload"    // parent: read the configuration again
)

// message is what the processes tell each other. A copy of a file follows for each
// socket.
type message struct {
	Kind       string       `json:"kind"`
	Sockets    []socketName `json:"sockets,omitempty"`
	Quarantine []remaining  `json:"quarantine,omitempty"`
	PageBytes  int          `json:"pageBytes,omitempty"`
	Restart    bool         `json:"restart,omitempty"`
}

type socketName struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// remaining is a quarantine, in a form that does not depend on a clock.
type remaining struct {
	Subject
	Left time.Duration `json:"left"`
}

// files is how many files follow.
func (m *message) files() int {
	n := len(m.Sockets)
	if m.Kind == kindStart {
		n++
	}
	return n
}

// link is one end of the connection between the two processes.
type link struct {
	c  *net.UnixConn
	mu sync.Mutex // held while a message is sent
}

// newLink returns the parent's end, and the child's as a file.
func newLink() (*link, *os.File, error) {
	syscall.ForkLock.RLock()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(pair[0])
		syscall.CloseOnExec(pair[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "supervisor")
	l, err := linkOn(os.NewFile(uintptr(pair[0]), "child"))
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return l, theirs, nil
}

// linkOn takes over a file.
func linkOn(f *os.File) (*link, error) {
	c, err := net.FileConn(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("it is no unix socket"), c.Close())
	}
	return &link{c: u}, nil
}

// send writes a message and copies of its files, which stay the caller's.
func (l *link) send(m message, files ...*os.File) error {
	if len(files) != m.files() {
		return fmt.Errorf("a message for %d files with %d", m.files(), len(files))
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(text) > maxMessage {
		return fmt.Errorf("a message of %d bytes, which is too long", len(text))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.c.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...)); err != nil {
		return err
	}
	for _, f := range files {
		if err := l.sendFile(f); err != nil {
			return err
		}
	}
	return nil
}

// sendFile sends a copy of a file with a byte of its own. It does not ask for f.Fd, which
// would make the socket block, in the other process too.
func (l *link) sendFile(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	cerr := raw.Control(func(fd uintptr) {
		_, _, err = l.c.WriteMsgUnix([]byte{0}, syscall.UnixRights(int(fd)), nil)
	})
	return errors.Join(cerr, err)
}

// receive waits for a message. The files are the caller's.
func (l *link) receive() (m message, files []*os.File, err error) {
	defer func() {
		if err != nil {
			closeAll(files)
			files = nil
		}
	}()
	var head [4]byte
	if _, err := io.ReadFull(l.c, head[:]); err != nil {
		return m, nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n > maxMessage {
		return m, nil, fmt.Errorf("a message of %d bytes, which is too long", n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(l.c, text); err != nil {
		return m, nil, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, nil, err
	}
	for range m.files() {
		f, err := l.receiveFile()
		if err != nil {
			return m, files, err
		}
		files = append(files, f)
	}
	return m, files, nil
}

func (l *link) receiveFile() (*os.File, error) {
	one, room := make([]byte, 1), make([]byte, syscall.CmsgSpace(4))
	n, k, _, _, err := l.c.ReadMsgUnix(one, room)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	list, err := syscall.ParseSocketControlMessage(room[:k])
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, errors.New("a file did not arrive: this process may have too many files open")
	}
	fds, err := syscall.ParseUnixRights(&list[0])
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fds[0]), "handed over"), nil
}

func (l *link) close() error { return l.c.Close() }

// closeAll closes copies of sockets, which have nothing left to write.
func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
