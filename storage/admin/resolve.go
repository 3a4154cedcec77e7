package admin

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"workerd.local/actorid"
	"workerd.local/storage/bolt"
)

// maxNear is how many similar names an error lists, maxNearScan how many it looks at.
const (
	maxNear     = 5
	maxNearScan = 10_000
)

// resolve finds the actor that a reference names. A namespace may have slashes in its
// name, so the longest one that is stored and fits counts.
func resolve(ctx context.Context, p *bolt.Snapshot, ref string) (actorid.ID, error) {
	names, err := p.Namespaces()
	if err != nil {
		return actorid.ID{}, err
	}
	if _, _, ok := strings.Cut(ref, "/"); !ok {
		return actorid.ID{}, fmt.Errorf("%q names no actor: write <namespace>/<id or name>%s", ref, near(ref, names))
	}
	namespace := ""
	for _, n := range names {
		if strings.HasPrefix(ref, n+"/") && len(n) > len(namespace) {
			namespace = n
		}
	}
	if namespace == "" {
		wanted, _, _ := strings.Cut(ref, "/")
		return actorid.ID{}, unknownNamespace(wanted, names)
	}
	return actorOf(ctx, p, namespace, ref[len(namespace)+1:], names)
}

func unknownNamespace(wanted string, names []string) error {
	return fmt.Errorf("namespace %q: %w%s", wanted, ErrUnknown, near(wanted, names))
}

// actorOf finds an actor by its id or its name, and tells whether anything of it is
// stored.
func actorOf(ctx context.Context, p *bolt.Snapshot, namespace, text string, names []string) (actorid.ID, error) {
	if text == "" {
		return actorid.ID{}, fmt.Errorf("%q names no actor: write <namespace>/<id or name>", namespace+"/")
	}
	// A facet is the actor it belongs to, and the names that lead to it; an actor's own name
	// may have slashes, and then nothing is stored under what looks like an id.
	if id, ok := actorid.ParseKey(namespace, text); ok && id.Root() != id {
		if _, found, err := p.Actor(id); err != nil || found {
			return id, err
		}
		return actorid.ID{}, fmt.Errorf("facet %s of namespace %q: %w%s", text, namespace, ErrUnknown, nearActors(ctx, p, namespace, text))
	}
	factory := ids(namespace)
	id := factory.FromName(text)
	isID := false
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == actorid.Size {
		isID = true
		if id, err = factory.Parse(text); err != nil {
			for _, n := range names {
				if _, err := ids(n).Parse(text); err == nil {
					return actorid.ID{}, fmt.Errorf("the id %s belongs to namespace %q, not to %q", text, n, namespace)
				}
			}
			// Another program may have stored ids of its own making.
			id = actorid.ID{Namespace: namespace, Key: string(raw)}
		}
	}
	_, found, err := p.Actor(id)
	switch {
	case err != nil:
		return actorid.ID{}, err
	case found:
		return id, nil
	case isID:
		return actorid.ID{}, fmt.Errorf("actor %s of namespace %q: %w%s", text, namespace, ErrUnknown, nearActors(ctx, p, namespace, text))
	}
	return actorid.ID{}, fmt.Errorf("actor %q of namespace %q (id %s): %w%s", text, namespace, id, ErrUnknown, nearActors(ctx, p, namespace, text))
}

func ids(namespace string) *actorid.Factory { return actorid.NewFactory(namespace, nil) }

// near lists the names that are like the one that was given.
func near(wanted string, names []string) string {
	if len(names) == 0 {
		return "; nothing is"
	}
	list := closest(wanted, names)
	text := "; there "
	if len(list) == 1 {
		text += "is "
	} else {
		text += "are "
	}
	quoted := make([]string, len(list))
	for i, n := range list {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	text += strings.Join(quoted, ", ")
	if more := len(names) - len(list); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// nearActors lists the actors of a namespace whose ids or stored names are like text.
func nearActors(ctx context.Context, p *bolt.Snapshot, namespace, text string) string {
	var names []string
	n := 0
	for a, err := range p.Actors(ctx, namespace) {
		if err != nil || n == maxNearScan {
			break // it is a hint only
		}
		n++
		names = append(names, a.Actor.String())
		if a.Alarm.Name != "" {
			names = append(names, a.Alarm.Name)
		}
	}
	list := closest(text, names)
	quoted := make([]string, len(list))
	for i, name := range list {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return "; near it: " + strings.Join(quoted, ", ")
}

// closest are the names with the least distance to the one that was given.
func closest(wanted string, names []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	list := make([]candidate, 0, len(names))
	for _, n := range names {
		d := distance(strings.ToLower(clip(wanted)), strings.ToLower(clip(n)))
		if strings.Contains(strings.ToLower(n), strings.ToLower(wanted)) {
			d = 0
		}
		list = append(list, candidate{n, d})
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	out := make([]string, 0, maxNear)
	for _, c := range list[:min(maxNear, len(list))] {
		out = append(out, c.name)
	}
	return out
}

// clip keeps the comparison of long names cheap.
func clip(s string) string { return s[:min(len(s), 64)] }

// distance is the number of bytes to insert, delete or change (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
