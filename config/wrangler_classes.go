package config

// readDurableObjects reads the bindings to classes of this worker and of others.
func (r *wranglerReader) readDurableObjects(m *member) {
	r.table(m, map[string]func(*member){
		"bindings": func(m *member) {
			for _, item := range r.tables(m) {
				if !r.required(item, "name", "class_name") {
					continue
				}
				target := &DurableObjectNamespaceDesignator{}
				b := Binding{Pos: item.pos, Kind: BindingDurableObjectNamespace, Namespace: target}
				r.table(item, map[string]func(*member){
					"name":       func(m *member) { b.Name = r.filled(m) },
					"class_name": func(m *member) { target.Pos, target.ClassName = m.value.pos, r.filled(m) },
					"script_name": func(m *member) {
						if script := r.str(m); script != r.name {
							target.ServiceName = script
						}
					},
				}, "environment", "remote")
				r.worker.Bindings = append(r.worker.Bindings, b)
			}
		},
	})
}

func (r *wranglerReader) readMigrations(m *member) {
	tags := make(map[string]bool)
	for _, item := range r.tables(m) {
		if !r.required(item, "tag") {
			continue
		}
		step := Migration{Pos: item.pos}
		r.table(item, map[string]func(*member){
			"tag": func(m *member) {
				step.Tag = r.filled(m)
				if tags[step.Tag] {
					r.sink.warnf(m.value.pos, "give every migration a tag of its own",
						"There is already a migration with the tag %q.", step.Tag)
				}
				tags[step.Tag] = true
			},
			"new_classes":        func(m *member) { step.NewClasses = r.texts(m) },
			"new_sqlite_classes": func(m *member) { step.NewSQLiteClasses = r.texts(m) },
			"deleted_classes":    func(m *member) { step.Deleted = r.texts(m) },
			"renamed_classes": func(m *member) {
				for _, item := range r.tables(m) {
					if !r.required(item, "from", "to") {
						continue
					}
					rename := ClassRename{Pos: item.pos}
					r.table(item, map[string]func(*member){
						"from": func(m *member) { rename.From = r.filled(m) },
						"to":   func(m *member) { rename.To = r.filled(m) },
					})
					step.Renamed = append(step.Renamed, rename)
				}
			},
			"transferred_classes": func(m *member) {
				if len(r.list(m)) > 0 {
					r.sink.hintf(m.pos, "use renamed_classes inside one worker",
						`"transferred_classes" is not supported: objects cannot move between workers.`)
				}
			},
		})
		r.worker.Migrations = append(r.worker.Migrations, step)
	}
}

// class is a durable object class during the replay of migrations.
type class struct {
	key    string // unique key: the worker and the name the class was created with
	sqlite bool
	pos    Pos
	gone   string // what renamed or deleted it, "" while it lives
	now    string // its name after a rename, "" when deleted
}

func byMigration(tag string) string { return `migration "` + tag + `"` }

// buildNamespaces replays the migrations and gives every living class a namespace. A class that is bound
// but was never created by a migration gets one too, as it would under wrangler's own dev server.
func (r *wranglerReader) buildNamespaces() {
	classes := make(map[string]*class)
	var order []string // living classes, oldest first
	used := make(map[string]bool)
	newKey := func(name, tag string) string {
		key := r.name + "-" + name
		for used[key] {
			key += "@" + tag // a class of that name existed before and its key lives on
		}
		used[key] = true
		return key
	}
	create := func(name string, c *class) {
		classes[name] = c
		order = append(order, name)
	}
	remove := func(name string) {
		for i, n := range order {
			if n == name {
				order = append(order[:i], order[i+1:]...)
				return
			}
		}
	}
	alive := func(name string) *class {
		if c := classes[name]; c != nil && c.gone == "" {
			return c
		}
		return nil
	}
	if len(r.exports) > 0 {
		classes, order = r.exportedClasses()
		r.addNamespaces(classes, order)
		return
	}
	for at := range r.worker.Migrations {
		step := &r.worker.Migrations[at]
		for i, list := range [][]Text{step.NewClasses, step.NewSQLiteClasses} {
			for _, name := range list {
				if alive(name.Value) != nil {
					r.sink.errorf(name.Pos, "The class %q was already created by an earlier migration.", name.Value)
					continue
				}
				create(name.Value, &class{key: newKey(name.Value, step.Tag), sqlite: i == 1, pos: name.Pos})
			}
		}
		for _, rename := range step.Renamed {
			from := alive(rename.From)
			switch {
			case from == nil:
				r.sink.hintf(rename.Pos, didYouMean(rename.From, order),
					"Migration %q renames the class %q, which no earlier migration created.", step.Tag, rename.From)
			case alive(rename.To) != nil:
				r.sink.errorf(rename.Pos, "Migration %q renames %q to %q, which is already a class.",
					step.Tag, rename.From, rename.To)
			default:
				moved := *from
				moved.pos = rename.Pos
				from.gone, from.now = byMigration(step.Tag), rename.To
				remove(rename.From)
				create(rename.To, &moved)
			}
		}
		for _, name := range step.Deleted {
			c := alive(name.Value)
			if c == nil {
				r.sink.hintf(name.Pos, didYouMean(name.Value, order),
					"Migration %q deletes the class %q, which no earlier migration created.", step.Tag, name.Value)
				continue
			}
			c.gone, c.now = byMigration(step.Tag), ""
			step.DeletedKeys = append(step.DeletedKeys, c.key)
			remove(name.Value)
		}
	}
	r.addNamespaces(classes, order)
}

// addNamespaces gives every living class a namespace, in order, and then every class that is only bound.
func (r *wranglerReader) addNamespaces(classes map[string]*class, order []string) {
	for _, b := range r.worker.Bindings {
		if b.Kind != BindingDurableObjectNamespace || b.Namespace.ServiceName != "" {
			continue
		}
		name := b.Namespace.ClassName
		c := classes[name]
		switch {
		case name == "": // reported already
		case c == nil:
			r.sink.warnf(b.Namespace.Pos, `add it to the new_sqlite_classes of a migration`,
				"No migration creates the durable object class %q; its objects have no SQL.", name)
			classes[name] = &class{key: r.name + "-" + name, pos: b.Namespace.Pos}
			order = append(order, name)
		case c.gone != "" && c.now == "":
			r.sink.hintf(b.Namespace.Pos, "remove the binding",
				"The binding %q uses the class %q, which %s deleted.", b.Name, name, c.gone)
		case c.gone != "":
			r.sink.hintf(b.Namespace.Pos, `write class_name = "`+c.now+`"`,
				"The binding %q uses the class %q, which %s renamed.", b.Name, name, c.gone)
		}
	}
	for _, name := range order {
		c := classes[name]
		r.worker.Namespaces = append(r.worker.Namespaces, DurableObjectNamespace{
			Pos: c.pos, ClassName: name, UniqueKey: c.key, EnableSQL: c.sqlite,
		})
	}
}
