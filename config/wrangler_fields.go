package config

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}

func (r *wranglerReader) readMain(m *member) {
	r.source.Pos = m.value.pos
	r.source.Main = r.path(m)
}

func (r *wranglerReader) readCompatibilityDate(m *member) {
	if m.value.kind == nodeDate { // TOML lets people forget the quotes
		r.worker.CompatibilityDate = Text{Value: m.value.text, Pos: m.value.pos}
		return
	}
	r.worker.CompatibilityDate = Text{Value: r.str(m), Pos: m.value.pos}
}

func (r *wranglerReader) readLimits(m *member) {
	r.table(m, map[string]func(*member){
		"cpu_ms": func(m *member) {
			ms, _ := r.whole(m, 1, math.MaxInt64/int64(time.Millisecond))
			r.worker.CPULimit = time.Duration(ms) * time.Millisecond
		},
	}, "subrequests")
}

// readOwn reads what wrangler does not have. It is strict: nobody else could mean something by a field of it.
func (r *wranglerReader) readOwn(m *member) {
	if m.value.kind != nodeTable {
		r.wrongType(m, "a table")
		return
	}
	for _, field := range m.value.members {
		switch field.key {
		case "snapshot":
			r.flag(field, &r.worker.Snapshot)
		case "threads":
			r.readThreads(field)
		default:
			r.sink.hintf(field.pos, didYouMean(field.key, []string{"snapshot", "threads"}), "%q has no field %q: it has snapshot and threads only.", m.key, field.key)
		}
	}
}

// readThreads reads the paths of the files that threads may run.
func (r *wranglerReader) readThreads(m *member) {
	seen := map[string]bool{}
	for _, item := range r.list(m) {
		path := r.path(item)
		switch {
		case path == "":
		case filepath.IsAbs(filepath.FromSlash(item.value.text)) || !within(r.dir, path):
			r.sink.hintf(item.pos, "write it relative to the directory of this file", "The entry of a thread %q is not a file of the project.", item.value.text)
		case seen[path]:
			r.sink.errorf(item.pos, "The entry of a thread %q is there twice.", item.value.text)
		default:
			seen[path] = true
			r.source.Threads = append(r.source.Threads, Text{Value: path, Pos: item.pos})
		}
	}
}

// within reports whether path is below dir.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel) && rel != "."
}

func (r *wranglerReader) readTriggers(m *member) {
	r.table(m, map[string]func(*member){
		"crons": func(m *member) { r.worker.Crons = r.texts(m) },
	})
}

func (r *wranglerReader) readDev(m *member) {
	r.table(m, map[string]func(*member){
		"ip": func(m *member) {
			if ip := r.filled(m); ip != "" {
				r.ip = ip
			}
		},
		"port": func(m *member) {
			if port, ok := r.whole(m, 0, math.MaxUint16); ok {
				r.port = int(port)
			}
		},
	}, "inspector_port", "inspector_ip", "local_protocol", "upstream_protocol", "host", "enable_containers",
		"container_engine", "generate_types")
}

func (r *wranglerReader) readRoutes(m *member) {
	if r.routeAt.IsValid() {
		r.sink.hintf(m.pos, "keep one of them", `"route" and "routes" cannot both be set.`)
		return
	}
	r.routeAt = m.pos
	routes := []*member{m}
	if m.key == "routes" {
		routes = r.list(m)
	}
	for _, route := range routes {
		out := Route{Pos: route.value.pos}
		switch route.value.kind {
		case nodeString:
			out.Pattern = r.filled(route)
		case nodeTable:
			if !r.required(route, "pattern") {
				continue
			}
			r.table(route, map[string]func(*member){
				"pattern":       func(m *member) { out.Pattern = r.filled(m) },
				"zone_name":     func(m *member) { out.ZoneName = r.str(m) },
				"zone_id":       func(m *member) { out.ZoneID = r.str(m) },
				"custom_domain": func(m *member) { r.flag(m, &out.CustomDomain) },
			}, "enabled", "previews_enabled")
		default:
			r.wrongType(route, "a string or a table")
			continue
		}
		r.worker.Routes = append(r.worker.Routes, out)
	}
}

