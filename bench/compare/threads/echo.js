const { inner } = require("./shim.js");
inner.receive((v) => inner.post(v, v instanceof ArrayBuffer ? [v] : undefined));
inner.post("ready");
