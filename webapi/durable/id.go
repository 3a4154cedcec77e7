// Package durable is what scripts see of actors: namespaces, ids, stubs, the
// state object and its storage.
//
// It knows actors only as event.Service and through small interfaces that package
// actor satisfies.
package durable

import (
	"workerd.local/actorid"
	"workerd.local/webapi/bind"
)

// ID is a DurableObjectId.
type ID struct {
	id   actorid.ID
	name *string // the name it was made from, if any
}

// idClass is filled in by defineID: its methods name the class.
var idClass = &bind.Class[ID]{Name: "DurableObjectId"}

func defineID() *bind.Class[ID] {
	*idClass = bind.Class[ID]{
		Name: "DurableObjectId",
		Getters: map[string]bind.Getter[ID]{
			"name":         (*ID).getName,
			"jurisdiction": (*ID).getJurisdiction,
		},
		Methods: map[string]bind.Method[ID]{
			"toString": (*ID).toString,
			"equals":   (*ID).equals,
		},
	}
	return idClass
}

func (i *ID) getName(*bind.Call) (any, error) {
	if i.name == nil {
		return nil, nil
	}
	return *i.name, nil
}

func (i *ID) getJurisdiction(*bind.Call) (any, error) { return nil, nil }

func (i *ID) toString(*bind.Call) (any, error) { return i.id.String(), nil }

// equals compares the bytes only, not the name.
func (i *ID) equals(c *bind.Call) (any, error) {
	other, ok := idClass.Unwrap(c.JS(), c.Arg(0))
	if !ok {
		return nil, c.BadArg(1, "DurableObjectId")
	}
	return i.id.Key == other.id.Key, nil
}
