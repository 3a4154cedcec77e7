package server

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"workerd.local/config"
)

// metaMigration is the name under which a store keeps the last migration applied.
const metaMigration = "migration-tag:"

// migrate applies the project's migrations that the store has not seen: deleted
// classes lose their state. Renames and creations are in the storage keys already.
func (w *world) migrate(ctx context.Context, svc *service) error {
	c := svc.cfg.Worker
	if len(c.Migrations) == 0 || c.Storage.Kind == config.StorageNone {
		return nil
	}
	st, err := w.store(svc)
	if err != nil {
		return err
	}
	name := metaMigration + svc.cfg.Name
	b, err := st.store.Meta(ctx, name)
	if err != nil {
		return fmt.Errorf("service %s: %w", svc.cfg.Name, err)
	}
	applied := -1
	if b != nil {
		for i, m := range c.Migrations {
			if m.Tag == string(b) {
				applied = i
			}
		}
		if applied < 0 {
			return at(c.Migrations[0].Pos, "service %s: the stored state was last migrated by the tag %q, which is not among the migrations; put it back, or use another --data directory", svc.cfg.Name, b)
		}
	}
	for _, m := range c.Migrations[applied+1:] {
		for _, key := range m.DeletedKeys {
			if err := st.store.DeleteNamespace(ctx, key); err != nil {
				return fmt.Errorf("service %s: migration %s: %w", svc.cfg.Name, m.Tag, err)
			}
		}
		if err := st.store.SetMeta(ctx, name, []byte(m.Tag)); err != nil {
			return fmt.Errorf("service %s: migration %s: %w", svc.cfg.Name, m.Tag, err)
		}
	}
	return nil
}

// runBuild runs the command that a project wants to be run first.
func runBuild(ctx context.Context, build *config.BuildCommand) error {
	if !build.Command.IsSet() || build.Command.Value == "" {
		return nil
	}
	shell, flag := "/bin/sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/C"
	}
	cmd := exec.CommandContext(ctx, shell, flag, build.Command.Value)
	cmd.Dir = build.Dir
	cmd.Env = append(os.Environ(), "NODE_ENV=development", "PATH="+packagePath(build.Dir, os.Getenv("PATH")))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return at(build.Command.Pos, "build command %q: %s\n%s", build.Command.Value, err, bytes.TrimSpace(out.Bytes()))
	}
	return nil
}

// packagePath puts the commands of a project's packages before path, as npm does for the scripts of a
// package: those of its own node_modules, then of the folders above it.
func packagePath(dir, path string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return path
	}
	var list []string
	for {
		list = append(list, filepath.Join(abs, "node_modules", ".bin"))
		up := filepath.Dir(abs)
		if up == abs {
			break
		}
		abs = up
	}
	return strings.Join(append(list, path), string(os.PathListSeparator))
}
