import Worker from "worker";

Worker.on("message", (how: string) => {
  if (how === "peace") {
    Worker.postMessage("peace");
    return;
  }
  // As the actor's.
  for (let s = "x"; ; ) s += s;
});