func (r *wranglerReader) readBuild(m *member) {
	build := &r.source.Build
	build.Dir = r.dir
	r.table(m, map[string]func(*member){
		"command": func(m *member) {
			if command := r.str(m); command != "" {
				build.Command = Text{Value: command, Pos: m.value.pos}
			}
		},
		"cwd": func(m *member) { build.Dir = r.path(m) },
		"watch_dir": func(m *member) {
			list := []string{}
			if m.value.kind == nodeList {
				list = r.strings(m)
			} else if dir := r.str(m); dir != "" {
				list = append(list, dir)
			}
			for _, dir := range list {
				build.WatchDirs = append(build.WatchDirs, r.join(dir))
			}
		},
	}, "upload")
}

func (r *wranglerReader) readRules(m *member) {
	for _, item := range r.tables(m) {
		rule := Rule{Pos: item.pos}
		ok := r.required(item, "type", "globs")
		r.table(item, map[string]func(*member){
			"type": func(m *member) {
				name := r.str(m)
				var known bool
				if rule.Kind, known = kindOf[RuleKind](ruleKindNames, name); !known && m.value.kind == nodeString {
					hint := didYouMean(name, ruleKindNames)
					if hint == "" {
						hint = "use one of " + strings.Join(ruleKindNames, ", ")
					}
					r.sink.hintf(m.value.pos, hint, "%q is not a module type.", abbreviate(name))
				}
			},
			"globs":       func(m *member) { rule.Globs = r.strings(m) },
			"fallthrough": func(m *member) { r.flag(m, &rule.Fallthrough) },
		})
		if ok {
			r.source.Rules = append(r.source.Rules, rule)
		}
	}
}

// stringTable calls each for every member of a table of strings.
func (r *wranglerReader) stringTable(m *member, each func(key string, m *member)) {
	if m.value.kind != nodeTable {
		r.wrongType(m, "a table")
		return
	}
	for _, field := range m.value.members {
		if field.value.kind != nodeString {
			r.sink.errorf(field.value.pos, "%q in %q must be a string, not %s.", field.key, m.key, field.value.kind)
			continue
		}
		each(field.key, field)
	}
}

func (r *wranglerReader) readDefine(m *member) {
	r.stringTable(m, func(key string, m *member) {
		r.source.Define = append(r.source.Define, Define{Pos: m.pos, Name: key, Value: m.value.text})
	})
}

func (r *wranglerReader) readAlias(m *member) {
	r.stringTable(m, func(key string, m *member) {
		r.source.Alias = append(r.source.Alias, Alias{Pos: m.pos, From: key, To: m.value.text})
	})
}

// readVars makes strings text bindings and everything else JSON bindings.
func (r *wranglerReader) readVars(m *member) {
	if m.value.kind != nodeTable {
		r.wrongType(m, "a table")
		return
	}
	for _, field := range m.value.members {
		b := Binding{Pos: field.pos, Name: field.key, Kind: BindingText, Text: field.value.text}
		if field.value.kind != nodeString {
			var ok bool
			b.Kind = BindingJSON
			if b.Text, ok = field.value.json(); !ok {
				r.sink.errorf(field.value.pos, "The variable %q holds a number that JSON cannot express.", field.key)
			}
		}
		r.worker.Bindings = append(r.worker.Bindings, b)
	}
}

func (r *wranglerReader) readSecrets(m *member) {
	r.table(m, map[string]func(*member){
		"required": func(m *member) {
			r.secrets = make(map[string]bool)
			for _, name := range r.texts(m) {
				r.secrets[name.Value] = true
			}
		},
	})
}

