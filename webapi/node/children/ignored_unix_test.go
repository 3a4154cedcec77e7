//go:build unix

package children_test

import (
	"os"
	"os/exec"
	"testing"
)

// Children begin with the defaults also where this process was told to ignore signals, as nohup and the
// background of a shell do.
func TestChildrenHaveDefaultSignals(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sh", "-c", `trap "" HUP INT; exec "$0" -test.v -test.run '^TestChildrenAreStopped$'`, self).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
