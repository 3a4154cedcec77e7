package limits

// Section is the rows of one part of the runtime.
type Section struct {
	Title string
	Rows  []Row
}

// Row is one bound.
type Row struct {
	What   string
	Symbol string // where the code keeps its number; "" for a knob
	Unit   Unit
	Value  string // instead of what the symbol says, where that is not a constant
	Change string // flag or configuration key, or "fixed by ..."
	Beyond string // what happens beyond it
	Knob   *Knob  // nil where a flag of its own changes it, or nothing
}

// row is a bound with a flag of its own, or a fixed one.
func row(what, symbol string, unit Unit, value, change, beyond string) Row {
	return Row{What: what, Symbol: symbol, Unit: unit, Value: value, Change: change, Beyond: beyond}
}

// knob is a bound that --limit changes.
func knob(what string, k *Knob, beyond string) Row {
	return Row{What: what, Unit: k.Unit, Value: k.Number(), Change: "`--limit " + k.Name + "`", Beyond: beyond, Knob: k}
}

// also says what else changes the bound.
func (r Row) also(change string) Row {
	r.Change += ", " + change
	return r
}
