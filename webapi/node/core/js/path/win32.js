
return require("node:path").win32;
