package durable

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/webapi/bind"
)

// facets is a DurableObjectFacets, ctx.facets. No object of this server can have facets;
// what is wrong with a call is told first.
type facets struct{}

// maxFacetName bounds the name of a facet (workerd).
const maxFacetName = 256

var facetsClass = &bind.Class[facets]{
	Name: "DurableObjectFacets",
	Methods: map[string]bind.Method[facets]{
		"get": func(_ *facets, c *bind.Call) (any, error) {
			var name string
			var start bind.Function
			return nil, noFacets(c, []*string{&name}, "name", &name, "getStartupOptions", &start)
		},
		"abort": func(_ *facets, c *bind.Call) (any, error) {
			var name string
			var reason goja.Value
			return nil, noFacets(c, []*string{&name}, "name", &name, "reason", &reason)
		},
		"delete": func(_ *facets, c *bind.Call) (any, error) {
			var name string
			return nil, noFacets(c, []*string{&name}, "name", &name)
		},
		"clone": func(_ *facets, c *bind.Call) (any, error) {
			var from, to string
			return nil, noFacets(c, []*string{&from, &to}, "src", &from, "dst", &to)
		},
	},
}

func noFacets(c *bind.Call, names []*string, arguments ...any) error {
	if err := c.Unpack(arguments...); err != nil {
		return err
	}
	for _, name := range names {
		if len(*name) > maxFacetName {
			return exception.TypeErrorf("Facet name is too long (max %d characters).", maxFacetName)
		}
	}
	return exception.Errorf("This Durable Object does not support creating facets.")
}
