package streams

import "workerd.local/webapi/bind"

// Module is what scripts see of the package.
var Module = bind.Module{
	Name: "streams",
	Globals: []bind.Global{
		defineReadable(),
		defaultReaderClass,
		byobReaderClass,
		defaultControllerClass,
		byteControllerClass,
		byobRequestClass,
		defineWritable(),
		writerClass,
		writeControllerClass,
		TransformClass,
		transformControllerClass,
		IdentityClass,
		fixedLengthClass,
		countStrategyClass,
		byteStrategyClass,
	},
}
