const tally = require("./tally.js");

onmessage = (e) => {
  tally.add(100);
  postMessage(`"${e.data}" to you, my tally is ${tally.add(3)} (103 is right)`);
};
