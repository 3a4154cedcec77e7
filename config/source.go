package config

// Source is a project on disk whose entry point is bundled before it runs. All paths are cleaned and
// relative ones have been joined to the directory of the configuration file.
type Source struct {
	Pos                   Pos    // of "main"
	Dir                   string // directory of the configuration file
	Main                  string // entry point
	BaseDir               string // where additional modules are searched from; "" = directory of Main
	Rules                 []Rule
	Define                []Define
	Alias                 []Alias
	NoBundle              bool
	FindAdditionalModules bool
	PreserveFileNames     bool
	Minify                bool
	KeepNames             bool // keep what scripts see of names that bundling changes; defaults to true
	TSConfig              Text // path; unset = found by the bundler
	JSXFactory            string
	JSXFragment           string
	Build                 BuildCommand
	Threads               []Text // paths of the entries that the worker's threads may run
}

// RuleKind is what files matched by a rule become.
type RuleKind uint8

const (
	RuleESModule RuleKind = iota
	RuleCommonJS
	RuleText
	RuleData
	RuleCompiledWasm
	RulePythonModule
	RulePythonRequirement
)

var ruleKindNames = []string{
	"ESModule", "CommonJS", "Text", "Data", "CompiledWasm", "PythonModule", "PythonRequirement",
}

func (k RuleKind) String() string               { return kindName(ruleKindNames, k) }
func (k RuleKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Rule gives files that match a glob a module kind. Rules are tried in order; one without fallthrough hides
// later and default rules of the same kind.
type Rule struct {
	Pos         Pos
	Kind        RuleKind
	Globs       []string
	Fallthrough bool
}

// Define replaces a free identifier by a JavaScript expression at bundling time.
type Define struct {
	Pos   Pos
	Name  string
	Value string
}

// Alias replaces a module specifier by another at bundling time.
type Alias struct {
	Pos  Pos
	From string
	To   string
}

// BuildCommand is a command the project wants to be run before its entry point is read. Reading the
// configuration never runs it.
type BuildCommand struct {
	Command   Text   // for a shell; unset = none
	Dir       string // working directory
	WatchDirs []string
}
