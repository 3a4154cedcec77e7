'use hopscript';
let n = 0;

const count = service(title) {
  return `<li>${title}: ${++n}</li>`;
};

onmessage = () => {};

postMessage(count);
