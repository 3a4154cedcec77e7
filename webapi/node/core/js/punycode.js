
// node:punycode.
return require("internal/punycode");
