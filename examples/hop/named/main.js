'use hopscript';
// A service can be defined on any thread; its name is enough to call it.
const hop = require("hop");

const worker = new Worker("./worker.js");

worker.onmessage = async (e) => {
  service visits(); // defined in worker.js
  console.log("main: %s is at %s", e.data, String(visits({ by: "main" })));
  console.log("main:", await visits({ by: "main" }).post());
  console.log("main: http://%s:%d/hop/page is ready", hop.hostname, hop.port);
};

service page({ title: "Visits" }) {
  service visits();
  return visits({ by: title }).post().then((text) => hop.HTTPResponseXml(`<h1>${title}</h1><p>${text}</p>`));
}
