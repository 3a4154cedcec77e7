require("./shim.js").inner.post("ready");
while (true);
