
return require("node:util");
