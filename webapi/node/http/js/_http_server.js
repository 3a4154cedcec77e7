
// node:_http_server.
const { kServerResponse } = require("internal/http");
return { ...require("internal/http_server"), kServerResponse };
