package blob

// File is a Blob with a name.
type File struct {
	Blob
	name         string
	lastModified int64
}

// NewFile returns a File; lastModified is in milliseconds since 1970.
func NewFile(b *Blob, name string, lastModified int64) *File {
	return &File{*b, name, lastModified}
}

// Name is the name of the file.
func (f *File) Name() string { return f.name }
