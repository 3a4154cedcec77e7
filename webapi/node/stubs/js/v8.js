
// node:v8: there is no V8.
return require("internal/v8");