func (r *wranglerReader) readServices(m *member) {
	for _, item := range r.tables(m) {
		if !r.required(item, "binding", "service") {
			continue
		}
		b := Binding{Pos: item.pos, Kind: BindingService}
		r.table(item, map[string]func(*member){
			"binding":    func(m *member) { b.Name = r.filled(m) },
			"service":    func(m *member) { b.Service.Pos, b.Service.Name = m.value.pos, r.filled(m) },
			"entrypoint": func(m *member) { b.Service.Entrypoint = r.str(m) },
			"props": func(m *member) {
				if m.value.kind != nodeTable {
					r.wrongType(m, "a table")
					return
				}
				props, ok := m.value.json()
				if !ok {
					r.sink.errorf(m.value.pos, `"props" holds a number that JSON cannot express.`)
				}
				b.Service.Props = props
			},
		}, "environment", "remote", "cross_account_grant")
		r.worker.Bindings = append(r.worker.Bindings, b)
	}
}

// tails reads the workers that are told of this one's invocations. Those that are deployed elsewhere are not
// told here.
func (r *wranglerReader) tails(m *member) (tails []ServiceDesignator) {
	for _, item := range r.tables(m) {
		if !r.required(item, "service") {
			continue
		}
		var d ServiceDesignator
		r.table(item, map[string]func(*member){
			"service": func(m *member) { d.Pos, d.Name = m.value.pos, r.filled(m) },
		}, "environment")
		switch d.Name {
		case "":
		case r.name:
			tails = append(tails, d)
		default:
			r.sink.warnf(d.Pos, "", "The tail worker %q is not part of this project, and is told nothing.", d.Name)
		}
	}
	return tails
}

// bindingList reads a list of tables that each name a binding and perhaps the resource behind it.
func bindingList(kind BindingKind, nameField, idField string) func(*wranglerReader, *member) {
	return func(r *wranglerReader, m *member) {
		for _, item := range r.tables(m) {
			r.resource(kind, m.key, nameField, idField, item)
		}
	}
}

func (r *wranglerReader) resource(kind BindingKind, product, nameField, idField string, item *member) {
	if !r.required(item, nameField) {
		return
	}
	b := Binding{Pos: item.pos, Kind: kind, Name: r.filled(item.value.get(nameField))}
	if kind == BindingPlatform {
		b.Product = product
	}
	if id := item.value.get(idField); id != nil && id.value.kind == nodeString {
		b.ID = id.value.text
	} else if kind == BindingKVNamespace || kind == BindingR2Bucket {
		b.ID = b.Name // as wrangler has it on a machine of its own
	}
	r.worker.Bindings = append(r.worker.Bindings, b)
}

// bindingTable reads one table that names a binding.
func bindingTable(r *wranglerReader, m *member) { r.oneBinding(BindingPlatform, m) }

func (r *wranglerReader) oneBinding(kind BindingKind, m *member) {
	if m.value.kind != nodeTable {
		r.wrongType(m, "a table")
		return
	}
	r.resource(kind, m.key, "binding", "", &member{key: m.key, pos: m.pos, value: m.value})
}

// platform notes that the file asks for a product that is not a binding.
func platform(r *wranglerReader, m *member) {
	empty := m.value.kind == nodeList && len(m.value.items) == 0 || m.value.kind == nodeTable && len(m.value.members) == 0
	if !empty {
		r.worker.Platform = append(r.worker.Platform, Platform{Pos: m.pos, Product: m.key})
	}
}

func (r *wranglerReader) readQueues(m *member) {
	r.table(m, map[string]func(*member){
		"producers": func(m *member) {
			for _, item := range r.tables(m) {
				r.resource(BindingQueue, "queues", "binding", "queue", item)
			}
		},
		"consumers": func(m *member) {
			if len(r.list(m)) > 0 {
				r.worker.Platform = append(r.worker.Platform, Platform{Pos: m.pos, Product: "queues.consumers"})
			}
		},
	})
}

// checkBindingNames refuses two bindings of one name.
func (r *wranglerReader) checkBindingNames() {
	seen := make(map[string]Pos)
	for _, b := range r.worker.Bindings {
		if first, ok := seen[b.Name]; ok {
			r.sink.hintf(b.Pos, "rename one of them", "The binding %q already exists (line %d).", b.Name, first.Line)
			continue
		}
		seen[b.Name] = b.Pos
	}
}
