package config

// Migration is one step in the history of a project's durable object classes. A project that declares its
// classes by "exports" instead has a single step with an empty tag.
type Migration struct {
	Pos              Pos
	Tag              string
	NewClasses       []Text
	NewSQLiteClasses []Text
	Renamed          []ClassRename
	Deleted          []Text

	// DeletedKeys are the unique keys of the deleted classes, in the order of Deleted. No class created later
	// gets one of them again, so their storage can be removed at any time after this step.
	DeletedKeys []string
}

// ClassRename gives the objects of one class to another, together with their storage.
type ClassRename struct {
	Pos  Pos
	From string
	To   string
}
