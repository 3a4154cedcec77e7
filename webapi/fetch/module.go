package fetch

import "workerd.local/webapi/bind"

// Module is what scripts see of the package.
var Module = bind.Module{
	Name:  "fetch",
	Setup: setup,
	Globals: []bind.Global{
		HeadersClass,
		defineRequest(),
		defineResponse(),
		FormDataClass,
		fetchFunc,
	},
}
