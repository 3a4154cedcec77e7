console.log("worker: ready");

onmessage = ({ data }) => {
  console.log("worker: %s %d deep", data.order, data.depth);
  setTimeout(() => postMessage("dug"), 100);
};
