package program

import (
	"io"
	"os"

	"workerd.local/webapi/node/glue"
)

// machine is what the modules of an instance reach of the machine (glue.Machine).
type machine struct {
	p *Program
	i *Instance
}

var _ glue.Machine = machine{}

func (m machine) Dir() string       { return m.p.Cwd() }
func (m machine) Umask() int        { return int(m.p.Umask()) }
func (m machine) Environ() []string { return m.i.o.env.environ() }
func (m machine) Stdin() io.Reader  { return m.p.o.Stdin }
func (m machine) Stdout() io.Writer { return output{m.p, 1} }
func (m machine) Stderr() io.Writer { return output{m.p, 2} }
func (m machine) Self() []string    { return m.p.o.Self }

// output is stdout or stderr, on which the writes of threads do not mix; any goroutine.
type output struct {
	p  *Program
	fd int
}

// File is the file that the stream is, or nil: what children inherit.
func (o output) File() *os.File {
	stream := o.p.o.Stdout
	if o.fd == 2 {
		stream = o.p.o.Stderr
	}
	f, _ := stream.(*os.File)
	return f
}

func (o output) Write(b []byte) (int, error) {
	if err := o.p.write(o.fd, b); err != nil {
		return 0, err
	}
	return len(b), nil
}
