package script

// Bounds on what one compilation accepts. The engine's parser and compiler are
// recursive and a Go stack overflow ends the process, so sources that nest too
// deeply are refused before the engine sees them.
const (
	// MaxSourceBytes bounds the sum of all source text of one program and the
	// text that bundling makes of it.
	MaxSourceBytes = 64 << 20
	// MaxAssetBytes bounds the sum of text, data and WebAssembly modules.
	MaxAssetBytes = 256 << 20
	// MaxBrackets bounds how deep brackets may nest.
	MaxBrackets = 1500
	// MaxChain bounds the operators and words of all statements that are open at
	// one place, because chains of them nest too.
	MaxChain = 20_000
	// MaxWrittenChain is MaxChain for source text before it is bundled.
	MaxWrittenChain = 200_000
	// MaxModules bounds the number of configured modules.
	MaxModules = 20_000
	// MaxDiagnostics is how many errors of one compilation are reported.
	MaxDiagnostics = 10
	// MaxRegExpLength bounds the pattern of a regular expression, in bytes.
	MaxRegExpLength = 1 << 20
	// MaxRegExpNesting bounds the nesting of groups and classes in a pattern.
	MaxRegExpNesting = 500
)
