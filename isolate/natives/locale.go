package natives

import "github.com/dop251/goja"

func (e *env) bigIntToLocaleString(call goja.FunctionCall) goja.Value { return undefined }
