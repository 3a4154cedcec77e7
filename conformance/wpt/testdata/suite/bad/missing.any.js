// META: script=nowhere.js
test(() => {}, 'not run');
