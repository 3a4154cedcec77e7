package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"workerd.local/internal/limits"
)

// envVar is one line of a dotenv file.
type envVar struct {
	name  string
	value string
	pos   Pos
}

// dotenvLine matches one assignment: an optional "export", a name, = or ": ", and a value in quotes (which
// may span lines) or up to a comment. The rules are those of the npm package dotenv, which wrangler uses;
// in particular nothing is expanded in a value, so a secret may contain a dollar sign.
var dotenvLine = regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?([\w.-]+)(?:[ \t]*=[ \t]*|:[ \t]+)` +
	`('(?:\\'|[^'])*'|"(?:\\"|[^"])*"|` + "`(?:\\\\`|[^`])*`" + `|[^#\r\n]*)[ \t]*(?:#.*)?\r?$`)

// parseDotenv reads the variables of a dotenv file. Lines that are neither assignments, comments nor blank
// get a warning that does not repeat them, since they may be secret.
func parseDotenv(path string, src []byte, s *sink) []envVar {
	table := newPosTable(path, src)
	text := string(src)
	var out []envVar
	end := 0
	for _, m := range dotenvLine.FindAllStringSubmatchIndex(text, -1) {
		warnStray(text[end:m[0]], end, table, s)
		end = m[1]
		value := strings.TrimSpace(text[m[4]:m[5]])
		if len(value) >= 2 && strings.ContainsRune("'\"`", rune(value[0])) && value[len(value)-1] == value[0] {
			quote := value[0]
			value = value[1 : len(value)-1]
			if quote == '"' {
				value = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(value)
			}
		}
		out = append(out, envVar{name: text[m[2]:m[3]], value: value, pos: table.pos(m[2])})
	}
	warnStray(text[end:], end, table, s)
	return out
}

func warnStray(text string, off int, table *posTable, s *sink) {
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(strings.TrimPrefix(line, "\uFEFF"))
		if trimmed != "" && !strings.HasPrefix(trimmed, "#") {
			s.warnf(table.pos(off), "write NAME=value", "This line is ignored: it does not set a variable.")
		}
		off += len(line)
	}
}

// readEnvFiles lets dotenv files override or add text bindings. As in wrangler, files given explicitly
// replace the search; else .dev.vars.<env> or .dev.vars is used; and only without those the .env files
// (.env, .env.local, .env.<env>, .env.<env>.local), where later ones win.
func (r *wranglerReader) readEnvFiles() {
	var vars []envVar
	switch {
	case len(r.options.EnvFiles) > 0:
		for _, path := range r.options.EnvFiles {
			more, found := r.envFile(path)
			if !found {
				r.sink.errorf(Pos{File: path}, "Cannot read the environment file: no such file.")
			}
			vars = append(vars, more...)
		}
	default:
		var found bool
		if r.options.Env != "" {
			vars, found = r.envFile(filepath.Join(r.dir, ".dev.vars."+r.options.Env))
		}
		if !found {
			vars, found = r.envFile(filepath.Join(r.dir, ".dev.vars"))
		}
		if found {
			break
		}
		names := []string{".env", ".env.local"}
		if r.options.Env != "" {
			names = append(names, ".env."+r.options.Env, ".env."+r.options.Env+".local")
		}
		for _, name := range names {
			more, _ := r.envFile(filepath.Join(r.dir, name))
			vars = append(vars, more...)
		}
	}
	for _, v := range vars {
		if r.secrets == nil || r.secrets[v.name] {
			r.setVar(v)
		}
	}
}

// envFile reads one dotenv file and reports whether there is one.
func (r *wranglerReader) envFile(path string) ([]envVar, bool) {
	src, err := r.readFile(path, limits.ConfigFile.Bytes(r.sink.bounds))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false
	}
	if err != nil {
		r.sink.errorf(Pos{File: path}, "Cannot read the environment file: %v.", cause(err))
		return nil, true
	}
	return parseDotenv(path, src, r.sink), true
}

// setVar makes v a text binding, in place of a variable of the same name.
func (r *wranglerReader) setVar(v envVar) {
	b := Binding{Pos: v.pos, Name: v.name, Kind: BindingText, Text: v.value}
	i := slices.IndexFunc(r.worker.Bindings, func(other Binding) bool {
		return other.Name == v.name && (other.Kind == BindingText || other.Kind == BindingJSON)
	})
	if i >= 0 {
		r.worker.Bindings[i] = b
		return
	}
	r.worker.Bindings = append(r.worker.Bindings, b)
}
