// Command page writes docs/LIMITS.md: every bound of the runtime with its number,
// how to change it and what happens beyond it.
//
// The table is internal/limits. The numbers of knobs are in it; other rows name the
// constant, or the default of a field, where the code keeps the bound, and the value is
// read from the source. Run it with "go generate ./internal/limits".
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"workerd.local/internal/limits"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one argument, the root of the repository")
	}
	text, err := render(newSource(os.DirFS(args[0])), limits.Sections())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(args[0], "docs", "LIMITS.md"), text, 0o666)
}
