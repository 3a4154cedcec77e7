
return require("node:path");
