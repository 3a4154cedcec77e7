let n = 0;

onmessage = (e) => {
  const answer = e.data;
  answer(++n).post();
};

postMessage("ready");
