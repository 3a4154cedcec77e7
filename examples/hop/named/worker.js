'use hopscript';
let n = 0;

service visits({ by: "nobody" }) {
  n++;
  return `visit ${n} by ${by}`;
}

postMessage(visits.name);
