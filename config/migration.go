package config

// Migration is one step in the history of a project's durable object classes.
type Migration struct {
	Pos              Pos
	Tag              string
	NewClasses       []Text
	NewSQLiteClasses []Text
	Renamed          []ClassRename
	Deleted          []Text
}

// ClassRename gives the objects of one class to another, together with their storage.
type ClassRename struct {
	Pos  Pos
	From string
	To   string
}
