package config

// classExport is one durable object class of the declarative "exports" table, which newer projects use in
// place of migrations.
type classExport struct {
	name   Text
	state  string // created, deleted or renamed
	sqlite bool
	to     string // new name of a renamed class
}

// byExports says in a message what deleted or renamed a class.
const byExports = `"exports"`

// readExports notes what the table says of durable object classes. It has no order in time, so it cannot
// tell a class from an earlier one of the same name: its keys only follow "renamed" entries.
func (r *wranglerReader) readExports(m *member) {
	if m.value.kind != nodeTable {
		r.wrongType(m, "a table")
		return
	}
	r.exportsAt = m.pos
	for _, item := range m.value.members {
		if item.value.kind != nodeTable {
			r.wrongType(item, "a table")
			continue
		}
		if !r.required(item, "type") {
			continue
		}
		kind := item.value.get("type")
		switch r.str(kind) {
		case "durable-object":
			r.readClassExport(item)
		case "worker", "":
		default:
			r.sink.hintf(kind.value.pos, `use "durable-object" or "worker"`, "%q is not a type of export.", abbreviate(kind.value.text))
		}
	}
}

func (r *wranglerReader) readClassExport(item *member) {
	e := classExport{name: Text{Value: item.key, Pos: item.pos}, state: "created"}
	statePos := item.pos
	r.table(item, map[string]func(*member){
		"state": func(m *member) { e.state, statePos = r.str(m), m.value.pos },
		"storage": func(m *member) {
			switch storage := r.str(m); storage {
			case "sqlite":
				e.sqlite = true
			case "legacy-kv", "":
			default:
				r.sink.hintf(m.value.pos, `use "sqlite" or "legacy-kv"`, "%q is not a kind of storage.", abbreviate(storage))
			}
		},
		"renamed_to": func(m *member) { e.to = r.filled(m) },
	}, "type", "container", "transferred_to", "transfer_from")
	switch e.state {
	case "created", "deleted":
	case "renamed":
		if !r.required(item, "renamed_to") {
			return
		}
	case "transferred", "expecting-transfer":
		r.sink.errorf(statePos, "The state %q is not supported: objects cannot move between workers.", e.state)
		return
	default:
		r.sink.hintf(statePos, `use "created", "deleted" or "renamed"`, "%q is not a state of a class.", abbreviate(e.state))
		return
	}
	r.exports = append(r.exports, e)
}

// exportedClasses turns the table into classes by name, living ones in file order, and into one step
// without a tag that says the same.
func (r *wranglerReader) exportedClasses() (map[string]*class, []string) {
	classes := make(map[string]*class)
	var order []string
	if len(r.worker.Migrations) > 0 {
		r.sink.hintf(r.exportsAt, "keep one of them", `"exports" with durable objects and "migrations" cannot both be set.`)
		return classes, nil
	}
	step := Migration{Pos: r.exportsAt}
	renamedFrom := make(map[string]string)
	for _, e := range r.exports {
		c := &class{key: r.name + "-" + e.name.Value, sqlite: e.sqlite, pos: e.name.Pos}
		classes[e.name.Value] = c
		switch e.state {
		case "created":
			order = append(order, e.name.Value)
			if e.sqlite {
				step.NewSQLiteClasses = append(step.NewSQLiteClasses, e.name)
			} else {
				step.NewClasses = append(step.NewClasses, e.name)
			}
		case "deleted":
			c.gone = byExports
			step.Deleted = append(step.Deleted, e.name)
			step.DeletedKeys = append(step.DeletedKeys, c.key)
		case "renamed":
			c.gone, c.now = byExports, e.to
			if other, ok := renamedFrom[e.to]; ok {
				r.sink.errorf(e.name.Pos, "Both %q and %q are renamed to %q.", other, e.name.Value, e.to)
				continue
			}
			renamedFrom[e.to] = e.name.Value
			step.Renamed = append(step.Renamed, ClassRename{Pos: e.name.Pos, From: e.name.Value, To: e.to})
		}
	}
	for _, e := range r.exports {
		if target := classes[e.to]; e.state == "renamed" && (target == nil || target.gone != "") {
			r.sink.hintf(e.name.Pos, didYouMean(e.to, order), "%q is renamed to %q, which is not a living class.", e.name.Value, e.to)
		}
	}
	for _, name := range order {
		if from, ok := renamedFrom[name]; ok {
			classes[name].key = r.name + "-" + from
		}
	}
	r.worker.Migrations = []Migration{step}
	return classes, order
}
