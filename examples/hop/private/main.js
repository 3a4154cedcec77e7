'use hopscript';
// Two workers run the same file; each has a service without a name and a counter of its
// own. Who has the handle can call the service.
function start(title) {
  const worker = new Worker("./worker.js");
  worker.onmessage = (message) => {
    worker.count = message.data;
    console.log("main: %s has given its service", title);
    if (left.count && right.count) console.log("main: http://localhost:%d/hop/both is ready", hop.port);
  };
  worker.title = title;
  return worker;
}

const left = start("left");
const right = start("right");

service both() {
  return Promise.all([left, right].map((w) => w.count(w.title).post()))
    .then((parts) => hop.HTTPResponseXml(`<ul>${parts.join("")}</ul>`));
}
