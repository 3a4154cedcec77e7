package config

import (
	"sort"
	"strconv"
)

// Pos is a place in a configuration file. Line and Col count from 1; Col counts characters, not bytes.
// The zero Pos means "no file": the value was made by a program or is a default.
type Pos struct {
	File string
	Line int
	Col  int
}

// IsValid reports whether p names a place in a file.
func (p Pos) IsValid() bool { return p.Line > 0 }

// String is "file:line:col", "file" when only the file is known, and "" for the zero Pos.
func (p Pos) String() string {
	if !p.IsValid() {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// MarshalText writes the same text as String.
func (p Pos) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Text is a string together with where it was written. The zero Text is an absent value.
type Text struct {
	Value string
	Pos   Pos
}

// IsSet reports whether the value was given, even if as an empty string in a file.
func (t Text) IsSet() bool { return t.Value != "" || t.Pos.IsValid() }

// String is the value.
func (t Text) String() string { return t.Value }

// Strings returns the values of list, in order.
func Strings(list []Text) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = t.Value
	}
	return out
}

// posTable turns byte offsets of one file into places, in time that does not depend on how long the file
// or its lines are.
type posTable struct {
	file  string
	src   []byte
	lines []int // offset of the first byte of each line
	chars []int // number of characters before each block of charBlock bytes
}

const charBlock = 256

func newPosTable(file string, src []byte) *posTable {
	t := &posTable{file: file, src: src, lines: []int{0}}
	count := 0
	for i, c := range src {
		if i%charBlock == 0 {
			t.chars = append(t.chars, count)
		}
		count += charStart(c)
		if c == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
	t.chars = append(t.chars, count) // for an offset at the end of a whole block
	return t
}

// charStart is 1 for the first byte of a UTF-8 sequence and 0 for the others.
func charStart(c byte) int {
	if c&0xC0 == 0x80 {
		return 0
	}
	return 1
}

// charsBefore is the number of characters before offset.
func (t *posTable) charsBefore(offset int) int {
	block := offset / charBlock
	n := t.chars[block]
	for _, c := range t.src[block*charBlock : offset] {
		n += charStart(c)
	}
	return n
}

// pos is the place of the byte at offset; offsets outside the file are moved to its nearer end.
func (t *posTable) pos(offset int) Pos {
	offset = min(max(offset, 0), len(t.src))
	line := sort.SearchInts(t.lines, offset+1) - 1
	return Pos{File: t.file, Line: line + 1, Col: t.charsBefore(offset) - t.charsBefore(t.lines[line]) + 1}
}

// at is the place of a line and a column that counts bytes from 1.
func (t *posTable) at(line, byteCol int) Pos {
	if line < 1 || line > len(t.lines) {
		return t.pos(len(t.src))
	}
	return t.pos(t.lines[line-1] + byteCol - 1)
}
