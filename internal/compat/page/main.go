// Command page writes docs/COMPAT.md: every compatibility flag and what it does here. Run
// it with "go generate ./internal/compat".
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"workerd.local/internal/compat"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "page: want one argument, the root of the repository")
		os.Exit(2)
	}
	if err := os.WriteFile(filepath.Join(os.Args[1], "docs", "COMPAT.md"), compat.Page(), 0o666); err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}
