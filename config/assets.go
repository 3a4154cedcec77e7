package config

// AssetPages says at which path an HTML file is served.
type AssetPages uint8

const (
	PagesAutoSlash AssetPages = iota
	PagesForceSlash
	PagesDropSlash
	PagesAsNamed
)

var assetPagesNames = []string{"auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"}

func (p AssetPages) String() string               { return kindName(assetPagesNames, p) }
func (p AssetPages) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// AssetMissing says what becomes of a path that has no file.
type AssetMissing uint8

const (
	MissingNone AssetMissing = iota
	MissingOnePage
	MissingNearestPage
)

var assetMissingNames = []string{"none", "single-page-application", "404-page"}

func (m AssetMissing) String() string               { return kindName(assetMissingNames, m) }
func (m AssetMissing) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// StaticAssets serves the static files of a project.
type StaticAssets struct {
	Path    Text // the directory
	Pages   AssetPages
	Missing AssetMissing
	// Build is run before the directory is read, where the project has no script.
	Build BuildCommand
}

// AssetRouting says which requests of a worker go to its static files first.
type AssetRouting struct {
	Service string // of the files
	// WorkerFirst: none of them.
	WorkerFirst bool
	// WorkerPaths always go to the worker, and AssetPaths never; * stands for any text.
	WorkerPaths, AssetPaths []string
}
